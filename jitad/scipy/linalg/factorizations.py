"""Factorizations, with SciPy's signatures and results.

`overwrite_a`, `check_finite` and their relatives are taken for SciPy's sake and do nothing: arrays
are not written to, and what is not finite gives nan.
"""

from __future__ import annotations

from typing import Any

from jitad.errors import at_user_line
from jitad.numpy import factorizations
from jitad.numpy.matrices import eye, tril, triu
from jitad.numpy.matrix_operands import adjoint, as_matrices, as_square, hermitian_part
from jitad.numpy.picking import take_along_axis
from jitad.numpy.products import matmul
from jitad.numpy.promotion import Operand, as_array_operand, inexact, strong
from jitad.numpy.shapes import broadcast_to, expand_dims, matrix_transpose
from jitad.numpy.sorting import argsort
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import real_dtype


def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """The upper triangular R with R^H R = a, or the lower triangular L with L L^H = a if `lower`,
    of positive definite matrices (..., n, n); nan where a matrix is not.

    >>> cholesky([[4.0, 2.0], [2.0, 5.0]])
    Array([[2., 1.],
           [0., 2.]])
    """
    return factorizations.cholesky(a, upper=not lower)


def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Any, bool]:
    """The factor of `cholesky` and `lower`, for `cho_solve`. The other triangle is zero.

    `a` are Hermitian positive definite matrices (..., n, n); nan where they are not (SciPy raises
    LinAlgError). ValueError for matrices that are not square.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> factor = linalg.cho_factor(np.array([[4.0, 2.0], [2.0, 3.0]]), lower=True)
    >>> linalg.cho_solve(factor, np.array([8.0, 7.0]))
    Array([1.25, 1.5 ])
    """
    return cholesky(a, lower), bool(lower)


def lu(
    a: Any,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> Any:
    """a = P L U for matrices (..., m, n): the permutation matrix P, L (..., m, k) with a unit
    diagonal, U (..., k, n), k = min(m, n).

    Two results, P L and U, if `permute_l`; with `p_indices` the permutation is one of indices, with
    a = L[p] U. Differentiable, the permutation held fixed.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> p, l, u = linalg.lu(np.array([[1.0, 2.0], [4.0, 2.0]]))
    >>> p @ l @ u
    Array([[1., 2.],
           [4., 2.]])
    """
    x = as_matrices(a)
    packed, _, permutation = apply(ops.lu, x)
    m, n = x.shape[-2:]
    k = min(m, n)
    upper = triu(packed[..., :k, :])
    lower = tril(packed[..., :k], -1) + eye(m, k, dtype=x.dtype)
    inverse = argsort(permutation, axis=-1)
    if permute_l:
        return take_along_axis(lower, expand_dims(inverse, -1), -2), upper
    if p_indices:
        return inverse, lower, upper
    unit = eye(m, dtype=real_dtype(x.dtype))
    return matrix_transpose(unit[permutation]), lower, upper


def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, Any]:
    """The factors of matrices (..., m, n) in one array, and pivots (int32): row i was exchanged
    with row pivots[i]. For `lu_solve`.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.lu_factor(np.array([[1.0, 2.0], [4.0, 2.0]]))
    (Array([[4.  , 2.  ],
           [0.25, 1.5 ]]), Array([1, 1], dtype=int32))
    """
    packed, pivots, _ = apply(ops.lu, as_matrices(a))
    return packed, pivots


