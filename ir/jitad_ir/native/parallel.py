"""Kernels and routines as jobs for several threads: what is shared out, in how many parts.

The parts of a kernel may be run by any thread in any order: iterations that are not folded are
independent. (Two parts can both write the elements at their joint, the same bits.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from llvmlite import ir as ll

from ..graph import Equation
from ..plan.parallel import nanoseconds
from ..plan.shared import is_shared
from ..plan.stacks import Stack
from ..plan.steps import Buffer, Kernel, Step
from .functions import internal_function
from .jobs import new_job, unpack
from .kernel import KernelEmitter, Range
from .lanes import I64, PTR, call_intrinsic
from .loops import integer
from .routine import Buffer as RoutineBuffer
from .routine import RoutineEmitter
from .schedule import Schedule, schedule
from .sharing import buffers_of

PART = 15_000.0
"""Nanoseconds of work that a part should have: its start costs 0.1 us, and who is interrupted keeps
the others waiting for one part at most."""

MOST_PARTS = 256

ENOUGH = 16
"""Steps of an outer loop that are enough to share it out."""


class Split(NamedTuple):
    """The loop at `depth` of the nest is run in `parts` of `steps` steps, the last of them shorter
    if they do not come out even."""

    depth: int
    steps: int
    parts: int
    trips: int


def split_of(kernel: Kernel, buffers: tuple[Buffer, ...], before: Step | None) -> Split | None:
    """How a kernel behind the step `before` is shared out; None if it is not worth it."""
    if not is_shared(kernel, before):
        return None
    plan = schedule(kernel, buffers)
    trips = [-(-kernel.lengths[plan.order[d]] // plan.step(d)) for d in range(_outer(plan))]
    if max(trips, default=1) == 1:
        return None
    enough = [d for d, n in enumerate(trips) if n >= ENOUGH]
    depth = enough[0] if enough else trips.index(max(trips))
    wanted = max(2, min(MOST_PARTS, trips[depth], int(nanoseconds(kernel) / PART)))
    steps = -(-trips[depth] // wanted)
    return Split(depth, steps, -(-trips[depth] // steps), trips[depth])


def _outer(plan: Schedule) -> int:
    """Depths whose loops can be shared out: neither folded over nor inside of a tile."""
    return plan.kept if plan.tiled is None else len(plan.order) - 1


def kernel_job(
    module: ll.Module, kernel: Kernel, buffers: tuple[Buffer, ...], split: Split, name: str
) -> ll.Function:
    """The job whose arguments are the buffers of the kernel, and whose parts are those of
    `split`."""
    used = buffers_of(kernel)
    signature = ll.FunctionType(ll.VoidType(), [*[PTR] * len(used), I64])
    inner = internal_function(module, signature, name)
    for argument in inner.args[:-1]:
        argument.add_attribute("noalias")
    builder = ll.IRBuilder(inner.append_basic_block("entry"))
    arguments = dict(zip(used, inner.args, strict=False))
    start = builder.mul(inner.args[-1], integer(split.steps), flags=("nuw", "nsw"))
    count: ll.Value = integer(split.steps)
    if split.trips % split.steps:
        left = builder.sub(integer(split.trips), start)
        count = call_intrinsic(builder, "llvm.smin", [left, count])
    part = Range(split.depth, start, count)
    KernelEmitter(builder, kernel, buffers, arguments.__getitem__, {}, frozenset(), part).emit()
    builder.ret_void()
    job = new_job(module, f"{name}.shared")
    builder = ll.IRBuilder(job.append_basic_block("entry"))
    builder.call(inner, [*unpack(builder, job, len(used)), job.args[1]])
    builder.ret_void()
    return job


def emit_stack(
    r: RoutineEmitter,
    eq: Equation,
    stack: Stack,
    operands: Sequence[RoutineBuffer],
    results: Sequence[RoutineBuffer],
) -> None:
    """A routine on a stack of problems, in parts."""
    lower: Any = eq.op.lower
    size = stack.workspace(eq)
    types = (*stack.operands, *stack.results)

    def part(r: Any, number: ll.Value, workspace: ll.Value, *places: ll.Value) -> None:
        start = r.builder.mul(number, integer(stack.length), flags=("nuw", "nsw"))
        r.workspace = r.offset(workspace, r.builder.mul(number, integer(size)))
        buffers: list[RoutineBuffer] = []
        for type, place in zip(types, places, strict=True):
            problem = integer(type.nbytes // stack.length)
            buffers.append(r.buffer(type, r.offset(place, r.builder.mul(start, problem))))
        split = len(operands)
        lower.emit(r, *buffers[:split], buffers[split:], **eq.params)

    places = [buffer.pointer for buffer in (*operands, *results)]
    r.parallel_for(stack.parts, part, r.workspace, *places)
