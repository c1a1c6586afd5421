"""Derivatives of any order by central differences in 80 digits: the oracle of the composition
matrix. A function is written once over a namespace of functions; here that is `mpmath` on NumPy
arrays of objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

DIGITS = 80
STEP = mpmath.mpf(10) ** -12
"""A third derivative loses 36 digits and has a truncation error near 1e-24."""


class Reference:
    """The functions that the awkward programs use, on arrays of mpmath numbers."""

    pi = mpmath.pi

    @staticmethod
    def _each(function: Callable[..., Any]) -> Callable[..., Any]:
        ufunc = np.frompyfunc(function, 1, 1)
        return lambda x: ufunc(np.asarray(x, object))

    def __getattr__(self, name: str) -> Any:
        return self._each(getattr(mpmath, name))

    @staticmethod
    def where(condition: Any, x: Any, y: Any) -> Any:
        return np.where(np.asarray(condition, bool), x, y)

    @staticmethod
    def sum(x: Any, axis: Any = None) -> Any:
        return np.sum(x, axis=axis)

    @staticmethod
    def stack(rows: Any) -> Any:
        return np.stack(rows)

    @staticmethod
    def maximum(x: Any, y: Any) -> Any:
        return np.where(np.asarray(x > y, bool), x, y)

    @staticmethod
    def take(x: Any, index: Any) -> Any:
        return x[index]


def exact(array: Any) -> Any:
    """An array of mpmath numbers, exactly equal to the given floats."""
    return np.frompyfunc(lambda v: mpmath.mpf(float(v)), 1, 1)(np.asarray(array))


def directional(f: Callable[[Any], Any], x: Any, v: Any) -> Any:
    """J(x) v of a function of arrays, by a central difference in many digits."""
    return (f(x + STEP * v) - f(x - STEP * v)) / (2 * STEP)


def transposed(f: Callable[[Any], Any], x: Any, v: Any) -> Any:
    """J(x)' v, one column of J at a time."""
    columns = []
    for i in range(len(x)):
        e = exact(np.eye(len(x))[i])
        columns.append(np.sum(directional(f, x, e) * v))
    return np.array(columns, object)
