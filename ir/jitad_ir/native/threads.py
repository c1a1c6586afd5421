"""Worker threads as native code reaches them.

========================  ========================================================================
"threads:parallel_for"    `threads_code.PARALLEL_FOR`
"threads:state"           its first argument, see `jitad_ir.workers`
========================  ========================================================================

The code of the workers is made when the first program that has work for them is linked, and comes
from the disk cache in later processes; unless a library that is linked anyway has it (`offer`).
"""

from __future__ import annotations

import ctypes
import functools

from .. import workers
from . import cache
from .addresses import register
from .link import Executable

_offered: list[Executable] = []


def offer(executable: Executable) -> None:
    """Take the workers' code from this library, whose exports have it, if it is not loaded yet."""
    _offered.append(executable)


@functools.cache
def support() -> Executable:
    """The code of this process's workers; see `threads_code.emit_threads`."""
    executable = _offered[0] if _offered else _loaded()
    # Workers sleep in it for as long as there is a process.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(executable))
    workers.serve(executable.address("prepare"), executable.address("worker"))
    return executable


def _loaded() -> Executable:
    executable = cache.load("jitad.threads")
    if executable is None:
        executable = _compile()
        cache.store("jitad.threads", executable)
    return executable


def _compile() -> Executable:
    """In haste, without optimisation: waiting and taking chunks is no faster with it, and it would
    take three times as long."""
    from llvmlite import ir as ll  # noqa: PLC0415  (as all of these: the code generator)

    from .assembly import module_text  # noqa: PLC0415
    from .compile import choose_inlining  # noqa: PLC0415
    from .externals import Externals  # noqa: PLC0415
    from .link import image_of, link  # noqa: PLC0415
    from .target import create_machine, host, initialize_llvm  # noqa: PLC0415
    from .threads_code import emit_threads, way_of_waiting  # noqa: PLC0415
    from .unlocked import parse  # noqa: PLC0415

    module = ll.Module("jitad.threads")
    externals = Externals(module)
    exports = emit_threads(module, externals, way_of_waiting())
    externals.finish()
    choose_inlining(module, exports)
    initialize_llvm()
    machine = create_machine(host().cpu, host().features, level=0)
    code = machine.emit_object(parse(module_text(module)))
    return link(image_of((code,), externals.names, exports))


def _threads(name: str) -> int:
    if name == "state":
        return workers.STATE
    if name == "parallel_for":
        return support().address(name)
    raise LookupError(f"expected threads:state or threads:parallel_for; got threads:{name}")


register("threads", _threads, slow=True)
