"""What a plan costs: bytes moved, floating point operations, and memory.

All of it is counted from the plan, nothing is run. Bytes are those of the elements that a step asks
for, each counted once per step: caches may serve them, and what two steps both read is counted
twice. A loop whose steps work on different rows counts as one step, if what a step works on stays
in a cache. A floating point operation is one addition, multiplication, division, maximum ... of
reals; a complex addition is two of them, a complex multiplication six. Transcendental functions
are counted apart, as `functions`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from ..lowering import Routine
from .index import Counter, Position, leaves
from .steps import Apply, Kernel, Node, Number, Plan, Read, RoutineCall, Step
from .structures import Branch, Loop, WhileLoop
from .wavefront import Wavefront

NOT_COUNTED = frozenset({"select", "convert", "stop_gradient"})
"""Elementwise ops on floats that move numbers and compute nothing."""
CACHE = 1 << 20
"""Bytes of a step of a loop that are taken to stay in the cache from its first pass to its last."""
COMPLEX = {"add": 2, "sub": 2, "neg": 2, "mul": 6, "div": 11}
"""Operations on reals in one on complex numbers; 2 for what is not listed."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes `read` and `written`, `flops` and `functions`; `complete` is False if a library routine
    does not say how many operations it takes, or how often a loop runs is not known."""

    read: int = 0
    written: int = 0
    flops: int = 0
    functions: int = 0
    complete: bool = True

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.read + other.read,
            self.written + other.written,
            self.flops + other.flops,
            self.functions + other.functions,
            self.complete and other.complete,
        )

    def times(self, count: int) -> Cost:
        """The cost of doing it `count` times."""
        return Cost(
            self.read * count,
            self.written * count,
            self.flops * count,
            self.functions * count,
            self.complete,
        )


def plan_cost(plan: Plan) -> Cost:
    """One run of the plan: the sum over its steps. A loop whose number of steps is not known counts
    as one step, a branch as the dearest of its plans."""
    total = Cost()
    for step in plan.steps:
        total += step_cost(step, plan)
    return total


def step_cost(step: Step, plan: Plan) -> Cost:
    """One run of one step of `plan`."""
    if isinstance(step, Kernel):
        return _kernel_cost(step, plan)
    if isinstance(step, RoutineCall):
        return _call_cost(step, plan)
    if isinstance(step, Loop):
        return _loop_cost(step)
    if isinstance(step, Wavefront):
        return plan_cost(step.cell).times(step.rows * step.length)
    if isinstance(step, Branch):
        return max(map(plan_cost, step.branches), key=lambda c: (c.flops, c.read + c.written))
    return _while_cost(step)


def _loop_cost(loop: Loop) -> Cost:
    """All steps. Where all that one works on stays in the cache, and none reads what another wrote,
    rows are read and written once, and what lies between is not counted."""
    total = plan_cost(loop.body).times(loop.length)
    rows = sum([t.nbytes for t in (*loop.body.input_types, *loop.body.output_types)])
    if loop.carry.inits or rows + loop.body.workspace_bytes > CACHE:
        return total
    consts = [t.nbytes for t in loop.body.input_types[: len(loop.consts)]]
    read = dict(zip(loop.consts, consts, strict=True))
    operands = loop.equation.operands[len(loop.consts) :]
    read |= {place: v.type.nbytes for place, v in zip(loop.rows, operands, strict=True)}
    written = sum([v.type.nbytes for v in loop.equation.outputs])
    return replace(
        total, read=min(total.read, sum(read.values())), written=min(total.written, written)
    )


def _while_cost(step: WhileLoop) -> Cost:
    total = plan_cost(step.condition)
    for sweep in step.sweeps:
        total += plan_cost(sweep)
    return Cost(total.read, total.written, total.flops, total.functions, complete=False)


def _call_cost(call: RoutineCall, plan: Plan) -> Cost:
    lower = call.equation.op.lower
    assert isinstance(lower, Routine)
    read = sum(plan.buffers[k].type.nbytes for k in call.reads)
    written = sum(plan.buffers[k].type.nbytes for k in dict.fromkeys(call.results))
    if lower.overwrites is not None and call.operands[lower.overwrites] in call.results:
        # An update where the array is: what is written are the updates, the operand behind it.
        read -= plan.buffers[call.operands[lower.overwrites]].type.nbytes
        written = plan.buffers[call.operands[lower.overwrites + 1]].type.nbytes
    if lower.flops is None:
        return Cost(read, written, complete=False)
    types = [value.type for value in call.equation.operands]
    return Cost(read, written, int(lower.flops(*types, **call.equation.params)))


def _kernel_cost(kernel: Kernel, plan: Plan) -> Cost:
    """A node is computed once for each value of the counters that it depends on."""
    loops: list[frozenset[int]] = []
    asked: dict[int, int] = {}
    flops = functions = 0
    for node in kernel.nodes:
        found = node_loops(node, loops)
        loops.append(found)
        runs = prod(kernel.lengths[k] for k in found)
        if isinstance(node, Read):
            asked[node.buffer] = asked.get(node.buffer, 0) + runs * node.dtype.itemsize
        elif isinstance(node, Apply):
            weight = _weight(node)
            functions += runs * weight * node.dear
            flops += runs * weight * (not node.dear)
    stored: dict[int, int] = {}
    for store in kernel.stores:
        runs = prod(kernel.lengths[k] for k in index_loops(store.offset, loops))
        stored[store.buffer] = stored.get(store.buffer, 0) + runs
    for fold in kernel.folds:
        runs = prod(kernel.lengths[k] for k in index_loops(fold.offset, loops))
        stored[fold.buffer] = stored.get(fold.buffer, 0) + runs
        if fold.result.kind in "fc":
            flops += prod(kernel.lengths) * (2 if fold.result.kind == "c" else 1)
    types = [buffer.type for buffer in plan.buffers]
    return Cost(
        sum(min(count, types[k].nbytes) for k, count in asked.items()),
        sum(min(n * types[k].dtype.itemsize, types[k].nbytes) for k, n in stored.items()),
        flops,
        functions,
    )


def _weight(node: Apply) -> int:
    """Operations on reals in one run of the node."""
    if node.name in NOT_COUNTED or node.dtype.kind not in "fc":
        return 0
    return COMPLEX.get(node.name, 2) if node.dtype.kind == "c" else 1


def node_loops(node: Node, before: list[frozenset[int]]) -> frozenset[int]:
    """The loops whose counters the node depends on, given those of the nodes before it."""
    if isinstance(node, Apply):
        return frozenset[int]().union(*[before[k] for k in node.operands])
    if isinstance(node, Read):
        found = index_loops(node.offset, before)
        return found if node.mask is None else found | before[node.mask]
    if isinstance(node, Number):
        return index_loops(node.index, before)
    return index_loops(getattr(node, "index", 0), before)


def index_loops(index: Position, before: list[frozenset[int]]) -> frozenset[int]:
    """The loops that an index depends on; `before[k]` are those that node k does."""
    found: set[int] = set()
    for leaf in leaves(index):
        if isinstance(leaf, Counter):
            found.add(leaf.number)
        else:
            found |= before[leaf.node]
    return frozenset(found)
