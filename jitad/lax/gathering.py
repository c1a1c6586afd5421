"""`lax.gather`: windows of an array at computed places, by XLA's dimension numbers.

The general form becomes the `gather` of the IR, whose operand has its batch axes in front and
whose result has those, then the axes of the points, then those of a window.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jitad_ir import ops
from jitad_ir.types import INT64

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.indexing import default_fill
from ..numpy.promotion import Operand
from ..trace import apply
from .operands import as_array, as_result

Axes = tuple[int, ...]


class GatherScatterMode(enum.Enum):
    """What windows that reach out of bounds do.

    CLIP moves them to where they fit; FILL_OR_DROP fills those gathered with one value and leaves
    those scattered out; PROMISE_IN_BOUNDS says that there are none (they are moved).

    >>> from jitad import lax
    >>> lax.GatherScatterMode.from_any("clip")
    <GatherScatterMode.CLIP: 1>
    """

    CLIP = enum.auto()
    FILL_OR_DROP = enum.auto()
    PROMISE_IN_BOUNDS = enum.auto()

    @staticmethod
    def from_any(s: str | GatherScatterMode | None) -> GatherScatterMode:
        """The mode that a string ("clip", "fill", "drop", "promise_in_bounds") or None (fill or
        drop) stands for; raises ValueError for others."""
        if isinstance(s, GatherScatterMode):
            return s
        found = _MODES.get(s)
        if found is None:
            raise ValueError(
                at_user_line(
                    f"expected a mode of 'clip', 'fill', 'drop', 'promise_in_bounds'; got {s!r}"
                )
            )
        return found


_MODES: dict[Any, GatherScatterMode] = {
    None: GatherScatterMode.FILL_OR_DROP,
    "fill": GatherScatterMode.FILL_OR_DROP,
    "drop": GatherScatterMode.FILL_OR_DROP,
    "clip": GatherScatterMode.CLIP,
    "promise_in_bounds": GatherScatterMode.PROMISE_IN_BOUNDS,
}


class GatherDimensionNumbers(NamedTuple):
    """Which axes of a gather mean what.

    `offset_dims`: axes of the result that run through a window, ascending. `collapsed_slice_dims`:
    axes of the operand on which windows have length 1 and which the result does not have.
    `start_index_map`: axes of the operand that the numbers along the last axis of the indices stand
    for. `operand_batching_dims` and `start_indices_batching_dims`: axes of the operand and of the
    indices that run side by side.

    >>> from jitad import lax
    >>> import numpy as np
    >>> numbers = lax.GatherDimensionNumbers((1,), (0,), (0,))  # one row for each index
    >>> lax.gather(np.arange(6).reshape(3, 2), np.array([[2], [0]]), numbers, (1, 2))
    Array([[4, 5],
           [0, 1]])
    """

    offset_dims: Axes
    collapsed_slice_dims: Axes
    start_index_map: Axes
    operand_batching_dims: Axes = ()
    start_indices_batching_dims: Axes = ()


class Starts(NamedTuple):
    """The starts of windows, as the IR takes them."""

    order: Axes
    """Axes of the operand, those of the batch first."""
    points: Axes
    """Axes of the indices in the order of the starts' axes: batch, then others."""
    axes: Axes
    """Axes of the reordered operand along which windows have starts."""
    arrays: list[Operand]


def starts_of(
    name: str, x: Operand, indices: Operand, mapped: Axes, batch: Axes, indices_batch: Axes
) -> Starts:
    """Starts along axes `mapped` of x, from the last axis of `indices`, side by side along `batch`.
    Raises TypeError if the dimension numbers do not fit."""
    if indices.ndim == 0 or indices.dtype.kind not in "iu":
        raise TypeError(
            at_user_line(
                f"{name}: expected integer indices with an axis of numbers, one for each of the "
                f"axes {mapped}; got {indices.dtype} of shape {indices.shape}"
            )
        )
    count = indices.ndim - 1
    _check_axes(name, mapped, x.ndim, "operand")
    _check_axes(name, batch, x.ndim, "operand")
    _check_axes(name, indices_batch, count, "indices")
    if len(mapped) != indices.shape[-1]:
        raise TypeError(
            at_user_line(
                f"{name}: expected {len(mapped)} numbers along the last axis of the indices, one "
                f"for each of the axes {mapped}; got shape {indices.shape}"
            )
        )
    lengths = [x.shape[a] for a in batch], [indices.shape[a] for a in indices_batch]
    if set(mapped) & set(batch) or lengths[0] != lengths[1]:
        raise TypeError(
            at_user_line(
                f"{name}: expected batching axes of the same lengths, other axes than {mapped}; "
                f"got {batch} of {x.shape} and {indices_batch} of indices {indices.shape}"
            )
        )
    order = (*batch, *[a for a in range(x.ndim) if a not in batch])
    points = (*indices_batch, *[a for a in range(count) if a not in indices_batch])
    moved = jnp.transpose(indices, (*points, count))
    by_axis = sorted([(order.index(axis), number) for number, axis in enumerate(mapped)])
    arrays = [moved[..., number] for _, number in by_axis]
    return Starts(order, points, tuple([axis for axis, _ in by_axis]), arrays)


def _check_axes(name: str, axes: Axes, ndim: int, what: str) -> None:
    if len(set(axes)) != len(axes) or any([not 0 <= a < ndim for a in axes]):
        raise TypeError(
            at_user_line(f"{name}: expected distinct axes 0 to {ndim - 1} of {what}; got {axes}")
        )


