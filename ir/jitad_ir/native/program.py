"""Graph -> Program: plan, LLVM module, machine code, and a call by ctypes.

The module's one function of fixed form is the internal `program` (see `PROGRAM`); callers such as
the dispatcher of `jitad` add their own entries by `extend`. A small program is one LLVM function,
so that scalars pass from kernel to kernel in registers; in a large one each kernel has its own, so
that time to compile stays linear in the size of the program.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir as ll

from ..graph import Graph
from ..plan import Kernel, Plan, RoutineCall, plan_graph
from ..types import type_of
from .compile import compile_module
from .externals import Externals
from .kernel import KernelEmitter
from .lanes import I8, I32, PTR, Lanes
from .link import CONSTANT, Executable
from .loops import integer
from .routine import Buffer, RoutineEmitter
from .sharing import buffers_of, signature

PROGRAM = "jitad.program"
"""Symbol of `i32 program(ptr in_0, ..., ptr out_0, ..., ptr workspace)`. It returns 0, or another
number if a Python exception is set."""

ONE_FUNCTION = 1500
"""Nodes up to which all kernels of a program are in one LLVM function."""

MANY_KERNELS = 30
"""Kernels up to which they are: more are likely to repeat each other, and share functions."""

Extend: TypeAlias = Callable[[ll.Module, Externals, ll.Function, Plan], "list[str]"]


class Program:
    """Native code of one graph. Call it on arrays of exactly the graph's input types.

    Arrays are converted to C order where they are not in it; results are new arrays. Raises
    TypeError if the arrays do not fit.
    """

    def __init__(self, plan: Plan, executable: Executable) -> None:
        self.plan = plan
        self.executable = executable
        count = len(plan.input_types) + len(plan.output_types) + 1
        signature = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * count)
        self._function = signature(executable.address(PROGRAM))

    def __call__(self, *arrays: Any) -> tuple[np.ndarray[Any, Any], ...]:
        plan = self.plan
        if len(arrays) != len(plan.input_types):
            raise TypeError(
                f"program {plan.name}: expected {len(plan.input_types)} arrays; got {len(arrays)}"
            )
        inputs: list[np.ndarray[Any, Any]] = []
        for position, (array, expected) in enumerate(zip(arrays, plan.input_types, strict=True)):
            if type_of(array) != expected:
                raise TypeError(
                    f"program {plan.name}: input {position} must be {expected!r}; "
                    f"got {type_of(array)!r}"
                )
            inputs.append(np.require(array, requirements=("C", "ALIGNED")))
        outputs = [np.empty(t.shape, t.dtype) for t in plan.output_types]
        workspace = np.empty(plan.workspace_bytes + 64, np.uint8)
        start = -(-workspace.ctypes.data // 64) * 64
        pointers = [a.ctypes.data for a in (*inputs, *outputs)]
        if self._function(*pointers, start):
            raise RuntimeError(f"program {plan.name} failed")
        return tuple(outputs)


def compile_graph(
    graph: Graph,
    *,
    extend: Extend | None = None,
    constants: Sequence[np.ndarray[Any, Any]] = (),
) -> Program:
    """Native code of `graph`, whose ops all have native lowerings.

    `extend(module, externals, program, plan)` may add functions that call `program`, and gives
    their names, which are exported. External "const:i" of the code is `constants[i]`, so that the
    caller can link the same code again from the disk cache; constant arrays of the graph that are
    not among them follow behind.
    """
    plan = plan_graph(graph)
    arrays = list(constants)
    places = {id(array): place for place, array in enumerate(arrays)}
    for array in plan.constants:
        if id(array) not in places:
            places[id(array)] = len(arrays)
            arrays.append(array)
    module, externals, function = emit_program(plan, [places[id(a)] for a in plan.constants])
    exports = [PROGRAM]
    if extend is not None:
        exports += extend(module, externals, function, plan)
    executable = compile_module(module, externals, exports=exports, constants=arrays)
    return Program(plan, executable)


def emit_program(plan: Plan, constants: Sequence[int]) -> tuple[ll.Module, Externals, ll.Function]:
    """The LLVM module of a plan, with its table of externals and the `program` function.
    `constants[i]` numbers the external that is constant i of the plan."""
    module = ll.Module(plan.name)
    externals = Externals(module)
    emitter = _ProgramEmitter(module, externals, plan, constants)
    return module, externals, emitter.emit()


class _ProgramEmitter:
    def __init__(
        self, module: ll.Module, externals: Externals, plan: Plan, constants: Sequence[int]
    ) -> None:
        self.module = module
        self.constants = constants
        self.externals = externals
        self.plan = plan
        kernels = [step for step in plan.steps if isinstance(step, Kernel)]
        nodes = sum(len(kernel.nodes) for kernel in kernels)
        self.separate = nodes > ONE_FUNCTION or len(kernels) > MANY_KERNELS
        """Whether each kernel is a function of its own."""
        self.registers: dict[int, Lanes] = {}
        self.kept = frozenset() if self.separate else _only_in_kernels(plan)
        count = len(plan.input_types) + len(plan.output_types) + 1
        signature = ll.FunctionType(I32, [PTR] * count)
        self.function = ll.Function(module, signature, PROGRAM)
        for argument in self.function.args:
            argument.add_attribute("noalias")
        self.builder = ll.IRBuilder(self.function.append_basic_block("entry"))
        self.pointers: dict[int, ll.Value] = {}
        self.shared: dict[Hashable, ll.Function] = {}

    def emit(self) -> ll.Function:
        """Emit all steps."""
        for step in self.plan.steps:
            if isinstance(step, RoutineCall):
                self._call(step)
            elif self.separate:
                self._function_of(step)
            else:
                self._kernel(step)
        self.builder.ret(ll.Constant(I32, 0))
        return self.function

    def pointer(self, number: int) -> ll.Value:
        """Address of a buffer, formed in the function's entry block."""
        held = self.pointers.get(number)
        if held is None:
            with self.builder.goto_block(self.function.entry_basic_block):
                held = self.pointers[number] = self._address(number)
        return held

    def _address(self, number: int) -> ll.Value:
        """Address of a buffer, formed here."""
        buffer = self.plan.buffers[number]
        arguments = self.function.args
        if buffer.kind == "input":
            return arguments[buffer.place]
        if buffer.kind == "output":
            return arguments[len(self.plan.input_types) + buffer.place]
        if buffer.kind == "constant":
            name = f"{CONSTANT}{self.constants[buffer.place]}"
            return self.externals.pointer(self.builder, name)
        return self.builder.gep(
            arguments[-1], [integer(buffer.place)], inbounds=True, source_etype=I8
        )

    def _kernel(self, kernel: Kernel) -> None:
        buffers = self.plan.buffers
        KernelEmitter(self.builder, kernel, buffers, self.pointer, self.registers, self.kept).emit()

    def _function_of(self, kernel: Kernel) -> None:
        """A call of the kernel as a function of the buffers it uses."""
        key = signature(kernel, self.plan.buffers)
        function = self.shared.get(key)
        if function is None:
            function = self.shared[key] = self._new_function(kernel)
        self.builder.call(function, [self._address(k) for k in buffers_of(kernel)])

    def _new_function(self, kernel: Kernel) -> ll.Function:
        used = buffers_of(kernel)
        function = ll.Function(
            self.module,
            ll.FunctionType(ll.VoidType(), [PTR] * len(used)),
            f"jitad.kernel{len(self.shared)}",
        )
        function.attributes.add("noinline")
        function.attributes.add("nounwind")
        function.linkage = "internal"
        for argument in function.args:
            argument.add_attribute("noalias")
        builder = ll.IRBuilder(function.append_basic_block("entry"))
        arguments = dict(zip(used, function.args, strict=True))
        KernelEmitter(
            builder, kernel, self.plan.buffers, arguments.__getitem__, {}, frozenset()
        ).emit()
        builder.ret_void()
        return function

    def _call(self, call: RoutineCall) -> None:
        scratch = ll.Constant(PTR, None) if call.scratch is None else self.pointer(call.scratch)
        routine = RoutineEmitter(self.builder, self.externals, scratch)
        # A buffer may be that of a reshape: the types are those of the equation.
        eq = call.equation
        operands = [
            Buffer(v.type, self.pointer(k)) for v, k in zip(eq.operands, call.operands, strict=True)
        ]
        results = [
            Buffer(v.type, self.pointer(k)) for v, k in zip(eq.outputs, call.results, strict=True)
        ]
        lower: Any = call.equation.op.lower
        lower.emit(routine, *operands, results, **call.equation.params)


def _only_in_kernels(plan: Plan) -> frozenset[int]:
    """Temporaries of one element that only kernels read: they stay in registers."""
    called = {
        k for s in plan.steps if isinstance(s, RoutineCall) for k in (*s.operands, *s.results)
    }
    return frozenset(
        k
        for k, buffer in enumerate(plan.buffers)
        if buffer.kind == "workspace" and buffer.type.size == 1 and k not in called
    )
