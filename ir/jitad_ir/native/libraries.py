"""Where externals come from: C functions of SciPy's BLAS, LAPACK and special functions, of NumPy
and of CPython, by address, without a C compiler.

==========================  ======================================================================
"blas:dgemm"                Fortran BLAS: every argument by pointer, integers of 64 bits (see below)
"lapack:dpotrf"             Fortran LAPACK, alike
"lapack:integer_bytes"      the size of each number in LAPACK's arrays of integers, an int64
"calls:blas"                what is known of the calls of BLAS under way, or of LAPACK: see
                            `workers.Calls`
"special:gammaln"           `scipy.special.cython_special`, by the name in its `__pyx_capi__`, or
                            the plain name, which means the function of doubles; C signature there,
                            which may end in an int that is ignored
"numpy:93"                  slot 93 of NumPy's C API table (PyArray_New)
"py:PyFloat_FromDouble"     function or variable of CPython's C API
"system:syscall"            function of the C library, or of the Windows kernel
"fft:twiddles.float64.8"    a table of `jitad_ir.ops.fft_tables`
==========================  ======================================================================

BLAS is the OpenBLAS that NumPy's wheels bring along, if NumPy has that one: it is in the process
already, while to load SciPy and its library takes 8 ms and 4 MB. Its integers have 64 bits. Else it
is that of SciPy, with integers of 32 bits, which are the first half of those given to it: only the
little end first will do.

SciPy is imported when the first of its names is resolved.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.machinery
import importlib.util
import os
import re
import sys
from types import ModuleType
from typing import Any

import numpy as np

from .. import workers
from ..ops import fft_tables
from .addresses import register


def _capsule_address(module: ModuleType, name: str) -> int:
    """Address in the capsule by which a Cython module exports its C function `name`."""
    capsules = module.__dict__["__pyx_capi__"]
    if name not in capsules:
        raise LookupError(f"expected a C function of {module.__name__}; got {name}")
    return capsule_pointer(capsules[name])


def _capsule_name(capsule: object) -> bytes:
    get_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)
    return get_name(("PyCapsule_GetName", ctypes.pythonapi))(capsule)


def _takes_doubles(capsule: object) -> bool:
    """True if the C signature, which is the name of the capsule, has no other numbers."""
    words = set(re.findall(r"\w+", _capsule_name(capsule).decode()))
    return words <= {"double", "void", "int", "__pyx_skip_dispatch"}


def capsule_pointer(capsule: object) -> int:
    """The address that a PyCapsule holds."""
    api = ctypes.pythonapi
    get_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", api)
    )
    return get_pointer(capsule, _capsule_name(capsule)) or 0


@functools.cache
def _linalg(name: str) -> ModuleType:
    """The extension module `scipy.linalg.<name>`, without the rest of `scipy.linalg`, whose import
    takes ten times as long (0.2 s).

    A later `import scipy.linalg` finds no trace of it and loads it as always.
    """
    full = f"scipy.linalg.{name}"
    scipy = importlib.import_module("scipy")  # which makes its shared libraries known
    for folder in scipy.__path__:
        for suffix in importlib.machinery.EXTENSION_SUFFIXES:
            path = os.path.join(folder, "linalg", name + suffix)
            if "scipy.linalg" in sys.modules or not os.path.exists(path):
                continue
            spec = importlib.util.spec_from_file_location(full, path)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            sys.modules.pop(full, None)
            return module
    return importlib.import_module(full)


@functools.cache
def _numpy_openblas() -> ctypes.CDLL | None:
    """NumPy's own OpenBLAS; None if NumPy uses another library, or one that cannot be looked into
    from outside."""
    extension = np._core._multiarray_umath.__file__  # type: ignore[attr-defined]
    library = ctypes.CDLL(extension)  # and what it is linked to
    return library if hasattr(library, "scipy_dgemm_64_") else None


def _numpy_lapack() -> ctypes.CDLL | None:
    """The same, if it has LAPACK."""
    library = _numpy_openblas()
    return library if hasattr(library, "scipy_dgetrf_64_") else None


_INTEGER_BYTES = (ctypes.c_int64(4), ctypes.c_int64(8))


def _blas(name: str) -> int:
    library = _numpy_openblas()
    if library is not None and hasattr(library, f"scipy_{name}_64_"):
        return _address(getattr(library, f"scipy_{name}_64_"))
    return _capsule_address(_linalg("cython_blas"), name)


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _lapack(name: str) -> int:
    library = _numpy_lapack()
    if name == "integer_bytes":
        return ctypes.addressof(_INTEGER_BYTES[library is not None])
    if library is not None and hasattr(library, f"scipy_{name}_64_"):
        return _address(getattr(library, f"scipy_{name}_64_"))
    return _capsule_address(_linalg("cython_lapack"), name)


def _special(name: str) -> int:
    module = importlib.import_module("scipy.special.cython_special")
    capsules = module.__dict__["__pyx_capi__"]
    if name in capsules:
        return capsule_pointer(capsules[name])
    # A function over several types is there once for each, under numbers: the one of doubles.
    for key, capsule in capsules.items():
        prefix, _, base = key.rpartition("__pyx_fuse_")
        if not prefix and base.lstrip("0123456789") == name and _takes_doubles(capsule):
            return capsule_pointer(capsule)
    return _capsule_address(module, name)


def _calls(name: str) -> int:
    """Of "blas" or "lapack", with the function that sets the number of threads and gives the one
    before. Other makes of BLAS than OpenBLAS are left alone: a function that does nothing stands
    for it."""
    if name not in ("blas", "lapack"):
        raise LookupError(f"expected calls:blas or calls:lapack; got calls:{name}")
    library = _numpy_openblas() if name == "blas" else _numpy_lapack()
    place = workers.Field.BLAS
    if library is None:
        library, place = ctypes.CDLL(_linalg("cython_blas").__file__), workers.Field.LAPACK
    runtime = ctypes.CDLL("msvcrt") if sys.platform == "win32" else ctypes.CDLL(None)
    function = getattr(library, "openblas_set_num_threads_local", runtime.abs)
    workers.write(place + workers.Calls.SETTER, _address(function))
    return workers.STATE + place


@functools.cache
def _numpy_table() -> int:
    # The capsule through which `import_array()` finds the table in every extension module.
    return capsule_pointer(np._core._multiarray_umath._ARRAY_API)  # type: ignore[attr-defined]


def _numpy(slot: str) -> int:
    if not slot.isdecimal():
        raise LookupError(f"expected a slot number of NumPy's C API table; got {slot}")
    offset = int(slot) * ctypes.sizeof(ctypes.c_void_p)
    return ctypes.c_void_p.from_address(_numpy_table() + offset).value or 0


def _python(name: str) -> int:
    try:
        symbol = getattr(ctypes.pythonapi, name)
    except AttributeError:
        raise LookupError(f"expected a symbol of CPython's C API; got {name}") from None
    return _address(symbol)


def _system(name: str) -> int:
    library = ctypes.WinDLL("kernelbase") if sys.platform == "win32" else ctypes.CDLL(None)
    try:
        symbol = getattr(library, name)
    except AttributeError:
        raise LookupError(f"expected a function of the system; got {name}") from None
    return _address(symbol)


def _fft(name: str) -> int:
    return fft_tables.table(name).ctypes.data  # the table lives as long as the process


register("blas", _blas, slow=True)
register("lapack", _lapack, slow=True)
register("calls", _calls)
register("special", _special, slow=True)
register("numpy", _numpy)
register("py", _python)
register("system", _system)
register("fft", _fft, slow=True)
