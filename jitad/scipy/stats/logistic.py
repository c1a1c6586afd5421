"""Logistic distribution."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import located, standardized

__all__ = ["cdf", "isf", "logpdf", "pdf", "ppf", "sf"]
__dir__ = __all__.copy


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, which does not underflow.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.logistic.logpdf(0.5)
    Array(-1.44815397)
    """
    z, scale = standardized("logistic.logpdf", x, loc=loc, scale=scale)
    return special.log_expit(z) + special.log_expit(-z) - jnp.log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the logistic distribution at `x`: exp(-z) / (1 + exp(-z))**2, divided by scale, z
    = (x - loc) / scale.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.logistic.pdf(0.5)
    Array(0.23500371)
    """
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the logistic distribution at `x`: the probability of at most that.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.logistic.cdf(0.5)
    Array(0.62245933)
    """
    z, _ = standardized("logistic.cdf", x, loc=loc, scale=scale)
    return special.expit(z)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Survival function of the logistic distribution at `x`: 1 - cdf, without cancellation.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.logistic.sf(0.5)
    Array(0.37754067)
    """
    z, _ = standardized("logistic.sf", x, loc=loc, scale=scale)
    return special.expit(-z)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Quantiles of the logistic distribution: the x with cdf(x) = q; nan for q outside of [0, 1].

    `q`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.logistic.ppf(0.9)
    Array(2.19722458)
    """
    q, loc, scale = located("logistic.ppf", q, loc=loc, scale=scale)
    return loc + scale * special.logit(q)


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with sf(x) = q, accurate for small q; nan for q outside of [0, 1].

    `q`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.logistic.isf(0.1)
    Array(2.19722458)
    """
    q, loc, scale = located("logistic.isf", q, loc=loc, scale=scale)
    return loc - scale * special.logit(q)
