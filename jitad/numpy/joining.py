"""Joining, splitting and repeating arrays."""

from __future__ import annotations

import math
import operator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad.errors import at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops

from .promotion import (
    Operand,
    as_array_operand,
    as_dtype,
    as_operand,
    common_dtype,
    convert,
    no_out,
    strong,
)
from .shapes import (
    as_shape,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    broadcast_to,
    expand_dims,
    ndim,
    ravel,
    reshape,
    squeeze,
)


def _arrays(arrays: Any, dtype: Any) -> list[Operand]:
    """The items of a sequence or the rows of an array, in their common dtype."""
    if isinstance(arrays, (Tracer, np.ndarray)):
        if arrays.ndim == 0:
            raise ValueError(at_user_line("zero-dimensional arrays cannot be concatenated"))
        arrays = [arrays[i] for i in range(arrays.shape[0])]  # type: ignore[index]
    found = [as_operand(a) for a in arrays]
    if not found:
        raise ValueError(at_user_line("need at least one array to concatenate"))
    common = common_dtype(found) if dtype is None else as_dtype(dtype)
    return [convert(as_array_operand(x), common) for x in found]


def concatenate(arrays: Any, axis: int | None = 0, dtype: Any = None) -> Any:
    """Arrays one after the other along `axis`, which they have; flattened if it is None.

    In the dtype at which theirs meet, or `dtype`. Raises ValueError if their shapes differ along
    other axes, or there are none.

    >>> import jitad.numpy as jnp
    >>> jnp.concatenate([jnp.array([[1, 2]]), jnp.array([[3, 4]])])
    Array([[1, 2],
           [3, 4]])
    """
    parts = _arrays(arrays, dtype)
    if axis is None:
        parts, axis = [ravel(p) for p in parts], 0
    ndim = parts[0].ndim
    if any([p.ndim == 0 for p in parts]):
        raise ValueError(at_user_line("zero-dimensional arrays cannot be concatenated"))
    place = normalize_axis_index(axis, ndim)
    for position, part in enumerate(parts):
        if part.ndim != ndim:
            raise ValueError(
                at_user_line(
                    "all the input arrays must have same number of dimensions, but the array at "
                    f"index 0 has {ndim} dimension(s) and the array at index {position} has "
                    f"{part.ndim} dimension(s)"
                )
            )
        for i, (n, m) in enumerate(zip(parts[0].shape, part.shape, strict=True)):
            if i != place and n != m:
                raise ValueError(
                    at_user_line(
                        "all the input array dimensions except for the concatenation axis must "
                        f"match exactly, but along dimension {i}, the array at index 0 has size "
                        f"{n} and the array at index {position} has size {m}"
                    )
                )
    return strong(parts[0]) if len(parts) == 1 else apply(ops.concatenate, *parts, axis=place)


concat = concatenate


