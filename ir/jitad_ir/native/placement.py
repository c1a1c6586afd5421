"""Where in the nest of a kernel's loops each node is computed: an analysis, before code is emitted.

A node belongs in the body of the innermost loop whose counter it depends on, through its operands
and through the index at which it reads. It varies along the vector loop if it depends on that
loop's counter: then it is a vector, else a scalar.
"""

from __future__ import annotations

from typing import Any

from ..plan.index import Counter, Index, Position, leaves
from ..plan.steps import Apply, Constant, Kernel, Node, Read
from .schedule import Schedule


class Placement:
    """Of each node of a kernel, by its number: the depth of loops at which it is computed and
    whether it varies along the vector loop; of the indices, how they step from lane to lane."""

    def __init__(self, kernel: Kernel, schedule: Schedule) -> None:
        self.vector = schedule.vector
        self._position = {loop: p for p, loop in enumerate(schedule.order)}
        self.depths: list[int] = []
        self.by_depth: list[list[int]] = [[] for _ in range(len(schedule.order) + 1)]
        """The nodes that are computed at each depth, in order."""
        masks: list[int] = []
        for k, node in enumerate(kernel.nodes):
            mask, depth = self._dependence(node, masks)
            masks.append(mask)
            self.depths.append(depth)
            self.by_depth[depth].append(k)
        bit = 0 if self.vector is None else 1 << self.vector
        self.varying = [bool(mask & bit) for mask in masks]
        self.splatted = set() if self.vector is None else self._splatted(kernel)
        """The scalars that are wanted in all lanes of a vector too."""

    def _dependence(self, node: Node, masks: list[int]) -> tuple[int, int]:
        """Loops that a node varies along, as bits, and the depth at which it is computed."""
        mask = depth = 0
        if isinstance(node, Constant):
            return mask, depth
        if isinstance(node, Apply):
            for u in node.operands:
                mask |= masks[u]
                depth = max(depth, self.depths[u])
            return mask, depth
        index = node.offset if isinstance(node, Read) else node.index
        if isinstance(node, Read) and node.mask is not None:
            mask, depth = masks[node.mask], self.depths[node.mask]
        for leaf in leaves(index):
            if isinstance(leaf, Counter):
                mask |= 1 << leaf.number
                depth = max(depth, self._position[leaf.number] + 1)
            else:
                mask |= masks[leaf.node]
                depth = max(depth, self.depths[leaf.node])
        return mask, depth

    def _splatted(self, kernel: Kernel) -> set[int]:
        wanted: set[int] = set()
        for k, node in enumerate(kernel.nodes):
            if self.varying[k] and isinstance(node, Apply):
                wanted.update(node.operands)
        wanted.update(write.node for write in (*kernel.stores, *kernel.folds))
        return {k for k in wanted if not self.varying[k]}

    def depth_of(self, atom: Any) -> int:
        """The depth at which a part of an index is computed."""
        depth = 0
        for leaf in leaves(Index(((atom, 1),), 0)):
            if isinstance(leaf, Counter):
                depth = max(depth, self._position[leaf.number] + 1)
            else:
                depth = max(depth, self.depths[leaf.node])
        return depth

    def lane_stride(self, position: Position) -> int | None:
        """Elements from one lane to the next; None if that is not a constant."""
        if isinstance(position, int):
            return 0
        stride = 0
        for atom, c in position.terms:
            if isinstance(atom, Counter):
                if atom.number == self.vector:
                    stride += c
            elif self._varies(atom):
                return None
        return stride

    def _varies(self, atom: Any) -> bool:
        for leaf in leaves(Index(((atom, 1),), 0)):
            if isinstance(leaf, Counter):
                if leaf.number == self.vector:
                    return True
            elif self.varying[leaf.node]:
                return True
        return False
