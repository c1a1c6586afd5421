"""Coordinates of grids, and arrays joined from slices."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad.array import as_array, writable
from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import DTYPES, INT64

from .creation import arange, linspace, zeros
from .joining import stack
from .promotion import as_array_operand, as_dtype, common_dtype, convert
from .shapes import as_shape, broadcast_to, ravel, reshape


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> list[Any]:
    """Coordinates of a grid from vectors of those along its axes: a list of arrays, one for each.

    "xy" exchanges the first two axes: (len(y), len(x)) from x and y; "ij" does not. If `sparse`,
    each array has length 1 along the axes of the others. Raises ValueError for other words.

    >>> import jitad.numpy as jnp
    >>> x, y = jnp.meshgrid(jnp.array([1, 2, 3]), jnp.array([10, 20]))
    >>> x
    Array([[1, 2, 3],
           [1, 2, 3]])
    >>> y
    Array([[10, 10, 10],
           [20, 20, 20]])
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(at_user_line("Valid values for `indexing` are 'xy' and 'ij'."))
    vectors = [ravel(x) for x in xi]
    count = len(vectors)
    places = list(range(count))
    if indexing == "xy" and count > 1:
        places[:2] = [1, 0]
    found = [
        reshape(v, [v.shape[0] if axis == place else 1 for axis in range(count)])
        for v, place in zip(vectors, places, strict=True)
    ]
    if sparse:
        return found
    shape = [1] * count
    for vector, place in zip(vectors, places, strict=True):
        shape[place] = vector.shape[0]
    grids = [broadcast_to(grid, shape) for grid in found]
    return [writable(grid) for grid in grids] if copy else grids


def indices(dimensions: Any, dtype: Any = INT64, sparse: bool = False) -> Any:
    """The index of each element of an array of shape `dimensions`, stacked by axis: (ndim, ...).

    If `sparse`, a tuple of arrays that broadcast.

    >>> import jitad.numpy as jnp
    >>> row, column = jnp.indices((2, 2))
    >>> row
    Array([[0, 0],
           [1, 1]])
    >>> column
    Array([[0, 1],
           [0, 1]])
    """
    shape = as_shape(dimensions)
    found = as_dtype(dtype)
    if sparse:
        return tuple(
            [
                reshape(arange(n, dtype=found), [n if i == axis else 1 for i in range(len(shape))])
                for axis, n in enumerate(shape)
            ]
        )
    counters = [apply(ops.iota, shape=shape, dim=axis, dtype=found) for axis in range(len(shape))]
    return stack(counters) if counters else zeros((0,), found)


class _Grid:
    """Coordinates of a grid from slices, which are static: `mgrid[0:3, 0:1:5j]`.

    A step j is a number of points, both ends among them. `mgrid` gives all coordinates, stacked by
    axis; `ogrid` a tuple of arrays that broadcast to the grid.

    >>> import jitad.numpy as jnp
    >>> row, column = jnp.mgrid[0:2, 0:3]
    >>> row
    Array([[0, 0, 0],
           [1, 1, 1]])
    >>> column
    Array([[0, 1, 2],
           [0, 1, 2]])
    >>> jnp.ogrid[0:2, 0:1:3j]
    (Array([[0.],
           [1.]]), Array([[0. , 0.5, 1. ]]))
    """

    def __init__(self, numpy_grid: Any, name: str) -> None:
        self._grid = numpy_grid
        self.__name__ = name

    def __getitem__(self, key: Any) -> Any:
        found = self._grid[key]
        return tuple(map(as_array, found)) if isinstance(found, tuple) else as_array(found)


mgrid = _Grid(np.mgrid, "mgrid")
ogrid = _Grid(np.ogrid, "ogrid")


class _Concatenator:
    """Slices, numbers and arrays joined: `r_[...]` along the first axis, `c_[...]` as columns.

    A step j is a number of points. Arrays that are not traced may follow one of NumPy's words, as
    in `r_["0,2", x, y]`. Raises ValueError for shapes that do not fit.

    >>> import jitad.numpy as jnp
    >>> jnp.r_[0:3, 7, jnp.array([8, 9])]
    Array([0, 1, 2, 7, 8, 9])
    >>> jnp.c_[jnp.array([1, 2]), jnp.array([3, 4])]
    Array([[1, 3],
           [2, 4]])
    """

    def __init__(self, columns: bool) -> None:
        self._columns = columns

    def __getitem__(self, key: Any) -> Any:
        items = key if isinstance(key, tuple) else (key,)
        if isinstance(items[0], str):  # how NumPy is to join them
            return as_array(np.asarray((np.c_ if self._columns else np.r_)[key]))
        parts = [_range(item) if isinstance(item, slice) else item for item in items]
        if self._columns:
            arrays = [as_array_operand(p) for p in parts]
            return _join([reshape(p, (p.size, 1)) if p.ndim < 2 else p for p in arrays], -1)
        return _join([reshape(p, (1,)) if np.ndim(p) == 0 else p for p in parts], 0)


def _join(parts: list[Any], axis: int) -> Any:
    from_shape = [as_array_operand(p) for p in parts]
    dtype = common_dtype(from_shape)
    return apply(
        ops.concatenate, *[convert(p, dtype) for p in from_shape], axis=axis % from_shape[0].ndim
    )


def _range(item: slice) -> Any:
    start = 0 if item.start is None else item.start
    if isinstance(item.step, complex):
        return linspace(start, item.stop, int(abs(item.step)))
    return arange(start, item.stop, item.step)


s_, index_exp = np.s_, np.index_exp
r_ = _Concatenator(columns=False)
c_ = _Concatenator(columns=True)


def fromfunction(function: Any, shape: Any, *, dtype: Any = float, **kwargs: Any) -> Any:
    """`function` of the index arrays of `shape`, one for each axis.

    They are float64 unless `dtype` is given.

    >>> import jitad.numpy as jnp
    >>> jnp.fromfunction(lambda i, j: i + j, (2, 3))
    Array([[0., 1., 2.],
           [1., 2., 3.]])
    """
    return function(*indices(shape, dtype=DTYPES["f64"] if dtype is float else dtype), **kwargs)
