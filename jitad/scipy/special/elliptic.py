"""Elliptic integrals and functions of the parameter m, and the arithmetic-geometric mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad import numpy as jnp
from jitad.trace import apply
from jitad_ir import ops

from .arguments import applied, floats


def ellipk(m: Any) -> Any:
    """Complete elliptic integral of the first kind, K of parameter m = k**2 <= 1 (DLMF 19.2.8); inf
    at 1, nan beyond.

    `m` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.ellipk(0.5)
    Array(1.85407468)
    """
    return applied(ops.ellipk, "ellipk", m)


def ellipkm1(p: Any) -> Any:
    """ellipk(1 - p), without cancellation near p = 0.

    `p` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.ellipkm1(1e-20)
    Array(24.41214529)
    """
    return applied(ops.ellipkm1, "ellipkm1", p)


def ellipe(m: Any) -> Any:
    """Complete elliptic integral of the second kind, E of parameter m = k**2 <= 1 (DLMF 19.2.8);
    nan beyond.

    `m` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.ellipe(0.5)
    Array(1.35064388)
    """
    return applied(ops.ellipe, "ellipe", m)


def ellipkinc(phi: Any, m: Any) -> Any:
    """Incomplete elliptic integral of the first kind: of 1 / sqrt(1 - m sin(u)**2) from 0 to phi
    (DLMF 19.2.4).

    `phi` and `m` are real and broadcast; TypeError if one is complex. `phi` is in radians.

    >>> from jitad.scipy import special
    >>> special.ellipkinc(1.0, 0.5)
    Array(1.08321677)
    """
    return applied(ops.ellipkinc, "ellipkinc", phi, m)


def ellipeinc(phi: Any, m: Any) -> Any:
    """Incomplete elliptic integral of the second kind: of sqrt(1 - m sin(u)**2) from 0 to phi (DLMF
    19.2.5).

    `phi` and `m` are real and broadcast; TypeError if one is complex. `phi` is in radians.

    >>> from jitad.scipy import special
    >>> special.ellipeinc(1.0, 0.5)
    Array(0.92732988)
    """
    return applied(ops.ellipeinc, "ellipeinc", phi, m)


def ellipj(u: Any, m: Any) -> tuple[Any, Any, Any, Any]:
    """Jacobi's elliptic functions sn, cn and dn, and the amplitude ph, of `u` for a parameter `m`
    in [0, 1] (DLMF 22.2); nan outside. Four arrays.

    `u` and `m` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.ellipj(1.0, 0.5)
    (Array(0.80300182), Array(0.59597657), Array(0.823161), Array(0.93231508))
    """
    return tuple(apply(ops.ellipj, *floats("ellipj", u, m)))


def agm(a: Any, b: Any) -> Any:
    """Arithmetic-geometric mean: pi / 4 (a + b) / K(((a - b) / (a + b))**2) (DLMF 19.8.5); nan if
    the signs of `a` and `b` differ.

    `a` and `b` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.agm(1.0, 2.0)
    Array(1.45679103)
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
