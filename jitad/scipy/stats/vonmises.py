"""Von Mises distribution of concentration `kappa` >= 0, at any angle."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .. import special
from .support import standardized, valid

__all__ = ["logpdf", "pdf"]
__dir__ = __all__.copy


def logpdf(x: Any, kappa: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, which does not underflow.

    `x`, `kappa`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.vonmises.logpdf(0.5, 2.0)
    Array(-0.90670548)
    """
    z, scale, kappa = standardized("vonmises.logpdf", x, kappa, loc=loc, scale=scale)
    kappa = valid(kappa >= 0, kappa)
    # cos z - 1 = -2 sin(z / 2)**2
    exponent = -2 * kappa * jnp.square(jnp.sin(z / 2))
    return exponent - jnp.log(2 * np.pi * special.i0e(kappa)) - jnp.log(scale)


def pdf(x: Any, kappa: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of von Mises' distribution at `x`: exp(kappa cos(z)) / (2 pi I_0(kappa)), z in
    radians, divided by scale, z = (x - loc) / scale.

    `x`, `kappa`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.vonmises.pdf(0.5, 2.0)
    Array(0.40385253)
    """
    return jnp.exp(logpdf(x, kappa, loc, scale))
