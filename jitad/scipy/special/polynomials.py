"""Orthogonal polynomials of a known degree, by their recurrences, with derivatives in `x` and in
the parameters. DLMF table 18.9.1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.lax import fori_loop
from jitad.numpy.promotion import as_operand
from jitad.trace import Tracer

from .arguments import floats

Step = Callable[[Any, Any, Any], Any]
"""p(k + 1) by k, p(k) and p(k - 1)."""

_UNROLLED = 32


def _degree(name: str, n: Any) -> int:
    n = as_operand(n)
    known = not isinstance(n, Tracer) and jnp.ndim(n) == 0 and n == int(n) and n >= 0
    if not known:
        raise TypeError(
            at_user_line(f"{name}: expected the degree n as a known integer >= 0; got {n!r}")
        )
    return int(n)


def _recurrence(n: int, first: Any, step: Step) -> Any:
    """p(n), from p(0) = 1 and p(1) = first."""
    before = jnp.ones_like(first)
    if n == 0:
        return before
    now = first
    if n <= _UNROLLED:
        for k in range(1, n):
            before, now = now, step(float(k), now, before)
        return now

    def body(i: Any, pair: Any) -> Any:
        return pair[1], step(i.astype(first.dtype), pair[1], pair[0])

    return fori_loop(1, n, body, (before, now))[1]


def eval_legendre(n: Any, x: Any) -> Any:
    """Legendre polynomial P_n(x) (DLMF 18.3).

    `x` is real, of any shape. TypeError unless the degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_legendre(2, 0.5)
    Array(-0.125)
    """
    (x,) = floats("eval_legendre", x)
    step: Step = lambda k, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1)  # noqa: E731
    return _recurrence(_degree("eval_legendre", n), x, step)


def eval_sh_legendre(n: Any, x: Any) -> Any:
    """Shifted Legendre polynomial, P_n(2 x - 1), orthogonal on [0, 1].

    `x` is real, of any shape. TypeError unless the degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_sh_legendre(2, 0.25)
    Array(-0.125)
    """
    return eval_legendre(n, 2 * floats("eval_sh_legendre", x)[0] - 1)


def _chebyshev(name: str, n: Any, x: Any, first: float) -> Any:
    (x,) = floats(name, x)
    return _recurrence(_degree(name, n), first * x, lambda k, p, q: 2 * x * p - q)


def eval_chebyt(n: Any, x: Any) -> Any:
    """Chebyshev polynomial of the first kind, T_n(x) (DLMF 18.3).

    `x` is real, of any shape. TypeError unless the degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_chebyt(3, 0.5)
    Array(-1.)
    """
    return _chebyshev("eval_chebyt", n, x, 1.0)


def eval_chebyu(n: Any, x: Any) -> Any:
    """Chebyshev polynomial of the second kind, U_n(x) (DLMF 18.3).

    `x` is real, of any shape. TypeError unless the degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_chebyu(3, 0.25)
    Array(-0.875)
    """
    return _chebyshev("eval_chebyu", n, x, 2.0)


def eval_sh_chebyt(n: Any, x: Any) -> Any:
    """Shifted Chebyshev polynomial of the first kind, T_n(2 x - 1), orthogonal on [0, 1].

    `x` is real, of any shape. TypeError unless the degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_sh_chebyt(3, 0.25)
    Array(1.)
    """
    return eval_chebyt(n, 2 * floats("eval_sh_chebyt", x)[0] - 1)


def eval_sh_chebyu(n: Any, x: Any) -> Any:
    """Shifted Chebyshev polynomial of the second kind, U_n(2 x - 1), orthogonal on [0, 1].

    `x` is real, of any shape. TypeError unless the degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_sh_chebyu(3, 0.125)
    Array(-0.375)
    """
    return eval_chebyu(n, 2 * floats("eval_sh_chebyu", x)[0] - 1)


def eval_chebyc(n: Any, x: Any) -> Any:
    """Chebyshev polynomial of the first kind on [-2, 2], 2 T_n(x / 2) (DLMF 18.1.3).

    `x` is real, of any shape. TypeError unless the degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_chebyc(3, 0.5)
    Array(-1.375)
    """
    return 2 * eval_chebyt(n, floats("eval_chebyc", x)[0] / 2)


def eval_chebys(n: Any, x: Any) -> Any:
    """Chebyshev polynomial of the second kind on [-2, 2], U_n(x / 2) (DLMF 18.1.3).

    `x` is real, of any shape. TypeError unless the degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_chebys(3, 0.5)
    Array(-0.875)
    """
    return eval_chebyu(n, floats("eval_chebys", x)[0] / 2)


def eval_hermite(n: Any, x: Any) -> Any:
    """Hermite polynomial H_n(x), for the weight exp(-x**2) (DLMF 18.3).

    `x` is real, of any shape. TypeError unless the degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_hermite(3, 0.5)
    Array(-5.)
    """
    (x,) = floats("eval_hermite", x)
    return _recurrence(_degree("eval_hermite", n), 2 * x, lambda k, p, q: 2 * (x * p - k * q))


def eval_hermitenorm(n: Any, x: Any) -> Any:
    """Hermite polynomial He_n(x), for the weight exp(-x**2 / 2) (DLMF 18.3).

    `x` is real, of any shape. TypeError unless the degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_hermitenorm(3, 0.5)
    Array(-1.375)
    """
    (x,) = floats("eval_hermitenorm", x)
    return _recurrence(_degree("eval_hermitenorm", n), x, lambda k, p, q: x * p - k * q)


def eval_genlaguerre(n: Any, alpha: Any, x: Any) -> Any:
    """Laguerre polynomial L_n^(alpha)(x), for the weight x**alpha exp(-x) (DLMF 18.3).

    `alpha` and `x` are real and broadcast; it is differentiable in each. TypeError unless the
    degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_genlaguerre(2, 1.0, 0.5)
    Array(1.625)
    """
    alpha, x = floats("eval_genlaguerre", alpha, x)
    step: Step = lambda k, p, q: (  # noqa: E731
        ((2 * k + 1 + alpha - x) * p - (k + alpha) * q) / (k + 1)
    )
    return _recurrence(_degree("eval_genlaguerre", n), 1 + alpha - x, step)


def eval_laguerre(n: Any, x: Any) -> Any:
    """Laguerre polynomial L_n(x), for the weight exp(-x) (DLMF 18.3).

    `x` is real, of any shape. TypeError unless the degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_laguerre(2, 0.5)
    Array(0.125)
    """
    return eval_genlaguerre(n, 0.0, x)


def eval_gegenbauer(n: Any, alpha: Any, x: Any) -> Any:
    """Gegenbauer polynomial C_n^(alpha)(x), for the weight (1 - x**2)**(alpha - 1/2) (DLMF 18.3).

    `alpha` and `x` are real and broadcast; it is differentiable in each. TypeError unless the
    degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_gegenbauer(2, 1.5, 0.5)
    Array(0.375)
    """
    alpha, x = floats("eval_gegenbauer", alpha, x)
    step: Step = lambda k, p, q: (  # noqa: E731
        (2 * (k + alpha) * x * p - (k + 2 * alpha - 1) * q) / (k + 1)
    )
    return _recurrence(_degree("eval_gegenbauer", n), 2 * alpha * x, step)


def eval_jacobi(n: Any, alpha: Any, beta: Any, x: Any) -> Any:
    """Jacobi polynomial P_n^(alpha, beta)(x), for the weight (1 - x)**alpha (1 + x)**beta (DLMF
    18.3).

    `alpha`, `beta` and `x` are real and broadcast; it is differentiable in each. TypeError unless
    the degree `n` is a known integer >= 0.

    >>> from jitad.scipy import special
    >>> special.eval_jacobi(2, 1.0, 0.5, 0.5)
    Array(0.3984375)
    """
    a, b, x = floats("eval_jacobi", alpha, beta, x)

    def step(k: Any, p: Any, q: Any) -> Any:
        c = 2 * k + a + b
        middle = (c + 1) * ((c + 2) * c * x + (a - b) * (a + b))
        low = 2 * (k + a) * (k + b) * (c + 2)
        return (middle * p - low * q) / (2 * (k + 1) * (k + 1 + a + b) * c)

    first = (a + 1) + (a + b + 2) * (x - 1) / 2
    return _recurrence(_degree("eval_jacobi", n), first, step)
