"""Functions that pick, repeat, move and pad elements by their index."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from jitad.argument_types import is_known
from jitad.errors import ConcretizationError, at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import INT64

from .indexing import as_places, default_fill, mode_word, places_along, read, resolve
from .promotion import (
    Operand,
    as_array_operand,
    as_operand,
    broadcast_shape,
    convert,
    filled,
    has_tracer,
    no_out,
    shape_of,
    strong,
)
from .shapes import broadcast_to, moveaxis, ravel, reshape


def take(
    a: Any,
    indices: Any,
    axis: int | None = None,
    out: None = None,
    mode: str | None = None,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    fill_value: Any = None,
) -> Any:
    """Elements of `a` (flattened if `axis` is None) at `indices` along `axis`.

    `mode` is for indices out of bounds: "raise" (IndexError, if they are known), "wrap", "clip",
    or "fill" with `fill_value` (default nan, or the least integer). By default known indices
    raise and traced ones fill, as in JAX. `unique_indices` and `indices_are_sorted` are promises
    of which nothing depends.
    """
    no_out(out)
    x = strong(as_array_operand(a))
    if axis is None:
        x, axis = ravel(x), 0
    place = normalize_axis_index(axis, x.ndim)
    n = x.shape[place]
    found = _integers(indices)
    known = not isinstance(found, Tracer)
    mode = _mode_of(mode, "wrap")
    if mode == "raise" and not known:
        raise ValueError(
            at_user_line(
                "mode 'raise' needs indices that are known; got a traced array. Use 'fill', "
                "'clip' or 'wrap'"
            )
        )
    if n == 0 and math.prod(shape_of(found)):
        raise IndexError(at_user_line("cannot do a non-empty take from an empty axes."))
    if mode == "wrap":
        found = _modulo(found, n)
    elif mode == "clip":
        found = np.clip(found, 0, n - 1) if known else _clipped(found, n)
    check = known and mode in (None, "raise")
    index = (slice(None),) * place + (found,)
    fill = default_fill(x.dtype) if fill_value is None else fill_value
    return read(x, resolve(x.shape, index, check=check), "fill", fill)


def _mode_of(mode: Any, *more: str) -> str | None:
    """The word for a mode; raises ValueError for others than those of both functions and `more`."""
    word, known = mode_word(mode), ("raise", "clip", "fill", "promise_in_bounds", *more)
    if word is not None and word not in known:
        raise ValueError(at_user_line(f"expected mode {', '.join(known)}; got {mode!r}"))
    return word


def _integers(indices: Any) -> Operand:
    x = as_operand(indices)
    x = np.asarray(x) if not isinstance(x, Tracer) else x
    if x.dtype.kind not in "iu":
        if isinstance(x, np.ndarray) and not x.size:
            return x.astype(np.int64)
        raise TypeError(at_user_line(f"expected integer indices; got dtype {x.dtype}"))
    return x


def _modulo(index: Operand, n: int) -> Operand:
    if not isinstance(index, Tracer):
        return np.mod(index, n)
    left = apply(ops.rem, convert(index, INT64), n)
    return apply(ops.select, apply(ops.lt, left, 0), apply(ops.add, left, n), left)


def _clipped(index: Tracer, n: int) -> Operand:
    return apply(ops.clamp, filled(index, 0), index, filled(index, n - 1))


def take_along_axis(
    arr: Any,
    indices: Any,
    axis: int | None = -1,
    mode: str | None = None,
    fill_value: Any = None,
    *,
    wrap_negative_indices: bool = True,
) -> Any:
    """Element indices[i, j, ...] along `axis` for each place of the other axes, which broadcast.

    Known indices out of bounds raise IndexError; traced ones give `fill_value` (see `take`).
    Negative ones count from the end, or are out of bounds if not `wrap_negative_indices`.
    """
    x = strong(as_array_operand(arr))
    index = _integers(indices)
    if axis is None:
        if index.ndim != 1:
            raise ValueError(
                at_user_line("when axis=None, `indices` must have a single dimension.")
            )
        x, axis = ravel(x), 0
    if x.ndim != index.ndim:
        raise ValueError(
            at_user_line("`indices` and `arr` must have the same number of dimensions")
        )
    place = normalize_axis_index(axis, x.ndim)
    n = x.shape[place]
    mode = _mode_of(mode)
    if not wrap_negative_indices and mode is None:
        mode = "fill"
    x, index = _side_by_side(x, index, place)
    entry = places_along(index, n, place, mode in (None, "raise"), wrap_negative_indices)
    known = not isinstance(index, Tracer)
    fill = default_fill(x.dtype) if fill_value is None else fill_value
    rows, picks = moveaxis(x, place, -1), moveaxis(as_places(entry), place, -1)
    how = {"clip": "clip", "promise_in_bounds": "promise_in_bounds"}.get(mode or "", "fill")
    if known and mode in (None, "raise"):
        how = "promise_in_bounds"
    last = rows.ndim - 1
    out = apply(
        ops.gather,
        rows,
        picks,
        axes=(last,),
        sizes=(1 if n else 0,),
        batch=last,
        mode=how,
        fill=fill,
    )
    return moveaxis(reshape(out, picks.shape), -1, place)


def _side_by_side(x: Operand, index: Operand, axis: int) -> tuple[Operand, Operand]:
    """Both broadcast to one shape along all axes but `axis`."""
    own, other = list(x.shape), list(index.shape)
    own[axis] = other[axis] = 1
    shape = list(broadcast_shape((tuple(own), tuple(other))))
    lengths = []
    for array in (x, index):
        shape[axis] = array.shape[axis]
        lengths.append(tuple(shape))
    spread_index = (
        broadcast_to(index, lengths[1])
        if isinstance(index, Tracer)
        else np.broadcast_to(index, lengths[1])
    )
    return broadcast_to(x, lengths[0]), spread_index


def repeat(
    a: Any, repeats: Any, axis: int | None = None, *, total_repeat_length: int | None = None
) -> Any:
    """Each element (or part along `axis`) repeated; `repeats` is a number, or one for each.

    Traced repeats need `total_repeat_length`, the length of the result: cut off, or filled up
    with the last element.
    """
    x = strong(as_array_operand(a))
    if axis is None:
        x, axis = ravel(x), 0
    place = normalize_axis_index(axis, x.ndim)
    n = x.shape[place]
    counts = as_operand(repeats)
    if isinstance(counts, Tracer) and counts.concrete is None:
        return _repeat_traced(x, counts, place, total_repeat_length)
    known = np.asarray(counts)
    if known.ndim == 0 and total_repeat_length is None:
        times = operator.index(known[()])
        if times < 0 and n:
            raise ValueError(at_user_line("repeats may not contain negative values."))
        shape = (*x.shape[: place + 1], 1, *x.shape[place + 1 :])
        times = max(times, 0)
        target = (*x.shape[: place + 1], times, *x.shape[place + 1 :])
        spread_out = broadcast_to(reshape(x, shape), target)
        return reshape(spread_out, (*x.shape[:place], n * times, *x.shape[place + 1 :]))
    places = np.repeat(np.arange(n), known)
    if total_repeat_length is not None:
        missing = total_repeat_length - len(places)
        places = np.concatenate([places, np.full(max(missing, 0), n - 1)])[:total_repeat_length]
    return take(x, places, place)


def _repeat_traced(x: Operand, counts: Tracer, axis: int, total: int | None) -> Operand:
    """Place i of the result holds the element before which more than i repeats have ended."""
    if total is None:
        raise ValueError(
            at_user_line(
                "repeat with traced repeats needs total_repeat_length, the static length of the "
                "result"
            )
        )
    n = x.shape[axis]
    each = broadcast_to(convert(counts, INT64), (n,))
    ends = apply(ops.cumsum, each, axis=0, reverse=False)
    place = apply(ops.iota, shape=(total, n), dim=0, dtype=INT64)
    ended = apply(ops.le, broadcast_to(ends, (total, n)), place)
    source = apply(ops.reduce_sum, convert(ended, INT64), axes=(1,))
    return take(x, _clipped(source, n), axis)


def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Elements moved by `shift` places along `axis` (flattened if None), round the end; with
    several axes by one shift for all or one for each. Shifts may be traced."""
    x = strong(as_array_operand(a))
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    several = isinstance(shift, (tuple, list)) or getattr(shift, "ndim", 0) > 0
    shifts = list(shift) if several else [shift]
    if len(shifts) not in (1, len(axes)) and len(axes) != 1:
        raise ValueError(
            at_user_line("'shift' and 'axis' should be scalars or 1D sequences of one length")
        )
    pairs = np.broadcast(np.empty(len(shifts)), np.empty(len(axes))).size
    for i in range(pairs):
        place = normalize_axis_index(axes[i % len(axes)], x.ndim)
        x = _roll(x, as_operand(shifts[i % len(shifts)]), place)
    return x


