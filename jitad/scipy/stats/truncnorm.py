"""Normal distribution truncated to `a` <= (x - loc) / scale <= `b`."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .. import special
from .support import standardized, valid

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]
__dir__ = __all__.copy

_LOG_ROOT_TWO_PI = 0.9189385332046728


def _log_mass(a: Any, b: Any) -> Any:
    """log(Phi(b) - Phi(a)) for a < b, -inf for a = b: in a tail by the logarithms of both, on the
    side where they are small; else by what the two tails leave of 1."""
    empty = a >= b
    a, b = jnp.where(empty, -1, a), jnp.where(empty, 1, b)
    is_upper = a > 0
    low, high = jnp.where(is_upper, -b, a), jnp.where(is_upper, -a, b)
    in_tail = high <= 0
    upper = special.log_ndtr(jnp.where(in_tail, high, 0))
    lower = special.log_ndtr(jnp.where(in_tail, low, -1))
    tail = upper + jnp.log(-jnp.expm1(lower - upper))
    outside = special.ndtr(jnp.where(in_tail, -1, low)) + special.ndtr(
        jnp.where(in_tail, -1, -high)
    )
    return jnp.where(empty, -np.inf, jnp.where(in_tail, tail, jnp.log1p(-outside)))


def _standardized(name: str, x: Any, a: Any, b: Any, loc: Any, scale: Any) -> Any:
    z, scale, a, b = standardized(f"truncnorm.{name}", x, a, b, loc=loc, scale=scale)
    return z, scale, valid(a < b, a), valid(a < b, b)


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, -inf where that is 0.

    `x`, `a`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.truncnorm.logpdf(0.5, -1.0, 2.0)
    Array(-0.84377224)
    """
    z, scale, a, b = _standardized("logpdf", x, a, b, loc, scale)
    outside = (z < a) | (z > b)
    safe = jnp.where(outside, 0, z)
    value = -0.5 * safe * safe - _LOG_ROOT_TWO_PI - _log_mass(a, b) - jnp.log(scale)
    return jnp.where(outside, -np.inf, value)


def pdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the truncated normal distribution at `x`: exp(-z**2 / 2) / (sqrt(2 pi) (Phi(b) -
    Phi(a))) over a <= z <= b, Phi the normal distribution function, divided by scale, z = (x - loc)
    / scale; 0 elsewhere.

    `x`, `a`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.truncnorm.pdf(0.5, -1.0, 2.0)
    Array(0.43008508)
    """
    return jnp.exp(logpdf(x, a, b, loc, scale))


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `cdf`.

    `x`, `a`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.truncnorm.logcdf(0.5, -1.0, 2.0)
    Array(-0.42942934)
    """
    z, _, a, b = _standardized("logcdf", x, a, b, loc, scale)
    return _log_mass(a, jnp.clip(z, a, b)) - _log_mass(a, b)


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the truncated normal distribution at `x`: the probability of at most
    that.

    `x`, `a`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.truncnorm.cdf(0.5, -1.0, 2.0)
    Array(0.65088042)
    """
    return jnp.exp(logcdf(x, a, b, loc, scale))


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `sf`.

    `x`, `a`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.truncnorm.logsf(0.5, -1.0, 2.0)
    Array(-1.05234078)
    """
    z, _, a, b = _standardized("logsf", x, a, b, loc, scale)
    return _log_mass(jnp.clip(z, a, b), b) - _log_mass(a, b)


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Survival function of the truncated normal distribution at `x`: 1 - cdf, without cancellation.

    `x`, `a`, `b`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.truncnorm.sf(0.5, -1.0, 2.0)
    Array(0.34911958)
    """
    return jnp.exp(logsf(x, a, b, loc, scale))
