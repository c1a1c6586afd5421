"""Object code -> callable addresses in this process, for as long as somebody holds them.

LLVM's ORC JIT links each object into a library of its own. An ORC instance keeps some 9 KB for
each library it ever had, so that `GENERATION` libraries share one instance; it is freed with the
last of them.
"""

from __future__ import annotations

import ctypes
import itertools
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numpy as np

from . import libraries  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers families)
from .addresses import CONSTANT, TABLE_NAME, resolve
from .target import create_machine, initialize_llvm


class ObjectImage(NamedTuple):
    """Position-independent object code, and what it needs and offers: valid in any process on
    the same platform and CPU."""

    objects: tuple[bytes, ...]
    """Objects that refer to each other, the table of externals in the first."""
    externals: tuple[str, ...]
    """Name of each slot of the table `jitad.externals`."""
    exports: tuple[str, ...]
    """Symbols that may be looked up."""


class Executable:
    """Machine code in this process. It is freed, and addresses become invalid, when the
    Executable is dropped: whoever may call an address holds a reference."""

    __slots__ = ("__weakref__", "_addresses", "_constants", "_library", "image", "metadata")

    def __init__(
        self,
        image: ObjectImage,
        library: Any,
        constants: Sequence[Any],
        metadata: Mapping[str, Any],
    ) -> None:
        self.image = image
        self.metadata = metadata
        """What was stored with the code in the disk cache; {} if nothing was."""
        self._library = library
        self._constants = tuple([c for c in constants if isinstance(c, np.ndarray)])
        self._addresses = {name: library[name] for name in image.exports}

    def address(self, name: str) -> int:
        """Address of the exported function or global `name`; raises KeyError if not exported."""
        try:
            return self._addresses[name]
        except KeyError:
            exports = " ".join(self._addresses) or "nothing"
            raise KeyError(f"expected an exported symbol ({exports}); got {name}") from None


def link(
    image: ObjectImage,
    *,
    constants: Sequence[Any] = (),
    metadata: Mapping[str, Any] | None = None,
) -> Executable:
    """Load object code into this process.

    `constants` are what externals "const:0", "const:1" ... point to: data of C-contiguous arrays,
    which the Executable keeps alive, or Python objects, which the caller keeps: they may refer to
    what owns the Executable, in a cycle that the garbage collector has to see. Raises LookupError
    if an external cannot be resolved, and RuntimeError if the object is not valid for this
    platform.
    """
    addresses = [_external_address(name, constants) for name in image.externals]
    wanted = [*image.exports, TABLE_NAME] if addresses else image.exports
    library = _instances.link(image.objects, wanted)
    if addresses:
        table = (ctypes.c_void_p * len(addresses)).from_address(library[TABLE_NAME])
        table[:] = addresses
    return Executable(image, library, constants, {} if metadata is None else metadata)


def _external_address(name: str, constants: Sequence[Any]) -> int:
    if not name.startswith(CONSTANT):
        return resolve(name)
    index = int(name.removeprefix(CONSTANT))
    if not 0 <= index < len(constants):
        raise LookupError(f"external {name}: the program was given {len(constants)} constants")
    array = constants[index]
    if not isinstance(array, np.ndarray):
        return id(array)
    if not array.flags.c_contiguous:
        raise ValueError(f"external {name}: expected a C-contiguous array")
    return array.ctypes.data


class _Instances:
    """The ORC instance that new libraries go to."""

    GENERATION = 32

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._instance: Any = None

    def link(self, objects: Sequence[bytes], exports: Sequence[str]) -> Any:
        """A library of these objects: maps exports to addresses, frees the code when dropped."""
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
        return builder.link(instance, f"jitad.{number}")


def _create_instance() -> Any:
    initialize_llvm()
    # It is only given objects, so what its machine could generate does not matter.
    machine = create_machine(cpu="", features="", level=0)
    return llvm.create_lljit_compiler(machine, use_jit_link=sys.platform != "win32")


_instances = _Instances()
