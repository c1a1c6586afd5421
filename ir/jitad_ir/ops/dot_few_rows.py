"""Products of few rows with a large matrix, which is read once, as it lies.

BLAS copies both operands to an order of its own first: for few rows that takes longer than the
products. Here only the rows are copied, so that what a step reads of them lies side by side. A
*tile* is a block of sums in registers: those of some rows with vectors of neighbouring columns, if
these lie side by side in the matrix; else with single columns, whose sums are in the lanes of a
vector and are added up at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..processor import vector_registers
from ..types import DType
from .dot_blas import Block, Matrix, pointer
from .dot_plan import Product, View
from .dot_sharing import FAR
from .strided_copy import CopyAxis, emit_copy
from .vector_loops import VECTOR_BYTES, affine, vector_width

TILE_ROWS = (4, 3, 5, 7)
"""Rows of a tile: the first of these that divides all, as then there is one tile to compile."""

MOST_SUMS = 16
"""Vectors of sums of a tile, of 32 registers; half as many of 16. With 24 hardly anything is
faster."""

MOST_ACROSS = 8
"""Vectors of columns, or columns, of a tile."""

STREAMS = 8
"""Rows of a matrix that are read from memory side by side; twice as many if more is done with
each."""

NEAR = 64
"""The same, of a matrix in the cache."""

UNROLLED = 16
"""Products that one round of a tile's loop adds, at least."""


class _Tile(NamedTuple):
    """How many rows and columns (or vectors of them) the sums are of, and how many products each
    gets."""

    rows: int
    across: int
    steps: int


