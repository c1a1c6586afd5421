"""exp, log and their relatives, in the format of the operands.

Polynomials are Chebyshev fits by benchmarks/fit_polynomials.py, which names them as they are named
here. Bounds on errors are in units in the last place (ulp) of the format.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from .math_kernel import BINARY32, BINARY64, Bits, Kernel, Real

LOG2_E = 1.4426950408889634
LOG_TWO = math.log(2.0)


class LnTwo(NamedTuple):
    """log 2 = high + low, where high has so few bits that its product with an exponent is exact."""

    high: float
    low: float


LN_TWO = {
    BINARY32: LnTwo(0.693359375, -2.12194440054690583e-4),
    BINARY64: LnTwo(0.6931471803691238, 1.9082149292705877e-10),
}

# (e^r - 1 - r) / r^2 for |r| <= log(2) / 2.
EXP = {
    BINARY32: (
        0.5,
        0.16666577025597024,
        0.04166655466204933,
        0.008363173074674352,
        0.0013926176120136245,
    ),
    BINARY64: (
        0.5000000000000001,
        0.16666666666666669,
        0.041666666666624164,
        0.008333333333330065,
        0.0013888888917196719,
        0.00019841269863040545,
        2.4801521322367984e-05,
        2.755726848030948e-06,
        2.762007588032101e-07,
        2.5100375832820886e-08,
    ),
}

# (2^r - 1) / r for |r| <= 1 / 2.
EXP2 = {
    BINARY32: (
        0.6931471880262288,
        0.24022650760568126,
        0.055503571142190775,
        0.00961808255727785,
        0.0013390863364671443,
        0.0001545316294512087,
    ),
    BINARY64: (
        0.6931471805599453,
        0.24022650695910097,
        0.0555041086648216,
        0.009618129107606888,
        0.0013333558146416936,
        0.0001540353044173605,
        1.525273382983612e-05,
        1.321544258792169e-06,
        1.0178062445845774e-07,
        7.072585949269288e-09,
        4.4549605981865527e-10,
    ),
}

# (log((1 + s) / (1 - s)) / s - 2) / s^2 in s^2, for |s| <= (sqrt 2 - 1) / (sqrt 2 + 1).
LOG = (
    0.666666666666667,
    0.39999999999899444,
    0.2857142862600327,
    0.22222211130259878,
    0.18182889455674947,
    0.15331710618210773,
    0.14616585424888623,
)

# (log(1 + f) - f) / f^2 for sqrt(1/2) <= 1 + f <= sqrt 2.
LOG_BINARY32 = (
    -0.499999976497112,
    0.33333330028017044,
    -0.2500078125503002,
    0.20001234511021315,
    -0.16626645104996154,
    0.1420485425129081,
    -0.13127559450974863,
    0.12722688131488522,
    -0.07673650873723196,
)

# Beyond these e^x is 0, or inf, whatever the rounding.
EXP_RANGE = {BINARY32: (-105.0, 90.0), BINARY64: (-747.0, 711.0)}
# 2^n is still a product of 2^(n - 1) and 2 at the upper end.
EXPM1_RANGE = {BINARY32: (-40.0, 88.8), BINARY64: (-40.0, 709.9)}
EXP2_RANGE = {BINARY32: (-152.0, 130.0), BINARY64: (-1078.0, 1026.0)}


def clamp(k: Kernel, x: Real, bounds: tuple[float, float]) -> Real:
    """`x` within `bounds`; nan stays."""
    return k.at_least(k.at_most(x, bounds[1]), bounds[0])


class Reduced(NamedTuple):
    """x = n log 2 + r with |r| <= log(2) / 2, and r = high + low, of which high is exact."""

    biased: Bits
    """n + 2 bias (or another number) in the low bits."""
    high: Real
    low: Real
    r: Real


def reduce_exp(k: Kernel, x: Real, x_low: Real | None = None, offset: int | None = None) -> Reduced:
    """Reduce x + x_low, which is within EXP_RANGE; `biased` is n + `offset`."""
    ln2 = LN_TWO[k.format]
    bias = 2 * k.format.bias if offset is None else offset
    n, biased = k.rounded_exponent(x, bias, LOG2_E)
    high = k.fma(n, -ln2.high, x)
    low = n * -ln2.low if x_low is None else k.fma(n, -ln2.low, x_low)
    return Reduced(biased, high, low, high + low)


def exp_tail(k: Kernel, reduced: Reduced) -> Real:
    """e^r - 1 - high = low + r^2 P(r)."""
    r = reduced.r
    return k.fma(r * r, k.polynomial(r, EXP[k.format]), reduced.low)


def exp_of_sum(k: Kernel, x: Real, x_low: Real | None = None) -> Real:
    """e^(x + x_low), for x within EXP_RANGE."""
    reduced = reduce_exp(k, x, x_low)
    leading, rest = exp_in_two_parts(k, reduced)
    return k.scale_by_two_steps(leading + rest, reduced.biased)


def exp_in_two_parts(k: Kernel, reduced: Reduced) -> tuple[Real, Real]:
    """e^r = (1 + high) + tail, with the rounding error of 1 + high in the second part."""
    leading, error = k.fast_two_sum(k.real(1.0), reduced.high)
    return leading, error + exp_tail(k, reduced)


def exp_in_range(k: Kernel, x: Real) -> Real:
    """e^x, for x within EXP_RANGE: faster than `exp_of_sum` by a tenth, and good to 1.1 ulp instead
    of 0.7."""
    return k.scale_by_two_steps(*exp_and_exponent(k, x, 2 * k.format.bias))


def normal_exp(k: Kernel, x: Real) -> Real:
    """The same where it is a normal number."""
    return k.scale(*exp_and_exponent(k, x, 0))


def exp_and_exponent(k: Kernel, x: Real, offset: int) -> tuple[Real, Bits]:
    """1 + (r + r^2 P(r)), and n + `offset` in low bits, with e^x = 2^n e^r."""
    ln2 = LN_TWO[k.format]
    n, biased = k.rounded_exponent(x, offset, LOG2_E)
    r = k.fma(n, -ln2.low, k.fma(n, -ln2.high, x))
    less_one = k.fma(r * r, k.polynomial(r, EXP[k.format]), r)
    return less_one + 1.0, biased


def exp(k: Kernel, x: Real) -> Real:
    """e^x."""
    return exp_in_range(k, clamp(k, x, EXP_RANGE[k.format]))


def exp2(k: Kernel, x: Real) -> Real:
    """2^x."""
    x = clamp(k, x, EXP2_RANGE[k.format])
    return k.scale_by_two_steps(*exp2_and_exponent(k, x, 2 * k.format.bias))


def normal_exp2(k: Kernel, x: Real) -> Real:
    """2^x where it is a normal number."""
    return k.scale(*exp2_and_exponent(k, x, 0))


def exp2_and_exponent(k: Kernel, x: Real, offset: int) -> tuple[Real, Bits]:
    """2^r, and n + `offset` in low bits, with x = n + r, |r| <= 1 / 2."""
    n, biased = k.rounded_exponent(x, offset)
    r = x - n
    return k.fma(r, k.dominated_polynomial(r, EXP2[k.format]), 1.0), biased


def expm1(k: Kernel, x: Real) -> Real:
    """e^x - 1 = 2 ((h - 1/2) + h high + h tail) with h = 2^n / 2, which cannot overflow; -1 to
    all digits below x = -40."""
    reduced = reduce_exp(k, clamp(k, x, EXPM1_RANGE[k.format]))
    h = ((reduced.biased - (k.format.bias + 1)) << k.format.mantissa).real()
    result = k.fma(h, exp_tail(k, reduced), k.fma(h, reduced.high, h - 0.5)) * 2.0
    # Keeps -0.0, and subnormals whatever happens to products of them.
    return k.select(abs(x) < 2.0 ** -(k.format.mantissa + 2), x, result)


def logistic(k: Kernel, x: Real) -> Real:
    """With e = e^-|x|, which cannot overflow: 1 / (1 + e) for x >= 0, and for x < 0
    e / (1 + e) = e - e (e / (1 + e)), where the quotient's error counts for little."""
    e = exp_of_sum(k, k.at_least(-abs(x), EXP_RANGE[k.format][0]))
    is_negative = x < 0.0
    quotient = k.select(is_negative, e, 1.0) / (e + 1.0)
    return k.select(is_negative, k.fma(-e, quotient, e), quotient)


