"""Kernels whose innermost loop is short and decides what is computed: that loop, written out.

In `stack([a, b, c], axis=-1)` the counter of the last axis says which array is read. Left as a
loop, each element chooses among all of them; written out, an iteration of the loop around it writes
an element of each, one after the other in memory (see `native/interleaving.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from ..types import BOOL
from . import index as ix
from . import limits
from .index import Counter, Position
from .pruning import pruned
from .reuse import in_place_pairs
from .steps import Apply, Buffer, Constant, Inside, Kernel, Node, Number, Read, Store
from .tracing import MethodCall

FEWEST = 16
"""Iterations of the loops around it, below which it is left as it is."""

GROWTH = 40
"""Nodes that the kernel may have more than before."""


def unrolled(kernel: Kernel, buffers: Sequence[Buffer]) -> Kernel:
    """The same kernel without its innermost loop, if that decides a condition."""
    *outer, length = kernel.lengths or (0,)
    last = len(outer)
    if kernel.folds or length > limits.ALTERNATE or prod(outer) < FEWEST:
        return kernel
    decides = any([isinstance(n, Inside) and _depends(n.index, last) for n in kernel.nodes])
    if not decides or in_place_pairs(kernel):
        return kernel
    copies = _Copies(kernel, last, buffers)
    stores: list[Store] = []
    for step in range(length):
        new = copies.at(step)
        stores += [
            Store(s.buffer, copies.moved(s.offset, step, new), new[s.node]) for s in kernel.stores
        ]
    found = pruned(tuple(outer), copies.nodes, stores, (), kernel.equations)
    return found if len(found.nodes) <= len(kernel.nodes) + GROWTH else kernel


def _depends(position: Position, loop: int) -> bool:
    leaves = ix.leaves(position)
    return any([isinstance(leaf, Counter) and leaf.number == loop for leaf in leaves])


class _Copies:
    """The nodes of a kernel for each step of one loop, those that are the same once."""

    def __init__(self, kernel: Kernel, loop: int, buffers: Sequence[Buffer]) -> None:
        self.kernel = kernel
        self.buffers = buffers
        self.loop = loop
        self.nodes: list[Node] = []
        self._numbers: dict[object, int] = {}

    def at(self, step: int) -> list[int]:
        """The number of the copy of each node."""
        new: list[int] = []
        for k, node in enumerate(self.kernel.nodes):
            new.append(self._copied(k, node, step, new))
        return new

    def moved(self, position: Position, step: int, new: list[int]) -> Position:
        """An index at that step."""

        def atom(old: ix.Atom) -> Position:
            if isinstance(old, Counter):
                return step if old.number == self.loop else ix.Index(((old, 1),), 0)
            assert isinstance(old, ix.Dynamic)
            return ix.dynamic(new[old.node])

        return ix.substitute(position, atom)

    def _copied(self, k: int, node: Node, step: int, new: list[int]) -> int:
        if isinstance(node, Constant):
            return self._once((k,), node)
        if isinstance(node, Apply):
            operands = tuple([new[u] for u in node.operands])
            known = self._decided(node, operands)
            return (
                self._once((k, operands), replace(node, operands=operands))
                if known is None
                else known
            )
        if isinstance(node, Read):
            mask = None if node.mask is None else new[node.mask]
            flag = None if mask is None else self._flag(mask)
            if flag is False:  # nothing is read here, and nobody looks
                return self._once(
                    ("none", node.dtype.char), Constant(node.dtype, node.dtype.type(0))
                )
            position = self.moved(node.offset, step, new)
            if flag or ix.within(position, 0, self.buffers[node.buffer].type.size):
                mask = None
            elif isinstance(position, int):  # the mask is false wherever it is looked at
                return self._once(
                    ("none", node.dtype.char), Constant(node.dtype, node.dtype.type(0))
                )
            return self._once((k, position, mask), Read(node.dtype, node.buffer, position, mask))
        position = self.moved(node.index, step, new)
        if isinstance(node, Number):
            return self._once((k, position), Number(node.dtype, position))
        inside = ix.within(position, node.low, node.high)
        if inside is None:
            return self._once((k, position), replace(node, index=position))
        return self._known(inside)

    def _decided(self, node: Apply, operands: tuple[int, ...]) -> int | None:
        """The copy that a choice, or a mask, comes down to; None if it has to be computed."""
        if not isinstance(node.emit, MethodCall):
            return None
        flags = [self._flag(u) for u in operands]
        if node.emit.name == "select" and flags[0] is not None:
            return operands[1] if flags[0] else operands[2]
        if node.emit.name == "bitwise_not" and flags[0] is not None:
            return self._known(not flags[0])
        if node.emit.name == "bitwise_and" and node.dtype == BOOL:
            if False in flags:
                return self._known(False)
            if True in flags:
                return operands[1 - flags.index(True)]
        return None

    def _flag(self, number: int) -> bool | None:
        """What a bool is known to be."""
        node = self.nodes[number]
        if not isinstance(node, Constant) or node.dtype != BOOL:
            return None
        return bool(node.number)

    def _known(self, flag: bool) -> int:
        return self._once(("flag", flag), Constant(BOOL, BOOL.type(flag)))

    def _once(self, key: object, node: Node) -> int:
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.nodes)
            self.nodes.append(node)
        return found
