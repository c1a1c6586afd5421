"""Sorting, and searching in sorted arrays."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad.errors import at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import INT64

from .arithmetic import absolute, add, multiply, remainder, subtract
from .joining import concatenate
from .picking import take, take_along_axis
from .promotion import (
    Operand,
    as_array_operand,
    as_dtype,
    common_dtype,
    convert,
    filled,
    strong,
)
from .selection import where
from .shapes import atleast_1d, broadcast_to, flip, moveaxis, ravel


def sort(
    a: Any,
    axis: int | None = -1,
    kind: str | None = None,
    order: None = None,
    *,
    stable: bool = True,
    descending: bool = False,
) -> Any:
    """The elements in ascending order along `axis` (flattened if None); nan at the end.

    Sorting is always stable; `kind` is accepted for NumPy's sake, `descending` reverses. The
    derivative follows the elements to their places. Raises ValueError for `order`: there are no
    arrays with fields; AxisError for an axis that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.sort(jnp.array([3.0, jnp.nan, 1.0]))
    Array([ 1.,  3., nan])
    """
    _no_order(order)
    x, place = _along(a, axis)
    return apply(ops.sort, x, axis=place, num_keys=1, descending=descending)[0]


def _along(a: Any, axis: int | None) -> tuple[Operand, int]:
    x = strong(as_array_operand(a))
    if axis is None:
        return ravel(x), 0
    if x.ndim == 0:
        raise np.exceptions.AxisError(axis, 0)
    return x, normalize_axis_index(axis, x.ndim)


def _along_vector(a: Any, axis: int | None) -> tuple[Operand, int]:
    """The same, where a scalar counts as a vector of one."""
    return _along(atleast_1d(a) if axis in (-1, 0) and np.ndim(a) == 0 else a, axis)


def argsort(
    a: Any,
    axis: int | None = -1,
    kind: str | None = None,
    order: None = None,
    *,
    stable: bool = True,
    descending: bool = False,
    dtype: Any = None,
) -> Any:
    """Indices that sort `a` along `axis` (flattened if None); of equal elements the first leads.

    A scalar counts as a vector of one, as for NumPy. Indices are int64, or of `dtype`; nan is last.
    Options and errors are those of `sort`.

    >>> import jitad.numpy as jnp
    >>> jnp.argsort(jnp.array([3.0, 1.0, 2.0]))
    Array([1, 2, 0])
    """
    _no_order(order)
    x, place = _along_vector(a, axis)
    found = apply(ops.argsort, x, axis=place, descending=descending)
    return found if dtype is None else convert(found, as_dtype(dtype))


def _no_order(order: Any) -> None:
    if order is not None:
        raise ValueError(at_user_line("Cannot specify order when the array has no fields."))


MERGED = 32
"""Length below which rows are ordered by all keys at once, by merging; longer ones by one key after
the other, the last one deciding first."""


def lexsort(keys: Any, axis: int = -1) -> Any:
    """Indices, int64, that sort by the last of `keys`, ties by the one before, and so on.

    The keys have one shape; each vector along `axis` is sorted. Raises TypeError for no keys.

    >>> import jitad.numpy as jnp
    >>> jnp.lexsort((jnp.array([2, 1, 3]), jnp.array([1, 1, 0])))
    Array([2, 1, 0])
    """
    arrays = [as_array_operand(k) for k in keys]
    if not arrays:
        raise TypeError(at_user_line("need sequence of keys with len > 0 in lexsort"))
    place = normalize_axis_index(axis, arrays[0].ndim)
    first, *others = arrays
    if first.shape[place] < MERGED or any(key.shape != first.shape for key in others):
        counter = apply(ops.iota, shape=arrays[0].shape, dim=place, dtype=INT64)
        params = {"axis": place, "num_keys": len(arrays), "descending": False}
        return apply(ops.sort, *reversed(arrays), counter, **params)[-1]
    order = apply(ops.argsort, first, axis=place, descending=False)
    for key in others:
        step = apply(ops.argsort, take_along_axis(key, order, place), axis=place, descending=False)
        order = take_along_axis(order, step, place)
    return order


FEW_PARTS = 4
"""Places at most where rows are divided rather than sorted."""


def _is_long(a: Operand, length: int, ranks: int) -> bool:
    """Whether dividing rows of this length pays: each rank is another search; many rows make up for
    the time it takes to compile."""
    return length > (256 if math.prod(a.shape) >= 1 << 16 else 1024) * ranks


def _ranks(a: Operand, kth: Any, place: int) -> tuple[int, ...] | None:
    """The ranks `kth` along axis `place` in rising order, or None if sorting is better or they are
    not known. Raises ValueError unless each of them is an index along the axis."""
    if isinstance(kth, Tracer):
        return None
    length = a.shape[place]
    found = {operator.index(k) for k in np.ravel(kth)}
    for k in found:
        if not -length <= k < length:
            raise ValueError(at_user_line(f"kth(={k}) out of bounds ({length})"))
    ranks = sorted({k % length for k in found})
    has_keys = a.dtype.kind in "iuf" and a.dtype.itemsize >= 4
    suits = has_keys and 0 < len(ranks) <= FEW_PARTS and _is_long(a, length, len(ranks))
    return tuple(ranks) if suits else None


def _divided(op: Any, a: Operand, ranks: tuple[int, ...], place: int) -> Operand:
    """`op`, which divides rows along the last axis, along axis `place`."""
    return moveaxis(apply(op, moveaxis(a, place, -1), ranks=ranks), -1, place)


def partition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    """`a` with elements `kth`, an int or several, in their sorted places along `axis` (flattened if
    None): less or equal ones are before, greater or equal ones behind each of them.

    nan counts as greater than any number. Short rows are sorted, as are those of complex numbers.
    The derivative follows the elements to their places. Raises ValueError for `kth` out of bounds.

    >>> import jitad.numpy as jnp
    >>> jnp.partition(jnp.array([3, 1, 2]), 1)
    Array([1, 2, 3])
    """
    x, place = _along(a, axis)
    ranks = _ranks(x, kth, place)
    return sort(x, place) if ranks is None else _divided(ops.partition, x, ranks, place)


def argpartition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    """Indices, int64, that put the elements in the order that `partition` gives them, but for those
    between two of `kth`, which may be in another order.

    Arguments and errors are those of `partition`.

    >>> import jitad.numpy as jnp
    >>> jnp.argpartition(jnp.array([3, 1, 2]), 1)
    Array([1, 2, 0])
    """
    x, place = _along_vector(a, axis)
    ranks = _ranks(x, kth, place)
    return argsort(x, place) if ranks is None else _divided(ops.argpartition, x, ranks, place)


def sort_complex(a: Any) -> Any:
    """The elements as complex numbers, by real part, then imaginary part, along the last axis.

    In complex64 those of it and of integers of 16 bits or less, all else in complex128.

    >>> import jitad.numpy as jnp
    >>> jnp.sort_complex(jnp.array([2 + 1j, 1 + 2j, 1 - 1j]))
    Array([1.-1.j, 1.+2.j, 2.+1.j])
    """
    x = as_array_operand(a)
    small = x.dtype.kind in "iu" and x.dtype.itemsize <= 2
    target = x.dtype if x.dtype.kind == "c" else np.dtype("complex64" if small else "complex128")
    return sort(convert(x, target))


_SEARCHES = ("scan", "scan_unrolled", "sort", "compare_all")
"""The algorithms that JAX lets one choose from."""


def searchsorted(
    a: Any, v: Any, side: str = "left", sorter: Any = None, *, method: str = "scan"
) -> Any:
    """Places, int64, in the sorted vector `a` before which to insert `v`.

    They have the shape of `v`: the first place that keeps order ("left"), or the last ("right"). By
    bisection, log2(n) steps, whichever of JAX's algorithms `method` names; `sorter` are indices
    that sort `a`. Raises ValueError for other names, and if `a` is no vector.

    >>> import jitad.numpy as jnp
    >>> jnp.searchsorted(jnp.array([1.0, 2.0, 2.0, 3.0]), jnp.array([2.0, 5.0]))
    Array([1, 4])
    """
    if method not in _SEARCHES:
        raise ValueError(
            at_user_line(f"method must be one of {', '.join(_SEARCHES)}; got {method!r}")
        )
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


def digitize(x: Any, bins: Any, right: bool = False, *, method: str | None = None) -> Any:
    """Number, int64, of the bin in which each element lies, for the edges `bins`, a vector.

    Edges rise, or fall where they are known. A bin has its lower edge (its upper one if `right`);
    elements before the first edge are in bin 0. `method` as for `searchsorted`, of which it makes
    no difference.

    >>> import jitad.numpy as jnp
    >>> jnp.digitize(jnp.array([0.2, 6.4, 3.0]), jnp.array([0.0, 1.0, 2.5, 4.0]))
    Array([1, 4, 3])
    """
    edges = as_array_operand(bins)
    if edges.ndim != 1:
        raise ValueError(
            at_user_line(f"digitize: expected a vector of edges as bins; got shape {edges.shape}")
        )
    if not hasattr(edges, "concrete") and edges.shape[0] > 1 and edges[0] > edges[-1]:
        found = searchsorted(flip(edges), x, "right" if not right else "left")
        return subtract(edges.shape[0], found)
    return searchsorted(edges, x, "left" if right else "right")


def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Linear interpolation at `x` of the points (xp, fp), xp rising.

    In the shape of `x`; `xp` and `fp` are vectors of one length (else ValueError). `left` and
    `right` are the values beyond (default: those at the ends; "extrapolate" goes on in the line of
    the last two points). With a `period` the points repeat, xp in any order. Derivatives in all of
    them.

    >>> import jitad.numpy as jnp
    >>> jnp.interp(jnp.array([0.5, 3.0]), jnp.array([0.0, 1.0]), jnp.array([0.0, 2.0]))
    Array([1., 2.])
    >>> jnp.interp(3.0, jnp.array([0.0, 1.0]), jnp.array([0.0, 2.0]), right="extrapolate")
    Array(6.)
    """
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
    for edge, beyond, given, at_edge in (
        (points[0], ops.lt, left, first),
        (points[n - 1], ops.gt, right, last),
    ):
        if isinstance(given, str):
            _require_extrapolate(given)
            continue
        outside = apply(beyond, at, broadcast_to(edge, at.shape))
        result = where(outside, at_edge if given is None else given, result)
    return result


