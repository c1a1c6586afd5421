"""Poisson distribution of mean `mu` >= 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .. import special
from .support import shifted, valid, without

__all__ = ["cdf", "entropy", "logpmf", "pmf"]
__dir__ = __all__.copy


def logpmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """Logarithm of `pmf`, -inf where that is 0.

    `k`, `mu` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters out
    of their range.

    >>> from jitad.scipy import stats
    >>> stats.poisson.logpmf(2, 1.5)
    Array(-1.38221696)
    """
    k, mu = shifted("poisson.logpmf", k, mu, loc=loc)
    mu = valid(mu >= 0, mu)
    outside = (k < 0) | (k != jnp.floor(k))
    safe = jnp.where(outside, 0, k)
    value = special.xlogy(safe, mu) - special.gammaln(safe + 1) - mu
    return without(outside, value)


def pmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """Probability of the Poisson distribution at `k`: mu**k exp(-mu) / k! for k = 0, 1, ..., with k
    - loc in place of k; 0 elsewhere.

    `k`, `mu` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters out
    of their range.

    >>> from jitad.scipy import stats
    >>> stats.poisson.pmf(2, 1.5)
    Array(0.25102143)
    """
    return jnp.exp(logpmf(k, mu, loc))


def cdf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """Distribution function of the Poisson distribution at `k`: the probability of at most that.

    `k`, `mu` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters out
    of their range.

    >>> from jitad.scipy import stats
    >>> stats.poisson.cdf(2, 1.5)
    Array(0.80884683)
    """
    k, mu = shifted("poisson.cdf", k, mu, loc=loc)
    whole = jnp.floor(jnp.where(k < 0, 0, k))
    return jnp.where(k < 0, 0, special.gammaincc(whole + 1, valid(mu >= 0, mu)))


_COUNT = 256


def entropy(mu: Any, loc: Any = 0) -> Any:
    """Entropy in nats: -sum of p log(p); where mu > 100 by its asymptotic series.

    `mu` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters out of
    their range.

    >>> from jitad.scipy import stats
    >>> stats.poisson.entropy(1.5)
    Array(1.53940465)
    """
    mu, _ = shifted("poisson.entropy", mu, loc, loc=0)
    mu = valid(mu >= 0, mu)
    is_large = mu > _LARGE
    small = jnp.where(is_large, 1, mu)
    counts = jnp.arange(_COUNT, dtype=mu.dtype)
    logs = logpmf(counts, small[..., None])
    total = -jnp.sum(jnp.exp(logs) * jnp.where(logs == -np.inf, 0, logs), -1)
    inverse = 1 / jnp.where(is_large, mu, _LARGE)
    series = jnp.zeros_like(inverse)
    for coefficient in reversed(_SERIES):
        series = (series + coefficient) * inverse
    asymptotic = 0.5 * jnp.log(2 * np.pi * np.e / inverse) - series
    return jnp.where(is_large, asymptotic, total)


_LARGE = 100.0
_SERIES = (1 / 12, 1 / 24, 19 / 360, 9 / 80, 863 / 2520)
"""log(2 pi e mu) / 2 less the entropy, in 1 / mu."""
