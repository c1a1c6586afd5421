"""Exponential distribution of mean `scale`, from `loc` on."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .support import located, standardized, without


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    z, scale = standardized("expon.logpdf", x, loc=loc, scale=scale)
    return without(z < 0, -z - jnp.log(scale))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function at `x`."""
    z, _ = standardized("expon.cdf", x, loc=loc, scale=scale)
    return jnp.where(z < 0, 0, -jnp.expm1(-jnp.where(z < 0, 0, z)))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the distribution function at `x`."""
    z, _ = standardized("expon.logcdf", x, loc=loc, scale=scale)
    safe = jnp.where(z <= 0, 1, z)
    return jnp.where(z <= 0, -np.inf, jnp.log(-jnp.expm1(-safe)))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """1 - cdf(x)."""
    z, _ = standardized("expon.sf", x, loc=loc, scale=scale)
    return jnp.exp(-jnp.where(z < 0, 0, z))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of 1 - cdf(x)."""
    z, _ = standardized("expon.logsf", x, loc=loc, scale=scale)
    return -jnp.where(z < 0, 0, z)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = q."""
    q, loc, scale = located("expon.ppf", q, loc=loc, scale=scale)
    return loc - scale * jnp.log1p(-q)
