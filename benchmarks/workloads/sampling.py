"""Random numbers: jitad's are JAX's, bit for bit, so the answers are compared like any others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.versus import versus

SIZE = 10**6


def key() -> tuple[np.ndarray]:
    """A key as its two words."""
    return (np.array([0, 42], "u4"),)


def uniform(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda words: lib.random.uniform(words, (SIZE,), "float64"))


def normal(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda words: lib.random.normal(words, (SIZE,), "float64"))


def monte_carlo(lib: Any) -> Callable[..., Any]:
    """The mean pay-off of an option, each path drawn and summed without being kept."""
    np = lib.numpy

    def f(words: Any) -> Any:
        z = lib.random.normal(words, (SIZE,), "float64")
        return np.mean(np.maximum(100 * np.exp(0.2 * z - 0.02) - 105, 0))

    return lib.jit(f)


ALL = (
    versus("random_uniform", "1e6 uniform float64", uniform, key),
    versus("random_normal", "1e6 standard normal float64", normal, key, tolerance=1e-7),
    versus("monte_carlo", "mean pay-off over 1e6 drawn paths", monte_carlo, key, tolerance=1e-7),
)
