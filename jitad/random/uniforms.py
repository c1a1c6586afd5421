"""Random bits, and what is a few operations away from them: floats in an interval, integers in a
range, coin throws."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad_ir import ops
from jitad_ir.types import DTYPES, DType, Shape

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.promotion import as_array_operand, as_operand, convert
from ..numpy.shapes import as_shape, broadcast_to
from ..trace import apply
from .arguments import (
    distribution,
    dtype_of_result,
    float_info,
    parameters,
    shape_of_result,
    take_key,
)
from .keys import encipher, random_words


def bits_of_words(words: Any, dtype: DType) -> Any:
    """Bits for an unsigned dtype from 64: all of them, or the low ones of high xor low half."""
    if dtype.itemsize == 8:
        return words
    folded = apply(ops.bitwise_xor, words, apply(ops.shift_right_logical, words, 32))
    return convert(folded, dtype)


def random_bits(key: Any, shape: Shape, dtype: DType) -> Any:
    """Random bits in an unsigned dtype."""
    return bits_of_words(random_words(key, shape), dtype)


def floats_of_words(words: Any, dtype: DType) -> Any:
    """Floats in [0, 1), multiples of 2**-52 (float32: 2**-23), from 64 random bits each."""
    mantissa = float_info(dtype).mantissa
    bits = bits_of_words(words, np.dtype(f"u{dtype.itemsize}"))
    leading = apply(ops.shift_right_logical, bits, 8 * dtype.itemsize - mantissa)
    return apply(ops.mul, convert(leading, dtype), 2.0**-mantissa)


def standard_uniform(key: Any, shape: Shape, dtype: DType) -> Any:
    """Floats in [0, 1)."""
    return floats_of_words(random_words(key, shape), dtype)


def uniform_from(low: float, key: Any, shape: Shape, dtype: DType) -> Any:
    """Floats in [low, 1) for a `low` of dtype `dtype` that is known."""
    first: Any = dtype.type(low)
    scaled = apply(ops.mul, standard_uniform(key, shape, dtype), float(dtype.type(1) - first))
    return apply(ops.max, apply(ops.add, scaled, float(first)), float(first))


def next_uniform(keys: Any, dtype: DType) -> Any:
    """One float in [0, 1) for each of `keys`."""
    return floats_of_words(encipher(keys, jnp.zeros_like(keys)), dtype)


@distribution
def bits(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: None = None) -> Any:
    """Random bits as unsigned integers (uint64 unless `dtype` says otherwise).

    >>> from jitad import random
    >>> random.bits(random.key(0), (2,), "uint32")
    Array([4070199207, 4202968722], dtype=uint32)
    """
    word = take_key("bits", key)
    return random_bits(word, as_shape(shape), dtype_of_result("bits", dtype, "u"))


@distribution
def uniform(
    key: Any,
    shape: Any = (),
    dtype: Any = None,
    minval: Any = 0.0,
    maxval: Any = 1.0,
    *,
    out_sharding: None = None,
) -> Any:
    """Floats uniform in [minval, maxval), which may be arrays that broadcast to `shape`.

    The result has shape `shape` and is float64 unless `dtype` says otherwise. ValueError for dtypes
    that are no floats, and for arrays of keys.

    >>> from jitad import random
    >>> random.uniform(random.key(0), (3,))
    Array([0.41845711, 0.21629545, 0.96532146])
    """
    word = take_key("uniform", key)
    found, lengths = dtype_of_result("uniform", dtype), as_shape(shape)
    shape_of_result("uniform", lengths, minval, maxval)
    floats = standard_uniform(word, lengths, found)
    if isinstance(minval, (int, float)) and isinstance(maxval, (int, float)):
        low, high = found.type(minval), found.type(maxval)
        if low == 0 and high == 1:
            return floats
    low, high = parameters(found, minval, maxval)
    return jnp.maximum(low, floats * (high - low) + low)


@distribution
def randint(
    key: Any,
    shape: Any,
    minval: Any,
    maxval: Any,
    dtype: Any = None,
    *,
    out_sharding: None = None,
) -> Any:
    """Integers in [minval, maxval), which may be arrays that broadcast to `shape`; `minval` where
    the range is empty. Of twice the dtype's bits the remainder is taken, so that no number is
    noticeably more probable.

    The result has shape `shape` and is int64 unless `dtype` says otherwise. ValueError for dtypes
    that are no integers.

    >>> from jitad import random
    >>> random.randint(random.key(0), (3,), 0, 10)
    Array([5, 1, 5])
    """
    word = take_key("randint", key)
    result = dtype_of_result("randint", dtype, "iu")
    lengths = shape_of_result("randint", as_shape(shape), minval, maxval)
    # Remainders of fewer than 32 bits would favour some numbers.
    found = result if result.itemsize >= 4 else DTYPES["i32"]
    unsigned = np.dtype(f"u{found.itemsize}")
    if type(minval) is int and type(maxval) is int:
        least, count = _known_range(minval, maxval, result)
        offset = _remainder_by_known(word, lengths, unsigned, count % 2 ** (8 * found.itemsize))
        return convert(convert(offset, found) + found.type(least), result)
    low, span = _range(_as_integers(minval), _as_integers(maxval), result, found)
    offset = _remainder(word, lengths, unsigned, broadcast_to(span, lengths))
    return convert(low + convert(offset, found), result)


def _known_range(minval: int, maxval: int, dtype: DType) -> tuple[int, int]:
    """The least integer, and how many there are."""
    limits = np.iinfo(dtype)  # type: ignore[arg-type]
    low = min(max(minval, int(limits.min)), int(limits.max))
    high = min(max(maxval, int(limits.min)), int(limits.max) + 1)
    return low, max(high - low, 1)


def _range(low: Any, high: Any, result: DType, dtype: DType) -> tuple[Any, Any]:
    """As `_known_range` for arrays; the number in the unsigned twin of `dtype`, where it wraps to 0
    for all integers."""
    if result != dtype:
        limits = np.iinfo(result)  # type: ignore[arg-type]
        low = jnp.clip(_clipped(low, dtype), int(limits.min), int(limits.max))
        high = jnp.clip(_clipped(high, dtype), int(limits.min), int(limits.max) + 1)
    greatest = int(np.iinfo(dtype).max)  # type: ignore[arg-type]
    beyond = high > greatest if greatest < int(np.iinfo(high.dtype).max) else jnp.asarray(False)
    low, high = _clipped(low, dtype), _clipped(high, dtype)
    unsigned = np.dtype(f"u{dtype.itemsize}")
    one = unsigned.type(1)
    span = jnp.where(high <= low, one, convert(high - low, unsigned))
    return low, jnp.where(beyond & (high > low), span + one, span)


def _remainder(key: Any, shape: Shape, dtype: DType, span: Any) -> Any:
    """(2**n high + low) % span of n random bits high and low, by (a b) % s = (a % s)(b % s) % s;
    low where `span` is 0, which stands for 2**n."""
    high, low = [random_bits(k, shape, dtype) for k in random_words(key, (2,))]
    divisor = jnp.where(span == 0, dtype.type(1), span)
    half = apply(ops.rem, jnp.full_like(divisor, 2 ** (4 * dtype.itemsize)), divisor)
    multiplier = apply(ops.rem, half * half, divisor)
    offset = apply(ops.rem, high, divisor) * multiplier + apply(ops.rem, low, divisor)
    return jnp.where(span == 0, low, apply(ops.rem, offset, divisor))


def _remainder_by_known(key: Any, shape: Shape, dtype: DType, span: int) -> Any:
    """`_remainder` for one number: divisions by constants, fewer of them for powers of 2."""
    keys, bits = random_words(key, (2,)), 8 * dtype.itemsize
    low = random_bits(keys[1], shape, dtype)
    if span == 0:
        return low
    offset = apply(ops.rem, low, span)
    multiplier = (2 ** (bits // 2) % span) ** 2 % 2**bits % span
    if multiplier == 0:
        return offset
    high = apply(ops.rem, random_bits(keys[0], shape, dtype), span)
    return apply(ops.rem, apply(ops.add, apply(ops.mul, high, multiplier), offset), span)


def _as_integers(value: Any) -> Any:
    value = as_array_operand(value)
    return value if value.dtype.kind in "iu" else convert(value, DTYPES["i64"])


def _clipped(value: Any, dtype: DType) -> Any:
    """Integers in `dtype`, those out of its range at its ends."""
    target, own = np.iinfo(dtype), np.iinfo(value.dtype)  # type: ignore[arg-type]
    low, high = max(target.min, own.min), min(target.max, own.max)
    return convert(jnp.clip(value, int(low), int(high)), dtype)


@distribution
def bernoulli(
    key: Any, p: Any = 0.5, shape: Any = None, mode: str = "low", *, out_sharding: None = None
) -> Any:
    """True with probability `p` (a float, or an array that broadcasts to `shape`).

    The result is bool, of shape `shape` (default: that of `p`). Mode "high" resolves probabilities
    below 2**-52 (float32: 2**-23). TypeError for integer `p`, ValueError for other modes.

    >>> from jitad import random
    >>> random.bernoulli(random.key(0), 0.3, (5,))
    Array([False,  True, False, False, False])
    """
    if mode not in ("high", "low"):
        raise ValueError(at_user_line(f"got {mode=}, expected 'high' or 'low'"))
    word = take_key("bernoulli", key)
    p = as_array_operand(as_operand(p))
    if p.dtype.kind != "f":
        raise TypeError(
            at_user_line(f"bernoulli probability `p` must have a floating dtype, got {p.dtype}")
        )
    lengths = shape_of_result("bernoulli", shape, p)
    if mode == "low":
        return standard_uniform(word, lengths, p.dtype) < p
    coarse, fine = standard_uniform(word, (2, *lengths), p.dtype)
    return fine * 2.0 ** -float_info(p.dtype).mantissa < p - coarse


@distribution
def rademacher(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: None = None) -> Any:
    """-1 and 1 with equal probability.

    The result has shape `shape` and is int64 unless `dtype` says otherwise.

    >>> from jitad import random
    >>> random.rademacher(random.key(0), (5,))
    Array([ 1,  1, -1, -1, -1])
    """
    found = DTYPES["i64"] if dtype is None else np.dtype(dtype)
    heads = bernoulli(take_key("rademacher", key), 0.5, as_shape(shape))
    return convert(2 * convert(heads, found) - 1, found)
