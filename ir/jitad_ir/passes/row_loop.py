"""A group of equations that work row by row, as a loop over blocks of rows.

    b[n] = f(a[n], w)  for n rows     is     for each block i:  B[i] = f(A[i], w)

with A and B the arrays a and b with blocks of rows as their rows, which are reshapes, and f the
same equations on shorter arrays. What only says where elements are (broadcasts, numbers) is formed
in each step. A fold of all rows is one of each block, and one of what those give:

    s = sum over n of b[n]     is     s = sum over i of (sum of B[i])
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from ..graph import Builder, Equation, Graph, Source, Value
from ..op import OPS
from ..types import Shape
from .dce import dce
from .rows import Reads, is_view, on_block, reads_of


@dataclass(frozen=True, slots=True)
class Group:
    """Equations that become a loop, and what happens to their results."""

    equations: Sequence[Equation]
    reads: Mapping[Equation, Reads]
    made_by: Mapping[Value, Equation]
    """The equations of the whole graph by their results."""
    rows: Shape
    size: int
    """Rows of a block: it divides the last length of `rows`."""
    stored: Sequence[Value]
    """Results that are read outside: the loop stacks them up."""
    folds: Sequence[Equation]
    """Equations outside that fold all rows of a result, or of what the group reads."""
    again: Sequence[Equation]
    """Equations of the group that are done again, or only, outside."""
    formed: Set[Equation]
    """Equations of other groups that are done again in the loop."""


class RowLoop:
    """A group while it becomes a loop."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.depth = len(group.rows)
        self.block: Shape = (*[1] * (self.depth - 1), group.size)
        self.length = math.prod(group.rows) // group.size
        self.body = Builder("rows")
        self.inside: dict[tuple[Value, bool], Value] = {}
        """By the value outside, and whether it is read row by row."""
        self.consts: dict[Value, Value] = {}
        self.xs: dict[Value, Value] = {}

    def equations(self) -> list[Equation]:
        """The loop between the reshapes that make and undo blocks, and what is done again."""
        group, before, after = self.group, list[Equation](), list[Equation]()
        for eq in group.equations:
            self._replay(eq, group.reads[eq])
        results = [self.inside[v, True] for v in group.stored]
        results += [self._folded(eq) for eq in group.folds]
        stacks = [Value(v.type.with_shape((self.length, *v.shape))) for v in results]
        rows: list[Value] = []
        for outside, x in self.xs.items():
            rows.append(Value(outside.type.with_shape((self.length, *x.shape))))
            before.append(_reshaped(outside, rows[-1]))
        for value, stack in zip(group.stored, stacks, strict=False):
            after.append(_reshaped(stack, value))
        for eq, stack in zip(group.folds, stacks[len(group.stored) :], strict=True):
            after.append(Equation(eq.op, (stack,), {"axes": (0,)}, eq.outputs, (), eq.source))
        inputs = [*self.consts.values(), *self.xs.values()]
        body = dce(Graph(inputs, self.body.equations, results, self.body.name))
        params = {"length": self.length, "reverse": False, "unroll": 1}
        params |= {"consts": len(self.consts), "carries": 0}
        operands = (*self.consts, *rows)
        loop = Equation(OPS["scan"], operands, params, tuple(stacks), (body,), self._source())
        return [*before, loop, *after, *group.again]

    def _source(self) -> Source | None:
        return next((eq.source for eq in self.group.equations if eq.source is not None), None)

    def _replay(self, eq: Equation, reads: Reads) -> Value:
        """Append an equation on a block."""
        operands = tuple([self._value(v, r) for v, r in zip(eq.operands, reads, strict=True)])
        self.body.source = eq.source
        (out,) = self.body.add(eq.op, operands, on_block(eq, self.depth, self.block))
        self.inside[eq.outputs[0], True] = out
        return out

    def _folded(self, eq: Equation) -> Value:
        """Append the fold of the rows of a block."""
        self.body.source = eq.source
        return self.body.add(eq.op, (self._value(eq.operands[0], True),), eq.params)[0]

    def _value(self, value: Value, by_rows: bool) -> Value:
        """What the body has for a value."""
        key = value, by_rows
        if key not in self.inside:
            made = self._viewed(value, by_rows)
            if made is None:
                kind = self.xs if by_rows else self.consts
                type = value.type.with_shape(self.block + value.shape[self.depth :])
                made = kind[value] = self.body.input(type if by_rows else value.type)
            self.inside[key] = made
        return self.inside[key]

    def _viewed(self, value: Value, by_rows: bool) -> Value | None:
        """What is quickly computed from what is outside, formed in the body."""
        eq = self.group.made_by.get(value)
        if eq is None or not (is_view(eq) or (by_rows and eq in self.group.formed)):
            return None
        if by_rows:
            reads = reads_of(eq, self.group.rows)
            return None if reads is None else self._replay(eq, reads)
        return None if eq.operands else self.body.replay(eq, ())[0]


def _reshaped(source: Value, result: Value) -> Equation:
    return Equation(OPS["reshape"], (source,), {"shape": result.shape}, (result,))
