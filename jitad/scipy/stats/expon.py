"""Exponential distribution of mean `scale`, from `loc` on."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .support import located, standardized, without

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]
__dir__ = __all__.copy


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, -inf where that is 0.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.expon.logpdf(0.5)
    Array(-0.5)
    """
    z, scale = standardized("expon.logpdf", x, loc=loc, scale=scale)
    return without(z < 0, -z - jnp.log(scale))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the exponential distribution at `x`: exp(-z) over z >= 0, divided by scale, z = (x
    - loc) / scale; 0 elsewhere.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.expon.pdf(0.5)
    Array(0.60653066)
    """
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the exponential distribution at `x`: the probability of at most
    that.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.expon.cdf(0.5)
    Array(0.39346934)
    """
    z, _ = standardized("expon.cdf", x, loc=loc, scale=scale)
    return jnp.where(z < 0, 0, -jnp.expm1(-jnp.where(z < 0, 0, z)))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `cdf`.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.expon.logcdf(0.5)
    Array(-0.93275213)
    """
    z, _ = standardized("expon.logcdf", x, loc=loc, scale=scale)
    safe = jnp.where(z <= 0, 1, z)
    return jnp.where(z <= 0, -np.inf, jnp.log(-jnp.expm1(-safe)))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Survival function of the exponential distribution at `x`: 1 - cdf, without cancellation.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.expon.sf(0.5)
    Array(0.60653066)
    """
    z, _ = standardized("expon.sf", x, loc=loc, scale=scale)
    return jnp.exp(-jnp.where(z < 0, 0, z))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `sf`.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.expon.logsf(0.5)
    Array(-0.5)
    """
    z, _ = standardized("expon.logsf", x, loc=loc, scale=scale)
    return -jnp.where(z < 0, 0, z)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Quantiles of the exponential distribution: the x with cdf(x) = q; nan for q outside of [0,
    1].

    `q`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.expon.ppf(0.9)
    Array(2.30258509)
    """
    q, loc, scale = located("expon.ppf", q, loc=loc, scale=scale)
    return loc - scale * jnp.log1p(-q)
