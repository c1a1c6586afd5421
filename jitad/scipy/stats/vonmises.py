"""Von Mises distribution of concentration `kappa` >= 0, at any angle."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .. import special
from .support import standardized, valid


def logpdf(x: Any, kappa: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    z, scale, kappa = standardized("vonmises.logpdf", x, kappa, loc=loc, scale=scale)
    kappa = valid(kappa >= 0, kappa)
    # cos z - 1 = -2 sin(z / 2)**2
    exponent = -2 * kappa * jnp.square(jnp.sin(z / 2))
    return exponent - jnp.log(2 * np.pi * special.i0e(kappa)) - jnp.log(scale)


def pdf(x: Any, kappa: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, kappa, loc, scale))
