"""Where externals come from: C functions of SciPy's BLAS, LAPACK and special functions, of NumPy
and of CPython, by address, without a C compiler.

==========================  ======================================================================
"blas:dgemm"                Fortran BLAS as `scipy.linalg.cython_blas` declares it: every argument
                            by pointer, 32-bit integers
"lapack:dpotrf"             likewise from `scipy.linalg.cython_lapack`
"openblas:set_num_threads"  the number of threads of SciPy's OpenBLAS: int (*)(int)
"special:gammaln"           `scipy.special.cython_special`, by the name in its `__pyx_capi__`, or
                            the plain name, which means the function of doubles; C signature there,
                            which may end in an int that is ignored
"numpy:93"                  slot 93 of NumPy's C API table (PyArray_New)
"py:PyFloat_FromDouble"     function or variable of CPython's C API
"fft:twiddles.float64.8"    a table of `jitad_ir.ops.fft_tables`
==========================  ======================================================================

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


def _blas(name: str) -> int:
    return _capsule_address(_linalg("cython_blas"), name)


def _lapack(name: str) -> int:
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


def _openblas(name: str) -> int:
    """`set_num_threads`, which gives the number before. Other makes of BLAS are left alone: a
    function that does nothing stands for it."""
    if name != "set_num_threads":
        raise LookupError(f"expected openblas:set_num_threads; got openblas:{name}")
    library = ctypes.CDLL(_linalg("cython_blas").__file__)  # and what it is linked to
    runtime = ctypes.CDLL("msvcrt") if sys.platform == "win32" else ctypes.CDLL(None)
    function = getattr(library, "openblas_set_num_threads_local", runtime.abs)
    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    workers.write(workers.Field.BLAS_SETTER, address)
    return address


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
    return ctypes.cast(symbol, ctypes.c_void_p).value or 0


def _fft(name: str) -> int:
    return fft_tables.table(name).ctypes.data  # the table lives as long as the process


register("blas", _blas)
register("lapack", _lapack)
register("openblas", _openblas)
register("special", _special)
register("numpy", _numpy)
register("py", _python)
register("fft", _fft)
