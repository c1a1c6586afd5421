"""Activations: values by plain NumPy formulas, derivatives to second order, hard points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import jitad
from jitad import nn

sigmoid = scipy.special.expit


def softplus(x: Any) -> Any:
    return np.logaddexp(x, 0)


def elu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def tanh_gelu(x: Any) -> Any:
    """x (1 + tanh(u)) / 2, with the cancellation taken out."""
    return x * sigmoid(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))


def squareplus(x: Any) -> Any:
    """(x + root) / 2, below 0 as 2 / (root - x)."""
    root = np.sqrt(x**2 + 4)
    return np.where(x < 0, 2 / (root - x), (x + root) / 2)


FORMULAS: dict[str, Callable[[Any], Any]] = {
    "celu": elu,
    "elu": elu,
    "gelu": tanh_gelu,
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "identity": lambda x: x,
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "log_sigmoid": lambda x: -softplus(-x),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "soft_sign": lambda x: x / (1 + np.abs(x)),
    "softplus": softplus,
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x >= 1, x, (x + 1) ** 2 / 4)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "squareplus": squareplus,
    "swish": lambda x: x * sigmoid(x),
    "tanh": np.tanh,
}
POINTS = np.array([-1000.0, -40.0, -6.2, -2.9, -1.3, -0.4, 0.3, 0.9, 2.1, 5.5, 7.0, 41.0, 1000.0])
INNER = POINTS[2:-2]


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(name: str, dtype: str) -> None:
    function, x = getattr(nn, name), POINTS.astype(dtype)
    expected = FORMULAS[name](x.astype(float))
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    for found in (function(x), jitad.jit(function)(x), jitad.vmap(function)(x)):
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * 1e-8)


@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives(name: str) -> None:
    """First and second ones, in either mode, against central differences."""
    function = getattr(nn, name)
    first = jitad.vmap(jitad.grad(function))
    second = jitad.vmap(jitad.grad(jitad.grad(function)))
    h = 1e-5
    slope = (FORMULAS[name](INNER + h) - FORMULAS[name](INNER - h)) / (2 * h)
    curvature = (first(INNER + h) - first(INNER - h)) / (2 * h)
    ones = np.ones_like(INNER)
    for found in (first(INNER), jitad.jit(first)(INNER), jitad.jvp(function, (INNER,), (ones,))[1]):
        np.testing.assert_allclose(found, slope, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(second(INNER), curvature, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(jitad.jit(second)(INNER), curvature, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives_are_finite_everywhere(name: str) -> None:
    function = getattr(nn, name)
    far = np.array([-1e30, -1e5, -800.0, -0.0, 0.0, 800.0, 1e5])
    for derivative in (jitad.grad(function), jitad.grad(jitad.grad(function))):
        assert np.isfinite(jitad.jit(jitad.vmap(derivative))(far)).all()


KINKS = {
    "relu": ([0.0], [0.0]),
    "relu6": ([0.0, 6.0], [0.0, 0.0]),
    "leaky_relu": ([0.0], [1.0]),
    "hard_tanh": ([-1.0, 1.0], [1.0, 1.0]),
    "hard_sigmoid": ([-3.0, 3.0], [0.0, 0.0]),
    "elu": ([0.0], [1.0]),
    "celu": ([0.0], [1.0]),
    "selu": ([0.0], [1.0507009873554805 * 1.6732632423543772]),
    "sparse_plus": ([-1.0, 1.0], [0.0, 1.0]),
    "softplus": ([0.0], [0.5]),
    "log_sigmoid": ([0.0], [0.5]),
    "soft_sign": ([0.0], [1.0]),
}


@pytest.mark.parametrize("name", KINKS)
def test_derivatives_at_kinks(name: str) -> None:
    at, expected = KINKS[name]
    derivative = jitad.vmap(jitad.grad(getattr(nn, name)))
    np.testing.assert_allclose(derivative(np.array(at)), expected, rtol=1e-15)
    np.testing.assert_allclose(jitad.jit(derivative)(np.array(at)), expected, rtol=1e-15)


def test_infinities_and_nan() -> None:
    ends = np.array([-np.inf, np.inf, np.nan])
    for name, (low, high) in {
        "relu": (0, np.inf),
        "relu6": (0, 6),
        "softplus": (0, np.inf),
        "log_sigmoid": (-np.inf, 0),
        "sigmoid": (0, 1),
        "hard_tanh": (-1, 1),
        "elu": (-1, np.inf),
    }.items():
        np.testing.assert_array_equal(getattr(nn, name)(ends), [low, high, np.nan], err_msg=name)


def test_softplus_is_smooth_at_zero() -> None:
    second = jitad.grad(jitad.grad(nn.softplus))
    assert second(0.0) == pytest.approx(0.25)
    assert second(-30.0) == pytest.approx(np.exp(-30.0), rel=1e-12)
    assert jitad.grad(second)(0.0) == pytest.approx(0.0, abs=1e-16)


def test_exact_gelu() -> None:
    expected = POINTS * scipy.special.ndtr(POINTS)
    np.testing.assert_allclose(nn.gelu(POINTS, approximate=False), expected, rtol=1e-12)
    slope = jitad.vmap(jitad.grad(lambda x: nn.gelu(x, approximate=False)))(INNER)
    density = np.exp(-(INNER**2) / 2) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(slope, scipy.special.ndtr(INNER) + INNER * density, rtol=1e-11)


def test_log1mexp() -> None:
    x = np.array([1e-300, 1e-10, 0.1, 0.6, 0.7, 3.0, 50.0])
    expected = [np.log(1e-300), np.log(1e-10), *[np.log1p(-np.exp(-v)) for v in x[2:]]]
    np.testing.assert_allclose(nn.log1mexp(x), expected, rtol=1e-10)
    slopes = jitad.jit(jitad.vmap(jitad.grad(nn.log1mexp)))(x)
    np.testing.assert_allclose(slopes, 1 / np.expm1(x), rtol=1e-13)
    assert nn.log1mexp(0.0) == -np.inf and nn.log1mexp(np.inf) == 0


def test_parameters_and_integers() -> None:
    assert nn.elu(-1.0, 2.0) == pytest.approx(2 * np.expm1(-1))
    assert nn.celu(-1.0, 2.0) == pytest.approx(2 * np.expm1(-0.5))
    assert nn.leaky_relu(-1.0, 0.3) == -0.3
    assert nn.squareplus(0.0, 9.0) == 1.5
    assert nn.squareplus(-np.inf) == 0.0 and jitad.grad(nn.squareplus)(-np.inf) == 0.0
    assert nn.relu(np.array([-1, 2])).tolist() == [0, 2] and nn.relu(np.array([1])).dtype == int
    assert nn.sigmoid(np.array([0])).tolist() == [0.5]


def test_glu() -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_allclose(nn.glu(x), x[:, :2] * sigmoid(x[:, 2:]))
    np.testing.assert_allclose(nn.glu(x.T, 0), (x[:, :2] * sigmoid(x[:, 2:])).T)
    with pytest.raises(ValueError, match="divisible by 2"):
        nn.glu(x, 0)
