"""Chains of one associative operation, in the order in which a loop waits least.

A step of a loop takes at least as long as the chain of operations from the carry to its next value.
Of min(min(carry + 1, a), b) that is an addition and two minima; of min(min(a, b), carry + 1) it is
an addition and one. Only operations that are associative to the bit are reordered: those of
integers, that is.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import replace

from .pruning import operands_of, pruned, renumbered
from .steps import Apply, Kernel, Node, Read

ASSOCIATIVE = frozenset({"add", "mul", "min", "max", "bitwise_and", "bitwise_or", "bitwise_xor"})


def balanced(kernel: Kernel, carried: Callable[[int], bool]) -> Kernel:
    """The kernel, a body without loops, with its chains in that order; `carried(buffer)` tells
    which buffers hold the carry."""
    nodes = kernel.nodes
    uses = [0] * len(nodes)
    for node in nodes:
        for k in operands_of(node):
            uses[k] += 1
    for store in kernel.stores:
        uses[store.node] += 1
    inner = _inner_links(nodes, uses)
    if not any(inner):
        return kernel
    made: list[Node] = []
    heights: list[int] = []
    """Operations between the carry and each new node; 0 if it does not depend on it."""
    new: dict[int, int] = {}

    def append(node: Node) -> int:
        made.append(node)
        below = [heights[k] for k in operands_of(node)]
        waits = isinstance(node, Read) and carried(node.buffer)
        heights.append(1 if waits else 1 + max(below) if any(below) else 0)
        return len(made) - 1

    for k, node in enumerate(nodes):
        if inner[k]:
            continue
        leaves = _leaves(nodes, inner, k)
        if len(leaves) < 3:
            new[k] = append(renumbered(node, new))
            continue
        assert isinstance(node, Apply)
        waiting = [(heights[new[leaf]], order, new[leaf]) for order, leaf in enumerate(leaves)]
        heapq.heapify(waiting)
        while len(waiting) > 1:
            _, _, first = heapq.heappop(waiting)
            _, _, second = heapq.heappop(waiting)
            number = append(replace(node, operands=(first, second)))
            heapq.heappush(waiting, (heights[number], number + len(leaves), number))
        new[k] = waiting[0][2]
    stores = [replace(store, node=new[store.node]) for store in kernel.stores]
    return pruned((), made, stores, (), kernel.equations)


def _inner_links(nodes: tuple[Node, ...], uses: list[int]) -> list[bool]:
    """Nodes whose one use is by the same operation: links of a chain but the last."""
    inner = [False] * len(nodes)
    for node in nodes:
        if isinstance(node, Apply) and _associative(node):
            for k in node.operands:
                link = nodes[k]
                if isinstance(link, Apply) and uses[k] == 1 and _same(link, node):
                    inner[k] = True
    return inner


def _associative(node: Apply) -> bool:
    return node.name in ASSOCIATIVE and node.dtype.kind in "biu" and len(node.operands) == 2


def _same(link: Apply, node: Apply) -> bool:
    return link.name == node.name and link.dtype == node.dtype and len(link.operands) == 2


def _leaves(nodes: tuple[Node, ...], inner: list[bool], root: int) -> list[int]:
    """The operands of the chain that ends at a node."""
    node = nodes[root]
    if not isinstance(node, Apply) or not _associative(node):
        return []
    found: list[int] = []
    pending = list(reversed(node.operands))
    while pending:
        k = pending.pop()
        link = nodes[k]
        if inner[k] and isinstance(link, Apply) and _same(link, node):
            pending += reversed(link.operands)
        else:
            found.append(k)
    return found
