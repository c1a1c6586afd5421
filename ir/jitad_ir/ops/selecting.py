"""How native code finds the k greatest of a row, and the elements of given ranks.

A few greatest are kept in order while the row goes by. Otherwise the key of a rank is found without
sorting (`rank_search`): that of the last of the greatest tells which of the elements to sort.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..types import INT64, ArrayType
from . import index_sort
from .lapack import Workspace
from .merge_sort import Record, Rows, insert, record_before
from .rank_search import RankSearch, Space, key_type, keys_of, place_of, width_of
from .sort_keys import Counter, Row, bools_as_bytes, without_bools
from .sort_sharing import parts_of, share_rows
from .vector_loops import stretch

FEW = 32
"""Largest k for which the k greatest so far are kept, in order."""

SHORT, NETWORK = 384, 4096
"""Lengths up to which rows are sorted whole, whatever k, and if k is more than half of it."""

COUNTED = 128
"""Most elements of which each one's place is found by counting those before it."""

SEEN, KEPT, SOUGHT = 0.4, 100.0, 600.0
"""Nanoseconds of an element that goes by, of one that is kept, and of a rank that is sought."""


def _shares(x: ArrayType, kept: int, sought: int, scratch: int) -> tuple[int, int]:
    """Parts in which threads share the rows, and bytes of scratch memory of each."""
    rows, n = math.prod(x.shape[:-1]), x.shape[-1]
    each = SEEN * n * max(sought, 1) + KEPT * kept + SOUGHT * sought
    return parts_of(rows, rows * each, scratch), scratch


class _Greatest:
    """Scratch memory of a row whose k greatest are collected."""

    def __init__(self, work: Workspace, x: ArrayType, k: int) -> None:
        self.values, self.places = work.array(x.dtype, k), work.array(INT64, k)
        self.order = work.array(INT64, k)


def _sorts_all(x: ArrayType, k: int) -> bool:
    """True if it takes no longer to find the order of the whole row."""
    n = x.shape[-1]
    return n <= SHORT or (2 * k > n and n <= NETWORK)


def _scratch_top_k(x: ArrayType, k: int) -> int:
    if k <= FEW:
        return 0
    work, n = Workspace(), x.shape[-1]
    if _sorts_all(x, k):
        work.array(INT64, n)
        index_sort.workspace_row(work, x.dtype, n)
        return work.bytes
    Space(work, x.dtype, n)
    _Greatest(work, x, k)
    if k > COUNTED:
        index_sort.workspace_row(work, x.dtype, k)
    return work.bytes


def _shares_top_k(x: ArrayType, k: int) -> tuple[int, int]:
    (x,) = without_bools(x)
    return _shares(x, k, int(k > FEW), _scratch_top_k(x, k))


def _in_rows(r: Any, buffer: Any) -> Any:
    """The buffer with one axis before its last one."""
    shape = buffer.type.shape
    flat = (math.prod(shape[:-1]), shape[-1])
    return r.buffer(buffer.type.with_shape(flat), buffer.pointer)


def workspace_top_k(x: ArrayType, *, k: int) -> int:
    """None if k is small."""
    return math.prod(_shares_top_k(x, k))


def parts_top_k(x: ArrayType, *, k: int) -> int:
    """How many parts threads share."""
    return 1 if k == 0 else _shares_top_k(x, k)[0]


def emit_top_k(r: Any, x: Any, results: Any, *, k: int) -> None:
    """The k greatest of each row, with their indices."""
    if k == 0:
        return
    parts, scratch = _shares_top_k(x.type, k)
    emit_row = _sort_all if _sorts_all(x.type, k) else _sort_greatest
    if k <= FEW:
        emit_row = _keep_greatest

    def row(r: Any, buffers: Sequence[Any], number: Any) -> None:
        emit_row(r, buffers[0], buffers[1:], (number,), k)

    rows = [_in_rows(r, buffer) for buffer in bools_as_bytes(r, (x, *results))]
    share_rows(r, rows[0].type.shape[0], parts, scratch, rows, row)


