"""Concatenations that are put together in memory, by those who compute their operands.

Such are long ones, and those of rows in which values alternate: each operand is computed by loops
of its own, with nothing to choose for each element. An operand that is put together so itself has
its parts written where they belong in the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..graph import Equation, Value
from . import limits
from .homes import Stage, Tile
from .tracing import tiles

if TYPE_CHECKING:
    from .clusters import Clustering


def parts_of_concatenation(clusters: Clustering, eq: Equation) -> list[Tile]:
    """The parts that a view is put together from; none if it is to be expanded where it is read."""
    count = len(eq.operands)
    if count < 2 or not (
        count > limits.MANY_TILES
        or any([_alternates(clusters, v) or _parts_of(clusters, v) for v in eq.operands])
    ):
        return []
    corners = tiles(eq)
    if corners is None:
        return []
    parts: list[Tile] = []
    for operand, corner in zip(eq.operands, corners, strict=True):
        if operand.type.size:
            stage = Stage(operand.shape, eq.outputs[0].shape, corner)
            for tile in _parts_of(clusters, operand) or [_whole(clusters, operand)]:
                clusters.info[tile.value].pulled = True
                parts.append(Tile(tile.value, tile.home, (*tile.stages, stage)))
    return parts


def _whole(clusters: Clustering, operand: Value) -> Tile:
    """An operand as one part; where values alternate, by the loops of their rows."""
    value = clusters.root(operand) if _alternates(clusters, operand) else operand
    return Tile(value, clusters.settle(value), ())


def _parts_of(clusters: Clustering, operand: Value) -> list[Tile]:
    """The parts of an operand that is put together in memory itself, for no other reader."""
    info = clusters.info[clusters.root(operand)]
    return info.tiles if info.tiles is not None and info.uses == 1 else []


def _alternates(clusters: Clustering, value: Value) -> bool:
    """Whether long rows are made of others, with an element of each in turn."""
    root = clusters.root(value)
    eq = clusters.producers.get(root)
    if eq is None or eq.op.name != "concatenate" or root.ndim != value.ndim + 1:
        return False
    width, is_last = root.shape[-1], eq.params["axis"] == root.ndim - 1
    if not is_last or root.shape[:-2] != value.shape[:-1]:
        return False
    return width <= limits.ALTERNATE and root.type.size >= limits.ALTERNATING * width