def _roll(x: Operand, shift: Any, axis: int) -> Operand:
    n = x.shape[axis]
    if n == 0:
        return x
    if isinstance(shift, Tracer) and shift.concrete is None:
        counter = apply(ops.iota, shape=(n,), dim=0, dtype=INT64)
        back = apply(ops.sub, counter, broadcast_to(convert(shift, INT64), (n,)))
        return take(x, _modulo(back, n), axis, mode="clip")
    moved = operator.index(shift) % n
    if not moved:
        return x
    zero, one = [0] * x.ndim, (1,) * x.ndim
    start, limit = list(zero), list(x.shape)
    start[axis] = limit[axis] = n - moved
    tail = apply(ops.slice, x, start=tuple(start), limit=x.shape, stride=one)
    head = apply(ops.slice, x, start=tuple(zero), limit=tuple(limit), stride=one)
    return apply(ops.concatenate, tail, head, axis=axis)


def delete(
    arr: Any, obj: Any, axis: int | None = None, *, assume_unique_indices: bool = False
) -> Any:
    """`arr` without the parts at the index, indices, slice or mask `obj` along `axis`.

    Indices that are not known while tracing are one index, or several that differ, which
    `assume_unique_indices` promises; none may be out of bounds."""
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
    return take(x, keep, place)


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
    found = _modulo(ravel(convert(index, INT64)), n)
    count = found.shape[0]
    ordered = apply(ops.sort, found, axis=0, num_keys=1, descending=False)[0]
    # Place k of the result comes from behind all deleted places d with d - (those before d) <= k.
    left = apply(ops.iota, shape=(n - count,), dim=0, dtype=INT64)
    shifted = apply(ops.sub, ordered, np.arange(count))
    return apply(ops.add, left, apply(ops.searchsorted, shifted, left, right=True))


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """`arr` with `values` inserted before the index or indices `obj` along `axis`. Indices that are
    not known while tracing are within bounds, as are negative ones, which count from the end."""
    x = strong(as_array_operand(arr))
    if axis is None:
        x, axis = ravel(x), 0
    place = normalize_axis_index(axis, x.ndim)
    n = x.shape[place]
    extra = convert(as_array_operand(values), x.dtype)
    if isinstance(obj, Tracer) and not is_known(obj):
        at: Operand = _integers(obj)
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


