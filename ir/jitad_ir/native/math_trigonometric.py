"""Trigonometric functions and their inverses, in radians.

float32 is evaluated in float64 with shorter polynomials. Polynomials are Chebyshev fits by
benchmarks/fit_polynomials.py, which names them as they are named here.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from llvmlite import ir as ll

from .lanes import F64, I64, call_intrinsic
from .math_kernel import BINARY32, BINARY64, Bits, Format, Kernel, Real

TWO_OVER_PI = 0.6366197723675814

# pi / 2 in three parts of 53 bits (Cody and Waite).
HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)

HUGE = 2.0**28
"""Beyond this multiples of pi/2 are taken away by Payne and Hanek's method."""

# 2/pi after its point, 64 bits a word, most significant first, behind one word of zeros.
TWO_OVER_PI_WORDS = (
    0,
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
)

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


def reduce_quarter(k: Kernel, x: Real, format: Format) -> tuple[Bits, Real, Real | None]:
    """n, r, r_low with x = n pi/2 + r + r_low, n an integer (its low bits) and |r| <= pi/4;
    without r_low if `format` is binary32."""
    n = k.round(x * TWO_OVER_PI)
    is_huge = (abs(x) > HUGE) & (abs(x) < math.inf)
    if format is BINARY32:
        r = k.fma(-n, HALF_PI[1], k.exact_remainder(x, n, HALF_PI[0]))
        n, r = k.patch_lanes(is_huge, "huge_remainder", [x], [n, r])
        return (n + k.format.round_magic).bits(), r, None
    r, r_low = subtract_half_pis(k, x, n)
    n, r, r_low = k.patch_lanes(is_huge, "huge_remainder", [x], [n, r, r_low])
    return (n + k.format.round_magic).bits(), r, r_low


def huge_remainder(k: Kernel, x: Real) -> list[Real]:
    """Scalar n, r, r_low with x = (4 i + n) pi/2 + r + r_low, for |x| > HUGE (Payne and Hanek).

    With |x| = m 2^e, bits of 2/pi that m 2^e makes multiples of 4 are skipped, and the next 192
    multiplied by m modulo 2^192. What follows the 2 bits of the quadrant is the fraction, of which
    at most 62 bits are zero.
    """
    builder = k.builder
    i128 = ll.IntType(128)

    def word(value: int) -> ll.Constant:
        return ll.Constant(I64, value)

    def wide(value: ll.Value) -> ll.Value:
        return builder.zext(value, i128)

    bits = abs(x).bits().value
    mantissa = builder.or_(builder.and_(bits, word((1 << 52) - 1)), word(1 << 52))
    # The table starts with 64 zeros, so its bit e + 62 = (exponent - 1075) + 62 has weight
    # 2^(1 - e).
    position = builder.sub(builder.lshr(bits, word(52)), word(1075 - 62))
    first, shift = builder.lshr(position, word(6)), builder.and_(position, word(63))
    table = _two_over_pi_table(builder.module)
    loaded = [
        builder.load(
            builder.gep(table, [word(0), builder.add(first, word(i))], inbounds=True),
            align=8,
            typ=I64,
        )
        for i in range(4)
    ]
    a0, a1, a2 = (
        call_intrinsic(builder, "llvm.fshl", [loaded[i], loaded[i + 1], shift], I64, (I64,))
        for i in range(3)
    )
    m, sixty_four = wide(mantissa), ll.Constant(i128, 64)
    low = builder.lshr(builder.mul(m, wide(a2)), sixty_four)
    middle = builder.add(builder.mul(m, wide(a1)), low)
    high = builder.add(builder.shl(builder.mul(m, wide(a0)), sixty_four), middle)
    # The quadrant is that of the nearest multiple; the fraction after it is then signed: an
    # integer of 53 bits, and 64 more bits that a float may round.
    top = builder.trunc(builder.lshr(high, sixty_four), I64)
    quadrant = builder.and_(builder.lshr(builder.add(top, word(1 << 61)), word(62)), word(3))
    leading = builder.trunc(builder.ashr(high, ll.Constant(i128, 73)), I64)
    # Bits 126 and 127 go away.
    leading = builder.ashr(builder.shl(leading, word(11)), word(11))
    following = builder.trunc(builder.lshr(high, ll.Constant(i128, 9)), I64)
    f, f_low = k.fast_two_sum(
        Real(k, builder.sitofp(leading, F64)), Real(k, builder.uitofp(following, F64)) * 2.0**-64
    )
    # A unit of `leading` is 2^-53 pi/2.
    r, r_low = k.two_product(f, HALF_PI[0] * 2.0**-53)
    r_low = r_low + k.fma(f, HALF_PI[1] * 2.0**-53, f_low * (HALF_PI[0] * 2.0**-53))
    r, r_low = k.fast_two_sum(r, r_low)
    sign = k.copysign(1.0, x)
    return [Real(k, builder.sitofp(quadrant, F64)) * sign, r * sign, r_low * sign]


def _two_over_pi_table(module: ll.Module) -> ll.GlobalVariable:
    name = "jitad.two_over_pi"
    table = module.globals.get(name)
    if table is None:
        table_type = ll.ArrayType(I64, len(TWO_OVER_PI_WORDS))
        table = ll.GlobalVariable(module, table_type, name)
        table.initializer = ll.Constant(table_type, TWO_OVER_PI_WORDS)
        table.linkage = "internal"
        table.global_constant = True
        table.align = 8
    return table


