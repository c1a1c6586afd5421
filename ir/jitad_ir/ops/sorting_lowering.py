"""How native code sorts: which algorithm for which rows.

With one key, many short rows are sorted side by side (`networks`), keys alone of some hundred by
themselves (`row_network`), long rows by the digits of the key (`radix`), all others by merging
(`merge_sort`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..types import ArrayType, DType
from . import networks, radix, row_network
from .lapack import Workspace
from .merge_sort import merge_sort


def _contiguous(x: ArrayType, axis: int) -> bool:
    """True if neighbours along the axis are neighbours in memory."""
    return math.prod(x.shape[axis + 1 :]) == 1


def _work_rows(work: Workspace, dtypes: Sequence[DType], n: int) -> list[Any]:
    return [work.array(dtype, n) for dtype in dtypes]


def workspace_sort(*xs: ArrayType, axis: int, num_keys: int, descending: bool) -> int:
    """Scratch rows, and rows to sort in where the axis is not contiguous."""
    dtypes, n = [x.dtype for x in xs], xs[0].shape[axis]
    work = Workspace()
    if networks.suits(dtypes, num_keys, xs[0].shape, axis):
        networks.workspace_networks(work, dtypes, n)
    elif row_network.suits(dtypes, num_keys, n):
        row_network.workspace_row(work, dtypes[0], n)
    elif radix.suits(dtypes, num_keys, n):
        radix.workspace_radix(work, dtypes, n)
    else:
        _work_rows(work, dtypes * (1 if _contiguous(xs[0], axis) else 2), n)
    return work.bytes


def emit_sort(r: Any, *buffers: Any, axis: int, num_keys: int, descending: bool) -> None:
    """Write the sorted operands to the results."""
    *xs, results = buffers
    shape = xs[0].type.shape
    dtypes = [x.type.dtype for x in xs]
    others = tuple(length for a, length in enumerate(shape) if a != axis)
    if 0 in shape:
        return
    if networks.suits(dtypes, num_keys, shape, axis):
        networks.sort_by_networks(r, xs, results, axis, descending)
        return
    alone = row_network.suits(dtypes, num_keys, shape[axis])
    if not alone and not radix.suits(dtypes, num_keys, shape[axis]):
        _merge(r, xs, results, axis, num_keys, descending)
        return

    def row(index: tuple[Any, ...]) -> None:
        start = (*index[:axis], r.integer(0), *index[axis:])
        sources, targets = ([r.element_pointer(x, start) for x in some] for some in (xs, results))
        stride = math.prod(shape[axis + 1 :])
        work = Workspace(r)
        if alone:
            args = (sources[0], targets[0], dtypes[0], stride, shape[axis], descending)
            row_network.sort_row(r, work, *args)
            return
        radix.radix_sort(r, work, sources, targets, dtypes, stride, shape[axis], descending)

    r.loops(others, row)


def _merge(
    r: Any, xs: Sequence[Any], results: Sequence[Any], axis: int, num_keys: int, descending: bool
) -> None:
    """Sort by merging: in the results if rows are contiguous, else in copies."""
    shape = xs[0].type.shape
    n = shape[axis]
    dtypes = [x.type.dtype for x in xs]
    others = tuple(length for a, length in enumerate(shape) if a != axis)
    contiguous = _contiguous(xs[0].type, axis)
    if contiguous:
        for x, out in zip(xs, results, strict=True):
            r.copy(out, x)
    if n <= 1 and contiguous:
        return
    rows = _work_rows(Workspace(r), dtypes * (1 if contiguous else 2), n)
    scratch, copies = rows[: len(xs)], rows[len(xs) :]

    def row(index: tuple[Any, ...]) -> None:
        def place(i: Any) -> tuple[Any, ...]:
            return (*index[:axis], i, *index[axis:])

        if contiguous:
            starts = [r.element_pointer(out, place(r.integer(0))) for out in results]
            rows = [
                r.buffer(ArrayType(d, (n,)), start) for d, start in zip(dtypes, starts, strict=True)
            ]
            merge_sort(r, rows, scratch, num_keys, descending)
            return
        for x, copy in zip(xs, copies, strict=True):
            r.loop(n, lambda i, x=x, copy=copy: r.store(copy, (i,), r.load(x, place(i))))
        merge_sort(r, copies, scratch, num_keys, descending)
        for out, copy in zip(results, copies, strict=True):
            r.loop(n, lambda i, out=out, copy=copy: r.store(out, place(i), r.load(copy, (i,))))

    r.loops(others, row)
