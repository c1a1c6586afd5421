"""Routines on stacks of problems (a thousand small systems, say), shared out by problems.

A part is the routine itself on a shorter stack. All parts have one length, and no problem is in two
of them: many routines copy an operand to the result and work there. So the number of parts divides
that of the problems.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..graph import Equation
from ..lowering import Routine
from ..types import ArrayType

WORTH = 100_000.0
"""Nanoseconds of work from which on a stack is shared out."""

PART = 30_000.0
"""Nanoseconds of work in one part, at least."""

MOST_PARTS = 32

PER_FLOP = 0.3
"""Nanoseconds of an operation on small matrices."""

PER_CUBE = 5.0
"""Nanoseconds for each element of a matrix and each of its rows, for routines that do not say how
many operations they take: iterations."""

WORKSPACE_ALIGNMENT = 64


class Stack(NamedTuple):
    """Problems in `parts` of `length`, and the types of operands and results in a part."""

    parts: int
    length: int
    operands: tuple[ArrayType, ...]
    results: tuple[ArrayType, ...]

    def workspace(self, eq: Equation) -> int:
        """Bytes of scratch memory that one part has."""
        lower = eq.op.lower
        assert isinstance(lower, Routine)
        size = int(lower.workspace(*self.operands, **eq.params))
        return -(-size // WORKSPACE_ALIGNMENT) * WORKSPACE_ALIGNMENT


def stack_of(eq: Equation) -> Stack | None:
    """How the equation is shared out; None if it is not worth it, or not made of problems."""
    lower = eq.op.lower
    assert isinstance(lower, Routine)
    if lower.problem_axes is None:
        return None
    types = [v.type for v in (*eq.operands, *eq.outputs)]
    first = types[0]
    leading = first.ndim - lower.problem_axes
    count = math.prod(first.shape[:leading])
    if count < 2 or any(type.size == 0 for type in types):
        return None
    if lower.flops is None:
        matrix = first.shape[leading:]
        work = PER_CUBE * count * math.prod(matrix) * min(matrix)
    else:
        work = PER_FLOP * lower.flops(*[v.type for v in eq.operands], **eq.params)
    if work < WORTH:
        return None
    wanted = min(MOST_PARTS, count, max(2, int(work / PART)))
    parts = max(k for k in range(1, wanted + 1) if count % k == 0)
    if parts == 1:
        return None
    length = count // parts

    def part(type: ArrayType) -> ArrayType:
        return type.with_shape((length, *type.shape[leading:]))

    operands = tuple([part(v.type) for v in eq.operands])
    results = tuple([part(v.type) for v in eq.outputs])
    return Stack(parts, length, operands, results)
