"""How native code sorts a row's indices rather than its elements: records of a key and an index.

A key of 32 bits or less and its index are one integer of 64 bits, whose order is the stable one.
Longer keys have their indices beside them. The records go by the digits of the key (`radix`), which
for keys of one or two bytes have a form of their own (`byte_sort`). Rows in order, or in the
opposite one, are not sorted at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..types import BOOL, INT64, ArrayType, DType, short_name
from . import radix, row_network, runs
from .byte_sort import by_bytes
from .lapack import Workspace
from .merge_path import MergePath
from .merge_sort import Rows, merge_sort
from .radix import COUNT
from .sort_keys import INDEX, INDEX_BITS, PACKED, Row, encode
from .vector_loops import stretch

WIDTH = 8
"""Records that are written at once."""


def is_packed(dtype: DType) -> bool:
    """True if a key and its index are one integer."""
    return dtype.itemsize <= 4


def kinds_of(dtype: DType) -> list[DType]:
    """Dtypes of the parts of a record."""
    return [PACKED] if is_packed(dtype) else [PACKED, INDEX]


def _direction(descending: bool) -> str:
    return "descending" if descending else "ascending"


# -- records --


def write_records(
    r: Any, source: Row, rows: Sequence[Any], descending: bool, first: Any, n: Any
) -> None:
    """The records of n elements, of which the first one has index `first`, to `rows`."""
    dtype = source.dtype

    def build(r: Any, *parameters: Any) -> None:
        pointer, *rows, first, n = parameters
        row = Row(r, dtype, pointer, source.stride)
        parts = [Row(r, kind, p) for kind, p in zip(kinds_of(dtype), rows, strict=True)]

        def write(e: Any, i: Any) -> None:
            record = _record(r, e, row.load(e, i), r.builder.add(first, i), descending)
            for part, lanes in zip(parts, record, strict=True):
                part.store(e, i, lanes)

        stretch(r, r.integer(0), n, WIDTH, write)

    name = f"jitad.records.{short_name(dtype)}.{source.stride}.{_direction(descending)}"
    r.call_inner(name, build, source.pointer, *rows, first, n, apart=True)


def _record(r: Any, e: Any, x: Any, index: Any, descending: bool) -> list[Any]:
    """Elements x from `index` (i64) on as records."""
    return joined(e, encode(e, x, descending), e.iota(index, INT64))


def joined(e: Any, key: Any, index: Any) -> list[Any]:
    """The records of keys and indices."""
    if not is_packed(key.dtype):
        return [key, e.convert(index, INDEX)]
    high = e.shift_left(e.convert(key, PACKED), e.constant(PACKED, INDEX_BITS))
    return [e.bitwise_or(high, e.convert(index, PACKED))]


def write_places(r: Any, kinds: Sequence[DType], rows: Sequence[Any], target: Row, n: Any) -> None:
    """The indices of n records to the target."""
    name = f"jitad.places.{len(kinds)}.{short_name(target.dtype)}"

    def build(r: Any, rows: Any, pointer: Any, n: Any) -> None:
        source, out = Row(r, kinds[-1], rows), Row(r, target.dtype, pointer)

        def write(e: Any, i: Any) -> None:
            index = source.load(e, i)
            if len(kinds) == 1:
                index = e.bitwise_and(index, e.constant(PACKED, 2**INDEX_BITS - 1))
            out.store(e, i, e.convert(index, out.dtype))

        stretch(r, r.integer(0), n, WIDTH, write)

    r.call_inner(name, build, rows[-1], target.pointer, n, apart=True)


# -- by digits --


class Space:
    """Scratch memory: two rows of records, and counts."""

    def __init__(self, work: Workspace, dtype: DType, n: int) -> None:
        kinds = kinds_of(dtype)
        self.rows = [[work.array(kind, n) for kind in kinds] for _ in range(2)]
        self.counts = work.array(COUNT, *radix.counts_type(dtype, n).shape)

    def pointers(self) -> list[list[Any]]:
        """Those of the rows."""
        return [[part.pointer for part in row] for row in self.rows]


def sort_records(
    r: Any, dtype: DType, rows: Sequence[Sequence[Any]], counts: Any, longest: int, n: Any
) -> list[Any]:
    """Sort n (i64) records, which are those of keys of `dtype`, in the first of two rows, of up to
    `longest` of them: pointers to the row where they are then."""
    kinds = kinds_of(dtype)
    if not radix.suits([dtype], 1, longest):
        pairs = [
            [r.buffer(ArrayType(kind, (longest,)), p) for kind, p in zip(kinds, row, strict=True)]
            for row in rows
        ]
        merge_sort(r, pairs[0], pairs[1], 1, False, n)
        return list(rows[0])
    first = INDEX_BITS if is_packed(dtype) else 0
    digits = radix.digits_of(dtype, longest)
    return radix.by_digits(r, kinds, rows, counts, digits, first, n)


# -- rows in order --


def is_in_order(r: Any, source: Row, target: Row, descending: bool, n: int) -> Any:
    """Whether (i1) the n elements are in order, or strictly in the opposite one: then their order
    is in the target."""
    count = r.integer(n)
    whole, opposite = runs.is_whole(r, source, descending, count)

    def build(r: Any, target_at: Any, n: Any, opposite: Any) -> None:
        out = Row(r, target.dtype, target_at)
        # n - 1 - i = ~i + n
        turned = r.number(r.builder.sext(opposite, n.type))
        base = r.number(r.builder.select(opposite, n, r.integer(0)))

        def write(e: Any, i: Any) -> None:
            index = e.bitwise_xor(e.iota(i, INT64), e.splat(turned))
            out.store(e, i, e.convert(e.add(index, e.splat(base)), out.dtype))

        stretch(r, r.integer(0), n, WIDTH, write)

    name = f"jitad.whole.{short_name(target.dtype)}"
    r.when(whole, lambda: r.call_inner(name, build, target.pointer, count, opposite, apart=True))
    return whole


class _RunsOrder(runs.Runs):
    """The body of the function that looks for runs, and merges their records."""

    def __init__(
        self, r: Any, source: Row, target: Any, pairs: Sequence[Any], descending: bool, n: Any
    ) -> None:
        path = MergePath(kinds_of(source.dtype), 1, False)  # keys ascend in either direction
        super().__init__(r, [source], descending, path, pairs, n)
        self.target = Row(r, INT64, target)

    def _put(self, target: Rows, start: Any, end: Any, opposite: Any) -> None:
        """The records of a run in order."""
        r, source, descending = self.r, self.source[0], self.descending

        def build(r: Any, pointer: Any, *parameters: Any) -> None:
            *rows, start, end, opposite = parameters
            row, records = Row(r, source.dtype, pointer), Rows(r, target.dtypes, rows)
            last = r.builder.sub(end, r.integer(1))

            def straight() -> None:
                places, n = records.behind(start).pointers, r.builder.sub(end, start)
                stretch_of = Row(r, row.dtype, row.at(start))
                write_records(r, stretch_of, places, descending, start, n)

            def move(i: Any) -> None:
                of = r.builder.add(start, r.builder.sub(last, i))
                records.store(i, _record(r, r.b, row.load(r.b, of), of, descending))

            r.when(opposite, lambda: r.loop(end, move, start=start), straight)

        name = f"jitad.runs.records.{short_name(source.dtype)}.{_direction(descending)}"
        places = (source.pointer, *target.pointers, start, end, opposite)
        r.call_inner(name, build, *places, apart=True)

    def _finish(self) -> None:
        write_places(self.r, self.rows.dtypes, self.rows.pointers, self.target, self.n)


def order_by_runs(
    r: Any, source: Row, target: Any, rows: Sequence[Sequence[Any]], descending: bool, n: int
) -> Any:
    """Whether (i1) a row has few runs. If so its order is in `target`. The rows are for records."""

    def build(r: Any, pointer: Any, target: Any, *parameters: Any) -> Any:
        *pointers, n, most = parameters
        half = len(pointers) // 2
        pairs = [pointers[:half], pointers[half:]]
        row = Row(r, source.dtype, pointer)
        return _RunsOrder(r, row, target, pairs, descending, n).emit(most)

    name = f"jitad.order_by_runs.{short_name(source.dtype)}.{_direction(descending)}"
    args = (source.pointer, target, *rows[0], *rows[1], r.integer(n), runs.most_of(r, n))
    return r.call_inner(name, build, *args, result=BOOL, brief=True)


# -- one row --


def sort_row(
    r: Any, work: Workspace, source: Any, target: Any, dtype: DType, n: int, descending: bool
) -> None:
    """The order (int64) of the n elements from `source` on to `target` on."""
    row, places = Row(r, dtype, source), Row(r, INT64, target)
    if not runs.suits(n):
        _sort_any(r, work, row, target, n, descending)
        return
    whole = is_in_order(r, row, places, descending, n)
    r.when(whole, lambda: None, lambda: _sort_any(r, work, row, target, n, descending))


def method_of(dtype: DType, n: int) -> str:
    """How the order of a row of n elements is found."""
    if _is_plain(dtype, n):
        return "merge"
    if dtype.itemsize <= 2 and radix.suits([dtype], 1, n):
        return "bytes"
    if is_packed(dtype) and row_network.suits([PACKED], 1, n):
        return "network"
    return "records"


def _is_plain(dtype: DType, n: int) -> bool:
    """True if elements are merged as they are, for want of keys or of bits of an index."""
    return dtype.kind == "c" or n >= 2**32


def workspace_row(work: Workspace, dtype: DType, n: int) -> None:
    """Count the scratch memory."""
    _Scratch(work, dtype, n)
    if method_of(dtype, n) == "network":
        row_network.workspace_row(work, PACKED, n)


class _Scratch:
    """What the method needs."""

    def __init__(self, work: Workspace, dtype: DType, n: int) -> None:
        method = method_of(dtype, n)
        if method == "bytes":
            self.row = work.array(PACKED, n if dtype.itemsize == 2 else 0)
            self.counts = work.array(COUNT, 2, 256)
        elif method == "network":
            self.row = work.array(PACKED, n)
        elif method == "records":
            self.space = Space(work, dtype, n)
        else:
            self.rows = [[work.array(kind, n) for kind in (dtype, INT64)] for _ in range(2)]


def _sort_any(r: Any, work: Workspace, row: Row, target: Any, n: int, descending: bool) -> None:
    dtype, method = row.dtype, method_of(row.dtype, n)
    space = _Scratch(work, dtype, n)
    places, count, zero = Row(r, INT64, target), r.integer(n), r.integer(0)
    if method == "bytes":
        by_bytes(r, row, target, space.row.pointer, space.counts.pointer, descending, n)
    elif method == "network":
        pointer = space.row.pointer
        write_records(r, row, [pointer], descending, zero, count)
        row_network.sort_row(r, work, pointer, pointer, PACKED, n, False)
        write_places(r, [PACKED], [pointer], places, count)
    elif method == "records":
        pairs, counts = space.space.pointers(), space.space.counts.pointer

        def by_records() -> None:
            write_records(r, row, pairs[0], descending, zero, count)
            found = sort_records(r, dtype, pairs, counts, n, count)
            write_places(r, kinds_of(dtype), found, places, count)

        if runs.suits(n):
            few = order_by_runs(r, row, target, pairs, descending, n)
            r.when(few, lambda: None, by_records)
        else:
            by_records()
    else:
        _by_merging(r, row, places, space.rows, n, descending)


def _by_merging(
    r: Any, row: Row, places: Row, pairs: Sequence[Sequence[Any]], n: int, descending: bool
) -> None:
    """Elements with their indices."""
    rows, free = pairs
    copy = Row(r, row.dtype, rows[0].pointer)
    r.loop(n, lambda i: copy.store(r.b, i, row.load(r.b, i)))
    r.loop(n, lambda i: places.store(r.b, i, r.number(i)))
    index = r.buffer(rows[1].type, places.pointer)
    merge_sort(r, [rows[0], index], free, 1, descending)
