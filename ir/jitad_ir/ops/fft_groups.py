"""Transforms of rows side by side, read from an array into blocks and written back."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..types import DType, complex_dtype, real_dtype
from .fft_blocks import Blocks, block_order, number_order, transposed_numbers
from .fft_butterflies import Complex, conjugate, scaled
from .fft_halves import joined, pair_blocks, parted
from .fft_passes import transform
from .fft_sharing import parts_of
from .fft_tables import padded_length
from .vector_loops import affine, behind, vector_width


class Pass(NamedTuple):
    """The transform of rows of length n of `source` to those of `target`, both of three axes: those
    before, the one transformed, those behind. A real signal that is halved is given as pairs, and
    n is half its length."""

    source: Any
    target: Any
    n: int
    inverse: bool
    halved: bool
    scale: float
    scratch: Any

    @property
    def dtype(self) -> DType:
        """Dtype of the parts."""
        return real_dtype(self.source.type.dtype)


def groups_parts(dtype: DType, n: int, outer: int, inner: int) -> int:
    """Parts in which the groups of rows are shared out."""
    return min(parts_of(outer * inner * n, n), _groups(dtype, outer, inner))


def groups_scratch(dtype: DType, n: int, outer: int, inner: int) -> int:
    """Complex numbers of scratch memory for all parts."""
    return groups_parts(dtype, n, outer, inner) * _part_blocks(n) * vector_width(dtype)


def _part_blocks(n: int) -> int:
    """Blocks of scratch memory of one part; a halved signal has n + 1 elements in between."""
    return 2 * (padded_length(n) + 1)


def _groups(dtype: DType, outer: int, inner: int) -> int:
    """Rows that are neighbours along the axes behind go side by side, or if there are none, those
    that are along the axes before."""
    width = vector_width(dtype)
    return -(-outer // width) if inner == 1 else outer * -(-inner // width)


def transform_groups(r: Any, along: Pass) -> None:
    """All rows."""
    outer, _, inner = along.source.type.shape
    count = _groups(along.dtype, outer, inner)
    parts = groups_parts(along.dtype, along.n, outer, inner)
    if parts == 1:
        r.loop(count, lambda number: _Group(r, along, number).emit())
        return

    def part(r: Any, number: Any, source: Any, target: Any, scratch: Any) -> None:
        blocks = Blocks(along.dtype, vector_width(along.dtype))
        start, length = r.share(number, count, parts)
        own = along._replace(
            source=r.buffer(along.source.type, source),
            target=r.buffer(along.target.type, target),
            scratch=blocks.address(r, scratch, affine(r, 0, (number, _part_blocks(along.n)))),
        )
        end = r.builder.add(start, length)
        r.loop(end, lambda i: _Group(r, own, i).emit(), start=start)

    r.parallel_for(parts, part, along.source.pointer, along.target.pointer, along.scratch)


class _Group:
    """Rows side by side."""

    def __init__(self, r: Any, along: Pass, number: Any) -> None:
        self.r, self.along = r, along
        self.dtype = along.dtype
        self.width = vector_width(self.dtype)
        self.blocks = Blocks(self.dtype, self.width)
        self.b = r.simd(self.width)
        self._place(number)

    def _place(self, number: Any) -> None:
        """The first row is that at (o, i) of the axes before and behind."""
        r, width = self.r, self.width
        outer, _, inner = self.along.source.type.shape
        self.rest: Any = None
        """True (i1) for a group that is not full, if there are any."""
        if inner == 1:
            first = affine(r, 0, (number, width))
            if outer % width:
                # Some rows are transformed twice: not in place, since there is but this axis.
                last = r.integer(outer - width)
                first = r.builder.select(r.builder.icmp_signed("<", first, last), first, last)
            self.o, self.i = first, 0
            return
        count = r.integer(-(-inner // width))
        self.o, at = r.builder.udiv(number, count), r.builder.urem(number, count)
        self.i = affine(r, 0, (at, width))
        if inner % width:
            self.rest = r.builder.icmp_signed(">", self.i, r.integer(inner - width))

    def emit(self) -> None:
        """Read, transform, write."""
        along, blocks = self.along, self.blocks
        here = along.scratch
        other = blocks.address(self.r, here, padded_length(along.n) + 1)
        self._read(here)
        if along.halved and along.inverse:
            pair_blocks(self.r, blocks, along.n, self._inverted(joined), here, here)
        result = transform(self.r, blocks, along.n, here, other)
        if along.halved and not along.inverse:
            self._put(result, along.n, self._take(result, 0))
            pair_blocks(self.r, blocks, along.n, parted, result, result)
        self._write(result)

    def _inverted(self, rule: Any) -> Any:
        """The rule for blocks whose parts are exchanged."""

        def turned(b: Any, x: Complex, y: Complex, w: Complex) -> tuple[Complex, Complex]:
            new_x, new_y = rule(b, x[::-1], y[::-1], w)
            return new_x[::-1], new_y[::-1]

        return turned

    # The inverse transform is the forward one with the parts exchanged.

    def _put(self, pointer: Any, j: Any, value: Complex) -> None:
        value = value[::-1] if self.along.inverse else value
        self.blocks.store(self.r, self.blocks.address(self.r, pointer, j), value)

    def _take(self, pointer: Any, j: Any) -> Complex:
        value = self.blocks.load(self.r, self.blocks.address(self.r, pointer, j))
        return value[::-1] if self.along.inverse else value

    def _at(self, array: Any, j: Any, row: int = 0) -> Any:
        """Address of element j of a row of the group."""
        if array.type.shape[2] == 1:
            return self.r.element_pointer(array, (affine(self.r, row, (self.o, 1)), j, 0))
        return self.r.element_pointer(array, (self.o, j, affine(self.r, row, (self.i, 1))))

    # -- in and out --

    def _read(self, pointer: Any) -> None:
        r, source, n = self.r, self.along.source, self.along.n
        present = source.type.shape[1]
        self._move(source, pointer, is_read=True)
        if source.type.dtype.kind == "f" or present == n:
            return
        # A real signal's spectrum: the parts that it does not have are not used.
        zero = self.b.constant(self.dtype, 0)
        for j in (0, n) if self.along.halved else (0,):
            self._put(pointer, j, (self._take(pointer, j)[0], zero))
        if not self.along.halved:

            def mirror(j: Any) -> None:
                there = r.builder.sub(r.integer(n), j)
                self._put(pointer, there, conjugate(self.b, self._take(pointer, j)))

            r.loop(present, mirror, start=1)

    def _write(self, pointer: Any) -> None:
        self._move(self.along.target, pointer, is_read=False)

    def _move(self, array: Any, pointer: Any, *, is_read: bool) -> None:
        """All elements of the rows of an array to blocks, or back."""
        r, dtype = self.r, array.type.dtype
        _, length, inner = array.type.shape
        if inner == 1 and length >= self.width and dtype.kind == "c":
            self._move_squares(array, pointer, is_read)
            return
        step = length if inner == 1 else 1

        def vectors() -> None:
            def element(j: Any) -> None:
                if is_read:
                    value = self.b.load(self._at(array, j), dtype, step)
                    self._put(pointer, j, self._parts(self.b, value))
                else:
                    self.b.store(self._at(array, j), self._result(pointer, j, dtype), step)

            r.loop(length, element)

        def lanes() -> None:
            count = inner % self.width

            def element(j: Any) -> None:
                if is_read:
                    value = self.b.constant(dtype, 0)
                    for lane in range(count):
                        one = r.b.load(self._at(array, j, lane), dtype)
                        value = self.b.insert(value, one, lane)
                    self._put(pointer, j, self._parts(self.b, value))
                else:
                    value = self._result(pointer, j, dtype)
                    for lane in range(count):
                        r.b.store(self._at(array, j, lane), self.b.extract(value, lane))

            r.loop(length, element)

        if self.rest is None:
            vectors()
        elif inner < self.width:
            lanes()
        else:
            r.when(self.rest, lanes, vectors)

    def _parts(self, b: Any, value: Any) -> Complex:
        return b.parts(value) if value.dtype.kind == "c" else (value, b.constant(self.dtype, 0))

    def _result(self, pointer: Any, j: Any, dtype: DType) -> Any:
        value = self._take(pointer, j)
        if self.along.scale != 1:
            value = scaled(self.b, value, self.along.scale)
        return self.b.complex(*value) if dtype.kind == "c" else value[0]

    def _move_squares(self, array: Any, pointer: Any, is_read: bool) -> None:
        """Rows that lie one behind the other, transposed in registers."""
        r, width = self.r, self.width
        length = array.type.shape[1]
        wide = r.simd(2 * width)
        scale = wide.constant(self.dtype, self.along.scale)

        def square(number: Any) -> None:
            first = affine(r, 0, (number, width))
            if length % width:
                last = r.integer(length - width)
                first = r.builder.select(r.builder.icmp_signed("<", first, last), first, last)
            block, row = self.blocks.address(r, pointer, first), self._at(array, first)
            row_bytes = length * complex_dtype(self.dtype).itemsize
            rows = [behind(r, row, k * row_bytes) for k in range(width)]
            places = [self.blocks.address(r, block, k) for k in range(width)]
            inverse = self.along.inverse
            if is_read:
                taken = [wide.load(at, self.dtype) for at in rows]
                order = block_order(width, inverse=inverse)
                numbers = transposed_numbers(wide, taken, after=order)
                for at, value in zip(places, numbers, strict=True):
                    wide.store(at, value)
            else:
                taken = [wide.load(at, self.dtype) for at in places]
                if self.along.scale != 1:
                    taken = [wide.mul(value, scale) for value in taken]
                order = number_order(width, inverse=inverse)
                numbers = transposed_numbers(wide, taken, before=order)
                for at, value in zip(rows, numbers, strict=True):
                    wide.store(at, value)

        r.loop(-(-length // width), square)
