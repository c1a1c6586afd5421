"""New arrays: from numbers and sequences, by counting, and with a given structure."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from jitad.array import as_array
from jitad.errors import at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import DTYPES, FLOAT64, INT64

from .promotion import (
    Operand,
    as_array_operand,
    as_dtype,
    as_operand,
    common_dtype,
    convert,
    from_nested,
    strong,
)
from .shape import (
    as_shape,
    broadcast_to,
    expand_dims,
    moveaxis,
    ravel,
    reshape,
    stack,
)


def array(
    object: Any,
    dtype: Any = None,
    copy: bool | None = True,
    order: str | None = "K",
    subok: bool = False,
    ndmin: int = 0,
) -> Any:
    """An array of numbers, arrays or tracers, nested in lists and tuples to any depth."""
    x = strong(from_nested(object))
    if dtype is not None:
        x = convert(x, as_dtype(dtype))
    if ndmin > x.ndim:
        x = reshape(x, (1,) * (ndmin - x.ndim) + x.shape)
    if isinstance(x, Tracer):
        return x
    return as_array(np.array(x) if copy else x)


def asarray(
    a: Any, dtype: Any = None, order: str | None = None, *, copy: bool | None = None
) -> Any:
    """As `array`, without a copy of what is an array already."""
    return array(a, dtype, copy=copy)


def copy(a: Any, order: str = "K") -> Any:
    """The same elements in memory of their own."""
    return array(a)


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """`fill_value` (a number, or an array that broadcasts) everywhere."""
    value = as_operand(fill_value)
    found = common_dtype([value]) if dtype is None else as_dtype(dtype)
    lengths = as_shape(shape)
    if isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic):
        number = found.type(value).item()
        return apply(ops.full, value=number, shape=lengths, dtype=found)
    return broadcast_to(convert(value, found), lengths)


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Zeros; float64 unless `dtype` says otherwise."""
    found = FLOAT64 if dtype is None else as_dtype(dtype)
    return apply(ops.full, value=0, shape=as_shape(shape), dtype=found)


def ones(shape: Any, dtype: Any = None) -> Any:
    """Ones; float64 unless `dtype` says otherwise."""
    found = FLOAT64 if dtype is None else as_dtype(dtype)
    return apply(ops.full, value=1, shape=as_shape(shape), dtype=found)


def empty(shape: Any, dtype: Any = None) -> Any:
    """Zeros: there is no uninitialized memory here."""
    return zeros(shape, dtype)


def full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """`fill_value` everywhere, in the shape and dtype of `a` unless given."""
    x = as_array_operand(a)
    return full(
        x.shape if shape is None else shape, fill_value, x.dtype if dtype is None else dtype
    )


