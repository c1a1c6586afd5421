"""Folds of large arrays from folds of less of them.

subtotals : (a -> b)  to  (a -> b)   with fold(x, axes) as fold(fold(x, some), others)

where the program has fold(x, some) as well: a sum of all elements is that of the sums of the rows,
and x is read once. Sums of rows and of columns are as accurate as those of all elements: all of
them are folded in blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Equation, Graph, Value, current_builder
from ..lowering import Reduction
from ..rewrite import rewritten
from .regions import in_regions

LARGE = 1 << 12
"""Elements from which on to read them twice takes longer than to start another fold."""


def subtotals(graph: Graph) -> Graph:
    """`graph` with folds of others' results, in bodies too."""
    graph = in_regions(graph, subtotals)
    folds: dict[tuple[str, Value], list[Equation]] = {}
    for eq in graph.equations:
        if isinstance(eq.op.lower, Reduction) and eq.operands[0].type.size >= LARGE:
            folds.setdefault((eq.op.name, eq.operands[0]), []).append(eq)
    part_of: dict[Equation, Equation] = {}
    for alike in folds.values():
        for eq in alike if len(alike) > 1 else ():
            parts = [part for part in alike if set(part.params["axes"]) < set(eq.params["axes"])]
            if parts:
                part_of[eq] = min(parts, key=lambda part: part.outputs[0].type.size)
    return _Subtotals(part_of).run(graph) if part_of else graph


class _Subtotals:
    """The folds of which each is one of another's result."""

    def __init__(self, part_of: dict[Equation, Equation]) -> None:
        self.part_of = part_of
        self.parts = set(part_of.values())
        self.results: dict[Equation, Value] = {}

    def run(self, graph: Graph) -> Graph:
        """`graph` with these folds in place of those of all."""
        return rewritten(graph, self._rule)

    def _rule(self, eq: Equation, operands: Sequence[Value]) -> Sequence[Value] | None:
        if eq not in self.part_of and eq not in self.parts:
            return None
        return (self._fold(eq, operands[0]),)

    def _fold(self, eq: Equation, operand: Value) -> Value:
        """The result of a fold, which another may have needed before."""
        found = self.results.get(eq)
        if found is None:
            axes: tuple[int, ...] = eq.params["axes"]
            if eq in self.part_of:
                part = self.part_of[eq]
                done = part.params["axes"]
                kept = [axis for axis in range(operand.ndim) if axis not in done]
                axes = tuple([number for number, axis in enumerate(kept) if axis in axes])
                operand = self._fold(part, operand)
            (found,) = current_builder().add(eq.op, (operand,), {"axes": axes})
            self.results[eq] = found
        return found
