"""Reading elements: NumPy's basic and advanced indexing, and functions that pick by index.

An index expression is resolved against a shape into a `Selection`: the array is first given an
axis of length 1 for each None, so that every axis has one entry: a number, a range or an array of
places. Ranges become `slice` and `reverse`; arrays become one `gather`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad.errors import TracerArrayConversionError, at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import INT64, DType, Shape

from .promotion import (
    Operand,
    as_array_operand,
    as_operand,
    broadcast_shape,
    convert,
    filled,
    from_nested,
    has_tracer,
    shape_of,
    spread,
    strong,
)
from .shape import broadcast_to, moveaxis, ravel, reshape


@dataclass(frozen=True, slots=True)
class Range:
    """Places start, start + step, ... along an axis, `length` of them; step may be negative."""

    start: int
    length: int
    step: int


@dataclass(frozen=True, slots=True)
class Selection:
    """An index resolved against a shape.

    `shape` is that of the array with an axis of length 1 for each None; `entries` has for each of
    its axes an int, a Range or an integer array (NumPy's or traced). Where there is an array, ints
    are arrays too. `checked`: all places are known to be in bounds.
    """

    shape: Shape
    entries: tuple[Any, ...]
    checked: bool

    @property
    def array_axes(self) -> tuple[int, ...]:
        """Axes that have arrays of places."""
        return tuple([i for i, e in enumerate(self.entries) if not isinstance(e, (int, Range))])

    @property
    def points(self) -> Shape:
        """The shape to which the arrays of places broadcast."""
        shapes = [shape_of(self.entries[i]) for i in self.array_axes]
        return _points_shape(shapes) if shapes else ()

    @property
    def points_first(self) -> bool:
        """True if the axes of the points lead the result: the arrays are not side by side."""
        axes = self.array_axes
        return bool(axes) and axes[-1] - axes[0] != len(axes) - 1

    @property
    def result_shape(self) -> Shape:
        """Shape of what the index reads."""
        lengths = [e.length for e in self.entries if isinstance(e, Range)]
        axes = self.array_axes
        if not axes:
            return tuple(lengths)
        at = self.points_place
        return (*lengths[:at], *self.points, *lengths[at:])

    @property
    def points_place(self) -> int:
        """The axis of the result at which those of the points begin."""
        axes = self.array_axes
        if self.points_first or not axes:
            return 0
        return sum([isinstance(e, Range) for e in self.entries[: axes[0]]])


def _points_shape(shapes: Sequence[Shape]) -> Shape:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " ".join([str(s).replace(" ", "") for s in shapes])
        raise IndexError(
            at_user_line(
                "shape mismatch: indexing arrays could not be broadcast together with shapes "
                + listed
            )
        ) from None


# From an index expression to a Selection.


def resolve(shape: Shape, index: Any, *, check: bool = True) -> Selection:
    """The Selection that `index` makes of an array of `shape`.

    Raises IndexError for too many indices, wrong masks, places that are known to be out of bounds
    (unless not `check`) and indices of other types.
    """
    items = [_item(i) for i in (index if isinstance(index, tuple) else (index,))]
    items = _expanded(items, len(shape))
    lengths: list[int] = []
    entries: list[Any] = []
    remaining = list(shape)
    for item in items:
        if item is None or isinstance(item, bool):
            lengths.append(1)
            places = Range(0, 1, 1) if item is None else np.zeros(int(item), np.int64)
            entries.append(places)
        elif isinstance(item, np.ndarray) and item.dtype.kind == "b":
            taken, remaining = remaining[: item.ndim], remaining[item.ndim :]
            _check_mask(item, taken, len(lengths))
            lengths += taken
            entries += list(np.nonzero(item))
        else:
            n = remaining.pop(0)
            entries.append(_entry(item, n, len(lengths), check))
            lengths.append(n)
    entries += [Range(0, n, 1) for n in remaining]
    lengths += remaining
    return _selection(tuple(lengths), entries, check)


def _selection(shape: Shape, entries: list[Any], check: bool) -> Selection:
    if any([not isinstance(e, (int, Range)) for e in entries]):
        entries = [np.asarray(e) if isinstance(e, int) else e for e in entries]
    checked = True
    for n, entry in zip(shape, entries, strict=True):
        if isinstance(entry, Tracer):
            checked = False
        elif not check and not isinstance(entry, Range):
            known = np.asarray(entry)
            checked = checked and bool(np.all((known >= 0) & (known < n)))
    return Selection(shape, tuple(entries), checked)


def _item(item: Any) -> Any:
    """One index in a plain form: None, Ellipsis, bool, int, slice, ndarray or Tracer."""
    if item is None or item is Ellipsis or isinstance(item, slice):
        return item
    if isinstance(item, (bool, np.bool_)):
        return bool(item)
    if isinstance(item, (int, np.integer)):
        return int(item)
    if isinstance(item, (list, tuple)):
        empty = not has_tracer(item) and np.size(item) == 0
        item = np.asarray(item, np.int64) if empty else from_nested(item)
    if isinstance(item, Tracer):
        return _traced(item)
    if isinstance(item, np.ndarray):
        if item.dtype.kind == "b":
            return bool(item) if item.ndim == 0 else np.asarray(item)
        if item.dtype.kind in "iu":
            return int(item) if item.ndim == 0 else np.asarray(item)
        raise IndexError(
            at_user_line("arrays used as indices must be of integer (or boolean) type")
        )
    if hasattr(item, "__index__"):
        return operator.index(item)
    raise IndexError(
        at_user_line(
            "only integers, slices (`:`), ellipsis (`...`), None and integer or boolean arrays "
            f"are valid indices; got {type(item).__name__}"
        )
    )


def _traced(item: Tracer) -> Any:
    if item.dtype.kind == "b":
        if item.concrete is not None:
            return _item(np.asarray(item.concrete))
        raise TracerArrayConversionError(
            at_user_line(
                f"expected a mask whose elements are known; got a traced mask {item.type!r}: the "
                "shape of x[mask] depends on them. Write jnp.where(mask, x, other), "
                "x.at[...].set(...) with indices, or jnp.sum(x, where=mask)"
            )
        )
    if item.dtype.kind not in "iu":
        raise IndexError(
            at_user_line("arrays used as indices must be of integer (or boolean) type")
        )
    return item


def _consumed(item: Any) -> int:
    """Number of axes that an index stands for."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    return item.ndim if isinstance(item, np.ndarray) and item.dtype.kind == "b" else 1


def _expanded(items: list[Any], ndim: int) -> list[Any]:
    """`items` with the Ellipsis replaced by full slices."""
    consumed = sum([_consumed(i) for i in items])
    if consumed > ndim:
        raise IndexError(
            at_user_line(
                f"too many indices for array: array is {ndim}-dimensional, but {consumed} were "
                "indexed"
            )
        )
    dots = [i for i, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1:
        raise IndexError(at_user_line("an index can only have a single ellipsis ('...')"))
    if not dots:
        return items
    full = [slice(None)] * (ndim - consumed)
    return items[: dots[0]] + full + items[dots[0] + 1 :]


def _check_mask(mask: Any, lengths: Sequence[int], axis: int) -> None:
    for i, (n, m) in enumerate(zip(lengths, mask.shape, strict=True)):
        if n != m:
            raise IndexError(
                at_user_line(
                    f"boolean index did not match indexed array along axis {axis + i}; size of "
                    f"axis is {n} but size of corresponding boolean axis is {m}"
                )
            )


def _entry(item: Any, n: int, axis: int, check: bool) -> Any:
    """An int, Range or array of places along an axis of length n, counted from the front."""
    if isinstance(item, slice):
        bounds = slice(*[_bound(b) for b in (item.start, item.stop, item.step)])
        places = range(*bounds.indices(n))
        return Range(places.start if len(places) else 0, len(places), places.step)
    if isinstance(item, int):
        if check and not -n <= item < n:
            raise _out_of_bounds(item, axis, n)
        place = item + n if item < 0 else item
        return place if 0 <= place < n else np.asarray(place)
    if isinstance(item, Tracer):
        if item.dtype.kind == "u":
            return item
        from_end = apply(ops.add, item, n) if n <= np.iinfo(item.dtype).max else item
        return apply(ops.select, apply(ops.lt, item, 0), from_end, item)
    if check and item.size:
        low, high = int(item.min()), int(item.max())
        if low < -n or high >= n:
            raise _out_of_bounds(low if low < -n else high, axis, n)
    return np.where(item < 0, item + n, item) if item.dtype.kind == "i" else item


def _bound(bound: Any) -> int | None:
    """A bound of a slice, which must be known: it decides a shape."""
    if isinstance(bound, Tracer) and bound.concrete is None:
        raise IndexError(
            at_user_line(
                f"slice bounds must be known while {bound.owner.name} is traced, since shapes are "
                "static; got a traced array. Write lax.dynamic_slice(x, start, sizes) for a slice "
                "of static length, or jnp.where with a mask"
            )
        )
    return None if bound is None else operator.index(bound)


def _out_of_bounds(place: int, axis: int, n: int) -> IndexError:
    return IndexError(at_user_line(f"index {place} is out of bounds for axis {axis} with size {n}"))


# Reading.


def get_item(x: Operand, index: Any) -> Any:
    """`x[index]`. Traced places out of bounds are moved to the nearest one within."""
    return read(strong(x), resolve(x.shape, index), "clip")


def read(x: Operand, selection: Selection, mode: str, fill: Any = 0) -> Operand:
    """What `selection` selects of `x`. `mode` ("clip", "fill", "promise_in_bounds") says what
    places that are not known to be in bounds give."""
    x = reshape(x, selection.shape)
    axes = selection.array_axes
    x = _read_ranges(x, selection.entries)
    if not axes:
        numbers = [isinstance(e, int) for e in selection.entries]
        return reshape(x, [n for n, i in zip(x.shape, numbers, strict=True) if not i])
    points = selection.points
    starts = [spread(as_places(selection.entries[axis]), points) for axis in axes]
    out = apply(
        ops.gather,
        x,
        *starts,
        axes=axes,
        sizes=(1,) * len(axes),
        batch=0,
        mode="promise_in_bounds" if selection.checked else mode,
        fill=fill,
    )
    rest = [n for i, n in enumerate(x.shape) if i not in axes]
    out = reshape(out, (*points, *rest))
    at = selection.points_place
    if at == 0 or not points:
        return out
    count = len(points)
    return moveaxis(out, tuple(range(count)), tuple(range(at, at + count)))


def as_places(entry: Any) -> Operand:
    """An array of places as an operand of gather."""
    if isinstance(entry, Tracer):
        return entry
    return np.asarray(entry, np.int64)


def _read_ranges(x: Operand, entries: Sequence[Any]) -> Operand:
    """The ranges and numbers among `entries` by slicing (numbers as axes of length 1)."""
    start, limit, stride, backwards = [], [], [], []
    for axis, (n, entry) in enumerate(zip(x.shape, entries, strict=True)):
        if isinstance(entry, int):
            entry = Range(entry, 1, 1)
        if not isinstance(entry, Range):
            entry = Range(0, n, 1)
        span = (entry.length - 1) * abs(entry.step) + 1 if entry.length else 0
        first = entry.start
        if entry.step < 0:
            first = entry.start - (span - 1) if span else 0
            backwards.append(axis)
        start.append(first)
        limit.append(first + span)
        stride.append(abs(entry.step))
    if any([lo != 0 for lo in start]) or tuple(limit) != x.shape or any([s > 1 for s in stride]):
        x = apply(ops.slice, x, start=tuple(start), limit=tuple(limit), stride=tuple(stride))
    return apply(ops.reverse, x, axes=tuple(backwards)) if backwards else x


# Picking by functions.


def default_fill(dtype: DType) -> Any:
    """What stands for elements out of bounds, as in JAX: nan, the least integer (of unsigned the
    greatest), True."""
    if dtype.kind in "fc":
        return math.nan
    if dtype.kind == "b":
        return True
    limits = np.iinfo(dtype)  # type: ignore[arg-type]
    return int(limits.min if dtype.kind == "i" else limits.max)


def take(
    a: Any,
    indices: Any,
    axis: int | None = None,
    out: None = None,
    mode: str | None = None,
    fill_value: Any = None,
) -> Any:
    """Elements of `a` (flattened if `axis` is None) at `indices` along `axis`.

    `mode` is for indices out of bounds: "raise" (IndexError, if they are known), "wrap", "clip",
    or "fill" with `fill_value` (default nan, or the least integer). By default known indices
    raise and traced ones fill, as in JAX.
    """
    x = strong(as_array_operand(a))
    if axis is None:
        x, axis = ravel(x), 0
    place = normalize_axis_index(axis, x.ndim)
    n = x.shape[place]
    found = _integers(indices)
    known = not isinstance(found, Tracer)
    if mode not in (None, "raise", "wrap", "clip", "fill"):
        raise ValueError(at_user_line(f"expected mode raise, wrap, clip or fill; got {mode!r}"))
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
    arr: Any, indices: Any, axis: int | None = -1, mode: str | None = None, fill_value: Any = None
) -> Any:
    """Element indices[i, j, ...] along `axis` for each place of the other axes, which broadcast.

    Known indices out of bounds raise IndexError; traced ones give `fill_value` (see `take`).
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
    x, index = _side_by_side(x, index, place)
    entry = _entry(index, n, place, check=mode in (None, "raise"))
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


def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    """Parts of `a` along `axis` where `condition`, which must be concrete, is true."""
    chosen = np.flatnonzero(np.asarray(condition))
    return take(a, chosen, axis)


def extract(condition: Any, arr: Any) -> Any:
    """Elements of `arr`, flattened, where `condition`, which must be concrete, is true."""
    return take(ravel(arr), np.flatnonzero(np.asarray(condition)))


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
    """Elements moved by `shift` places along `axis` (flattened if None), round the end."""
    x = strong(as_array_operand(a))
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    shifts = shift if isinstance(shift, (tuple, list)) else (shift,)
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


_PAD_BY_INDEX = ("edge", "reflect", "symmetric", "wrap")


def pad(
    array: Any,
    pad_width: Any,
    mode: str = "constant",
    *,
    constant_values: Any = 0,
    reflect_type: str = "even",
) -> Any:
    """`array` with elements around it: `pad_width` is a number, (before, after), or one such pair
    for each axis (a dict of them by axis).

    Modes constant, edge, reflect, symmetric, wrap and empty (zeros).
    """
    x = strong(as_array_operand(array))
    widths = _pad_widths(pad_width, x.ndim)
    if mode in _PAD_BY_INDEX and reflect_type == "even":
        for axis, (before, after) in enumerate(widths):
            if before or after:
                places = np.pad(np.arange(x.shape[axis]), (before, after), mode)  # type: ignore
                x = take(x, places, axis)
        return x
    if mode == "empty":
        constant_values = 0
    elif mode != "constant":
        raise NotImplementedError(
            at_user_line(
                f"pad: expected mode constant, edge, reflect, symmetric, wrap or empty; got "
                f"{mode!r} (reflect_type {reflect_type!r})"
            )
        )
    return _pad_constant(x, widths, constant_values)


def _pad_widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        found = {normalize_axis_index(axis, ndim): w for axis, w in pad_width.items()}
        pad_width = [
            (w, w) if isinstance(w, int) else w for w in [found.get(i, 0) for i in range(ndim)]
        ]
    given = np.asarray(pad_width)
    if given.dtype.kind not in "iu":
        raise TypeError(at_user_line("`pad_width` must be of integral type."))
    if np.any(given < 0):
        raise ValueError(at_user_line("index can't contain negative values"))
    widths = np.broadcast_to(given, (ndim, 2))
    return [(int(before), int(after)) for before, after in widths]


def _pad_constant(x: Operand, widths: list[tuple[int, int]], values: Any) -> Operand:
    zeros = (0,) * x.ndim
    if np.ndim(values) == 0 or isinstance(values, Tracer):
        value = broadcast_to(convert(as_operand(values), x.dtype), ())
        low, high = tuple([w[0] for w in widths]), tuple([w[1] for w in widths])
        return apply(ops.pad, x, value, low=low, high=high, interior=zeros) if x.ndim else x
    pairs = np.broadcast_to(np.asarray(values), (x.ndim, 2))
    for axis, (width, pair) in enumerate(zip(widths, pairs, strict=True)):
        for side in (0, 1):
            low, high = list(zeros), list(zeros)
            (high if side else low)[axis] = width[side]
            value = convert(pair[side], x.dtype)
            x = apply(ops.pad, x, value, low=tuple(low), high=tuple(high), interior=zeros)
    return x


def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """`arr` without the parts at the (known) index, indices, slice or mask `obj` along `axis`."""
    x = as_array_operand(arr)
    if axis is None:
        x, axis = ravel(x), 0
    place = normalize_axis_index(axis, x.ndim)
    keep = np.delete(np.arange(x.shape[place]), obj)
    return take(x, keep, place)


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """`arr` with `values` inserted before the (known) index or indices `obj` along `axis`."""
    x = strong(as_array_operand(arr))
    if axis is None:
        x, axis = ravel(x), 0
    place = normalize_axis_index(axis, x.ndim)
    n = x.shape[place]
    extra = convert(as_array_operand(values), x.dtype)
    at = np.arange(n)[obj] if isinstance(obj, slice) else np.asarray(obj)
    shape = list(x.shape)
    if at.ndim == 0:
        # One place: the first axis of the values runs along `axis`.
        extra = reshape(extra, (1,) * (x.ndim - extra.ndim) + extra.shape)
        extra = moveaxis(extra, 0, place)
        at = np.full(extra.shape[place], at)
    shape[place] = at.size
    extra = broadcast_to(extra, shape)
    order = np.insert(np.arange(n), at, n + np.arange(at.size))
    both = apply(ops.concatenate, x, extra, axis=place)
    return take(both, order, place)


def nonzero(a: Any) -> tuple[Any, ...]:
    """Indices of the nonzero elements, for each axis; they must be concrete."""
    return np.nonzero(np.asarray(a))


def flatnonzero(a: Any) -> Any:
    """Indices of the nonzero elements of the flattened array, which must be concrete."""
    return np.flatnonzero(np.asarray(a))


def argwhere(a: Any) -> Any:
    """Indices of the nonzero elements in rows; they must be concrete."""
    return np.argwhere(np.asarray(a))


def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """Indices for each axis of an array of `shape`, from those of the flattened array."""
    index = convert(as_array_operand(indices), INT64)
    found = []
    for n in reversed(tuple(shape)):
        found.append(apply(ops.rem, index, filled(index, n)))
        index = apply(ops.div, index, filled(index, n))
    return tuple(reversed(found))


def ix_(*args: Any) -> tuple[Any, ...]:
    """Index arrays that select every combination of the given (known) indices or masks."""
    return np.ix_(*[np.asarray(a) for a in args])
