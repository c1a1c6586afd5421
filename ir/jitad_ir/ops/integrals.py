"""Integrals of elementary functions: of the normal density, Dawson's, exponential, sine and cosine
integrals, Fresnel's, the dilogarithm, Owen's T; by SciPy's C functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..graph import Value
from ..op import Draw, Joint, Sample
from .arithmetic import add, div, mul, neg, reciprocal, square, sub
from .arithmetic import max as max_
from .comparison import eq, ge, lt
from .constants import full_like
from .conversion import convert
from .library_functions import library_function, scipy_special
from .samples import FLOATS, edges, one, two
from .selection import select
from .special import erf
from .transcendental import cos, cosh, exp, log, sin, sinh

_TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)
_ROOT_TWO_OVER_PI = math.sqrt(2.0 / math.pi)
_ROOT_HALF = math.sqrt(0.5)

erfcx = library_function(
    "erfcx",
    "exp(x**2) erfc(x).",
    symbol="erfcx",
    jvp=[lambda t, out, x: mul(t, sub(mul(mul(x, out), 2.0), full_like(x, _TWO_OVER_ROOT_PI)))],
    samples=(*one(), *edges(extra=(30.0, -20.0))),
)


def _inverse_mills(x: Value, log_cdf: Value) -> Value:
    """phi / Phi = e^(-x^2 / 2 - log Phi) / sqrt(2 pi), of which the exponent is exact where small;
    below that sqrt(2 / pi) / erfcx(-x / sqrt 2), which would overflow above, and its derivatives
    with it."""
    is_low = lt(x, full_like(x, -5))
    low = erfcx(mul(select(is_low, x, full_like(x, -5)), -_ROOT_HALF))
    exponent = sub(mul(square(x), -0.5), log_cdf)
    near = mul(exp(select(is_low, full_like(x, 0), exponent)), 0.5 * _ROOT_TWO_OVER_PI)
    return select(is_low, div(full_like(x, _ROOT_TWO_OVER_PI), low), near)


log_ndtr = library_function(
    "log_ndtr",
    "Logarithm of the standard normal distribution function.",
    symbol="log_ndtr",
    jvp=[lambda t, out, x: mul(t, _inverse_mills(x, out))],
    samples=(*one(), *edges(extra=(-40.0, 12.0))),
)

ndtri = library_function(
    "ndtri",
    "Inverse of the standard normal distribution function.",
    symbol="ndtri",
    jvp=[lambda t, out, x: mul(t, mul(exp(mul(square(out), 0.5)), math.sqrt(2 * math.pi)))],
    samples=(*one(0.05, 0.95), *edges(extra=(1e-8, 1 - 1e-9))),
)

dawsn = library_function(
    "dawsn",
    "Dawson's integral: exp(-x**2) times the integral of exp(u**2) over u from 0 to x.",
    symbol="dawsn",
    jvp=[lambda t, out, x: mul(t, sub(full_like(x, 1.0), mul(mul(x, out), 2.0)))],
    samples=(*one(), *edges()),
)

expi = library_function(
    "expi",
    "Exponential integral Ei: the principal value of the integral of exp(u) / u up to x.",
    symbol="expi",
    jvp=[lambda t, out, x: mul(t, div(exp(x), x))],
    samples=(*one(0.2, 5.0), Sample((Draw((4,), -5.0, -0.2),)), *edges()),
)

exp1 = library_function(
    "exp1",
    "Exponential integral E1: the integral of exp(-u) / u over u from x on; x >= 0.",
    symbol="exp1",
    jvp=[lambda t, out, x: mul(t, neg(div(exp(neg(x)), x)))],
    samples=(*one(0.2, 5.0), *edges()),
)


def _expn_slope(t: Value, out: Value, n: Value, x: Value) -> Value:
    """E_n' = -E_(n-1), DLMF 8.19.13; for n < 2 that is -(exp(-x) - (n - 1) E_n) / x, 8.19.12."""
    is_regular = ge(n, full_like(n, 2))
    below = sub(n, full_like(n, 1))
    lower = expn(max_(below, full_like(n, 1)), x)
    recurrence = div(sub(exp(neg(x)), mul(convert(below, dtype=x.dtype), out)), x)
    return mul(t, neg(select(is_regular, lower, recurrence)))


def _orders(size: int) -> Draw:
    return Draw((size,), dtype="i64", values=(0, 1, 2, 3, 5, 60)[:size])


expn = library_function(
    "expn",
    "Generalized exponential integral: of exp(-x u) / u**n over u from 1 on; x >= 0, n >= 0.",
    symbol="expn",
    jvp=[None, _expn_slope],
    samples=(
        Sample((_orders(6), Draw((6,), 0.3, 5.0))),
        Sample(
            (_orders(5), Draw((5,), values=(0.0, 0.0, 0.0, math.nan, 9.0))),
            dtypes=FLOATS,
            smooth=False,
        ),
    ),
    integers=1,
)


