"""Hand-written C, `benchmarks/c/*.c`, compiled for this machine and called through ctypes."""

from __future__ import annotations

import ctypes
import functools
import itertools
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Call

SOURCES = Path(__file__).resolve().parent / "c"
FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")
COMPILERS = ("cc", "gcc", "clang")
_numbers = itertools.count()


@functools.cache
def load(source: str) -> ctypes.CDLL:
    """The compiled library of a file."""
    return _compiled(SOURCES / f"{source}.c", source)


def linked(text: str, folder: Path, *objects: Path) -> ctypes.CDLL:
    """The library of a C text, which may include what lies in a folder, and of objects."""
    source = folder / f"linked{next(_numbers)}.c"
    source.write_text(text)
    return _compiled(source, source.stem, *objects)


def _compiled(source: Path, name: str, *objects: Path) -> ctypes.CDLL:
    """Raises ModuleNotFoundError, name "cc", without a compiler."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise ModuleNotFoundError("expected a C compiler: cc, gcc or clang", name="cc")
    library = Path(_directory().name) / f"{name}.so"
    command = [compiler, *FLAGS, "-o", library, source, *objects, "-lm"]
    subprocess.run([str(word) for word in command], check=True)
    return ctypes.CDLL(str(library))


@functools.cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="jitad-bench-c-")


def c_call(source: str, name: str, args: tuple[Any, ...], results: tuple[np.ndarray, ...]) -> Call:
    """`native_call` of a function in a file of `c/`."""
    return native_call(load(source), name, args, results)


def native_call(
    library: ctypes.CDLL, name: str, args: tuple[Any, ...], results: tuple[np.ndarray, ...]
) -> Call:
    """The call `name(args..., results...)` of a C function that returns nothing.

    Arrays are handed over as pointers, integers as `long`, floats as `double`. `results` are
    allocated once and written by each call: warm memory, which is C at its best.
    """
    function = getattr(library, name)
    function.restype = None
    arrays = tuple(np.ascontiguousarray(a) if isinstance(a, np.ndarray) else a for a in args)
    native = tuple(map(_native, arrays + results))

    def finish(_: Any, kept: Any = arrays) -> Any:
        return results[0] if len(results) == 1 else results

    return Call(function, native, finish)


def _native(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    return ctypes.c_double(value) if isinstance(value, float) else ctypes.c_long(value)
