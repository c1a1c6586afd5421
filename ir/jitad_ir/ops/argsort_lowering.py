"""How native code finds the order of rows: many short ones side by side (`networks`), others one by
one (`index_sort`), and one long one by several threads (`sort_long`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..types import INT64, ArrayType
from . import column_blocks, complex_sort, index_sort, networks, sort_long
from .lapack import Workspace
from .sort_keys import bools_as_bytes, without_bools
from .sort_sharing import MERGE, NETWORK, RADIX, doublings, parts_of

COUNTED = 3.0
"""Nanoseconds of an element, and a byte of its key, where bytes are counted."""


COMPARED = 0.05
"""Nanoseconds of an element that is compared with another one."""


def _blocks(x: ArrayType, axis: int) -> column_blocks.Blocks:
    return column_blocks.divided(x.shape, axis, [x.dtype], [INT64])


def _by_networks(x: ArrayType, axis: int) -> bool:
    return networks.suits([x.dtype, INT64], 1, x.shape, axis)


def _by_parts(x: ArrayType, axis: int) -> bool:
    return complex_sort.suits([x.dtype], 1, x.shape[axis])


def _is_long(x: ArrayType, axis: int) -> bool:
    """True if there is one row, and threads share it."""
    n = x.shape[axis]
    by_records = index_sort.method_of(x.dtype, n) == "records"
    return by_records and sort_long.suits([x.dtype], True, x.size // max(n, 1), n)


def _shares(x: ArrayType, axis: int) -> tuple[int, int]:
    """Parts in which threads share the rows, and bytes of scratch memory of each."""
    if _by_networks(x, axis):
        return networks.network_parts([x.dtype, INT64], x.shape, axis)
    n, blocks, work = x.shape[axis], _blocks(x, axis), Workspace()
    column_blocks.workspace_blocks(work, blocks, [x.dtype], [INT64])
    if _by_parts(x, axis):
        complex_sort.workspace_indices(work, x.dtype, n)
        return parts_of(blocks.total, x.size * 2 * RADIX, work.bytes), work.bytes
    index_sort.workspace_row(work, x.dtype, n)
    each = {
        "bytes": COUNTED * x.dtype.itemsize,
        "counting": COMPARED * n,
        "network": NETWORK * doublings(n),
        "records": RADIX,
        "merge": 2 * MERGE * doublings(n),
    }[index_sort.method_of(x.dtype, n)]
    return parts_of(blocks.total, x.size * each, work.bytes), work.bytes


def workspace_argsort(x: ArrayType, *, axis: int, descending: bool) -> int:
    """Bytes of scratch memory."""
    (x,) = without_bools(x)
    parts, scratch = _shares(x, axis)
    if not _is_long(x, axis):
        return parts * scratch
    return max(scratch, sort_long.workspace_order(x.dtype, x.shape[axis]))


def parts_argsort(x: ArrayType, *, axis: int, descending: bool) -> int:
    """How many parts threads share."""
    (x,) = without_bools(x)
    if _is_long(x, axis):
        return sort_long.parts(x.shape[axis])
    return 1 if 0 in x.shape else _shares(x, axis)[0]


def emit_argsort(r: Any, x: Any, results: Sequence[Any], *, axis: int, descending: bool) -> None:
    """Write the order of each row to the result."""
    (x,) = bools_as_bytes(r, [x])
    (out,), n = results, x.type.shape[axis]
    if 0 in x.type.shape:
        return
    if n == 1:
        r.fill(out, r.b.constant(INT64, 0))
        return
    if _by_networks(x.type, axis):
        networks.order_by_networks(r, x, out, axis, descending)
        return

    def one_by_one() -> None:
        _order_rows(r, x, out, axis, descending)

    if not _is_long(x.type, axis):
        one_by_one()
        return
    threads = r.threads()
    shared = sort_long.LongOrder(r, x.pointer, out.pointer, x.type.dtype, descending, n)
    several = r.builder.icmp_signed(">", threads, r.integer(1))
    r.when(several, lambda: shared.emit(threads), one_by_one)


def _order_rows(r: Any, x: Any, out: Any, axis: int, descending: bool) -> None:
    n, dtype = x.type.shape[axis], x.type.dtype
    parts, scratch = _shares(x.type, axis)

    def row(r: Any, work: Workspace, sources: Sequence[Any], targets: Sequence[Any]) -> None:
        order = complex_sort.sort_indices if _by_parts(x.type, axis) else index_sort.sort_row
        order(r, work, sources[0], targets[0], dtype, n, descending)

    blocks = _blocks(x.type, axis)
    column_blocks.share_blocks(r, blocks, parts, scratch, [x], [out], row)
