"""Machine code on disk (see `disk`): the next process links what this one compiled.

A record holds an Image and the metadata that its program stored with it, under the program's
key and all that the code depends on besides: the CPU, its features, the number of cores, versions
of LLVM and NumPy.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from .. import disk
from .flatten import Flat
from .link import Executable, Image, link
from .target import host


def load(key: str | bytes, *, constants: Sequence[Any] = ()) -> Executable | None:
    """The program stored under `key`, linked into this process; None if there is none.

    `constants` are the arrays of its externals "const:0", "const:1" ...
    """
    record = disk.read(_full(key))
    if record is None:
        return None
    objects, flat, externals, exports, metadata, added = record
    arrays = [np.frombuffer(data, dtype).reshape(shape) for dtype, shape, data in added]
    try:
        return link(
            Image(objects, flat and Flat(*flat), externals, exports),
            constants=[*constants, *arrays],
            metadata=metadata,
        )
    except (LookupError, OSError, RuntimeError):
        # Of another SciPy, say. If it cannot be had at all, compiling afresh raises this again.
        return None


def store(key: str | bytes, executable: Executable, added: Sequence[Any] = ()) -> None:
    """Store the code and metadata of `executable` under `key`, for any process of this user. The
    metadata must be plain (see `disk.write`). `added` are constants behind those that `load` will
    be given: arrays, which are stored too. With anything else among them nothing is stored."""
    if not all([isinstance(held, np.ndarray) for held in added]):
        return
    arrays = [(array.dtype.str, array.shape, array.tobytes()) for array in added]
    objects, flat, *names = executable.image
    code = (objects, flat and tuple(flat), *names)
    disk.write(_full(key), (*code, dict(executable.metadata), arrays))


@functools.cache
def environment() -> bytes:
    """All that machine code depends on besides its program and the sources, in one string."""
    numpy_major = np.__version__.partition(".")[0]
    parts = (
        *host(),
        f"cores {os.cpu_count()}",  # products are shared out by them (ops.dot_sharing)
        f"llvmlite {llvmlite.__version__}",
        f"LLVM {llvm.llvm_version_info}",
        f"NumPy {numpy_major}",
    )
    return "\n".join(parts).encode()


def _full(key: str | bytes) -> bytes:
    return environment() + b"\0" + (key.encode() if isinstance(key, str) else key)
