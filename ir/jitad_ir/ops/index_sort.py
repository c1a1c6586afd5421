"""How native code sorts a row's indices rather than its elements: records of a key and an index.

A key of 32 bits or less and its index are one integer of 64 bits, whose order is the stable one.
Longer keys have their indices beside them. The records go by the digits of the key (`radix`), which
for keys of one or two bytes have a form of their own (`byte_sort`). Rows in order, or in the
opposite one, are not sorted at all, and shorter ones by networks (`index_network`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..types import BOOL, INT64, ArrayType, DType, short_name
from . import comparison_counting, index_network, radix, run_ends, runs
from .byte_sort import by_bytes
from .lapack import Workspace
from .merge_path import MergePath
from .merge_sort import Rows, merge_sort
from .radix import COUNT
from .sort_keys import INDEX, INDEX_BITS, PACKED, Row, key_dtype, key_of
from .vector_loops import overlapping

WIDTH = 8
"""Records that are written at once: rows have as many."""

COUNTED = 119
"""Length up to which each element is compared with all others, if no network suits."""


def is_packed(dtype: DType) -> bool:
    """True if a key and its index are one integer."""
    return key_dtype(dtype).itemsize <= 4


def kinds_of(dtype: DType) -> list[DType]:
    """Dtypes of the parts of a record."""
    return [PACKED] if is_packed(dtype) else [PACKED, INDEX]


def _direction(descending: bool) -> str:
    return "descending" if descending else "ascending"


# -- records --


def write_records(
    r: Any,
    source: Row,
    rows: Sequence[Any],
    descending: bool,
    first: Any,
    n: Any,
    imaginary: bool = False,
) -> None:
    """The records of n elements, of which the first one has index `first`, to `rows`: by the keys
    of the `imaginary` parts, if elements have two."""
    dtype = source.dtype

    def build(r: Any, *parameters: Any) -> None:
        pointer, *rows, first, n, imaginary = parameters
        row, kinds = Row(r, dtype, pointer), kinds_of(dtype)
        parts = [Row(r, kind, p) for kind, p in zip(kinds, rows, strict=True)]

        def write(e: Any, i: Any) -> None:
            key = key_of(e, row.load(e, i), imaginary, descending)
            record = _record(e, key, r.builder.add(first, i))
            for part, lanes in zip(parts, record, strict=True):
                part.store(e, i, lanes)

        overlapping(r, n, WIDTH, write)

    name = f"jitad.records.{short_name(dtype)}.{_direction(descending)}"
    which = r.b.constant(BOOL, imaginary).value
    r.call_inner(name, build, source.pointer, *rows, first, n, which, apart=True)


def _record(e: Any, key: Any, index: Any) -> list[Any]:
    """The records of the elements from `index` (i64) on, with these keys."""
    places = e.iota(index, INT64)
    if not is_packed(key.dtype):
        return [key, e.convert(places, INDEX)]
    high = e.shift_left(e.convert(key, PACKED), e.constant(PACKED, INDEX_BITS))
    return [e.bitwise_or(high, e.convert(places, PACKED))]


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

        overlapping(r, n, WIDTH, write)

    r.call_inner(name, build, rows[-1], target.pointer, n, apart=True)


# -- by digits --


class Space:
    """Scratch memory: two rows of records, and counts."""

    def __init__(self, work: Workspace, dtype: DType, n: int) -> None:
        kinds = kinds_of(dtype)
        self.rows = [[work.array(kind, n) for kind in kinds] for _ in range(2)]
        self.counts = work.array(COUNT, *radix.counts_type(key_dtype(dtype), n).shape)

    def pointers(self) -> list[list[Any]]:
        """Those of the rows."""
        return [[part.pointer for part in row] for row in self.rows]


def sort_records(
    r: Any, dtype: DType, rows: Sequence[Sequence[Any]], counts: Any, longest: int, n: Any
) -> list[Any]:
    """Sort n (i64) records, which are those of keys of `dtype`, in the first of two rows, of up to
    `longest` of them: pointers to the row where they are then."""
    kinds = kinds_of(dtype)
    if not radix.suits([key_dtype(dtype)], 1, longest):
        pairs = [
            [r.buffer(ArrayType(kind, (longest,)), p) for kind, p in zip(kinds, row, strict=True)]
            for row in rows
        ]
        merge_sort(r, pairs[0], pairs[1], 1, False, n)
        return list(rows[0])
    first = INDEX_BITS if is_packed(dtype) else 0
    digits = radix.digits_of(key_dtype(dtype), longest)
    return radix.by_digits(r, kinds, rows, counts, digits, first, n)


# -- rows in order --


def is_in_order(r: Any, source: Row, target: Row, descending: bool, n: int) -> Any:
    """Whether (i1) the n elements are in order, or in the opposite one: then their order is in the
    target."""
    run = run_ends.find_run(r, [source], descending, r.integer(0), r.integer(n))
    whole = r.builder.icmp_unsigned("==", run.end, r.integer(n))
    if source.dtype.itemsize <= 2:  # sorted faster than groups of a few equals are put back
        whole = r.builder.and_(whole, r.builder.not_(run.tied))

    def build(r: Any, target_at: Any, code: Any) -> None:
        out, run = Row(r, INT64, target_at), run_ends.Run(r, code)
        # n - 1 - i = ~i + n
        turned = r.number(r.builder.sext(run.opposite, code.type))
        base = r.number(r.builder.select(run.opposite, r.integer(n), r.integer(0)))

        def write(e: Any, i: Any) -> None:
            index = e.bitwise_xor(e.iota(i, INT64), e.splat(turned))
            out.store(e, i, e.add(index, e.splat(base)))

        overlapping(r, n, WIDTH, write)

    def write() -> None:
        r.call_inner(f"jitad.whole.{n}", build, target.pointer, run.code, apart=True)
        places = Row(r, PACKED, target.pointer)  # as wide, and a function that records need too
        ties = (r, [source], descending, r.integer(0), r.integer(n), [places])
        r.when(run.tied, lambda: run_ends.put_ties_back(*ties))

    r.when(whole, write)
    return whole


class _RunsOrder(runs.Runs):
    """The body of the function that looks for runs, and merges their records."""

    def __init__(
        self, r: Any, source: Row, target: Any, pairs: Sequence[Any], descending: bool, n: Any
    ) -> None:
        # keys ascend in either direction
        path = MergePath(kinds_of(source.dtype), 1, False)
        super().__init__(r, [source], descending, path, pairs, n)
        self.target = Row(r, INT64, target)

    def _put(self, target: Rows, start: Any, run: run_ends.Run) -> None:
        """The records of a run in order."""
        r, source, descending = self.r, self.source[0], self.descending

        def build(r: Any, pointer: Any, *parameters: Any) -> None:
            *rows, start, code = parameters
            row, records = Row(r, source.dtype, pointer), Rows(r, target.dtypes, rows)
            b, run = r.builder, run_ends.Run(r, code)
            ends, count = b.add(start, b.sub(run.end, r.integer(1))), b.sub(run.end, start)

            def vectors() -> None:
                stretch = Row(r, row.dtype, row.at(start))
                write_records(r, stretch, records.behind(start).pointers, descending, start, count)

            def move(i: Any) -> None:
                of = b.select(run.opposite, b.sub(ends, i), i)
                key = key_of(r.b, row.load(r.b, of), r.b.constant(BOOL, False).value, descending)
                records.store(i, _record(r.b, key, of))

            many = b.icmp_signed(">=", count, r.integer(WIDTH))
            straight = b.and_(many, b.not_(run.opposite))
            r.when(straight, vectors, lambda: r.loop(run.end, move, start=start))

        name = f"jitad.runs.records.{short_name(source.dtype)}.{_direction(descending)}"
        places = (source.pointer, *target.pointers, start, run.code)
        r.call_inner(name, build, *places, apart=True)
        indices = Row(r, target.dtypes[-1], target.pointers[-1])  # of equal keys, these differ
        ties = (r, [source], descending, start, run.end, [indices])
        r.when(run.tied, lambda: run_ends.put_ties_back(*ties))

    def _finish(self) -> None:
        write_places(self.r, self.rows.dtypes, self.rows.pointers, self.target, self.n)


def order_by_runs(
    r: Any, source: Row, target: Any, rows: Sequence[Sequence[Any]], descending: bool, n: int
) -> Any:
    """Whether (i1) a row has few runs. If so its order, by the first of two keys, is in `target`.
    The rows are for records."""

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
    if index_network.suits(dtype, n):
        return "network"
    if dtype.itemsize <= 2 and radix.suits([dtype], 1, n):
        return "bytes"
    if dtype.kind != "c" and n <= COUNTED:
        return "counting"
    return "merge" if dtype.kind == "c" or n >= 2**32 else "records"


def workspace_row(work: Workspace, dtype: DType, n: int) -> None:
    """Count the scratch memory."""
    _Scratch(work, dtype, n)
    if method_of(dtype, n) == "network":
        index_network.workspace_order(work, n)


class _Scratch:
    """What the method needs."""

    def __init__(self, work: Workspace, dtype: DType, n: int) -> None:
        method = method_of(dtype, n)
        if method == "bytes":
            self.row = work.array(PACKED, n if dtype.itemsize == 2 else 0)
            self.counts = work.array(COUNT, 2, 256)
        elif method == "counting":
            self.compared = comparison_counting.Space(work, dtype, n)
        elif method == "network":
            self.taken = work.array(dtype, n)
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
    elif method == "counting":
        comparison_counting.order_row(r, space.compared, row, places, descending, n)
    elif method == "network":
        taken = Row(r, dtype, space.taken.pointer)
        index_network.order_row(r, work, row, places, taken, descending, n)
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