def sin_and_cos(k: Kernel, r: Real, r_low: Real | None, format: Format) -> tuple[Real, Real]:
    """sin and cos of r + r_low for |r| <= pi / 4."""
    (r, sine_tail), (leading, cosine_tail) = sin_and_cos_in_parts(k, r, r_low, format)
    return r + sine_tail, leading + cosine_tail


def sin_and_cos_in_parts(
    k: Kernel, r: Real, r_low: Real | None, format: Format
) -> tuple[tuple[Real, Real], tuple[Real, Real]]:
    """Summands of sin and cos as in fdlibm, the greater first: r and r^3 S(r^2) + r_low cos r;
    1 - r^2/2, and r^4 C(r^2) - r r_low with the rounding error of 1 - r^2/2."""
    z = r * r
    half = z * 0.5
    one_minus = 1.0 - half
    sine, cosine = k.polynomial(z, SIN[format]), k.polynomial(z, COS[format])
    if r_low is None:
        return (r, r * z * sine), (one_minus, z * z * cosine)
    rounding = (1.0 - one_minus) - half
    sine_tail = k.fma(r * z, sine, r_low * one_minus)
    cosine_tail = k.fma(z * z, cosine, k.fma(-r, r_low, rounding))
    return (r, sine_tail), (one_minus, cosine_tail)


def sincos(k: Kernel, x: Real) -> tuple[Real, Real]:
    """sin x and cos x of float64 by one reduction."""
    n, r, r_low = reduce_quarter(k, x, BINARY64)
    sine, cosine = sin_and_cos(k, r, r_low, BINARY64)
    is_odd = (n & 1).equals(1)
    first, second = k.select(is_odd, cosine, sine), k.select(is_odd, sine, cosine)
    first = k.select(abs(x) < 2.0**-30, x, flip_sign(first, n >> 1))
    return first, flip_sign(second, (n + 1) >> 1)


def sin(k: Kernel, x: Real) -> Real:
    """With x = n pi/2 + r: sin r, cos r, -sin r, -cos r as n mod 4 is 0, 1, 2, 3."""
    return in_float64(k, x, _sin)


def _sin(k: Kernel, x: Real, format: Format) -> Real:
    n, r, r_low = reduce_quarter(k, x, format)
    sine, cosine = sin_and_cos(k, r, r_low, format)
    result = flip_sign(k.select((n & 1).equals(1), cosine, sine), n >> 1)
    return k.select(abs(x) < 2.0**-30, x, result)


def cos(k: Kernel, x: Real) -> Real:
    """With x = n pi/2 + r: cos r, -sin r, -cos r, sin r as n mod 4 is 0, 1, 2, 3."""
    return in_float64(k, x, _cos)


def _cos(k: Kernel, x: Real, format: Format) -> Real:
    n, r, r_low = reduce_quarter(k, x, format)
    sine, cosine = sin_and_cos(k, r, r_low, format)
    return flip_sign(k.select((n & 1).equals(1), sine, cosine), (n + 1) >> 1)


def tan(k: Kernel, x: Real) -> Real:
    """With x = n pi/2 + r: sin r / cos r for even n, else -cos r / sin r."""
    return in_float64(k, x, _tan)


def _tan(k: Kernel, x: Real, format: Format) -> Real:
    n, r, r_low = reduce_quarter(k, x, format)
    sine_parts, cosine_parts = sin_and_cos_in_parts(k, r, r_low, format)
    sine, sine_low = k.fast_two_sum(*sine_parts)
    cosine, cosine_low = k.fast_two_sum(*cosine_parts)
    is_odd = (n & 1).equals(1)
    a, b = k.select(is_odd, -cosine, sine), k.select(is_odd, sine, cosine)
    if format is BINARY32:
        result = a / b
    else:
        # What the quotient misses, by its own rounding and that of sine and cosine.
        a_low, b_low = (
            k.select(is_odd, -cosine_low, sine_low),
            k.select(is_odd, sine_low, cosine_low),
        )
        one_over = 1.0 / b
        quotient = a * one_over
        missing = k.exact_remainder(a, quotient, b) + k.fma(-quotient, b_low, a_low)
        result = k.fma(missing, one_over, quotient)
    return k.select(abs(x) < 2.0**-30, x, result)


def flip_sign(x: Real, parity: Bits) -> Real:
    """`x`, negated where the lowest bit of `parity` is 1."""
    return (x.bits() ^ (parity << 63)).real()


def in_float64(k: Kernel, x: Real, formula: Callable[[Kernel, Real, Format], Real]) -> Real:
    """`formula(kernel, x, format)` in float64 to the accuracy of the format of `k`."""
    if k.format is BINARY64:
        return formula(k, x, BINARY64)
    wide = k.of_format(BINARY64)
    return wide.convert(formula(wide, k.convert(x, wide), BINARY32), k)


FORMULAS = {"sin": sin, "cos": cos, "tan": tan}
SCALAR_ROUTINES = {"huge_remainder": (huge_remainder, 3)}
"""Name -> (body, number of results) of scalar float64 functions for rare lanes."""
