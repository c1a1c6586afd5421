"""Distributions of vectors, statistics of samples, functions with other arguments than arrays."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import scipy.special
import scipy.stats

import jitad
from jitad import random
from jitad.scipy import special, stats
from jitad_ir.graph import Equation

RNG = np.random.default_rng(3)
COVARIANCE = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, -0.2], [0.1, -0.2, 0.7]])
MEAN = np.array([0.5, -1.0, 2.0])
POINTS = RNG.normal(size=(5, 3))


def test_multivariate_normal() -> None:
    expected = scipy.stats.multivariate_normal(MEAN, COVARIANCE).logpdf(POINTS)
    np.testing.assert_allclose(
        stats.multivariate_normal.logpdf(POINTS, MEAN, COVARIANCE), expected, rtol=1e-13
    )
    np.testing.assert_allclose(
        jitad.jit(stats.multivariate_normal.pdf)(POINTS, MEAN, COVARIANCE),
        np.exp(expected),
        rtol=1e-12,
    )
    scalar = scipy.stats.multivariate_normal([0, 0, 0], 2.0).logpdf(POINTS)
    np.testing.assert_allclose(stats.multivariate_normal.logpdf(POINTS, 0, 2.0), scalar)


def test_multivariate_normal_broadcasts_stacks() -> None:
    x, mean = RNG.normal(size=(4, 5, 3)), RNG.normal(size=(5, 3))
    scaled = COVARIANCE * np.arange(1.0, 5.0)[:, None, None, None]  # (4, 1, 3, 3)
    for covs in scaled, scaled[0], COVARIANCE, scaled[:1]:
        given = np.broadcast_to(covs, (4, 5, 3, 3))
        expected = np.empty((4, 5))
        for at in np.ndindex(4, 5):
            expected[at] = scipy.stats.multivariate_normal.logpdf(x[at], mean[at[1]], given[at])
        got = stats.multivariate_normal.logpdf(x, mean, covs)
        np.testing.assert_allclose(got, expected, rtol=1e-12)
        assert stats.multivariate_normal.logpdf(x[:, :0], mean[:0], covs).shape == (4, 0)
    got = stats.multivariate_normal.logpdf(x[0, 0], mean[0], np.stack([COVARIANCE] * 2))
    assert got.shape == (2,) and got[0] == got[1]


def test_multivariate_normal_factorizes_each_covariance_once() -> None:
    logpdf = stats.multivariate_normal.logpdf
    types = [eq.outputs[0].type.shape for eq in _factorizations(logpdf, POINTS, MEAN, COVARIANCE)]
    assert types == [(3, 3)]
    stack = np.stack([COVARIANCE, 2 * COVARIANCE])
    lanes = jitad.vmap(logpdf, (None, None, 0))
    types = [eq.outputs[0].type.shape for eq in _factorizations(lanes, POINTS, MEAN, stack)]
    assert types == [(2, 3, 3)]


def _factorizations(f: Callable[..., object], *args: np.ndarray) -> list[Equation]:
    return [eq for eq in jitad.make_ir(f)(*args).equations if eq.op.name == "cholesky"]


def test_multivariate_normal_gradient_in_the_mean() -> None:
    got = jitad.grad(stats.multivariate_normal.logpdf, 1)(POINTS[0], MEAN, COVARIANCE)
    np.testing.assert_allclose(got, np.linalg.solve(COVARIANCE, POINTS[0] - MEAN), rtol=1e-12)


def test_multivariate_normal_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="square matrices"):
        stats.multivariate_normal.logpdf(POINTS, MEAN, np.ones(3))
    with pytest.raises(NotImplementedError, match="allow_singular"):
        stats.multivariate_normal.logpdf(POINTS, MEAN, COVARIANCE, True)


def test_dirichlet() -> None:
    alpha = np.array([0.7, 2.0, 3.5])
    x = RNG.dirichlet(alpha, 4).T
    expected = scipy.stats.dirichlet.logpdf(x, alpha)
    np.testing.assert_allclose(stats.dirichlet.logpdf(x, alpha), expected, rtol=1e-12)
    np.testing.assert_allclose(stats.dirichlet.logpdf(x[:2], alpha), expected, rtol=1e-10)
    np.testing.assert_allclose(stats.dirichlet.pdf(x, alpha), np.exp(expected), rtol=1e-12)
    assert stats.dirichlet.logpdf(np.array([0.5, 0.6, 0.2]), alpha) == -np.inf
    with pytest.raises(ValueError, match="rows"):
        stats.dirichlet.logpdf(np.ones(5) / 5, alpha)


def test_multinomial() -> None:
    p = np.array([0.2, 0.3, 0.5])
    x = np.array([[1, 2, 3], [6, 0, 0], [1, 1, 1]])
    expected = scipy.stats.multinomial.logpmf(x, 6, p)
    np.testing.assert_allclose(stats.multinomial.logpmf(x, 6, p), expected, rtol=1e-12)
    np.testing.assert_allclose(stats.multinomial.pmf(x, 6, p), np.exp(expected), rtol=1e-12)
    assert np.isnan(stats.multinomial.pmf(x[0], 6, np.array([0.2, 0.3, 0.6])))


def test_bernoulli_quantiles() -> None:
    q = np.array([0.0, 0.2, 0.7, 0.71, 1.0, 1.5, -0.1])
    np.testing.assert_array_equal(stats.bernoulli.ppf(q, 0.3), scipy.stats.bernoulli.ppf(q, 0.3))


@pytest.mark.parametrize("mu", [0.0, 0.1, 5.0, 99.0, 101.0, 4000.0])
def test_poisson_entropy(mu: float) -> None:
    with mpmath.workdps(30):
        rate = mpmath.mpf(mu)
        start, stop = max(0, int(mu - 15 * mu**0.5) - 40), int(mu + 15 * mu**0.5) + 60
        total = mpmath.mpf(0)
        for k in range(start, stop) if mu else ():
            log = k * mpmath.log(rate) - rate - mpmath.loggamma(k + 1)
            total -= mpmath.exp(log) * log
    np.testing.assert_allclose(stats.poisson.entropy(mu), float(total), rtol=1e-11, atol=1e-12)


SAMPLE = np.array([[3.0, 1.0, 3.0, 2.0], [1.0, 1.0, 1.0, 5.0], [2.0, 7.0, 7.0, 2.0]])


@pytest.mark.parametrize("method", ["average", "min", "max", "dense", "ordinal"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_ranks(method: str, axis: int | None) -> None:
    got = jitad.jit(lambda a: stats.rankdata(a, method, axis=axis))(SAMPLE)
    np.testing.assert_array_equal(got, scipy.stats.rankdata(SAMPLE, method, axis=axis))


def test_ranks_with_nan_are_nan() -> None:
    a = np.array([[1.0, np.nan, 0.0], [1.0, 2.0, 0.0]])
    np.testing.assert_array_equal(stats.rankdata(a, axis=1), scipy.stats.rankdata(a, axis=1))
    with pytest.raises(ValueError, match="unknown method"):
        stats.rankdata(a, "median")


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_mode(axis: int | None, keepdims: bool) -> None:
    expected = scipy.stats.mode(SAMPLE, axis=axis, keepdims=keepdims)
    got = stats.mode(SAMPLE, axis=axis, keepdims=keepdims)
    np.testing.assert_array_equal(got.mode, expected.mode)
    np.testing.assert_array_equal(got.count, expected.count)
    assert got.mode.shape == expected.mode.shape


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_standard_error(axis: int | None) -> None:
    np.testing.assert_allclose(
        stats.sem(SAMPLE, axis, 1), scipy.stats.sem(SAMPLE, axis, 1), rtol=1e-14
    )


@pytest.mark.parametrize("method", [None, "scott", "silverman", 0.4, lambda kde: kde.n ** (-0.2)])
def test_density_estimate(method: object) -> None:
    data, weights = RNG.normal(size=(2, 20)), RNG.uniform(0.5, 1.5, 20)
    points = RNG.normal(size=(2, 5))
    ours = stats.gaussian_kde(data, method, weights)
    scipys = scipy.stats.gaussian_kde(data, method, weights)
    np.testing.assert_allclose(ours(points), scipys(points), rtol=1e-11)
    np.testing.assert_allclose(ours.logpdf(points), scipys.logpdf(points), rtol=1e-11)
    np.testing.assert_allclose(ours.inv_cov, scipys.inv_cov, rtol=1e-11)
    np.testing.assert_allclose(
        ours.integrate_gaussian(np.zeros(2), np.eye(2)),
        scipys.integrate_gaussian(np.zeros(2), np.eye(2)),
        rtol=1e-11,
    )
    np.testing.assert_allclose(ours.integrate_kde(ours), scipys.integrate_kde(scipys), rtol=1e-11)
    assert jitad.jit(lambda kde, x: kde(x))(ours, points).shape == (5,)


def test_density_estimate_in_one_dimension() -> None:
    data = RNG.normal(size=30)
    ours, scipys = stats.gaussian_kde(data), scipy.stats.gaussian_kde(data)
    np.testing.assert_allclose(
        ours.integrate_box_1d(-1.0, 0.5), scipys.integrate_box_1d(-1.0, 0.5), rtol=1e-11
    )
    drawn = ours.resample(random.key(0), (4000,))
    assert drawn.shape == (1, 4000)
    np.testing.assert_allclose(np.mean(drawn), data.mean(), atol=0.1)
    with pytest.raises(NotImplementedError, match="integrate_box_1d"):
        ours.integrate_box(0, 1)


def test_logsumexp_and_softmax_of_infinities_and_nothing() -> None:
    x = np.array([[-np.inf, -np.inf], [0.0, 1.0], [np.inf, 0.0]])
    np.testing.assert_allclose(special.logsumexp(x, axis=1), scipy.special.logsumexp(x, axis=1))
    assert special.logsumexp(np.zeros(0)) == -np.inf
    np.testing.assert_array_equal(special.logsumexp(np.zeros((2, 0)), axis=1), [-np.inf] * 2)
    finite = x[1:2]
    np.testing.assert_allclose(special.softmax(finite), scipy.special.softmax(finite))
    np.testing.assert_allclose(special.log_softmax(finite), scipy.special.log_softmax(finite))
    assert (jitad.grad(special.logsumexp)(x[0]) == 0).all()


def test_special_functions_with_static_arguments() -> None:
    x = np.linspace(0.3, 5.0, 7)
    for n in (0, 1, 4):
        np.testing.assert_allclose(special.polygamma(n, x), scipy.special.polygamma(n, x), 1e-13)
    orders = np.arange(7)
    np.testing.assert_allclose(special.polygamma(orders, x), scipy.special.polygamma(orders, x))
    np.testing.assert_allclose(
        special.multigammaln(x + 1, 3), [scipy.special.multigammaln(v, 3) for v in x + 1]
    )
    assert np.isnan(special.multigammaln(0.5, 3))
    np.testing.assert_allclose(special.bernoulli(9), scipy.special.bernoulli(9), atol=1e-16)
    np.testing.assert_array_equal(special.bernoulli(0), [1.0])
    np.testing.assert_allclose(
        special.bessel_jn(x, v=3), [scipy.special.jv(n, x) for n in range(4)], rtol=1e-12
    )
    np.testing.assert_allclose(special.zeta(x + 1.5), scipy.special.zeta(x + 1.5), rtol=1e-13)
    for ours, scipys in (
        (special.sici, scipy.special.sici),
        (special.fresnel, scipy.special.fresnel),
    ):
        np.testing.assert_allclose(jitad.jit(ours)(x), scipys(x), rtol=1e-13)
    assert special.comb(5, 3, repetition=True) == scipy.special.comb(5, 3, repetition=True)


def test_spherical_harmonics() -> None:
    n, m = [x.ravel() for x in np.meshgrid(np.arange(7), np.arange(-7, 8))]
    theta, phi = RNG.uniform(0, np.pi, n.shape), RNG.uniform(-4, 4, n.shape)
    expected = scipy.special.sph_harm_y(n, m, theta, phi)
    got = jitad.jit(special.sph_harm_y)(n, m, theta, phi)
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-13)
    slopes = scipy.special.sph_harm_y(n, m, theta, phi, diff_n=1)[1]
    for argument, slope in ((2, slopes[..., 0]), (3, slopes[..., 1])):
        tangents = [np.ones_like(theta) if i == argument else np.zeros_like(theta) for i in (2, 3)]
        _, moved = jitad.jvp(
            lambda a, b: special.sph_harm_y(n, m, a, b), (theta, phi), tuple(tangents)
        )
        np.testing.assert_allclose(moved, slope, rtol=1e-10, atol=1e-12)
    with pytest.raises(TypeError, match="integers"):
        special.sph_harm_y(1.0, 0, 0.3, 0.2)
    with pytest.raises(NotImplementedError, match="diff_n"):
        special.sph_harm_y(1, 0, 0.3, 0.2, 1)


def test_faddeeva_function() -> None:
    z = RNG.normal(size=9) + 1j * RNG.normal(size=9)
    np.testing.assert_allclose(jitad.jit(special.wofz)(z), scipy.special.wofz(z), rtol=1e-13)
    np.testing.assert_allclose(special.wofz(z.real), scipy.special.wofz(z.real), rtol=1e-13)
    assert special.wofz(np.float32(0.5)).dtype == np.complex64


def test_bad_arguments_are_named() -> None:
    with pytest.raises(TypeError, match="erf: expected real arguments"):
        special.erf(1j)
    with pytest.raises(TypeError, match=r"gammainc\(\) missing 1 required positional argument"):
        special.gammainc(1.0)
    with pytest.raises(NotImplementedError, match="exact=True"):
        special.factorial(5, exact=True)
    with pytest.raises(NotImplementedError, match="exact=True"):
        special.comb(5, 2, exact=True)
    with pytest.raises(ValueError, match="integer orders"):
        special.polygamma(-1, 2.0)
    with pytest.raises(ValueError, match="v >= 0"):
        special.bessel_jn(1.0, v=-1)


WIDE = [1e-3, 0.03, 0.4, 1.0, 3.0, 20.0, 500.0, 1e4]


def derivative(function: object, *arguments: float, position: int) -> float:
    """By mpmath, to thirty digits."""
    with mpmath.workdps(60):

        def along(v: object) -> object:
            moved: list[object] = [mpmath.mpf(a) for a in arguments]
            moved[position] = v
            return function(*moved)  # type: ignore[operator]

        return float(mpmath.diff(along, mpmath.mpf(arguments[position]), h=mpmath.mpf(10) ** -15))


@pytest.mark.parametrize("a", WIDE)
def test_incomplete_gamma_by_its_parameter(a: float) -> None:
    """Far from and near the bulk of the distribution, for parameters of any size."""
    for rank in (1e-6, 0.01, 0.3, 0.5, 0.9, 1 - 1e-6):
        x = float(scipy.special.gammaincinv(a, rank))
        if not x > 1e-200:
            continue
        expected = derivative(
            lambda a, x: mpmath.gammainc(a, 0, x, regularized=True), a, x, position=0
        )
        assert jitad.grad(special.gammainc)(a, x) == pytest.approx(expected, rel=3e-11)


@pytest.mark.parametrize("a", WIDE[:-1])
@pytest.mark.parametrize("b", [0.01, 0.7, 1.0, 5.0, 300.0])
def test_incomplete_beta_by_its_parameters(a: float, b: float) -> None:
    for rank in (1e-6, 0.01, 0.3, 0.5, 0.9, 1 - 1e-6):
        x = float(scipy.special.betaincinv(a, b, rank))
        if not (1e-100 < x < 1 - 1e-12):
            continue
        for position in (0, 1):
            expected = derivative(
                lambda a, b, x: mpmath.betainc(a, b, 0, x, regularized=True),
                a,
                b,
                x,
                position=position,
            )
            got = jitad.grad(special.betainc, position)(a, b, x)
            assert got == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_kl_div_of_neighbours() -> None:
    """Where SciPy's difference of three terms has lost its digits."""
    for p, q in ((0.5001, 0.5), (1.0, 1.0 + 1e-9), (3.0, 2.9), (1.0, 1.6)):
        with mpmath.workdps(40):
            a, b = mpmath.mpf(p), mpmath.mpf(q)
            expected = float(a * mpmath.log(a / b) - a + b)
        assert special.kl_div(p, q) == pytest.approx(expected, rel=1e-14)
