"""How native code sorts rows that are nearly in order: by the runs that they have.

Runs (`run_ends`) are looked for from the start of a row; if these are few, they are put in order
and merged (the natural merge sort: Knuth, volume 3, 5.2.4). One that falls is reversed, and in it
each group of equal records is put back as it was. In any other order runs have two or three records
each, so that this is known after a few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..types import BOOL, INT64, ArrayType, DType, short_name
from .merge_path import MergePath
from .merge_sort import Rows
from .run_ends import Run, find_run, kinds_of_run, put_ties_back
from .sort_keys import Counter, Row, decode_row, encode_row, key_dtype, restore

LEAST = 256
"""Length of the rows whose runs are looked for."""

MOST = 8
"""Runs that are merged, at most."""

PIECE = 1 << 10
"""Records that are merged at once."""

EACH = 400
"""Records for each of them, at least, so that looking for runs takes no time."""


def suits(n: int) -> bool:
    """True if runs are looked for in rows of n records."""
    return n >= LEAST


def sort_by_runs(
    r: Any,
    sources: Sequence[Any],
    rows: Sequence[Any],
    scratch: Sequence[Any],
    dtypes: Sequence[DType],
    num_keys: int,
    descending: bool,
    by_digits: bool,
    n: int,
) -> Any:
    """Whether (i1) a row of n records has few runs. If so it is in order in `rows`; if not, what
    these hold does not matter.

    The operands' elements are those from `sources` on; `scratch` has room for as many.
    `by_digits`: others are sorted by keys, which are what is merged here too.
    """
    parts = len(dtypes)

    def build(inner: Any, *parameters: Any) -> Any:
        *pointers, count, most = parameters
        given, asked, free = [pointers[i : i + parts] for i in range(0, 3 * parts, parts)]
        source = [Row(inner, d, p) for d, p in zip(dtypes, given, strict=True)]
        path = MergePath(dtypes, num_keys, descending)
        if by_digits:  # keys ascend in either direction
            path = MergePath([key_dtype(dtypes[0]), *dtypes[1:]], 1, False)
        return Runs(inner, source, descending, path, [asked, free], count, by_digits).emit(most)

    name = f"jitad.runs.{num_keys}.{kinds_of_run(dtypes, descending)}"
    places = (*sources, *rows, *scratch)
    counts = (r.integer(n), most_of(r, n))
    return r.call_inner(name, build, *places, *counts, result=BOOL, brief=True)


def most_of(r: Any, n: int) -> Any:
    """Runs (i64) that are merged of n records, at most."""
    return r.integer(max(2, min(MOST, n // EACH)))


class Runs:
    """The body of the function that looks for runs, and sorts by them: records that
    are merged by `path`, in the first of two rows. If `by_keys`, these are the operands with the
    key of the first one in its place."""

    def __init__(
        self,
        r: Any,
        source: Sequence[Row],
        descending: bool,
        path: MergePath,
        rows: Sequence[Sequence[Any]],
        n: Any,
        by_keys: bool = False,
    ) -> None:
        self.r, self.source, self.n = r, source, n
        self.num_keys, self.descending, self.by_keys = path.num_keys, descending, by_keys
        self.dtypes = [row.dtype for row in source]
        kinds = kinds_of_run(self.dtypes, descending)
        self.kinds = f"{path.num_keys}.{kinds}"
        self.path = path
        self.rows, self.scratch = (Rows(r, path.dtypes, places) for places in rows)
        self.ends = r.buffer(ArrayType(INT64, (MOST + 1,)), r.local(INT64, MOST + 1))
        """Where each run begins: where the one before it ends, which is told of as a `Run`."""

    def emit(self, most: Any) -> Any:
        """Whether there are at most so many (i64)."""
        r, b = self.r, self.r.builder
        end, count = Counter(r, r.integer(0)), Counter(r, r.integer(0))
        self._note(r.integer(0), Run.up_to(r, end.value))
        keys = self.source[: self.num_keys]

        def find() -> None:
            run = find_run(r, keys, self.descending, end.value, self.n)
            end.set(run.end)
            count.add(r.integer(1))
            self._note(count.value, run)

        def goes_on() -> Any:
            more = b.icmp_signed("<", count.value, most)
            return b.and_(b.icmp_signed("<", end.value, self.n), more)

        r.loop_while(goes_on, find)
        few = b.icmp_signed("==", end.value, self.n)
        r.when(few, lambda: self._sort(count))
        return few

    def _note(self, number: Any, run: Run) -> None:
        self.r.store(self.ends, (number,), self.r.number(run.code))

    def _noted(self, number: Any) -> Run:
        return Run(self.r, self.r.load(self.ends, (number,)).value)

    def _sort(self, runs: Counter) -> None:
        """Each run in order, then neighbours merged until one is left: in the rows."""
        r, b, one = self.r, self.r.builder, self.r.integer(1)
        rounds = Counter(r, r.integer(0))
        for level in range(MOST.bit_length() - 1):
            more = b.icmp_signed(">", runs.value, r.integer(1 << level))
            rounds.add(b.zext(more, one.type))

        def order() -> tuple[Rows, Rows]:
            """The rows where records are with so many rounds to go, and the other ones."""
            odd = b.icmp_signed("!=", b.and_(rounds.value, one), r.integer(0))
            return self.rows.other_if(odd, self.scratch), self.scratch.other_if(odd, self.rows)

        here, _ = order()

        def put(i: Any) -> None:
            self._put(here, self._noted(i).end, self._noted(b.add(i, one)))

        r.loop(runs.value, put)
        r.when(b.icmp_signed(">", runs.value, one), lambda: self._merge_all(runs, rounds, order))
        self._finish()

    def _finish(self) -> None:
        """What is done when the records are in order in the rows."""

    def _merge_all(
        self, runs: Counter, rounds: Counter, order: Callable[[], tuple[Rows, Rows]]
    ) -> None:
        r, b, one = self.r, self.r.builder, self.r.integer(1)
        args = (self.dtypes[0], self.descending, self.n)
        here, target = order()[0].pointers[0], self.rows.pointers[0]
        ambiguous = encode_row(r, here, here, *args) if self.by_keys else None

        def merge_pairs() -> None:
            here, free = order()
            pairs = b.lshr(b.add(runs.value, one), one)

            def merge_pair(number: Any) -> None:
                first = b.shl(number, one)
                ends = [b.add(first, r.integer(k)) for k in range(3)]
                within = [b.select(b.icmp_signed("<", k, runs.value), k, runs.value) for k in ends]
                low, middle, high = (self._noted(k).end for k in within)
                self._merge(here, free, low, middle, high)
                self._note(b.add(number, one), Run.up_to(r, high))

            r.loop(pairs, merge_pair)
            runs.set(pairs)
            rounds.add(r.integer(-1))

        r.loop_while(lambda: b.icmp_signed(">", rounds.value, r.integer(0)), merge_pairs)
        if ambiguous is not None:
            decode_row(r, target, target, *args)
        if ambiguous is not None and self.dtypes[0].kind == "f":
            row = Row(r, self.dtypes[0], target)
            r.when(ambiguous, lambda: restore(r, self.source[0], row, self.n, self.descending))

    def _put(self, target: Rows, start: Any, run: Run) -> None:
        """A run in order."""
        r = self.r

        def build(r: Any, *parameters: Any) -> None:
            *pointers, start, code = parameters
            half = len(pointers) // 2
            source = [
                Row(r, row.dtype, pointer)
                for row, pointer in zip(self.source, pointers[:half], strict=True)
            ]
            _emit_put(r, source, Rows(r, self.dtypes, pointers[half:]), start, Run(r, code))

        places = [*[row.pointer for row in self.source], *target.pointers]
        name = f"jitad.runs.put.{'.'.join(map(short_name, self.dtypes))}"
        r.call_inner(name, build, *places, start, run.code, apart=True)
        self._put_ties_back(start, run, target)

    def _put_ties_back(self, start: Any, run: Run, target: Rows) -> None:
        """Those of a run that was reversed: not if what is equal cannot be told apart."""
        keys, descending = self.source[: self.num_keys], self.descending
        if len(keys) == len(self.source) and all(row.dtype.kind not in "fc" for row in keys):
            return
        r, pointers = self.r, target.pointers
        rows = [Row(r, dtype, p) for dtype, p in zip(self.dtypes, pointers, strict=True)]
        r.when(run.tied, lambda: put_ties_back(r, keys, descending, start, run.end, rows))

    def _merge(self, source: Rows, target: Rows, low: Any, middle: Any, high: Any) -> None:
        """In pieces: of those that are in one of the runs, records are not compared."""
        path = self.path

        def build(r: Any, *parameters: Any) -> None:
            *pointers, low, middle, high = parameters
            b, size = r.builder, r.integer(PIECE)
            pieces = b.udiv(b.add(b.sub(high, low), r.integer(PIECE - 1)), size)

            def piece(number: Any) -> None:
                begin = b.add(low, b.mul(number, size))
                end = b.add(begin, size)
                end = b.select(b.icmp_signed("<", end, high), end, high)
                path.merge(r, pointers, low, middle, high, begin, end)

            r.loop(pieces, piece)

        places = (*source.pointers, *target.pointers, low, middle, high)
        self.r.call_inner(self.path.name("runs"), build, *places, brief=True)


def _emit_put(r: Any, source: Sequence[Row], target: Rows, start: Any, run: Run) -> None:
    """A run of the source to its places in the target; from its end if it is in the opposite
    order."""
    b, end = r.builder, run.end
    last = b.sub(end, r.integer(1))

    def straight() -> None:
        for row, place in zip(source, target.behind(start).pointers, strict=True):
            nbytes = b.mul(b.sub(end, start), r.integer(row.dtype.itemsize))
            r.copy_bytes(place, row.at(start), nbytes)

    def move(i: Any) -> None:
        of = b.add(start, b.sub(last, i))
        target.store(i, [row.load(r.b, of) for row in source])

    r.when(run.opposite, lambda: r.loop(end, move, start=start), straight)
