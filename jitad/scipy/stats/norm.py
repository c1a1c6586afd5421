"""Normal distribution of mean `loc` and standard deviation `scale`."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import located, standardized

__all__ = ["cdf", "isf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]
__dir__ = __all__.copy

_LOG_ROOT_TWO_PI = 0.9189385332046728


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, which does not underflow.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.norm.logpdf(0.5)
    Array(-1.04393853)
    """
    z, scale = standardized("norm.logpdf", x, loc=loc, scale=scale)
    return -0.5 * z * z - _LOG_ROOT_TWO_PI - jnp.log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the normal distribution at `x`: exp(-z**2 / 2) / sqrt(2 pi), divided by scale, z =
    (x - loc) / scale.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.norm.pdf(0.5)
    Array(0.35206533)
    """
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the normal distribution at `x`: the probability of at most that.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.norm.cdf(0.5)
    Array(0.69146246)
    """
    z, _ = standardized("norm.cdf", x, loc=loc, scale=scale)
    return special.ndtr(z)


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `cdf`.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.norm.logcdf(0.5)
    Array(-0.36894642)
    """
    z, _ = standardized("norm.logcdf", x, loc=loc, scale=scale)
    return special.log_ndtr(z)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Survival function of the normal distribution at `x`: 1 - cdf, without cancellation.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.norm.sf(0.5)
    Array(0.30853754)
    """
    z, _ = standardized("norm.sf", x, loc=loc, scale=scale)
    return special.ndtr(-z)


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `sf`.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.norm.logsf(0.5)
    Array(-1.17591176)
    """
    z, _ = standardized("norm.logsf", x, loc=loc, scale=scale)
    return special.log_ndtr(-z)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Quantiles of the normal distribution: the x with cdf(x) = q; nan for q outside of [0, 1].

    `q`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.norm.ppf(0.9)
    Array(1.28155157)
    """
    q, loc, scale = located("norm.ppf", q, loc=loc, scale=scale)
    return loc + scale * special.ndtri(q)


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with sf(x) = q, accurate for small q; nan for q outside of [0, 1].

    `q`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.norm.isf(0.1)
    Array(1.28155157)
    """
    q, loc, scale = located("norm.isf", q, loc=loc, scale=scale)
    return loc - scale * special.ndtri(q)
