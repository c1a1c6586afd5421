"""How native code sorts rows by one complex key: by the real parts, with indices that say where
each number is.

If the row is in order then, as it is where no two real parts are equal, that is all. If not, it is
sorted anew, by the imaginary parts and after that, in the order they are in then, by the real
parts. Numbers with a nan in them are ordered by another rule (`merge_sort.before`): where these are
out of place even so, one more pass puts them right. Every step is stable. What was sorted are
records of a part and an index (`index_sort`); the numbers themselves move once, at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..types import INT64, DType, real_dtype, short_name
from . import index_sort, runs
from .lapack import Workspace
from .sort_keys import INDEX, Counter, Row, encode

FROM = 12
"""Length from which rows are sorted so."""


def suits(dtypes: Sequence[DType], num_keys: int, n: int) -> bool:
    """True if rows of n records are best sorted so."""
    return num_keys == 1 and dtypes[0].kind == "c" and FROM <= n < 2**32


class _Space:
    """Scratch memory: the order, another one, and records."""

    def __init__(self, work: Workspace, dtype: DType, n: int) -> None:
        self.order, self.free = (work.array(INDEX, n) for _ in range(2))
        self.records = index_sort.Space(work, real_dtype(dtype), n)


def workspace_complex(work: Workspace, dtype: DType, n: int) -> None:
    """Count the scratch memory of `sort_row`."""
    _Space(work, dtype, n)


def workspace_indices(work: Workspace, dtype: DType, n: int) -> None:
    """Count the scratch memory of `sort_indices`."""
    work.array(dtype, n)
    _Space(work, dtype, n)


def sort_row(
    r: Any,
    work: Workspace,
    sources: Sequence[Any],
    targets: Sequence[Any],
    dtypes: Sequence[DType],
    n: int,
    descending: bool,
) -> None:
    """Sort one row of n records by the first of the operands, from `sources` on to `targets` on."""
    first, *others = [
        (Row(r, dtype, source), Row(r, dtype, target))
        for dtype, source, target in zip(dtypes, sources, targets, strict=True)
    ]
    space = _Space(work, dtypes[0], n)

    def by_parts() -> None:
        _by_parts(r, space, *first, n, descending)

    order = Row(r, INDEX, space.order.pointer)
    if runs.suits(n):
        whole = index_sort.is_in_order(r, first[0], order, descending, n)
        r.when(whole, lambda: _take(r, first[0], order, first[1], r.integer(n)), by_parts)
    else:
        by_parts()
    for source, target in others:
        _take(r, source, order, target, r.integer(n))


def sort_indices(
    r: Any, work: Workspace, source: Any, target: Any, dtype: DType, n: int, descending: bool
) -> None:
    """The order (int64) of the n numbers from `source` on to `target` on."""
    row, taken = (Row(r, dtype, p) for p in (source, work.array(dtype, n).pointer))
    places, kinds = Row(r, INT64, target), [real_dtype(dtype), INDEX]

    def by_parts() -> None:
        order = _by_parts(r, _Space(work, dtype, n), row, taken, n, descending)
        index_sort.write_places(r, kinds, [order.pointer], places, r.integer(n))

    if runs.suits(n):
        whole = index_sort.is_in_order(r, row, places, descending, n)
        r.when(whole, lambda: None, by_parts)
    else:
        by_parts()


def _by_parts(r: Any, space: _Space, source: Row, taken: Row, n: int, descending: bool) -> Row:
    """The row of the indices in order; the numbers in order to `taken`."""
    order, free = (Row(r, INDEX, part.pointer) for part in (space.order, space.free))
    direction = "descending" if descending else "ascending"
    pairs, counts = space.records.pointers(), space.records.counts.pointer

    def build(r: Any, *parameters: Any) -> None:
        *given, counts, count = parameters
        dtypes = [source.dtype, source.dtype, INDEX, INDEX]
        row, target, order, free = (
            Row(r, dtype, p) for dtype, p in zip(dtypes, given[:4], strict=True)
        )
        half = len(pairs[0])
        records = [given[4 : 4 + half], given[4 + half :]]
        args = (row, target, order, free, records, counts, n, count, descending)
        _Order(r, *args).emit()

    name = f"jitad.complex.{short_name(source.dtype)}.{n}.{direction}"
    places = [row.pointer for row in (source, taken, order, free)]
    r.call_inner(name, build, *places, *pairs[0], *pairs[1], counts, r.integer(n), brief=True)
    return order


def _take(r: Any, source: Row, order: Row, target: Row, n: Any) -> None:
    """Elements in the order given."""

    def build(r: Any, given: Any, order: Any, asked: Any, n: Any) -> None:
        source, index, target = Row(r, dtype, given), Row(r, INDEX, order), Row(r, dtype, asked)

        def take(i: Any) -> None:
            target.store(r.b, i, source.load(r.b, _index(r, index, i)))

        r.loop(n, take)

    dtype = source.dtype
    name = f"jitad.take.{short_name(dtype)}"
    r.call_inner(name, build, source.pointer, order.pointer, target.pointer, n, apart=True)


def _index(r: Any, order: Row, i: Any) -> Any:
    return r.b.convert(order.load(r.b, i), INT64).value


class _Order:
    """The body of the function that finds the order of a row."""

    def __init__(
        self,
        r: Any,
        source: Row,
        taken: Row,
        order: Row,
        free: Row,
        rows: Sequence[Sequence[Any]],
        counts: Any,
        longest: int,
        n: Any,
        descending: bool,
    ) -> None:
        self.r, self.source, self.taken, self.order, self.free = r, source, taken, order, free
        self.rows, self.counts, self.longest, self.n = rows, counts, longest, n
        self.descending = descending
        self.part = real_dtype(source.dtype)
        direction = "descending" if descending else "ascending"
        self.kind = f"{short_name(source.dtype)}.{direction}"

    def emit(self) -> None:
        """By the real parts, and if that does not do, by both."""
        r = self.r
        args = (self._parts(0), self.rows[0], self.descending, r.integer(0), self.n)
        index_sort.write_records(r, *args)
        self._sort(self.order)
        r.when(self._rises(), lambda: None, self._by_both)

    def _parts(self, number: int) -> Row:
        """The real (0) or imaginary (1) parts."""
        r, nbytes = self.r, self.part.itemsize
        return Row(r, self.part, r.offset(self.source.pointer, r.integer(number * nbytes)), 2)

    def _sort(self, target: Row) -> None:
        """The records, whose indices go to the target."""
        r, n = self.r, self.n
        found = index_sort.sort_records(r, self.part, self.rows, self.counts, self.longest, n)
        index_sort.write_places(r, index_sort.kinds_of(self.part), found, target, n)

    def _by_both(self) -> None:
        r = self.r
        args = (self._parts(1), self.rows[0], self.descending, r.integer(0), self.n)
        index_sort.write_records(r, *args)
        self._sort(self.order)
        self._write_in_order()
        self._sort(self.free)  # places in the order there is
        joined = Row(r, INDEX, self.rows[0][0])
        _take(r, self.order, self.free, joined, self.n)
        nbytes = r.builder.mul(self.n, r.integer(INDEX.itemsize))
        r.copy_bytes(self.order.pointer, joined.pointer, nbytes)
        self._nans_apart()
        _take(r, self.source, self.order, self.taken, self.n)

    def _call(self, what: str, build: Any, *pointers: Any, brief: bool = False) -> None:
        """A function of the row, the order and n: build(r, row, order, pointers, n)."""
        dtype = self.source.dtype

        def body(r: Any, source: Any, order: Any, *parameters: Any) -> None:
            build(r, Row(r, dtype, source), Row(r, INDEX, order), *parameters)

        args = (self.source.pointer, self.order.pointer, *pointers, self.n)
        name = f"jitad.complex.{what}.{self.kind}"
        self.r.call_inner(name, body, *args, apart=True, brief=brief)

    def _rises(self) -> Any:
        """Take the numbers: whether (i1) they are in order."""
        _take(self.r, self.source, self.order, self.taken, self.n)
        return runs.is_sorted(self.r, self.taken, self.descending, self.n)

    def _write_in_order(self) -> None:
        """Records of the real parts, in the order there is, with their places in it."""

        def build(r: Any, source: Row, order: Row, *parameters: Any) -> None:
            *rows, n = parameters
            kinds = index_sort.kinds_of(self.part)
            parts = [Row(r, kind, row) for kind, row in zip(kinds, rows, strict=True)]

            def write(i: Any) -> None:
                index = _index(r, order, i)
                key = encode(r.b, r.b.real(source.load(r.b, index)), self.descending)
                record = index_sort.joined(r.b, key, r.number(i))
                for part, lanes in zip(parts, record, strict=True):
                    part.store(r.b, i, lanes)

            r.loop(n, write)

        self._call("records", build, *self.rows[0])

    def _nans_apart(self) -> None:
        """Of numbers in order by the real, then the imaginary parts: numbers first, then those
        whose imaginary part is nan, then those whose real part is, each in the order they have. If
        descending, in the opposite order of the three."""

        def build(r: Any, source: Row, order: Row, free: Any, n: Any) -> None:
            _emit_nans_apart(r, source, order, Row(r, INDEX, free), self.descending, n)

        self._call("nans", build, self.free.pointer, brief=True)


def _emit_nans_apart(r: Any, source: Row, order: Row, free: Row, descending: bool, n: Any) -> None:
    b = r.builder
    counts = [Counter(r, r.integer(0)) for _ in range(3)]

    def kinds(i: Any) -> list[Any]:
        """Which of the three a number is."""
        x = source.load(r.b, _index(r, order, i))
        real, any_ = r.b.is_nan(r.b.real(x)).value, r.b.is_nan(x).value
        found = [b.not_(any_), b.and_(any_, b.not_(real)), real]
        return found[::-1] if descending else found

    def add(to: Sequence[Counter], flags: Sequence[Any]) -> None:
        for counter, flag in zip(to, flags, strict=True):
            counter.add(b.zext(flag, n.type))

    def move_all() -> None:
        total = r.integer(0)
        places: list[Counter] = []
        for counter in counts:
            places.append(Counter(r, total))
            total = b.add(total, counter.value)

        def move(i: Any) -> None:
            flags = kinds(i)
            first, second, third = (place.value for place in places)
            at = b.select(flags[0], first, b.select(flags[1], second, third))
            free.store(r.b, at, order.load(r.b, i))
            add(places, flags)

        r.loop(n, move)
        r.copy_bytes(order.pointer, free.pointer, b.mul(n, r.integer(INDEX.itemsize)))

    r.loop(n, lambda i: add(counts, kinds(i)))
    numbers = counts[2 if descending else 0]
    r.when(b.icmp_signed("<", numbers.value, n), move_all)
