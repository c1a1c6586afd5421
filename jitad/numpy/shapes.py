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
    """Lengths of the axes."""
    return shape_of(as_array_operand(a))


def ndim(a: Any) -> int:
    """Number of axes."""
    return len(shape(a))


def size(a: Any, axis: Any = None) -> int:
    """Number of elements, along `axis` if given."""
    lengths = shape(a)
    if axis is None:
        return math.prod(lengths)
    return math.prod([lengths[i] for i in normalize_axis_tuple(axis, len(lengths))])


def reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    """The elements of `a` in an array of another shape, one of whose lengths may be -1.

    `order` is "C" (the last axis runs fastest) or "F" (the first). Raises ValueError if the
    number of elements differs.
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


def ravel(a: Any, order: str = "C") -> Any:
    """The elements in one axis."""
    return reshape(a, -1 if size(a) else 0, order)


def transpose(a: Any, axes: Any = None) -> Any:
    """Axes in another order: axis i of the result is axis axes[i] of `a`; reversed if None."""
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
    """The last two axes exchanged."""
    x = as_array_operand(x)
    if x.ndim < 2:
        raise ValueError(
            at_user_line(f"Input array must be at least 2-dimensional, but it is {x.ndim}")
        )
    return swapaxes(x, -1, -2)


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    x = as_array_operand(a)
    first, second = normalize_axis_index(axis1, x.ndim), normalize_axis_index(axis2, x.ndim)
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return transpose(x, order)


def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes `source` moved to the places `destination`; the others keep their order."""
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
    """Axis `axis` moved to lie before axis `start`."""
    x = as_array_operand(a)
    origin = normalize_axis_index(axis, x.ndim)
    place = start + x.ndim if start < 0 else start
    if not 0 <= place <= x.ndim:
        raise AxisError(start, x.ndim + 1, "start")
    return moveaxis(x, origin, place - 1 if place > origin else place)


def squeeze(a: Any, axis: Any = None) -> Any:
    """Without its axes of length 1, or without those of `axis`, which must have length 1."""
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
    """With new axes of length 1 at the places `axis` of the result."""
    x = as_array_operand(a)
    places = tuple(axis) if isinstance(axis, (tuple, list, range)) else (axis,)
    count = x.ndim + len(places)
    new = normalize_axis_tuple(places, count)
    lengths = iter(x.shape)
    return reshape(x, [1 if i in new else next(lengths) for i in range(count)])


def broadcast_to(array: Any, shape: Any) -> Any:
    """Repeated along new and unit axes to `shape`; raises ValueError if it does not fit."""
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
    """The arrays repeated to their common shape."""
    arrays = [strong(as_array_operand(a)) for a in args]
    common = broadcast_shape([a.shape for a in arrays])
    return tuple([spread(a, common) for a in arrays])


def broadcast_shapes(*args: Any) -> Shape:
    """The shape to which all of these broadcast."""
    return broadcast_shape([as_shape(shape) for shape in args])


def atleast_1d(*arys: Any) -> Any:
    """Scalars as arrays of one axis; a tuple of results for several arguments."""
    found = [strong(as_array_operand(a)) for a in arys]
    return _one_or_all([reshape(x, (1,)) if x.ndim == 0 else x for x in found])


def atleast_2d(*arys: Any) -> Any:
    """With at least two axes, new ones in front; a tuple of results for several arguments."""
    found = [strong(as_array_operand(a)) for a in arys]
    return _one_or_all([x if x.ndim > 1 else reshape(x, (1, x.size)) for x in found])


def atleast_3d(*arys: Any) -> Any:
    """With at least three axes, as NumPy places them; a tuple for several arguments."""
    found = [strong(as_array_operand(a)) for a in arys]
    lengths = {0: lambda s: (1, 1, 1), 1: lambda s: (1, *s, 1), 2: lambda s: (*s, 1)}
    return _one_or_all([x if x.ndim > 2 else reshape(x, lengths[x.ndim](x.shape)) for x in found])


def _one_or_all(arrays: list[Any]) -> Any:
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


# Turning.


def flip(m: Any, axis: Any = None) -> Any:
    """The elements in reverse order along `axis` (all axes if None)."""
    x = as_array_operand(m)
    axes = range(x.ndim) if axis is None else sorted(normalize_axis_tuple(axis, x.ndim))
    return apply(ops.reverse, x, axes=tuple(axes))


def flipud(m: Any) -> Any:
    """In reverse order along the first axis."""
    return flip(m, 0)


def fliplr(m: Any) -> Any:
    """In reverse order along the second axis."""
    x = as_array_operand(m)
    if x.ndim < 2:
        raise ValueError(at_user_line("Input must be >= 2-d."))
    return flip(x, 1)


def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Turned k times by 90 degrees in the plane of two axes, from the first towards the second."""
    x = as_array_operand(m)
    first, second = normalize_axis_tuple(axes, x.ndim)
    turns = k % 4
    if turns == 2:
        return flip(x, (first, second))
    if turns == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second) if turns else strong(x)