def _keep_greatest(r: Any, x: Any, results: Any, index: tuple[Any, ...], k: int) -> None:
    """Go through the row with the k greatest so far in the result, in order."""
    dtypes = [out.type.dtype for out in results]
    kept = Rows(r, dtypes, [r.element_pointer(out, (*index, 0)) for out in results])
    zero, last = r.integer(0), r.integer(k - 1)

    def precedes(p: Record, q: Record) -> Any:
        return record_before(r.b, p, q, 1, True).value

    def visit(i: Any, place: Any) -> None:
        record = [r.load(x, (*index, i)), r.number(i)]
        insert(r, kept, zero, place, record, precedes)

    def compare(i: Any) -> None:
        record = [r.load(x, (*index, i)), r.number(i)]
        r.when(precedes(record, kept.load(last)), lambda: visit(i, last))

    r.loop(k, lambda i: visit(i, i))
    r.loop(x.type.shape[-1], compare, start=k)


def _sort_all(r: Any, x: Any, results: Any, index: tuple[Any, ...], k: int) -> None:
    """Find the order of the whole row."""
    dtype, n = x.type.dtype, x.type.shape[-1]
    work, row = Workspace(r), r.element_pointer(x, (*index, 0))
    order = work.array(INT64, n)
    index_sort.sort_row(r, work, row, order.pointer, dtype, n, True)

    def write(i: Any) -> None:
        place = r.load(order, (i,))
        _put(r, results, (*index, i), r.load(x, (*index, place.value)), place)

    r.loop(k, write)


def _put(r: Any, results: Any, index: tuple[Any, ...], *found: Any) -> None:
    """An element and its place."""
    for out, value in zip(results, found, strict=True):
        r.store(out, index, value)


def _sort_greatest(r: Any, x: Any, results: Any, index: tuple[Any, ...], k: int) -> None:
    """Collect the greatest in the order of the row, then sort them: equal ones stay so."""
    dtype, n = x.type.dtype, x.type.shape[-1]
    work, row = Workspace(r), r.element_pointer(x, (*index, 0))
    search = RankSearch(r, work, row, dtype, n, True)
    greatest = _Greatest(work, x.type, k)
    search.find(r.integer(k - 1))

    def collect(r: Any, row: Any, key: Any, before: Any, values: Any, places: Any) -> None:
        last = r.b.constant(key_type(dtype), 0)._replace(value=key)
        _Collection(r, Row(r, dtype, row), last, before, values, places, n, k).emit()

    name = f"jitad.greatest.{dtype.name}.{n}.{k}"
    values, places = greatest.values.pointer, greatest.places.pointer
    r.call_inner(name, collect, row, search.key, search.before, values, places, apart=True)
    if k <= COUNTED:
        _write_counted(r, greatest, results, index, k)
        return
    index_sort.sort_row(r, work, values, greatest.order.pointer, dtype, k, True)

    def write(i: Any) -> None:
        at = (r.load(greatest.order, (i,)).value,)
        _put(r, results, (*index, i), r.load(greatest.values, at), r.load(greatest.places, at))

    r.loop(k, write)


