"""Householder's reflections H = I - tau v v^H, as LAPACK stores them: v has 1 at its pivot, zeros
above, and the rest of it lies in a matrix below that place.

Each function is a loop over the reflections, of products with one vector.
"""

from __future__ import annotations

from typing import Any

from ... import numpy as jnp
from ...errors import at_user_line
from ...numpy.promotion import Operand
from ..loops import fori_loop
from .matrices import as_square, as_stack, over_stack


def _conj(x: Any) -> Any:
    return jnp.conj(x) if x.dtype.kind == "c" else x


def _sizes(x: Any) -> Any:
    """|x|**2"""
    return jnp.square(jnp.real(x)) + jnp.square(jnp.imag(x)) if x.dtype.kind == "c" else x * x


def _reflector(x: Any, pivot: Any) -> tuple[Any, Any, Any]:
    """v, tau and beta with H^H x = beta e_pivot for what of x lies at the pivot and below it:

        beta = -sign(Re alpha) |x|,  tau = (beta - alpha) / beta,  v = x / (alpha - beta)

    with alpha the element at the pivot; tau = 0 if there is nothing to reflect.
    """
    rows = jnp.arange(x.shape[0])
    unit = (rows == pivot).astype(x.dtype)
    alpha = jnp.sum(unit * x)
    below = jnp.where(rows > pivot, x, 0)
    rest = jnp.sum(_sizes(below))
    turned = jnp.square(jnp.imag(alpha)) if x.dtype.kind == "c" else 0.0
    still = rest + turned == 0
    size = jnp.sqrt(jnp.where(still, 1, rest + _sizes(alpha)))
    beta = jnp.where(jnp.real(alpha) < 0, size, -size).astype(x.dtype)
    tau = jnp.where(still, 0, (beta - alpha) / beta)
    v = unit + jnp.where(still, 0, below / jnp.where(still, 1, alpha - beta))
    return v, tau, jnp.where(still, alpha, beta)


def _from_left(matrix: Any, v: Any, tau: Any) -> Any:
    """(I - tau v v^H) matrix"""
    return matrix - jnp.outer(tau * v, jnp.matmul(_conj(v), matrix))


def _from_right(matrix: Any, v: Any, tau: Any) -> Any:
    """matrix (I - tau v v^H)"""
    return matrix - jnp.outer(jnp.matmul(matrix, tau * v), _conj(v))


def _stored(a: Any, k: Any) -> Any:
    """The vector of reflection k of a QR factorization: 1 on the diagonal, the rest below it."""
    rows = jnp.arange(a.shape[0])
    column = jnp.take(a, k, axis=1, mode="clip")
    return jnp.where(rows > k, column, 0) + (rows == k)


def _reduced(a: Any) -> tuple[Any, Any]:
    """The packed Hessenberg form of one matrix, and the scalar factors."""
    n = a.shape[0]
    if n < 2:
        return a, jnp.zeros((max(n - 1, 0),), a.dtype)
    places = jnp.arange(n)

    def step(k: Any, carry: tuple[Any, Any]) -> tuple[Any, Any]:
        a, taus = carry
        v, tau, beta = _reflector(jnp.take(a, k, axis=1, mode="clip"), k + 1)
        right = _from_right(a, v, tau)
        both = _from_left(right, v, _conj(tau))
        # Columns up to k hold vectors of earlier reflections.
        changed = jnp.where(places[None, :] > k, both, a)
        packed = jnp.where(places > k + 1, v, jnp.where(places == k + 1, beta, a[:, k]))
        changed = jnp.where(places[None, :] == k, packed[:, None], changed)
        return changed, jnp.where(places[:-1] == k, tau, taus)

    return fori_loop(0, n - 1, step, (a, jnp.zeros((n - 1,), a.dtype)))


def hessenberg(a: Any) -> tuple[Any, Any]:
    """Hessenberg's form of square matrices (..., n, n), a = Q H Q^H, as LAPACK packs it: H on and
    above the diagonal under the main one, the vectors of the reflections that Q is the product of
    below; and their scalar factors (..., n - 1). `jitad.scipy.linalg.hessenberg` gives H and Q.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> packed, taus = lax.linalg.hessenberg(jnp.array([[1.0, 2.0, 3.0], [3.0, 1.0, 1.0],
    ...                                                 [4.0, 1.0, 2.0]]))
    >>> packed[:, 0], taus
    (Array([ 1. , -5. ,  0.5]), Array([1.6, 0. ]))
    """
    return over_stack(_reduced, [as_square("hessenberg", a)], [2])


