"""`jitad.numpy.linalg`: NumPy's linear algebra on stacks of matrices, with derivatives.

Where NumPy raises LinAlgError for what depends on values (singular, not positive definite), results
are nan: a compiled program cannot raise.
"""

from __future__ import annotations

from typing import Any

from numpy.lib.array_utils import normalize_axis_index

from jitad.errors import at_user_line

from . import matrices, products
from .factorizations import (
    EighResult,
    EigResult,
    QRResult,
    SVDResult,
    cholesky,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    pinv,
    qr,
    svd,
    svdvals,
)
from .norms import cond, matrix_norm, matrix_rank, norm, vector_norm
from .products import matmul, tensordot, vecdot
from .promotion import as_array_operand
from .reduce import sum as sum_
from .shapes import matrix_transpose
from .systems import (
    SlogdetResult,
    det,
    inv,
    lstsq,
    matrix_power,
    multi_dot,
    slogdet,
    solve,
    tensorinv,
    tensorsolve,
)

__all__ = [
    "EigResult",
    "EighResult",
    "QRResult",
    "SVDResult",
    "SlogdetResult",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]
__dir__ = __all__.copy


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Cross products of vectors of three components along `axis`; the other axes broadcast.

    Raises ValueError for other numbers of components.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.cross(jnp.array([1.0, 0.0, 0.0]), jnp.array([0.0, 1.0, 0.0]))
    Array([0., 0., 1.])
    """
    x, y = as_array_operand(x1), as_array_operand(x2)
    lengths = [a.shape[normalize_axis_index(axis, a.ndim)] for a in (x, y)]
    if lengths != [3, 3]:
        raise ValueError(
            at_user_line(
                "Both input arrays must be (arrays of) 3-dimensional vectors, but they are "
                f"{lengths[0]} and {lengths[1]} dimensional instead."
            )
        )
    return products.cross(x, y, axis=axis)


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonal `offset` of matrices in the last two axes, as the last axis of the result.

    Positive offsets lie above the main diagonal. Raises ValueError for fewer than two axes.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.diagonal(jnp.array([[1, 2], [3, 4]]))
    Array([1, 4])
    """
    return matrices.diagonal(x, offset, -2, -1)


def outer(x1: Any, x2: Any, /) -> Any:
    """Products of every element of one vector with every one of another: (m, n).

    Raises ValueError for what is no vector.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.outer(jnp.array([1, 2]), jnp.array([10, 20]))
    Array([[10, 20],
           [20, 40]])
    """
    x, y = as_array_operand(x1), as_array_operand(x2)
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError(
            at_user_line(
                "Input arrays must be one-dimensional, but they are "
                f"x1.ndim={x.ndim} and x2.ndim={y.ndim}."
            )
        )
    return products.outer(x, y)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Sum of the diagonal `offset` of matrices in the last two axes, (...).

    Dtypes are those of `sum`. Raises ValueError for fewer than two axes.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.trace(jnp.array([[1, 2], [3, 4]]))
    Array(5)
    """
    return sum_(diagonal(x, offset=offset), -1, dtype)
