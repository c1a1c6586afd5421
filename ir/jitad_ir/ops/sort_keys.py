"""Sort keys: unsigned integers whose order is NumPy's order of the numbers they stand for.

The bits of a float, read as an integer, rise with the number if it is positive and fall if it is
negative. `encode` turns them over, so that one comparison of integers orders all floats, and the
digits of a key can be counted. Two things are lost: -0.0 and 0.0, which are equal, have one key,
and so has every nan, behind all numbers. `is_ambiguous` tells for which numbers `decode` is not
exact; `restore` puts those back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..types import BOOL, DTYPES, INT64, ArrayType, DType, short_name
from .vector_loops import stretch, vector_width

BYTE = DTYPES["u8"]

INDEX = DTYPES["u32"]
"""Dtype of indices that go with keys; rows are shorter than 2^32."""

INDEX_BITS = 32

PACKED = DTYPES["u64"]
"""Dtype of a key of 32 bits or less with its index behind it."""


def without_bools(*types: ArrayType) -> list[ArrayType]:
    """The types with bools as the integers of one byte that they are in memory, in the same
    order."""
    return [type.with_dtype(BYTE) if type.dtype == BOOL else type for type in types]


def bools_as_bytes(r: Any, buffers: Sequence[Any]) -> list[Any]:
    """The buffers as arrays of such types."""
    return [r.buffer(*without_bools(buffer.type), buffer.pointer) for buffer in buffers]


def key_dtype(dtype: DType) -> DType:
    """The unsigned integers that are keys of `dtype`; of complex numbers, see `key_of`."""
    return PACKED if dtype.kind == "c" else DTYPES[f"u{8 * dtype.itemsize}"]


def last_key(dtype: DType) -> int:
    """The greatest key: that of nan. Numbers that are not nan may have it if `dtype` is not of
    floats."""
    return 2 ** (8 * dtype.itemsize) - 1


def _sign_bit(dtype: DType) -> int:
    return 1 << (8 * dtype.itemsize - 1)


def _spread_sign(b: Any, bits: Any) -> Any:
    """All ones if the greatest bit is set, else 0."""
    width = b.constant(bits.dtype, 8 * bits.dtype.itemsize - 1)
    return bits._replace(value=b.builder.ashr(bits.value, width.value))


def encode(b: Any, x: Any, descending: bool) -> Any:
    """The keys of x, ascending where the order sought is."""
    dtype, keys = x.dtype, key_dtype(x.dtype)
    ones = b.constant(keys, last_key(dtype))
    if dtype.kind == "f":
        bits = b.bitcast(b.add(x, b.constant(dtype, 0.0)), keys)  # -0.0 + 0.0 = 0.0
        turned = b.bitwise_or(_spread_sign(b, bits), b.constant(keys, _sign_bit(dtype)))
        key = b.select(b.is_nan(x), ones, b.bitwise_xor(bits, turned))
    else:
        key = b.bitcast(x, keys)
        if dtype.kind == "i":
            key = b.bitwise_xor(key, b.constant(keys, _sign_bit(dtype)))
    return b.bitwise_xor(key, ones) if descending else key


def has_two_keys(dtype: DType) -> bool:
    """True of complex numbers of 128 bits: each part has a key."""
    return dtype.itemsize > PACKED.itemsize


def key_of(b: Any, x: Any, imaginary: Any, descending: bool) -> Any:
    """Keys of x, which may be complex: of 64 bits, those of the real parts with those of the
    imaginary ones behind; of 128 bits, of the imaginary parts if these (i1) are asked for, else of
    the real ones. Numbers with a nan are not where they should be."""
    if x.dtype.kind != "c":
        return encode(b, x, descending)
    if has_two_keys(x.dtype):
        which = b.splat(b.of_width(1).constant(BOOL, False)._replace(value=imaginary))
        return encode(b, b.select(which, b.imag(x), b.real(x)), descending)
    real, imag = (b.convert(encode(b, p, descending), PACKED) for p in (b.real(x), b.imag(x)))
    return b.bitwise_or(b.shift_left(real, b.constant(PACKED, 32)), imag)


def decode(b: Any, key: Any, dtype: DType, descending: bool) -> Any:
    """The numbers that keys stand for: 0.0 for either zero, and one nan for all."""
    if descending:
        key = b.bitwise_xor(key, b.constant(key.dtype, last_key(dtype)))
    if dtype.kind == "i":
        key = b.bitwise_xor(key, b.constant(key.dtype, _sign_bit(dtype)))
    elif dtype.kind == "f":
        negative = b.bitwise_not(_spread_sign(b, key))
        key = b.bitwise_xor(key, b.bitwise_or(negative, b.constant(key.dtype, _sign_bit(dtype))))
    return b.bitcast(key, dtype)


def is_ambiguous(b: Any, x: Any) -> Any:
    """True where `decode` of x's key need not have the bits of x: for nan and -0.0."""
    bits = b.bitcast(x, key_dtype(x.dtype))
    minus_zero = b.constant(bits.dtype, _sign_bit(x.dtype))
    return b.bitwise_or(b.is_nan(x), b.eq(bits, minus_zero))