def tridiagonal(a: Any, *, lower: bool = True) -> tuple[Any, Any, Any, Any]:
    """Tridiagonal form of Hermitian matrices (..., n, n), a = Q T Q^H: `(packed, d, e, taus)`.

    T has the diagonal d (..., n) and e (..., n - 1) next to it, both real. Of `a` the lower
    triangle is read, or the upper one if not `lower`; T and the vectors of the reflections take its
    place in `packed`; their scalar factors are `taus` (..., n - 1).

    >>> from jitad import lax
    >>> import numpy as np
    >>> packed, d, e, taus = lax.linalg.tridiagonal(np.array([[2.0, 1.0], [1.0, 3.0]]))
    >>> d
    Array([2., 3.])
    """
    x = as_square("tridiagonal", a)
    return over_stack(_tridiagonal if lower else _from_above, [x], [2])


def _tridiagonal(a: Any) -> tuple[Any, Any, Any, Any]:
    below = jnp.tril(a, -1)
    main = jnp.real(jnp.diagonal(a))
    packed, taus = _reduced(below + _conj(below).T + jnp.diag(main).astype(a.dtype))
    d, e = jnp.real(jnp.diagonal(packed)), jnp.real(jnp.diagonal(packed, -1))
    packed = jnp.tril(packed, -1) + jnp.diag(d).astype(a.dtype) + jnp.triu(a, 1)
    return packed, d, e, taus


def _from_above(a: Any) -> tuple[Any, Any, Any, Any]:
    """The columns from the last to the first: those of the matrix turned about its centre."""
    packed, d, e, taus = _tridiagonal(a[::-1, ::-1])
    return packed[::-1, ::-1], d[::-1], e[::-1], taus[::-1]


def _factors(name: str, a: Any, taus: Any) -> list[Operand]:
    matrices, factors = as_stack(name, a), as_stack(name, taus, 1)
    if factors.dtype != matrices.dtype or factors.shape[-1] > min(matrices.shape[-2:]):
        raise TypeError(
            at_user_line(
                f"{name}: expected at most {min(matrices.shape[-2:])} scalar factors of "
                f"{matrices.dtype}; got {factors.dtype} of shape {factors.shape}"
            )
        )
    return [matrices, factors]


def householder_product(a: Any, taus: Any) -> Any:
    """The first n columns of Q = H_1 ... H_k, for reflections whose vectors lie below the diagonal
    of matrices (..., m, n), with scalar factors `taus` (..., k), k <= n <= m.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.linalg.householder_product(jnp.array([[1.0], [0.5]]), jnp.array([1.6]))
    Array([[-0.6],
           [-0.8]])
    """

    def product(a: Any, taus: Any) -> Any:
        m, n = a.shape
        count = taus.shape[0]

        def step(i: Any, q: Any) -> Any:
            k = count - 1 - i
            return _from_left(q, _stored(a, k), jnp.take(taus, k, mode="clip"))

        return fori_loop(0, count, step, jnp.eye(m, n, dtype=a.dtype))

    return over_stack(product, _factors("householder_product", a, taus), [2, 1])


def ormqr(a: Any, taus: Any, c: Any, *, left: bool = True, transpose: bool = False) -> Any:
    """Q c (`left`) or c Q, or with Q^H if `transpose`, for the product Q of the reflections whose
    vectors lie below the diagonal of `a` (..., m, n), with scalar factors `taus` (..., k), without
    forming Q. Raises ValueError if c does not have m rows (or columns).

    >>> from jitad import lax
    >>> import numpy as np
    >>> x = np.array([[3.0, 1.0], [4.0, 2.0]])
    >>> raw, taus = np.linalg.qr(x, mode="raw")
    >>> np.allclose(lax.linalg.ormqr(raw.T, taus, np.triu(raw.T)), x)
    True
    """
    matrices, factors = _factors("ormqr", a, taus)
    other = as_stack("ormqr", c)
    if other.shape[-2 if left else -1] != matrices.shape[-2] or other.dtype != matrices.dtype:
        raise ValueError(
            at_user_line(
                f"ormqr: expected c with {matrices.shape[-2]} {'rows' if left else 'columns'} of "
                f"{matrices.dtype}; got {other.dtype} of shape {other.shape}"
            )
        )
    forwards = bool(left) == bool(transpose)

    def product(a: Any, taus: Any, c: Any) -> Any:
        count = taus.shape[0]

        def step(i: Any, c: Any) -> Any:
            k = i if forwards else count - 1 - i
            tau = jnp.take(taus, k, mode="clip")
            tau = _conj(tau) if transpose else tau
            return (_from_left if left else _from_right)(c, _stored(a, k), tau)

        return fori_loop(0, count, step, c)

    return over_stack(product, [matrices, factors, other], [2, 1, 2])
