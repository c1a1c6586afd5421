"""exp, log and their relatives, in the format of the operands.

Polynomials are Chebyshev fits by benchmarks/fit_polynomials.py, which names them as they are named
here. Bounds on errors are in units in the last place (ulp) of the format.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from .math_kernel import BINARY32, BINARY64, Bits, Kernel, Real

LOG2_E = 1.4426950408889634


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
LOG = {
    BINARY32: (0.6666668504515603, 0.39988778282162807, 0.2958005304318844),
    BINARY64: (
        0.666666666666667,
        0.39999999999899444,
        0.2857142862600327,
        0.22222211130259878,
        0.18182889455674947,
        0.15331710618210773,
        0.14616585424888623,
    ),
}

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
    """n + 2 bias in the low bits."""
    high: Real
    low: Real
    r: Real


def reduce_exp(k: Kernel, x: Real, x_low: Real | None = None, shift: int = 0) -> Reduced:
    """Reduce x + x_low, which is within EXP_RANGE; `biased` is that of n + shift."""
    ln2 = LN_TWO[k.format]
    n, biased = k.rounded_exponent(x * LOG2_E, 2 * k.format.bias)
    high = k.fma(n, -ln2.high, x)
    low = n * -ln2.low if x_low is None else k.fma(n, -ln2.low, x_low)
    return Reduced(biased + shift if shift else biased, high, low, high + low)


def exp_tail(k: Kernel, reduced: Reduced) -> Real:
    """e^r - 1 - high = low + r^2 P(r)."""
    r = reduced.r
    return k.fma(r * r, k.polynomial(r, EXP[k.format]), reduced.low)


def exp_of_sum(k: Kernel, x: Real, x_low: Real | None = None, shift: int = 0) -> Real:
    """2^shift e^(x + x_low), for x within EXP_RANGE."""
    reduced = reduce_exp(k, x, x_low, shift)
    leading, rest = exp_in_two_parts(k, reduced)
    return k.scale_by_two_steps(leading + rest, reduced.biased)


def exp_in_two_parts(k: Kernel, reduced: Reduced) -> tuple[Real, Real]:
    """e^r = (1 + high) + tail, with the rounding error of 1 + high in the second part."""
    leading, error = k.fast_two_sum(k.real(1.0), reduced.high)
    return leading, error + exp_tail(k, reduced)


def exp_in_range(k: Kernel, x: Real) -> Real:
    """e^x = 2^n (1 + (r + r^2 P(r))), for x within EXP_RANGE: faster than `exp_of_sum` by a tenth,
    and good to 1.1 ulp instead of 0.7."""
    ln2 = LN_TWO[k.format]
    n, biased = k.rounded_exponent(x * LOG2_E, 2 * k.format.bias)
    r = k.fma(n, -ln2.low, k.fma(n, -ln2.high, x))
    less_one = k.fma(r * r, k.polynomial(r, EXP[k.format]), r)
    return k.scale_by_two_steps(less_one + 1.0, biased)


def exp(k: Kernel, x: Real) -> Real:
    """e^x."""
    return exp_in_range(k, clamp(k, x, EXP_RANGE[k.format]))


def exp2(k: Kernel, x: Real) -> Real:
    """2^x = 2^n 2^r, |r| <= 1 / 2."""
    x = clamp(k, x, EXP2_RANGE[k.format])
    n, biased = k.rounded_exponent(x, 2 * k.format.bias)
    r = x - n
    return k.scale_by_two_steps(k.fma(r, k.dominated_polynomial(r, EXP2[k.format]), 1.0), biased)


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


def split_exponent(k: Kernel, x: Real) -> Split:
    """Split a positive finite `x`, which may be subnormal."""
    is_subnormal = x < k.format.tiny
    lift = k.format.mantissa + 2
    x = k.select(is_subnormal, x * 2.0**lift, x)
    correction = k.select(is_subnormal, float(k.format.bias + lift), float(k.format.bias))
    n, bits = exponent_above_sqrt_half(k, x)
    return Split(n - correction, bits.real() - 1.0)


def exponent_above_sqrt_half(k: Kernel, x: Real) -> tuple[Real, Bits]:
    """The biased exponent and the bits of the mantissa in [sqrt(1/2), sqrt 2)."""
    fraction_mask = (1 << k.format.mantissa) - 1
    one = k.format.bias << k.format.mantissa
    # High half of the bits of sqrt(1/2) = 0x1.6a09e...p-1.
    sqrt_half = {BINARY32: 0x3F3504F3, BINARY64: 0x3FE6A09E00000000}[k.format]
    bits = x.bits() + (one - sqrt_half)
    # An integer below 2^mantissa in the low bits of 2^mantissa is that float plus the integer.
    implied = k.format.bias + k.format.mantissa << k.format.mantissa
    n = ((bits >> k.format.mantissa) | implied).real() - 2.0**k.format.mantissa
    return n, (bits & fraction_mask) + sqrt_half


def log_of_split(k: Kernel, split: Split, f_low: Real | None = None) -> Real:
    """n log 2 + log(1 + f + f_low), as in fdlibm."""
    ln2 = LN_TWO[k.format]
    n, f = split
    half_square, remainder = log_remainder(k, f)
    low = n * ln2.low if f_low is None else k.fma(n, ln2.low, f_low)
    tail = half_square - (remainder + low)
    return k.fma(n, ln2.high, f - tail) if k.has_fma else n * ln2.high - (tail - f)


def log_remainder(k: Kernel, f: Real) -> tuple[Real, Real]:
    """f^2/2 and log(1 + f) - f + f^2/2 = s (f^2/2 + s^2 R(s^2)), where s = f / (2 + f)."""
    s = f / (f + 2.0)
    z = s * s
    half_square = f * f * 0.5
    return half_square, s * k.fma(z, k.polynomial(z, LOG[k.format]), half_square)


def log_special(k: Kernel, x: Real, result: Real) -> Real:
    """`result` but for x < 0: nan, 0: -inf, inf: inf, nan: nan."""
    result = k.select(x < math.inf, result, x)
    result = k.select(x > 0.0, result, k.select(x.equals(0.0), -math.inf, math.nan))
    return k.select(x.is_nan(), x, result)


def log(k: Kernel, x: Real) -> Real:
    """Natural logarithm."""
    return log_special(k, x, log_of_split(k, split_exponent(k, x)))


def log1p(k: Kernel, x: Real) -> Real:
    """log(1 + x)."""
    return log1p_of_sum(k, x, None)


def log1p_of_sum(k: Kernel, x: Real, x_low: Real | None) -> Real:
    """log(1 + x + x_low): u = 1 + x rounded, and the rounding error c goes in as c / u."""
    u, c = k.two_sum(k.real(1.0), x)
    if x_low is not None:
        c = c + x_low
    n, bits = exponent_above_sqrt_half(k, u)
    n = n - float(k.format.bias)
    # Without an exponent, f = x is exact, and so is its logarithm's first term.
    is_near = n.equals(0.0)
    f = k.select(is_near, x, bits.real() - 1.0)
    c = c / u if x_low is None else k.select(is_near, x_low, c) / u
    if x_low is None:
        c = k.select(is_near, 0.0, c)
    result = log_of_split(k, Split(n, f), c)
    result = k.select(abs(x) < 2.0 ** -(k.format.mantissa + 2), x, result)
    return log_special(k, u, result)


class LogBase(NamedTuple):
    """1 / log b and log_b 2, each as high + low with few bits in high."""

    per_log: tuple[float, float]
    of_two: tuple[float, float]


LOG_BASES = {
    (BINARY32, 2): LogBase((1.44287109375, -0.00017605286103659264), (1.0, 0.0)),
    (BINARY64, 2): LogBase((1.4426950407214463, 1.6751713164886512e-10), (1.0, 0.0)),
    (BINARY32, 10): LogBase(
        (0.434326171875, -3.168997174817235e-05), (0.301025390625, 4.605038981195214e-06)
    ),
    (BINARY64, 10): LogBase(
        (0.4342944818781689, 2.5082946711645275e-11),
        (0.3010299956658855, -1.9043128467164274e-12),
    ),
}


def log_to_base(k: Kernel, x: Real, base: int) -> Real:
    """n log_b 2 + log(1 + f) / log b as in FreeBSD's e_log2.c: the leading part of log(1 + f),
    f - f^2/2 cut to half the digits, is multiplied exactly."""
    per_log, of_two = LOG_BASES[k.format, base]
    n, f = split_exponent(k, x)
    half_square, remainder = log_remainder(k, f)
    leading = f - half_square
    half_digits = (k.format.mantissa + 12) // 2
    high = ((leading.bits() >> half_digits) << half_digits).real()
    low = ((f - high) - half_square) + remainder
    value, error = k.fast_two_sum(n * of_two[0], high * per_log[0])
    tail = k.fma(low, per_log[0], k.fma(low + high, per_log[1], n * of_two[1]))
    return log_special(k, x, value + (error + tail))


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
