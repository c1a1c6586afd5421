"""Bernoulli distribution: 1 with probability `p`, else 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .. import special
from ..special.arguments import floats
from .support import shifted, valid, without


def logpmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """Logarithm of the probability of `k`."""
    k, p = shifted("bernoulli.logpmf", k, p, loc=loc)
    p = valid((p >= 0) & (p <= 1), p)
    outside = (k != 0) & (k != 1)
    safe = jnp.where(outside, 0, k)
    value = special.xlogy(safe, p) + special.xlog1py(1 - safe, -p)
    return without(outside, value)


def pmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """Probability of `k`."""
    return jnp.exp(logpmf(k, p, loc))


def cdf(k: Any, p: Any, loc: Any = 0) -> Any:
    """Probability of at most `k`."""
    k, p = shifted("bernoulli.cdf", k, p, loc=loc)
    p = valid((p >= 0) & (p <= 1), p)
    value = jnp.where(k < 0, 0, jnp.where(k < 1, 1 - p, 1))
    return jnp.where(jnp.isnan(p), np.nan, value)


def ppf(q: Any, p: Any, loc: Any = 0) -> Any:
    """The least k with cdf(k) >= q (by SciPy's convention -1 for q = 0); no derivative."""
    q, p, loc = floats("bernoulli.ppf", q, p, loc)
    inside = (p >= 0) & (p <= 1) & (q >= 0) & (q <= 1)
    value = jnp.where(q == 0, -1.0, jnp.where(q <= 1 - p, 0.0, 1.0)) + loc
    return jnp.where(inside, value, np.nan)
