"""Convolutions and correlations of arrays with any number of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.matrix_operands import in_common_dtype
from jitad.numpy.products import slide
from jitad.numpy.promotion import Operand, as_array_operand, strong
from jitad_ir.types import Shape

_MODES = ("full", "same", "valid")
_BOUNDARIES = {"fill": "constant", "pad": "constant", "wrap": "wrap", "circular": "wrap"}
_BOUNDARIES |= {"symm": "symmetric", "symmetric": "symmetric"}

_TRANSFORM_COST = 16
"""Products summed directly in the time that Fourier transforms take for an element and level."""


def _operands(in1: Any, in2: Any) -> tuple[Operand, Operand]:
    x, y = strong(as_array_operand(in1)), strong(as_array_operand(in2))
    if x.ndim != y.ndim:
        raise ValueError(at_user_line("in1 and in2 should have the same dimensionality"))
    return x, y


def _check_mode(mode: str) -> None:
    if mode not in _MODES:
        raise ValueError(at_user_line("acceptable mode flags are 'valid', 'same', or 'full'"))


def _swapped(mode: str, x: Shape, y: Shape) -> bool:
    """True if y is the array that holds the other one, in mode "valid"."""
    if mode != "valid":
        return False
    pairs = list(zip(x, y, strict=True))
    if all([n >= m for n, m in pairs]):
        return False
    if all([n <= m for n, m in pairs]):
        return True
    raise ValueError(
        at_user_line(
            "For 'valid' mode, one must be at least as large as the other in every dimension"
        )
    )


def _cropped(
    x: Operand,
    first: Shape,
    second: Shape,
    mode: str,
    axes: Sequence[int],
    *,
    late: bool = False,
) -> Operand:
    """The part of a full convolution that `mode` asks for, along `axes`. Of two elements in the
    middle of the second array, "same" is centred at the first one, or at the other if `late`."""
    index = [slice(None)] * x.ndim
    for axis in axes:
        n, m = first[axis], second[axis]
        if mode == "same":
            start = m // 2 if late else (m - 1) // 2
            index[axis] = slice(start, start + n)
        elif mode == "valid":
            index[axis] = slice(min(n, m) - 1, max(n, m))
    return x[tuple(index)]


def _directly(x: Operand, y: Operand, mode: str) -> Operand:
    """By sums of products. Bools are counted, and are true where any product is."""
    if x.dtype.kind == y.dtype.kind == "b":
        return _directly(x.astype(np.int64), y.astype(np.int64), mode) != 0
    if _swapped(mode, x.shape, y.shape):
        x, y = y, x
    starts = {
        "full": lambda m: (m - 1, m - 1),
        "same": lambda m: (m - 1 - (m - 1) // 2, (m - 1) // 2),
        "valid": lambda m: (0, 0),
    }
    return slide(x, jnp.flip(y), [starts[mode](m) for m in y.shape])


def convolve(
    in1: Any, in2: Any, mode: str = "full", method: str = "auto", precision: Any = None
) -> Any:
    """Sum over k of in1[k] in2[n - k], over all axes of two arrays with as many of them.

    `mode` "full"; "same": the middle of it, in the shape of `in1`; "valid": where the smaller array
    lies within the larger one. `method` "direct" sums products, "fft" transforms (of integers, and
    rounds), "auto" takes what is likely the faster; integers are summed. `precision` has no effect.

    The result has the dtype at which the operands meet. Raises ValueError for arrays of different
    numbers of axes, other modes and methods, and in mode "valid" if neither array holds the other.

    >>> convolve([1.0, 2.0, 3.0], [0.0, 1.0, 0.5])
    Array([0. , 1. , 2.5, 4. , 1.5])
    """
    x, y = _operands(in1, in2)
    _check_mode(mode)
    if method not in ("auto", "direct", "fft"):
        raise ValueError(at_user_line("Acceptable method flags are 'auto', 'direct', or 'fft'."))
    if x.ndim == 0:
        return x * y
    if x.size == 0 or y.size == 0:
        raise ValueError(at_user_line("convolve: expected arrays that are not empty"))
    exact = x.dtype.kind in "iub" and y.dtype.kind in "iub"
    if method == "auto":
        method = "direct" if exact or _is_small(x.shape, y.shape) else "fft"
    if method == "direct":
        return _directly(x, y, mode)
    result = fftconvolve(x, y, mode)
    dtype = jnp.result_type(x.dtype, y.dtype)
    return jnp.round(result).astype(dtype) if exact else result


def _is_small(x: Shape, y: Shape) -> bool:
    """True if summing products takes less time than transforms of the full length."""
    full = math.prod([n + m - 1 for n, m in zip(x, y, strict=True)])
    return math.prod(x) * math.prod(y) <= _TRANSFORM_COST * full * math.log2(full + 1)


def _reversed_conjugate(y: Operand) -> Operand:
    flipped = jnp.flip(y)
    return jnp.conj(flipped) if y.dtype.kind == "c" else flipped


def correlate(
    in1: Any, in2: Any, mode: str = "full", method: str = "auto", precision: Any = None
) -> Any:
    """Sum over k of in1[n + k] conj(in2[k]), over all axes: `convolve` with `in2` reversed and
    conjugated, which explains the parameters and errors.

    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5])
    Array([0.5, 2. , 3.5, 3. , 0. ])
    """
    x, y = _operands(in1, in2)
    return convolve(x, _reversed_conjugate(y), mode, method)


def convolve2d(
    in1: Any,
    in2: Any,
    mode: str = "full",
    boundary: str = "fill",
    fillvalue: Any = 0,
    precision: Any = None,
) -> Any:
    """`convolve` of two matrices, with the elements around `in1` given by `boundary`: "fill" (with
    `fillvalue`), "wrap" (the array again) or "symm" (its mirror image).

    Raises ValueError as `convolve` does, and for other boundaries.

    >>> convolve2d([[1.0, 2.0]], [[1.0, 1.0]], boundary="wrap")
    Array([[3., 3., 3.]])
    """
    x, y = _matrices(in1, in2, mode, boundary, "convolve2d")
    return _with_boundary(x, y, mode, boundary, fillvalue, late=False)


def _with_boundary(
    x: Operand, y: Operand, mode: str, boundary: str, fillvalue: Any, *, late: bool
) -> Operand:
    if mode == "valid":
        return _directly(x, y, mode)
    around = {"constant_values": fillvalue} if _BOUNDARIES[boundary] == "constant" else {}
    widths = [(m - 1, m - 1) for m in y.shape]
    padded = jnp.pad(x, widths, _BOUNDARIES[boundary], **around)
    found = _directly(padded, y, "valid")
    return _cropped(found, x.shape, y.shape, mode, (0, 1), late=late)


def _matrices(in1: Any, in2: Any, mode: str, boundary: str, name: str) -> tuple[Operand, Operand]:
    x, y = strong(as_array_operand(in1)), strong(as_array_operand(in2))
    if not x.ndim == y.ndim == 2:
        raise ValueError(at_user_line(f"{name} inputs must both be 2-D arrays"))
    _check_mode(mode)
    if boundary not in _BOUNDARIES:
        raise ValueError(
            at_user_line(
                "Acceptable boundary flags are 'fill', 'circular' (or 'wrap'), and 'symmetric' "
                "(or 'symm')."
            )
        )
    return x, y


def correlate2d(
    in1: Any,
    in2: Any,
    mode: str = "full",
    boundary: str = "fill",
    fillvalue: Any = 0,
    precision: Any = None,
) -> Any:
    """`correlate` of two matrices, with the elements around `in1` given by `boundary`: see
    `convolve2d`, which has the parameters, shapes and errors.

    >>> from jitad.scipy import signal
    >>> import numpy as np
    >>> signal.correlate2d(np.array([[1, 2], [3, 4]]), np.array([[1, 10]]), mode="valid")
    Array([[21],
           [43]])
    """
    x, y = _matrices(in1, in2, mode, boundary, "correlate2d")
    return _with_boundary(x, _reversed_conjugate(y), mode, boundary, fillvalue, late=True)


def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """`convolve` by Fourier transforms, along `axes` (default: all); the other axes broadcast.
    Integers give float64. For the modes and errors see `convolve`.

    >>> jnp.round(fftconvolve([1.0, 2.0, 3.0], [0.0, 1.0, 0.5]), 6) + 0.0
    Array([0. , 1. , 2.5, 4. , 1.5])
    """
    x, y = in_common_dtype(*_operands(in1, in2))
    _check_mode(mode)
    if x.ndim == 0:
        return x * y
    if x.size == 0 or y.size == 0:
        return jnp.zeros(0, x.dtype)
    along = range(x.ndim) if axes is None else sorted(normalize_axis_tuple(axes, x.ndim))
    if not along:
        raise ValueError(at_user_line("when provided, axes cannot be empty"))
    _check_other_axes(x.shape, y.shape, along)
    _swapped(mode, *[tuple([v.shape[axis] for axis in along]) for v in (x, y)])
    full = [x.shape[axis] + y.shape[axis] - 1 for axis in along]
    lengths = [_fast_length(n) for n in full]
    if x.dtype.kind == "f":
        spectrum = jnp.fft.rfftn(x, lengths, along) * jnp.fft.rfftn(y, lengths, along)
        result = jnp.fft.irfftn(spectrum, lengths, along)
    else:
        spectrum = jnp.fft.fftn(x, lengths, along) * jnp.fft.fftn(y, lengths, along)
        result = jnp.fft.ifftn(spectrum, lengths, along)
    index = [slice(None)] * result.ndim
    for axis, n in zip(along, full, strict=True):
        index[axis] = slice(0, n)
    return _cropped(result[tuple(index)], x.shape, y.shape, mode, along)


def _check_other_axes(x: Shape, y: Shape, along: Sequence[int]) -> None:
    for axis, (n, m) in enumerate(zip(x, y, strict=True)):
        if axis not in along and n != m and 1 not in (n, m):
            raise ValueError(at_user_line(f"incompatible shapes for in1 and in2: {x} and {y}"))


def _fast_length(n: int) -> int:
    """The least number from n on without prime factors but 2, 3 and 5."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1
