"""How native code sorts rows by one complex key: by integers that stand for the numbers, with
indices that say where each number is (`index_sort`).

Numbers of 64 bits have a key of that many. Those of 128 bits are sorted by the real parts, and if
the row is not in order then, by the imaginary parts and after that, in the order they are in then,
by the real parts. Numbers with a nan in them are ordered by another rule (`merge_sort.before`):
where these are out of place even so, one more pass puts them right. Every step is stable. Networks
do the same for rows that are not that long (`index_network`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..types import BOOL, INT64, DType, short_name
from . import index_network, index_sort, radix, runs
from .lapack import Workspace
from .run_ends import is_sorted
from .sort_keys import Counter, Row, has_two_keys, key_dtype, take


def suits(dtypes: Sequence[DType], num_keys: int, n: int) -> bool:
    """True if rows of n records are best sorted so."""
    key = dtypes[0]
    if num_keys != 1 or key.kind != "c":
        return False
    return index_network.suits(key, n) or radix.suits([key_dtype(key)], 1, n)


class _Space:
    """Scratch memory: records of parts, and another order."""

    def __init__(self, work: Workspace, dtype: DType, n: int) -> None:
        self.free = work.array(INT64, n)
        self.parts = index_sort.Space(work, dtype, n)


def _count(work: Workspace, dtype: DType, n: int) -> None:
    if index_network.suits(dtype, n):
        index_network.workspace_order(work, n)
    else:
        _Space(work, dtype, n)


def workspace_complex(work: Workspace, dtype: DType, n: int) -> None:
    """Count the scratch memory of `sort_row`."""
    work.array(INT64, n)
    _count(work, dtype, n)


def workspace_indices(work: Workspace, dtype: DType, n: int) -> None:
    """Count the scratch memory of `sort_indices`."""
    work.array(dtype, n)
    _count(work, dtype, n)


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
    order, count = Row(r, INT64, work.array(INT64, n).pointer), r.integer(n)
    whole = _order(r, work, first[0], order, first[1], descending, n)
    r.when(whole, lambda: take(r, first[0], order, first[1], count))
    for source, target in others:
        take(r, source, order, target, count)


def sort_indices(
    r: Any, work: Workspace, source: Any, target: Any, dtype: DType, n: int, descending: bool
) -> None:
    """The order (int64) of the n numbers from `source` on to `target` on."""
    row, taken = (Row(r, dtype, p) for p in (source, work.array(dtype, n).pointer))
    _order(r, work, row, Row(r, INT64, target), taken, descending, n)


def _order(
    r: Any, work: Workspace, source: Row, order: Row, taken: Row, descending: bool, n: int
) -> Any:
    """The indices in order. The numbers in order to `taken`, unless (i1) they are one run."""

    def sort() -> None:
        if index_network.suits(source.dtype, n):
            index_network.order_row(r, work, source, order, taken, descending, n)
        else:
            _by_parts(r, _Space(work, source.dtype, n), source, order, taken, descending, n)

    if not runs.suits(n):
        sort()
        return r.b.constant(BOOL, False).value
    whole = index_sort.is_in_order(r, source, order, descending, n)
    r.when(whole, lambda: None, sort)
    return whole


def _by_parts(
    r: Any, space: _Space, source: Row, order: Row, taken: Row, descending: bool, n: int
) -> None:
    """The row of the indices in order; the numbers in order to `taken`."""
    direction = "descending" if descending else "ascending"
    pairs, counts = space.parts.pointers(), space.parts.counts.pointer

    def build(r: Any, *parameters: Any) -> None:
        *given, counts, count = parameters
        dtypes = [source.dtype, source.dtype, INT64, INT64]
        row, target, order, free = (
            Row(r, dtype, p) for dtype, p in zip(dtypes, given[:4], strict=True)
        )
        half = len(pairs[0])
        records = [given[4 : 4 + half], given[4 + half :]]
        args = (row, target, order, free, records, counts, n, count, descending)
        _Order(r, *args).emit()

    name = f"jitad.complex.{short_name(source.dtype)}.{n}.{direction}"
    places = [row.pointer for row in (source, taken, order)]
    args = (*places, space.free.pointer, *pairs[0], *pairs[1], counts, r.integer(n))
    r.call_inner(name, build, *args, brief=True)


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
        self.dtype = source.dtype

    def emit(self) -> None:
        """By the first keys, and if that does not do, by both, with the nans apart."""
        r = self.r
        args = (self.order.pointer, self.rows, self.descending, self.longest)
        few = index_sort.order_by_runs(r, self.source, *args)
        r.when(few, lambda: None, lambda: self._sort(self.source, False, self.order))
        r.when(self._rises(), lambda: None, self._put_right)

    def _sort(self, row: Row, imaginary: bool, target: Row) -> None:
        """The order of a row by the keys of its real or imaginary parts."""
        r, n = self.r, self.n
        args = (self.rows[0], self.descending, r.integer(0), n, imaginary)
        index_sort.write_records(r, row, *args)
        found = index_sort.sort_records(r, self.dtype, self.rows, self.counts, self.longest, n)
        index_sort.write_places(r, index_sort.kinds_of(self.dtype), found, target, n)

    def _put_right(self) -> None:
        if has_two_keys(self.dtype):
            self._by_both()
        self._nans_apart()
        take(self.r, self.source, self.order, self.taken, self.n)

    def _by_both(self) -> None:
        r = self.r
        self._sort(self.source, True, self.order)
        take(r, self.source, self.order, self.taken, self.n)
        self._sort(self.taken, False, self.free)  # places in the order there is
        joined = Row(r, INT64, self.rows[0][0])
        take(r, self.order, self.free, joined, self.n)
        nbytes = r.builder.mul(self.n, r.integer(INT64.itemsize))
        r.copy_bytes(self.order.pointer, joined.pointer, nbytes)

    def _rises(self) -> Any:
        """Take the numbers: whether (i1) they are in order."""
        take(self.r, self.source, self.order, self.taken, self.n)
        return is_sorted(self.r, self.taken, self.descending, self.n)

    def _nans_apart(self) -> None:
        """Of numbers in order by the real, then the imaginary parts: numbers first, then those
        whose imaginary part is nan, then those whose real part is, each in the order they have. If
        descending, in the opposite order of the three."""
        dtype = self.dtype

        def build(r: Any, source: Any, order: Any, free: Any, n: Any) -> None:
            rows = Row(r, dtype, source), Row(r, INT64, order), Row(r, INT64, free)
            _emit_nans_apart(r, *rows, self.descending, n)

        direction = "descending" if self.descending else "ascending"
        name = f"jitad.complex.nans.{short_name(dtype)}.{direction}"
        places = [row.pointer for row in (self.source, self.order, self.free)]
        self.r.call_inner(name, build, *places, self.n, brief=True)


def _emit_nans_apart(r: Any, source: Row, order: Row, free: Row, descending: bool, n: Any) -> None:
    b = r.builder
    counts = [Counter(r, r.integer(0)) for _ in range(3)]

    def kinds(i: Any) -> list[Any]:
        """Which of the three a number is."""
        x = source.load(r.b, order.load(r.b, i).value)
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
        r.copy_bytes(order.pointer, free.pointer, b.mul(n, r.integer(INT64.itemsize)))

    r.loop(n, lambda i: add(counts, kinds(i)))
    numbers = counts[2 if descending else 0]
    r.when(b.icmp_signed("<", numbers.value, n), move_all)
