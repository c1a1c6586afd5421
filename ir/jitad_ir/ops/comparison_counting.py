"""How native code finds the order of a short row: the place of an element is the number of those
before it, which are counted by comparing each with all others.

Vectors of keys are compared with one key after the other. There are few instructions and no jumps
on what is compared, so that up to some hundred elements n^2 comparisons are less than those of
merging take.

D. E. Knuth, The Art of Computer Programming, volume 3, 1998, 5.2, algorithm C.
"""

from __future__ import annotations

from typing import Any

from ..types import INT64, DType, short_name
from .lapack import Workspace
from .sort_keys import Row, encode, key_dtype, last_key
from .vector_loops import affine, stretch

LANES = 8
"""Keys that are compared at once; they are counted in as many i64."""


class Space:
    """Scratch memory: the keys, and the number of those before each, in whole vectors."""

    def __init__(self, work: Workspace, dtype: DType, n: int) -> None:
        whole = -(-n // LANES) * LANES
        self.keys, self.places = work.array(key_dtype(dtype), whole), work.array(INT64, whole)


def order_row(r: Any, space: Space, source: Row, target: Row, descending: bool, n: int) -> None:
    """The order (int64) of n elements of a real dtype; of equal ones the first leads."""
    dtype = source.dtype

    def build(r: Any, given: Any, asked: Any, keys: Any, places: Any) -> None:
        rows = Row(r, dtype, given), Row(r, INT64, asked)
        scratch = Row(r, key_dtype(dtype), keys), Row(r, INT64, places)
        _Counting(r, *rows, *scratch, descending, n).emit()

    name = f"jitad.counting.{short_name(dtype)}.{n}.{'descending' if descending else 'ascending'}"
    scratch = space.keys.pointer, space.places.pointer
    r.call_inner(name, build, source.pointer, target.pointer, *scratch, apart=True)


class _Counting:
    """The body of the function."""

    def __init__(
        self, r: Any, source: Row, target: Row, keys: Row, places: Row, descending: bool, n: int
    ) -> None:
        self.r, self.source, self.target = r, source, target
        self.keys, self.places = keys, places
        self.descending, self.n = descending, n
        self.whole = -(-n // LANES) * LANES
        self.e = r.simd(LANES)

    def emit(self) -> None:
        """The keys, the counts of one vector after the other, the order."""
        r, n = self.r, self.n

        def put(e: Any, i: Any) -> None:
            self.keys.store(e, i, encode(e, self.source.load(e, i), self.descending))

        def move(i: Any) -> None:
            place = self.places.load(r.b, i).value
            self.target.store(r.b, place, r.number(i))

        last = r.b.constant(self.keys.dtype, last_key(self.keys.dtype))
        stretch(r, r.integer(0), r.integer(n), LANES, put)
        r.loop(self.whole, lambda i: self.keys.store(r.b, i, last), start=n)
        r.loop(self.whole // LANES, self._count)
        r.loop(n, move)

    def _count(self, number: Any) -> None:
        """Those before the elements of a vector: in front of it keys that are not greater, behind
        it lesser ones, and in it by lanes."""
        r, e = self.r, self.e
        first = affine(r, 0, (number, LANES))
        keys = self.keys.load(e, first)
        counts = [r.local(INT64, LANES) for _ in range(2)]  # so that sums wait half as often
        for slot in counts:
            e.store(slot, e.constant(INT64, 0))

        def add(slot: Any, before: Any) -> None:
            held = e.load(slot, INT64)
            e.store(slot, e.select(before, e.add(held, e.constant(INT64, 1)), held))

        def other(i: Any, lane: int) -> Any:
            return e.splat(self.keys.load(r.b, affine(r, 0, (i, LANES), (lane, 1))))

        def compare(relation: Any, i: Any) -> None:
            """The keys of another vector, one by one."""
            for lane in range(LANES):
                add(counts[lane % 2], relation(other(i, lane), keys))

        def compare_own(lane: Any) -> None:
            key = e.splat(self.keys.load(r.b, r.builder.add(first, lane)))
            later = e.gt(e.iota(r.integer(0), INT64), e.splat(r.number(lane)))
            same = e.bitwise_and(e.eq(key, keys), later)
            add(counts[0], e.bitwise_or(e.lt(key, keys), same))

        vectors = self.whole // LANES
        r.loop(number, lambda i: compare(e.le, i))
        r.loop(LANES, compare_own)
        r.loop(vectors, lambda i: compare(e.lt, i), start=r.builder.add(number, r.integer(1)))
        total = e.add(*[e.load(slot, INT64) for slot in counts])
        self.places.store(e, first, total)
