"""The CPU that code is made for, and the passes that every module goes through.

One LLVM target machine per process and (CPU, features), made when the first program is compiled:
it takes about a millisecond.
"""

from __future__ import annotations

import functools
import sys
from typing import Any, NamedTuple

import llvmlite.binding as llvm


class Host(NamedTuple):
    """What object code depends on: LLVM's name of the platform, of the CPU, and its features."""

    triple: str
    cpu: str
    features: str


@functools.cache
def host() -> Host:
    """The machine this process runs on."""
    try:
        features = llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # LLVM cannot tell on this platform: the CPU's name has to do.
        features = ""
    return Host(llvm.get_process_triple(), llvm.get_host_cpu_name(), features)


PASSES = (
    # Functions marked `alwaysinline` (see `compile.choose_inlining`); what is left unused, goes.
    "always_inliner",
    "global_dead_code_eliminate",
    # Stack slots and small arrays become registers.
    "sroa",
    # Algebra on addresses, compares and selects; folding of constants.
    "instruction_combine",
    "simplify_cfg",
    "dead_code_elimination",
)
"""The pipeline, in llvmlite's names of the passes. Kernels are emitted with vector types and
invariants hoisted, so LLVM's own loop passes find nothing: its O1 pipeline takes 3 to 6 times as
long as this one and yields the same speed (docs/decisions.md)."""

CODEGEN_LEVEL = 2
"""Optimisation level of instruction selection, scheduling and register allocation (0 to 3). Level
0 takes a third of the time, but spills every value that crosses a block."""


class Target:
    """A target machine with the pass pipeline; makes objects of LLVM modules."""

    def __init__(self, cpu: str, features: str) -> None:
        initialize_llvm()
        self.machine = create_machine(cpu, features, CODEGEN_LEVEL)
        self._options = llvm.create_pipeline_tuning_options(speed_level=2)
        self._passes = llvm.create_new_module_pass_manager()
        for name in PASSES:
            getattr(self._passes, f"add_{name}_pass")()

    def optimize(self, module: Any) -> None:
        """Run the pipeline on a parsed module, in place."""
        # A new builder each time: each run adds callbacks to its builder, which point to what is
        # gone when the run ends. A second run calls them; some print to standard error.
        self._passes.run(module, llvm.create_pass_builder(self.machine, self._options))

    def emit_object(self, module: Any) -> bytes:
        """Object code of a parsed module."""
        return self.machine.emit_object(module)


@functools.cache
def target(cpu: str | None = None, features: str | None = None) -> Target:
    """The process's target for a CPU and its features (default: the host's)."""
    here = host()
    if cpu is None:
        cpu, features = here.cpu, here.features if features is None else features
    return Target(cpu, features or "")


def create_machine(cpu: str, features: str, level: int) -> Any:
    """A new LLVM target machine for code that is loaded into this process."""
    # Small code model, position independent: the linker keeps the sections of one object
    # together, and constants are operands in memory instead of addresses in registers. Windows
    # loads ELF objects, which llvmlite asks for by the code model "jitdefault".
    windows = sys.platform == "win32"
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=cpu,
        features=features,
        opt=level,
        reloc="default" if windows else "pic",
        codemodel="jitdefault" if windows else "small",
        jit=True,
    )


@functools.cache
def initialize_llvm() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
