"""How native code sorts: a stable merge sort of records, whose parts lie in one array each.

Blocks of RUN records are sorted by rank: each record goes to the place that is the number of
records before it, of which comparisons of all pairs tell. Then neighbouring runs are merged, from
the rows into the scratch rows and back, until one is left: n log2(n / RUN) moves. Neither branches
on a comparison, which no predictor could guess. One function for each tuple of dtypes, shared by
all sorts of a module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..types import BOOL, ArrayType, DType, short_name
from .sort_keys import Counter

RUN = 4
"""Records that are sorted by rank before runs are merged."""

Record = list[Any]
"""One element (Lanes) of each operand."""


def before(b: Any, x: Any, y: Any) -> Any:
    """True where x is sorted strictly before y, in ascending order: nan behind all numbers, and
    complex numbers as NumPy has them: R + Rj, R + nan j, nan + Rj, nan + nan j, each by real part,
    then imaginary part."""
    kind = x.dtype.kind
    if kind == "f":
        # One of them nan: x >= y is false.
        return b.bitwise_not(b.bitwise_or(b.ge(x, y), b.is_nan(x)))
    if kind != "c":
        return b.lt(x, y)
    x_re, x_im, y_re, y_im = b.real(x), b.imag(x), b.real(y), b.imag(y)
    both_real_nan = b.bitwise_and(b.is_nan(x_re), b.is_nan(y_re))
    same_real = b.bitwise_or(b.eq(x_re, y_re), both_real_nan)
    x_nan, y_nan = b.is_nan(x_im), b.is_nan(y_im)
    numbers_first = b.bitwise_and(b.bitwise_not(x_nan), y_nan)
    # Numbers with different real parts: by real part, unless only one imaginary part is nan.
    lesser = b.bitwise_and(b.lt(x_re, y_re), b.bitwise_or(b.bitwise_not(x_nan), y_nan))
    greater = b.bitwise_and(b.gt(x_re, y_re), numbers_first)
    equal = b.bitwise_and(same_real, before(b, x_im, y_im))
    y_only = b.bitwise_and(b.is_nan(y_re), b.bitwise_not(b.is_nan(x_re)))
    return b.bitwise_or(b.bitwise_or(lesser, greater), b.bitwise_or(equal, y_only))


def record_before(b: Any, x: Record, y: Record, num_keys: int, descending: bool) -> Any:
    """`before` for records: by the first key, ties by the next."""
    result: Any = None
    for p, q in reversed(list(zip(x[:num_keys], y[:num_keys], strict=True))):
        ahead, behind = (
            (before(b, q, p), before(b, p, q)) if descending else (before(b, p, q), before(b, q, p))
        )
        if result is None:
            result = ahead
        else:
            result = b.bitwise_or(ahead, b.bitwise_and(b.bitwise_not(behind), result))
    return result


class Rows:
    """Arrays of unknown length, one for each operand: their records are loaded and stored."""

    def __init__(self, r: Any, dtypes: Sequence[DType], pointers: Sequence[Any]) -> None:
        self.r, self.dtypes, self.pointers = r, dtypes, pointers

    def _address(self, part: int, index: Any) -> Any:
        row = self.r.buffer(ArrayType(self.dtypes[part], (1,)), self.pointers[part])
        return self.r.element_pointer(row, (index,))

    def load(self, index: Any) -> Record:
        return [
            self.r.b.load(self._address(part, index), dtype)
            for part, dtype in enumerate(self.dtypes)
        ]

    def store(self, index: Any, record: Record) -> None:
        for part, lanes in enumerate(record):
            self.r.b.store(self._address(part, index), lanes)

    def behind(self, count: Any) -> Rows:
        """The rows without the first `count` records."""
        pointers = [self._address(part, count) for part in range(len(self.dtypes))]
        return Rows(self.r, self.dtypes, pointers)

    def copy_to(self, other: Rows, count: Any) -> None:
        """The first `count` records to other rows."""
        r = self.r
        for dtype, source, target in zip(self.dtypes, self.pointers, other.pointers, strict=True):
            r.copy_bytes(target, source, r.builder.mul(count, r.integer(dtype.itemsize)))

    def other_if(self, condition: Any, other: Rows) -> Rows:
        """`other` where the condition (i1) holds, else these."""
        pointers = [
            self.r.builder.select(condition, theirs, ours)
            for ours, theirs in zip(self.pointers, other.pointers, strict=True)
        ]
        return Rows(self.r, self.dtypes, pointers)


def _build_sort(num_keys: int, descending: bool, dtypes: Sequence[DType]) -> Callable[..., None]:
    """Body of the function `sort(rows..., scratch rows..., n)`."""

    def build(r: Any, *parameters: Any) -> None:
        *pointers, n = parameters
        parts = len(dtypes)
        rows = Rows(r, dtypes, pointers[:parts])
        scratch = Rows(r, dtypes, pointers[parts:])

        def precedes(x: Record, y: Record) -> Any:
            return record_before(r.b, x, y, num_keys, descending).value

        def number_precedes(x: Record, y: Record) -> Any:
            return (r.b.gt if descending else r.b.lt)(x[0], y[0]).value

        if num_keys == 1 and dtypes[0].kind == "f":
            rows, n = _set_nans_aside(r, rows, scratch, n, descending)
            precedes = number_precedes
        _sort_runs(r, rows, n, precedes)
        _merge_runs(r, rows, scratch, n, precedes)

    return build


def _set_nans_aside(
    r: Any, rows: Rows, scratch: Rows, n: Any, descending: bool
) -> tuple[Rows, Any]:
    """Move the records with nan keys to the end of the rows (the start, if descending), in order.
    Gives the rows of the others and their number: these are ordered by one comparison."""
    b = r.builder
    numbers, nans = Counter(r, r.integer(0)), Counter(r, r.integer(0))
    last = b.sub(n, r.integer(1))

    def place(i: Any) -> Any:
        """The i-th place, counted from the side where numbers go."""
        return b.sub(last, i) if descending else i

    def visit(i: Any) -> None:
        # Both copies are written, one of them counts; neither destroys what is still to be read.
        record = rows.load(place(i))
        rows.store(place(numbers.value), record)
        scratch.store(nans.value, record)
        is_nan = b.zext(r.b.is_nan(record[0]).value, last.type)
        nans.add(is_nan)
        numbers.add(b.sub(r.integer(1), is_nan))

    def put_back(i: Any) -> None:
        rows.store(place(b.add(numbers.value, i)), scratch.load(i))

    r.loop(n, visit)
    count = numbers.value
    r.loop(nans.value, put_back)
    return (rows.behind(nans.value) if descending else rows), count


def _least(r: Any, x: Any, y: Any) -> Any:
    return r.builder.select(r.builder.icmp_signed("<", x, y), x, y)


def _sort_runs(r: Any, rows: Rows, n: Any, precedes: Callable[..., Any]) -> None:
    """Sort each RUN records by rank, and the remainder by insertion."""
    b = r.builder
    length = r.integer(RUN)
    blocks = b.sdiv(n, length)

    def sort_block(number: Any) -> None:
        start = b.mul(number, length)
        records = [rows.load(b.add(start, r.integer(i))) for i in range(RUN)]
        ranks = [start] * RUN
        for j in range(RUN):
            for i in range(j):
                later_first = b.zext(precedes(records[j], records[i]), length.type)
                ranks[i] = b.add(ranks[i], later_first)
                ranks[j] = b.add(ranks[j], b.sub(r.integer(1), later_first))
        for record, rank in zip(records, ranks, strict=True):
            rows.store(rank, record)

    r.loop(blocks, sort_block)
    start = b.mul(blocks, length)
    r.loop(n, lambda i: insert(r, rows, start, i, rows.load(i), precedes), start=start)


def insert(
    r: Any, rows: Rows, start: Any, place: Any, record: Record, precedes: Callable[..., Any]
) -> None:
    """Put `record` among the sorted rows[start:place], which move up to rows[place] for it."""
    b = r.builder
    one = r.integer(1)
    hole = Counter(r, place)
    moving = r.local(BOOL)

    def look() -> None:
        """moving = (start < hole and record precedes the one before the hole)"""
        r.b.store(moving, r.b.constant(BOOL, False))

        def compare() -> None:
            ahead = precedes(record, rows.load(b.sub(hole.value, one)))
            r.b.store(moving, r.b.constant(BOOL, False)._replace(value=ahead))

        r.when(b.icmp_signed("<", start, hole.value), compare)

    def shift() -> None:
        previous = b.sub(hole.value, one)
        rows.store(hole.value, rows.load(previous))
        hole.set(previous)
        look()

    look()
    r.loop_while(lambda: r.b.load(moving, BOOL), shift)
    rows.store(hole.value, record)


def _merge_runs(r: Any, rows: Rows, scratch: Rows, n: Any, precedes: Callable[..., Any]) -> None:
    """Merge pairs of sorted runs, of RUN records, then 2 RUN, 4 RUN ..."""
    b = r.builder
    length = Counter(r, r.integer(RUN))
    in_scratch = Counter(r, r.integer(0))

    def sweep() -> None:
        odd = b.icmp_signed("!=", in_scratch.value, r.integer(0))
        source, target = rows.other_if(odd, scratch), scratch.other_if(odd, rows)
        half = length.value
        whole = b.add(half, half)
        pairs = b.sdiv(b.add(n, b.sub(whole, r.integer(1))), whole)

        def merge(number: Any) -> None:
            low = b.mul(number, whole)
            middle = _least(r, b.add(low, half), n)
            high = _least(r, b.add(low, whole), n)
            _merge(r, source, target, low, middle, high, precedes)

        r.loop(pairs, merge)
        length.set(whole)
        in_scratch.set(b.sub(r.integer(1), in_scratch.value))

    r.loop_while(lambda: b.icmp_signed("<", length.value, n), sweep)
    r.when(
        b.icmp_signed("!=", in_scratch.value, r.integer(0)),
        lambda: r.loop(n, lambda i: rows.store(i, scratch.load(i))),
    )


class Stretch(NamedTuple):
    """Two sorted stretches of rows, [i, i_end) and [j, j_end), that go to `place` and on. What of
    it is done moves."""

    i: Counter
    i_end: Any
    j: Counter
    j_end: Any
    place: Counter

    def both_left(self) -> Any:
        """Whether there are records of both (i1)."""
        b = self.i.r.builder
        return b.and_(
            b.icmp_signed("<", self.i.value, self.i_end),
            b.icmp_signed("<", self.j.value, self.j_end),
        )

    def take(self, source: Rows, target: Rows, precedes: Callable[..., Any]) -> None:
        """Move one record, where there are of both; of equal ones that at i."""
        b, one = self.i.r.builder, self.i.r.integer(1)
        i, j = self.i.value, self.j.value
        later = precedes(source.load(j), source.load(i))
        step = b.zext(later, one.type)
        # Without the metadata, LLVM makes the choice a jump, which goes wrong half of the times.
        chosen = b.select(later, j, i)
        chosen.set_metadata("unpredictable", b.module.add_metadata([]))
        target.store(self.place.value, source.load(chosen))
        self.j.add(step)
        self.i.add(b.sub(one, step))
        self.place.add(one)

    def drain(self, source: Rows, target: Rows) -> None:
        """Move what is left, where there are records of one of the two only."""
        r, one = self.i.r, self.i.r.integer(1)

        def copy(rest: Counter) -> None:
            target.store(self.place.value, source.load(rest.value))
            rest.add(one)
            self.place.add(one)

        for rest, end in ((self.i, self.i_end), (self.j, self.j_end)):
            r.loop_while(
                lambda rest=rest, end=end: r.builder.icmp_signed("<", rest.value, end),
                lambda rest=rest: copy(rest),
            )


def _merge(
    r: Any,
    source: Rows,
    target: Rows,
    low: Any,
    middle: Any,
    high: Any,
    precedes: Callable[..., Any],
) -> None:
    """source[low:middle] and source[middle:high] into target[low:high]; of equal records those of
    the first part come first."""
    all_of_it = Stretch(Counter(r, low), middle, Counter(r, middle), high, Counter(r, low))
    r.loop_while(all_of_it.both_left, lambda: all_of_it.take(source, target, precedes))
    all_of_it.drain(source, target)


def merge_sort(
    r: Any,
    rows: Sequence[Any],
    scratch: Sequence[Any],
    num_keys: int,
    descending: bool,
    count: Any = None,
) -> None:
    """Sort the records of one-dimensional buffers in place, the first `count` (i64) if given."""
    dtypes = [row.type.dtype for row in rows]
    name = "jitad.sort." + ".".join(short_name(d) for d in dtypes)
    name += f".{num_keys}.{'descending' if descending else 'ascending'}"
    r.call_inner(
        name,
        _build_sort(num_keys, descending, dtypes),
        *[row.pointer for row in (*rows, *scratch)],
        r.integer(rows[0].type.size) if count is None else count,
    )
