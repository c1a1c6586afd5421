"""The native functions that every compiled function shares, loaded once per process.

What is particular to a specialisation is data (`record.py`), so that a new one costs no machine
code but its program's; all code that reads objects is here, and that of the worker threads. It is
the same in every process and comes from the disk cache. The first process compiles it in haste,
without optimisation (a third of the time; calls take 1.5 times as long), and leaves optimised code
behind when it ends.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import os
from collections.abc import Callable

from jitad.dispatch import objects
from jitad_ir import disk
from jitad_ir.native import cache, threads
from jitad_ir.native.link import Executable, image_of, link
from jitad_ir.native.target import borrowed_target, create_machine, host, initialize_llvm


@functools.cache
def support() -> Executable:
    """The support module of this process; see `support_code.emit_support` for its exports."""
    executable = cache.load(_cache_key())
    if executable is None:
        executable = _compile()
    threads.offer(executable)
    objects.make_immortal(executable)  # objects die after the modules when the process ends
    return executable


@functools.cache
def _new_capsule() -> Callable[[int, None, int], object]:
    prototype = ctypes.PYFUNCTYPE(
        ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p
    )
    return prototype(("PyCapsule_New", ctypes.pythonapi))


def hidden_reference(obj: object) -> object:
    """A reference to `obj` that the garbage collector does not see, dropped with this one.

    In a cycle that has become garbage, the collector runs all finalizers in no particular order
    before it takes anything apart. A finalizer that frees machine code must come after those that
    can still call it: with this reference it runs when the code's last user is gone.
    """
    capsule = _new_capsule()(id(obj), None, support().address("release_hidden"))
    objects.add_reference(obj)
    return capsule


def _cache_key() -> bytes:
    return b"jitad.dispatch " + disk.source_stamp(os.path.dirname(__file__))


def _compile() -> Executable:
    from llvmlite import ir as ll

    from jitad.dispatch.support_code import emit_support
    from jitad_ir.native.assembly import module_text
    from jitad_ir.native.compile import choose_inlining
    from jitad_ir.native.externals import Externals
    from jitad_ir.native.threads_code import emit_threads, way_of_waiting
    from jitad_ir.native.unlocked import parse

    module = ll.Module("jitad.dispatch")
    externals = Externals(module)
    exports = emit_support(module, externals)
    exports += emit_threads(module, externals, way_of_waiting())  # a library of its own costs 1 ms
    externals.finish()
    choose_inlining(module, exports)
    parsed = parse(module_text(module))
    initialize_llvm()
    quick = create_machine(host().cpu, host().features, level=0).emit_object(parsed)
    if disk.is_enabled():
        key = _cache_key()  # of these sources, not of what they may be at the end

        def store_optimised() -> None:
            if not os.path.isdir(disk.directory()):  # removed, or nothing else was stored
                return
            with borrowed_target() as compiler:
                compiler.optimize(parsed)
                code = compiler.emit_object(parsed)
            cache.store(key, link(image_of((code,), externals.names, exports)))

        atexit.register(store_optimised)
    return link(image_of((quick,), externals.names, exports))
