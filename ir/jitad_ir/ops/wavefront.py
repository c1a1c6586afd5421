"""wavefront: a table filled cell by cell, each from its neighbours to the left and above.

    wavefront(shared, rowwise, inits, heads, tables, columns, grids; cell)

For row r and column c, c the faster,

    cell(shared, rowwise[r], carry, above[t][c + o] for (t, o) in reads, columns[c], grids[r, c])
        gives (carry, y[t][c] for each table t, entries[r, c])

The carry starts each row as `inits[r]`. `above` are the tables' rows before: at first the operands
`tables`, then, row by row, `heads[r]` followed by the y of all columns. A head has p elements (it
may have none) and an offset is in 0 ... p, so that a cell reads what is above it, or above to the
left. With `reverse = (rows, columns)` the rows run from the last to the first, or the columns do:
then heads follow the y, and offsets count from the end.

The results are the last rows of the tables, the carry at the end of each row, and the entries. The
cells on an anti-diagonal do not depend on each other, so that native code computes several rows at
once, each a column behind the one above it. The pass `wavefront` makes such programs of loops
within loops when no derivative is asked for any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from ..evaluate import interpreter
from ..graph import Graph
from ..lowering import Structured
from ..op import Joint, Op
from ..types import ArrayType, TypeMismatch

Reads = tuple[tuple[int, int], ...]


class Table(NamedTuple):
    """What belongs to a wavefront (operands, types, arrays) by its role."""

    shared: list[Any]
    rowwise: list[Any]
    inits: list[Any]
    heads: list[Any]
    tables: list[Any]
    columns: list[Any]
    grids: list[Any]


def table_of(items: Sequence[Any], counts: tuple[int, int, int, int, int]) -> Table:
    """Operands by role; `counts` are those of shared, rowwise, inits, tables and columns."""
    shared, rowwise, inits, tables, columns = counts
    widths = (0, shared, rowwise, inits, tables, tables, columns)
    ends = [*accumulate(widths), len(items)]
    return Table(*[list(items[a:b]) for a, b in pairwise(ends)])


def _infer(
    *types: ArrayType,
    regions: tuple[Graph, ...],
    rows: int,
    length: int,
    counts: tuple[int, int, int, int, int],
    reads: Reads,
    reverse: tuple[bool, bool],
) -> tuple[ArrayType, ...]:
    (cell,) = regions
    given = table_of(types, counts)
    heads = [head.shape[1] for head in given.heads]
    if rows < 1 or length < 1:
        raise TypeMismatch(f"wavefront: expected rows and columns; got {rows} x {length}")
    for t, p in zip(given.tables, heads, strict=True):
        if t.shape[0] != length + p:
            raise TypeMismatch(f"wavefront: expected a table of length {length + p}; got {t!r}")
    for t, o in reads:
        if not 0 <= o <= heads[t]:
            raise TypeMismatch(f"wavefront: expected an offset in 0 ... {heads[t]}; got {o}")
    expected = (
        *given.shared,
        *[_without(t, (rows,)) for t in (*given.rowwise, *given.inits)],
        *[_without(given.tables[t], (length + heads[t],)) for t, _ in reads],
        *[_without(t, (length,)) for t in given.columns],
        *[_without(t, (rows, length)) for t in given.grids],
    )
    if cell.input_types != expected:
        raise TypeMismatch(f"wavefront: its cell takes {cell.input_types}; got {expected}")
    carry, ys, entries = cut_results(cell.output_types, counts)
    expected_ys = [_without(t, (length + p,)) for t, p in zip(given.tables, heads, strict=True)]
    if carry != [_without(t, (rows,)) for t in given.inits] or ys != expected_ys:
        raise TypeMismatch(
            f"wavefront: the carry and the tables must keep their types; the cell gives "
            f"{(*carry, *ys)}"
        )
    return (
        *given.tables,
        *given.inits,
        *[t.with_shape((rows, length, *t.shape)) for t in entries],
    )


def cut_results(
    items: Sequence[Any], counts: tuple[int, int, int, int, int]
) -> tuple[list[Any], list[Any], list[Any]]:
    """Outputs of a cell by role: carry, rows of the tables, entries."""
    first, second = counts[2], counts[2] + counts[3]
    return list(items[:first]), list(items[first:second]), list(items[second:])


def _without(type: ArrayType, axes: tuple[int, ...]) -> ArrayType:
    """The type without its first axes, which must have these lengths."""
    if type.shape[: len(axes)] != axes:
        raise TypeMismatch(f"wavefront: expected first axes {axes}; got {type!r}")
    return type.with_shape(type.shape[len(axes) :])


def _evaluate(
    *arrays: Any,
    regions: tuple[Graph, ...],
    rows: int,
    length: int,
    counts: tuple[int, int, int, int, int],
    reads: Reads,
    reverse: tuple[bool, bool],
) -> tuple[Any, ...]:
    (cell,) = regions
    step = interpreter(cell)
    given = table_of(arrays, counts)
    over_rows, over_columns = [-1 if flag else 1 for flag in reverse]
    rowwise, inits = [[x[::over_rows] for x in group] for group in (given.rowwise, given.inits)]
    heads, grids = [
        [x[::over_rows, ::over_columns] for x in group] for group in (given.heads, given.grids)
    ]
    above = [t[::over_columns].copy() for t in given.tables]
    columns = [x[::over_columns] for x in given.columns]
    finals = [np.empty_like(x) for x in inits]
    types = cut_results(cell.output_types, counts)[2]
    entries = [np.empty((rows, length, *t.shape), t.dtype) for t in types]
    for r in range(rows):
        carry: list[Any] = [x[r] for x in inits]
        following = [np.empty_like(t) for t in above]
        for row, head in zip(following, heads, strict=True):
            row[: head.shape[1]] = head[r]
        for c in range(length):
            results = step(
                *given.shared,
                *[x[r] for x in rowwise],
                *carry,
                *[above[t][c + o] for t, o in reads],
                *[x[c] for x in columns],
                *[x[r, c] for x in grids],
            )
            carry, ys, new = cut_results(results, counts)
            for row, head, y in zip(following, heads, ys, strict=True):
                row[head.shape[1] + c] = y
            for entry, value in zip(entries, new, strict=True):
                entry[r, c] = value
        for final, value in zip(finals, carry, strict=True):
            final[r] = value
        above = following
    return (
        *[t[::over_columns].copy() for t in above],
        *[x[::over_rows].copy() for x in finals],
        *[x[::over_rows, ::over_columns].copy() for x in entries],
    )


def _no_rule(*_operands: Any, **_params: Any) -> Any:
    raise NotImplementedError(
        "wavefront: made of loops when no derivative and no batch is asked for any more; got one"
    )


wavefront = Op(
    name="wavefront",
    doc="A table filled cell by cell, row after row; see the module.",
    infer=_infer,
    evaluate=_evaluate,
    jvp=Joint(_no_rule),
    transpose=Joint(_no_rule),
    batch=_no_rule,
    lower=Structured("wavefront"),
    samples=(),
    multiple_results=True,
)
