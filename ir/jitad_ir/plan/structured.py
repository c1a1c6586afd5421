"""Equations with regions -> steps with plans of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..graph import Equation, Graph, Value
from ..op import Structured
from ..types import BOOL, DTYPES, ArrayType
from .straight import straight_plan
from .structures import Branch, Carry, Loop, Structure, WhileLoop

if TYPE_CHECKING:
    from .planner import Planner
    from .steps import Plan


class StructurePlanner:
    """Makes the step of one structured equation, a step of the plan that `planner` makes."""

    def __init__(self, planner: Planner, equation: Equation) -> None:
        self.planner = planner
        self.equation = equation
        self.plans: list[Plan] = []

    def step(self) -> Structure:
        """The step."""
        lower = self.equation.op.lower
        assert isinstance(lower, Structured)
        return _KINDS[lower.step](self)

    def loop(self) -> Loop:
        """The step of a `scan`."""
        eq = self.equation
        consts, carries = eq.params["consts"], eq.params["carries"]
        (region,) = eq.regions
        body = self._straight(region, consts, carries) or self._plan(region)
        results = self._results()
        carry = self._carry(
            body,
            eq.operands[consts : consts + carries],
            results[:carries],
            spare=eq.params["length"] > 1,
        )
        return Loop(
            eq,
            body,
            self._operands(eq.operands[:consts]),
            carry,
            self._operands(eq.operands[consts + carries :]),
            results[carries:],
            self._scratch(),
        )

    def branch(self) -> Branch:
        """The step of a `branch`."""
        eq = self.equation
        branches = tuple([self._plan(region) for region in eq.regions])
        results = self._results()
        index, *operands = self._operands(eq.operands)
        return Branch(eq, branches, index, tuple(operands), results, self._scratch())

    def while_loop(self) -> WhileLoop:
        """The step of a `while_loop`."""
        eq = self.equation
        condition, *sweeps = self._sweeps()
        results = self._results()
        at = eq.params["consts"]
        carries: list[Carry] = []
        for sweep, width in zip(sweeps, eq.params["carries"], strict=True):
            first = at - eq.params["consts"]
            finals = results[first : first + width]
            carries.append(self._carry(sweep, eq.operands[at : at + width], finals, spare=True))
            at += width
        return WhileLoop(
            eq,
            condition,
            tuple(sweeps),
            self._operands(eq.operands[: eq.params["consts"]]),
            tuple(carries),
            self.planner.temporary(ArrayType(BOOL, ())),
            self._scratch(),
        )

    def _sweeps(self) -> list[Plan]:
        """Plans of the condition and the sweeps. The condition is straight if the first sweep is:
        the carry is in registers for both or for none."""
        eq = self.equation
        consts, carries = eq.params["consts"], eq.params["carries"]
        condition, first, *others = eq.regions
        pair = [self._straight(region, consts, carries[0]) for region in (condition, first)]
        found = [plan for plan in pair if plan is not None]
        if len(found) < len(pair):
            found = [self._plan(region) for region in (condition, first)]
        for region, width in zip(others, carries[1:], strict=True):
            found.append(self._straight(region, consts, width) or self._plan(region))
        return found

    def _straight(self, region: Graph, consts: int, carries: int) -> Plan | None:
        return straight_plan(self.planner, region, consts, carries)

    def _plan(self, region: Graph) -> Plan:
        self.plans.append(self.planner.sub_planner(region).plan())
        return self.plans[-1]

    def _results(self) -> tuple[int, ...]:
        return tuple([self.planner.demand(v) for v in self.equation.outputs])

    def _operands(self, values: Sequence[Value]) -> tuple[int, ...]:
        return tuple([self.planner.operand(v) for v in values])

    def _carry(
        self, body: Plan, inits: Sequence[Value], finals: Sequence[int], *, spare: bool
    ) -> Carry:
        spares: list[int | None] = []
        for value in inits:
            needed = spare and value.type.size > 0 and not body.straight
            spares.append(self.planner.temporary(value.type) if needed else None)
        return Carry(self._operands(inits), tuple(finals), tuple(spares))

    def _scratch(self) -> int | None:
        """One buffer for the temporaries of all the plans: they run one at a time."""
        size = max([plan.workspace_bytes for plan in self.plans], default=0)
        if not size:
            return None
        return self.planner.temporary(ArrayType(DTYPES["u8"], (size,)))


_KINDS: dict[str, Callable[[StructurePlanner], Structure]] = {
    "loop": StructurePlanner.loop,
    "branch": StructurePlanner.branch,
    "while_loop": StructurePlanner.while_loop,
}
