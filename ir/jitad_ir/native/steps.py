"""The steps of a plan in LLVM, one after the other, at the place of a builder.

A `Function` is what all plans of one LLVM function share. A `PlanEmitter` emits one plan, given
where its inputs, outputs and temporaries are: that of the program, or one inside of a loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from llvmlite import ir as ll

from ..plan import Kernel, Plan, RoutineCall
from ..plan.stacks import stack_of
from ..plan.steps import Buffer as PlanBuffer
from ..plan.steps import Step
from ..types import ArrayType
from .addresses import CONSTANT
from .bodies import SLOT_ELEMENTS
from .emitter import Emitter
from .externals import Externals
from .functions import internal_function
from .jobs import LONG, OUT_OF_MEMORY, RAISED, new_job, share_out, unpack
from .kernel import KernelEmitter
from .lanes import I8, I32, I64, PTR, Lanes
from .loops import integer
from .parallel import Split, emit_stack, kernel_job, split_of
from .routine import Buffer, RoutineEmitter
from .sharing import buffers_of, places_of, repeated, routine_signature, signature
from .structured import emit_structure
from .tape import Tape

NULL = ll.Constant(PTR, None)
"""The workspace of what has none."""

STACK_BYTES = 1 << 16
"""Bytes of small temporaries inside of loops that one function may have on the stack."""


class Function:
    """An LLVM function that runs plans.

    `separate` says whether each kernel with loops is a function of its own; `constants[i]` numbers
    the external that is constant i of the plans.
    """

    def __init__(
        self,
        function: ll.Function,
        externals: Externals,
        constants: Sequence[int],
        *,
        separate: bool,
    ) -> None:
        self.function = function
        self.module = function.module
        self.externals = externals
        self.constants = constants
        self.separate = separate
        self.looks = True
        """Whether its loops look for signals, see `interrupts`."""
        self.builder = ll.IRBuilder(function.append_basic_block("entry"))
        self.tapes: list[Tape] = []
        self.shared: dict[Hashable, ll.Function] = {}
        """Functions of kernels, by what they do."""
        self._constants: dict[int, ll.Value] = {}
        self._clock: ll.Value | None = None
        self._failed: ll.Block | None = None
        self._raised: ll.Block | None = None
        self._stack_left = STACK_BYTES

    def constant(self, number: int) -> ll.Value:
        """Address of a constant of the plans."""
        held = self._constants.get(number)
        if held is None:
            with self.builder.goto_entry_block():
                name = f"{CONSTANT}{self.constants[number]}"
                held = self._constants[number] = self.externals.pointer(self.builder, name)
        return held

    def take_stack(self, size: int) -> bool:
        """Whether there is room on the stack for `size` bytes more, which are then taken."""
        fits = size <= self._stack_left
        self._stack_left -= size if fits else 0
        return fits

    def new_tape(self) -> Tape:
        """A tape, empty when the function is entered and freed when it is left."""
        self.tapes.append(Tape(self))
        return self.tapes[-1]

    def clock(self) -> ll.Value:
        """Where the function counts the nanoseconds since it looked for signals."""
        if self._clock is None:
            with self.builder.goto_entry_block():
                self._clock = self.builder.alloca(I64)
                self.builder.store(integer(0), self._clock)
        return self._clock

    def out_of_memory(self) -> ll.Block:
        """The block that leaves the function for want of memory."""
        if self._failed is None:
            self._failed = self.function.append_basic_block("out_of_memory")
        return self._failed

    @property
    def can_fail(self) -> bool:
        """Whether it may be left for want of memory."""
        return self._failed is not None

    @property
    def can_raise(self) -> bool:
        """Whether it may be left with a Python exception set."""
        return self._raised is not None

    def raised(self) -> ll.Block:
        """The block that leaves the function when a Python exception is set."""
        if self._raised is None:
            self._raised = self.function.append_basic_block("raised")
        return self._raised

    def finish(self) -> None:
        """Return 0 from the place of the builder, and say how to return from other places."""
        self._release()
        self.builder.ret(I32(0))
        if self._failed is not None:
            self.builder.position_at_end(self._failed)
            self._release()
            raise_memory_error(self.builder, self.externals)
            self.builder.ret(I32(1))
        if self._raised is not None:
            self.builder.position_at_end(self._raised)
            self._release()
            self.builder.ret(I32(1))

    def _release(self) -> None:
        for tape in self.tapes:
            tape.free()


class Job(Function):
    """The function of a part of a plan (see `jobs`), within the function `around`: its arguments
    are `count` addresses, and that of a number that is 0 until some part wants for memory (1) or a
    Python exception is set (2), which is so in a part that is `alone` only."""

    def __init__(self, around: Function, name: str, count: int, *, alone: bool) -> None:
        job = new_job(around.module, around.module.get_unique_name(name))
        super().__init__(job, around.externals, around.constants, separate=around.separate)
        self.shared = around.shared
        self.looks = around.looks and alone
        *self.places, self._failure = unpack(self.builder, job, count + 1)

    def finish(self) -> None:
        """See Function. The program goes on with the other parts until all of them are left."""
        self._release()
        self.builder.ret_void()
        for block, number in ((self._failed, OUT_OF_MEMORY), (self._raised, RAISED)):
            if block is not None:
                self.builder.position_at_end(block)
                self._release()
                self.builder.atomic_rmw("xchg", self._failure, integer(number), "monotonic")
                self.builder.ret_void()


def raise_memory_error(builder: ll.IRBuilder, externals: Externals) -> None:
    """Set Python's MemoryError, whether this thread holds the interpreter's lock or not."""
    routine = RoutineEmitter(builder, externals)
    state = routine.call("py:PyGILState_Ensure", I32, [])
    routine.call("py:PyErr_NoMemory", PTR, [])
    routine.call("py:PyGILState_Release", None, [state])


class PlanEmitter:
    """Emits one plan. `inputs` and `outputs` are addresses; temporaries lie at `workspace`, a value
    of the function's entry block."""

    def __init__(
        self,
        function: Function,
        plan: Plan,
        inputs: Sequence[ll.Value],
        outputs: Sequence[ll.Value],
        workspace: ll.Value,
        *,
        inner: bool = False,
    ) -> None:
        self.function = function
        self.builder = function.builder
        small = sum([b.type.nbytes for b in plan.buffers if _is_small(b)])
        self.inner = inner and function.take_stack(small)
        self.plan = plan
        self.inputs = inputs
        self.outputs = outputs
        self.workspace = workspace
        self.registers: dict[int, Lanes] = {}
        self.kept = frozenset() if function.separate else _only_in_kernels(plan)
        self.places: dict[int, ll.Value] = {}
        """Addresses of buffers that are known."""
        self.repeated = frozenset() if inner else repeated(plan)

    def emit(self) -> None:
        """Emit all steps."""
        steps = self.plan.steps
        for step, before in zip(steps, (None, *steps), strict=False):
            if isinstance(step, Kernel):
                self._emit_kernel(step, before)
                continue
            if isinstance(step, RoutineCall):
                self._call(step)
            else:
                emit_structure(self, step)
            for k in step.writes:
                # It may have been computed before: steps overwrite what they can.
                self.registers.pop(k, None)

    def inside(
        self,
        plan: Plan,
        inputs: Sequence[ll.Value],
        outputs: Sequence[ll.Value],
        scratch: int | None,
    ) -> PlanEmitter:
        """The emitter of a plan inside, whose temporaries lie in buffer `scratch`."""
        workspace = NULL if scratch is None else self.pointer(scratch)
        return PlanEmitter(self.function, plan, inputs, outputs, workspace, inner=True)

    def pointer(self, number: int) -> ll.Value:
        """Address of a buffer."""
        held = self.places.get(number)
        if held is not None:
            return held
        buffer = self.plan.buffers[number]
        if buffer.kind == "input":
            return self.inputs[buffer.place]
        if buffer.kind == "output":
            return self.outputs[buffer.place]
        if buffer.kind == "constant":
            return self.function.constant(buffer.place)
        if self._on_stack(buffer):
            held = self.places[number] = self.slot(buffer.type)
        else:
            with self.builder.goto_entry_block():
                held = self.places[number] = self._address(number)
        return held

    def part(
        self, name: str, numbers: Sequence[int], *, alone: bool
    ) -> tuple[PlanEmitter, ll.Value]:
        """The emitter of steps of this plan in a `Job`, whose arguments are the buffers `numbers`,
        and the number of the part. `alone`: there is one part, on this thread."""
        function = Job(self.function, name, len(numbers), alone=alone)
        emitter = PlanEmitter(function, self.plan, (), (), NULL)
        emitter.places = dict(zip(numbers, function.places, strict=True))
        return emitter, function.function.args[1]

    def _address(self, number: int) -> ll.Value:
        """Address of a buffer, for use here only: one of a temporary is formed here."""
        buffer = self.plan.buffers[number]
        if buffer.kind != "workspace" or self._on_stack(buffer):
            return self.pointer(number)
        start = self.workspace if buffer.host is None else self.outputs[buffer.host]
        return self.builder.gep(start, [integer(buffer.place)], inbounds=True, source_etype=I8)

    def _on_stack(self, buffer: PlanBuffer) -> bool:
        """True of small temporaries inside of a loop."""
        return self.inner and _is_small(buffer)

    def slot(self, type: ArrayType) -> ll.Value:
        """Room for a small array on the stack, which LLVM turns into registers where all accesses
        are at known places."""
        return self.routine().local(type.dtype, max(type.size, 1))

    def routine(self, scratch: int | None = None) -> RoutineEmitter:
        """An emitter of routines at the place of the builder."""
        workspace = NULL if scratch is None else self.pointer(scratch)
        function = self.function
        return RoutineEmitter(self.builder, function.externals, workspace, function.raised)

    def _emit_kernel(self, kernel: Kernel, before: Step | None) -> None:
        split = split_of(kernel, self.plan.buffers, before) if kernel.lengths else None
        if split is not None:
            self._in_parts(kernel, split)
        elif kernel.lengths and (self.function.separate or self._is_long(kernel)):
            self._function_of(kernel)
        else:
            self._kernel(kernel)

    def _is_long(self, kernel: Kernel) -> bool:
        """Whether a call is nothing beside the kernel's own time."""
        work = math.prod(kernel.lengths) * len(kernel.nodes)
        return work >= LONG and self.kept.isdisjoint(kernel.writes)

    def _in_parts(self, kernel: Kernel, split: Split) -> None:
        """The kernel as a job for several threads."""
        shared, buffers = self.function.shared, self.plan.buffers
        key = ("job", signature(kernel, buffers))
        job = shared.get(key)
        if job is None:
            name = f"jitad.job{len(shared)}"
            job = shared[key] = kernel_job(self.function.module, kernel, buffers, split, name)
        share_out(self.routine(), job, self._places(kernel), split.parts)

    def _places(self, kernel: Kernel) -> list[ll.Value]:
        """Addresses of the buffers of a kernel that is a function of its own."""
        places: list[ll.Value] = []
        for k in buffers_of(kernel):
            if k in self.kept:
                places.append(self.slot(self.plan.buffers[k].type))
                Emitter(self.builder, 1).store(places[-1], self.registers[k])
            else:
                places.append(self._address(k))
        return places

    def _kernel(self, kernel: Kernel) -> None:
        buffers = self.plan.buffers
        KernelEmitter(self.builder, kernel, buffers, self.pointer, self.registers, self.kept).emit()

    def _function_of(self, kernel: Kernel) -> None:
        """A call of the kernel as a function of the buffers it uses."""
        shared = self.function.shared
        key = signature(kernel, self.plan.buffers)
        function = shared.get(key)
        if function is None:
            function = self._new_function(buffers_of(kernel), f"jitad.kernel{len(shared)}")
            function.attributes.add("noinline")
            shared[key] = function
            builder = ll.IRBuilder(function.append_basic_block("entry"))
            arguments = dict(zip(buffers_of(kernel), function.args, strict=True))
            KernelEmitter(
                builder, kernel, self.plan.buffers, arguments.__getitem__, {}, frozenset()
            ).emit()
            builder.ret_void()
        self.builder.call(function, self._places(kernel))

    def _new_function(self, buffers: Sequence[int], name: str) -> ll.Function:
        """A function of the addresses of these buffers, without a body yet."""
        type = ll.FunctionType(ll.VoidType(), [PTR] * len(buffers))
        function = internal_function(self.function.module, type, name)
        for argument in function.args:
            argument.add_attribute("noalias")
        return function

    def _call(self, call: RoutineCall) -> None:
        key = routine_signature(call) if self.repeated else None
        if key in self.repeated:
            self._call_shared(call, key)
        else:
            self._routine(self.routine(call.scratch), call, self.pointer)

    def _routine(
        self, routine: RoutineEmitter, call: RoutineCall, pointer: Callable[[int], ll.Value]
    ) -> None:
        # A buffer may be that of a reshape: the types are those of the equation.
        eq = call.equation
        operands = [
            Buffer(v.type, pointer(k)) for v, k in zip(eq.operands, call.operands, strict=True)
        ]
        results = [
            Buffer(v.type, pointer(k)) for v, k in zip(eq.outputs, call.results, strict=True)
        ]
        lower: Any = eq.op.lower
        stack = stack_of(eq)
        if stack is None:
            lower.emit(routine, *operands, results, **eq.params)
        else:
            emit_stack(routine, eq, stack, operands, results)

    def _call_shared(self, call: RoutineCall, key: Hashable) -> None:
        """A call of the routine as a function of the buffers it uses."""
        shared, used = self.function.shared, places_of(call)
        function = shared.get(key)
        if function is None:
            function = shared[key] = self._new_function(used, f"jitad.routine{len(shared)}")
            builder = ll.IRBuilder(function.append_basic_block("entry"))
            arguments = dict(zip(used, function.args, strict=True))
            scratch = NULL if call.scratch is None else arguments[call.scratch]
            routine = RoutineEmitter(builder, self.function.externals, scratch)
            self._routine(routine, call, arguments.__getitem__)
            builder.ret_void()
        self.builder.call(function, [self._address(k) for k in used])


def _is_small(buffer: PlanBuffer) -> bool:
    return buffer.kind == "workspace" and buffer.type.size <= SLOT_ELEMENTS


def _only_in_kernels(plan: Plan) -> frozenset[int]:
    """Temporaries of one element that only kernels read: they stay in registers."""
    elsewhere = {k for s in plan.steps if not isinstance(s, Kernel) for k in (*s.reads, *s.writes)}
    return frozenset(
        k
        for k, buffer in enumerate(plan.buffers)
        if buffer.kind == "workspace" and buffer.type.size == 1 and k not in elsewhere
    )
