"""Generalized normal distribution of shape `beta` > 0: exp(-|z|**beta)."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import standardized, valid

__all__ = ["cdf", "logpdf", "pdf"]
__dir__ = __all__.copy


def logpdf(x: Any, beta: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, which does not underflow.

    `x`, `beta`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gennorm.logpdf(0.5, 1.5)
    Array(-0.94438574)
    """
    z, scale, beta = standardized("gennorm.logpdf", x, beta, loc=loc, scale=scale)
    beta = valid(beta > 0, beta)
    normalization = jnp.log(beta / 2) - special.gammaln(1 / beta)
    # Even powers by the square, which has all derivatives at 0.
    near = (beta % 2 == 0) & (jnp.abs(z) < 1)
    square = jnp.where(near, z, 0.5) ** 2
    power = jnp.where(near, square ** (beta / 2), jnp.abs(jnp.where(near, 1, z)) ** beta)
    return normalization - power - jnp.log(scale)


def pdf(x: Any, beta: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the generalized normal distribution at `x`: beta exp(-|z|**beta) / (2 Gamma(1 /
    beta)), divided by scale, z = (x - loc) / scale.

    `x`, `beta`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gennorm.pdf(0.5, 1.5)
    Array(0.3889184)
    """
    return jnp.exp(logpdf(x, beta, loc, scale))


def cdf(x: Any, beta: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the generalized normal distribution at `x`: the probability of at
    most that.

    `x`, `beta`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for
    parameters out of their range.

    >>> from jitad.scipy import stats
    >>> stats.gennorm.cdf(0.5, 1.5)
    Array(0.74174933)
    """
    z, _, beta = standardized("gennorm.cdf", x, beta, loc=loc, scale=scale)
    beta = valid(beta > 0, beta)
    half = 0.5 * jnp.sign(z)
    return 0.5 + half - half * special.gammaincc(1 / beta, jnp.abs(z) ** beta)