def zeros_like(a: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """Zeros in the shape and dtype of `a` unless given."""
    return full_like(a, 0, dtype, shape=shape)


def ones_like(a: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """Ones in the shape and dtype of `a` unless given."""
    return full_like(a, 1, dtype, shape=shape)


def empty_like(prototype: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """Zeros in the shape and dtype of `prototype` unless given."""
    return full_like(prototype, 0, dtype, shape=shape)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """start, start + step, ... below stop; from 0 if only `start` is given.

    The numbers are static: the length depends on them.
    """
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    numbers = [_static(x, "arange") for x in (start, stop, step)]
    # Python numbers are not weak here, in NumPy neither.
    given = np.result_type(INT64, *[np.asarray(x).dtype for x in numbers])
    found = as_dtype(given if dtype is None else dtype)
    first, last, delta = [
        x.item() if isinstance(x, (np.generic, np.ndarray)) else x for x in numbers
    ]
    if delta == 0:
        raise ZeroDivisionError(at_user_line("arange: step must not be 0"))
    count = max(math.ceil((last - first) / delta), 0)
    if found.kind == "b":
        return as_array(np.arange(first, last, delta, dtype=found))
    # As NumPy, the second number less the first is the step, in the result's dtype.
    if found.kind in "iu":
        base, second = int(first), int(first + delta)
        delta = (second - base) % 2 ** (8 * found.itemsize)  # as the bits of a wrapping product
        delta = np.uint64(delta).astype(found).item()
    else:
        base = found.type(first).item()
        delta = (found.type(first + delta) - found.type(first)).item()
    result = apply(ops.iota, shape=(count,), dim=0, dtype=found)
    if delta != 1:
        result = apply(ops.mul, result, delta)
    return apply(ops.add, result, base) if base != 0 else result


def _static(x: Any, name: str) -> Any:
    """A number that is known while tracing; raises TypeError for others."""
    x = as_operand(x)
    if isinstance(x, Tracer):
        if x.concrete is None:
            raise TypeError(
                at_user_line(
                    f"{name} needs numbers that are known while {x.owner.name} is traced, since "
                    "shapes are static; got a traced array. Name the argument in static_argnums"
                )
            )
        return x.concrete
    return x


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`num` numbers in equal steps from `start` to `stop` (left out unless `endpoint`).

    `start` and `stop` may be arrays, which gives a new axis `axis`. With `retstep`, also the step.
    """
    count = operator.index(num)
    if count < 0:
        raise ValueError(at_user_line(f"Number of samples, {count}, must be non-negative."))
    first, last = as_operand(start), as_operand(stop)
    found = common_dtype([first, last, 1.0])
    first, last = as_array_operand(convert(first, found)), as_array_operand(convert(last, found))
    first, last = _same_shape(first, last)
    steps = count - 1 if endpoint else count
    width = apply(ops.sub, last, first)
    place = (count, *[1] * first.ndim)
    counter = reshape(apply(ops.iota, shape=(count,), dim=0, dtype=found), place)
    shape = (count, *first.shape)
    counter = broadcast_to(counter, shape)
    step = apply(ops.div, width, float(steps)) if steps > 0 else apply(ops.mul, width, math.nan)
    if steps > 0:
        offsets = apply(ops.mul, counter, broadcast_to(step, shape))
    else:
        offsets = apply(ops.mul, counter, broadcast_to(width, shape))
    result = apply(ops.add, offsets, broadcast_to(first, shape))
    if endpoint and count > 1:
        at_end = apply(ops.eq, counter, float(count - 1))
        result = apply(ops.select, at_end, broadcast_to(last, shape), result)
    if dtype is not None:
        target = as_dtype(dtype)
        if target.kind in "iu":
            result = apply(ops.floor, result)
        result = convert(result, target)
    result = moveaxis(result, 0, axis) if axis else result
    return (result, step) if retstep else result


def _same_shape(x: Operand, y: Operand) -> tuple[Operand, Operand]:
    shape = np.broadcast_shapes(x.shape, y.shape)
    return broadcast_to(x, shape), broadcast_to(y, shape)


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """base ** linspace(start, stop)."""
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    base = convert(as_operand(base), common_dtype([exponents, as_operand(base)]))
    base = broadcast_to(base, exponents.shape)
    result = apply(ops.pow, base, convert(exponents, base.dtype))
    return result if dtype is None else convert(result, as_dtype(dtype))


def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`num` numbers from `start` to `stop`, each a fixed factor times the one before.

    Both ends have one sign; neither is 0.
    """
    first = as_array_operand(convert(as_operand(start), common_dtype([as_operand(start), 1.0])))
    last = as_array_operand(convert(as_operand(stop), common_dtype([as_operand(stop), 1.0])))
    sign = apply(ops.sign, first)
    ends = [apply(ops.log10, apply(ops.abs, x)) for x in (first, last)]
    result = logspace(ends[0], ends[1], num, endpoint, axis=axis)
    result = apply(ops.mul, result, broadcast_to(expand_dims(sign, axis), result.shape))
    return result if dtype is None else convert(result, as_dtype(dtype))


# Matrices with a structure.


def _counters(n: int, m: int) -> tuple[Operand, Operand]:
    """Row and column number of each element of an n x m matrix."""
    return (
        apply(ops.iota, shape=(n, m), dim=0, dtype=INT64),
        apply(ops.iota, shape=(n, m), dim=1, dtype=INT64),
    )


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """An N x M matrix with ones on the diagonal `k` (above the main one if positive)."""
    n, m = operator.index(N), operator.index(N if M is None else M)
    rows, columns = _counters(n, m)
    on = apply(ops.eq, apply(ops.add, rows, operator.index(k)), columns)
    return convert(on, FLOAT64 if dtype is None else as_dtype(dtype))


def identity(n: int, dtype: Any = None) -> Any:
    """The n x n unit matrix."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Ones on and below the diagonal `k`, zeros above."""
    n, m = operator.index(N), operator.index(N if M is None else M)
    return convert(_lower(n, m, k), FLOAT64 if dtype is None else as_dtype(dtype))


def _lower(n: int, m: int, k: int) -> Operand:
    rows, columns = _counters(n, m)
    return apply(ops.ge, apply(ops.add, rows, operator.index(k)), columns)


def tril(m: Any, k: int = 0) -> Any:
    """The elements on and below the diagonal `k` of each matrix, zeros above."""
    x = _matrices(m)
    keep = broadcast_to(_lower(x.shape[-2], x.shape[-1], k), x.shape)
    return apply(ops.select, keep, x, zeros_like(x))


def triu(m: Any, k: int = 0) -> Any:
    """The elements on and above the diagonal `k` of each matrix, zeros below."""
    x = _matrices(m)
    drop = broadcast_to(_lower(x.shape[-2], x.shape[-1], k - 1), x.shape)
    return apply(ops.select, drop, zeros_like(x), x)


def _matrices(m: Any) -> Operand:
    x = strong(as_array_operand(m))
    if x.ndim == 0:
        raise ValueError(at_user_line("expected an array of one or more axes; got a scalar"))
    return broadcast_to(x, (x.shape[0], x.shape[0])) if x.ndim == 1 else x


def diag(v: Any, k: int = 0) -> Any:
    """The matrix with the vector `v` on its diagonal `k`, or that diagonal of a matrix."""
    x = as_array_operand(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(at_user_line("Input must be 1- or 2-d."))
    n, k = x.shape[0], operator.index(k)
    side = n + (k if k > 0 else -k)
    if n == 0:
        return zeros((side, side), x.dtype)
    # In row-major order the diagonal's elements are side + 1 apart.
    low = k if k > 0 else -k * side
    high = side * side - low - (n + (n - 1) * side)
    zero = apply(ops.full, value=0, shape=(), dtype=x.dtype)
    flat = apply(ops.pad, x, zero, low=(low,), high=(high,), interior=(side,))
    return reshape(flat, (side, side))


def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with the elements of `v`, flattened, on its diagonal `k`."""
    return diag(ravel(v), k)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal `offset` in the plane of two axes, as the last axis of the result."""
    x = as_array_operand(a)
    if x.ndim < 2:
        raise ValueError(at_user_line("diag requires an array of at least two dimensions"))
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    *rest, n, m = x.shape
    k = operator.index(offset)
    count = max(min(n, m - k) if k >= 0 else min(n + k, m), 0)
    flat = reshape(x, (*rest, n * m))
    # In row-major order the diagonal's elements are m + 1 apart.
    start = 0 if count == 0 else k if k >= 0 else -k * m
    limit = start + (count - 1) * (m + 1) + 1 if count else 0
    zero, one = (0,) * len(rest), (1,) * len(rest)
    return apply(
        ops.slice,
        flat,
        start=(*zero, start),
        limit=(*rest, limit),
        stride=(*one, m + 1),
    )


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> list[Any]:
    """Coordinates of a grid from those along its axes; "xy" exchanges the first two axes."""
    if indexing not in ("xy", "ij"):
        raise ValueError(at_user_line("Valid values for `indexing` are 'xy' and 'ij'."))
    vectors = [ravel(x) for x in xi]
    count = len(vectors)
    places = list(range(count))
    if indexing == "xy" and count > 1:
        places[:2] = [1, 0]
    found = [
        reshape(v, [v.shape[0] if axis == place else 1 for axis in range(count)])
        for v, place in zip(vectors, places, strict=True)
    ]
    if sparse:
        return found
    shape = [1] * count
    for vector, place in zip(vectors, places, strict=True):
        shape[place] = vector.shape[0]
    return [broadcast_to(grid, shape) for grid in found]


def indices(dimensions: Any, dtype: Any = INT64, sparse: bool = False) -> Any:
    """The index of each element of an array of shape `dimensions`, stacked by axis."""
    shape = as_shape(dimensions)
    found = as_dtype(dtype)
    if sparse:
        return tuple(
            [
                reshape(arange(n, dtype=found), [n if i == axis else 1 for i in range(len(shape))])
                for axis, n in enumerate(shape)
            ]
        )
    counters = [apply(ops.iota, shape=shape, dim=axis, dtype=found) for axis in range(len(shape))]
    return stack(counters) if counters else zeros((0,), found)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Columns of powers of the vector `x`: from N - 1 down to 0, or up if `increasing`."""
    base = as_array_operand(x)
    if base.ndim != 1:
        raise ValueError(at_user_line("x must be a one-dimensional array or sequence."))
    count = base.shape[0] if N is None else operator.index(N)
    powers = range(count) if increasing else range(count - 1, -1, -1)
    columns = [apply(ops.integer_pow, base, exponent=p) for p in powers]
    return stack(columns, 1) if columns else zeros((base.shape[0], 0), base.dtype)


class _Grid:
    """`mgrid[0:3, 0:1:5j]`: coordinates of a grid from slices, as NumPy's (static)."""

    def __init__(self, numpy_grid: Any, name: str) -> None:
        self._grid = numpy_grid
        self.__name__ = name

    def __getitem__(self, key: Any) -> Any:
        found = self._grid[key]
        return tuple(map(as_array, found)) if isinstance(found, tuple) else as_array(found)


mgrid = _Grid(np.mgrid, "mgrid")
ogrid = _Grid(np.ogrid, "ogrid")


class _Concatenator:
    """`r_[...]` and `c_[...]`: slices, numbers and arrays joined along an axis."""

    def __init__(self, columns: bool) -> None:
        self._columns = columns

    def __getitem__(self, key: Any) -> Any:
        items = key if isinstance(key, tuple) else (key,)
        parts = [_range(item) if isinstance(item, slice) else item for item in items]
        if self._columns:
            arrays = [as_array_operand(p) for p in parts]
            return _join([reshape(p, (p.size, 1)) if p.ndim < 2 else p for p in arrays], -1)
        return _join([reshape(p, (1,)) if np.ndim(p) == 0 else p for p in parts], 0)


def _join(parts: list[Any], axis: int) -> Any:
    from_shape = [as_array_operand(p) for p in parts]
    dtype = common_dtype(from_shape)
    return apply(
        ops.concatenate, *[convert(p, dtype) for p in from_shape], axis=axis % from_shape[0].ndim
    )


def _range(item: slice) -> Any:
    start = 0 if item.start is None else item.start
    if isinstance(item.step, complex):
        return linspace(start, item.stop, int(abs(item.step)))
    return arange(start, item.stop, item.step)


r_ = _Concatenator(columns=False)
c_ = _Concatenator(columns=True)


def fromfunction(function: Any, shape: Any, *, dtype: Any = float, **kwargs: Any) -> Any:
    """`function` of the index arrays of `shape`."""
    return function(*indices(shape, dtype=DTYPES["f64"] if dtype is float else dtype), **kwargs)


def tril_indices(n: int, k: int = 0, m: int | None = None) -> Any:
    """Rows and columns of the elements on and below the diagonal `k`."""
    return tuple(map(as_array, np.tril_indices(n, k, m)))


def triu_indices(n: int, k: int = 0, m: int | None = None) -> Any:
    """Rows and columns of the elements on and above the diagonal `k`."""
    return tuple(map(as_array, np.triu_indices(n, k, m)))


def diag_indices(n: int, ndim: int = 2) -> Any:
    """Indices of the main diagonal of an array with `ndim` axes of length n."""
    return tuple(map(as_array, np.diag_indices(n, ndim)))
