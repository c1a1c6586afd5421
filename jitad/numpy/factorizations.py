"""Factorizations of stacks of matrices, and the inverses made of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import real_dtype

from .matrix_operands import adjoint, as_matrices, as_square, hermitian_part
from .promotion import Operand, as_array_operand, convert, in_parts
from .shapes import broadcast_to


class QRResult(NamedTuple):
    """Results of `qr`: Q (..., m, k) and R (..., k, n).

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.qr(jnp.ones((3, 2))).R.shape
    (2, 2)
    """

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """Results of `svd`: U, S (..., k) and Vh, the Hermitian transpose of V.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.svd(jnp.array([[3.0, 0.0], [0.0, 4.0]])).S
    Array([4., 3.])
    """

    U: Any
    S: Any
    Vh: Any


class EighResult(NamedTuple):
    """Results of `eigh`: eigenvalues (..., n), eigenvectors (..., n, n) in columns.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.eigh(jnp.array([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    Array([1., 2.])
    """

    eigenvalues: Any
    eigenvectors: Any


class EigResult(NamedTuple):
    """Results of `eig`: eigenvalues (..., n), eigenvectors (..., n, n) in columns.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.eig(jnp.array([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    Array([2.+0.j, 1.+0.j])
    """

    eigenvalues: Any
    eigenvectors: Any


def cholesky(a: Any, /, *, upper: bool = False, symmetrize_input: bool = True) -> Any:
    """The lower triangular L with L L^H = a, for positive definite matrices (..., n, n).

    With `upper` the upper triangular L^H. Of the input its Hermitian part counts, so that
    derivatives are symmetric, or its lower (with `upper`, its upper) triangle alone if not
    `symmetrize_input`. Where a matrix is not positive definite the result is nan (NumPy raises
    LinAlgError). Raises LinAlgError for matrices that are not square.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.cholesky(jnp.array([[4.0, 2.0], [2.0, 5.0]]))
    Array([[2., 0.],
           [1., 2.]])
    """
    x = as_square(a)
    if symmetrize_input:
        x = hermitian_part(x)
    elif upper:
        x = adjoint(x)
    factor = apply(ops.cholesky, x)
    return adjoint(factor) if upper else factor


def qr(a: Any, mode: str = "reduced") -> Any:
    """Q with orthonormal columns and upper triangular R with a = Q R, for matrices (..., m, n).

    `mode` "reduced": Q is (..., m, k) and R (..., k, n) with k = min(m, n); "complete": (..., m, m)
    and (..., m, n); "r": R of "reduced" alone. Derivatives of "complete" are not determined for m >
    n, and raise NotImplementedError; so does the mode "raw". Other modes raise ValueError.

    >>> import jitad.numpy as jnp
    >>> q, r = jnp.linalg.qr(jnp.array([[3.0, 1.0], [4.0, 2.0]]))
    >>> jnp.allclose(q @ r, jnp.array([[3.0, 1.0], [4.0, 2.0]]))
    Array(True)
    """
    if mode == "raw":
        raise NotImplementedError(
            at_user_line("qr: mode 'raw' (Householder vectors) is left out; use 'reduced'")
        )
    if mode not in ("reduced", "complete", "r", "full"):
        raise ValueError(at_user_line(f"Unrecognized mode '{mode}'"))
    q, r = apply(ops.qr, as_matrices(a), full_matrices=mode in ("complete", "full"))
    return r if mode == "r" else QRResult(q, r)


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """Singular value decomposition a = U diag(S) Vh of matrices (..., m, n).

    S (..., k) with k = min(m, n) is not negative and descending; U (..., m, m) and Vh (..., n, n),
    or (..., m, k) and (..., k, n) if not `full_matrices`. S alone if not `compute_uv`.

    Derivatives of U and Vh need distinct singular values, and `full_matrices=False` unless m = n
    (else NotImplementedError). `hermitian` is taken for NumPy's sake and makes no difference.

    >>> import jitad.numpy as jnp
    >>> a = jnp.array([[0.0, 2.0], [1.0, 0.0], [0.0, 0.0]])
    >>> u, s, vh = jnp.linalg.svd(a, full_matrices=False)
    >>> s, u.shape, vh.shape
    (Array([2., 1.]), (3, 2), (2, 2))
    """
    x = as_matrices(a)
    results = apply(
        ops.svd, x, full_matrices=bool(full_matrices) and compute_uv, compute_uv=bool(compute_uv)
    )
    return SVDResult(*results) if compute_uv else results[0]


def svdvals(x: Any, /) -> Any:
    """Singular values (..., min(m, n)) of matrices, descending.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.svdvals(jnp.array([[3.0, 0.0], [0.0, 4.0]]))
    Array([4., 3.])
    """
    return svd(x, compute_uv=False)


def _triangle(a: Any, UPLO: str | None, symmetrize_input: bool) -> Operand:
    """The Hermitian matrix that `a` stands for."""
    if UPLO is not None and str(UPLO).upper() not in ("L", "U"):
        raise ValueError(at_user_line("UPLO argument must be 'L' or 'U'"))
    x = as_square(a)
    if UPLO is None:
        return hermitian_part(x) if symmetrize_input else x
    return adjoint(x) if str(UPLO).upper() == "U" else x


def eigh(a: Any, UPLO: str | None = None, symmetrize_input: bool = True) -> Any:
    """Eigenvalues (..., n), ascending, and eigenvectors (..., n, n) of Hermitian matrices.

    Eigenvalues are real; eigenvectors orthonormal, in columns. Of the input its Hermitian part
    counts; with `UPLO` "L" or "U" that triangle alone. Derivatives of eigenvectors need distinct
    eigenvalues. Raises LinAlgError for matrices that are not square.

    >>> import jitad.numpy as jnp
    >>> eigenvalues, eigenvectors = jnp.linalg.eigh(jnp.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> eigenvalues
    Array([1., 3.])
    """
    return EighResult(*apply(ops.eigh, _triangle(a, UPLO, symmetrize_input)))


def eigvalsh(a: Any, UPLO: str | None = None, *, symmetrize_input: bool = True) -> Any:
    """Eigenvalues (..., n) of Hermitian matrices, ascending: see `eigh`.

    Derivatives are those of simple eigenvalues; of multiple ones, that of a choice of eigenvectors.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.eigvalsh(jnp.array([[2.0, 1.0], [1.0, 2.0]]))
    Array([1., 3.])
    """
    return eigh(a, UPLO, symmetrize_input).eigenvalues


def eig(a: Any) -> Any:
    """Eigenvalues (..., n) and eigenvectors of length one, in the columns of (..., n, n).

    Of square matrices. Both are complex, of real matrices too (NumPy's dtype depends on the
    values). Derivatives need distinct eigenvalues. Raises LinAlgError for matrices that are not
    square.

    >>> import jitad.numpy as jnp
    >>> eigenvalues, eigenvectors = jnp.linalg.eig(jnp.array([[0.0, 1.0], [-1.0, 0.0]]))
    >>> jnp.sort(eigenvalues.imag)
    Array([-1.,  1.])
    """
    return EigResult(*apply(ops.eig, in_parts(as_square(a))))


def eigvals(a: Any) -> Any:
    """Eigenvalues (..., n) of square matrices, complex: see `eig`.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.eigvals(jnp.array([[2.0, 0.0], [0.0, 1.0]]))
    Array([2.+0.j, 1.+0.j])
    """
    return eig(a).eigenvalues


def relative_tolerance(x: Operand, rtol: Any, default: float) -> Operand:
    """A tolerance for each matrix of the stack."""
    dtype = real_dtype(x.dtype)
    found = as_array_operand(default if rtol is None else rtol)
    return broadcast_to(convert(found, dtype), x.shape[:-2])


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, rtol: Any = None) -> Any:
    """Moore-Penrose inverse (..., n, m) of matrices (..., m, n).

    Singular values up to `rtol` (or `rcond`: a number, or one for each matrix) times the greatest
    count as zero; default 10 max(m, n) eps, as in JAX. Raises ValueError if both are given. The
    derivative is that at constant rank. `hermitian` makes no difference.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.pinv(jnp.array([[2.0, 0.0], [0.0, 0.0]]))
    Array([[0.5, 0. ],
           [0. , 0. ]])
    """
    if rcond is not None and rtol is not None:
        raise ValueError(at_user_line("`rtol` and `rcond` can't be both set."))
    x = as_matrices(a)
    default = 10.0 * max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)
    given = rcond if rtol is None else rtol
    return apply(ops.pinv, x, relative_tolerance(x, given, default))
