"""asin, acos, atan and atan2, in radians.

float32 is evaluated in float64 with shorter polynomials. Polynomials are Chebyshev fits by
benchmarks/fit_polynomials.py, which names them as they are named here.
"""

from __future__ import annotations

import math

from .math_kernel import BINARY32, BINARY64, Format, Kernel, Mask, Real
from .math_power import is_sign_set
from .math_trigonometric import HALF_PI, in_float64

# (asin x - x) / x^3 in x^2, for |x| <= 1/2.
ASIN = {
    BINARY32: (
        0.1666666633734196,
        0.07500094565245742,
        0.04459939329776519,
        0.031100769188565216,
        0.01714868639721377,
        0.0336918349451055,
    ),
    BINARY64: (
        0.16666666666666669,
        0.07499999999998432,
        0.04464285714635722,
        0.030381944138386928,
        0.022372172948124706,
        0.017352392575609256,
        0.013971215203097548,
        0.011479154971005417,
        0.010322964581482783,
        0.00545684446329315,
        0.017402725959689853,
        -0.014854837699421995,
        0.028759909742471623,
    ),
}

# (atan x - x) / x^3 in x^2, for |x| <= tan(pi/8) = sqrt 2 - 1.
ATAN = {
    BINARY32: (
        -0.33333331761161183,
        0.1999954048196227,
        -0.14263955539545425,
        0.10743730859149465,
        -0.06451926114689661,
    ),
    BINARY64: (
        -0.3333333333333333,
        0.1999999999999552,
        -0.14285714284666534,
        0.11111111015255669,
        -0.09090904578095735,
        0.07692183190171728,
        -0.06664511438164644,
        0.05858148832731273,
        -0.05085449318930035,
        0.039231646190551486,
        -0.019176872294336067,
    ),
}

TAN_EIGHTH_PI = math.sqrt(2.0) - 1.0
TAN_THREE_EIGHTHS_PI = math.sqrt(2.0) + 1.0


def half_angle(k: Kernel, x: Real, format: Format) -> tuple[Real, Real, Mask]:
    """s and t with asin |x| = s + t where |x| < 1/2, and asin |x| = pi/2 - 2 (s + t) elsewhere:
    there s = sqrt((1 - |x|) / 2). The mask says where |x| < 1/2."""
    a = abs(x)
    is_small = a < 0.5
    half = (1.0 - a) * 0.5
    z = k.select(is_small, a * a, half)
    root = k.sqrt(half)
    s = k.select(is_small, a, root)
    tail = s * z * k.polynomial(z, ASIN[format])
    if format is BINARY64:
        root_error = k.exact_remainder(half, root, root) / k.at_least(root * 2.0, format.tiny)
        tail = tail + k.select(is_small, 0.0, root_error)
    return s, tail, is_small


def asin(k: Kernel, x: Real) -> Real:
    """asin |x| with the sign of x; nan for |x| > 1."""
    return in_float64(k, x, _asin)


def _asin(k: Kernel, x: Real, format: Format) -> Real:
    s, t, is_small = half_angle(k, x, format)
    large, error = k.fast_two_sum(k.real(HALF_PI[0]), s * -2.0)
    large = large + (error + k.fma(t, -2.0, HALF_PI[1]))
    result = k.copysign(k.select(is_small, s + t, large), x)
    return k.select(abs(x) < 2.0**-30, x, result)


def acos(k: Kernel, x: Real) -> Real:
    """pi/2 - asin x for |x| < 1/2, else 2 asin(s) or pi - 2 asin(s); nan for |x| > 1."""
    return in_float64(k, x, _acos)


def _acos(k: Kernel, x: Real, format: Format) -> Real:
    s, t, is_small = half_angle(k, x, format)
    is_negative = x < 0.0
    # base - (factor s + factor t)
    factor = k.select(is_small, k.copysign(1.0, x), k.select(is_negative, 2.0, -2.0))
    base = k.select(is_small, 1.0, k.select(is_negative, 2.0, 0.0))
    # The subtrahend is greater where the base is 0, and then nothing is rounded.
    total, error = k.two_sum(base * HALF_PI[0], -(factor * s))
    return total + (error + k.fma(-factor, t, base * HALF_PI[1]))


