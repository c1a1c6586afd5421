"""Convolutions and pooling, and a small network made of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import Call
from benchmarks.reference import c_call
from benchmarks.versus import versus

Arrays = tuple[np.ndarray, ...]
LAST = ("NHWC", "HWIO", "NHWC")


@functools.cache
def image_inputs() -> Arrays:
    """Images [8, 56, 56, 64] and a kernel [3, 3, 64, 64], float32."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(8, 56, 56, 64)), rng.normal(size=(3, 3, 64, 64)) / 24
    return x.astype("f4"), w.astype("f4")


def same(lib: Any, x: Any, w: Any) -> Any:
    return lib.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=LAST)


def convolution(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda x, w: same(lib, x, w))


def convolution_in_c() -> Call:
    x, w = image_inputs()
    padded = np.empty((58, 58, 64), "f4")
    return c_call(
        "convolutions", "same_3x3", (8, 56, 56, 64, 64, x, w, padded), (np.empty_like(x),)
    )


CONVOLUTION = versus(
    "conv_2d",
    "3x3 convolution of images [8, 56, 56, 64] to 64 features, float32",
    convolution,
    image_inputs,
    c=convolution_in_c,
    tolerance=1e-4,
)


def convolution_gradient(lib: Any) -> Callable[..., Any]:
    def energy(x: Any, w: Any) -> Any:
        return lib.numpy.sum(same(lib, x, w) ** 2)

    return lib.jit(lib.grad(energy, (0, 1)))


CONVOLUTION_GRADIENT = versus(
    "conv_2d_gradient",
    "gradient of the sum of its squares by images and kernel",
    convolution_gradient,
    image_inputs,
    tolerance=1e-2,
)


@functools.cache
def depthwise_inputs() -> Arrays:
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(8, 56, 56, 64)), rng.normal(size=(3, 3, 1, 64))
    return x.astype("f4"), w.astype("f4")


def depthwise(lib: Any) -> Callable[..., Any]:
    return lib.jit(
        lambda x, w: lib.lax.conv_general_dilated(
            x, w, (1, 1), "SAME", dimension_numbers=LAST, feature_group_count=64
        )
    )


DEPTHWISE = versus(
    "conv_depthwise",
    "3x3 convolution of images [8, 56, 56, 64], each feature by itself, float32",
    depthwise,
    depthwise_inputs,
    tolerance=1e-4,
)


@functools.cache
def network_inputs() -> tuple[Any, ...]:
    """Parameters of two convolutions and a dense layer, 32 images of 28 by 28, one-hot labels."""
    rng = np.random.default_rng(2)

    def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * rng.normal(size=shape)).astype("f4")

    params = {
        "first": (normal(3, 3, 1, 32, scale=1 / 3), normal(32, scale=0.1)),
        "second": (normal(3, 3, 32, 64, scale=1 / 17), normal(64, scale=0.1)),
        "dense": (normal(7 * 7 * 64, 10, scale=1 / 56), normal(10, scale=0.1)),
    }
    labels = np.eye(10, dtype="f4")[rng.integers(0, 10, 32)]
    return params, normal(32, 28, 28, 1), labels


def forward(lib: Any) -> Callable[..., Any]:
    """Convolution, rectifier and pooling, twice; then a dense layer."""

    def layer(x: Any, weights: Any) -> Any:
        w, b = weights
        x = lib.numpy.maximum(same(lib, x, w) + b, 0)
        window = (1, 2, 2, 1)
        return lib.lax.reduce_window(x, -lib.numpy.inf, lib.lax.max, window, window, "VALID")

    def logits(params: Any, x: Any) -> Any:
        x = layer(layer(x, params["first"]), params["second"])
        w, b = params["dense"]
        return x.reshape(x.shape[0], -1) @ w + b

    return logits


def network(lib: Any) -> Callable[..., Any]:
    logits = forward(lib)
    return lib.jit(lambda params, x, _labels: logits(params, x))


FORWARD = versus(
    "cnn_forward",
    "two convolutions 1-32-64 with max pooling, a dense layer, 32 images [28, 28], float32",
    network,
    network_inputs,
    tolerance=1e-4,
)


def training_step(lib: Any) -> Callable[..., Any]:
    """One step of gradient descent on the cross-entropy."""
    np = lib.numpy
    logits = forward(lib)

    def loss(params: Any, x: Any, labels: Any) -> Any:
        found = logits(params, x)
        top = np.max(found, axis=1, keepdims=True)
        spread = np.log(np.sum(np.exp(found - top), axis=1)) + top[:, 0]
        return np.mean(spread - np.sum(labels * found, axis=1))

    gradient = lib.grad(loss)

    def step(params: Any, x: Any, labels: Any) -> Any:
        slopes = gradient(params, x, labels)
        return {
            name: tuple(p - 0.1 * d for p, d in zip(params[name], slopes[name], strict=True))
            for name in params
        }

    return lib.jit(step)


STEP = versus(
    "cnn_step",
    "training step of that network on the cross-entropy of 32 labels, float32",
    training_step,
    network_inputs,
    tolerance=1e-4,
)

ALL = (CONVOLUTION, CONVOLUTION_GRADIENT, DEPTHWISE, FORWARD, STEP)
