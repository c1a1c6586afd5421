"""Sparse arrays of coordinates (`BCOO`), as operands of products in traced functions.

A `BCOO` is a pytree of two arrays: `data`, the `nse` specified elements, and `indices`, an integer
array [nse, ndim] of where they are. Elements at one place are summed; indices that are out of
bounds are padding, which counts nowhere. Derivatives are by the data.

>>> import jitad, jitad.numpy as jnp
>>> from jitad.experimental import sparse
>>> m = sparse.BCOO.fromdense(jnp.array([[0.0, 1.0, 0.0], [2.0, 0.0, 3.0]]))
>>> m
BCOO(float64[2, 3], nse=3)
>>> jitad.jit(lambda m, x: m @ x)(m, jnp.ones(3))
Array([1., 5.])
>>> sparse.grad(lambda m: jnp.sum(m @ jnp.arange(3.0)))(m).data
Array([1., 0., 2.])
"""

from __future__ import annotations

from .bcoo import BCOO
from .derivatives import grad, value_and_grad
from .functions import (
    bcoo_fromdense,
    bcoo_multiply_dense,
    bcoo_reduce_sum,
    bcoo_sort_indices,
    bcoo_sum_duplicates,
    bcoo_todense,
    bcoo_transpose,
    empty,
    eye,
    random_bcoo,
    todense,
)

__all__ = [
    "BCOO",
    "bcoo_fromdense",
    "bcoo_multiply_dense",
    "bcoo_reduce_sum",
    "bcoo_sort_indices",
    "bcoo_sum_duplicates",
    "bcoo_todense",
    "bcoo_transpose",
    "empty",
    "eye",
    "grad",
    "random_bcoo",
    "todense",
    "value_and_grad",
]
__dir__ = __all__.copy