def _require_extrapolate(word: str) -> None:
    if word != "extrapolate":
        raise ValueError(
            at_user_line(f"interp: expected a number, None or 'extrapolate'; got {word!r}")
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


def top_k(
    a: Any, k: int, /, *, axis: int = -1, mode: str = "largest", sorted: bool = True
) -> tuple[Any, Any]:
    """The `k` greatest elements along `axis`, greatest first, and their indices (int64).

    The least ones, least first, for `mode` "smallest". Of equal elements the first leads; nan
    counts as greater than any number. `sorted` makes no difference. Raises ValueError for k beyond
    the length of the axis, and for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.top_k(jnp.array([9.0, 3.0, 6.0, 10.0]), 2)
    (Array([10.,  9.]), Array([3, 0]))
    >>> jnp.top_k(jnp.array([9.0, 3.0, 6.0, 10.0]), 2, mode="smallest")
    (Array([3., 6.]), Array([1, 2]))
    """
    x = strong(as_array_operand(a))
    if x.dtype.kind == "c":
        raise ValueError(at_user_line("top_k is not compatible with complex inputs."))
    if mode not in ("largest", "smallest"):
        raise ValueError(at_user_line(f"mode must be 'largest' or 'smallest', got {mode!r}"))
    rows = moveaxis(x, normalize_axis_index(axis, x.ndim), -1)
    count = operator.index(k)
    if not 0 <= count <= rows.shape[-1]:
        raise ValueError(
            at_user_line(f"top_k: expected k from 0 to {rows.shape[-1]}, the axis' length; got {k}")
        )
    if mode == "largest":
        found = apply(ops.top_k, rows, k=count)
    else:
        counter = apply(ops.iota, shape=rows.shape, dim=rows.ndim - 1, dtype=INT64)
        last = rows.ndim - 1
        ordered = apply(ops.sort, rows, counter, axis=last, num_keys=1, descending=False)
        found = [part[..., :count] for part in ordered]
    values, indices = [moveaxis(part, -1, axis) for part in found]
    return values, indices
