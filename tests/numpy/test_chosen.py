"""Statistics of chosen elements: masks, initial values, weights and nan, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 7))
COUNTS, WEIGHTS = RNG.integers(1, 4, 7), RNG.uniform(0, 1, 7)
HOLES = X.copy()
HOLES[0, 1] = np.nan
HOLES[1] = np.nan
CHOSEN = HOLES[::-1] < 1


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fweights": COUNTS},
        {"aweights": WEIGHTS},
        {"fweights": COUNTS, "aweights": WEIGHTS},
        {"fweights": COUNTS, "aweights": WEIGHTS, "ddof": 0},
        {"aweights": WEIGHTS, "bias": True},
    ],
    ids=lambda options: " ".join(options),
)
def test_weighted_covariance(options: dict[str, Any]) -> None:
    for x in (X, X + 1j * X[::-1]):
        np.testing.assert_allclose(jnp.cov(x, **options), np.cov(x, **options))
    found = jitad.jit(lambda x: jnp.cov(x, 2 * x, **options))(X)
    np.testing.assert_allclose(found, np.cov(X, 2 * X, **options))


def test_weights_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"expected aweights of shape \(7,\).*got shape \(3,\)"):
        jnp.cov(X, aweights=WEIGHTS[:3])
    with pytest.raises(TypeError, match="expected integer fweights; got dtype float64"):
        jnp.cov(X, fweights=WEIGHTS)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize(
    "name", ["nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd"]
)
def test_of_numbers_that_are_chosen(name: str, axis: Any) -> None:
    ours, oracle = getattr(jnp, name), getattr(np, name)
    cases: list[dict[str, Any]] = [{}, {"keepdims": True}]
    if name in ("nanmax", "nanmin"):
        cases += [{"where": CHOSEN, "initial": -0.5}, {"initial": 0.25}]
    else:
        cases += [{"where": CHOSEN}]
    if name in ("nansum", "nanprod"):
        cases += [{"initial": 0.25}]
    for options in cases:
        found = jitad.jit(lambda x, options=options: ours(x, axis=axis, **options))(HOLES)
        np.testing.assert_allclose(found, oracle(HOLES, axis=axis, **options))


def test_known_means() -> None:
    middle = X.mean(1, keepdims=True)
    np.testing.assert_allclose(jnp.var(X, axis=1, mean=middle), np.var(X, axis=1))
    np.testing.assert_allclose(jnp.std(X, axis=1, ddof=1, mean=middle), np.std(X, axis=1, ddof=1))


def test_narrow_sums() -> None:
    ones = np.ones(300, np.int8)
    assert jnp.sum(ones) == 300
    narrow = jnp.sum(ones, promote_integers=False)
    assert (int(narrow), narrow.dtype) == (44, np.int8)


def test_weights_along_several_axes() -> None:
    x = RNG.normal(size=(2, 3, 4))
    for axis in [(0, 2), (2, 0), (-1, 1), 1, (1,)]:
        places = axis if isinstance(axis, tuple) else (axis,)
        weights = RNG.uniform(size=[x.shape[i] for i in places])
        found = jitad.jit(lambda x, w, axis=axis: jnp.average(x, axis, w))(x, weights)
        np.testing.assert_allclose(found, np.average(x, axis, weights))


def test_parts_left_out_at_traced_indices() -> None:
    rows = np.arange(12.0).reshape(4, 3)
    drop = jitad.jit(lambda x, i: jnp.delete(x, i, 0))
    for i in (0, 2, 3, -1):
        np.testing.assert_array_equal(drop(rows, i), np.delete(rows, i, 0))
    several = jitad.jit(lambda x, i: jnp.delete(x, i, 0, assume_unique_indices=True))
    for i in ([3, 0], [1, -2], [0, 1, 2, 3]):
        np.testing.assert_array_equal(several(rows, np.array(i)), np.delete(rows, i, 0))
    with pytest.raises(TypeError, match="assume_unique_indices=True"):
        drop(rows, np.array([1, 1]))
