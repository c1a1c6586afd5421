"""Machine code for the support module, once per process."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import NamedTuple

from llvmlite import binding as llvm
from llvmlite import ir as ll

from jitad.dispatch import support
from jitad_ir.native import externals


class Loaded(NamedTuple):
    """Addresses of a loaded module's exported functions and the engine that owns their code."""

    addresses: dict[str, int]
    engine: llvm.ExecutionEngine


def load(
    emit: Callable[[ll.Module, externals.Externals], tuple[str, ...]], level: int = 2
) -> Loaded:
    """Compiles what `emit` adds to a module; `emit` returns the names to export."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = ll.Module("jitad")
    table = externals.Externals(module)
    names = emit(module, table)
    table.finish()
    parsed = llvm.parse_assembly(str(module))
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), opt=level, jit=True
    )
    options = llvm.create_pipeline_tuning_options(level)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(parsed, passes)
    engine = llvm.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    slots = ctypes.c_void_p * len(table.names)
    slots.from_address(engine.get_global_value_address(externals.TABLE_NAME))[:] = [
        externals.resolve(name) for name in table.names
    ]
    return Loaded({name: engine.get_function_address(name) for name in names}, engine)


@functools.cache
def load_support() -> Loaded:
    """The support module of this process."""
    return load(support.emit_support)


externals.register("dispatch", lambda name: load_support().addresses[f"jitad.dispatch.{name}"])
