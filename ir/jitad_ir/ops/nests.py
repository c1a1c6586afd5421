"""Sums of products as nests of loops: which axis goes to SIMD lanes, which to rows of registers.

    out[p] = sum_q x[p, q] w[p, q]

for indices p along the out axes and q along the summed ones. Each axis moves each array by a fixed
stride, or not at all. A *tile* is a block of `rows` x `vectors` registers of results: `vectors`
vectors along the axis of lanes, for each of `rows` places of another axis. One step of the sum
loads what the tile needs of x and w, and adds rows * vectors products.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..types import DType
from .nest_costs import PAGE, Reads, cycles, in_pieces, is_sparse, tiles
from .vector_loops import vector_width

NEAR = 2**18
"""Bytes that stay in the second level of cache while a sum runs."""

ONCE = 64
"""Lanes of x that are in the cache at one time, if each is read once."""

ENOUGH = 8
"""Steps of a loop that are enough for threads to share it."""

SHORTEST_SUM = 16
"""Steps of the inner sum below which no part of it is taken out."""


class Axis(NamedTuple):
    """One loop: its length, and by how many elements a step moves each of the arrays."""

    length: int
    x: int
    w: int
    out: int

    @property
    def summed(self) -> bool:
        """Whether the result does not move."""
        return self.out == 0


UNIT = Axis(1, 0, 0, 0)
"""The axis of a single step."""


@dataclass(frozen=True, slots=True)
class Nest:
    """Loops from the outermost: `outer`, `blocks` (sums in between, added up in memory), `inner`,
    lanes, rows, and `sums` within the tile."""

    outer: tuple[Axis, ...]
    blocks: tuple[Axis, ...]
    inner: tuple[Axis, ...]
    lane: Axis
    row: Axis
    sums: tuple[Axis, ...]
    width: int
    vectors: int
    rows: int
    panels: bool
    """Whether w is copied to panels: what a tile reads of it lies side by side, in the order in
    which it is read. See `in_panels`."""
    cycles: float
    """Estimated time, in cycles."""

    @property
    def steps(self) -> int:
        """Products that a tile adds up to an element."""
        return math.prod([axis.length for axis in self.sums])

    @property
    def lanes_first(self) -> bool:
        """Whether tiles follow each other along the lanes, and then along the rows; else the other
        way round."""
        return _are_lanes_first(self.lane, self.row, self.blocks, self.panels)

    @property
    def shared(self) -> tuple[Axis, int]:
        """The loop that threads share, and its steps: the outermost that has enough of them, else
        that with most."""
        step = self.vectors * self.width
        found = [(axis, axis.length) for axis in (*self.outer, *self.inner)]
        found.append((self.lane, -(-self.lane.length // step)))
        found.append((self.row, -(-self.row.length // self.rows)))
        return next((one for one in found if one[1] >= ENOUGH), max(found, key=lambda one: one[1]))


class Loops(NamedTuple):
    """The loops around a tile whose lanes and rows lie along two axes."""

    outer: tuple[Axis, ...]
    blocks: tuple[Axis, ...]
    inner: tuple[Axis, ...]
    sums: tuple[Axis, ...]

    @property
    def rounds(self) -> int:
        """How many times the loops around the sums run."""
        return math.prod([axis.length for axis in (*self.outer, *self.blocks, *self.inner)])


def plan_nest(axes: Sequence[Axis], dtype: DType, lane: int, *, panels: bool = False) -> Nest:
    """The fastest nest whose lanes lie along out axis number `lane` (-1: scalars only), and along
    those before it that it continues."""
    out_axes = [axis for axis in axes if not axis.summed]
    *before, along = merged(out_axes[: lane + 1]) if lane >= 0 else [UNIT]
    others = [*before, *out_axes[lane + 1 :]]
    sums = [axis for axis in axes if axis.summed]
    width = min(vector_width(dtype), 2 ** (along.length.bit_length() - 1))
    best: Nest | None = None
    for i, row in enumerate([UNIT, *others]):
        rest = [axis for j, axis in enumerate(others) if j != i - 1]
        loops = _loops(along, row, rest, sums, dtype)
        steps, rounds = math.prod([axis.length for axis in loops.sums]), loops.rounds
        inner = loops.sums[-1] if loops.sums else UNIT
        x = Reads(along.x, row.x, inner.x, inner.length)
        w = Reads(along.w, row.w, inner.w, inner.length)
        sparse = not panels and is_sparse(w, steps, dtype.itemsize)
        for tile in tiles(row.length, along.length, width, 2 if dtype.kind == "c" else 1):
            rows, vectors, _ = tile
            lanes = vectors * width
            high, wide = in_pieces(row.length, along.length, tile)
            if not loops.blocks:  # then tiles of one size reach back (see `nest_loops`)
                high = -(-row.length // rows)
                wide = wide if panels else -(-along.length // lanes)
            read = Reads(1, row.w, lanes, inner.length) if panels else w
            first = _are_lanes_first(along, row, loops.blocks, panels)
            cost = cycles(tile, x, read, (high, wide), steps, dtype.itemsize, sparse, first)
            far = 8 if along.out > PAGE else 4
            stores = rows * vectors * (1 if along.out == 1 else far * width)
            stores *= 2 if row.out > PAGE else 1
            cost = rounds * high * wide * (cost + stores * (2 if loops.blocks else 1))
            if best is None or cost < best.cycles:
                around = loops.outer, loops.blocks, loops.inner, along, row, loops.sums
                best = Nest(*around, width, vectors, rows, panels, cost)
    assert best is not None
    return best


def _are_lanes_first(lane: Axis, row: Axis, blocks: Sequence[Axis], panels: bool) -> bool:
    """Where both move x, it is read as it lies; else all rows share what is read of w."""
    return lane.x > 0 and row.x > 0 and not (blocks or panels)


def _loops(
    lane: Axis, row: Axis, rest: Sequence[Axis], sums: Sequence[Axis], dtype: DType
) -> Loops:
    """Loops by the distance that they move, the longest outside; and sums in blocks, where what one
    tile reads would push the neighbour's data out of the cache."""
    ordered = merged(sorted(sums, key=lambda axis: (-axis.x, -axis.w)))
    loops = sorted(rest, key=lambda axis: -axis.out)
    if lane.x and not lane.w and all(axis.x for axis in rest):
        lane = lane._replace(length=min(lane.length, ONCE))  # no loop comes back to them
    blocks: list[Axis] = []
    while ordered and _reach((lane, row, *ordered)) * dtype.itemsize > NEAR:
        axis, *within = ordered
        if not axis.x:
            break  # what moves the kernel alone is not worth passing over the results
        each = math.prod([inner.length for inner in within])
        least = -(-SHORTEST_SUM // each)
        size = _part(axis.length, least, _fitting((lane, row, *within), dtype))
        if size == axis.length:
            break
        blocks.append(axis._replace(length=axis.length // size, x=axis.x * size, w=axis.w * size))
        ordered = [axis._replace(length=size), *within] if size > 1 else within
        if size > 1:
            break
    # Loops over parts of x that no sum shares stay outside of the blocks.
    extent = 1 + sum([(axis.length - 1) * axis.x for axis in sums])
    shared = [i for i, axis in enumerate(loops) if axis.x < extent]
    outside = shared[0] if blocks and shared else len(loops)
    return Loops(tuple(loops[:outside]), tuple(blocks), tuple(loops[outside:]), tuple(ordered))


def in_panels(nest: Nest) -> tuple[Nest, int]:
    """The nest with the strides of w in panels, and the number of elements of all of them.

    The lanes fall into pieces. From the slowest, the order is: what else moves w, blocks of sums,
    pieces; and in a piece, the steps of the sum, and its lanes. So the piece that starts at lane l
    lies l * steps behind the first, and `panel_sums` depend on its width.
    """
    size = nest.lane.length * nest.steps
    moved: dict[str, tuple[Axis, ...]] = {}
    for name in ("blocks", "inner", "outer"):
        found: list[Axis] = []
        for axis in reversed(getattr(nest, name)):
            found.append(axis._replace(w=size) if axis.w else axis)
            size *= axis.length if axis.w else 1
        moved[name] = tuple(reversed(found))
    row = nest.row
    if row.w:
        row = row._replace(w=size)
        size *= row.length
    lane = nest.lane._replace(w=nest.steps)
    return replace(nest, **moved, lane=lane, row=row), size


def panel_sums(nest: Nest, lanes: int) -> tuple[Axis, ...]:
    """The sums within a tile of so many lanes, where w is in panels."""
    found: list[Axis] = []
    step = lanes
    for axis in reversed(nest.sums):
        found.append(axis._replace(w=step))
        step *= axis.length
    return tuple(reversed(found))


def pieces(length: int, vectors: int, width: int) -> list[tuple[int, int, int, int]]:
    """(start, count, vectors, width) of pieces that cover 0 ... length - 1: first those of
    `vectors` vectors of `width`, then fewer and narrower ones."""
    found: list[tuple[int, int, int, int]] = []
    start = 0
    while start < length:
        step = vectors * width
        count = (length - start) // step
        if count:
            found.append((start, count, vectors, width))
            start += count * step
        left = length - start
        if left >= width:
            vectors = left // width
        else:
            vectors, width = 1, max(width // 2, 1)
    return found


def _fitting(axes: Sequence[Axis], dtype: DType) -> int:
    """Steps of one more sum that stay in the cache."""
    return max(NEAR // (_reach(axes) * dtype.itemsize), 1)


def _part(length: int, least: int, most: int) -> int:
    """The greatest divisor of `length` from `least` to `most`; the least above them if there is
    none."""
    divisors = [n for n in range(1, length + 1) if length % n == 0 and n >= least]
    fitting = [n for n in divisors if n <= most]
    return fitting[-1] if fitting else (divisors or [length])[0]


def _reach(axes: Sequence[Axis]) -> int:
    """Elements of x and w that loops over all of `axes` read, at most."""
    x = math.prod([axis.length for axis in axes if axis.x])
    w = math.prod([axis.length for axis in axes if axis.w])
    return x + w


def merged(axes: Sequence[Axis]) -> list[Axis]:
    """The same loops, outermost first, neighbours made one where their strides fit."""
    found: list[Axis] = []
    for axis in axes:
        if axis.length == 1:
            continue
        if found:
            outer = found[-1]
            steps = zip(outer[1:], axis[1:], strict=True)
            if all(long == short * axis.length for long, short in steps):
                found[-1] = Axis(outer.length * axis.length, *axis[1:])
                continue
        found.append(axis)
    return found
