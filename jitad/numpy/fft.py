"""`jitad.numpy.fft`: discrete Fourier transforms, as `numpy.fft`, with derivatives and batching.

Lengths are static. float32 and complex64 are transformed in single precision, all else in double.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from jitad.array import as_array
from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import complex_dtype

from .arithmetic import conjugate
from .namespace import require_cpu
from .padding import pad
from .picking import roll
from .promotion import Operand, as_array_operand, convert, filled, in_parts, inexact, strong
from .shapes import moveaxis

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]
__dir__ = __all__.copy

_NORMS = {
    None: "backward",
    "backward": "backward",
    "ortho": "ortho",
    "forward": "forward",
}
_OPPOSITE = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _norm_of(norm: str | None) -> str:
    if norm not in _NORMS:
        raise ValueError(
            at_user_line(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
        )
    return _NORMS[norm]


def _axes_and_lengths(
    x: Operand, s: Sequence[int | None] | None, axes: Sequence[int] | None, half: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes transformed and the lengths of the signal along them; `half`: the last axis of `x`
    is half a spectrum."""
    if axes is None:
        count = x.ndim if s is None else len(s)
        found = tuple(range(-count, 0))
    else:
        found = tuple(axes)
    if s is not None and len(s) != len(found):
        raise ValueError(at_user_line("Shape and axes have different lengths."))
    places = tuple([normalize_axis_index(a, x.ndim) for a in found])
    present = [x.shape[a] for a in places]
    if half and present:
        present[-1] = 2 * (present[-1] - 1)
    given = [None] * len(places) if s is None else list(s)
    lengths = [
        # -1 is NumPy's word for the length there is.
        n if wanted is None or wanted == -1 else operator.index(wanted)
        for wanted, n in zip(given, present, strict=True)
    ]
    if s is None and half and places and x.shape[places[-1]] == 1:
        lengths[-1] = 0
    for n in lengths:
        if n < 1:
            raise ValueError(at_user_line(f"Invalid number of FFT data points ({n}) specified."))
    return places, tuple(lengths)


def _fitted(x: Operand, axes: Sequence[int], lengths: Sequence[int]) -> Operand:
    """`x` cut off or filled up with zeros along `axes`."""
    limit = list(x.shape)
    for axis, n in zip(axes, lengths, strict=True):
        limit[axis] = min(n, x.shape[axis])
    if tuple(limit) != x.shape:
        start, one = (0,) * x.ndim, (1,) * x.ndim
        x = apply(ops.slice, x, start=start, limit=tuple(limit), stride=one)
    widths = [(0, 0)] * x.ndim
    for axis, n in zip(axes, lengths, strict=True):
        widths[axis] = (0, n - x.shape[axis])
    return pad(x, widths) if any([width[1] for width in widths]) else x


