"""Laplace (double exponential) distribution."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .support import standardized

__all__ = ["cdf", "logpdf", "pdf"]
__dir__ = __all__.copy


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, which does not underflow.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.laplace.logpdf(0.5)
    Array(-1.19314718)
    """
    z, scale = standardized("laplace.logpdf", x, loc=loc, scale=scale)
    return -jnp.abs(z) - jnp.log(2 * scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the Laplace distribution at `x`: exp(-|z|) / 2, divided by scale, z = (x - loc) /
    scale.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.laplace.pdf(0.5)
    Array(0.30326533)
    """
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the Laplace distribution at `x`: the probability of at most that.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.laplace.cdf(0.5)
    Array(0.69673467)
    """
    z, _ = standardized("laplace.cdf", x, loc=loc, scale=scale)
    tail = 0.5 * jnp.exp(-jnp.abs(z))
    return jnp.where(z < 0, tail, 1 - tail)