def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """Q and R of matrices (..., m, n): a = Q R with orthonormal columns of Q and an upper triangle
    R.

    `mode` "full": (m, m) and (m, n); "economic": (m, k) and (k, n) with k = min(m, n); "r": R of
    "full" alone, in a tuple. Raises ValueError for other modes. Pivoting and the mode "raw" are
    left out (NotImplementedError).

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> q, r = linalg.qr(np.array([[3.0, 1.0], [4.0, 2.0]]), mode="economic")
    >>> np.allclose(q @ r, [[3.0, 1.0], [4.0, 2.0]])
    True
    """
    if pivoting or mode == "raw":
        what = "pivoting" if pivoting else "mode 'raw'"
        raise NotImplementedError(at_user_line(f"qr: {what} is left out; use mode 'economic'"))
    if mode not in ("full", "r", "economic"):
        raise ValueError(at_user_line("Mode argument should be one of ['full', 'r', 'economic']"))
    x = as_matrices(a)
    q, r = apply(ops.qr, x, full_matrices=mode == "full")
    if mode == "r":
        return (_with_zero_rows(r, x.shape[-2] - r.shape[-2]),)
    return q, r


def qr_multiply(
    a: Any,
    c: Any,
    mode: str = "right",
    pivoting: bool = False,
    conjugate: bool = False,
    overwrite_a: bool = False,
    overwrite_c: bool = False,
) -> tuple[Any, Any]:
    """c Q ("right") or Q c ("left"), and R, with Q and R of the economic `qr` of a; conj(Q) if
    `conjugate`.

    `c` may be a vector. Raises ValueError for other modes. Pivoting is left out
    (NotImplementedError).

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> cq, r = linalg.qr_multiply(np.array([[3.0, 1.0], [4.0, 2.0]]), np.eye(2))
    >>> np.allclose(cq @ r, [[3.0, 1.0], [4.0, 2.0]])
    True
    """
    if mode not in ("left", "right"):
        raise ValueError(at_user_line("Mode argument can only be 'left' or 'right'"))
    q, r = qr(a, mode="economic", pivoting=pivoting)
    q = q.conj() if conjugate and q.dtype.kind == "c" else q
    other = as_array_operand(c)
    return (matmul(other, q) if mode == "right" else matmul(q, other)), r


def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """U, s and Vh with a = U diag(s) Vh for matrices (..., m, n), or s alone, if not `compute_uv`:
    see `jitad.numpy.linalg.svd`.

    The singular values s (..., k), k = min(m, n), descend; U is (..., m, m) and Vh (..., n, n),
    with `full_matrices=False` (..., m, k) and (..., k, n). Another `lapack_driver` than "gesdd"
    raises NotImplementedError.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.svd(np.array([[3.0, 0.0], [0.0, -2.0]]), compute_uv=False)
    Array([3., 2.])
    """
    if lapack_driver != "gesdd":
        raise NotImplementedError(at_user_line("svd: expected lapack_driver 'gesdd'"))
    results = factorizations.svd(a, full_matrices, compute_uv)
    return tuple(results) if compute_uv else results


def eigh(
    a: Any,
    b: Any = None,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    turbo: bool = True,
    eigvals: None = None,
    type: int = 1,
    check_finite: bool = True,
) -> Any:
    """Eigenvalues w (ascending) and eigenvectors v (in columns) of Hermitian matrices (..., n, n):
    a v = w v; w alone if `eigvals_only`.

    With positive definite `b`, by `type`: 1: a v = w b v; 2: a b v = w v; 3: b a v = w v, with v^H
    b v = 1 (types 1 and 2) or v^H b^-1 v = 1 (type 3); ValueError for other types.

    Of the matrices the Hermitian part counts, whatever `lower`. Derivatives of v need distinct
    eigenvalues. A range `eigvals` is left out (NotImplementedError).

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.eigh(np.array([[2.0, 1.0], [1.0, 2.0]]), eigvals_only=True)
    Array([1., 3.])
    """
    if eigvals is not None:
        raise NotImplementedError(at_user_line("eigh: a range of eigenvalues is left out"))
    if type not in (1, 2, 3):
        raise ValueError(at_user_line('"type" keyword only accepts 1, 2, and 3.'))
    x = hermitian_part(as_square(a))
    if b is None:
        w, v = apply(ops.eigh, x)
        return w if eigvals_only else (w, v)
    # b = L L^H: y = L^H v (types 1 and 2) or L^-1 v (type 3) has an ordinary equation.
    root = factorizations.cholesky(b)
    if type == 1:
        half = _solve_lower(root, x)
        w, y = apply(ops.eigh, hermitian_part(_solve_lower(root, adjoint(half))))
    else:
        w, y = apply(ops.eigh, hermitian_part(matmul(adjoint(root), matmul(x, root))))
    if eigvals_only:
        return w
    return w, (matmul(root, y) if type == 3 else _solve_lower(root, y, transposed=True))


