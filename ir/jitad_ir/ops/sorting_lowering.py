"""How native code sorts: which algorithm for which rows.

With one key, many short rows are sorted side by side (`networks`), keys alone of some hundred by
themselves (`row_network`), long rows by the digits of the key (`radix`) or of the parts of complex
keys (`complex_sort`), all others by merging (`merge_sort`). Long rows that are nearly in order are
sorted by their runs (`runs`). Rows are shared out among threads, and so is one that is long
(`sort_long`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..types import ArrayType, DType
from . import column_blocks, complex_sort, networks, radix, row_network, runs, sort_long
from .lapack import Workspace
from .merge_sort import merge_sort
from .sort_keys import bools_as_bytes, without_bools
from .sort_sharing import MERGE, NETWORK, RADIX, doublings, parts_of

MANY = 64
"""Rows from which on sorting may overwrite them: more than threads work on at once."""


def _work_rows(work: Workspace, dtypes: Sequence[DType], n: int) -> list[Any]:
    return [work.array(dtype, n) for dtype in dtypes]


def _method(dtypes: Sequence[DType], num_keys: int, n: int) -> str:
    """How rows of n records are sorted, one by one."""
    if row_network.suits(dtypes, num_keys, n):
        return "network"
    if complex_sort.suits(dtypes, num_keys, n):
        return "complex"
    return "radix" if radix.suits(dtypes, num_keys, n) else "merge"


def _blocks(xs: Sequence[ArrayType], axis: int) -> column_blocks.Blocks:
    """How rows are copied. One operand alone may be overwritten: many rows, whose copies are
    short."""
    dtypes = [x.dtype for x in xs]
    rows = math.prod(xs[0].shape) // max(xs[0].shape[axis], 1)
    overwrites = len(xs) == 1 and rows >= MANY
    return column_blocks.divided(xs[0].shape, axis, dtypes, dtypes, overwrites)


def reuses_sort(*xs: ArrayType, axis: int, num_keys: int, descending: bool) -> int | None:
    """The operand, if it is the only one and its rows are copied before they are written."""
    (x, *others), shape = without_bools(*xs), xs[0].shape
    if others or networks.suits([x.dtype], num_keys, shape, axis) or _is_long([x], axis, num_keys):
        return None
    blocks = _blocks([x], axis)
    return 0 if blocks.apart or blocks.overwrites else None


def _row_parts(xs: Sequence[ArrayType], axis: int, num_keys: int) -> tuple[int, int]:
    """Parts in which rows are shared out that are sorted one by one, and bytes of scratch memory
    of each."""
    dtypes, shape = [x.dtype for x in xs], xs[0].shape
    n = shape[axis]
    method = _method(dtypes, num_keys, n)
    blocks, work = _blocks(xs, axis), Workspace()
    column_blocks.workspace_blocks(work, blocks, dtypes, dtypes)
    if method == "network":
        row_network.space(work, dtypes[0], n)
        each = NETWORK * doublings(n)
    elif method == "radix":
        radix.workspace_radix(work, dtypes, n)
        each = RADIX * len(dtypes)
    elif method == "complex":
        complex_sort.workspace_complex(work, dtypes[0], n)
        each = RADIX * (len(dtypes) + 1)
    else:
        _work_rows(work, dtypes, n)
        each = MERGE * len(dtypes) * doublings(n)
    return parts_of(blocks.total, math.prod(shape) * each, work.bytes), work.bytes


def _is_long(xs: Sequence[ArrayType], axis: int, num_keys: int) -> bool:
    """True if there is one row, and threads share it."""
    dtypes, n = [x.dtype for x in xs], xs[0].shape[axis]
    method = _method(dtypes, num_keys, n)
    rows = math.prod(xs[0].shape) // max(n, 1)
    if method in ("network", "complex"):
        return False
    return sort_long.suits(dtypes, method == "radix", rows, n)


def _shares(xs: Sequence[ArrayType], axis: int, num_keys: int) -> tuple[int, int]:
    """The same of rows however they are sorted."""
    dtypes, shape = [x.dtype for x in xs], xs[0].shape
    if networks.suits(dtypes, num_keys, shape, axis):
        return networks.network_parts(dtypes, shape, axis)
    return _row_parts(xs, axis, num_keys)


def workspace_sort(*xs: ArrayType, axis: int, num_keys: int, descending: bool) -> int:
    """Scratch rows, and rows to sort in where the axis is not contiguous."""
    xs = tuple(without_bools(*xs))
    parts, scratch = _shares(xs, axis, num_keys)
    if not _is_long(xs, axis, num_keys):
        return parts * scratch
    dtypes, n = [x.dtype for x in xs], xs[0].shape[axis]
    by_digits = _method(dtypes, num_keys, n) == "radix"
    return max(scratch, sort_long.workspace_long(dtypes, by_digits, n))


def parts_sort(*xs: ArrayType, axis: int, num_keys: int, descending: bool) -> int:
    """How many parts threads share."""
    xs = tuple(without_bools(*xs))
    if _is_long(xs, axis, num_keys):
        return sort_long.parts(xs[0].shape[axis])
    return 1 if 0 in xs[0].shape else _shares(xs, axis, num_keys)[0]


def emit_sort(r: Any, *buffers: Any, axis: int, num_keys: int, descending: bool) -> None:
    """Write the sorted operands to the results."""
    *xs, results = buffers
    xs, results = bools_as_bytes(r, xs), bools_as_bytes(r, results)
    types = [x.type for x in xs]
    shape = types[0].shape
    dtypes = [type.dtype for type in types]
    if 0 in shape:
        return
    if networks.suits(dtypes, num_keys, shape, axis):
        networks.sort_by_networks(r, xs, results, axis, descending)
        return
    if not _is_long(types, axis, num_keys):
        _sort_rows(r, xs, results, types, axis, num_keys, descending)
        return
    n, threads = shape[axis], r.threads()
    sources, targets = ([x.pointer for x in some] for some in (xs, results))
    by_digits = _method(dtypes, num_keys, n) == "radix"
    shared = sort_long.LongSort(r, sources, targets, dtypes, num_keys, descending, by_digits, n)
    r.when(
        r.builder.icmp_signed(">", threads, r.integer(1)),
        lambda: shared.emit(threads),
        lambda: _sort_rows(r, xs, results, types, axis, num_keys, descending),
    )


def _sort_rows(
    r: Any,
    xs: Sequence[Any],
    results: Sequence[Any],
    types: Sequence[ArrayType],
    axis: int,
    num_keys: int,
    descending: bool,
) -> None:
    """Sort rows one by one."""
    shape, dtypes = types[0].shape, [type.dtype for type in types]
    n = shape[axis]
    if n == 1:
        for x, out in zip(xs, results, strict=True):
            r.copy(out, x)
        return
    parts, scratch = _row_parts(types, axis, num_keys)

    def row(r: Any, work: Workspace, sources: Sequence[Any], targets: Sequence[Any]) -> None:
        _sort_row(r, work, sources, targets, dtypes, num_keys, n, descending)

    blocks = _blocks(types, axis)
    column_blocks.share_blocks(r, blocks, parts, scratch, xs, results, row)


def _sort_row(
    r: Any,
    work: Workspace,
    sources: Sequence[Any],
    targets: Sequence[Any],
    dtypes: Sequence[DType],
    num_keys: int,
    n: int,
    descending: bool,
) -> None:
    """Sort one row, from `sources` on to `targets` on."""
    method = _method(dtypes, num_keys, n)
    if method == "network":
        scratch = [part.pointer for part in row_network.space(work, dtypes[0], n)]
        row_network.sort_row(r, scratch, sources[0], targets[0], dtypes[0], n, descending)
        return
    if method in ("radix", "complex"):
        sort = radix.radix_sort if method == "radix" else complex_sort.sort_row
        sort(r, work, sources, targets, dtypes, n, descending)
        return
    others = _work_rows(work, dtypes, n)

    def by_merging() -> None:
        for dtype, source, target in zip(dtypes, sources, targets, strict=True):
            r.copy_bytes(target, source, r.integer(n * dtype.itemsize))
        rows = [r.buffer(ArrayType(d, (n,)), p) for d, p in zip(dtypes, targets, strict=True)]
        merge_sort(r, rows, others, num_keys, descending)

    if not runs.suits(n):
        by_merging()
        return
    free = [row.pointer for row in others]
    few = runs.sort_by_runs(r, sources, targets, free, dtypes, num_keys, descending, False, n)
    r.when(few, lambda: None, by_merging)
