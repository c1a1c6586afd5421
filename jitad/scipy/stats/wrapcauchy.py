"""Wrapped Cauchy distribution of shape 0 < `c` < 1 over [loc, loc + 2 pi scale]."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .support import standardized, valid, without


def logpdf(x: Any, c: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    z, scale, c = standardized("wrapcauchy.logpdf", x, c, loc=loc, scale=scale)
    c = valid((c > 0) & (c < 1), c)
    outside = (z < 0) | (z > 2 * np.pi)
    z = jnp.where(outside, 0, z)
    # 1 + c**2 - 2 c cos z = (1 - c)**2 + 4 c sin(z / 2)**2
    distance = jnp.square(1 - c) + 4 * c * jnp.square(jnp.sin(z / 2))
    value = jnp.log((1 - c) * (1 + c) / (2 * np.pi * distance)) - jnp.log(scale)
    return without(outside, value)


def pdf(x: Any, c: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, c, loc, scale))
