"""Gamma distribution of shape `a` > 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .. import special
from .support import standardized, valid, without

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
__dir__ = __all__.copy


def logpdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, -inf where that is 0.

    `x`, `a`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gamma.logpdf(1.5, 2.0)
    Array(-1.09453489)
    """
    z, scale, a = standardized("gamma.logpdf", x, a, loc=loc, scale=scale)
    a = valid(a > 0, a)
    outside = (z < 0) | (z == np.inf)
    safe = jnp.where(outside, 1, z)
    value = special.xlogy(a - 1, safe) - safe - special.gammaln(a) - jnp.log(scale)
    return without(outside, value)


def pdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the gamma distribution at `x`: z**(a - 1) exp(-z) / Gamma(a) over z >= 0, divided
    by scale, z = (x - loc) / scale; 0 elsewhere.

    `x`, `a`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gamma.pdf(1.5, 2.0)
    Array(0.33469524)
    """
    return jnp.exp(logpdf(x, a, loc, scale))


def cdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the gamma distribution at `x`: the probability of at most that.

    `x`, `a`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gamma.cdf(1.5, 2.0)
    Array(0.4421746)
    """
    z, _, a = standardized("gamma.cdf", x, a, loc=loc, scale=scale)
    return special.gammainc(valid(a > 0, a), jnp.where(z < 0, 0, z))


def logcdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `cdf`.

    `x`, `a`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gamma.logcdf(1.5, 2.0)
    Array(-0.81605045)
    """
    return jnp.log(cdf(x, a, loc, scale))


def sf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Survival function of the gamma distribution at `x`: 1 - cdf, without cancellation.

    `x`, `a`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gamma.sf(1.5, 2.0)
    Array(0.5578254)
    """
    z, _, a = standardized("gamma.sf", x, a, loc=loc, scale=scale)
    return special.gammaincc(valid(a > 0, a), jnp.where(z < 0, 0, z))


def logsf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `sf`.

    `x`, `a`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gamma.logsf(1.5, 2.0)
    Array(-0.58370927)
    """
    return jnp.log(sf(x, a, loc, scale))
