"""What the loops share: operands by role, and which values of a body change from step to step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..graph import Graph, Value


class Parts(NamedTuple):
    """Operands, inputs or flags of a scan by their role."""

    consts: list[Any]
    carry: list[Any]
    xs: list[Any]

    @property
    def all(self) -> list[Any]:
        """In the order of the operands."""
        return [*self.consts, *self.carry, *self.xs]


def parts_of(items: Sequence[Any], consts: int, carries: int) -> Parts:
    """Operands, or what belongs to them, by their role."""
    end = consts + carries
    return Parts(list(items[:consts]), list(items[consts:end]), list(items[end:]))


def grown(mask: Sequence[bool], step: Callable[[list[bool]], Sequence[bool]]) -> list[bool]:
    """The least flags above `mask` with `step(flags) <= flags`: what becomes of the carry."""
    flags = list(mask)
    while True:
        after = [a or b for a, b in zip(flags, step(flags), strict=True)]
        if after == flags:
            return flags
        flags = after


def invariant_values(body: Graph, consts: Sequence[Value]) -> set[Value]:
    """The values of a body that depend on these inputs alone."""
    found = set(consts)
    for eq in body.equations:
        if not eq.acts and all(v in found for v in eq.operands):
            found.update(eq.outputs)
    return found
