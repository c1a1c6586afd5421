"""Bessel functions and their relatives, of real arguments.

Derivatives are by the argument. By the order v there is none: differentiating by it raises
NotImplementedError.
"""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.half import in_single
from jitad.numpy.promotion import in_parts
from jitad.trace import apply
from jitad_ir import ops

from .arguments import applied, floats


def i0(x: Any) -> Any:
    """I_0(x), modified Bessel function of the first kind and order 0 (DLMF 10.25.2).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.i0(1.0)
    Array(1.26606588)
    """
    return applied(ops.bessel_i, "i0", x, order=0, scaled=False)


def i0e(x: Any) -> Any:
    """exp(-|x|) I_0(x), scaled modified Bessel function of the first kind and order 0 (DLMF
    10.25.2).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.i0e(1.0)
    Array(0.46575961)
    """
    return applied(ops.bessel_i, "i0e", x, order=0, scaled=True)


def i1(x: Any) -> Any:
    """I_1(x), modified Bessel function of the first kind and order 1 (DLMF 10.25.2).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.i1(1.0)
    Array(0.5651591)
    """
    return applied(ops.bessel_i, "i1", x, order=1, scaled=False)


def i1e(x: Any) -> Any:
    """exp(-|x|) I_1(x), scaled modified Bessel function of the first kind and order 1 (DLMF
    10.25.2).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.i1e(1.0)
    Array(0.20791042)
    """
    return applied(ops.bessel_i, "i1e", x, order=1, scaled=True)


def j0(x: Any) -> Any:
    """J_0(x), Bessel function of the first kind and order 0 (DLMF 10.2.2).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.j0(1.0)
    Array(0.76519769)
    """
    return applied(ops.bessel_j, "j0", x, order=0)


def j1(x: Any) -> Any:
    """J_1(x), Bessel function of the first kind and order 1 (DLMF 10.2.2).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.j1(1.0)
    Array(0.44005059)
    """
    return applied(ops.bessel_j, "j1", x, order=1)


def y0(x: Any) -> Any:
    """Y_0(x), Bessel function of the second kind and order 0 (DLMF 10.2.3); -inf at 0, nan for x <
    0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.y0(1.0)
    Array(0.08825696)
    """
    return applied(ops.bessel_y, "y0", x, order=0)


def y1(x: Any) -> Any:
    """Y_1(x), Bessel function of the second kind and order 1 (DLMF 10.2.3); -inf at 0, nan for x <
    0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.y1(1.0)
    Array(-0.78121282)
    """
    return applied(ops.bessel_y, "y1", x, order=1)


def k0(x: Any) -> Any:
    """K_0(x), modified Bessel function of the second kind and order 0 (DLMF 10.25.3); inf at 0, nan
    for x < 0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.k0(1.0)
    Array(0.42102444)
    """
    return applied(ops.bessel_k, "k0", x, order=0, scaled=False)


def k0e(x: Any) -> Any:
    """exp(x) K_0(x), scaled modified Bessel function of the second kind and order 0 (DLMF 10.25.3);
    inf at 0, nan for x < 0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.k0e(1.0)
    Array(1.14446308)
    """
    return applied(ops.bessel_k, "k0e", x, order=0, scaled=True)


def k1(x: Any) -> Any:
    """K_1(x), modified Bessel function of the second kind and order 1 (DLMF 10.25.3); inf at 0, nan
    for x < 0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.k1(1.0)
    Array(0.60190723)
    """
    return applied(ops.bessel_k, "k1", x, order=1, scaled=False)


def k1e(x: Any) -> Any:
    """exp(x) K_1(x), scaled modified Bessel function of the second kind and order 1 (DLMF 10.25.3);
    inf at 0, nan for x < 0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.k1e(1.0)
    Array(1.63615349)
    """
    return applied(ops.bessel_k, "k1e", x, order=1, scaled=True)


def jv(v: Any, x: Any) -> Any:
    """J_v(x), Bessel function of the first kind and real order v (DLMF 10.2.2); nan for x < 0
    unless v is an integer.

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.jv(0.5, 1.0)
    Array(0.67139671)
    """
    return applied(ops.bessel_jv, "jv", v, x)


def yv(v: Any, x: Any) -> Any:
    """Y_v(x), Bessel function of the second kind and real order v (DLMF 10.2.3); nan for x < 0.

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.yv(0.5, 1.0)
    Array(-0.43109887)
    """
    return applied(ops.bessel_yv, "yv", v, x)


def iv(v: Any, x: Any) -> Any:
    """I_v(x), modified Bessel function of the first kind and real order v (DLMF 10.25.2); nan for x
    < 0 unless v is an integer.

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.iv(0.5, 1.0)
    Array(0.93767489)
    """
    return applied(ops.bessel_iv, "iv", v, x)


def ive(v: Any, x: Any) -> Any:
    """exp(-|x|) I_v(x), scaled modified Bessel function of the first kind (DLMF 10.25.2), which
    does not overflow.

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.ive(0.5, 1000.0)
    Array(0.01261566)
    """
    return applied(ops.bessel_ive, "ive", v, x)


