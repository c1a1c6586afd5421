"""Distribution functions by SciPy's names, their complements and inverses, with derivatives in all
arguments that are not counts."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp
from jitad_ir import ops

from .arguments import applied, floats
from .factorials import betainc, gammainc, gammaincc


def betaincc(a: Any, b: Any, x: Any) -> Any:
    """1 - betainc(a, b, x), without cancellation (DLMF 8.17.4).

    `a`, `b` and `x` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.betaincc(2.0, 3.0, 0.25)
    Array(0.73828125)
    """
    return applied(ops.betaincc, "betaincc", a, b, x)


def betaincinv(a: Any, b: Any, y: Any) -> Any:
    """The x in [0, 1] with betainc(a, b, x) = y; nan unless a, b > 0 and y is in [0, 1].

    `a`, `b` and `y` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.betaincinv(2.0, 3.0, 0.5)
    Array(0.38572757)
    """
    return applied(ops.betainc_inv, "betaincinv", a, b, y)


def betainccinv(a: Any, b: Any, y: Any) -> Any:
    """The x in [0, 1] with betaincc(a, b, x) = y; nan unless a, b > 0 and y is in [0, 1].

    `a`, `b` and `y` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.betainccinv(2.0, 3.0, 0.5)
    Array(0.38572757)
    """
    return applied(ops.betaincc_inv, "betainccinv", a, b, y)


def gammaincinv(a: Any, y: Any) -> Any:
    """The x >= 0 with gammainc(a, x) = y; nan unless y is in [0, 1].

    `a` and `y` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.gammaincinv(2.0, 0.5)
    Array(1.67834699)
    """
    return applied(ops.igamma_inv, "gammaincinv", a, y)


def gammainccinv(a: Any, y: Any) -> Any:
    """The x >= 0 with gammaincc(a, x) = y; nan unless y is in [0, 1].

    `a` and `y` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.gammainccinv(2.0, 1e-10)
    Array(26.33398161)
    """
    return applied(ops.igammac_inv, "gammainccinv", a, y)


def stdtr(df: Any, t: Any) -> Any:
    """Distribution function at `t` of Student's distribution with `df` > 0 degrees of freedom.

    `df` and `t` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.stdtr(3.0, 1.5)
    Array(0.88470807)
    """
    return applied(ops.student_cdf, "stdtr", df, t)


def stdtrit(df: Any, p: Any) -> Any:
    """The t with stdtr(df, t) = p; nan unless p is in [0, 1].

    `df` and `p` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.stdtrit(3.0, 0.975)
    Array(3.18244631)
    """
    return applied(ops.student_inv, "stdtrit", df, p)


def chdtr(v: Any, x: Any) -> Any:
    """Distribution function of chi-square with `v` degrees of freedom at `x`; nan for x < 0.

    `v` and `x` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.chdtr(3.0, 2.0)
    Array(0.4275933)
    """
    v, x = floats("chdtr", v, x)
    return gammainc(v / 2, x / 2)


def chdtrc(v: Any, x: Any) -> Any:
    """1 - chdtr(v, x), without cancellation.

    `v` and `x` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.chdtrc(3.0, 100.0)
    Array(1.55415943e-21)
    """
    v, x = floats("chdtrc", v, x)
    return gammaincc(v / 2, x / 2)


def chdtri(v: Any, p: Any) -> Any:
    """The x with chdtrc(v, x) = p.

    `v` and `p` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.chdtri(3.0, 0.05)
    Array(7.8147279)
    """
    v, p = floats("chdtri", v, p)
    return 2 * gammainccinv(v / 2, p)


def gdtr(a: Any, b: Any, x: Any) -> Any:
    """Distribution function of gamma of rate `a` and shape `b` at `x`.

    `a`, `b` and `x` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.gdtr(1.5, 2.0, 1.0)
    Array(0.4421746)
    """
    a, b, x = floats("gdtr", a, b, x)
    return gammainc(b, a * x)


def gdtrc(a: Any, b: Any, x: Any) -> Any:
    """1 - gdtr(a, b, x), without cancellation.

    `a`, `b` and `x` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.gdtrc(1.5, 2.0, 1.0)
    Array(0.5578254)
    """
    a, b, x = floats("gdtrc", a, b, x)
    return gammaincc(b, a * x)


def gdtrix(a: Any, b: Any, p: Any) -> Any:
    """The x with gdtr(a, b, x) = p.

    `a`, `b` and `p` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.gdtrix(1.5, 2.0, 0.5)
    Array(1.11889799)
    """
    a, b, p = floats("gdtrix", a, b, p)
    return gammaincinv(b, p) / a


def gdtria(p: Any, b: Any, x: Any) -> Any:
    """The a with gdtr(a, b, x) = p.

    `p`, `b` and `x` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.gdtria(0.5, 2.0, 1.0)
    Array(1.67834699)
    """
    p, b, x = floats("gdtria", p, b, x)
    return gammaincinv(b, p) / x


def pdtr(k: Any, m: Any) -> Any:
    """Distribution function of Poisson of mean `m` at `k`; nan for k < 0.

    `k` and `m` are real and broadcast; TypeError if one is complex. Differentiable in `m`; the
    derivative by the counts, of which the integer part counts, is 0.

    >>> from jitad.scipy import special
    >>> special.pdtr(2, 1.5)
    Array(0.80884683)
    """
    k, m = floats("pdtr", k, m)
    return gammaincc(jnp.where(k < 0, jnp.nan, jnp.floor(k) + 1), m)


def pdtrc(k: Any, m: Any) -> Any:
    """1 - pdtr(k, m), without cancellation.

    `k` and `m` are real and broadcast; TypeError if one is complex. Differentiable in `m`; the
    derivative by the counts, of which the integer part counts, is 0.

    >>> from jitad.scipy import special
    >>> special.pdtrc(2, 1.5)
    Array(0.19115317)
    """
    k, m = floats("pdtrc", k, m)
    return gammainc(jnp.where(k < 0, jnp.nan, jnp.floor(k) + 1), m)


def pdtri(k: Any, y: Any) -> Any:
    """The mean m with pdtr(k, m) = y, of a whole number `k`.

    `k` and `y` are real and broadcast; TypeError if one is complex. Differentiable in `y`; the
    derivative by the counts, of which the integer part counts, is 0.

    >>> from jitad.scipy import special
    >>> special.pdtri(2, 0.5)
    Array(2.67406031)
    """
    k, y = floats("pdtri", k, y)
    return gammainccinv(jnp.trunc(k) + 1, y)


def bdtr(k: Any, n: Any, p: Any) -> Any:
    """Distribution function of binomial of `n` trials, each a success with probability `p`, at `k`.

    `k`, `n` and `p` are real and broadcast; TypeError if one is complex. nan for k > n.
    Differentiable in `p`; the derivative by the counts, of which the integer part counts, is 0.

    >>> from jitad.scipy import special
    >>> special.bdtr(2, 5, 0.3)
    Array(0.83692)
    """
    k, n, p = _counts("bdtr", k, n, p)
    ends = k >= n
    value = betaincc(k + 1, jnp.where(ends, 1, n - k), p)
    return jnp.where(ends, jnp.where(k == n, 1, jnp.nan), value).astype(p.dtype)


def bdtrc(k: Any, n: Any, p: Any) -> Any:
    """1 - bdtr(k, n, p), without cancellation.

    `k`, `n` and `p` are real and broadcast; TypeError if one is complex. Differentiable in `p`; the
    derivative by the counts, of which the integer part counts, is 0.

    >>> from jitad.scipy import special
    >>> special.bdtrc(2, 5, 0.3)
    Array(0.16308)
    """
    k, n, p = _counts("bdtrc", k, n, p)
    ends = k >= n
    value = betainc(k + 1, jnp.where(ends, 1, n - k), p)
    return jnp.where(ends, jnp.where(k == n, 0, jnp.nan), value).astype(p.dtype)


def bdtri(k: Any, n: Any, y: Any) -> Any:
    """The p with bdtr(k, n, p) = y.

    `k`, `n` and `y` are real and broadcast; TypeError if one is complex. Differentiable in `y`; the
    derivative by the counts, of which the integer part counts, is 0.

    >>> from jitad.scipy import special
    >>> special.bdtri(2, 5, 0.5)
    Array(0.5)
    """
    k, n, y = _counts("bdtri", k, n, y)
    return betainccinv(k + 1, n - k, y)


def nbdtr(k: Any, n: Any, p: Any) -> Any:
    """Probability of at most `k` failures before success number `n`, each with probability `p`.

    `k`, `n` and `p` are real and broadcast; TypeError if one is complex. Differentiable in `p`; the
    derivative by the counts, of which the integer part counts, is 0.

    >>> from jitad.scipy import special
    >>> special.nbdtr(2, 3, 0.5)
    Array(0.5)
    """
    k, n, p = _counts("nbdtr", k, n, p)
    return betainc(n, k + 1, p)


def nbdtrc(k: Any, n: Any, p: Any) -> Any:
    """1 - nbdtr(k, n, p), without cancellation.

    `k`, `n` and `p` are real and broadcast; TypeError if one is complex. Differentiable in `p`; the
    derivative by the counts, of which the integer part counts, is 0.

    >>> from jitad.scipy import special
    >>> special.nbdtrc(2, 3, 0.5)
    Array(0.5)
    """
    k, n, p = _counts("nbdtrc", k, n, p)
    return betaincc(n, k + 1, p)


def nbdtri(k: Any, n: Any, y: Any) -> Any:
    """The p with nbdtr(k, n, p) = y.

    `k`, `n` and `y` are real and broadcast; TypeError if one is complex. Differentiable in `y`; the
    derivative by the counts, of which the integer part counts, is 0.

    >>> from jitad.scipy import special
    >>> special.nbdtri(2, 3, 0.5)
    Array(0.5)
    """
    k, n, y = _counts("nbdtri", k, n, y)
    return betaincinv(n, k + 1, y)


def _counts(name: str, k: Any, n: Any, p: Any) -> tuple[Any, Any, Any]:
    k, n, p = floats(name, k, n, p)
    return jnp.floor(k), jnp.floor(n), p


def fdtr(dfn: Any, dfd: Any, x: Any) -> Any:
    """Distribution function of F with `dfn` and `dfd` degrees of freedom at `x`; nan for x < 0.

    `dfn`, `dfd` and `x` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.fdtr(3.0, 5.0, 2.0)
    Array(0.76737608)
    """
    dfn, dfd, x = floats("fdtr", dfn, dfd, x)
    return betainc(dfn / 2, dfd / 2, dfn * x / (dfd + dfn * x))


def fdtrc(dfn: Any, dfd: Any, x: Any) -> Any:
    """1 - fdtr(dfn, dfd, x), without cancellation.

    `dfn`, `dfd` and `x` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.fdtrc(3.0, 5.0, 2.0)
    Array(0.23262392)
    """
    dfn, dfd, x = floats("fdtrc", dfn, dfd, x)
    return betainc(dfd / 2, dfn / 2, dfd / (dfd + dfn * x))


def fdtri(dfn: Any, dfd: Any, p: Any) -> Any:
    """The x with fdtr(dfn, dfd, x) = p.

    `dfn`, `dfd` and `p` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.fdtri(3.0, 5.0, 0.95)
    Array(5.40945132)
    """
    dfn, dfd, p = floats("fdtri", dfn, dfd, p)
    share = betaincinv(dfn / 2, dfd / 2, p)
    rest = betainccinv(dfd / 2, dfn / 2, p)  # 1 - share, with all digits
    return dfd * share / (dfn * rest)


def kolmogorov(y: Any) -> Any:
    """Survival function of Kolmogorov's distribution: 2 times the sum of -(-1)**k exp(-2 k**2 y**2)
    over k = 1, 2, ...

    `y` is real, of any shape; TypeError if it is complex. Below y = 1 it is computed by 1 - sqrt(2
    pi) / y times the sum of exp(-(2 k - 1)**2 pi**2 / (8 y**2)), which is equal (W. Feller, 1948).

    >>> from jitad.scipy import special
    >>> special.kolmogorov(1.0)
    Array(0.26999967)
    """
    (y,) = floats("kolmogorov", y)
    small = y < 1
    near, far = jnp.where(small & (y > 0.03), y, 0.5), jnp.where(small, 1.0, y)
    theta = sum([jnp.exp(-((2 * k - 1) ** 2) * jnp.pi**2 / (8 * near**2)) for k in range(1, 6)])
    below = 1 - jnp.sqrt(2 * jnp.pi) / near * theta
    above = 2 * sum([-((-1) ** k) * jnp.exp(-2.0 * k * k * far * far) for k in range(1, 6)])
    return jnp.where(small, jnp.where(y > 0.03, below, 1.0), above).astype(y.dtype)
