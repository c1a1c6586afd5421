"""Inverses of incomplete gamma and beta functions, and Student's distribution, which is one.

With F(a, x) = p, dx/dp = 1 / f and dx/da = -(dF/da) / f for the density f = dF/dx.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..graph import Value
from ..lowering import Rule
from ..op import Draw, Op, Sample
from .arithmetic import add, div, mul, neg, reciprocal, rsqrt, sign, square, sub
from .comparison import eq, lt
from .constants import full_like
from .incomplete import betainc_by_a, betainc_by_b, betainc_by_x, gamma_density, igamma_slope
from .library_functions import library_function
from .samples import FLOATS
from .selection import select
from .special import lgamma
from .transcendental import exp, log1p


def _shapes(*ranges: tuple[float, float], edges: Sequence[Sequence[float]]) -> tuple[Sample, ...]:
    found = [
        Sample(tuple([Draw(shape, low, high) for low, high in ranges]))
        for shape in ((11,), (2, 2), (), (0,))
    ]
    count = len(edges[0])
    draws = tuple([Draw((count,), values=tuple(column)) for column in edges])
    return (*found, Sample(draws, dtypes=FLOATS, smooth=False))


def _gamma_inverse(name: str, doc: str, symbol: str, sense: float) -> Op:
    def by_shape(t: Value, out: Value, a: Value, p: Value) -> Value:
        return mul(t, neg(div(igamma_slope(a, out), gamma_density(a, out))))

    def by_level(t: Value, out: Value, a: Value, p: Value) -> Value:
        return mul(t, mul(reciprocal(gamma_density(a, out)), sense))

    return library_function(
        name,
        doc,
        symbol=symbol,
        jvp=[by_shape, by_level],
        samples=_shapes(
            (0.4, 6.0), (0.1, 0.9), edges=((1.0, 2.0, np.nan, 3.0, 0.5), (0.0, 1.0, 0.5, 2.0, 0.3))
        ),
    )


igamma_inv = _gamma_inverse("igamma_inv", "The x at which igamma(a, x) = p.", "gammaincinv", 1.0)
igammac_inv = _gamma_inverse(
    "igammac_inv", "The x at which igammac(a, x) = p.", "gammainccinv", -1.0
)

_BETA_SAMPLES = _shapes(
    (0.4, 6.0),
    (0.4, 6.0),
    (0.1, 0.9),
    edges=((1.0, 2.0, np.nan, 3.0), (2.0, 1.0, 1.0, 0.5), (0.0, 1.0, 0.5, 0.3)),
)


def _negated(rule: Rule) -> Rule:
    return lambda t, out, a, b, x: neg(rule(t, out, a, b, x))


betaincc = library_function(
    "betaincc",
    "1 - betainc(a, b, x), accurate where that is small.",
    symbol="betaincc",
    jvp=[_negated(rule) for rule in (betainc_by_a, betainc_by_b, betainc_by_x)],
    samples=_BETA_SAMPLES,
)


def _beta_inverse(name: str, doc: str, symbol: str, sense: float) -> Op:
    def by(rule: Rule) -> Rule:
        def slope(t: Value, out: Value, a: Value, b: Value, p: Value) -> Value:
            one = full_like(out, 1.0)
            return neg(div(rule(t, out, a, b, out), betainc_by_x(one, out, a, b, out)))

        return slope

    def by_level(t: Value, out: Value, a: Value, b: Value, p: Value) -> Value:
        density = betainc_by_x(full_like(out, 1.0), out, a, b, out)
        return mul(div(t, density), sense)

    return library_function(
        name,
        doc,
        symbol=symbol,
        jvp=[by(betainc_by_a), by(betainc_by_b), by_level],
        samples=_BETA_SAMPLES,
    )


betainc_inv = _beta_inverse(
    "betainc_inv", "The x at which betainc(a, b, x) = p.", "betaincinv", 1.0
)
betaincc_inv = _beta_inverse(
    "betaincc_inv", "The x at which betaincc(a, b, x) = p.", "betainccinv", -1.0
)


def _student_density(df: Value, t: Value) -> Value:
    """gamma((df + 1) / 2) / (sqrt(df pi) gamma(df / 2)) (1 + t**2 / df)**(-(df + 1) / 2)."""
    half = mul(df, 0.5)
    raised = add(half, full_like(df, 0.5))
    scale = sub(lgamma(raised), lgamma(half))
    power = mul(raised, log1p(div(square(t), df)))
    return mul(exp(sub(scale, power)), rsqrt(mul(df, math.pi)))


def _student_by_df(df: Value, t: Value) -> Value:
    """The distribution function is 1/2 + sign(t) I_y(1/2, df / 2) / 2, y = t**2 / (df + t**2), or
    with I_x(df / 2, 1/2) = 1 - I_y, x = 1 - y; the smaller of x and y has all digits. It does not
    move at t = 0."""
    at_zero = eq(t, full_like(t, 0.0))
    place = select(at_zero, full_like(t, 1.0), t)
    half, other, one = mul(df, 0.5), full_like(df, 0.5), full_like(df, 1.0)
    total = add(df, square(place))
    x, y = div(df, total), div(square(place), total)
    rate = square(div(place, total))
    from_x = add(
        mul(betainc_by_a(one, x, half, other, x), 0.5),
        mul(betainc_by_x(one, x, half, other, x), rate),
    )
    from_y = sub(
        mul(betainc_by_b(one, y, other, half, y), 0.5),
        mul(betainc_by_x(one, y, other, half, y), rate),
    )
    move = select(lt(y, x), from_y, neg(from_x))
    return select(at_zero, full_like(t, 0.0), mul(mul(sign(place), move), 0.5))


student_cdf = library_function(
    "student_cdf",
    "Distribution function of Student's t with df degrees of freedom at t.",
    symbol="stdtr",
    jvp=[
        lambda t, out, df, x: mul(t, _student_by_df(df, x)),
        lambda t, out, df, x: mul(t, _student_density(df, x)),
    ],
    samples=_shapes(
        (0.6, 9.0),
        (-3.0, 3.0),
        edges=((1.0, 2.0, np.nan, 3.0, 5.0), (0.0, np.inf, 1.0, np.nan, -9.0)),
    ),
)

student_inv = library_function(
    "student_inv",
    "The t at which student_cdf(df, t) = p.",
    symbol="stdtrit",
    jvp=[
        lambda t, out, df, p: mul(t, neg(div(_student_by_df(df, out), _student_density(df, out)))),
        lambda t, out, df, p: div(t, _student_density(df, out)),
    ],
    samples=_shapes((0.8, 9.0), (0.1, 0.9), edges=((1.0, 3.0), (0.5, 0.3))),
)
