"""Types of the IR: a dtype and a static shape.

>>> ArrayType(np.dtype("float64"), (3, 4))
f64[3,4]
>>> parse_type("i32[]").dtype
dtype('int32')
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

Shape: TypeAlias = tuple[int, ...]
DType: TypeAlias = "np.dtype[np.generic]"

ARRAY_TYPES: tuple[type[Any], ...] = (np.ndarray, np.generic)
"""What has a dtype and a shape: NumPy's arrays and scalars."""

SHORT_NAMES: dict[str, str] = {
    "bool": "bool",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "u8",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
    "complex64": "c64",
    "complex128": "c128",
}
"""NumPy's name of each dtype of the IR -> its name in IR text."""

DTYPES: dict[str, DType] = {short: np.dtype(name) for name, short in SHORT_NAMES.items()}
"""Name in IR text -> dtype."""

_SHORT: dict[DType, str] = {dtype: short for short, dtype in DTYPES.items()}

BOOL = DTYPES["bool"]
INT32 = DTYPES["i32"]
INT64 = DTYPES["i64"]
FLOAT16 = DTYPES["f16"]
FLOAT32 = DTYPES["f32"]
FLOAT64 = DTYPES["f64"]
COMPLEX64 = DTYPES["c64"]
COMPLEX128 = DTYPES["c128"]


class TypeMismatch(TypeError):
    """An operation was given operands whose types its type rule rejects."""


def short_name(dtype: DType) -> str:
    """Name of `dtype` in IR text; raises TypeError for a dtype the IR does not have."""
    try:
        return _SHORT[dtype]
    except KeyError:
        supported = " ".join(SHORT_NAMES)
        raise TypeError(f"expected one of the dtypes {supported}; got {dtype}") from None


def is_supported(dtype: DType) -> bool:
    """True if the IR has this dtype (native byte order)."""
    return dtype in _SHORT


def is_inexact(dtype: DType) -> bool:
    """True for float and complex dtypes: those that carry tangents."""
    return dtype.kind in "fc"


def real_dtype(dtype: DType) -> DType:
    """Dtype of the real part: float32 for complex64, float64 for complex128, else itself."""
    return FLOAT32 if dtype == COMPLEX64 else FLOAT64 if dtype == COMPLEX128 else dtype


def complex_dtype(dtype: DType, op: str = "complex") -> DType:
    """Complex dtype with parts of `dtype`: complex64 for float32, complex128 for float64. Raises
    TypeMismatch, in the name of `op`, for float16: there are no complex numbers of 32 bits."""
    if dtype == FLOAT16:
        raise TypeMismatch(
            f"{op}: expected f32 or f64, which the parts of complex numbers have; got f16. Write "
            "x.astype(np.float32)"
        )
    return COMPLEX64 if dtype in (FLOAT32, COMPLEX64) else COMPLEX128


class ArrayType:
    """Type of a value: an array of `dtype` with a static `shape` (a tuple of ints >= 0)."""

    __slots__ = ("_hash", "dtype", "shape")

    dtype: DType
    shape: Shape

    def __init__(self, dtype: DType, shape: Shape) -> None:
        self.dtype = dtype
        self.shape = shape
        self._hash = hash((dtype.kind, dtype.itemsize, shape))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of a contiguous array of this type."""
        return self.size * self.dtype.itemsize

    @property
    def is_inexact(self) -> bool:
        """True for float and complex arrays: those that carry tangents."""
        return self.dtype.kind in "fc"

    def with_shape(self, shape: Shape) -> ArrayType:
        """The same dtype with another shape."""
        return ArrayType(self.dtype, shape)

    def with_dtype(self, dtype: DType) -> ArrayType:
        """The same shape with another dtype."""
        return ArrayType(dtype, self.shape)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, ArrayType):
            return NotImplemented
        return self.shape == other.shape and self.dtype == other.dtype

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{short_name(self.dtype)}[{','.join(map(str, self.shape))}]"


@lru_cache(maxsize=4096)
def interned(dtype: DType, shape: Shape) -> ArrayType:
    """The type, the same object for the same dtype and shape: quick to compare."""
    return ArrayType(dtype, shape)


def type_of(array: Any) -> ArrayType:
    """Type of a NumPy array or scalar, or of anything `np.asarray` accepts."""
    if not isinstance(array, ARRAY_TYPES):
        array = np.asarray(array)
    short_name(array.dtype)
    return ArrayType(array.dtype, array.shape)


_TYPE = re.compile(r"(\w+)\[([\d,]*)\]")


def parse_type(text: str) -> ArrayType:
    """Inverse of `repr`: "f64[3,4]" -> ArrayType(float64, (3, 4))."""
    match = _TYPE.fullmatch(text)
    if match is None or match[1] not in DTYPES:
        raise ValueError(f"expected a type such as f64[3,4] or i32[]; got {text!r}")
    return ArrayType(DTYPES[match[1]], tuple(int(n) for n in match[2].split(",") if n))