class Split(NamedTuple):
    """x = 2^n (1 + f) with sqrt(1/2) <= 1 + f < sqrt 2."""

    n: Real
    f: Real


SPARE_EXPONENTS = 64
"""Added to exponents, so that those of subnormals are not negative."""


def split_bits(k: Kernel, x: Real) -> Bits:
    """Bits of a positive normal x (or of `lifted`) plus a number that makes their exponent n +
    bias + SPARE_EXPONENTS, where x = 2^n m with m in [sqrt(1/2), sqrt 2)."""
    one = k.format.bias << k.format.mantissa
    return x.bits() + (one - SQRT_HALF[k.format] + (SPARE_EXPONENTS << k.format.mantissa))


# High half of the bits of sqrt(1/2) = 0x1.6a09e...p-1.
SQRT_HALF = {BINARY32: 0x3F3504F3, BINARY64: 0x3FE6A09E00000000}


def split_exponent(k: Kernel, bits: Bits) -> tuple[Real, Bits]:
    """n and the bits of m, of `split_bits`."""
    mantissa = k.format.mantissa
    # An integer below 2^mantissa in the low bits of 2^mantissa is that float plus the integer.
    implied = k.format.bias + mantissa << mantissa
    magic = 2.0**mantissa + (k.format.bias + SPARE_EXPONENTS)
    n = ((bits >> mantissa) | implied).real() - magic
    return n, (bits & ((1 << mantissa) - 1)) + SQRT_HALF[k.format]


