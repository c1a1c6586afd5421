"""How native code orders rows by keys of one or two bytes: by one pass or two, the last of which
writes the places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..types import INT64, ArrayType, short_name
from .radix import COUNT
from .sort_keys import INDEX, INDEX_BITS, PACKED, Counter, Row, encode

SMALL_INDEX_BITS = 24
"""Bits of an index that goes with the second byte of a key in 32 bits, if the row is that short."""


def by_bytes(
    r: Any, source: Row, target: Any, row: Any, counts: Any, descending: bool, n: int
) -> None:
    """The order of n elements of one byte or two, with `row` for so many integers of 64 bits. Each
    pass but the last one moves indices with what is left of the key."""
    short = n <= 1 << SMALL_INDEX_BITS
    kind, shift = (INDEX, SMALL_INDEX_BITS) if short else (PACKED, INDEX_BITS)
    dtype, direction = source.dtype, "descending" if descending else "ascending"

    def build(r: Any, source: Any, target: Any, row: Any, counts: Any, n: Any) -> None:
        rows = Row(r, dtype, source), Row(r, INT64, target), Row(r, kind, row)
        _ByBytes(r, *rows, counts, descending, n, shift).emit()

    name = f"jitad.by_bytes.{short_name(dtype)}.{shift}.{direction}"
    r.call_inner(name, build, source.pointer, target, row, counts, r.integer(n))


class _ByBytes:
    """The body of the function that orders by bytes, in two streams: the first half of the elements
    and the second one have counts of their own, so that equal keys that follow each other do not
    wait for one count."""

    def __init__(
        self,
        r: Any,
        source: Row,
        places: Row,
        records: Row,
        counts: Any,
        descending: bool,
        n: Any,
        shift: int,
    ) -> None:
        self.r, self.source, self.places, self.records = r, source, places, records
        self.n, self.half = n, r.builder.lshr(n, r.integer(1))
        self.descending, self.shift = descending, shift
        self.counts = r.buffer(ArrayType(COUNT, (2, 256)), counts)

    def emit(self) -> None:
        """One pass for a byte, or two."""
        if self.source.dtype.itemsize == 1:
            self._pass(self._key, self._put)
            return
        self._pass(lambda i: self._low(self._key(i)), self._put_record)
        mask = self.r.integer((1 << self.shift) - 1)

        def put(place: Any, i: Any) -> None:
            self._put(place, self.r.builder.and_(self._record(i), mask))

        self._pass(lambda i: self._high(self._record(i), self.shift), put)

    def _pass(self, digit: Callable[[Any], Any], put: Callable[[Any, Any], None]) -> None:
        """put(place, i) for all elements i, in the order of their digits."""
        r, b = self.r, self.r.builder
        r.fill(self.counts, r.b.constant(COUNT, 0))

        def both(body: Callable[[int, Any], None]) -> None:
            def step(i: Any) -> None:
                body(0, i)
                body(1, b.add(i, self.half))

            r.loop(self.half, step)
            r.loop(self.n, lambda i: body(1, i), start=b.shl(self.half, r.integer(1)))

        def count(stream: int, i: Any) -> None:
            self._step(stream, digit(i))

        def move(stream: int, i: Any) -> None:
            put(self._step(stream, digit(i)), i)

        both(count)
        self._starts()
        both(move)

    def _step(self, stream: int, digit: Any) -> Any:
        """The place of the next element of the stream with this digit."""
        r, at = self.r, (stream, digit)
        place = r.load(self.counts, at)
        r.store(self.counts, at, r.b.add(place, r.b.constant(COUNT, 1)))
        return r.b.convert(place, INT64).value

    def _starts(self) -> None:
        """In place of counts, where the elements of each stream with a digit begin."""
        r, total = self.r, Counter(self.r, self.r.integer(0))

        def digit(of: Any) -> None:
            for stream in range(2):
                count = r.load(self.counts, (stream, of))
                start = r.b.convert(r.number(total.value), COUNT)
                r.store(self.counts, (stream, of), start)
                total.add(r.b.convert(count, INT64).value)

        r.loop(256, digit)

    def _key(self, i: Any) -> Any:
        key = encode(self.r.b, self.source.load(self.r.b, i), self.descending)
        return self.r.b.convert(key, INT64).value

    def _low(self, key: Any) -> Any:
        return self.r.builder.and_(key, self.r.integer(255))

    def _high(self, value: Any, shift: int) -> Any:
        return self.r.builder.lshr(value, self.r.integer(shift))

    def _record(self, i: Any) -> Any:
        return self.r.b.convert(self.records.load(self.r.b, i), INT64).value

    def _put(self, place: Any, index: Any) -> None:
        self.places.store(self.r.b, place, self.r.number(index))

    def _put_record(self, place: Any, i: Any) -> None:
        """The index, with the second byte of the key before it."""
        r, b = self.r, self.r.builder
        high = b.shl(self._high(self._key(i), 8), r.integer(self.shift))
        record = r.b.convert(r.number(b.or_(high, i)), self.records.dtype)
        self.records.store(r.b, place, record)
