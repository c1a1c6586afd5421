"""Dtypes: promotion, limits, and `float0`, the dtype of an integer's tangent."""

from __future__ import annotations

import numpy as np

from .numpy.dtypes import finfo, iinfo, issubdtype, prng_key, result_type
from .transforms.function import FLOAT0 as float0  # noqa: N811  (JAX's name)

__all__ = [
    "canonicalize_dtype",
    "finfo",
    "float0",
    "iinfo",
    "issubdtype",
    "prng_key",
    "result_type",
]


def canonicalize_dtype(dtype: np.typing.DTypeLike) -> np.dtype:
    """The dtype that arrays asked for `dtype` have: the same one, since 64 bits are always on.

    >>> canonicalize_dtype(float)
    dtype('float64')
    """
    return np.dtype(dtype)
