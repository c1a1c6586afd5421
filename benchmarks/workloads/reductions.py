"""Sums over any axes, and the normalisations made of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import in_numba
from benchmarks.measure import Call
from benchmarks.reference import c_call
from benchmarks.versus import versus
from benchmarks.workload import Calls

Shape = tuple[int, ...]


@functools.cache
def normal(shape: Shape, dtype: str = "float64") -> tuple[np.ndarray]:
    return (np.random.default_rng(0).normal(size=shape).astype(dtype),)


def in_c(name: str, shape: Shape, result: Shape, dtype: str = "float64") -> Callable[[], Call]:
    return lambda: c_call(
        "reductions", name, (*shape, *normal(shape, dtype)), (np.empty(result, dtype),)
    )


def total(axis: int | Shape | None) -> Callable[[Any], Callable[..., Any]]:
    """The sum of squares over `axis`."""
    return lambda lib: lib.jit(lambda x: lib.numpy.sum(x * x, axis=axis))


def summed(
    name: str,
    words: str,
    shape: Shape,
    axis: int | Shape | None,
    c: str,
    dtype: str = "float64",
    tolerance: float = 1e-9,
) -> Calls:
    summed_axes = range(len(shape)) if axis is None else np.atleast_1d(axis)
    result = tuple(size for i, size in enumerate(shape) if i not in summed_axes)
    return versus(
        name,
        f"sum of squares of a {dtype} array {list(shape)} over {words}",
        total(axis),
        lambda: normal(shape, dtype),
        numpy=total(axis),
        c=in_c(c, shape, result, dtype),
        tolerance=tolerance,
    )


SUMS = (
    summed("sum_all", "all axes", (1000, 5000), None, "sum_all"),
    summed("sum_all_float32", "all axes", (1000, 5000), None, "sum_all_float", "float32", 1e-5),
    summed("sum_rows", "rows", (2000, 500), 1, "sum_rows"),
    summed("sum_columns", "columns", (2000, 500), 0, "sum_columns"),
    summed("sum_mixed", "axes 0 and 2", (60, 200, 80), (0, 2), "sum_mixed"),
)


def variance(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda x: lib.numpy.var(x, axis=1))


def softmax(lib: Any) -> Callable[..., Any]:
    np = lib.numpy

    def f(x: Any) -> Any:
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        return e / np.sum(e, axis=-1, keepdims=True)

    return lib.jit(f)


def logsumexp(lib: Any) -> Callable[..., Any]:
    np = lib.numpy

    def f(x: Any) -> Any:
        top = np.max(x, axis=-1, keepdims=True)
        return np.log(np.sum(np.exp(x - top), axis=-1)) + top[..., 0]

    return lib.jit(f)


def layer_norm(lib: Any) -> Callable[..., Any]:
    np = lib.numpy

    def f(x: Any) -> Any:
        centred = x - np.mean(x, axis=-1, keepdims=True)
        return centred / np.sqrt(np.mean(centred * centred, axis=-1, keepdims=True) + 1e-5)

    return f


def layer_norms(lib: Any) -> Callable[..., Any]:
    return lib.jit(layer_norm(lib))


def layer_norm_gradient(lib: Any) -> Callable[..., Any]:
    f = layer_norm(lib)
    return lib.jit(lib.grad(lambda x: lib.numpy.sum(lib.numpy.tanh(f(x)))))


TABLE = (2000, 500)


def rows(
    name: str, about: str, program: Any, c: str | None, result: Shape = TABLE, **more: Any
) -> Calls:
    return versus(
        name,
        f"{about} of each row of a float64 array {list(TABLE)}",
        program,
        lambda: normal(TABLE),
        numpy=program,
        c=None if c is None else in_c(c, TABLE, result),
        **more,
    )


NORMALISATIONS = (
    rows("variance", "variance", variance, "variance", TABLE[:1]),
    rows("logsumexp", "logsumexp", logsumexp, "logsumexp", TABLE[:1]),
    rows("softmax", "softmax", softmax, "softmax", numba=in_numba.softmax),
    rows("layer_norm", "layer-norm", layer_norms, "layer_norm"),
    versus(
        "softmax_float32",
        "softmax of each row of a float32 array [512, 4096]",
        softmax,
        lambda: normal((512, 4096), "float32"),
        numpy=softmax,
        tolerance=1e-6,
    ),
    versus(
        "layer_norm_gradient",
        "gradient of sum(tanh(layer-norm)) of rows, float64 [2000, 500]",
        layer_norm_gradient,
        lambda: normal(TABLE),
        autograd=layer_norm_gradient,
    ),
)

ALL = (*SUMS, *NORMALISATIONS)
