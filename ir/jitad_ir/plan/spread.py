"""Loops whose steps do not depend on each other, shared out among threads.

A scan without a carry is one: what `lax.map` makes, and `vmap` of a loop that each lane leaves by
itself. A part runs a range of the steps, with temporaries and tapes of its own.
"""

from __future__ import annotations

from ..graph import Equation
from ..lowering import Routine
from .duration import nanoseconds_at_least
from .steps import Plan, RoutineCall
from .structures import nested

WORTH = 100_000.0
"""Nanoseconds of work from which on a loop is shared out."""

PART = 30_000.0
"""Nanoseconds of work in one part, at least."""

MOST_PARTS = 32

MOST_SCRATCH = 1 << 24
"""Bytes of temporaries that all parts may have together."""

ALIGNMENT = 64


def parts_of(equation: Equation, body: Plan) -> int:
    """In how many parts a scan is run; 1 if its steps follow each other."""
    if equation.params["carries"] or not is_contained(body):
        return 1
    length: int = equation.params["length"]
    work = length * nanoseconds_at_least(body)
    if work < WORTH:
        return 1
    room = MOST_SCRATCH // max(scratch_of_part(body), 1)
    return max(1, min(MOST_PARTS, length, int(work / PART), room))


def scratch_of_part(body: Plan) -> int:
    """Bytes of temporaries of one part."""
    return -(-body.workspace_bytes // ALIGNMENT) * ALIGNMENT


def is_contained(body: Plan) -> bool:
    """Whether a run of the body cannot end the program with an exception of Python's: it calls no
    function of it."""
    for plan in nested(body):
        for step in plan.steps:
            if isinstance(step, RoutineCall):
                lower = step.equation.op.lower
                assert isinstance(lower, Routine)
                if lower.calls_python:
                    return False
    return True
