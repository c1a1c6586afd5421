"""asin, acos, atan and atan2, in radians.

Polynomials are Chebyshev fits by benchmarks/fit_polynomials.py, which names them as they are named
here.
"""

from __future__ import annotations

import math

from .math_kernel import BINARY32, BINARY64, Kernel, Mask, Real
from .math_power import is_sign_set
from .math_trigonometric import HALF_PI

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

# (atan x - x) / x^3 in x^2, for |x| <= tan(pi/8) = sqrt 2 - 1 (float32: 1).
ATAN = {
    BINARY32: (
        -0.33333331733053034,
        0.19999739328387223,
        -0.14278568715462694,
        0.1103376383420339,
        -0.08656879249439657,
        0.06250166761196763,
        -0.03587150530541425,
        0.013507749488432466,
        -0.0023869915270667012,
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


PI_PARTS = {
    BINARY32: (3.1415927410125732, -8.742277657347586e-08),
    BINARY64: (2 * HALF_PI[0], 2 * HALF_PI[1]),
}
"""pi in two parts."""


def half_angle(k: Kernel, x: Real) -> tuple[Real, Real, Mask]:
    """s and t with asin |x| = s + t where |x| < 1/2, and asin |x| = pi/2 - 2 (s + t) elsewhere:
    there s = sqrt((1 - |x|) / 2). The mask says where |x| < 1/2."""
    a = abs(x)
    is_small = a < 0.5
    half = (1.0 - a) * 0.5
    z = k.select(is_small, a * a, half)
    root = k.sqrt(half)
    s = k.select(is_small, a, root)
    tail = s * z * k.short_polynomial(z, ASIN[k.format])
    root_error = k.exact_remainder(half, root, root) * 0.5 * k.rough_reciprocal(root)
    return s, tail + k.select(is_small, 0.0, root_error), is_small


def asin(k: Kernel, x: Real) -> Real:
    """asin |x| with the sign of x; nan for |x| > 1."""
    s, t, is_small = half_angle(k, x)
    pi, pi_low = PI_PARTS[k.format]
    large, error = k.fast_two_sum(k.real(pi / 2), s * -2.0)
    large = large + (error + k.fma(t, -2.0, pi_low / 2))
    return k.copysign(k.select(is_small, s + t, large), x)


def acos(k: Kernel, x: Real) -> Real:
    """pi/2 - asin x for |x| < 1/2, else 2 asin(s) or pi - 2 asin(s); nan for |x| > 1."""
    s, t, is_small = half_angle(k, x)
    pi, pi_low = PI_PARTS[k.format]
    is_negative = x < 0.0
    # base - (factor s + factor t)
    factor = k.select(is_small, k.copysign(1.0, x), k.select(is_negative, 2.0, -2.0))
    base = k.select(is_small, 0.5, k.select(is_negative, 1.0, 0.0))
    # The subtrahend is greater where the base is 0, and then nothing is rounded.
    total, error = k.two_sum(base * pi, -(factor * s))
    return total + (error + k.fma(-factor, t, base * pi_low))


def atan_of_ratio(k: Kernel, n: Real, d: Real) -> tuple[Real, Real]:
    """atan(n / d) as a sum of two floats, for n, d >= 0 not both 0, of moderate size.

    n / d is brought below 1 by atan(n / d) = pi/2 - atan(d / n), and in float64 below tan(pi/8) by
    atan(n / d) = pi/4 + atan((n - d) / (n + d)).
    """
    is_single = k.format is BINARY32
    is_steep = n > (d if is_single else d * TAN_THREE_EIGHTHS_PI)
    numerator, denominator = k.select(is_steep, -d, n), k.select(is_steep, n, d)
    quarters = k.select(is_steep, 1.0, 0.0)
    missing = None
    if not is_single:
        in_middle = (n > d * TAN_EIGHTH_PI) & ~is_steep
        total, total_low = k.two_sum(n, d)
        difference, difference_low = k.two_sum(n, -d)
        numerator = k.select(in_middle, difference, numerator)
        denominator = k.select(in_middle, total, denominator)
        quarters = k.select(in_middle, 0.5, quarters)
        missing = total_low, difference_low, in_middle
    one_over = 1.0 / denominator
    t = numerator * one_over
    error = k.exact_remainder(numerator, t, denominator)
    if missing is not None:
        total_low, difference_low, in_middle = missing
        error = error + k.select(in_middle, k.fma(-t, total_low, difference_low), 0.0)
    pi, pi_low = PI_PARTS[k.format]
    z = t * t
    low = k.fma(quarters, pi_low / 2, error * one_over)
    polynomial = k.horner if is_single else k.short_polynomial
    tail = k.fma(t * z, polynomial(z, ATAN[k.format]), low)
    total, total_low = k.fast_two_sum(quarters * (pi / 2), t)
    return total, total_low + tail


def atan(k: Kernel, x: Real) -> Real:
    """atan |x| with the sign of x."""
    angle, low = atan_of_ratio(k, k.at_most(abs(x), 2.0**60), k.real(1.0))
    return k.copysign(angle + low, x)


def atan2(k: Kernel, y: Real, x: Real) -> Real:
    """Angle of the point (x, y), from -pi to pi; IEEE 754's values at zeros and infinities. Points
    that are 0, infinite, or so far that quotients would over- or underflow are scaled, in a branch
    that is not taken while there is none."""
    huge, step = 2.0 ** (k.format.bias * 3 // 4), 2.0 ** (k.format.bias // 4)
    n, d = abs(y), abs(x)
    largest = k.select(n > d, n, d)
    rare = ~k.is_between(largest, 1 / huge, huge) | n.is_nan()

    def scaled() -> list[Real]:
        # Of two infinities each counts 1; of one, it counts 1 and the other 0.
        infinite = largest.equals(math.inf)
        scale = k.select(largest < 1 / huge, step, k.select(largest < huge, 1.0, 1 / step))
        inside = [
            k.select(infinite, k.select(z.equals(math.inf), 1.0, 0.0), z * scale) for z in (n, d)
        ]
        return [inside[0], k.select(largest.equals(0.0), 1.0, inside[1])]

    top, bottom = k.all_if_any(rare, scaled, [n, d], likely=False)
    angle, low = atan_of_ratio(k, top, bottom)
    # Left of the axis: pi - angle.
    pi, pi_low = PI_PARTS[k.format]
    left, left_low = k.fast_two_sum(k.real(pi), -angle)
    left = left + (left_low + (pi_low - low))
    result = k.copysign(k.select(is_sign_set(k, x), left, angle + low), y)

    def undefined() -> Real:
        return k.select(n.is_nan() | d.is_nan(), math.nan, result)

    return k.if_any(rare, undefined, result, likely=False)


FORMULAS = {"asin": asin, "acos": acos, "atan": atan, "atan2": atan2}