def atan_of_ratio(k: Kernel, n: Real, d: Real, format: Format) -> tuple[Real, Real]:
    """atan(n / d) as a sum of two floats, for n, d >= 0 not both 0, of moderate size.

    n / d is brought below tan(pi/8) by atan(n / d) = pi/4 + atan((n - d) / (n + d)) or
    pi/2 - atan(d / n).
    """
    is_middle, is_steep = n > d * TAN_EIGHTH_PI, n > d * TAN_THREE_EIGHTHS_PI
    # Rounding errors of the sum and the difference are worth keeping only in float64.
    total, total_low = k.two_sum(n, d)
    difference, difference_low = k.two_sum(n, -d)
    numerator = k.select(is_steep, -d, k.select(is_middle, difference, n))
    denominator = k.select(is_steep, n, k.select(is_middle, total, d))
    in_middle = is_middle & ~is_steep
    one_over = 1.0 / denominator
    t = numerator * one_over
    error = k.exact_remainder(numerator, t, denominator)
    error = error + k.select(in_middle, k.fma(-t, total_low, difference_low), 0.0)
    t_low = error * one_over
    quarters = k.select(is_steep, 1.0, k.select(is_middle, 0.5, 0.0))
    z = t * t
    low = k.fma(quarters, HALF_PI[1], t_low)
    tail = k.fma(t * z, k.polynomial(z, ATAN[format]), low)
    total, total_low = k.fast_two_sum(quarters * HALF_PI[0], t)
    return total, total_low + tail


def atan(k: Kernel, x: Real) -> Real:
    """atan |x| with the sign of x."""
    return in_float64(k, x, _atan)


def _atan(k: Kernel, x: Real, format: Format) -> Real:
    angle, low = atan_of_ratio(k, k.at_most(abs(x), 2.0**60), k.real(1.0), format)
    result = k.copysign(angle + low, x)
    return k.select(abs(x) < 2.0**-30, x, result)


def atan2(k: Kernel, y: Real, x: Real) -> Real:
    """Angle of the point (x, y), from -pi to pi; IEEE 754's values at zeros and infinities."""
    if k.format is BINARY64:
        return _atan2(k, y, x, BINARY64)
    wide = k.of_format(BINARY64)
    return wide.convert(_atan2(wide, k.convert(y, wide), k.convert(x, wide), BINARY32), k)


def _atan2(k: Kernel, y: Real, x: Real, format: Format) -> Real:
    n, d = abs(y), abs(x)
    # Of two infinities each counts 1; of one, it counts 1 and the other 0.
    infinite = n.equals(math.inf) | d.equals(math.inf)
    defined = ~(n.is_nan() | d.is_nan())
    n = k.select(infinite, k.select(n.equals(math.inf), 1.0, 0.0), n)
    d = k.select(infinite, k.select(d.equals(math.inf), 1.0, 0.0), d)
    largest = k.select(n > d, n, d)
    scale = k.select(largest > 2.0**900, 2.0**-200, k.select(largest < 2.0**-800, 2.0**200, 1.0))
    n, d = n * scale, d * scale
    d = k.select(largest.equals(0.0), 1.0, d)
    angle, low = atan_of_ratio(k, n, d, format)
    # Left of the axis: pi - angle.
    left, left_low = k.fast_two_sum(k.real(2.0 * HALF_PI[0]), -angle)
    left = left + (left_low + (2.0 * HALF_PI[1] - low))
    result = k.copysign(k.select(is_sign_set(k, x), left, angle + low), y)
    return k.select(defined, result, math.nan)


FORMULAS = {"asin": asin, "acos": acos, "atan": atan, "atan2": atan2}
