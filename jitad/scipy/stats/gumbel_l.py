"""Gumbel distribution of minima."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .support import located, standardized, without

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]
__dir__ = __all__.copy


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, which does not underflow.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_l.logpdf(0.5)
    Array(-1.14872127)
    """
    z, scale = standardized("gumbel_l.logpdf", x, loc=loc, scale=scale)
    outside = jnp.isinf(z)
    z = jnp.where(outside, 0, z)
    return without(outside, z - jnp.exp(z) - jnp.log(scale))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the Gumbel distribution of minima at `x`: exp(z - exp(z)), divided by scale, z =
    (x - loc) / scale.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_l.pdf(0.5)
    Array(0.31704192)
    """
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the Gumbel distribution of minima at `x`: the probability of at most
    that.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_l.cdf(0.5)
    Array(0.80770435)
    """
    z, _ = standardized("gumbel_l.cdf", x, loc=loc, scale=scale)
    return -jnp.expm1(-jnp.exp(z))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `cdf`.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_l.logcdf(0.5)
    Array(-0.21355919)
    """
    z, _ = standardized("gumbel_l.logcdf", x, loc=loc, scale=scale)
    return jnp.log(-jnp.expm1(-jnp.exp(z)))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Survival function of the Gumbel distribution of minima at `x`: 1 - cdf, without cancellation.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_l.sf(0.5)
    Array(0.19229565)
    """
    z, _ = standardized("gumbel_l.sf", x, loc=loc, scale=scale)
    return jnp.exp(-jnp.exp(z))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `sf`.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_l.logsf(0.5)
    Array(-1.64872127)
    """
    z, _ = standardized("gumbel_l.logsf", x, loc=loc, scale=scale)
    return -jnp.exp(z)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Quantiles of the Gumbel distribution of minima: the x with cdf(x) = q; nan for q outside of
    [0, 1].

    `q`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_l.ppf(0.9)
    Array(0.83403245)
    """
    q, loc, scale = located("gumbel_l.ppf", q, loc=loc, scale=scale)
    return loc + scale * jnp.log(-jnp.log1p(-q))
