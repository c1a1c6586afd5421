"""Finding elements and sets of them, with the length of the results given: under jit, against
NumPy's results cut off or filled up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

MASKED = np.array([[0.0, 2.0, 0.0], [5.0, 0.0, -1.0]])
X = np.array([3, 1, 3, 7, 1, 2, 3])
Y = np.array([2, 9, 3, 3, 5])
SIZES = [0, 2, 12]


def fitted(expected: np.ndarray, size: int, fill: Any) -> np.ndarray:
    """The first `size` entries along the first axis, those missing filled."""
    result = np.full((size, *expected.shape[1:]), fill, expected.dtype)
    count = min(size, len(expected))
    result[:count] = expected[:count]
    return result


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fill", [-1, 7])
@pytest.mark.parametrize(
    ("find", "oracle"),
    [
        (lambda a, **k: jnp.nonzero(a, **k)[0], lambda a: np.nonzero(a)[0]),
        (lambda a, **k: jnp.nonzero(a, **k)[1], lambda a: np.nonzero(a)[1]),
        (lambda a, **k: jnp.where(a, **k)[1], lambda a: np.where(a)[1]),
        (jnp.flatnonzero, np.flatnonzero),
        (jnp.argwhere, np.argwhere),
        (lambda a, **k: jnp.extract(a, a * 2, **k), lambda a: np.extract(a, a * 2)),
        (
            lambda a, **k: jnp.compress(a.ravel(), jnp.arange(6), **k),
            lambda a: np.compress(a.ravel(), np.arange(6)),
        ),
    ],
)
def test_as_many_as_asked_for(
    find: Callable[..., Any], oracle: Callable[..., Any], fill: int, size: int
) -> None:
    found = jitad.jit(lambda a: find(a, size=size, fill_value=fill))(MASKED)
    np.testing.assert_array_equal(found, fitted(oracle(MASKED), size, fill))


def test_a_fill_value_for_each_axis() -> None:
    rows, columns = jnp.nonzero(MASKED, size=4, fill_value=(-1, -2))
    assert rows.tolist() == [0, 1, 1, -1]
    assert columns.tolist() == [1, 0, 2, -2]
    with pytest.raises(ValueError, match="expected 2 fill values; got 1"):
        jnp.nonzero(MASKED, size=4, fill_value=(1,))


def test_found_in_lanes_and_differentiated() -> None:
    found = jitad.vmap(lambda row: jnp.flatnonzero(row, size=2, fill_value=9))(MASKED)
    assert found.tolist() == [[1, 9], [0, 2]]
    gradient = jitad.grad(lambda a: jnp.sum(jnp.extract(a > 0, a**2, size=3)))(MASKED)
    np.testing.assert_array_equal(gradient, np.where(MASKED > 0, 2 * MASKED, 0))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "pair",
    [
        (jnp.union1d, np.union1d),
        (jnp.intersect1d, np.intersect1d),
        (jnp.setdiff1d, np.setdiff1d),
        (jnp.setxor1d, np.setxor1d),
    ],
)
def test_sets_of_two(pair: tuple[Callable[..., Any], Callable[..., Any]], size: int) -> None:
    ours, oracle = pair
    for x, y in ((X, Y), (Y, X), (X, X), (X.astype(float), Y)):
        found = jitad.jit(lambda x, y: ours(x, y, size=size, fill_value=-4))(x, y)
        np.testing.assert_array_equal(found, fitted(oracle(x, y), size, -4))


def test_places_of_common_elements() -> None:
    found = jitad.jit(lambda x, y: jnp.intersect1d(x, y, return_indices=True, size=3))(X, Y)
    common, in_x, in_y = np.intersect1d(X, Y, return_indices=True)
    assert found[0].tolist() == [*common, common[0]]
    assert found[1].tolist() == [*in_x, len(X)]
    assert found[2].tolist() == [*in_y, len(Y)]


@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize(
    "x",
    [X, X.reshape(7, 1) * [1, 0, 2], np.array([2.0, np.nan, 1.0, np.nan, 2.0]), np.zeros((0,))],
    ids=["vector", "rows", "nan", "empty"],
)
def test_unique(x: np.ndarray, size: int) -> None:
    axis = None if x.ndim == 1 else 0
    expected = np.unique(x, True, True, True, axis)
    values, index, inverse, counts = jitad.jit(
        lambda x: jnp.unique(x, True, True, True, axis, size=size, fill_value=-4)
    )(x)
    np.testing.assert_array_equal(values, fitted(expected[0], size, -4))
    np.testing.assert_array_equal(inverse, expected[2])
    np.testing.assert_array_equal(counts, fitted(expected[3], size, 0))
    found = min(size, len(expected[0]))
    np.testing.assert_array_equal(index[:found], expected[1][:found])


def test_unique_columns() -> None:
    x = np.array([[2, 1, 2, 0], [3, 1, 3, 0]])
    found = jnp.unique(x, axis=1, size=4, fill_value=8)
    np.testing.assert_array_equal(found, fitted(np.unique(x, axis=1).T, 4, 8).T)


@pytest.mark.parametrize("count", [3, 40])
def test_membership_by_comparison_and_by_search(count: int) -> None:
    tests = np.arange(count) * 2.0
    tests[-1] = np.nan
    x = np.array([[0.0, 1.0], [np.nan, 4.0]])
    found = jitad.jit(lambda x, t: jnp.isin(x, t))(x, tests)
    np.testing.assert_array_equal(found, np.isin(x, tests))
    np.testing.assert_array_equal(jnp.isin(x, tests, invert=True), np.isin(x, tests, invert=True))


def test_what_the_length_is_needed_for() -> None:
    for find in (jnp.nonzero, jnp.argwhere, jnp.unique):
        with pytest.raises(TypeError, match=r"needs elements that are known.*size="):
            jitad.jit(find)(X)


@pytest.mark.parametrize("name", ["bool", "int8", "uint8", "int16", "int32", "int64", "uint64"])
@pytest.mark.parametrize("count", [50, 9000])
def test_isin_of_many_integers(name: str, count: int) -> None:
    """Near each other, at the ends of their range, and all over it: by a table or by bisection."""
    rng, dtype = np.random.default_rng(0), np.dtype(name)
    low, high = (0, 1) if name == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    ends = [(low, min(high, low + 3000)), (max(low, high - 3000), high), (low, high)]
    wide = np.dtype(np.uint64 if name == "uint64" else np.int64)
    tests, x = (
        [rng.integers(*pair, n, dtype=wide, endpoint=True).astype(dtype) for pair in ends]
        for n in (count, 9000)
    )
    isin = jitad.jit(jnp.isin)
    for given in tests:
        for elements in x:
            elements[:4] = [low, high, given[0], given[-1]]
            expected = np.isin(elements, given)
            np.testing.assert_array_equal(isin(elements, given), expected)
            np.testing.assert_array_equal(jnp.isin(elements, given), expected)


def test_isin_of_bools() -> None:
    isin = jitad.jit(jnp.isin)
    for tests in ([], [True], [False], [True, False], [False] * 50):
        given = np.array(tests, bool)
        for x in (np.array([True, False, True]), np.array(True), np.zeros(0, bool)):
            np.testing.assert_array_equal(isin(x, given), np.isin(x, given), str(tests))


def test_isin_in_lanes() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 50, (3, 8000)) * np.array([[1], [1 << 40], [3]])
    found = jitad.jit(jitad.vmap(jnp.isin))(x, x[:, ::40])
    np.testing.assert_array_equal(found, [np.isin(row, row[::40]) for row in x])
