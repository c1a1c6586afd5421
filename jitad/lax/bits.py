"""Bits of integers and floats, by the names of `jax.lax`."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from jitad_ir import ops
from jitad_ir.types import DTYPES, INT64, DType

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.promotion import Operand, as_dtype, convert, filled
from ..trace import apply
from ..transforms.custom_jvp import custom_jvp
from .elementwise import pair
from .operands import as_result, of_kind

UINT64 = DTYPES["u64"]


def bitwise_and(x: Any, y: Any) -> Any:
    """The bits that x and y share.

    `x` and `y`: bools or integers of one shape, or scalars; the result has their shape and dtype.
    TypeError for other dtypes and for operands of different kinds.

    >>> from jitad import lax
    >>> lax.bitwise_and(0b1100, 0b1010)
    Array(8)
    """
    return apply(ops.bitwise_and, *pair("bitwise_and", x, y, "biu"))


def bitwise_not(x: Any) -> Any:
    """Every bit of x flipped: -x - 1 of signed integers.

    `x`: bools or integers of any shape; the result has its shape and dtype. TypeError for other
    dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.bitwise_not(np.array([0, 5]))
    Array([-1, -6])
    """
    return apply(ops.bitwise_not, of_kind("bitwise_not", x, "biu"))


def bitwise_or(x: Any, y: Any) -> Any:
    """The bits that x or y has.

    `x` and `y`: bools or integers of one shape, or scalars; the result has their shape and dtype.
    TypeError for other dtypes and for operands of different kinds.

    >>> from jitad import lax
    >>> lax.bitwise_or(0b1100, 0b1010)
    Array(14)
    """
    return apply(ops.bitwise_or, *pair("bitwise_or", x, y, "biu"))


def bitwise_xor(x: Any, y: Any) -> Any:
    """The bits that one of x and y has.

    `x` and `y`: bools or integers of one shape, or scalars; the result has their shape and dtype.
    TypeError for other dtypes and for operands of different kinds.

    >>> from jitad import lax
    >>> lax.bitwise_xor(0b1100, 0b1010)
    Array(6)
    """
    return apply(ops.bitwise_xor, *pair("bitwise_xor", x, y, "biu"))


def clz(x: Any) -> Any:
    """Number of zero bits above the leading bit that is set; the number of bits for 0.

    `x`: integers of any shape; the result has its shape and dtype. TypeError for other dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.clz(np.int32(1))
    Array(31, dtype=int32)
    """
    return apply(ops.clz, of_kind("clz", x, "iu"))


def population_count(x: Any) -> Any:
    """Number of bits that are set, in two's complement.

    `x`: integers of any shape; the result has its shape and dtype. TypeError for other dtypes.

    >>> from jitad import lax
    >>> lax.population_count(0b1011)
    Array(3)
    """
    return apply(ops.population_count, of_kind("population_count", x, "iu"))


def shift_left(x: Any, y: Any) -> Any:
    """x * 2**y, wrapping.

    `x` and `y`: integers of one shape, or scalars; the result has their shape and dtype. TypeError
    for other dtypes and for operands of different kinds. An amount below 0 or of all bits and more
    gives 0.

    >>> from jitad import lax
    >>> lax.shift_left(3, 2)
    Array(12)
    """
    return apply(ops.shift_left, *pair("shift_left", x, y, "iu"))


def shift_right_logical(x: Any, y: Any) -> Any:
    """The bits of x moved y places down, zeros moving in.

    `x` and `y`: integers of one shape, or scalars; the result has their shape and dtype. TypeError
    for other dtypes and for operands of different kinds. An amount below 0 or of all bits and more
    gives 0.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.shift_right_logical(np.uint8(200), np.uint8(2))
    Array(50, dtype=uint8)
    """
    return apply(ops.shift_right_logical, *pair("shift_right_logical", x, y, "iu"))


def shift_right_arithmetic(x: Any, y: Any) -> Any:
    """The bits of x moved y places down, copies of the highest bit moving in, of unsigned integers
    too. An amount below 0 or of all bits and more gives copies of that bit alone.

    >>> from jitad import lax
    >>> lax.shift_right_arithmetic(-8, 1)
    Array(-4)
    """
    x, y = pair("shift_right_arithmetic", x, y, "iu")
    signed = DTYPES[f"i{8 * x.dtype.itemsize}"]
    shifted = apply(ops.shift_right_arithmetic, _bitcast(x, signed), _bitcast(y, signed))
    return _bitcast(shifted, x.dtype)


def mulhi(x: Any, y: Any, /) -> Any:
    """The upper half of the bits of the product of two integers.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.mulhi(np.int8(100), np.int8(100))  # 10000 = 39 * 256 + 16
    Array(39, dtype=int8)
    """
    x, y = pair("mulhi", x, y, "iu")
    bits = 8 * x.dtype.itemsize
    if bits < 64:
        wide = INT64 if x.dtype.kind == "i" else UINT64
        product = apply(ops.mul, convert(x, wide), convert(y, wide))
        return convert(apply(ops.shift_right_arithmetic, product, filled(product, bits)), x.dtype)
    high = _upper_half(convert(x, UINT64), convert(y, UINT64))
    if x.dtype.kind == "u":
        return high
    # A negative x stands for x + 2**64: its product is too large by y * 2**64.
    result = convert(high, INT64)
    for sign, other in ((x, y), (y, x)):
        extra = apply(ops.select, apply(ops.lt, sign, filled(sign, 0)), other, filled(other, 0))
        result = apply(ops.sub, result, extra)
    return result


def _upper_half(x: Operand, y: Operand) -> Operand:
    """Of the product of two uint64, by the four products of their halves."""

    def low(z: Operand) -> Operand:
        return apply(ops.bitwise_and, z, filled(z, 0xFFFFFFFF))

    def high(z: Operand) -> Operand:
        return apply(ops.shift_right_logical, z, filled(z, 32))

    def product(a: Operand, b: Operand) -> Operand:
        return apply(ops.mul, a, b)

    carried = high(product(low(x), low(y)))
    middle = apply(ops.add, product(high(x), low(y)), carried)
    other = apply(ops.add, product(low(x), high(y)), low(middle))
    total = apply(ops.add, product(high(x), high(y)), high(middle))
    return apply(ops.add, total, high(other))


def bitcast_convert_type(operand: Any, new_dtype: Any) -> Any:
    """The bits of integers or floats read as another dtype, without a derivative.

    One of half the size, a quarter, ... makes a new last axis of the parts, those of least weight
    first; one of a larger size takes them from the last axis. Raises TypeError for bools and
    complex numbers, ValueError for a last axis of another length.

    >>> from jitad import lax
    >>> import numpy as np
    >>> hex(lax.bitcast_convert_type(np.float32(1.0), np.uint32))
    '0x3f800000'
    >>> lax.bitcast_convert_type(np.uint32(0x01020304), np.uint8)
    Array([4, 3, 2, 1], dtype=uint8)
    """
    x = of_kind("bitcast_convert_type", operand, "iuf")
    dtype = as_dtype(new_dtype)
    if dtype.kind not in "iuf":
        raise TypeError(
            at_user_line(f"bitcast_convert_type: expected integers or floats; got {dtype}")
        )
    size, new = x.dtype.itemsize, dtype.itemsize
    if size > new:
        return _divided(_bitcast(x, _unsigned(size)), size // new, dtype)
    if size < new:
        if not x.shape or x.shape[-1] != new // size:
            raise ValueError(
                at_user_line(
                    f"bitcast_convert_type: expected a last axis of {new // size} parts of a "
                    f"{dtype}; got {x.dtype} of shape {x.shape}"
                )
            )
        return _bitcast(_joined(_bitcast(x, _unsigned(size)), _unsigned(new)), dtype)
    return as_result(_bitcast(x, dtype))


def _unsigned(size: int) -> DType:
    return DTYPES[f"u{8 * size}"]


def _bitcast(x: Operand, dtype: DType) -> Operand:
    return x if x.dtype == dtype else apply(ops.bitcast, x, dtype=dtype)


def _shifts(parts: int, size: int, dtype: DType) -> Any:
    return (8 * size * np.arange(parts)).astype(dtype)


def _divided(x: Operand, parts: int, dtype: DType) -> Operand:
    wide = jnp.broadcast_to(jnp.expand_dims(x, -1), (*x.shape, parts))
    amounts = jnp.broadcast_to(_shifts(parts, dtype.itemsize, x.dtype), wide.shape)
    shifted = apply(ops.shift_right_logical, wide, amounts)
    return _bitcast(convert(shifted, _unsigned(dtype.itemsize)), dtype)


def _joined(x: Operand, dtype: DType) -> Operand:
    amounts = jnp.broadcast_to(_shifts(x.shape[-1], x.dtype.itemsize, dtype), x.shape)
    shifted = apply(ops.shift_left, convert(x, dtype), amounts)
    return apply(ops.reduce_sum, shifted, axes=(x.ndim - 1,))


def reduce_precision(operand: Any, exponent_bits: int, mantissa_bits: int) -> Any:
    """Floats rounded to the values of a format with so many bits of exponent and mantissa, to the
    nearest, ties to even; beyond its range infinity, below it zero. The derivative is that of x.

    >>> from jitad import lax
    >>> lax.reduce_precision(1.001, 5, 10)
    Array(1.00097656)
    """
    x = of_kind("reduce_precision", operand, "f")
    exponent, mantissa = operator.index(exponent_bits), operator.index(mantissa_bits)
    if exponent < 1 or mantissa < 0:
        raise ValueError(
            at_user_line(
                "reduce_precision: expected exponent_bits >= 1 and mantissa_bits >= 0; got "
                f"{exponent} and {mantissa}"
            )
        )
    return _reduced(x, exponent, mantissa)


def _reduced_value(x: Any, exponent_bits: int, mantissa_bits: int) -> Any:
    x = jnp.asarray(x)
    info: Any = np.finfo(x.dtype)
    unsigned = _unsigned(x.dtype.itemsize)
    bits = _bitcast(x, unsigned)
    lost = info.nmant - mantissa_bits
    if lost > 0:
        # Add just below half of the last bit that stays, and that bit: ties go to even.
        odd = apply(ops.shift_right_logical, bits, filled(bits, lost))
        odd = apply(ops.bitwise_and, odd, filled(bits, 1))
        half = apply(ops.add, odd, filled(bits, (1 << (lost - 1)) - 1))
        whole = apply(ops.bitwise_not, filled(bits, (1 << lost) - 1))
        bits = apply(ops.bitwise_and, apply(ops.add, bits, half), whole)
    rounded = _bitcast(bits, x.dtype)
    if exponent_bits < info.nexp:
        bias = (1 << (exponent_bits - 1)) - 1
        size = apply(ops.abs, rounded)
        least = apply(ops.lt, size, filled(size, 2.0 ** (1 - bias)))
        beyond = apply(ops.ge, size, filled(size, 2.0 ** (bias + 1)))
        zero = apply(ops.copysign, filled(x, 0.0), x)
        infinite = apply(ops.copysign, filled(x, np.inf), x)
        rounded = apply(ops.select, beyond, infinite, rounded)
        rounded = apply(ops.select, least, zero, rounded)
    nan = apply(ops.ne, x, x)
    return apply(ops.select, nan, x, rounded)


_reduced = custom_jvp(_reduced_value, nondiff_argnums=(1, 2))


@_reduced.defjvp
def _jvp_reduced(exponent_bits: int, mantissa_bits: int, primals: Any, tangents: Any) -> Any:
    return _reduced(primals[0], exponent_bits, mantissa_bits), tangents[0]
