"""Bodies of loops over small tensors as straight-line code on scalars.

Every element of every value is a node of one kernel without loops, so that native code keeps the
carry of the loop in registers. Elements of the carry are read at known places only: where an index
is computed at run time, the element is selected among all. Products, scatters, running folds and
cheap branches are taken apart too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..graph import Equation, Graph, Value, current_builder
from ..lowering import ArgReduction, Cumulative, Elementwise, Pull, Reduction, Structured
from ..op import OPS
from ..rewrite import rewritten
from . import elements
from .balance import balanced
from .elements import APART, ElementTracer, NotStraightError, indices
from .pruning import pruned
from .steps import Kernel, Plan, Store
from .verify import verify

if TYPE_CHECKING:
    from .planner import Planner

MOST_NODES = 6000
"""Nodes of a body, at most: LLVM takes some 10 us for each."""
MOST_FOLDED = 256
"""Elements of one fold, at most: more of them are folded faster by a loop, across lanes."""
BRANCH_WORK = 60
"""Operations of all the branches together up to which all are run, and one result selected."""
DEAR = 10
"""Operations that a transcendental function counts as."""


def straight_plan(planner: Planner, region: Graph, consts: int, carries: int) -> Plan | None:
    """The plan of a loop's body, whose inputs are constants, carry and rows, as one kernel without
    loops; None if it does not fit. `planner` is that of the plan around it."""
    carry = region.inputs[consts : consts + carries]
    if region.acts or any(v.type.size > elements.SMALL for v in (*carry, *region.outputs)):
        return None
    try:
        region = _without_branches(region)
        return _StraightPlanner(planner, region, carry).plan()
    except NotStraightError:
        return None


class _StraightPlanner:
    def __init__(self, planner: Planner, region: Graph, carry: Sequence[Value]) -> None:
        self.planner = planner.sub_planner(region)
        self.region = region
        self.carry = carry
        self.buffers: dict[Value, int] = {}
        self.carried = _depending(region, carry)

    def plan(self) -> Plan:
        region, planner = self.region, self.planner
        for position, value in enumerate(region.inputs):
            self.buffers[value] = planner.new_buffer(value.type, "input", position)
        outputs = [
            planner.new_buffer(value.type, "output", position)
            for position, value in enumerate(region.outputs)
        ]
        producers = {v: eq for eq in region.equations for v in eq.outputs}
        tracer = ElementTracer(producers, self.buffers.get, planner.intern, self.carried)
        needed = _needed(region)
        results = [(eq, v) for eq in region.equations for v in eq.outputs if v in needed]
        for eq, value in results:  # before anything is traced, for this is quick
            _check_value(eq, value)
        for _, value in results:
            self._trace(tracer, value)
        stores: list[Store] = []
        for value, buffer in zip(region.outputs, outputs, strict=True):
            for offset, at in enumerate(indices(value.shape)):
                stores.append(Store(buffer, offset, tracer.element(value, at).node))
        kernel = pruned((), tracer.nodes, stores, (), region.equations)
        _check_size(kernel)
        carried = {self.buffers[v] for v in self.carry}
        kernel = balanced(kernel, carried.__contains__)
        plan = Plan(
            region.name,
            tuple(planner.buffers),
            (kernel,),
            (),
            0,
            region.input_types,
            region.output_types,
            straight=True,
        )
        verify(plan)
        return plan

    def _trace(self, tracer: ElementTracer, value: Value) -> None:
        """Trace a value now, in program order, so that recursion stays shallow."""
        if value.type.size > elements.SMALL:
            return  # a view: expanded where it is read
        for at in indices(value.shape):
            tracer.element(value, at)
        if len(tracer.nodes) > MOST_NODES:
            raise NotStraightError


def _check_value(eq: Equation, value: Value) -> None:
    """Raise NotStraightError for a result that is not taken apart, or is large and no view."""
    if isinstance(eq.op.lower, Structured) or not _taken_apart(eq):
        raise NotStraightError
    if value.type.size > elements.SMALL and not isinstance(eq.op.lower, Pull):
        raise NotStraightError
    if isinstance(eq.op.lower, (Reduction, ArgReduction)):
        (operand,) = eq.operands
        if operand.type.size > MOST_FOLDED * value.type.size:
            raise NotStraightError


def _check_size(kernel: Kernel) -> None:
    if len(kernel.nodes) > MOST_NODES:
        raise NotStraightError


def _needed(region: Graph) -> set[Value]:
    needed: set[Value] = set(region.outputs)
    for eq in reversed(region.equations):
        if not needed.isdisjoint(eq.outputs):
            needed.update(eq.operands)
    return needed


def _depending(region: Graph, carry: Sequence[Value]) -> set[Value]:
    """Values that depend on the carry."""
    found: set[Value] = set(carry)
    for eq in region.equations:
        if not found.isdisjoint(eq.operands):
            found.update(eq.outputs)
    return found


def _taken_apart(eq: Equation) -> bool:
    lower = eq.op.lower
    if isinstance(lower, (Elementwise, Pull, Reduction, ArgReduction, Cumulative)):
        return True
    return eq.op.name in APART


def _work(region: Graph) -> float:
    total = 0.0
    for eq in region.equations:
        lower = eq.op.lower
        if eq.regions:
            inner = [_work(r) for r in eq.regions] if eq.op.name == "branch" else [float("inf")]
            total += sum(inner)
        elif isinstance(lower, Elementwise):
            total += eq.outputs[0].type.size * (DEAR if lower.dear else 1)
        elif isinstance(lower, (Reduction, ArgReduction, Cumulative)):
            total += eq.operands[0].type.size
        elif not isinstance(lower, Pull):
            total += DEAR * max(v.type.size for v in (*eq.operands, *eq.outputs))
    return total


def _without_branches(region: Graph) -> Graph:
    """`region` with its branches run all, and results selected. Nothing traps, and every read is in
    bounds, so that a branch not chosen does no harm."""
    if not any(eq.op.name == "branch" for eq in region.equations):
        return region
    return rewritten(region, _all_run)


def _all_run(eq: Equation, operands: Sequence[Value]) -> Sequence[Value] | None:
    if eq.op.name != "branch":
        return None
    if sum(map(_work, eq.regions)) > BRANCH_WORK:
        raise NotStraightError
    builder = current_builder()
    index, *arguments = operands
    regions = [_without_branches(region) for region in eq.regions]
    results = list(builder.inline(regions[-1], arguments))
    for number in reversed(range(len(regions) - 1)):
        chosen = OPS["le"](index, number)
        for k, here in enumerate(builder.inline(regions[number], arguments)):
            keep = OPS["broadcast"](chosen, shape=here.shape, dims=())
            results[k] = OPS["select"](keep, here, results[k])
    return results
