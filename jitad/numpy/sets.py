"""Sets of distinct elements, sorted.

How many elements there are is known from the elements only: with `size=` the results have that
length, and the functions can be traced (see `finding`).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad.array import as_array
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import BOOL, INT64

from .finding import known, nonzero
from .joining import concatenate
from .logic import logical_and, logical_not, logical_or
from .membership import isin
from .picking import take
from .promotion import (
    Operand,
    as_array_operand,
    common_dtype,
    convert,
    filled,
)
from .reduce import cumsum
from .reduce import sum as sum_
from .selection import where
from .shapes import broadcast_to, moveaxis, ravel, reshape
from .sorting import argsort, lexsort, searchsorted


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    size: int | None = None,
    fill_value: Any = None,
    sorted: bool = True,
) -> Any:
    """The distinct elements (or parts along `axis`), sorted.

    On request also the index of the first of each, the place of every element among them, and how
    often each occurs. Elements must be known while tracing, unless there is a `size`: then so many
    are given, what is too many is left out, and `fill_value` (default: the least element) stands
    for what is missing, with count 0.

    >>> import jitad, jitad.numpy as jnp
    >>> jnp.unique(jnp.array([3, 1, 3, 1, 2]), return_counts=True)
    (Array([1, 2, 3]), Array([2, 1, 2]))
    >>> jitad.jit(lambda x: jnp.unique(x, size=4, fill_value=9))(jnp.array([3, 1, 3, 1, 2]))
    Array([1, 2, 3, 9])
    """
    if size is None:
        found = np.unique(
            known(ar, "unique"),
            return_index,
            return_inverse,
            return_counts,
            axis,
            equal_nan=equal_nan,
        )
        return tuple(map(as_array, found)) if isinstance(found, tuple) else as_array(found)
    x = as_array_operand(ar)
    parts = ravel(x) if axis is None else moveaxis(x, axis, 0)
    order, starts = _runs(parts, equal_nan)
    results = [_filled_up(parts, order, starts, size, fill_value)]
    if axis is not None:
        results[0] = moveaxis(results[0], 0, normalize_axis_index(axis, x.ndim))
    chosen = nonzero(starts, size=size, fill_value=0)[0] if order.shape[0] else None
    if return_index:
        results.append(order[:size] if chosen is None else take(order, chosen))
    if return_inverse:
        inverse = apply(ops.sub, cumsum(convert(starts, INT64)), filled(order, 1))
        back = _scattered(order, inverse)
        results.append(reshape(back, x.shape) if axis is None else back)
    if return_counts:
        results.append(_counts(starts, size))
    return tuple(results) if len(results) > 1 else results[0]


def _runs(parts: Operand, equal_nan: bool) -> tuple[Operand, Operand]:
    """The order that sorts the parts, and where in it a part differs from the one before."""
    length = parts.shape[0]
    if parts.ndim == 1:
        order = argsort(parts)
        columns = [take(parts, order)] if length else [parts]
    else:
        rows = reshape(parts, (length, math.prod(parts.shape[1:])))
        keys = [rows[:, k] for k in range(rows.shape[1])]
        order = lexsort(keys[::-1]) if keys else argsort(np.zeros(length))
        columns = [take(key, order) for key in keys]
    change: Any = np.zeros(max(length - 1, 0), np.bool_)
    for column in columns:
        before, after = column[:-1], column[1:]
        differ = apply(ops.ne, before, after)
        if equal_nan and column.dtype.kind in "fc":
            both = logical_and(apply(ops.ne, before, before), apply(ops.ne, after, after))
            differ = logical_and(differ, logical_not(both))
        change = logical_or(change, differ)
    return order, concatenate([np.ones(min(length, 1), np.bool_), change])


def _filled_up(parts: Operand, order: Any, starts: Any, size: int, fill: Any) -> Any:
    """The parts at the starts of runs; what is missing is `fill`, or the first part."""
    if not parts.shape[0]:
        value = convert(as_array_operand(0 if fill is None else fill), parts.dtype)
        return broadcast_to(value, (size, *parts.shape[1:]))
    found = take(parts, take(order, nonzero(starts, size=size, fill_value=0)[0]), 0)
    if fill is None:
        return found
    there = apply(ops.lt, np.arange(size), broadcast_to(sum_(convert(starts, INT64)), (size,)))
    mask = reshape(there, (size, *[1] * (found.ndim - 1)))
    return where(mask, found, convert(as_array_operand(fill), parts.dtype))


def _scattered(order: Any, values: Any) -> Any:
    """Element k of `values` at place `order[k]`."""
    length = order.shape[0]
    updates = reshape(values, (length, 1))
    empty = np.zeros(length, np.int64)
    options: dict[str, Any] = {"axes": (0,), "batch": 0, "mode": "drop", "unique": True}
    return apply(ops.scatter, empty, updates, order, **options) if length else empty


def _counts(starts: Any, size: int) -> Any:
    """Lengths of the runs that begin at `starts`; 0 for what is missing."""
    length = starts.shape[0]
    edges = nonzero(starts, size=size + 1, fill_value=length)[0]
    return apply(ops.sub, edges[1:], edges[:-1])


class UniqueAll(NamedTuple):
    """Result of `unique_all`."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """Result of `unique_counts`."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """Result of `unique_inverse`."""

    values: Any
    inverse_indices: Any


def unique_all(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueAll:
    """Distinct elements, indices of their firsts, places of all elements among them, and counts.

    A named tuple (values, indices, inverse_indices, counts), the array API's; nan is never equal to
    nan. `size` and `fill_value` as for `unique`.

    >>> import jitad.numpy as jnp
    >>> values, indices, inverse_indices, counts = jnp.unique_all(jnp.array([3, 1, 3]))
    >>> values, counts
    (Array([1, 3]), Array([1, 2]))
    """
    return UniqueAll(
        *unique(x, True, True, True, equal_nan=False, size=size, fill_value=fill_value)
    )


def unique_counts(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueCounts:
    """Distinct elements and how often each occurs; nan is never equal to nan.

    A named tuple (values, counts), the array API's. `size` and `fill_value` as for `unique`.

    >>> import jitad.numpy as jnp
    >>> jnp.unique_counts(jnp.array([3, 1, 3]))
    UniqueCounts(values=Array([1, 3]), counts=Array([1, 2]))
    """
    return UniqueCounts(
        *unique(x, return_counts=True, equal_nan=False, size=size, fill_value=fill_value)
    )


def unique_inverse(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueInverse:
    """Distinct elements and the place of every element among them; nan is never equal to nan.

    A named tuple (values, inverse_indices), the array API's. `size` and `fill_value` as for
    `unique`.

    >>> import jitad.numpy as jnp
    >>> jnp.unique_inverse(jnp.array([3, 1, 3]))
    UniqueInverse(values=Array([1, 3]), inverse_indices=Array([1, 0, 1]))
    """
    return UniqueInverse(
        *unique(x, return_inverse=True, equal_nan=False, size=size, fill_value=fill_value)
    )


def unique_values(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> Any:
    """Distinct elements, sorted, the array API's; nan is never equal to nan.

    `size` and `fill_value` as for `unique`.

    >>> import jitad.numpy as jnp
    >>> jnp.unique_values(jnp.array([3, 1, 3]))
    Array([1, 3])
    """
    return unique(x, equal_nan=False, size=size, fill_value=fill_value)


def _pair(ar1: Any, ar2: Any) -> tuple[Operand, Operand]:
    """Both arrays as vectors of their common dtype."""
    x, y = ravel(ar1), ravel(ar2)
    dtype = common_dtype([x, y])
    return convert(x, dtype), convert(y, dtype)


def union1d(ar1: Any, ar2: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The distinct elements of both arrays, sorted: a vector.

    `size` and `fill_value` as for `unique`.

    >>> import jitad.numpy as jnp
    >>> jnp.union1d(jnp.array([1, 3]), jnp.array([2, 3]))
    Array([1, 2, 3])
    """
    if size is None:
        return as_array(np.union1d(known(ar1, "union1d"), known(ar2, "union1d")))
    x, y = _pair(ar1, ar2)
    return unique(concatenate([x, y]), size=size, fill_value=fill_value)


