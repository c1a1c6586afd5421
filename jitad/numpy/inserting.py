"""Arrays with parts more or less along an axis: `delete`, `insert`, `trim_zeros`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from jitad.argument_types import is_known
from jitad.errors import ConcretizationError, at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import INT64

from .padding import LARGE, take_stretches
from .picking import integer_indices, modulo, take
from .promotion import (
    Operand,
    as_array_operand,
    convert,
    strong,
)
from .shapes import broadcast_to, moveaxis, ravel, reshape


def delete(
    arr: Any, obj: Any, axis: int | None = None, *, assume_unique_indices: bool = False
) -> Any:
    """`arr` without the parts at the index, indices, slice or mask `obj` along `axis`.

    Flattened if `axis` is None. Indices that are not known while tracing are one index, or several
    that differ, which `assume_unique_indices` promises; none may be out of bounds. Raises
    IndexError for known indices out of bounds.

    >>> import jitad.numpy as jnp
    >>> jnp.delete(jnp.arange(5), jnp.array([0, 2]))
    Array([1, 3, 4])
    """
    x = as_array_operand(arr)
    if axis is None:
        x, axis = ravel(x), 0
    place = normalize_axis_index(axis, x.ndim)
    if isinstance(obj, Tracer) and obj.dtype.kind in "iu" and not is_known(obj):
        return take(x, _others(obj, x.shape[place], assume_unique_indices), place)
    if isinstance(obj, Tracer):
        if obj.dtype.kind not in "iub":
            raise IndexError(
                at_user_line("arrays used as indices must be of integer (or boolean) type")
            )
        obj = np.asarray(obj)
    keep = np.delete(np.arange(x.shape[place]), obj)
    return _taken(x, place, keep)


def _taken(x: Operand, axis: int, places: np.ndarray[Any, Any]) -> Operand:
    """The elements at these places along an axis: of large arrays by stretches."""
    is_large = math.prod(x.shape) >= LARGE and places.size
    return take_stretches(x, axis, places) if is_large else take(x, places, axis)


def _others(index: Tracer, n: int, distinct: bool) -> Operand:
    """The places in 0 ... n - 1 that are not among the traced indices."""
    if index.ndim and not distinct:
        raise ConcretizationError(
            at_user_line(
                "delete needs indices that are known, for the shape of its result depends on how "
                f"many differ; got a traced array {index.type!r}. Write "
                "assume_unique_indices=True if they all do"
            )
        )
    found = modulo(ravel(convert(index, INT64)), n)
    count = found.shape[0]
    ordered = apply(ops.sort, found, axis=0, num_keys=1, descending=False)[0]
    # Place k of the result comes from behind all deleted places d with d - (those before d) <= k.
    left = apply(ops.iota, shape=(n - count,), dim=0, dtype=INT64)
    shifted = apply(ops.sub, ordered, np.arange(count))
    return apply(ops.add, left, apply(ops.searchsorted, shifted, left, right=True))


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """`arr` with `values` inserted before the index or indices `obj` along `axis`.

    Flattened if `axis` is None; `values` broadcast to the parts inserted. Indices that are not
    known while tracing are within bounds, as are negative ones, which count from the end. Raises
    IndexError for known indices out of bounds.

    >>> import jitad.numpy as jnp
    >>> jnp.insert(jnp.array([1, 2, 3]), 1, 9)
    Array([1, 9, 2, 3])
    """
    x = strong(as_array_operand(arr))
    if axis is None:
        x, axis = ravel(x), 0
    place = normalize_axis_index(axis, x.ndim)
    n = x.shape[place]
    extra = convert(as_array_operand(values), x.dtype)
    if isinstance(obj, Tracer) and not is_known(obj):
        at: Operand = integer_indices(obj)
    else:
        at = np.arange(n)[obj] if isinstance(obj, slice) else np.asarray(obj)
    shape = list(x.shape)
    if at.ndim == 0:
        # One place: the first axis of the values runs along `axis`.
        extra = reshape(extra, (1,) * (x.ndim - extra.ndim) + extra.shape)
        extra = moveaxis(extra, 0, place)
        count = extra.shape[place]
        at = broadcast_to(at, (count,)) if isinstance(at, Tracer) else np.full(count, at)
    shape[place] = at.size
    extra = broadcast_to(extra, shape)
    if isinstance(at, Tracer):
        order = _merged(ravel(at), n)
    else:
        order = np.insert(np.arange(n), np.asarray(at), n + np.arange(at.size))
        if at.size and (at == at.flat[0]).all():
            before = int(order.argmax()) + 1 - at.size
            parts = [_taken(x, place, np.arange(*ends)) for ends in ((0, before), (before, n))]
            return apply(ops.concatenate, parts[0], extra, parts[1], axis=place)
    both = apply(ops.concatenate, x, extra, axis=place)
    return take(both, order, place)


def _merged(at: Tracer, n: int) -> Operand:
    """The order in which 0 ... n - 1 follow each other with n, n + 1, ... before the places `at`:
    by a stable sort of twice the places, the inserted ones coming first."""
    before = _modulo_from_end(convert(at, INT64), n)
    old = apply(ops.add, apply(ops.mul, np.arange(n), 2), 1)
    keys = apply(ops.concatenate, apply(ops.mul, before, 2), old, axis=0)
    numbers = np.concatenate([n + np.arange(at.size), np.arange(n)])
    return apply(ops.sort, keys, numbers, axis=0, num_keys=1, descending=False)[1]


def _modulo_from_end(index: Operand, n: int) -> Operand:
    """Negative numbers plus n."""
    return apply(ops.select, apply(ops.lt, index, 0), apply(ops.add, index, n), index)


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """`filt` without the zeros in front ("f") and at the end ("b") of it along `axis`.

    `axis` is an int, several, or None for all of them. Elements are known: the length depends on
    them.

    >>> import jitad.numpy as jnp
    >>> jnp.trim_zeros(jnp.array([0, 0, 1, 0, 2, 0]))
    Array([1, 0, 2])
    """
    x = as_array_operand(filt)
    if not is_known(x):
        raise ConcretizationError(
            at_user_line(
                "trim_zeros needs elements that are known: the shape of its result depends on "
                f"them; got a traced array {x.type!r}"
            )
        )
    known = np.asarray(x.concrete if isinstance(x, Tracer) else x)
    if not known.ndim:
        return x
    ends = set(trim.lower())
    if not ends or ends - {"f", "b"}:
        raise ValueError(at_user_line(f"expected trim 'f', 'b' or 'fb'; got {trim!r}"))
    axes = range(known.ndim) if axis is None else normalize_axis_tuple(axis, known.ndim)
    places = np.nonzero(known)
    kept = [slice(None)] * known.ndim
    for i in axes:
        some = places[i].size > 0
        first, last = (int(places[i].min()), int(places[i].max()) + 1) if some else (0, 0)
        kept[i] = slice(first if "f" in ends else 0, last if "b" in ends or not some else None)
    return x[tuple(kept)]
