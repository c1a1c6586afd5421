"""The programs of `threaded_programs` on another CPU than the one at hand, in a process of its own:
run where that one can, else only compiled, as LLVM does for any CPU.

    python -m tests.native.other_cpu TRIPLE CPU FEATURE ...
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np


def pretend(triple: str, cpu: str, features: Sequence[str]) -> None:
    """Let the library, which is not imported yet, believe that this is its machine."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    known = llvm.get_host_cpu_features() if triple == llvm.get_process_triple() else ()
    table = llvm.FeatureMap({feature: feature in features for feature in (*known, *features)})
    platform.machine = lambda: triple.partition("-")[0]
    llvm.get_process_triple = lambda: triple
    llvm.get_host_cpu_name = lambda: cpu
    llvm.get_host_cpu_features = lambda: table


def check(program: Callable[..., Any], operands: list[Any]) -> str:
    """Compare what machine code gives with what operations one by one give."""
    import jitad  # noqa: PLC0415

    results, expected = jitad.jit(program)(*operands), program(*operands)
    pairs = zip(jitad.tree.leaves(results), jitad.tree.leaves(expected), strict=True)
    for got, value in pairs:
        tolerance = 2e-6 if got.dtype == "float32" else 1e-9
        np.testing.assert_allclose(got, value, rtol=tolerance, atol=1e-3 * tolerance)
    return "right"


def compiled(program: Callable[..., Any], operands: list[Any]) -> str:
    """How the object code of a program begins."""
    import jitad  # noqa: PLC0415
    from jitad_ir.native.compile import build_image  # noqa: PLC0415
    from jitad_ir.native.program import PROGRAM, emit_program  # noqa: PLC0415

    with jitad.threads(1):  # more would have the code of threads linked meanwhile
        plan = jitad.explain(program, *operands)
        module, externals, _ = emit_program(plan, range(len(plan.constants)))
        externals.finish()
        (code,) = build_image(module, externals.names, [PROGRAM]).objects
    return code[:20].hex()


def compiled_support() -> str:
    """The same, of the code of calls and of threads."""
    from jitad.dispatch import support  # noqa: PLC0415

    images: list[Any] = []
    support.link = images.append  # pyright: ignore[reportAttributeAccessIssue]
    support._compile()
    (code,) = images[0].objects
    return code[:20].hex()


def main(triple: str, cpu: str, *features: str) -> None:
    """All programs, a line for each: its name, which comes first in case LLVM ends the process,
    and what was found."""
    here = triple == llvm.get_process_triple()
    pretend(triple, cpu, features)
    from tests.native.threaded_programs import PROGRAMS  # noqa: PLC0415

    if not here:
        print("support", compiled_support(), sep=": ")
    for name, (program, operands) in PROGRAMS.items():
        print(name, end=": ", flush=True)
        print((check if here else compiled)(program, operands))


if __name__ == "__main__":
    main(*sys.argv[1:])