class Row:
    """A row of an array: elements `stride` apart, from a pointer on. The stride is an int."""

    def __init__(self, r: Any, dtype: DType, pointer: Any, stride: int = 1) -> None:
        self.r, self.dtype, self.pointer, self.stride = r, dtype, pointer, stride

    def at(self, index: Any) -> Any:
        """Address of an element, by an i64."""
        if self.stride != 1:
            index = self.r.builder.mul(index, self.r.integer(self.stride))
        one = self.r.buffer(ArrayType(self.dtype, (1,)), self.pointer)
        return self.r.element_pointer(one, (index,))

    def shifted(self, offset: Any) -> Row:
        """The row that starts `offset` elements further in memory."""
        return Row(
            self.r, self.dtype, Row(self.r, self.dtype, self.pointer).at(offset), self.stride
        )

    def load(self, b: Any, index: Any) -> Any:
        """The elements of the emitter's width from `index` on."""
        return b.load(self.at(index), self.dtype, self.stride)

    def store(self, b: Any, index: Any, lanes: Any) -> None:
        """Write the elements from `index` on."""
        b.store(self.at(index), lanes, self.stride)


class Counter:
    """A mutable i64 in a register."""

    def __init__(self, r: Any, start: Any) -> None:
        self.r = r
        self._slot = r.local(INT64)
        self.set(start)

    @property
    def value(self) -> Any:
        """The number it holds."""
        return self.r.b.load(self._slot, INT64).value

    def set(self, value: Any) -> None:
        """Hold another number."""
        self.r.builder.store(value, self._slot)

    def add(self, amount: Any) -> None:
        """Hold a number that is greater by `amount`."""
        self.set(self.r.builder.add(self.value, amount))


def as_bool(r: Any, flag: Any) -> Any:
    """An i1 as Lanes."""
    return r.b.constant(BOOL, False)._replace(value=flag)


class Flag:
    """A mutable bool in a register, false at first."""

    def __init__(self, r: Any) -> None:
        self.r = r
        self._slot = r.local(BOOL)
        r.b.store(self._slot, r.b.constant(BOOL, False))

    @property
    def value(self) -> Any:
        """The bool it holds."""
        return self.r.b.load(self._slot, BOOL)

    def join(self, lanes: Any) -> None:
        """True from now on if it is, or this is."""
        self.r.b.store(self._slot, self.r.b.bitwise_or(self.value, lanes))


def _direction(descending: bool) -> str:
    return "descending" if descending else "ascending"


def encode_row(r: Any, source: Any, target: Any, dtype: DType, descending: bool, n: Any) -> Any:
    """The keys of n numbers from `source` on, to `target` on, which may be the same: whether (i1)
    any is ambiguous."""

    def build(r: Any, source: Any, target: Any, n: Any) -> Any:
        numbers, keys, flag = Row(r, dtype, source), Row(r, key_dtype(dtype), target), Flag(r)

        def visit(e: Any, i: Any) -> None:
            x = numbers.load(e, i)
            if dtype.kind == "f":
                flag.join(e.reduce_or(is_ambiguous(e, x)))
            keys.store(e, i, encode(e, x, descending))

        stretch(r, r.integer(0), n, vector_width(dtype), visit)
        return flag.value

    name = f"jitad.encode.{short_name(dtype)}.{_direction(descending)}"
    return r.call_inner(name, build, source, target, n, result=BOOL, apart=True)


