"""Numbers as they are represented: exponents and mantissas, gaps between floats, packed bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import BOOL, DTYPES, FLOAT32, FLOAT64

from .arithmetic import nextafter
from .elementwise import as_ufunc, composed
from .padding import pad
from .picking import take
from .promotion import Operand, as_array_operand, broadcast_shape, convert, filled, spread, strong
from .shapes import moveaxis, ravel

_LOW, _HIGH = -1022, 1023
_POWERS = np.exp2(np.arange(_LOW, _HIGH + 1, dtype=np.float64))
"""2**e for the exponents e of normal floats, exact."""

_INT32 = DTYPES["i32"]


def _power_of_two(exponent: Operand) -> Operand:
    place = apply(ops.sub, exponent, filled(exponent, _LOW))
    return take(_POWERS, place, mode="clip")


def _scaled(x: Operand, exponent: Operand) -> Operand:
    """x 2**e in float64, rounded once: 2**e is split into factors of normal floats, and the one
    that may lead to a subnormal number comes last."""

    def within(e: Operand) -> Operand:
        return apply(ops.clamp, filled(e, _LOW), e, filled(e, _HIGH))

    exponent = apply(ops.clamp, filled(exponent, -2100), exponent, filled(exponent, 2100))
    last = within(exponent)
    rest = apply(ops.sub, exponent, last)
    middle = within(rest)
    for e in (apply(ops.sub, rest, middle), middle, last):
        x = apply(ops.mul, x, _power_of_two(e))
    return x


def ldexp(x: Any, exponent: Any, /) -> Any:
    """x 2**exponent, rounded once.

    The operands broadcast: a real array and integers; integers `x` count as floats. The derivative
    in `x` is 2**exponent. Raises TypeError for complex `x`, and exponents that are no integers.

    >>> import jitad.numpy as jnp
    >>> jnp.ldexp(jnp.array([0.5, 3.0]), jnp.array([4, -1]))
    Array([8. , 1.5])
    """
    x, exponent = as_array_operand(x), as_array_operand(exponent)
    if x.dtype.kind == "c" or exponent.dtype.kind not in "iub":
        raise TypeError(
            at_user_line(
                f"ldexp: expected a real array and integers; got {x.dtype} and {exponent.dtype}"
            )
        )
    dtype = x.dtype if x.dtype.kind == "f" else FLOAT32 if x.dtype.itemsize == 1 else FLOAT64
    if x.dtype.kind in "iu" and x.dtype.itemsize == 2:
        dtype = FLOAT32
    shape = broadcast_shape((x.shape, exponent.shape))
    wide = spread(convert(x, FLOAT64), shape)
    places = spread(convert(exponent, DTYPES["i64"]), shape)
    return strong(convert(_scaled(wide, places), dtype))


as_ufunc(ldexp, np.ldexp)


@composed
def frexp(x: Any, /) -> Any:
    """The pair (m, e) with x = m 2**e and 0.5 <= |m| < 1: mantissa and exponent, int32.

    Any shape; real, integers count as floats. Of zeros, infinities and nan `m` is `x` and `e` is 0.
    The derivative of `m` is 2**-e. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.frexp(jnp.array([8.0, -0.75]))
    (Array([ 0.5 , -0.75]), Array([4, 0], dtype=int32))
    """
    wide = convert(x, FLOAT64)
    magnitude = apply(ops.abs, apply(ops.stop_gradient, wide))
    ordinary = apply(ops.bitwise_and, apply(ops.is_finite, wide), apply(ops.ne, wide, 0))
    small = apply(ops.lt, magnitude, 2.0**-1000)
    lifted = apply(ops.select, small, apply(ops.mul, magnitude, 2.0**100), magnitude)
    lifted = apply(ops.select, ordinary, lifted, filled(lifted, 1))
    exponent = convert(apply(ops.floor, apply(ops.log2, lifted)), DTYPES["i64"])
    exponent = apply(ops.add, exponent, 1)
    # The logarithm is rounded: the mantissa tells whether it crossed a power of two.
    mantissa = _scaled(lifted, apply(ops.neg, exponent))
    above, below = apply(ops.ge, mantissa, 1.0), apply(ops.lt, mantissa, 0.5)
    exponent = apply(ops.select, above, apply(ops.add, exponent, 1), exponent)
    exponent = apply(ops.select, below, apply(ops.sub, exponent, 1), exponent)
    exponent = apply(ops.select, small, apply(ops.sub, exponent, 100), exponent)
    exponent = apply(ops.select, ordinary, exponent, filled(exponent, 0))
    mantissa = _scaled(wide, apply(ops.neg, exponent))
    return convert(mantissa, x.dtype), convert(exponent, _INT32)


@composed
def spacing(x: Any, /) -> Any:
    """Distance from `x` to the next float away from 0, with the sign of `x`.

    Any shape; real, integers count as floats. The derivative is 0. Raises TypeError for complex
    numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.spacing(jnp.array([1.0, -1024.0]))
    Array([ 2.22044605e-16, -2.27373675e-13])
    """
    outward = apply(ops.copysign, filled(x, np.inf), x)
    return apply(ops.sub, nextafter(x, outward), x)


def _is_big(bitorder: str) -> bool:
    """Whether the first bit is the highest. Raises ValueError for orders that are none."""
    if bitorder not in ("big", "little"):
        raise ValueError(at_user_line("'order' must be either 'little' or 'big'"))
    return bitorder == "big"


def packbits(a: Any, axis: int | None = None, bitorder: str = "big") -> Any:
    """Eight flags along `axis` (flattened if None) to a uint8, the first the highest bit.

    The lowest for `bitorder` "little"; zeros at the end fill the last one up. Raises TypeError for
    floats, ValueError for other orders.

    >>> import jitad.numpy as jnp
    >>> jnp.packbits(jnp.array([1, 0, 1, 1, 0, 0, 0, 0, 1]))
    Array([176, 128], dtype=uint8)
    """
    x = strong(as_array_operand(a))
    if x.dtype.kind not in "iub":
        raise TypeError(at_user_line("Expected an input array of integer or boolean data type"))
    big = _is_big(bitorder)
    if axis is None:
        x, axis = ravel(x), 0
    place = normalize_axis_index(axis, x.ndim)
    flags = x if x.dtype == BOOL else apply(ops.ne, x, filled(x, 0))
    rows = moveaxis(flags, place, -1)
    n = rows.shape[-1]
    if n % 8:
        rows = pad(rows, [(0, 0)] * (rows.ndim - 1) + [(0, -n % 8)])
    return moveaxis(apply(ops.pack_bits, rows, big=big), -1, place)


def unpackbits(
    a: Any, axis: int | None = None, count: int | None = None, bitorder: str = "big"
) -> Any:
    """The eight bits of each uint8 along `axis` (flattened if None), the highest first.

    The lowest first for `bitorder` "little". Cut or filled with zeros to `count`, or without
    -`count`. Raises TypeError for other dtypes, ValueError for other orders.

    >>> import jitad.numpy as jnp
    >>> jnp.unpackbits(jnp.array([5], dtype=jnp.uint8))
    Array([0, 0, 0, 0, 0, 1, 0, 1], dtype=uint8)
    """
    x = strong(as_array_operand(a))
    if x.dtype != DTYPES["u8"]:
        raise TypeError(at_user_line("Expected an input array of unsigned byte data type"))
    big = _is_big(bitorder)
    if axis is None:
        x, axis = ravel(x), 0
    place = normalize_axis_index(axis, x.ndim)
    bits = apply(ops.unpack_bits, moveaxis(x, place, -1), big=big)
    n = bits.shape[-1]
    if count is not None:
        if count > n:
            bits = pad(bits, [(0, 0)] * (bits.ndim - 1) + [(0, count - n)])
        elif -count > n:
            raise ValueError(at_user_line(f"-count larger than number of elements: {count}"))
        else:
            bits = bits[..., :count]
    return moveaxis(bits, -1, place)
