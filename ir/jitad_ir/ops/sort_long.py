"""How one long row is sorted by several threads: in runs, which are then merged.

Each run is sorted as a row of its own. Then neighbouring runs are merged in pieces (`merge_path`),
until there is one.

The stable order of records is one, however they are divided. So there are as many runs as threads,
and with one thread none: to merge is more work than to sort the whole row at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..types import BOOL, INT64, ArrayType, DType
from . import index_sort, radix
from .lapack import Workspace
from .merge_path import MergePath
from .merge_sort import Rows, merge_sort
from .runs import sort_by_runs
from .sort_keys import Counter, Flag, Row, decode_row, key_dtype, restore

LONG = 40_000
"""Records from which on a row is shared out."""

LEAST_RUN = 1 << 13
"""Records that a run has at least."""

MOST_RUNS = 16

PIECES = 4
"""Binary logarithm of the pieces that are merged for each run."""


def suits(dtypes: Sequence[DType], by_digits: bool, rows: int, n: int) -> bool:
    """True if a row of n records is shared out: the only one, and with more than two digits."""
    return rows == 1 and LONG <= n < 2**32 and (not by_digits or dtypes[0].itemsize >= 4)


def most_runs(n: int) -> int:
    """The runs that there are at most, a power of two."""
    return min(MOST_RUNS, 1 << ((n // LEAST_RUN).bit_length() - 1))


def parts(n: int) -> int:
    """The pieces that threads share at most."""
    return most_runs(n) << PIECES


class _Space:
    """Scratch memory: a row, and for digits another one, and counts and a flag for each run."""

    def __init__(self, work: Workspace, kinds: Sequence[DType], n: int, key: DType | None) -> None:
        self.rows = [work.array(dtype, n) for dtype in kinds]
        self.digits: list[Any] = []
        if key is not None:
            counts = radix.counts_type(key, n)
            self.digits.append(work.array(counts.dtype, most_runs(n), *counts.shape))
            self.digits.append(work.array(BOOL, most_runs(n)))
            self.digits += [work.array(dtype, n) for dtype in kinds]


def _kinds(dtypes: Sequence[DType], by_digits: bool) -> list[DType]:
    """Dtypes of records that are merged."""
    return [key_dtype(dtypes[0]), *dtypes[1:]] if by_digits else list(dtypes)


def workspace_long(dtypes: Sequence[DType], by_digits: bool, n: int) -> int:
    """Bytes of scratch memory."""
    work = Workspace()
    _Space(work, _kinds(dtypes, by_digits), n, dtypes[0] if by_digits else None)
    return work.bytes


class LongSort:
    """Emits the sort of n records, which lie in `sources` and go to `targets` (pointers to
    contiguous rows)."""

    def __init__(
        self,
        r: Any,
        sources: Sequence[Any],
        targets: Sequence[Any],
        dtypes: Sequence[DType],
        num_keys: int,
        descending: bool,
        by_digits: bool,
        n: int,
    ) -> None:
        self.r, self.dtypes, self.n = r, dtypes, n
        self.num_keys, self.descending, self.by_digits = num_keys, descending, by_digits
        self.sources, self.targets = sources, targets
        self.kinds = _kinds(dtypes, by_digits)
        self.space = _Space(Workspace(r), self.kinds, n, dtypes[0] if by_digits else None)
        self.asked: list[Any] = []
        """Pointers to results, if the targets are none."""

    def emit(self, threads: Any) -> None:
        """With so many `threads` (i64), 2 or more; alone if there are few runs already."""
        r = self.r
        scratch = [row.pointer for row in self.space.rows]
        args = (self.dtypes, self.num_keys, self.descending, self.by_digits, self.n)
        few = sort_by_runs(r, self.sources, self.targets, scratch, *args)
        r.when(few, lambda: None, lambda: self._share(threads))

    def _share(self, threads: Any) -> None:
        r, b = self.r, self.r.builder
        rounds = r.integer(1)
        for level in range(1, most_runs(self.n).bit_length() - 1):
            more = b.icmp_signed(">", threads, r.integer(1 << level))
            rounds = b.add(rounds, b.zext(more, rounds.type))
        targets = Rows(r, self.kinds, self.targets)
        scratch = Rows(r, self.kinds, [row.pointer for row in self.space.rows])

        def order(left: Any) -> tuple[Rows, Rows]:
            """The rows where records are with so many rounds to go, and the other ones."""
            odd = b.icmp_signed("!=", b.and_(left, r.integer(1)), r.integer(0))
            return targets.other_if(odd, scratch), scratch.other_if(odd, targets)

        rounds_at = r.reference(rounds)
        here, free = order(rounds)
        pointers = [*self.sources, *here.pointers, *free.pointers]
        pointers += [buffer.pointer for buffer in self.space.digits]
        runs = b.shl(r.integer(1), rounds)
        r.parallel_for(runs, self._sort_run, rounds_at, *pointers, brief=True)

        level = Counter(r, r.integer(0))
        level_at = r.reference(level.value)

        def merge() -> None:
            here, free = order(b.sub(rounds, level.value))
            b.store(level.value, level_at)
            pieces = b.shl(runs, r.integer(PIECES))
            places = [*here.pointers, *free.pointers]
            args = (rounds_at, level_at, *places, *self.asked)
            r.parallel_for(pieces, self._merge_piece, *args)
            level.add(r.integer(1))

        r.loop_while(lambda: b.icmp_signed("<", level.value, rounds), merge)
        if self.by_digits and self.dtypes[0].kind == "f":
            self._restore(runs)

    def _restore(self, runs: Any) -> None:
        """Give zeros and nans their bits back, if there are any that lost them."""
        r, ambiguous = self.r, Flag(self.r)
        flags = self.space.digits[1]
        r.loop(runs, lambda i: ambiguous.join(r.load(flags, (i,))))
        source, target = (Row(r, self.dtypes[0], x[0]) for x in (self.sources, self.targets))
        r.when(
            ambiguous.value, lambda: restore(r, source, target, r.integer(self.n), self.descending)
        )

    def _start(self, r: Any, number: Any, rounds: Any) -> Any:
        """The first record of a run: n number / 2**rounds."""
        return r.builder.lshr(r.builder.mul(number, r.integer(self.n)), rounds)

    def _sort_run(self, r: Any, number: Any, rounds_at: Any, *pointers: Any) -> None:
        b, k = r.builder, len(self.dtypes)
        rounds = b.load(rounds_at, typ=number.type)
        start = self._start(r, number, rounds)
        count = b.sub(self._start(r, b.add(number, r.integer(1)), rounds), start)
        source = Rows(r, self.dtypes, pointers[:k]).behind(start)
        here, free = (Rows(r, self.kinds, pointers[i : i + k]).behind(start) for i in (k, 2 * k))
        if self.by_digits:
            counts, flags, *rows = pointers[3 * k :]
            scratch = [*Rows(r, self.kinds, rows).behind(start).pointers, *free.pointers]
            size = radix.counts_type(self.dtypes[0], self.n).nbytes
            mine = r.offset(counts, b.mul(number, r.integer(size)))
            places = (source.pointers, here.pointers, scratch, mine)
            flag = r.offset(flags, number)
            radix.sort_within(r, *places, self.dtypes, self.n, self.descending, count, flag)
            return
        r.loop(count, lambda i: here.store(i, source.load(i)))
        mine, others = (
            [r.buffer(ArrayType(d, (1,)), p) for d, p in zip(self.dtypes, x.pointers, strict=True)]
            for x in (here, free)
        )
        merge_sort(r, mine, others, self.num_keys, self.descending, count)

    def _merge_piece(
        self, r: Any, number: Any, rounds_at: Any, level_at: Any, *pointers: Any
    ) -> None:
        """Piece `number` of the row that has, level by level, half as many runs."""
        b, k = r.builder, len(self.kinds)
        rounds, level = (b.load(place, typ=number.type) for place in (rounds_at, level_at))
        shift = b.add(level, r.integer(PIECES + 1))
        pair = b.lshr(number, shift)
        within = b.sub(number, b.shl(pair, shift))
        first = b.shl(pair, r.integer(1))
        low, middle, high = (
            self._start(r, b.shl(b.add(first, r.integer(i)), level), rounds) for i in range(3)
        )

        def cut(i: int) -> Any:
            length = b.mul(b.sub(high, low), b.add(within, r.integer(i)))
            return b.add(low, b.lshr(length, shift))

        begin, end = cut(0), cut(1)
        descending = self.descending and not self.by_digits  # keys ascend in either direction
        path = MergePath(self.kinds, self.num_keys, descending)
        path.merge(r, pointers[: 2 * k], low, middle, high, begin, end)
        if self.by_digits:
            last = b.icmp_signed("==", b.add(level, r.integer(1)), rounds)
            r.when(last, lambda: self._finish(r, pointers[k:], begin, end))

    def _finish(self, r: Any, pointers: Sequence[Any], begin: Any, end: Any) -> None:
        """Of the rows, and what is asked for, the piece that is in order now."""
        dtype = self.dtypes[0]
        row = Row(r, dtype, pointers[0]).at(begin)
        decode_row(r, row, row, dtype, self.descending, r.builder.sub(end, begin))


class LongOrder(LongSort):
    """Emits the order of n elements from `source` on, to `target` on: records are merged."""

    def __init__(
        self, r: Any, source: Any, target: Any, dtype: DType, descending: bool, n: int
    ) -> None:
        self.r, self.dtypes, self.n = r, [dtype], n
        self.num_keys, self.descending, self.by_digits = 1, descending, True
        self.kinds = index_sort.kinds_of(dtype)
        self.space = _OrderSpace(Workspace(r), dtype, n)
        self.sources, self.asked = [source], [target]
        self.targets = [row.pointer for row in self.space.ordered]

    def emit(self, threads: Any) -> None:
        """With so many `threads` (i64), 2 or more; alone if there are few runs already."""
        r, (source,), (target,) = self.r, self.sources, self.asked
        row, places = Row(r, self.dtypes[0], source), Row(r, INT64, target)
        pairs = [self.targets, [row.pointer for row in self.space.rows]]
        whole = index_sort.is_in_order(r, row, places, self.descending, self.n)

        def look_for_runs() -> None:
            few = index_sort.order_by_runs(r, row, target, pairs, self.descending, self.n)
            r.when(few, lambda: None, lambda: self._share(threads))

        r.when(whole, lambda: None, look_for_runs)

    def _restore(self, runs: Any) -> None:
        """Nothing: indices are exact."""

    def _sort_run(self, r: Any, number: Any, rounds_at: Any, *pointers: Any) -> None:
        b, k, dtype = r.builder, len(self.kinds), self.dtypes[0]
        source, *rows, counts = pointers
        rounds = b.load(rounds_at, typ=number.type)
        start = self._start(r, number, rounds)
        count = b.sub(self._start(r, b.add(number, r.integer(1)), rounds), start)
        pairs = [Rows(r, self.kinds, rows[i : i + k]).behind(start).pointers for i in (0, k)]
        row = Row(r, dtype, Row(r, dtype, source).at(start))
        index_sort.write_records(r, row, pairs[0], self.descending, start, count)
        size = radix.counts_type(dtype, self.n).nbytes
        mine = r.offset(counts, b.mul(number, r.integer(size)))
        found = index_sort.sort_records(r, dtype, pairs, mine, self.n, count)

        def bring() -> None:
            Rows(r, self.kinds, found).copy_to(Rows(r, self.kinds, pairs[0]), count)

        r.when(b.icmp_unsigned("!=", found[0], pairs[0][0]), bring)

    def _finish(self, r: Any, pointers: Sequence[Any], begin: Any, end: Any) -> None:
        *rows, target = pointers
        merged = Rows(r, self.kinds, rows[: len(self.kinds)]).behind(begin).pointers
        places = Row(r, INT64, Row(r, INT64, target).at(begin))
        index_sort.write_places(r, self.kinds, merged, places, r.builder.sub(end, begin))


class _OrderSpace(_Space):
    """Two rows of records, and counts for each run."""

    def __init__(self, work: Workspace, dtype: DType, n: int) -> None:
        super().__init__(work, index_sort.kinds_of(dtype), n, None)
        self.ordered = [work.array(kind, n) for kind in index_sort.kinds_of(dtype)]
        counts = radix.counts_type(dtype, n)
        self.digits = [work.array(counts.dtype, most_runs(n), *counts.shape)]


def workspace_order(dtype: DType, n: int) -> int:
    """Bytes of scratch memory of a `LongOrder`."""
    work = Workspace()
    _OrderSpace(work, dtype, n)
    return work.bytes
