"""How native code sorts rows that are nearly in order: by the runs that they have.

A run is as long a stretch as ascends, or strictly descends: it can be reversed, for it has no equal
records. Runs are looked for from the start of a row; if these are few, they are put in order and
merged (the natural merge sort: Knuth, volume 3, 5.2.4). In any other order runs have two or three
records each, so that this is known after a few of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..types import BOOL, INT64, ArrayType, DType, real_dtype, short_name
from .merge_path import MergePath
from .merge_sort import Rows, record_before
from .sort_keys import Counter, Flag, Row, as_bool, decode_row, encode_row, key_dtype, restore
from .vector_loops import vector_width

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


def is_whole(r: Any, key: Row, descending: bool, n: Any) -> tuple[Any, Any]:
    """Whether (i1) n elements are one run, and whether it is in the opposite order."""
    signed = _signed_end(r, [key], descending, r.integer(0), n)
    return r.builder.icmp_signed("==", _end(r, signed), n), _is_opposite(r, signed)


def is_sorted(r: Any, key: Row, descending: bool, n: Any) -> Any:
    """Whether (i1) n elements are in order; more of them than two vectors have."""
    return r.builder.icmp_signed("==", _signed_end(r, [key], descending, r.integer(0), n), n)


def _end(r: Any, signed: Any) -> Any:
    b = r.builder
    return b.select(_is_opposite(r, signed), b.neg(signed), signed)


def _is_opposite(r: Any, signed: Any) -> Any:
    return r.builder.icmp_signed("<", signed, r.integer(0))


def _signed_end(r: Any, keys: Sequence[Row], descending: bool, start: Any, n: Any) -> Any:
    """The end of a run, negative if it is in the opposite order."""

    def build(inner: Any, *parameters: Any) -> Any:
        *pointers, start, n = parameters
        pairs = zip(keys, pointers, strict=True)
        rows = [Row(inner, key.dtype, pointer) for key, pointer in pairs]
        return _emit_end(inner, rows, descending, start, n)

    name = f"jitad.run.{_kinds([key.dtype for key in keys], descending)}"
    args = (*[key.pointer for key in keys], start, n)
    return r.call_inner(name, build, *args, result=INT64, apart=True)


def _kinds(dtypes: Sequence[DType], descending: bool) -> str:
    order = "descending" if descending else "ascending"
    return ".".join([*map(short_name, dtypes), order])


def _emit_end(r: Any, keys: Sequence[Row], descending: bool, start: Any, n: Any) -> Any:
    b, one, none = r.builder, r.integer(1), r.integer(0)
    e = r.simd(2 * max(vector_width(key.dtype) for key in keys))
    width, second = r.integer(e.width), b.add(start, one)
    end, found, looking = Counter(r, second), Counter(r, none), Counter(r, one)
    down = Flag(r)
    is_complex = len(keys) == 1 and keys[0].dtype.kind == "c"
    each = r.integer(int(is_complex))  # log2 of the bits of a record

    def breaks(i: Any) -> Any:
        """The bits (i64) of records from i on that do not belong to the run of the one before."""
        if is_complex:
            return _breaks(r, e, keys[0], i, down.value, descending)
        here, previous = ([key.load(e, k) for key in keys] for k in (i, b.sub(i, one)))
        falls = record_before(e, here, previous, len(keys), descending)
        return e.bits(e.ne(falls, e.splat(down.value)))

    def step() -> None:
        """A vector of records; the last ones of the row, of which the first may be known."""
        last = b.sub(n, width)
        at = b.select(b.icmp_signed("<", end.value, last), end.value, last)
        unknown = b.shl(r.integer(-1), b.shl(b.sub(end.value, at), each))
        found.set(b.and_(breaks(at), unknown))
        end.set(b.add(at, width))

    def goes_on() -> Any:
        return b.and_(b.icmp_unsigned("==", found.value, none), b.icmp_signed("<", end.value, n))

    def look() -> None:
        """Upwards, and if the second record is not in order, downwards."""
        found.set(none)
        r.loop_while(goes_on, step)
        first = b.lshr(b.cttz(found.value, r.b.constant(BOOL, False).value), each)
        broken = b.icmp_unsigned("!=", found.value, none)
        end.add(b.select(broken, b.sub(first, width), none))
        again = b.and_(broken, b.icmp_signed("==", end.value, second))
        again = b.and_(again, b.not_(down.value.value))
        looking.set(b.zext(again, one.type))
        down.join(as_bool(r, again))

    r.loop_while(lambda: b.icmp_signed("!=", looking.value, none), look)
    return b.select(down.value.value, b.neg(end.value), end.value)


def _breaks(r: Any, e: Any, key: Row, i: Any, falls: Any, descending: bool) -> Any:
    """Every second bit (i64): of the complex numbers from i on that do not belong to the run of the
    one before, or either has a nan."""
    b, parts = r.builder, r.simd(2 * e.width)
    row = Row(r, real_dtype(key.dtype), key.pointer)
    falling = b.not_(falls.value) if descending else falls.value
    x, y = (
        row.load(parts, b.shl(b.sub(i, b.zext(k, i.type)), r.integer(1)))
        for k in (b.not_(falling), falling)
    )
    # Of the two bits of a number the first is that of the real part.
    less, same, wrong = (
        parts.bits(lanes)
        for lanes in (
            parts.lt(x, y),
            parts.eq(x, y),
            parts.bitwise_or(parts.is_nan(x), parts.is_nan(y)),
        )
    )
    ties = b.select(falls.value, r.integer(0), same)
    imag_less, imag_ties, imag_wrong = (b.lshr(k, r.integer(1)) for k in (less, ties, wrong))
    by_real = b.and_(less, b.not_(imag_wrong))
    goes_on = b.or_(by_real, b.and_(same, b.or_(imag_less, imag_ties)))
    return b.and_(b.not_(goes_on), r.integer(sum(1 << 2 * k for k in range(e.width))))


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

    name = f"jitad.runs.{num_keys}.{_kinds(dtypes, descending)}"
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
        kinds = _kinds(self.dtypes, descending)
        self.kinds = f"{path.num_keys}.{kinds}"
        self.path = path
        self.rows, self.scratch = (Rows(r, path.dtypes, places) for places in rows)
        self.ends = r.buffer(ArrayType(INT64, (MOST + 1,)), r.local(INT64, MOST + 1))
        """Where the runs begin, and the last one ends: negative behind one in opposite order."""

    def emit(self, most: Any) -> Any:
        """Whether there are at most so many (i64)."""
        r, b = self.r, self.r.builder
        end, count = Counter(r, r.integer(0)), Counter(r, r.integer(0))
        self._note(r.integer(0), end.value)
        keys = self.source[: self.num_keys]

        def find() -> None:
            signed = _signed_end(r, keys, self.descending, end.value, self.n)
            end.set(_end(r, signed))
            count.add(r.integer(1))
            self._note(count.value, signed)

        def goes_on() -> Any:
            more = b.icmp_signed("<", count.value, most)
            return b.and_(b.icmp_signed("<", end.value, self.n), more)

        r.loop_while(goes_on, find)
        few = b.icmp_signed("==", end.value, self.n)
        r.when(few, lambda: self._sort(count))
        return few

    def _note(self, number: Any, place: Any) -> None:
        self.r.store(self.ends, (number,), self.r.number(place))

    def _noted(self, number: Any) -> Any:
        return self.r.load(self.ends, (number,)).value

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
            start, signed = (self._noted(k) for k in (i, b.add(i, one)))
            self._put(here, _end(r, start), _end(r, signed), _is_opposite(r, signed))

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
                low, middle, high = (_end(r, self._noted(k)) for k in within)
                self._merge(here, free, low, middle, high)
                self._note(b.add(number, one), high)

            r.loop(pairs, merge_pair)
            runs.set(pairs)
            rounds.add(r.integer(-1))

        r.loop_while(lambda: b.icmp_signed(">", rounds.value, r.integer(0)), merge_pairs)
        if ambiguous is not None:
            decode_row(r, target, target, *args)
        if ambiguous is not None and self.dtypes[0].kind == "f":
            row = Row(r, self.dtypes[0], target)
            r.when(ambiguous, lambda: restore(r, self.source[0], row, self.n, self.descending))

    def _put(self, target: Rows, start: Any, end: Any, opposite: Any) -> None:
        """A run in order."""
        r = self.r

        def build(r: Any, *parameters: Any) -> None:
            *pointers, start, end, opposite = parameters
            half = len(pointers) // 2
            source = [
                Row(r, row.dtype, pointer)
                for row, pointer in zip(self.source, pointers[:half], strict=True)
            ]
            _emit_put(r, source, Rows(r, self.dtypes, pointers[half:]), start, end, opposite)

        places = [*[row.pointer for row in self.source], *target.pointers]
        name = f"jitad.runs.put.{'.'.join(map(short_name, self.dtypes))}"
        r.call_inner(name, build, *places, start, end, opposite, apart=True)

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


def _emit_put(
    r: Any, source: Sequence[Row], target: Rows, start: Any, end: Any, opposite: Any
) -> None:
    """source[start:end], a run, to its places in the target; from its end if it is in the opposite
    order."""
    b, last = r.builder, r.builder.sub(end, r.integer(1))

    def straight() -> None:
        for row, place in zip(source, target.behind(start).pointers, strict=True):
            nbytes = b.mul(b.sub(end, start), r.integer(row.dtype.itemsize))
            r.copy_bytes(place, row.at(start), nbytes)

    def move(i: Any) -> None:
        of = b.add(start, b.sub(last, i))
        target.store(i, [row.load(r.b, of) for row in source])

    r.when(opposite, lambda: r.loop(end, move, start=start), straight)
