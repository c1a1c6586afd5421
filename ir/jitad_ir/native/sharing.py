"""Kernels that are alike but for the buffers they use share one function; so do routines.

Unrolled loops repeat their steps: compiling each kind of step once keeps the time to compile a
program in proportion to what is different in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import replace

from ..graph import params_key
from ..plan.stacks import stack_of
from ..plan.steps import Apply, Buffer, Constant, Kernel, Node, Plan, Read, RoutineCall

MANY_ROUTINES = 16
"""Calls of routines from which on those that are alike share functions. Where there are fewer, each
is emitted in its place: what small products leave in memory may stay in registers."""


def buffers_of(kernel: Kernel) -> list[int]:
    """The buffers that a kernel uses, in the order of the arguments of its function."""
    return list(dict.fromkeys([*kernel.reads, *kernel.writes]))


def signature(kernel: Kernel, buffers: tuple[Buffer, ...]) -> Hashable:
    """Equal for two kernels if one function, given the buffers of either, does the work of both."""
    used = buffers_of(kernel)
    place = {number: k for k, number in enumerate(used)}
    types = tuple([buffers[number].type for number in used])
    nodes = tuple([_node_key(node, place) for node in kernel.nodes])
    stores = tuple([(place[s.buffer], s.offset, s.node) for s in kernel.stores])
    folds = tuple([replace(f, buffer=place[f.buffer]) for f in kernel.folds])
    return (kernel.lengths, types, nodes, stores, folds)


def _node_key(node: Node, place: dict[int, int]) -> Hashable:
    if isinstance(node, Read):
        return ("read", place[node.buffer], node.offset, node.mask)
    if isinstance(node, Apply):
        return (node.name, node.dtype, node.emit, node.operands, params_key(node.params))
    if isinstance(node, Constant):
        return ("constant", node.dtype, node.number.tobytes())
    return node


def places_of(call: RoutineCall) -> list[int]:
    """The buffers that a routine uses, in the order of the arguments of its function."""
    return list(dict.fromkeys([*call.operands, *call.writes]))


def routine_signature(call: RoutineCall) -> Hashable:
    """Equal for two routines if one function, given the buffers of either, does the work of both.
    None of those that a function of its own cannot do: Python's exceptions leave the program, and
    parts of stacks are given to threads."""
    eq = call.equation
    if eq.regions or eq.op.effect or "callback" in eq.params or stack_of(eq) is not None:
        return None
    place = {number: k for k, number in enumerate(places_of(call))}
    types = tuple([v.type for v in (*eq.operands, *eq.outputs)])
    used = tuple([place[number] for number in (*call.operands, *call.writes)])
    return (eq.op.name, params_key(eq.params), types, used)


def repeated(plan: Plan) -> frozenset[Hashable]:
    """Signatures of the routines that the steps of `plan` call again and again."""
    calls = [step for step in plan.steps if isinstance(step, RoutineCall)]
    if len(calls) < MANY_ROUTINES:
        return frozenset()
    counts = Counter([routine_signature(call) for call in calls])
    return frozenset([s for s, count in counts.items() if s is not None and count > 1])
