"""How native code finds the key that has a given rank in a row, without sorting the row.

A sample of the row in order tells two keys, low and high, between which the key most likely lies.
One sweep counts the elements before, up to and between them, and collects those between, which are
the row of the next round, until they are as few as the sample. A round that misses goes back to
the row, with the side of the key known; after some rounds the bounds are the middle of what is left
of all keys, which halves it. So it takes linear time whatever the row.

R. W. Floyd and R. L. Rivest, "Expected time bounds for selection", 1975.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..processor import vector_bytes
from ..types import DTYPES, INT64, DType, short_name
from . import row_network
from .lapack import Workspace
from .sort_keys import Counter, Row, encode, last_key
from .vector_loops import stretch

SAMPLE = 256
"""Elements of a sample: as many are sorted by a network in the time of a sweep over some 3,000."""

SHORT_SAMPLE, SHORT = 128, 2500
"""The same of rows up to a length, and of keys of 32 bits."""

MARGIN = 2.75
"""Standard deviations between the rank sought in the sample and the bounds."""

ROUNDS = 12
"""Rounds with bounds from samples. A round keeps about a sixth."""

SCATTER = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio: multiples of it, modulo 2^64, are spread evenly."""

FRACTION = 24
"""Leading bits of such a multiple that tell an element's place."""


def key_type(dtype: DType) -> DType:
    """The keys: those of short integers are 32 bits wide."""
    return DTYPES["u64" if dtype.itemsize == 8 else "u32"]


def keys_of(e: Any, x: Any, descending: bool) -> Any:
    """Keys of real numbers."""
    return e.convert(encode(e, x, descending), key_type(x.dtype))


