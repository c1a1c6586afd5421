"""Negative binomial distribution: failures before success number `n`, of probability `p`."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import shifted, valid, without


def logpmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """Logarithm of the probability of `k`."""
    k, n, p = shifted("nbinom.logpmf", k, n, p, loc=loc)
    n = valid(n > 0, n)
    p = valid((p > 0) & (p <= 1), p)
    outside = (k < 0) | (k != jnp.floor(k))
    safe = jnp.where(outside, 0, k)
    ways = -jnp.log(n + safe) - special.betaln(n, safe + 1)
    value = ways + n * jnp.log(p) + special.xlog1py(safe, -p)
    return without(outside, value)


def pmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """Probability of `k`."""
    return jnp.exp(logpmf(k, n, p, loc))
