"""`lax.scatter` and its relatives: windows of an array updated at computed places, by XLA's
dimension numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jitad_ir import ops
from jitad_ir.op import Op
from jitad_ir.types import INT64

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.promotion import Operand
from ..trace import apply
from ..transforms.batching import vmap
from .gathering import Axes, GatherScatterMode, at_zero, numbers_of, starts_of
from .loops import fori_loop
from .operands import as_array, as_result, of_the_dtype_of


class ScatterDimensionNumbers(NamedTuple):
    """Which axes of a scatter mean what.

    `update_window_dims`: axes of the updates that run through a window, ascending.
    `inserted_window_dims`: axes of the operand on which windows have length 1 and which the updates
    do not have. `scatter_dims_to_operand_dims`: axes of the operand that the numbers along the last
    axis of the indices stand for. `operand_batching_dims` and `scatter_indices_batching_dims`: axes
    of the operand and of the indices that run side by side.

    >>> from jitad import lax
    >>> import numpy as np
    >>> numbers = lax.ScatterDimensionNumbers((1,), (0,), (0,))  # one row for each index
    >>> lax.scatter(np.zeros((3, 2)), np.array([[2]]), np.ones((1, 2)), numbers)
    Array([[0., 0.],
           [0., 0.],
           [1., 1.]])
    """

    update_window_dims: Sequence[int]
    inserted_window_dims: Sequence[int]
    scatter_dims_to_operand_dims: Sequence[int]
    operand_batching_dims: Sequence[int] = ()
    scatter_indices_batching_dims: Sequence[int] = ()


def _scatter(
    op: Op,
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    numbers: ScatterDimensionNumbers,
    unique: bool,
    mode: str | GatherScatterMode | None,
) -> Operand:
    name = op.name
    x, new = of_the_dtype_of(name, operand, updates)
    indices = as_array(name, scatter_indices)
    window, inserted, mapped, batch, indices_batch = numbers_of(
        name, numbers, ScatterDimensionNumbers
    )
    how = GatherScatterMode.from_any(mode)
    starts = starts_of(name, x, indices, mapped, batch, indices_batch)
    sizes = _window_sizes(name, x, indices, new, window, inserted, batch)
    points = tuple([indices.shape[a] for a in starts.points])
    others = [a for a in range(new.ndim) if a not in window]
    new = jnp.transpose(new, (*[others[a] for a in starts.points], *window))
    first = len(batch)
    lengths = [sizes[a] for a in starts.order[first:]]
    shape = tuple([x.shape[a] for a in starts.order])
    begin = dict(zip(starts.axes, starts.arrays, strict=True))
    for axis, n in enumerate(lengths, first):  # windows begin at 0 along axes without starts
        if axis not in begin and n != shape[axis]:
            begin[axis] = at_zero(points)
    x = jnp.transpose(x, starts.order)
    if not begin:  # the IR has starts along one axis at least
        x, lengths = jnp.expand_dims(x, first), [1, *lengths]
        begin[first] = at_zero(points)
    axes = tuple(sorted(begin))
    out = apply(
        op,
        x,
        jnp.reshape(new, (*points, *lengths)),
        *[begin[a] for a in axes],
        axes=axes,
        batch=first,
        mode="drop" if how is GatherScatterMode.FILL_OR_DROP else how.name.lower(),
        unique=bool(unique),
    )
    out = jnp.reshape(out, shape)
    return as_result(jnp.transpose(out, [starts.order.index(a) for a in range(out.ndim)]))


def _window_sizes(
    name: str,
    x: Operand,
    indices: Operand,
    updates: Operand,
    window: Axes,
    inserted: Axes,
    batch: Axes,
) -> dict[int, int]:
    """The length of windows along each axis of `x` that is not a batching one; raises TypeError if
    the updates do not fit."""
    dropped = set(inserted) | set(batch)
    kept = [a for a in range(x.ndim) if a not in dropped]
    others = [a for a in range(updates.ndim) if a not in window]
    fits = (
        list(window) == sorted(set(window))
        and all([0 <= a < updates.ndim for a in window])
        and len(dropped) == len(inserted) + len(batch)
        and len(kept) == len(window)
        and [updates.shape[a] for a in others] == list(indices.shape[:-1])
        and all([updates.shape[u] <= x.shape[a] for u, a in zip(window, kept, strict=True)])
    )
    if not fits:
        raise TypeError(
            at_user_line(
                f"{name}: expected updates with the axes {tuple(indices.shape[:-1])} of the "
                f"indices and windows within {x.shape}, of length 1 on inserted and batching axes; "
                f"got updates {updates.shape} with update_window_dims {window}, "
                f"inserted_window_dims {inserted}, operand_batching_dims {batch}"
            )
        )
    sizes = dict.fromkeys(inserted, 1)
    return sizes | {a: updates.shape[u] for u, a in zip(window, kept, strict=True)}


def scatter(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`operand` with windows replaced by `updates`; the last of repeated ones stays.

    `scatter_indices` are integers (..., k): the k numbers along the last axis are where windows
    begin along `dimension_numbers.scatter_dims_to_operand_dims`. The result has the shape and dtype
    of `operand`. `mode` says what windows out of bounds do: "drop" or "fill", the default, leaves
    them out; "clip" moves them to where they fit; "promise_in_bounds" says that there are none.
    `unique_indices` promises that no element is updated twice; `indices_are_sorted` is accepted and
    not needed. `x.at[i, j].set(y)` is simpler to write. Raises TypeError if dtypes, shapes and
    dimension numbers do not fit.

    >>> from jitad import lax
    >>> import numpy as np
    >>> numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    >>> lax.scatter(np.zeros(3), np.array([[0], [2]]), np.array([5.0, 6.0]), numbers)
    Array([5., 0., 6.])
    """
    return _scatter(
        ops.scatter, operand, scatter_indices, updates, dimension_numbers, unique_indices, mode
    )


