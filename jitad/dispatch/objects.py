"""Python objects of the whole process that native code names instead of addressing.

Code reaches them as externals of the family "object": "object:ndarray", "object:dtype.float64".
"""

from __future__ import annotations

import numpy as np

from jitad.array import Array
from jitad.dispatch.pool import POOL
from jitad_ir.native import externals

FAMILY = "object"

_OBJECTS: dict[str, object] = {
    "Array": Array,
    "False": False,
    "None": None,
    "RuntimeError": RuntimeError,
    "True": True,
    "complex": complex,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "ndarray": np.ndarray,
    "pool.grow": POOL.grow,
    "pool.owners": POOL.owners,
    "str": str,
    "tuple": tuple,
}


def dtype_name(dtype: np.dtype) -> str:
    """Name of a dtype among the objects, e.g. "dtype.float64"."""
    return f"dtype.{dtype.name}"


def scalar_type_name(dtype: np.dtype) -> str:
    """Name of the NumPy scalar type of a dtype, e.g. "scalar.float64"."""
    return f"scalar.{dtype.name}"


def _address(name: str) -> int:
    kind, _, rest = name.partition(".")
    if kind == "dtype":
        _OBJECTS.setdefault(name, np.dtype(rest))
    elif kind == "scalar":
        _OBJECTS.setdefault(name, np.dtype(rest).type)
    try:
        return id(_OBJECTS[name])
    except KeyError:
        raise LookupError(f"expected one of the objects {' '.join(_OBJECTS)}; got {name}") from None


externals.register(FAMILY, _address)
