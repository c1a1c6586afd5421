"""Loops and branches in LLVM.

A loop's state from step to step is a list of LLVM values, its phis; what they stand for is the
matter of a `Body`. In a `MemoryBody` each carry is an array in memory and the phis are addresses:
a step reads at one and writes at another, and their places change. In a `RegisterBody` the phis
are the elements themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from llvmlite import ir as ll

from ..graph import Value
from ..plan.spread import is_contained, scratch_of_part
from ..plan.steps import Kernel
from ..plan.structures import Branch, Carry, Loop, Structure, WhileLoop, nested
from ..plan.wavefront import Wavefront
from .bodies import Body, MemoryBody, RegisterBody
from .interrupts import counted_in_rounds, passes, steps_between
from .jobs import LONG, OUT_OF_MEMORY, RAISED, call_job, emit_share, share_out
from .lanes import I8, I64, call_intrinsic
from .loops import counted, integer, repeated
from .routine import Buffer
from .wavefront import WavefrontEmitter

if TYPE_CHECKING:
    from ..plan import Plan
    from .steps import PlanEmitter

Values: TypeAlias = list[ll.Value]


LARGE_BODY = 300
"""Nodes of a scan's body from which on it is a function of its own."""


def emit_structure(emitter: PlanEmitter, step: Structure) -> None:
    """Emit one loop or branch."""
    if isinstance(step, Loop) and (step.parts > 1 or _is_large(step)):
        _emit_apart(emitter, step)
    elif isinstance(step, Loop):
        _LoopEmitter(emitter, step).emit()
    elif isinstance(step, Branch):
        _emit_branch(emitter, step)
    elif isinstance(step, Wavefront):
        WavefrontEmitter(emitter, step).emit()
    else:
        _WhileEmitter(emitter, step).emit()


def _body(
    emitter: PlanEmitter, plan: Plan, consts: Values, carry: Carry, scratch: int | None
) -> Body:
    kind = RegisterBody if plan.straight else MemoryBody
    return kind(emitter, plan, consts, carry, scratch)


def _offset(emitter: PlanEmitter, pointer: ll.Value, offset: int | ll.Value) -> ll.Value:
    """The address `offset` bytes behind `pointer`."""
    if isinstance(offset, int):
        if offset == 0:
            return pointer
        offset = integer(offset)
    return emitter.builder.gep(pointer, [offset], inbounds=True, source_etype=I8)


