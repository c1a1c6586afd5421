"""Rearranging elements: reshape, transpose, broadcast, flip; axes in other places."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.exceptions import AxisError
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from jitad.array import as_array
from jitad.errors import at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import Shape

from .promotion import (
    Operand,
    as_array_operand,
    broadcast_shape,
    shape_of,
    spread,
    strong,
)


def as_shape(shape: Any) -> Shape:
    """A shape from an int or a sequence of ints; raises TypeError for anything else."""
    if isinstance(shape, (int, np.integer)):
        return (int(shape),)
    if isinstance(shape, (Tracer, np.ndarray)) and not shape.shape:
        return (operator.index(shape),)
    return tuple([operator.index(n) for n in shape])


def shape(a: Any) -> Shape:
    """Lengths of the axes of an array, a number or nested lists: a tuple of ints.

    >>> import jitad.numpy as jnp
    >>> jnp.shape(jnp.ones((2, 3))), jnp.shape(1.0)
    ((2, 3), ())
    """
    return shape_of(as_array_operand(a))


def ndim(a: Any) -> int:
    """Number of axes of an array, a number or nested lists: an int.

    >>> import jitad.numpy as jnp
    >>> jnp.ndim(jnp.ones((2, 3)))
    2
    """
    return len(shape(a))


def size(a: Any, axis: Any = None) -> int:
    """Number of elements, or the length of `axis`: an int.

    `axis` may be a tuple. Raises AxisError for axes that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.size(jnp.ones((2, 3))), jnp.size(jnp.ones((2, 3)), 1)
    (6, 3)
    """
    lengths = shape(a)
    if axis is None:
        return math.prod(lengths)
    return math.prod([lengths[i] for i in normalize_axis_tuple(axis, len(lengths))])


def reshape(
    a: Any, shape: Any, order: str = "C", *, copy: bool | None = None, out_sharding: None = None
) -> Any:
    """The elements of `a` in an array of another shape, one of whose lengths may be -1.

    `order` is "C" (the last axis runs fastest) or "F" (the first). Raises ValueError if the number
    of elements differs.

    >>> import jitad.numpy as jnp
    >>> jnp.reshape(jnp.arange(6), (2, -1))
    Array([[0, 1, 2],
           [3, 4, 5]])
    """
    x = as_array_operand(a)
    lengths = _complete(x, as_shape(shape))
    if order == "F":
        backwards = transpose(reshape(transpose(x), lengths[::-1]))
        return strong(backwards)
    if order not in ("C", "A"):
        raise ValueError(at_user_line(f"order must be one of 'C', 'F', 'A'; got {order!r}"))
    if lengths == x.shape:
        return strong(x)
    return apply(ops.reshape, x, shape=lengths)


def _complete(x: Operand, lengths: Shape) -> Shape:
    """`lengths` with -1 worked out."""
    if lengths.count(-1) > 1:
        raise ValueError(at_user_line("can only specify one unknown dimension"))
    known = math.prod([n for n in lengths if n != -1])
    fits = known == x.size
    if -1 in lengths:
        fits = known > 0 and x.size % known == 0
    if not fits or any([n < -1 for n in lengths]):
        text = str(lengths).replace(" ", "")
        raise ValueError(at_user_line(f"cannot reshape array of size {x.size} into shape {text}"))
    return tuple([x.size // known if n == -1 else n for n in lengths])


def ravel(a: Any, order: str = "C", *, out_sharding: None = None) -> Any:
    """The elements in one axis, in `order` "C" (the last axis runs fastest) or "F" (the first).

    >>> import jitad.numpy as jnp
    >>> jnp.ravel(jnp.array([[1, 2], [3, 4]]))
    Array([1, 2, 3, 4])
    """
    return reshape(a, -1 if size(a) else 0, order)


def transpose(a: Any, axes: Any = None) -> Any:
    """Axes in another order: axis i of the result is axis axes[i] of `a`; reversed if None.

    Any dtype. Raises ValueError if `axes` is no permutation of the axes of `a`.

    >>> import jitad.numpy as jnp
    >>> jnp.transpose(jnp.ones((2, 3, 4)), (1, 0, 2)).shape
    (3, 2, 4)
    """
    x = as_array_operand(a)
    if axes is None:
        order = tuple(range(x.ndim))[::-1]
    else:
        order = tuple([normalize_axis_index(operator.index(i), x.ndim) for i in axes])
        if len(order) != x.ndim:
            raise ValueError(at_user_line("axes don't match array"))
        if len(set(order)) != len(order):
            raise ValueError(at_user_line("repeated axis in transpose"))
    if order == tuple(range(x.ndim)):
        return strong(x)
    return apply(ops.transpose, x, permutation=order)


permute_dims = transpose


def matrix_transpose(x: Any, /) -> Any:
    """The last two axes exchanged, of stacks of matrices (..., m, n).

    Raises ValueError for fewer than two axes.

    >>> import jitad.numpy as jnp
    >>> jnp.matrix_transpose(jnp.array([[1, 2], [3, 4]]))
    Array([[1, 3],
           [2, 4]])
    """
    x = as_array_operand(x)
    if x.ndim < 2:
        raise ValueError(
            at_user_line(f"Input array must be at least 2-dimensional, but it is {x.ndim}")
        )
    return swapaxes(x, -1, -2)


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged.

    Raises AxisError for axes that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.swapaxes(jnp.ones((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    x = as_array_operand(a)
    first, second = normalize_axis_index(axis1, x.ndim), normalize_axis_index(axis2, x.ndim)
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return transpose(x, order)


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes `source` moved to the places `destination`; the others keep their order.

    Each is an int, or both are sequences of one length (else ValueError). Raises AxisError for axes
    that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.moveaxis(jnp.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = as_array_operand(a)
    sources = normalize_axis_tuple(source, x.ndim, "source")
    places = normalize_axis_tuple(destination, x.ndim, "destination")
    if len(sources) != len(places):
        raise ValueError(
            at_user_line(
                "`source` and `destination` arguments must have the same number of elements"
            )
        )
    order = [n for n in range(x.ndim) if n not in sources]
    for place, origin in sorted(zip(places, sources, strict=True)):
        order.insert(place, origin)
    return transpose(x, order)


def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """Axis `axis` moved to lie before axis `start`; see `moveaxis`.

    Raises AxisError for axes that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.rollaxis(jnp.ones((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    x = as_array_operand(a)
    origin = normalize_axis_index(axis, x.ndim)
    place = start + x.ndim if start < 0 else start
    if not 0 <= place <= x.ndim:
        raise AxisError(start, x.ndim + 1, "start")
    return moveaxis(x, origin, place - 1 if place > origin else place)


def squeeze(a: Any, axis: Any = None) -> Any:
    """Without its axes of length 1, or without those of `axis` (an int or a tuple).

    Raises ValueError if one of them has another length.

    >>> import jitad.numpy as jnp
    >>> jnp.squeeze(jnp.ones((1, 3, 1))).shape, jnp.squeeze(jnp.ones((1, 3, 1)), 0).shape
    ((3,), (3, 1))
    """
    x = as_array_operand(a)
    if axis is None or (x.ndim == 0 and axis in (0, -1)):
        dropped: Sequence[int] = [i for i, n in enumerate(x.shape) if n == 1]
    else:
        dropped = normalize_axis_tuple(axis, x.ndim)
        if any([x.shape[i] != 1 for i in dropped]):
            raise ValueError(
                at_user_line("cannot select an axis to squeeze out which has size not equal to one")
            )
    return reshape(x, [n for i, n in enumerate(x.shape) if i not in dropped])


def expand_dims(a: Any, axis: Any) -> Any:
    """With new axes of length 1 at the places `axis` (an int or a tuple) of the result.

    Raises AxisError for places beyond its axes, ValueError for one named twice.

    >>> import jitad.numpy as jnp
    >>> jnp.expand_dims(jnp.arange(3), 0)
    Array([[0, 1, 2]])
    """
    x = as_array_operand(a)
    places = tuple(axis) if isinstance(axis, (tuple, list, range)) else (axis,)
    count = x.ndim + len(places)
    new = normalize_axis_tuple(places, count)
    lengths = iter(x.shape)
    return reshape(x, [1 if i in new else next(lengths) for i in range(count)])


def broadcast_to(array: Any, shape: Any, *, out_sharding: None = None) -> Any:
    """Repeated along new axes in front and axes of length 1 to `shape`.

    In reverse mode, cotangents of copies are summed. Raises ValueError if the shape does not fit.

    >>> import jitad.numpy as jnp
    >>> jnp.broadcast_to(jnp.array([1, 2]), (2, 2))
    Array([[1, 2],
           [1, 2]])
    """
    x, lengths = strong(as_array_operand(array)), as_shape(shape)
    own = x.shape
    fits = len(own) <= len(lengths) and all(
        [a in (1, b) for a, b in zip(reversed(own), reversed(lengths), strict=False)]
    )
    if not fits:
        raise ValueError(
            at_user_line(
                "operands could not be broadcast together with remapped shapes "
                f"[original->remapped]: {own} and requested shape {lengths}"
            )
        )
    result = spread(x, lengths)
    return as_array(result) if isinstance(result, (np.ndarray, np.generic)) else result


def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    """The arrays repeated to their common shape, each in its dtype: a tuple.

    Raises ValueError if they do not broadcast.

    >>> import jitad.numpy as jnp
    >>> jnp.broadcast_arrays(jnp.array([1, 2]), 3)
    (Array([1, 2]), Array([3, 3]))
    """
    arrays = [strong(as_array_operand(a)) for a in args]
    common = broadcast_shape([a.shape for a in arrays])
    return tuple([spread(a, common) for a in arrays])


def broadcast_shapes(*args: Any) -> Shape:
    """The shape to which all of these shapes broadcast: a tuple of ints.

    Raises ValueError if they do not.

    >>> import jitad.numpy as jnp
    >>> jnp.broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    return broadcast_shape([as_shape(shape) for shape in args])


def atleast_1d(*arys: Any) -> Any:
    """Scalars as arrays of one axis; a tuple of results for several arguments.

    >>> import jitad.numpy as jnp
    >>> jnp.atleast_1d(2.0)
    Array([2.])
    """
    found = [strong(as_array_operand(a)) for a in arys]
    return _one_or_all([reshape(x, (1,)) if x.ndim == 0 else x for x in found])


def atleast_2d(*arys: Any) -> Any:
    """With at least two axes, new ones in front; a tuple of results for several arguments.

    >>> import jitad.numpy as jnp
    >>> jnp.atleast_2d(jnp.arange(3))
    Array([[0, 1, 2]])
    """
    found = [strong(as_array_operand(a)) for a in arys]
    return _one_or_all([x if x.ndim > 1 else reshape(x, (1, x.size)) for x in found])


def atleast_3d(*arys: Any) -> Any:
    """With at least three axes; a tuple of results for several arguments.

    A vector becomes (1, n, 1), a matrix (m, n, 1).

    >>> import jitad.numpy as jnp
    >>> jnp.atleast_3d(jnp.arange(3)).shape
    (1, 3, 1)
    """
    found = [strong(as_array_operand(a)) for a in arys]
    lengths = {0: lambda s: (1, 1, 1), 1: lambda s: (1, *s, 1), 2: lambda s: (*s, 1)}
    return _one_or_all([x if x.ndim > 2 else reshape(x, lengths[x.ndim](x.shape)) for x in found])


def _one_or_all(arrays: list[Any]) -> Any:
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


# Turning.


def flip(m: Any, axis: Any = None) -> Any:
    """The elements in reverse order along `axis` (an int, a tuple, or None for all).

    Raises AxisError for axes that `m` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.flip(jnp.array([[1, 2], [3, 4]]), axis=1)
    Array([[2, 1],
           [4, 3]])
    """
    x = as_array_operand(m)
    axes = range(x.ndim) if axis is None else sorted(normalize_axis_tuple(axis, x.ndim))
    return apply(ops.reverse, x, axes=tuple(axes))


def flipud(m: Any) -> Any:
    """In reverse order along the first axis.

    Raises ValueError for scalars.

    >>> import jitad.numpy as jnp
    >>> jnp.flipud(jnp.array([[1, 2], [3, 4]]))
    Array([[3, 4],
           [1, 2]])
    """
    return flip(m, 0)


def fliplr(m: Any) -> Any:
    """In reverse order along the second axis.

    Raises ValueError for fewer than two axes.

    >>> import jitad.numpy as jnp
    >>> jnp.fliplr(jnp.array([[1, 2], [3, 4]]))
    Array([[2, 1],
           [4, 3]])
    """
    x = as_array_operand(m)
    if x.ndim < 2:
        raise ValueError(at_user_line("Input must be >= 2-d."))
    return flip(x, 1)


def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turned `k` times by 90 degrees in the plane of two axes, from the first towards the second.

    Raises ValueError for fewer than two axes, or for one axis given twice.

    >>> import jitad.numpy as jnp
    >>> jnp.rot90(jnp.array([[1, 2], [3, 4]]))
    Array([[2, 4],
           [1, 3]])
    """
    x = as_array_operand(m)
    first, second = normalize_axis_tuple(axes, x.ndim)
    turns = k % 4
    if turns == 2:
        return flip(x, (first, second))
    if turns == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second) if turns else strong(x)
