"""Kummer's and Gauss' hypergeometric functions, with derivatives in all operands.

The values are those of SciPy's C functions. Derivatives in parameters are sums of the derivatives
of the terms of the series, after a transformation to x >= 0 where terms end up of one sign. Where
that would take too many terms they are nan: for hyp1f1 where |x| > 150, for hyp2f1 outside of
-9 <= x <= 0.9.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import Value
from ..op import Draw, Sample
from .arithmetic import abs as abs_
from .arithmetic import add, div, min, mul, neg, sub
from .bitwise import bitwise_and
from .comparison import ge, le, lt
from .constants import constant, full, full_like, zeros
from .cumulative import cumprod, linear_recurrence
from .library_functions import NoSlope, library_function
from .powers import pow
from .reduce import reduce_sum
from .samples import edges, one
from .selection import select
from .shape import broadcast
from .slicing import pad
from .transcendental import exp, log1p

_TERMS = 384
_MOST_1F1 = 150.0
_LEAST_2F1, _MOST_2F1 = -9.0, 0.9


def _slopes(above: Sequence[Value], below: Value, x: Value) -> list[Value]:
    """Derivatives by each of the parameters `above`, and by the one `below`, of the sum of terms
    T(k) with T(0) = 1, T(k + 1) = r(k) T(k), r(k) = product of (a + k) / (c + k) x / (k + 1).

    The derivatives of the terms obey D(k + 1) = r(k) D(k) + r'(k) T(k).
    """
    ndim, dtype = x.ndim, x.dtype
    shape, axes = (*x.shape, _TERMS), tuple(range(ndim))
    numbers = np.arange(_TERMS, dtype=dtype)
    k = broadcast(constant(value=numbers), shape=shape, dims=(ndim,))

    def spread(v: Value) -> Value:
        return broadcast(v, shape=shape, dims=axes)

    factors = [add(spread(a), k) for a in above]
    divisor = add(spread(below), k)
    common = div(spread(x), mul(divisor, add(k, full_like(k, 1.0))))
    ratio = common
    for factor in factors:
        ratio = mul(ratio, factor)
    one = full(value=1.0, shape=(), dtype=dtype)
    low, high = (*[0] * ndim, 1), (*[0] * ndim, -1)
    terms = cumprod(ratio, axis=ndim, reverse=False)
    terms = pad(terms, one, low=low, high=high, interior=(0,) * (ndim + 1))

    def total(slope: Value) -> Value:
        moves = linear_recurrence(ratio, mul(slope, terms), axis=ndim, reverse=False)
        return reduce_sum(moves, axes=(ndim,))

    found: list[Value] = []
    for i in range(len(factors)):
        slope = common
        for other in factors[:i] + factors[i + 1 :]:
            slope = mul(slope, other)
        found.append(total(slope))
    return [*found, total(neg(div(ratio, divisor)))]


def _where(condition: Value, x: Value) -> Value:
    return select(condition, x, full_like(x, np.nan))


def _kummer_slopes(a: Value, b: Value, x: Value) -> tuple[Value, Value]:
    """By a and b; M(a, b, x) = e^x M(b - a, b, -x) for x < 0, DLMF 13.2.39."""
    inside = le(abs_(x), full_like(x, _MOST_1F1))
    safe = select(inside, x, zeros(x))
    is_negative = lt(safe, zeros(x))
    above = select(is_negative, sub(b, a), a)
    by_a, by_b = _slopes([above], b, select(is_negative, neg(safe), safe))
    scale = exp(min(safe, zeros(x)))
    first = mul(scale, select(is_negative, neg(by_a), by_a))
    second = mul(scale, select(is_negative, add(by_a, by_b), by_b))
    return _where(inside, first), _where(inside, second)


def _kummer_by_x(t: Value, out: Value, a: Value, b: Value, x: Value) -> Value:
    one = full_like(x, 1.0)
    return mul(t, mul(div(a, b), hyp1f1(add(a, one), add(b, one), x)))


hyp1f1 = library_function(
    "hyp1f1",
    "Kummer's confluent hypergeometric function M(a, b, x). Its derivatives by a and b are nan "
    "where |x| > 150.",
    symbol="hyp1f1",
    jvp=[
        lambda t, out, a, b, x: mul(t, _kummer_slopes(a, b, x)[0]),
        lambda t, out, a, b, x: mul(t, _kummer_slopes(a, b, x)[1]),
        _kummer_by_x,
    ],
    samples=(
        Sample((Draw((11,), 0.3, 3.0), Draw((11,), 0.3, 3.0), Draw((11,), -4.0, 3.0))),
        Sample((Draw((2, 2), 0.3, 3.0), Draw((2, 2), 3.0, 5.0), Draw((2, 2), -2.0, 2.0))),
        Sample((Draw((), 0.3, 3.0), Draw((), 3.0, 5.0), Draw((), -2.0, 2.0))),
        Sample((Draw((0,)), Draw((0,)), Draw((0,)))),
    ),
)


def _gauss_slopes(a: Value, b: Value, c: Value, x: Value) -> tuple[Value, Value, Value]:
    """By a, b and c; for x < 0, with z = x / (x - 1) and w = (1 - x)**-a, F(a, b, c, x) =
    w F(a, c - b, c, z). DLMF 15.8.1."""
    inside = bitwise_and(ge(x, full_like(x, _LEAST_2F1)), le(x, full_like(x, _MOST_2F1)))
    safe = select(inside, x, zeros(x))
    is_negative = lt(safe, zeros(x))
    negative = select(is_negative, safe, zeros(x))
    distance = sub(full_like(x, 1.0), negative)
    weight = pow(distance, neg(a))
    other = select(is_negative, sub(c, b), b)
    z = select(is_negative, neg(div(negative, distance)), safe)
    by_a, by_b, by_c = _slopes([a, other], c, z)
    decline = mul(log1p(neg(negative)), hyp2f1(a, b, c, safe))
    first = sub(mul(weight, by_a), decline)
    second = mul(weight, select(is_negative, neg(by_b), by_b))
    third = mul(weight, select(is_negative, add(by_b, by_c), by_c))
    return _where(inside, first), _where(inside, second), _where(inside, third)


def _gauss_by_x(t: Value, out: Value, a: Value, b: Value, c: Value, x: Value) -> Value:
    one = full_like(x, 1.0)
    following = hyp2f1(add(a, one), add(b, one), add(c, one), x)
    return mul(t, mul(div(mul(a, b), c), following))


hyp2f1 = library_function(
    "hyp2f1",
    "Gauss' hypergeometric function F(a, b, c, x). Its derivatives by a, b and c are nan outside "
    "of -9 <= x <= 0.9.",
    symbol="hyp2f1",
    jvp=[
        lambda t, out, a, b, c, x: mul(t, _gauss_slopes(a, b, c, x)[0]),
        lambda t, out, a, b, c, x: mul(t, _gauss_slopes(a, b, c, x)[1]),
        lambda t, out, a, b, c, x: mul(t, _gauss_slopes(a, b, c, x)[2]),
        _gauss_by_x,
    ],
    samples=(
        Sample((*[Draw((11,), 0.3, 3.0)] * 3, Draw((11,), -3.0, 0.7))),
        Sample((*[Draw((), 0.3, 3.0)] * 3, Draw((), -3.0, 0.7))),
        Sample((*[Draw((0,), 0.3, 3.0)] * 3, Draw((0,), -3.0, 0.7))),
    ),
)


def _positive_samples(*ranges: tuple[float, float]) -> tuple[Sample, ...]:
    return tuple(
        [
            Sample(tuple([Draw(shape, low, high) for low, high in ranges]))
            for shape in ((11,), (2, 2), (), (0,))
        ]
    )


hyp0f1 = library_function(
    "hyp0f1",
    "Confluent hypergeometric limit function 0F1(; v; x). There is no derivative by v.",
    symbol="hyp0f1",
    jvp=[
        NoSlope("the parameter v of hyp0f1"),
        lambda t, out, v, x: mul(t, div(hyp0f1(add(v, full_like(v, 1.0)), x), v)),
    ],
    samples=_positive_samples((0.4, 5.0), (-4.0, 4.0)),
)


def _tricomi_by_x(t: Value, out: Value, a: Value, b: Value, x: Value) -> Value:
    """-a U(a + 1, b + 1, x). DLMF 13.3.22."""
    one = full_like(x, 1.0)
    return neg(mul(t, mul(a, hyperu(add(a, one), add(b, one), x))))


hyperu = library_function(
    "hyperu",
    "Tricomi's confluent hypergeometric function U(a, b, x), x >= 0. There are no derivatives by a "
    "and b.",
    symbol="hyperu",
    jvp=[NoSlope("a of hyperu"), NoSlope("b of hyperu"), _tricomi_by_x],
    samples=_positive_samples((0.4, 3.0), (0.4, 3.0), (0.4, 5.0)),
)


def _exprel_slope(t: Value, out: Value, x: Value) -> Value:
    """(exp(x) - 1) / x = M(1, 2, x), and M'(1, 2, x) = M(2, 3, x) / 2. DLMF 13.3.15."""
    return mul(t, mul(hyp1f1(full_like(x, 2.0), full_like(x, 3.0), x), 0.5))


exprel = library_function(
    "exprel",
    "(exp(x) - 1) / x, 1 at 0.",
    symbol="exprel",
    jvp=[_exprel_slope],
    samples=(*one(), *edges()),
)
