"""Hyperbolic functions, by exp and log of the same format.

Polynomials are Chebyshev fits by benchmarks/fit_polynomials.py, which names them as they are named
here.
"""

from __future__ import annotations

import math

from .math_exponential import EXP_RANGE, exp_in_range, exp_of_sum, log1p_of_sum
from .math_kernel import BINARY32, BINARY64, Kernel, Mask, Real

# P and Q with tanh x = x + x^3 P(x^2) / Q(x^2), for |x| <= 0.625 (Moshier, Cephes, tanh.c).
TANH_NUMERATOR = (-1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1)
TANH_DENOMINATOR = (
    4.84406305325125486048e3,
    2.23548839060100448583e3,
    1.12811678491632931402e2,
    1.0,
)

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

LOG_TWO = math.log(2.0)


def tanh(k: Kernel, x: Real) -> Real:
    """x + x^3 P(x^2) / Q(x^2) near 0, else 1 - 2 / (e^(2 |x|) + 1) with the sign of x, which is 1
    to all digits from 20 on; by one division."""
    magnitude = abs(x)
    is_near = magnitude < 0.625
    z = magnitude * magnitude
    e = exp_in_range(k, k.at_most(magnitude * 2.0, 20.0 if k.format is BINARY32 else 44.0))
    numerator = k.select(is_near, magnitude * z * k.polynomial(z, TANH_NUMERATOR), -2.0)
    denominator = k.select(is_near, k.polynomial(z, TANH_DENOMINATOR), e + 1.0)
    result = k.select(is_near, magnitude, 1.0) + numerator / denominator
    return k.copysign(result, x)


def sinh(k: Kernel, x: Real) -> Real:
    """x + x^3 P(x^2) near 0, else (e^|x| - e^-|x|) / 2 with the sign of x."""
    magnitude = abs(x)
    z = x * x
    near = k.fma(x * z, k.polynomial(z, SINH[k.format]), x)
    half = half_exp(k, magnitude)
    far = k.copysign(half - 0.25 / half, x)
    result = k.select(magnitude < 1.0, near, far)
    return k.select(magnitude < k.format.tiny, x, result)


def cosh(k: Kernel, x: Real) -> Real:
    """(e^|x| + e^-|x|) / 2."""
    half = half_exp(k, abs(x))
    return half + 0.25 / half


def half_exp(k: Kernel, x: Real) -> Real:
    """e^x / 2 for x >= 0, which overflows where sinh and cosh do."""
    return exp_of_sum(k, k.at_most(x, EXP_RANGE[k.format][1]), shift=-1)


def asinh(k: Kernel, x: Real) -> Real:
    """log1p(a + a^2 / (1 + sqrt(1 + a^2))) with a = |x|, and the sign of x; log 2 + log a for
    large a."""
    magnitude = abs(x)
    is_large = magnitude > large_bound(k)
    a = k.select(is_large, 0.0, magnitude)
    square = a * a
    t, t_low = k.fast_two_sum(a, square / (k.sqrt(square + 1.0) + 1.0))
    result = log1p_or_log(k, t, t_low, magnitude, is_large)
    result = k.copysign(result, x)
    return k.select(magnitude < k.format.tiny, x, result)


def acosh(k: Kernel, x: Real) -> Real:
    """log1p(t + sqrt(t (t + 2))) with t = x - 1; log 2 + log x for large x; nan for x < 1."""
    is_large = x > large_bound(k)
    t, t_low = k.two_sum(k.select(is_large, 1.0, x), k.real(-1.0))
    product, product_low = k.two_product(t, t + 2.0)
    root = k.sqrt(product)
    # t + 2 is rounded by less than an ulp of the root; its own error and the product's go here.
    correction = product_low + t * ((2.0 - ((t + 2.0) - t)) + t_low * 2.0)
    error = (k.exact_remainder(product, root, root) + correction) / k.at_least(
        root * 2.0, k.format.tiny
    )
    u, u_low = k.two_sum(root, t)
    result = log1p_or_log(k, u, u_low + (error + t_low), x, is_large)
    return k.select(x < 1.0, math.nan, result)


def atanh(k: Kernel, x: Real) -> Real:
    """log1p(2 a / (1 - a)) / 2 with a = |x|, and the sign of x; inf for 1, nan beyond."""
    a = abs(x)
    d, d_low = k.fast_two_sum(k.real(1.0), -a)
    one_over = 1.0 / d
    q = a * 2.0 * one_over
    q_low = (k.exact_remainder(a * 2.0, q, d) - q * d_low) * one_over
    result = log1p_of_sum(k, q, q_low) * 0.5
    result = k.select(a.equals(1.0), math.inf, k.select(a > 1.0, math.nan, result))
    result = k.copysign(result, x)
    return k.select(a < 2.0 ** -(k.format.mantissa // 2 + 2), x, result)


def large_bound(k: Kernel) -> float:
    """Beyond this sqrt(x^2 + 1) = x and sqrt(x^2 - 1) = x to all digits."""
    return 2.0 ** (k.format.mantissa // 2 + 2)


def log1p_or_log(k: Kernel, t: Real, t_low: Real, x: Real, is_large: Mask) -> Real:
    """log(1 + t + t_low); log(2 x) where `is_large`."""
    t = k.select(is_large, x - 1.0, t)
    t_low = k.select(is_large, 0.0, t_low)
    result = log1p_of_sum(k, t, t_low)
    return result + k.select(is_large, LOG_TWO, 0.0)


FORMULAS = {
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "asinh": asinh,
    "acosh": acosh,
    "atanh": atanh,
}
