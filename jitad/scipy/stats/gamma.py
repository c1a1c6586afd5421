"""Gamma distribution of shape `a` > 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .. import special
from .support import standardized, valid, without


def logpdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    z, scale, a = standardized("gamma.logpdf", x, a, loc=loc, scale=scale)
    a = valid(a > 0, a)
    outside = (z < 0) | (z == np.inf)
    safe = jnp.where(outside, 1, z)
    value = special.xlogy(a - 1, safe) - safe - special.gammaln(a) - jnp.log(scale)
    return without(outside, value)


def pdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, a, loc, scale))


def cdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function at `x`."""
    z, _, a = standardized("gamma.cdf", x, a, loc=loc, scale=scale)
    return special.gammainc(valid(a > 0, a), jnp.where(z < 0, 0, z))


def logcdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the distribution function at `x`."""
    return jnp.log(cdf(x, a, loc, scale))


def sf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """1 - cdf(x)."""
    z, _, a = standardized("gamma.sf", x, a, loc=loc, scale=scale)
    return special.gammaincc(valid(a > 0, a), jnp.where(z < 0, 0, z))


def logsf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of 1 - cdf(x)."""
    return jnp.log(sf(x, a, loc, scale))
