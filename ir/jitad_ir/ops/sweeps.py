"""A while_loop taken apart: its constants, and the carry and the tape of each of its sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..graph import Graph
from ..types import ArrayType

Regions = tuple[Graph, ...]


def cut(items: Sequence[Any], lengths: Sequence[int]) -> list[list[Any]]:
    """`items` in consecutive pieces of these lengths."""
    pieces: list[list[Any]] = []
    start = 0
    for length in lengths:
        pieces.append(list(items[start : start + length]))
        start += length
    return pieces


@dataclass(frozen=True, slots=True)
class Sweeps:
    """A while_loop taken apart."""

    consts: int
    carries: tuple[int, ...]
    upwards: tuple[bool, ...]
    cond: Graph
    sweeps: Regions

    @property
    def params(self) -> dict[str, Any]:
        return {"consts": self.consts, "carries": self.carries, "upwards": self.upwards}

    def operands(self, items: Sequence[Any]) -> tuple[list[Any], list[list[Any]]]:
        """Operands, or what belongs to them: the constants, and each sweep's carry."""
        consts, *carries = cut(items, (self.consts, *self.carries))
        return consts, carries

    def tape(self, number: int) -> tuple[ArrayType, ...]:
        """Types of what sweep `number` writes at each step."""
        return self.sweeps[number].output_types[self.carries[number] :]


def sweeps_of(
    regions: Regions, consts: int, carries: tuple[int, ...], upwards: tuple[bool, ...]
) -> Sweeps:
    return Sweeps(consts, carries, upwards, regions[0], regions[1:])
