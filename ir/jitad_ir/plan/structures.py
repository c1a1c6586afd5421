"""Steps that hold plans of their own: loops and branches.

A region becomes a Plan whose inputs and outputs are places that the step gives it anew each time it
runs: buffers of the plan around it, rows of them, or registers. Its temporaries lie in the step's
`scratch`, a buffer of the plan around it, so that nothing is allocated while a program runs (but
the tape of a `WhileLoop`, whose length is not known before).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..graph import Equation
from ..types import ArrayType
from .wavefront import Wavefront

if TYPE_CHECKING:
    from .steps import Plan

Buffers = tuple[int, ...]
Places = tuple[tuple[int, int], ...]
"""Parts of buffers: the buffer, and the byte at which the part begins."""

TAPE_ALIGNMENT = 16
"""Bytes to which the entries of a tape row are aligned: the largest element."""


@dataclass(frozen=True, slots=True)
class Carry:
    """The carry of one loop: where it starts, where it ends, and the buffers in between.

    Steps write to `final` and `spare` in turn; a carry without a spare is updated where it is
    (or lives in registers, or is written once).
    """

    inits: Buffers
    finals: Buffers
    spares: tuple[int | None, ...]
    covered: tuple[tuple[int, int] | None, ...] = ()
    """Rows of carries without a spare that the loop writes before anybody reads them."""

    @property
    def writes(self) -> Buffers:
        """Buffers written."""
        return (*self.finals, *[k for k in self.spares if k is not None])


@dataclass(frozen=True, slots=True)
class Loop:
    """A `scan`: `length` runs of `body`, whose inputs are the constants, the carry and a row of
    each of `rows`, and whose outputs are the carry and a row of each of `stacks`."""

    equation: Equation
    body: Plan
    consts: Places
    carry: Carry
    rows: Places
    stacks: Buffers
    scratch: int | None
    parts: int
    """How many parts, each with temporaries of its own, threads may run at once (see `spread`)."""

    @property
    def length(self) -> int:
        """Number of steps."""
        return self.equation.params["length"]

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans inside."""
        return (self.body,)

    @property
    def writes(self) -> Buffers:
        """Buffers written, without repetition."""
        return _unique(*self.carry.writes, *self.stacks, self.scratch)

    @property
    def reads(self) -> Buffers:
        """Buffers read, without repetition."""
        return _unique(*[k for k, _ in (*self.consts, *self.rows)], *self.carry.inits)


@dataclass(frozen=True, slots=True)
class Branch:
    """One of several plans, by the number in buffer `index`."""

    equation: Equation
    branches: tuple[Plan, ...]
    index: int
    operands: Buffers
    results: Buffers
    scratch: int | None

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans inside."""
        return self.branches

    @property
    def writes(self) -> Buffers:
        """Buffers written, without repetition."""
        return _unique(*self.results, self.scratch)

    @property
    def reads(self) -> Buffers:
        """Buffers read, without repetition."""
        return _unique(self.index, *self.operands)


@dataclass(frozen=True, slots=True)
class WhileLoop:
    """Sweeps over as many steps as `condition` holds (see `ops.while_loop`).

    What the sweeps write at a step is a row of the tape, which grows while the first sweep runs.
    `flag` is the buffer of the condition.
    """

    equation: Equation
    condition: Plan
    sweeps: tuple[Plan, ...]
    consts: Buffers
    carries: tuple[Carry, ...]
    flag: int
    scratch: int | None

    @property
    def upwards(self) -> tuple[bool, ...]:
        """The direction of each sweep."""
        return self.equation.params["upwards"]

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans inside."""
        return (self.condition, *self.sweeps)

    @property
    def is_taped(self) -> bool:
        """Whether the sweeps write anything."""
        return any(self.entries(k) for k in range(len(self.sweeps)))

    def entries(self, number: int) -> tuple[ArrayType, ...]:
        """Types of what sweep `number` writes on the tape at each step."""
        return self.sweeps[number].output_types[len(self.carries[number].inits) :]

    def tape(self) -> tuple[list[list[int]], int]:
        """Offset of each sweep's entries in a row of the tape, and the bytes of a row."""
        offsets: list[list[int]] = []
        end = 0
        for number in range(len(self.sweeps)):
            row: list[int] = []
            for type in self.entries(number):
                row.append(end)
                end += -(-type.nbytes // TAPE_ALIGNMENT) * TAPE_ALIGNMENT
            offsets.append(row)
        return offsets, end

    @property
    def writes(self) -> Buffers:
        """Buffers written, without repetition."""
        return _unique(*[k for c in self.carries for k in c.writes], self.flag, self.scratch)

    @property
    def reads(self) -> Buffers:
        """Buffers read, without repetition."""
        return _unique(*self.consts, *[k for c in self.carries for k in c.inits])


Structure = Loop | Branch | WhileLoop | Wavefront


def _unique(*buffers: int | None) -> Buffers:
    return tuple(dict.fromkeys([k for k in buffers if k is not None]))


def nested(plan: Plan) -> Iterator[Plan]:
    """The plan and all plans inside it."""
    yield plan
    for step in plan.steps:
        if isinstance(step, Structure):
            for inner in step.plans:
                yield from nested(inner)
