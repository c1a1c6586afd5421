"""Tiles of registers for nests of sums of products, and what a step of their sum costs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ..processor import vector_registers
from .vector_loops import VECTOR_BYTES

LATENCY = 4.5
"""Cycles after which a sum takes the next product."""

PAGE = 1024
"""Elements beyond which rows are so far apart that each is on a page of its own."""

FIRST = 2**15
"""Bytes of the first level of cache: a sum over more of memory does not stay there."""

LINE = 64
"""Bytes of a line of the cache."""

LINE_CYCLES = 0.4
"""Cycles that a line from the second level takes, next to products."""

LEAST_CYCLES = 1.5
"""Cycles between lines from the second level, at least."""

STREAM_CYCLES = 0.1
"""The same, of lines that follow each other."""

SPARSE, SPARSER = 128, 1024
"""Bytes between steps of the kernel from which on part of the first level of cache is idle: of
vectors, and of single elements."""

MOST = 22
"""Registers that are used: with 16 results no tile was slower than one with more."""

FEW = 7
"""Numbers that are loaded into all lanes in a step, beyond which they cost more."""

VECTORS = (1, 2, 3, 4)
"""Numbers of vectors that are tried: with more, there is too much to load."""

SINGLE = (8, 12)
"""More of them, where there is a single row."""


class Tile(NamedTuple):
    """A block of results: `vectors` of `width` lanes, for each of `rows`."""

    rows: int
    vectors: int
    width: int


@lru_cache(maxsize=256)
def tiles(rows: int, lanes: int, width: int, parts: int) -> Sequence[Tile]:
    """Tiles for blocks of `rows` by `lanes` places whose results, of `parts` registers each, are in
    registers, with the vectors of one operand, or an element for each row, and one more of the
    other. With as many rows as there can be, and fewer if those divide the block."""
    registers = min(vector_registers(VECTOR_BYTES), MOST) // parts
    whole = max(lanes // width, 1)
    found: dict[Tile, None] = {}
    for vectors in VECTORS if rows > 1 else (*VECTORS, *SINGLE):
        most = (registers - 1) // vectors - 1
        if most < vectors:
            most = (registers - 1) // (vectors + 1)
        if vectors > whole or most < 1:
            continue
        most = -(-rows // -(-rows // most))
        even = [n for n in range((most + 1) // 2, most) if rows % n == 0]
        for count in (most, *even[-1:]):
            found[Tile(count, vectors, width)] = None
    return tuple(found) or (Tile(1, 1, width),)


def in_pieces(rows: int, lanes: int, tile: Tile) -> tuple[float, float]:
    """How many tiles lie along `rows` and `lanes`: those at the ends, which are smaller, count by
    what they cost."""
    results = tile.rows * tile.vectors
    many, few = divmod(rows, tile.rows)
    high = many + (max(few * tile.vectors, 2 * LATENCY) / results if few else 0)
    many, few = divmod(lanes, tile.vectors * tile.width)
    vectors, single = divmod(few, tile.width)
    wide = many + (max(vectors * tile.rows, 2 * LATENCY) / results if vectors else 0)
    return high, wide + single.bit_count() * max(tile.rows, 2 * LATENCY) / results


class Reads(NamedTuple):
    """How a tile reads one operand: elements between neighbouring lanes, rows, and steps of the
    innermost sum, and how many of those there are."""

    lane: int
    row: int
    step: int
    run: int

    def loads(self, tile: Tile) -> float:
        """Loads in a step of the sum. A lane that lies by itself is loaded and put in its place."""
        lanes = (tile.vectors if self.lane else 1) * (2 * tile.width if self.lane > 1 else 1)
        return lanes * (tile.rows * (1.25 if self.row > PAGE else 1) if self.row else 1)

    def lines(self, tile: Tile, line: int) -> float:
        """Lines of the cache, of `line` elements, that a step of the sum comes to."""
        lanes = tile.vectors * tile.width
        if self.lane < line:
            fresh = min(self.step, (lanes - 1) * self.lane + line) / line
        else:
            fresh = lanes * min(self.step, line) / line
        others = min(self.row, line) / line
        if self.row == self.step:  # a row reads what the one before it has come past
            others /= self.run
        return fresh * (1 + (tile.rows - 1) * others)


def is_sparse(w: Reads, steps: int, itemsize: int) -> bool:
    """Whether a sum leaves so much between what it reads that it does not stay in the cache."""
    apart = w.step * itemsize
    return apart >= (SPARSE if w.lane else SPARSER) and apart * steps > FIRST


def cycles(
    tile: Tile,
    x: Reads,
    w: Reads,
    count: tuple[float, float],
    steps: int,
    itemsize: int,
    sparse: bool,
    lanes_first: bool,
) -> float:
    """Estimated time of a tile's sum of so many steps: two products or two loads in each cycle, and
    what was measured to come on top: for every load, more for numbers that are loaded into all
    lanes, most for those of many rows; and for lines that the first level of
    cache does not hold until they are read again. `count`: tiles along the rows, which follow each
    other, and along the lanes; `lanes_first`: the other way round. `sparse`: of w; see
    `is_sparse`."""
    of_x, of_w = x.loads(tile), w.loads(tile) * (4 if sparse else 1)
    spread = (0 if x.lane else of_x) + (0 if w.lane else of_w)
    results = tile.rows * tile.vectors
    more = (of_x + of_w) / 16 + spread / 10
    more += max(spread - FEW, 0) / 2
    far = 0.0
    for operand in (x, w):
        lines = operand.lines(tile, LINE // itemsize)
        moves, tiles = (operand.row, operand.lane), count
        if lanes_first:
            moves, tiles = moves[::-1], tiles[::-1]
        others = tiles[0] if moves[0] else 1
        others *= tiles[1] if moves[1] and tiles[0] <= 1 else 1
        if lines * steps * others > FIRST / LINE / 2:
            dense = operand.lane == 1 and operand.step == tile.vectors * tile.width
            more += lines * (STREAM_CYCLES if dense else LINE_CYCLES)
            far += lines
    return steps * (max(results / 2, (of_x + of_w) / 2, LATENCY, far * LEAST_CYCLES) + more)
