"""Matrix products, large and small, and the models made of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import in_numba
from benchmarks.measure import Call
from benchmarks.reference import c_call
from benchmarks.versus import versus

Arrays = tuple[np.ndarray, ...]


@functools.cache
def normal(*shapes: tuple[int, ...], dtype: str = "float64") -> Arrays:
    """An array of each shape, of standard normal numbers."""
    rng = np.random.default_rng(0)
    return tuple(rng.normal(size=shape).astype(dtype) for shape in shapes)


def matmul(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda a, b: a @ b)


def dense(lib: Any) -> Callable[..., Any]:
    """A layer with bias and rectifier."""
    return lib.jit(lambda x, w, b: lib.numpy.maximum(x @ w + b, 0))


def gemm(size: int) -> Callable[[], Arrays]:
    return lambda: normal((size, size), (size, size))


GEMM_SMALL = versus(
    "gemm_32", "product of two float64 matrices [32, 32]", matmul, gemm(32), numpy=matmul
)

GEMM_LARGE = versus(
    "gemm_1024",
    "product of two float64 matrices [1024, 1024]",
    matmul,
    gemm(1024),
    numpy=matmul,
    tolerance=1e-8,
)

DENSE = versus(
    "dense_float32",
    "relu(x @ w + b), float32, x [512, 512], w [512, 512]",
    dense,
    lambda: normal((512, 512), (512, 512), (512,), dtype="float32"),
    numpy=dense,
    tolerance=1e-3,
)


def batched_by_hand(_: Any) -> Callable[..., Any]:
    return np.matmul


def small_products_in_c() -> Call:
    a, b = normal((10**5, 4, 4), (10**5, 4, 4))
    return c_call("products", "small_products", (10**5, a, b), (np.empty_like(a),))


BATCHED = versus(
    "gemm_batched_4x4",
    "1e5 products of float64 matrices [4, 4]",
    matmul,
    lambda: normal((10**5, 4, 4), (10**5, 4, 4)),
    numpy=batched_by_hand,
    c=small_products_in_c,
)

MATVEC = versus(
    "matvec_1000",
    "float64 matrix [1000, 1000] times vector",
    matmul,
    lambda: normal((1000, 1000), (1000,)),
    numpy=matmul,
)


@functools.cache
def distances_inputs() -> Arrays:
    return normal((1000, 3), (1000, 3))


def distances(lib: Any) -> Callable[..., Any]:
    np = lib.numpy
    return lib.jit(lambda x, y: np.sqrt(np.sum((x[:, None, :] - y[None, :, :]) ** 2, axis=-1)))


def distances_in_c() -> Call:
    return c_call(
        "products", "distances", (1000, 1000, *distances_inputs()), (np.empty((1000, 1000)),)
    )


DISTANCES = versus(
    "distances",
    "Euclidean distances of 1000 and 1000 points of 3 dimensions, float64",
    distances,
    distances_inputs,
    numpy=distances,
    numba=in_numba.distances,
    c=distances_in_c,
)

LAYERS = (64, 128, 128, 10)


@functools.cache
def network() -> tuple[Any, ...]:
    """Weights and biases of three layers, a batch of 128 inputs and one-hot labels, float32."""
    rng = np.random.default_rng(0)
    params = [
        (rng.normal(size=(m, n)).astype("f4") / math.sqrt(m), np.zeros(n, "f4"))
        for m, n in zip(LAYERS, LAYERS[1:], strict=False)
    ]
    labels = np.eye(LAYERS[-1], dtype="f4")[rng.integers(0, LAYERS[-1], 128)]
    return params, rng.normal(size=(128, LAYERS[0])).astype("f4"), labels


def training_step(lib: Any) -> Callable[..., Any]:
    """One step of gradient descent on the cross-entropy of a network of tanh layers."""
    np = lib.numpy

    def loss(params: Any, x: Any, labels: Any) -> Any:
        for w, b in params[:-1]:
            x = np.tanh(x @ w + b)
        w, b = params[-1]
        logits = x @ w + b
        top = np.max(logits, axis=1, keepdims=True)
        spread = np.log(np.sum(np.exp(logits - top), axis=1)) + top[:, 0]
        return np.mean(spread - np.sum(labels * logits, axis=1))

    gradient = lib.grad(loss)

    def step(params: Any, x: Any, labels: Any) -> Any:
        slopes = gradient(params, x, labels)
        return [
            (w - 0.1 * dw, b - 0.1 * db) for (w, b), (dw, db) in zip(params, slopes, strict=True)
        ]

    return lib.jit(step)


MLP = versus(
    "mlp_step",
    "training step of a network 64-128-128-10, batch 128, float32",
    training_step,
    network,
    autograd=training_step,
    tolerance=1e-5,
)


def attention(lib: Any) -> Callable[..., Any]:
    """Causal scaled dot-product attention of arrays [batch, heads, steps, width]."""
    np = lib.numpy

    def f(q: Any, k: Any, v: Any) -> Any:
        scores = q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])
        steps = np.arange(q.shape[-2])
        scores = np.where(steps[:, None] >= steps[None, :], scores, -np.inf)
        weights = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
        return (weights / np.sum(weights, axis=-1, keepdims=True)) @ v

    return f


def attention_value(lib: Any) -> Callable[..., Any]:
    return lib.jit(attention(lib))


def attention_gradient(lib: Any) -> Callable[..., Any]:
    f = attention(lib)
    return lib.jit(lib.grad(lambda *args: lib.numpy.sum(f(*args) ** 2), argnums=(0, 1, 2)))


def attention_inputs() -> Arrays:
    return normal(*[(2, 8, 128, 64)] * 3, dtype="float32")


ATTENTION = versus(
    "attention",
    "causal attention, batch 2, 8 heads, 128 steps of width 64, float32",
    attention_value,
    attention_inputs,
    numpy=attention_value,
    tolerance=1e-4,
)

ATTENTION_GRADIENT = versus(
    "attention_gradient",
    "gradient of the sum of squares of causal attention, the same sizes",
    attention_gradient,
    attention_inputs,
    tolerance=1e-3,
)

ALL = (
    GEMM_SMALL,
    GEMM_LARGE,
    DENSE,
    BATCHED,
    MATVEC,
    DISTANCES,
    MLP,
    ATTENTION,
    ATTENTION_GRADIENT,
)
