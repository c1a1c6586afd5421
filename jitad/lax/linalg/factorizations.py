"""Cholesky's, LU, QR, singular value and polar decompositions."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np

from jitad_ir import ops
from jitad_ir.types import INT32, real_dtype

from ... import numpy as jnp
from ...errors import at_user_line
from ...numpy.promotion import convert
from ...trace import apply
from ...transforms.stop import stop_gradient
from ..loops import fori_loop, while_loop
from ..operands import of_kind, of_one_dtype
from .matrices import adjoint, as_square, as_stack, over_stack


class SvdAlgorithm(enum.Enum):
    """Methods that JAX may take for `svd`; here it is LAPACK's, whichever is named.

    >>> from jitad import lax
    >>> lax.linalg.SvdAlgorithm.QR.value
    'QR'
    """

    DEFAULT = "default"
    QR = "QR"
    JACOBI = "Jacobi"
    POLAR = "polar"
    DIVIDE_AND_CONQUER = "divide_and_conquer"


def cholesky(x: Any, *, symmetrize_input: bool = True) -> Any:
    """The lower triangular L with L L^H = x for positive definite matrices (..., n, n), of which
    the Hermitian part counts, or the lower triangle alone if not `symmetrize_input`; nan where a
    matrix is not positive definite.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.linalg.cholesky(jnp.array([[4.0, 2.0], [2.0, 5.0]]))
    Array([[2., 0.],
           [1., 2.]])
    """
    matrix = as_square("cholesky", x)
    if symmetrize_input:
        matrix = 0.5 * (matrix + adjoint(matrix))
    return apply(ops.cholesky, matrix)


def cholesky_update(r_matrix: Any, w_vector: Any) -> Any:
    """The upper triangular R', of positive diagonal, with R'^T R' = R^T R + w w^T, for upper
    triangular R (..., n, n) and w (..., n) of floats: the triangle of a QR factorization of R with
    the row w below.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.linalg.cholesky_update(jnp.array([[3.0]]), jnp.array([4.0]))
    Array([[5.]])
    """
    r, w = of_one_dtype("cholesky_update", (r_matrix, w_vector))
    r = as_square("cholesky_update", of_kind("cholesky_update", r, "f"))
    if w.shape != r.shape[:-1]:
        raise ValueError(
            at_user_line(
                f"cholesky_update: expected w of shape {r.shape[:-1]} for R {r.shape}; got "
                f"{w.shape}"
            )
        )
    rows = jnp.concatenate([jnp.triu(r), jnp.expand_dims(w, -2)], axis=-2)
    _, updated = apply(ops.qr, rows, full_matrices=False)
    sign = jnp.where(jnp.diagonal(updated, axis1=-2, axis2=-1) < 0, -1.0, 1.0)
    return updated * jnp.expand_dims(sign, -1).astype(r.dtype)


def lu(x: Any) -> tuple[Any, Any, Any]:
    """LU factorization with partial pivoting of (..., m, n): the factors in one array (L below the
    diagonal, its unit diagonal left out), the row exchanged with row k in step k (int32), and the
    permutation (int32) with x[permutation] = L U.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.linalg.lu(jnp.array([[0.0, 2.0], [4.0, 1.0]]))[2]
    Array([1, 0], dtype=int32)
    """
    return apply(ops.lu, as_stack("lu", x))


def lu_pivots_to_permutation(pivots: Any, permutation_size: int) -> Any:
    """The order of `permutation_size` rows after row k and row pivots[..., k] (integers) have
    changed places, for each k in turn: int32.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.linalg.lu_pivots_to_permutation(jnp.array([2, 1, 2]), 3)
    Array([2, 1, 0], dtype=int32)
    """
    exchanges = convert(of_kind("lu_pivots_to_permutation", pivots, "iu"), INT32)
    if exchanges.ndim == 0 or exchanges.shape[-1] > permutation_size:
        raise ValueError(
            at_user_line(
                f"lu_pivots_to_permutation: expected at most {permutation_size} pivots along the "
                f"last axis; got shape {exchanges.shape}"
            )
        )
    return apply(ops.pivots_to_permutation, exchanges, rows=int(permutation_size))


def qr(
    x: Any,
    *,
    pivoting: bool = False,
    full_matrices: bool = True,
    use_magma: bool | None = None,
) -> tuple[Any, ...]:
    """Q with orthonormal columns and upper triangular R with x = Q R, for matrices (..., m, n): Q
    (m, m) and R (m, n), or (m, k) and (k, n) with k = min(m, n) if not `full_matrices`. With
    `pivoting` also p (int32), with x[:, p] = Q R and a descending diagonal of |R|.

    Derivatives of full matrices are not determined for m > n (NotImplementedError).

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.linalg.qr(jnp.array([[1.0, 0.0], [0.0, 2.0]]), pivoting=True)[2]
    Array([1, 0], dtype=int32)
    """
    matrix = as_stack("qr", x)
    if not pivoting:
        return apply(ops.qr, matrix, full_matrices=bool(full_matrices))
    order = over_stack(_column_order, [stop_gradient(matrix)], [2])
    ordered = jnp.take_along_axis(matrix, jnp.expand_dims(order, -2), axis=-1)
    q, r = apply(ops.qr, ordered, full_matrices=bool(full_matrices))
    return q, r, convert(order, INT32)


def _column_order(x: Any) -> Any:
    """Columns in the order of pivoting: each next one has the greatest part perpendicular to those
    before. A column taken changes places with the one in its place, as in LAPACK."""
    m, n = x.shape
    places = jnp.arange(n)
    if 0 in x.shape:
        return places

    def step(k: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        rest, order = carry
        size = jnp.sum(jnp.square(jnp.abs(rest)), axis=0)
        best = jnp.argmax(jnp.where(places >= k, size, -1.0))
        swapped = jnp.where(places == k, best, jnp.where(places == best, k, places))
        rest, order = rest[:, swapped], order[swapped]
        column = jnp.take(rest, k, axis=1, mode="clip")
        length = jnp.sqrt(jnp.sum(jnp.square(jnp.abs(column))))
        unit = column / jnp.where(length == 0, 1, length).astype(column.dtype)
        # Twice, against rounding (Kahan and Parlett: twice is enough).
        for _ in range(2):
            rest = rest - jnp.outer(unit, jnp.matmul(jnp.conj(unit), rest))
        return rest, order

    return fori_loop(0, min(m, n), step, (x, places))[1]


def svd(
    x: Any,
    *,
    full_matrices: bool = True,
    compute_uv: bool = True,
    subset_by_index: tuple[int, int] | None = None,
    algorithm: SvdAlgorithm | None = None,
) -> Any:
    """x = U diag(S) Vh for matrices (..., m, n): U, S (..., k), descending, and Vh, k = min(m, n);
    U is (m, m) and Vh (n, n), or (m, k) and (k, n) if not `full_matrices`; S alone if not
    `compute_uv`. `subset_by_index` (start, end) selects singular values, without `full_matrices`.

    Derivatives of U and Vh need distinct singular values.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.linalg.svd(jnp.array([[3.0, 0.0], [0.0, 4.0]]), compute_uv=False)
    Array([4., 3.])
    """
    matrix = as_stack("svd", x)
    k = min(matrix.shape[-2:])
    start, end = (0, k) if subset_by_index is None else subset_by_index
    if not 0 <= start <= end <= k or (subset_by_index is not None and start == end):
        raise ValueError(
            at_user_line(f"svd: expected subset_by_index within (0, {k}); got {subset_by_index}")
        )
    whole = (start, end) == (0, k)
    if full_matrices and compute_uv and not whole:
        raise ValueError(at_user_line("full_matrices and subset_by_index cannot both be set"))
    full = bool(full_matrices and compute_uv)
    results = apply(ops.svd, matrix, full_matrices=full, compute_uv=bool(compute_uv))
    if not compute_uv:
        return results[0][..., start:end]
    u, s, vh = results
    if whole:
        return u, s, vh
    return u[..., start:end], s[..., start:end], vh[..., start:end, :]


def qdwh(
    x: Any,
    *,
    is_hermitian: bool = False,
    max_iterations: int | None = None,
    eps: float | None = None,
    dynamic_shape: tuple[int, int] | None = None,
) -> tuple[Any, Any, Any, Any]:
    """Polar decomposition x = U H of a matrix (m, n) of full rank, m >= n, by Halley's iteration,
    dynamically weighted (Nakatsukasa, Bai, Gygi, doi 10.1137/090774999): `(U, H, number of
    iterations, whether they converged)`. U has orthonormal columns, H is Hermitian and positive.

    The iteration ends when |X' - X| < (4 eps)**(1/3) |X'| and the singular values are known to be 1
    to 5 eps, or after `max_iterations` (10). `dynamic_shape` says that x is padded beyond that
    shape: what lies there counts as zero, and is so in the results. Raises ValueError for other
    shapes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> u, h, count, converged = lax.linalg.qdwh(np.array([[0.0, -2.0], [3.0, 0.0]]))
    >>> np.allclose(h, np.diag([3.0, 2.0])), bool(converged)
    (True, True)
    """
    matrix = as_stack("qdwh", x)
    m, n = matrix.shape[-2:]
    if matrix.ndim != 2 or m < n:
        raise ValueError(
            at_user_line(f"qdwh: expected one matrix (m, n) with m >= n; got {matrix.shape}")
        )
    dtype: Any = real_dtype(matrix.dtype) if matrix.dtype.kind == "c" else matrix.dtype
    info = np.finfo(dtype)
    tolerance = float(info.eps if eps is None else eps)
    if dynamic_shape is not None:
        rows, columns = jnp.arange(m)[:, None], jnp.arange(n)
        inside = (rows < dynamic_shape[0]) & (columns < dynamic_shape[1])
        matrix = jnp.where(inside, matrix, 0)
    one, infinite = jnp.linalg.norm(matrix, 1), jnp.linalg.norm(matrix, np.inf)
    scale = jnp.sqrt(one * infinite)
    start = matrix / jnp.where(scale == 0, 1, scale).astype(matrix.dtype)
    bound = jnp.asarray(tolerance, dtype)
    steps = 10 if max_iterations is None else int(max_iterations)

    def moves(low: Any, change: Any) -> Any:
        return (change >= (4 * tolerance) ** (1 / 3)) | (1 - low > 5 * tolerance)

    def goes_on(state: Any) -> Any:
        _, low, k, change = state
        return (k < steps) & moves(low, change)

    def step(state: Any) -> Any:
        u, low, k, _ = state
        turned, low = _halley(u, low)
        change = jnp.linalg.norm(turned - u) / jnp.linalg.norm(turned)
        return turned, low, k + 1, stop_gradient(change)

    first = (start, bound, np.int64(0), jnp.asarray(np.inf, dtype))
    u, low, count, change = while_loop(goes_on, step, first)
    # One step of Newton and Schulz takes off the rounding: U (3 - U^H U) / 2.
    u = 1.5 * u - 0.5 * jnp.matmul(u, jnp.matmul(adjoint(u), u))
    h = jnp.matmul(adjoint(u), matrix)
    return u, 0.5 * (h + adjoint(h)), count, jnp.logical_not(moves(low, change))


def _halley(x: Any, low: Any) -> tuple[Any, Any]:
    """X (a + b X^H X) (1 + c X^H X)^-1 by a QR factorization, with weights for singular values from
    `low` to 1, and the bound of the next."""
    n = x.shape[1]
    square = low * low
    d = jnp.cbrt(4 * (1 - square) / (square * square))
    root = jnp.sqrt(1 + d)
    a = root + 0.5 * jnp.sqrt(8 - 4 * d + 8 * (2 - square) / (square * root))
    b = jnp.square(a - 1) / 4
    c = a + b - 1
    stacked = jnp.concatenate([jnp.sqrt(c).astype(x.dtype) * x, jnp.eye(n, dtype=x.dtype)])
    q, _ = apply(ops.qr, stacked, full_matrices=False)
    top, bottom = q[: x.shape[0]], q[x.shape[0] :]
    turned = (b / c).astype(x.dtype) * x
    weight = ((a - b / c) / jnp.sqrt(c)).astype(x.dtype)
    turned = turned + weight * jnp.matmul(top, adjoint(bottom))
    bound = low * (a + b * square) / (1 + c * square)
    return turned, jnp.minimum(bound, 1)