class _LoopEmitter:
    """A scan."""

    def __init__(self, emitter: PlanEmitter, step: Loop) -> None:
        self.emitter = emitter
        self.builder = emitter.builder
        self.step = step

    def emit(self) -> None:
        step = self.step
        self._place()
        if step.length == 0:
            self.body.keep()
            return
        unroll = min(max(int(step.equation.params["unroll"]), 1), step.length)
        rounds, rest = divmod(step.length, unroll)

        def several(i: ll.Value, state: Values) -> Values:
            first = self.builder.mul(i, integer(unroll), flags=("nuw", "nsw"))
            for k in range(unroll):
                state = self._once(self.builder.add(first, integer(k)), state)
            return state

        def remaining(i: ll.Value, state: Values) -> Values:
            return self._once(self.builder.add(i, integer(rounds * unroll)), state)

        start, between = self.body.start(step.length), steps_between(step.body) // unroll
        if self.emitter.function.looks:
            state = counted_in_rounds(self.emitter, rounds, max(between, 1), start, several)
        else:
            state = counted(self.builder, rounds, start, several)
        if rest:
            state = counted(self.builder, rest, state, remaining)
        self.body.finish(state, moved=False)

    def emit_part(self, number: ll.Value) -> None:
        """Emit part `number` of the steps, which have no carry."""
        self._place()
        start, count = emit_share(self.builder, number, self.step.length, self.step.parts)

        def once(i: ll.Value, state: Values) -> Values:
            return self._once(self.builder.add(start, i), state)

        counted(self.builder, count, self.body.start(None), once)

    def _place(self) -> None:
        """Find out where everything is."""
        step = self.step
        consts = [_offset(self.emitter, self.emitter.pointer(k), at) for k, at in step.consts]
        self.body = _body(self.emitter, step.body, consts, step.carry, step.scratch)
        if step.length == 0:
            return
        eq, first = step.equation, len(step.consts) + len(step.carry.inits)
        self.rows = self._stacks(step.rows, eq.operands[first:])
        stacks = [(k, 0) for k in step.stacks]
        self.stacks = self._stacks(stacks, eq.outputs[len(step.carry.inits) :])

    def _stacks(
        self, places: Sequence[tuple[int, int]], values: Sequence[Value]
    ) -> list[tuple[ll.Value, int]]:
        """Address of each stack, and the bytes of one of its rows."""
        return [
            (
                _offset(self.emitter, self.emitter.pointer(k), start),
                value.type.nbytes // self.step.length,
            )
            for (k, start), value in zip(places, values, strict=True)
        ]

    def _once(self, number: ll.Value, state: Values) -> Values:
        if self.step.equation.params["reverse"]:
            number = self.builder.sub(integer(self.step.length - 1), number)
        return self.body.step(state, self._at(self.rows, number), self._at(self.stacks, number))

    def _at(self, stacks: Sequence[tuple[ll.Value, int]], number: ll.Value) -> Values:
        places: Values = []
        for pointer, row_bytes in stacks:
            offset = self.builder.mul(number, integer(row_bytes), flags=("nuw", "nsw"))
            places.append(_offset(self.emitter, pointer, offset))
        return places


def _is_large(step: Loop) -> bool:
    """Whether a scan has so much code that it is worth a function of its own: LLVM can compile the
    way there and the way back side by side."""
    steps = [inner for plan in nested(step.body) for inner in plan.steps]
    nodes = sum([len(inner.nodes) for inner in steps if isinstance(inner, Kernel)])
    return nodes >= LARGE_BODY and nodes * step.length >= LONG and is_contained(step.body)


def _emit_apart(emitter: PlanEmitter, step: Loop) -> None:
    """A scan as a function, which may be a job for several threads."""
    numbers = tuple(dict.fromkeys([*step.reads, *step.writes]))
    inner, number = emitter.part("jitad.steps", numbers, alone=step.parts == 1)
    failure = emitter.routine().reference(integer(0))
    arguments = [*[emitter.pointer(k) for k in numbers], failure]
    if step.parts == 1:
        _LoopEmitter(inner, step).emit()
    else:
        if step.scratch is not None:
            offset = inner.builder.mul(number, integer(scratch_of_part(step.body)))
            inner.places[step.scratch] = _offset(inner, inner.places[step.scratch], offset)
        _LoopEmitter(inner, step).emit_part(number)
    inner.function.finish()
    job, builder = inner.function.function, emitter.builder
    if step.parts == 1:
        call_job(emitter.routine(), job, arguments)
    else:
        share_out(emitter.routine(), job, arguments, step.parts)
    if not inner.function.can_fail and not inner.function.can_raise:
        return
    goes_on = builder.append_basic_block("goes_on")
    how = builder.switch(builder.load(failure, typ=I64), goes_on)
    if inner.function.can_fail:
        how.add_case(integer(OUT_OF_MEMORY), emitter.function.out_of_memory())
    if inner.function.can_raise:
        how.add_case(integer(RAISED), emitter.function.raised())
    builder.position_at_end(goes_on)


