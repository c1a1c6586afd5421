"""Conversions to and from float16, whose registers hold 16 bits (see `lanes.element_type`).

A float16 is s eeeee ffffffffff: sign, exponent + 15, fraction. CPUs that convert it do so by one
instruction (x86: F16C; every AArch64). For others LLVM would call a function of a library that is
not there, so that the same bits are computed by integers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir as ll

from ..processor import converts_half
from ..types import DTYPES, FLOAT16, FLOAT32, FLOAT64
from .lanes import Lanes, splat_constant, vector_type

_HALF = ll.HalfType()
_U16, _U32 = DTYPES["u16"], DTYPES["u32"]


def from_half(b: Any, x: Lanes) -> Lanes:
    """float16 lanes in float32, exactly; `b` is the emitter."""
    if not converts_half():
        return from_half_by_integers(b, x)
    half = b.builder.bitcast(x.value, vector_type(_HALF, b.width))
    return Lanes(FLOAT32, b.builder.fpext(half, b.register_type(FLOAT32)))


def to_half(b: Any, x: Lanes) -> Lanes:
    """float32 or float64 lanes in float16: the nearest, of two the even one."""
    if x.dtype == FLOAT64:
        x = _to_odd(b, x)
    if not converts_half():
        return to_half_by_integers(b, x)
    half = b.builder.fptrunc(x.value, vector_type(_HALF, b.width))
    return Lanes(FLOAT16, b.builder.bitcast(half, b.register_type(FLOAT16)))


def _to_odd(b: Any, x: Lanes) -> Lanes:
    """float64 lanes in float32: toward zero, and odd where that is not exact.

    Rounded to float16 afterwards it is as if rounded once, since float32 has two bits more, of
    which an odd last one says on which side of a tie x is (S. Boldo, G. Melquiond, "Emulation of a
    FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008).
    """
    nearest = b.convert(x, FLOAT32)
    back = b.convert(nearest, FLOAT64)
    beyond = b.gt(b.abs(back), b.abs(x))
    inexact = b.bitwise_or(beyond, b.lt(b.abs(back), b.abs(x)))  # false for nan
    bits = b.bitcast(nearest, _U32)
    toward_zero = b.sub(bits, b.convert(beyond, _U32))
    odd = b.bitwise_or(toward_zero, b.convert(inexact, _U32))
    return b.bitcast(odd, FLOAT32)


def from_half_by_integers(b: Any, x: Lanes) -> Lanes:
    """`from_half` without the instruction."""
    wide = b.convert(b.bitcast(x, _U16), _U32)
    magnitude = _shifted(b, _and(b, wide, 0x7FFF), 13)
    sign = _shifted(b, _and(b, wide, 0x8000), 16)
    exponent = _and(b, magnitude, 0x7C00 << 13)
    normal = _plus(b, magnitude, (127 - 15) << 23)
    # inf and nan have the largest exponent in both formats.
    unbounded = _plus(b, magnitude, (255 - 31) << 23)
    # 2**-14 + f 2**-24 as a float32, less 2**-14, is f 2**-24.
    least = b.constant(FLOAT32, 2.0**-14)
    above = b.bitcast(_plus(b, magnitude, (127 - 14) << 23), FLOAT32)
    small = b.bitcast(b.sub(above, least), _U32)
    bits = b.select(b.eq(exponent, b.constant(_U32, 0x7C00 << 13)), unbounded, normal)
    bits = b.select(b.eq(exponent, b.constant(_U32, 0)), small, bits)
    return b.bitcast(b.bitwise_or(bits, sign), FLOAT32)


def to_half_by_integers(b: Any, x: Lanes) -> Lanes:
    """`to_half` of float32 lanes without the instruction."""
    bits = b.bitcast(x, _U32)
    sign = _shifted(b, _and(b, bits, 0x80000000), -16)
    magnitude = _and(b, bits, 0x7FFFFFFF)
    # Below 2**-14 units are 2**-24, as those of float32 are in [1/2, 1): adding 1/2 rounds.
    half = b.constant(FLOAT32, 0.5)
    sum = b.bitcast(b.add(b.bitcast(magnitude, FLOAT32), half), _U32)
    small = b.sub(sum, b.bitcast(half, _U32))
    # Others drop 13 bits: just less than half of the last place is added, the rest if it is odd.
    odd = _and(b, _shifted(b, magnitude, -13), 1)
    rounded = b.add(_plus(b, magnitude, ((15 - 127) << 23) + 0xFFF), odd)
    normal = _shifted(b, rounded, -13)
    is_small = b.lt(magnitude, b.constant(_U32, (127 - 14) << 23))
    is_large = b.ge(magnitude, b.constant(_U32, (127 + 16) << 23))
    is_nan = b.gt(magnitude, b.constant(_U32, 255 << 23))
    # A nan is quiet, and keeps the leading bits of its fraction.
    payload = b.bitwise_or(_and(b, _shifted(b, magnitude, -13), 0x3FF), b.constant(_U32, 0x7E00))
    found = b.select(is_small, small, normal)
    found = b.select(is_large, b.constant(_U32, 0x7C00), found)
    found = b.select(is_nan, payload, found)
    return b.bitcast(b.convert(b.bitwise_or(found, sign), _U16), FLOAT16)


def _and(b: Any, x: Lanes, mask: int) -> Lanes:
    return b.bitwise_and(x, b.constant(_U32, mask))


def _plus(b: Any, x: Lanes, number: int) -> Lanes:
    return b.add(x, b.constant(_U32, number % 2**32))


def _shifted(b: Any, x: Lanes, places: int) -> Lanes:
    """Bits moved up, or down where `places` is negative."""
    shift = b.builder.shl if places > 0 else b.builder.lshr
    return Lanes(_U32, shift(x.value, splat_constant(x.value.type, abs(places))))
