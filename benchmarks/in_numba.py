"""Some programs as Python loops, for numba."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import Call


def numba_call(function: Callable[..., Any], args: tuple[Any, ...]) -> Call:
    """The call of the compiled function; raises ModuleNotFoundError without numba."""
    import numba

    return Call(numba.njit(function), args)


def polynomial(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    for i in range(len(x)):
        a = x[i] * y[i] + 0.5 * x[i]
        b = a * a - y[i] * x[i]
        out[i] = max(b, 0.25) * (a + 1.5) - abs(y[i] - b) / 3
    return out


def functions(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    for i in range(len(x)):
        out[i] = (
            math.sin(x[i]) * math.exp(-y[i] * y[i])
            + math.log1p(x[i] * y[i]) * math.tanh(y[i])
            + math.sqrt(x[i])
        )
    return out


def softmax(x: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    for i in range(x.shape[0]):
        top = x[i].max()
        total = 0.0
        for j in range(x.shape[1]):
            out[i, j] = math.exp(x[i, j] - top)
            total += out[i, j]
        for j in range(x.shape[1]):
            out[i, j] /= total
    return out


def distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    out = np.empty((len(x), len(y)))
    for i in range(len(x)):
        for j in range(len(y)):
            a, b, c = x[i, 0] - y[j, 0], x[i, 1] - y[j, 1], x[i, 2] - y[j, 2]
            out[i, j] = math.sqrt(a * a + b * b + c * c)
    return out


def scatter_add(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    out = np.zeros(10**5)
    for i in range(len(x)):
        out[at[i]] += x[i]
    return out


def updates(x: np.ndarray) -> np.ndarray:
    out = x.copy()
    for i in range(1, len(x)):
        out[i] = 0.5 * out[i - 1] + out[i]
    return out


def edit_distance(a: np.ndarray, b: np.ndarray) -> Any:
    row = np.arange(len(b) + 1, dtype=np.int32)
    for i in range(len(a)):
        corner = row[0]
        left = row[0] + 1
        row[0] = left
        for j in range(len(b)):
            up = row[j + 1]
            left = min(min(up, left) + 1, corner + (a[i] != b[j]))
            row[j + 1] = left
            corner = up
    return row[-1]


def newton(m: np.ndarray, e: np.ndarray) -> np.ndarray:
    out = np.empty_like(m)
    for i in range(len(m)):
        x = m[i] + 0.85 * e[i] * np.sign(math.sin(m[i]))
        change = 1.0
        while abs(change) > 1e-12:
            change = (x - e[i] * math.sin(x) - m[i]) / (1 - e[i] * math.cos(x))
            x -= change
        out[i] = x
    return out
