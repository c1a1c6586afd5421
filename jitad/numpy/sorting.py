"""Sorting, searching in sorted arrays, and order statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from jitad.errors import at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import INT64

from .arithmetic import absolute, add, multiply, remainder, subtract
from .picking import take, take_along_axis
from .promotion import (
    Operand,
    as_array_operand,
    common_dtype,
    convert,
    filled,
    inexact,
    strong,
)
from .reduce import any as any_
from .selection import clip, where
from .shapes import broadcast_to, concatenate, flip, moveaxis, ravel, reshape, transpose


def sort(
    a: Any,
    axis: int | None = -1,
    kind: str | None = None,
    *,
    stable: bool = True,
    descending: bool = False,
) -> Any:
    """The elements in ascending order along `axis` (flattened if None); nan at the end.

    Sorting is always stable; `kind` is accepted for NumPy's sake.
    """
    x, place = _along(a, axis)
    return apply(ops.sort, x, axis=place, num_keys=1, descending=descending)[0]


def _along(a: Any, axis: int | None) -> tuple[Operand, int]:
    x = strong(as_array_operand(a))
    if axis is None:
        return ravel(x), 0
    if x.ndim == 0:
        raise np.exceptions.AxisError(axis, 0)
    return x, normalize_axis_index(axis, x.ndim)


def argsort(
    a: Any,
    axis: int | None = -1,
    kind: str | None = None,
    *,
    stable: bool = True,
    descending: bool = False,
) -> Any:
    """Indices that sort `a` along `axis` (flattened if None); of equal elements the first leads."""
    x, place = _along(a, axis)
    counter = apply(ops.iota, shape=x.shape, dim=place, dtype=INT64)
    found = apply(ops.sort, x, counter, axis=place, num_keys=1, descending=descending)
    return found[1]


def lexsort(keys: Any, axis: int = -1) -> Any:
    """Indices that sort by the last of `keys`, ties by the one before, and so on."""
    arrays = [as_array_operand(k) for k in keys]
    if not arrays:
        raise TypeError(at_user_line("need sequence of keys with len > 0 in lexsort"))
    place = normalize_axis_index(axis, arrays[0].ndim)
    counter = apply(ops.iota, shape=arrays[0].shape, dim=place, dtype=INT64)
    count = len(arrays)
    found = apply(
        ops.sort, *reversed(arrays), counter, axis=place, num_keys=count, descending=False
    )
    return found[count]


def partition(a: Any, kth: Any, axis: int = -1) -> Any:
    """`a` with element `kth` in its sorted place along `axis`; here all elements are sorted."""
    return sort(a, axis)


def argpartition(a: Any, kth: Any, axis: int = -1) -> Any:
    """Indices that partition `a`; here they sort it."""
    return argsort(a, axis)


def sort_complex(a: Any) -> Any:
    """The elements as complex numbers, by real part, then imaginary part, along the last axis."""
    x = as_array_operand(a)
    target = np.dtype(
        "complex64" if x.dtype.itemsize <= 4 and x.dtype.kind == "f" else "complex128"
    )
    if x.dtype.kind == "c":
        target = x.dtype
    return sort(convert(x, target))


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Places in sorted `a` before which to insert `v`: the first that keeps order ("left"), or
    the last ("right"). By bisection, log2(n) steps."""
    if side not in ("left", "right"):
        raise ValueError(at_user_line(f"side must be 'left' or 'right'; got {side!r}"))
    x, values = as_array_operand(a), as_array_operand(v)
    if x.ndim != 1:
        raise ValueError(at_user_line("object too deep for desired array"))
    if sorter is not None:
        x = take(x, sorter)
    dtype = common_dtype([x, values])
    x, values = convert(x, dtype), convert(values, dtype)
    return apply(ops.searchsorted, x, values, right=side == "right")


def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """Number of the bin in which each element lies, for (known or rising) `bins` edges."""
    edges = as_array_operand(bins)
    if not hasattr(edges, "concrete") and edges.shape[0] > 1 and edges[0] > edges[-1]:
        found = searchsorted(flip(edges), x, "right" if not right else "left")
        return subtract(edges.shape[0], found)
    return searchsorted(edges, x, "left" if right else "right")


