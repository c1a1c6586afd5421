"""Beta-binomial distribution: successes in `n` trials of beta distributed probability."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import shifted, valid, without

__all__ = ["logpmf", "pmf"]
__dir__ = __all__.copy


def logpmf(k: Any, n: Any, a: Any, b: Any, loc: Any = 0) -> Any:
    """Logarithm of `pmf`, -inf where that is 0.

    `k`, `n`, `a`, `b` and `loc` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.betabinom.logpmf(2, 5, 2.0, 3.0)
    Array(-1.43508453)
    """
    k, n, a, b = shifted("betabinom.logpmf", k, n, a, b, loc=loc)
    a, b = valid(a > 0, a), valid(b > 0, b)
    n = valid((n >= 0) & (n == jnp.floor(n)), n)
    outside = (k < 0) | (k > n) | (k != jnp.floor(k))
    safe = jnp.where(outside, 0, k)
    ways = -jnp.log1p(n) - special.betaln(n - safe + 1, safe + 1)
    value = ways + special.betaln(safe + a, n - safe + b) - special.betaln(a, b)
    return without(outside, value)


def pmf(k: Any, n: Any, a: Any, b: Any, loc: Any = 0) -> Any:
    """Probability of the beta-binomial distribution at `k`: C(n, k) B(k + a, n - k + b) / B(a, b)
    for k = 0, ..., n, with k - loc in place of k; 0 elsewhere.

    `k`, `n`, `a`, `b` and `loc` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.betabinom.pmf(2, 5, 2.0, 3.0)
    Array(0.23809524)
    """
    return jnp.exp(logpmf(k, n, a, b, loc))
