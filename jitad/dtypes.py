"""Dtypes: promotion, limits, and `float0`, the dtype of an integer's tangent."""

from __future__ import annotations

from typing import Any

import numpy as np

from .argument_types import type_of_argument
from .numpy.dtypes import finfo, iinfo, issubdtype, prng_key, result_type
from .transforms.function import FLOAT0 as float0  # noqa: N811  (JAX's name)

__all__ = [
    "TypePromotionError",
    "canonicalize_dtype",
    "finfo",
    "float0",
    "iinfo",
    "issubdtype",
    "itemsize_bits",
    "prng_key",
    "result_type",
    "scalar_type_of",
]
__dir__ = __all__.copy

TypePromotionError = TypeError
"""What is raised where dtypes do not meet."""


def canonicalize_dtype(dtype: np.typing.DTypeLike) -> np.dtype:
    """The dtype that arrays asked for `dtype` have: the same one, since 64 bits are always on.

    >>> canonicalize_dtype(float)
    dtype('float64')
    """
    return np.dtype(dtype)


def itemsize_bits(dtype: np.typing.DTypeLike) -> int:
    """Bits of an element.

    >>> itemsize_bits(np.float32)
    32
    """
    return np.dtype(dtype).itemsize * 8


def scalar_type_of(x: Any) -> type:
    """Python's type of numbers of the kind of `x`: bool, int, float or complex. Raises TypeError
    for what is no number.

    >>> scalar_type_of(np.int32(1)), scalar_type_of(np.ones(2, np.float32))
    (<class 'int'>, <class 'float'>)
    """
    kind = type_of_argument(x).dtype.kind
    return {"b": bool, "i": int, "u": int, "f": float, "c": complex}[kind]
