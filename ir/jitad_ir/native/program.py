"""Graph -> Program: plan, LLVM module, machine code, and a call by ctypes.

The module's one function of fixed form is the internal `program` (see `PROGRAM`); callers such as
the dispatcher of `jitad` add their own entries by `extend`. A small program is one LLVM function,
so that scalars pass from kernel to kernel in registers; in a large one each kernel has its own, so
that time to compile stays linear in the size of the program.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir as ll

from ..collector import collector_paused
from ..graph import Graph
from ..plan import Kernel, Plan, plan_graph
from ..plan.structures import nested
from ..stages import stage
from ..types import type_of
from .compile import compile_module
from .externals import Externals
from .functions import new_function
from .lanes import I32, PTR
from .link import Executable
from .steps import Function, PlanEmitter

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

    def __init__(self, plan: Plan, executable: Executable, held: Sequence[Any] = ()) -> None:
        self.plan = plan
        self.held = held
        """What the program brings along: arrays, and the Python functions that it calls."""
        self.executable = executable

    @functools.cached_property
    def _function(self) -> Any:
        """`PROGRAM`, unless others are exported in its place."""
        count = len(self.plan.input_types) + len(self.plan.output_types) + 1
        signature = ctypes.PYFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * count)
        return signature(self.executable.address(PROGRAM))

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
    constants: Sequence[Any] = (),
) -> Program:
    """Native code of `graph`, whose ops all have native lowerings.

    `extend(module, externals, program, plan)` may add functions that call `program`, and gives
    their names, which are exported in its place: the Program cannot be called itself then. External
    "const:i" of the code is `constants[i]`, so that the caller can link the same code again from
    the disk cache; constant arrays of the graph that are not among them follow behind.
    """
    with collector_paused(), stage("plan"):
        plan = plan_graph(graph)
    arrays: list[Any] = list(constants)
    places = {id(array): place for place, array in enumerate(arrays)}
    for array in plan.constants:
        if id(array) not in places:
            places[id(array)] = len(arrays)
            arrays.append(array)
    with collector_paused(), stage("emit"):
        numbers = [places[id(array)] for array in plan.constants]
        module, externals, function = emit_program(plan, numbers, arrays)
        exports = [PROGRAM] if extend is None else extend(module, externals, function, plan)
    executable = compile_module(module, externals, exports=exports, constants=arrays)
    return Program(plan, executable, arrays)


def emit_program(
    plan: Plan, constants: Sequence[int], held: list[Any] | None = None
) -> tuple[ll.Module, Externals, ll.Function]:
    """The LLVM module of a plan, with its table of externals and the `program` function.
    `constants[i]` numbers the external that is constant i of the plan; `held` are all that the
    program brings along, to which it may add Python objects."""
    module = ll.Module(plan.name)
    externals = Externals(module, held)
    inputs = len(plan.input_types)
    outputs = len(plan.output_types)
    signature = ll.FunctionType(I32, [PTR] * (inputs + outputs + 1))
    function = new_function(module, signature, PROGRAM)
    for argument in function.args:
        argument.add_attribute("noalias")
    kernels = [step for p in nested(plan) for step in p.steps if isinstance(step, Kernel)]
    nodes = sum(len(kernel.nodes) for kernel in kernels)
    separate = nodes > ONE_FUNCTION or len(kernels) > MANY_KERNELS
    code = Function(function, externals, constants, separate=separate)
    places = function.args
    PlanEmitter(code, plan, places[:inputs], places[inputs : inputs + outputs], places[-1]).emit()
    code.finish()
    return module, externals, function
