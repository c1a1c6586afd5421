"""Where the runs of a row end: as long a stretch as nowhere falls, or nowhere rises.

Rows are looked at vector by vector, each of which is compared with the one a record earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..types import BOOL, INT64, DType, real_dtype, short_name
from .merge_sort import record_before
from .sort_keys import Counter, Flag, Row, as_bool
from .vector_loops import vector_width


class Run:
    """A run, as i64s tell it: where it ends, whether it is in the opposite order, and whether equal
    records are in it then."""

    def __init__(self, r: Any, code: Any) -> None:
        self.r, self.code = r, code

    @staticmethod
    def up_to(r: Any, end: Any, opposite: Any = None, tied: Any = None) -> Run:
        """The run that ends there (i64), in order if no more (i1s) is said of it."""
        b, code = r.builder, r.builder.shl(end, r.integer(2))
        for flag, place in ((opposite, 0), (tied, 1)):
            if flag is not None:
                code = b.or_(code, b.shl(b.zext(flag, code.type), r.integer(place)))
        return Run(r, code)

    @property
    def end(self) -> Any:
        """One behind its last record (i64)."""
        return self.r.builder.lshr(self.code, self.r.integer(2))

    @property
    def opposite(self) -> Any:
        """Whether (i1) it is to be reversed."""
        return self._flag(1)

    @property
    def tied(self) -> Any:
        """Whether (i1) equal records are in it, if it is to be reversed."""
        return self._flag(2)

    def _flag(self, bit: int) -> Any:
        b, r = self.r.builder, self.r
        return b.icmp_unsigned("!=", b.and_(self.code, r.integer(bit)), r.integer(0))


def is_sorted(r: Any, key: Row, descending: bool, n: Any) -> Any:
    """Whether (i1) n elements are in order; more of them than two vectors have."""
    run = find_run(r, [key], descending, r.integer(0), n)
    return r.builder.icmp_unsigned("==", run.code, Run.up_to(r, n).code)


def kinds_of_run(dtypes: Sequence[DType], descending: bool) -> str:
    """Part of the names of functions: what runs are made of."""
    order = "descending" if descending else "ascending"
    return ".".join([*map(short_name, dtypes), order])


def find_run(r: Any, keys: Sequence[Row], descending: bool, start: Any, n: Any) -> Run:
    """The run that begins at `start` in a row of n (i64) records, more than two vectors have."""

    def build(inner: Any, *parameters: Any) -> Any:
        *pointers, start, n = parameters
        return _Ends(inner, keys, pointers, descending, n).find(start).code

    name = f"jitad.run.{kinds_of_run([key.dtype for key in keys], descending)}"
    args = (*[key.pointer for key in keys], start, n)
    return Run(r, r.call_inner(name, build, *args, result=INT64, apart=True))


def put_ties_back(
    r: Any, keys: Sequence[Row], descending: bool, start: Any, end: Any, turned: Sequence[Row]
) -> None:
    """Reverse each group of equal records of a run that was reversed: `keys` are those of the run
    as it was, `turned` the rows with what went from start ... end - 1 to end - 1 ... start."""
    parts = len(keys)

    def build(r: Any, *parameters: Any) -> None:
        *pointers, start, end = parameters
        rows = [Row(r, row.dtype, p) for row, p in zip([*keys, *turned], pointers, strict=True)]
        _emit_ties_back(r, rows[:parts], descending, start, end, rows[parts:])

    kinds = kinds_of_run([row.dtype for row in (*turned, *keys)], descending)
    pointers = [row.pointer for row in (*keys, *turned)]
    name = f"jitad.run.ties.{len(turned)}.{kinds}"
    r.call_inner(name, build, *pointers, start, end, brief=True)


def _emit_ties_back(
    r: Any, keys: Sequence[Row], descending: bool, start: Any, end: Any, turned: Sequence[Row]
) -> None:
    b, one = r.builder, r.integer(1)
    first, low, high = (Counter(r, start) for _ in range(3))
    last = b.sub(b.add(start, end), one)

    def swap() -> None:
        for row in turned:
            x, y = row.load(r.b, low.value), row.load(r.b, high.value)
            row.store(r.b, low.value, y)
            row.store(r.b, high.value, x)
        low.add(one)
        high.add(r.integer(-1))

    def visit(i: Any) -> None:
        """The group that ends with record i, unless the next one belongs to it."""
        following = b.add(i, one)
        following = b.select(b.icmp_signed("<", following, end), following, first.value)
        x, y = ([key.load(r.b, k) for key in keys] for k in (following, i))
        if keys[0].dtype.kind == "c" and len(keys) == 1:  # without nans
            falls = r.b.ne(x[0], y[0]).value
        else:
            falls = record_before(r.b, x, y, len(keys), descending).value

        def ends() -> None:
            low.set(b.sub(last, i))
            high.set(b.sub(last, first.value))
            r.loop_while(lambda: b.icmp_signed("<", low.value, high.value), swap)
            first.set(b.add(i, one))

        r.when(b.or_(falls, b.icmp_signed("==", following, first.value)), ends)

    r.loop(end, visit, start=start)


class _Ends:
    """The bodies of functions that look at a row of n (i64) records, which have these keys."""

    def __init__(
        self, r: Any, keys: Sequence[Row], pointers: Sequence[Any], descending: bool, n: Any
    ) -> None:
        pairs = zip(keys, pointers, strict=True)
        self.r, self.keys = r, [Row(r, key.dtype, pointer) for key, pointer in pairs]
        self.descending, self.n = descending, n
        self.e = r.simd(2 * max(vector_width(key.dtype) for key in keys))
        self.is_complex = len(keys) == 1 and keys[0].dtype.kind == "c"

    def find(self, start: Any) -> Run:
        """The run from `start` on. If what breaks it is the first record that differs, it goes on
        downwards: strictly as far as that goes, and then with ties."""
        r, b, one = self.r, self.r.builder, self.r.integer(1)
        end, phase, looking = (Counter(r, k) for k in (b.add(start, one), r.integer(0), one))
        tied = Flag(r)

        def look() -> None:
            previous = end.value
            broken = self._advance(end, lambda i: self._breaks(i, phase.value))
            up, strict = (b.icmp_signed("==", phase.value, r.integer(k)) for k in (0, 1))
            level = b.not_(self._precedes(r.b, start, b.sub(end.value, one)).value)
            advanced = b.icmp_signed("!=", end.value, previous)
            tied.join(as_bool(r, b.and_(b.not_(strict), advanced)))
            again = b.zext(b.and_(broken, b.or_(strict, b.and_(up, level))), one.type)
            phase.add(again)
            looking.set(again)

        none = r.integer(0)
        r.loop_while(lambda: b.icmp_signed("!=", looking.value, none), look)
        opposite = b.icmp_signed("!=", phase.value, none)
        return Run.up_to(r, end.value, opposite, b.and_(opposite, tied.value.value))

    def _advance(self, place: Counter, bits: Callable[[Any], Any]) -> Any:
        """Move on to the first record whose bit (i64) is set, or to n; whether (i1) there is one.
        `bits(i)` are those of a vector of records."""
        r, b = self.r, self.r.builder
        width, none = r.integer(self.e.width), r.integer(0)
        each = r.integer(int(self.is_complex))  # log2 of the bits of a record
        found = Counter(r, none)

        def step() -> None:
            """A vector of records; the last ones of the row, of which the first may be known."""
            last = b.sub(self.n, width)
            at = b.select(b.icmp_signed("<", place.value, last), place.value, last)
            unknown = b.shl(r.integer(-1), b.shl(b.sub(place.value, at), each))
            found.set(b.and_(bits(at), unknown))
            place.set(b.add(at, width))

        def goes_on() -> Any:
            more = b.icmp_signed("<", place.value, self.n)
            return b.and_(b.icmp_unsigned("==", found.value, none), more)

        r.loop_while(goes_on, step)
        first = b.lshr(b.cttz(found.value, r.b.constant(BOOL, False).value), each)
        is_found = b.icmp_unsigned("!=", found.value, none)
        place.add(b.select(is_found, b.sub(first, width), none))
        return is_found

    def _precedes(self, e: Any, i: Any, j: Any) -> Any:
        """Whether records from i on go strictly before those from j on."""
        x, y = ([key.load(e, k) for key in self.keys] for k in (i, j))
        return record_before(e, x, y, len(self.keys), self.descending)

    def _breaks(self, i: Any, phase: Any) -> Any:
        """The bits (i64) of records from i on that do not belong to the run of the one before:
        upwards, strictly downwards, or downwards with ties (phases 0 to 2)."""
        r, b, e = self.r, self.r.builder, self.e
        strict = b.icmp_signed("==", phase, r.integer(1))
        before = b.sub(i, r.integer(1))
        if self.is_complex:
            down = b.icmp_signed("!=", phase, r.integer(0))
            up = b.xor(down, r.b.constant(BOOL, not self.descending).value)
            x, y = b.select(up, before, i), b.select(up, i, before)
            return b.xor(self._rises(x, y, strict), self._records())
        # Downwards with ties, as far as no record precedes the next; strictly, as each follows it.
        back = b.lshr(phase, r.integer(1))
        falls = self._precedes(e, b.sub(i, back), b.add(before, back))
        return e.bits(e.ne(falls, e.splat(as_bool(r, strict))))

    def _rises(self, i: Any, j: Any, strict: Any) -> Any:
        """The bits (i64) of complex numbers from i on that are at most those from j on, or if
        `strict` (i1) less, neither with a nan."""
        r, b = self.r, self.r.builder
        (key,), parts, one = self.keys, r.simd(2 * self.e.width), r.integer(1)
        row = Row(r, real_dtype(key.dtype), key.pointer)
        x, y = (row.load(parts, b.shl(k, one)) for k in (i, j))
        # Of the two bits of a number the first is that of the real part.
        wrong = parts.bitwise_or(parts.is_nan(x), parts.is_nan(y))
        bits = [parts.bits(lanes) for lanes in (parts.lt(x, y), parts.eq(x, y), wrong)]
        less, same, _ = bits
        imag_less, imag_same, imag_wrong = (b.lshr(some, r.integer(1)) for some in bits)
        ties = b.select(strict, r.integer(0), imag_same)
        by_real = b.and_(less, b.not_(imag_wrong))
        by_imag = b.and_(same, b.or_(imag_less, ties))
        return b.and_(b.or_(by_real, by_imag), self._records())

    def _records(self) -> Any:
        """The first bit (i64) of each record of a vector, of which those of complex numbers have
        two."""
        step = 1 + self.is_complex
        return self.r.integer(sum(1 << step * k for k in range(self.e.width)))
