"""Wrapped Cauchy distribution of shape 0 < `c` < 1 over [loc, loc + 2 pi scale]."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .support import standardized, valid, without

__all__ = ["logpdf", "pdf"]
__dir__ = __all__.copy


def logpdf(x: Any, c: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, -inf where that is 0.

    `x`, `c`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.wrapcauchy.logpdf(0.5, 0.3)
    Array(-1.35851189)
    """
    z, scale, c = standardized("wrapcauchy.logpdf", x, c, loc=loc, scale=scale)
    c = valid((c > 0) & (c < 1), c)
    outside = (z < 0) | (z > 2 * np.pi)
    z = jnp.where(outside, 0, z)
    # 1 + c**2 - 2 c cos z = (1 - c)**2 + 4 c sin(z / 2)**2
    distance = jnp.square(1 - c) + 4 * c * jnp.square(jnp.sin(z / 2))
    value = jnp.log((1 - c) * (1 + c) / (2 * np.pi * distance)) - jnp.log(scale)
    return without(outside, value)


def pdf(x: Any, c: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the wrapped Cauchy distribution at `x`: (1 - c**2) / (2 pi (1 + c**2 - 2 c
    cos(z))) over 0 <= z <= 2 pi, divided by scale, z = (x - loc) / scale; 0 elsewhere.

    `x`, `c`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.wrapcauchy.pdf(0.5, 0.3)
    Array(0.257043)
    """
    return jnp.exp(logpdf(x, c, loc, scale))