def lifted(k: Kernel, x: Real) -> Real:
    """x, but what `split_bits` takes for subnormal x: the normal x 2^l with l less in the place of
    the exponent."""
    lift = k.format.mantissa + 2
    bits = (x * 2.0**lift).bits() - (lift << k.format.mantissa)
    return k.select(abs(x) < k.format.tiny, bits.real(), x)


def by_split(k: Kernel, x: Real, logarithm: Callable[[Split], Real]) -> Real:
    """`logarithm(split)` of x, with the special values of logarithms: subnormal, zero, negative
    or infinite x and nan are looked at in branches that are not taken while there is none."""
    rare = ~k.is_ordinary(x)
    normal = k.if_any(rare, lambda: lifted(k, x), x, likely=False)
    n, bits = split_exponent(k, split_bits(k, normal))
    result = logarithm(Split(n, bits.real() - 1.0))
    return k.if_any(rare, lambda: log_special(k, x, result), result, likely=False)


def log_of_split(k: Kernel, split: Split, f_low: Real | None = None) -> Real:
    """n log 2 + log(1 + f + f_low): in float64 as in fdlibm, in float32 with f^2 P(f) for
    log(1 + f) - f, where a division would take longer."""
    n, f = split
    if k.format is BINARY32:
        curved = k.short_polynomial(f, LOG_BINARY32)
        near = k.fma(f * f, curved, f if f_low is None else f_low)
        return k.fma(n, LOG_TWO, near if f_low is None else f + near)
    ln2 = LN_TWO[k.format]
    half_square, remainder = log_remainder(k, f)
    low = n * ln2.low if f_low is None else k.fma(n, ln2.low, f_low)
    tail = half_square - (remainder + low)
    return k.fma(n, ln2.high, f - tail) if k.has_fma else n * ln2.high - (tail - f)


def log_remainder(k: Kernel, f: Real) -> tuple[Real, Real]:
    """f^2/2, and log(1 + f) - f + f^2/2 = s (f^2/2 + s^2 R(s^2)), where s = f / (2 + f)."""
    s = f / (f + 2.0)
    z = s * s
    half_square = f * f * 0.5
    return half_square, s * k.fma(z, k.short_polynomial(z, LOG), half_square)


