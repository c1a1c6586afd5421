"""Columns of keys, one in each lane of vectors in memory, sorted by a network of comparisons that
is the same for all of them and has no branches.

K. E. Batcher's odd-even merge sort: runs of p sorted keys are merged in pairs by comparing keys p
apart, then p/2 within the rest, p/4 ... A comparison of keys i < j puts the lesser first. About
n log2(n)**2 / 4 of them, two instructions each for a vector of columns. To be stable, an index
goes along with each key and decides between equal ones.

D. E. Knuth, The Art of Computer Programming, volume 3, 1998, 5.3.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..types import DType
from .sort_keys import Counter, Row
from .vector_loops import affine, behind

BLOCK = 8
"""Keys that are sorted in registers, before longer runs are merged in memory."""


def block_size(n: int, parts: int) -> int:
    """Slots that are sorted in registers before runs are merged in memory, for columns of n keys
    (and indices)."""
    return 2 * BLOCK if n > 6 * BLOCK and n % (2 * BLOCK) == 0 and parts == 1 else BLOCK


Slot = list[Any]
"""Lanes of a key, or two that decide one after the other, and of the index if there is one; or
addresses of these."""


class Columns:
    """`width` columns side by side: slot j holds element j of each. `pointers` lead to the parts of
    the slots, all of one dtype."""

    def __init__(self, r: Any, keys: DType, width: int, pointers: Sequence[Any]) -> None:
        self.r, self.keys, self.width = r, keys, width
        self.b = r.simd(width)
        self.parts = [Row(r, keys, pointer) for pointer in pointers]

    def at(self, j: Any) -> Slot:
        """Addresses of slot j, an i64, in each part."""
        return [part.at(affine(self.r, 0, (j, self.width))) for part in self.parts]

    def load(self, place: Slot, number: int = 0) -> Slot:
        """The slot `number` slots behind these addresses."""
        return [self.b.load(at, self.keys) for at in self._behind(place, number)]

    def store(self, place: Slot, slot: Slot, number: int = 0) -> None:
        """Write the slot `number` slots behind these addresses."""
        for at, lanes in zip(self._behind(place, number), slot, strict=True):
            self.b.store(at, lanes)

    def _behind(self, place: Slot, number: int) -> Slot:
        nbytes = number * self.width * self.keys.itemsize
        return [behind(self.r, at, nbytes) for at in place]

    def ordered(self, x: Slot, y: Slot) -> tuple[Slot, Slot]:
        """The lesser ones and the greater ones."""
        b = self.b
        if len(x) == 1:
            return [b.min(x[0], y[0])], [b.max(x[0], y[0])]
        pairs = list(zip(x, y, strict=True))
        swapped = b.lt(y[-1], x[-1])
        for p, q in reversed(pairs[:-1]):
            swapped = b.bitwise_or(b.lt(q, p), b.bitwise_and(b.eq(p, q), swapped))
        low = [b.select(swapped, q, p) for p, q in pairs]
        return low, [b.select(swapped, p, q) for p, q in pairs]

    def compare(self, i: Any, j: Any) -> None:
        """Put the lesser of slots i < j into i, the greater into j."""
        first, second = self.at(i), self.at(j)
        low, high = self.ordered(self.load(first), self.load(second))
        self.store(first, low)
        self.store(second, high)

    def in_registers(self, first: Any, size: int, pairs: Iterator[tuple[int, int]]) -> None:
        """Comparisons within the block of slots from `first` on."""
        start = self.at(first)
        places = [self._behind(start, k) for k in range(size)]
        slots = [self.load(place) for place in places]
        for i, j in pairs:
            slots[i], slots[j] = self.ordered(slots[i], slots[j])
        for place, slot in zip(places, slots, strict=True):
            self.store(place, slot)

    def sort(self, n: int) -> None:
        """Sort the columns, of a length that is a multiple of BLOCK."""
        r, b = self.r, self.r.builder
        one = r.integer(1)
        size = block_size(n, len(self.parts))

        def block(number: Any) -> None:
            self.in_registers(affine(r, 0, (number, size)), size, comparisons(size))

        r.loop(n // size, block)
        if n == size:
            return
        run, apart = Counter(r, r.integer(size)), Counter(r, r.integer(0))

        def step() -> None:
            """The comparisons of keys `apart` in all pairs of runs."""
            distance, length = apart.value, run.value
            both = b.shl(length, one)
            is_first = b.icmp_signed("==", distance, length)
            skipped = b.select(is_first, r.integer(0), distance)
            mask = b.neg(distance)

            def pair(base: Any, t: Any) -> None:
                # Groups of `apart` keys are compared with the next one, from the second group on.
                i = b.add(b.add(base, t), b.and_(t, mask))
                j = b.add(i, distance)
                r.when(b.icmp_signed("<", j, r.integer(n)), lambda: self.compare(i, j))

            def pairs(number: Any) -> None:
                base = b.add(b.mul(number, both), skipped)
                r.loop(b.sub(length, skipped), lambda t: pair(base, t))

            r.loop(b.udiv(b.add(r.integer(n - 1), both), both), pairs)
            apart.set(b.lshr(distance, one))

        def merge() -> None:
            apart.set(run.value)
            r.loop_while(lambda: b.icmp_signed(">", apart.value, r.integer(0)), step)
            run.set(b.shl(run.value, one))

        r.loop_while(lambda: b.icmp_signed("<", run.value, r.integer(n)), merge)


def comparisons(n: int) -> Iterator[tuple[int, int]]:
    """The comparisons that sort n keys, a power of two, by odd-even merging."""
    run = 1
    while run < n:
        apart = run
        while apart:
            skipped = apart if apart < run else 0
            for base in range(0, n, 2 * run):
                for t in range(run - skipped):
                    i = base + skipped + t + (t & -apart)
                    yield i, i + apart
            apart //= 2
        run *= 2
