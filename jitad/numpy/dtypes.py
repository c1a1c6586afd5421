"""Dtypes, constants and questions about types: NumPy's own, which also take traced arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import (
    bool_,
    complex64,
    complex128,
    complexfloating,
    dtype,
    e,
    euler_gamma,
    finfo,
    float16,
    float32,
    float64,
    floating,
    generic,
    iinfo,
    inexact,
    inf,
    int8,
    int16,
    int32,
    int64,
    integer,
    isdtype,
    issubdtype,
    nan,
    newaxis,
    number,
    pi,
    promote_types,
    set_printoptions,
    signedinteger,
    uint8,
    uint16,
    uint32,
    uint64,
    unsignedinteger,
)

from jitad.trace import Tracer

from .promotion import as_operand, common_dtype

__all__ = [
    "bool",
    "bool_",
    "can_cast",
    "cdouble",
    "complex64",
    "complex128",
    "complex_",
    "complexfloating",
    "csingle",
    "double",
    "dtype",
    "e",
    "euler_gamma",
    "finfo",
    "float16",
    "float32",
    "float64",
    "float_",
    "floating",
    "generic",
    "iinfo",
    "inexact",
    "inf",
    "int8",
    "int16",
    "int32",
    "int64",
    "int_",
    "integer",
    "isdtype",
    "isscalar",
    "issubdtype",
    "iterable",
    "nan",
    "ndarray",
    "newaxis",
    "number",
    "pi",
    "promote_types",
    "result_type",
    "set_printoptions",
    "signedinteger",
    "single",
    "uint",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "unsignedinteger",
]

bool = np.bool_
int_ = np.int64
uint = np.uint64
float_ = double = np.float64
single = np.float32
complex_ = cdouble = np.complex128
csingle = np.complex64


class _ArrayType(type):
    """Makes `isinstance(x, jnp.ndarray)` true of arrays, traced or not."""

    def __instancecheck__(cls, instance: Any) -> Any:
        return isinstance(instance, (np.ndarray, Tracer))

    def __subclasscheck__(cls, subclass: type) -> Any:
        return issubclass(subclass, (np.ndarray, Tracer))


class ndarray(metaclass=_ArrayType):
    """For `isinstance` and annotations: NumPy's and jitad's arrays, and traced ones."""

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Any:
        raise TypeError("arrays are made by jnp.array, jnp.zeros and their relatives")


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype at which arrays, dtypes and Python numbers (which are weak) meet."""
    operands = [
        np.empty(0, x) if isinstance(x, (type, np.dtype, str)) else as_operand(x)
        for x in arrays_and_dtypes
    ]
    return common_dtype(operands)


def can_cast(from_: Any, to: Any, casting: Any = "safe") -> Any:
    """True if the dtype `from_` (or that of an array) can be cast to `to`."""
    return np.can_cast(from_.dtype if isinstance(from_, Tracer) else from_, to, casting)


def isscalar(element: Any) -> Any:
    """True of numbers, and of traced values that stand for Python numbers."""
    return np.isscalar(element) or (isinstance(element, Tracer) and element.weak)


def iterable(y: Any) -> Any:
    """True of what has one axis or more, or can be iterated over."""
    return y.ndim > 0 if isinstance(y, Tracer) else np.iterable(y)
