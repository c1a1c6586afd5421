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

from .arguments import applied, floats


def gamma(x: Any) -> Any:
    """Gamma function (DLMF 5.2.1); infinite at 0, nan at the negative integers.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.gamma(np.array([0.5, 5.0]))
    Array([ 1.77245385, 24.        ])
    """
    return applied(ops.gamma, "gamma", x)


def gammaln(x: Any) -> Any:
    """log |gamma(x)|, inf at 0 and the negative integers (DLMF 5.2.1).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.gammaln(100.0)
    Array(359.13420537)
    """
    return applied(ops.lgamma, "gammaln", x)


def digamma(x: Any) -> Any:
    """The derivative of `gammaln` (DLMF 5.2.2); nan at the negative integers.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.digamma(1.0)
    Array(-0.57721566)
    """
    return applied(ops.digamma, "digamma", x)


def beta(a: Any, b: Any) -> Any:
    """gamma(a) gamma(b) / gamma(a + b) (DLMF 5.12.1).

    `a` and `b` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.beta(2.0, 3.0)
    Array(0.08333333)
    """
    return applied(ops.beta, "beta", a, b)


def betaln(a: Any, b: Any) -> Any:
    """log |beta(a, b)|, which does not over- or underflow.

    `a` and `b` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.betaln(200.0, 300.0)
    Array(-337.98011307)
    """
    return applied(ops.betaln, "betaln", a, b)


def poch(z: Any, m: Any) -> Any:
    """Pochhammer's symbol gamma(z + m) / gamma(z) (DLMF 5.2.5).

    `z` and `m` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.poch(2.0, 3.0)
    Array(24.)
    """
    return applied(ops.poch, "poch", z, m)


def gammainc(a: Any, x: Any) -> Any:
    """Regularized lower incomplete gamma function P(a, x) (DLMF 8.2.4), for a >= 0 and x >= 0, else
    nan.

    `a` and `x` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.gammainc(2.0, 3.0)
    Array(0.80085173)
    """
    return applied(ops.igamma, "gammainc", a, x)


def gammaincc(a: Any, x: Any) -> Any:
    """Regularized upper incomplete gamma function Q(a, x) = 1 - P(a, x) (DLMF 8.2.4), for a >= 0
    and x >= 0, else nan.

    `a` and `x` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.gammaincc(2.0, 3.0)
    Array(0.19914827)
    """
    return applied(ops.igammac, "gammaincc", a, x)


def betainc(a: Any, b: Any, x: Any) -> Any:
    """Regularized incomplete beta function I_x(a, b) (DLMF 8.17.2), for a > 0, b > 0 and x in [0,
    1], else nan.

    `a`, `b` and `x` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.betainc(2.0, 3.0, 0.25)
    Array(0.26171875)
    """
    return applied(ops.betainc, "betainc", a, b, x)


@in_single
def loggamma(x: Any) -> Any:
    """log(gamma(x)) for real x; nan for x < 0, where that may be complex.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.loggamma(5.0)
    Array(3.17805383)
    """
    (x,) = floats("loggamma", x)
    return jnp.where(x < 0, np.nan, apply(ops.lgamma, jnp.where(x < 0, 1, x)))


@in_single
def gammasgn(x: Any) -> Any:
    """Sign of gamma(x): that of x at 0, nan at the negative integers and -inf.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.gammasgn(np.array([-1.5, -0.5, 2.0]))
    Array([ 1., -1.,  1.])
    """
    (x,) = floats("gammasgn", x)
    down = jnp.floor(x)
    below = jnp.where(down % 2 == 0, 1.0, -1.0)
    below = jnp.where((down == x) | jnp.isinf(x), np.nan, below)
    above = jnp.where(jnp.isnan(x), np.nan, jnp.copysign(1.0, x))
    return jnp.where(x < 0, below, above).astype(x.dtype)


@in_single
def multigammaln(a: Any, d: Any) -> Any:
    """Logarithm of the multivariate gamma function of static dimension `d` >= 1 (DLMF 35.3.4): d (d
    - 1) / 4 log(pi) + sum of gammaln(a - j / 2) over j < d; nan unless a > (d - 1) / 2.

    `a` is real, of any shape. Raises ValueError for d < 1.

    >>> from jitad.scipy import special
    >>> special.multigammaln(3.0, 2)
    Array(1.55019499)
    """
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

    `n` is real, of any shape; the result is a float. Raises NotImplementedError for exact=True,
    which needs integers of any size.

    >>> from jitad.scipy import special
    >>> special.factorial(4)
    Array(24.)
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
    """Number of ways to choose `k` of `N` things, with repetition if so asked; 0 unless 0 <= k <=
    N.

    As SciPy's it is a float, and takes real arguments, which broadcast. Raises NotImplementedError
    for exact=True, which needs integers of any size.

    >>> from jitad.scipy import special
    >>> special.comb(5, 2)
    Array(10.)
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
    """The derivative of order `n` of `digamma` (DLMF 5.15).

    `n` is an integer >= 0 or an array of such (ValueError for other known ones), `x` real; they
    broadcast. Differentiable in `x`.

    >>> from jitad.scipy import special
    >>> special.polygamma(1, 2.0)
    Array(0.64493407)
    """
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
    """Hurwitz' zeta function: the sum of (q + k)**-x over k = 0, 1, ... (DLMF 25.11.1); Riemann's
    if `q` is None. inf at x = 1, nan below.

    `x` and `q` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.zeta(2.0)
    Array(1.64493407)
    """
    x, q = floats("zeta", x, 1 if q is None else q)
    return apply(ops.zeta, x, q)


@in_single
def bernoulli(n: Any) -> Any:
    """The Bernoulli numbers B(0), ..., B(n) (DLMF 24.2.1) in float64, with B(1) = -1/2; `n` is
    static.

    Raises ValueError for n < 0.

    >>> from jitad.scipy import special
    >>> special.bernoulli(4)
    Array([ 1.        , -0.5       ,  0.16666667,  0.        , -0.03333333])
    """
    n = operator.index(n)
    if n < 0:
        raise ValueError(at_user_line(f"bernoulli: expected n >= 0; got {n}"))
    import scipy.special  # noqa: PLC0415  (0.1 s: only programs that need it pay)

    return jnp.asarray(scipy.special.bernoulli(max(n, 2))[: n + 1])
