"""Tiles of small matrices: one SIMD lane for each matrix.

A `Tile` holds a few matrices side by side: its element (i, j) is a vector of their elements (i, j).
So algorithms on them read as they do for one matrix. Sides up to UNROLLED are straight-line code
on registers; larger ones are loops over the rows of tiles in the first-level cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..types import INT32, INT64, ArrayType, DType, real_dtype
from .lapack import stack_size
from .vector_loops import affine, vector_width

COLUMNS = 4
"""Right sides that are solved for side by side."""

SMALL = 8
"""Largest side of matrices that are computed here, not by LAPACK."""

UNROLLED = 4
"""Largest side of matrices whose algorithms are emitted as straight-line code."""


def is_small(type: ArrayType) -> bool:
    """True if matrices of this type are computed here."""
    return max(type.shape[-2:]) <= SMALL


class Tile:
    """Matrices side by side; the parts of complex elements apart."""

    def __init__(self, side: Side, rows: int, columns: int, dtype: DType) -> None:
        self.side, self.rows, self.columns, self.dtype = side, rows, columns, dtype
        self.register = side.e.register_type(dtype)
        planes = 2 if dtype.kind == "c" else 1
        self._planes = [side.r.local(self.register, rows * columns) for _ in range(planes)]

    def _pointers(self, i: Any, j: Any) -> list[Any]:
        r = self.side.r
        place = affine(r, 0, (i, self.columns), (j, 1))
        index = r.integer(place) if isinstance(place, int) else place
        return [r.builder.gep(p, [index], source_etype=self.register) for p in self._planes]

    def __getitem__(self, at: tuple[Any, Any]) -> Any:
        e, part = self.side.e, real_dtype(self.dtype)
        parts = [e.load(pointer, part) for pointer in self._pointers(*at)]
        return e.from_parts(self.dtype, *parts) if len(parts) == 2 else parts[0]

    def __setitem__(self, at: tuple[Any, Any], lanes: Any) -> None:
        e = self.side.e
        parts = e.parts(lanes) if self.dtype.kind == "c" else (lanes,)
        for pointer, part in zip(self._pointers(*at), parts, strict=True):
            e.store(pointer, part)


class Side:
    """Emits code on `width` neighbouring matrices of a stack, from number `base` on."""

    def __init__(self, r: Any, dtype: DType, width: int, side: int, base: Any) -> None:
        self.r, self.dtype, self.base = r, dtype, base
        self.e = r.simd(width)
        self.unrolled = side <= UNROLLED
        self.integer = INT32 if real_dtype(dtype).itemsize == 4 else INT64
        """Integers as wide as the elements."""

    def tile(self, rows: int, columns: int, dtype: DType | None = None) -> Tile:
        """An uninitialised tile."""
        return Tile(self, rows, columns, dtype or self.dtype)

    def loop(self, start: Any, stop: Any, body: Callable[[Any], None]) -> None:
        """body(i) for i = start ... stop - 1."""
        if self.unrolled and isinstance(start, int) and isinstance(stop, int):
            for i in range(start, stop):
                body(i)
        else:
            self.r.loop(stop, body, start=start)

    def inner(self, start: int, stop: int, body: Callable[[Any], None]) -> None:
        """`loop`, as straight-line code: for all but loops over the rows of larger tiles."""
        for i in range(start, stop):
            body(i)

    def after(self, i: Any, amount: int = 1) -> Any:
        """i + amount."""
        return affine(self.r, amount, (i, 1))

    def number(self, i: Any) -> Any:
        """A loop counter as integer lanes."""
        if isinstance(i, int):
            return self.e.constant(self.integer, i)
        lanes = self.r.b.constant(INT64, 0)._replace(value=i)
        return self.e.splat(self.r.b.convert(lanes, self.integer))

    # Memory

    def load(self, stack: Any, *index: Any) -> Any:
        """Element `index` of each matrix."""
        pointer = self.r.element_pointer(stack, (self.base, *index))
        stride = math.prod(stack.type.shape[1:])
        return self.e.load(pointer, stack.type.dtype, stride)

    def store(self, stack: Any, lanes: Any, *index: Any) -> None:
        """Write element `index` of each matrix."""
        pointer = self.r.element_pointer(stack, (self.base, *index))
        stride = math.prod(stack.type.shape[1:])
        self.e.store(pointer, lanes, stride)

    def load_tile(self, stack: Any) -> Tile:
        """All elements of each matrix."""
        rows, columns = stack.type.shape[1:]
        tile = self.tile(rows, columns)

        def element(i: Any, j: Any) -> None:
            tile[i, j] = self.load(stack, i, j)

        self.loop(0, rows, lambda i: self.inner(0, columns, lambda j: element(i, j)))
        return tile

    def load_row(self, stack: Any, row: Any, column: Any) -> Any:
        """Element (row, column) of each matrix, with a row for each: integer lanes in bounds."""
        lanes = self.e.constant(stack.type.dtype, 0)
        for lane in range(self.e.width):
            number = self.r.b.convert(self.e.extract(row, lane), INT64).value
            matrix = affine(self.r, lane, (self.base, 1))
            pointer = self.r.element_pointer(stack, (matrix, number, column))
            lanes = self.e.insert(lanes, self.r.b.load(pointer, stack.type.dtype), lane)
        return lanes

    # Arithmetic

    def real(self, x: Any) -> Any:
        """Real part."""
        return self.e.parts(x)[0] if x.dtype.kind == "c" else x

    def conjugate(self, x: Any) -> Any:
        """Complex conjugate."""
        return self.e.conj(x) if x.dtype.kind == "c" else x

    def from_real(self, x: Any) -> Any:
        """x + 0i, if the matrices are complex."""
        if self.dtype.kind != "c":
            return x
        return self.e.from_parts(self.dtype, x, self.e.constant(x.dtype, 0))

    def over_real(self, x: Any, y: Any) -> Any:
        """x / y for real y."""
        if x.dtype.kind != "c":
            return self.e.div(x, y)
        return self.e.from_parts(x.dtype, *[self.e.div(part, y) for part in self.e.parts(x)])

    def size(self, x: Any) -> Any:
        """|x|, if complex |Re x| + |Im x|: how LAPACK compares pivots."""
        if x.dtype.kind != "c":
            return self.e.abs(x)
        re, im = self.e.parts(x)
        return self.e.add(self.e.abs(re), self.e.abs(im))

    def constant(self, number: Any) -> Any:
        """A number in the dtype of the matrices."""
        return self.e.constant(self.dtype, number)

    def nan(self, dtype: DType | None = None) -> Any:
        """nan, in both parts if complex."""
        dtype = dtype or self.dtype
        return self.e.constant(
            dtype, complex(math.nan, math.nan) if dtype.kind == "c" else math.nan
        )


def over_stack(r: Any, type: ArrayType, body: Callable[[Side], None]) -> None:
    """`body(side)` for blocks of matrices that cover a stack of `type`. The last block is moved
    back to end with the stack: some matrices are then computed twice, to the same result."""
    number = stack_size(type)
    if number == 0:
        return
    width = vector_width(real_dtype(type.dtype))
    while width > number:
        width //= 2
    side = max(type.shape[-2:])
    last = number - width

    def block(t: Any) -> None:
        start = affine(r, 0, (t, width))
        over = r.builder.icmp_signed(">", start, r.integer(last))
        body(Side(r, type.dtype, width, side, r.builder.select(over, r.integer(last), start)))

    r.loop(-(-number // width), block)


def in_blocks(r: Any, columns: int, body: Callable[[Any, int], None]) -> None:
    """body(first, count) for blocks that cover the columns; the last one is moved back to end with
    them."""
    count = min(COLUMNS, columns)
    last = r.integer(columns - count)

    def block(t: Any) -> None:
        start = affine(r, 0, (t, count))
        over = r.builder.icmp_signed(">", start, last)
        body(r.builder.select(over, last, start), count)

    r.loop(-(-columns // count), block)
