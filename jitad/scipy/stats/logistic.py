"""Logistic distribution."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp

from .. import special
from .support import located, standardized


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Logarithm of the density at `x`."""
    z, scale = standardized("logistic.logpdf", x, loc=loc, scale=scale)
    size = jnp.abs(z)
    return -size - 2 * jnp.log1p(jnp.exp(-size)) - jnp.log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Density at `x`."""
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Distribution function at `x`."""
    z, _ = standardized("logistic.cdf", x, loc=loc, scale=scale)
    return special.expit(z)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """1 - cdf(x)."""
    z, _ = standardized("logistic.sf", x, loc=loc, scale=scale)
    return special.expit(-z)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = q."""
    q, loc, scale = located("logistic.ppf", q, loc=loc, scale=scale)
    return loc + scale * special.logit(q)


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with sf(x) = q."""
    q, loc, scale = located("logistic.isf", q, loc=loc, scale=scale)
    return loc - scale * special.logit(q)
