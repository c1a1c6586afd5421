"""Hyperbolic functions, by exp and log of the same format.

Polynomials are Chebyshev fits by benchmarks/fit_polynomials.py, which names them as they are named
here.
"""

from __future__ import annotations

import math

from . import math_pieces
from .math_exponential import (
    LN_TWO,
    LOG_TWO,
    exp_in_two_parts,
    log1p_of_sum,
    normal_exp,
    reduce_exp,
)
from .math_kernel import BINARY32, BINARY64, Kernel, Mask, Real

# P and Q with tanh x = x + x^3 P(x^2) / Q(x^2), for |x| <= 0.625 (Moshier, Cephes, tanh.c).
TANH_NUMERATOR = (-1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1)
TANH_DENOMINATOR = (
    4.84406305325125486048e3,
    2.23548839060100448583e3,
    1.12811678491632931402e2,
    1.0,
)

# (tanh x - x) / x^3 in x^2, for |x| <= 0.625.
TANH_BINARY32 = (
    -0.3333332893760482,
    0.1333276907856861,
    -0.053850809463546936,
    0.020996704007878526,
    -0.006096023059180349,
)

# (atanh x - x) / x^3 in x^2, for |x| <= 0.295.
ATANH = {
    BINARY32: (
        0.33333328591469663,
        0.2000173960550972,
        0.141870116429769,
        0.12869174700719677,
    ),
    BINARY64: (
        0.3333333333333333,
        0.20000000000000717,
        0.14285714285442674,
        0.11111111150907547,
        0.09090906136461728,
        0.07692433286437016,
        0.06663431346174847,
        0.059335342723809706,
        0.04781306511969554,
        0.07178499684632916,
    ),
}

# (sinh x - x) / x^3 in x^2, for |x| <= 1.
SINH = {
    BINARY32: (
        0.16666666646826217,
        0.008333339679739588,
        0.0001983810069402423,
        2.8062904577476706e-06,
    ),
    BINARY64: (
        0.16666666666666666,
        0.008333333333333299,
        0.00019841269841324252,
        2.755731919135566e-06,
        2.5052117701512666e-08,
        1.6057679075783687e-10,
        7.746198520274515e-13,
    ),
}


def tanh(k: Kernel, x: Real) -> Real:
    """By pieces where that is quick. Else x + x^3 P(x^2) / Q(x^2) (in float32 x + x^3 P(x^2)) near
    0, and 1 - 2 / (e^(2 |x|) + 1) with the sign of x beyond, 1 to all digits from 20 on."""
    if math_pieces.has_pieces(k):
        return math_pieces.tanh(k, x)
    is_single = k.format is BINARY32
    magnitude = abs(x)
    is_near = magnitude < 0.625
    z = magnitude * magnitude
    e = normal_exp(k, k.at_most(magnitude * 2.0, 20.0 if is_single else 44.0))
    if is_single:
        near = k.fma(magnitude * z, k.short_polynomial(z, TANH_BINARY32), magnitude)
        return k.copysign(k.select(is_near, near, 1.0 - 2.0 / (e + 1.0)), x)
    numerator = k.select(is_near, magnitude * z * k.polynomial(z, TANH_NUMERATOR), -2.0)
    denominator = k.select(is_near, k.polynomial(z, TANH_DENOMINATOR), e + 1.0)
    result = k.select(is_near, magnitude, 1.0) + numerator / denominator
    return k.copysign(result, x)


def sinh(k: Kernel, x: Real) -> Real:
    """x + x^3 P(x^2) near 0, else (e^|x| - e^-|x|) / 2 with the sign of x."""
    magnitude = abs(x)
    z = x * x
    near = k.fma(x * z, k.short_polynomial(z, SINH[k.format]), x)
    quarter = quarter_exp(k, magnitude)
    far = k.copysign((quarter - 0.0625 / quarter) * 2.0, x)
    return k.select(magnitude < 1.0, near, far)


def cosh(k: Kernel, x: Real) -> Real:
    """(e^|x| + e^-|x|) / 2."""
    quarter = quarter_exp(k, abs(x))
    return (quarter + 0.0625 / quarter) * 2.0


def quarter_exp(k: Kernel, x: Real) -> Real:
    """e^x / 4 for x >= 0, of which the double overflows where sinh and cosh do."""
    x = k.at_most(x, 89.5 if k.format is BINARY32 else 710.5)
    reduced = reduce_exp(k, x, offset=-2)
    leading, rest = exp_in_two_parts(k, reduced)
    return k.scale(leading + rest, reduced.biased)


