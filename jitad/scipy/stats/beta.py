"""Beta distribution of shapes `a`, `b` > 0 over [loc, loc + scale]."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import standardized, valid, without

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
__dir__ = __all__.copy


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, -inf where that is 0.

    `x`, `a`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.beta.logpdf(0.25, 2.0, 3.0)
    Array(0.52324814)
    """
    z, scale, a, b = standardized("beta.logpdf", x, a, b, loc=loc, scale=scale)
    a, b = valid(a > 0, a), valid(b > 0, b)
    outside = (z < 0) | (z > 1)
    safe = jnp.where(outside, 0.5, z)
    value = special.xlogy(a - 1, safe) + special.xlog1py(b - 1, -safe) - special.betaln(a, b)
    return without(outside, value - jnp.log(scale))


def pdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the beta distribution at `x`: z**(a - 1) (1 - z)**(b - 1) / B(a, b) over 0 <= z <=
    1, divided by scale, z = (x - loc) / scale; 0 elsewhere.

    `x`, `a`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.beta.pdf(0.25, 2.0, 3.0)
    Array(1.6875)
    """
    return jnp.exp(logpdf(x, a, b, loc, scale))


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the beta distribution at `x`: the probability of at most that.

    `x`, `a`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.beta.cdf(0.25, 2.0, 3.0)
    Array(0.26171875)
    """
    z, _, a, b = standardized("beta.cdf", x, a, b, loc=loc, scale=scale)
    return _incomplete(a, b, z)


def _incomplete(a: Any, b: Any, z: Any) -> Any:
    """I_z(a, b), 0 below and 1 above the support, where all derivatives are 0."""
    outside = (z < 0) | (z > 1)
    value = special.betainc(valid(a > 0, a), valid(b > 0, b), jnp.where(outside, 0.5, z))
    return jnp.where(outside & ~jnp.isnan(value), jnp.clip(z, 0, 1), value)


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `cdf`.

    `x`, `a`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.beta.logcdf(0.25, 2.0, 3.0)
    Array(-1.34048483)
    """
    return jnp.log(cdf(x, a, b, loc, scale))


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Survival function of the beta distribution at `x`: 1 - cdf, without cancellation.

    `x`, `a`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.beta.sf(0.25, 2.0, 3.0)
    Array(0.73828125)
    """
    z, _, a, b = standardized("beta.sf", x, a, b, loc=loc, scale=scale)
    return _incomplete(b, a, 1 - z)


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `sf`.

    `x`, `a`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.beta.logsf(0.25, 2.0, 3.0)
    Array(-0.30343043)
    """
    return jnp.log(sf(x, a, b, loc, scale))
