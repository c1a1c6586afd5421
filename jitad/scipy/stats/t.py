"""Student's distribution of `df` > 0 degrees of freedom."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .. import special
from .support import standardized, valid

_LOG_ROOT_TWO_PI = 0.9189385332046728


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    z, scale, df = standardized("t.logpdf", x, df, loc=loc, scale=scale)
    df = valid(df > 0, df)
    is_normal = df == np.inf
    df = jnp.where(is_normal, 1, df)
    normalization = -special.betaln(jnp.full_like(df, 0.5), df / 2) - 0.5 * jnp.log(df)
    value = normalization - (df + 1) / 2 * jnp.log1p(z * z / df)
    normal = -0.5 * z * z - _LOG_ROOT_TWO_PI
    return jnp.where(is_normal, normal, value) - jnp.log(scale)


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, df, loc, scale))
