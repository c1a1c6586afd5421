"""How native code computes `dot`: straight-line code, loops over vectors, or BLAS; large ones on
several threads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..types import ArrayType, DType
from .dot_blas import Block, Matrix, flat, gemm, gemv, pointer
from .dot_few_rows import copy_rows, inner_tiles, tiles
from .dot_plan import Product, Roles, View, product
from .dot_sharing import TILED, Shares
from .vector_loops import affine, strips, vector_width

STREAMS = 4
"""Vectors that a loop sums side by side, to hide the latency of addition."""

CHAINS = 8
"""The same where a loop does little else: a core begins two sums a cycle, which take four."""


def workspace_dot(x: ArrayType, y: ArrayType, in_x: Roles, in_y: Roles) -> int:
    """Bytes that packed operands take."""
    plan = product(x, y, in_x, in_y)
    return plan.offsets(x.dtype)[2] * plan.shares(x.dtype).batch


def parts_of_dot(x: ArrayType, y: ArrayType, in_x: Roles, in_y: Roles) -> int:
    """Parts that are shared out among threads."""
    shared = product(x, y, in_x, in_y).shares(x.dtype)
    return shared.batch * shared.blocks


def emit_dot(r: Any, x: Any, y: Any, out: Any, in_x: Roles, in_y: Roles) -> None:
    """Write `dot(x, y)` to the buffer `out`."""
    dtype = out.type.dtype
    plan = product(x.type, y.type, in_x, in_y)
    if plan.swapped:
        x, y = y, x
    if out.type.size == 0:
        return
    if plan.k == 0:
        r.fill(out, r.b.constant(dtype, 0))
        return
    shared = plan.shares(dtype)
    if shared.batch == 1:
        r.loops(plan.batch, lambda index: _emit_one(r, plan, shared, x, y, out, index))
        return
    count, bytes = math.prod(plan.batch), plan.offsets(dtype)[2]

    def part(r: Any, number: Any, x_at: Any, y_at: Any, out_at: Any, workspace: Any) -> None:
        start, length = r.share(number, count, shared.batch)
        r.workspace = r.offset(workspace, r.builder.mul(number, r.integer(bytes)))
        operands = r.buffer(x.type, x_at), r.buffer(y.type, y_at), r.buffer(out.type, out_at)

        def one(i: Any) -> None:
            flat = r.builder.add(start, i)
            _emit_one(r, plan, Shares(), *operands, r.unravel(flat, plan.batch))

        r.loop(length, one)

    r.parallel_for(shared.batch, part, x.pointer, y.pointer, out.pointer, r.workspace)


def _emit_one(
    r: Any, plan: Product, shared: Shares, x: Any, y: Any, out: Any, index: tuple[Any, ...]
) -> None:
    """The product at one index of the batch."""
    x_start, y_start, _ = plan.offsets(out.type.dtype)
    if plan.method in TILED and plan.x.packed:
        left = _rows(r, plan, x, index)
    else:
        left = _matrix(r, x, plan.x, index, x_start)
    right = _matrix(r, y, plan.y, index, y_start)
    strides = [plan.m * plan.n * math.prod(plan.batch[a + 1 :]) for a in range(len(index))]
    base = affine(r, 0, *zip(index, strides, strict=True))
    steps = (1, plan.m) if plan.swapped else (plan.n, 1)
    whole = View(plan.m, plan.n, *steps, (), (), (), False)
    result = Matrix(flat(r, out), base, whole)
    if plan.method not in _BY_BLOCKS:
        _METHODS[plan.method](r, plan, left, right, result)
    elif shared.blocks == 1:
        _BY_BLOCKS[plan.method](r, plan, left, right, result, Block(0, 0, plan.m, plan.n))
    else:
        _in_blocks(r, plan, shared, left, right, result)


def _in_blocks(r: Any, plan: Product, shared: Shares, x: Matrix, y: Matrix, out: Matrix) -> None:
    """The blocks of one result, each on some thread."""
    matrices = (x, y, out)

    def block(r: Any, number: Any, *places: Any) -> None:
        columns = r.integer(shared.columns)
        row, rows = r.share(r.builder.udiv(number, columns), plan.m, shared.rows)
        column, width = r.share(r.builder.urem(number, columns), plan.n, shared.columns)
        here = [
            Matrix(r.buffer(matrix.buffer.type, place), 0, matrix.view)
            for matrix, place in zip(matrices, places, strict=True)
        ]
        _BY_BLOCKS[plan.method](r, plan, *here, Block(row, column, rows, width))

    r.parallel_for(shared.blocks, block, *[pointer(r, matrix, 0, 0) for matrix in matrices])


def _matrix(r: Any, operand: Any, view: View, index: tuple[Any, ...], start: int) -> Matrix:
    base = affine(r, 0, *zip(index, view.batch_strides, strict=True))
    source = flat(r, operand)
    if not view.packed:
        return Matrix(source, base, view)
    size = view.rows * view.columns
    packed = r.buffer(operand.type.with_shape((size,)), r.workspace, start)
    axes = view.row_axes + view.column_axes
    lengths = tuple(length for length, _ in axes)
    places = [math.prod(lengths[a + 1 :]) for a in range(len(lengths))]

    def copy(at: tuple[Any, ...]) -> None:
        offset = affine(r, base, *zip(at, [stride for _, stride in axes], strict=True))
        place = affine(r, 0, *zip(at, places, strict=True))
        r.store(packed, (place,), r.load(source, (offset,)))

    r.loops(lengths, copy)
    return Matrix(packed, 0, view)


def _rows(r: Any, plan: Product, operand: Any, index: tuple[Any, ...]) -> Matrix:
    """The first operand in the order in which tiles read it."""
    base = affine(r, 0, *zip(index, plan.x.batch_strides, strict=True))
    target = r.buffer(operand.type.with_shape((plan.m * plan.k,)), r.workspace)
    return copy_rows(r, plan, flat(r, operand), base, target)


class _Sum:
    """A running sum in registers."""

    def __init__(self, r: Any, emitter: Any, dtype: DType) -> None:
        self.r, self.emitter, self.dtype = r, emitter, dtype
        zero = emitter.constant(dtype, 0)
        self._slots = [r.local(part.type) for part in self._parts(zero)]
        self._write(zero)

    def _parts(self, lanes: Any) -> tuple[Any, ...]:
        return lanes.value if self.dtype.kind == "c" else (lanes.value,)

    def _write(self, lanes: Any) -> None:
        for slot, part in zip(self._slots, self._parts(lanes), strict=True):
            self.r.builder.store(part, slot)

    @property
    def lanes(self) -> Any:
        like = self.emitter.constant(self.dtype, 0)
        parts = [
            self.r.builder.load(slot, typ=part.type)
            for slot, part in zip(self._slots, self._parts(like), strict=True)
        ]
        value = tuple(parts) if self.dtype.kind == "c" else parts[0]
        return like._replace(value=value)

    def add_product(self, x: Any, y: Any) -> None:
        self._write(self.emitter.add(self.lanes, self.emitter.mul(x, y)))


def _unrolled(r: Any, plan: Product, x: Matrix, y: Matrix, out: Matrix) -> None:
    dtype = out.buffer.type.dtype

    def elements(matrix: Matrix) -> list[list[Any]]:
        view = matrix.view
        return [
            [r.b.load(pointer(r, matrix, i, j), dtype) for j in range(view.columns)]
            for i in range(view.rows)
        ]

    left, right = elements(x), elements(y)
    for i in range(plan.m):
        for j in range(plan.n):
            total = r.b.mul(left[i][0], right[0][j])
            for p in range(1, plan.k):
                total = r.b.add(total, r.b.mul(left[i][p], right[p][j]))
            r.b.store(pointer(r, out, i, j), total)


def _columns(r: Any, plan: Product, x: Matrix, y: Matrix, out: Matrix) -> None:
    """Vectors of columns of y, each scaled by one element of x and summed.

    The last vector ends with the last column, be some of its columns those of the one before.
    """
    dtype = out.buffer.type.dtype
    width = vector_width(dtype)
    groups, rest = divmod(plan.n, STREAMS * width)
    last = [*range(0, rest - width, width), rest - width] if rest else []

    def row(i: Any) -> None:
        def group(number: Any) -> None:
            start = affine(r, 0, (number, STREAMS * width))
            starts = [affine(r, start, (v, width)) for v in range(STREAMS)]
            _column_sums(r, plan, x, y, out, i, starts)

        r.loop(groups, group)
        if rest:
            starts = [plan.n - rest + offset for offset in last]
            _column_sums(r, plan, x, y, out, i, starts)

    r.loop(plan.m, row)


def _column_sums(
    r: Any, plan: Product, x: Matrix, y: Matrix, out: Matrix, i: Any, starts: list[Any]
) -> None:
    """Row i of the result, in the vectors that begin at the columns `starts`; for few of them in
    several sums each, over every second, third, ... element of the row of x."""
    dtype = out.buffer.type.dtype
    e = r.simd(vector_width(dtype))
    several = CHAINS // len(starts) if plan.k >= 2 * CHAINS else 1
    sums = [[_Sum(r, e, dtype) for _ in starts] for _ in range(several)]

    def term(p: Any, totals: list[_Sum]) -> None:
        factor = e.splat(r.b.load(pointer(r, x, i, p), dtype))
        for total, j in zip(totals, starts, strict=True):
            total.add_product(factor, e.load(pointer(r, y, p, j), dtype))

    def terms(round: Any) -> None:
        for number, totals in enumerate(sums):
            term(affine(r, number, (round, several)), totals)

    rounds = plan.k // several
    r.loop(rounds, terms)
    for p in range(rounds * several, plan.k):
        term(p, sums[0])
    for at, j in enumerate(starts):
        total = sums[0][at].lanes
        for other in sums[1:]:
            total = e.add(total, other[at].lanes)
        e.store(pointer(r, out, i, j), total)


def _inner(r: Any, plan: Product, x: Matrix, y: Matrix, out: Matrix) -> None:
    """Vectors along the contracted axis, summed at the end in a fixed order."""
    dtype = out.buffer.type.dtype
    width = vector_width(dtype)
    streams = STREAMS if plan.k >= STREAMS * width else 1

    def element(index: tuple[Any, Any]) -> None:
        i, j = index
        sums = [_Sum(r, r.simd(width), dtype) for _ in range(streams)]
        rest = _Sum(r, r.b, dtype)

        def strip(e: Any, start: Any, count: int) -> None:
            for v in range(count):
                p = affine(r, start, (v, e.width))
                left = e.load(pointer(r, x, i, p), dtype)
                right = e.load(pointer(r, y, p, j), dtype)
                (rest if e.width == 1 else sums[v]).add_product(left, right)

        strips(r, plan.k, width, strip, streams=streams)
        e = r.simd(width)
        total = sums[0].lanes
        for other in sums[1:]:
            total = e.add(total, other.lanes)
        r.b.store(pointer(r, out, i, j), r.b.add(e.reduce_sum(total), rest.lanes))

    r.loops((plan.m, plan.n), element)


def _scalar(r: Any, plan: Product, x: Matrix, y: Matrix, out: Matrix) -> None:
    dtype = out.buffer.type.dtype

    def element(index: tuple[Any, Any]) -> None:
        i, j = index
        total = _Sum(r, r.b, dtype)
        r.loop(
            plan.k,
            lambda p: total.add_product(
                r.b.load(pointer(r, x, i, p), dtype), r.b.load(pointer(r, y, p, j), dtype)
            ),
        )
        r.b.store(pointer(r, out, i, j), total.lanes)

    r.loops((plan.m, plan.n), element)


_METHODS: dict[str, Callable[..., None]] = {
    "unrolled": _unrolled,
    "columns": _columns,
    "inner": _inner,
    "scalar": _scalar,
}

_BY_BLOCKS: dict[str, Callable[..., None]] = {
    "gemm": gemm,
    "gemv": gemv,
    "tiles": tiles,
    "inner_tiles": inner_tiles,
}
"""Methods that can compute part of a result."""
