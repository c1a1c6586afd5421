"""LLVM module -> Executable: inlining, text, parsing, passes, object code, linking.

Time to compile is nearly all LLVM's, and nearly all of that is code generation (about 10 us per
instruction, 1 ms per module): emit little. docs/decisions.md has the figures behind the choices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir as ll

from ..collector import collector_paused
from ..stages import stage
from .chunks import split_long_blocks
from .externals import Externals
from .link import Executable, ObjectImage, link
from .target import target

INLINE_INSTRUCTIONS = 100
"""How many instructions the copies of one function may add to a module by inlining. A call of a
math function costs 2 to 3 % of its SIMD kernel; its copies double the time to compile."""


def compile_module(
    module: ll.Module,
    externals: Externals,
    *,
    exports: Sequence[str],
    constants: Sequence[Any] = (),
    metadata: Mapping[str, Any] | None = None,
) -> Executable:
    """Compile `module` for the host and load it.

    `externals` is the module's table, which this finishes. Only `exports` can be looked up:
    every other function becomes internal, and is inlined where that is cheap. `constants` are
    the arrays of externals "const:0", "const:1" ...; `metadata` is kept with the Executable.

    Raises ValueError if an export is not defined, RuntimeError with LLVM's words if the module is
    not valid, LookupError if an external cannot be resolved.

    >>> from llvmlite import ir as ll
    >>> i64 = ll.IntType(64)
    >>> module = ll.Module("doc")
    >>> externals = Externals(module)
    >>> twice = ll.Function(module, ll.FunctionType(i64, [i64]), "twice")
    >>> builder = ll.IRBuilder(twice.append_basic_block())
    >>> builder.ret(builder.add(twice.args[0], twice.args[0]))
    <...>
    >>> executable = compile_module(module, externals, exports=["twice"])
    >>> import ctypes
    >>> function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
    >>> function(executable.address("twice"))(21)
    42
    """
    externals.finish()
    image = build_object(module, externals.names, exports)
    with stage("link"):
        return link(image, constants=constants, metadata=metadata)


def build_object(
    module: ll.Module, externals: Sequence[str], exports: Sequence[str]
) -> ObjectImage:
    """Object code of `module` for the host, not loaded."""
    with collector_paused(), stage("LLVM text"):
        split_long_blocks(module)
        choose_inlining(module, exports)
        parsed = parse(str(module))
    compiler = target()
    with stage("LLVM passes"):
        compiler.optimize(parsed)
    with stage("LLVM code"):
        code = compiler.emit_object(parsed)
    return ObjectImage(code, tuple(externals), tuple(exports))


def parse(text: str) -> Any:
    """LLVM's own form of a module, verified, in a context that dies with it."""
    parsed = llvm.parse_assembly(text, llvm.create_context())
    parsed.verify()
    return parsed


def choose_inlining(module: ll.Module, exports: Sequence[str]) -> None:
    """Make all functions but `exports` internal, and mark those to inline.

    A function is inlined if it is called once, or if its copies add at most
    `INLINE_INSTRUCTIONS` to the module. Functions that already say `noinline` or `alwaysinline`
    keep their word.
    """
    defined = {f.name: f for f in module.functions if not f.is_declaration}
    for name in exports:
        if name not in defined and name not in module.globals:
            raise ValueError(f"expected exports that the module defines; got {name}")
    calls: Counter[str] = Counter()
    sizes: dict[str, int] = {}
    for name, function in defined.items():
        sizes[name] = 0
        for block in function.blocks:
            sizes[name] += len(block.instructions)
            for instruction in block.instructions:
                if isinstance(instruction, ll.CallInstr):
                    calls[instruction.callee.name] += 1
    for name, function in defined.items():
        if name in exports:
            continue
        function.linkage = "internal"
        decided = not function.attributes.isdisjoint(("alwaysinline", "noinline"))
        if not decided and sizes[name] * (calls[name] - 1) <= INLINE_INSTRUCTIONS:
            function.attributes.add("alwaysinline")