def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """Indices for each axis of an array of `shape` (numbers, or one), from those of the flattened
    array."""
    index = convert(as_array_operand(indices), INT64)
    given = as_operand(shape) if isinstance(shape, Tracer) else np.asarray(shape, np.int64)
    lengths = [given] if given.ndim == 0 else [given[i] for i in range(given.shape[0])]
    found = []
    for length in reversed(lengths):
        n = broadcast_to(convert(length, INT64), index.shape)
        found.append(apply(ops.rem, index, n))
        index = apply(ops.div, index, n)
    return tuple(reversed(found))


def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    """Indices of the flattened array of shape `dims` from those for each axis.

    `mode`, for each axis or for all, is for indices out of bounds: "clip", "wrap", or "raise"
    (ValueError, where the indices are known).
    """
    shape = tuple([operator.index(n) for n in dims])
    if order not in ("C", "F"):
        raise ValueError(at_user_line("only 'C' or 'F' order is permitted"))
    modes = (mode,) * len(shape) if isinstance(mode, str) else tuple(mode)
    parts = [_integers(part) for part in multi_index]
    if not len(parts) == len(modes) == len(shape):
        raise ValueError(
            at_user_line(
                f"parameter multi_index must be a sequence of length {len(shape)}; got {len(parts)}"
            )
        )
    common = broadcast_shape([part.shape for part in parts])
    strides = [math.prod(shape[i + 1 :] if order == "C" else shape[:i]) for i in range(len(shape))]
    result = apply(ops.full, value=0, shape=common, dtype=INT64)
    for part, n, how, stride in zip(parts, shape, modes, strides, strict=True):
        place = broadcast_to(_inside(convert(part, INT64), n, how), common)
        result = apply(ops.add, result, apply(ops.mul, place, filled(place, stride)))
    return result


def _inside(index: Operand, n: int, mode: str) -> Operand:
    if mode == "wrap":
        return _modulo(index, n)
    if mode == "clip":
        return apply(ops.clamp, filled(index, 0), index, filled(index, n - 1))
    if mode != "raise":
        raise ValueError(at_user_line(f"expected mode raise, wrap or clip; got {mode!r}"))
    if not isinstance(index, Tracer) and ((index < 0) | (index >= n)).any():
        raise ValueError(at_user_line("invalid entry in coordinates array"))
    return index


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """`filt` without the zeros in front ("f") and at the end ("b") of it along `axis` (an axis, or
    several; None: all of them): elements are known."""
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


def ix_(*args: Any) -> tuple[Any, ...]:
    """Index arrays that select every combination of the given indices or (known) masks."""
    if not has_tracer(args):
        return np.ix_(*[np.asarray(a) for a in args])
    found: list[Any] = []
    for i, arg in enumerate(args):
        index = as_operand(arg)
        is_mask = index.dtype.kind == "b"
        if (is_mask and isinstance(index, Tracer)) or index.ndim != 1:
            raise ValueError(
                at_user_line(f"ix_: expected vectors of indices, or known masks; got {index.dtype}")
            )
        index = np.flatnonzero(index) if is_mask else index
        found.append(reshape(index, [-1 if k == i else 1 for k in range(len(args))]))
    return tuple(found)
