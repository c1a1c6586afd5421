"""How native code finds the k greatest of a row, and the elements of given ranks.

A few greatest are kept in order while the row goes by. Otherwise a count of the first digits of the
keys tells which of them those sought have; the elements with these digits are sorted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..types import DTYPES, INT64, ArrayType, DType
from . import radix
from .lapack import Workspace
from .merge_sort import Record, Rows, insert, merge_sort, record_before
from .sort_keys import Counter, encode, key_dtype
from .sort_sharing import parts_of, share_rows

FEW = 32
"""Largest k for which the k greatest so far are kept, in order."""

LONG = 8192
"""Length from which counting digits pays."""

DIGIT = 16
"""Bits of the digit that is counted."""

COUNT = DTYPES["u32"]

SEEN, KEPT, SORTED = 0.4, 100.0, 3.0
"""Nanoseconds of an element that goes by, of one that is kept, and of one of rows whose candidates
are sorted."""


def _dtypes(x: ArrayType) -> list[DType]:
    return [x.dtype, INT64]


def _by_radix(x: ArrayType) -> bool:
    return radix.suits(_dtypes(x), 1, x.shape[-1])


def _digit_bits(dtype: DType) -> int:
    return min(DIGIT, 8 * dtype.itemsize)


class _Space:
    """Scratch memory: the candidates, the candidates in order, the counts, what sorting needs."""

    def __init__(self, work: Workspace, x: ArrayType) -> None:
        n = x.shape[-1]
        self.work = work
        self.rows = [work.array(dtype, n + 1) for dtype in _dtypes(x)]
        self.ordered = [work.array(dtype, n) for dtype in _dtypes(x)]
        self.counts = work.array(COUNT, 2 ** _digit_bits(x.dtype))


def _scratch(x: ArrayType) -> int:
    """Bytes of scratch memory of a row whose candidates are sorted."""
    work = Workspace()
    _Space(work, x)
    if _by_radix(x):
        radix.workspace_radix(work, _dtypes(x), x.shape[-1])
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
    return _shares_top_k(x, k)[0] if k else 1


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
    space = _Space(Workspace(r), x.type)
    if _counts_digits(x.type):
        _count_digits(r, x, index, space, True)
        limit = _last_digit(r, space, k)
        count = _collect(
            r, x, index, space, True, lambda digit: r.builder.icmp_signed("<=", digit, limit)
        )
    else:
        count = _take_all(r, x, index, space)
    found = _in_order(r, x.type, space, True, count)

    def write(i: Any) -> None:
        for out, row in zip(results, found, strict=True):
            r.store(out, (*index, i), r.load(row, (i,)))

    r.loop(k, write)


def workspace_ranks(x: ArrayType, *, ranks: tuple[int, ...]) -> int:
    """Candidates, and what sorting them needs."""
    return math.prod(_shares(x))


def parts_ranks(x: ArrayType, *, ranks: tuple[int, ...]) -> int:
    """How many parts threads share."""
    return _shares(x)[0]


def emit_ranks(r: Any, x: Any, results: Any, *, ranks: tuple[int, ...]) -> None:
    """The elements of each row that have these ranks, and their indices."""

    def row(r: Any, buffers: Sequence[Any], number: Any) -> None:
        x, *results = buffers
        index = (number,)
        space = _Space(Workspace(r), x.type)
        places = [Counter(r, r.integer(rank)) for rank in ranks]
        if _counts_digits(x.type):
            _count_digits(r, x, index, space, False)
            _mark_digits(r, space, ranks, places)

            def is_marked(digit: Any) -> Any:
                return r.b.ne(r.load(space.counts, (digit,)), r.b.constant(COUNT, 0)).value

            count = _collect(r, x, index, space, False, is_marked)
        else:
            count = _take_all(r, x, index, space)
        found = _in_order(r, x.type, space, False, count)
        for which, place in enumerate(places):
            for out, candidates in zip(results, found, strict=True):
                r.store(out, (*index, which), r.load(candidates, (place.value,)))

    parts, scratch = _shares(x.type)
    rows = [_in_rows(r, buffer) for buffer in (x, *results)]
    share_rows(r, rows[0].type.shape[0], parts, scratch, rows, row)


def _counts_digits(x: ArrayType) -> bool:
    return x.shape[-1] >= LONG and _by_radix(x)


def _take_all(r: Any, x: Any, index: tuple[Any, ...], space: _Space) -> Any:
    """All elements as candidates; their number."""
    n = x.type.shape[-1]
    r.loop(n, lambda i: _put(r, space.rows, i, r.load(x, (*index, i)), i))
    return r.integer(n)


def _in_order(r: Any, x: ArrayType, space: _Space, descending: bool, count: Any) -> Sequence[Any]:
    """Rows of the candidates, sorted."""
    rows, ordered = space.rows, space.ordered
    if _by_radix(x):
        given, asked = ([row.pointer for row in some] for some in (rows, ordered))
        n = x.shape[-1]
        radix.radix_sort(r, space.work, given, asked, _dtypes(x), 1, n, descending, count)
        return ordered
    pairs = zip(ordered, rows, strict=True)
    exact = [r.buffer(like.type, row.pointer) for like, row in pairs]
    merge_sort(r, exact, ordered, 1, descending)
    return rows


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


def _count_digits(r: Any, x: Any, index: tuple[Any, ...], space: _Space, descending: bool) -> None:
    def count(i: Any) -> None:
        at = (_digit(r, r.load(x, (*index, i)), descending),)
        r.store(space.counts, at, r.b.add(r.load(space.counts, at), r.b.constant(COUNT, 1)))

    r.fill(space.counts, r.b.constant(COUNT, 0))
    r.loop(x.type.shape[-1], count)


def _last_digit(r: Any, space: _Space, k: int) -> Any:
    """The least digit such that k keys or more have it or a lesser one."""
    total, last = Counter(r, r.integer(0)), Counter(r, r.integer(-1))

    def advance() -> None:
        last.add(r.integer(1))
        total.add(r.b.convert(r.load(space.counts, (last.value,)), INT64).value)

    r.loop_while(lambda: r.builder.icmp_signed("<", total.value, r.integer(k)), advance)
    return last.value


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

    r.loop(space.counts.type.size, visit)


def _collect(
    r: Any,
    x: Any,
    index: tuple[Any, ...],
    space: _Space,
    descending: bool,
    is_wanted: Callable[[Any], Any],
) -> Any:
    """Put the elements with wanted digits in front of the rows, in order; their number."""
    place = Counter(r, r.integer(0))

    def visit(i: Any) -> None:
        # Written in any case: what is no candidate is overwritten, or lies behind them.
        value = r.load(x, (*index, i))
        _put(r, space.rows, place.value, value, i)
        wanted = is_wanted(_digit(r, value, descending))
        place.add(r.builder.zext(wanted, place.value.type))

    r.loop(x.type.shape[-1], visit)
    return place.value
