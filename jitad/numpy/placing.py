"""NumPy's functions that write into an array, as functions that return an updated copy.

As in JAX they are called with `inplace=False`: without it a program that relies on the array being
written to would go wrong in silence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad.errors import at_user_line
from jitad_ir.types import INT64

from .at import At
from .picking import take
from .promotion import as_array_operand, broadcast_shape, convert, strong
from .reduce import cumsum
from .selection import clip, where
from .shapes import broadcast_to, ravel, reshape


def _not_in_place(name: str, inplace: bool) -> None:
    if inplace:
        raise ValueError(
            at_user_line(
                f"jnp.{name} cannot modify arrays in place: write x = jnp.{name}(x, ..., "
                "inplace=False), or use x.at[...].set(...)"
            )
        )


def put(a: Any, ind: Any, v: Any, mode: str | None = None, *, inplace: bool = True) -> Any:
    """`a` with the elements at `ind` of the flattened array replaced by `v`, which is repeated.

    `mode` is for indices out of bounds: "clip", "wrap", or by default their values are dropped.
    Arrays are not written to: raises ValueError unless `inplace=False`.

    >>> import jitad.numpy as jnp
    >>> jnp.put(jnp.zeros(4), jnp.array([0, 2]), jnp.array([1.0, 2.0]), inplace=False)
    Array([1., 0., 2., 0.])
    """
    _not_in_place("put", inplace)
    x = strong(as_array_operand(a))
    places, values = ravel(ind), ravel(v)
    if not places.shape[0] or not values.shape[0]:
        return x
    if mode not in (None, "raise", "clip", "wrap"):
        raise ValueError(at_user_line(f"expected mode clip, wrap or raise; got {mode!r}"))
    places = convert(places, INT64)
    if mode == "raise" or (mode is None and isinstance(places, np.ndarray)):
        if not isinstance(places, np.ndarray):
            raise ValueError(at_user_line("mode 'raise' needs indices that are known"))
        outside = (places < -x.size) | (places >= x.size)
        if outside.any():
            raise IndexError(
                at_user_line(
                    f"index {places[outside][0]} is out of bounds for axis 0 with size {x.size}"
                )
            )
    if mode == "clip":
        places = clip(places, 0, x.size - 1)
    elif mode == "wrap":
        places = places % x.size
    repeated = take(values, np.arange(places.shape[0]) % values.shape[0])
    return reshape(At(ravel(x))[places].set(repeated), x.shape)


def place(arr: Any, mask: Any, vals: Any, *, inplace: bool = True) -> Any:
    """`arr` with the elements where `mask` is true replaced by `vals` in order, which is repeated.

    The mask has the shape of `arr`. Arrays are not written to: raises ValueError unless
    `inplace=False`.

    >>> import jitad.numpy as jnp
    >>> x = jnp.arange(4)
    >>> jnp.place(x, x % 2 == 0, jnp.array([7, 8]), inplace=False)
    Array([7, 1, 8, 3])
    """
    _not_in_place("place", inplace)
    x = strong(as_array_operand(arr))
    flags, values = convert(ravel(mask), np.dtype("bool")), ravel(vals)
    if flags.shape[0] != x.size:
        raise ValueError(at_user_line("place: mask and data must be the same size"))
    if not x.size:
        return x
    if not values.shape[0]:
        raise ValueError(at_user_line("Cannot insert from an empty array!"))
    number = cumsum(flags, dtype=INT64) - 1
    chosen = take(values, number % values.shape[0], mode="clip")
    return reshape(where(flags, convert(chosen, x.dtype), ravel(x)), x.shape)


def put_along_axis(
    arr: Any,
    indices: Any,
    values: Any,
    axis: int | None,
    inplace: bool = True,
    *,
    mode: str | None = None,
) -> Any:
    """`arr` with element indices[i, j, ...] along `axis` replaced by values[i, j, ...].

    For each place of the other axes, which broadcast; `mode` is that of `x.at[...]`. Arrays are not
    written to: raises ValueError unless `inplace=False`.

    >>> import jitad.numpy as jnp
    >>> x = jnp.array([[1, 2], [3, 4]])
    >>> jnp.put_along_axis(x, jnp.array([[0], [1]]), 9, axis=1, inplace=False)
    Array([[9, 2],
           [3, 9]])
    """
    _not_in_place("put_along_axis", inplace)
    x = strong(as_array_operand(arr))
    index = as_array_operand(indices)
    if axis is None:
        return reshape(At(ravel(x))[ravel(index)].set(values, mode=mode), x.shape)
    if index.ndim != x.ndim:
        raise ValueError(
            at_user_line("`indices` and `arr` must have the same number of dimensions")
        )
    along = normalize_axis_index(axis, x.ndim)
    own = tuple([1 if i == along else n for i, n in enumerate(x.shape)])
    shape = broadcast_shape((own, index.shape))
    grid = list(np.ix_(*[np.arange(n) for n in shape]))
    grid[along] = broadcast_to(index, shape)
    return At(x)[tuple(grid)].set(broadcast_to(values, shape), mode=mode)


def fill_diagonal(a: Any, val: Any, wrap: bool = False, *, inplace: bool = True) -> Any:
    """`a` with its main diagonal replaced by `val`, which is repeated.

    `wrap` goes on below a square part of a tall matrix. Arrays are not written to: raises
    ValueError unless `inplace=False`, and for fewer than two axes.

    >>> import jitad.numpy as jnp
    >>> jnp.fill_diagonal(jnp.zeros((2, 2)), 5.0, inplace=False)
    Array([[5., 0.],
           [0., 5.]])
    """
    _not_in_place("fill_diagonal", inplace)
    x = strong(as_array_operand(a))
    if x.ndim < 2:
        raise ValueError(at_user_line("array must be at least 2-d"))
    if x.ndim > 2 and len(set(x.shape)) != 1:
        raise ValueError(at_user_line("All dimensions of input must be of equal length"))
    if x.ndim == 2:
        step, end = x.shape[1] + 1, x.size if wrap else min(x.size, x.shape[1] ** 2)
    else:
        step = 1 + sum([x.shape[0] ** i for i in range(1, x.ndim)])
        end = x.size
    return put(x, np.arange(0, end, step), val, inplace=False)
