"""Multinomial distribution: counts of `n` trials with the outcomes' probabilities `p`."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .. import special
from ..special.arguments import floats

__all__ = ["logpmf", "pmf"]
__dir__ = __all__.copy


def logpmf(x: Any, n: Any, p: Any) -> Any:
    """Logarithm of the probability of the counts `x` along the last axis, that of `p`; -inf where
    they are no counts or do not add up to n. nan where p does not add up to one.

    >>> logpmf(np.array([1, 0]), 1, np.array([0.25, 0.75]))
    Array(-1.38629436)
    """
    x, p = floats("multinomial.logpmf", x, p)
    (n,) = floats("multinomial.logpmf", n)
    outside = jnp.any((x < 0) | (x != jnp.floor(x)), -1) | (jnp.sum(x, -1) != n)
    safe = jnp.where(outside[..., None], 0, x)
    terms = special.xlogy(safe, p) - special.gammaln(safe + 1)
    value = special.gammaln(n + 1) + jnp.sum(terms, -1)
    tolerance = 10 * p.shape[-1] * np.finfo(p.dtype).eps
    possible = jnp.all((p >= 0) & (p <= 1), -1) & (jnp.abs(jnp.sum(p, -1) - 1) <= tolerance)
    return jnp.where(possible, jnp.where(outside, -np.inf, value), np.nan)


def pmf(x: Any, n: Any, p: Any) -> Any:
    """Probability of the counts `x`: n! times the product of p_i**x_i / x_i!. Shapes as in
    `logpmf`.

    >>> from jitad.scipy import stats
    >>> import numpy as np
    >>> stats.multinomial.pmf(np.array([1, 1]), 2, np.array([0.25, 0.75]))
    Array(0.375)
    """
    return jnp.exp(logpmf(x, n, p))