def intersect1d(
    ar1: Any,
    ar2: Any,
    assume_unique: bool = False,
    return_indices: bool = False,
    *,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The distinct elements that are in both arrays, sorted: a vector.

    If `return_indices`, also the index of the first of each in both arrays. `assume_unique`
    promises that both have distinct elements. `size` as for `unique`: what is missing is
    `fill_value` (default: the least element found), its indices the lengths of the arrays.

    >>> import jitad.numpy as jnp
    >>> jnp.intersect1d(jnp.array([1, 3, 4]), jnp.array([3, 1, 1]))
    Array([1, 3])
    """
    if size is None:
        found = np.intersect1d(
            known(ar1, "intersect1d"), known(ar2, "intersect1d"), assume_unique, return_indices
        )
        return tuple(map(as_array, found)) if return_indices else as_array(found)
    x, y = _pair(ar1, ar2)
    own, first = unique(x, True, size=x.shape[0])
    distinct = _first_only(x)
    shared = logical_and(distinct, isin(own, y))
    chosen = nonzero(shared, size=size, fill_value=x.shape[0])[0]
    result = _taken(own, shared, chosen, fill_value)
    if not return_indices:
        return result
    other, second = unique(y, True, size=y.shape[0])
    place = searchsorted(other, take(own, chosen, mode="clip"))
    missing = apply(ops.eq, chosen, filled(chosen, x.shape[0]))
    in_x = where(missing, x.shape[0], take(first, chosen, mode="clip"))
    in_y = where(missing, y.shape[0], take(second, place, mode="clip"))
    return result, in_x, in_y


def _first_only(x: Operand) -> Any:
    """For `unique(x, size=len(x))`: which of its elements are not filled in."""
    starts = _runs(x, True)[1]
    count = sum_(convert(starts, INT64))
    return apply(ops.lt, np.arange(x.shape[0]), broadcast_to(count, x.shape))


def _taken(values: Any, mask: Any, chosen: Any, fill: Any) -> Any:
    """`values` at `chosen`; for what is missing `fill`, or the first of them."""
    if fill is None:
        first = take(values, chosen[:1], mode="clip")
        return where(
            apply(ops.lt, chosen, filled(chosen, values.shape[0])),
            take(values, chosen, mode="clip"),
            first,
        )
    return take(values, chosen, mode="fill", fill_value=fill)


def setdiff1d(
    ar1: Any,
    ar2: Any,
    assume_unique: bool = False,
    *,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The distinct elements of `ar1` that are not in `ar2`, sorted: a vector.

    `size` as for `unique`; what is missing is `fill_value` (default 0).

    >>> import jitad.numpy as jnp
    >>> jnp.setdiff1d(jnp.array([1, 2, 3]), jnp.array([2]))
    Array([1, 3])
    """
    if size is None:
        return as_array(
            np.setdiff1d(known(ar1, "setdiff1d"), known(ar2, "setdiff1d"), assume_unique)
        )
    x, y = _pair(ar1, ar2)
    own = x if assume_unique else unique(x, size=x.shape[0])
    keep = isin(own, y, invert=True)
    if not assume_unique:
        keep = logical_and(keep, _first_only(x))
    chosen = nonzero(keep, size=size, fill_value=x.shape[0])[0]
    return take(own, chosen, mode="fill", fill_value=0 if fill_value is None else fill_value)


def setxor1d(
    ar1: Any,
    ar2: Any,
    assume_unique: bool = False,
    *,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The distinct elements that are in one of the arrays only, sorted: a vector.

    `size` as for `unique`; what is missing is `fill_value` (default 0).

    >>> import jitad.numpy as jnp
    >>> jnp.setxor1d(jnp.array([1, 2, 3]), jnp.array([2, 4]))
    Array([1, 3, 4])
    """
    if size is None:
        return as_array(np.setxor1d(known(ar1, "setxor1d"), known(ar2, "setxor1d"), assume_unique))
    x, y = _pair(ar1, ar2)
    both = concatenate([x, y])
    own = unique(both, size=both.shape[0])
    once = apply(ops.ne, convert(isin(own, x), BOOL), convert(isin(own, y), BOOL))
    keep = logical_and(once, _first_only(both))
    chosen = nonzero(keep, size=size, fill_value=both.shape[0])[0]
    return take(own, chosen, mode="fill", fill_value=0 if fill_value is None else fill_value)
