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
ONE_OVER_PI = 0.3183098861837907

# pi / 2 in three parts of 53 bits (Cody and Waite).
HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)

# The same in parts of 24 bits.
HALF_PI_BINARY32 = (1.570796251296997, 7.549789415861596e-08, 5.390302529957765e-15)

HUGE = 2.0**28
"""Beyond this multiples of pi/2 are taken away by Payne and Hanek's method."""

FAR = 2.0**17
"""Beyond this the remainders of float32 by multiples of pi/2 are taken in float64."""

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


# (sin r - r) / r^3 in r^2 for |r| <= pi / 2, and (tan r - r) / r^3 for |r| <= pi / 4: for float32.
SIN_HALF_TURN = (
    -0.1666666666388122,
    0.008333332768750857,
    -0.00019841086560817362,
    2.753646351256283e-06,
    -2.4080189275224565e-08,
)
TAN = (
    0.3333333397946845,
    0.13333230942921667,
    0.053994465108292616,
    0.021621124371143018,
    0.00996215766086085,
    0.0011853046192592533,
    0.003843149886137479,
)


def subtract_half_pis(
    k: Kernel, x: Real, n: Real, parts: tuple[float, float, float]
) -> tuple[Real, Real]:
    """x - n pi/2 as r + r_low, for integers n and pi/2 in `parts` (p1, p2, p3) that leave |r| < 1.

    x - n p1 is exact, for it is a multiple of the last place of p1 (or of x, if that is finer) and
    less than 1; the rounding errors of the next step are kept.
    """
    first = k.exact_remainder(x, n, parts[0])
    product, product_low = k.two_product(n, parts[1])
    r, r_low = k.two_sum(first, -product)
    return r, k.fma(-n, parts[2], r_low - product_low)


def reduce_quarter(k: Kernel, x: Real) -> tuple[Bits, Real, Real]:
    """n, r, r_low with x = n pi/2 + r + r_low, n an integer (its low bits) and |r| <= pi/4."""
    n = k.round(x * TWO_OVER_PI)
    is_huge = (abs(x) > HUGE) & (abs(x) < math.inf)
    r, r_low = subtract_half_pis(k, x, n, HALF_PI)
    n, r, r_low = k.patch_lanes(is_huge, "huge_remainder", [x], [n, r, r_low])
    return (n + k.format.round_magic).bits(), r, r_low


def reduce_single(k: Kernel, x: Real, turns: int, offset: float) -> tuple[Bits, Real]:
    """n and r in float64 with x = (n - offset) turns pi/2 + r for x of float32: n an integer (its
    low bits), and |r| <= turns pi/4. `turns` is 1 or 2, and `offset` 0 or 1/2."""
    wide = k.of_format(BINARY64)
    is_huge = k.is_between(abs(x), HUGE, math.inf)
    x = k.convert(x, wide)
    per_turn = TWO_OVER_PI / turns
    n = wide.round(wide.fma(x, per_turn, offset) if offset else x * per_turn)
    whole = n - offset if offset else n
    r = wide.exact_remainder(x, whole, turns * HALF_PI[0])
    r = wide.fma(-whole, turns * HALF_PI[1], r)
    routine = "huge_remainder" if turns == 1 else "huge_cosine" if offset else "huge_sine"
    n, r = wide.patch_lanes(is_huge, routine, [x], [n, r])
    return (n + wide.format.round_magic).bits(), r


def huge_sine(k: Kernel, x: Real) -> list[Real]:
    """Scalar n, r with x = (2 i + n) pi + r."""
    n, r, _ = huge_remainder(k, x)
    return to_half_turns(k, n, r)


def huge_cosine(k: Kernel, x: Real) -> list[Real]:
    """Scalar n, r with x = (2 i + n - 1/2) pi + r."""
    n, r, _ = huge_remainder(k, x)
    return to_half_turns(k, n + 1.0, r)


def to_half_turns(k: Kernel, n: Real, r: Real) -> list[Real]:
    """m, s with n pi/2 + r = m pi + s and |s| <= pi/2, for |r| <= pi/4."""
    is_odd = ~k.round(n * 0.5).equals(n * 0.5)
    sign = k.select(is_odd, k.copysign(1.0, r), 0.0)
    return [(n + sign) * 0.5, r - sign * HALF_PI[0]]


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
    n, r, r_low = reduce_quarter(k, x)
    sine, cosine = sin_and_cos(k, r, r_low, BINARY64)
    is_odd = (n & 1).equals(1)
    first, second = k.select(is_odd, cosine, sine), k.select(is_odd, sine, cosine)
    first = k.select(abs(x) < 2.0**-30, x, flip_sign(first, n >> 1))
    return first, flip_sign(second, (n + 1) >> 1)