def _spence_slope(t: Value, out: Value, x: Value) -> Value:
    """log(x) / (1 - x), which is -1 at 1."""
    one_less = sub(full_like(x, 1.0), x)
    at_one = eq(one_less, full_like(x, 0.0))
    ratio = div(log(x), select(at_one, full_like(x, 1.0), one_less))
    # At 1 log(x) / (1 - x) = -1 + (x - 1) / 2 - ...: its derivatives there are right to the first.
    return mul(t, select(at_one, sub(mul(neg(one_less), 0.5), full_like(x, 1.0)), ratio))


spence = library_function(
    "spence",
    "Dilogarithm as SciPy has it: the integral of log(u) / (1 - u) over u from 1 to x; nan below "
    "0.",
    symbol="spence",
    jvp=[_spence_slope],
    samples=(*one(0.2, 5.0), *edges()),
)


def _over_x(function: Value, x: Value, limit: float) -> Value:
    at_zero = eq(x, full_like(x, 0.0))
    divisor = select(at_zero, full_like(x, 1.0), x)
    return select(at_zero, full_like(x, limit), div(function, divisor))


def _sici_tangents(
    ts: Sequence[Value | None], _outs: Sequence[Value], x: Value
) -> tuple[Value, Value]:
    (t,) = ts
    assert t is not None
    return mul(t, _over_x(sin(x), x, 1.0)), mul(t, _over_x(cos(x), x, math.inf))


sici = library_function(
    "sici",
    "Sine integral, of sin(u) / u from 0 to x, and cosine integral, of cos(u) / u from infinity "
    "(of its even continuation, as SciPy has it, for x < 0).",
    symbol="sici",
    jvp=Joint(_sici_tangents),
    samples=(*one(0.2, 9.0), Sample((Draw((4,), -5.0, -0.2),)), *edges()),
    results=2,
)


def _fresnel_tangents(
    ts: Sequence[Value | None], _outs: Sequence[Value], x: Value
) -> tuple[Value, Value]:
    (t,) = ts
    assert t is not None
    angle = mul(square(x), math.pi / 2)
    return mul(t, sin(angle)), mul(t, cos(angle))


fresnel = library_function(
    "fresnel",
    "Fresnel's integrals of sin(pi u**2 / 2) and of cos(pi u**2 / 2) over u from 0 to x.",
    symbol="fresnel",
    jvp=Joint(_fresnel_tangents),
    samples=(*one(), *edges()),
    results=2,
)


def _by_height(t: Value, out: Value, h: Value, a: Value) -> Value:
    gaussian = mul(exp(mul(square(h), -0.5)), -0.5 / math.sqrt(2 * math.pi))
    return mul(t, mul(gaussian, erf(mul(mul(h, a), math.sqrt(0.5)))))


def _by_slope(t: Value, out: Value, h: Value, a: Value) -> Value:
    scale = add(square(a), full_like(a, 1.0))
    gaussian = exp(mul(mul(square(h), scale), -0.5))
    return mul(t, div(gaussian, mul(scale, 2 * math.pi)))


owens_t = library_function(
    "owens_t",
    "Owen's T(h, a): the integral of exp(-h**2 (1 + u**2) / 2) / (2 pi (1 + u**2)) over u from 0 "
    "to a.",
    symbol="owens_t",
    jvp=[_by_height, _by_slope],
    samples=(*two(),),
    evaluate=lambda h, a: scipy_special("owens_t", h, a),
)


def _shichi_tangents(
    ts: Sequence[Value | None], _outs: Sequence[Value], x: Value
) -> tuple[Value, Value]:
    (t,) = ts
    assert t is not None
    return mul(t, _over_x(sinh(x), x, 1.0)), mul(t, _over_x(cosh(x), x, math.inf))


shichi = library_function(
    "shichi",
    "Hyperbolic sine integral, of sinh(u) / u from 0 to x, and cosine integral, Euler's constant + "
    "log |x| + the integral of (cosh(u) - 1) / u.",
    symbol="shichi",
    jvp=Joint(_shichi_tangents),
    samples=(*one(0.2, 5.0), *edges()),
    results=2,
)

erfc_inv = library_function(
    "erfc_inv",
    "Inverse of the complementary error function, accurate near 0.",
    symbol="erfcinv",
    jvp=[lambda t, out, x: mul(t, mul(exp(square(out)), -0.5 * math.sqrt(math.pi)))],
    samples=(*one(0.1, 1.9), *edges(extra=(1e-100, 2.0))),
)

ndtri_exp = library_function(
    "ndtri_exp",
    "Inverse of log_ndtr: the x at which the normal distribution function is exp(y).",
    symbol="ndtri_exp",
    jvp=[lambda t, out, y: mul(t, reciprocal(_inverse_mills(out, y)))],
    samples=(*one(-6.0, -0.2), *edges(extra=(-1e-12, -900.0))),
)

wright_omega = library_function(
    "wright_omega",
    "Wright's omega of real numbers: the w with w + log(w) = x.",
    symbol="wrightomega",
    jvp=[lambda t, out, x: mul(t, div(out, add(out, full_like(out, 1.0))))],
    samples=(*one(-4.0, 6.0), *edges(extra=(-60.0, 1e10))),
)
