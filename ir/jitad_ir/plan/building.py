"""Cluster -> Kernels: the expression of its members, traced at the counters of its loops.

Most clusters become one kernel. Where a condition on a loop counter divides a loop (the pieces of a
concatenation, the edges of a pad), the cluster becomes a kernel for each of the parts, in which the
condition is decided.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from ..graph import Equation, Value
from ..lowering import ArgReduction, Cumulative, Reduction
from . import index as ix
from .collapse import collapse, divide
from .homes import Cluster, Root
from .index import Position
from .pruning import joined, pruned
from .segments import cut
from .spaces import fold_axes, loop_lengths
from .steps import Fold, Kernel, Read, Store
from .tracing import Tracer
from .unrolling import unrolled

if TYPE_CHECKING:
    from .planner import Planner


GROWTH = 100
"""Nodes that each part of a divided kernel may have beyond half of the whole one's."""


class KernelBuilder:
    """The kernels of one cluster. Clusters are built from the last to the first, so that all that
    a cluster has to store is known when its turn comes."""

    def __init__(self, planner: Planner, cluster: Cluster) -> None:
        self.planner = planner
        self.cluster = cluster
        self.info = planner.clustering.info
        self.folded = [eq for eq in cluster.folds if eq.outputs[0] in planner.numbers]
        self.lengths = () if cluster.block else loop_lengths(cluster.bounds)
        self._provisional: dict[int, Value] = {}
        self._buffer_of: dict[Value, int] = {}

    def build(self) -> list[Kernel]:
        """The kernels, which can run in any order; none if nobody needs them."""
        if not self.cluster.roots and not self.folded:
            return []
        self.needed = self._needed()
        members = [eq for eq in self.cluster.members if eq.outputs[0] in self.needed]
        self.equations = (*members, *self.folded)
        parts = self._parts((0,) * len(self.lengths), self.lengths)
        straight = [kernel for kernel in parts if not kernel.lengths]
        if len(straight) > 1:
            parts = [joined(straight), *[kernel for kernel in parts if kernel.lengths]]
        resolved = [divide(self._resolved(kernel)) for kernel in parts]
        return [collapse(unrolled(kernel, self.planner.buffers)) for kernel in resolved]

    def _parts(self, origin: tuple[int, ...], lengths: tuple[int, ...]) -> list[Kernel]:
        """Kernels of the box of iterations from `origin` with sides `lengths`."""
        kernel = self._traced(origin, lengths)
        found = cut(kernel, [n for n in lengths if n > 1])
        if found is None:
            return [kernel]
        number, pieces = found
        loop = [k for k, n in enumerate(lengths) if n > 1][number]
        parts: list[Kernel] = []
        for start, length in pieces:
            first = (*origin[:loop], origin[loop] + start, *origin[loop + 1 :])
            sides = (*lengths[:loop], length, *lengths[loop + 1 :])
            parts += self._parts(first, sides)
            if len(parts[0].nodes) > GROWTH + len(kernel.nodes) // 2:
                # Little of the kernel depends on the condition: one copy of the rest will do.
                return [kernel]
        return parts

    def _traced(self, origin: tuple[int, ...], lengths: tuple[int, ...]) -> Kernel:
        """The kernel of a box of iterations, decided or not. Loops of one iteration are none."""
        self.tracer = Tracer(self.planner.clustering.producers, self._locate, self.planner.intern)
        self.stores: list[Store] = []
        self.folds: list[Fold] = []
        self._at: dict[tuple[int, ...], tuple[Position, ...]] = {}
        sides = [n for n in lengths if n > 1]
        counters = iter([ix.counter(number, n) for number, n in enumerate(sides)])
        place = [
            (next(counters) if n > 1 else 0) + start
            for n, start in zip(lengths, origin, strict=True)
        ]
        self.flat = ix.flatten(tuple(place), self.lengths)
        self._trace_members()
        for root in self.cluster.roots:
            self._store(root)
        for eq in self.folded:
            self._fold(eq)
        return pruned(tuple(sides), self.tracer.nodes, self.stores, self.folds, self.equations)

    def _trace_members(self) -> None:
        """Trace what the roots need, in program order, so that recursion stays shallow."""
        for eq in self.cluster.members:
            value = eq.outputs[0]
            if value in self.needed:
                for at in self._indices(value.shape):
                    self.tracer.element(value, at)

    def _needed(self) -> set[Value]:
        needed: set[Value] = {root.value for root in self.cluster.roots}
        for eq in self.folded:
            needed.update(self._members_under(eq.operands[0]))
        for root in self.cluster.roots:
            needed.update(self._members_under(root.value))
        for eq in reversed(self.cluster.members):
            if eq.outputs[0] in needed:
                for value in eq.operands:
                    needed.update(self._members_under(value))
        return needed

    def _members_under(self, value: Value) -> list[Value]:
        """The members of this cluster that reading `value` leads to, through views."""
        found: list[Value] = []
        pending = [value]
        while pending:
            value = pending.pop()
            info = self.info[value]
            if info.kind == "member" and info.home is self.cluster:
                found.append(value)
            elif info.kind == "view" and value in self.planner.clustering.producers:
                pending.extend(self.planner.clustering.producers[value].operands)
        return found

    def _indices(self, shape: tuple[int, ...]) -> list[tuple[Position, ...]]:
        """Where a value is computed: at every index in a block, at the kernel's own else."""
        if self.cluster.block:
            return list(product(*map(range, shape)))
        at = self._at.get(shape)
        if at is None:
            at = self._at[shape] = ix.unflatten(self.flat, shape)
        return [at]

    def _locate(self, value: Value) -> int | None:
        """See Tracer."""
        info = self.info[value]
        if info.kind == "view" or info.home is self.cluster and info.kind == "member":
            return None
        if info.kind == "member":
            assert info.home is not None
            if info.free or info.home.level >= self.cluster.level:
                return None
        number = self._buffer_of.get(value)
        if number is None:
            # Whether the value must be stored is known when dead nodes have been dropped.
            number = self._buffer_of[value] = -1 - len(self._buffer_of)
            self._provisional[number] = value
        return number

    def _store(self, root: Root) -> None:
        for at in self._indices(root.value.shape):
            element = self.tracer.element(root.value, at)
            offset = ix.flatten(at, root.value.shape)
            for stage in root.stages:
                seen = ix.unflatten(offset, stage.view)
                place = tuple([p + shift for p, shift in zip(seen, stage.corner, strict=True)])
                offset = ix.flatten(place, stage.whole)
            self.stores.append(Store(root.buffer, offset, element.node))

    def _fold(self, eq: Equation) -> None:
        (operand,) = eq.operands
        (result,) = eq.outputs
        lower = eq.op.lower
        assert isinstance(lower, (Reduction, ArgReduction, Cumulative))
        axes = fold_axes(eq)
        (at,) = self._indices(operand.shape)
        element = self.tracer.element(operand, at)
        kept = at
        position: Position = 0
        if not isinstance(lower, Cumulative):
            kept = tuple([p for axis, p in enumerate(at) if axis not in axes])
        if isinstance(lower, ArgReduction):
            position = at[axes[0]]
        buffer = self.planner.numbers[result]
        offset = ix.flatten(kept, result.shape)
        loops = _counters_of([at[a] for a in axes])
        if not loops:
            # One element along the axes: it is the result, or the first.
            if isinstance(lower, ArgReduction):
                element = self.tracer.constant(result.dtype, 0)
            self.stores.append(Store(buffer, offset, element.node))
            return
        self.folds.append(
            Fold(
                eq.op.name,
                lower,
                element.node,
                loops,
                buffer,
                offset,
                result.dtype,
                bool(eq.params.get("reverse", False)),
                position,
            )
        )

    def _resolved(self, kernel: Kernel) -> Kernel:
        """Buffers in place of the provisional numbers of values that are read."""
        nodes = list(kernel.nodes)
        for k, node in enumerate(nodes):
            if isinstance(node, Read) and node.buffer < 0:
                buffer = self.planner.demand(self._provisional[node.buffer])
                nodes[k] = Read(node.dtype, buffer, node.offset, node.mask)
        return Kernel(kernel.lengths, tuple(nodes), kernel.stores, kernel.folds, kernel.equations)


def _counters_of(positions: list[Position]) -> tuple[int, ...]:
    numbers = {
        leaf.number
        for position in positions
        for leaf in ix.leaves(position)
        if isinstance(leaf, ix.Counter)
    }
    return tuple(sorted(numbers))