def at_zero(shape: Axes) -> Operand:
    """Starts at 0 everywhere."""
    return apply(ops.full, value=0, shape=shape, dtype=INT64)


def gather(
    operand: Any,
    start_indices: Any,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Sequence[int],
    *,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    mode: str | GatherScatterMode | None = None,
    fill_value: Any = None,
) -> Any:
    """Windows of `operand` of shape `slice_sizes` at `start_indices`: integers (..., k), the k
    numbers along the last axis being the starts along `dimension_numbers.start_index_map`.

    `mode` says what windows out of bounds give (default "promise_in_bounds"; "clip"; "fill" with
    `fill_value`, by default nan, the least integer, of unsigned the greatest, or True). Promises
    about the indices are accepted and not needed. Indexing, `x[i, j]`, is simpler to write.

    Raises TypeError if shapes and dimension numbers do not fit.

    >>> from jitad import lax
    >>> import numpy as np
    >>> numbers = lax.GatherDimensionNumbers((), (0,), (0,))
    >>> lax.gather(np.array([10, 11, 12]), np.array([[0], [2]]), numbers, (1,))
    Array([10, 12])
    """
    x, indices = as_array("gather", operand), as_array("gather", start_indices)
    offset, collapsed, mapped, batch, indices_batch = numbers_of(
        "gather", dimension_numbers, GatherDimensionNumbers
    )
    sizes = tuple([operator.index(n) for n in slice_sizes])
    how = GatherScatterMode.from_any("promise_in_bounds" if mode is None else mode)
    starts = starts_of("gather", x, indices, mapped, batch, indices_batch)
    _check_windows(x, indices, sizes, offset, collapsed, batch)
    x = jnp.transpose(_cut(x, sizes, mapped, batch), starts.order)
    lengths = tuple([sizes[a] for a in starts.order])
    axes, arrays, first = starts.axes, starts.arrays, len(batch)
    if not axes:  # the IR has starts along one axis at least
        x = jnp.expand_dims(x, first)
        axes, arrays = (first,), [at_zero(tuple([indices.shape[a] for a in starts.points]))]
        lengths = (*lengths[:first], 1, *lengths[first:])
    out = apply(
        ops.gather,
        x,
        *arrays,
        axes=axes,
        sizes=tuple([lengths[a] for a in axes]),
        batch=first,
        mode="fill" if how is GatherScatterMode.FILL_OR_DROP else how.name.lower(),
        fill=_fill(fill_value, x.dtype) if how is GatherScatterMode.FILL_OR_DROP else 0,
    )
    points = [indices.shape[a] for a in starts.points]
    window = [sizes[a] for a in range(len(sizes)) if a not in collapsed and a not in batch]
    out = jnp.reshape(out, (*points, *window))
    return as_result(jnp.transpose(out, _result_order(starts.points, offset, out.ndim)))


def _check_windows(
    x: Operand, indices: Operand, sizes: Axes, offset: Axes, collapsed: Axes, batch: Axes
) -> None:
    _check_axes("gather", collapsed, x.ndim, "operand")
    count = indices.ndim - 1 + len(offset)
    _check_axes("gather", offset, count, "the result")
    dropped = set(collapsed) | set(batch)
    fits = (
        len(sizes) == x.ndim == len(offset) + len(collapsed) + len(batch)
        and len(dropped) == len(collapsed) + len(batch)
        and all([0 <= n <= m or indices.size == 0 for n, m in zip(sizes, x.shape, strict=True)])
        and all([sizes[a] <= 1 for a in dropped])
        and list(offset) == sorted(offset)
    )
    if not fits:
        raise TypeError(
            at_user_line(
                f"gather: expected slice_sizes within {x.shape}, one for each axis, of length 1 "
                f"on collapsed and batching axes, and ascending offset_dims for the others; got "
                f"slice_sizes {sizes}, offset_dims {offset}, collapsed_slice_dims {collapsed}, "
                f"operand_batching_dims {batch}"
            )
        )


def _cut(x: Operand, sizes: Axes, mapped: Axes, batch: Axes) -> Operand:
    """Windows begin at 0 along axes without starts."""
    moves = (*mapped, *batch)
    limit = tuple([n if a in moves else sizes[a] for a, n in enumerate(x.shape)])
    if limit == x.shape:
        return x
    zero, one = (0,) * x.ndim, (1,) * x.ndim
    return apply(ops.slice, x, start=zero, limit=limit, stride=one)


def _result_order(points: Axes, offset: Axes, ndim: int) -> Axes:
    """From (points, window) to the result: axes `offset` are those of the window, the others those
    of the indices in their order."""
    windows = iter(range(len(points), ndim))
    numbers = iter(sorted(points))
    return tuple(
        [next(windows) if a in offset else points.index(next(numbers)) for a in range(ndim)]
    )


def _fill(value: Any, dtype: np.dtype[Any]) -> Any:
    if value is None:
        return default_fill(dtype)
    return np.asarray(value).astype(dtype).item()


def numbers_of(name: str, given: Any, kind: type[Any]) -> list[tuple[int, ...]]:
    """The parts of the dimension numbers `given`, which are of `kind`, or written as a tuple."""
    if not isinstance(given, tuple) or len(given) != len(kind._fields):
        raise TypeError(
            at_user_line(f"{name}: expected {kind.__name__} as dimension numbers; got {given!r}")
        )
    return [tuple(part) for part in given]
