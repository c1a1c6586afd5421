"""Graph -> Plan: homes for equations, kernels of the homes, memory for what passes between them.

>>> from jitad_ir import ops
>>> from jitad_ir.text import parse
>>> graph = parse('''graph f(a: f64[3,4], b: f64[4]) {
...   c: f64[3,4] = broadcast(b, shape=(3, 4), dims=(1,))
...   d: f64[3,4] = mul(a, c)
...   e: f64[3,4] = add(d, a)
...   return e
... }''')
>>> plan_graph(graph)
plan f(in0: f64[3,4], in1: f64[4]) -> (out0: f64[3,4]), workspace 0 bytes
  kernel over i0 < 3, i1 < 4: mul add
    %0 = in0[i0*4 + i1]
    %1 = in1[i1]
    %2 = mul(%0, %1)
    %3 = add(%2, %0)
    out0[i0*4 + i1] = %3
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ..graph import Equation, Graph, Value
from ..op import ArgReduction, Cumulative, Reduction, Routine
from ..types import DTYPES, ArrayType
from . import index as ix
from .clusters import Bounds, Call, Cluster, Clustering, fold_axes
from .collapse import collapse
from .index import Position
from .memory import place_buffers
from .steps import (
    Apply,
    Buffer,
    Constant,
    Fold,
    Inside,
    Kernel,
    Node,
    Number,
    Plan,
    Read,
    RoutineCall,
    Step,
    Store,
)
from .tracing import Tracer
from .verify import verify


def plan_graph(graph: Graph) -> Plan:
    """The Plan of a graph whose ops all have native lowerings; raises TypeMismatch if one has
    none."""
    return _Planner(graph).plan()


class _Planner:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.buffers: list[Buffer] = []
        self.numbers: dict[Value, int] = {}
        self.constants: dict[int, tuple[int, np.ndarray[Any, Any]]] = {}
        self.clustering = Clustering(graph)

    def plan(self) -> Plan:
        clustering = self.clustering
        clustering.assign()
        for position, value in enumerate(self.graph.inputs):
            self.numbers[value] = self._buffer(value.type, "input", position)
        self._place_outputs()
        steps: list[Step] = []
        for item in reversed(list(clustering.ordered())):
            if isinstance(item, Call):
                steps.append(self._call(item))
            else:
                kernel = KernelBuilder(self, item).build()
                if kernel is not None:
                    steps.append(kernel)
        steps.reverse()
        buffers, workspace_bytes = place_buffers(self.buffers, steps)
        result = Plan(
            self.graph.name,
            buffers,
            tuple(steps),
            tuple(array for _, array in self.constants.values()),
            workspace_bytes,
            self.graph.input_types,
            self.graph.output_types,
        )
        verify(result)
        return result

    def _buffer(self, type: ArrayType, kind: Any, place: int) -> int:
        self.buffers.append(Buffer(type, kind, place))
        return len(self.buffers) - 1

    def _place_outputs(self) -> None:
        """Output buffers: the first one of a value is where it is computed, others are copies."""
        copies: list[tuple[Value, int]] = []
        for position, value in enumerate(self.graph.outputs):
            buffer = self._buffer(value.type, "output", position)
            if value.type.size == 0:
                continue
            info = self.clustering.info[value]
            if value in self.numbers or info.kind == "view":
                copies.append((value, buffer))
            else:
                self.numbers[value] = buffer
                if info.kind == "member":
                    assert info.home is not None
                    info.home.roots.append((value, buffer))
        for value, buffer in copies:
            self.clustering.settle(value).roots.append((value, buffer))

    def demand(self, value: Value) -> int:
        """The buffer of a value that another step reads."""
        number = self.numbers.get(value)
        if number is None:
            number = self.numbers[value] = self._buffer(value.type, "workspace", -1)
            info = self.clustering.info[value]
            if info.kind != "buffer" and info.size:
                assert info.home is not None
                info.home.roots.append((value, number))
        return number

    def intern(self, array: np.ndarray[Any, Any]) -> int:
        """The buffer of a constant array."""
        held = self.constants.get(id(array))
        if held is None:
            kept = array if array.flags.c_contiguous else np.array(array, order="C")
            type = ArrayType(array.dtype, array.shape)
            held = (self._buffer(type, "constant", len(self.constants)), kept)
            self.constants[id(array)] = held
        return held[0]

    def _call(self, call: Call) -> RoutineCall:
        eq = call.equation
        lower = eq.op.lower
        assert isinstance(lower, Routine)
        size = int(lower.workspace(*[v.type for v in eq.operands], **eq.params))
        scratch = None
        if size:
            scratch = self._buffer(ArrayType(DTYPES["u8"], (size,)), "workspace", -1)
        results = tuple([self.demand(v) for v in eq.outputs])
        operands = tuple([self.demand(v) for v in eq.operands])
        return RoutineCall(eq, operands, results, scratch)


class KernelBuilder:
    """The kernel of one cluster. Clusters are built from the last to the first, so that all that
    a kernel has to store is known when its turn comes."""

    def __init__(self, planner: _Planner, cluster: Cluster) -> None:
        self.planner = planner
        self.cluster = cluster
        self.info = planner.clustering.info
        self.tracer = Tracer(planner.clustering.producers, self._locate, planner.intern)
        self.stores: list[Store] = []
        self.folds: list[Fold] = []
        self.lengths, self.flat = (), 0
        if not cluster.block:
            self.lengths = loop_lengths(cluster.bounds)
            counters = [ix.counter(k, n) for k, n in enumerate(self.lengths)]
            self.flat = ix.flatten(tuple(counters), self.lengths)
        self._at: dict[tuple[int, ...], tuple[Position, ...]] = {}
        self._provisional: dict[int, Value] = {}
        self._buffer_of: dict[Value, int] = {}

    def build(self) -> Kernel | None:
        """The kernel; None if nobody needs it."""
        cluster = self.cluster
        folds = [eq for eq in cluster.folds if eq.outputs[0] in self.planner.numbers]
        if not cluster.roots and not folds:
            return None
        self._trace_members(folds)
        for value, buffer in cluster.roots:
            self._store(value, buffer)
        for eq in folds:
            self._fold(eq)
        equations = self._equations(folds)
        kernel = _pruned(self.lengths, self.tracer.nodes, self.stores, self.folds, equations)
        return collapse(self._resolved(kernel))

    def _trace_members(self, folds: list[Equation]) -> None:
        """Trace what the roots need, in program order, so that recursion stays shallow."""
        self.needed = self._needed(folds)
        for eq in self.cluster.members:
            value = eq.outputs[0]
            if value in self.needed:
                for at in self._indices(value.shape):
                    self.tracer.element(value, at)

    def _needed(self, folds: list[Equation]) -> set[Value]:
        needed: set[Value] = {value for value, _ in self.cluster.roots}
        for eq in folds:
            needed.update(self._members_under(eq.operands[0]))
        for value, _ in self.cluster.roots:
            needed.update(self._members_under(value))
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

    def _store(self, value: Value, buffer: int) -> None:
        for at in self._indices(value.shape):
            element = self.tracer.element(value, at)
            self.stores.append(Store(buffer, ix.flatten(at, value.shape), element.node))

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

    def _equations(self, folds: list[Equation]) -> tuple[Equation, ...]:
        members = [eq for eq in self.cluster.members if eq.outputs[0] in self.needed]
        return (*members, *folds)

    def _resolved(self, kernel: Kernel) -> Kernel:
        """Buffers in place of the provisional numbers of values that are read."""
        nodes = list(kernel.nodes)
        for k, node in enumerate(nodes):
            if isinstance(node, Read) and node.buffer < 0:
                buffer = self.planner.demand(self._provisional[node.buffer])
                nodes[k] = Read(node.dtype, buffer, node.offset, node.mask)
        return Kernel(kernel.lengths, tuple(nodes), kernel.stores, kernel.folds, kernel.equations)


def loop_lengths(bounds: Bounds) -> tuple[int, ...]:
    """Lengths of the loops of an iteration space: (4, 12, 24) -> (2, 3, 4)."""
    return tuple([b // a for a, b in zip((1, *bounds), bounds, strict=False)][::-1])


def _counters_of(positions: list[Position]) -> tuple[int, ...]:
    numbers = {
        leaf.number
        for position in positions
        for leaf in ix.leaves(position)
        if isinstance(leaf, ix.Counter)
    }
    return tuple(sorted(numbers))


def operands_of(node: Node) -> tuple[int, ...]:
    """Nodes that a node uses, in its index expressions too."""
    if isinstance(node, Apply):
        return node.operands
    if isinstance(node, Constant):
        return ()
    index = node.offset if isinstance(node, Read) else node.index
    used = [leaf.node for leaf in ix.leaves(index) if isinstance(leaf, ix.Dynamic)]
    if isinstance(node, Read) and node.mask is not None:
        used.append(node.mask)
    return tuple(used)


def _pruned(
    lengths: tuple[int, ...],
    nodes: list[Node],
    stores: list[Store],
    folds: list[Fold],
    equations: tuple[Equation, ...],
) -> Kernel:
    """The kernel without nodes that nothing depends on."""
    live = [False] * len(nodes)
    for k in [store.node for store in stores] + [fold.node for fold in folds]:
        live[k] = True
    for k in range(len(nodes) - 1, -1, -1):
        if live[k]:
            for used in operands_of(nodes[k]):
                live[used] = True
    new: dict[int, int] = {}

    def moved(position: Position) -> Position:
        return ix.substitute(
            position,
            lambda atom: (
                ix.dynamic(new[atom.node])
                if isinstance(atom, ix.Dynamic)
                else ix.Index(((atom, 1),), 0)
            ),
        )

    all_live = all(live)
    kept: list[Node] = []
    for k, node in enumerate(nodes):
        if not live[k]:
            continue
        new[k] = len(kept)
        if not all_live:
            node = _renumbered(node, new, moved)
        kept.append(node)
    return Kernel(
        lengths,
        tuple(kept),
        tuple([Store(s.buffer, s.offset, new[s.node]) for s in stores]),
        tuple(
            [
                Fold(
                    f.name,
                    f.lower,
                    new[f.node],
                    f.loops,
                    f.buffer,
                    f.offset,
                    f.result,
                    f.reverse,
                    f.position,
                )
                for f in folds
            ]
        ),
        equations,
    )


def _renumbered(node: Node, new: dict[int, int], moved: Any) -> Node:
    if isinstance(node, Apply):
        operands = tuple([new[k] for k in node.operands])
        return Apply(node.dtype, node.name, node.emit, operands, node.params, node.dear)
    if isinstance(node, Read):
        mask = None if node.mask is None else new[node.mask]
        return Read(node.dtype, node.buffer, moved(node.offset), mask)
    if isinstance(node, Number):
        return Number(node.dtype, moved(node.index))
    if isinstance(node, Inside):
        return Inside(node.dtype, moved(node.index), node.low, node.high)
    return node
