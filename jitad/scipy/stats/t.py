"""Student's distribution of `df` > 0 degrees of freedom."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .. import special
from .support import standardized, valid

__all__ = ["logpdf", "pdf"]
__dir__ = __all__.copy

_LOG_ROOT_TWO_PI = 0.9189385332046728


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, which does not underflow.

    `x`, `df`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.t.logpdf(0.5, 3.0)
    Array(-1.16097426)
    """
    z, scale, df = standardized("t.logpdf", x, df, loc=loc, scale=scale)
    df = valid(df > 0, df)
    is_normal = df == np.inf
    df = jnp.where(is_normal, 1, df)
    normalization = -special.betaln(jnp.full_like(df, 0.5), df / 2) - 0.5 * jnp.log(df)
    value = normalization - (df + 1) / 2 * jnp.log1p(z * z / df)
    normal = -0.5 * z * z - _LOG_ROOT_TWO_PI
    return jnp.where(is_normal, normal, value) - jnp.log(scale)


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of Student's distribution at `x`: Gamma((df + 1) / 2) / (sqrt(pi df) Gamma(df / 2))
    (1 + z**2 / df)**(-(df + 1) / 2), divided by scale, z = (x - loc) / scale.

    `x`, `df`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.t.pdf(0.5, 3.0)
    Array(0.31318091)
    """
    return jnp.exp(logpdf(x, df, loc, scale))