def median(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """The middle element over `axis` (None: all), or the mean of the two; nan if there is one."""
    return quantile(a, 0.5, axis, keepdims=keepdims)


def percentile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """Quantiles at `q` in percent."""
    return quantile(a, np.true_divide(q, 100), axis, method=method, keepdims=keepdims)


_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """Quantiles of the elements over `axis` (None: all) at `q` in [0, 1]; nan if one is nan.

    `q` may be an array, whose axes come first in the result. Between elements, `method` says
    "linear", "lower", "higher", "midpoint" or "nearest".
    """
    return quantile_of(a, q, axis, method, keepdims, ignore_nan=False)


def quantile_of(
    a: Any, q: Any, axis: Any, method: str, keepdims: bool, *, ignore_nan: bool
) -> Operand:
    """`quantile`, or `nanquantile` if `ignore_nan`: then of the rows' elements that are numbers,
    which sorting puts in front."""
    if method not in _METHODS:
        raise ValueError(at_user_line(f"expected method {', '.join(_METHODS)}; got {method!r}"))
    x = strong(as_array_operand(a))
    if method in ("linear", "midpoint"):
        x = inexact(x)
    rows, kept = _rows(x, axis)
    *rest, n = rows.shape
    if n == 0:
        raise ValueError(at_user_line("expected one element or more along the axis; got none"))
    levels = inexact(as_array_operand(q))
    if not isinstance(levels, Tracer) and not ((levels >= 0) & (levels <= 1)).all():
        raise ValueError(at_user_line("Quantiles must be in the range [0, 1]"))
    levels = convert(levels, x.dtype) if x.dtype.kind == "f" else levels
    shape = (*levels.shape, *rest)
    column = broadcast_to(reshape(levels, (*levels.shape, *[1] * len(rest))), shape)
    last: Any = float(n - 1)
    unknown = None
    ordered, at = _ordered(rows, levels, ignore_nan)
    if x.dtype.kind == "f":
        if ignore_nan:
            is_number = apply(ops.eq, rows, rows)
            last_axis = (len(rest),)
            count = convert(
                apply(ops.reduce_sum, convert(is_number, INT64), axes=last_axis), x.dtype
            )
            unknown = apply(ops.eq, count, 0)
            last = broadcast_to(subtract(count, 1.0), shape)
        else:
            unknown = any_(apply(ops.ne, rows, rows), -1)
    result = _between(ordered, multiply(column, last), method, at)
    if unknown is not None:
        result = where(broadcast_to(unknown, result.shape), math.nan, result)
    whole = [1 if i in kept else m for i, m in enumerate(x.shape)]
    return reshape(result, (*levels.shape, *whole)) if keepdims else result


FEW_RANKS, LONG_ROW = 8, 8192
"""So many elements of rows of this length are found in linear time rather than by sorting."""


def _ordered(
    rows: Operand, levels: Operand, ignore_nan: bool
) -> tuple[Operand, tuple[int, ...] | None]:
    """The rows sorted; or if the levels are few and known, those elements of the sorted rows that
    they ask for, and which these are."""
    n = rows.shape[-1]
    if n >= LONG_ROW and not isinstance(levels, Tracer) and not ignore_nan:
        exact = np.asarray(levels) * (n - 1)
        ranks = {int(f(place)) for place in exact.ravel() for f in (np.floor, np.ceil)}
        at = tuple(sorted(min(max(rank, 0), n - 1) for rank in ranks))
        if 0 < len(at) <= FEW_RANKS:
            return apply(ops.order_statistics, rows, ranks=at)[0], at
    sorted_rows = apply(ops.sort, rows, axis=rows.ndim - 1, num_keys=1, descending=False)[0]
    return sorted_rows, None


def _rows(x: Operand, axis: Any) -> tuple[Operand, tuple[int, ...]]:
    """`x` with the axes `axis` as one behind the others, and which they were."""
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    count = math.prod([x.shape[i] for i in axes])
    moved = transpose(x, (*rest, *axes))
    return reshape(moved, (*[x.shape[i] for i in rest], count)), axes


def _between(
    ordered: Operand, virtual: Operand, method: str, at: tuple[int, ...] | None
) -> Operand:
    """Elements of sorted rows (the last axis) at fractional places, given for each row (by their
    last axes). `at` tells which of their elements there are; None: all."""
    low, high = apply(ops.floor, virtual), apply(ops.ceil, virtual)
    rows = ordered.shape[:-1]

    def element(place: Operand) -> Operand:
        """The last axes of `place` are those of the rows, its first ones of the levels."""
        count = math.prod(virtual.shape[: virtual.ndim - len(rows)])
        flat = reshape(convert(place, INT64), (count, *rows))
        if at is not None:
            flat = searchsorted(np.array(at), flat)
        by_row = moveaxis(clip(flat, 0, ordered.shape[-1] - 1), 0, -1)
        return reshape(moveaxis(take_along_axis(ordered, by_row, -1), -1, 0), virtual.shape)

    if method == "nearest":
        return element(apply(ops.round, virtual))
    below, above = element(low), element(high)
    if method == "lower":
        return below
    if method == "higher":
        return above
    if method == "midpoint":
        return multiply(add(below, above), 0.5)
    share = convert(apply(ops.sub, virtual, low), below.dtype)
    step = subtract(above, below)
    # From the nearer end, as NumPy does: exact at both.
    from_below = add(below, multiply(step, share))
    from_above = subtract(above, multiply(step, subtract(1.0, share)))
    return apply(ops.select, apply(ops.ge, share, 0.5), from_above, from_below)


def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Linear interpolation at `x` of the points (xp, fp), xp rising; `left` and `right` beyond
    (default: the values at the ends). With a `period` the points repeat, xp in any order."""
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, period)
    points, values = as_array_operand(xp), as_array_operand(fp)
    dtype = common_dtype([as_array_operand(x), points, values, 1.0])
    at, points, values = (convert(as_array_operand(v), dtype) for v in (x, points, values))
    if points.ndim != 1 or points.shape != values.shape or not points.shape[0]:
        raise ValueError(at_user_line("fp and xp are not of the same length."))
    n = points.shape[0]
    place = searchsorted(points, at, "right")
    place = apply(ops.clamp, filled(place, 1), place, filled(place, max(n - 1, 1)))
    before = apply(ops.sub, place, 1)
    x0, x1 = take(points, before, mode="clip"), take(points, place, mode="clip")
    y0, y1 = take(values, before, mode="clip"), take(values, place, mode="clip")
    width = subtract(x1, x0)
    flat = apply(ops.eq, width, 0)
    width = apply(ops.select, flat, filled(width, 1), width)
    slope = apply(ops.div, subtract(y1, y0), width)
    result = add(multiply(slope, subtract(at, x0)), y0)
    first, last = values[0], values[n - 1]  # type: ignore[index]
    result = where(
        apply(ops.lt, at, broadcast_to(points[0], at.shape)),
        first if left is None else left,
        result,
    )
    return where(
        apply(ops.gt, at, broadcast_to(points[n - 1], at.shape)),
        last if right is None else right,
        result,
    )


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """`x` within a period, and the points within it in order, with one more at either end."""
    if not isinstance(period, Tracer) and period == 0:
        raise ValueError(at_user_line("period must be a non-zero value"))
    period = absolute(period)
    points, values = remainder(as_array_operand(xp), period), as_array_operand(fp)
    if points.ndim != 1 or values.shape != points.shape:
        raise ValueError(at_user_line("fp and xp are not of the same length."))
    order = argsort(points)
    points, values = take(points, order), take(values, order)
    points = concatenate([points[-1:] - period, points, points[:1] + period])
    values = concatenate([values[-1:], values, values[:1]])
    return remainder(x, period), points, values


def top_k(a: Any, k: int) -> tuple[Any, Any]:
    """The k greatest elements along the last axis, greatest first, and their indices."""
    return apply(ops.top_k, strong(as_array_operand(a)), k=k)
