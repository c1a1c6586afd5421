"""How native code sorts a row of some hundred keys alone: as columns, one in each lane, which are
then merged in pairs, in pairs of pairs ... until the lanes are one sorted sequence, lane by lane.

Two sorted sequences are merged by comparing the first key of one with the last of the other, and so
on, which leaves the lesser half in one and the greater in the other, both bitonic; these are
sorted by comparing keys half their length apart, then a quarter, ... (K. E. Batcher, "Sorting
networks and their applications", 1968). Runs within columns are merged so, then columns; one
function does the second half of it for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..types import BOOL, DType, short_name
from .columns import BLOCK, Columns, comparisons
from .lapack import Workspace
from .sort_keys import (
    Counter,
    Flag,
    Row,
    decode,
    encode,
    is_ambiguous,
    key_dtype,
    last_key,
    restore,
)
from .vector_loops import affine, behind, overlapping, transpose

LENGTHS = {4: (24, 4096), 8: (24, 4096)}
"""Bytes of a key -> lengths of the rows that are sorted so."""


def suits(dtypes: Sequence[DType], num_keys: int, n: int) -> bool:
    """True if rows of n keys without other operands are best sorted so."""
    key = dtypes[0]
    if len(dtypes) != 1 or num_keys != 1 or key.kind == "c" or key.itemsize not in LENGTHS:
        return False
    least, most = LENGTHS[key.itemsize]
    return least <= n <= most


def _layout(dtype: DType, n: int) -> tuple[int, int]:
    """Lanes, and keys in each: a power of two, and no fewer than lanes."""
    width = 16 if dtype.itemsize == 4 and n > 128 else 8
    length = max(width, 1 << (-(-n // width) - 1).bit_length())
    return width, length


def space(work: Workspace, dtype: DType, n: int) -> tuple[Any, Any]:
    """Scratch memory: the columns, and the row in order."""
    width, length = _layout(dtype, n)
    columns, ordered = (work.array(key_dtype(dtype), width * length) for _ in range(2))
    return columns, ordered


def sort_row(
    r: Any,
    scratch: Sequence[Any],
    source: Any,
    target: Any,
    dtype: DType,
    n: int,
    descending: bool,
) -> None:
    """Sort one row of n keys, from `source` on to `target` on, which may be the same, with
    pointers to its `space`.

    In functions of about the same size, which are compiled side by side.
    """
    columns, ordered = scratch
    direction = "descending" if descending else "ascending"
    kind = f"{short_name(dtype)}.{n}.{direction}"

    def part(inner: Any, row: Any, columns: Any) -> _RowSort:
        return _RowSort(inner, Row(inner, dtype, row), columns, n, descending)

    def build_columns(inner: Any, given: Any, columns: Any) -> Any:
        return part(inner, given, columns).sort_columns()

    def build_lanes(inner: Any, asked: Any, columns: Any, ordered: Any) -> None:
        part(inner, asked, columns).merge_lanes(ordered)

    name = f"jitad.row.columns.{kind}"
    flag = r.call_inner(name, build_columns, source, columns, result=BOOL, apart=True)
    r.call_inner(f"jitad.row.lanes.{kind}", build_lanes, target, columns, ordered, apart=True)
    if dtype.kind == "f":
        given, asked = (Row(r, dtype, p) for p in (source, target))
        r.when(flag, lambda: restore(r, given, asked, r.integer(n), descending))


class _RowSort:
    """The bodies of the functions that sort a row; each reads or writes `row`."""

    def __init__(self, r: Any, row: Row, columns: Any, n: int, descending: bool) -> None:
        self.r, self.row = r, row
        self.n, self.descending = n, descending
        self.dtype = row.dtype
        self.keys = key_dtype(self.dtype)
        self.width, self.length = _layout(self.dtype, n)
        self.columns = Columns(r, self.keys, self.width, [columns])
        self.b = self.columns.b

    def sort_columns(self) -> Any:
        """Read the row and sort the columns. True if `restore` has something to put back."""
        flag = self._read()
        self._sort_columns()
        return self.r.b.constant(BOOL, False) if flag is None else flag.value

    def merge_lanes(self, ordered: Any) -> None:
        """Merge the columns, and write the row; `ordered` has room for its keys."""
        lanes = 1
        while lanes < self.width:
            self._merge(lanes)
            lanes *= 2
        self._write(Row(self.r, self.keys, ordered))

    def _read(self) -> Flag | None:
        """Keys to the columns, in any order; the last keys behind them."""
        r, width = self.r, self.width
        flag = Flag(r) if self.dtype.kind == "f" else None
        whole, rest = divmod(self.n, width)

        def take(b: Any, i: Any) -> Any:
            x = self.row.load(b, i)
            if flag is not None:
                flag.join(b.reduce_or(is_ambiguous(b, x)))
            return encode(b, x, self.descending)

        def put(j: Any, keys: Any) -> None:
            self.columns.store(self.columns.at(j), [keys])

        r.loop(whole, lambda j: put(j, take(self.b, affine(r, 0, (j, width)))))
        ones = self.b.constant(self.keys, last_key(self.keys))
        r.loop(self.length, lambda j: put(j, ones), start=whole)
        keys = self.columns.parts[0]
        first = whole * width
        r.loop(first + rest, lambda i: keys.store(r.b, i, take(r.b, i)), start=first)
        return flag

    def _sort_columns(self) -> None:
        """Blocks of each column in registers, then sorted runs by pairs."""
        r, b, length = self.r, self.r.builder, self.length

        def block(number: Any) -> None:
            first = affine(r, 0, (number, BLOCK))
            self.columns.in_registers(first, BLOCK, comparisons(BLOCK))

        r.loop(length // BLOCK, block)
        if length == BLOCK:
            return
        run = Counter(r, r.integer(BLOCK))

        def double() -> None:
            one = run.value
            both, mask = b.shl(one, r.integer(1)), b.neg(one)

            def pair(t: Any) -> None:
                """The keys of a run against those of the next one from its end."""
                i = b.add(t, b.and_(t, mask))
                self.columns.compare(i, b.xor(i, b.sub(both, r.integer(1))))

            r.loop(length // 2, pair)
            self._sort_bitonic(b.lshr(one, r.integer(1)))
            run.set(both)

        r.loop_while(lambda: b.icmp_signed("<", run.value, r.integer(length)), double)

    def _sort_bitonic(self, apart: Any) -> None:
        """Sort the bitonic runs of length 2 `apart` of all columns."""
        length = self.length
        name = f"jitad.row.bitonic.{self.keys.name}.{self.width}.{length}"

        def build(inner: Any, keys: Any, apart: Any) -> None:
            _sort_bitonic(inner, Columns(inner, self.keys, self.width, [keys]), length, apart)

        self.r.call_inner(name, build, self.columns.parts[0].pointer, apart)

    def _merge(self, lanes: int) -> None:
        """Merge sequences of `lanes` lanes in pairs."""
        r, b, length = self.r, self.r.builder, self.length

        def turn(j: Any) -> None:
            """Keys j of one sequence meet keys j from the end of the other."""
            first, last = (self.columns.at(k) for k in (j, b.sub(r.integer(length - 1), j)))
            pair = self._mirrored(self.columns.load(first)[0], self.columns.load(last)[0], lanes)
            distance = lanes // 2
            while distance:
                pair = self._apart(pair, distance)
                distance //= 2
            x, y = pair.taken(self.b, range(2 * self.width))
            self.columns.store(first, [x])
            self.columns.store(last, [y])

        r.loop(length // 2, turn)
        self._sort_bitonic(r.integer(length // 2))

    def _mirrored(self, x: Any, y: Any, lanes: int) -> _Pair:
        """Lane l of x against lane l ^ (2 lanes - 1) of y: the lesser goes to the lane, of the two,
        that does not have the bit `lanes`."""
        b, width = self.b, self.width
        order = [lane ^ (2 * lanes - 1) for lane in range(width)]
        other = b.shuffle(y, order)
        of_x = [lane + width * bool(lane & lanes) for lane in range(width)]
        of_y = [lane + width * (not lane & lanes) for lane in order]
        return _Pair(b.min(x, other), b.max(x, other), of_x + of_y)

    def _apart(self, pair: _Pair, distance: int) -> _Pair:
        """Lanes `distance` apart, of x and of y: the lesser goes to the first of them."""
        firsts = [lane for lane in range(2 * self.width) if not lane & distance]
        one, other = pair.taken(self.b, [*firsts, *[lane + distance for lane in firsts]])
        # Where lanes of x and y are found in the lesser and the greater ones.
        where = [
            firsts.index(lane & ~distance) + self.width * bool(lane & distance)
            for lane in range(2 * self.width)
        ]
        return _Pair(self.b.min(one, other), self.b.max(one, other), where)

    def _write(self, ordered: Row) -> None:
        """The columns one behind the other, transposed in squares, and of these the row."""
        r, width, length = self.r, self.width, self.length

        def square(number: Any) -> None:
            first = affine(r, 0, (number, width))
            place, start = self.columns.at(first), ordered.at(first)
            rows = transpose(self.b, [self.columns.load(place, k)[0] for k in range(width)])
            for lane, row in enumerate(rows):
                self.b.store(behind(r, start, lane * length * self.keys.itemsize), row)

        def write(e: Any, first: Any) -> None:
            keys = ordered.load(e, first)
            self.row.store(e, first, decode(e, keys, self.dtype, self.descending))

        r.loop(length // width, square)
        overlapping(r, self.n, width, write)


class _Pair(NamedTuple):
    """The lanes of two vectors x and y, in any order: lane l of both, one behind the other, is lane
    `where[l]` of `low` and `high`. So lanes are moved once from one comparison to the next."""

    low: Any
    high: Any
    where: Sequence[int]

    def taken(self, b: Any, lanes: Sequence[int]) -> list[Any]:
        """Two vectors of these lanes of x and y."""
        half = len(lanes) // 2
        return [
            b.shuffle(self.low, [self.where[lane] for lane in some], self.high)
            for some in (lanes[:half], lanes[half:])
        ]


def _sort_bitonic(r: Any, columns: Columns, length: int, first: Any) -> None:
    """Sort bitonic runs of columns: by comparisons `first` apart, half of that ... down to BLOCK,
    then within blocks."""
    b = r.builder
    apart = Counter(r, first)

    def step() -> None:
        distance = apart.value
        mask = b.neg(distance)

        def pair(t: Any) -> None:
            i = b.add(t, b.and_(t, mask))
            columns.compare(i, b.add(i, distance))

        r.loop(length // 2, pair)
        apart.set(b.lshr(distance, r.integer(1)))

    r.loop_while(lambda: b.icmp_signed(">=", apart.value, r.integer(BLOCK)), step)
    r.loop(
        length // BLOCK,
        lambda g: columns.in_registers(affine(r, 0, (g, BLOCK)), BLOCK, _bitonic(BLOCK)),
    )


def _bitonic(n: int) -> Iterator[tuple[int, int]]:
    """The comparisons that sort n bitonic keys, a power of two."""
    apart = n // 2
    while apart:
        for i in range(n):
            if not i & apart:
                yield i, i + apart
        apart //= 2
