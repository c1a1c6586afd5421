"""The calls of LLVM that take long, for several threads at once.

llvmlite lets one thread into LLVM at a time, since modules may share its global context. A module
that is parsed here has a context of its own, and each thread a target machine and passes of its
own: LLVM is made for that. The functions are those that llvmlite calls, and so are their types.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import llvmlite.binding as llvm
from llvmlite.binding import ffi
from llvmlite.binding.module import ModuleRef

OBJECT = 1
"""Of LLVMPY_TargetMachineEmitToMemory: object code, not the text of assembly."""


def parse(text: str) -> Any:
    """LLVM's own form of a module, verified, in a context that dies with it. Raises RuntimeError
    with LLVM's words if it is not valid."""
    context = llvm.create_context()
    with ffi.OutputString() as message:
        found = _function("LLVMPY_ParseAssembly")(context, text.encode(), message)
        parsed = ModuleRef(found, context)
        if message:
            parsed.close()
            raise RuntimeError(f"LLVM IR parsing error\n{message}")
    parsed.verify()
    return parsed


def run_passes(passes: Any, module: Any, builder: Any) -> None:
    """Run a pass manager on a parsed module, in place."""
    _function("LLVMPY_RunNewModulePassManager")(passes, module, builder)


def emit_object(machine: Any, module: Any) -> bytes:
    """Object code of a parsed module."""
    with ffi.OutputString() as message:
        buffer = _function("LLVMPY_TargetMachineEmitToMemory")(machine, module, OBJECT, message)
        if not buffer:
            raise RuntimeError(str(message))
    start, size = ffi.lib.LLVMPY_GetBufferStart(buffer), ffi.lib.LLVMPY_GetBufferSize(buffer)
    try:
        return ctypes.string_at(start, size)
    finally:
        ffi.lib.LLVMPY_DisposeMemoryBuffer(buffer)


@functools.cache
def _function(name: str) -> Any:
    """A function of llvmlite's library, which does not wait for its lock."""
    library = ctypes.CDLL(ffi.lib._name, handle=ffi.lib._handle)
    function, locked = getattr(library, name), getattr(ffi.lib, name)
    function.argtypes, function.restype = locked.argtypes, locked.restype
    return function
