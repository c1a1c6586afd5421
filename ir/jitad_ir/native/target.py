"""The CPU that code is made for, and the passes that every module goes through.

An LLVM target machine serves one thread at a time. It takes about a millisecond to make, so that
those of the host are kept for whoever compiles next.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Generator
from typing import Any, NamedTuple

import llvmlite.binding as llvm

from .. import processor
from . import unlocked


class Host(NamedTuple):
    """What object code depends on: LLVM's name of the platform, of the CPU, and its features."""

    triple: str
    cpu: str
    features: str


@functools.cache
def host() -> Host:
    """The machine this process runs on, or an older one that JITAD_CPU asks for."""
    named = processor.level()
    if named is not None:
        wanted = sorted(processor.LEVELS[named])
        return Host(llvm.get_process_triple(), named, ",".join([f"+{name}" for name in wanted]))
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
    """A target machine with the pass pipeline; makes objects of LLVM modules, which are `loaded`
    into this process, or else are for a linker."""

    def __init__(self, cpu: str, features: str, *, loaded: bool = True) -> None:
        initialize_llvm()
        self.machine = create_machine(cpu, features, CODEGEN_LEVEL, loaded=loaded)
        self._options = llvm.create_pipeline_tuning_options(speed_level=2)
        self._passes = llvm.create_new_module_pass_manager()
        for name in PASSES:
            getattr(self._passes, f"add_{name}_pass")()

    def optimize(self, module: Any) -> None:
        """Run the pipeline on a parsed module, in place."""
        # A new builder each time: each run adds callbacks to its builder, which point to what is
        # gone when the run ends. A second run calls them; some print to standard error.
        builder = llvm.create_pass_builder(self.machine, self._options)
        unlocked.run_passes(self._passes, module, builder)

    def emit_object(self, module: Any) -> bytes:
        """Object code of a parsed module."""
        return unlocked.emit_object(self.machine, module)


_idle: list[Target] = []
"""Targets of the host that nobody uses. `append` and `pop` of a list are atomic."""


@contextlib.contextmanager
def borrowed_target() -> Generator[Target]:
    """The host's target, for the use of this thread."""
    try:
        target = _idle.pop()
    except IndexError:
        target = Target(*host()[1:])
    try:
        yield target
    finally:
        _idle.append(target)


KNOWN_VERSIONS = range(11, 23)
"""Of LLVM that know the option below; others would end the process."""

_option = threading.Lock()
_compiling = 0
"""How many compilations are under way that want it off."""


@contextlib.contextmanager
def without_strength_reduction() -> Generator[None]:
    """Within it LLVM leaves addresses in loops as they are. To choose new ones takes it a sixth
    of the time of code generation, and gains nothing for kernels whose addresses are `base + i`.
    It is an option of the process, so that others who use LLVM find it as it was."""
    _count_compilation(1)
    try:
        yield
    finally:
        _count_compilation(-1)


def _count_compilation(change: int) -> None:
    global _compiling
    if llvm.llvm_version_info[0] not in KNOWN_VERSIONS:
        return
    with _option:
        before, _compiling = _compiling, _compiling + change
        if not before or not _compiling:
            llvm.set_option("jitad", f"-disable-lsr={'true' if _compiling else 'false'}")


def create_machine(cpu: str, features: str, level: int, *, loaded: bool = True) -> Any:
    """A new LLVM target machine for code that is loaded into this process, or is for a linker."""
    # Small code model, position independent: the linker keeps the sections of one object
    # together, and constants are operands in memory instead of addresses in registers. Windows
    # loads ELF objects, which llvmlite asks for by the code model "jitdefault".
    loads_elf = sys.platform == "win32" and loaded
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=cpu,
        features=features,
        opt=level,
        reloc="default" if loads_elf else "pic",
        codemodel="jitdefault" if loads_elf else "small",
        jit=loaded,
    )


@functools.cache
def initialize_llvm() -> None:
    """Make LLVM ready to generate code for this machine."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
