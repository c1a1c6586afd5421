"""Elliptic integrals and functions of the parameter m, and the arithmetic-geometric mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad import numpy as jnp
from jitad.trace import apply
from jitad_ir import ops

from .arguments import floats, function_of

ellipk = function_of(
    ops.ellipk, "ellipk", "ellipk(m): complete elliptic integral of the first kind, m <= 1."
)
ellipkm1 = function_of(ops.ellipkm1, "ellipkm1", "ellipkm1(p) = ellipk(1 - p), accurate near 0.")
ellipe = function_of(
    ops.ellipe, "ellipe", "ellipe(m): complete elliptic integral of the second kind, m <= 1."
)
ellipkinc = function_of(
    ops.ellipkinc,
    "ellipkinc",
    "ellipkinc(phi, m): the integral of 1 / sqrt(1 - m sin(u)**2) from 0 to phi.",
)
ellipeinc = function_of(
    ops.ellipeinc,
    "ellipeinc",
    "ellipeinc(phi, m): the integral of sqrt(1 - m sin(u)**2) from 0 to phi.",
)


def ellipj(u: Any, m: Any) -> tuple[Any, Any, Any, Any]:
    """Jacobi's elliptic functions sn, cn and dn, and the amplitude ph, of `u` for a parameter `m`
    in [0, 1] (nan outside)."""
    return tuple(apply(ops.ellipj, *floats("ellipj", u, m)))


def agm(a: Any, b: Any) -> Any:
    """Arithmetic-geometric mean: pi / 4 (a + b) / K(((a - b) / (a + b))**2), DLMF 19.8.5; nan if
    the signs of `a` and `b` differ.

    >>> print(round(float(agm(1.0, 2.0)), 6))
    1.456791
    """
    a, b = floats("agm", a, b)
    same = ((a > 0) & (b > 0)) | ((a < 0) & (b < 0))
    finite = same & jnp.isfinite(a) & jnp.isfinite(b)
    x, y = jnp.where(finite, a, 1), jnp.where(finite, b, 1)
    ratio = jnp.where(jnp.abs(x) < jnp.abs(y), x / y, y / x)  # neither over- nor underflows
    largest = jnp.where(jnp.abs(x) < jnp.abs(y), y, x)
    value = math.pi / 4 * largest * (1 + ratio) / ellipkm1(4 * ratio / (1 + ratio) ** 2)
    is_nothing = ((a == 0) & jnp.isfinite(b)) | ((b == 0) & jnp.isfinite(a))
    is_unbounded = same & (jnp.isinf(a) | jnp.isinf(b))
    other = jnp.where(is_nothing, 0.0, jnp.where(is_unbounded, jnp.sign(a) * np.inf, np.nan))
    return jnp.where(finite, value, other.astype(a.dtype))
