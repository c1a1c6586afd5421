"""Gumbel distribution of maxima."""

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
    >>> stats.gumbel_r.logpdf(0.5)
    Array(-1.10653066)
    """
    z, scale = standardized("gumbel_r.logpdf", x, loc=loc, scale=scale)
    outside = jnp.isinf(z)
    z = jnp.where(outside, 0, z)
    return without(outside, -z - jnp.exp(-z) - jnp.log(scale))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the Gumbel distribution of maxima at `x`: exp(-z - exp(-z)), divided by scale, z =
    (x - loc) / scale.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_r.pdf(0.5)
    Array(0.3307043)
    """
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the Gumbel distribution of maxima at `x`: the probability of at most
    that.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_r.cdf(0.5)
    Array(0.54523921)
    """
    z, _ = standardized("gumbel_r.cdf", x, loc=loc, scale=scale)
    return jnp.exp(-jnp.exp(-z))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `cdf`.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_r.logcdf(0.5)
    Array(-0.60653066)
    """
    z, _ = standardized("gumbel_r.logcdf", x, loc=loc, scale=scale)
    return -jnp.exp(-z)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Survival function of the Gumbel distribution of maxima at `x`: 1 - cdf, without cancellation.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_r.sf(0.5)
    Array(0.45476079)
    """
    z, _ = standardized("gumbel_r.sf", x, loc=loc, scale=scale)
    return -jnp.expm1(-jnp.exp(-z))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `sf`.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_r.logsf(0.5)
    Array(-0.78798374)
    """
    z, _ = standardized("gumbel_r.logsf", x, loc=loc, scale=scale)
    return jnp.log(-jnp.expm1(-jnp.exp(-z)))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Quantiles of the Gumbel distribution of maxima: the x with cdf(x) = q; nan for q outside of
    [0, 1].

    `q`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gumbel_r.ppf(0.9)
    Array(2.25036733)
    """
    q, loc, scale = located("gumbel_r.ppf", q, loc=loc, scale=scale)
    return loc - scale * jnp.log(-jnp.log(q))