def log_special(k: Kernel, x: Real, result: Real) -> Real:
    """`result` but for x < 0: nan, 0: -inf, inf: inf, nan: nan."""
    result = k.select(x < math.inf, result, x)
    result = k.select(x > 0.0, result, k.select(x.equals(0.0), -math.inf, math.nan))
    return k.select(x.is_nan(), x, result)


def log(k: Kernel, x: Real) -> Real:
    """Natural logarithm."""
    return by_split(k, x, lambda split: log_of_split(k, split))


def log1p(k: Kernel, x: Real) -> Real:
    """log(1 + x)."""
    return k.copysign(log1p_of_sum(k, x, None), x)


def log1p_of_sum(k: Kernel, x: Real, x_low: Real | None) -> Real:
    """log(1 + x + x_low) but for the sign of 0: with n of the rounded 1 + x,
    f = x 2^-n + (2^-n - 1), which is rounded once, and not at all for n = 0."""
    mantissa, bias = k.format.mantissa, k.format.bias
    u = x + 1.0
    bits = split_bits(k, u)
    n, _ = split_exponent(k, bits)
    exponent = bits & ~((1 << mantissa) - 1)
    zero = bias + SPARE_EXPONENTS
    # 2^-n may be subnormal, 4 2^-n is not.
    four = k.bits((zero + bias + 2) << mantissa) - exponent
    scaled = (x.bits() - exponent + (zero << mantissa)).real()
    f = scaled + k.fma(four.real(), 0.25, -1.0)
    f_low = None
    if x_low is not None:
        # Over 1 + f, about.
        f_low = x_low * (four.real() * 0.25)
        f_low = k.fma(-f, f_low, f_low)
    result = log_of_split(k, Split(n, f), f_low)
    rare = ~k.is_ordinary(u)
    return k.if_any(rare, lambda: log_special(k, u, result), result, likely=False)


class LogBase(NamedTuple):
    """1 / log b, and the digits that follow; log_b 2, and the digits that follow the few of it."""

    per_log: tuple[float, float]
    of_two: tuple[float, float]


LOG_BASES = {
    (BINARY32, 2): LogBase((1.4426950216293335, 1.925963033500011e-08), (1.0, 0.0)),
    (BINARY64, 2): LogBase((1.4426950408889634, 2.0355273740931033e-17), (1.0, 0.0)),
    (BINARY32, 10): LogBase(
        (0.4342944920063019, -1.0103049952192578e-08), (0.301025390625, 4.605038981195214e-06)
    ),
    (BINARY64, 10): LogBase(
        (0.4342944819032518, 1.098319650216765e-17),
        (0.3010299956658855, -1.9043128467164274e-12),
    ),
}


def log_to_base(k: Kernel, x: Real, base: int) -> Real:
    """n log_b 2 + log(1 + f) / log b: with w = log(1 + f) - f and c = 1 / log b, of which some
    digits follow in c', f c + (w c + f c') rounds nearly once; powers of two are exact."""
    (c, c_low), (of_two, of_two_low) = LOG_BASES[k.format, base]

    def logarithm(split: Split) -> Real:
        n, f = split
        # The greater of the two corrections is enough in float32.
        low = f * c_low if base == 2 else n * of_two_low
        if k.format is BINARY64 and base != 2:
            low = k.fma(f, c_low, low)
        if k.format is BINARY32:
            curved = k.short_polynomial(f, [c * p for p in LOG_BINARY32])
            low = k.fma(f * f, curved, low)
        else:
            half_square, remainder = log_remainder(k, f)
            low = k.fma(remainder - half_square, c, low)
        return k.fma(n, of_two, k.closely(f, c, low))

    return by_split(k, x, logarithm)


def log2(k: Kernel, x: Real) -> Real:
    """Logarithm to base 2; exact at powers of two."""
    return log_to_base(k, x, 2)


def log10(k: Kernel, x: Real) -> Real:
    """Logarithm to base 10."""
    return log_to_base(k, x, 10)


FORMULAS = {
    "exp": exp,
    "exp2": exp2,
    "expm1": expm1,
    "logistic": logistic,
    "log": log,
    "log1p": log1p,
    "log2": log2,
    "log10": log10,
}
