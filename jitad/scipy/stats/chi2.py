"""Chi-squared distribution of `df` > 0 degrees of freedom."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from . import gamma

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
__dir__ = __all__.copy


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, -inf where that is 0.

    `x`, `df`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.chi2.logpdf(2.0, 3.0)
    Array(-1.57236494)
    """
    return gamma.logpdf(x, jnp.multiply(df, 0.5), loc, jnp.multiply(scale, 2))


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the chi-squared distribution at `x`: z**(df / 2 - 1) exp(-z / 2) / (2**(df / 2)
    Gamma(df / 2)) over z >= 0, divided by scale, z = (x - loc) / scale; 0 elsewhere.

    `x`, `df`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.chi2.pdf(2.0, 3.0)
    Array(0.20755375)
    """
    return jnp.exp(logpdf(x, df, loc, scale))


def cdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the chi-squared distribution at `x`: the probability of at most
    that.

    `x`, `df`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.chi2.cdf(2.0, 3.0)
    Array(0.4275933)
    """
    return gamma.cdf(x, jnp.multiply(df, 0.5), loc, jnp.multiply(scale, 2))


def logcdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `cdf`.

    `x`, `df`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.chi2.logcdf(2.0, 3.0)
    Array(-0.84958278)
    """
    return gamma.logcdf(x, jnp.multiply(df, 0.5), loc, jnp.multiply(scale, 2))


def sf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Survival function of the chi-squared distribution at `x`: 1 - cdf, without cancellation.

    `x`, `df`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.chi2.sf(2.0, 3.0)
    Array(0.5724067)
    """
    return gamma.sf(x, jnp.multiply(df, 0.5), loc, jnp.multiply(scale, 2))


def logsf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `sf`.

    `x`, `df`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.chi2.logsf(2.0, 3.0)
    Array(-0.55790552)
    """
    return gamma.logsf(x, jnp.multiply(df, 0.5), loc, jnp.multiply(scale, 2))
