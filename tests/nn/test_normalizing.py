"""Softmax, its logarithm and their relatives, against SciPy; derivatives; hard points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special

import jitad
import jitad.numpy as jnp
from jitad import nn

RNG = np.random.default_rng(3)
X = RNG.normal(size=(4, 6))
KEEP = RNG.random((4, 6)) > 0.3
KEEP[:, 0] = True
AXES: list[Any] = [-1, 0, (0, 1), None]


def masked(x: Any) -> Any:
    return np.where(KEEP, x, -np.inf)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(axis: Any, dtype: str) -> None:
    x, rtol = X.astype(dtype), 1e-5 if dtype == "float32" else 1e-12
    for function, reference in (
        (nn.softmax, scipy.special.softmax),
        (nn.log_softmax, scipy.special.log_softmax),
        (nn.logsumexp, scipy.special.logsumexp),
    ):
        for found in (function(x, axis), jitad.jit(lambda x, f=function: f(x, axis))(x)):
            assert found.dtype == np.dtype(dtype)
            np.testing.assert_allclose(found, reference(X, axis), rtol=rtol)
        found = function(x, axis, where=KEEP)
        np.testing.assert_allclose(found, reference(masked(X), axis), rtol=rtol)


@pytest.mark.parametrize("axis", AXES)
def test_gradients(axis: Any) -> None:
    """Against differences of SciPy's functions, unmasked and masked."""
    direction, weight = RNG.normal(size=X.shape), np.cos(np.arange(24.0)).reshape(4, 6)
    step = 1e-6
    for function, reference in (
        (nn.softmax, scipy.special.softmax),
        (nn.logsumexp, scipy.special.logsumexp),
        (nn.log_softmax, scipy.special.log_softmax),
    ):
        for where, prepare in ((None, lambda x: x), (KEEP, masked)):
            if where is not None and function is nn.log_softmax:
                continue  # -inf where masked

            def total(x: Any, f: Any = function, where: Any = where) -> Any:
                return jnp.sum(f(x, axis, where=where) * (1.0 if f is nn.logsumexp else weight))

            def of_scipy(x: Any, f: Any = reference, prepare: Any = prepare) -> Any:
                scale = 1.0 if f is scipy.special.logsumexp else weight
                return np.sum(f(prepare(x), axis) * scale)

            up, down = of_scipy(X + step * direction), of_scipy(X - step * direction)
            numeric = (up - down) / (2 * step)
            gradient = jitad.jit(jitad.grad(total))(X)
            np.testing.assert_allclose(np.sum(gradient * direction), numeric, rtol=1e-6)
            slope = jitad.jvp(total, (X,), (direction,))[1]
            np.testing.assert_allclose(slope, numeric, rtol=1e-6)


def test_second_derivative_of_logsumexp_is_the_covariance() -> None:
    p = scipy.special.softmax(X[0])
    hessian = jitad.hessian(nn.logsumexp)(X[0])
    np.testing.assert_allclose(hessian, np.diag(p) - np.outer(p, p), rtol=1e-9, atol=1e-15)


def test_no_overflow() -> None:
    big = np.array([1000.0, 1001.0, -1000.0])
    assert nn.logsumexp(big) == pytest.approx(scipy.special.logsumexp(big))
    np.testing.assert_allclose(nn.softmax(big), scipy.special.softmax(big))
    np.testing.assert_allclose(nn.log_softmax(big), scipy.special.log_softmax(big))
    assert np.isfinite(jitad.jacrev(nn.log_softmax)(big)).all()


def test_minus_infinity() -> None:
    """It adds nothing and has derivative 0, also where there is nothing else."""
    some, nothing = np.array([-np.inf, 1.0, 2.0]), np.full(3, -np.inf)
    for gradient in (jitad.grad(nn.logsumexp), jitad.jit(jitad.grad(nn.logsumexp))):
        np.testing.assert_allclose(gradient(some), scipy.special.softmax(some))
        assert gradient(nothing).tolist() == [0.0, 0.0, 0.0]
    assert nn.logsumexp(nothing) == -np.inf
    assert nn.logsumexp(np.array([np.inf, 0.0])) == np.inf
    np.testing.assert_allclose(nn.softmax(some), scipy.special.softmax(some))
    jacobian = jitad.jacrev(nn.softmax)(some)
    p = scipy.special.softmax(some)
    np.testing.assert_allclose(jacobian, np.diag(p) - np.outer(p, p), atol=1e-16)


def test_logsumexp_with_weights_and_signs() -> None:
    b = RNG.normal(size=(4, 6))
    b[0, 0] = 0
    for keepdims in (False, True):
        found = nn.logsumexp(X, 1, b, keepdims, return_sign=True)
        expected = scipy.special.logsumexp(X, 1, b, keepdims, return_sign=True)
        for got, want in zip(found, expected, strict=True):
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-12)
    assert np.isnan(nn.logsumexp(X, 1, -np.abs(b))).all()
    z = X + 1j * X[::-1]
    np.testing.assert_allclose(nn.logsumexp(z, 1), scipy.special.logsumexp(z, 1), rtol=1e-12)
    assert nn.logsumexp(np.zeros((0,))) == -np.inf


def test_logmeanexp() -> None:
    np.testing.assert_allclose(nn.logmeanexp(X, 0), np.log(np.mean(np.exp(X), 0)))
    expected = np.log(np.sum(np.exp(X) * KEEP, 1) / KEEP.sum(1))
    np.testing.assert_allclose(nn.logmeanexp(X, 1, where=KEEP), expected)


@pytest.mark.parametrize("algorithm", ["fast", "stable"])
def test_standardize(algorithm: str) -> None:
    expected = (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, keepdims=True) + 1e-5)
    found = jitad.jit(lambda x: nn.standardize(x, algorithm=algorithm))(X)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    given = nn.standardize(X, mean=1.0, variance=4.0, epsilon=0.0)
    np.testing.assert_allclose(given, (X - 1) / 2)
    constant = jitad.grad(lambda x: jnp.sum(nn.standardize(x, algorithm=algorithm)))(np.ones(3))
    assert np.isfinite(constant).all()
    with pytest.raises(ValueError, match="Unknown algorithm 'slow'"):
        nn.standardize(X, algorithm="slow")


def test_one_hot() -> None:
    codes = np.array([[0, 2], [1, 7]])
    expected = np.eye(8)[codes][..., :3]
    np.testing.assert_array_equal(nn.one_hot(codes, 3), expected)
    np.testing.assert_array_equal(nn.one_hot(codes, 3, axis=0), np.moveaxis(expected, -1, 0))
    assert nn.one_hot(codes, 3, dtype=np.int32).dtype == np.int32
    lanes = jitad.vmap(
        lambda code: nn.one_hot(code, 3, axis="classes"),
        in_axes=None,
        axis_size=3,
        axis_name="classes",
    )
    np.testing.assert_array_equal(lanes(np.array([0, 2])), np.eye(3)[[0, 2]].T)
