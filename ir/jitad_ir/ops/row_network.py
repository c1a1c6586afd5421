"""How native code sorts a row of some hundred keys alone: as columns, one in each lane, which are
then merged in pairs, in pairs of pairs ... until the lanes are one sorted sequence, lane by lane.

Two sorted columns are merged by comparing the first key of one with the last of the other, and so
on, which leaves the lesser half in one and the greater in the other, both bitonic; these are
sorted by comparing keys half their length apart, then a quarter, ... (K. E. Batcher, "Sorting
networks and their applications", 1968).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..types import ArrayType, DType, short_name
from .columns import BLOCK, Columns, Slot
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
from .vector_loops import affine, transpose

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


def _space(work: Workspace, dtype: DType, n: int) -> tuple[Any, Any]:
    """The columns, and the row in order."""
    width, length = _layout(dtype, n)
    return work.array(key_dtype(dtype), width * length), work.array(dtype, width * length)


def workspace_row(work: Workspace, dtype: DType, n: int) -> None:
    """Count the scratch memory."""
    _space(work, dtype, n)


def sort_row(
    r: Any,
    work: Workspace,
    source: Any,
    target: Any,
    dtype: DType,
    stride: int,
    n: int,
    descending: bool,
) -> None:
    """Sort one row of n keys, `stride` elements apart, from `source` on to `target` on."""
    space = [part.pointer for part in _space(work, dtype, n)]
    direction = "descending" if descending else "ascending"

    def build(inner: Any, given: Any, asked: Any, columns: Any, ordered: Any) -> None:
        rows = [Row(inner, dtype, p, stride) for p in (given, asked)]
        _RowSort(inner, rows[0], rows[1], columns, ordered, n, descending).emit()

    name = f"jitad.row.{short_name(dtype)}.{n}.{stride}.{direction}"
    r.call_inner(name, build, source, target, *space)


class _RowSort:
    """The body of the function that sorts a row."""

    def __init__(
        self,
        r: Any,
        source: Row,
        target: Row,
        columns: Any,
        ordered: Any,
        n: int,
        descending: bool,
    ) -> None:
        self.r, self.source, self.target = r, source, target
        self.n, self.descending = n, descending
        self.dtype = source.dtype
        self.keys = key_dtype(self.dtype)
        self.width, self.length = _layout(self.dtype, n)
        self.columns = Columns(r, self.keys, self.width, [columns])
        self.ordered = Row(r, self.dtype, ordered)
        self.b = self.columns.b

    def emit(self) -> None:
        """Read, sort columns, merge lanes, write."""
        flag = self._read()
        self.columns.sort(self.length)
        lanes = 1
        while lanes < self.width:
            self._merge(lanes)
            lanes *= 2
        self._write()
        if flag is not None:
            r = self.r
            row = (self.source, self.target, r.integer(self.n), self.descending)
            r.when(flag.value, lambda: restore(r, *row))

    def _read(self) -> Flag | None:
        """Keys to the columns, in any order; the last keys behind them."""
        r, width = self.r, self.width
        flag = Flag(r) if self.dtype.kind == "f" else None
        whole, rest = divmod(self.n, width)

        def take(b: Any, i: Any) -> Any:
            x = self.source.load(b, i)
            if flag is not None:
                flag.join(b.reduce_or(is_ambiguous(b, x)))
            return encode(b, x, self.descending)

        r.loop(whole, lambda j: self.columns.store(j, [take(self.b, affine(r, 0, (j, width)))]))
        ones = self.b.constant(self.keys, last_key(self.keys))
        r.loop(self.length, lambda j: self.columns.store(j, [ones]), start=whole)
        keys = self.columns.parts[0]
        first = whole * width
        r.loop(first + rest, lambda i: keys.store(r.b, i, take(r.b, i)), start=first)
        return flag

    def _merge(self, lanes: int) -> None:
        """Merge sequences of `lanes` lanes in pairs."""
        r, b, length = self.r, self.r.builder, self.length

        def turn(j: Any) -> None:
            """Keys j of one sequence meet keys j from the end of the other."""
            there = b.sub(r.integer(length - 1), j)
            x, y = self.columns.load(j)[0], self.columns.load(there)[0]
            mirror = 2 * lanes - 1
            new_x, new_y = self._across(x, y, mirror, lanes), self._across(y, x, mirror, lanes)
            distance = lanes // 2
            while distance:
                new_x = self._across(new_x, new_x, distance, distance)
                new_y = self._across(new_y, new_y, distance, distance)
                distance //= 2
            self.columns.store(j, [new_x])
            self.columns.store(there, [new_y])

        r.loop(length // 2, turn)
        name = f"jitad.row.bitonic.{self.keys.name}.{self.width}.{length}"

        def build(inner: Any, keys: Any) -> None:
            _sort_bitonic(inner, Columns(inner, self.keys, self.width, [keys]), length)

        r.call_inner(name, build, self.columns.parts[0].pointer)

    def _across(self, x: Any, y: Any, flip: int, bit: int) -> Any:
        """Lane l of x against lane l ^ flip of y: the lesser where l does not have the bit."""
        b = self.b
        other = b.shuffle(y, [lane ^ flip for lane in range(self.width)])
        low, high = b.min(x, other), b.max(x, other)
        return b.blend(low, high, [bool(lane & bit) for lane in range(self.width)])

    def _write(self) -> None:
        """The columns one behind the other, transposed in squares, and of these the row."""
        r, width, length = self.r, self.width, self.length

        def square(number: Any) -> None:
            first = affine(r, 0, (number, width))
            slots: list[Slot] = [self.columns.load(affine(r, k, (first, 1))) for k in range(width)]
            rows = transpose(self.b, [slot[0] for slot in slots])
            for lane, row in enumerate(rows):
                numbers = decode(self.b, row, self.dtype, self.descending)
                self.ordered.store(self.b, affine(r, lane * length, (first, 1)), numbers)

        r.loop(length // width, square)
        if self.target.stride == 1:
            part = ArrayType(self.dtype, (self.n,))
            r.copy(r.buffer(part, self.target.pointer), r.buffer(part, self.ordered.pointer))
        else:
            r.loop(self.n, lambda i: self.target.store(r.b, i, self.ordered.load(r.b, i)))


def _sort_bitonic(r: Any, columns: Columns, length: int) -> None:
    """Sort bitonic columns: by comparisons length / 2 apart, length / 4 ... down to BLOCK, then
    within blocks."""
    b = r.builder
    apart = Counter(r, r.integer(length // 2))

    def step() -> None:
        distance = apart.value
        mask = b.neg(distance)

        def pair(t: Any) -> None:
            i = b.add(t, b.and_(t, mask))
            columns.compare(i, b.add(i, distance))

        r.loop(length // 2, pair)
        apart.set(b.lshr(distance, r.integer(1)))

    if length > BLOCK:
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
