"""Gumbel distribution of maxima."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .support import located, standardized, without


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    z, scale = standardized("gumbel_r.logpdf", x, loc=loc, scale=scale)
    outside = jnp.isinf(z)
    z = jnp.where(outside, 0, z)
    return without(outside, -z - jnp.exp(-z) - jnp.log(scale))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function at `x`."""
    z, _ = standardized("gumbel_r.cdf", x, loc=loc, scale=scale)
    return jnp.exp(-jnp.exp(-z))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the distribution function at `x`."""
    z, _ = standardized("gumbel_r.logcdf", x, loc=loc, scale=scale)
    return -jnp.exp(-z)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """1 - cdf(x)."""
    z, _ = standardized("gumbel_r.sf", x, loc=loc, scale=scale)
    return -jnp.expm1(-jnp.exp(-z))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of 1 - cdf(x)."""
    z, _ = standardized("gumbel_r.logsf", x, loc=loc, scale=scale)
    return jnp.log(-jnp.expm1(-jnp.exp(-z)))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = q."""
    q, loc, scale = located("gumbel_r.ppf", q, loc=loc, scale=scale)
    return loc - scale * jnp.log(-jnp.log(q))