class _Collection:
    """The body of the function that collects the k elements of a row whose keys do not exceed
    `last`: first those with lesser keys, of which there are `before`, then equal ones."""

    def __init__(
        self, r: Any, row: Row, last: Any, before: Any, values: Any, places: Any, n: int, k: int
    ) -> None:
        self.r, self.row, self.last, self.n, self.k = r, row, last, n, k
        self.targets = Row(r, row.dtype, values), Row(r, INT64, places)
        self.lesser, self.equal = Counter(r, r.integer(0)), Counter(r, before)

    def emit(self) -> None:
        """Vectors that have some, element by element."""
        r = self.r
        stretch(r, r.integer(0), r.integer(self.n), width_of(self.row.dtype), self._look)

    def _look(self, e: Any, i: Any) -> None:
        r, last = self.r, e.splat(self.last)
        keys = keys_of(e, self.row.load(e, i), True)
        equal = r.builder.and_(e.reduce_or(e.eq(keys, last)).value, self._has_room())
        some = r.builder.or_(e.reduce_or(e.lt(keys, last)).value, equal)
        end = r.builder.add(i, r.integer(e.width))
        r.when(some, lambda: r.loop(end, self._visit, start=i))

    def _has_room(self) -> Any:
        """Whether (i1) more equal ones are wanted."""
        return self.r.builder.icmp_signed("<", self.equal.value, self.r.integer(self.k))

    def _visit(self, i: Any) -> None:
        r = self.r
        key = keys_of(r.b, self.row.load(r.b, i), True)
        r.when(r.b.lt(key, self.last), lambda: self._take(self.lesser, i))
        is_equal = r.builder.and_(r.b.eq(key, self.last).value, self._has_room())
        r.when(is_equal, lambda: self._take(self.equal, i))

    def _take(self, place: Counter, i: Any) -> None:
        r = self.r
        for target, value in zip(self.targets, (self.row.load(r.b, i), r.number(i)), strict=True):
            target.store(r.b, place.value, value)
        place.add(r.integer(1))


def _write_counted(r: Any, greatest: Any, results: Any, index: tuple[Any, ...], k: int) -> None:
    """Each of the greatest to the place that is the number of those before it."""
    dtype = greatest.values.type.dtype
    values = Row(r, dtype, greatest.values.pointer)

    def write(i: Any) -> None:
        value, before = values.load(r.b, i), Counter(r, r.integer(0))
        own = keys_of(r.b, value, True)

        def compare(e: Any, j: Any) -> None:
            keys, key = keys_of(e, values.load(e, j), True), e.splat(own)
            sooner = e.lt(e.iota(j, INT64), e.splat(r.number(i)))
            either = e.bitwise_or(e.lt(keys, key), e.bitwise_and(e.eq(keys, key), sooner))
            before.add(e.count_true(either))

        stretch(r, r.integer(0), r.integer(k), 8, compare)
        _put(r, results, (*index, before.value), value, r.load(greatest.places, (i,)))

    r.loop(k, write)


def _shares_ranks(x: ArrayType, ranks: ArrayType) -> tuple[int, int]:
    (x,), work = without_bools(x), Workspace()
    Space(work, x.dtype, x.shape[-1])
    return _shares(x, 0, ranks.shape[-1], work.bytes)


def workspace_ranks(x: ArrayType, ranks: ArrayType) -> int:
    """What searches need."""
    return math.prod(_shares_ranks(x, ranks))


def parts_ranks(x: ArrayType, ranks: ArrayType) -> int:
    """How many parts threads share."""
    return 1 if 0 in (x.size, ranks.size) else _shares_ranks(x, ranks)[0]


def emit_ranks(r: Any, x: Any, ranks: Any, results: Any) -> None:
    """The elements of each row that have these ranks, and their indices."""
    if 0 in (x.type.size, ranks.type.size):
        return
    parts, scratch = _shares_ranks(x.type, ranks.type)

    def row(r: Any, buffers: Sequence[Any], number: Any) -> None:
        x, ranks, values, places = buffers
        dtype, n = x.type.dtype, x.type.shape[-1]
        pointer = r.element_pointer(x, (number, 0))
        search = RankSearch(r, Workspace(r), pointer, dtype, n, False)

        def seek(which: Any) -> None:
            zero, last = (r.b.constant(INT64, bound) for bound in (0, n - 1))
            rank = r.b.clamp(zero, r.load(ranks, (number, which)), last).value
            search.find(rank)
            among = r.builder.sub(rank, search.before)
            place = place_of(r, pointer, dtype, n, search.key, among, False)
            r.store(values, (number, which), r.load(x, (number, place)))
            r.store(places, (number, which), r.number(place))

        r.loop(ranks.type.shape[-1], seek)

    rows = [_in_rows(r, buffer) for buffer in bools_as_bytes(r, (x, ranks, *results))]
    share_rows(r, rows[0].type.shape[0], parts, scratch, rows, row)
