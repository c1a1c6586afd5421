"""Error functions, the normal distribution, exponential integrals and others."""

from __future__ import annotations

import math
from typing import Any

from jitad import numpy as jnp
from jitad.numpy.half import in_single
from jitad.numpy.promotion import as_array_operand, convert, promote_to_common, spread
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import INT64

from .arguments import floats, function_of

erf = function_of(ops.erf, "erf", "erf(x): 2 / sqrt(pi) times the integral of exp(-u**2) to x.")
erfc = function_of(ops.erfc, "erfc", "erfc(x) = 1 - erf(x), accurate for large x.")
erfcx = function_of(ops.erfcx, "erfcx", "erfcx(x) = exp(x**2) erfc(x).")
erfinv = function_of(ops.erf_inv, "erfinv", "erfinv(y): the x with erf(x) = y.")
dawsn = function_of(
    ops.dawsn, "dawsn", "dawsn(x): Dawson's integral, sqrt(pi)/2 exp(-x**2) erfi(x)."
)
expi = function_of(ops.expi, "expi", "expi(x): the exponential integral Ei.")
exp1 = function_of(ops.exp1, "exp1", "exp1(x): the exponential integral E1; nan for x < 0.")
spence = function_of(ops.spence, "spence", "spence(z): the integral of log(u)/(1 - u) from 1 to z.")
owens_t = function_of(ops.owens_t, "owens_t", "owens_t(h, a): Owen's T function.")
log_ndtr = function_of(ops.log_ndtr, "log_ndtr", "log_ndtr(x): logarithm of ndtr(x).")
ndtri = function_of(ops.ndtri, "ndtri", "ndtri(p): the x with ndtr(x) = p.")


@in_single
def ndtr(x: Any) -> Any:
    """Standard normal distribution function at `x`, accurate in the lower tail.

    >>> ndtr(0.0)
    Array(0.5)
    """
    (x,) = floats("ndtr", x)
    return apply(ops.mul, apply(ops.erfc, apply(ops.mul, x, -math.sqrt(0.5))), 0.5)


@in_single
def expn(n: Any, x: Any) -> Any:
    """Generalized exponential integral of order `n`, integers >= 0: of exp(-x u) / u**n over u
    from 1 on. There is no derivative in `n`."""
    n = as_array_operand(n)
    (x,) = floats("expn", x)
    counts, _ = promote_to_common([convert(n, INT64), jnp.zeros(x.shape, INT64)])
    return apply(ops.expn, counts, spread(x, counts.shape))


@in_single
def sici(x: Any) -> tuple[Any, Any]:
    """Sine and cosine integral of `x`, a pair."""
    return tuple(apply(ops.sici, *floats("sici", x)))


@in_single
def fresnel(x: Any) -> tuple[Any, Any]:
    """Fresnel's integrals S and C of `x`, a pair: of sin(pi u**2 / 2) and cos(pi u**2 / 2)."""
    return tuple(apply(ops.fresnel, *floats("fresnel", x)))
