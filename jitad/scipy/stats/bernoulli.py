"""Bernoulli distribution: 1 with probability `p`, else 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .. import special
from ..special.arguments import floats
from .support import shifted, valid, without

__all__ = ["cdf", "logpmf", "pmf", "ppf"]
__dir__ = __all__.copy


def logpmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """Logarithm of `pmf`, -inf where that is 0.

    `k`, `p` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters out
    of their range.

    >>> from jitad.scipy import stats
    >>> stats.bernoulli.logpmf(1, 0.3)
    Array(-1.2039728)
    """
    k, p = shifted("bernoulli.logpmf", k, p, loc=loc)
    p = valid((p >= 0) & (p <= 1), p)
    outside = (k != 0) & (k != 1)
    safe = jnp.where(outside, 0, k)
    value = special.xlogy(safe, p) + special.xlog1py(1 - safe, -p)
    return without(outside, value)


def pmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """Probability of the Bernoulli distribution at `k`: p for 1, 1 - p for 0, with k - loc in place
    of k; 0 elsewhere.

    `k`, `p` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters out
    of their range.

    >>> from jitad.scipy import stats
    >>> stats.bernoulli.pmf(1, 0.3)
    Array(0.3)
    """
    return jnp.exp(logpmf(k, p, loc))


def cdf(k: Any, p: Any, loc: Any = 0) -> Any:
    """Distribution function of the Bernoulli distribution at `k`: the probability of at most that.

    `k`, `p` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters out
    of their range.

    >>> from jitad.scipy import stats
    >>> stats.bernoulli.cdf(1, 0.3)
    Array(1.)
    """
    k, p = shifted("bernoulli.cdf", k, p, loc=loc)
    p = valid((p >= 0) & (p <= 1), p)
    value = jnp.where(k < 0, 0, jnp.where(k < 1, 1 - p, 1))
    return jnp.where(jnp.isnan(p), np.nan, value)


def ppf(q: Any, p: Any, loc: Any = 0) -> Any:
    """Quantiles: the least k with cdf(k) >= q (by SciPy's convention -1 for q = 0); no derivative.

    `q`, `p` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters out
    of their range.

    >>> from jitad.scipy import stats
    >>> stats.bernoulli.ppf(0.9, 0.3)
    Array(1.)
    """
    q, p, loc = floats("bernoulli.ppf", q, p, loc)
    inside = (p >= 0) & (p <= 1) & (q >= 0) & (q <= 1)
    value = jnp.where(q == 0, -1.0, jnp.where(q <= 1 - p, 0.0, 1.0)) + loc
    return jnp.where(inside, value, np.nan)
