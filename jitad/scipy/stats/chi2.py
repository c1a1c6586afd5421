"""Chi-squared distribution of `df` > 0 degrees of freedom."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from . import gamma


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    return gamma.logpdf(x, jnp.multiply(df, 0.5), loc, jnp.multiply(scale, 2))


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, df, loc, scale))


def cdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function at `x`."""
    return gamma.cdf(x, jnp.multiply(df, 0.5), loc, jnp.multiply(scale, 2))


def logcdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the distribution function at `x`."""
    return gamma.logcdf(x, jnp.multiply(df, 0.5), loc, jnp.multiply(scale, 2))


def sf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """1 - cdf(x)."""
    return gamma.sf(x, jnp.multiply(df, 0.5), loc, jnp.multiply(scale, 2))


def logsf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of 1 - cdf(x)."""
    return gamma.logsf(x, jnp.multiply(df, 0.5), loc, jnp.multiply(scale, 2))