def stack(arrays: Any, axis: int = 0, out: None = None, dtype: Any = None) -> Any:
    """Arrays of one shape along a new axis `axis`.

    In the dtype at which theirs meet, or `dtype`. Raises ValueError if their shapes differ, or
    there are none.

    >>> import jitad.numpy as jnp
    >>> jnp.stack([jnp.array([1, 2]), jnp.array([3, 4])], axis=1)
    Array([[1, 3],
           [2, 4]])
    """
    no_out(out)
    parts = _arrays(arrays, dtype)
    if any([p.shape != parts[0].shape for p in parts]):
        raise ValueError(at_user_line("all input arrays must have the same shape"))
    place = normalize_axis_index(axis, parts[0].ndim + 1)
    return concatenate([expand_dims(p, place) for p in parts], place)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The parts of `x` along `axis`, without that axis: a tuple of arrays.

    Raises ValueError for scalars.

    >>> import jitad.numpy as jnp
    >>> jnp.unstack(jnp.array([[1, 2], [3, 4]]))
    (Array([1, 2]), Array([3, 4]))
    """
    x = as_array_operand(x)
    place = normalize_axis_index(axis, x.ndim)
    parts = [_slice_axis(x, place, i, i + 1) for i in range(x.shape[place])]
    return tuple([squeeze(part, place) for part in parts])


def _each(arrays: Any, at_least: Any) -> list[Operand]:
    return [at_least(a) for a in _arrays(arrays, None)]


def hstack(tup: Any, dtype: Any = None) -> Any:
    """Arrays joined along the second axis; along the first, if they have but one.

    Dtypes and errors are those of `concatenate`.

    >>> import jitad.numpy as jnp
    >>> jnp.hstack([jnp.array([1, 2]), jnp.array([3])])
    Array([1, 2, 3])
    """
    parts = _each(tup, atleast_1d)
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype)


def vstack(tup: Any, dtype: Any = None) -> Any:
    """Arrays joined along the first of at least two axes: vectors become rows.

    Dtypes and errors are those of `concatenate`.

    >>> import jitad.numpy as jnp
    >>> jnp.vstack([jnp.array([1, 2]), jnp.array([3, 4])])
    Array([[1, 2],
           [3, 4]])
    """
    return concatenate(_each(tup, atleast_2d), 0, dtype=dtype)


def dstack(tup: Any, dtype: Any = None) -> Any:
    """Arrays joined along the third of at least three axes; see `atleast_3d`.

    Dtypes and errors are those of `concatenate`.

    >>> import jitad.numpy as jnp
    >>> jnp.dstack([jnp.array([1, 2]), jnp.array([3, 4])]).shape
    (1, 2, 2)
    """
    return concatenate(_each(tup, atleast_3d), 2, dtype=dtype)


def column_stack(tup: Any) -> Any:
    """Vectors as columns, and matrices, side by side.

    Dtypes and errors are those of `concatenate`.

    >>> import jitad.numpy as jnp
    >>> jnp.column_stack([jnp.array([1, 2]), jnp.array([3, 4])])
    Array([[1, 3],
           [2, 4]])
    """
    parts = _arrays(tup, None)
    return concatenate([p if p.ndim > 1 else reshape(p, (p.size, 1)) for p in parts], 1)


def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """`values` behind `arr` along `axis`; both flattened if it is None.

    Dtypes and errors are those of `concatenate`.

    >>> import jitad.numpy as jnp
    >>> jnp.append(jnp.array([1, 2]), 3)
    Array([1, 2, 3])
    """
    return concatenate([arr, values], axis)


def block(arrays: Any) -> Any:
    """An array from nested lists of blocks: the innermost lists run along the last axis.

    Raises ValueError if blocks do not fit, or lists are empty or of different depths.

    >>> import jitad.numpy as jnp
    >>> a = jnp.eye(2)
    >>> jnp.block([[a, jnp.zeros((2, 1))], [jnp.ones((1, 3))]])
    Array([[1., 0., 0.],
           [0., 1., 0.],
           [1., 1., 1.]])
    """
    depth, level = 0, arrays
    while isinstance(level, list):
        if not level:
            raise ValueError(at_user_line("block: a list is empty"))
        depth, level = depth + 1, level[0]
    return _block(arrays, depth, max(depth, _greatest_ndim(arrays)))


def _greatest_ndim(arrays: Any) -> int:
    if isinstance(arrays, list):
        return max([_greatest_ndim(a) for a in arrays])
    return ndim(arrays)


def _block(arrays: Any, depth: int, count: int) -> Operand:
    if depth == 0:
        x = as_array_operand(arrays)
        return reshape(x, (1,) * (count - x.ndim) + x.shape)
    return concatenate([_block(a, depth - 1, count) for a in arrays], -depth)


# Splitting.


def _slice_axis(x: Operand, axis: int, start: int, limit: int, stride: int = 1) -> Operand:
    """Elements start, start + stride, ... below limit along one axis."""
    starts, limits, strides = [0] * x.ndim, list(x.shape), [1] * x.ndim
    starts[axis], limits[axis], strides[axis] = start, max(start, limit), stride
    return apply(ops.slice, x, start=tuple(starts), limit=tuple(limits), stride=tuple(strides))


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Parts along `axis`: so many of nearly equal length, or between the given indices.

    A list of arrays. Raises ValueError for less than one part.

    >>> import jitad.numpy as jnp
    >>> jnp.array_split(jnp.arange(5), 2)
    [Array([0, 1, 2]), Array([3, 4])]
    """
    x = as_array_operand(ary)
    place = normalize_axis_index(axis, x.ndim)
    n = x.shape[place]
    if np.ndim(indices_or_sections) == 0:
        sections = operator.index(indices_or_sections)
        if sections <= 0:
            raise ValueError(at_user_line("number sections must be larger than 0."))
        length, longer = divmod(n, sections)
        lengths = [length + 1] * longer + [length] * (sections - longer)
        bounds = [sum(lengths[:i]) for i in range(sections + 1)]
    else:
        given = [operator.index(i) for i in indices_or_sections]
        bounds = [0, *[slice(i, None).indices(n)[0] for i in given], n]
    return [_slice_axis(x, place, low, high) for low, high in pairwise(bounds)]


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Parts along `axis`: so many of equal length, or between the given indices.

    A list of arrays. Raises ValueError if the parts cannot have one length; see `array_split`.

    >>> import jitad.numpy as jnp
    >>> jnp.split(jnp.arange(6), [2, 3])
    [Array([0, 1]), Array([2]), Array([3, 4, 5])]
    """
    x = as_array_operand(ary)
    if np.ndim(indices_or_sections) == 0:
        n = x.shape[normalize_axis_index(axis, x.ndim)]
        if n % operator.index(indices_or_sections):
            raise ValueError(at_user_line("array split does not result in an equal division"))
    return array_split(x, indices_or_sections, axis)


def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Parts along the second axis (the first, if there is but one); see `split`.

    Raises ValueError for scalars.

    >>> import jitad.numpy as jnp
    >>> jnp.hsplit(jnp.array([[1, 2, 3, 4]]), 2)
    [Array([[1, 2]]), Array([[3, 4]])]
    """
    x = as_array_operand(ary)
    if x.ndim == 0:
        raise ValueError(at_user_line("hsplit only works on arrays of 1 or more dimensions"))
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Parts along the first axis of at least two; see `split`.

    Raises ValueError for fewer axes.

    >>> import jitad.numpy as jnp
    >>> jnp.vsplit(jnp.array([[1, 2], [3, 4]]), 2)
    [Array([[1, 2]]), Array([[3, 4]])]
    """
    x = as_array_operand(ary)
    if x.ndim < 2:
        raise ValueError(at_user_line("vsplit only works on arrays of 2 or more dimensions"))
    return split(x, indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Parts along the third axis of at least three; see `split`.

    Raises ValueError for fewer axes.

    >>> import jitad.numpy as jnp
    >>> [x.shape for x in jnp.dsplit(jnp.ones((2, 3, 4)), 2)]
    [(2, 3, 2), (2, 3, 2)]
    """
    x = as_array_operand(ary)
    if x.ndim < 3:
        raise ValueError(at_user_line("dsplit only works on arrays of 3 or more dimensions"))
    return split(x, indices_or_sections, 2)


