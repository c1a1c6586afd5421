"""Fourier transforms: one long, many short, of real numbers, and a convolution by them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.versus import versus


@functools.cache
def signal(*shape: int) -> tuple[np.ndarray]:
    return (np.random.default_rng(0).normal(size=shape),)


def complex_signal() -> tuple[np.ndarray]:
    (x,) = signal(2, 2**18)
    return (x[0] + 1j * x[1],)


def kernels() -> tuple[np.ndarray, np.ndarray]:
    return *signal(2**16), *signal(2**16 - 1)


def transform(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda x: lib.numpy.fft.fft(x))


def real_transform(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda x: lib.numpy.fft.rfft(x))


def convolution(lib: Any) -> Callable[..., Any]:
    """The full convolution of two real signals."""
    fft = lib.numpy.fft

    def f(x: Any, y: Any) -> Any:
        length = 2**17
        return fft.irfft(fft.rfft(x, length) * fft.rfft(y, length), length)

    return lib.jit(f)


ALL = (
    versus(
        "fft_262144",
        "Fourier transform of 2^18 complex128",
        transform,
        complex_signal,
        numpy=transform,
        tolerance=1e-8,
    ),
    versus(
        "rfft_rows",
        "Fourier transforms of 1,000 rows of 1,000 float64",
        real_transform,
        lambda: signal(1000, 1000),
        numpy=real_transform,
    ),
    versus(
        "fft_convolution",
        "convolution of two signals of 2^16 float64 by Fourier transforms",
        convolution,
        kernels,
        numpy=convolution,
        tolerance=1e-8,
    ),
)