def asinh(k: Kernel, x: Real) -> Real:
    """log1p(a + a^2 / (1 + sqrt(1 + a^2))) with a = |x|, and the sign of x; log 2 + log a for
    large a."""
    magnitude = abs(x)
    rare = ~(magnitude < large_bound(k))
    a = k.if_any(rare, lambda: k.select(rare, 0.0, magnitude), magnitude, likely=False)
    square = a * a
    t, t_low = k.fast_two_sum(a, square / (k.sqrt(square + 1.0) + 1.0))
    return k.copysign(log1p_or_log(k, t, t_low, magnitude, rare), x)


def acosh(k: Kernel, x: Real) -> Real:
    """log1p(t + sqrt(t (t + 2))) with t = x - 1; log 2 + log x for large x; nan for x < 1."""
    rare = ~k.is_between(x, 1.0, large_bound(k))
    near = k.if_any(rare, lambda: k.select(rare, 1.0, x), x, likely=False)
    t, t_low = k.fast_two_sum(near, k.real(-1.0))
    product, product_low = k.two_product(t, t + 2.0)
    root = k.sqrt(product)
    # t + 2 is rounded by less than an ulp of the root; its own error and the product's go here.
    correction = product_low + t * ((2.0 - ((t + 2.0) - t)) + t_low * 2.0)
    error = (k.exact_remainder(product, root, root) + correction) * 0.5 * k.rough_reciprocal(root)
    u, u_low = k.fast_two_sum(root, t)
    result = log1p_or_log(k, u, u_low + (error + t_low), x, rare)
    return k.if_any(rare, lambda: k.select(x < 1.0, math.nan, result), result, likely=False)


def atanh(k: Kernel, x: Real) -> Real:
    """log(p / q) / 2 with p = 1 + |x|, q = 1 - |x|, and the sign of x; inf for 1, nan beyond.

    With n next to log2(p / q), which the bits of p and q tell to 0.1, and s = 2^-n, it is
    n log(2) / 2 + atanh t for t = (s p - q) / (s p + q), |t| < 0.295; for n = 0, t is |x|.
    """
    a = abs(x)
    mantissa = k.format.mantissa
    ratio = (a + 1.0).bits() - (1.0 - a).bits()
    # From 1.7 2^(n - 1) on it counts as 2^n.
    exponent = (ratio + int(0.22 * 2.0**mantissa)) & ~((1 << mantissa) - 1)
    n = ((exponent >> mantissa) | (k.format.bias + mantissa << mantissa)).real() - 2.0**mantissa
    s = (k.bits(k.format.bias << mantissa) - exponent).real()
    less, more = s - 1.0, s + 1.0
    t = k.exact_remainder(less, a, -more) / k.exact_remainder(more, a, -less)
    z = t * t
    ln2 = LN_TWO[k.format]
    tail = k.fma(t * z, k.short_polynomial(z, ATANH[k.format]), n * (ln2.low * 0.5))
    result = k.fma(n, ln2.high * 0.5, t + tail)

    def beyond() -> Real:
        edge = k.select(a.equals(1.0), math.inf, math.nan)
        return k.select(a < 1.0, result, edge)

    return k.copysign(k.if_any(~(a < 1.0), beyond, result, likely=False), x)


def large_bound(k: Kernel) -> float:
    """Far above where sqrt(x^2 + 1) = x and sqrt(x^2 - 1) = x to all digits, and far below where
    x^2 overflows."""
    return 2.0 ** (k.format.bias // 2 - 4)


def log1p_or_log(k: Kernel, t: Real, t_low: Real, x: Real, rare: Mask) -> Real:
    """log(1 + t + t_low); log(2 x) where `rare`."""

    def large() -> list[Real]:
        return [k.select(rare, x - 1.0, t), k.select(rare, 0.0, t_low)]

    t, t_low = k.all_if_any(rare, large, [t, t_low], likely=False)
    near = log1p_of_sum(k, t, t_low)
    return k.if_any(rare, lambda: near + k.select(rare, LOG_TWO, 0.0), near, likely=False)


FORMULAS = {
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "asinh": asinh,
    "acosh": acosh,
    "atanh": atanh,
}
