"""How native code finds the k greatest of a row, and the elements of given ranks.

A few greatest are kept in order while the row goes by. Otherwise a count of the first digits of the
keys tells which of them those sought have; the elements with these digits are sorted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..types import DTYPES, INT64, ArrayType, DType
from . import index_sort, radix, runs
from .lapack import Workspace
from .merge_sort import Record, Rows, insert, record_before
from .run_ends import find_run, is_sorted
from .sort_keys import Counter, Row, encode, key_dtype
from .sort_sharing import parts_of, share_rows
from .vector_loops import strips, vector_width

FEW = 32
"""Largest k for which the k greatest so far are kept, in order."""

LONG = 8192
"""Length from which counting digits pays."""

VERY_LONG = 150_000
"""Length from which threads share a row, if it is the only one."""

MOST_PARTS = 8

DIGIT = 16
"""Bits of the digit that is counted."""

BLOCK = 16
"""Digits whose counts are looked at together."""

COUNT = DTYPES["u32"]

SEEN, KEPT, SORTED = 0.4, 100.0, 3.0
"""Nanoseconds of an element that goes by, of one that is kept, and of one of rows whose candidates
are sorted."""


def _dtypes(x: ArrayType) -> list[DType]:
    return [x.dtype, INT64]


def _digit_bits(dtype: DType) -> int:
    return min(DIGIT, 8 * dtype.itemsize)


class _Space:
    """Scratch memory: the candidates, the candidates in order, the counts of each part, what
    sorting needs."""

    def __init__(self, work: Workspace, x: ArrayType) -> None:
        n = x.shape[-1]
        self.work = work
        self.rows = [work.array(dtype, n + 1) for dtype in _dtypes(x)]
        self.ordered = [work.array(dtype, n) for dtype in _dtypes(x)]
        digits = 2 ** _digit_bits(x.dtype)
        self.tables = work.array(COUNT, _most_parts(x), digits)
        self.counts: Any = None  # those of all parts, where the first one has its own at first
        if work.r is not None:
            self.counts = work.r.buffer(ArrayType(COUNT, (digits,)), self.tables.pointer)


def _most_parts(x: ArrayType) -> int:
    """Parts at most in which the elements of a row are counted and collected."""
    one = math.prod(x.shape[:-1]) == 1
    return MOST_PARTS if one and x.shape[-1] >= VERY_LONG and _counts_digits(x) else 1


def _scratch(x: ArrayType) -> int:
    """Bytes of scratch memory of a row whose candidates are sorted."""
    work, n = Workspace(), x.shape[-1]
    if _counts_digits(x):
        _Space(work, x)
        radix.workspace_radix(work, _dtypes(x), n)
    else:
        work.array(INT64, n)
        index_sort.workspace_row(work, x.dtype, n)
    return work.bytes


def _shares(x: ArrayType, few: int | None = None) -> tuple[int, int]:
    """Parts in which threads share the rows, and bytes of scratch memory of each: none if the
    `few` greatest are kept."""
    rows, n = math.prod(x.shape[:-1]), x.shape[-1]
    scratch = _scratch(x) if few is None else 0
    each = SORTED * n if few is None else SEEN * n + KEPT * few
    return parts_of(rows, rows * each, scratch), scratch


def _shares_top_k(x: ArrayType, k: int) -> tuple[int, int]:
    return _shares(x, k if k <= FEW else None)


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
    if k == 0:
        return 1
    return max(_shares_top_k(x, k)[0], _most_parts(x) if k > FEW else 1)


def emit_top_k(r: Any, x: Any, results: Any, *, k: int) -> None:
    """The k greatest of each row, with their indices."""
    if k > 0:
        emit_row = _keep_greatest if k <= FEW else _sort_candidates

        def row(r: Any, buffers: Sequence[Any], number: Any) -> None:
            emit_row(r, buffers[0], buffers[1:], (number,), k)

        parts, scratch = _shares_top_k(x.type, k)
        rows = [_in_rows(r, buffer) for buffer in (x, *results)]
        share_rows(r, rows[0].type.shape[0], parts, scratch, rows, row)


def _number(r: Any, i: Any) -> Any:
    """An i64 value as Lanes."""
    return r.b.constant(INT64, 0)._replace(value=i)


def _keep_greatest(r: Any, x: Any, results: Any, index: tuple[Any, ...], k: int) -> None:
    """Go through the row with the k greatest so far in the result, in order."""
    dtypes = [out.type.dtype for out in results]
    kept = Rows(r, dtypes, [r.element_pointer(out, (*index, 0)) for out in results])
    zero, last = r.integer(0), r.integer(k - 1)

    def precedes(p: Record, q: Record) -> Any:
        return record_before(r.b, p, q, 1, True).value

    def visit(i: Any, place: Any) -> None:
        record = [r.load(x, (*index, i)), _number(r, i)]
        insert(r, kept, zero, place, record, precedes)

    def compare(i: Any) -> None:
        record = [r.load(x, (*index, i)), _number(r, i)]
        r.when(precedes(record, kept.load(last)), lambda: visit(i, last))

    r.loop(k, lambda i: visit(i, i))
    r.loop(x.type.shape[-1], compare, start=k)


def _sort_candidates(r: Any, x: Any, results: Any, index: tuple[Any, ...], k: int) -> None:
    """Sort the candidates with their indices; the first k are the result."""

    def pick(place: Callable[[Any], Any]) -> None:
        r.loop(k, lambda i: _pick(r, x, results, index, i, place(i)))

    def search() -> None:
        space = _Space(Workspace(r), x.type)
        parts = _count_digits(r, x, index, space, True)
        count = _collect(r, x, index, space, True, parts, _last_digit(r, space, k))
        found = _in_order(r, x.type, space, True, count)

        def write(i: Any) -> None:
            for out, row in zip(results, found, strict=True):
                r.store(out, (*index, i), r.load(row, (i,)))

        r.loop(k, write)

    if _counts_digits(x.type):
        _look_up(r, x, index, True, pick, search)
    else:
        pick(_places(r, x, index, True))


def _places(r: Any, x: Any, index: tuple[Any, ...], descending: bool) -> Callable[[Any], Any]:
    """Sort the whole row: the place (i64) of the element of a rank."""
    work, n = Workspace(r), x.type.shape[-1]
    order = work.array(INT64, n)
    row = r.element_pointer(x, (*index, 0))
    index_sort.sort_row(r, work, row, order.pointer, x.type.dtype, n, descending)
    return lambda rank: r.load(order, (rank,)).value


def _look_up(
    r: Any,
    x: Any,
    index: tuple[Any, ...],
    descending: bool,
    pick: Callable[[Callable[[Any], Any]], None],
    search: Callable[[], None],
) -> None:
    """`pick(place)` if the row is in order, or strictly in the opposite one: the element of a rank
    is at place(rank). Else `search()`."""
    b, n = r.builder, x.type.shape[-1]
    row = Row(r, x.type.dtype, r.element_pointer(x, (*index, 0)))
    last = r.integer(n - 1)
    run = find_run(r, [row], descending, r.integer(0), r.integer(n))
    whole = b.and_(b.icmp_unsigned("==", run.end, r.integer(n)), b.not_(run.tied))

    def look_up() -> None:
        pick(lambda rank: b.select(run.opposite, b.sub(last, rank), rank))

    r.when(whole, look_up, search)


def _pick(r: Any, x: Any, results: Any, index: tuple[Any, ...], which: Any, place: Any) -> None:
    """Element `place` of the row, and its index, as number `which` of the results."""
    values, places = results
    r.store(values, (*index, which), r.load(x, (*index, place)))
    r.store(places, (*index, which), _number(r, place))


def workspace_ranks(x: ArrayType, *, ranks: tuple[int, ...]) -> int:
    """Candidates, and what sorting them needs."""
    return math.prod(_shares(x))


def parts_ranks(x: ArrayType, *, ranks: tuple[int, ...]) -> int:
    """How many parts threads share."""
    return max(_shares(x)[0], _most_parts(x))


def emit_ranks(r: Any, x: Any, results: Any, *, ranks: tuple[int, ...]) -> None:
    """The elements of each row that have these ranks, and their indices."""

    def row(r: Any, buffers: Sequence[Any], number: Any) -> None:
        x, *results = buffers
        index = (number,)

        def pick(place: Callable[[Any], Any]) -> None:
            for which, rank in enumerate(ranks):
                _pick(r, x, results, index, which, place(r.integer(rank)))

        if _counts_digits(x.type):
            _look_up(r, x, index, False, pick, lambda: _search_ranks(r, x, results, index, ranks))
        else:
            pick(_places(r, x, index, False))

    parts, scratch = _shares(x.type)
    rows = [_in_rows(r, buffer) for buffer in (x, *results)]
    share_rows(r, rows[0].type.shape[0], parts, scratch, rows, row)


def _search_ranks(
    r: Any, x: Any, results: Any, index: tuple[Any, ...], ranks: Sequence[int]
) -> None:
    """Sort the candidates with their indices, and find those of the ranks among them."""
    space = _Space(Workspace(r), x.type)
    places = [Counter(r, r.integer(rank)) for rank in ranks]
    parts = _count_digits(r, x, index, space, False)
    _mark_digits(r, space, ranks, places)
    count = _collect(r, x, index, space, False, parts, None)
    found = _in_order(r, x.type, space, False, count)
    for which, place in enumerate(places):
        for out, candidates in zip(results, found, strict=True):
            r.store(out, (*index, which), r.load(candidates, (place.value,)))


def _counts_digits(x: ArrayType) -> bool:
    """True if candidates are found by their first digits; else the whole row is sorted."""
    return x.shape[-1] >= LONG and radix.suits(_dtypes(x), 1, x.shape[-1])


def _in_order(r: Any, x: ArrayType, space: _Space, descending: bool, count: Any) -> Sequence[Any]:
    """Rows of the candidates, sorted."""
    dtypes = _dtypes(x)
    given, asked = ([row.pointer for row in some] for some in (space.rows, space.ordered))

    def sort() -> None:
        radix.radix_sort(r, space.work, given, asked, dtypes, x.shape[-1], descending, count)

    def copy() -> None:
        Rows(r, dtypes, given).copy_to(Rows(r, dtypes, asked), count)

    # Of few-valued rows the candidates are often equal.
    b, least = r.builder, r.integer(runs.LEAST)
    many = b.icmp_signed(">=", count, least)
    looked_at = b.select(many, count, least)
    whole = is_sorted(r, Row(r, x.dtype, given[0]), descending, looked_at)
    r.when(b.and_(whole, many), copy, sort)
    return space.ordered


def _put(r: Any, rows: Sequence[Any], place: Any, value: Any, i: Any) -> None:
    r.store(rows[0], (place,), value)
    r.store(rows[1], (place,), _number(r, i))


def _digit(r: Any, value: Any, descending: bool) -> Any:
    """The first digit of the key, as i64."""
    dtype = value.dtype
    key = encode(r.b, value, descending)
    shift = r.b.constant(key_dtype(dtype), 8 * dtype.itemsize - _digit_bits(dtype))
    first = key._replace(value=r.builder.lshr(key.value, shift.value))
    return r.b.convert(first, INT64).value


def _count_digits(r: Any, x: Any, index: tuple[Any, ...], space: _Space, descending: bool) -> Any:
    """Count the digits, in parts if threads share a row. Gives their number (i64), or None."""
    n, most = x.type.shape[-1], space.tables.type.shape[0]

    def count(r: Any, x: Any, index: tuple[Any, ...], counts: Any, start: Any, end: Any) -> None:
        def one_more(i: Any) -> None:
            at = (_digit(r, r.load(x, (*index, i)), descending),)
            r.store(counts, at, r.b.add(r.load(counts, at), r.b.constant(COUNT, 1)))

        r.fill(counts, r.b.constant(COUNT, 0))
        r.loop(end, one_more, start=start)

    if most == 1:
        count(r, x, index, space.counts, r.integer(0), r.integer(n))
        return None
    b = r.builder
    threads = r.threads()
    parts = b.select(b.icmp_signed("<", threads, r.integer(most)), threads, r.integer(most))

    def part(r: Any, number: Any, parts_at: Any, row: Any, tables: Any) -> None:
        offset = r.builder.mul(number, r.integer(space.counts.type.nbytes))
        counts = r.buffer(space.counts.type, r.offset(tables, offset))
        start, end = _stretch(r, number, r.b.load(parts_at, INT64).value, n)
        count(r, r.buffer(x.type, row), (0,) * len(index), counts, start, end)

    r.parallel_for(parts, part, r.reference(parts), x.pointer, space.tables.pointer)

    def add_table(number: Any) -> None:
        def strip(e: Any, first: Any, _count: int) -> None:
            total = r.element_pointer(space.counts, (first,))
            more = e.load(r.element_pointer(space.tables, (number, first)), COUNT)
            e.store(total, e.add(e.load(total, COUNT), more))

        strips(r, space.counts.type.size, vector_width(COUNT), strip)

    r.loop(parts, add_table, start=1)
    return parts


def _stretch(r: Any, number: Any, parts: Any, n: int) -> tuple[Any, Any]:
    """Where part `number` of n elements begins and ends."""
    b = r.builder
    first, behind = (
        b.udiv(b.mul(k, r.integer(n)), parts) for k in (number, b.add(number, r.integer(1)))
    )
    return first, behind


def _last_digit(r: Any, space: _Space, k: int) -> Any:
    """The least digit such that k keys or more have it or a lesser one."""
    b, each = r.builder, r.integer(BLOCK)
    total, last = Counter(r, r.integer(0)), Counter(r, r.integer(0))
    goes_on = Counter(r, r.integer(1))

    def skip() -> None:
        """A block, if the digit is behind it."""
        e = r.simd(BLOCK)
        some = e.reduce_sum(e.load(r.element_pointer(space.counts, (last.value,)), COUNT))
        after = b.add(total.value, r.b.convert(some, INT64).value)
        less = b.icmp_signed("<", after, r.integer(k))
        goes_on.set(b.zext(less, each.type))
        total.set(b.select(less, after, total.value))
        last.set(b.select(less, b.add(last.value, each), last.value))

    def advance() -> None:
        total.add(r.b.convert(r.load(space.counts, (last.value,)), INT64).value)
        last.add(r.integer(1))

    r.loop_while(lambda: b.icmp_signed("!=", goes_on.value, r.integer(0)), skip)
    r.loop_while(lambda: b.icmp_signed("<", total.value, r.integer(k)), advance)
    return b.sub(last.value, r.integer(1))


def _mark_digits(r: Any, space: _Space, ranks: Sequence[int], places: Sequence[Counter]) -> None:
    """Leave the counts of those digits only that keys of the ranks have, and find the places of
    the ranks among the keys that have one of them."""
    b = r.builder
    passed, left_out = Counter(r, r.integer(0)), Counter(r, r.integer(0))

    def visit(digit: Any) -> None:
        count = r.load(space.counts, (digit,))
        after = b.add(passed.value, r.b.convert(count, INT64).value)
        wanted: Any = None
        for rank, place in zip(ranks, places, strict=True):
            number = r.integer(rank)
            here = b.and_(
                b.icmp_signed("<=", passed.value, number), b.icmp_signed("<", number, after)
            )
            place.set(b.select(here, b.sub(number, left_out.value), place.value))
            wanted = here if wanted is None else b.or_(wanted, here)

        def leave_out() -> None:
            left_out.add(b.sub(after, passed.value))
            r.store(space.counts, (digit,), r.b.constant(COUNT, 0))

        r.when(b.not_(wanted), leave_out)
        passed.set(after)

    def block(number: Any) -> None:
        """Most have no keys at all."""
        e, first = r.simd(BLOCK), b.mul(number, r.integer(BLOCK))
        counts = e.load(r.element_pointer(space.counts, (first,)), COUNT)
        some = e.reduce_or(e.ne(counts, e.constant(COUNT, 0))).value
        r.when(some, lambda: r.loop(b.add(first, r.integer(BLOCK)), visit, start=first))

    r.loop(space.counts.type.size // BLOCK, block)


def _collect(
    r: Any,
    x: Any,
    index: tuple[Any, ...],
    space: _Space,
    descending: bool,
    parts: Any,
    limit: Any,
) -> Any:
    """Put the elements whose digits are not above `limit`, or if that is None are marked, in front
    of the rows, in order; their number. Each of the parts puts its own where its elements begin."""
    n = x.type.shape[-1]
    if parts is None:
        start, end = r.integer(0), r.integer(n)
        args = (x, index, space.rows, space.counts, start, end, limit)
        return _collect_stretch(r, *args, descending)
    found = r.local(INT64, MOST_PARTS)
    counts = r.buffer(ArrayType(INT64, (MOST_PARTS,)), found)
    none = r.integer(0) if limit is None else limit

    def part(
        r: Any, number: Any, parts_at: Any, limit_at: Any, row: Any, digits: Any, *places: Any
    ) -> None:
        *rows, found = places
        start, end = _stretch(r, number, r.b.load(parts_at, INT64).value, n)
        held = [r.buffer(row.type, p) for row, p in zip(space.rows, rows, strict=True)]
        last = None if limit is None else r.b.load(limit_at, INT64).value
        args = (r.buffer(x.type, row), (0,) * len(index), held)
        table = r.buffer(space.counts.type, digits)
        count = _collect_stretch(r, *args, table, start, end, last, descending)
        r.store(r.buffer(counts.type, found), (number,), r.number(count))

    places = [x.pointer, space.counts.pointer, *[row.pointer for row in space.rows], found]
    r.parallel_for(parts, part, r.reference(parts), r.reference(none), *places)
    total = Counter(r, r.load(counts, (0,)).value)

    def close_up(number: Any) -> None:
        start, _ = _stretch(r, number, parts, n)
        first, count = total.value, r.load(counts, (number,)).value

        def move(i: Any) -> None:
            for row in space.rows:
                moved = r.load(row, (r.builder.add(start, i),))
                r.store(row, (r.builder.add(first, i),), moved)

        r.loop(count, move)
        total.add(count)

    r.loop(parts, close_up, start=1)
    return total.value


def _collect_stretch(
    r: Any,
    x: Any,
    index: tuple[Any, ...],
    rows: Sequence[Any],
    counts: Any,
    start: Any,
    end: Any,
    limit: Any,
    descending: bool,
) -> Any:
    """Those of x[start:end] to rows[start] and on; their number."""
    b = r.builder
    place = Counter(r, start)

    def visit(i: Any) -> None:
        # Written in any case: what is no candidate is overwritten, or lies behind them.
        value = r.load(x, (*index, i))
        _put(r, rows, place.value, value, i)
        digit = _digit(r, value, descending)
        if limit is None:
            wanted = r.b.ne(r.load(counts, (digit,)), r.b.constant(COUNT, 0)).value
        else:
            wanted = b.icmp_signed("<=", digit, limit)
        place.add(b.zext(wanted, place.value.type))

    r.loop(end, visit, start=start)
    return b.sub(place.value, start)
