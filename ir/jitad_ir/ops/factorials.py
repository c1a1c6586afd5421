"""The gamma function and what is made of its quotients: beta, binomials, rising factorials; and
Hurwitz' zeta function. All but the
last by SciPy's C functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import NONLINEAR, Draw, Op, PerOperand, Sample, batch_to_front, same_types
from ..types import FLOAT64
from .arithmetic import add, div, mul, neg, reciprocal, square, sub
from .bitwise import bitwise_and
from .comparison import eq, le
from .constants import full_like
from .library_functions import library_function, scipy_special
from .powers import pow
from .rounding import floor, round
from .samples import FLOATS, edges, one
from .selection import select
from .special import digamma
from .transcendental import cos, log, sin

gamma = library_function(
    "gamma",
    "Gamma function; nan at the negative integers.",
    symbol="gamma",
    jvp=[lambda t, out, x: mul(t, mul(out, digamma(x)))],
    samples=(*one(0.5, 6.0), *one(-1.8, -1.2), *edges(extra=(170.5, 180.0, -1.0, -170.5))),
)


def _reciprocal_gamma_slope(out: Value, x: Value) -> Value:
    """-psi(x) / gamma(x); up to 1/2, poles of gamma included, the derivative of its reflection
    gamma(1 - x) sin(pi x) / pi. DLMF 5.5.3."""
    low = le(x, full_like(x, 0.5))
    regular = neg(mul(out, digamma(select(low, full_like(x, 1.0), x))))
    reflected = sub(full_like(x, 1.0), select(low, x, full_like(x, 0.0)))
    angle = mul(sub(x, mul(round(mul(x, 0.5)), 2.0)), math.pi)
    wave = sub(cos(angle), mul(digamma(reflected), mul(sin(angle), 1 / math.pi)))
    return select(low, mul(gamma(reflected), wave), regular)


reciprocal_gamma = library_function(
    "reciprocal_gamma",
    "1 / gamma(x), 0 at the poles of gamma.",
    symbol="rgamma",
    jvp=[lambda t, out, x: mul(t, _reciprocal_gamma_slope(out, x))],
    samples=(*one(0.3, 6.0), *one(-1.8, -1.2), *edges(extra=(-1.0, -3.0, 200.0))),
)


def _pair(low: float = 0.3, high: float = 6.0, size: int = 7) -> tuple[Sample, ...]:
    return (
        Sample((Draw((size,), low, high), Draw((size,), low, high))),
        Sample((Draw((2, 2), low, high), Draw((2, 2), low, high))),
        Sample((Draw((), low, high), Draw((), low, high))),
        Sample((Draw((0,), low, high), Draw((0,), low, high))),
    )


def _below(a: Value, b: Value) -> Value:
    """psi(a) - psi(a + b)."""
    return sub(digamma(a), digamma(add(a, b)))


betaln = library_function(
    "betaln",
    "log |B(a, b)|, with the beta function B(a, b) = gamma(a) gamma(b) / gamma(a + b).",
    symbol="betaln",
    jvp=[
        lambda t, out, a, b: mul(t, _below(a, b)),
        lambda t, out, a, b: mul(t, _below(b, a)),
    ],
    samples=_pair(),
)

beta = library_function(
    "beta",
    "Beta function gamma(a) gamma(b) / gamma(a + b).",
    symbol="beta",
    jvp=[
        lambda t, out, a, b: mul(t, mul(out, _below(a, b))),
        lambda t, out, a, b: mul(t, mul(out, _below(b, a))),
    ],
    samples=_pair(),
)


def _psi_of_next(x: Value) -> Value:
    return digamma(add(x, full_like(x, 1.0)))


binom = library_function(
    "binom",
    "Binomial coefficient gamma(n + 1) / (gamma(k + 1) gamma(n - k + 1)) of real n and k.",
    symbol="binom",
    jvp=[
        lambda t, out, n, k: mul(t, mul(out, sub(_psi_of_next(n), _psi_of_next(sub(n, k))))),
        lambda t, out, n, k: mul(t, mul(out, sub(_psi_of_next(sub(n, k)), _psi_of_next(k)))),
    ],
    samples=(Sample((Draw((7,), 4.2, 9.0), Draw((7,), 0.3, 3.8))),),
)


def _poch_slope(out: Value, z: Value, m: Value) -> Value:
    """poch (psi(z + m) - psi(z)), in terms of 1 / gamma where z is a pole of psi."""
    pole = bitwise_and(le(z, full_like(z, 0.0)), eq(floor(z), z))
    end = add(z, m)
    regular = mul(out, sub(digamma(end), digamma(select(pole, full_like(z, 1.0), z))))
    reciprocal = reciprocal_gamma(z)
    slope = _reciprocal_gamma_slope(reciprocal, z)
    at_pole = mul(gamma(end), add(mul(digamma(end), reciprocal), slope))
    return select(pole, at_pole, regular)


poch = library_function(
    "poch",
    "Rising factorial gamma(z + m) / gamma(z).",
    symbol="poch",
    jvp=[
        lambda t, out, z, m: mul(t, _poch_slope(out, z, m)),
        lambda t, out, z, m: mul(t, mul(out, digamma(add(z, m)))),
    ],
    samples=_pair(),
)

_TERMS = 10
_BERNOULLI = (
    *(1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66),
    *(-691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330),
)
"""B(2), B(4), ..., B(20)."""


def _zeta_of_element(r: Any, s: Any, q: Any) -> Any:
    """Euler and Maclaurin's formula, DLMF 25.11.5, with a = q + n for the least n >= 9 with a > 9:

    sum over k <= n of (q + k)**-s
    + a**-s (a / (s - 1) - 1/2 + sum over j of s (s + 1) ... (s + 2j - 2) B(2j) / (2j)! a**(1 - 2j))
    """
    b = r.b

    def number(value: float) -> Any:
        return b.constant(FLOAT64, value)

    total, last, count = r.local(FLOAT64), r.local(FLOAT64), r.local(FLOAT64)
    exponent = b.neg(s)
    b.store(total, b.pow(q, exponent))
    b.store(last, q)
    b.store(count, number(0.0))

    def more() -> Any:
        few = b.lt(b.load(count, FLOAT64), number(9.0))
        # The bound on the count ends the loop for far negative q, of which nan is made below.
        low = b.bitwise_and(
            b.le(b.load(last, FLOAT64), number(9.0)), b.lt(b.load(count, FLOAT64), number(_MOST))
        )
        return b.bitwise_or(few, low)

    def one_more() -> None:
        following = b.add(b.load(last, FLOAT64), number(1.0))
        b.store(last, following)
        b.store(total, b.add(b.load(total, FLOAT64), b.pow(following, exponent)))
        b.store(count, b.add(b.load(count, FLOAT64), number(1.0)))

    r.loop_while(more, one_more)
    a = b.load(last, FLOAT64)
    inverse = b.reciprocal(a)
    tail = b.sub(b.div(a, b.sub(s, number(1.0))), number(0.5))
    factor = b.mul(s, inverse)
    for j, bernoulli in enumerate(_BERNOULLI, 1):
        tail = b.add(tail, b.mul(factor, number(bernoulli / math.factorial(2 * j))))
        for i in (2 * j - 1, 2 * j):
            factor = b.mul(factor, b.mul(b.add(s, number(float(i))), inverse))
    power = b.pow(a, exponent)
    rest = b.select(b.eq(power, number(0.0)), number(0.0), b.mul(power, tail))
    return b.add(b.load(total, FLOAT64), rest)


_MOST = 1e6


def _emit_zeta(r: Any, s: Any, q: Any, results: Any) -> None:
    (result,) = results
    b = r.b

    def number(value: float) -> Any:
        return b.constant(FLOAT64, value)

    def body(index: Any) -> None:
        x = b.convert(r.load(s, index), FLOAT64)
        y = b.convert(r.load(q, index), FLOAT64)
        is_low = b.le(y, number(0.0))
        is_pole = b.bitwise_and(is_low, b.eq(y, b.floor(y)))
        # Below 0 powers of s that is no integer are not real.
        is_void = b.bitwise_and(is_low, b.ne(x, b.floor(x)))
        is_void = b.bitwise_or(is_void, b.lt(x, number(1.0)))
        is_void = b.bitwise_or(is_void, b.lt(y, number(-_MOST / 2)))
        value = _zeta_of_element(r, x, y)
        value = b.select(is_pole, number(math.inf), b.select(is_void, number(math.nan), value))
        value = b.select(b.lt(x, number(1.0)), number(math.nan), value)
        value = b.select(b.eq(x, number(1.0)), number(math.inf), value)
        r.store(result, index, b.convert(value, result.type.dtype))

    r.loops(result.type.shape, body)


def _zeta_by_s(t: Value, out: Value, s: Value, q: Value) -> Value:
    """The derivative by s of Euler and Maclaurin's formula, DLMF 25.11.5; with a = q + n,

        zeta = sum of (q + k)**-s + a**(1 - s) / (s - 1) + a**-s / 2
               + sum over j of s (s + 1) ... (s + 2j - 2) B(2j) / (2j)! a**(1 - s - 2j)

    each factor c has the derivative c times that of its logarithm.
    """
    total = full_like(s, 0.0)
    exponent = neg(s)
    for k in range(_TERMS):
        shifted = add(q, full_like(q, float(k)))
        total = sub(total, mul(log(shifted), pow(shifted, exponent)))
    a = add(q, full_like(q, float(_TERMS)))
    power, log_a = pow(a, exponent), log(a)
    inverse = reciprocal(sub(s, full_like(s, 1.0)))
    lead = mul(mul(a, inverse), add(log_a, inverse))
    tail = add(lead, mul(log_a, 0.5))
    rising, slope = s, reciprocal(s)
    scale = reciprocal(a)
    for j, bernoulli in enumerate(_BERNOULLI, 1):
        term = mul(mul(rising, scale), bernoulli / math.factorial(2 * j))
        tail = sub(tail, mul(term, sub(slope, log_a)))
        for i in (2 * j - 1, 2 * j):
            following = add(s, full_like(s, float(i)))
            rising = mul(rising, following)
            slope = add(slope, reciprocal(following))
        scale = div(scale, square(a))
    return mul(t, sub(total, mul(power, tail)))


def _zeta_by_q(t: Value, out: Value, s: Value, q: Value) -> Value:
    """-s zeta(s + 1, q). DLMF 25.11.17."""
    return mul(t, neg(mul(s, zeta(add(s, full_like(s, 1.0)), q))))


def _evaluate_zeta(s: Any, q: Any) -> Any:
    """SciPy's, but that it says nan for s = inf, q > 1."""
    value = np.where((s == np.inf) & (q > 1), 0.0, scipy_special("zeta", s, q))
    return np.asarray(value).astype(s.dtype)


