"""Incomplete gamma and beta functions, with derivatives in all operands.

The values are those of SciPy's C functions. Derivatives in a parameter are integrals that nothing
cancels in. With P the distribution function, p its density and m = d log(normalization) / da,

    dP/da = integral up to x of (log u - m) p(u) du = - integral from x on of the same,

where m is the mean of log u: the integral is taken on the side of x where log u - m has one sign.
There, with s >= 0 the distance from x in log u (gamma) or log(u / (1 - u)) (beta), the density is
p(x) e^phi(s) with phi concave and decreasing from 0: beyond the s where it is -37 the integrand is
below rounding, and up to there Gauss-Legendre integration has all digits. Parameters are raised by
one first, by the recurrences in a (DLMF 8.8.5, 8.17.20), so that e^phi decays at least as e^-s.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..graph import Value
from ..op import Draw, Sample
from ..types import DType
from .arithmetic import abs as abs_
from .arithmetic import add, div, min, mul, neg, sqrt, square, sub
from .bitwise import bitwise_and
from .comparison import eq, gt, lt
from .constants import constant, full_like
from .conversion import stop_gradient
from .factorials import betaln
from .library_functions import library_function
from .reduce import reduce_sum
from .samples import FLOATS
from .selection import select
from .shape import broadcast
from .special import digamma, lgamma
from .transcendental import exp, expm1, log, log1p

_NODES = 48
_DECAY = 37.0
_NEWTON_STEPS = 5


@lru_cache(maxsize=4)
def _rule(dtype: DType) -> tuple[Any, Any]:
    """Nodes and weights of Gauss-Legendre integration over [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return ((nodes + 1) / 2).astype(dtype), (weights / 2).astype(dtype)


def integral(end: Value, integrand: Callable[..., Value], *parameters: Value) -> Value:
    """The integral of integrand(s, *parameters) over s from 0 to `end`, elementwise."""
    ndim = end.ndim
    shape, axes = (*end.shape, _NODES), tuple(range(ndim))
    nodes, weights = [
        broadcast(constant(value=array), shape=shape, dims=(ndim,)) for array in _rule(end.dtype)
    ]

    def spread(v: Value) -> Value:
        return broadcast(v, shape=shape, dims=axes)

    values = integrand(mul(spread(end), nodes), *[spread(v) for v in parameters])
    return mul(end, reduce_sum(mul(weights, values), axes=(ndim,)))


def _end(
    decay: Callable[[Value], tuple[Value, Value]], slope: Value, curvature: Value, most: Value
) -> Value:
    """The s with decay(s) = 37, or somewhat more, where `decay(s)` gives -phi(s) and its
    derivative, which are convex and increasing: Newton's method ends above it. It starts from a
    quadratic with the slope and curvature at 0; nothing goes beyond `most`."""
    root = sqrt(add(square(slope), mul(curvature, 2 * _DECAY)))
    s = min(div(full_like(slope, 2 * _DECAY), add(slope, root)), most)
    for _ in range(_NEWTON_STEPS):
        value, derivative = decay(s)
        s = min(sub(s, div(sub(value, full_like(s, _DECAY)), derivative)), most)
    return s


def _where(condition: Value, x: Value, otherwise: float) -> Value:
    return select(condition, x, full_like(x, otherwise))


def _times_log(factor: Value, logarithm: Value) -> Value:
    """factor * logarithm, 0 where 0 meets infinity. Elsewhere the derivative by a factor of 0 is
    the logarithm."""
    infinite = eq(abs_(logarithm), full_like(logarithm, np.inf))
    void = bitwise_and(eq(factor, full_like(factor, 0.0)), infinite)
    return mul(factor, select(void, full_like(logarithm, 0.0), logarithm))


# The gamma distribution.


def gamma_density(a: Value, x: Value) -> Value:
    """x**(a - 1) exp(-x) / gamma(a)."""
    power = _times_log(sub(a, full_like(a, 1.0)), log(x))
    return exp(sub(sub(power, x), lgamma(a)))


def _log_moves_by(a: Value, x: Value) -> Value:
    """- (dP/da) / (x p), for a > 0 and finite x > 0. With gap = log x - psi(a), it is the integral
    of (s + |gap|) e^phi(s), phi(s) = a s - x (e^s - 1) where gap > 0, and below, with a + 1 for a,
    phi(s) = -a s + x (1 - e^-s); there it is brought back to a by x (integral) / a + |gap| / a."""
    one = full_like(a, 1.0)
    log_x = log(x)
    is_below = lt(log_x, digamma(add(a, one)))
    sign = select(is_below, full_like(a, -1.0), one)
    raised = select(is_below, add(a, one), a)
    gap = abs_(sub(log_x, digamma(raised)))

    def decay(s: Value) -> tuple[Value, Value]:
        growth = mul(x, expm1(mul(sign, s)))
        derivative = mul(sign, sub(add(growth, x), raised))
        return sub(growth, mul(mul(sign, raised), s)), derivative

    end = _end(decay, mul(sign, sub(x, raised)), x, full_like(x, 700.0))

    def integrand(s: Value, sign: Value, a: Value, x: Value, gap: Value) -> Value:
        phi = sub(mul(mul(sign, a), s), mul(x, expm1(mul(sign, s))))
        return mul(add(s, gap), exp(phi))

    total = integral(stop_gradient(end), integrand, sign, raised, x, gap)
    return select(is_below, div(add(mul(x, total), gap), a), total)


def igamma_slope(a: Value, x: Value) -> Value:
    """dP/da of the regularized lower incomplete gamma function P(a, x); 0 at x = 0 and inf."""
    inside = bitwise_and(gt(x, full_like(x, 0.0)), lt(x, full_like(x, np.inf)))
    y = _where(inside, x, 1.0)
    slope = neg(mul(mul(y, gamma_density(a, y)), _log_moves_by(a, y)))
    return _where(inside, slope, 0.0)


_GAMMA_SAMPLES = (
    Sample((Draw((19,), 0.3, 9.0), Draw((19,), 0.2, 9.0))),
    Sample((Draw((2, 3), 20.0, 60.0), Draw((2, 3), 20.0, 60.0))),
    Sample((Draw(()), Draw(())), dtypes=FLOATS, smooth=False),
    Sample((Draw((0,)), Draw((0,)))),
    Sample(
        (
            Draw((6,), values=(1.0, 2.0, 0.0, 3.0, np.nan, 1e3)),
            Draw((6,), values=(0.0, np.inf, 1.0, -1.0, 1.0, 1e3)),
        ),
        dtypes=FLOATS,
        smooth=False,
    ),
)

igamma = library_function(
    "igamma",
    "Regularized lower incomplete gamma function P(a, x): of exp(-u) u**(a - 1) / gamma(a) the "
    "integral over u from 0 to x.",
    symbol="gammainc",
    jvp=[
        lambda t, out, a, x: mul(t, igamma_slope(a, x)),
        lambda t, out, a, x: mul(t, gamma_density(a, x)),
    ],
    samples=_GAMMA_SAMPLES,
)

igammac = library_function(
    "igammac",
    "Regularized upper incomplete gamma function 1 - P(a, x), accurate where that is small.",
    symbol="gammaincc",
    jvp=[
        lambda t, out, a, x: mul(t, neg(igamma_slope(a, x))),
        lambda t, out, a, x: mul(t, neg(gamma_density(a, x))),
    ],
    samples=_GAMMA_SAMPLES,
)


# The beta distribution.


def _beta_factor(a: Value, b: Value, u: Value, w: Value) -> Value:
    """u**a w**b / B(a, b)."""
    return exp(sub(add(_times_log(a, log(u)), _times_log(b, log(w))), betaln(a, b)))


def _lower(a: Value, b: Value, u: Value, w: Value, log_u: Value) -> Value:
    """a (dI/da) / K from the integral below x, at a + 1, with K = x**a (1 - x)**b / B(a, b).

    (a + b) x (integral of (log u - m - s') e^phi) + log x - psi(a + 1) + psi(a + b), where u at
    the distance s has the logarithm log x - s', s' = log1p((1 - x) (e^s - 1)), and
    phi = b s - (a + 1 + b) s'."""
    one = full_like(a, 1.0)
    raised = add(a, one)
    both = add(raised, b)
    gap = sub(log_u, sub(digamma(raised), digamma(both)))

    def decay(s: Value) -> tuple[Value, Value]:
        growth = mul(w, expm1(s))
        value = sub(mul(both, log1p(growth)), mul(b, s))
        return value, sub(mul(both, div(add(growth, w), add(growth, one))), b)

    most = add(div(sub(full_like(a, _DECAY), mul(both, log(w))), raised), full_like(a, 2.0))
    slope = sub(mul(both, w), b)
    end = _end(decay, slope, mul(mul(both, u), w), most)

    def integrand(s: Value, both: Value, b: Value, w: Value, gap: Value) -> Value:
        move = log1p(mul(w, expm1(s)))
        return mul(sub(gap, move), exp(sub(mul(b, s), mul(both, move))))

    total = integral(stop_gradient(end), integrand, both, b, w, gap)
    rest = sub(log_u, sub(digamma(raised), digamma(add(a, b))))
    return add(mul(mul(add(a, b), u), total), rest)


def _upper(a: Value, b: Value, u: Value, w: Value, log_u: Value) -> Value:
    """-b (dI/da) / K from the integral above x, at b + 1: (a + b) (1 - x) (integral of
    (log u - m + s - s') e^phi) + log x - psi(a) + psi(a + b), s' = log1p(x (e^s - 1)) and
    phi = a s - (a + b + 1) s'."""
    one = full_like(a, 1.0)
    raised = add(b, one)
    both = add(raised, a)
    gap = sub(log_u, sub(digamma(a), digamma(both)))

    def decay(s: Value) -> tuple[Value, Value]:
        growth = mul(u, expm1(s))
        value = sub(mul(both, log1p(growth)), mul(a, s))
        return value, sub(mul(both, div(add(growth, u), add(growth, one))), a)

    most = add(div(sub(full_like(a, _DECAY), mul(both, log_u)), raised), full_like(a, 2.0))
    slope = sub(mul(both, u), a)
    end = _end(decay, slope, mul(mul(both, u), w), most)

    def integrand(s: Value, both: Value, a: Value, u: Value, gap: Value) -> Value:
        move = log1p(mul(u, expm1(s)))
        return mul(add(gap, sub(s, move)), exp(sub(mul(a, s), mul(both, move))))

    total = integral(stop_gradient(end), integrand, both, a, u, gap)
    rest = sub(log_u, sub(digamma(a), digamma(add(a, b))))
    return add(mul(mul(add(a, b), w), total), rest)


def _beta_slope(a: Value, b: Value, u: Value, w: Value, log_u: Value) -> Value:
    """dI/da of I_u(a, b), for 0 < u < 1 and w = 1 - u."""
    one = full_like(a, 1.0)
    raised = add(a, one)
    is_below = lt(log_u, sub(digamma(raised), digamma(add(raised, b))))
    half = full_like(u, 0.5)
    # Of the side not taken nothing is used: it is given the middle, where all is finite.
    below = [select(is_below, v, other) for v, other in ((u, half), (w, half), (log_u, log(half)))]
    above = [select(is_below, other, v) for v, other in ((u, half), (w, half), (log_u, log(half)))]
    lower = div(_lower(a, b, *below), a)
    upper = neg(div(_upper(a, b, *above), b))
    return mul(_beta_factor(a, b, u, w), select(is_below, lower, upper))


def _inside(x: Value) -> Value:
    return bitwise_and(gt(x, full_like(x, 0.0)), lt(x, full_like(x, 1.0)))


def betainc_by_a(t: Value, out: Value, a: Value, b: Value, x: Value) -> Value:
    """d I_x(a, b) / d a, where x is inside (0, 1); zero at its ends."""
    inside = _inside(x)
    u = _where(inside, x, 0.5)
    slope = _beta_slope(a, b, u, sub(full_like(u, 1.0), u), log(u))
    return mul(t, _where(inside, slope, 0.0))


def betainc_by_b(t: Value, out: Value, a: Value, b: Value, x: Value) -> Value:
    """I_x(a, b) = 1 - I_(1 - x)(b, a)."""
    inside = _inside(x)
    u = _where(inside, x, 0.5)
    slope = _beta_slope(b, a, sub(full_like(u, 1.0), u), u, log1p(neg(u)))
    return mul(t, neg(_where(inside, slope, 0.0)))


def betainc_by_x(t: Value, out: Value, a: Value, b: Value, x: Value) -> Value:
    """x**(a - 1) (1 - x)**(b - 1) / B(a, b)."""
    one = full_like(x, 1.0)
    powers = add(_times_log(sub(a, one), log(x)), _times_log(sub(b, one), log1p(neg(x))))
    return mul(t, exp(sub(powers, betaln(a, b))))


betainc = library_function(
    "betainc",
    "Regularized incomplete beta function I_x(a, b): of u**(a - 1) (1 - u)**(b - 1) / B(a, b) the "
    "integral over u from 0 to x.",
    symbol="betainc",
    jvp=[betainc_by_a, betainc_by_b, betainc_by_x],
    samples=(
        Sample((Draw((19,), 0.3, 6.0), Draw((19,), 0.3, 6.0), Draw((19,), 0.05, 0.95))),
        Sample((Draw((2, 3), 9.0, 30.0), Draw((2, 3), 9.0, 30.0), Draw((2, 3), 0.2, 0.8))),
        Sample((Draw((0,)), Draw((0,)), Draw((0,)))),
        Sample(
            (
                Draw((5,), values=(1.0, 2.0, 3.0, np.nan, 2.0)),
                Draw((5,), values=(1.0, 2.0, 0.5, 1.0, 2.0)),
                Draw((5,), values=(0.0, 1.0, 1.0, 0.5, np.nan)),
            ),
            dtypes=FLOATS,
            smooth=False,
        ),
    ),
)
