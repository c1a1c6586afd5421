"""Functional updates: `x.at[index].set(values)` and its relatives return an updated copy.

Every update is one `scatter` over the windows that the index makes: places given by arrays and
strided ranges are points, contiguous ranges are windows of their length.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad.argument_types import is_known
from jitad.errors import at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.op import Op
from jitad_ir.types import INT64

from .arithmetic import divide, negative
from .exponential import power
from .indexing import Range, Selection, as_places, default_fill, mode_word, read, resolve
from .promotion import Operand, as_array_operand, as_operand, convert, shape_of, spread, strong
from .shapes import broadcast_to, reshape, transpose

_MODES = {
    None: "drop",
    "drop": "drop",
    "fill": "drop",
    "clip": "clip",
    "promise_in_bounds": "promise_in_bounds",
}


class At:
    """`x.at`: index it to get the methods that update."""

    __slots__ = ("_array",)

    def __init__(self, array: Any) -> None:
        self._array = array

    def __getitem__(self, index: Any) -> Update:
        return Update(self._array, index)

    def __repr__(self) -> str:
        return f"At({self._array!r})"


class Update:
    """`x.at[index]`: each method returns a copy of x with the indexed elements updated.

    Values broadcast to the shape of x[index] and take the dtype of x. Where an index occurs
    several times, `add`, `subtract`, `multiply`, `divide`, `min` and `max` apply each update, and
    `set` the last. `mode` says what places out of bounds do: "drop" (the default; also called
    "fill") leaves their updates out, "clip" moves them to the nearest place, "promise_in_bounds"
    says that there are none; members of `lax.GatherScatterMode` serve too. Negative indices count
    from the end, or are out of bounds if not `wrap_negative_indices`. `unique_indices` promises
    that no element is updated twice;
    `indices_are_sorted` is accepted for programs written for JAX.

    >>> import jitad.numpy as jnp
    >>> jnp.zeros(3).at[1].set(5.0)
    Array([0., 5., 0.])
    """

    __slots__ = ("_array", "_index")

    def __init__(self, array: Any, index: Any) -> None:
        self._array = strong(as_array_operand(array))
        self._index = index

    def get(
        self,
        *,
        mode: str | None = None,
        fill_value: Any = None,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        wrap_negative_indices: bool = True,
    ) -> Any:
        """x[index]; places out of bounds give the nearest element, or with mode "fill" (which
        `fill_value` implies) `fill_value` (default nan, or the least integer)."""
        x = self._array
        mode = _checked_mode(mode)
        if mode is None:
            mode = "clip" if fill_value is None else "fill"
        fill = default_fill(x.dtype) if fill_value is None else fill_value
        how = "fill" if mode == "drop" else mode
        return read(x, self._selection(wrap_negative_indices), how, fill)

    def set(self, values: Any, **options: Any) -> Any:
        """x with x[index] = values."""
        return self._update(ops.scatter, values, **options)

    def add(self, values: Any, **options: Any) -> Any:
        """x with x[index] += values."""
        return self._update(ops.scatter_add, values, **options)

    def subtract(self, values: Any, **options: Any) -> Any:
        """x with x[index] -= values."""
        return self._update(ops.scatter_add, negative(values), **options)

    def multiply(self, values: Any, **options: Any) -> Any:
        """x with x[index] *= values."""
        return self._update(ops.scatter_mul, values, **options)

    mul = multiply

    def divide(self, values: Any, **options: Any) -> Any:
        """x with x[index] /= values; float and complex dtypes only."""
        x = self._array
        if x.dtype.kind not in "fc":
            raise TypeError(
                at_user_line(f"expected an array of floats to divide in place; got {x.dtype}")
            )
        ones = apply(ops.full, value=1, shape=x.shape, dtype=x.dtype)
        return divide(x, Update(ones, self._index).multiply(values, **options))

    def power(self, values: Any, **options: Any) -> Any:
        """x with x[index] **= values; a repeated index is updated once."""
        return self._map(lambda x: power(x, values), **options)

    def min(self, values: Any, **options: Any) -> Any:
        """x with x[index] = minimum(x[index], values)."""
        return self._update(ops.scatter_min, values, **options)

    def max(self, values: Any, **options: Any) -> Any:
        """x with x[index] = maximum(x[index], values)."""
        return self._update(ops.scatter_max, values, **options)

    def apply(self, func: Any, **options: Any) -> Any:
        """x with x[index] = func(x[index]), for a function of each element by itself; where an
        index occurs several times, it is applied as often, as by `func.at`."""
        x = self._array
        is_mask = _traced_mask(self._index) is not None
        is_once = is_mask or math.prod(self._selection().points) <= 1
        if is_once or options.get("unique_indices"):
            return self._map(func, **options)
        none = apply(ops.full, value=0, shape=x.shape, dtype=INT64)
        return _applied(func, x, Update(none, self._index).add(1, **options))

    def _map(self, func: Any, **options: Any) -> Any:
        """x with x[index] = func(x[index]); of updates of one element the last counts."""
        mask = _traced_mask(self._index)
        if mask is not None:  # of all elements: which are chosen is not known
            return _where_masked(ops.scatter, self._array, mask, func(self._array), whole=True)
        wrap = options.get("wrap_negative_indices", True)
        return self.set(func(self.get(wrap_negative_indices=wrap)), **options)

    def _selection(self, wrap: bool = True) -> Selection:
        return resolve(self._array.shape, self._index, check=False, wrap=wrap)

    def _update(
        self,
        op: Op,
        values: Any,
        *,
        mode: str | None = None,
        unique_indices: bool = False,
        indices_are_sorted: bool = False,
        wrap_negative_indices: bool = True,
    ) -> Operand:
        x = self._array
        mode = _checked_mode(mode)
        mask = _traced_mask(self._index)
        if mask is not None:
            return _where_masked(op, x, mask, values)
        selection = self._selection(wrap_negative_indices)
        updates = as_operand(values)
        if np.iscomplexobj(np.empty(0, _dtype_of(updates))) and x.dtype.kind != "c":
            raise TypeError(
                at_user_line(f"expected real values for an array of {x.dtype}; got complex ones")
            )
        updates = broadcast_to(convert(updates, x.dtype), selection.result_shape)
        if not math.prod(updates.shape):
            return x
        how = "promise_in_bounds" if selection.checked else _MODES[mode]
        return _scatter(op, x, selection, updates, how, unique_indices)


_COMBINE = {
    ops.scatter_add: ops.add,
    ops.scatter_mul: ops.mul,
    ops.scatter_min: ops.min,
    ops.scatter_max: ops.max,
}


def _applied(func: Any, x: Operand, counts: Operand) -> Operand:
    """`func` applied to each element of `x` as often as `counts` says."""
    from jitad.lax import fori_loop  # noqa: PLC0415  (loops are made of this module)

    def once(i: Any, x: Operand) -> Operand:
        chosen = apply(ops.gt, counts, broadcast_to(i, counts.shape))
        return apply(ops.select, chosen, convert(as_array_operand(func(x)), x.dtype), x)

    most = apply(ops.reduce_max, counts, axes=tuple(range(x.ndim)))
    if not is_known(most):
        return fori_loop(0, most, once, x)
    for i in range(int(most.concrete if isinstance(most, Tracer) else most)):
        x = once(i, x)
    return x


def _traced_mask(index: Any) -> Tracer | None:
    """The index if it is one mask whose elements are not known."""
    if isinstance(index, tuple) and len(index) == 1:
        index = index[0]
    if isinstance(index, Tracer) and index.concrete is None and index.dtype.kind == "b":
        return index
    return None


def _where_masked(op: Op, x: Operand, mask: Tracer, values: Any, *, whole: bool = False) -> Operand:
    """The update where the mask of the first axes of `x` is true: the values are the same for all
    that it selects, since their number is not known, or those of all of `x` if `whole`."""
    if mask.shape != x.shape[: mask.ndim]:
        raise IndexError(
            at_user_line(f"expected a mask of the first axes of {x.shape}; got shape {mask.shape}")
        )
    updates = convert(as_operand(values), x.dtype)
    rest = x.shape[mask.ndim :]
    lengths = shape_of(updates)
    extra = 0 if whole else len(lengths) - len(rest)
    if extra > 0 and lengths[:extra] != (1,):
        raise TypeError(
            at_user_line(
                f"a traced mask selects a number of elements that is not known: expected values "
                f"that broadcast to {rest}; got shape {lengths}. Write jnp.where(mask, values, x)"
            )
        )
    if extra > 0:
        updates = reshape(updates, lengths[1:])
    updates = broadcast_to(updates, x.shape)
    if op is not ops.scatter:
        updates = apply(_COMBINE[op], x, updates)
    keep = reshape(mask, (*mask.shape, *[1] * len(rest)))
    return apply(ops.select, broadcast_to(keep, x.shape), updates, x)


def _dtype_of(x: Operand) -> np.dtype[Any]:
    return x.dtype if hasattr(x, "dtype") else np.dtype(type(x))


def _checked_mode(mode: Any) -> str | None:
    word = mode_word(mode)
    if word not in _MODES:
        known = ", ".join([repr(m) for m in _MODES if m is not None])
        raise ValueError(at_user_line(f"expected a mode of {known}; got {mode!r}"))
    return word


def _scatter(
    op: Op, x: Operand, selection: Selection, updates: Operand, mode: str, unique: bool
) -> Operand:
    """`op` at the places of `selection`. The points of the scatter are those of the index arrays,
    then one axis for each strided range; contiguous ranges are windows."""
    entries = [Range(e, 1, 1) if isinstance(e, int) else e for e in selection.entries]
    arrays = selection.array_axes
    strided = [i for i, e in enumerate(entries) if isinstance(e, Range) and e.step != 1]
    partial = [
        i
        for i, e in enumerate(entries)
        if isinstance(e, Range) and e.step == 1 and e.length != selection.shape[i]
    ]
    lengths = [entries[i].length for i in strided]
    points = (*selection.points, *lengths)
    axes = tuple(sorted([*arrays, *strided, *partial])) or (0,)
    original = x.shape
    if not selection.shape:  # a scalar has no axis to place a window on
        x, updates = reshape(x, (1,)), reshape(updates, (1,))
        entries = [Range(0, 1, 1)]
    else:
        x = reshape(x, selection.shape)
        updates = _as_windows(updates, selection, entries, strided, points)
    starts: list[Operand] = []
    for axis in axes:
        entry = entries[axis]
        if not isinstance(entry, Range):
            places = as_places(entry)
            places = reshape(places, (*places.shape, *[1] * len(lengths)))
            starts.append(spread(places, points))
        elif axis in strided:
            places = entry.start + entry.step * np.arange(entry.length)
            behind = len(strided) - 1 - strided.index(axis)
            starts.append(np.broadcast_to(places.reshape(-1, *[1] * behind), points))
        else:
            starts.append(np.full(points, entry.start)[()])
    block = not points and (mode == "promise_in_bounds" or not arrays)
    if op is ops.scatter and block and len(x.shape) == updates.ndim:
        begin = dict(zip(axes, starts, strict=True))
        origin = [begin.get(axis, _ZERO) for axis in range(x.ndim)]
        return reshape(apply(ops.dynamic_update_slice, x, updates, *origin), original)
    distinct = unique or not arrays or math.prod(selection.points) == 1
    out = apply(op, x, updates, *starts, axes=axes, batch=0, mode=mode, unique=distinct)
    return reshape(out, original)


_ZERO = np.int64(0)


def _as_windows(
    updates: Operand, selection: Selection, entries: list[Any], strided: list[int], points: Any
) -> Operand:
    """Updates of the shape of x[index] as (points, window): the axes of the points first, those
    of the contiguous ranges behind, axes of length 1 where the window is one element."""
    count = len(selection.points)
    at = selection.points_place
    # Axes of the result: one for each Range that is not an int, those of the points at `at`.
    ranges = [i for i, e in enumerate(selection.entries) if isinstance(e, Range)]
    place = {i: n if n < at else n + count for n, i in enumerate(ranges)}
    windows = [i for i in ranges if i not in strided]
    order = [
        *range(at, at + count),
        *[place[i] for i in strided],
        *[place[i] for i in windows],
    ]
    updates = transpose(updates, order)
    window = [
        entries[i].length if isinstance(entries[i], Range) and i not in strided else 1
        for i in range(len(entries))
    ]
    return reshape(updates, (*points, *window))
