"""Checks of a plan: every kernel well formed, every read in bounds and after its write, no
temporary overwritten while it is needed."""

from __future__ import annotations

from . import index as ix
from .index import Counter, Position
from .reuse import in_place_pairs
from .steps import Apply, Constant, Kernel, Plan, Read
from .structures import Loop

_Span = tuple[int, int, int]
"""First byte, end, and the buffer that owns what is there."""


class InvalidPlan(ValueError):
    """A plan that native code must not be made of: a bug in the planner or in an op's rule."""


def verify(plan: Plan) -> None:
    """Raise InvalidPlan if the plan breaks a rule."""
    written = {k for k, b in enumerate(plan.buffers) if b.kind in ("input", "constant")}
    owners: dict[int | None, list[_Span]] = {}
    for number, step in enumerate(plan.steps):
        where = f"step {number} of plan {plan.name}"
        for k in step.reads:
            if k not in written and plan.buffers[k].type.size:
                raise InvalidPlan(f"{where} reads {plan.buffers[k].name} before it is written")
            _check_owned(plan, k, owners, where)
        for k in step.writes:
            if plan.buffers[k].kind == "constant" or _kept(plan, k):
                raise InvalidPlan(f"{where} writes {plan.buffers[k].name}")
            if k in step.reads and (k, k) not in in_place_pairs(step):
                raise InvalidPlan(f"{where} writes {plan.buffers[k].name}, which it reads")
            if plan.buffers[k].kind in ("workspace", "output"):
                _overwritten(plan, k, owners)
        for k in (*step.reads, *step.writes):
            _check_owned(plan, k, owners, where)  # by then, nothing else of the step lies there
        written.update(step.writes)
        if isinstance(step, Kernel):
            _verify_kernel(plan, step, where)
        if isinstance(step, Loop) and step.body.in_place:
            verify(step.body)  # which was changed when the loop was given its place
    for buffer, b in enumerate(plan.buffers):
        missing = b.kind == "output" and b.place not in plan.in_place
        if missing and b.type.size and buffer not in written:
            raise InvalidPlan(f"plan {plan.name} never writes {b.name}")
        if missing:
            _check_owned(plan, buffer, owners, f"plan {plan.name}")


def _kept(plan: Plan, k: int) -> bool:
    """Whether a buffer is an input that must keep its value."""
    buffer = plan.buffers[k]
    return buffer.kind == "input" and buffer.place not in plan.in_place.values()


def _span(plan: Plan, k: int) -> tuple[int | None, int, int]:
    """The memory of a buffer: the output it lies in (None: the workspace), and bytes there."""
    buffer = plan.buffers[k]
    if buffer.kind == "output":
        return buffer.place, 0, buffer.type.nbytes
    return buffer.host, buffer.place, buffer.place + buffer.type.nbytes


def _overwritten(plan: Plan, k: int, owners: dict[int | None, list[_Span]]) -> None:
    """Have buffer k own its memory, and others that lie there not any more."""
    place, start, end = _span(plan, k)
    room = plan.workspace_bytes if place is None else plan.output_types[place].nbytes
    if start < 0 or end > room:
        memory = "the workspace" if place is None else f"output {place}"
        raise InvalidPlan(f"temporary {plan.buffers[k].name} lies outside {memory}")
    kept = [o for o in owners.get(place, []) if o[1] <= start or o[0] >= end]
    owners[place] = [*kept, (start, end, k)]


def _check_owned(plan: Plan, k: int, owners: dict[int | None, list[_Span]], where: str) -> None:
    if plan.buffers[k].kind not in ("workspace", "output") or not plan.buffers[k].type.size:
        return
    if not any(o[2] == k for o in owners.get(_span(plan, k)[0], [])):
        raise InvalidPlan(f"{where} uses {plan.buffers[k].name} after it was overwritten")


def _verify_kernel(plan: Plan, kernel: Kernel, where: str) -> None:
    for k, node in enumerate(kernel.nodes):
        if isinstance(node, Constant):
            continue
        if isinstance(node, Apply):
            used = list(node.operands)
        else:
            index = node.offset if isinstance(node, Read) else node.index
            used = _check_index(kernel, index, where)
            if isinstance(node, Read):
                if node.mask is not None:
                    used.append(node.mask)
                elif not ix.within(node.offset, 0, plan.buffers[node.buffer].type.size):
                    raise InvalidPlan(
                        f"{where} reads {plan.buffers[node.buffer].name}[{node.offset}] of "
                        f"{plan.buffers[node.buffer].type!r}, which may be out of bounds"
                    )
        if any(u >= k for u in used):
            raise InvalidPlan(f"{where}: node {k} uses a later one")
    for write in (*kernel.stores, *kernel.folds):
        _check_index(kernel, write.offset, where)
        if not ix.within(write.offset, 0, plan.buffers[write.buffer].type.size):
            raise InvalidPlan(
                f"{where} writes {plan.buffers[write.buffer].name}[{write.offset}] out of bounds"
            )


def _check_index(kernel: Kernel, index: Position, where: str) -> list[int]:
    used: list[int] = []
    for leaf in ix.leaves(index):
        if isinstance(leaf, Counter):
            if leaf.number >= len(kernel.lengths) or kernel.lengths[leaf.number] != leaf.length:
                raise InvalidPlan(f"{where}: counter {leaf.name} is not one of its loops")
        else:
            used.append(leaf.node)
    return used
