"""Checks of a plan: every kernel well formed, every read in bounds and after its write, no
temporary overwritten while it is needed."""

from __future__ import annotations

from . import index as ix
from .index import Counter, Position
from .inplace import overwriting
from .steps import Apply, Constant, Kernel, Plan, Read


class InvalidPlan(ValueError):
    """A plan that native code must not be made of: a bug in the planner or in an op's rule."""


def verify(plan: Plan) -> None:
    """Raise InvalidPlan if the plan breaks a rule."""
    written = {k for k, b in enumerate(plan.buffers) if b.kind in ("input", "constant")}
    owner: list[tuple[int, int, int]] = []
    for number, step in enumerate(plan.steps):
        where = f"step {number} of plan {plan.name}"
        for k in step.reads:
            if k not in written and plan.buffers[k].type.size:
                raise InvalidPlan(f"{where} reads {plan.buffers[k].name} before it is written")
            if plan.buffers[k].kind == "workspace" and plan.buffers[k].type.size:
                _check_owned(plan, k, owner, where)
        for k in step.writes:
            if plan.buffers[k].kind == "constant" or _kept(plan, k):
                raise InvalidPlan(f"{where} writes {plan.buffers[k].name}")
            if k in step.reads and (k, k) not in overwriting(step):
                raise InvalidPlan(f"{where} writes {plan.buffers[k].name}, which it reads")
            if plan.buffers[k].kind == "workspace":
                owner = _overwritten(plan, k, owner)
        written.update(step.writes)
        if isinstance(step, Kernel):
            _verify_kernel(plan, step, where)
    for buffer, b in enumerate(plan.buffers):
        missing = b.kind == "output" and b.place not in plan.in_place
        if missing and b.type.size and buffer not in written:
            raise InvalidPlan(f"plan {plan.name} never writes {b.name}")


def _kept(plan: Plan, k: int) -> bool:
    """Whether a buffer is an input that must keep its value."""
    buffer = plan.buffers[k]
    return buffer.kind == "input" and buffer.place not in plan.in_place.values()


def _span(plan: Plan, k: int) -> tuple[int, int]:
    buffer = plan.buffers[k]
    return buffer.place, buffer.place + buffer.type.nbytes


def _overwritten(
    plan: Plan, k: int, owner: list[tuple[int, int, int]]
) -> list[tuple[int, int, int]]:
    start, end = _span(plan, k)
    if start < 0 or end > plan.workspace_bytes:
        raise InvalidPlan(f"temporary {plan.buffers[k].name} lies outside the workspace")
    kept = [o for o in owner if o[1] <= start or o[0] >= end]
    return [*kept, (start, end, k)]


def _check_owned(plan: Plan, k: int, owner: list[tuple[int, int, int]], where: str) -> None:
    if not any(o[2] == k for o in owner):
        raise InvalidPlan(f"{where} reads {plan.buffers[k].name} after it was overwritten")


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
