"""Pareto distribution of shape `b` > 0: z >= 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .support import located, standardized, valid, without

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]
__dir__ = __all__.copy


def logpdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, -inf where that is 0.

    `x`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.pareto.logpdf(2.0, 3.0)
    Array(-1.67397643)
    """
    z, scale, b = standardized("pareto.logpdf", x, b, loc=loc, scale=scale)
    b = valid(b > 0, b)
    log_z = jnp.log(jnp.where(z < 1, 1, z))
    return without(z < 1, jnp.log(b) - (b + 1) * log_z - jnp.log(scale))


def pdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the Pareto distribution at `x`: b / z**(b + 1) over z >= 1, divided by scale, z =
    (x - loc) / scale; 0 elsewhere.

    `x`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.pareto.pdf(2.0, 3.0)
    Array(0.1875)
    """
    return jnp.exp(logpdf(x, b, loc, scale))


def cdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the Pareto distribution at `x`: the probability of at most that.

    `x`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.pareto.cdf(2.0, 3.0)
    Array(0.875)
    """
    return -jnp.expm1(logsf(x, b, loc, scale))


def logcdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `cdf`.

    `x`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.pareto.logcdf(2.0, 3.0)
    Array(-0.13353139)
    """
    tail = logsf(x, b, loc, scale)
    inside = tail != 0
    return jnp.where(inside, jnp.log(-jnp.expm1(jnp.where(inside, tail, -1))), -np.inf)


def sf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Survival function of the Pareto distribution at `x`: 1 - cdf, without cancellation.

    `x`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.pareto.sf(2.0, 3.0)
    Array(0.125)
    """
    return jnp.exp(logsf(x, b, loc, scale))


def logsf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `sf`.

    `x`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.pareto.logsf(2.0, 3.0)
    Array(-2.07944154)
    """
    z, _, b = standardized("pareto.logsf", x, b, loc=loc, scale=scale)
    return -valid(b > 0, b) * jnp.log(jnp.where(z < 1, 1, z))


def ppf(q: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Quantiles of the Pareto distribution: the x with cdf(x) = q; nan for q outside of [0, 1].

    `q`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.pareto.ppf(0.9, 3.0)
    Array(2.15443469)
    """
    q, loc, scale, b = located("pareto.ppf", q, b, loc=loc, scale=scale)
    return loc + scale * jnp.exp(-jnp.log1p(-q) / valid(b > 0, b))
