"""Transforms of one long row, as many short ones side by side: with n = a b, j = b j1 + j2,
k = k1 + a k2 and w_n = exp(-2 pi i / n),

    y_k = sum_j2 w_b**(j2 k2) (w_n**(j2 k1) sum_j1 w_a**(j1 k1) x_j),

transforms of all columns of an a by b matrix, then of its rows. Each number is read and written
twice only, and columns and rows are shared out among threads.

W. M. Gentleman, G. Sande, "Fast Fourier transforms: for fun and profit", 1966.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..types import DType, complex_dtype
from .fft_blocks import Blocks, transposed_parts
from .fft_bluestein import bluestein
from .fft_butterflies import Complex, times
from .fft_passes import transform
from .fft_sharing import parts_of
from .fft_tables import TURNS, factors, split, table_name, turn_rows
from .vector_loops import affine, behind, vector_width


def is_long(dtype: DType, n: int) -> bool:
    """True if rows of length n are best transformed so."""
    return n >= 8 * vector_width(dtype) ** 2 and split(n, vector_width(dtype)) is not None


def _shares(dtype: DType, n: int) -> tuple[tuple[int, int], int]:
    """Parts of the columns and of the rows; blocks of scratch memory that each has."""
    width = vector_width(dtype)
    a, b = split(n, width) or (1, 1)
    parts = parts_of(n, n)
    return (min(parts, -(-b // width)), min(parts, -(-a // width))), max(2 * a, b)


def long_parts(dtype: DType, n: int) -> int:
    """How many parts threads share."""
    return max(_shares(dtype, n)[0])


def long_room(dtype: DType, n: int) -> int:
    """Complex numbers between columns and rows: those of the last block of rows may be there
    twice."""
    width = vector_width(dtype)
    a, b = split(n, width) or (1, 1)
    return -(-a // width) * width * b


def long_scratch(dtype: DType, n: int) -> int:
    """Complex numbers of scratch memory for a long row."""
    counts, size = _shares(dtype, n)
    return max(counts) * size * vector_width(dtype)


def transform_long(
    r: Any, dtype: DType, n: int, source: Any, target: Any, between: Any, scratch: Any, how: Any
) -> None:
    """Transform n complex numbers at `source` to `target`, which may be the same; `between` has
    room for `long_room`. `how` points to two numbers: each imaginary part is
    multiplied by the first one as it is read and as it is written (-1 for the inverse transform),
    all parts by the second one as they are written."""

    def build(inner: Any, *pointers: Any) -> None:
        _Long(inner, dtype, n, *pointers).emit()

    name = f"jitad.fft.{dtype.name}.long.{n}"
    r.call_inner(name, build, source, target, between, scratch, how)


class _Long:
    """The body of the function that transforms a row."""

    def __init__(
        self,
        r: Any,
        dtype: DType,
        n: int,
        source: Any,
        target: Any,
        between: Any,
        scratch: Any,
        how: Any,
    ) -> None:
        self.r, self.dtype, self.n = r, dtype, n
        self.width = vector_width(dtype)
        self.blocks = Blocks(dtype, self.width)
        self.numbers = Blocks(dtype, 1)
        self.a, self.b = split(n, self.width) or (1, 1)
        self.rounds = -(-self.b // self.width), -(-self.a // self.width)
        self.source, self.target, self.between, self.scratch = source, target, between, scratch
        self.how = how

    def emit(self) -> None:
        """Columns, then rows."""
        (columns, rows), size = _shares(self.dtype, self.n)
        table = self.r.externals.pointer(self.r.builder, table_name(TURNS, self.dtype.name, self.n))
        near = (self.source, self.between, self.scratch, self.how, table)
        self._share_out(self.rounds[0], columns, size, near, self._column)
        far = (self.between, self.target, self.scratch, self.how)
        self._share_out(self.rounds[1], rows, size, far, self._row)

    def _share_out(
        self,
        count: int,
        parts: int,
        size: int,
        pointers: tuple[Any, ...],
        body: Callable[..., None],
    ) -> None:
        """body(r, number, pointers...) for each group of rows side by side."""
        if parts == 1:
            self.r.loop(count, lambda number: body(self.r, number, *pointers))
            return

        def part(r: Any, number: Any, source: Any, target: Any, scratch: Any, *more: Any) -> None:
            start, length = r.share(number, count, parts)
            own = self.blocks.address(r, scratch, affine(r, 0, (number, size)))
            places = (source, target, own, *more)
            end = r.builder.add(start, length)
            r.loop(end, lambda i: body(r, i, *places), start=start)

        self.r.parallel_for(parts, part, *pointers)

    def _first(self, r: Any, number: Any, length: int) -> Any:
        """Number of the first row of a group: the last group may overlap the one before."""
        first = affine(r, 0, (number, self.width))
        if length % self.width:
            last = r.integer(length - self.width)
            first = r.builder.select(r.builder.icmp_signed("<", first, last), first, last)
        return first

    def _factors(self, r: Any, how: Any) -> tuple[Any, Any]:
        """The two numbers at `how`, in all lanes."""
        e = r.simd(self.width)
        size = self.dtype.itemsize
        return e.load(how, self.dtype, 0), e.load(behind(r, how, size), self.dtype, 0)

    def _column(
        self, r: Any, number: Any, source: Any, target: Any, scratch: Any, how: Any, table: Any
    ) -> None:
        """Transform a group of columns, and write squares of it as blocks of rows."""
        blocks, e = self.blocks, r.simd(self.width)
        first = self._first(r, number, self.b)
        sign, _ = self._factors(r, how)
        start = self.numbers.address(r, source, first)

        def read(j: Any) -> None:
            at = self.numbers.address(r, start, affine(r, 0, (j, self.b)))
            re, im = e.parts(e.load(at, complex_dtype(self.dtype)))
            blocks.store(r, blocks.address(r, scratch, j), (re, e.mul(im, sign)))

        r.loop(self.a, read)
        other = blocks.address(r, scratch, self.a)
        result = transform(r, blocks, self.a, scratch, other)
        groups, within = turn_rows(self.n, self.width)
        turns = blocks.address(r, table, affine(r, 0, (number, groups + within + self.width)))
        near = [blocks.load(r, blocks.address(r, turns, k)) for k in range(self.width)]
        inner = blocks.address(r, turns, self.width)
        outer = blocks.address(r, inner, within)
        wide = r.simd(2 * self.width)

        def square(round_: Any, base: Complex) -> None:
            at = blocks.address(r, result, self._first(r, round_, self.a))
            turned: list[Any] = []
            for k, factor in enumerate(near):
                value = blocks.load(r, blocks.address(r, at, k))
                turn = times(e, base, factor) if k else base
                turned.append(_joined(e, times(e, value, turn)))
            place = blocks.address(r, target, affine(r, first, (round_, self.b)))
            for k, block in enumerate(transposed_parts(wide, turned)):
                wide.store(blocks.address(r, place, k), block)

        def group(g: Any) -> None:
            start = blocks.load(r, blocks.address(r, outer, g))

            def one(i: Any) -> None:
                step = blocks.load(r, blocks.address(r, inner, i))
                square(affine(r, i, (g, within)), times(e, start, step))

            r.loop(within, one)

        r.loop(groups, group)

    def _row(self, r: Any, number: Any, source: Any, target: Any, scratch: Any, how: Any) -> None:
        """Transform a group of rows, and write them as columns."""
        blocks, e = self.blocks, r.simd(self.width)
        here = blocks.address(r, source, affine(r, 0, (number, self.b)))
        result = transform(r, blocks, self.b, here, scratch)
        sign, scale = self._factors(r, how)
        start = self.numbers.address(r, target, self._first(r, number, self.a))

        def write(k: Any) -> None:
            re, im = blocks.load(r, blocks.address(r, result, k))
            at = self.numbers.address(r, start, affine(r, 0, (k, self.a)))
            e.store(at, e.complex(e.mul(re, scale), e.mul(e.mul(im, scale), sign)))

        r.loop(self.b, write)


def _joined(e: Any, value: Complex) -> Any:
    """Both parts in one vector."""
    return e.shuffle(value[0], list(range(2 * e.width)), value[1])


# Rows of any length.


def row_scratch(dtype: DType, n: int) -> int:
    """Complex numbers of scratch memory that `transform_row` needs."""
    return long_scratch(dtype, n) if is_long(dtype, n) else 0


def transform_row(
    r: Any, blocks: Blocks, n: int, here: Any, other: Any, scratch: Any, forward: Any
) -> Any:
    """Transform n complex numbers; gives the place of the result. `forward` is the `how` of a
    long row that is transformed as it is."""
    dtype = blocks.dtype
    if is_long(dtype, n):
        transform_long(r, dtype, n, here, here, other, scratch, forward)
        return here
    if factors(n) is None:
        bluestein(r, blocks, n, here, other, transform_row, scratch, forward)
        return here
    return transform(r, blocks, n, here, other)
