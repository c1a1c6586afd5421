"""What a loop does in one step, and what it hands to the next.

The state from step to step is a list of LLVM values, the loop's phis.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from llvmlite import ir as ll

from ..plan.index import Counter, Dynamic, Position, leaves
from ..plan.steps import Apply, Constant, Inside, Kernel, Node, Number, Read
from ..plan.structures import Carry
from ..types import BOOL, INT64
from .addressing import atom_value, element_pointer, weighted_sum
from .emitter import Emitter
from .lanes import Lanes
from .loops import integer, lanes_of, registers_of
from .routine import Buffer

if TYPE_CHECKING:
    from ..plan import Plan
    from .steps import PlanEmitter

SLOT_ELEMENTS = 16
"""Elements up to which a carry lies on the stack, or in registers."""

Values: TypeAlias = list[ll.Value]
Test: TypeAlias = Callable[[Values], ll.Value]


class Body(ABC):
    """One region of a loop, with the carry it works on."""

    def __init__(
        self,
        emitter: PlanEmitter,
        plan: Plan,
        consts: Values,
        carry: Carry,
        scratch: int | None,
    ) -> None:
        self.emitter = emitter
        self.builder = emitter.builder
        self.plan = plan
        self.consts = consts
        self.carry = carry
        self.scratch = scratch

    def keep(self) -> None:
        """Emit a loop of no steps: the carry stays."""
        for k, (init, final) in enumerate(zip(self.carry.inits, self.carry.finals, strict=True)):
            self._copy(k, self.emitter.pointer(final), self.emitter.pointer(init))

    @abstractmethod
    def start(self, length: int | None) -> Values:
        """The state before the first of `length` steps (None: not known how many)."""

    @abstractmethod
    def step(self, state: Values, rows: Values, stacks: Values) -> Values:
        """Emit one step, which reads `rows` and writes `stacks` at these addresses: the state
        after it."""

    @abstractmethod
    def finish(self, state: Values, *, moved: bool) -> None:
        """See that the carry is in its final buffers; `moved` if it may be elsewhere."""

    @abstractmethod
    def condition(self, plan: Plan, flag: int) -> Test:
        """Emit what `plan`, a condition on the carry, needs before the loop. The function given
        emits the condition on a state."""

    def _copy(self, k: int, target: ll.Value, source: ll.Value) -> None:
        """Copy carry k."""
        type = self.plan.output_types[k]
        self.emitter.routine().copy(Buffer(type, target), Buffer(type, source))


class MemoryBody(Body):
    """A body whose carry is in memory. A step reads each carry at one address and writes it at
    another: its state is where the next one reads, where it writes, and where the one after that
    writes. Small arrays are copied between two slots on the stack instead, for LLVM to make
    registers of."""

    def __init__(
        self,
        emitter: PlanEmitter,
        plan: Plan,
        consts: Values,
        carry: Carry,
        scratch: int | None,
    ) -> None:
        super().__init__(emitter, plan, consts, carry, scratch)
        self.inits = [emitter.pointer(k) for k in carry.inits]
        self.finals = [emitter.pointer(k) for k in carry.finals]
        self.moving = [
            spare is not None and type.size > SLOT_ELEMENTS
            for spare, type in zip(carry.spares, plan.output_types, strict=False)
        ]
        self.slots: dict[int, tuple[ll.Value, ll.Value]] = {}
        """Where small carries are read, and where they are written."""

    def start(self, length: int | None) -> Values:
        """See Body."""
        state: Values = []
        for k, (init, final, spare) in enumerate(
            zip(self.inits, self.finals, self.carry.spares, strict=True)
        ):
            if spare is not None and not self.moving[k]:
                type = self.plan.output_types[k]
                self.slots[k] = (self.emitter.slot(type), self.emitter.slot(type))
                self._move(k, self.slots[k][0], init)
            elif spare is not None:
                first, second = final, self.emitter.pointer(spare)
                if length is not None and length % 2 == 0:
                    first, second = second, first  # the last step writes `final`
                state += [init, first, second]
            elif self._in_place(k):
                self._copy_kept(k, init)
        return state

    def step(self, state: Values, rows: Values, stacks: Values) -> Values:
        """See Body."""
        targets = list(self.finals)
        after: Values = []
        places = iter(state)
        for k, moves in enumerate(self.moving):
            if moves:
                _, first, second = next(places), next(places), next(places)
                targets[k] = first
                after += [first, second, first]
            elif k in self.slots:
                targets[k] = self.slots[k][1]
        inputs = [*self.consts, *self._sources(state), *rows]
        self.emitter.inside(self.plan, inputs, [*targets, *stacks], self.scratch).emit()
        for k, (source, target) in self.slots.items():
            self._move(k, source, target)
        return after

    def finish(self, state: Values, *, moved: bool) -> None:
        """See Body."""
        for k, (source, _) in self.slots.items():
            self._move(k, self.finals[k], source)
        if moved:
            for k, source in enumerate(self._sources(state)):
                if self.moving[k]:
                    elsewhere = self.builder.icmp_unsigned("!=", source, self.finals[k])
                    with self.builder.if_then(elsewhere):
                        self._copy(k, self.finals[k], source)

    def condition(self, plan: Plan, flag: int) -> Test:
        """See Body."""
        place = self.emitter.pointer(flag)

        def test(state: Values) -> ll.Value:
            inputs = [*self.consts, *self._sources(state)]
            self.emitter.inside(plan, inputs, [place], self.scratch).emit()
            return Emitter(self.builder, 1).load(place, BOOL).value

        return test

    def _sources(self, state: Values) -> Values:
        """Where a step reads the carry."""
        places = iter(state)
        sources: Values = []
        for k, moves in enumerate(self.moving):
            if moves:
                sources.append(next(places))
                next(places)
                next(places)
            elif k in self.slots:
                sources.append(self.slots[k][0])
            else:
                sources.append(self.finals[k] if self._in_place(k) else self.inits[k])
        return sources

    def _move(self, k: int, target: ll.Value, source: ll.Value) -> None:
        """Copy a small carry element by element."""
        type = self.plan.output_types[k]
        b = Emitter(self.builder, 1)
        for offset in range(type.size):
            lanes = b.load(element_pointer(self.builder, source, type.dtype, offset), type.dtype)
            b.store(element_pointer(self.builder, target, type.dtype, offset), lanes)

    def _in_place(self, k: int) -> bool:
        return k in self.plan.in_place

    def _copy_kept(self, k: int, source: ll.Value) -> None:
        """Copy the rows that the loop does not write before they are read."""
        covered = self.carry.covered[k] if self.carry.covered else None
        if covered is None:
            self._copy(k, self.finals[k], source)
            return
        target, type = self.finals[k], self.plan.output_types[k]
        if target is source:
            return
        row = type.size // type.shape[0]
        for first, last in ((0, covered[0]), (covered[1], type.shape[0])):
            part = type.with_shape(((last - first) * row,))
            places = [
                Buffer(part, element_pointer(self.builder, pointer, type.dtype, first * row))
                for pointer in (target, source)
            ]
            self.emitter.routine().copy(*places)


class RegisterBody(Body):
    """A body that is straight-line code, whose carry is in registers: its state is the elements.
    What depends on constants only is computed before the loop."""

    def __init__(
        self,
        emitter: PlanEmitter,
        plan: Plan,
        consts: Values,
        carry: Carry,
        scratch: int | None,
    ) -> None:
        super().__init__(emitter, plan, consts, carry, scratch)
        self.code = StraightCode(emitter, plan, consts, len(carry.inits))
        self.like: list[Lanes] = []

    def start(self, length: int | None) -> Values:
        """See Body."""
        self.code.prepare()
        b = Emitter(self.builder, 1)
        elements: list[Lanes] = []
        for k, number in enumerate(self.carry.inits):
            type = self.plan.output_types[k]
            pointer = self.emitter.pointer(number)
            for offset in range(type.size):
                place = element_pointer(self.builder, pointer, type.dtype, offset)
                elements.append(b.load(place, type.dtype))
        self.like = elements
        return registers_of(elements)

    def step(self, state: Values, rows: Values, stacks: Values) -> Values:
        """See Body."""
        results = self.code.run(lanes_of(self.like, state), rows)
        b = Emitter(self.builder, 1)
        carries = len(self.carry.inits)
        for pointer, elements in zip(stacks, results[carries:], strict=True):
            for offset, lanes in enumerate(elements):
                b.store(element_pointer(self.builder, pointer, lanes.dtype, offset), lanes)
        return registers_of([lanes for elements in results[:carries] for lanes in elements])

    def finish(self, state: Values, *, moved: bool) -> None:
        """See Body."""
        b = Emitter(self.builder, 1)
        elements = iter(lanes_of(self.like, state))
        for k, number in enumerate(self.carry.finals):
            type = self.plan.output_types[k]
            pointer = self.emitter.pointer(number)
            for offset in range(type.size):
                place = element_pointer(self.builder, pointer, type.dtype, offset)
                b.store(place, next(elements))

    def condition(self, plan: Plan, flag: int) -> Test:
        """See Body."""
        code = StraightCode(self.emitter, plan, self.consts, len(self.carry.inits))
        code.prepare()

        def test(state: Values) -> ll.Value:
            ((flag,),) = code.run(lanes_of(self.like, state), [])
            return flag.value

        return test


class StraightCode:
    """The code of a straight plan over registers of `width` lanes."""

    def __init__(
        self, emitter: PlanEmitter, plan: Plan, consts: Values, carries: int, width: int = 1
    ) -> None:
        self.emitter = emitter
        self.builder = emitter.builder
        self.plan = plan
        self.consts = consts
        self.carry_types = plan.input_types[len(consts) : len(consts) + carries]
        steps = [step for step in plan.steps if isinstance(step, Kernel)]
        assert len(steps) == len(plan.steps) <= 1
        self.nodes = steps[0].nodes if steps else ()
        self.stores = steps[0].stores if steps else ()
        self.b = Emitter(self.builder, width)
        self.values: list[Lanes | None] = [None] * len(self.nodes)
        self.invariant = self._invariant()
        self.carry: dict[tuple[int, int], Lanes] = {}
        self.rows: Values = []

    def prepare(self) -> None:
        """Emit what depends on the constants only."""
        for k, node in enumerate(self.nodes):
            if self.invariant[k]:
                self.values[k] = self._node(node)

    def run(self, carry: Sequence[Lanes], rows: Values) -> list[list[Lanes]]:
        """Emit the code for these elements of the carry and addresses of rows: the elements of
        each output."""
        elements = iter(carry)
        self.carry = {
            (len(self.consts) + k, offset): next(elements)
            for k, type in enumerate(self.carry_types)
            for offset in range(type.size)
        }
        self.rows = rows
        for k, node in enumerate(self.nodes):
            if not self.invariant[k]:
                self.values[k] = self._node(node)
        results: list[list[Lanes]] = [[None] * t.size for t in self.plan.output_types]  # type: ignore[list-item]
        for store in self.stores:
            assert isinstance(store.offset, int)
            place = self.plan.buffers[store.buffer].place
            results[place][store.offset] = self._lanes(store.node)
        return results

    def _invariant(self) -> list[bool]:
        flags: list[bool] = []
        for node in self.nodes:
            if isinstance(node, Constant):
                flags.append(False)
            elif isinstance(node, Apply):
                flags.append(
                    bool(node.operands) and all(self._fixed(u, flags) for u in node.operands)
                )
            else:
                index = node.offset if isinstance(node, Read) else node.index
                used = [leaf.node for leaf in leaves(index) if isinstance(leaf, Dynamic)]
                fixed = all(self._fixed(u, flags) for u in used)
                if isinstance(node, Read):
                    buffer = self.plan.buffers[node.buffer]
                    if node.mask is not None:
                        fixed = fixed and self._fixed(node.mask, flags)
                    if buffer.kind == "input":
                        fixed = fixed and buffer.place < len(self.consts)
                flags.append(fixed)
        return flags

    def _fixed(self, k: int, flags: list[bool]) -> bool:
        return flags[k] or isinstance(self.nodes[k], Constant)

    def _lanes(self, k: int) -> Lanes:
        node = self.nodes[k]
        if isinstance(node, Constant):
            return self.b.constant(node.dtype, node.number)
        lanes = self.values[k]
        assert lanes is not None
        return lanes

    def _node(self, node: Node) -> Lanes | None:
        if isinstance(node, Constant):
            return None
        if isinstance(node, Apply):
            return node.emit(self.b, *[self._lanes(u) for u in node.operands], **node.params)
        if isinstance(node, Number):
            return Lanes(INT64, self._index(node.index))
        if isinstance(node, Inside):
            value = self._index(node.index)
            low = self.builder.icmp_signed(">=", value, self._integer(node.low))
            high = self.builder.icmp_signed("<", value, self._integer(node.high))
            return Lanes(BOOL, self.builder.and_(low, high))
        return self._read(node)

    def _integer(self, n: int) -> ll.Value:
        """The index n, in each lane."""
        return self.b.constant(INT64, n).value

    def _read(self, node: Read) -> Lanes:
        buffer = self.plan.buffers[node.buffer]
        if buffer.kind == "constant":
            pointer = self.emitter.function.constant(buffer.place)
        else:
            assert buffer.kind == "input"
            carried = len(self.consts) + len(self.carry_types)
            if buffer.place < len(self.consts):
                pointer = self.consts[buffer.place]
            elif buffer.place < carried:
                assert isinstance(node.offset, int)
                return self.carry[buffer.place, node.offset]
            else:
                pointer = self.rows[buffer.place - carried]
        offset: int | ll.Value = node.offset if isinstance(node.offset, int) else 0
        if not isinstance(node.offset, int):
            offset = self._index(node.offset)
            if node.mask is not None:
                # Nothing is chosen where the mask is false: any element will do.
                offset = self.builder.select(self._lanes(node.mask).value, offset, integer(0))
        return self.b.load(element_pointer(self.builder, pointer, node.dtype, offset), node.dtype)

    def _index(self, position: Position) -> ll.Value:
        if isinstance(position, int):
            return self._integer(position)
        return weighted_sum(self.builder, position, self._atom, self._integer)

    def _atom(self, atom: object) -> ll.Value:
        assert not isinstance(atom, Counter)
        if isinstance(atom, Dynamic):
            return self._lanes(atom.node).value
        return atom_value(self.builder, atom, self._index(atom.index))  # type: ignore[union-attr]