def sin(k: Kernel, x: Real) -> Real:
    """With x = n pi/2 + r: sin r, cos r, -sin r, -cos r as n mod 4 is 0, 1, 2, 3. In float32 with
    x = n pi + r: sin r or -sin r."""
    if k.format is BINARY32:
        return single_sine(k, x, 0.0)
    n, r, r_low = reduce_quarter(k, x)
    sine, cosine = sin_and_cos(k, r, r_low, BINARY64)
    result = flip_sign(k.select((n & 1).equals(1), cosine, sine), n >> 1)
    return k.select(abs(x) < 2.0**-30, x, result)


def cos(k: Kernel, x: Real) -> Real:
    """With x = n pi/2 + r: cos r, -sin r, -cos r, sin r as n mod 4 is 0, 1, 2, 3. In float32 with
    x = (n - 1/2) pi + r: sin r or -sin r."""
    if k.format is BINARY32:
        return single_sine(k, x, 0.5)
    n, r, r_low = reduce_quarter(k, x)
    sine, cosine = sin_and_cos(k, r, r_low, BINARY64)
    return flip_sign(k.select((n & 1).equals(1), sine, cosine), (n + 1) >> 1)


def single_sine(k: Kernel, x: Real, offset: float) -> Real:
    """sin(x + offset pi) of float32, evaluated in float64."""
    n, r = reduce_single(k, x, 2, offset)
    wide = r.kernel
    z = r * r
    sine = r * wide.fma(z, wide.short_polynomial(z, SIN_HALF_TURN), 1.0)
    return wide.convert(flip_sign(sine, n), k)


def tan(k: Kernel, x: Real) -> Real:
    """With x = n pi/2 + r: sin r / cos r for even n, else -cos r / sin r."""
    if k.format is BINARY32:
        return single_tangent(k, x)
    n, r, r_low = reduce_quarter(k, x)
    sine_parts, cosine_parts = sin_and_cos_in_parts(k, r, r_low, BINARY64)
    sine, sine_low = k.fast_two_sum(*sine_parts)
    cosine, cosine_low = k.fast_two_sum(*cosine_parts)
    is_odd = (n & 1).equals(1)
    a, b = k.select(is_odd, -cosine, sine), k.select(is_odd, sine, cosine)
    # What the quotient misses, by its own rounding and that of sine and cosine.
    a_low, b_low = k.select(is_odd, -cosine_low, sine_low), k.select(is_odd, sine_low, cosine_low)
    one_over = 1.0 / b
    quotient = a * one_over
    missing = k.exact_remainder(a, quotient, b) + k.fma(-quotient, b_low, a_low)
    result = k.fma(missing, one_over, quotient)
    return k.select(abs(x) < 2.0**-30, x, result)


def single_tangent(k: Kernel, x: Real) -> Real:
    """tan(r + r_low) for even n, else its negative reciprocal, in float32 but for large x."""
    magic = k.format.round_magic
    shifted = k.fma(x, TWO_OVER_PI, magic)
    r, r_low = subtract_half_pis(k, x, shifted - magic, HALF_PI_BINARY32)
    is_far = k.is_between(abs(x), FAR, math.inf)

    def of_far() -> list[Real]:
        turns, remainder = reduce_single(k, x, 1, 0.0)
        wide = remainder.kernel
        odd = wide.select((turns & 1).equals(1), 1.0, 0.0)
        high = wide.convert(remainder, k)
        far = wide.convert(odd, k) + magic, high, wide.convert(remainder - k.convert(high, wide), k)
        return [k.select(is_far, a, b) for a, b in zip(far, (shifted, r, r_low), strict=True)]

    shifted, r, r_low = k.all_if_any(is_far, of_far, [shifted, r, r_low], likely=False)
    z = r * r
    tail = k.fma(r * z, k.short_polynomial(z, TAN), k.fma(z, r_low, r_low))
    tangent, tangent_low = k.fast_two_sum(r, tail)
    one_over = -1.0 / tangent
    turned = k.fma(one_over * tangent_low, one_over, one_over)
    result = k.select((shifted.bits() & 1).equals(1), turned, tangent)
    return k.select(abs(x) < 2.0**-13, x, result)


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
SCALAR_ROUTINES = {
    "huge_remainder": (huge_remainder, 3),
    "huge_sine": (huge_sine, 2),
    "huge_cosine": (huge_cosine, 2),
}
"""Name -> (body, number of results) of scalar float64 functions for rare lanes."""
