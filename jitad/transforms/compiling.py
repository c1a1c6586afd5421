"""The code generator's side of jit: passes, plan, machine code. Loaded when a program is not in the
disk cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir as ll

import jitad_ir.dependence  # noqa: F401  # pyright: ignore[reportUnusedImport]  (a derived op)
from jitad_ir.graph import Graph
from jitad_ir.native.externals import Externals
from jitad_ir.native.link import Executable
from jitad_ir.native.program import compile_graph
from jitad_ir.passes.pipeline import optimize
from jitad_ir.plan import Plan
from jitad_ir.plan.duration import is_long
from jitad_ir.stages import stage

from ..dispatch.entry import emit_entry


def compile_program(
    graph: Graph, constants: Sequence[Any], entry: str
) -> tuple[Executable, Sequence[Any]]:
    """Machine code of `graph` with a function `entry` for the native dispatcher. External
    "const:i" is `constants[i]`; the metadata holds the bytes of workspace, and whether the program
    runs long enough to release the GIL. With it, the constants that the passes have added."""
    leaves, results = len(graph.inputs), len(graph.outputs)

    def extend(
        module: ll.Module, externals: Externals, program: ll.Function, plan: Plan
    ) -> list[str]:
        emit_entry(module, program, leaves, results, name=entry)
        return [entry]

    with stage("passes"):
        optimized = optimize(graph)
    program = compile_graph(optimized, extend=extend, constants=constants)
    executable = program.executable
    executable.metadata = {
        "workspace": program.plan.workspace_bytes,
        "long": is_long(program.plan),
    }
    return executable, program.held[len(constants) :]
