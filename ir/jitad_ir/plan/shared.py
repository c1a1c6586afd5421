"""Which steps of a plan are given to several threads."""

from __future__ import annotations

from math import prod

from ..lowering import Routine
from . import parallel
from .stacks import stack_of
from .steps import Kernel, RoutineCall, Step
from .structures import Loop

NEXT = 20_000.0
"""Nanoseconds of work from which on a kernel is, if the step before it was and wrote what it reads:
the threads are awake, and the caches of their cores hold it."""


def is_shared(step: Step, before: Step | None = None) -> bool:
    """Whether a step is given to several threads, as far as there are some. `before` is the one
    that comes before it."""
    if isinstance(step, Kernel):
        folded = step.folds[0].loops if step.folds else ()
        kept = prod([n for k, n in enumerate(step.lengths) if k not in folded])
        least = min(NEXT, parallel.WORTH) if _continues(step, before) else parallel.WORTH
        return kept > 1 and parallel.nanoseconds(step) >= least
    if isinstance(step, Loop):
        return step.parts > 1
    if not isinstance(step, RoutineCall):
        return False
    lower = step.equation.op.lower
    assert isinstance(lower, Routine)
    if stack_of(step.equation) is not None:
        return True
    types = [value.type for value in step.equation.operands]
    return lower.parts(*types, **step.equation.params) > 1


def _continues(kernel: Kernel, before: Step | None) -> bool:
    if before is None or set(before.writes).isdisjoint(kernel.reads):
        return False
    return is_shared(before)
