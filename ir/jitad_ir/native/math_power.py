"""Powers and roots, remainder, and neighbouring floats.

Polynomials are Chebyshev fits by benchmarks/fit_polynomials.py, which names them as they are named
here.
"""

from __future__ import annotations

import math

from llvmlite import ir as ll

from .lanes import F64, I64, splat_constant
from .math_exponential import (
    EXP2,
    EXP2_RANGE,
    EXP_RANGE,
    clamp,
    exp_in_two_parts,
    lifted,
    reduce_exp,
    split_bits,
    split_exponent,
)
from .math_kernel import BINARY32, BINARY64, Bits, Kernel, Mask, Real
from .math_log_table import log_in_two_parts

# ((1 - w)^(-1/3) - 1) / w for |w| <= 0.0955.
CBRT = {
    BINARY32: (
        0.3333333333333333,
        0.22321265559423953,
        0.1736980812934351,
    ),
    BINARY64: (
        0.333332025860213,
        0.22222105975656475,
        0.17398532903886993,
        0.14505163616014824,
    ),
}

# log(1 + f) / (f log 2) for sqrt(1/2) <= 1 + f <= sqrt 2.
LOG2_BINARY32 = (
    1.4426950408708787,
    -0.7213475209631687,
    0.48089836017671733,
    -0.36067365531399215,
    0.2885373943318519,
    -0.24045433700915952,
    0.2061728338886743,
    -0.1802710267631534,
    0.15878354600262964,
    -0.14349035717051337,
    0.14495062524946756,
    -0.14144814012857612,
    0.07553804268340854,
)

NORMAL_EXP = 708.0
"""Up to this e^x and e^-x are normal in float64."""


def pow(k: Kernel, x: Real, y: Real) -> Real:
    """x^y = e^(y log x), with the special cases of IEEE 754 (those of `numpy.power`): they
    are looked at in branches that are not taken while x is positive and normal."""
    rare = ~(k.is_ordinary(x) & (abs(y) < math.inf))
    normal = k.if_any(rare, lambda: lifted(k, abs(x)), x, likely=False)
    power = positive_power(k, normal, y)
    return k.if_any(rare, lambda: pow_special(k, x, y, power), power, likely=False)


def positive_power(k: Kernel, x: Real, y: Real) -> Real:
    """e^(y log x) for positive x, normal or `lifted`. float64 needs log x to 64 bits."""
    if k.format is BINARY32:
        return single_power(k, x, y)
    log_x, log_x_low = log_in_two_parts(k, x)
    if not k.has_fma:
        # Beyond, the halves of y overflow; the result is 0, 1 or inf whatever its digits.
        y = clamp(k, y, (-(2.0**80), 2.0**80))
    product, product_low = k.two_product(y, log_x)
    product_low = k.fma(y, log_x_low, product_low)
    is_far = ~(abs(product) < NORMAL_EXP)

    def bounded() -> list[Real]:
        # Far outside the range of exp the low part may be large by itself, or nan.
        low = k.select(abs(product) < 1000.0, product_low, 0.0)
        return [clamp(k, product, EXP_RANGE[BINARY64]), low]

    high, low = k.all_if_any(is_far, bounded, [product, product_low], likely=False)
    reduced = reduce_exp(k, high, low, offset=0)
    leading, rest = exp_in_two_parts(k, reduced)
    power = leading + rest

    def not_normal() -> Real:
        return k.scale_by_two_steps(power, reduced.biased + 2 * k.format.bias)

    return k.if_any(is_far, not_normal, k.scale(power, reduced.biased), likely=False)


def single_power(k: Kernel, x: Real, y: Real) -> Real:
    """2^(y log2 x) in float64, where no power of float32 over- or underflows: with x = 2^n (1 + f),
    log2 x = n + f P(f)."""
    wide = k.of_format(BINARY64)
    n, bits = split_exponent(k, split_bits(k, x))
    f, n = k.convert(bits.real() - 1.0, wide), k.convert(n, wide)
    log2_x = wide.fma(f, wide.polynomial(f, LOG2_BINARY32), n)
    product = clamp(wide, k.convert(y, wide) * log2_x, EXP2_RANGE[BINARY32])
    n, biased = wide.rounded_exponent(product, 0)
    r = product - n
    power = wide.fma(r, wide.polynomial(r, EXP2[BINARY32]), 1.0)
    return wide.convert(wide.scale(power, biased), k)


