"""How often each number occurs."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..lowering import Routine
from ..op import NO_TANGENT, NONLINEAR, Draw, Op, Sample
from ..types import INT64, ArrayType, Shape, TypeMismatch
from .sort_sharing import MOST_PARTS, parts_of, share_rows
from .vector_loops import affine, strips, vector_width

TABLES = 4
"""Tables that `bincount` adds to in turn: the next of two equal numbers need not wait for the
first one's sum to come back from memory."""

COUNTED = 0.4
"""Nanoseconds of a number that is counted."""

SHORT = 4096
"""Longest tables of which there are several."""


def _infer_bincount(x: ArrayType, *, length: int, batch: int) -> ArrayType:
    if x.dtype != INT64 or not 0 <= batch <= x.ndim or length < 0:
        raise TypeMismatch(
            f"bincount: expected int64 with at least {batch} axes, and a length of 0 or more; got "
            f"{x!r} and {length}"
        )
    return x.with_shape((*x.shape[:batch], length))


def _evaluate_bincount(x: Any, *, length: int, batch: int) -> Any:
    shape: Shape = x.shape[:batch]
    rows = x.reshape(math.prod(shape), -1) if x.size else np.empty((math.prod(shape), 0), x.dtype)
    counted = [np.bincount(row[(row >= 0) & (row < length)], minlength=length) for row in rows]
    return np.array(counted, np.int64).reshape(*shape, length)


def _tables(length: int) -> int:
    return TABLES if length <= SHORT else 1


class _Counting:
    """How one array of numbers is counted: in `parts`, each with `tables`, of which the first one
    is the row of the result if there is one part."""

    def __init__(self, x: ArrayType, length: int, batch: int) -> None:
        self.outer, self.n = math.prod(x.shape[:batch]), math.prod(x.shape[batch:])
        self.length = length
        self.tables = _tables(length) if self.n >= TABLES else 1
        work = self.outer * self.n * COUNTED
        of_rows = parts_of(self.outer, work, 0)
        self.by_rows = self.outer > 1
        self.parts = of_rows
        if not self.by_rows and 8 * MOST_PARTS * self.tables * length <= self.n:
            self.parts = parts_of(self.n, work, 0)
        own = self.parts > 1 and not self.by_rows
        self.scratch = ArrayType(INT64, (self.tables - (not own), length))
        self.scratch_bytes = -(-self.scratch.nbytes // 64) * 64


def _workspace_bincount(x: ArrayType, *, length: int, batch: int) -> int:
    counting = _Counting(x, length, batch)
    return counting.parts * counting.scratch_bytes


def _parts_bincount(x: ArrayType, *, length: int, batch: int) -> int:
    return _Counting(x, length, batch).parts


def _emit_bincount(r: Any, x: Any, results: Any, *, length: int, batch: int) -> None:
    (out,) = results
    if out.type.size == 0:
        return
    how = _Counting(x.type, length, batch)
    rows = r.buffer(x.type.with_shape((how.outer, how.n)), x.pointer)
    counts = r.buffer(out.type.with_shape((how.outer, length)), out.pointer)

    def scratch(r: Any) -> list[Any]:
        row = how.scratch.with_shape((length,))
        return [
            r.buffer(row, r.workspace, table * row.nbytes) for table in range(how.scratch.shape[0])
        ]

    def row(r: Any, buffers: Sequence[Any], number: Any) -> None:
        first = r.buffer(
            how.scratch.with_shape((length,)), r.element_pointer(buffers[1], (number, 0))
        )
        tables = [first, *scratch(r)]
        _count(r, buffers[0], number, r.integer(0), r.integer(how.n), tables)

    if how.by_rows or how.parts == 1:
        share_rows(r, how.outer, how.parts, how.scratch_bytes, (rows, counts), row)
        return

    def part(r: Any, number: Any, workspace: Any, values: Any) -> None:
        r.workspace = r.offset(workspace, r.builder.mul(number, r.integer(how.scratch_bytes)))
        start, some = r.share(number, how.n, how.parts)
        end = r.builder.add(start, some)
        _count(r, r.buffer(rows.type, values), r.integer(0), start, end, scratch(r))

    r.parallel_for(how.parts, part, r.workspace, rows.pointer)
    firsts = [
        r.buffer(how.scratch.with_shape((length,)), r.workspace, k * how.scratch_bytes)
        for k in range(how.parts)
    ]
    _add_up(r, out, firsts)


def _count(r: Any, rows: Any, number: Any, start: Any, end: Any, tables: Sequence[Any]) -> None:
    """Count rows[number, start:end] in the first of the tables; the others are scratch memory."""
    b, (length,) = r.builder, tables[0].type.shape
    one = r.b.constant(INT64, 1)

    def visit(i: Any, table: Any) -> None:
        at = r.load(rows, (number, i)).value

        def count() -> None:
            r.store(table, (at,), r.b.add(r.load(table, (at,)), one))

        # Negative numbers are great ones without a sign.
        r.when(b.icmp_unsigned("<", at, r.integer(length)), count)

    def several(i: Any) -> None:
        for k, table in enumerate(tables):
            visit(affine(r, affine(r, start, (k, 1)), (i, len(tables))), table)

    for table in tables:
        r.fill(table, r.b.constant(INT64, 0))
    whole = b.udiv(b.sub(end, start), r.integer(len(tables)))
    r.loop(whole, several)
    r.loop(end, lambda i: visit(i, tables[0]), start=affine(r, start, (whole, len(tables))))
    if len(tables) > 1:
        _add_up(r, tables[0], tables)


def _add_up(r: Any, total: Any, tables: Sequence[Any]) -> None:
    """The sum of tables."""

    def strip(e: Any, first: Any, _count: int) -> None:
        loaded = [e.load(r.element_pointer(table, (first,)), INT64) for table in tables]
        e.store(r.element_pointer(total, (first,)), functools.reduce(e.add, loaded))

    strips(r, tables[0].type.shape[0], vector_width(INT64), strip)


def _counted(shape: Shape, length: int, batch: int = 0) -> Sample:
    draw = Draw(shape, dtype="i64", values=tuple((i * i) % 9 - 2 for i in range(math.prod(shape))))
    return Sample((draw,), {"length": length, "batch": batch}, ("i64",))


bincount = Op(
    name="bincount",
    doc="How often each of 0 ... length - 1 occurs in x (int64), behind its first `batch` axes; "
    "other numbers are not counted.",
    infer=_infer_bincount,
    evaluate=_evaluate_bincount,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, length, batch: bincount(x, length=length, batch=batch + 1),
    lower=Routine(_emit_bincount, _workspace_bincount, parts=_parts_bincount),
    samples=(
        _counted((23,), 6),
        _counted((3,), 6),
        _counted((4, 5), 5, 1),
        _counted((4, 5), 3),
        _counted((0,), 3),
        _counted((2, 0), 3, 1),
        _counted((3,), 0),
        _counted((11,), 5000),
        _counted((), 4),
    ),
)
