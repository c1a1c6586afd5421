"""Uniform distribution over [loc, loc + scale]."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .support import located, standardized, without


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    z, scale = standardized("uniform.logpdf", x, loc=loc, scale=scale)
    return without((z < 0) | (z > 1), jnp.where(jnp.isnan(z), np.nan, -jnp.log(scale)))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function at `x`."""
    z, _ = standardized("uniform.cdf", x, loc=loc, scale=scale)
    return jnp.where(z <= 0, 0, jnp.where(z >= 1, 1, z))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = q."""
    q, loc, scale = located("uniform.ppf", q, loc=loc, scale=scale)
    return loc + scale * q
