"""Hypergeometric functions, spherical harmonics, Faddeeva's function."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.promotion import (
    as_array_operand,
    broadcast_shape,
    common_dtype,
    convert,
    in_parts,
    spread,
)
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import COMPLEX64, COMPLEX128, FLOAT16, FLOAT32, INT64

from .arguments import applied, floats


def hyp1f1(a: Any, b: Any, x: Any) -> Any:
    """Kummer's function 1F1(a; b; x) (DLMF 13.2.2).

    `a`, `b` and `x` are real and broadcast; TypeError if one is complex. Differentiable in all
    three; the derivatives by a and b are nan where |x| > 150.

    >>> from jitad.scipy import special
    >>> special.hyp1f1(1.0, 2.0, 1.0)
    Array(1.71828183)
    """
    return applied(ops.hyp1f1, "hyp1f1", a, b, x)


def hyp2f1(a: Any, b: Any, c: Any, x: Any) -> Any:
    """Gauss' function 2F1(a, b; c; x) (DLMF 15.2.1), for x < 1.

    `a`, `b`, `c` and `x` are real and broadcast; TypeError if one is complex. Differentiable in all
    four; the derivatives by a, b and c are nan outside of -9 <= x <= 0.9.

    >>> from jitad.scipy import special
    >>> special.hyp2f1(1.0, 1.0, 2.0, 0.5)
    Array(1.38629436)
    """
    return applied(ops.hyp2f1, "hyp2f1", a, b, c, x)


def wofz(z: Any) -> Any:
    """Faddeeva's function w(z) = exp(-z**2) erfc(-i z) (DLMF 7.2.3), complex, also for real `z`.

    `z` is real or complex, of any shape.

    >>> from jitad.scipy import special
    >>> special.wofz(1.0)
    Array(0.36787944+0.60715771j)
    """
    z = as_array_operand(z)
    if z.dtype.kind != "c":
        z = convert(z, COMPLEX64 if z.dtype in (FLOAT16, FLOAT32) else COMPLEX128)
    return apply(ops.wofz, z)


def sph_harm_y(
    n: Any, m: Any, theta: Any, phi: Any, diff_n: int | None = None, n_max: int | None = None
) -> Any:
    """Spherical harmonic Y_n^m(theta, phi) of degree `n` and order `m`, integers (DLMF 14.30.1),
    complex.

    `theta` is the polar angle in [0, pi] and `phi` the azimuth, in radians; all four broadcast. 0
    where |m| > n, nan for n < 0. Differentiable in the angles. `n_max` is accepted as in JAX, and
    of no use here.

    Raises TypeError for orders that are not integers, NotImplementedError for `diff_n`, in place of
    which grad and jvp serve.

    >>> from jitad.scipy import special
    >>> special.sph_harm_y(2, 1, 0.5, 0.25)
    Array(-0.31493387-0.08041582j)
    """
    if diff_n:
        raise NotImplementedError(
            at_user_line("sph_harm_y: diff_n is not available; differentiate by jitad.jvp")
        )
    orders = [as_array_operand(x) for x in (n, m)]
    if common_dtype(orders).kind not in "iu":
        raise TypeError(at_user_line("sph_harm_y: expected integers n and m"))
    theta, phi = map(in_parts, floats("sph_harm_y", theta, phi))
    shape = broadcast_shape([x.shape for x in (*orders, theta)])
    degree, order = [spread(convert(x, INT64), shape) for x in orders]
    theta, phi = spread(theta, shape), spread(phi, shape)
    radius = apply(ops.sph_legendre, degree, order, theta)
    angle = convert(order, theta.dtype) * phi
    return apply(ops.complex, radius * jnp.cos(angle), radius * jnp.sin(angle))
