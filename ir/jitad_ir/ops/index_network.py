"""How native code finds the order of rows of some thousand elements at most: by networks that sort
integers of 64 bits (`row_network`), each a field of a key with the index behind it.

A key of 32 bits is one field, and its network is the whole sort. Of a longer one a field has as
many bits as an index leaves room for, the leading ones (of integers, of those in which the keys
of the row differ): they tell all elements apart, or nearly so. Only if the elements are not in
order then, they are sorted by all fields of their keys, the least first, each time in the order
there is. So every network finds a stable order. Of complex numbers the last field tells which parts
are nan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..types import BOOL, INT64, DType, real_dtype, short_name
from . import row_network
from .lapack import Workspace
from .radix import FROM
from .run_ends import is_sorted
from .sort_keys import PACKED, Row, has_two_keys, key_dtype, key_of, take
from .vector_loops import overlapping

INDEX_BITS = 12
"""Bits of an index: of rows of up to 4096 elements."""

WIDTH = 8
"""Elements that are looked at together."""

FIRST, SECOND, NANS = range(3)
"""What a field is of: the key, or the first of two, that of real parts; the second one; nans."""


class _Field(NamedTuple):
    """A part of the key of an element."""

    of: int
    low: bool = False
    """Whether it is what a key that does not fit has behind its leading bits."""


def suits(dtype: DType, n: int) -> bool:
    """True if the order of rows of n elements is best found so. Shorter rows of 64 bits are merged,
    which is compiled in half the time."""
    short = dtype.kind != "c" and dtype.itemsize == 8 and n < FROM[8]
    return real_dtype(dtype).itemsize >= 4 and row_network.suits([PACKED], 1, n) and not short


def _fits(dtype: DType) -> bool:
    """True if a key is one field."""
    return key_dtype(dtype).itemsize <= 4


def _fields(dtype: DType) -> list[_Field]:
    """All fields, the least first."""
    keys = [SECOND, FIRST] if has_two_keys(dtype) else [FIRST]
    fields = [_Field(key, low) for key in keys for low in (True, False)]
    return [*fields, _Field(NANS)] if dtype.kind == "c" else fields


class _Space:
    """Scratch memory: the integers, what sorting them needs, and another order."""

    def __init__(self, work: Workspace, n: int) -> None:
        self.records, self.free = work.array(PACKED, n), work.array(INT64, n)
        self.network = row_network.space(work, PACKED, n)


def workspace_order(work: Workspace, n: int) -> None:
    """Count the scratch memory."""
    _Space(work, n)


def order_row(
    r: Any, work: Workspace, source: Row, order: Row, taken: Row, descending: bool, n: int
) -> None:
    """The order (int64) of n elements. Those that are not of 32 bits are in order in `taken`
    then."""
    space, dtype = _Space(work, n), source.dtype

    def build(r: Any, *pointers: Any) -> None:
        kinds = (dtype, INT64, dtype, INT64)
        given = [Row(r, kind, p) for kind, p in zip(kinds, pointers, strict=False)]
        source, order, taken, free = given
        args = (source, order, taken, free, pointers[4], pointers[5:], descending, n)
        _Order(r, *args).emit()

    scratch = (space.free, space.records, *space.network)
    places = [*[row.pointer for row in (source, order, taken)], *[x.pointer for x in scratch]]
    direction = "descending" if descending else "ascending"
    name = f"jitad.order.{short_name(dtype)}.{n}.{direction}"
    r.call_inner(name, build, *places, brief=True)


class _Order:
    """The body of the function that finds the order of a row. It does nothing but call others."""

    def __init__(
        self,
        r: Any,
        source: Row,
        order: Row,
        taken: Row,
        free: Row,
        records: Any,
        scratch: Sequence[Any],
        descending: bool,
        n: int,
    ) -> None:
        self.r, self.n, self.descending = r, n, descending
        self.source, self.order, self.taken, self.free = source, order, taken, free
        self.records, self.scratch = records, scratch
        self.dtype = source.dtype
        self.direction = "descending" if descending else "ascending"

    def emit(self) -> None:
        """By the leading bits, and if that does not do, by all."""
        r, dtype = self.r, self.dtype
        self._sort(self.source, _Field(FIRST), self.order)
        if _fits(dtype):
            return
        self._take()
        whole = is_sorted(r, self.taken, self.descending, r.integer(self.n))
        r.when(whole, lambda: None, self._by_all_fields)

    def _by_all_fields(self) -> None:
        first, *others = _fields(self.dtype)
        self._sort(self.source, first, self.order)
        for field in others:
            self._take()
            self._sort(self.taken, field, self.free)
            joined = Row(self.r, INT64, self.records)
            take(self.r, self.order, self.free, joined, self.r.integer(self.n))
            nbytes = self.r.integer(self.n * INT64.itemsize)
            self.r.copy_bytes(self.order.pointer, self.records, nbytes)
        self._take()

    def _take(self) -> None:
        take(self.r, self.source, self.order, self.taken, self.r.integer(self.n))

    def _sort(self, row: Row, field: _Field, target: Row) -> None:
        """The order of a row by one field."""
        r, n, records = self.r, self.n, self.records
        self._write(row, field)
        row_network.sort_row(r, self.scratch, records, records, PACKED, n, False)

        def build(r: Any, records: Any, target: Any) -> None:
            given, asked = Row(r, PACKED, records), Row(r, INT64, target)

            def write(e: Any, i: Any) -> None:
                index = e.bitwise_and(given.load(e, i), e.constant(PACKED, 2**INDEX_BITS - 1))
                asked.store(e, i, e.bitcast(index, INT64))

            overlapping(r, n, WIDTH, write)

        r.call_inner(f"jitad.indices.{n}", build, records, target.pointer, apart=True)

    def _write(self, row: Row, field: _Field) -> None:
        """The field of each element, with its place in the row."""
        r, n, dtype, descending = self.r, self.n, self.dtype, self.descending
        nans = field.of == NANS

        def build(r: Any, row: Any, records: Any, imaginary: Any, low: Any) -> None:
            source, asked = Row(r, dtype, row), Row(r, PACKED, records)

            def key(e: Any, i: Any) -> Any:
                x = source.load(e, i)
                if nans:
                    return _nans(e, x, descending)
                return e.convert(key_of(e, x, imaginary, descending), PACKED)

            split = not nans and not _fits(dtype)
            chosen = _Bits(r, key if dtype.kind in "iu" else None, n, low) if split else None

            def write(e: Any, i: Any) -> None:
                bits = key(e, i) if chosen is None else chosen.of(e, key(e, i))
                high = e.shift_left(bits, e.constant(PACKED, INDEX_BITS))
                asked.store(e, i, e.bitwise_or(high, e.iota(i, PACKED)))

            overlapping(r, n, WIDTH, write)

        what = "nans" if nans else "field"
        name = f"jitad.{what}.{short_name(dtype)}.{n}.{self.direction}"
        flags = [r.b.constant(BOOL, flag).value for flag in (field.of == SECOND, field.low)]
        r.call_inner(name, build, row.pointer, self.records, *flags, apart=True, brief=nans)


def _nans(e: Any, x: Any, descending: bool) -> Any:
    """0 for complex numbers, 1 where the imaginary part alone is nan, 2 where the real one is."""
    zero, one, two = (e.constant(PACKED, k) for k in ((2, 1, 0) if descending else (0, 1, 2)))
    imaginary = e.select(e.is_nan(e.imag(x)), one, zero)
    return e.select(e.is_nan(e.real(x)), two, imaginary)


class _Bits:
    """What of keys of 64 bits is a field: the leading bits, or those behind them if `low` (i1).
    Those of integers begin where the keys of a row, less the least, are not all 0."""

    def __init__(self, r: Any, key: Callable[[Any, Any], Any] | None, n: int, low: Any) -> None:
        b, left_out = r.builder, r.integer(INDEX_BITS)
        self.least = None
        if key is not None:
            self.least, leading = _span(r, key, n)
            left_out = b.sub(left_out, leading)
            none = b.icmp_signed("<", left_out, r.integer(0))
            left_out = b.select(none, r.integer(0), left_out)
        ones = r.integer(-1)
        self.mask = b.select(low, b.not_(b.shl(ones, left_out)), ones)
        self.shift = b.select(low, r.integer(0), left_out)

    def of(self, e: Any, key: Any) -> Any:
        """Those bits of some keys."""
        if self.least is not None:
            key = e.sub(key, e.splat(self.least))
        mask, shift = (e.splat(key._replace(value=value)) for value in (self.mask, self.shift))
        masked = e.bitwise_and(key, mask)
        return masked._replace(value=e.builder.lshr(masked.value, shift.value))


def _span(r: Any, key: Callable[[Any, Any], Any], n: int) -> tuple[Any, Any]:
    """The least of the keys of a row, and how many leading bits (i64) of all of them are 0 once it
    is taken away."""
    e = r.simd(WIDTH)
    least, greatest = (r.local(e.register_type(PACKED)) for _ in range(2))
    e.store(least, e.constant(PACKED, 2**64 - 1))
    e.store(greatest, e.constant(PACKED, 0))

    def look(e: Any, i: Any) -> None:
        x = key(e, i)
        e.store(least, e.min(e.load(least, PACKED), x))
        e.store(greatest, e.max(e.load(greatest, PACKED), x))

    overlapping(r, n, WIDTH, look)
    first, last = e.reduce_min(e.load(least, PACKED)), e.reduce_max(e.load(greatest, PACKED))
    return first, r.b.clz(r.b.sub(last, first)).value
