"""log x to 64 bits, for powers: a table of logarithms and a short series.

As in the `pow` of ARM's optimized routines: with x = 2^n m and c near m from a table,

    log x = n log 2 + log c + log(1 + r),    r = m / c - 1,    |r| < 2^-7.8

Its chain of operations is short and has no division: a loop that takes a power at each step waits
for it.
"""

from __future__ import annotations

import functools
import math
import struct

from llvmlite import ir as ll

from .lanes import F64, I1, I32, I64, intrinsic_suffix, splat_constant
from .math_exponential import LN_TWO, split_bits, split_exponent
from .math_kernel import BINARY64, Bits, Kernel, Real

CELL_BITS = 45
"""Numbers m in one cell of the table have the same high bits: a cell is 2^-7 to 2^-8 wide."""
ONE = BINARY64.bias << BINARY64.mantissa
FIRST = ONE - (76 << CELL_BITS) + (1 << CELL_BITS - 1)
"""Bits at which the first cell begins: below sqrt(1/2), and so that 1 is in the middle of one.
There log c is 0, and nothing cancels."""
CELLS = 131
"""Cells up to sqrt 2."""
INVERSE_BITS = 20
"""Binary digits after the point of 1 / c: the rest of its float has room for the low part of
log c."""
STEP = 43
"""Binary digits after the point of the high parts of log c: their sum with n log 2 is exact."""
LOW_STEP = 75
"""The same of the low parts, which are 32-bit integers in that unit."""
DIGITS = 128
"""Binary digits after the point with which log c is computed."""
SERIES = ((2.0 / -3.0, 0.5), (0.8, -4.0 / 6.0), (8.0 / -7.0, 1.0))
"""log(1 + r) = r + s + r s (A + s (B + s C)), with s = -r^2 / 2 and A, B, C of the first degree."""


@functools.cache
def rows() -> list[tuple[int, float]]:
    """For each cell, the bits of 1 / c with the low part of log c (plus 2^31) in their lower half,
    and the high part of log c."""
    found: list[tuple[int, float]] = []
    for cell in range(CELLS):
        middle = FIRST + (cell << CELL_BITS) + (1 << CELL_BITS - 1)
        exponent, fraction = divmod(middle, 1 << BINARY64.mantissa)
        c = math.ldexp(1 + fraction / 2.0**BINARY64.mantissa, exponent - BINARY64.bias)
        inverse = math.ldexp(round(math.ldexp(1.0 / c, INVERSE_BITS)), -INVERSE_BITS)
        log = _minus_log(inverse)
        high = (log + (1 << DIGITS - STEP - 1)) >> (DIGITS - STEP)
        low = (log - (high << (DIGITS - STEP))) >> (DIGITS - LOW_STEP)
        (bits,) = struct.unpack("<Q", struct.pack("<d", inverse))
        found.append((bits | low + (1 << 31), math.ldexp(high, -STEP)))
    return found


def _minus_log(x: float) -> int:
    """-log x = 2 artanh((1 - x) / (1 + x)) in units of 2^-DIGITS."""
    numerator, denominator = x.as_integer_ratio()
    power = ((denominator - numerator) << DIGITS) // (denominator + numerator)
    square = power * power >> DIGITS
    total, n = 0, 1
    while abs(power) > 1:
        total += power // n
        power, n = power * square >> DIGITS, n + 2
    return 2 * total


def log_in_two_parts(k: Kernel, x: Real) -> tuple[Real, Real]:
    """log x of positive float64 x (normal, or `lifted`), as a sum of two floats to a relative error
    below 2^-64."""
    n, bits = split_exponent(k, split_bits(k, x))
    cell = (bits - FIRST) >> CELL_BITS
    packed, log_c = _looked_up(k, cell, 0).bits(), _looked_up(k, cell, 1)
    inverse = (packed & ~LOWER_HALF).real()
    # An integer in the low bits of 2^52 is that float plus the integer.
    log_c_low = ((packed & LOWER_HALF) | k.pattern(2.0**52)).real() - (2.0**52 + 2.0**31)
    product, error = k.two_product(bits.real(), inverse)
    r = product - 1.0
    # log(1 + r + error) = log(1 + r) + error (1 - r).
    ln2 = LN_TWO[k.format]
    known = k.fma(n, ln2.high, log_c)
    total = known + r
    low = k.fma(log_c_low, 2.0**-LOW_STEP, n * ln2.low)
    low = low + ((known - total) + r) + (error - error * r)
    square, square_low = k.two_product(r, r * -0.5)
    high = total + square
    low = low + square_low + ((total - high) + square)
    first, second, third = [k.fma(r, k.real(b), a) for a, b in SERIES]
    series = k.fma(square, k.fma(square, third, second), first)
    return k.fast_two_sum(high, k.fma(r * square, series, low))


LOWER_HALF = (1 << 32) - 1


def _looked_up(k: Kernel, cell: Bits, column: int) -> Real:
    """A column of the cells' rows."""
    builder = k.builder
    base = builder.ptrtoint(_table(builder.module, column), I64)
    if k.width == 1:
        address = builder.inttoptr(builder.add(base, (cell << 3).value), ll.PointerType())
        return Real(k, builder.load(address, align=8, typ=F64))
    lanes = ll.Constant(k.bits_register, ll.Undefined)
    lanes = builder.insert_element(lanes, base, ll.Constant(I32, 0))
    order = splat_constant(ll.VectorType(I32, k.width), 0)
    addresses = builder.add(builder.shuffle_vector(lanes, lanes, order), (cell << 3).value)
    pointers = builder.inttoptr(addresses, ll.VectorType(ll.PointerType(), k.width))
    operands = [
        pointers,
        ll.Constant(I32, 8),
        splat_constant(ll.VectorType(I1, k.width), 1),
        k.value(0.0),
    ]
    name = f"llvm.masked.gather.{intrinsic_suffix(k.register)}.v{k.width}p0"
    function = builder.module.globals.get(name)
    if function is None:
        signature = ll.FunctionType(k.register, [operand.type for operand in operands])
        function = ll.Function(builder.module, signature, name)
    return Real(k, builder.call(function, operands))


def _table(module: ll.Module, column: int) -> ll.GlobalVariable:
    name = f"jitad.log_table{column}"
    table = module.globals.get(name)
    if table is None:
        type = ll.ArrayType(F64 if column else I64, CELLS)
        table = ll.GlobalVariable(module, type, name)
        table.initializer = ll.Constant(type, [row[column] for row in rows()])
        table.linkage = "internal"
        table.global_constant = True
        table.align = 8
    return table