def _solve_lower(root: Operand, right: Operand, transposed: bool = False) -> Operand:
    return apply(
        ops.triangular_solve,
        root,
        right,
        lower=True,
        transpose_a=transposed,
        conjugate_a=transposed and root.dtype.kind == "c",
        unit_diagonal=False,
    )


def eigh_tridiagonal(
    d: Any,
    e: Any,
    eigvals_only: bool = False,
    select: str = "a",
    select_range: Any = None,
    check_finite: bool = True,
    tol: float = 0.0,
    lapack_driver: str = "auto",
) -> Any:
    """Eigenvalues and eigenvectors of the symmetric matrix with the diagonal `d` (n,) and the
    diagonal above it `e` (n - 1,).

    `select` "a": all; "i": those numbered select_range[0] to select_range[1], both included.
    Selection by value, "v", is left out: how many there are depends on values
    (NotImplementedError). The matrix is decomposed as a full one, in O(n^3).

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.eigh_tridiagonal(np.array([2.0, 2.0]), np.array([1.0]), eigvals_only=True)
    Array([1., 3.])
    """
    if select not in ("a", "i"):
        raise NotImplementedError(at_user_line(f"eigh_tridiagonal: select={select!r} is left out"))
    main, above = inexact(strong(as_array_operand(d))), inexact(strong(as_array_operand(e)))
    n = main.shape[-1]
    matrix = eye(n, dtype=main.dtype) * expand_dims(main, -1)
    if n > 1:
        # e times the unit rows 1 ... n - 1 of length n, with a row of zeros below
        upper = expand_dims(above, -1) * eye(n - 1, n, 1, dtype=above.dtype)
        upper = _with_zero_rows(upper, 1)
        matrix = matrix + upper + adjoint(upper)
    w, v = apply(ops.eigh, broadcast_to(matrix, (*main.shape, n)))
    if select == "i":
        first, last = select_range
        w, v = w[..., first : last + 1], v[..., first : last + 1]
    return w if eigvals_only else (w, v)


def _with_zero_rows(x: Operand, count: int) -> Operand:
    """x with `count` rows of zeros below."""
    zero = apply(ops.full, value=0, shape=(), dtype=x.dtype)
    none = (0,) * x.ndim
    high = (*none[:-2], count, 0)
    return apply(ops.pad, x, zero, low=none, high=high, interior=none)


def polar(
    a: Any,
    side: str = "right",
    *,
    method: str = "svd",
    eps: float | None = None,
    max_iterations: int | None = None,
) -> tuple[Any, Any]:
    """a = u p with orthonormal columns (or rows) of u and p positive semidefinite, for matrices
    (..., m, n); a = p u if `side` is "left".

    By singular values, which must be distinct for derivatives; `method`, `eps` and `max_iterations`
    are taken for JAX's sake. ValueError for another side.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> u, p = linalg.polar(np.array([[0.0, -2.0], [3.0, 0.0]]))
    >>> np.allclose(p, np.diag([3.0, 2.0]))
    True
    """
    if side not in ("left", "right"):
        raise ValueError(at_user_line("`side` must be either 'right' or 'left'"))
    w, s, vh = factorizations.svd(a, full_matrices=False)
    unitary = matmul(w, vh)
    if side == "right":
        return unitary, matmul(adjoint(vh) * expand_dims(s, -2), vh)
    return unitary, matmul(w * expand_dims(s, -2), adjoint(w))