def row_tiles(m: int) -> list[tuple[int, int]]:
    """(start, count) of m rows in tiles."""
    even = [rows for rows in TILE_ROWS if m % rows == 0]
    size, more = divmod(m, m // even[0] if even else -(-m // TILE_ROWS[0]))
    found: list[tuple[int, int]] = []
    start = 0
    while start < m:
        found.append((start, size + (len(found) < more)))
        start += found[-1][1]
    return found


def copy_rows(r: Any, plan: Product, source: Any, base: Any, target: Any) -> Matrix:
    """The rows in the flat buffer `target`, tile after tile; in each, what one step reads of its
    rows lies side by side: an element of each row, or a vector."""
    down, along = plan.x.row_stride, plan.x.column_stride
    width = 1 if plan.y.column_stride == 1 else vector_width(target.type.dtype)
    vectors, left = divmod(plan.k, width)
    for start, rows in row_tiles(plan.m):
        of, to = affine(r, base, (start, down)), start * plan.k
        whole = CopyAxis(vectors, width * along, width * rows), CopyAxis(rows, down, width)
        emit_copy(r, source, target, of, to, (*whole, CopyAxis(width, along, 1)))
        if left:
            of, to = affine(r, of, (vectors, width * along)), to + vectors * width * rows
            emit_copy(
                r, source, target, of, to, [CopyAxis(left, along, rows), whole[1]._replace(to=1)]
            )
    return Matrix(target, 0, View(plan.m, plan.k, plan.k, 1, (), (), (), False))


def _across(plan: Product, dtype: DType) -> int:
    sums = MOST_SUMS if vector_registers(VECTOR_BYTES) >= 32 else MOST_SUMS // 2
    _, rows = row_tiles(plan.m)[0]
    return min(MOST_ACROSS, sums // rows)


def inner_tiles(r: Any, plan: Product, x: Matrix, y: Matrix, out: Matrix, block: Block) -> None:
    """All rows of a block of columns, by tiles of single columns; x as `copy_rows` leaves it. The
    last tile reaches back over its neighbour, with equal results."""
    matrices = x, y, out
    across = _across(plan, matrices[2].buffer.type.dtype)
    b = r.builder
    columns = _i64(r, block.columns)
    last = b.sub(columns, r.integer(across))

    def tiles_at(number: Any) -> None:
        start = b.mul(number, r.integer(across))
        start = b.select(b.icmp_signed("<", start, last), start, last)
        column = affine(r, block.column, (start, 1))
        for first, rows in row_tiles(plan.m):
            _call(r, plan, matrices, _Tile(rows, across, plan.k), (first, column, 0), None)

    r.loop(b.udiv(b.add(columns, r.integer(across - 1)), r.integer(across)), tiles_at)


def tiles(r: Any, plan: Product, x: Matrix, y: Matrix, out: Matrix, block: Block) -> None:
    """The same by tiles of vectors of columns, over some rows of the matrix and then over the next
    ones: sums are in memory between. What is left at the end of columns is in a tile that begins
    within its neighbour, with sums of its own."""
    matrices = x, y, out
    dtype = matrices[2].buffer.type.dtype
    across = _across(plan, dtype)
    b, width = r.builder, across * vector_width(dtype)
    columns = _i64(r, block.columns)
    whole = b.udiv(columns, r.integer(width))
    steps = _steps(plan, dtype)
    rounds, left = divmod(plan.k, steps)

    def tiles_at(column: Any, at: Any, steps: int) -> None:
        fresh = b.icmp_signed("==", _i64(r, at), r.integer(0))
        for first, rows in row_tiles(plan.m):
            _call(r, plan, matrices, _Tile(rows, across, steps), (first, column, at), fresh)

    def over(columns: Any) -> None:
        """`columns(at, steps)` for some rows of the matrix after the others."""
        r.loop(rounds, lambda i: columns(affine(r, 0, (i, steps)), steps))
        if left:
            columns(rounds * steps, left)

    def all_whole(at: Any, steps: int) -> None:
        r.loop(whole, lambda j: tiles_at(affine(r, block.column, (j, width)), at, steps))

    over(all_whole)
    end = affine(r, block.column, (columns, 1), (1, -width))
    narrower = b.icmp_signed("!=", b.urem(columns, r.integer(width)), r.integer(0))
    r.when(narrower, lambda: over(lambda at, steps: tiles_at(end, at, steps)))


def _steps(plan: Product, dtype: DType) -> int:
    """Rows of the matrix of which a tile adds products before it goes on to the next columns."""
    enough = NEAR
    if plan.k * plan.n * dtype.itemsize > FAR:
        enough = STREAMS if plan.m <= TILE_ROWS[0] else 2 * STREAMS
    even = [n for n in range(enough, 2 * enough) if plan.k % n == 0]
    return min(even[0] if even else enough, plan.k)


def _i64(r: Any, n: Any) -> Any:
    return r.integer(n) if isinstance(n, int) else n


def _call(
    r: Any,
    plan: Product,
    matrices: tuple[Matrix, Matrix, Matrix],
    tile: _Tile,
    place: tuple[int, Any, Any],
    fresh: Any,
) -> None:
    """Call the function of a tile whose first row, column and step are `place`."""
    x, y, out = matrices
    row, column, at = place
    dtype = out.buffer.type.dtype
    rows = r.element_pointer(x.buffer, (affine(r, x.base, (row, plan.k), (at, tile.rows)),))
    arguments = [rows, pointer(r, y, at, column), pointer(r, out, row, column)]
    strides = (y.view.row_stride, y.view.column_stride, out.view.row_stride, out.view.column_stride)
    name = f"jitad.few_rows.{dtype.name}.{'.'.join(map(str, (*tile, *strides)))}"

    def build(inner: Any, *parameters: Any) -> None:
        buffers = zip(matrices, parameters, strict=False)
        parts = [m._replace(buffer=inner.buffer(m.buffer.type, p), base=0) for m, p in buffers]
        if fresh is None:
            _lane_sums(inner, tile, parts)
        else:
            _column_sums(inner, tile, parts, parameters[3])

    r.call_inner(name, build, *arguments, *([] if fresh is None else [fresh]), apart=True)


def _column_sums(r: Any, tile: _Tile, matrices: Sequence[Matrix], fresh: Any) -> None:
    """Sums of a tile, to which what is in memory is added unless `fresh`: sums of sums, whose
    errors are smaller."""
    x, y, out = matrices
    dtype = out.buffer.type.dtype
    e = r.simd(vector_width(dtype))
    places = [pointer(r, out, i, v * e.width) for i in range(tile.rows) for v in range(tile.across)]
    sums = [e.constant(dtype, 0)] * len(places)
    strides = (tile.rows, y.view.row_stride)

    def step(pointers: Sequence[Any], sums: list[Any]) -> list[Any]:
        left, right = (r.buffer(m.buffer.type, p) for m, p in zip((x, y), pointers, strict=True))
        factors = [e.load(r.element_pointer(left, (i,)), dtype, 0) for i in range(tile.rows)]
        vectors = [
            e.load(r.element_pointer(right, (v * e.width,)), dtype) for v in range(tile.across)
        ]
        return _added(e, factors, vectors, sums)

    sums = _walk(r, tile.steps, (x, y), strides, sums, step)

    def added() -> list[Any]:
        before = [e.load(place, dtype) for place in places]
        return [e.add(total, other) for total, other in zip(sums, before, strict=True)]

    sums = r.unless(fresh, sums, added)
    for place, total in zip(places, sums, strict=True):
        e.store(place, total)


def _lane_sums(r: Any, tile: _Tile, matrices: Sequence[Matrix]) -> None:
    """Sums of a tile, of vectors along both operands, and of what is left behind them."""
    x, y, out = matrices
    dtype = out.buffer.type.dtype
    width = vector_width(dtype)

    def summed(e: Any, begin: int, steps: int) -> list[Any]:
        """Sums from element `begin` on, of vectors of the emitter's width."""
        sums = [e.constant(dtype, 0)] * (tile.rows * tile.across)

        def step(pointers: Sequence[Any], sums: list[Any]) -> list[Any]:
            left, right = (
                r.buffer(m.buffer.type, p) for m, p in zip((x, y), pointers, strict=True)
            )
            factors = [
                e.load(r.element_pointer(left, (i * e.width,)), dtype) for i in range(tile.rows)
            ]
            vectors = [
                e.load(r.element_pointer(right, (j * y.view.column_stride,)), dtype)
                for j in range(tile.across)
            ]
            return _added(e, factors, vectors, sums)

        starts = (begin * tile.rows, begin)
        here = [
            m._replace(buffer=r.buffer(m.buffer.type, r.element_pointer(m.buffer, (start,))))
            for m, start in zip((x, y), starts, strict=True)
        ]
        return _walk(r, steps, here, (e.width * tile.rows, e.width), sums, step)

    e = r.simd(width)
    vectors, left = divmod(tile.steps, width)
    found = [e.reduce_sum(total) for total in summed(e, 0, vectors)]
    if left:
        others = summed(r.b, vectors * width, left)
        found = [r.b.add(a, b) for a, b in zip(found, others, strict=True)]
    for k, total in enumerate(found):
        r.b.store(pointer(r, out, *divmod(k, tile.across)), total)


def _added(e: Any, factors: list[Any], vectors: list[Any], sums: list[Any]) -> list[Any]:
    """The sums, row by row, with a product each added."""
    pairs = [(a, b) for a in factors for b in vectors]
    return [e.fma(a, b, total) for (a, b), total in zip(pairs, sums, strict=True)]


def _walk(
    r: Any,
    steps: int,
    operands: Sequence[Matrix],
    strides: tuple[int, int],
    sums: list[Any],
    step: Any,
) -> list[Any]:
    """`sums = step(pointers, sums)` so many times, for pointers that move by `strides` elements."""
    size = sums[0].dtype.itemsize
    unroll = min(-(-UNROLLED // len(sums)), steps) or 1
    rounds, left = divmod(steps, unroll)
    pointers = [m.buffer.pointer for m in operands]

    def some(pointers: Sequence[Any], sums: list[Any], count: int) -> list[Any]:
        for k in range(count):
            moved = [
                r.offset(p, r.integer(k * n * size)) if k else p
                for p, n in zip(pointers, strides, strict=True)
            ]
            sums = step(moved, sums)
        return sums

    moving = [(p, unroll * n * size) for p, n in zip(pointers, strides, strict=True)]
    sums = r.walk(rounds, moving, sums, lambda places, sums: some(places, sums, unroll))
    if not left:
        return sums
    behind = [r.offset(p, r.integer(rounds * n)) for p, n in moving]
    return some(behind, sums, left)
