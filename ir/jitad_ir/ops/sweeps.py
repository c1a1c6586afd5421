"""A while_loop taken apart: its constants, and the carry and the tape of each of its sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..graph import Graph
from ..types import ArrayType
from .steps import Regions, cut


@dataclass(frozen=True, slots=True)
class Sweeps:
    """A while_loop taken apart."""

    consts: int
    carries: tuple[int, ...]
    upwards: tuple[bool, ...]
    cond: Graph
    sweeps: Regions

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
    """The while_loop with these regions and params."""
    return Sweeps(consts, carries, upwards, regions[0], regions[1:])
