"""Gamma and beta functions, their incomplete forms, factorials, binomials, zeta."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.half import in_single
from jitad.numpy.promotion import as_operand
from jitad.trace import Tracer, apply
from jitad_ir import ops

from .arguments import floats, function_of

gamma = function_of(ops.gamma, "gamma", "gamma(x): the gamma function.")
gammaln = function_of(ops.lgamma, "gammaln", "gammaln(x): log |gamma(x)|.")
digamma = function_of(ops.digamma, "digamma", "digamma(x): the derivative of gammaln.")
beta = function_of(ops.beta, "beta", "beta(a, b) = gamma(a) gamma(b) / gamma(a + b).")
betaln = function_of(ops.betaln, "betaln", "betaln(a, b): log |beta(a, b)|.")
poch = function_of(ops.poch, "poch", "poch(z, m) = gamma(z + m) / gamma(z).")
gammainc = function_of(
    ops.igamma, "gammainc", "gammainc(a, x): the regularized lower incomplete gamma function."
)
gammaincc = function_of(
    ops.igammac, "gammaincc", "gammaincc(a, x): the regularized upper incomplete gamma function."
)
betainc = function_of(
    ops.betainc, "betainc", "betainc(a, b, x): the regularized incomplete beta function."
)


@in_single
def loggamma(x: Any) -> Any:
    """log(gamma(x)) for real x; nan for x < 0, where that is complex."""
    (x,) = floats("loggamma", x)
    return jnp.where(x < 0, np.nan, apply(ops.lgamma, jnp.where(x < 0, 1, x)))


@in_single
def gammasgn(x: Any) -> Any:
    """Sign of gamma(x): that of x at 0, nan at the negative integers and -inf."""
    (x,) = floats("gammasgn", x)
    down = jnp.floor(x)
    below = jnp.where(down % 2 == 0, 1.0, -1.0)
    below = jnp.where((down == x) | jnp.isinf(x), np.nan, below)
    above = jnp.where(jnp.isnan(x), np.nan, jnp.copysign(1.0, x))
    return jnp.where(x < 0, below, above).astype(x.dtype)


@in_single
def multigammaln(a: Any, d: Any) -> Any:
    """Logarithm of the multivariate gamma function of static dimension `d` >= 1:
    d (d - 1) / 4 log(pi) + sum of gammaln(a - j / 2) over j < d; nan unless a > (d - 1) / 2."""
    d = operator.index(d)
    if d < 1:
        raise ValueError(at_user_line(f"multigammaln: expected d >= 1; got {d}"))
    (a,) = floats("multigammaln", a)
    inside = a > (d - 1) / 2
    safe = jnp.where(inside, a, d / 2)
    total = sum([apply(ops.lgamma, safe - j / 2) for j in range(d)])
    return jnp.where(inside, total + d * (d - 1) / 4 * math.log(math.pi), np.nan)


@in_single
def factorial(n: Any, exact: bool = False) -> Any:
    """gamma(n + 1), 0 for n < 0.

    >>> factorial(4)
    Array(24.)

    Raises NotImplementedError for exact=True, which needs integers of any size.
    """
    if exact:
        raise NotImplementedError(
            at_user_line("factorial: exact=True is not available; use math.factorial")
        )
    (n,) = floats("factorial", n)
    value = apply(ops.gamma, jnp.where(n < 0, 1, n) + 1)
    return jnp.where(n < 0, 0, value)


@in_single
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:  # noqa: N803
    """Number of ways to choose `k` of `N` things, with repetition if so asked; 0 unless
    0 <= k <= N. As SciPy's it is a float, and takes real arguments.

    >>> comb(5, 2)
    Array(10.)

    Raises NotImplementedError for exact=True, which needs integers of any size.
    """
    if exact:
        raise NotImplementedError(at_user_line("comb: exact=True is not available; use math.comb"))
    n, k = floats("comb", N, k)
    if repetition:
        return jnp.where((n == 0) & (k == 0), 1, comb(n + k - 1, k))
    inside = (k <= n) & (n >= 0) & (k >= 0)
    value = apply(ops.binom, jnp.where(inside, n, 1), jnp.where(inside, k, 1))
    return jnp.where(inside, value, 0)


@in_single
def polygamma(n: Any, x: Any) -> Any:
    """The derivative of order `n` (integers >= 0) of digamma at `x`."""
    order = as_operand(n)
    if not isinstance(order, Tracer) and np.ndim(order) == 0:
        count = operator.index(order) if np.asarray(order).dtype.kind in "iu" else int(order)
        if count != order or count < 0:
            raise ValueError(
                at_user_line(f"polygamma: expected integer orders n >= 0; got {order}")
            )
        (x,) = floats("polygamma", x)
        return apply(ops.polygamma, x, order=count) if count else apply(ops.digamma, x)
    n, x = floats("polygamma", n, x)
    above = jnp.where(n == 0, 1, n)
    size = apply(ops.gamma, above + 1) * apply(ops.zeta, above + 1, x)
    value = jnp.where(above % 2 == 0, -size, size)
    return jnp.where(n == 0, apply(ops.digamma, x), value)


@in_single
def zeta(x: Any, q: Any = None) -> Any:
    """Hurwitz' zeta function: the sum of (q + k)**-x over k = 0, 1, ...; Riemann's if `q` is None.
    nan for x < 1."""
    x, q = floats("zeta", x, 1 if q is None else q)
    return apply(ops.zeta, x, q)


@in_single
def bernoulli(n: Any) -> Any:
    """The Bernoulli numbers B(0), ..., B(n) in float64, with B(1) = -1/2; `n` is static."""
    n = operator.index(n)
    if n < 0:
        raise ValueError(at_user_line(f"bernoulli: expected n >= 0; got {n}"))
    import scipy.special  # noqa: PLC0415  (0.1 s: only programs that need it pay)

    return jnp.asarray(scipy.special.bernoulli(max(n, 2))[: n + 1])
