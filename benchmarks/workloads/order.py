"""Programs that sort, select, search and count."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.versus import NOT_SLOWER, versus
from benchmarks.workload import Goal
from benchmarks.workloads.structure import MILLION, argsort, numbers, sort

GOALS = (*NOT_SLOWER, Goal("NumPy", 1.0))
GREATEST = 100


@functools.cache
def single() -> tuple[np.ndarray]:
    return (numbers()[0].astype(np.float32),)


@functools.cache
def integers() -> tuple[np.ndarray]:
    return (np.random.default_rng(0).integers(-(2**62), 2**62, MILLION),)


@functools.cache
def rows(count: int, length: int) -> tuple[np.ndarray]:
    return (np.random.default_rng(0).normal(size=(count, length)),)


@functools.cache
def table_and_queries() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return np.sort(rng.normal(size=10**5)), rng.normal(size=MILLION)


@functools.cache
def table_and_sorted_queries() -> tuple[np.ndarray, np.ndarray]:
    table, queries = table_and_queries()
    return table, np.sort(queries)


@functools.cache
def labels() -> tuple[np.ndarray]:
    return (np.random.default_rng(0).integers(0, 1000, MILLION),)


def greatest(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda x: lib.lax.top_k(x, GREATEST)[0])


def greatest_by_hand(_: Any) -> Callable[..., Any]:
    return lambda x: np.sort(np.partition(x, x.size - GREATEST)[-GREATEST:])[::-1]


def median(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda x: lib.numpy.median(x))


def search(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda table, x: lib.numpy.searchsorted(table, x))


def histogram(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda x: lib.numpy.histogram(x, 100)[0])


def count(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda x: lib.numpy.bincount(x, length=1000))


def count_by_hand(_: Any) -> Callable[..., Any]:
    return lambda x: np.bincount(x, minlength=1000)


def argmax(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda x: lib.numpy.argmax(x))


ALL = (
    versus("sort_float32", "sort of 1e6 float32", sort, single, numpy=sort, goals=GOALS),
    versus("sort_int64", "sort of 1e6 int64", sort, integers, numpy=sort, goals=GOALS),
    versus(
        "sort_rows_25",
        "sorts of 40,000 rows of 25 float64",
        sort,
        lambda: rows(40_000, 25),
        numpy=sort,
        goals=GOALS,
    ),
    versus(
        "sort_rows_1000",
        "sorts of 1,000 rows of 1,000 float64",
        sort,
        lambda: rows(1000, 1000),
        numpy=sort,
        goals=GOALS,
    ),
    versus(
        "argsort_rows_25",
        "argsorts of 40,000 rows of 25 float64",
        argsort,
        lambda: rows(40_000, 25),
        numpy=argsort,
        goals=GOALS,
    ),
    versus("sort_256", "sort of 256 float64", sort, lambda: rows(1, 256), numpy=sort, goals=GOALS),
    versus(
        "top_k",
        f"the {GREATEST} greatest of 1e6 float64",
        greatest,
        numbers,
        numpy=greatest_by_hand,
        goals=GOALS,
    ),
    versus("median", "median of 1e6 float64", median, numbers, numpy=median, goals=GOALS),
    versus(
        "searchsorted",
        "places of 1e6 float64 in a sorted table of 1e5",
        search,
        table_and_queries,
        numpy=search,
        goals=GOALS,
    ),
    versus(
        "searchsorted_sorted",
        "places of 1e6 sorted float64 in a sorted table of 1e5",
        search,
        table_and_sorted_queries,
        numpy=search,
        goals=GOALS,
    ),
    versus(
        "histogram", "1e6 float64 in 100 bins", histogram, numbers, numpy=histogram, goals=GOALS
    ),
    versus(
        "bincount",
        "how often 1,000 labels occur among 1e6",
        count,
        labels,
        numpy=count_by_hand,
        goals=GOALS,
    ),
    versus("argmax", "argmax of 1e6 float64", argmax, numbers, numpy=argmax, goals=GOALS),
)
