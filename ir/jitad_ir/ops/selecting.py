"""How native code finds the k greatest of a row.

A few are kept in order while the row goes by. More are sorted out of those candidates whose first
digit is not too small: a count of the first digits tells which that are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..types import DTYPES, INT64, ArrayType, DType
from . import radix
from .lapack import Workspace
from .merge_sort import Record, Rows, insert, merge_sort, record_before
from .sort_keys import Counter, encode, key_dtype

FEW = 32
"""Largest k for which the k greatest so far are kept, in order."""

LONG = 8192
"""Length from which counting digits pays."""

DIGIT = 16
"""Bits of the digit that is counted."""

COUNT = DTYPES["u32"]


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


def workspace_top_k(x: ArrayType, *, k: int) -> int:
    """None if k is small."""
    work = Workspace()
    if k > FEW:
        _Space(work, x)
        if _by_radix(x):
            radix.workspace_radix(work, _dtypes(x), x.shape[-1])
    return work.bytes


def emit_top_k(r: Any, x: Any, results: Any, *, k: int) -> None:
    """The k greatest of each row, with their indices."""
    if k > 0:
        emit_row = _keep_greatest if k <= FEW else _sort_candidates
        r.loops(x.type.shape[:-1], lambda index: emit_row(r, x, results, index, k))


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
    n = x.type.shape[-1]
    rows, ordered = space.rows, space.ordered
    if n >= LONG and _by_radix(x.type):
        count = _collect(r, x, index, space, k)
    else:
        count = r.integer(n)
        r.loop(n, lambda i: _put(r, rows, i, r.load(x, (*index, i)), i))
    if _by_radix(x.type):
        given, asked = ([row.pointer for row in some] for some in (rows, ordered))
        dtypes = _dtypes(x.type)
        radix.radix_sort(r, space.work, given, asked, dtypes, 1, n, True, count)
        found: Sequence[Any] = ordered
    else:
        pairs = zip(ordered, rows, strict=True)
        exact = [r.buffer(like.type, row.pointer) for like, row in pairs]
        merge_sort(r, exact, ordered, 1, True)
        found = rows

    def write(i: Any) -> None:
        for out, row in zip(results, found, strict=True):
            r.store(out, (*index, i), r.load(row, (i,)))

    r.loop(k, write)


def _put(r: Any, rows: Sequence[Any], place: Any, value: Any, i: Any) -> None:
    r.store(rows[0], (place,), value)
    r.store(rows[1], (place,), _number(r, i))


def _collect(r: Any, x: Any, index: tuple[Any, ...], space: _Space, k: int) -> Any:
    """Put the candidates in front of the rows, in order; their number."""
    b = r.builder
    n, dtype = x.type.shape[-1], x.type.dtype
    keys, bits = key_dtype(dtype), _digit_bits(dtype)
    shift = r.b.constant(keys, 8 * dtype.itemsize - bits)

    def digit(value: Any) -> Any:
        key = encode(r.b, value, True)
        first = key._replace(value=b.lshr(key.value, shift.value))
        return r.b.convert(first, INT64).value

    def count(i: Any) -> None:
        at = (digit(r.load(x, (*index, i))),)
        r.store(space.counts, at, r.b.add(r.load(space.counts, at), r.b.constant(COUNT, 1)))

    r.fill(space.counts, r.b.constant(COUNT, 0))
    r.loop(n, count)
    # The first digits, the least first, that are those of k keys or more.
    total, last = Counter(r, r.integer(0)), Counter(r, r.integer(-1))
    wanted = r.integer(k)

    def advance() -> None:
        last.add(r.integer(1))
        total.add(r.b.convert(r.load(space.counts, (last.value,)), INT64).value)

    r.loop_while(lambda: b.icmp_signed("<", total.value, wanted), advance)
    place = Counter(r, r.integer(0))
    limit = last.value

    def visit(i: Any) -> None:
        # Written in any case: what is no candidate is overwritten, or lies behind them.
        value = r.load(x, (*index, i))
        _put(r, space.rows, place.value, value, i)
        counts = b.icmp_signed("<=", digit(value), limit)
        place.add(b.zext(counts, wanted.type))

    r.loop(n, visit)
    return place.value
