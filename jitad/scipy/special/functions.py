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

from .arguments import floats, function_of

hyp1f1 = function_of(
    ops.hyp1f1,
    "hyp1f1",
    "hyp1f1(a, b, x): Kummer's function. Its derivatives by a and b are nan where |x| > 150.",
)
hyp2f1 = function_of(
    ops.hyp2f1,
    "hyp2f1",
    "hyp2f1(a, b, c, x): Gauss' function. Its derivatives by a, b and c are nan outside of "
    "-9 <= x <= 0.9.",
)


def wofz(z: Any) -> Any:
    """Faddeeva's function exp(-z**2) erfc(-i z), complex, also for real `z`."""
    z = as_array_operand(z)
    if z.dtype.kind != "c":
        z = convert(z, COMPLEX64 if z.dtype in (FLOAT16, FLOAT32) else COMPLEX128)
    return apply(ops.wofz, z)


def sph_harm_y(
    n: Any, m: Any, theta: Any, phi: Any, diff_n: int | None = None, n_max: int | None = None
) -> Any:
    """Spherical harmonic of degree `n` and order `m`, integers, at polar angle `theta` in [0, pi]
    and azimuth `phi`, complex. 0 where |m| > n, nan for n < 0. `n_max` is accepted as in JAX, and
    of no use here.

    Raises TypeError for orders that are not integers, NotImplementedError for `diff_n`, in place of
    which grad and jvp serve.
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
