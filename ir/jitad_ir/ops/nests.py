"""Sums of products as nests of loops: which axis goes to SIMD lanes, which to rows of registers.

    out[p] = sum_q x[p, q] w[p, q]

for indices p along the out axes and q along the summed ones. Each axis moves each array by a fixed
stride, or not at all. A *tile* is a block of `rows` x `vectors` registers of results: `vectors`
vectors along the axis of lanes, for each of `rows` places of another axis. One step of the sum
loads what the tile needs of x and w, and adds rows * vectors products.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..types import DType
from .vector_loops import vector_width

REGISTERS = 12
"""Vector registers that hold results; the others are for operands (AVX2 has 16)."""

LATENCY = 4
"""Cycles after which a sum can take the next product."""

NEAR = 2**18
"""Bytes that stay in the second level of cache while a sum runs."""

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
    cycles: float
    """Estimated time, in cycles."""


def plan_nest(axes: Sequence[Axis], dtype: DType, lane: int) -> Nest:
    """The fastest nest whose lanes lie along out axis number `lane` (-1: scalars only)."""
    out_axes = [axis for axis in axes if not axis.summed]
    along = out_axes[lane] if lane >= 0 else UNIT
    others = [axis for i, axis in enumerate(out_axes) if i != lane]
    sums = [axis for axis in axes if axis.summed]
    width = min(vector_width(dtype), 2 ** (along.length.bit_length() - 1))
    steps = math.prod([axis.length for axis in sums])
    best: Nest | None = None
    for i, row in enumerate([UNIT, *others]):
        rest = [axis for j, axis in enumerate(others) if j != i - 1]
        count = math.prod([axis.length for axis in rest])
        for rows, vectors in _tiles(along, row, width, 2 if dtype.kind == "c" else 1):
            tiles = -(-along.length // (vectors * width)) * -(-row.length // rows)
            cost = steps * _step(along, row, width, rows, vectors)
            cost += rows * vectors * (1 if along.out == 1 else 2 * width)
            if best is None or count * tiles * cost < best.cycles:
                best = Nest(
                    (), (), tuple(rest), along, row, (), width, vectors, rows, count * tiles * cost
                )
    assert best is not None
    return _ordered(best, sums, dtype)


def _tiles(lane: Axis, row: Axis, width: int, parts: int) -> Iterator[tuple[int, int]]:
    registers = REGISTERS // parts
    for vectors in range(1, min(registers, max(lane.length // width, 1)) + 1):
        for rows in range(1, min(registers // vectors, row.length) + 1):
            yield rows, vectors


def _step(lane: Axis, row: Axis, width: int, rows: int, vectors: int) -> float:
    """Cycles of one step of the sum in a tile: two products or two loads in each."""
    loads = 0
    for along_row, along_lane in ((row.x, lane.x), (row.w, lane.w)):
        scattered = width if along_lane not in (0, 1) else 1
        loads += (rows if along_row else 1) * (vectors if along_lane else 1) * scattered
    return max(rows * vectors / 2, loads / 2, LATENCY)


def _ordered(nest: Nest, sums: Sequence[Axis], dtype: DType) -> Nest:
    """Loops by the distance that they move, the longest outside; and sums in blocks, where what one
    tile reads would push the neighbour's data out of the cache."""
    ordered = merged(sorted(sums, key=lambda axis: (-axis.x, -axis.w)))
    loops = sorted(nest.inner, key=lambda axis: -axis.out)
    blocks: list[Axis] = []
    while (
        len(ordered) > 1
        and math.prod([axis.length for axis in ordered[1:]]) >= SHORTEST_SUM
        and _reach((nest.lane, nest.row, *ordered)) * dtype.itemsize > NEAR
        and ordered[0].x  # what moves the kernel alone is not worth passing over the results
    ):
        blocks.append(ordered.pop(0))
    # Loops over parts of x that no sum shares stay outside of the blocks.
    extent = 1 + sum([(axis.length - 1) * axis.x for axis in sums])
    shared = [i for i, axis in enumerate(loops) if axis.x < extent]
    outside = shared[0] if shared else len(loops)
    return Nest(
        tuple(loops[:outside]),
        tuple(blocks),
        tuple(loops[outside:]),
        nest.lane,
        nest.row,
        tuple(ordered),
        nest.width,
        nest.vectors,
        nest.rows,
        nest.cycles,
    )


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
