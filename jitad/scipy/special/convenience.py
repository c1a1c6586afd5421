"""SciPy's convenience functions and others made of elementary ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad import numpy as jnp
from jitad.trace import apply
from jitad_ir import ops

from .arguments import floats, function_of
from .functions import wofz
from .integrals import dawsn

binom = function_of(
    ops.binom, "binom", "binom(n, k): binomial coefficient of real n and k by the gamma function."
)
rgamma = function_of(ops.reciprocal_gamma, "rgamma", "rgamma(x) = 1 / gamma(x).")
exprel = function_of(ops.exprel, "exprel", "exprel(x) = (exp(x) - 1) / x, 1 at 0.")
erfcinv = function_of(ops.erfc_inv, "erfcinv", "erfcinv(y): the x with erfc(x) = y.")
ndtri_exp = function_of(ops.ndtri_exp, "ndtri_exp", "ndtri_exp(y): the x with log_ndtr(x) = y.")
wrightomega = function_of(
    ops.wright_omega, "wrightomega", "wrightomega(x): the w with w + log(w) = x, of real x."
)
hyp0f1 = function_of(
    ops.hyp0f1, "hyp0f1", "hyp0f1(v, x): confluent limit function. No derivative by v."
)
hyperu = function_of(
    ops.hyperu, "hyperu", "hyperu(a, b, x): Tricomi's function. No derivatives by a and b."
)


def shichi(x: Any) -> tuple[Any, Any]:
    """Hyperbolic sine and cosine integral of `x`, a pair."""
    return tuple(apply(ops.shichi, *floats("shichi", x)))


def erfi(x: Any) -> Any:
    """2 / sqrt(pi) times the integral of exp(u**2) from 0 to `x`."""
    (x,) = floats("erfi", x)
    far = jnp.abs(x) > 27  # where exp(x**2) is infinite
    near = jnp.where(far, 0, x)
    value = 2 / math.sqrt(math.pi) * jnp.exp(near * near) * dawsn(near)
    return jnp.where(far, x * np.inf, value).astype(x.dtype)


def cosm1(x: Any) -> Any:
    """cos(x) - 1, accurate near 0."""
    (x,) = floats("cosm1", x)
    half = jnp.sin(x / 2)
    return -2 * half * half


def exp10(x: Any) -> Any:
    """10**x."""
    (x,) = floats("exp10", x)
    return jnp.power(10.0, x)


def log_expit(x: Any) -> Any:
    """log(expit(x)) = -log(1 + exp(-x))."""
    (x,) = floats("log_expit", x)
    return -jnp.logaddexp(0.0, -x)


def softplus(x: Any) -> Any:
    """log(1 + exp(x))."""
    (x,) = floats("softplus", x)
    return jnp.logaddexp(0.0, x)


def powm1(x: Any, y: Any) -> Any:
    """x**y - 1, accurate where that is near 0; nan where x < 0 and y is no integer."""
    x, y = floats("powm1", x, y)
    exponent = y * jnp.log(jnp.where(x > 0, x, 1))
    is_near = (x > 0) & (jnp.abs(exponent) < 0.5)
    near = jnp.expm1(jnp.where(is_near, exponent, 0))
    return jnp.where(is_near, near, jnp.power(jnp.where(is_near, 2, x), y) - 1)


def huber(delta: Any, r: Any) -> Any:
    """r**2 / 2 for |r| <= delta, delta (|r| - delta / 2) beyond; inf for delta < 0."""
    delta, r = floats("huber", delta, r)
    size = jnp.abs(r)
    value = jnp.where(size <= delta, r * r / 2, delta * (size - delta / 2))
    return jnp.where(delta < 0, np.inf, value)


def pseudo_huber(delta: Any, r: Any) -> Any:
    """delta**2 (sqrt(1 + (r / delta)**2) - 1); 0 for delta = 0, inf for delta < 0."""
    delta, r = floats("pseudo_huber", delta, r)
    scale = jnp.where(delta > 0, delta, 1)
    square = (r / scale) ** 2
    value = r * r / (1 + jnp.sqrt(1 + jnp.where(jnp.isinf(r), 0, square)))
    value = jnp.where(delta == 0, 0, jnp.where(jnp.isnan(delta), np.nan, value))
    return jnp.where(delta < 0, np.inf, value)


_TERMS = 20


def _log1p_quotient(y: Any, lmbda: Any) -> Any:
    """log(1 + lmbda y) / lmbda, y where lmbda = 0."""
    u = jnp.where(lmbda == 0, 0, lmbda * y)
    is_near = jnp.abs(u) < 0.15
    small = jnp.where(is_near, u, 0)
    series = jnp.zeros_like(u)
    for k in reversed(range(_TERMS)):
        series = series * small + (-1) ** k / (k + 1)
    divisor = jnp.where(is_near, 1, lmbda)
    return jnp.where(is_near, y * series, jnp.log1p(jnp.where(is_near, 1, u)) / divisor)


def inv_boxcox(y: Any, lmbda: Any) -> Any:
    """(1 + lmbda y)**(1 / lmbda), exp(y) for lmbda = 0: the x with boxcox(x, lmbda) = y."""
    return jnp.exp(_log1p_quotient(*floats("inv_boxcox", y, lmbda)))


def inv_boxcox1p(y: Any, lmbda: Any) -> Any:
    """inv_boxcox(y, lmbda) - 1: the x with boxcox1p(x, lmbda) = y."""
    return jnp.expm1(_log1p_quotient(*floats("inv_boxcox1p", y, lmbda)))


def radian(d: Any, m: Any, s: Any) -> Any:
    """The angle of `d` degrees, `m` minutes and `s` seconds in radians."""
    d, m, s = floats("radian", d, m, s)
    return jnp.deg2rad((s / 60 + m) / 60 + d)


def _quadrant(name: str, x: Any) -> tuple[Any, Any, Any]:
    """Quarter turns of x degrees, and sine and cosine of the rest, of 45 degrees at most."""
    (x,) = floats(name, x)
    quarters = jnp.rint(x / 90)
    rest = jnp.deg2rad(x - 90 * quarters)
    return jnp.mod(quarters, 4), jnp.sin(rest), jnp.cos(rest)


def sindg(x: Any) -> Any:
    """Sine of `x` degrees, exact at multiples of 90."""
    turn, sine, cosine = _quadrant("sindg", x)
    value = jnp.where(turn % 2 == 0, sine, cosine)
    return jnp.where(turn >= 2, -value, value)


def cosdg(x: Any) -> Any:
    """Cosine of `x` degrees, exact at multiples of 90."""
    turn, sine, cosine = _quadrant("cosdg", x)
    value = jnp.where(turn % 2 == 0, cosine, sine)
    return jnp.where((turn == 1) | (turn == 2), -value, value)


def tandg(x: Any) -> Any:
    """Tangent of `x` degrees; inf at 90 and 270."""
    turn, sine, cosine = _quadrant("tandg", x)
    odd = turn % 2 == 1
    pole = odd & (sine == 0)
    bottom = jnp.where(pole, 1, jnp.where(odd, -sine, cosine))
    return jnp.where(pole, np.inf, jnp.where(odd, cosine, sine) / bottom)


def cotdg(x: Any) -> Any:
    """Cotangent of `x` degrees; inf at 0 and 180."""
    turn, sine, cosine = _quadrant("cotdg", x)
    odd = turn % 2 == 1
    pole = ~odd & (sine == 0)
    bottom = jnp.where(pole, 1, jnp.where(odd, cosine, sine))
    return jnp.where(pole, np.inf, jnp.where(odd, -sine, cosine) / bottom)


def round(x: Any) -> Any:  # noqa: A001
    """The nearest integer as a float, of two the even one."""
    return jnp.rint(floats("round", x)[0])


def voigt_profile(x: Any, sigma: Any, gamma: Any) -> Any:
    """Density at `x` of the sum of a normal variable of standard deviation `sigma` and a Cauchy
    variable of half-width `gamma`: Re w((x + i gamma) / (sigma sqrt(2))) / (sigma sqrt(2 pi)), with
    Faddeeva's w; either of them alone where the other is 0, and inf or 0 where both are."""
    x, sigma, gamma = floats("voigt_profile", x, sigma, gamma)
    has_normal, has_cauchy = sigma != 0, gamma != 0
    scale = jnp.where(has_normal, sigma, 1) * math.sqrt(2)
    both = wofz(apply(ops.complex, x / scale, gamma / scale)).real / (scale * math.sqrt(math.pi))
    normal = jnp.exp(-((x / scale) ** 2)) / (scale * math.sqrt(math.pi))
    width = jnp.where(has_cauchy, gamma, 1)
    cauchy = width / (math.pi * (x * x + width * width))
    neither = jnp.where(jnp.isnan(x), x, jnp.where(x == 0, np.inf, 0.0))
    without_normal = jnp.where(has_cauchy, cauchy, neither)
    with_normal = jnp.where(has_cauchy, both, normal)
    return jnp.where(has_normal, with_normal, without_normal).astype(x.dtype)
