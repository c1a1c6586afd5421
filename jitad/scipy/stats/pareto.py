"""Pareto distribution of shape `b` > 0: z >= 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .support import located, standardized, valid, without


def logpdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    z, scale, b = standardized("pareto.logpdf", x, b, loc=loc, scale=scale)
    b = valid(b > 0, b)
    log_z = jnp.log(jnp.where(z < 1, 1, z))
    return without(z < 1, jnp.log(b) - (b + 1) * log_z - jnp.log(scale))


def pdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, b, loc, scale))


def cdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function at `x`."""
    return -jnp.expm1(logsf(x, b, loc, scale))


def logcdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the distribution function at `x`."""
    tail = logsf(x, b, loc, scale)
    inside = tail != 0
    return jnp.where(inside, jnp.log(-jnp.expm1(jnp.where(inside, tail, -1))), -np.inf)


def sf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """1 - cdf(x)."""
    return jnp.exp(logsf(x, b, loc, scale))


def logsf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of 1 - cdf(x)."""
    z, _, b = standardized("pareto.logsf", x, b, loc=loc, scale=scale)
    return -valid(b > 0, b) * jnp.log(jnp.where(z < 1, 1, z))


def ppf(q: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = q."""
    q, loc, scale, b = located("pareto.ppf", q, b, loc=loc, scale=scale)
    return loc + scale * jnp.exp(-jnp.log1p(-q) / valid(b > 0, b))
