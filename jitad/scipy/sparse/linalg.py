"""`jitad.scipy.sparse.linalg`: iterative methods for linear systems given by functions.

Solutions have derivatives in b and in what A closes over, by the equation A x = b: the same method
solves for them. So they are accurate where it converges.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitad import lax
from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.flatten_util import ravel_pytree
from jitad.numpy.promotion import inexact
from jitad.tree_util import tree_map, tree_structure

__all__ = ["bicgstab", "cg", "gmres"]
__dir__ = __all__.copy

Map = Callable[[Any], Any]
"""A linear map of vectors."""


def cg(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    tol: Any = 1e-5,
    atol: Any = 0.0,
    maxiter: int | None = None,
    M: Any = None,
) -> tuple[Any, None]:
    """The solution x of A x = b for Hermitian positive definite A, by conjugate gradients, and
    None (where SciPy tells whether it converged).

    `A` and `M`, which approximates its inverse, are functions of a vector or matrices (n, n). `b`
    is an array or a pytree of arrays, and x like it. The search starts at `x0` (default: zeros) and
    ends where |b - A x| <= max(tol |b|, atol), or after `maxiter` iterations (default: ten times
    the number of elements). Raises ValueError if `x0` is not like `b` or a matrix not square, and
    TypeError if an operator is neither a function nor a matrix.

    >>> x, _ = cg(lambda x: jnp.array([4.0, 2.0]) * x, jnp.array([1.0, 1.0]))
    >>> x
    Array([0.25, 0.5 ])
    """
    return _solve(_conjugate_gradients, A, b, x0, tol, atol, maxiter, M, definite=True)


def bicgstab(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    tol: Any = 1e-5,
    atol: Any = 0.0,
    maxiter: int | None = None,
    M: Any = None,
) -> tuple[Any, None]:
    """The solution x of A x = b for any A, by stabilized biconjugate gradients (H. A. van der
    Vorst, 1992), and None.

    For the parameters see `cg`. It ends also where the method breaks down.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.scipy.sparse import linalg
    >>> linalg.bicgstab(np.array([[4.0, 1.0], [0.0, 2.0]]), np.array([9.0, 2.0]))[0]
    Array([2., 1.])
    """
    return _solve(_stabilized, A, b, x0, tol, atol, maxiter, M)


def gmres(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    tol: Any = 1e-5,
    atol: Any = 0.0,
    restart: int = 20,
    maxiter: int | None = None,
    M: Any = None,
    solve_method: str = "batched",
) -> tuple[Any, None]:
    """The solution x of A x = b for any A, by minimal residuals (Y. Saad, M. H. Schultz, 1986), and
    None. For the parameters see `cg`.

    Each of `maxiter` iterations builds `restart` vectors of a Krylov space, and so takes as much
    memory, and starts again from the solution found in it. `M` acts from the right: it is the
    residual b - A x that becomes small. `solve_method` is taken for JAX's sake; ValueError for one
    that JAX does not know.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.scipy.sparse import linalg
    >>> linalg.gmres(np.array([[4.0, 1.0], [0.0, 2.0]]), np.array([9.0, 2.0]))[0]
    Array([2., 1.])
    """
    if solve_method not in ("batched", "incremental"):
        raise ValueError(
            at_user_line(
                f"invalid solve_method {solve_method}, must be either 'incremental' or 'batched'"
            )
        )

    def method(a: Map, b: Any, x: Any, m: Map, limit: Any, maxiter: int) -> Any:
        return _minimal_residuals(a, b, x, m, limit, maxiter, min(restart, max(b.shape[0], 1)))

    return _solve(method, A, b, x0, tol, atol, maxiter, M)


def _operator(given: Any, name: str) -> Map:
    if callable(given):
        return given
    shape = getattr(given, "shape", None)
    if shape is None or not hasattr(given, "__matmul__"):
        raise TypeError(
            at_user_line(
                f"expected {name} to be a function or a matrix; got {type(given).__name__}"
            )
        )
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(
            at_user_line(f"linear operator must be a square matrix, but has shape: {shape}")
        )
    return lambda x: given @ x


def _solve(
    method: Callable[..., Any],
    A: Any,
    b: Any,
    x0: Any,
    tol: Any,
    atol: Any,
    maxiter: int | None,
    M: Any,
    *,
    definite: bool = False,
) -> tuple[Any, None]:
    """`method` on vectors: all elements of `b` in one."""
    b = tree_map(lambda leaf: inexact(jnp.asarray(leaf)), b)
    flat, unravel = ravel_pytree(b)
    start = jnp.zeros_like(flat) if x0 is None else _alike(x0, b, flat.dtype)
    start = lax.stop_gradient(start)
    operator = _operator(A, "A")
    inverse = None if M is None else _operator(M, "M")

    def on_vectors(operator: Map) -> Map:
        return lambda v: ravel_pytree(operator(unravel(v)))[0].astype(flat.dtype)

    def solve(matvec: Map, b: Any) -> Any:
        limit = jnp.maximum(tol * jnp.linalg.norm(b), atol)
        near = (lambda v: v) if inverse is None else on_vectors(inverse)
        count = 10 * b.shape[0] if maxiter is None else maxiter
        return method(matvec, b, start, near, limit, count)

    x = lax.custom_linear_solve(
        on_vectors(operator),
        flat,
        solve=solve,
        transpose_solve=solve,
        symmetric=definite and flat.dtype.kind == "f",
    )
    return unravel(x), None


def _alike(x0: Any, b: Any, dtype: Any) -> Any:
    """The elements of `x0` in one vector; raises ValueError if it is not like `b`."""
    x0 = tree_map(jnp.asarray, x0)
    if tree_structure(x0) != tree_structure(b):
        raise ValueError(
            at_user_line(
                "x0 and b must have matching tree structure: "
                f"{tree_structure(x0)} vs {tree_structure(b)}"
            )
        )
    shapes = [[leaf.shape for leaf in tree_structure(t).flatten_up_to(t)] for t in (x0, b)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            at_user_line(
                f"arrays in x0 and b must have matching shapes: {shapes[0]} vs {shapes[1]}"
            )
        )
    return ravel_pytree(x0)[0].astype(dtype)


def _inner(x: Any, y: Any) -> Any:
    """Re(x^H y): that of a Hermitian form is all there is."""
    return jnp.vdot(x, y).real


def _conjugate_gradients(a: Map, b: Any, x: Any, m: Map, limit: Any, maxiter: int) -> Any:
    """J. Nocedal, S. J. Wright, Numerical Optimization (2006), algorithm 5.3."""
    r = b - a(x)
    z = m(r)

    def goes_on(state: tuple[Any, ...]) -> Any:
        _, r, _, _, k = state
        return (jnp.linalg.norm(r) > limit) & (k < maxiter)

    def turn(state: tuple[Any, ...]) -> tuple[Any, ...]:
        x, r, gamma, p, k = state
        moved = a(p)
        alpha = gamma / _inner(p, moved)
        r = r - alpha * moved
        z = m(r)
        following = _inner(r, z)
        return x + alpha * p, r, following, z + following / gamma * p, k + 1

    state = (x, r, _inner(r, z), z, jnp.zeros((), np.int64))
    return lax.while_loop(goes_on, turn, state)[0]


def _stabilized(a: Map, b: Any, x: Any, m: Map, limit: Any, maxiter: int) -> Any:
    """H. A. van der Vorst, Bi-CGSTAB, SIAM J. Sci. Stat. Comput. 13 (1992) 631."""
    r = b - a(x)
    shadow = r
    one = jnp.ones((), b.dtype)

    def goes_on(state: tuple[Any, ...]) -> Any:
        r, broken, k = state[1], state[-2], state[-1]
        return (jnp.linalg.norm(r) > limit) & (k < maxiter) & ~broken

    def turn(state: tuple[Any, ...]) -> tuple[Any, ...]:
        x, r, rho, alpha, omega, p, v, _, k = state
        following = jnp.vdot(shadow, r)
        beta = following / rho * (alpha / omega)
        p = r + beta * (p - omega * v)
        near = m(p)
        v = a(near)
        bottom = jnp.vdot(shadow, v)
        alpha = jnp.where(bottom == 0, 0, following / jnp.where(bottom == 0, 1, bottom))
        s = r - alpha * v
        near_s = m(s)
        t = a(near_s)
        done = jnp.linalg.norm(s) <= limit
        square = jnp.vdot(t, t)
        omega = jnp.where(done, 0, jnp.vdot(t, s) / jnp.where(done, 1, square))
        x = x + alpha * near + omega * near_s
        broken = ~done & ((following == 0) | (alpha == 0) | (omega == 0))
        return x, s - omega * t, following, alpha, omega, p, v, broken, k + 1

    state = (x, r, one, one, one, jnp.zeros_like(r), jnp.zeros_like(r))
    state = (*state, jnp.asarray(False), jnp.zeros((), np.int64))
    return lax.while_loop(goes_on, turn, state)[0]


def _minimal_residuals(
    a: Map, b: Any, x: Any, m: Map, limit: Any, maxiter: int, restart: int
) -> Any:
    """Y. Saad, Iterative Methods for Sparse Linear Systems (2003), algorithm 9.5, with the basis
    orthogonalized twice and the small least-squares problem solved at the end of each cycle."""
    eps = jnp.finfo(b.dtype).eps

    def arnoldi(j: Any, state: tuple[Any, Any]) -> tuple[Any, Any]:
        basis, h = state
        w = a(m(basis[j]))
        size = jnp.linalg.norm(w)
        first = basis.conj() @ w
        w = w - first @ basis
        second = basis.conj() @ w
        w = w - second @ basis
        rest = jnp.linalg.norm(w)
        ends = rest <= eps * size  # the space holds the solution: no more vectors
        basis = basis.at[j + 1].set(jnp.where(ends, 0, w / jnp.where(ends, 1, rest)))
        column = (first + second).at[j + 1].set(jnp.where(ends, 0, rest))
        return basis, h.at[:, j].set(column)

    def cycle(state: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        x, r, k = state
        size = jnp.linalg.norm(r)
        basis = jnp.zeros((restart + 1, *b.shape), b.dtype).at[0].set(r / size)
        h = jnp.zeros((restart + 1, restart), b.dtype)
        basis, h = lax.fori_loop(0, restart, arnoldi, (basis, h))
        right = jnp.zeros(restart + 1, b.dtype).at[0].set(size)
        y = jnp.linalg.lstsq(h, right)[0]
        x = x + m(y @ basis[:-1])
        return x, b - a(x), k + 1

    def goes_on(state: tuple[Any, Any, Any]) -> Any:
        _, r, k = state
        return (jnp.linalg.norm(r) > limit) & (k < maxiter)

    return lax.while_loop(goes_on, cycle, (x, b - a(x), jnp.zeros((), np.int64)))[0]
