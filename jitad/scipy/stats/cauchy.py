"""Cauchy distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .support import located, standardized


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    z, scale = standardized("cauchy.logpdf", x, loc=loc, scale=scale)
    return -jnp.log1p(z * z) - jnp.log(np.pi * scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function at `x`."""
    z, _ = standardized("cauchy.cdf", x, loc=loc, scale=scale)
    return jnp.arctan2(1.0, -z) / np.pi


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the distribution function at `x`."""
    return jnp.log(cdf(x, loc, scale))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """1 - cdf(x)."""
    z, _ = standardized("cauchy.sf", x, loc=loc, scale=scale)
    return jnp.arctan2(1.0, z) / np.pi


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of 1 - cdf(x)."""
    return jnp.log(sf(x, loc, scale))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = q."""
    q, loc, scale = located("cauchy.ppf", q, loc=loc, scale=scale)
    return loc + scale * _quantile(q)


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with sf(x) = q."""
    q, loc, scale = located("cauchy.isf", q, loc=loc, scale=scale)
    return loc - scale * _quantile(q)


def _quantile(q: Any) -> Any:
    """tan(pi (q - 1/2)) = -1 / tan(pi q), which is accurate near 0; by symmetry near 1."""
    is_low, is_high = q < 0.25, q > 0.75
    low = jnp.where(is_low, q, jnp.where(is_high, 1 - q, 0.25))
    tail = 1 / jnp.tan(np.pi * low)
    middle = jnp.tan(np.pi * (jnp.where(is_low | is_high, 0.5, q) - 0.5))
    return jnp.where(is_low, -tail, jnp.where(is_high, tail, middle))
