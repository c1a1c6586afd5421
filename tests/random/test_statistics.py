"""What is drawn is distributed as it says: Kolmogorov's distance to SciPy's distribution functions,
frequencies of counts, moments. Keys are fixed, so that the tests pass or fail always."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats

import jitad
import jitad.numpy as jnp
from jitad import random

N = 20000
KEY = random.key(123)

CONTINUOUS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "uniform": (lambda k: random.uniform(k, (N,), minval=-1, maxval=3), scipy.stats.uniform(-1, 4)),
    "normal": (lambda k: random.normal(k, (N,)), scipy.stats.norm()),
    "truncated_normal": (
        lambda k: random.truncated_normal(k, -0.5, 2.0, (N,)),
        scipy.stats.truncnorm(-0.5, 2.0),
    ),
    "lognormal": (lambda k: random.lognormal(k, 0.6, (N,)), scipy.stats.lognorm(0.6)),
    "maxwell": (lambda k: random.maxwell(k, (N,)), scipy.stats.maxwell()),
    "wald": (lambda k: random.wald(k, 1.4, (N,)), scipy.stats.invgauss(1.4)),
    "exponential": (lambda k: random.exponential(k, (N,)), scipy.stats.expon()),
    "cauchy": (lambda k: random.cauchy(k, (N,)), scipy.stats.cauchy()),
    "laplace": (lambda k: random.laplace(k, (N,)), scipy.stats.laplace()),
    "logistic": (lambda k: random.logistic(k, (N,)), scipy.stats.logistic()),
    "gumbel": (lambda k: random.gumbel(k, (N,)), scipy.stats.gumbel_r()),
    "gumbel high": (lambda k: random.gumbel(k, (N,), mode="high"), scipy.stats.gumbel_r()),
    "gumbel highest": (
        lambda k: random.gumbel(k, (N,), "float32", "highest"),
        scipy.stats.gumbel_r(),
    ),
    "pareto": (lambda k: random.pareto(k, 1.8, (N,)), scipy.stats.pareto(1.8)),
    "weibull_min": (
        lambda k: random.weibull_min(k, 1.0, 1.7, (N,)),
        scipy.stats.weibull_min(1.7),
    ),
    "rayleigh": (lambda k: random.rayleigh(k, 1.0, (N,)), scipy.stats.rayleigh()),
    "triangular": (
        lambda k: random.triangular(k, 0.0, 0.3, 1.0, (N,)),
        scipy.stats.triang(0.3),
    ),
    "gamma below 1": (lambda k: random.gamma(k, 0.3, (N,)), scipy.stats.gamma(0.3)),
    "gamma": (lambda k: random.gamma(k, 4.0, (N,)), scipy.stats.gamma(4.0)),
    "loggamma": (lambda k: random.loggamma(k, 0.4, (N,)), scipy.stats.loggamma(0.4)),
    "beta": (lambda k: random.beta(k, 0.6, 2.0, (N,)), scipy.stats.beta(0.6, 2.0)),
    "chisquare": (lambda k: random.chisquare(k, 3.0, (N,)), scipy.stats.chi2(3)),
    "f": (lambda k: random.f(k, 5.0, 7.0, (N,)), scipy.stats.f(5, 7)),
    "t": (lambda k: random.t(k, 4.0, (N,)), scipy.stats.t(4)),
    "generalized_normal": (
        lambda k: random.generalized_normal(k, 1.5, (N,)),
        scipy.stats.gennorm(1.5),
    ),
    "dirichlet": (
        lambda k: random.dirichlet(k, np.array([0.5, 1.0, 2.0]), (N,))[:, 1],
        scipy.stats.beta(1.0, 2.5),
    ),
    "ball": (
        lambda k: jnp.sum(random.ball(k, 3, 2.0, (N,)) ** 2, -1) ** 1.5,
        scipy.stats.uniform(),
    ),
    "orthogonal": (
        lambda k: random.orthogonal(k, 3, (N // 4,))[:, 0, 0],  # uniform on a sphere
        scipy.stats.uniform(-1, 2),
    ),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_distribution_function(name: str) -> None:
    draw, distribution = CONTINUOUS[name]
    samples = np.asarray(jitad.jit(draw)(KEY))
    assert scipy.stats.kstest(samples, distribution.cdf).pvalue > 1e-3


DISCRETE: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "bernoulli": (lambda k: random.bernoulli(k, 0.3, (N,)), scipy.stats.bernoulli(0.3)),
    "randint": (lambda k: random.randint(k, (N,), -3, 9), scipy.stats.randint(-3, 9)),
    "randint int8": (
        lambda k: random.randint(k, (N,), -100, 100, "int8"),
        scipy.stats.randint(-100, 100),
    ),
    "geometric": (lambda k: random.geometric(k, 0.2, (N,)), scipy.stats.geom(0.2)),
    "poisson, few": (lambda k: random.poisson(k, 3.0, (N,)), scipy.stats.poisson(3.0)),
    "poisson, many": (lambda k: random.poisson(k, 40.0, (N,)), scipy.stats.poisson(40.0)),
    "binomial, few": (lambda k: random.binomial(k, 12, 0.3, (N,)), scipy.stats.binom(12, 0.3)),
    "binomial, many": (lambda k: random.binomial(k, 90, 0.7, (N,)), scipy.stats.binom(90, 0.7)),
    "multinomial": (
        lambda k: random.multinomial(k, 9, np.array([0.2, 0.3, 0.5]), shape=(N, 3))[:, 1],
        scipy.stats.binom(9, 0.3),
    ),
    "categorical": (
        lambda k: random.categorical(k, np.log([0.1, 0.2, 0.7]), shape=(N,)),
        scipy.stats.rv_discrete(values=((0, 1, 2), (0.1, 0.2, 0.7))),
    ),
    "choice": (
        lambda k: random.choice(k, 3, (N,), p=np.array([0.1, 0.2, 0.7])),
        scipy.stats.rv_discrete(values=((0, 1, 2), (0.1, 0.2, 0.7))),
    ),
    "permutation": (
        lambda k: jitad.vmap(lambda key: random.permutation(key, 5))(random.split(k, N))[:, 2],
        scipy.stats.randint(0, 5),
    ),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_frequencies(name: str) -> None:
    draw, distribution = DISCRETE[name]
    samples = np.asarray(jitad.jit(draw)(KEY)).astype(int)
    values, counts = np.unique(samples, return_counts=True)
    expected = N * distribution.pmf(values)
    common = expected >= 5
    observed = np.append(counts[common], N - counts[common].sum())
    predicted = np.append(expected[common], N - expected[common].sum())
    kept = predicted > 1e-9
    assert observed[~kept].sum() == 0
    statistic = ((observed[kept] - predicted[kept]) ** 2 / predicted[kept]).sum()
    assert scipy.stats.chi2(kept.sum() - 1).sf(statistic) > 1e-3


def test_moments_of_vectors() -> None:
    mean, cov = np.array([1.0, -2.0]), np.array([[2.0, 0.7], [0.7, 1.0]])
    draws = random.multivariate_normal(KEY, mean, cov, (N,))
    np.testing.assert_allclose(np.mean(draws, 0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(draws.T), cov, atol=0.06)


def test_complex_normal_has_variance_one() -> None:
    z = random.normal(KEY, (N,), "complex128")
    assert np.mean(np.abs(z) ** 2) == pytest.approx(1.0, rel=0.03)
    assert abs(np.mean(z * z)) < 0.03


def test_bits_are_even_and_independent() -> None:
    words = random.bits(KEY, (N,))
    planes = (np.asarray(words)[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    correlations = np.corrcoef(planes.T) - np.eye(64)
    assert np.abs(planes.mean(0) - 0.5).max() < 0.016
    assert np.abs(correlations).max() < 0.036


def test_draws_of_different_keys_are_independent() -> None:
    rows = jitad.vmap(lambda key: random.normal(key, (200,)))(random.split(KEY, 100))
    correlations = np.corrcoef(rows) - np.eye(100)
    assert np.abs(correlations).max() < 0.35
    assert np.mean(correlations**2) == pytest.approx(1 / 200, rel=0.1)


def test_orthogonal_matrices() -> None:
    wide = random.orthogonal(KEY, 3, (4,), m=5)
    np.testing.assert_allclose(
        wide @ np.swapaxes(wide, -1, -2), np.eye(3)[None].repeat(4, 0), atol=1e-13
    )


def test_without_replacement_nothing_is_twice() -> None:
    chosen = random.choice(KEY, 50, (40,), replace=False)
    weighted = random.choice(KEY, 50, (40,), replace=False, p=np.arange(1, 51) / 1275)
    assert len(set(chosen.tolist())) == len(set(weighted.tolist())) == 40
    categories = random.categorical(KEY, np.zeros((3, 6)), shape=(4, 3), replace=False)
    assert all(len(set(column)) == 4 for column in categories.T.tolist())


def test_large_permutation_is_one() -> None:
    assert np.sort(jitad.jit(lambda k: random.permutation(k, 3000))(KEY)).tolist() == list(
        range(3000)
    )


def test_limits() -> None:
    """At the ends of the parameters: exact values, no loop that does not end."""
    assert random.gamma(KEY, 0.0) == 0 and random.loggamma(KEY, 0.0) == -np.inf
    assert np.isnan(random.gamma(KEY, np.nan)) and np.isnan(random.gamma(KEY, -3.0))
    assert random.poisson(KEY, 0.0) == 0 and random.poisson(KEY, np.nan) == -1
    assert random.binomial(KEY, 7.0, 0.0) == 0 and random.binomial(KEY, 7.0, 1.0) == 7
    assert random.bernoulli(KEY, 1.0, (1000,)).all() and not random.bernoulli(KEY, 0.0, (9,)).any()
    assert np.isfinite(random.loggamma(KEY, 1e-3, (1000,))).all()
    draws = random.beta(KEY, 1e-3, 1e-3, (1000,))
    assert np.isfinite(draws).all() and 0.4 < np.mean(draws) < 0.6
    assert random.normal(KEY, (0, 3)).shape == (0, 3)
    assert random.gamma(KEY, 2.0, (0,)).shape == (0,)
