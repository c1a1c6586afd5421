"""Rows divided at elements of given ranks: the lesser ones in front, the greater ones behind.

Elements on the same side of each of those stay in their order, so that there is one result, and
`argpartition` tells what `partition` moves. The keys of the ranks are found (`rank_search`), which
tells where each part begins; one more sweep puts vectors of elements there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import NO_TANGENT, NONLINEAR, Draw, Op, Sample, WithPrimal
from ..types import INT64, ArrayType, TypeMismatch, short_name
from .indexing import take_along
from .lapack import Workspace
from .rank_search import RankSearch, Space, key_type, keys_of, width_of
from .sort_keys import Counter, Row, bools_as_bytes, without_bools
from .sort_sharing import parts_of, share_rows
from .vector_loops import stretch

SOUGHT, MOVED = 1.0, 1.0
"""Nanoseconds of an element where a rank is sought, and where elements are moved."""


def _infer(name: str, x: ArrayType, ranks: tuple[int, ...]) -> ArrayType:
    if x.ndim == 0 or not ranks or any(not 0 <= rank < x.shape[-1] for rank in ranks):
        raise TypeMismatch(
            f"{name}: expected ranks from 0 up to below the length of the last axis of {x!r}; "
            f"got {ranks}"
        )
    if tuple(sorted({*ranks})) != ranks:
        raise TypeMismatch(f"{name}: expected ranks that rise; got {ranks}")
    if x.dtype.kind == "c":
        raise TypeMismatch(f"{name}: not defined for complex; got {x!r}")
    return x


def _evaluate(x: Any, *, ranks: tuple[int, ...]) -> Any:
    """The indices."""
    order = np.empty(x.shape, np.int64)
    for index in np.ndindex(*x.shape[:-1]):
        row = x[index]
        pivots = np.sort(row)[list(ranks)]
        parts = np.searchsorted(pivots, row, "left") + np.searchsorted(pivots, row, "right")
        order[index] = np.argsort(parts, kind="stable")
    return order


def _evaluate_partition(x: Any, *, ranks: tuple[int, ...]) -> Any:
    return np.take_along_axis(x, _evaluate(x, ranks=ranks), -1)


def _jvp_partition(
    ts: Sequence[Value | None], x: Value, *, ranks: tuple[int, ...]
) -> tuple[list[Value], list[Value | None]]:
    (t,), order = ts, argpartition(x, ranks=ranks)
    last = x.ndim - 1
    return [take_along(x, order, last)], [None if t is None else take_along(t, order, last)]


# -- native code --


def _shares(x: ArrayType, ranks: tuple[int, ...]) -> tuple[int, int]:
    """Parts in which threads share the rows, and bytes of scratch memory of each."""
    (x,), work, rows = without_bools(x), Workspace(), math.prod(x.shape[:-1])
    Space(work, x.dtype, x.shape[-1])
    each = SOUGHT * len(ranks) + MOVED * (len(ranks) + 1)
    return parts_of(rows, x.size * each, work.bytes), work.bytes


def _workspace(x: ArrayType, *, ranks: tuple[int, ...]) -> int:
    return math.prod(_shares(x, ranks))


def _parts(x: ArrayType, *, ranks: tuple[int, ...]) -> int:
    return 1 if x.size == 0 else _shares(x, ranks)[0]


def _emit(r: Any, x: Any, results: Any, *, ranks: tuple[int, ...], indices: bool) -> None:
    if x.type.size == 0:
        return
    parts, scratch = _shares(x.type, ranks)
    n = x.type.shape[-1]

    def row(r: Any, buffers: Sequence[Any], number: Any) -> None:
        x, _ = buffers
        start = r.builder.mul(number, r.integer(n))
        source, target = (
            Row(r, y.type.dtype, Row(r, y.type.dtype, y.pointer).at(start)) for y in buffers
        )
        search = RankSearch(r, Workspace(r), source.pointer, x.type.dtype, n, False)
        pivots: list[Any] = []
        starts = [r.integer(0)]
        for rank in ranks:
            search.find(r.integer(rank))
            pivots.append(search.key.value)
            starts += [search.before, search.behind]
        _move(r, source, target, n, pivots, starts, indices)

    share_rows(r, x.type.size // n, parts, scratch, bools_as_bytes(r, (x, *results)), row)


def _move(
    r: Any,
    source: Row,
    target: Row,
    n: int,
    pivots: Sequence[Any],
    starts: Sequence[Any],
    indices: bool,
) -> None:
    """The elements of a row, or their indices, to parts that begin at `starts`: those before the
    first of the `pivots`, those equal to it, those between it and the next one, ..."""
    dtype = source.dtype

    def build(r: Any, given: Any, asked: Any, *numbers: Any) -> None:
        row, out = Row(r, dtype, given), Row(r, target.dtype, asked)
        keys = [r.b.constant(key_type(dtype), 0)._replace(value=v) for v in numbers[: len(pivots)]]
        ends = [Counter(r, start) for start in numbers[len(pivots) :]]

        def look(e: Any, i: Any) -> None:
            x = row.load(e, i)
            moved = e.iota(i, INT64) if indices else x
            behind = _behind(e, keys_of(e, x, False), [e.splat(key) for key in keys])
            for part, end in enumerate(ends):
                chosen = behind[part - 1] if part else e.bitwise_not(behind[0])
                if 0 < part < len(behind):
                    chosen = e.bitwise_and(chosen, e.bitwise_not(behind[part]))
                end.add(e.store_chosen(out.at(end.value), moved, chosen))

        width = 8 if indices else width_of(dtype)
        stretch(r, r.integer(0), r.integer(n), width, look)

    name = f"jitad.move.{short_name(dtype)}.{n}.{len(pivots)}.{'indices' if indices else 'values'}"
    r.call_inner(name, build, source.pointer, target.pointer, *pivots, *starts, apart=True)


def _behind(e: Any, keys: Any, pivots: Sequence[Any]) -> list[Any]:
    """Bools: whether keys are behind the first part, the second ... but the last one. Where two
    pivots are the same, those equal to them belong to the first."""
    found: list[Any] = []
    for pivot in pivots:
        reached = e.ge(keys, pivot)
        found += [e.bitwise_and(reached, found[-1]) if found else reached, e.gt(keys, pivot)]
    return found


def _samples() -> tuple[Sample, ...]:
    return (
        Sample((Draw((6,)),), {"ranks": (3,)}),
        Sample((Draw((1,)),), {"ranks": (0,)}),
        Sample((Draw((2, 5)),), {"ranks": (0, 2, 4)}),
        Sample((Draw((0, 5)),), {"ranks": (1,)}),
        Sample((Draw((8,), values=(2, 1, 2, 0, 1, 2, 0, 0)),), {"ranks": (2, 3, 4)}, smooth=False),
        Sample(
            (Draw((6,), values=(1.0, np.nan, np.inf, np.nan, -np.inf, 0.0)),),
            {"ranks": (0, 3, 4)},
            ("f32", "f64"),
            smooth=False,
        ),
        Sample((Draw((2, 150), -100, 100),), {"ranks": (70,)}),
        Sample((Draw((2, 300), -100, 100),), {"ranks": (20, 150)}),
    )


argpartition = Op(
    name="argpartition",
    doc="The indices (int64) by which `partition` moves the elements along the last axis.",
    infer=lambda x, *, ranks: _infer("argpartition", x, ranks).with_dtype(INT64),
    evaluate=_evaluate,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, ranks: argpartition(x, ranks=ranks),
    lower=Routine(
        lambda r, x, results, *, ranks: _emit(r, x, results, ranks=ranks, indices=True),
        _workspace,
        parts=_parts,
    ),
    samples=_samples(),
)

partition = Op(
    name="partition",
    doc="The elements along the last axis with those of the `ranks`, which rise, in their sorted "
    "places: before them what is less, behind them what is greater, in their order in `x`. nan "
    "counts as greater than any number; equal elements are side by side.",
    infer=lambda x, *, ranks: _infer("partition", x, ranks),
    evaluate=_evaluate_partition,
    jvp=WithPrimal(_jvp_partition),
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, ranks: partition(x, ranks=ranks),
    lower=Routine(
        lambda r, x, results, *, ranks: _emit(r, x, results, ranks=ranks, indices=False),
        _workspace,
        parts=_parts,
    ),
    samples=_samples(),
)
