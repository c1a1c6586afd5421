"""Graph -> Plan: homes for equations, kernels of the homes, memory for what passes between them.

>>> from jitad_ir import ops
>>> from jitad_ir.text import parse
>>> graph = parse('''graph f(a: f64[30,40], b: f64[40]) {
...   c: f64[30,40] = broadcast(b, shape=(30, 40), dims=(1,))
...   d: f64[30,40] = mul(a, c)
...   e: f64[30,40] = add(d, a)
...   return e
... }''')
>>> plan_graph(graph)
plan f(in0: f64[30,40], in1: f64[40]) -> (out0: f64[30,40]), workspace 0 bytes
  in all: reads 9.92 kB, writes 9.6 kB, 2.4 kflops; results and workspace take 9.6 kB
  kernel over i0 < 30, i1 < 40: mul add  [reads 9.92 kB, writes 9.6 kB, 2.4 kflops]
    %0 = in0[i0*40 + i1]
    %1 = in1[i1]
    %2 = mul(%0, %1)
    %3 = add(%2, %0)
    out0[i0*40 + i1] = %3
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..graph import Equation, Graph, Value
from ..lowering import Routine, Structured
from ..types import DTYPES, ArrayType
from .building import KernelBuilder
from .clusters import Clustering
from .homes import Call, Root
from .inplace import share
from .memory import place_buffers
from .parallel import divided
from .reuse import reuse
from .stacks import stack_of
from .steps import Buffer, Plan, RoutineCall, Step
from .structured import StructurePlanner
from .verify import verify


def plan_graph(graph: Graph) -> Plan:
    """The Plan of a graph whose ops all have native lowerings; raises TypeMismatch if one has
    none."""
    return Planner(graph).plan()


class Planner:
    """Plans one Graph; a plan inside of another shares its constants."""

    def __init__(self, graph: Graph, outer: Planner | None = None) -> None:
        self.graph = graph
        self.buffers: list[Buffer] = []
        self.numbers: dict[Value, int] = {}
        self.constants: dict[int, tuple[int, np.ndarray[Any, Any]]] = (
            {} if outer is None else outer.constants
        )
        """Number and array of each constant of the program, by identity."""
        self._constant_buffers: dict[int, int] = {}
        self.clustering = Clustering(graph)
        self.outermost = outer is None

    def plan(self, donated: Mapping[int, int] | None = None, *, updates_only: bool = False) -> Plan:
        """The plan. Output k may lie in the memory of input `donated[k]`; with `updates_only`, if
        most of that stays as it is."""
        self.donated = donated or {}
        clustering = self.clustering
        clustering.assign()
        for position, value in enumerate(self.graph.inputs):
            self.numbers[value] = self.new_buffer(value.type, "input", position)
        self._place_outputs()
        steps: list[Step] = []
        for item in reversed(list(clustering.ordered())):
            if isinstance(item, Call):
                steps.append(self._step(item.equation))
            else:
                built = [divided(k, self.temporary) for k in KernelBuilder(self, item).build()]
                steps += reversed([kernel for parts in built for kernel in parts])
        steps.reverse()
        steps, in_place = self._shared(steps, updates_only)
        hosts = self._hosts() if self.outermost else {}
        buffers, workspace_bytes = place_buffers(self.buffers, steps, hosts)
        result = Plan(
            self.graph.name,
            buffers,
            tuple(steps),
            tuple(array for _, array in self.constants.values()),
            workspace_bytes,
            self.graph.input_types,
            self.graph.output_types,
            in_place=in_place,
        )
        verify(result)
        return result

    def new_buffer(self, type: ArrayType, kind: Any, place: int) -> int:
        """The number of a new buffer."""
        self.buffers.append(Buffer(type, kind, place))
        return len(self.buffers) - 1

    def _place_outputs(self) -> None:
        """Output buffers: the first one of a value is where it is computed, others are copies."""
        copies: list[tuple[Value, int]] = []
        for position, value in enumerate(self.graph.outputs):
            buffer = self.new_buffer(value.type, "output", position)
            if value.type.size == 0 or self._stays(position, value):
                continue
            root = self.clustering.root(value)
            if root in self.numbers or self.clustering.info[root].kind == "view":
                copies.append((value, buffer))
            else:
                self.numbers[root] = buffer
                self._root(root, buffer)
        for value, buffer in copies:
            home = self.clustering.settle(value)
            home.roots.append(Root(value, buffer))

    def _hosts(self) -> dict[int, int]:
        """Buffers of the outputs in whose memory temporaries may lie, and the numbers of these
        outputs. It is fresh when the program starts; those of plans inside may lie anywhere."""
        return {k: buffer.place for k, buffer in enumerate(self.buffers) if buffer.kind == "output"}

    def _stays(self, position: int, value: Value) -> bool:
        """Whether an output is the input in whose memory it may lie."""
        source = self.donated.get(position)
        return source is not None and value is self.graph.inputs[source]

    def _shared(self, steps: list[Step], updates_only: bool) -> tuple[list[Step], dict[int, int]]:
        """The steps with updates in place, and with results over what dies; and the outputs that
        lie in the memory of an input."""
        outputs, first = self.graph.outputs, len(self.graph.inputs)
        stay = {k: i for k, i in self.donated.items() if self._stays(k, outputs[k])}
        moving = {i: k for k, i in self.donated.items() if k not in stay}
        steps, done = share(steps, self.buffers, {i: first + k for i, k in moving.items()})
        others = {i: first + k for i, k in moving.items() if i not in done and not updates_only}
        steps, more = reuse(steps, self.buffers, others)
        return steps, stay | {moving[i]: i for i in done | more}

    def _root(self, value: Value, buffer: int) -> None:
        """Have `value` written to its buffer by those who compute it. Folds and routines write
        theirs anyway."""
        info = self.clustering.info[value]
        if info.kind != "buffer" and info.size:
            assert info.home is not None
            info.home.roots.append(Root(value, buffer))
        for tile in info.tiles or ():
            tile.home.roots.append(Root(tile.value, buffer, tile.stages))

    def demand(self, value: Value) -> int:
        """The buffer of a value that another step reads."""
        number = self.numbers.get(value)
        if number is None:
            number = self.numbers[value] = self.new_buffer(value.type, "workspace", -1)
            self._root(value, number)
        return number

    def operand(self, value: Value) -> int:
        """The buffer of an operand of a routine; that of a reshape is what is reshaped."""
        value = self.clustering.root(value)
        array = self.clustering.constant(value) if value not in self.numbers else None
        return self.demand(value) if array is None else self.intern(array)

    def intern(self, array: np.ndarray[Any, Any]) -> int:
        """The buffer of a constant array."""
        held = self.constants.get(id(array))
        if held is None:
            kept = array if array.flags.c_contiguous else np.array(array, order="C")
            held = self.constants[id(array)] = (len(self.constants), kept)
        number, kept = held
        if number not in self._constant_buffers:
            type = ArrayType(kept.dtype, kept.shape)
            self._constant_buffers[number] = self.new_buffer(type, "constant", number)
        return self._constant_buffers[number]

    def temporary(self, type: ArrayType) -> int:
        """A new buffer in the workspace."""
        return self.new_buffer(type, "workspace", -1)

    def sub_planner(self, region: Graph) -> Planner:
        """The planner of a region; its constants are those of the program."""
        return Planner(region, self)

    def _step(self, eq: Equation) -> Step:
        if isinstance(eq.op.lower, Structured):
            return StructurePlanner(self, eq).step()
        return self._call(eq)

    def _call(self, eq: Equation) -> RoutineCall:
        lower = eq.op.lower
        assert isinstance(lower, Routine)
        stack = stack_of(eq)
        if stack is None:
            size = int(lower.workspace(*[v.type for v in eq.operands], **eq.params))
        else:
            size = stack.parts * stack.workspace(eq)
        scratch = None
        if size:
            scratch = self.temporary(ArrayType(DTYPES["u8"], (size,)))
        results = tuple([self.demand(v) for v in eq.outputs])
        operands = tuple([self.operand(v) for v in eq.operands])
        return RoutineCall(eq, operands, results, scratch)
