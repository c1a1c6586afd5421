"""`jitad.scipy.linalg`: SciPy's linear algebra on arrays and traced arrays, with derivatives.

What takes matrices takes stacks of them, (..., m, n). Where SciPy raises LinAlgError for what
depends on values (singular, not positive definite) results are nan.
"""

from __future__ import annotations

from .factorizations import (
    cho_factor,
    cholesky,
    eigh,
    eigh_tridiagonal,
    lu,
    lu_factor,
    polar,
    qr,
    qr_multiply,
    svd,
)
from .functions import expm, expm_frechet, funm, solve_sylvester, sqrtm
from .logarithm import logm
from .similarities import hessenberg, rsf2csf, schur
from .special_matrices import (
    block_diag,
    circulant,
    companion,
    convolution_matrix,
    dft,
    fiedler,
    fiedler_companion,
    hadamard,
    hankel,
    helmert,
    hilbert,
    invhilbert,
    invpascal,
    leslie,
    pascal,
    toeplitz,
)
from .systems import cho_solve, det, inv, lu_solve, solve, solve_triangular

__all__ = [
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "circulant",
    "companion",
    "convolution_matrix",
    "det",
    "dft",
    "eigh",
    "eigh_tridiagonal",
    "expm",
    "expm_frechet",
    "fiedler",
    "fiedler_companion",
    "funm",
    "hadamard",
    "hankel",
    "helmert",
    "hessenberg",
    "hilbert",
    "inv",
    "invhilbert",
    "invpascal",
    "leslie",
    "logm",
    "lu",
    "lu_factor",
    "lu_solve",
    "pascal",
    "polar",
    "qr",
    "qr_multiply",
    "rsf2csf",
    "schur",
    "solve",
    "solve_sylvester",
    "solve_triangular",
    "sqrtm",
    "svd",
    "toeplitz",
]
__dir__ = __all__.copy
