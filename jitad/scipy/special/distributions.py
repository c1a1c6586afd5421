"""Distribution functions by SciPy's names, their complements and inverses, with derivatives in all
arguments that are not counts."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp
from jitad_ir import ops

from .arguments import floats, function_of
from .factorials import betainc, gammainc, gammaincc

betaincc = function_of(ops.betaincc, "betaincc", "betaincc(a, b, x) = 1 - betainc(a, b, x).")
betaincinv = function_of(
    ops.betainc_inv, "betaincinv", "betaincinv(a, b, y): the x with betainc(a, b, x) = y."
)
betainccinv = function_of(
    ops.betaincc_inv, "betainccinv", "betainccinv(a, b, y): the x with betaincc(a, b, x) = y."
)
gammaincinv = function_of(
    ops.igamma_inv, "gammaincinv", "gammaincinv(a, y): the x with gammainc(a, x) = y."
)
gammainccinv = function_of(
    ops.igammac_inv, "gammainccinv", "gammainccinv(a, y): the x with gammaincc(a, x) = y."
)
stdtr = function_of(ops.student_cdf, "stdtr", "stdtr(df, t): distribution function of Student's t.")
stdtrit = function_of(ops.student_inv, "stdtrit", "stdtrit(df, p): the t with stdtr(df, t) = p.")


def chdtr(v: Any, x: Any) -> Any:
    """Distribution function of chi-square with `v` degrees of freedom at `x`; nan for x < 0."""
    v, x = floats("chdtr", v, x)
    return gammainc(v / 2, x / 2)


def chdtrc(v: Any, x: Any) -> Any:
    """1 - chdtr(v, x)."""
    v, x = floats("chdtrc", v, x)
    return gammaincc(v / 2, x / 2)


def chdtri(v: Any, p: Any) -> Any:
    """The x with chdtrc(v, x) = p."""
    v, p = floats("chdtri", v, p)
    return 2 * gammainccinv(v / 2, p)


def gdtr(a: Any, b: Any, x: Any) -> Any:
    """Distribution function of gamma of rate `a` and shape `b` at `x`."""
    a, b, x = floats("gdtr", a, b, x)
    return gammainc(b, a * x)


def gdtrc(a: Any, b: Any, x: Any) -> Any:
    """1 - gdtr(a, b, x)."""
    a, b, x = floats("gdtrc", a, b, x)
    return gammaincc(b, a * x)


def gdtrix(a: Any, b: Any, p: Any) -> Any:
    """The x with gdtr(a, b, x) = p."""
    a, b, p = floats("gdtrix", a, b, p)
    return gammaincinv(b, p) / a


def gdtria(p: Any, b: Any, x: Any) -> Any:
    """The a with gdtr(a, b, x) = p."""
    p, b, x = floats("gdtria", p, b, x)
    return gammaincinv(b, p) / x


def pdtr(k: Any, m: Any) -> Any:
    """Distribution function of Poisson of mean `m` at `k`."""
    k, m = floats("pdtr", k, m)
    return gammaincc(jnp.where(k < 0, jnp.nan, jnp.floor(k) + 1), m)


def pdtrc(k: Any, m: Any) -> Any:
    """1 - pdtr(k, m)."""
    k, m = floats("pdtrc", k, m)
    return gammainc(jnp.where(k < 0, jnp.nan, jnp.floor(k) + 1), m)


def pdtri(k: Any, y: Any) -> Any:
    """The mean m with pdtr(k, m) = y, of a whole number `k`."""
    k, y = floats("pdtri", k, y)
    return gammainccinv(jnp.trunc(k) + 1, y)


def bdtr(k: Any, n: Any, p: Any) -> Any:
    """Distribution function of binomial of `n` trials, each a success with probability `p`, at
    `k`."""
    k, n, p = _counts("bdtr", k, n, p)
    ends = k >= n
    value = betaincc(k + 1, jnp.where(ends, 1, n - k), p)
    return jnp.where(ends, jnp.where(k == n, 1, jnp.nan), value).astype(p.dtype)


def bdtrc(k: Any, n: Any, p: Any) -> Any:
    """1 - bdtr(k, n, p)."""
    k, n, p = _counts("bdtrc", k, n, p)
    ends = k >= n
    value = betainc(k + 1, jnp.where(ends, 1, n - k), p)
    return jnp.where(ends, jnp.where(k == n, 0, jnp.nan), value).astype(p.dtype)


def bdtri(k: Any, n: Any, y: Any) -> Any:
    """The p with bdtr(k, n, p) = y."""
    k, n, y = _counts("bdtri", k, n, y)
    return betainccinv(k + 1, n - k, y)


def nbdtr(k: Any, n: Any, p: Any) -> Any:
    """Probability of at most `k` failures before success number `n`, each with probability `p`."""
    k, n, p = _counts("nbdtr", k, n, p)
    return betainc(n, k + 1, p)


def nbdtrc(k: Any, n: Any, p: Any) -> Any:
    """1 - nbdtr(k, n, p)."""
    k, n, p = _counts("nbdtrc", k, n, p)
    return betaincc(n, k + 1, p)


def nbdtri(k: Any, n: Any, y: Any) -> Any:
    """The p with nbdtr(k, n, p) = y."""
    k, n, y = _counts("nbdtri", k, n, y)
    return betaincinv(n, k + 1, y)


def _counts(name: str, k: Any, n: Any, p: Any) -> tuple[Any, Any, Any]:
    k, n, p = floats(name, k, n, p)
    return jnp.floor(k), jnp.floor(n), p


def fdtr(dfn: Any, dfd: Any, x: Any) -> Any:
    """Distribution function of F with `dfn` and `dfd` degrees of freedom at `x`; nan for x < 0."""
    dfn, dfd, x = floats("fdtr", dfn, dfd, x)
    return betainc(dfn / 2, dfd / 2, dfn * x / (dfd + dfn * x))


def fdtrc(dfn: Any, dfd: Any, x: Any) -> Any:
    """1 - fdtr(dfn, dfd, x)."""
    dfn, dfd, x = floats("fdtrc", dfn, dfd, x)
    return betainc(dfd / 2, dfn / 2, dfd / (dfd + dfn * x))


def fdtri(dfn: Any, dfd: Any, p: Any) -> Any:
    """The x with fdtr(dfn, dfd, x) = p."""
    dfn, dfd, p = floats("fdtri", dfn, dfd, p)
    share = betaincinv(dfn / 2, dfd / 2, p)
    rest = betainccinv(dfd / 2, dfn / 2, p)  # 1 - share, with all digits
    return dfd * share / (dfn * rest)


def kolmogorov(y: Any) -> Any:
    """Survival function of Kolmogorov's distribution: 2 times the sum of
    -(-1)**k exp(-2 k**2 y**2) over k = 1, 2, ...; below y = 1 by the sum of
    exp(-(2 k - 1)**2 pi**2 / (8 y**2)), which is equal."""
    (y,) = floats("kolmogorov", y)
    small = y < 1
    near, far = jnp.where(small & (y > 0.03), y, 0.5), jnp.where(small, 1.0, y)
    theta = sum([jnp.exp(-((2 * k - 1) ** 2) * jnp.pi**2 / (8 * near**2)) for k in range(1, 6)])
    below = 1 - jnp.sqrt(2 * jnp.pi) / near * theta
    above = 2 * sum([-((-1) ** k) * jnp.exp(-2.0 * k * k * far * far) for k in range(1, 6)])
    return jnp.where(small, jnp.where(y > 0.03, below, 1.0), above).astype(y.dtype)