def scatter_add(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`operand` with `updates` added to windows, repeated or not.

    `operand` (any shape), `scatter_indices`, `updates` (in its dtype) and `dimension_numbers` (a
    `ScatterDimensionNumbers`) are those of `scatter`, and so are the keywords and errors.

    >>> from jitad import lax
    >>> import numpy as np
    >>> numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    >>> lax.scatter_add(np.ones(3), np.array([[0], [0]]), np.array([5.0, 6.0]), numbers)
    Array([12.,  1.,  1.])
    """
    return _scatter(
        ops.scatter_add, operand, scatter_indices, updates, dimension_numbers, unique_indices, mode
    )


def scatter_sub(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`operand` with `updates` subtracted from windows, repeated or not.

    `operand` (any shape), `scatter_indices`, `updates` (in its dtype) and `dimension_numbers` (a
    `ScatterDimensionNumbers`) are those of `scatter`, and so are the keywords and errors.

    >>> from jitad import lax
    >>> import numpy as np
    >>> numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    >>> lax.scatter_sub(np.ones(3), np.array([[0], [0]]), np.array([5.0, 6.0]), numbers)
    Array([-10.,   1.,   1.])
    """
    operand, updates = of_the_dtype_of("scatter_sub", operand, updates)
    updates = apply(ops.neg, updates)
    return _scatter(
        ops.scatter_add, operand, scatter_indices, updates, dimension_numbers, unique_indices, mode
    )


def scatter_mul(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`operand` with windows multiplied by `updates`, by each of repeated ones.

    `operand` (any shape), `scatter_indices`, `updates` (in its dtype) and `dimension_numbers` (a
    `ScatterDimensionNumbers`) are those of `scatter`, and so are the keywords and errors.

    >>> from jitad import lax
    >>> import numpy as np
    >>> numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    >>> lax.scatter_mul(np.ones(3), np.array([[0], [0]]), np.array([5.0, 6.0]), numbers)
    Array([30.,  1.,  1.])
    """
    return _scatter(
        ops.scatter_mul, operand, scatter_indices, updates, dimension_numbers, unique_indices, mode
    )


def scatter_min(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`operand` with windows bounded from above by `updates`; nan if either is.

    `operand` (any shape), `scatter_indices`, `updates` (in its dtype) and `dimension_numbers` (a
    `ScatterDimensionNumbers`) are those of `scatter`, and so are the keywords and errors.

    >>> from jitad import lax
    >>> import numpy as np
    >>> numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    >>> lax.scatter_min(np.ones(3), np.array([[0], [0]]), np.array([5.0, -6.0]), numbers)
    Array([-6.,  1.,  1.])
    """
    return _scatter(
        ops.scatter_min, operand, scatter_indices, updates, dimension_numbers, unique_indices, mode
    )


def scatter_max(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`operand` with windows bounded from below by `updates`; nan if either is.

    `operand` (any shape), `scatter_indices`, `updates` (in its dtype) and `dimension_numbers` (a
    `ScatterDimensionNumbers`) are those of `scatter`, and so are the keywords and errors.

    >>> from jitad import lax
    >>> import numpy as np
    >>> numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    >>> lax.scatter_max(np.ones(3), np.array([[0], [0]]), np.array([5.0, 6.0]), numbers)
    Array([6., 1., 1.])
    """
    return _scatter(
        ops.scatter_max, operand, scatter_indices, updates, dimension_numbers, unique_indices, mode
    )


def scatter_apply(
    operand: Any,
    scatter_indices: Any,
    func: Callable[[Any], Any],
    dimension_numbers: ScatterDimensionNumbers,
    *,
    update_shape: Sequence[int] = (),
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`operand` with `func`, a function of scalars, applied to the elements of windows: as often as
    they are in one. `update_shape` is the shape that updates would have. See `scatter`.

    >>> from jitad import lax
    >>> import numpy as np
    >>> numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    >>> at = np.array([[1], [1], [2]])
    >>> lax.scatter_apply(np.ones(3), at, lambda x: 3 * x, numbers, update_shape=(3,))
    Array([1., 9., 3.])
    """
    x = as_array("scatter_apply", operand)
    ones = np.ones(tuple(update_shape), np.int64)
    counts = _scatter(
        ops.scatter_add,
        apply(ops.full, value=0, shape=x.shape, dtype=INT64),
        scatter_indices,
        ones,
        dimension_numbers,
        unique_indices,
        mode,
    )
    flat, times = jnp.ravel(x), jnp.ravel(counts)

    def once(i: Any, value: Any) -> Any:
        goes_on = apply(ops.gt, times, jnp.broadcast_to(i, times.shape))
        return apply(ops.select, goes_on, vmap(func)(value), value)

    if not flat.size:
        return as_result(x)
    if unique_indices:
        return jnp.reshape(once(np.int64(0), flat), x.shape)
    return jnp.reshape(fori_loop(0, jnp.max(times), once, flat), x.shape)
