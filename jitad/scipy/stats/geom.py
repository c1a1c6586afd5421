"""Geometric distribution: trials of probability `p` up to the first success, k >= 1."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import shifted, valid, without


def logpmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """Logarithm of the probability of `k`."""
    k, p = shifted("geom.logpmf", k, p, loc=loc)
    p = valid((p > 0) & (p <= 1), p)
    outside = (k < 1) | (k != jnp.floor(k))
    safe = jnp.where(outside, 1, k)
    value = special.xlog1py(safe - 1, -p) + jnp.log(p)
    return without(outside, value)


def pmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """Probability of `k`."""
    return jnp.exp(logpmf(k, p, loc))
