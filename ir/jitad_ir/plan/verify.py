"""Checks of a plan: every kernel well formed, every read in bounds and after its write, no
temporary overwritten while it is needed."""

from __future__ import annotations

from bisect import bisect_right

from . import index as ix
from .index import Counter, Position
from .reuse import in_place_pairs
from .steps import Apply, Constant, Kernel, Plan, Read
from .structures import Loop


class InvalidPlan(ValueError):
    """A plan that native code must not be made of: a bug in the planner or in an op's rule."""


def verify(plan: Plan) -> None:
    """Raise InvalidPlan if the plan breaks a rule."""
    written = {k for k, b in enumerate(plan.buffers) if b.kind in ("input", "constant")}
    owners = _Owners(plan)
    for number, step in enumerate(plan.steps):
        where = f"step {number} of plan {plan.name}"
        reads, writes = step.reads, step.writes
        for k in reads:
            if k not in written and plan.buffers[k].type.size:
                raise InvalidPlan(f"{where} reads {plan.buffers[k].name} before it is written")
            owners.check(k, where)
        both = set(reads).intersection(writes)
        in_place = in_place_pairs(step) if both else []
        for k in writes:
            if plan.buffers[k].kind == "constant" or _kept(plan, k):
                raise InvalidPlan(f"{where} writes {plan.buffers[k].name}")
            if k in both and (k, k) not in in_place:
                raise InvalidPlan(f"{where} writes {plan.buffers[k].name}, which it reads")
            if plan.buffers[k].kind in ("workspace", "output"):
                owners.give(k)
        for k in (*reads, *writes):
            owners.check(k, where)  # by then, nothing else of the step lies there
        written.update(writes)
        if isinstance(step, Kernel):
            _verify_kernel(plan, step, where)
        if isinstance(step, Loop) and step.body.in_place:
            verify(step.body)  # which was changed when the loop was given its place
    for buffer, b in enumerate(plan.buffers):
        missing = b.kind == "output" and b.place not in plan.in_place
        if missing and b.type.size and buffer not in written:
            raise InvalidPlan(f"plan {plan.name} never writes {b.name}")
        if missing:
            owners.check(buffer, f"plan {plan.name}")


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


class _Owners:
    """Which buffer each byte of the memory belongs to, at one point of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.owning: set[int] = set()
        self._starts: dict[int | None, list[int]] = {}
        self._spans: dict[int | None, list[tuple[int, int]]] = {}
        """By the output (None: the workspace), in ascending order: the first byte of what a buffer
        owns; its end, and the buffer."""

    def give(self, k: int) -> None:
        """Have buffer k own its memory, and others that lie there not any more."""
        plan = self.plan
        place, start, end = _span(plan, k)
        room = plan.workspace_bytes if place is None else plan.output_types[place].nbytes
        if start < 0 or end > room:
            memory = "the workspace" if place is None else f"output {place}"
            raise InvalidPlan(f"temporary {plan.buffers[k].name} lies outside {memory}")
        if start == end:
            return
        starts = self._starts.setdefault(place, [])
        spans = self._spans.setdefault(place, [])
        first = last = bisect_right(starts, start)
        if first and spans[first - 1][0] > start:
            first -= 1
        while last < len(starts) and starts[last] < end:
            last += 1
        self.owning.difference_update([owner for _, owner in spans[first:last]])
        starts[first:last] = [start]
        spans[first:last] = [(end, k)]
        self.owning.add(k)

    def check(self, k: int, where: str) -> None:
        """Raise InvalidPlan if buffer k has elements and does not own its memory."""
        buffer = self.plan.buffers[k]
        if buffer.kind not in ("workspace", "output") or not buffer.type.size:
            return
        if k not in self.owning:
            raise InvalidPlan(f"{where} uses {buffer.name} after it was overwritten")


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
