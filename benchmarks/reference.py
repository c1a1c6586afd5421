"""Hand-written C, `benchmarks/c/*.c`, compiled for this machine and called through ctypes."""

from __future__ import annotations

import ctypes
import functools
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


@functools.cache
def load(source: str) -> ctypes.CDLL:
    """The compiled library of a file; raises ModuleNotFoundError, name "cc", without a compiler."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise ModuleNotFoundError("expected a C compiler: cc, gcc or clang", name="cc")
    directory = Path(_directory().name)
    library = directory / f"{source}.so"
    command = [compiler, *FLAGS, "-o", str(library), str(SOURCES / f"{source}.c"), "-lm"]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


@functools.cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="jitad-bench-c-")


def c_call(source: str, name: str, args: tuple[Any, ...], results: tuple[np.ndarray, ...]) -> Call:
    """The call `name(args..., results...)` of a C function that returns nothing.

    Arrays are handed over as pointers, integers as `long`, floats as `double`. `results` are
    allocated once and written by each call: warm memory, which is C at its best.
    """
    function = getattr(load(source), name)
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
