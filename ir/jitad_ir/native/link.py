"""Object code -> callable addresses in this process, for as long as somebody holds them.

On Linux with x86-64, objects are linked when they are made, into an image that a process only has
to map (`flatten`, `mapping`). LLVM links elsewhere, and what is not known there (`orc`).
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import (
    elf,
    libraries,  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers families)
    mapping,
)
from .addresses import CONSTANT, TABLE_NAME, resolve
from .flatten import Flat, flatten


class Image(NamedTuple):
    """Position-independent code, and what it needs and offers: valid in any process on the same
    platform and CPU."""

    objects: tuple[bytes, ...]
    """Objects that refer to each other, for LLVM's linker; none if there is a flat image."""
    flat: Flat | None
    externals: tuple[str, ...]
    """Name of each slot of the table `jitad.externals`."""
    exports: tuple[str, ...]
    """Symbols that may be looked up."""


def image_of(objects: Sequence[bytes], externals: Sequence[str], exports: Sequence[str]) -> Image:
    """The image of objects that refer to each other, one of which holds the table of externals.
    Raises LookupError if an export is not defined."""
    flat = None
    if elf.IS_HOST:
        with contextlib.suppress(elf.UnknownObjectError):
            flat = flatten(objects, _wanted(externals, exports))
    return Image(() if flat else tuple(objects), flat, tuple(externals), tuple(exports))


def _wanted(externals: Sequence[str], exports: Sequence[str]) -> list[str]:
    return [*exports, TABLE_NAME] if externals else [*exports]


class Executable:
    """Machine code in this process. It is freed, and addresses become invalid, when the
    Executable is dropped: whoever may call an address holds a reference."""

    __slots__ = ("__weakref__", "_addresses", "_constants", "_library", "image", "metadata")

    def __init__(
        self,
        image: Image,
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
    image: Image,
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
    library = _load(image)
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


def _load(image: Image) -> Any:
    """From names of exports to addresses; frees the code when dropped."""
    if image.flat is not None:
        return mapping.Mapping(image.flat)
    from .orc import instances  # noqa: PLC0415  (loads LLVM)

    return instances.link(image.objects, _wanted(image.externals, image.exports))
