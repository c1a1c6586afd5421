"""Where rows are true: the first so many places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..lowering import Routine
from ..op import NO_TANGENT, NONLINEAR, Draw, Op, Sample
from ..processor import compresses
from ..types import BOOL, INT64, ArrayType, TypeMismatch
from .sort_keys import Counter, Row
from .sort_sharing import parts_of, share_rows
from .vector_loops import affine, stretch, vector_width

BLOCK = 64
"""Elements that are looked at together; where none is true, no place is written."""

STEP = 8
"""Elements of a block whose places are written in straight-line code."""

FEW = 12
"""True elements of a block that are sought bit by bit, at most."""

SEEN = 0.6
"""Nanoseconds of an element that goes by."""


def _infer_true_places(x: ArrayType, *, length: int, fill: int) -> ArrayType:
    if x.dtype != BOOL or x.ndim == 0 or length < 0:
        raise TypeMismatch(
            "true_places: expected bool with one axis at least, and a length of 0 or more; got "
            f"{x!r} and {length}"
        )
    if not -(2**63) <= fill < 2**63:
        raise TypeMismatch(f"true_places: expected a fill that is an int64; got {fill}")
    return ArrayType(INT64, (*x.shape[:-1], length))


def _evaluate_true_places(x: Any, *, length: int, fill: int) -> Any:
    out = np.full((*x.shape[:-1], length), fill, np.int64)
    for index in np.ndindex(*x.shape[:-1]):
        found = np.flatnonzero(x[index])[:length]
        out[index][: len(found)] = found
    return out


def _parts_true_places(x: ArrayType, *, length: int, fill: int) -> int:
    """How many parts threads share: of the rows."""
    return parts_of(math.prod(x.shape[:-1]), x.size * SEEN, 0)


def _emit_true_places(r: Any, x: Any, results: Any, *, length: int, fill: int) -> None:
    (out,) = results
    if out.type.size == 0:
        return
    count, n = math.prod(x.type.shape[:-1]), x.type.shape[-1]

    def build(inner: Any, *parameters: Any) -> None:
        _Places(inner, *parameters).emit()

    def row(r: Any, buffers: Sequence[Any], number: Any) -> None:
        mask, places = (
            Row(r, buffer.type.dtype, buffer.pointer).at(affine(r, 0, (number, each)))
            for buffer, each in zip(buffers, (n, length), strict=True)
        )
        lengths = (r.integer(n), r.integer(length), r.integer(fill))
        r.call_inner("jitad.true_places", build, mask, places, *lengths)

    parts = _parts_true_places(x.type, length=length, fill=fill)
    share_rows(r, count, parts, 0, (x, out), row)


class _Places:
    """The body of the function for a row of n elements, and the `size` first places."""

    def __init__(self, r: Any, mask: Any, places: Any, n: Any, size: Any, fill: Any) -> None:
        self.r, self.b = r, r.builder
        self.mask, self.places = Row(r, BOOL, mask), Row(r, INT64, places)
        self.n, self.size, self.fill = n, size, fill
        self.found, self.next = Counter(r, r.integer(0)), Counter(r, r.integer(0))

    def emit(self) -> None:
        """Whole blocks, what is left, and what is missing."""
        r, b = self.r, self.b
        last = b.sub(self.n, r.integer(BLOCK))

        def more() -> Any:
            some = b.icmp_signed("<=", self.next.value, last)
            return b.and_(some, b.icmp_signed("<", self.found.value, self.size))

        def block() -> None:
            first, e = self.next.value, r.simd(BLOCK)
            true, behind = self.mask.load(e, first), b.add(first, r.integer(BLOCK))
            r.when(e.reduce_or(true), lambda: self._block(first, behind, e.bits(true)))
            self.next.set(behind)

        r.loop_while(more, block)
        self._one_by_one(self.n)
        missing = r.number(self.fill)

        def fill(e: Any, i: Any) -> None:
            self.places.store(e, i, e.splat(missing))

        stretch(r, self.found.value, self.size, vector_width(INT64), fill)

    def _block(self, first: Any, behind: Any, bits: Any) -> None:
        """The places of a block, which are the `bits`, if there is room for all it may have."""
        r, b = self.r, self.b
        room = b.icmp_signed(">=", b.sub(self.size, self.found.value), r.integer(BLOCK))
        count = r.b.population_count(r.number(bits)).value
        brings_together = compresses(STEP * INT64.itemsize, INT64)
        few = b.icmp_signed("<=", count, r.integer(FEW // 2 if brings_together else FEW))

        def all_of_them() -> None:
            step = self._by_vector if brings_together else self._one_step
            r.loop(BLOCK // STEP, lambda number: step(affine(r, first, (number, STEP))))

        def at_once() -> None:
            r.when(few, lambda: self._by_bits(first, bits), all_of_them)

        r.when(room, at_once, lambda: self._one_by_one(behind))

    def _by_bits(self, first: Any, bits: Any) -> None:
        r, b = self.r, self.b
        left = Counter(r, bits)

        def take() -> None:
            place = b.add(first, b.cttz(left.value, r.b.constant(BOOL, True).value))
            self.places.store(r.b, self.found.value, r.number(place))
            self.found.add(r.integer(1))
            left.set(b.and_(left.value, b.sub(left.value, r.integer(1))))

        r.loop_while(lambda: b.icmp_signed("!=", left.value, r.integer(0)), take)

    def _by_vector(self, start: Any) -> None:
        """Bring the places in a vector together."""
        e = self.r.simd(STEP)
        place, true = self.places.at(self.found.value), self.mask.load(e, start)
        self.found.add(e.store_chosen(place, e.iota(start, INT64), true))

    def _one_step(self, start: Any) -> None:
        """Write a place in any case: the next one overwrites it, unless it counts."""
        for k in range(STEP):
            self._put(affine(self.r, start, (k, 1)))

    def _one_by_one(self, end: Any) -> None:
        """From the next one on, while there is room."""
        r, b = self.r, self.b

        def more() -> Any:
            some = b.icmp_signed("<", self.next.value, end)
            return b.and_(some, b.icmp_signed("<", self.found.value, self.size))

        def visit() -> None:
            self._put(self.next.value)
            self.next.add(r.integer(1))

        r.loop_while(more, visit)

    def _put(self, i: Any) -> None:
        r = self.r
        self.places.store(r.b, self.found.value, r.number(i))
        true = self.mask.load(r.b, i).value
        self.found.add(self.b.zext(true, self.n.type))


def _sample(shape: tuple[int, ...], length: int, period: int = 3) -> Sample:
    values = tuple(float(i % period == 1) for i in range(math.prod(shape)))
    x = Draw(shape, dtype="bool", values=values)
    return Sample((x,), {"length": length, "fill": -1}, smooth=False)


true_places = Op(
    name="true_places",
    doc="The first `length` indices along the last axis where x (bool) is true, as int64; `fill` "
    "stands for those missing.",
    infer=_infer_true_places,
    evaluate=_evaluate_true_places,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=lambda size, batched, x, **params: true_places(x, **params),
    lower=Routine(_emit_true_places, parts=_parts_true_places),
    samples=(
        _sample((7,), 2),
        _sample((7,), 5),
        _sample((4, 9), 3),
        _sample((0,), 3),
        _sample((3, 0), 2),
        _sample((6,), 0),
        _sample((300,), 300, 2),
        _sample((300,), 70, 2),
        _sample((2, 200), 20, 90),
        _sample((200,), 200, 1000),
    ),
)
