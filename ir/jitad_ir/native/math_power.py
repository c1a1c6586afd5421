"""Powers and roots, remainder, and neighbouring floats.

Polynomials are Chebyshev fits by benchmarks/fit_polynomials.py, which names them as they are named
here.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

from llvmlite import ir as ll

from .lanes import F64, I64, splat_constant
from .math_exponential import (
    clamp,
    lifted,
)
from .math_kernel import BINARY32, BINARY64, Bits, Format, Kernel, Mask, Real
from .math_log_table import log2_in_two_parts
from .math_table import Table, look_up

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

# (2^r - 1) / r for |r| <= 1 / 32.
EXP2_SIXTEENTH = {
    BINARY32: (
        0.6931471805599453,
        0.24023355199986773,
        0.05550508531157718,
    ),
    BINARY64: (
        0.6931471805599453,
        0.24022650695910086,
        0.05550410866482159,
        0.009618129106525547,
        0.0013333558145579008,
        0.00015403756259242926,
        1.5252907757503674e-05,
    ),
}

SIXTEENTHS = 4
"""Binary digits after the point of the exponents in the table of powers of two."""


class Range(NamedTuple):
    """Of the logarithm of a power."""

    normal: float
    """Up to this and down to minus it the power is normal."""
    low: float
    """From this on it is 0."""
    high: float
    """From this on it is inf."""


RANGE = {BINARY32: Range(126.0, -152.0, 130.0), BINARY64: Range(1022.0, -1078.0, 1026.0)}

GREATEST_FACTOR = {BINARY32: 2.0**40, BINARY64: 2.0**80}
"""Without fma, the halves of a greater factor overflow; the power is 0, 1 or inf whatever its
digits."""


def pow(k: Kernel, x: Real, y: Real) -> Real:
    """x^y = 2^(y log2 x), with the special cases of IEEE 754 (those of `numpy.power`): they
    are looked at in branches that are not taken while x is positive and normal, and the power is
    normal.

    With y log2 x = n + j / 16 + r, the power is 2^(n + j / 16) (1 + t) where t = 2^r - 1, corrected
    for the rounding of 2^(j / 16)."""
    is_rare = ~k.is_ordinary(x)
    normal = k.if_any(is_rare, lambda: lifted(k, abs(x)), x, likely=False)
    log, bits, r = reduced_product(k, y, *log2_in_two_parts(k, normal))
    reduced_root, correction = (look_up(k, table, bits) for table in roots_of_two(k.format))
    series = k.horner if k.format is BINARY32 else k.short_polynomial
    t = k.fma(r, series(r, EXP2_SIXTEENTH[k.format]), correction)
    shift = k.format.mantissa - SIXTEENTHS
    root = (reduced_root.bits() + (bits << shift)).real()
    power = k.fma(root, t, root)
    # Without fma, digits of the product with t may be lost earlier.
    normal_log = RANGE[k.format].normal - (0 if k.has_fma else 2 * k.format.mantissa)
    is_rare = is_rare | ~(abs(log) < normal_log)

    def rare() -> Real:
        """Where root, which has the factor 2^n, may be none."""
        _, low, high = RANGE[k.format]
        j = bits & (1 << SIXTEENTHS) - 1
        root = (reduced_root.bits() + (j << shift)).real()
        n = (bits >> SIXTEENTHS) + 2 * k.format.bias
        power = k.scale_by_two_steps(k.fma(root, t, root), n)
        power = k.select(log < high, power, math.inf)
        return pow_special(k, x, y, k.select(log > low, power, 0.0))

    return k.if_any(is_rare, rare, power, likely=False)


class Reduced(NamedTuple):
    """A product as n + j / 16 + r with |r| <= 1 / 32, about."""

    nearest: Real
    """n + j / 16."""
    bits: Bits
    """16 n + j in the low bits."""
    r: Real


def reduced_product(k: Kernel, y: Real, log: Real, log_low: Real) -> Reduced:
    """y (log + log_low)."""
    magic = k.format.round_magic / 2.0**SIXTEENTHS
    if k.has_fma:
        shifted = k.fma(y, log + log_low, magic)
        nearest = shifted - magic
        r = k.fma(y, log, -nearest)
    else:
        y = clamp(k, y, (-GREATEST_FACTOR[k.format], GREATEST_FACTOR[k.format]))
        shifted = y * (log + log_low) + magic
        nearest = shifted - magic
        product, error = k.two_product(y, log)
        r = (product - nearest) + error
    return Reduced(nearest, shifted.bits(), k.fma(y, log_low, r))


@functools.cache
def roots_of_two(format: Format) -> tuple[Table, Table]:
    """For j = 0 to 15 the float nearest to 2^(j / 16), with j / 16 less in the place of the
    exponent and below; and how much 2^(j / 16) is greater, relative to it."""
    count, digits = 1 << SIXTEENTHS, 128
    roots, corrections = [], []
    for j in range(count):
        # The 16th root in units of 2^-digits: the square root of the square root of ...
        exact = 1 << j + digits * count
        for _ in range(SIXTEENTHS):
            exact = math.isqrt(exact)
        cut = digits - format.mantissa
        root = exact + (1 << cut - 1) >> cut
        corrections.append((exact - (root << cut)) / exact)
        # The bits, less the implied one.
        bits = root - (1 << format.mantissa) - (j << format.mantissa - SIXTEENTHS)
        roots.append(1.0 + math.ldexp(bits, -format.mantissa - (bits < 0)))
    name = f"root_of_two{format.bits}"
    return Table(name, tuple(roots)), Table(f"{name}_correction", tuple(corrections))


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
