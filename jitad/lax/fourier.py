"""`lax.fft`: discrete Fourier transforms over the last axes; and the barrier to optimizations."""

from __future__ import annotations

import enum
import operator
from collections.abc import Sequence
from typing import Any

from jitad_ir import ops
from jitad_ir.types import complex_dtype

from ..errors import at_user_line
from ..numpy.promotion import convert, in_parts, inexact
from ..trace import apply
from ..tree_util import tree_map
from .operands import as_array


class FftType(enum.IntEnum):
    """A kind of Fourier transform: forward, inverse, and both for real signals.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.fft(np.array([1.0, 2.0]), lax.FftType.FFT, (2,))
    Array([ 3.+0.j, -1.+0.j])
    """

    FFT = 0
    IFFT = 1
    RFFT = 2
    IRFFT = 3


def fft(x: Any, fft_type: FftType | str, fft_lengths: Sequence[int]) -> Any:
    """Discrete Fourier transform over the last axes of `x`, whose lengths are `fft_lengths`: those
    of the signal, of which a real one's spectrum (RFFT's result, IRFFT's operand) has n // 2 + 1
    along the last axis. Real operands become complex where they have to.

    Raises ValueError for lengths that do not fit and for RFFT of complex numbers.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.fft(np.array([1.0, 2.0, 3.0, 4.0]), "rfft", (4,))
    Array([10.+0.j, -2.+2.j, -2.+0.j])
    """
    name = fft_type.upper() if isinstance(fft_type, str) else FftType(fft_type).name
    if name not in FftType.__members__:
        known = ", ".join(FftType.__members__)
        raise ValueError(at_user_line(f"expected an fft_type of {known}; got {fft_type!r}"))
    operand = in_parts(inexact(as_array("fft", x)))
    lengths = tuple([operator.index(n) for n in fft_lengths])
    if name == "RFFT" and operand.dtype.kind == "c":
        raise ValueError(at_user_line(f"only real valued inputs supported for rfft; got {x.dtype}"))
    if name != "RFFT" and operand.dtype.kind == "f":
        operand = convert(operand, complex_dtype(operand.dtype))
    expected = lengths
    if name == "IRFFT" and lengths:
        expected = (*lengths[:-1], lengths[-1] // 2 + 1)
    if len(lengths) > operand.ndim or operand.shape[operand.ndim - len(lengths) :] != expected:
        raise ValueError(
            at_user_line(
                f"{name} of fft_lengths {lengths} takes operands with the last axes {expected}; "
                f"got shape {operand.shape}"
            )
        )
    if not lengths:
        return operand
    return apply(ops.fft, operand, kind=name.lower(), lengths=lengths)


def optimization_barrier(operand: Any, /) -> Any:
    """A pytree of arrays as it is: no pass of the compiler moves or merges computations across.

    >>> from jitad import lax
    >>> lax.optimization_barrier((1.0, 2.0))
    (Array(1.), Array(2.))
    """
    return tree_map(
        lambda leaf: apply(ops.optimization_barrier, as_array("optimization_barrier", leaf)),
        operand,
    )
