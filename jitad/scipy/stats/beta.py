"""Beta distribution of shapes `a`, `b` > 0 over [loc, loc + scale]."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import standardized, valid, without


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    z, scale, a, b = standardized("beta.logpdf", x, a, b, loc=loc, scale=scale)
    a, b = valid(a > 0, a), valid(b > 0, b)
    outside = (z < 0) | (z > 1)
    safe = jnp.where(outside, 0.5, z)
    value = special.xlogy(a - 1, safe) + special.xlog1py(b - 1, -safe) - special.betaln(a, b)
    return without(outside, value - jnp.log(scale))


def pdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, a, b, loc, scale))


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function at `x`."""
    z, _, a, b = standardized("beta.cdf", x, a, b, loc=loc, scale=scale)
    return special.betainc(valid(a > 0, a), valid(b > 0, b), jnp.clip(z, 0, 1))


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the distribution function at `x`."""
    return jnp.log(cdf(x, a, b, loc, scale))


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """1 - cdf(x)."""
    z, _, a, b = standardized("beta.sf", x, a, b, loc=loc, scale=scale)
    return special.betainc(valid(b > 0, b), valid(a > 0, a), 1 - jnp.clip(z, 0, 1))


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of 1 - cdf(x)."""
    return jnp.log(sf(x, a, b, loc, scale))
