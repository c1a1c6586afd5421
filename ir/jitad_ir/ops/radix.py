"""How native code sorts long rows by one key: by its digits, the least first.

Each pass counts how often each digit occurs, which tells where the records with it go, and moves
the records there in order. So it is stable, n moves a digit, and branches on no comparison. All
digits are counted in one sweep. A digit that all keys share moves nothing.

D. E. Knuth, The Art of Computer Programming, volume 3, 1998, 5.2.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..types import BOOL, DTYPES, INT64, ArrayType, DType, short_name
from . import runs
from .lapack import Workspace
from .merge_sort import Rows
from .run_ends import is_sorted
from .sort_keys import Counter, Row, as_bool, decode_row, encode_row, key_dtype, restore
from .vector_loops import affine

COUNT = DTYPES["u32"]
"""Dtype of the counts; rows are shorter than 2^32."""

FROM = {1: 16, 2: 32, 4: 80, 8: 120}
"""Bytes of a key -> length from which rows are sorted so."""

LONG = 1500
"""Length from which digits have so many bits that the counts of a digit just fit the L1 cache."""


def suits(dtypes: Sequence[DType], num_keys: int, n: int) -> bool:
    """True if rows of n records are best sorted so."""
    key = dtypes[0]
    return num_keys == 1 and key.kind != "c" and FROM[key.itemsize] <= n < 2**32


def digits_of(dtype: DType, n: int) -> tuple[int, int]:
    """Bits of a digit, and number of digits."""
    bits = 8 * dtype.itemsize
    size = 8 if bits <= 16 or n < LONG else 11 if bits == 32 else 10
    return size, -(-bits // size)


class Space:
    """Scratch memory: two rows for the keys, two for each other operand, the counts."""

    def __init__(self, work: Workspace, dtypes: Sequence[DType], n: int) -> None:
        kinds = [key_dtype(dtypes[0]), *dtypes[1:]]
        self.rows = [[work.array(d, n) for d in kinds] for _ in range(2)]
        self.counts = work.array(COUNT, *counts_type(dtypes[0], n).shape)

    def pointers(self) -> list[Any]:
        """Those of the rows."""
        return [row.pointer for rows in self.rows for row in rows]


def counts_type(dtype: DType, n: int) -> ArrayType:
    """The counts of the digits of n keys."""
    size, digits = digits_of(dtype, n)
    return ArrayType(COUNT, (digits, 2**size))


def workspace_radix(work: Workspace, dtypes: Sequence[DType], n: int) -> None:
    """Count the scratch memory."""
    Space(work, dtypes, n)


def radix_sort(
    r: Any,
    work: Workspace,
    sources: Sequence[Any],
    targets: Sequence[Any],
    dtypes: Sequence[DType],
    n: int,
    descending: bool,
    count: Any = None,
) -> None:
    """Sort one row of n records by the first operand: `sources` and `targets` point to the first
    elements of the operands and results. `count` (i64) of the n are there, if given, one or more.
    If not, the row is looked at for runs."""
    space = Space(work, dtypes, n)
    scratch = space.pointers()
    length = r.integer(n) if count is None else count
    places = (sources, targets, scratch, space.counts.pointer)

    def sort() -> None:
        sort_within(r, *places, dtypes, n, descending, length)

    if count is not None or not runs.suits(n):
        sort()
        return
    if dtypes[0].itemsize <= 2:  # two passes at most: less work than merging

        def copy() -> None:
            Rows(r, dtypes, sources).copy_to(Rows(r, dtypes, targets), length)

        key = Row(r, dtypes[0], sources[0])
        r.when(is_sorted(r, key, descending, length), copy, sort)
        return
    free = [row.pointer for row in space.rows[0]]
    few = runs.sort_by_runs(r, sources, targets, free, dtypes, 1, descending, True, n)
    r.when(few, lambda: None, sort)


def sort_within(
    r: Any,
    sources: Sequence[Any],
    targets: Sequence[Any],
    scratch: Sequence[Any],
    counts: Any,
    dtypes: Sequence[DType],
    n: int,
    descending: bool,
    count: Any,
    flag: Any = None,
) -> None:
    """`radix_sort` of `count` (i64) records of rows of n, with scratch memory at these pointers:
    two rows of the keys and other operands, neither of them the targets, and `counts_type`. With
    `flag`, the targets get the keys, and the bool there tells whether any is ambiguous."""
    dtype, parts = dtypes[0], len(dtypes)
    kinds = [key_dtype(dtype), *dtypes[1:]]
    rows = scratch[:parts], scratch[parts:]

    def copy(asked: Sequence[Any], given: Sequence[Any], first: int) -> None:
        """The operands from number `first` on."""
        source, target = (Rows(r, kinds[first:], some[first:]) for some in (given, asked))
        source.copy_to(target, count)

    ambiguous = encode_row(r, sources[0], rows[0][0], dtype, descending, count)
    copy(rows[0], sources, 1)
    found = by_digits(r, kinds, rows, counts, digits_of(dtype, n), 0, count)
    if flag is not None:
        copy(targets, found, 0)
        r.b.store(flag, as_bool(r, ambiguous))
        return
    decode_row(r, found[0], targets[0], dtype, descending, count)
    copy(targets, found, 1)
    if dtype.kind == "f":
        source, target = (Row(r, dtype, x[0]) for x in (sources, targets))
        r.when(ambiguous, lambda: restore(r, source, target, count, descending))


def by_digits(
    r: Any,
    kinds: Sequence[DType],
    rows: Sequence[Sequence[Any]],
    counts: Any,
    digits: tuple[int, int],
    first: int,
    n: Any,
) -> list[Any]:
    """Sort n (i64) records with parts of these `kinds`, which are in the first of two `rows`, by
    `digits` (bits of one, and their number) from bit `first` of the first part on: pointers to the
    row where they are then."""
    size, number = digits

    def build(r: Any, *parameters: Any) -> Any:
        *pointers, counts, n = parameters
        two = [pointers[i : i + len(kinds)] for i in (0, len(kinds))]
        return _Passes(r, kinds, two, counts, n, size, number, first).emit()

    name = f"jitad.by_digits.{'.'.join(map(short_name, kinds))}.{size}.{number}.{first}"
    second = r.call_inner(name, build, *rows[0], *rows[1], counts, n, result=BOOL)
    return [r.builder.select(second, q, p) for p, q in zip(*rows, strict=True)]


class _Passes:
    """Emits the passes over n records that lie in one of two `rows` (pointers to rows of these
    `kinds`), by so many `digits` of `size` bits each of the first part, the key, from bit `first`
    on."""

    def __init__(
        self,
        r: Any,
        kinds: Sequence[DType],
        rows: Sequence[Sequence[Any]],
        counts: Any,
        n: Any,
        size: int,
        digits: int,
        first: int,
    ) -> None:
        self.r, self.kinds, self.rows, self.n = r, kinds, rows, n
        self.size, self.digits, self.first = size, digits, first
        self.counts = r.buffer(ArrayType(COUNT, (digits, 2**size)), counts)

    def emit(self) -> Any:
        """From the first of the rows to one of them: whether it is the second one (i1)."""
        r = self.r
        self._count()
        moved = Counter(r, r.integer(0))
        r.loop(self.digits, lambda digit: self._by_digit(digit, moved))
        return self._odd(moved)

    def _digit(self, key: Any, shift: Any) -> Any:
        """The digit of a key `shift` bits from the right, as i64."""
        r, keys = self.r, self.kinds[0]
        by = r.b.convert(r.number(shift), keys)
        shifted = key._replace(value=r.builder.lshr(key.value, by.value))
        mask = r.b.constant(keys, 2**self.size - 1)
        return r.b.convert(r.b.bitwise_and(shifted, mask), INT64).value

    def _step(self, digit: Any, of: Any) -> Any:
        """Add one to the count of a digit; what it was."""
        r = self.r
        at = (digit, of)
        count = r.load(self.counts, at)
        r.store(self.counts, at, r.b.add(count, r.b.constant(COUNT, 1)))
        return r.b.convert(count, INT64).value

    def _count(self) -> None:
        r = self.r
        r.fill(self.counts, r.b.constant(COUNT, 0))
        keys = Row(r, self.kinds[0], self.rows[0][0])

        def visit(i: Any) -> None:
            key = keys.load(r.b, i)
            for digit in range(self.digits):
                shift = r.integer(self.first + digit * self.size)
                self._step(digit, self._digit(key, shift))

        r.loop(self.n, visit)

    def _by_digit(self, digit: Any, moved: Counter) -> None:
        """Move the records by one digit, unless all have the same."""
        r, b = self.r, self.r.builder
        source, target = self.found(self._odd(moved)), self.found(b.not_(self._odd(moved)))
        shift = affine(r, self.first, (digit, self.size))
        some = self._digit(source[0].load(r.b, r.integer(0)), shift)
        count = r.b.convert(r.load(self.counts, (digit, some)), INT64).value

        def move(i: Any) -> None:
            records = [row.load(r.b, i) for row in source]
            place = self._step(digit, self._digit(records[0], shift))
            for row, record in zip(target, records, strict=True):
                row.store(r.b, place, record)

        def move_all() -> None:
            starts(r, self.counts, digit)
            r.loop(self.n, move)
            moved.add(r.integer(1))

        r.when(b.icmp_signed("!=", count, self.n), move_all)

    def _odd(self, moved: Counter) -> Any:
        r, b = self.r, self.r.builder
        return b.icmp_signed("!=", b.and_(moved.value, r.integer(1)), r.integer(0))

    def found(self, second: Any) -> list[Row]:
        """The second rows where the condition (i1) holds, else the first."""
        pairs = zip(self.kinds, *self.rows, strict=True)
        return [Row(self.r, d, self.r.builder.select(second, q, p)) for d, p, q in pairs]


def starts(r: Any, counts: Any, digit: Any) -> None:
    """In place of how often each value of a digit occurs, the place of the first one with it."""
    total = Counter(r, r.integer(0))

    def place(of: Any) -> None:
        here = r.load(counts, (digit, of))
        r.store(counts, (digit, of), r.b.convert(r.number(total.value), COUNT))
        total.add(r.b.convert(here, INT64).value)

    r.loop(counts.type.shape[1], place)
