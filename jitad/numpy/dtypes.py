"""Dtypes, constants and questions about types: NumPy's own, which also take traced arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import (
    complexfloating,
    dtype,
    e,
    euler_gamma,
    floating,
    generic,
    inexact,
    inf,
    integer,
    nan,
    newaxis,
    number,
    pi,
    promote_types,
    signedinteger,
    unsignedinteger,
)

from jitad.trace import Tracer

from .creation import asarray
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
    "signedinteger",
    "single",
    "uint",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "unsignedinteger",
]


class _ScalarType(type):
    """Type of the scalar types here: equal to NumPy's, whose numbers are their instances."""

    numpy_type: type

    def __eq__(cls, other: object) -> Any:
        if isinstance(other, np.dtype):
            return other == np.dtype(cls.numpy_type)
        return cls.numpy_type is getattr(other, "numpy_type", other)

    def __hash__(cls) -> int:
        return hash(cls.numpy_type)

    def __instancecheck__(cls, instance: Any) -> Any:
        return isinstance(instance, cls.numpy_type)

    def __subclasscheck__(cls, subclass: type) -> Any:
        return issubclass(subclass, cls.numpy_type)

    def __repr__(cls) -> str:
        return f"<class 'jitad.numpy.{cls.__name__}'>"


_SCALAR_TYPE = """The dtype {0}; called, it converts an array, traced or not, to it.

    >>> import jitad.numpy as jnp
    >>> jnp.{0}(1).dtype
    dtype('{0}')
    """


def _scalar_type(numpy_type: Any) -> Any:
    """`numpy_type`, called to convert arrays, traced or not: `jnp.float32(x)` is an array. To NumPy
    it is the same dtype."""

    def convert_to(cls: Any, x: Any = 0) -> Any:
        return asarray(x, cls.numpy_type)

    body = {
        "__new__": convert_to,
        "__doc__": _SCALAR_TYPE.format(numpy_type.__name__),
        "__module__": "jitad.numpy",
        "dtype": np.dtype(numpy_type),
        "numpy_type": numpy_type,
    }
    base = () if numpy_type is np.bool_ else (numpy_type,)  # bool allows of no subclasses
    return _ScalarType(numpy_type.__name__, base, body)


float16, float32, float64 = map(_scalar_type, (np.float16, np.float32, np.float64))
int8, int16, int32, int64 = map(_scalar_type, (np.int8, np.int16, np.int32, np.int64))
uint8, uint16, uint32, uint64 = map(_scalar_type, (np.uint8, np.uint16, np.uint32, np.uint64))
complex64, complex128 = map(_scalar_type, (np.complex64, np.complex128))
bool = bool_ = _scalar_type(np.bool_)
int_ = int64
uint = uint64
float_ = double = float64
single = float32
complex_ = cdouble = complex128
csingle = complex64


class prng_key(np.generic):  # noqa: N801  (JAX's name)
    """The kind of dtype that keys have, for `issubdtype`: arrays of keys are uint64.

    >>> import jitad
    >>> import jitad.numpy as jnp
    >>> jnp.issubdtype(jitad.random.key(0).dtype, jitad.dtypes.prng_key)
    True
    """


def issubdtype(arg1: Any, arg2: Any) -> Any:
    """True if the first dtype is of the kind of the second, as in NumPy.

    uint64, the dtype of random keys, is also a `jitad.dtypes.prng_key`.

    >>> import jitad, jitad.numpy as jnp
    >>> jnp.issubdtype(jnp.float32, jnp.floating)
    True
    >>> jnp.issubdtype(jitad.random.key(0).dtype, jitad.dtypes.prng_key)
    True
    """
    return np.dtype(arg1) == np.uint64 if arg2 is prng_key else np.issubdtype(arg1, arg2)


def finfo(dtype: Any) -> Any:
    """Limits of a float or complex dtype, given as one or by an array of it.

    Raises ValueError for other dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.finfo(jnp.float32).bits, float(jnp.finfo(jnp.float64).eps)
    (32, 2.220446049250313e-16)
    """
    return np.finfo(_dtype_of(dtype))


def iinfo(dtype: Any) -> Any:
    """Limits of an integer dtype, given as one or by an array of it.

    Raises ValueError for other dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.iinfo(jnp.int8).max
    127
    """
    return np.iinfo(_dtype_of(dtype))


def _dtype_of(x: Any) -> np.dtype[Any]:
    return x.dtype if isinstance(x, (np.ndarray, np.generic, Tracer)) else np.dtype(x)


class _ArrayType(type):
    """Makes `isinstance(x, jnp.ndarray)` true of arrays, traced or not."""

    def __instancecheck__(cls, instance: Any) -> Any:
        return isinstance(instance, (np.ndarray, Tracer))

    def __subclasscheck__(cls, subclass: type) -> Any:
        return issubclass(subclass, (np.ndarray, Tracer))


class ndarray(metaclass=_ArrayType):
    """For `isinstance` and annotations: NumPy's and jitad's arrays, and traced ones.

    Called, it raises TypeError: arrays are made by `array`, `zeros` and their relatives.

    >>> import jitad.numpy as jnp
    >>> isinstance(jnp.ones(2), jnp.ndarray)
    True
    """

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Any:
        raise TypeError("arrays are made by jnp.array, jnp.zeros and their relatives")


def isdtype(dtype: Any, kind: Any) -> Any:
    """Whether a dtype is of a kind, is another dtype, or one of a tuple of those.

    Kinds are "bool", "signed integer", "unsigned integer", "integral", "real floating", "complex
    floating" and "numeric". Raises ValueError for other words.

    >>> import jitad.numpy as jnp
    >>> jnp.isdtype(jnp.float32, "real floating"), jnp.isdtype(jnp.int8, ("bool", jnp.int8))
    (True, True)
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    found = tuple([k if isinstance(k, str) else np.dtype(k) for k in kinds])
    return np.isdtype(np.dtype(dtype), found)


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype at which arrays, dtypes and Python numbers (which are weak) meet.

    >>> import jitad.numpy as jnp
    >>> jnp.result_type(jnp.float32, 1.0), jnp.result_type(jnp.int8, jnp.uint8)
    (dtype('float32'), dtype('int16'))
    """
    operands = [
        np.empty(0, x) if isinstance(x, (type, np.dtype, str)) else as_operand(x)
        for x in arrays_and_dtypes
    ]
    return common_dtype(operands)


def can_cast(from_: Any, to: Any, casting: Any = "safe") -> Any:
    """True if the dtype `from_` (or that of an array) can be cast to `to` under a rule of NumPy.

    `casting` is "no", "equiv", "safe", "same_kind" or "unsafe".

    >>> import jitad.numpy as jnp
    >>> jnp.can_cast(jnp.int32, jnp.float64), jnp.can_cast(jnp.float64, jnp.float32)
    (True, False)
    """
    return np.can_cast(from_.dtype if isinstance(from_, Tracer) else from_, to, casting)


def isscalar(element: Any) -> Any:
    """True of numbers, and of traced values that stand for Python numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.isscalar(3.0), jnp.isscalar(jnp.ones(2))
    (True, False)
    """
    return np.isscalar(element) or (isinstance(element, Tracer) and element.weak)


def iterable(y: Any) -> Any:
    """True of what has one axis or more, or can be iterated over.

    >>> import jitad.numpy as jnp
    >>> jnp.iterable(jnp.ones(2)), jnp.iterable(1.0)
    (True, False)
    """
    return y.ndim > 0 if isinstance(y, Tracer) else np.iterable(y)
