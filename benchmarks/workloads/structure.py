"""Programs that move data: sorts, scans, gathers, scatters, transposes, stencils."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import in_numba
from benchmarks.measure import Call
from benchmarks.reference import c_call
from benchmarks.versus import NOT_SLOWER, versus
from benchmarks.workload import Goal

MILLION = 10**6
NOT_SLOWER_THAN_NUMPY = (*NOT_SLOWER, Goal("NumPy", 1.0))


@functools.cache
def numbers() -> tuple[np.ndarray]:
    return (np.random.default_rng(0).normal(size=MILLION),)


@functools.cache
def picks() -> tuple[np.ndarray, np.ndarray]:
    """A table of 1e5 numbers and a million places in it."""
    rng = np.random.default_rng(0)
    return rng.normal(size=10**5), rng.integers(0, 10**5, MILLION)


@functools.cache
def edges() -> tuple[np.ndarray, np.ndarray]:
    """A million numbers and the place of each in a table of 1e5."""
    rng = np.random.default_rng(0)
    return rng.normal(size=MILLION), rng.integers(0, 10**5, MILLION)


@functools.cache
def image() -> tuple[np.ndarray]:
    return (np.random.default_rng(0).normal(size=(1000, 1000)),)


def sort(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda x: lib.numpy.sort(x))


def argsort(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda x: lib.numpy.argsort(x))


def cumsum(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda x: lib.numpy.cumsum(x))


def gather(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda table, at: table[at] * 2)


def scatter_add(lib: Any) -> Callable[..., Any]:
    """Sums by place, as in assembling finite elements or messages of a graph."""
    np = lib.numpy
    return lib.jit(lambda x, at: np.zeros(10**5).at[at].add(x))


def scatter_add_by_hand(_: Any) -> Callable[..., Any]:
    return lambda x, at: np.bincount(at, x, 10**5)


def transpose(lib: Any) -> Callable[..., Any]:
    """A transposed array and the array itself, added: one of the two is read across the grain."""
    return lib.jit(lambda x: x.T * 2 + x)


def stencil(lib: Any) -> Callable[..., Any]:
    """The five-point Laplacian of the inner points."""
    return lib.jit(
        lambda u: u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4 * u[1:-1, 1:-1]
    )


def in_c(name: str, args: tuple[Any, ...], shape: int | tuple[int, ...]) -> Callable[[], Call]:
    return lambda: c_call("structure", name, args, (np.empty(shape),))


ALL = (
    versus(
        "sort_1e6", "sort of 1e6 float64", sort, numbers, numpy=sort, goals=NOT_SLOWER_THAN_NUMPY
    ),
    versus(
        "argsort_1e6",
        "argsort of 1e6 float64",
        argsort,
        numbers,
        numpy=argsort,
        goals=NOT_SLOWER_THAN_NUMPY,
    ),
    versus(
        "cumsum_1e6",
        "cumulative sum of 1e6 float64",
        cumsum,
        numbers,
        numpy=cumsum,
        c=lambda: in_c("cumsum", (MILLION, *numbers()), MILLION)(),
        goals=NOT_SLOWER_THAN_NUMPY,
    ),
    versus(
        "gather_1e6",
        "1e6 float64 read at random places of 1e5",
        gather,
        picks,
        numpy=gather,
        c=lambda: in_c("gather", (MILLION, *picks()), MILLION)(),
    ),
    versus(
        "scatter_add_1e6",
        "1e6 float64 added at random places of 1e5",
        scatter_add,
        edges,
        numpy=scatter_add_by_hand,
        numba=in_numba.scatter_add,
        c=lambda: in_c("scatter_add", (MILLION, 10**5, *edges()), 10**5)(),
        goals=NOT_SLOWER_THAN_NUMPY,
    ),
    versus(
        "transpose_1000",
        "x.T * 2 + x of a float64 matrix [1000, 1000]",
        transpose,
        image,
        numpy=transpose,
        c=lambda: in_c("transpose", (1000, *image()), (1000, 1000))(),
    ),
    versus(
        "stencil_1000",
        "five-point Laplacian of a float64 matrix [1000, 1000]",
        stencil,
        image,
        numpy=stencil,
        c=lambda: in_c("stencil", (1000, 1000, *image()), (998, 998))(),
    ),
)