def width_of(dtype: DType) -> int:
    """Elements that are looked at together."""
    return min(16, vector_bytes() // key_type(dtype).itemsize)


def _sample_size(dtype: DType, n: int) -> int:
    size = SHORT_SAMPLE if n <= SHORT or key_type(dtype).itemsize == 4 else SAMPLE
    return min(size, max(32, 1 << (n - 1).bit_length()))


class Space:
    """Scratch memory: the elements between two bounds, a sample, what sorting it needs."""

    def __init__(self, work: Workspace, dtype: DType, n: int) -> None:
        keys, size = key_type(dtype), _sample_size(dtype, n)
        self.between = work.array(dtype, n if n > size else 0)
        self.sample = work.array(keys, size)
        self.columns, self.ordered = row_network.space(work, keys, size)
        self.numbers = work.array(INT64, 5)


class RankSearch:
    """Finds keys in a row of n elements (an int), from a pointer on.

    After `find(rank)`, `key` (of `key_type`) is the one of that rank, from 0 on; `before` and
    `behind` (i64) tell how many elements have lesser keys, and how many those or the same.
    """

    def __init__(
        self, r: Any, work: Workspace, row: Any, dtype: DType, n: int, descending: bool
    ) -> None:
        self.r, self.row, self.n = r, row, n
        self.dtype, self.descending = dtype, descending
        self.keys = key_type(dtype)
        self.space = Space(work, dtype, n)
        zero = r.b.constant(INT64, 0)
        for i in range(5):
            r.store(self.space.numbers, (i,), zero)

    @property
    def key(self) -> Any:
        """The key found."""
        at = self.r.element_pointer(self.space.numbers, (0,))
        return self.r.b.load(at, self.keys)

    @property
    def before(self) -> Any:
        """How many elements have lesser keys."""
        return self.r.load(self.space.numbers, (1,)).value

    @property
    def behind(self) -> Any:
        """How many elements have keys that are not greater."""
        return self.r.load(self.space.numbers, (2,)).value

    def find(self, rank: Any) -> None:
        """Find the key of a rank, an i64 from 0 to n - 1. It is at hand if the one sought before
        is the same, or was in the last sample with it."""

        def build(r: Any, row: Any, rank: Any, *pointers: Any) -> None:
            _Search(r, self, row, rank, pointers).emit()

        space = self.space
        kind = f"{short_name(self.dtype)}.{self.n}.{'down' if self.descending else 'up'}"
        places = (space.between, space.sample, space.columns, space.ordered, space.numbers)
        self.r.call_inner(
            f"jitad.rank.{kind}", build, self.row, rank, *[p.pointer for p in places], apart=True
        )


class _Search:
    """The body of the function that finds one key."""

    def __init__(self, r: Any, of: RankSearch, row: Any, rank: Any, pointers: Any) -> None:
        self.r, self.row, self.rank, self.pointers = r, row, rank, pointers
        self.dtype, self.keys, self.descending = of.dtype, of.keys, of.descending
        self.n, self.size = of.n, _sample_size(of.dtype, of.n)
        between, sample, _, _, numbers = pointers
        self.between, self.sample = between, Row(r, self.keys, sample)
        self.numbers = Row(r, INT64, numbers)

    def _number(self, i: int) -> Any:
        return self.numbers.load(self.r.b, self.r.integer(i)).value

    def _set(self, *values: Any) -> None:
        for i, value in enumerate(values):
            if value is not None:
                self.numbers.store(self.r.b, self.r.integer(i), self.r.number(value))

    def _within(self, first: Any, behind: Any) -> Any:
        b = self.r.builder
        return b.and_(b.icmp_signed(">=", self.rank, first), b.icmp_signed("<", self.rank, behind))

    def emit(self) -> None:
        """Numbers 0 to 2 are the results, 3 and 4 the first rank of the sample, if it has all keys
        of some ranks, and that behind them."""
        r = self.r
        is_same = self._within(self._number(1), self._number(2))

        def look_up() -> None:
            at_hand = self._within(self._number(3), self._number(4))
            r.when(at_hand, lambda: None, self._narrow)
            r.when(self._within(self._number(3), self._number(4)), self._read_off)

        r.when(is_same, lambda: None, look_up)

    def _read_off(self) -> None:
        """The key, out of the sample."""
        r, b, first = self.r, self.r.builder, self._number(3)
        key = self.sample.load(r.b, b.sub(self.rank, first))
        before, behind = Counter(r, first), Counter(r, first)
        count = b.sub(self._number(4), first)

        def compare(e: Any, i: Any) -> None:
            keys, sought = self.sample.load(e, i), e.splat(key)
            before.add(e.count_true(e.lt(keys, sought)))
            behind.add(e.count_true(e.le(keys, sought)))

        stretch(r, r.integer(0), count, width_of(self.dtype), compare)
        self._set(r.b.convert(key, INT64).value, before.value, behind.value)

    # -- rounds --

    def _narrow(self) -> None:
        r = self.r
        source, self.low, self.high = (r.reference(v) for v in (self.row, *self._all_keys()))
        self.source = source
        self.count, self.base = Counter(r, r.integer(self.n)), Counter(r, r.integer(0))
        self.rounds, self.is_known, self.done = (Counter(r, r.integer(0)) for _ in range(3))
        self._set(None, None, None, r.integer(0), r.integer(0))
        if self.n <= self.size:
            self._sort_all()
            return

        def turn() -> None:
            b = r.builder
            is_short = b.icmp_signed("<=", self.count.value, r.integer(self.size))
            r.when(is_short, self._sort_all, self._round)

        r.loop_while(lambda: r.builder.icmp_signed("==", self.done.value, r.integer(0)), turn)

    def _all_keys(self) -> tuple[Any, Any]:
        least = self.r.b.constant(self.keys, 0)
        return least, self.r.b.constant(self.keys, last_key(self.keys))

    def _source(self) -> Row:
        pointer = self.r.builder.load(self.source, typ=self.row.type)
        return Row(self.r, self.dtype, pointer)

    def _sort_all(self) -> None:
        """All that is left becomes the sample."""
        r = self.r
        first = self.base.value
        self._fill(self.count.value)
        self._set(None, None, None, first, r.builder.add(first, self.count.value))
        self.done.set(r.integer(1))

    def _fill(self, count: Any) -> None:
        """The keys of `count` elements, spread over the row unless they are all of them, in order;
        behind them the last key."""

        def build(r: Any, row: Any, length: Any, count: Any, *pointers: Any) -> None:
            source = Row(r, self.dtype, row)
            sample, columns, ordered = pointers
            keys, b = Row(r, self.keys, sample), r.builder

            def put(e: Any, i: Any) -> None:
                keys.store(e, i, keys_of(e, source.load(e, i), self.descending))

            def put_one(i: Any) -> None:
                spread = b.lshr(b.mul(i, r.integer(SCATTER - 2**64)), r.integer(64 - FRACTION))
                place = b.lshr(b.mul(spread, length), r.integer(FRACTION))
                one = source.load(r.b, place)
                keys.store(r.b, i, keys_of(r.b, one, self.descending))

            last = r.b.constant(self.keys, last_key(self.keys))
            is_all = b.icmp_signed("==", count, length)
            r.when(
                is_all,
                lambda: stretch(r, r.integer(0), count, width_of(self.dtype), put),
                lambda: r.loop(count, put_one),
            )
            stretch(
                r,
                count,
                r.integer(self.size),
                width_of(self.dtype),
                lambda e, i: keys.store(e, i, e.splat(last)),
            )
            row_network.sort_row(r, [columns, ordered], sample, sample, self.keys, self.size, False)

        kind = f"{short_name(self.dtype)}.{self.size}.{'down' if self.descending else 'up'}"
        _, sample, columns, ordered, _ = self.pointers
        places = (self._source().pointer, self.count.value, count, sample, columns, ordered)
        self.r.call_inner(f"jitad.sample.{kind}", build, *places, apart=True)

    def _round(self) -> None:
        r, b = self.r, self.r.builder
        low, high = (r.b.load(slot, self.keys) for slot in (self.low, self.high))
        bounds = [r.local(self.keys) for _ in range(2)]
        for slot, key in zip(bounds, (low, high), strict=True):
            r.b.store(slot, key)

        def choose() -> None:
            is_early = b.icmp_signed("<", self.rounds.value, r.integer(ROUNDS))
            r.when(is_early, lambda: self._bounds_of_sample(bounds), lambda: self._middle(bounds))

        r.when(b.icmp_signed("==", self.is_known.value, r.integer(0)), choose)
        self.rounds.add(r.integer(1))
        self._sweep([r.b.load(slot, self.keys) for slot in bounds])

    def _middle(self, bounds: Any) -> None:
        r = self.r
        low, high = (r.b.load(slot, self.keys) for slot in (self.low, self.high))
        half = r.b.shift_right_logical(r.b.sub(high, low), r.b.constant(self.keys, 1))
        for slot in bounds:
            r.b.store(slot, r.b.add(low, half))

    def _bounds_of_sample(self, bounds: Any) -> None:
        """The keys some places before and behind where the rank is in the sample."""
        r, b = self.r, self.r.builder
        size = r.integer(self.size)
        self._fill(size)
        rank = b.sub(self.rank, self.base.value)
        place = b.udiv(b.mul(rank, size), self.count.value)
        margin = round(MARGIN * (self.size**0.5) / 2)
        for slot, step in zip(bounds, (-margin, margin), strict=True):
            at = b.add(place, r.integer(step))
            inside = b.icmp_unsigned("<", at, size)
            key = self.sample.load(r.b, b.select(inside, at, r.integer(0)))
            given = r.b.load(slot, self.keys)
            r.b.store(slot, given._replace(value=b.select(inside, key.value, given.value)))

    def _sweep(self, bounds: Any) -> None:
        """Count the keys before, up to, between and up to the other of two, and collect those
        between; then the key is found, or it is between, or before or behind."""
        r, b = self.r, self.r.builder
        low, high = bounds
        counts = r.local(INT64, 4)
        self._count(low, high, counts)
        numbers = Row(r, INT64, counts)
        before, up_to, between, behind = (numbers.load(r.b, r.integer(i)).value for i in range(4))
        first, second, third, fourth = (
            b.add(self.base.value, v) for v in (before, up_to, b.add(up_to, between), behind)
        )
        one = r.b.constant(self.keys, 1)

        def found(key: Any, before: Any, behind: Any) -> Callable[[], None]:
            def put() -> None:
                self._set(r.b.convert(key, INT64).value, before, behind)
                self.done.set(r.integer(1))

            return put

        def inside() -> None:
            r.b.store(self.low, r.b.add(low, one))
            r.b.store(self.high, r.b.sub(high, one))
            b.store(self.between, self.source)
            self.count.set(between)
            self.base.set(second)
            self.is_known.set(r.integer(0))

        def missed() -> None:
            is_before = b.icmp_signed("<", self.rank, first)
            r.when(
                is_before,
                lambda: r.b.store(self.high, r.b.sub(low, one)),
                lambda: r.b.store(self.low, r.b.add(high, one)),
            )
            b.store(self.row, self.source)
            self.count.set(r.integer(self.n))
            self.base.set(r.integer(0))
            self.is_known.set(r.integer(1))

        def not_low() -> None:
            r.when(self._within(second, third), inside, not_inside)

        def not_inside() -> None:
            # If the bounds are one key, it is found or missed.
            r.when(self._within(third, fourth), found(high, third, fourth), missed)

        r.when(self._within(first, second), found(low, first, second), not_low)

    def _count(self, low: Any, high: Any, counts: Any) -> None:
        def build(r: Any, *parameters: Any) -> None:
            _emit_count(r, self.dtype, self.descending, *parameters)

        kind = f"{short_name(self.dtype)}.{'down' if self.descending else 'up'}"
        places = (self._source().pointer, self.count.value, low, high, self.between, counts)
        self.r.call_inner(f"jitad.between.{kind}", build, *places, apart=True)


def _emit_count(
    r: Any,
    dtype: DType,
    descending: bool,
    source: Any,
    count: Any,
    low: Any,
    high: Any,
    target: Any,
    counts: Any,
) -> None:
    """Of `count` elements: how many keys are before `low`, up to it, between both, up to `high`.
    Those between go to the target, which may be the source."""
    given, asked, keys = Row(r, dtype, source), Row(r, dtype, target), key_type(dtype)
    before, up_to, between, behind = (Counter(r, r.integer(0)) for _ in range(4))
    bounds = [r.b.constant(keys, 0)._replace(value=value) for value in (low, high)]

    def look(e: Any, i: Any) -> None:
        x = given.load(e, i)
        key, (first, last) = keys_of(e, x, descending), map(e.splat, bounds)
        inside = e.bitwise_and(e.gt(key, first), e.lt(key, last))
        before.add(e.count_true(e.lt(key, first)))
        up_to.add(e.count_true(e.le(key, first)))
        behind.add(e.count_true(e.le(key, last)))
        between.add(e.store_chosen(asked.at(between.value), x, inside))

    stretch(r, r.integer(0), count, width_of(dtype), look)
    numbers = Row(r, INT64, counts)
    for i, counter in enumerate((before, up_to, between, behind)):
        numbers.store(r.b, r.integer(i), r.number(counter.value))


def place_of(
    r: Any, row: Any, dtype: DType, n: int, key: Any, number: Any, descending: bool
) -> Any:
    """Where (i64) the element with this key is before which `number` (i64) others have it."""

    def build(r: Any, row: Any, key: Any, number: Any) -> Any:
        source, b = Row(r, dtype, row), r.builder
        sought = r.b.constant(key_type(dtype), 0)._replace(value=key)
        seen, place, found = (Counter(r, r.integer(0)) for _ in range(3))
        width = width_of(dtype)

        def matches(e: Any) -> Any:
            keys = keys_of(e, source.load(e, place.value), descending)
            return e.count_true(e.eq(keys, e.splat(sought)))

        def search(e: Any, last: int) -> None:
            """Up to the vector that has it."""

            def step() -> None:
                after = b.add(seen.value, matches(e))
                here = b.icmp_signed(">", after, number)
                found.set(b.zext(here, number.type))
                seen.set(b.select(here, seen.value, after))
                there = b.add(place.value, r.integer(e.width))
                place.set(b.select(here, place.value, there))

            def more() -> Any:
                left = b.icmp_signed("<=", place.value, r.integer(last))
                return b.and_(left, b.icmp_signed("==", found.value, r.integer(0)))

            found.set(r.integer(0))
            r.loop_while(more, step)

        search(r.simd(width), n - width)
        search(r.b, n - 1)
        return r.number(place.value)

    kind = f"{short_name(dtype)}.{n}.{'down' if descending else 'up'}"
    return r.call_inner(f"jitad.place.{kind}", build, row, key, number, result=INT64, apart=True)