def _emit_branch(emitter: PlanEmitter, step: Branch) -> None:
    builder = emitter.builder
    last = len(step.branches) - 1
    register = emitter.registers.get(step.index)
    index = (
        builder.load(emitter.pointer(step.index), typ=I64) if register is None else register.value
    )
    index = call_intrinsic(builder, "llvm.smax", [index, integer(0)])
    index = call_intrinsic(builder, "llvm.smin", [index, integer(last)])
    inputs = [emitter.pointer(k) for k in step.operands]
    outputs = [emitter.pointer(k) for k in step.results]
    for k, i in step.branches[0].in_place.items():
        type = step.branches[0].output_types[k]
        emitter.routine().copy(Buffer(type, outputs[k]), Buffer(type, inputs[i]))
        inputs[i] = outputs[k]
    after = builder.append_basic_block("chosen")
    blocks = [builder.append_basic_block(f"branch{k}") for k in range(last + 1)]
    switch = builder.switch(index, blocks[last])
    for k in range(last):
        switch.add_case(integer(k), blocks[k])
    for plan, block in zip(step.branches, blocks, strict=True):
        builder.position_at_end(block)
        emitter.inside(plan, inputs, outputs, step.scratch).emit()
        builder.branch(after)
    builder.position_at_end(after)


class _WhileEmitter:
    """A while_loop: the first sweep counts its steps, the others go over as many."""

    def __init__(self, emitter: PlanEmitter, step: WhileLoop) -> None:
        self.emitter = emitter
        self.builder = emitter.builder
        self.step = step
        self.offsets, self.row_bytes = step.tape()
        # Entries without elements take no room, and their addresses are never used.
        self.tape = emitter.function.new_tape() if step.is_taped else None
        self.row_bytes = max(self.row_bytes, 1)

    def emit(self) -> None:
        step = self.step
        body = self._sweep(0)
        test = body.condition(step.condition, step.flag)

        def holds(state: Values) -> ll.Value:
            return test(state[1:])

        def once(state: Values) -> Values:
            number, *carried = state
            row: Values = []
            if self.tape is not None:
                self.tape.make_room(number, self.row_bytes)
                row = self._entries(number, [0])
            following = self.builder.add(number, integer(1), flags=("nuw", "nsw"))
            return [following, *body.step(carried, [], row)]

        count, *carried = self._repeated(0, [integer(0), *body.start(None)], holds, once)
        body.finish(carried, moved=True)
        for number in range(1, len(step.sweeps)):
            self._again(number, count)

    def _repeated(
        self, sweep: int, start: Values, holds: Callable[..., ll.Value], once: Callable[..., Values]
    ) -> Values:
        """The state after the steps of a sweep."""

        def step(state: Values) -> Values:
            following = once(state)
            if self.emitter.function.looks:
                passes(self.emitter, self.step.sweeps[sweep])
            return following

        return repeated(self.builder, start, holds, step)

    def _sweep(self, number: int) -> Body:
        step = self.step
        consts = [self.emitter.pointer(k) for k in step.consts]
        return _body(self.emitter, step.sweeps[number], consts, step.carries[number], step.scratch)

    def _again(self, number: int, count: ll.Value) -> None:
        """Sweep `number` over all steps."""
        body = self._sweep(number)
        upwards = self.step.upwards[number]

        def more(state: Values) -> ll.Value:
            return self.builder.icmp_unsigned("<", state[0], count)

        def once(state: Values) -> Values:
            done, *carried = state
            following = self.builder.add(done, integer(1), flags=("nuw", "nsw"))
            at = done if upwards else self.builder.sub(count, following)
            read = self._entries(at, range(number))
            written = self._entries(at, [number])
            return [following, *body.step(carried, read, written)]

        _, *carried = self._repeated(number, [integer(0), *body.start(None)], more, once)
        body.finish(carried, moved=True)

    def _entries(self, row: ll.Value, sweeps: Sequence[int]) -> Values:
        """Addresses of what the sweeps write in a row."""
        offsets = [offset for k in sweeps for offset in self.offsets[k]]
        if not offsets:
            return []
        assert self.tape is not None
        start = self.tape.row(row, self.row_bytes)
        return [_offset(self.emitter, start, offset) for offset in offsets]
