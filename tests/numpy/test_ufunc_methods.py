"""What elementwise functions have beyond being called: numbers, folds, outer products, updates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

X = np.random.default_rng(5).uniform(0.5, 2.0, (3, 4))
CHOSEN = X > 1.0
FOLDS = ["add", "multiply", "maximum", "minimum", "subtract", "logaddexp", "hypot"]


def test_numbers_of_operands_and_results() -> None:
    for name in ("add", "sin", "multiply", "logical_and", "power", "ldexp", "maximum", "greater"):
        ours, numpys = getattr(jnp, name), getattr(np, name)
        assert isinstance(ours, jnp.ufunc)
        for attribute in ("nin", "nout", "nargs", "identity"):
            assert getattr(ours, attribute) == getattr(numpys, attribute), (name, attribute)
    assert not hasattr(jnp.sin, "reduce") and not hasattr(jnp.sum, "nin")


@pytest.mark.parametrize("name", FOLDS)
def test_folds(name: str) -> None:
    ours, numpys = getattr(jnp, name), getattr(np, name)
    for axis in (0, 1, -1):
        for options in ({}, {"keepdims": True}, {"initial": 0.25}):
            want = numpys.reduce(X, axis, **options)
            np.testing.assert_allclose(ours.reduce(X, axis, **options), want)
        np.testing.assert_allclose(ours.accumulate(X, axis), numpys.accumulate(X, axis))
    np.testing.assert_allclose(jitad.jit(ours.reduce)(X), numpys.reduce(X))
    np.testing.assert_allclose(ours.outer(X[0], X[1]), numpys.outer(X[0], X[1]))
    places = [0, 2, 1, 1]
    np.testing.assert_allclose(ours.reduceat(X, places, 1), numpys.reduceat(X, places, 1))


@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "logaddexp"])
def test_folds_over_several_axes_and_of_chosen_elements(name: str) -> None:
    ours, numpys = getattr(jnp, name), getattr(np, name)
    for axis in (None, (0, 1), (1,)):
        for keepdims in (False, True):
            want = numpys.reduce(X, axis, keepdims=keepdims)
            np.testing.assert_allclose(ours.reduce(X, axis, keepdims=keepdims), want)
    for axis in (0, None):
        want = numpys.reduce(X, axis, where=CHOSEN, initial=0.25)
        np.testing.assert_allclose(ours.reduce(X, axis, where=CHOSEN, initial=0.25), want)


def test_folds_of_truth_and_bits() -> None:
    assert jnp.logical_and.reduce(CHOSEN, None) == CHOSEN.all()
    np.testing.assert_array_equal(jnp.logical_or.reduce(CHOSEN, 1), CHOSEN.any(1))
    bits = np.array([1, 2, 7])
    assert jnp.bitwise_or.reduce(bits) == 7 and jnp.bitwise_xor.reduce(bits) == 4


def test_updates_at_places() -> None:
    want = X[0].copy()
    np.add.at(want, [1, 1, 3], 2.0)
    got = jitad.jit(lambda x: jnp.add.at(x, np.array([1, 1, 3]), 2.0, inplace=False))(X[0])
    np.testing.assert_allclose(got, want)
    got = jnp.negative.at(X[0], np.array([0, 2]), inplace=False)
    np.testing.assert_allclose(got, X[0] * [-1, 1, -1, 1])


def test_derivatives_of_folds() -> None:
    got = jitad.grad(lambda x: jnp.sum(jnp.multiply.reduce(x, 1)))(X)
    np.testing.assert_allclose(got, X.prod(1, keepdims=True) / X)
    got = jitad.grad(lambda x: jnp.logaddexp.reduce(x))(X[0])
    np.testing.assert_allclose(got, np.exp(X[0]) / np.exp(X[0]).sum())


def test_what_cannot_be_folded() -> None:
    calls: list[tuple[Any, type[Exception], str]] = [
        (lambda: jnp.subtract.reduce(X, where=CHOSEN), ValueError, "does not have an identity"),
        (lambda: jnp.logaddexp.reduceat(X, [5]), IndexError, "out-of-bounds"),
        (lambda: jnp.add.at(X[0], 0, 1.0), ValueError, "inplace=False"),
        (lambda: jnp.add.reduce(X, out=X), TypeError, "out=None"),
    ]
    for call, error, message in calls:
        with pytest.raises(error, match=message):
            call()


def test_folds_of_numpy_on_traced_arrays() -> None:
    got = jitad.jit(lambda x: np.logaddexp.reduce(x, axis=1))(X)
    np.testing.assert_allclose(got, np.logaddexp.reduce(X, axis=1))
    got = jitad.jit(lambda x: np.maximum.accumulate(x))(X)
    np.testing.assert_allclose(got, np.maximum.accumulate(X))
