"""Python objects of the whole process that native code names instead of addressing.

Code reaches them as externals of the family "object": "object:ndarray", "object:pool.grow".
"""

from __future__ import annotations

import ctypes

import numpy as np

from jitad.array import Array
from jitad.dispatch.pool import POOL
from jitad_ir.native import addresses

FAMILY = "object"

_OBJECTS: dict[str, object] = {
    "Array": Array,
    "False": False,
    "None": None,
    "RuntimeError": RuntimeError,
    "True": True,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "ndarray": np.ndarray,
    "pool.grow": POOL.grow,
    "pool.owners": POOL.owners,
    "str": str,
}


def _address(name: str) -> int:
    try:
        obj = _OBJECTS[name]
    except KeyError:
        raise LookupError(f"expected one of the objects {' '.join(_OBJECTS)}; got {name}") from None
    make_immortal(obj)
    return id(obj)


def add_reference(obj: object) -> None:
    """Counts a reference that native code holds."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(obj))


def make_immortal(obj: object) -> None:
    """Keeps `obj` to the very end: native code can be called while modules are taken down."""
    add_reference(obj)


addresses.register(FAMILY, _address)
