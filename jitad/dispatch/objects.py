"""Process-wide objects and C functions that native call code names instead of addressing.

Families of externals: "py:" (the C API of the running interpreter), "numpy:" (a slot of NumPy's C API
table), "object:" (a Python object: the families' roots and the types and dtypes below).
"""

from __future__ import annotations

import ctypes
import functools

import numpy as np

from jitad.dispatch.pool import POOL
from jitad_ir.native import externals

FAMILY = "object"
"""Prefix of the externals that are Python objects."""

_OBJECTS: dict[str, object] = {
    "None": None,
    "True": True,
    "False": False,
    "RuntimeError": RuntimeError,
    "ndarray": np.ndarray,
    "tuple": tuple,
    "list": list,
    "dict": dict,
    "str": str,
    "int": int,
    "float": float,
    "complex": complex,
    "pool.owners": POOL.owners,
    "pool.grow": POOL.grow,
}


def dtype_name(dtype: np.dtype) -> str:
    """Name of a dtype among the objects, e.g. "dtype.float64"."""
    return f"dtype.{dtype.name}"


def scalar_type_name(dtype: np.dtype) -> str:
    """Name of the NumPy scalar type of a dtype, e.g. "scalar.float64"."""
    return f"scalar.{dtype.name}"


def define_object(name: str, obj: object) -> None:
    """Names `obj` for native code ("object:<name>"); it lives as long as the process.

    Raises ValueError if another object has the name: loaded code already holds its address.
    """
    if _OBJECTS.setdefault(name, obj) is not obj:
        raise ValueError(f"{name} already names {_OBJECTS[name]!r}")


def _object_address(name: str) -> int:
    kind, _, rest = name.partition(".")
    if kind == "dtype":
        _OBJECTS.setdefault(name, np.dtype(rest))
    elif kind == "scalar":
        _OBJECTS.setdefault(name, np.dtype(rest).type)
    return id(_OBJECTS[name])


def _python_address(name: str) -> int:
    try:
        function = getattr(ctypes.pythonapi, name)
    except AttributeError as error:
        raise LookupError(f"the interpreter has no C function {name}") from error
    return ctypes.cast(function, ctypes.c_void_p).value or 0


@functools.cache
def _numpy_table() -> ctypes.POINTER(ctypes.c_void_p):
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    capsule = np._core._multiarray_umath._ARRAY_API
    return ctypes.cast(get_pointer(capsule, None), ctypes.POINTER(ctypes.c_void_p))


def _numpy_address(slot: str) -> int:
    return _numpy_table()[int(slot)] or 0


externals.register("py", _python_address)
externals.register("numpy", _numpy_address)
externals.register(FAMILY, _object_address)