def pow_special(k: Kernel, x: Real, y: Real, power: Real) -> Real:
    """The value of x^y, given |x|^y for finite positive |x|."""
    magnitude = abs(x)
    # |x| = 0 or inf: 0 if log |x| and y have opposite signs, else inf.
    is_zero, is_inf = magnitude.equals(0.0), magnitude.equals(math.inf)
    shrinks = is_zero ^ (y < 0.0)
    limit = k.select(shrinks, 0.0, math.inf)
    power = k.select(is_zero | is_inf, limit, power)
    # x < 0: odd y flips the sign; y that is not an integer has no power. inf is even.
    is_integer, is_odd = integer_and_odd(k, y)
    is_negative = is_sign_set(k, x)
    power = k.select(is_negative & is_odd, -power, power)
    defined = is_integer | ~(x < 0.0) | is_inf
    power = k.select(defined, power, math.nan)
    power = k.select(x.is_nan() | y.is_nan(), math.nan, power)
    is_one = magnitude.equals(1.0) & abs(y).equals(math.inf)
    return k.select(x.equals(1.0) | y.equals(0.0) | is_one, 1.0, power)


def integer_and_odd(k: Kernel, y: Real) -> tuple[Mask, Mask]:
    """Where y is an integer (or infinite), and where it is an odd one."""
    # 2^(mantissa + 1) and all greater floats are even.
    bounded = k.at_most(abs(y), 2.0 ** (k.format.mantissa + 1))
    is_integer = k.intrinsic("llvm.trunc", bounded).equals(bounded)
    half = bounded * 0.5
    return is_integer, is_integer & ~k.intrinsic("llvm.trunc", half).equals(half)


def is_sign_set(k: Kernel, x: Real) -> Mask:
    """Where the sign bit is set: -0.0 has it."""
    bits = x.bits()
    zero = splat_constant(k.bits_register, 0)
    return Mask(k, k.builder.icmp_signed("<", bits.value, zero))