def decode_row(r: Any, source: Any, target: Any, dtype: DType, descending: bool, n: Any) -> None:
    """The numbers that n keys from `source` on stand for, to `target` on, which may be the same."""

    def build(r: Any, source: Any, target: Any, n: Any) -> None:
        keys, numbers = Row(r, key_dtype(dtype), source), Row(r, dtype, target)

        def write(e: Any, i: Any) -> None:
            numbers.store(e, i, decode(e, keys.load(e, i), dtype, descending))

        stretch(r, r.integer(0), n, vector_width(dtype), write)

    name = f"jitad.decode.{short_name(dtype)}.{_direction(descending)}"
    r.call_inner(name, build, source, target, n, apart=True)


def restore(r: Any, source: Row, target: Row, n: Any, descending: bool) -> None:
    """The zeros and nans of `source`, which sorting moved to their places in `target`, with their
    own bits and in their own order."""
    dtype = source.dtype

    def build(r: Any, given: Any, asked: Any, n: Any) -> None:
        strides = source.stride, target.stride
        rows = [Row(r, dtype, p, s) for p, s in zip((given, asked), strides, strict=True)]
        _emit_restore(r, rows[0], rows[1], n, descending)

    apart = f"{source.stride}.{target.stride}"
    name = f"jitad.restore.{short_name(dtype)}.{apart}.{_direction(descending)}"
    r.call_inner(name, build, source.pointer, target.pointer, n, apart=True)


def _emit_restore(r: Any, source: Row, target: Row, n: Any, descending: bool) -> None:
    b = r.builder
    zero = r.b.constant(source.dtype, 0)
    before, nans = Counter(r, r.integer(0)), Counter(r, r.integer(0))

    def number(flag: Any) -> Any:
        return b.zext(flag.value, n.type)

    def count(i: Any) -> None:
        x = source.load(r.b, i)
        before.add(number((r.b.gt if descending else r.b.lt)(x, zero)))
        nans.add(number(r.b.is_nan(x)))

    r.loop(n, count)
    first_zero = b.add(before.value, nans.value) if descending else before.value
    first_nan = r.integer(0) if descending else b.sub(n, nans.value)
    zeros_at, nans_at = Counter(r, first_zero), Counter(r, first_nan)
    nowhere = r.local(source.dtype)

    def put(i: Any) -> None:
        x = source.load(r.b, i)
        is_zero, is_nan = r.b.eq(x, zero), r.b.is_nan(x)
        place = b.select(is_nan.value, nans_at.value, zeros_at.value)
        moves = b.or_(is_zero.value, is_nan.value)
        # Without a branch, which nobody could predict where every second number is 0.
        r.b.store(b.select(moves, target.at(place), nowhere), x)
        zeros_at.add(number(is_zero))
        nans_at.add(number(is_nan))

    r.loop(n, put)


def take(r: Any, source: Row, order: Row, target: Row, n: Any) -> None:
    """Elements of the source in the order given to the target, of its dtype."""
    dtype = source.dtype

    def build(r: Any, given: Any, order_at: Any, asked: Any, n: Any) -> None:
        rows, index = [Row(r, dtype, p) for p in (given, asked)], Row(r, order.dtype, order_at)

        def move(i: Any) -> None:
            of = r.b.convert(index.load(r.b, i), INT64).value
            rows[1].store(r.b, i, rows[0].load(r.b, of))

        r.loop(n, move)

    name = f"jitad.take.{short_name(dtype)}.{short_name(order.dtype)}"
    r.call_inner(name, build, source.pointer, order.pointer, target.pointer, n, apart=True)
