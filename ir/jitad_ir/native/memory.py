"""Lanes in and out of memory, lane numbers, and reductions across lanes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llvmlite import ir as ll

from ..processor import compresses
from ..types import BOOL, DTYPES, INT64, DType, real_dtype
from .arithmetic import Arithmetic
from .lanes import (
    I32,
    I64,
    PTR,
    VOID,
    Lanes,
    call_intrinsic,
    lane_numbers,
    memory_type,
    splat_constant,
    undefined,
    unsupported,
    vector_type,
)

BYTE = DTYPES["u8"]
"""Bools in memory, where lanes are moved one by one."""


class Memory(Arithmetic):
    """Loads, stores, iota, and horizontal reductions in a fixed order."""

    def load(self, ptr: ll.Value, dtype: DType, lane_stride: int | ll.Value = 1) -> Lanes:
        """The elements at `ptr`, `ptr` + stride, ... (stride in elements; a constant, or an i64).

        Stride 1 is one vector load, 0 one scalar load copied to each lane; others load element
        by element. Memory must be aligned to the element (a part of it, if complex).
        """
        if self.width == 1 or (isinstance(lane_stride, int) and lane_stride == 1):
            return self._load_contiguous(ptr, dtype)
        scalar = self.of_width(1)
        if isinstance(lane_stride, int) and lane_stride == 0:
            return self.splat(scalar.load(ptr, dtype))
        if dtype == BOOL:  # one comparison, not one a lane
            lanes = self.load(ptr, BYTE, lane_stride)
            return self.ne(lanes, self.constant(BYTE, 0))
        if dtype.kind == "c":
            places = [
                self._lane_pointer(ptr, dtype, lane_stride, lane) for lane in range(self.width)
            ]
            return self.load_pairs(places, dtype)
        lanes = self.constant(dtype, 0)
        for lane in range(self.width):
            element = scalar.load(self._lane_pointer(ptr, dtype, lane_stride, lane), dtype)
            lanes = self.insert(lanes, element, lane)
        return lanes

    def load_pairs(self, places: Sequence[ll.Value], dtype: DType) -> Lanes:
        """Complex numbers at any places, one for each lane: both parts by one load, and taken apart
        when all are together, which LLVM leaves out where they are only moved."""
        align = real_dtype(dtype).itemsize
        type = ll.VectorType(memory_type(dtype), 2)
        parts = [self.builder.load(place, align=align, typ=type) for place in places]
        while len(parts) > 1:
            order = lane_numbers(tuple(range(2 * parts[0].type.count)))
            neighbours = zip(parts[::2], parts[1::2], strict=True)
            parts = [self.builder.shuffle_vector(x, y, order) for x, y in neighbours]
        return Lanes(dtype, tuple(self._every_other(parts[0], first) for first in (0, 1)))

    def store(self, ptr: ll.Value, lanes: Lanes, lane_stride: int | ll.Value = 1) -> None:
        """Write the elements to `ptr`, `ptr` + stride, ... (stride in elements)."""
        if self.width == 1 or (isinstance(lane_stride, int) and lane_stride == 1):
            self._store_contiguous(ptr, lanes)
            return
        if isinstance(lane_stride, int) and lane_stride == 0:
            raise ValueError("store: expected a stride other than 0, lanes would share one element")
        if lanes.dtype == BOOL:
            lanes = self.convert(lanes, BYTE)
        scalar = self.of_width(1)
        for lane in range(self.width):
            element = self.extract(lanes, lane)
            scalar.store(self._lane_pointer(ptr, lanes.dtype, lane_stride, lane), element)

    def iota(self, start: ll.Value, dtype: DType) -> Lanes:
        """start + lane number, for an i64 `start`; integers wrap into `dtype`, others round."""
        if dtype == BOOL:
            raise unsupported("iota", dtype, "integer, float or complex")
        numbers = self.splat(Lanes(INT64, start))
        if self.width > 1:
            register = ll.VectorType(I64, self.width)
            offsets = ll.Constant(register, list(range(self.width)))
            numbers = Lanes(INT64, self.builder.add(numbers.value, offsets))
        return self.convert(numbers, dtype)

    def reduce_sum(self, lanes: Lanes) -> Lanes:
        """Sum over the lanes, by halves: a width-1 value."""
        return self.fold(lanes, lambda b, x, y: b.add(x, y))

    def reduce_prod(self, lanes: Lanes) -> Lanes:
        """Product over the lanes, by halves: a width-1 value."""
        return self.fold(lanes, lambda b, x, y: b.mul(x, y))

    def reduce_max(self, lanes: Lanes) -> Lanes:
        """Greatest of the lanes, nan if any is: a width-1 value."""
        return self.fold(lanes, lambda b, x, y: b.max(x, y))

    def reduce_min(self, lanes: Lanes) -> Lanes:
        """Least of the lanes, nan if any is: a width-1 value."""
        return self.fold(lanes, lambda b, x, y: b.min(x, y))

    def reduce_and(self, lanes: Lanes) -> Lanes:
        """Bitwise and over the lanes of integers or bools: a width-1 value."""
        return self.fold(lanes, lambda b, x, y: b.bitwise_and(x, y))

    def reduce_or(self, lanes: Lanes) -> Lanes:
        """Bitwise or over the lanes of integers or bools: a width-1 value."""
        if lanes.dtype == BOOL and self.width > 1:
            bits = self.builder.bitcast(lanes.value, ll.IntType(self.width))
            return Lanes(BOOL, self.builder.icmp_unsigned("!=", bits, ll.Constant(bits.type, 0)))
        return self.fold(lanes, lambda b, x, y: b.bitwise_or(x, y))

    def bits(self, lanes: Lanes) -> ll.Value:
        """Bools as the bits of an i64, the first lane's the lowest. At most 64 lanes."""
        packed = lanes.value
        if self.width > 1:
            packed = self.builder.bitcast(packed, ll.IntType(self.width))
        return packed if self.width == 64 else self.builder.zext(packed, I64)

    def count_true(self, lanes: Lanes) -> ll.Value:
        """How many of at most 64 bools are true, as i64."""
        bits = self.bits(lanes)
        return bits if self.width == 1 else call_intrinsic(self.builder, "llvm.ctpop", [bits])

    def store_chosen(self, ptr: ll.Value, lanes: Lanes, chosen: Lanes) -> ll.Value:
        """Write the lanes where `chosen` (bools) is true to `ptr`, one behind the other, and
        nothing behind them; how many they are (i64). Of lanes that are not complex."""
        if self.width == 1 or not compresses(self.width * lanes.dtype.itemsize, lanes.dtype):
            return self._store_chosen_one_by_one(ptr, lanes, chosen)
        b, count = self.builder, self.count_true(chosen)
        given = [lanes.value, undefined(lanes.value), chosen.value]
        packed = call_intrinsic(b, "llvm.x86.avx512.mask.compress", given)
        # As many lanes as `count`, which is at most 32: the low bits of 2^count - 1.
        bits = ll.IntType(self.width)
        low = b.sub(b.shl(ll.Constant(I64, 1), count), ll.Constant(I64, 1))
        mask = b.bitcast(b.trunc(low, bits), chosen.value.type)
        type = packed.type
        operands = [packed, ptr, ll.Constant(I32, lanes.dtype.itemsize), mask]
        call_intrinsic(b, "llvm.masked.store", operands, VOID, (type, PTR))
        return count

    def _store_chosen_one_by_one(self, ptr: ll.Value, lanes: Lanes, chosen: Lanes) -> ll.Value:
        b, element = self.builder, memory_type(lanes.dtype)
        with b.goto_entry_block():
            nowhere = b.alloca(element)
        nowhere.type = PTR
        scalar, number = self.of_width(1), ll.Constant(I64, 0)
        count = self.count_true(chosen)
        with b.if_then(b.icmp_unsigned("!=", count, number)):
            for lane in range(self.width):
                flag = self.extract(chosen, lane).value
                place = b.gep(ptr, [number], source_etype=element)
                scalar.store(b.select(flag, place, nowhere), self.extract(lanes, lane))
                number = b.add(number, b.zext(flag, I64))
        return count

    def fold(self, lanes: Lanes, combine: Callable[..., Lanes]) -> Lanes:
        """Fold the lanes by `combine(emitter, x, y)`, low half with high half until one is left:
        ((0 . 2) . (1 . 3)) for width 4. A width-1 value."""
        if self.width == 1:
            return lanes
        half = self.width // 2
        if half == 1:
            low, high = self.extract(lanes, 0), self.extract(lanes, 1)
        else:
            low = self.shuffle(lanes, list(range(half)))
            high = self.shuffle(lanes, list(range(half, self.width)))
        narrower = self.of_width(half)
        return narrower.fold(combine(narrower, low, high), combine)

    def _lane_pointer(
        self, ptr: ll.Value, dtype: DType, stride: int | ll.Value, lane: int
    ) -> ll.Value:
        parts = 2 if dtype.kind == "c" else 1
        if isinstance(stride, int):
            offset = ll.Constant(I64, stride * lane * parts)
        else:
            offset = self.builder.mul(stride, ll.Constant(I64, lane * parts))
        return self.builder.gep(ptr, [offset], source_etype=memory_type(dtype))

    def _load_contiguous(self, ptr: ll.Value, dtype: DType) -> Lanes:
        element = memory_type(dtype)
        align = real_dtype(dtype).itemsize
        if dtype.kind != "c":
            value = self.builder.load(ptr, align=align, typ=vector_type(element, self.width))
            if dtype == BOOL:
                zero = splat_constant(value.type, 0)
                value = self.builder.icmp_unsigned("!=", value, zero)
            return Lanes(dtype, value)
        # Memory holds re, im, re, im, ...
        pairs = self.builder.load(ptr, align=align, typ=ll.VectorType(element, 2 * self.width))
        return Lanes(dtype, tuple(self._every_other(pairs, first) for first in (0, 1)))

    def _store_contiguous(self, ptr: ll.Value, lanes: Lanes) -> None:
        dtype = lanes.dtype
        align = real_dtype(dtype).itemsize
        if dtype.kind != "c":
            value = lanes.value
            if dtype == BOOL:
                value = self.builder.zext(value, vector_type(memory_type(dtype), self.width))
            self.builder.store(value, ptr, align=align)
            return
        re, im = lanes.value
        if self.width == 1:
            pair_type = ll.VectorType(memory_type(dtype), 2)
            pair = self.builder.insert_element(
                ll.Constant(pair_type, ll.Undefined), re, ll.Constant(I32, 0)
            )
            pair = self.builder.insert_element(pair, im, ll.Constant(I32, 1))
        else:
            order = [lane for i in range(self.width) for lane in (i, i + self.width)]
            pair = self.builder.shuffle_vector(re, im, lane_numbers(tuple(order)))
        self.builder.store(pair, ptr, align=align)

    def _every_other(self, pairs: ll.Value, first: int) -> ll.Value:
        if self.width == 1:
            return self.builder.extract_element(pairs, ll.Constant(I32, first))
        order = tuple(range(first, 2 * self.width, 2))
        return self.builder.shuffle_vector(pairs, undefined(pairs), lane_numbers(order))
