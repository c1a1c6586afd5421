"""What distributions share: parameters, supports, location and scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from ..special.arguments import floats


def standardized(name: str, x: Any, *parameters: Any, loc: Any, scale: Any) -> list[Any]:
    """[(x - loc) / scale, scale, *parameters], floats of one dtype and shape; nan where the scale
    is not positive."""
    x, loc, scale, *shapes = floats(name, x, loc, scale, *parameters)
    scale = jnp.where(scale > 0, scale, np.nan)
    return [(x - loc) / scale, scale, *shapes]


def shifted(name: str, k: Any, *parameters: Any, loc: Any) -> list[Any]:
    """[k - loc, *parameters], floats of one dtype and shape; parameters are nan where k is."""
    k, loc, *shapes = floats(name, k, loc, *parameters)
    return [k - loc, *[jnp.where(jnp.isnan(k), np.nan, p) for p in shapes]]


def valid(condition: Any, parameter: Any) -> Any:
    """`parameter`, nan where the condition is false."""
    return jnp.where(condition, parameter, np.nan)


def without(outside: Any, value: Any) -> Any:
    """The log-density `value`, -inf `outside` of the support unless parameters make it nan."""
    return jnp.where(outside & ~jnp.isnan(value), -np.inf, value)


def located(name: str, q: Any, *parameters: Any, loc: Any, scale: Any) -> list[Any]:
    """[q, loc, scale, *parameters] for an inverse distribution function, floats of one dtype and
    shape; q is nan outside of [0, 1], the scale where it is not positive."""
    q, loc, scale, *shapes = floats(name, q, loc, scale, *parameters)
    q = jnp.where((q >= 0) & (q <= 1), q, np.nan)
    return [q, loc, jnp.where(scale > 0, scale, np.nan), *shapes]
