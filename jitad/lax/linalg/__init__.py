"""`jitad.lax.linalg`: factorizations and solutions of linear systems by the names of
`jax.lax.linalg`, of stacks of matrices (..., m, n), with derivatives.

Where JAX raises or gives garbage for what depends on values (not positive definite, singular)
results are nan or inf.
"""

from __future__ import annotations

import importlib
from typing import Any

_NAMES = {
    "eigenvalues": "EigImplementation EighImplementation eig eigh schur",
    "factorizations": (
        "SvdAlgorithm cholesky cholesky_update lu lu_pivots_to_permutation qdwh qr svd"
    ),
    "reflections": "hessenberg householder_product ormqr tridiagonal",
    "systems": "symmetric_product triangular_solve tridiagonal_solve",
}
_MODULES = {name: f".{module}" for module, names in _NAMES.items() for name in names.split()}
"""Name -> its module."""

__all__ = sorted(_MODULES)  # pyright: ignore[reportUnsupportedDunderAll]
__dir__ = __all__.copy


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module 'jitad.lax.linalg' has no attribute {name!r}")
    value = getattr(importlib.import_module(module, __name__), name)
    globals()[name] = value
    return value
