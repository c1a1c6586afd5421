"""Bessel functions."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops

from .arguments import floats


def i0(x: Any) -> Any:
    """Modified Bessel function of the first kind and order 0."""
    return apply(ops.bessel_i, *floats("i0", x), order=0, scaled=False)


def i0e(x: Any) -> Any:
    """exp(-|x|) i0(x)."""
    return apply(ops.bessel_i, *floats("i0e", x), order=0, scaled=True)


def i1(x: Any) -> Any:
    """Modified Bessel function of the first kind and order 1."""
    return apply(ops.bessel_i, *floats("i1", x), order=1, scaled=False)


def i1e(x: Any) -> Any:
    """exp(-|x|) i1(x)."""
    return apply(ops.bessel_i, *floats("i1e", x), order=1, scaled=True)


def bessel_jn(z: Any, *, v: int, n_iter: int = 50) -> Any:
    """Bessel functions of the first kind of orders 0 to `v` at `z`, stacked in front: shape
    (v + 1, *z.shape). `n_iter` is accepted as in JAX and of no use here.

    Raises ValueError unless v is a non-negative integer.
    """
    if not isinstance(v, int) or v < 0:
        raise ValueError(at_user_line(f"bessel_jn: expected an integer v >= 0; got {v!r}"))
    (z,) = floats("bessel_jn", z)
    return jnp.stack([apply(ops.bessel_j, z, order=order) for order in range(v + 1)])