def cbrt(k: Kernel, x: Real) -> Real:
    """Cube root of a = |x| with the sign of x. With y a root to 3 % and w = 1 - y^3 / a, the root
    is y (1 - w)^(-1/3), by a polynomial; once more, with y^3 - a taken to twice the digits."""
    magnitude = abs(x)
    # Beyond, a cube may overflow.
    huge = 2.0 ** (k.format.bias - 4)
    lift = 2.0 ** (k.format.mantissa // 3 + 1)
    rare = ~k.is_between(magnitude, k.format.tiny, huge)
    is_tiny = magnitude < k.format.tiny

    def scaled() -> Real:
        return magnitude * k.select(is_tiny, lift**3, k.select(magnitude < huge, 1.0, 2.0**-6))

    a = k.if_any(rare, scaled, magnitude, likely=False)
    y = approximate_root(k, a)
    one_over = 1.0 / a
    w = k.fma(y * one_over * y, -y, 1.0)
    y = k.fma(y * w, k.polynomial(w, CBRT[k.format]), y)
    square, square_low = k.two_product(y, y)
    w = k.fma(square_low, -y, k.exact_remainder(a, square, y)) * one_over
    step = k.fma(w, 2 / 9, 1 / 3) if k.format is BINARY64 else k.real(1 / 3)
    root = k.fma(y * w, step, y)

    def special() -> Real:
        unscale = k.select(is_tiny, 1 / lift, k.select(magnitude < huge, 1.0, 4.0))
        is_root = (magnitude > 0.0) & (magnitude < math.inf)
        return k.select(is_root, root * unscale, x)

    return k.copysign(k.if_any(rare, special, root, likely=False), x)


def approximate_root(k: Kernel, a: Real) -> Real:
    """The cube root of a positive normal number, to 3.3 %: a third of its bits, as an integer, and
    two thirds of those of 1. Integers of at most `mantissa` bits lie in the low bits of 2^mantissa
    plus them."""
    mantissa = k.format.mantissa
    cut = k.format.bits - mantissa
    one = 2.0**mantissa
    shifted = ((a.bits() >> cut) | (k.format.bias + mantissa << mantissa)).real()
    root = (2 / 3 * k.format.bias - 0.03485) * 2.0 ** (mantissa - cut)
    return (k.fma(shifted, 1 / 3, one - one / 3 + root).bits() << cut).real()


def hypot(k: Kernel, x: Real, y: Real) -> Real:
    """sqrt(x^2 + y^2) without overflow or underflow on the way; inf if either is infinite."""
    x, y = abs(x), abs(y)
    infinite = x.equals(math.inf) | y.equals(math.inf)
    if k.format is BINARY32:
        wide = k.of_format(BINARY64)
        a, b = k.convert(x, wide), k.convert(y, wide)
        root = wide.convert(wide.sqrt(wide.fma(a, a, b * b)), k)
        return k.select(infinite, math.inf, root)
    larger = k.select(x > y, x, y)
    is_huge, is_tiny = larger > 2.0**500, larger < 2.0**-450
    scale = k.select(is_huge, 2.0**-600, k.select(is_tiny, 2.0**600, 1.0))
    unscale = k.select(is_huge, 2.0**600, k.select(is_tiny, 2.0**-600, 1.0))
    x, y = x * scale, y * scale
    square, square_low = k.two_product(x, x)
    other, other_low = k.two_product(y, y)
    total, total_low = k.two_sum(square, other)
    root = k.sqrt(total + (total_low + (square_low + other_low)))
    return k.select(infinite, math.inf, root * unscale)


def nextafter(k: Kernel, x: Real, y: Real) -> Real:
    """The float after x in the direction of y."""
    bits = x.bits()
    away_from_zero = ~((x < y) ^ (x > 0.0))
    stepped = k.builder.select(away_from_zero.value, (bits + 1).value, (bits - 1).value)
    result = Real(k, k.builder.bitcast(stepped, k.register))
    least = k.copysign((Real(k, k.value(0.0)).bits() + 1).real(), y)
    result = k.select(x.equals(0.0), least, result)
    result = k.select(x.equals(y), y, result)
    return k.select(x.is_nan() | y.is_nan(), math.nan, result)


def rem(k: Kernel, x: Real, y: Real) -> Real:
    """C's fmod: x - y trunc(x / y), exact, with the sign of x.

    Where the quotient is below 2^52 one step does: the rounded quotient may be too large by 1,
    which the remainder's sign tells. Other lanes are divided as integers, in a branch.
    """
    if k.format is BINARY32:
        wide = k.of_format(BINARY64)
        return wide.convert(rem(wide, k.convert(x, wide), k.convert(y, wide)), k)
    if not k.has_fma:
        # LLVM calls the platform's fmod, which is exact everywhere.
        return Real(k, k.builder.frem(x.value, y.value))
    a, b = abs(x), abs(y)
    quotient = k.intrinsic("llvm.trunc", a / b)
    r = k.exact_remainder(a, quotient, b)
    r = k.select(r < 0.0, r + b, r)
    r = k.select(b.equals(math.inf) & (a < math.inf), a, r)
    is_far = (quotient >= 2.0**52) & (a < math.inf) & (b > 0.0)
    (r,) = k.patch_lanes(is_far, "integer_rem", [a, b], [r])
    return k.copysign(r, x)


def integer_rem(k: Kernel, a: Real, b: Real) -> list[Real]:
    """Scalar a mod b for finite a >= b > 0 as integers, m 2^e each.

    2^d m_a mod m_b is taken 11 bits at a time: the remainder has 53 bits, which leaves 11 free.
    """
    builder = k.builder

    def integer(value: int) -> ll.Constant:
        return ll.Constant(I64, value)

    def split(x: Real) -> tuple[ll.Value, ll.Value]:
        bits = x.bits().value
        exponent = builder.lshr(bits, integer(52))
        fraction = builder.and_(bits, integer((1 << 52) - 1))
        is_normal = builder.icmp_unsigned("!=", exponent, integer(0))
        mantissa = builder.select(is_normal, builder.or_(fraction, integer(1 << 52)), fraction)
        return mantissa, builder.select(is_normal, exponent, integer(1))

    m_a, e_a = split(a)
    m_b, e_b = split(b)
    distance = builder.sub(e_a, e_b)
    start = builder.urem(m_a, m_b)
    entry = builder.block
    loop, step, done = (builder.append_basic_block(name) for name in ("loop", "step", "done"))
    builder.branch(loop)
    builder.position_at_end(loop)
    remainder, left = builder.phi(I64), builder.phi(I64)
    builder.cbranch(builder.icmp_signed(">", left, integer(0)), step, done)
    builder.position_at_end(step)
    few = builder.icmp_signed("<", left, integer(11))
    count = builder.select(few, left, integer(11))
    following = builder.urem(builder.shl(remainder, count), m_b)
    for phi, first, later in (
        (remainder, start, following),
        (left, distance, builder.sub(left, count)),
    ):
        phi.add_incoming(first, entry)
        phi.add_incoming(later, step)
    builder.branch(loop)
    builder.position_at_end(done)
    # Times 2^(e_b - 1075), which is exact: by 2^-52, and by the power 2^(e_b - 1023) in two steps.
    value = Real(k, builder.sitofp(remainder, F64)) * 2.0**-52
    return [k.scale_by_two_steps(value, Bits(k, builder.add(e_b, integer(1023))))]


FORMULAS = {"pow": pow, "cbrt": cbrt, "hypot": hypot, "nextafter": nextafter, "rem": rem}
SCALAR_ROUTINES = {"integer_rem": (integer_rem, 1)}
"""Name -> (body, number of results) of scalar float64 functions for rare lanes."""
