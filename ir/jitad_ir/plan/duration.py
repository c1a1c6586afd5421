"""About how long a plan runs on one core: enough to tell microseconds from milliseconds."""

from __future__ import annotations

import math

from ..lowering import Routine
from .costs import step_cost
from .parallel import nanoseconds
from .steps import Kernel, Plan, RoutineCall, Step
from .structures import Branch, Loop, WhileLoop
from .wavefront import Wavefront

LONG = 20_000.0
"""Nanoseconds from which on a program lets other Python threads run meanwhile, which takes it about
30 ns."""

PER_NODE = 0.2
PER_FLOP = 0.1
PER_BYTE = 1.0
"""For library routines that do not say how many operations they take."""


FEW_STEPS = 8
"""Steps that a `while_loop` is thought to take at least."""


def is_long(plan: Plan) -> bool:
    """Whether a run takes long, or may take long, compared with handing over Python's lock."""
    return _plan(plan, math.inf) >= LONG


def nanoseconds_at_least(plan: Plan) -> float:
    """What a run takes if nothing takes longer than must be expected."""
    return _plan(plan, FEW_STEPS)


def _plan(plan: Plan, rounds: float) -> float:
    return sum([_step(step, plan, rounds) for step in plan.steps])


def _step(step: Step, plan: Plan, rounds: float) -> float:
    """`rounds` is the number of steps of a `while_loop`."""
    if isinstance(step, Kernel):
        scalar = math.prod(step.lengths) * len(step.nodes) * PER_NODE
        return max(scalar, nanoseconds(step))
    if isinstance(step, RoutineCall):
        cost = step_cost(step, plan)
        lower = step.equation.op.lower
        assert isinstance(lower, Routine)
        per_byte = PER_BYTE if lower.flops is None else 0.0
        return cost.flops * PER_FLOP + (cost.read + cost.written) * per_byte
    if isinstance(step, Loop):
        return step.length * _plan(step.body, rounds)
    if isinstance(step, Branch):
        return max([_plan(branch, rounds) for branch in step.branches])
    if isinstance(step, Wavefront):
        return step.rows * step.length * _plan(step.cell, rounds)
    assert isinstance(step, WhileLoop)
    sweep = sum([_plan(plan, rounds) for plan in step.plans])
    return rounds * max(sweep, PER_NODE)
