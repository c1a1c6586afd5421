"""Trigonometric functions and their inverses, in radians.

float32 is evaluated in float64 with shorter polynomials. Polynomials are Chebyshev fits by
benchmarks/fit_polynomials.py, which names them as they are named here.
"""

from __future__ import annotations

from .math_kernel import BINARY32, BINARY64, Bits, Format, Kernel, Real

TWO_OVER_PI = 0.6366197723675814

# pi / 2 in three parts of 53 bits (Cody and Waite).
HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)

# (sin r - r) / r^3 and (cos r - 1 + r^2/2) / r^4 in r^2, for |r| <= pi / 4.
SIN = {
    BINARY32: (-0.16666664662299815, 0.008332748267799582, -0.0001958789026895342),
    BINARY64: (
        -0.16666666666666666,
        0.008333333333330948,
        -0.0001984126983675853,
        2.7557316102529747e-06,
        -2.5051131840273875e-08,
        1.5918128954107197e-10,
    ),
}
COS = {
    BINARY32: (0.041666664659487616, -0.0013888303033058956, 2.4547941472323855e-05),
    BINARY64: (
        0.041666666666666664,
        -0.0013888888888887398,
        2.4801587298765662e-05,
        -2.7557317271715595e-07,
        2.087614626544433e-09,
        -1.1382632212345609e-11,
    ),
}


def subtract_half_pis(k: Kernel, x: Real, n: Real) -> tuple[Real, Real]:
    """x - n pi/2 as r + r_low, for integers |n| < 2^30 that leave |r| < 1.

    x - n p1 is exact, for it is a multiple of 2^-53 and less than 1; the rounding errors of the
    next two steps are kept.
    """
    first = k.exact_remainder(x, n, HALF_PI[0])
    product, product_low = k.two_product(n, HALF_PI[1])
    r, r_low = k.two_sum(first, -product)
    return k.fast_two_sum(r, (r_low - product_low) - n * HALF_PI[2])


def reduce_quarter(k: Kernel, x: Real) -> tuple[Bits, Real, Real]:
    """n, r, r_low with x = n pi/2 + r + r_low, n an integer (its low bits) and |r| <= pi/4."""
    n, bits = k.rounded_exponent(x * TWO_OVER_PI, 0)
    return bits, *subtract_half_pis(k, x, n)


def sin_and_cos(k: Kernel, r: Real, r_low: Real, format: Format) -> tuple[Real, Real]:
    """sin and cos of r + r_low for |r| <= pi / 4, as in fdlibm: r + (r^3 S(r^2) + r_low cos r) and
    (1 - r^2/2) + (r^4 C(r^2) - r r_low), the rounding error of 1 - r^2/2 kept."""
    z = r * r
    half = z * 0.5
    one_minus = 1.0 - half
    rounding = (1.0 - one_minus) - half
    sine = r + k.fma(r * z, k.polynomial(z, SIN[format]), r_low * one_minus)
    tail = k.fma(-r, r_low, rounding)
    return sine, one_minus + k.fma(z * z, k.polynomial(z, COS[format]), tail)


def sin(k: Kernel, x: Real) -> Real:
    """With x = n pi/2 + r: sin r, cos r, -sin r, -cos r as n mod 4 is 0, 1, 2, 3."""
    return in_float64(k, x, _sin)


def _sin(k: Kernel, x: Real, format: Format) -> Real:
    n, r, r_low = reduce_quarter(k, x)
    sine, cosine = sin_and_cos(k, r, r_low, format)
    result = flip_sign(k.select((n & 1).equals(1), cosine, sine), n >> 1)
    return k.select(abs(x) < 2.0**-30, x, result)


def cos(k: Kernel, x: Real) -> Real:
    """With x = n pi/2 + r: cos r, -sin r, -cos r, sin r as n mod 4 is 0, 1, 2, 3."""
    return in_float64(k, x, _cos)


def _cos(k: Kernel, x: Real, format: Format) -> Real:
    n, r, r_low = reduce_quarter(k, x)
    sine, cosine = sin_and_cos(k, r, r_low, format)
    return flip_sign(k.select((n & 1).equals(1), sine, cosine), (n + 1) >> 1)


def tan(k: Kernel, x: Real) -> Real:
    """With x = n pi/2 + r: sin r / cos r for even n, else -cos r / sin r."""
    return in_float64(k, x, _tan)


def _tan(k: Kernel, x: Real, format: Format) -> Real:
    n, r, r_low = reduce_quarter(k, x)
    sine, cosine = sin_and_cos(k, r, r_low, format)
    is_odd = (n & 1).equals(1)
    result = k.select(is_odd, -cosine, sine) / k.select(is_odd, sine, cosine)
    return k.select(abs(x) < 2.0**-30, x, result)


def flip_sign(x: Real, parity: Bits) -> Real:
    """`x`, negated where the lowest bit of `parity` is 1."""
    return (x.bits() ^ (parity << 63)).real()


def in_float64(k: Kernel, x: Real, formula) -> Real:
    """`formula(kernel, x, format)` in float64 to the accuracy of the format of `k`."""
    if k.format is BINARY64:
        return formula(k, x, BINARY64)
    wide = k.of_format(BINARY64)
    return wide.narrow(formula(wide, k.widen(x, wide), BINARY32), k)


FORMULAS = {"sin": sin, "cos": cos, "tan": tan}
