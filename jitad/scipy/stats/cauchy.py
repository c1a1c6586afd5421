"""Cauchy distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .support import located, standardized

__all__ = ["cdf", "isf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]
__dir__ = __all__.copy


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, which does not underflow.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.cauchy.logpdf(0.5)
    Array(-1.36787344)
    """
    z, scale = standardized("cauchy.logpdf", x, loc=loc, scale=scale)
    return -jnp.log1p(z * z) - jnp.log(np.pi * scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the Cauchy distribution at `x`: 1 / (pi (1 + z**2)), divided by scale, z = (x -
    loc) / scale.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.cauchy.pdf(0.5)
    Array(0.25464791)
    """
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the Cauchy distribution at `x`: the probability of at most that.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.cauchy.cdf(0.5)
    Array(0.64758362)
    """
    z, _ = standardized("cauchy.cdf", x, loc=loc, scale=scale)
    return jnp.arctan2(1.0, -z) / np.pi


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `cdf`.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.cauchy.logcdf(0.5)
    Array(-0.43450735)
    """
    return jnp.log(cdf(x, loc, scale))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Survival function of the Cauchy distribution at `x`: 1 - cdf, without cancellation.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.cauchy.sf(0.5)
    Array(0.35241638)
    """
    z, _ = standardized("cauchy.sf", x, loc=loc, scale=scale)
    return jnp.arctan2(1.0, z) / np.pi


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `sf`.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.cauchy.logsf(0.5)
    Array(-1.0429419)
    """
    return jnp.log(sf(x, loc, scale))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Quantiles of the Cauchy distribution: the x with cdf(x) = q; nan for q outside of [0, 1].

    `q`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.cauchy.ppf(0.9)
    Array(3.07768354)
    """
    q, loc, scale = located("cauchy.ppf", q, loc=loc, scale=scale)
    return loc + scale * _quantile(q)


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with sf(x) = q, accurate for small q; nan for q outside of [0, 1].

    `q`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.cauchy.isf(0.1)
    Array(3.07768354)
    """
    q, loc, scale = located("cauchy.isf", q, loc=loc, scale=scale)
    return loc - scale * _quantile(q)


def _quantile(q: Any) -> Any:
    """tan(pi (q - 1/2)) = -1 / tan(pi q), which is accurate near 0; by symmetry near 1."""
    is_low, is_high = q < 0.25, q > 0.75
    low = jnp.where(is_low, q, jnp.where(is_high, 1 - q, 0.25))
    tail = 1 / jnp.tan(np.pi * low)
    middle = jnp.tan(np.pi * (jnp.where(is_low | is_high, 0.5, q) - 0.5))
    return jnp.where(is_low, -tail, jnp.where(is_high, tail, middle))
