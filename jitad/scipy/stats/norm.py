"""Normal distribution of mean `loc` and standard deviation `scale`."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import located, standardized

_LOG_ROOT_TWO_PI = 0.9189385332046728


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`.

    >>> logpdf(1.0, 1.0)
    Array(-0.91893853)
    """
    z, scale = standardized("norm.logpdf", x, loc=loc, scale=scale)
    return -0.5 * z * z - _LOG_ROOT_TWO_PI - jnp.log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function at `x`."""
    z, _ = standardized("norm.cdf", x, loc=loc, scale=scale)
    return special.ndtr(z)


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the distribution function at `x`."""
    z, _ = standardized("norm.logcdf", x, loc=loc, scale=scale)
    return special.log_ndtr(z)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """1 - cdf(x)."""
    z, _ = standardized("norm.sf", x, loc=loc, scale=scale)
    return special.ndtr(-z)


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of 1 - cdf(x)."""
    z, _ = standardized("norm.logsf", x, loc=loc, scale=scale)
    return special.log_ndtr(-z)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = q."""
    q, loc, scale = located("norm.ppf", q, loc=loc, scale=scale)
    return loc + scale * special.ndtri(q)


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with sf(x) = q."""
    q, loc, scale = located("norm.isf", q, loc=loc, scale=scale)
    return loc - scale * special.ndtri(q)
