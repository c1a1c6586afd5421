"""Objects in the memory of this process by LLVM's linker, where `flatten` does not know them.

An ORC instance keeps some 9 KB for each library it ever had, so that `GENERATION` libraries share
one instance; it is freed with the last of them.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import llvmlite.binding as llvm

from .target import create_machine, initialize_llvm


class Instances:
    """The ORC instance that new libraries go to."""

    GENERATION = 32

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._instance: Any = None

    def link(
        self,
        objects: Sequence[bytes],
        exports: Sequence[str],
        known: Mapping[str, int] | None = None,
    ) -> Any:
        """A library of these objects: maps exports to addresses, frees the code when dropped.
        `known` are addresses of what they need besides functions of this process's C library."""
        with self._lock:
            number = next(self._numbers)
            if number % self.GENERATION == 0:
                self._instance = _create_instance()
            instance = self._instance
        # The current process: for functions that LLVM itself calls, such as memcpy and fmod.
        builder = llvm.JITLibraryBuilder().add_current_process()
        for code in objects:
            builder.add_object_img(code)
        for name in exports:
            builder.export_symbol(name)
        for name, address in (known or {}).items():
            builder.import_symbol(name, address)
        return builder.link(instance, f"jitad.{number}")


def _create_instance() -> Any:
    initialize_llvm()
    # It is only given objects, so what its machine could generate does not matter.
    machine = create_machine(cpu="", features="", level=0)
    return llvm.create_lljit_compiler(machine, use_jit_link=sys.platform != "win32")


instances = Instances()
