"""Reading elements: NumPy's basic and advanced indexing, and functions that pick by index.

An index expression is resolved against a shape into a `Selection`: the array is first given an
axis of length 1 for each None, so that every axis has one entry: a number, a range or an array of
places. Ranges become `slice` and `reverse`; arrays become one `gather`.
"""

from __future__ import annotations

import enum
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from jitad.errors import NonConcreteBooleanIndexError, at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import DType, Shape

from .promotion import (
    Operand,
    from_nested,
    has_tracer,
    shape_of,
    spread,
    strong,
)
from .shapes import moveaxis, reshape


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
    are arrays too. `checked`: all places are known to be in bounds. `apart`: an Ellipsis that
    stands for no axis lies between arrays, which keeps them apart all the same.
    """

    shape: Shape
    entries: tuple[Any, ...]
    checked: bool
    apart: bool

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
        return bool(axes) and (self.apart or axes[-1] - axes[0] != len(axes) - 1)

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


def resolve(shape: Shape, index: Any, *, check: bool = True, wrap: bool = True) -> Selection:
    """The Selection that `index` makes of an array of `shape`. Negative numbers count from the end,
    or are out of bounds if not `wrap`.

    Raises IndexError for too many indices, wrong masks, places that are known to be out of bounds
    (unless not `check`) and indices of other types.
    """
    items = [_item(i) for i in (index if isinstance(index, tuple) else (index,))]
    apart = _is_kept_apart(items, len(shape))
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
            entries.append(places_along(item, n, len(lengths), check, wrap))
            lengths.append(n)
    entries += [Range(0, n, 1) for n in remaining]
    lengths += remaining
    return _selection(tuple(lengths), entries, check, apart)


def _selection(shape: Shape, entries: list[Any], check: bool, apart: bool) -> Selection:
    if any([not isinstance(e, (int, Range)) for e in entries]):
        entries = [np.asarray(e) if isinstance(e, int) else e for e in entries]
    checked = True
    for n, entry in zip(shape, entries, strict=True):
        if isinstance(entry, Tracer):
            checked = False
        elif not check and not isinstance(entry, Range):
            known = np.asarray(entry)
            checked = checked and bool(np.all((known >= 0) & (known < n)))
    return Selection(shape, tuple(entries), checked, apart)


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
        raise NonConcreteBooleanIndexError(
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


def _is_kept_apart(items: list[Any], ndim: int) -> bool:
    """True if an Ellipsis that stands for no axis lies between numbers or arrays."""
    dots = [i for i, item in enumerate(items) if item is Ellipsis]
    if len(dots) != 1 or sum([_consumed(i) for i in items]) != ndim:
        return False
    chosen = [item is not None and not isinstance(item, slice) for item in items]
    return any(chosen[: dots[0]]) and any(chosen[dots[0] + 1 :])


def _check_mask(mask: Any, lengths: Sequence[int], axis: int) -> None:
    for i, (n, m) in enumerate(zip(lengths, mask.shape, strict=True)):
        if n != m:
            raise IndexError(
                at_user_line(
                    f"boolean index did not match indexed array along axis {axis + i}; size of "
                    f"axis is {n} but size of corresponding boolean axis is {m}"
                )
            )


def places_along(item: Any, n: int, axis: int, check: bool, wrap: bool = True) -> Any:
    """An int, Range or array of places along an axis of length n, counted from the front. Negative
    numbers count from the end if `wrap`."""
    if isinstance(item, slice):
        bounds = slice(*[_bound(b) for b in (item.start, item.stop, item.step)])
        places = range(*bounds.indices(n))
        return Range(places.start if len(places) else 0, len(places), places.step)
    if isinstance(item, int):
        if check and not -n <= item < n:
            raise _out_of_bounds(item, axis, n)
        place = item + n if item < 0 and wrap else item
        return place if 0 <= place < n else np.asarray(place)
    if isinstance(item, Tracer):
        if item.dtype.kind == "u" or not wrap:
            return item
        from_end = apply(ops.add, item, n) if n <= np.iinfo(item.dtype).max else item
        return apply(ops.select, apply(ops.lt, item, 0), from_end, item)
    if check and item.size:
        low, high = int(item.min()), int(item.max())
        if low < -n or high >= n:
            raise _out_of_bounds(low if low < -n else high, axis, n)
    return np.where(item < 0, item + n, item) if item.dtype.kind == "i" and wrap else item


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
    if type(index) is Tracer and index.dtype.kind == "i" and not index.shape and x.ndim:
        return _read_block(strong(x), (0,), [places_along(index, x.shape[0], 0, True)])
    key = _static_key(index)
    if key is None:
        return read(strong(x), resolve(x.shape, index), "clip")
    start, limit, stride, backwards, shape = _basic(x.shape, key)
    if start is not None:
        x = apply(ops.slice, x, start=start, limit=limit, stride=stride)
    if backwards:
        x = apply(ops.reverse, x, axes=backwards)
    return apply(ops.reshape, x, shape=shape) if x.shape != shape else strong(x)


def _static_key(index: Any) -> tuple[Any, ...] | None:
    """A hashable stand-in for an index of Python ints, slices, None and Ellipsis, else None."""
    key: list[Any] = []
    for item in index if type(index) is tuple else (index,):
        cls = type(item)
        if cls is int or item is None or item is Ellipsis:
            key.append(item)
        elif cls is slice:
            bounds = (item.start, item.stop, item.step)
            if any([b is not None and type(b) is not int for b in bounds]):
                return None
            key.append(bounds)
        else:
            return None
    return tuple(key)


@lru_cache(maxsize=4096)
def _basic(shape: Shape, key: tuple[Any, ...]) -> tuple[Any, Any, Any, tuple[int, ...], Shape]:
    """Params of `slice` (None if it takes all), axes to reverse and the shape of x[index]."""
    index = [slice(*item) if type(item) is tuple else item for item in key]
    result = resolve(shape, tuple(index)).result_shape
    entries = resolve(shape, tuple([i for i in index if i is not None])).entries
    start, limit, stride, backwards = _slice_params(shape, entries)
    if limit == shape and not any(start) and all([s == 1 for s in stride]):
        return None, None, None, backwards, result
    return start, limit, stride, backwards, result


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
    places = [as_places(selection.entries[axis]) for axis in axes]
    if not points and (mode == "clip" or selection.checked):
        return _read_block(x, axes, places)
    starts = [spread(p, points) for p in places]
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


def _read_block(x: Operand, axes: tuple[int, ...], places: list[Operand]) -> Operand:
    """The elements at one place along each of `axes`, moved to the nearest one in bounds; what
    stands for such an element if there is none."""
    if any([x.shape[axis] == 0 for axis in axes]):
        rest = tuple([n for axis, n in enumerate(x.shape) if axis not in axes])
        return apply(ops.full, value=default_fill(x.dtype), shape=rest, dtype=x.dtype)
    begin: dict[int, Operand] = dict(zip(axes, places, strict=True))
    starts = [begin.get(axis, _ZERO) for axis in range(x.ndim)]
    sizes = tuple([1 if axis in begin else n for axis, n in enumerate(x.shape)])
    block = apply(ops.dynamic_slice, x, *starts, sizes=sizes)
    return reshape(block, [n for axis, n in enumerate(x.shape) if axis not in begin])


_ZERO = np.int64(0)


def as_places(entry: Any) -> Operand:
    """An array of places as an operand of gather."""
    if isinstance(entry, Tracer):
        return entry
    return np.asarray(entry, np.int64)


def _read_ranges(x: Operand, entries: Sequence[Any]) -> Operand:
    """The ranges and numbers among `entries` by slicing (numbers as axes of length 1)."""
    start, limit, stride, backwards = _slice_params(x.shape, entries)
    if any(start) or limit != x.shape or any([s > 1 for s in stride]):
        x = apply(ops.slice, x, start=start, limit=limit, stride=stride)
    return apply(ops.reverse, x, axes=backwards) if backwards else x


def _slice_params(shape: Shape, entries: Sequence[Any]) -> tuple[Shape, Shape, Shape, Shape]:
    """start, limit and stride of the slice that takes the ranges and numbers among `entries` (all
    of an axis with an array), and the axes on which it is then reversed."""
    start: list[int] = []
    limit: list[int] = []
    stride: list[int] = []
    backwards: list[int] = []
    for axis, (n, entry) in enumerate(zip(shape, entries, strict=True)):
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
    return tuple(start), tuple(limit), tuple(stride), tuple(backwards)


_WORDS = {"CLIP": "clip", "FILL_OR_DROP": "fill", "PROMISE_IN_BOUNDS": "promise_in_bounds"}


def mode_word(mode: Any) -> Any:
    """The word for a member of `lax.GatherScatterMode`; other modes as they are."""
    return _WORDS.get(mode.name, mode) if isinstance(mode, enum.Enum) else mode


def default_fill(dtype: DType) -> Any:
    """What stands for elements out of bounds, as in JAX: nan, the least integer (of unsigned the
    greatest), True."""
    if dtype.kind in "fc":
        return math.nan
    if dtype.kind == "b":
        return True
    limits = np.iinfo(dtype)  # type: ignore[arg-type]
    return int(limits.min if dtype.kind == "i" else limits.max)
