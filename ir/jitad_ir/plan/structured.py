"""Equations with regions -> steps with plans of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..counters import CountedLoop, known_numbers
from ..graph import Equation, Graph, Value
from ..lowering import Routine, Structured
from ..types import BOOL, DTYPES, ArrayType, TypeMismatch
from .spread import parts_of, scratch_of_part
from .straight import straight_plan
from .structures import Branch, Carry, Loop, Structure, WhileLoop
from .wavefront import Wavefront

if TYPE_CHECKING:
    from .planner import Planner
    from .steps import Plan


SHORT = 4
"""Steps of a loop below which it is not worth a copy of its carry, for it to stay in one place."""


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
        length: int = eq.params["length"]
        body = self._body(region, consts, carries, is_short=length < SHORT)
        results = self._results()
        inits = eq.operands[consts : consts + carries]
        carry = self._carry(body, inits, results[:carries], spare=length > 1)
        carry = replace(carry, covered=self._covered(region.inputs[consts : consts + carries]))
        read = (*eq.operands[:consts], *eq.operands[consts + carries :])
        windows = [self.planner.clustering.window(v) for v in read]
        places = [(self.planner.operand(v), n * v.dtype.itemsize) for v, n in windows]
        parts = parts_of(eq, body)
        return Loop(
            eq,
            body,
            tuple(places[:consts]),
            carry,
            tuple(places[consts:]),
            results[carries:],
            self._scratch(parts),
            parts,
        )

    def _covered(self, carry: Sequence[Value]) -> tuple[tuple[int, int] | None, ...]:
        numbers = known_numbers(self.planner.graph)
        loop = CountedLoop(self.equation, [numbers.get(v) for v in self.equation.operands])
        covered = loop.covered()
        return tuple([covered.get(v) for v in carry])

    def branch(self) -> Branch:
        """The step of a `branch`."""
        eq = self.equation
        branches = self._branches()
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

    def wavefront(self) -> Wavefront:
        """The step of a `wavefront`. All that differs from cell to cell is in registers."""
        eq = self.equation
        (region,) = eq.regions
        fixed = sum(eq.params["counts"][:2])
        cell = self._straight(region, fixed, len(region.inputs) - fixed)
        if cell is None:
            raise TypeMismatch("wavefront: expected a cell of a few elementwise operations")
        results = self._results()
        return Wavefront.of(eq, cell, self._operands(eq.operands), results)

    def _sweeps(self) -> list[Plan]:
        """Plans of the condition and the sweeps. The condition is straight if the first sweep is:
        the carry is in registers for both or for none."""
        eq = self.equation
        consts, carries = eq.params["consts"], eq.params["carries"]
        condition, first, *others = eq.regions
        pair = [self._straight(region, consts, carries[0]) for region in (condition, first)]
        found = [plan for plan in pair if plan is not None]
        if len(found) < len(pair):
            found = [self._plan(condition), self._plan(first, _carry_of(consts, carries[0]))]
        for region, width in zip(others, carries[1:], strict=True):
            found.append(self._body(region, consts, width))
        return found

    def _branches(self) -> tuple[Plan, ...]:
        """Plans of the branches. What all of them update in place or leave as it is, lies in the
        memory of the operand."""
        regions = self.equation.regions
        donated = _common([_updated(region) for region in regions])
        while True:
            plans = [
                self.planner.sub_planner(region).plan(donated, updates_only=True)
                for region in regions
            ]
            done = _common([plan.in_place for plan in plans])
            if all(plan.in_place == done for plan in plans):
                self.plans += plans
                return tuple(plans)
            donated = done

    def _body(self, region: Graph, consts: int, carries: int, *, is_short: bool = False) -> Plan:
        straight = self._straight(region, consts, carries)
        return straight or self._plan(region, _carry_of(consts, carries), updates_only=is_short)

    def _straight(self, region: Graph, consts: int, carries: int) -> Plan | None:
        return straight_plan(self.planner, region, consts, carries)

    def _plan(
        self,
        region: Graph,
        donated: Mapping[int, int] | None = None,
        *,
        updates_only: bool = False,
    ) -> Plan:
        plan = self.planner.sub_planner(region).plan(donated, updates_only=updates_only)
        self.plans.append(plan)
        return plan

    def _results(self) -> tuple[int, ...]:
        return tuple([self.planner.demand(v) for v in self.equation.outputs])

    def _operands(self, values: Sequence[Value]) -> tuple[int, ...]:
        return tuple([self.planner.operand(v) for v in values])

    def _carry(
        self, body: Plan, inits: Sequence[Value], finals: Sequence[int], *, spare: bool
    ) -> Carry:
        spares: list[int | None] = []
        for k, value in enumerate(inits):
            moves = not body.straight and k not in body.in_place
            needed = spare and moves and value.type.size > 0
            spares.append(self.planner.temporary(value.type) if needed else None)
        return Carry(self._operands(inits), tuple(finals), tuple(spares))

    def _scratch(self, parts: int = 1) -> int | None:
        """One buffer for the temporaries of all the plans, of which one runs at a time in each
        part."""
        size = max([scratch_of_part(plan) for plan in self.plans], default=0)
        if not size:
            return None
        return self.planner.temporary(ArrayType(DTYPES["u8"], (parts * size,)))


def _carry_of(consts: int, carries: int) -> dict[int, int]:
    """For each carry, its output and its input."""
    return {k: consts + k for k in range(carries)}


def _common(sharing: Sequence[Mapping[int, int]]) -> dict[int, int]:
    """What is in all of them, each input once."""
    first, *others = sharing
    found: dict[int, int] = {}
    for k, i in first.items():
        if i not in found.values() and all(other.get(k) == i for other in others):
            found[k] = i
    return found


def _updated(region: Graph) -> dict[int, int]:
    """The outputs that are an input, or an input with parts overwritten."""
    inputs = {v: i for i, v in enumerate(region.inputs)}
    made_by = {v: eq for eq in region.equations for v in eq.outputs}
    found: dict[int, int] = {}
    for k, value in enumerate(region.outputs):
        while value in made_by:
            source = _overwritten_by(made_by[value], value)
            if source is None:
                break
            value = source
        if value in inputs:
            found[k] = inputs[value]
    return found


def _overwritten_by(eq: Equation, value: Value) -> Value | None:
    """The operand that a result may take the place of."""
    lower = eq.op.lower
    if isinstance(lower, Routine) and lower.overwrites is not None:
        return eq.operands[lower.overwrites]
    if isinstance(lower, Structured) and lower.step != "branch":
        k = eq.outputs.index(value)
        carries = eq.params["carries"]
        if k < (carries if lower.step == "loop" else sum(carries)):
            consts: int = eq.params["consts"]
            return eq.operands[consts + k]
    return None


_KINDS: dict[str, Callable[[StructurePlanner], Structure]] = {
    "loop": StructurePlanner.loop,
    "branch": StructurePlanner.branch,
    "while_loop": StructurePlanner.while_loop,
    "wavefront": StructurePlanner.wavefront,
}