def _transformed(
    kind: str,
    a: Any,
    s: Sequence[int | None] | None,
    axes: Sequence[int] | None,
    norm: str | None,
) -> Any:
    how = _norm_of(norm)
    x = in_parts(inexact(strong(as_array_operand(a))))
    places, lengths = _axes_and_lengths(x, s, axes, kind == "irfft")
    if kind == "rfft":
        if x.dtype.kind == "c":
            raise TypeError(at_user_line("ufunc 'rfft_n' does not take complex input"))
    else:
        x = convert(x, complex_dtype(x.dtype)) if x.dtype.kind == "f" else x
    if not places:
        if kind in ("rfft", "irfft"):
            raise IndexError(at_user_line("at least one axis must be transformed"))
        return x
    stored = (*lengths[:-1], lengths[-1] // 2 + 1) if kind == "irfft" else lengths
    if len(set(places)) != len(places):  # an axis that is transformed several times
        return _one_by_one(kind, x, lengths, places, norm)
    x = _fitted(x, places, stored)
    if _lie_well(kind, x, places, lengths):
        behind = x.ndim - 1 - places[-1]
        result = apply(ops.fft, x, kind=kind, lengths=lengths, behind=behind)
        return _normalized(result, kind, math.prod(lengths), how)
    ends = tuple(range(x.ndim - len(places), x.ndim))
    moved = moveaxis(x, places, ends) if places != ends else x
    result = apply(ops.fft, moved, kind=kind, lengths=lengths)
    result = _normalized(result, kind, math.prod(lengths), how)
    return moveaxis(result, ends, places) if places != ends else result


_COLUMNS = 8
"""Least columns that are transformed where they lie, and not transposed."""

_LONGEST = {"fft": 4096, "ifft": 4096, "rfft": 512, "irfft": 512}
"""Their greatest length: some side by side are in a cache. Real signals take half the work as rows,
where two neighbours make a complex number."""


def _lie_well(kind: str, x: Operand, axes: Sequence[int], lengths: Sequence[int]) -> bool:
    """True if the axes are neighbours, and not the last ones, with enough columns of a length that
    can be transformed where they lie."""
    end = axes[-1] + 1
    neighbours = tuple(axes) == tuple(range(end - len(axes), end)) and end < x.ndim
    return neighbours and math.prod(x.shape[end:]) >= _COLUMNS and max(lengths) <= _LONGEST[kind]


def _one_by_one(
    kind: str, x: Operand, lengths: Sequence[int], axes: Sequence[int], norm: str | None
) -> Operand:
    others = {"rfft": "fft", "irfft": "ifft"}.get(kind, kind)
    steps = [(others, n, axis) for n, axis in zip(lengths, axes, strict=True)]
    steps[-1] = (kind, *steps[-1][1:])
    for name, n, axis in steps if kind == "irfft" else reversed(steps):
        x = _transformed(name, x, (n,), (axis,), norm)
    return x


def _normalized(x: Operand, kind: str, count: int, norm: str) -> Operand:
    """The op divides inverse transforms by `count`: the rest of the factor that `norm` asks for."""
    inverse = kind in ("ifft", "irfft")
    power = {"backward": 0.0, "ortho": 0.5, "forward": 1.0}[norm]
    factor = float(count) ** (power if inverse else -power)
    return x if factor == 1 else apply(ops.mul, x, filled(x, factor))


def _along_one(kind: str, a: Any, n: int | None, axis: int, norm: str | None) -> Any:
    if n is not None and operator.index(n) < 1:
        raise ValueError(at_user_line(f"Invalid number of FFT data points ({n}) specified."))
    return _transformed(kind, a, None if n is None else (n,), (axis,), norm)


def fft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """Discrete Fourier transform: sum_j a_j exp(-2 pi i j k / n) for k = 0 ... n - 1 along `axis`.

    Complex64 of floats of up to 32 bits and of complex64, else complex128. `a` is cut off or filled
    up with zeros to `n`. `norm` says where the factor 1/n goes: "backward" (to the inverse),
    "forward" (here), or "ortho" (1/sqrt(n) in both).

    Raises ValueError for lengths below 1 and other norms, AxisError for an axis that `a` does not
    have.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.fft(jnp.array([1.0, 0.0, -1.0, 0.0]))
    Array([0.+0.j, 2.+0.j, 0.+0.j, 2.+0.j])
    """
    return _along_one("fft", a, n, axis, norm)


def ifft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `fft`: with exp(+2 pi i j k / n), divided by n.

    Arguments, dtypes and errors are those of `fft`.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.ifft(jnp.fft.fft(jnp.array([1.0, 2.0])))
    Array([1.+0.j, 2.+0.j])
    """
    return _along_one("ifft", a, n, axis, norm)


def rfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """`fft` of real numbers, for k = 0 ... n // 2: the others are the conjugates of these.

    Raises TypeError for complex numbers; other arguments and errors are those of `fft`.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.rfft(jnp.array([1.0, 2.0, 3.0, 4.0]))
    Array([10.+0.j, -2.+2.j, -2.+0.j])
    """
    return _along_one("rfft", a, n, axis, norm)


def irfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `rfft`, real, of length `n` (default 2 (m - 1) for m elements).

    Other arguments and errors are those of `fft`.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.irfft(jnp.fft.rfft(jnp.array([1.0, 2.0, 3.0, 4.0])))
    Array([1., 2., 3., 4.])
    """
    return _along_one("irfft", a, n, axis, norm)


def hfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The real spectrum, of length `n`, of a signal with a_(n-j) = conj(a_j), by its first half.

    `n` is 2 (m - 1) for m elements if None; other arguments and errors are those of `fft`.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.hfft(jnp.array([1.0, 2.0, 1.0]))
    Array([ 6.,  0., -2.,  0.])
    """
    return irfft(conjugate(as_array_operand(a)), n, axis, _OPPOSITE[_norm_of(norm)])


def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `hfft`: the first half, n // 2 + 1 elements, of the signal of a real spectrum.

    Arguments and errors are those of `rfft`.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.ihfft(jnp.array([6.0, 0.0, -2.0, 0.0]))
    Array([1.-0.j, 2.-0.j, 1.-0.j])
    """
    return conjugate(rfft(a, n, axis, _OPPOSITE[_norm_of(norm)]))


def fftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """`fft` along each of `axes` (default: all, or the last of them if `s` has lengths).

    `s` has a length for each of them. Other arguments, dtypes and errors are those of `fft`; raises
    ValueError if `s` and `axes` differ in length.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.fftn(jnp.ones((2, 2)))
    Array([[4.+0.j, 0.+0.j],
           [0.+0.j, 0.+0.j]])
    """
    return _transformed("fft", a, s, axes, norm)


def ifftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """`ifft` along each of `axes`: the inverse of `fftn`, whose arguments it has.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.ifftn(jnp.fft.fftn(jnp.array([[1.0, 2.0], [3.0, 4.0]]))).real
    Array([[1., 2.],
           [3., 4.]])
    """
    return _transformed("ifft", a, s, axes, norm)


def rfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """`rfft` along the last of `axes`, then `fft` along the others.

    Arguments and errors are those of `fftn`, but complex numbers raise TypeError.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.rfftn(jnp.ones((2, 3, 4))).shape
    (2, 3, 3)
    """
    return _transformed("rfft", a, s, axes, norm)


def irfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """`ifft` along `axes` but the last, then `irfft` along that: the inverse of `rfftn`.

    The last length is 2 (m - 1) for m elements, unless `s` has it. Other arguments are those of
    `fftn`.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.irfftn(jnp.fft.rfftn(jnp.array([[1.0, 2.0], [3.0, 4.0]])))
    Array([[1., 2.],
           [3., 4.]])
    """
    return _transformed("irfft", a, s, axes, norm)


def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """`fftn` along two axes, the last two by default.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.fft2(jnp.array([[1.0, 0.0], [0.0, 0.0]]))
    Array([[1.+0.j, 1.+0.j],
           [1.+0.j, 1.+0.j]])
    """
    return fftn(a, s, axes, norm)


def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """`ifftn` along two axes, the last two by default.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.ifft2(jnp.array([[4.0, 0.0], [0.0, 0.0]]))
    Array([[1.+0.j, 1.+0.j],
           [1.+0.j, 1.+0.j]])
    """
    return ifftn(a, s, axes, norm)


def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """`rfftn` along two axes, the last two by default.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.rfft2(jnp.ones((2, 4))).shape
    (2, 3)
    """
    return rfftn(a, s, axes, norm)


def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """`irfftn` along two axes, the last two by default.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.irfft2(jnp.fft.rfft2(jnp.array([[1.0, 2.0], [3.0, 4.0]])))
    Array([[1., 2.],
           [3., 4.]])
    """
    return irfftn(a, s, axes, norm)


def fftfreq(n: int, d: Any = 1.0, dtype: Any = None, *, device: Any = None) -> Any:
    """Frequencies of the elements of `fft` for n samples `d` apart: 0, 1, ..., -2, -1 over n d.

    In cycles per unit of `d`; float64 unless `dtype` is given. `n` is static; raises
    ZeroDivisionError for 0.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.fftfreq(4, d=0.5)
    Array([ 0. ,  0.5, -1. , -0.5])
    """
    require_cpu(device)
    return _frequencies(np.fft.fftfreq(operator.index(n)), d, dtype)


def rfftfreq(n: int, d: Any = 1.0, dtype: Any = None, *, device: Any = None) -> Any:
    """Frequencies of the elements of `rfft` for n samples `d` apart: 0, 1, ..., n // 2 over n d.

    In cycles per unit of `d`; float64 unless `dtype` is given. `n` is static; raises
    ZeroDivisionError for 0.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.rfftfreq(4, d=0.5)
    Array([0. , 0.5, 1. ])
    """
    require_cpu(device)
    return _frequencies(np.fft.rfftfreq(operator.index(n)), d, dtype)


def _frequencies(cycles: Any, d: Any, dtype: Any) -> Any:
    found = as_array(cycles) / d
    return found if dtype is None else found.astype(dtype)


def fftshift(x: Any, axes: Any = None) -> Any:
    """Frequency 0 moved to the middle of `axes` (an int, a tuple, or None for all).

    >>> import jitad.numpy as jnp
    >>> jnp.fft.fftshift(jnp.fft.fftfreq(4))
    Array([-0.5 , -0.25,  0.  ,  0.25])
    """
    return _shifted(x, axes, 1)


def ifftshift(x: Any, axes: Any = None) -> Any:
    """The inverse of `fftshift`: the middle of `axes` moved to their beginning.

    >>> import jitad.numpy as jnp
    >>> jnp.fft.ifftshift(jnp.array([-2, -1, 0, 1]))
    Array([ 0,  1, -2, -1])
    """
    return _shifted(x, axes, -1)


def _shifted(x: Any, axes: Any, direction: int) -> Any:
    x = strong(as_array_operand(x))
    if axes is None:
        axes = tuple(range(x.ndim))
    places = normalize_axis_tuple(axes, x.ndim, allow_duplicate=True)
    # n // 2 places on, or back.
    shifts = tuple([direction * (x.shape[a] // 2) for a in places])
    return roll(x, shifts, places)
