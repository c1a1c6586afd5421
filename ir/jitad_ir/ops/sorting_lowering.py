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

from ..types import ArrayType, DType, Shape
from . import complex_sort, networks, radix, row_network, runs, sort_long
from .lapack import Workspace
from .merge_sort import merge_sort
from .sort_sharing import MERGE, NETWORK, RADIX, doublings, parts_of, share_rows


def _contiguous(x: ArrayType, axis: int) -> bool:
    """True if neighbours along the axis are neighbours in memory."""
    return math.prod(x.shape[axis + 1 :]) == 1


def _work_rows(work: Workspace, dtypes: Sequence[DType], n: int) -> list[Any]:
    return [work.array(dtype, n) for dtype in dtypes]


def _method(dtypes: Sequence[DType], num_keys: int, n: int) -> str:
    """How rows of n records are sorted, one by one."""
    if row_network.suits(dtypes, num_keys, n):
        return "network"
    if complex_sort.suits(dtypes, num_keys, n):
        return "complex"
    return "radix" if radix.suits(dtypes, num_keys, n) else "merge"


def _row_parts(xs: Sequence[ArrayType], axis: int, num_keys: int) -> tuple[int, int]:
    """Parts in which rows are shared out that are sorted one by one, and bytes of scratch memory
    of each."""
    dtypes, shape = [x.dtype for x in xs], xs[0].shape
    n = shape[axis]
    method = _method(dtypes, num_keys, n)
    work = Workspace()
    if method == "network":
        row_network.workspace_row(work, dtypes[0], n)
        each = NETWORK * doublings(n)
    elif method == "radix":
        radix.workspace_radix(work, dtypes, n)
        each = RADIX * len(dtypes)
    elif method == "complex":
        stride = math.prod(shape[axis + 1 :])
        complex_sort.workspace_complex(work, dtypes, n, stride)
        each = RADIX * (len(dtypes) + 1)
    else:
        _work_rows(work, dtypes * (1 if _contiguous(xs[0], axis) else 2), n)
        each = MERGE * len(dtypes) * doublings(n)
    rows = math.prod(shape) // max(n, 1)
    return parts_of(rows, math.prod(shape) * each, work.bytes), work.bytes


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
    parts, scratch = _shares(xs, axis, num_keys)
    if not _is_long(xs, axis, num_keys):
        return parts * scratch
    dtypes, n = [x.dtype for x in xs], xs[0].shape[axis]
    by_digits = _method(dtypes, num_keys, n) == "radix"
    return max(scratch, sort_long.workspace_long(dtypes, by_digits, n))


def parts_sort(*xs: ArrayType, axis: int, num_keys: int, descending: bool) -> int:
    """How many parts threads share."""
    if _is_long(xs, axis, num_keys):
        return sort_long.parts(xs[0].shape[axis])
    return 1 if 0 in xs[0].shape else _shares(xs, axis, num_keys)[0]


def emit_sort(r: Any, *buffers: Any, axis: int, num_keys: int, descending: bool) -> None:
    """Write the sorted operands to the results."""
    *xs, results = buffers
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
    others = tuple(length for a, length in enumerate(shape) if a != axis)
    in_results = _method(dtypes, num_keys, n) == "merge" and _contiguous(types[0], axis)
    if n == 1 or (in_results and not runs.suits(n)):
        for x, out in zip(xs, results, strict=True):
            r.copy(out, x)
        if n == 1:
            return
    parts, scratch = _row_parts(types, axis, num_keys)

    def row(r: Any, buffers: Sequence[Any], number: Any) -> None:
        index = r.unravel(number, others)
        start = (*index[:axis], r.integer(0), *index[axis:])
        xs, results = buffers[: len(types)], buffers[len(types) :]
        sources, targets = ([r.element_pointer(x, start) for x in some] for some in (xs, results))
        _sort_row(r, sources, targets, types, axis, num_keys, descending)

    share_rows(r, math.prod(others), parts, scratch, [*xs, *results], row)


def _sort_row(
    r: Any,
    sources: Sequence[Any],
    targets: Sequence[Any],
    types: Sequence[ArrayType],
    axis: int,
    num_keys: int,
    descending: bool,
) -> None:
    """Sort one row, from `sources` on to `targets` on."""
    shape: Shape = types[0].shape
    n, stride = shape[axis], math.prod(shape[axis + 1 :])
    dtypes = [type.dtype for type in types]
    method = _method(dtypes, num_keys, n)
    work = Workspace(r)
    if method == "network":
        args = (sources[0], targets[0], dtypes[0], stride, n, descending)
        row_network.sort_row(r, work, *args)
        return
    if method in ("radix", "complex"):
        sort = radix.radix_sort if method == "radix" else complex_sort.sort_row
        sort(r, work, sources, targets, dtypes, stride, n, descending)
        return
    contiguous = _contiguous(types[0], axis)
    scratch = _work_rows(work, dtypes, n)
    copies = _work_rows(work, dtypes, n)
    if contiguous:
        copies = [r.buffer(ArrayType(d, (n,)), p) for d, p in zip(dtypes, targets, strict=True)]
    given, asked = (
        [r.buffer(ArrayType(d, (n, stride)), p) for d, p in zip(dtypes, some, strict=True)]
        for some in (sources, targets)
    )

    def by_merging() -> None:
        for x, copy in zip(given, copies, strict=True):
            if not contiguous:
                r.loop(n, lambda i, x=x, copy=copy: r.store(copy, (i,), r.load(x, (i, 0))))
            elif runs.suits(n):  # others are there already
                r.copy_bytes(copy.pointer, x.pointer, r.integer(copy.type.nbytes))
        merge_sort(r, copies, scratch, num_keys, descending)

    if runs.suits(n):
        rows, free = ([row.pointer for row in some] for some in (copies, scratch))
        args = (dtypes, num_keys, descending, False, n)
        few = runs.sort_by_runs(r, sources, stride, rows, free, *args)
        r.when(few, lambda: None, by_merging)
    else:
        by_merging()
    if not contiguous:
        for out, copy in zip(asked, copies, strict=True):
            r.loop(n, lambda i, out=out, copy=copy: r.store(out, (i, 0), r.load(copy, (i,))))
