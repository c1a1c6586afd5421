"""Functions that pick, repeat and move elements by their index."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad.errors import at_user_line
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

    The shape of `indices` stands in the place of the axis. `mode` is for indices out of bounds:
    "raise" (IndexError, if they are known), "wrap", "clip", or "fill" with `fill_value` (default
    nan, or the least integer). By default known indices raise and traced ones fill, as in JAX.
    `unique_indices` and `indices_are_sorted` are promises of which nothing depends. Raises
    TypeError for indices that are not integers.

    >>> import jitad.numpy as jnp
    >>> jnp.take(jnp.array([[1, 2], [3, 4]]), jnp.array([1, 0, 1]), axis=0)
    Array([[3, 4],
           [1, 2],
           [3, 4]])
    """
    no_out(out)
    x = strong(as_array_operand(a))
    if axis is None:
        x, axis = ravel(x), 0
    place = normalize_axis_index(axis, x.ndim)
    n = x.shape[place]
    found = integer_indices(indices)
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
        found = modulo(found, n)
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


def integer_indices(indices: Any) -> Operand:
    """The array of indices; raises TypeError if they are not integers."""
    x = as_operand(indices)
    x = np.asarray(x) if not isinstance(x, Tracer) else x
    if x.dtype.kind not in "iu":
        if isinstance(x, np.ndarray) and not x.size:
            return x.astype(np.int64)
        raise TypeError(at_user_line(f"expected integer indices; got dtype {x.dtype}"))
    return x


def modulo(index: Operand, n: int) -> Operand:
    """Indices round the end of an axis of length n: in [0, n)."""
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

    >>> import jitad.numpy as jnp
    >>> x = jnp.array([[30, 10, 20], [1, 3, 2]])
    >>> jnp.take_along_axis(x, jnp.argsort(x, axis=1), axis=1)
    Array([[10, 20, 30],
           [ 1,  2,  3]])
    """
    x = strong(as_array_operand(arr))
    index = integer_indices(indices)
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
    a: Any,
    repeats: Any,
    axis: int | None = None,
    *,
    total_repeat_length: int | None = None,
    out_sharding: None = None,
) -> Any:
    """Each element (or part along `axis`) repeated; `repeats` is a number, or one for each.

    Flattened if `axis` is None. Traced repeats need `total_repeat_length`, the length of the
    result: cut off, or filled up with the last element. Raises ValueError for a wrong number of
    repeats.

    >>> import jitad.numpy as jnp
    >>> jnp.repeat(jnp.array([1, 2, 3]), jnp.array([2, 0, 1]))
    Array([1, 1, 3])
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
    """Place i of the result holds the element before which i or less repeats have ended."""
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
    ended = apply(
        ops.scatter_add,
        np.zeros(total, np.int64),
        np.ones((n, 1), np.int64),
        apply(ops.clamp, filled(ends, 0), ends, filled(ends, total)),
        axes=(0,),
        batch=0,
        mode="drop",
        unique=False,
    )
    source = apply(ops.cumsum, ended, axis=0, reverse=False)
    return take(x, _clipped(source, n), axis)


def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Elements moved by `shift` places along `axis` (flattened if None), round the end.

    With several axes by one shift for all or one for each. Shifts may be traced.

    >>> import jitad.numpy as jnp
    >>> jnp.roll(jnp.arange(5), 2)
    Array([3, 4, 0, 1, 2])
    """
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
        return take(x, modulo(back, n), axis, mode="clip")
    moved = operator.index(shift) % n
    if not moved:
        return x
    zero, one = [0] * x.ndim, (1,) * x.ndim
    start, limit = list(zero), list(x.shape)
    start[axis] = limit[axis] = n - moved
    tail = apply(ops.slice, x, start=tuple(start), limit=x.shape, stride=one)
    head = apply(ops.slice, x, start=tuple(zero), limit=tuple(limit), stride=one)
    return apply(ops.concatenate, tail, head, axis=axis)


def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """Indices for each axis of an array of `shape`, from those of the flattened array.

    `shape` is an int or a tuple; the result a tuple of int64 arrays. Negative indices count from
    the end; those out of bounds are limited to the first and the last one.

    >>> import jitad.numpy as jnp
    >>> jnp.unravel_index(jnp.array([2, 4]), (2, 3))
    (Array([0, 1]), Array([2, 1]))
    """
    index = convert(as_array_operand(indices), INT64)
    given = as_operand(shape) if isinstance(shape, Tracer) else np.asarray(shape, np.int64)
    lengths = [given] if given.ndim == 0 else [given[i] for i in range(given.shape[0])]
    counts = [broadcast_to(convert(length, INT64), index.shape) for length in lengths]
    total = functools.reduce(lambda m, n: apply(ops.mul, m, n), counts, filled(index, 1))
    before = apply(ops.lt, index, filled(index, 0))
    index = apply(ops.select, before, apply(ops.add, index, total), index)
    index = apply(ops.clamp, filled(index, 0), index, apply(ops.sub, total, filled(index, 1)))
    found = []
    for n in reversed(counts):
        found.append(apply(ops.rem, index, n))
        index = apply(ops.div, index, n)
    return tuple(reversed(found))


def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    """Indices of the flattened array of shape `dims` from those for each axis.

    `mode`, for each axis or for all, is for indices out of bounds: "clip", "wrap", or "raise"
    (ValueError, where the indices are known). `order` is "C" (the last axis runs fastest) or "F".

    >>> import jitad.numpy as jnp
    >>> jnp.ravel_multi_index((jnp.array([0, 1]), jnp.array([2, 1])), (2, 3))
    Array([2, 4])
    """
    shape = tuple([operator.index(n) for n in dims])
    if order not in ("C", "F"):
        raise ValueError(at_user_line("only 'C' or 'F' order is permitted"))
    modes = (mode,) * len(shape) if isinstance(mode, str) else tuple(mode)
    parts = [integer_indices(part) for part in multi_index]
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
        return modulo(index, n)
    if mode == "clip":
        return apply(ops.clamp, filled(index, 0), index, filled(index, n - 1))
    if mode != "raise":
        raise ValueError(at_user_line(f"expected mode raise, wrap or clip; got {mode!r}"))
    if not isinstance(index, Tracer) and ((index < 0) | (index >= n)).any():
        raise ValueError(at_user_line("invalid entry in coordinates array"))
    return index


def ix_(*args: Any) -> tuple[Any, ...]:
    """Index arrays that select every combination of the given indices or (known) masks.

    Each argument is a vector; array i has it along axis i, the other axes have length 1. Raises
    ValueError for other shapes.

    >>> import jitad.numpy as jnp
    >>> x = jnp.arange(9).reshape(3, 3)
    >>> x[jnp.ix_(jnp.array([0, 2]), jnp.array([1, 2]))]
    Array([[1, 2],
           [7, 8]])
    """
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
