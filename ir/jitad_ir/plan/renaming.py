"""Steps on other buffers: those whose memory is shared are one buffer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .steps import Kernel, Read, RoutineCall, Step
from .structures import Branch, Carry, Loop
from .wavefront import Wavefront

Roots = Mapping[int, int]
"""Buffer -> the buffer it is replaced by, which may be replaced too."""


def root_of(buffer: int, roots: Roots) -> int:
    """The buffer whose memory a buffer has."""
    while buffer in roots:
        buffer = roots[buffer]
    return buffer


def renamed(step: Step, roots: Roots) -> Step:
    """The step on the buffers that are left."""
    if not any(k in roots for k in (*step.reads, *step.writes)):
        return step

    def root(buffer: int) -> int:
        return root_of(buffer, roots)

    def every(buffers: Sequence[int]) -> tuple[int, ...]:
        return tuple([root(k) for k in buffers])

    def moved(carry: Carry) -> Carry:
        return replace(carry, inits=every(carry.inits), finals=every(carry.finals))

    if isinstance(step, Kernel):
        nodes = [
            replace(n, buffer=root(n.buffer)) if isinstance(n, Read) else n for n in step.nodes
        ]
        stores = tuple([replace(s, buffer=root(s.buffer)) for s in step.stores])
        folds = tuple([replace(f, buffer=root(f.buffer)) for f in step.folds])
        return replace(step, nodes=tuple(nodes), stores=stores, folds=folds)
    if isinstance(step, RoutineCall):
        return replace(step, operands=every(step.operands), results=every(step.results))
    if isinstance(step, Branch):
        operands, results = every(step.operands), every(step.results)
        return replace(step, index=root(step.index), operands=operands, results=results)
    if isinstance(step, Loop):
        return replace(
            step,
            consts=tuple([(root(k), start) for k, start in step.consts]),
            carry=moved(step.carry),
            rows=tuple([(root(k), start) for k, start in step.rows]),
            stacks=every(step.stacks),
        )
    if isinstance(step, Wavefront):
        return Wavefront.of(step.equation, step.cell, every(step.operands), every(step.results))
    carries = tuple([moved(carry) for carry in step.carries])
    return replace(step, consts=every(step.consts), carries=carries)