# Repeating.


def resize(a: Any, new_shape: Any) -> Any:
    """An array of `new_shape` filled by the elements of `a`, again and again if it is larger.

    Zeros if `a` has no elements. Raises ValueError for negative lengths.

    >>> import jitad.numpy as jnp
    >>> jnp.resize(jnp.array([1, 2, 3]), (2, 4))
    Array([[1, 2, 3, 1],
           [2, 3, 1, 2]])
    """
    lengths = as_shape(new_shape)
    flat = ravel(a)
    total = math.prod(lengths)
    if not total or not flat.shape[0]:
        return apply(ops.full, value=0, shape=lengths, dtype=flat.dtype)
    copies = -(-total // flat.shape[0])
    flat = concatenate([flat] * copies) if copies > 1 else flat
    return reshape(_slice_axis(flat, 0, 0, total), lengths)


def tile(A: Any, reps: Any) -> Any:
    """`A` repeated so many times along each axis: `reps` is an int or a tuple.

    New axes in front if `reps` has more than `A`.

    >>> import jitad.numpy as jnp
    >>> jnp.tile(jnp.array([1, 2]), (2, 2))
    Array([[1, 2, 1, 2],
           [1, 2, 1, 2]])
    """
    x = as_array_operand(A)
    counts = as_shape(reps)
    counts = (1,) * (x.ndim - len(counts)) + counts
    lengths = (1,) * (len(counts) - x.ndim) + x.shape
    pairs = [n for pair in zip(counts, lengths, strict=True) for n in pair]
    x = reshape(x, [n for length in lengths for n in (1, length)])
    return reshape(broadcast_to(x, pairs), [c * n for c, n in zip(counts, lengths, strict=True)])
