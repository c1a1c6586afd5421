"""Kernels that are alike but for the buffers they use share one function.

Unrolled loops repeat their steps: compiling each kind of step once keeps the time to compile a
program in proportion to what is different in it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from ..graph import params_key
from ..plan.steps import Apply, Buffer, Constant, Kernel, Node, Read


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
