"""Geometric distribution: trials of probability `p` up to the first success, k >= 1."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import shifted, valid, without

__all__ = ["logpmf", "pmf"]
__dir__ = __all__.copy


def logpmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """Logarithm of `pmf`, -inf where that is 0.

    `k`, `p` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters out
    of their range.

    >>> from jitad.scipy import stats
    >>> stats.geom.logpmf(2, 0.3)
    Array(-1.56064775)
    """
    k, p = shifted("geom.logpmf", k, p, loc=loc)
    p = valid((p > 0) & (p <= 1), p)
    outside = (k < 1) | (k != jnp.floor(k))
    safe = jnp.where(outside, 1, k)
    value = special.xlog1py(safe - 1, -p) + jnp.log(p)
    return without(outside, value)


def pmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """Probability of the geometric distribution at `k`: p (1 - p)**(k - 1) for k = 1, 2, ..., with
    k - loc in place of k; 0 elsewhere.

    `k`, `p` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters out
    of their range.

    >>> from jitad.scipy import stats
    >>> stats.geom.pmf(2, 0.3)
    Array(0.21)
    """
    return jnp.exp(logpmf(k, p, loc))
