"""log x to more digits than a float has, for powers: a small table of logarithms and a series.

As in the `pow` of ARM's optimized routines: with x = 2^n m, and c near m from a table,

    log x = n log 2 + log c + log(1 + r),    r = m / c - 1

1 / c has so few digits that r is exact. The chain of operations is short and has no division: a
loop that takes a power at each step waits for it. There are so few c that AVX-512 holds them in
registers (`math_table`).
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

from .math_exponential import LOG_BASES
from .math_kernel import BINARY32, BINARY64, Format, Kernel, Real
from .math_table import Table, look_up

# (log2(1 + 2 s) - 2 (s - s^2) / log 2) / s^3 for |s| <= 0.0171.
LOG2_NEAR_ONE = {
    BINARY32: (
        3.8471864934914577,
        -5.770779669671232,
        9.240968390311577,
        -15.402257635343126,
    ),
    BINARY64: (
        3.847186775703902,
        -5.7707801635557265,
        9.233248261689132,
        -15.38874710859948,
        26.380709329790648,
        -46.16617011491176,
        82.07318644457551,
        -148.05644733241272,
        269.202626849326,
    ),
}


class Cells(NamedTuple):
    """The numbers m fall into cells, as many as a power of two, each with a c of its own: all whose
    bits, counted from `first`, begin alike. In that of 1, c is 1, so that nothing cancels there."""

    first: int
    """The bits at which the first cell begins: about those of sqrt(1/2)."""
    inverses: tuple[int, ...]
    """128 / c for each cell. |r| is small, and m / c - 1 a float."""
    step: int
    """Binary digits after the point of the high parts of log c: their sum with n is exact."""


CELLS = {
    # Eighteen cells and 23/32 below 1; two logarithms of the same cell are within a factor of two.
    BINARY32: Cells(
        (127 << 23) - (18 * 32 + 23 << 13),
        (180, 176, 172, 168, 164, 162, 158, 156, 152, 150, 146, 144, 142, 140, 138, 134,
         132, 130, 128, 126, 122, 118, 114, 112, 108, 106, 103, 100, 98, 96, 94, 92),
        14,
    ),
    # Nine cells and a half below 1.
    BINARY64: Cells(
        (1023 << 52) - (9 * 2 + 1 << 47),
        (176, 172, 164, 156, 152, 148, 140, 136, 132, 128, 120, 114, 108, 102, 98, 92),
        40,
    ),
}  # fmt: skip

DIGITS = 128
"""Binary digits after the point with which logarithms are computed."""


def offset(format: Format) -> float:
    """1.5 times a power of two, so great that the last digits of the high parts are its last."""
    return 1.5 * 2.0 ** (format.mantissa - CELLS[format].step)


class Tables(NamedTuple):
    """For each cell 1 / (2 c), and log2 c as a sum of two floats, of which the first is less by
    `offset`."""

    half_inverse: Table
    high: Table
    low: Table


@functools.cache
def tables(format: Format) -> Tables:
    """Computed by integers."""
    step, name = CELLS[format].step, f"log{format.bits}"
    log_two = _log(2, 1)
    inverses, highs, lows = [], [], []
    for inverse in CELLS[format].inverses:
        log = (_log(128, inverse) << DIGITS) // log_two
        high = (log + (1 << DIGITS - step - 1)) >> (DIGITS - step)
        low = log - (high << (DIGITS - step))
        inverses.append(inverse / 256)
        highs.append(math.ldexp(high, -step) - offset(format))
        lows.append(math.ldexp(low, -DIGITS))
    return Tables(
        Table(f"{name}_half_inverse", tuple(inverses)),
        Table(f"{name}_high", tuple(highs)),
        Table(f"{name}_low", tuple(lows)),
    )


def _log(numerator: int, denominator: int) -> int:
    """The logarithm of a quotient, 2 artanh((x - 1) / (x + 1)), in units of 2^-DIGITS."""
    power = (numerator - denominator << DIGITS) // (numerator + denominator)
    square = power * power >> DIGITS
    total, n = 0, 1
    while abs(power) > 1:
        total += power // n
        power, n = power * square >> DIGITS, n + 2
    return 2 * total


class Split(NamedTuple):
    """x = 2^n c (1 + 2 s), of which s is exact, and n + log2 c = high + low, of which high has few
    digits."""

    s: Real
    high: Real
    low: Real


def split_by_table(k: Kernel, x: Real) -> Split:
    """For positive x, normal or `lifted`."""
    mantissa, cells = k.format.mantissa, CELLS[k.format]
    found = tables(k.format)
    bits = x.bits() - cells.first
    index = bits >> mantissa - (len(cells.inverses).bit_length() - 1)
    exponent = bits & ~((1 << mantissa) - 1)
    m = (x.bits() - exponent).real()
    half_inverse, high, low = (look_up(k, table, index) for table in found)
    # An integer in the place of the units of a float is added to it.
    n = exponent.shift_signed(mantissa - cells.step) + k.pattern(offset(k.format))
    high = n.real() + high
    if k.has_fma:
        return Split(k.fma(m, half_inverse, -0.5), high, low)
    product, error = k.two_product(m, half_inverse)
    return Split((product - 0.5) + error, high, low)


def log2_in_two_parts(k: Kernel, x: Real) -> tuple[Real, Real]:
    """log2 x of positive x (normal, or `lifted`), as a sum of two floats to a relative error below
    2^-63, in float32 2^-32: n + log2 c and 2 (s - s^2) / log 2 to twice the digits."""
    s, known, known_low = split_by_table(k, x)
    per_log, per_log_low = LOG_BASES[k.format, 2].per_log
    near, near_low = k.two_fma(-s, s, s)
    high, low = k.two_fma(near, 2.0 * per_log, known)
    series = k.short_polynomial(s, LOG2_NEAR_ONE[k.format])
    # The last sum alone has a rounding error of the size of the series.
    tiny = k.fma(near_low, 2.0 * per_log, k.fma(near, 2.0 * per_log_low, known_low))
    return high, k.fma(s * s * s, series, low + tiny)
