"""Matrices of `scipy.sparse` from elements whose places are known to be valid."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse


def matrix_maker(
    format: str, shape: tuple[int, int], indices: tuple[Any, ...], dtype: Any
) -> Callable[[Any], Any]:
    """From elements to the matrix, which owns its arrays. SciPy's constructors look at all indices
    each time (10 us and more); here the first matrix is looked at, and the others are copies of it
    with arrays of their own, by the attributes that are documented."""
    make = getattr(scipy.sparse, f"{format}_array")
    elements = np.zeros(len(indices[0]), dtype)
    if format == "coo":
        first = make((elements, indices), shape=shape)

        def coordinates(elements: Any) -> Any:
            matrix = copy.copy(first)
            matrix.data = elements
            matrix.coords = tuple([array.copy() for array in indices])
            return matrix

        return coordinates
    first = make((elements, *indices), shape=shape)
    assert first.has_canonical_format  # which the copies then know of themselves
    numbers, ends = indices

    def compressed(elements: Any) -> Any:
        matrix = copy.copy(first)
        matrix.data = elements
        matrix.indices, matrix.indptr = numbers.copy(), ends.copy()
        return matrix

    return compressed
