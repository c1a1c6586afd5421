"""Graph -> object file that C can link, without Python.

Code finds all that is outside of it through its table of externals (`externals`). In a process of
ours the addresses come when the code is loaded; here they are in the object: functions of C, BLAS
and LAPACK by the names that the user's linker knows, constants and tables as data, and in place of
the worker threads and of the interpreter what does their work for a program that has neither. What
only Python can do is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
from llvmlite import ir as ll

from ..graph import Graph
from ..ops import fft_tables
from ..plan import plan_graph
from ..types import ARRAY_TYPES
from ..workers import STATE_BYTES
from .addresses import CONSTANT, TABLE_NAME
from .assembly import module_text
from .chunks import split_long_blocks
from .compile import choose_inlining
from .externals import Externals
from .functions import internal_function, new_function
from .lanes import I8, I32, I64, PTR
from .program import emit_program
from .target import Target, host, without_strength_reduction
from .threads_code import JOB
from .unlocked import parse

WORKSPACE_ALIGN = 64
"""Bytes: workspace begins at a cache line."""


INTEGER_BYTES = "integer_bytes"
"""The external "lapack:integer_bytes" is a number, not a function (`libraries`)."""


class NeedsPythonError(ValueError):
    """A program calls what there is in a Python process only; the message names it."""


class Standalone(NamedTuple):
    """A function for C, `int name(void *in_0, ..., void *out_0, ..., void *workspace)`. It returns
    0, or 1 if there is not enough memory; it may run in several threads at once, each with a
    workspace of its own."""

    code: bytes
    """An object file of this platform, position independent."""
    workspace_bytes: int
    """What a call needs, wherever it lies; 0: the workspace may be NULL."""
    libraries: Mapping[str, Sequence[str]]
    """What it has to be linked with, besides the libraries of C, and the functions that it calls
    there: {"lapack": ["dpotrf"], "blas": ["dgemm"]}."""


def standalone(graph: Graph, name: str) -> Standalone:
    """The object of a graph that has gone through the passes, whose function is `name`.

    Raises NeedsPythonError, and ValueError where `name` is that of something else in the object.
    """
    plan = plan_graph(graph)
    constants = list(plan.constants)
    module, externals, program = emit_program(plan, range(len(constants)), constants)
    if name in module.globals:
        raise ValueError(f"expected a name that the program does not use itself; got {name!r}")
    _entry(module, program, name)
    _Contents(module, externals).fill()
    size = plan.workspace_bytes
    return Standalone(
        _object(module, name),
        size + WORKSPACE_ALIGN - 1 if size else 0,
        _libraries(externals.names),
    )


def _libraries(externals: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for family in ("lapack", "blas"):
        names = [name.removeprefix(f"{family}:") for name in externals if name.startswith(family)]
        called = [name for name in names if name != INTEGER_BYTES]
        if called:
            found[family] = called
    return found


def _object(module: ll.Module, name: str) -> bytes:
    split_long_blocks(module)
    choose_inlining(module, [name])
    target = Target(host().cpu, host().features, loaded=False)
    module.triple, module.data_layout = host().triple, str(target.machine.target_data)
    parsed = parse(module_text(module))
    with without_strength_reduction():
        target.optimize(parsed)
        return target.emit_object(parsed)


def _entry(module: ll.Module, program: ll.Function, name: str) -> None:
    """`program` for C: it aligns the workspace."""
    function = new_function(module, program.function_type, name)
    for argument in function.args:
        argument.add_attribute("noalias")
    builder = ll.IRBuilder(function.append_basic_block("entry"))
    *arrays, workspace = function.args
    behind = builder.gep(workspace, [I64(WORKSPACE_ALIGN - 1)], source_etype=I8)
    start = builder.and_(builder.ptrtoint(behind, I64), I64(-WORKSPACE_ALIGN))
    builder.ret(builder.call(program, [*arrays, builder.inttoptr(start, PTR)]))


class _Contents:
    """What the slots of the table of externals hold."""

    def __init__(self, module: ll.Module, externals: Externals) -> None:
        self.module = module
        self.externals = externals
        self.families: dict[str, Callable[[str], ll.Constant | ll.GlobalValue]] = {
            CONSTANT.rstrip(":"): self._constant,
            "fft": lambda name: self._data(fft_tables.table(name)),
            "blas": self._fortran,
            "lapack": self._fortran,
            "calls": self._calls,
            "threads": self._threads,
            "py": self._python,
            "system": self._function,
            "special": self._special,
        }

    def fill(self) -> None:
        """Write the table."""
        names = self.externals.names
        self.externals.finish()
        if not names:
            return
        table = self.module.globals[TABLE_NAME]
        held: list[Any] = []
        for name in names:
            family, _, rest = name.partition(":")
            if family not in self.families:
                raise NeedsPythonError(f"{name}, which is there in Python processes only")
            held.append(self.families[family](rest))
        table.initializer = ll.Constant(table.value_type, held)
        table.linkage, table.global_constant = "internal", True

    def _constant(self, number: str) -> ll.GlobalVariable:
        constant = self.externals.constants[int(number)]
        if not isinstance(constant, ARRAY_TYPES):
            raise NeedsPythonError(
                "a Python function: jitad.debug.print, pure_callback, io_callback or a check"
            )
        return self._data(np.asarray(constant))

    def _data(self, array: np.ndarray[Any, Any]) -> ll.GlobalVariable:
        """The elements of an array, in C order."""
        data = bytearray(np.ascontiguousarray(array).tobytes())
        held = self._variable(ll.Constant(ll.ArrayType(I8, len(data)), data))
        held.global_constant, held.align = True, WORKSPACE_ALIGN
        return held

    def _variable(self, initializer: ll.Constant) -> ll.GlobalVariable:
        name = self.module.get_unique_name("jitad.data")
        held = ll.GlobalVariable(self.module, initializer.type, name)
        held.initializer, held.linkage = initializer, "internal"
        return held

    def _function(self, name: str) -> ll.Function:
        """A function of that name in the libraries the object is linked with."""
        found = self.module.globals.get(name)
        signature = ll.FunctionType(ll.VoidType(), [])  # it is called by a pointer that knows
        return found or ll.Function(self.module, signature, name)

    def _fortran(self, name: str) -> ll.GlobalValue:
        """BLAS or LAPACK with integers of 32 bits, the first half of those given."""
        if name == INTEGER_BYTES:
            return self._variable(I64(4))
        return self._function(name + "_")

    def _special(self, name: str) -> NoReturn:
        raise NeedsPythonError(
            f"scipy.special.{name}, whose code lies in SciPy's modules for Python processes"
        )

    def _calls(self, family: str) -> ll.GlobalVariable:
        """A `workers.Calls` whose setter changes nothing: the library's threads are the user's."""
        setter = self._new("no_threads", ll.FunctionType(I32, [I32]), lambda b: b.ret(I32(1)))
        fields = [I64(0), I64(0), I64(0), setter, I64(0)]
        type = ll.LiteralStructType([I64, I64, I64, PTR, I64])
        return self._variable(ll.Constant(type, fields))

    def _threads(self, name: str) -> ll.GlobalValue:
        """One thread, which does all parts of a job."""
        if name == "state":
            rest = ll.ArrayType(I8, STATE_BYTES - 8)
            type = ll.LiteralStructType([I64, rest])
            return self._variable(ll.Constant(type, [I64(1), ll.Constant(rest, None)]))
        return self._new("parts", ALL_PARTS, _all_parts)

    def _python(self, name: str) -> ll.GlobalValue:
        """Of the interpreter: memory comes from C, and nobody asks for its lock or its errors."""
        c_name = {"PyMem_RawRealloc": "realloc", "PyMem_RawFree": "free"}.get(name)
        if c_name is not None:
            return self._function(c_name)
        if name not in ("PyGILState_Ensure", "PyErr_CheckSignals"):
            return self._new(name, ll.FunctionType(ll.VoidType(), []), lambda b: b.ret_void())
        return self._new(name, ll.FunctionType(I32, []), lambda b: b.ret(I32(0)))

    def _new(
        self, name: str, signature: ll.FunctionType, body: Callable[[ll.IRBuilder], Any]
    ) -> ll.Function:
        function = internal_function(
            self.module, signature, self.module.get_unique_name(f"jitad.standalone.{name}")
        )
        body(ll.IRBuilder(function.append_basic_block("entry")))
        return function


ALL_PARTS = ll.FunctionType(ll.VoidType(), [PTR, JOB.as_pointer(), PTR, I64])
"""`threads_code.PARALLEL_FOR`, where the type of the job is known."""


def _all_parts(builder: ll.IRBuilder) -> None:
    """One part of a job after the other."""
    function = builder.function
    _, job, arguments, count = function.args
    entry = builder.block
    loop, done = function.append_basic_block("loop"), function.append_basic_block("done")
    builder.cbranch(builder.icmp_signed(">", count, I64(0)), loop, done)
    builder.position_at_end(loop)
    part = builder.phi(I64)
    part.add_incoming(I64(0), entry)
    builder.call(job, [arguments, part])
    following = builder.add(part, I64(1))
    part.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, done)
    builder.position_at_end(done)
    builder.ret_void()
