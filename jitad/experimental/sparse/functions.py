"""Sparse arrays made, and their methods as functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import numpy as jnp
from ... import random as jrandom
from ...tree_util import tree_map
from .bcoo import BCOO, multiplied

bcoo_multiply_dense = multiplied


def bcoo_fromdense(mat: Any, *, nse: int | None = None, index_dtype: Any = np.int32) -> BCOO:
    """`BCOO.fromdense`."""
    return BCOO.fromdense(mat, nse=nse, index_dtype=index_dtype)


def bcoo_todense(mat: BCOO) -> Any:
    """`mat.todense()`."""
    return mat.todense()


def todense(x: Any) -> Any:
    """The pytree `x` with dense arrays for sparse ones."""
    return tree_map(
        lambda leaf: leaf.todense() if isinstance(leaf, BCOO) else leaf,
        x,
        is_leaf=lambda leaf: isinstance(leaf, BCOO),
    )


def bcoo_transpose(mat: BCOO, *, permutation: Sequence[int]) -> BCOO:
    """`mat.transpose(permutation)`."""
    return mat.transpose(permutation)


def bcoo_sort_indices(mat: BCOO) -> BCOO:
    """`mat.sort_indices()`."""
    return mat.sort_indices()


def bcoo_sum_duplicates(mat: BCOO, nse: int | None = None) -> BCOO:
    """`mat.sum_duplicates(nse)`."""
    return mat.sum_duplicates(nse)


def bcoo_reduce_sum(mat: BCOO, *, axes: Sequence[int]) -> BCOO:
    """The sum over `axes`, a sparse array."""
    return mat.sum(tuple(axes))


def empty(shape: Sequence[int], dtype: Any = float, index_dtype: Any = np.int32) -> BCOO:
    """A sparse array of zeros, with no element specified."""
    arrays = jnp.zeros((0,), dtype), jnp.zeros((0, len(shape)), index_dtype)
    return BCOO(arrays, shape=shape, indices_sorted=True, unique_indices=True)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = float) -> BCOO:  # noqa: N803
    """Ones on the k-th diagonal of an N x M matrix.

    >>> eye(2).todense().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    columns = N if M is None else M
    first, count = max(-k, 0), max(min(N - max(-k, 0), columns - max(k, 0)), 0)
    rows = np.arange(first, first + count, dtype=np.int32)
    indices = jnp.asarray(np.stack([rows, rows + k], axis=1))
    return BCOO(
        (jnp.ones((count,), dtype), indices),
        shape=(N, columns),
        indices_sorted=True,
        unique_indices=True,
    )


def random_bcoo(
    key: Any,
    shape: Sequence[int],
    *,
    dtype: Any = float,
    indices_dtype: Any = np.int32,
    nse: float = 0.2,
    unique_indices: bool = True,
    generator: Callable[..., Any] = jrandom.uniform,
) -> BCOO:
    """A sparse array with `nse` elements (below 1: that part of all) at random places, drawn by
    `generator(key, shape, dtype)`."""
    size = math.prod(shape)
    count = int(nse * size) if nse < 1 else int(nse)
    of_places, of_data = jrandom.split(key)
    places = jrandom.choice(of_places, size, (count,), replace=not unique_indices)
    columns = jnp.unravel_index(jnp.sort(places), tuple(shape))
    indices = jnp.stack([c.astype(indices_dtype) for c in columns], axis=1)
    return BCOO(
        (generator(of_data, (count,), dtype), indices),
        shape=shape,
        indices_sorted=True,
        unique_indices=unique_indices,
    )
