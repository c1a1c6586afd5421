"""Uniform distribution over [loc, loc + scale]."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .support import located, standardized, without

__all__ = ["cdf", "logpdf", "pdf", "ppf"]
__dir__ = __all__.copy


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of `pdf`, -inf where that is 0.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.uniform.logpdf(0.25)
    Array(-0.)
    """
    z, scale = standardized("uniform.logpdf", x, loc=loc, scale=scale)
    return without((z < 0) | (z > 1), jnp.where(jnp.isnan(z), np.nan, -jnp.log(scale)))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density of the uniform distribution at `x`: 1 over 0 <= z <= 1, divided by scale, z = (x -
    loc) / scale; 0 elsewhere.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.uniform.pdf(0.25)
    Array(1.)
    """
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function of the uniform distribution at `x`: the probability of at most that.

    `x`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.uniform.cdf(0.25)
    Array(0.25)
    """
    z, _ = standardized("uniform.cdf", x, loc=loc, scale=scale)
    return jnp.where(z <= 0, 0, jnp.where(z >= 1, 1, z))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Quantiles of the uniform distribution: the x with cdf(x) = q; nan for q outside of [0, 1].

    `q`, `loc` and `scale` are real and broadcast; TypeError if one is complex. nan for parameters
    out of their range.

    >>> from jitad.scipy import stats
    >>> stats.uniform.ppf(0.9)
    Array(0.9)
    """
    q, loc, scale = located("uniform.ppf", q, loc=loc, scale=scale)
    return loc + scale * q
