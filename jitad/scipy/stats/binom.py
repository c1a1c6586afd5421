"""Binomial distribution: successes in `n` trials of probability `p`."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import shifted, valid, without

__all__ = ["logpmf", "pmf"]
__dir__ = __all__.copy


def logpmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """Logarithm of `pmf`, -inf where that is 0.

    `k`, `n`, `p` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.binom.logpmf(2, 5, 0.3)
    Array(-1.17538535)
    """
    k, n, p = shifted("binom.logpmf", k, n, p, loc=loc)
    p = valid((p >= 0) & (p <= 1), p)
    n = valid((n >= 0) & (n == jnp.floor(n)), n)
    outside = (k < 0) | (k > n) | (k != jnp.floor(k))
    safe = jnp.where(outside, 0, k)
    ways = -jnp.log1p(n) - special.betaln(n - safe + 1, safe + 1)
    value = ways + special.xlogy(safe, p) + special.xlog1py(n - safe, -p)
    return without(outside, value)


def pmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """Probability of the binomial distribution at `k`: C(n, k) p**k (1 - p)**(n - k) for k = 0,
    ..., n, with k - loc in place of k; 0 elsewhere.

    `k`, `n`, `p` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.binom.pmf(2, 5, 0.3)
    Array(0.3087)
    """
    return jnp.exp(logpmf(k, n, p, loc))