zeta = Op(
    name="zeta",
    doc="Hurwitz' zeta function: the sum of (q + k)**-s over k = 0, 1, ...; inf at s = 1 and where "
    "q is 0 or a negative integer, nan for s < 1, and for other q < 0 unless s is an integer.",
    infer=lambda s, q: same_types("zeta", (s, q), "f"),
    evaluate=_evaluate_zeta,
    jvp=PerOperand((_zeta_by_s, _zeta_by_q)),
    transpose=NONLINEAR,
    batch=lambda size, batched, *operands: zeta(*batch_to_front(size, batched, operands)),
    lower=Routine(_emit_zeta),
    samples=(
        Sample((Draw((19,), 1.2, 8.0), Draw((19,), 0.3, 5.0))),
        Sample((Draw((2, 2), 1.2, 4.0), Draw((2, 2), 0.3, 20.0))),
        Sample((Draw((), 1.2, 4.0), Draw((), 0.3, 20.0))),
        Sample((Draw((0,)), Draw((0,)))),
        Sample(
            (
                Draw((9,), values=(1.0, 0.5, 2.0, 2.0, 3.0, 2.5, 60.0, 2.0, np.inf)),
                Draw((9,), values=(1.0, 1.0, 0.0, -3.0, -1.5, -1.5, 2.0, 1e10, 2.0)),
            ),
            dtypes=FLOATS,
            smooth=False,
        ),
    ),
)
