"""Passes over large arrays that go row by row, one block of rows after the other.

    blocking : (a -> b)  to  (a -> b)   with groups of equations as loops over blocks of rows

A softmax reads all of its operand three times: for the maxima, for the sums and for the quotients.
Each row of the result depends on the same row of the operand only. So the equations become a
`scan` without a carry, in which each step does all of it for a block of rows:

    y = softmax(x)     is     for each block i:  y[i] = softmax(x[i])

Between the passes a block stays in the cache, and what lies between them is as large as a block.
Sums of rows and of columns of one array are passes over it too: the columns of a block are summed
while it is in the cache, and these sums afterwards.

A group are equations that work row by row (see `rows`), which some way of values connects, and
none of which needs a result of the group that went through something else. Equations have levels:
a group's are all on one, and what reads it from outside is on the next, so there are no cycles.
What others read is stacked up, with two exceptions: a few cheap operations on what is stored anyway
are done again where they are read; and a fold over all rows is done block by block, and what that
gives is folded afterwards. Shapes and dtypes alone decide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from ..graph import Equation, Graph, Value
from ..types import Shape
from .dce import dce
from .ordering import in_order, users_of
from .regions import in_regions
from .row_groups import (
    LONGEST_OF_PRODUCTS,
    STEPS,
    Candidate,
    Grouped,
    is_long_fold,
)
from .rows import Reads, folds_rows, is_view, leading_batch_axes, reads_of


def blocking(graph: Graph) -> Graph:
    """`graph` with groups of passes over large arrays as loops, from the innermost out."""
    graph = in_regions(graph, blocking)
    for rows in _rows_of_passes(graph):
        groups = [g for g in _Grouping(graph, rows).candidates() if g.is_worth()]
        work: dict[Value, int] = {}
        for group in sorted(groups, key=lambda g: g.level):
            group.leave(work)
        if groups:
            graph = _ordered(graph, groups)
    return graph


def _rows_of_passes(graph: Graph) -> Iterable[Shape]:
    """The rows of large arrays that are folded row by row, in the order in which to try them: those
    that number products, so that these are in the loop; then as short ones as there are."""
    folds = [eq for eq in graph.equations if is_long_fold(eq)]
    if not folds:
        return ()
    numbered: set[Shape] = set()
    for eq in graph.equations:
        depth = leading_batch_axes(eq)
        numbered.update([eq.outputs[0].shape[:d] for d in range(1, depth + 1)])
    found: dict[Shape, tuple[bool, int, int]] = {}
    for eq in folds:
        x, last = eq.operands[0], min(eq.params["axes"], default=0)
        for depth in range(1, last + 1):
            rows = x.shape[:depth]
            fits = _row_bytes(x, depth) <= LONGEST_OF_PRODUCTS
            if fits and (math.prod(rows) >= STEPS or depth == last):
                rank = (rows not in numbered, -x.type.nbytes, -depth)
                found[rows] = min(rank, found.get(rows, rank))
    return sorted(found, key=lambda rows: found[rows])


def _row_bytes(x: Value, depth: int) -> int:
    return math.prod(x.shape[depth:]) * x.dtype.itemsize


class _Grouping:
    """The equations of a graph that work row by row, in groups."""

    def __init__(self, graph: Graph, rows: Shape) -> None:
        self.graph = graph
        self.rows = rows
        self.made_by = {v: eq for eq in graph.equations for v in eq.outputs}
        self.reads: dict[Equation, Reads] = {}
        """Of the equations that work row by row, but for views of what is outside of all groups."""
        self.level: dict[Value, int] = {}
        self._acting = 0  # the level of the last equation with effects

    def candidates(self) -> list[Candidate]:
        """Groups with folds, which may be worth a loop."""
        found = [group for group in self._groups() if group.has_folds()]
        beside = self._folds_beside(found)
        for group in found if beside else ():
            group.take_beside(beside)
        return found

    def _folds_beside(self, groups: Sequence[Candidate]) -> list[Equation]:
        """Folds of all rows, of arrays that no group computes, and on which no group depends."""
        folds = [eq for eq in self.graph.equations if folds_rows(eq, self.rows)]
        folds = [eq for eq in folds if self.made_by.get(eq.operands[0]) not in self.reads]
        if not folds:
            return []
        needed: set[Value] = {v for group in groups for eq in group.equations for v in eq.operands}
        for eq in reversed(self.graph.equations):
            if not needed.isdisjoint(eq.outputs):
                needed.update(eq.operands)
        return [eq for eq in folds if eq.outputs[0] not in needed]

    def _groups(self) -> Iterator[Candidate]:
        """The groups, in the order of their first equations."""
        for eq in self.graph.equations:
            self._place(eq)
        above: dict[tuple[Value, int], Equation] = {}
        """The first equation that reads or makes a value on a level."""
        parent: dict[Equation, Equation] = {}
        """Towards the equation that stands for the group."""

        def head(eq: Equation) -> Equation:
            while parent[eq] is not eq:
                parent[eq] = parent[parent[eq]]
                eq = parent[eq]
            return eq

        for eq, reads in self.reads.items():
            (out,) = eq.outputs
            level = self.level[out]
            parent[eq] = above[out, level] = eq
            for value, by_rows in zip(eq.operands, reads, strict=True):
                if by_rows and not self._is_of_constants(value):
                    other = above.setdefault((value, level), eq)
                    parent[head(other)] = head(eq)
        members: dict[Equation, list[Equation]] = {}
        for eq in self.reads:
            members.setdefault(head(eq), []).append(eq)
        users = users_of(self.graph)
        grouped = Grouped(self.rows, self.made_by, self.reads, self.level)
        for equations in members.values():
            yield Candidate(grouped, equations, users)

    def _is_of_constants(self, value: Value) -> bool:
        """Whether a value is formed of nothing, so that to share it is no connection."""
        eq = self.made_by.get(value)
        return eq is not None and not eq.operands

    def _place(self, eq: Equation) -> None:
        """Find the level of an equation, and whether it is in a group."""
        inside = [self.made_by.get(v) in self.reads for v in eq.operands]
        reads = reads_of(eq, self.rows)
        if reads is not None and (any(inside) or not is_view(eq)):
            self.reads[eq] = reads
            inside = [i and not r for i, r in zip(inside, reads, strict=True)]
        levels = [self.level.get(v, 0) + i for v, i in zip(eq.operands, inside, strict=True)]
        if eq.acts:
            levels.append(self._acting)
        level = max(levels, default=0)
        if eq.acts:
            self._acting = level
        for value in eq.outputs:
            self.level[value] = level


def _ordered(graph: Graph, groups: list[Candidate]) -> Graph:
    """`graph` with loops for groups, in an order in which it can run; else as it was."""
    number: dict[Equation, int] = {}
    formed = {eq for group in groups for eq in group.formed()}
    for k, group in enumerate(groups):
        for eq in (*group.equations, *group.folds):
            number[eq] = k
    units: list[list[Equation]] = []
    begun: set[int] = set()
    for eq in graph.equations:
        k = number.get(eq)
        if k is None:
            units.append([eq])
        elif k not in begun:
            begun.add(k)
            units.append(groups[k].replacement(formed))
    kept = [eq for unit in in_order(units) for eq in unit]
    return dce(Graph(graph.inputs, kept, graph.outputs, graph.name))
