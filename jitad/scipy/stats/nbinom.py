"""Negative binomial distribution: failures before success number `n`, of probability `p`."""

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
    >>> stats.nbinom.logpmf(2, 3, 0.5)
    Array(-1.67397643)
    """
    k, n, p = shifted("nbinom.logpmf", k, n, p, loc=loc)
    n = valid(n > 0, n)
    p = valid((p > 0) & (p <= 1), p)
    outside = (k < 0) | (k != jnp.floor(k))
    safe = jnp.where(outside, 0, k)
    ways = -jnp.log(n + safe) - special.betaln(n, safe + 1)
    value = ways + n * jnp.log(p) + special.xlog1py(safe, -p)
    return without(outside, value)


def pmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """Probability of the negative binomial distribution at `k`: C(k + n - 1, n - 1) p**n (1 - p)**k
    for k = 0, 1, ..., with k - loc in place of k; 0 elsewhere.

    `k`, `n`, `p` and `loc` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.nbinom.pmf(2, 3, 0.5)
    Array(0.1875)
    """
    return jnp.exp(logpmf(k, n, p, loc))
