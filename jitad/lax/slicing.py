"""Parts of arrays at known and at computed places, by the names of `jax.lax`."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitad_ir import ops
from jitad_ir.types import INT64

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.promotion import Operand, as_operand, convert, filled
from ..trace import Tracer, apply
from .operands import as_array, as_result, axis_of, of_the_dtype_of


def slice(
    operand: Any,
    start_indices: Sequence[int],
    limit_indices: Sequence[int],
    strides: Sequence[int] | None = None,
) -> Any:
    """Elements start, start + stride, ... below limit along each axis. TypeError unless
    0 <= start <= limit <= length.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.slice(np.arange(6), (1,), (6,), (2,))
    Array([1, 3, 5])
    """
    x = as_array("slice", operand)
    steps = (1,) * x.ndim if strides is None else strides
    start, limit, stride = [
        tuple([operator.index(n) for n in given]) for given in (start_indices, limit_indices, steps)
    ]
    return apply(ops.slice, x, start=start, limit=limit, stride=stride)


def slice_in_dim(
    operand: Any,
    start_index: int | None,
    limit_index: int | None,
    stride: int = 1,
    axis: int = 0,
) -> Any:
    """operand[start_index:limit_index:stride] along one axis; indices below 0 count from the end.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.slice_in_dim(np.arange(6), 1, -1)
    Array([1, 2, 3, 4])
    """
    x = as_array("slice_in_dim", operand)
    place = axis_of("slice_in_dim", axis, x.ndim)
    n = x.shape[place]
    start = 0 if start_index is None else operator.index(start_index)
    limit = n if limit_index is None else operator.index(limit_index)
    starts, limits, strides = [0] * x.ndim, list(x.shape), [1] * x.ndim
    starts[place] = start + n if start < 0 else start
    limits[place] = limit + n if limit < 0 else limit
    strides[place] = operator.index(stride)
    return slice(x, starts, limits, strides)


def index_in_dim(operand: Any, index: int, axis: int = 0, keepdims: bool = True) -> Any:
    """operand[index] along one axis, which stays with length 1 if `keepdims`. IndexError if there
    is no such element.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.index_in_dim(np.array([[1, 2], [3, 4]]), -1, axis=1, keepdims=False)
    Array([2, 4])
    """
    x = as_array("index_in_dim", operand)
    place = axis_of("index_in_dim", axis, x.ndim)
    n, at = x.shape[place], operator.index(index)
    if not -n <= at < n:
        raise IndexError(
            at_user_line(f"index_in_dim index {at} is out of bounds for axis {place} with size {n}")
        )
    at = at + n if at < 0 else at
    row = slice_in_dim(x, at, at + 1, 1, place)
    return row if keepdims else _without(row, place)


def _without(x: Operand, axis: int) -> Any:
    return jnp.reshape(x, x.shape[:axis] + x.shape[axis + 1 :])


# Computed places.


def _starts(
    name: str, x: Operand, start_indices: Any, allow_negative: bool | Sequence[bool]
) -> list[Operand]:
    """One int64 scalar for each axis of `x`, those below 0 counted from the end."""
    if isinstance(start_indices, (Tracer, np.ndarray)):
        if start_indices.ndim != 1:
            raise ValueError(
                at_user_line(
                    f"{name}: expected a vector of start indices; got shape {start_indices.shape}"
                )
            )
        start_indices = [start_indices[i] for i in range(start_indices.shape[0])]
    given = list(start_indices)
    if len(given) != x.ndim:
        raise TypeError(
            at_user_line(
                f"{name}: expected one start index for each of {x.ndim} axes; got {len(given)}"
            )
        )
    flags = [allow_negative] * x.ndim if isinstance(allow_negative, bool) else allow_negative
    if len(flags) != x.ndim:
        raise ValueError(
            at_user_line(
                f"{name}: expected one flag allow_negative_indices for each of {x.ndim} axes; got "
                f"{len(flags)}"
            )
        )
    return [place(name, s, n, f) for s, n, f in zip(given, x.shape, flags, strict=True)]


def place(name: str, index: Any, n: int, allow_negative: bool = True) -> Operand:
    """An int64 scalar, counted from the front of an axis of length n if it was below 0; raises
    TypeError for what is no integer scalar."""
    found = as_operand(index)
    if not isinstance(found, Tracer):
        found = np.asarray(found)
    if found.shape or found.dtype.kind not in "iu":
        raise TypeError(
            at_user_line(
                f"{name}: expected integer scalars as indices; got {found.dtype} of shape "
                f"{found.shape}"
            )
        )
    if not isinstance(found, Tracer):
        known = int(found)
        return np.int64(known + n if allow_negative and known < 0 else known)
    from_front = convert(found, INT64)
    if not allow_negative or found.dtype.kind == "u":
        return from_front
    below = apply(ops.lt, from_front, filled(from_front, 0))
    return apply(ops.select, below, apply(ops.add, from_front, filled(from_front, n)), from_front)


def dynamic_slice(
    operand: Any,
    start_indices: Any,
    slice_sizes: Sequence[int],
    *,
    allow_negative_indices: bool | Sequence[bool] = True,
) -> Any:
    """The block of shape `slice_sizes` that begins at `start_indices`: an integer, traced or not,
    for each axis. Indices below 0 count from the end (unless `allow_negative_indices` is False,
    for all axes or for each). A block that would reach beyond the end is moved to where it fits.

    Raises TypeError for a block longer than an axis and for indices that are no integers.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.dynamic_slice(np.arange(6), (3,), (2,))
    Array([3, 4])
    >>> lax.dynamic_slice(np.arange(6), (5,), (2,))
    Array([4, 5])
    """
    x = as_array("dynamic_slice", operand)
    starts = _starts("dynamic_slice", x, start_indices, allow_negative_indices)
    sizes = tuple([operator.index(n) for n in slice_sizes])
    return apply(ops.dynamic_slice, x, *starts, sizes=sizes)


def dynamic_slice_in_dim(
    operand: Any,
    start_index: Any,
    slice_size: int,
    axis: int = 0,
    *,
    allow_negative_indices: bool = True,
) -> Any:
    """`dynamic_slice` along one axis, the others whole.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.dynamic_slice_in_dim(np.arange(6), -2, 2)
    Array([4, 5])
    """
    x = as_array("dynamic_slice", operand)
    at = axis_of("dynamic_slice_in_dim", axis, x.ndim)
    starts: list[Any] = [0] * x.ndim
    sizes = list(x.shape)
    starts[at], sizes[at] = start_index, operator.index(slice_size)
    return dynamic_slice(x, starts, sizes, allow_negative_indices=allow_negative_indices)


def dynamic_index_in_dim(
    operand: Any,
    index: Any,
    axis: int = 0,
    keepdims: bool = True,
    *,
    allow_negative_indices: bool = True,
) -> Any:
    """The part of `operand` at `index` along one axis, which stays with length 1 if `keepdims`;
    indices beyond the end give the last part.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.dynamic_index_in_dim(np.arange(6), 2, keepdims=False)
    Array(2)
    """
    x = as_array("dynamic_slice", operand)
    at = axis_of("dynamic_index_in_dim", axis, x.ndim)
    row = dynamic_slice_in_dim(x, index, 1, at, allow_negative_indices=allow_negative_indices)
    return row if keepdims else _without(row, at)


def dynamic_update_slice(
    operand: Any,
    update: Any,
    start_indices: Any,
    *,
    allow_negative_indices: bool | Sequence[bool] = True,
) -> Any:
    """`operand` with the block that begins at `start_indices` (see `dynamic_slice`) replaced by
    `update`, an array of as many axes and of its dtype.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.dynamic_update_slice(np.zeros(4), np.ones(2), (1,))
    Array([0., 1., 1., 0.])
    """
    x, block = of_the_dtype_of("dynamic_update_slice", operand, update)
    starts = _starts("dynamic_update_slice", x, start_indices, allow_negative_indices)
    if block.ndim != x.ndim:
        raise TypeError(
            at_user_line(
                "dynamic_update_slice update must have the same rank as operand, got update shape "
                f"{block.shape} for operand shape {x.shape}."
            )
        )
    return apply(ops.dynamic_update_slice, x, block, *starts)


def dynamic_update_slice_in_dim(
    operand: Any,
    update: Any,
    start_index: Any,
    axis: int,
    *,
    allow_negative_indices: bool = True,
) -> Any:
    """`dynamic_update_slice` that begins at `start_index` along one axis and at 0 along others.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.dynamic_update_slice_in_dim(np.zeros(4), np.ones(1), 2, 0)
    Array([0., 0., 1., 0.])
    """
    x = as_array("dynamic_update_slice", operand)
    starts: list[Any] = [0] * x.ndim
    starts[axis_of("dynamic_update_slice_in_dim", axis, x.ndim)] = start_index
    return dynamic_update_slice(x, update, starts, allow_negative_indices=allow_negative_indices)


def dynamic_update_index_in_dim(
    operand: Any, update: Any, index: Any, axis: int, *, allow_negative_indices: bool = True
) -> Any:
    """`operand` with the part at `index` along one axis replaced by `update`, which has that axis
    with length 1, or not at all.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.dynamic_update_index_in_dim(np.zeros(3), 5.0, 1, 0)
    Array([0., 5., 0.])
    """
    x, row = of_the_dtype_of("dynamic_update_index_in_dim", operand, update)
    at = axis_of("dynamic_update_index_in_dim", axis, x.ndim)
    if row.ndim != x.ndim:
        row = jnp.expand_dims(row, at)
    return dynamic_update_slice_in_dim(
        x, row, index, at, allow_negative_indices=allow_negative_indices
    )


def index_take(src: Any, idxs: Sequence[Any], axes: Sequence[int]) -> Any:
    """Element (or part) i of the result is src[idxs[0][i], idxs[1][i], ...] along `axes`; indices
    are taken modulo the lengths of the axes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.index_take(np.arange(6).reshape(2, 3), (np.array([0, -1]), np.array([2, 0])), (0, 1))
    Array([2, 3])
    """
    x = as_array("index_take", src)
    if len(idxs) != len(axes):
        raise ValueError(
            at_user_line(
                f"index_take: expected an array of indices for each axis; got {len(idxs)} for "
                f"{len(axes)} axes"
            )
        )
    index: list[Any] = [np.s_[:]] * x.ndim
    for entry, axis in zip(idxs, axes, strict=True):
        at = axis_of("index_take", axis, x.ndim)
        index[at] = jnp.remainder(as_array("index_take", entry), x.shape[at])
    picked = jnp.asarray(x)[tuple(index)]
    return as_result(picked)
