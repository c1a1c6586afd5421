"""Derivatives of draws in their parameters, by reparameterization and at a fixed rank."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import jitad
import jitad.numpy as jnp
from jitad import random
from jitad.random.implicit import log_gamma_derivative

KEY = random.key(5)

SMOOTH: dict[str, tuple[Callable[..., Any], tuple[float, ...]]] = {
    "uniform": (lambda a, b: random.uniform(KEY, (9,), minval=a, maxval=b), (1.0, 2.5)),
    "truncated_normal": (lambda a, b: random.truncated_normal(KEY, a, b, (9,)), (-1.0, 2.0)),
    "lognormal": (lambda s: random.lognormal(KEY, s, (9,)), (0.7,)),
    "pareto": (lambda b: random.pareto(KEY, b, (9,)), (1.7,)),
    "weibull_min": (lambda s, c: random.weibull_min(KEY, s, c, (9,)), (1.7, 0.8)),
    "rayleigh": (lambda s: random.rayleigh(KEY, s, (9,)), (1.7,)),
    "triangular": (lambda a, b, c: random.triangular(KEY, a, b, c, (9,)), (0.0, 1.0, 3.0)),
    "wald": (lambda m: random.wald(KEY, m, (9,)), (1.3,)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_reparameterized(name: str) -> None:
    """The gradient of a draw, to second order, is that of the same numbers moving along."""
    draw, at = SMOOTH[name]
    for i, value in enumerate(at):
        step = 1e-5 * max(1.0, abs(value))

        def of_one(x: Any, i: int = i) -> Any:
            return jnp.sum(draw(*at[:i], x, *at[i + 1 :]) ** 2)

        for function in (of_one, jitad.grad(of_one)):
            numeric = (function(value + step) - function(value - step)) / (2 * step)
            for derivative in (jitad.grad(function), jitad.jit(jitad.grad(function))):
                np.testing.assert_allclose(derivative(value), numeric, rtol=2e-6, atol=1e-8)


def gamma_rank_derivative(a: float, x: float) -> float:
    """dx/da of the gamma variate x at a fixed rank, by differences of SciPy's quantiles."""
    step = 1e-5 * a
    if x > a:  # by the nearer tail, which has all digits
        rank = scipy.special.gammaincc(a, x)
        quantile: Any = scipy.special.gammainccinv
    else:
        rank = scipy.special.gammainc(a, x)
        quantile = scipy.special.gammaincinv
    near = (quantile(a + step, rank) - quantile(a - step, rank)) / (2 * step)
    far = (quantile(a + 2 * step, rank) - quantile(a - 2 * step, rank)) / (4 * step)
    return float(4 * near - far) / 3


@pytest.mark.parametrize("a", [0.02, 0.3, 0.9, 1.0, 1.7, 5.0, 40.0, 1000.0, 1e5])
def test_rank_derivative_of_gamma_variates(a: float) -> None:
    ranks = np.array([1e-4, 0.03, 0.2, 0.5, 0.56, 0.6, 0.9, 0.999])
    x = scipy.special.gammaincinv(a, ranks)
    x = x[x > 1e-200]
    parameters = np.full_like(x, a)
    expected = np.array([gamma_rank_derivative(a, v) / v for v in x])
    at_once = log_gamma_derivative(jnp.asarray(parameters), jnp.log(x))
    compiled = jitad.jit(log_gamma_derivative)(parameters, np.log(x))
    np.testing.assert_allclose(at_once, expected, rtol=2e-8)
    np.testing.assert_allclose(compiled, expected, rtol=2e-8)


def test_rank_derivative_far_below_the_least_float() -> None:
    """For tiny a, log x = log(rank gamma(a + 1)) / a: x itself underflows."""
    a, log_x = 1e-3, -5000.0
    expected = -(log_x - scipy.special.digamma(a + 1)) / a
    assert log_gamma_derivative(jnp.asarray(a), jnp.asarray(log_x)) == pytest.approx(expected)


@pytest.mark.parametrize("log_space", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradient_of_gamma(log_space: bool, dtype: str) -> None:
    a = np.array([0.05, 0.4, 1.0, 3.0, 50.0], dtype)
    sampler = random.loggamma if log_space else random.gamma

    def draw(a: Any) -> Any:
        return sampler(KEY, a, (5,), dtype)

    samples = np.asarray(draw(a), float)
    x = np.exp(samples) if log_space else samples
    pairs = zip(a.astype(float), x, strict=True)
    expected = np.array([gamma_rank_derivative(p, v) for p, v in pairs])
    expected = expected / x if log_space else expected
    tolerance = 1e-4 if dtype == "float32" else 1e-7
    summed = jitad.grad(lambda a: jnp.sum(draw(a)))
    for found in (
        summed(a),
        jitad.jit(summed)(a),
        jitad.jvp(draw, (a,), (np.ones_like(a),))[1],
    ):
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_allclose(found, expected, rtol=tolerance)


EXPECTATIONS: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    # E of the draw as a function of the parameter, its known derivative there.
    "gamma": (lambda a: random.gamma(KEY, a, (20000,)), 2.5, 1.0),
    "chisquare": (lambda k: random.chisquare(KEY, k, (20000,)), 3.0, 1.0),
    "beta in a": (lambda a: random.beta(KEY, a, 3.0, (20000,)), 2.0, 3 / 25),
    "beta in b": (lambda b: random.beta(KEY, 2.0, b, (20000,)), 3.0, -2 / 25),
    "t, squared": (lambda k: random.t(KEY, k, (20000,)) ** 2, 12.0, -2 / 100),
    "dirichlet": (
        lambda a: random.dirichlet(KEY, jnp.stack([a, 2 * a, a * 0 + 3.0]), (20000,))[:, 0],
        2.0,
        3 / 81,
    ),
    "f": (lambda d: random.f(KEY, 4.0, d, (20000,)), 20.0, -2 / 18**2),
}


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_gradients_of_expectations(name: str) -> None:
    """The mean of gradients of draws is the gradient of the mean: E gamma(a) = a, E beta(a, b) =
    a / (a + b), E t^2 = k / (k - 2), E dirichlet = alpha / sum, E f = d / (d - 2)."""
    draw, at, expected = EXPECTATIONS[name]
    found = jitad.jit(jitad.grad(lambda x: jnp.mean(draw(x))))(at)
    assert found == pytest.approx(expected, rel=0.06, abs=2e-3)


def test_second_derivative_of_a_mean() -> None:
    """E gamma(a)^2 = a^2 + a has the second derivative 2."""

    def second_moment(a: Any) -> Any:
        return jnp.mean(random.gamma(KEY, a, (4000,)) ** 2)

    assert jitad.grad(jitad.grad(second_moment))(2.5) == pytest.approx(2.0, rel=0.1)


def test_keys_have_no_tangents() -> None:
    def product(x: Any, key: Any) -> Any:
        return x * random.normal(key)

    value = random.normal(KEY)
    assert jitad.grad(product)(2.0, KEY) == value
    with pytest.raises(TypeError):
        jitad.grad(product, argnums=1)(2.0, KEY)
