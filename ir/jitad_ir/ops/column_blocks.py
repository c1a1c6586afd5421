"""Rows whose elements are apart in memory: some neighbouring ones at once are copied to rows that
are not, worked on there, and copied back. So whole cache lines are read and written, and what works
on a row knows of contiguous ones only."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..types import DTYPES, DType, Shape, short_name
from .lapack import Workspace
from .sort_keys import Row
from .sort_sharing import share_rows
from .vector_loops import affine, transpose

LINE = 64
"""Bytes of a cache line: rows that are copied at once have elements in as many, if these fit."""

MEMORY = 16 << 20
"""Bytes of the copies of the rows that are copied at once."""

SIDE = 8
"""Squares of this side are transposed in registers."""


class Blocks(NamedTuple):
    """How the rows along an axis are divided."""

    outer: int
    n: int
    inner: int
    each: int
    """Neighbouring rows that are copied at once."""
    overwrites: bool
    """Whether the result of contiguous rows may lie where their operand does, which is then read
    from a copy."""

    @property
    def apart(self) -> bool:
        """Whether elements of a row are not neighbours in memory."""
        return self.inner > 1

    @property
    def total(self) -> int:
        """How many blocks, or rows if these are contiguous."""
        return self.outer * -(-self.inner // self.each)


def divided(
    shape: Shape,
    axis: int,
    given: Sequence[DType],
    asked: Sequence[DType],
    overwrites: bool = False,
) -> Blocks:
    """Rows of operands and results of these dtypes."""
    n, inner = shape[axis], math.prod(shape[axis + 1 :])
    dtypes = [*given, *asked]
    fit = MEMORY // max(n * sum([dtype.itemsize for dtype in dtypes]), 1)
    wanted = LINE // min([dtype.itemsize for dtype in dtypes])
    return Blocks(math.prod(shape[:axis]), n, inner, max(1, min(inner, fit, wanted)), overwrites)


class _Copies:
    """Memory for the rows of a block, where they are copied."""

    def __init__(
        self, work: Workspace, blocks: Blocks, given: Sequence[DType], asked: Sequence[DType]
    ) -> None:
        each, n = blocks.each, blocks.n
        copied = blocks.apart or blocks.overwrites
        self.given = [work.array(dtype, each, n) for dtype in given if copied]
        self.asked = [work.array(dtype, each, n) for dtype in asked if blocks.apart]


def workspace_blocks(
    work: Workspace, blocks: Blocks, given: Sequence[DType], asked: Sequence[DType]
) -> None:
    """Count the scratch memory."""
    _Copies(work, blocks, given, asked)


def share_blocks(
    r: Any,
    blocks: Blocks,
    parts: int,
    scratch: int,
    xs: Sequence[Any],
    results: Sequence[Any],
    body: Callable[[Any, Workspace, Sequence[Any], Sequence[Any]], None],
) -> None:
    """body(r, work, sources, targets) for each row: pointers to contiguous rows. Threads share
    `parts` of the blocks, each with a workspace of `scratch` bytes."""
    given, asked = ([x.type.dtype for x in some] for some in (xs, results))

    def block(r: Any, buffers: Sequence[Any], number: Any) -> None:
        work = Workspace(r)
        copies = _Copies(work, blocks, given, asked)
        sources, targets = copies.given, copies.asked
        if not blocks.apart:
            start = affine(r, 0, (number, blocks.n))
            at = [Row(r, x.type.dtype, x.pointer).at(start) for x in buffers]
            near, far = at[: len(xs)], at[len(xs) :]
            body(r, work, _kept(r, near, far, sources) if blocks.overwrites else near, far)
            return
        first, count = _block(r, blocks, number)
        at = [Row(r, x.type.dtype, x.pointer).at(first) for x in buffers]
        n, inner = r.integer(blocks.n), r.integer(blocks.inner)
        for dtype, near, far in zip(given, sources, at, strict=False):
            transposed(r, dtype, far, inner, near.pointer, n, n, count)

        def row(number: Any) -> None:
            start = affine(r, 0, (number, blocks.n))
            rows = [
                [Row(r, x.type.dtype, x.pointer).at(start) for x in some]
                for some in (sources, targets)
            ]
            body(r, work, *rows)

        r.loop(count, row)
        for dtype, near, far in zip(asked, targets, at[len(xs) :], strict=True):
            transposed(r, dtype, near.pointer, n, far, inner, count, n)

    share_rows(r, blocks.total, parts, scratch, [*xs, *results], block)


def _kept(
    r: Any, sources: Sequence[Any], targets: Sequence[Any], copies: Sequence[Any]
) -> list[Any]:
    """Pointers to rows; to copies of those that are where a result will be."""

    def keep(source: Any, target: Any, copy: Any) -> Any:
        same = r.builder.icmp_unsigned("==", source, target)
        nbytes = r.integer(copy.type.nbytes)
        r.when(same, lambda: r.copy_bytes(copy.pointer, source, nbytes))
        return r.builder.select(same, copy.pointer, source)

    return [keep(*row) for row in zip(sources, targets, copies, strict=True)]


def _block(r: Any, blocks: Blocks, number: Any) -> tuple[Any, Any]:
    """The first element of a block, and how many rows it has."""
    b, per = r.builder, -(-blocks.inner // blocks.each)
    plane, at = r.integer(0), number
    if blocks.outer > 1:
        plane, at = b.udiv(number, r.integer(per)), b.urem(number, r.integer(per))
    first = affine(r, 0, (at, blocks.each))
    left = b.sub(r.integer(blocks.inner), first)
    each = r.integer(blocks.each)
    count = b.select(b.icmp_signed("<", left, each), left, each)
    return affine(r, first, (plane, blocks.n * blocks.inner)), count


def transposed(
    r: Any, dtype: DType, source: Any, apart: Any, target: Any, stride: Any, rows: Any, columns: Any
) -> None:
    """target[l stride + j] = source[j apart + l] for j < rows, l < columns: i64s, of elements."""
    kind = dtype if dtype.itemsize > 8 else DTYPES[f"u{8 * dtype.itemsize}"]

    def build(r: Any, source: Any, apart: Any, target: Any, stride: Any, *shape: Any) -> None:
        _emit_transposed(r, Row(r, kind, source), apart, Row(r, kind, target), stride, *shape)

    name = f"jitad.transposed.{short_name(kind)}"
    r.call_inner(name, build, source, apart, target, stride, rows, columns, apart=True)


def _emit_transposed(
    r: Any, source: Row, apart: Any, target: Row, stride: Any, rows: Any, columns: Any
) -> None:
    b, e = r.builder, r.simd(SIDE)

    def at(row: Row, i: Any, step: Any, k: Any) -> Any:
        return row.at(b.add(b.mul(i, step), k))

    def single(j: Any, first: Any) -> None:
        def element(k: Any) -> None:
            x = r.b.load(at(source, j, apart, k), source.dtype)
            r.b.store(at(target, k, stride, j), x)

        r.loop(columns, element, start=first)

    if source.dtype.kind == "c":
        r.loop(rows, lambda j: single(j, r.integer(0)))
        return
    side, mask = r.integer(SIDE), r.integer(-SIDE)
    whole_rows, whole_columns = b.and_(rows, mask), b.and_(columns, mask)

    def strip(number: Any) -> None:
        j = b.mul(number, side)

        def square(other: Any) -> None:
            k = b.mul(other, side)
            places = [r.integer(i) for i in range(SIDE)]
            lanes = [e.load(at(source, b.add(j, i), apart, k), source.dtype) for i in places]
            for i, x in zip(places, transpose(e, lanes), strict=True):
                e.store(at(target, b.add(k, i), stride, j), x)

        r.loop(b.udiv(columns, side), square)

    r.loop(b.udiv(rows, side), strip)

    def rest(j: Any) -> None:
        inside = b.icmp_signed("<", j, whole_rows)
        single(j, b.select(inside, whole_columns, r.integer(0)))

    r.loop(
        rows,
        rest,
        start=b.select(b.icmp_signed("==", columns, whole_columns), whole_rows, r.integer(0)),
    )
