"""Folds of large arrays from folds of less of them.

subtotals : (a -> b)  to  (a -> b)   with fold(x, axes) as fold(fold(x, some), others)
                                     and sum(scatter_add(0, u, i)) as sum(u)

where the program has fold(x, some) as well: a sum of all elements is that of the sums of the rows,
and x is read once. Sums of rows and of columns are as accurate as those of all elements: all of
them are folded in blocks. The second is in the gradient of a cross entropy, whose cotangents are
zeros but for one in each row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..graph import Equation, Graph, Value, current_builder
from ..lowering import Reduction
from ..op import OPS
from ..rewrite import rewritten
from ..types import INT64
from .regions import in_regions

MUCH_LESS = 8
"""Elements of an array for each that was added to it, from which on those are summed instead."""
LARGE = 1 << 12
"""Elements from which on to read them twice takes longer than to start another fold."""


def subtotals(graph: Graph) -> Graph:
    """`graph` with folds of others' results, in bodies too."""
    graph = in_regions(graph, subtotals)
    folds: dict[tuple[str, Value], list[Equation]] = {}
    for eq in graph.equations:
        if isinstance(eq.op.lower, Reduction) and eq.operands[0].type.size >= LARGE:
            folds.setdefault((eq.op.name, eq.operands[0]), []).append(eq)
    if not folds:
        return graph
    made_by = {v: eq for eq in graph.equations for v in eq.outputs}
    added = {
        eq: found for alike in folds.values() for eq in alike if (found := _added(eq, made_by))
    }
    part_of: dict[Equation, Equation] = {}
    for alike in folds.values():
        for eq in alike if len(alike) > 1 else ():
            parts = [part for part in alike if set(part.params["axes"]) < set(eq.params["axes"])]
            if parts:
                part_of[eq] = min(parts, key=lambda part: part.outputs[0].type.size)
    return _Subtotals(part_of, added).run(graph) if part_of or added else graph


class _Added(NamedTuple):
    """What a sum of what a scatter added to zeros is of."""

    scatter: Equation
    negative: bool
    """Whether the sum is that of the negative."""


def _added(eq: Equation, made_by: Mapping[Value, Equation]) -> _Added | None:
    """What a sum along the last axis sums, if that is little, scattered among zeros."""
    maker, negative = made_by.get(eq.operands[0]), False
    while maker is not None and maker.op.name == "neg":
        maker, negative = made_by.get(maker.operands[0]), not negative
    if eq.op.name != "reduce_sum" or maker is None or maker.op.name != "scatter_add":
        return None
    x, updates = maker.operands[:2]
    zeros, axes, batch = made_by.get(x), maker.params["axes"], maker.params["batch"]
    if zeros is None or zeros.op.name != "full" or zeros.params["value"] != 0:
        return None
    along_last = eq.params["axes"] == axes == (batch,) and x.ndim == batch + 1
    fits = along_last and updates.shape[-1] == 1 and MUCH_LESS * updates.type.size <= x.type.size
    if not fits or maker.params["mode"] not in ("drop", "clip") or maker.params.get("wraps"):
        return None
    return _Added(maker, negative)


class _Subtotals:
    """The folds of which each is one of another's result."""

    def __init__(
        self, part_of: Mapping[Equation, Equation], added: Mapping[Equation, _Added]
    ) -> None:
        self.part_of = part_of
        self.added = added
        self.parts = set(part_of.values())
        self.env: dict[Value, Value] = {}
        """What stands for values of the graph."""
        self.results: dict[Equation, Value] = {}

    def run(self, graph: Graph) -> Graph:
        """`graph` with these folds in place of those of all."""
        return rewritten(graph, self._rule, self.env)

    def _rule(self, eq: Equation, operands: Sequence[Value]) -> Sequence[Value] | None:
        if eq in self.added:
            return (self._sum(eq),)
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

    def _sum(self, eq: Equation) -> Value:
        """The sum of updates, at places that there are."""
        scatter, negative = self.added[eq]
        x, updates, places = [self.env[value] for value in scatter.operands]
        updates = OPS["reshape"](updates, shape=places.shape)
        if scatter.params["mode"] == "drop":
            if places.dtype != INT64:
                places = OPS["convert"](places, dtype=INT64)
            first = OPS["full"](value=0, shape=places.shape, dtype=places.dtype)
            length = OPS["full"](value=x.shape[-1], shape=places.shape, dtype=places.dtype)
            inside = OPS["bitwise_and"](OPS["ge"](places, first), OPS["lt"](places, length))
            none = OPS["full"](value=0, shape=places.shape, dtype=updates.dtype)
            updates = OPS["select"](inside, updates, none)
        axes = tuple(range(eq.outputs[0].ndim, updates.ndim))
        total = OPS["reduce_sum"](updates, axes=axes)
        return OPS["neg"](total) if negative else total