def kv(v: Any, x: Any) -> Any:
    """K_v(x), modified Bessel function of the second kind and real order v (DLMF 10.25.3); nan for
    x < 0.

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.kv(0.5, 1.0)
    Array(0.4610685)
    """
    return applied(ops.bessel_kv, "kv", v, x)


def kve(v: Any, x: Any) -> Any:
    """exp(x) K_v(x), scaled modified Bessel function of the second kind (DLMF 10.25.3), which does
    not underflow.

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.kve(0.5, 1000.0)
    Array(0.03963327)
    """
    return applied(ops.bessel_kve, "kve", v, x)


def struve(v: Any, x: Any) -> Any:
    """Struve function H_v(x) (DLMF 11.2.1).

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.struve(1.0, 2.0)
    Array(0.64676373)
    """
    return applied(ops.struve, "struve", v, x)


def modstruve(v: Any, x: Any) -> Any:
    """Modified Struve function L_v(x) (DLMF 11.2.2).

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.modstruve(1.0, 2.0)
    Array(1.10275979)
    """
    return applied(ops.struve_modified, "modstruve", v, x)


def jve(v: Any, x: Any) -> Any:
    """jv(v, x): the scale of SciPy's function is 1 for real x.

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.jve(0.5, 1.0)
    Array(0.67139671)
    """
    return jv(v, x)


def yve(v: Any, x: Any) -> Any:
    """yv(v, x): the scale of SciPy's function is 1 for real x.

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.yve(0.5, 1.0)
    Array(-0.43109887)
    """
    return yv(v, x)


jn = jv


def yn(n: Any, x: Any) -> Any:
    """Y_n(x), Bessel function of the second kind and integer order `n`, truncated if it is none
    (DLMF 10.2.3).

    `n` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; the
    derivative by `n` is 0.

    >>> from jitad.scipy import special
    >>> special.yn(2, 1.0)
    Array(-1.65068261)
    """
    return yv(jnp.trunc(n), x)


def kn(n: Any, x: Any) -> Any:
    """K_n(x), modified Bessel function of the second kind and integer order `n`, truncated if it is
    none (DLMF 10.25.3).

    `n` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; the
    derivative by `n` is 0.

    >>> from jitad.scipy import special
    >>> special.kn(2, 1.0)
    Array(1.6248389)
    """
    return kv(jnp.trunc(n), x)


def hankel1(v: Any, x: Any) -> Any:
    """H1_v(x) = J_v(x) + i Y_v(x), Hankel's function (DLMF 10.4.3), complex.

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.hankel1(0.5, 1.0)
    Array(0.67139671-0.43109887j)
    """
    return apply(ops.complex, *_both(v, x))


def hankel2(v: Any, x: Any) -> Any:
    """H2_v(x) = J_v(x) - i Y_v(x), Hankel's function (DLMF 10.4.3), complex.

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.hankel2(0.5, 1.0)
    Array(0.67139671+0.43109887j)
    """
    first, second = _both(v, x)
    return apply(ops.complex, first, -second)


def hankel1e(v: Any, x: Any) -> Any:
    """exp(-i x) H1_v(x): Hankel's function without its oscillation, complex.

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.hankel1e(0.5, 1.0)
    Array(4.25238994e-16-0.79788456j)
    """
    return hankel1(v, x) * _phase(-1, x)


def hankel2e(v: Any, x: Any) -> Any:
    """exp(i x) H2_v(x): Hankel's function without its oscillation, complex.

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by the
    order `v` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.hankel2e(0.5, 1.0)
    Array(4.25238994e-16+0.79788456j)
    """
    return hankel2(v, x) * _phase(1, x)


def _both(v: Any, x: Any) -> tuple[Any, Any]:
    v, x = map(in_parts, floats("hankel1", v, x))
    return apply(ops.bessel_jv, v, x), apply(ops.bessel_yv, v, x)


def _phase(sign: int, x: Any) -> Any:
    (x,) = map(in_parts, floats("hankel1e", x))
    return apply(ops.complex, jnp.cos(x), sign * jnp.sin(x))


@in_single
def bessel_jn(z: Any, *, v: int, n_iter: int = 50) -> Any:
    """J_0(z) to J_v(z), Bessel functions of the first kind, stacked in front: shape (v + 1,
    *z.shape).

    `z` is real; `n_iter` is accepted as in JAX and of no use here. Raises ValueError unless v is a
    non-negative integer.

    >>> from jitad.scipy import special
    >>> special.bessel_jn(1.0, v=2)
    Array([0.76519769, 0.44005059, 0.11490348])
    """
    if not isinstance(v, int) or v < 0:
        raise ValueError(at_user_line(f"bessel_jn: expected an integer v >= 0; got {v!r}"))
    (z,) = floats("bessel_jn", z)
    return jnp.stack([apply(ops.bessel_j, z, order=order) for order in range(v + 1)])
