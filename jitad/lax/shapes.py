"""Arrays of a given shape, and elements rearranged, by the names of `jax.lax`."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitad_ir import ops

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.promotion import Operand, as_array_operand, as_dtype, convert, spread
from ..trace import apply
from .operands import as_array, as_result, axes_of, axis_of, of_one_dtype

Shape = tuple[int, ...]


def as_shape(name: str, shape: Any) -> Shape:
    """A shape from a sequence of lengths (or one); raises TypeError for negative ones."""
    given = (shape,) if isinstance(shape, (int, np.integer)) else shape
    found = tuple([operator.index(n) for n in given])
    if any([n < 0 for n in found]):
        raise TypeError(at_user_line(f"{name}: expected a shape of lengths >= 0; got {found}"))
    return found


# New arrays.


def full(shape: Any, fill_value: Any, dtype: Any = None, *, sharding: Any = None) -> Any:
    """An array of `shape` with the scalar `fill_value` everywhere, in its dtype or in `dtype`.

    `sharding`, here and elsewhere, is accepted for programs written for JAX and has no effect.

    >>> from jitad import lax
    >>> lax.full((2,), 3.0)
    Array([3., 3.])
    """
    lengths = as_shape("full", shape)
    value = as_array_operand(fill_value)
    if value.shape:
        raise TypeError(
            at_user_line(f"full: expected a scalar fill_value; got shape {value.shape}")
        )
    value = convert(value, value.dtype if dtype is None else as_dtype(dtype))
    return as_result(spread(value, lengths) if lengths else jnp.asarray(value))


def full_like(
    x: Any, fill_value: Any, dtype: Any = None, shape: Any = None, sharding: Any = None
) -> Any:
    """`full` of the shape and dtype of `x`, where they are not given.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.full_like(np.arange(3), 7)
    Array([7, 7, 7])
    """
    like = x if hasattr(x, "shape") and hasattr(x, "dtype") else as_array_operand(x)
    return full(like.shape if shape is None else shape, fill_value, dtype or like.dtype)


def iota(dtype: Any, size: int) -> Any:
    """0, 1, 2, ..., size - 1 in `dtype`.

    >>> from jitad import lax
    >>> lax.iota(int, 3)
    Array([0, 1, 2])
    """
    return broadcasted_iota(dtype, (size,), 0)


def broadcasted_iota(dtype: Any, shape: Any, dimension: int, *, out_sharding: Any = None) -> Any:
    """An array of `shape` whose elements count 0, 1, 2, ... along axis `dimension`.

    >>> from jitad import lax
    >>> lax.broadcasted_iota(int, (2, 3), 1)
    Array([[0, 1, 2],
           [0, 1, 2]])
    """
    lengths = as_shape("iota", shape)
    place = axis_of("iota", dimension, len(lengths))
    found = as_dtype(dtype)
    if found.kind == "b":
        raise TypeError(at_user_line("iota does not accept dtype bool: expected numbers"))
    return apply(ops.iota, shape=lengths, dim=place, dtype=found)


# Broadcasting and reshaping.


def empty(shape: Any, dtype: Any = None, *, out_sharding: Any = None) -> Any:
    """An array of `shape`, of zeros: memory as it is found would not give the same twice.

    >>> from jitad import lax
    >>> lax.empty((2,), float)
    Array([0., 0.])
    """
    return full(shape, 0, np.float64 if dtype is None else dtype)


def broadcast_to_rank(x: Any, rank: int) -> Any:
    """`x` with leading axes of length 1, `rank` axes in all. Raises ValueError if it has more.

    >>> from jitad import lax
    >>> lax.broadcast_to_rank(np.ones(3), 2).shape
    (1, 3)
    """
    x = as_array("broadcast_to_rank", x)
    if x.ndim > rank:
        raise ValueError(
            at_user_line(f"broadcast_to_rank: expected at most {rank} axes; got {x.ndim}")
        )
    return apply(ops.reshape, x, shape=(1,) * (rank - x.ndim) + x.shape)


def broadcast(operand: Any, sizes: Sequence[int], *, out_sharding: Any = None) -> Any:
    """`operand` repeated along new leading axes of lengths `sizes`.

    >>> from jitad import lax
    >>> lax.broadcast(1.0, (3,))
    Array([1., 1., 1.])
    """
    x = as_array("broadcast", operand)
    shape = (*as_shape("broadcast", sizes), *x.shape)
    return as_result(spread(x, shape))


def broadcast_in_dim(
    operand: Any, shape: Any, broadcast_dimensions: Sequence[int], *, out_sharding: Any = None
) -> Any:
    """`operand` in an array of `shape`: its axis i becomes axis broadcast_dimensions[i] (which
    ascend), repeated if it has length 1; it is repeated along the others.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.broadcast_in_dim(np.array([1, 2]), (2, 3), (0,))
    Array([[1, 1, 1],
           [2, 2, 2]])
    """
    x = as_array("broadcast_in_dim", operand)
    dims = tuple([operator.index(d) for d in broadcast_dimensions])
    return apply(ops.broadcast, x, shape=as_shape("broadcast_in_dim", shape), dims=dims)


def broadcast_shapes(*shapes: Any) -> Shape:
    """The shape to which all of these broadcast, by NumPy's rules; ValueError if there is none.

    >>> from jitad import lax
    >>> lax.broadcast_shapes((3, 1), (4,))
    (3, 4)
    """
    return jnp.broadcast_shapes(*shapes)


def reshape(
    operand: Any,
    new_sizes: Any,
    dimensions: Sequence[int] | None = None,
    *,
    out_sharding: Any = None,
) -> Any:
    """The elements of `operand`, its axes put in the order `dimensions` first, in an array of
    shape `new_sizes`, one of which may be -1. TypeError if their number differs.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.reshape(np.arange(4), (2, 2), dimensions=(0,))
    Array([[0, 1],
           [2, 3]])
    """
    x = as_array("reshape", operand)
    if dimensions is not None:
        x = transpose(x, dimensions)
    try:
        return as_result(jnp.reshape(x, new_sizes))
    except ValueError as error:
        raise TypeError(str(error)) from None


def collapse(operand: Any, start_dimension: int, stop_dimension: int | None = None) -> Any:
    """Axes from `start_dimension` up to `stop_dimension` (the end if None) made one.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.collapse(np.ones((2, 3, 4)), 1).shape
    (2, 12)
    """
    x = as_array("collapse", operand)
    low, high, _ = slice(start_dimension, stop_dimension).indices(x.ndim)
    if high <= low:
        return as_result(x)
    merged = math.prod(x.shape[low:high])
    return as_result(jnp.reshape(x, (*x.shape[:low], merged, *x.shape[high:])))


def expand_dims(array: Any, dimensions: Any) -> Any:
    """With new axes of length 1 at the places `dimensions` of the result.

    >>> from jitad import lax
    >>> lax.expand_dims(1.0, (0, 1)).shape
    (1, 1)
    """
    return as_result(jnp.expand_dims(as_array("expand_dims", array), _tuple(dimensions)))


def _tuple(axes: Any) -> tuple[Any, ...]:
    return (axes,) if isinstance(axes, (int, np.integer)) else tuple(axes)


def squeeze(array: Any, dimensions: Any) -> Any:
    """Without the axes `dimensions`, which must have length 1 (ValueError).

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.squeeze(np.ones((1, 3, 1)), (0,)).shape
    (3, 1)
    """
    x = as_array("squeeze", array)
    dropped = axes_of("squeeze", dimensions, x.ndim)
    if any([x.shape[axis] != 1 for axis in dropped]):
        raise ValueError(
            at_user_line(
                "cannot select an axis to squeeze out which has size not equal to one, got shape="
                f"{x.shape} and dimensions={dropped}"
            )
        )
    return as_result(jnp.reshape(x, [n for i, n in enumerate(x.shape) if i not in dropped]))


def transpose(operand: Any, permutation: Any) -> Any:
    """Axes in another order: axis i of the result is axis permutation[i] of `operand`. TypeError
    if that is no permutation.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.transpose(np.ones((2, 3)), (1, 0)).shape
    (3, 2)
    """
    x = as_array("transpose", operand)
    order = tuple([operator.index(i) for i in permutation])
    if sorted(order) != list(range(x.ndim)):
        raise TypeError(
            at_user_line(
                "transpose permutation isn't a permutation of operand dimensions, got permutation "
                f"{order} for operand shape {x.shape}."
            )
        )
    return as_result(jnp.transpose(x, order))


def rev(operand: Any, dimensions: Any) -> Any:
    """With the elements along the axes `dimensions` in the opposite order.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.rev(np.arange(3), (0,))
    Array([2, 1, 0])
    """
    x = as_array("rev", operand)
    axes = tuple(sorted(axes_of("rev", dimensions, x.ndim)))
    return apply(ops.reverse, x, axes=axes) if axes else as_result(x)


def tile(operand: Any, reps: Any) -> Any:
    """Copies of `operand` side by side: reps[i] along axis i, one for each axis.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.tile(np.arange(2), (2,))
    Array([0, 1, 0, 1])
    """
    x = as_array("tile", operand)
    counts = as_shape("tile", reps)
    if len(counts) != x.ndim:
        raise TypeError(
            at_user_line(f"tile: expected one count for each of {x.ndim} axes; got {counts}")
        )
    return as_result(jnp.tile(x, counts))


# Joining and splitting.


def _together(name: str, operands: Any) -> list[Operand]:
    given = list(operands)
    if not given:
        raise ValueError(at_user_line(f"{name} requires at least one operand; got none"))
    return of_one_dtype(name, given)


def concatenate(operands: Any, dimension: int) -> Any:
    """Arrays of one dtype one after the other along axis `dimension`; TypeError if their other
    lengths differ.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.concatenate([np.arange(2), np.array([7])], 0)
    Array([0, 1, 7])
    """
    parts = _together("concatenate", operands)
    try:
        return as_result(jnp.concatenate(parts, operator.index(dimension)))
    except ValueError as error:
        raise TypeError(str(error)) from None


def stack(operands: Any, axis: int = 0) -> Any:
    """Arrays of one dtype and shape along a new axis, which is number `axis` of the result.
    ValueError for no arrays and for shapes that differ, TypeError for dtypes of different kinds.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.stack([np.array([1, 2]), np.array([3, 4])], axis=1)
    Array([[1, 3],
           [2, 4]])
    """
    return as_result(jnp.stack(_together("stack", operands), axis))


def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """The parts of `x` along `axis`, without that axis, as a tuple.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.unstack(np.array([[1, 2], [3, 4]]))
    (Array([1, 2]), Array([3, 4]))
    """
    return jnp.unstack(as_array("unstack", x), axis=axis)


def split(operand: Any, sizes: Sequence[int], axis: int = 0) -> list[Any]:
    """Parts of lengths `sizes` along `axis`, which add up to its length (ValueError).

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.split(np.arange(3), (1, 2))
    [Array([0]), Array([1, 2])]
    """
    x = as_array("split", operand)
    place = axis_of("split", axis, x.ndim)
    lengths = as_shape("split", sizes)
    if sum(lengths) != x.shape[place]:
        raise ValueError(
            at_user_line(
                f"Sizes passed to split, {lengths}, must add to the size of the axis: "
                f"{x.shape[place]}"
            )
        )
    parts: list[Any] = []
    start = [0] * x.ndim
    for n in lengths:
        limit = list(x.shape)
        limit[place] = start[place] + n
        one = (1,) * x.ndim
        parts.append(apply(ops.slice, x, start=tuple(start), limit=tuple(limit), stride=one))
        start[place] += n
    return parts


def pad(operand: Any, padding_value: Any, padding_config: Sequence[tuple[int, int, int]]) -> Any:
    """`operand` with `padding_value` (a scalar of its dtype) around and between its elements.

    `padding_config` has (low, high, interior) for each axis: how many in front, behind, and between
    neighbours. Negative low and high crop instead.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.pad(np.array([1.0, 2.0]), 0.0, [(1, 0, 1)])
    Array([0., 1., 0., 2.])
    """
    x, value = of_one_dtype("pad", (operand, padding_value))
    if len(padding_config) != x.ndim:
        raise TypeError(
            at_user_line(
                "length of padding_config must equal the number of axes of operand, got "
                f"padding_config {tuple(padding_config)} for operand shape {x.shape}."
            )
        )
    low, high, interior = [
        tuple([operator.index(config[i]) for config in padding_config]) for i in range(3)
    ]
    return apply(ops.pad, x, value, low=low, high=high, interior=interior)
