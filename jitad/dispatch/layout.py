"""Memory layout of the CPython and NumPy objects that native call code reads, and whether it may.

This is the one place that decides between native calls and the pure-Python way. Every offset
below is either part of a documented ABI (ndarray: `PyArrayObject_fields`, NumPy 2 ABI;
`PyArray_Descr` likewise) or taken from the running interpreter (`tuple.__basicsize__`), and
`native_calls_supported` reads known objects through them once before any machine code relies on
them.
"""

from __future__ import annotations

import ctypes
import functools
import struct
import sys
from typing import Any

import numpy as np

# PyObject
OB_REFCNT = 0  # the low 32 bits hold the count on every supported version (little-endian)
OB_TYPE = 8
# PyVarObject
OB_SIZE = 16
# PyListObject
LIST_ITEMS = 24
# PyTupleObject: items follow the header (24 up to CPython 3.13; 3.14 put a cached hash before them)
TUPLE_ITEMS = tuple.__basicsize__
# float, complex, and every NumPy numeric scalar keep their value right after the object header
SCALAR_VALUE = 16
# PyArrayObject_fields
ARRAY_DATA = 16
ARRAY_NDIM = 24
ARRAY_SHAPE = 32
ARRAY_BASE = 48
ARRAY_DTYPE = 56
ARRAY_FLAGS = 64
ARRAY_WEAKREFS = 72

# NPY_ARRAY_*
C_CONTIGUOUS = 0x1
F_CONTIGUOUS = 0x2
OWNDATA = 0x4
ALIGNED = 0x100
WRITEABLE = 0x400
CARRAY = C_CONTIGUOUS | ALIGNED | WRITEABLE

# Slots of NumPy's C API table (numpy/__multiarray_api.h), stable across NumPy 2.
PYARRAY_NEW_FROM_DESCR = "numpy:94"
PYARRAY_FROM_ARRAY = "numpy:109"
PYARRAY_EQUIV_TYPES = "numpy:182"
PYARRAY_SET_BASE_OBJECT = "numpy:282"


def _read(obj: object, offset: int, code: str) -> tuple[Any, ...]:
    """Unpacks struct `code` from `offset` bytes into the object's memory."""
    return struct.unpack(code, ctypes.string_at(id(obj) + offset, struct.calcsize(code)))


def _is_cpython_with_gil() -> bool:
    return (
        sys.implementation.name == "cpython"
        and object.__basicsize__ == 16  # a count and a type; more in free-threaded builds
        and struct.calcsize("P") == 8
        and sys.byteorder == "little"
    )


def _layouts_agree() -> bool:
    """Reads objects with known contents through the offsets of this module."""
    array = np.arange(6.0).reshape(2, 3)
    flags = CARRAY | OWNDATA
    (shape,) = _read(array, ARRAY_SHAPE, "P")
    marker = object()
    scalars = (
        (1.5, "d"),
        (1.5 - 2j, "dd"),
        (np.float64(1.5), "d"),
        (np.float32(1.5), "f"),
        (np.complex64(1.5 - 2j), "ff"),
        (np.int64(-7), "q"),
        (np.int8(-7), "b"),
        (np.bool_(True), "?"),
    )
    listed = [marker]
    (items,) = _read(listed, LIST_ITEMS, "P")
    base = array[1:]
    (count,) = _read(marker, OB_REFCNT, "i")
    more = [marker] * 3
    return (
        _read(marker, OB_REFCNT, "i") == (count + len(more),)
        and _read(array, OB_TYPE, "P") == (id(np.ndarray),)
        and _read(array, ARRAY_DATA, "P") == (array.ctypes.data,)
        and _read(array, ARRAY_NDIM, "i") == (2,)
        and struct.unpack("qq", ctypes.string_at(shape, 16)) == (2, 3)
        and _read(array, ARRAY_DTYPE, "P") == (id(np.dtype(np.float64)),)
        and _read(base, ARRAY_BASE, "P") == (id(base.base),)
        and _read(np.ones((2, 3)), ARRAY_FLAGS, "i") == (flags,)
        and _read(array, ARRAY_WEAKREFS, "P") == (0,)
        and _read((marker,), TUPLE_ITEMS, "P") == (id(marker),)
        and _read((marker, marker), OB_SIZE, "q") == (2,)
        and _read(listed, OB_SIZE, "q") == (1,)
        and ctypes.string_at(items, 8) == struct.pack("P", id(marker))
        and all(
            b"".join(
                struct.pack(c, part)
                for c, part in zip(code, (v.real, v.imag) if len(code) == 2 else (v,), strict=True)
            )
            == ctypes.string_at(id(v) + SCALAR_VALUE, struct.calcsize(code))
            for v, code in scalars
        )
    )


@functools.cache
def native_calls_supported() -> bool:
    """Whether native call code may read this interpreter's objects.

    False on PyPy, on free-threaded builds of CPython, and on 32-bit or big-endian
    machines; there `function_type.CompiledFunction` is a plain Python class and programs are
    called by ctypes.
    """
    return _is_cpython_with_gil() and _layouts_agree()
