"""Matrix products of all steps of a loop as one, before or after it.

    fission : (a -> b)  to  (a -> b)

A `scan` that multiplies each of its rows with a constant does so with all rows at once before it:

    y[t] = x[t] W  for all t     is     Y = X W

and a carry that only sums up products is the product of all, summed over the steps, after it:

    S = S0 + sum over t of a[t]' b[t]     is     S = S0 + A' B

with A and B stacked by the loop where they are not rows already. One large product runs many times
faster than small ones, of which each reads and writes all of S.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..graph import Builder, Equation, Graph, Value, building
from ..op import OPS
from ..types import ArrayType
from .regions import in_regions

LEAST_WORK = 4096
"""Multiplications of a product that is worth it: smaller ones are straight-line code."""
FEW = 4
"""Rows of a matrix times a constant one up to which the product is slow for its size: it reads the
constant for little."""
MOST_BYTES = 1 << 25
"""Bytes that a loop may stack for it: longer loops keep the memory that they have."""


def fission(graph: Graph) -> Graph:
    """`graph` with such products taken out of its loops, the inner loops first."""
    graph = in_regions(graph, fission)
    if not any(eq.op.name == "scan" for eq in graph.equations):
        return graph
    builder = Builder(graph.name)
    builder.inputs = list(graph.inputs)
    env: dict[Value, Value] = {v: v for v in graph.inputs}
    changed = False
    with building(builder):
        for eq in graph.equations:
            operands = tuple([env[v] for v in eq.operands])
            builder.source = eq.source
            if eq.op.name == "scan" and eq.params["length"] > 1:
                loop = _Loop(eq, operands)
                loop.rows_before()
                loop.sums_after()
                changed = changed or loop.changed
                outs: Sequence[Value] = loop.results()
            else:
                outs = builder.replay(eq, operands)
            env.update(zip(eq.outputs, outs, strict=True))
    return builder.build([env[v] for v in graph.outputs]) if changed else graph


@dataclass(slots=True)
class _Sum:
    """A carry that was taken out: its initial value, and the operands of its products, as places
    among the rows or the stacked results."""

    init: Value
    params: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    sides: list[tuple[str, int]]


class _Loop:
    """A scan while products are taken out of it. Its operands are values of the new graph."""

    def __init__(self, eq: Equation, operands: Sequence[Value]) -> None:
        (self.body,) = eq.regions
        self.eq = eq
        self.length: int = eq.params["length"]
        at, width = eq.params["consts"], eq.params["carries"]
        inputs = self.body.inputs
        self.consts = list(zip(inputs[:at], operands[:at], strict=True))
        self.carry = list(
            zip(
                inputs[at : at + width],
                operands[at : at + width],
                self.body.outputs[:width],
                strict=True,
            )
        )
        self.rows = list(zip(inputs[at + width :], operands[at + width :], strict=True))
        self.stacks = list(self.body.outputs[width:])
        self.equations = list(self.body.equations)
        self.sums: dict[int, _Sum] = {}
        """By the number of the carry."""

    @property
    def changed(self) -> bool:
        """Whether anything was taken out."""
        return bool(self.sums) or len(self.equations) < len(self.body.equations)

    def rows_before(self) -> None:
        """Take out products of a row and a constant."""
        rows, consts = dict(self.rows), dict(self.consts)
        kept: list[Equation] = []
        for eq in self.equations:
            x, y = eq.operands if eq.op.name == "dot" else (None, None)
            if x in rows and y in consts and self._flat(eq):
                of_x, of_y = eq.params["contract"]
                contract = (tuple([a + 1 for a in of_x]), of_y)
                product = OPS["dot"](rows[x], consts[y], contract=contract, batch=((), ()))
                self.rows.append((eq.outputs[0], product))
            else:
                kept.append(eq)
        self.equations = kept

    def sums_after(self) -> None:
        """Take out carries that only sum up products."""
        made_by = {v: eq for eq in self.equations for v in eq.outputs}
        uses: dict[Value, int] = {}
        for value in [v for eq in self.equations for v in eq.operands]:
            uses[value] = uses.get(value, 0) + 1
        for value in [*[out for _, _, out in self.carry], *self.stacks]:
            uses[value] = uses.get(value, 0) + 1
        dropped: set[Value] = set()
        for k, (held, init, out) in enumerate(self.carry):
            total = made_by.get(out)
            if total is None or total.op.name != "add" or uses[out] != 1 or uses.get(held) != 1:
                continue
            terms = [v for v in total.operands if v is not held]
            product = made_by.get(terms[0]) if len(terms) == 1 else None
            if product is None or product.op.name != "dot" or uses[terms[0]] != 1:
                continue
            stacked = [v for v in product.operands if not self._is_stacked(v)]
            if not self._worth(product, [v.type for v in stacked]):
                continue
            sides = [self._stacked(v) for v in product.operands]
            self.sums[k] = _Sum(init, dict(product.params), sides)
            dropped.update((out, terms[0]))
        self.equations = [eq for eq in self.equations if dropped.isdisjoint(eq.outputs)]

    def _flat(self, dot: Equation) -> bool:
        """Whether the first operand is a matrix of few rows."""
        x = dot.operands[0]
        of_x: tuple[int, ...] = dot.params["contract"][0]
        few = x.type.size <= FEW * math.prod([x.shape[a] for a in of_x])
        return few and self._worth(dot, [dot.outputs[0].type])

    def _worth(self, dot: Equation, stacked: Sequence[ArrayType]) -> bool:
        """Whether a product is large enough, and what is to be stacked for it small enough."""
        x, y = dot.operands
        of_x: tuple[int, ...] = dot.params["contract"][0]
        batch = dot.params["batch"][0]
        work = x.type.size * y.type.size // max(math.prod([x.shape[a] for a in of_x]), 1)
        total = self.length * sum([t.nbytes for t in stacked])
        return not batch and work >= LEAST_WORK and total <= MOST_BYTES

    def _is_stacked(self, value: Value) -> bool:
        return value in self.stacks or any(value is inside for inside, _ in self.rows)

    def _stacked(self, value: Value) -> tuple[str, int]:
        """Where the values of all steps are."""
        for k, (inside, _) in enumerate(self.rows):
            if inside is value:
                return "row", k
        if value not in self.stacks:
            self.stacks.append(value)
        return "stack", self.stacks.index(value)

    def results(self) -> list[Value]:
        """Append the loop that is left and what comes after it: the results of the old one."""
        carry = [c for k, c in enumerate(self.carry) if k not in self.sums]
        inputs = [v for v, _ in self.consts] + [v for v, *_ in carry] + [v for v, _ in self.rows]
        outputs = [out for *_, out in carry] + self.stacks
        body = Graph(inputs, self.equations, outputs, self.body.name)
        outs = self.eq.op(
            *[v for _, v in self.consts],
            *[v for _, v, _ in carry],
            *[v for _, v in self.rows],
            regions=(body,),
            **{**self.eq.params, "consts": len(self.consts), "carries": len(carry)},
        )
        finals, stacks = iter(outs[: len(carry)]), outs[len(carry) :]
        results = [
            self._total(self.sums[k], stacks) if k in self.sums else next(finals)
            for k in range(len(self.carry))
        ]
        return [*results, *stacks[: len(self.eq.outputs) - len(self.carry)]]

    def _total(self, total: _Sum, stacks: Sequence[Value]) -> Value:
        x, y = [self.rows[k][1] if kind == "row" else stacks[k] for kind, k in total.sides]
        of_x, of_y = total.params["contract"]
        contract = ((0, *[a + 1 for a in of_x]), (0, *[a + 1 for a in of_y]))
        return OPS["add"](total.init, OPS["dot"](x, y, contract=contract, batch=((), ())))
