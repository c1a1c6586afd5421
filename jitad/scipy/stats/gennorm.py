"""Generalized normal distribution of shape `beta` > 0: exp(-|z|**beta)."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import standardized, valid


def logpdf(x: Any, beta: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    z, scale, beta = standardized("gennorm.logpdf", x, beta, loc=loc, scale=scale)
    beta = valid(beta > 0, beta)
    normalization = jnp.log(beta / 2) - special.gammaln(1 / beta)
    return normalization - jnp.abs(z) ** beta - jnp.log(scale)


def pdf(x: Any, beta: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, beta, loc, scale))


def cdf(x: Any, beta: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function at `x`."""
    z, _, beta = standardized("gennorm.cdf", x, beta, loc=loc, scale=scale)
    beta = valid(beta > 0, beta)
    half = 0.5 * jnp.sign(z)
    return 0.5 + half - half * special.gammaincc(1 / beta, jnp.abs(z) ** beta)
