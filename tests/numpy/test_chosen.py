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
