"""Functions that write, functionally, and indices, against NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .compare import agree, assert_same, run_traced

X = np.arange(12.0).reshape(3, 4)


def written(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's function that writes, as one that returns."""

    def returns(x: Any, *args: Any, **kwargs: Any) -> Any:
        result = np.array(x)
        function(result, *args, **kwargs)
        return result

    return returns


def check(name: str, x: Any, *args: Any, **kwargs: Any) -> None:
    agree(
        lambda x: getattr(jnp, name)(x, *args, **kwargs, inplace=False),
        lambda x: written(getattr(np, name))(x, *args, **kwargs),
        x,
    )


def test_put() -> None:
    for indices in ([0, 5, -1], 3, [[1, 2], [3, 4]], []):
        for values in (7.0, [1.0, 2.0], [1, 2, 3, 4, 5]):
            check("put", X, indices, values)
    for mode in ("clip", "wrap"):
        check("put", X, [1, 17, -20], [1.0, 2.0, 3.0], mode=mode)
    with pytest.raises(IndexError, match="index 12 is out of bounds"):
        jnp.put(X, [12], 1.0, inplace=False)
    slope = jitad.grad(lambda v: jnp.sum(jnp.put(X, [1, 2, 3], v, inplace=False) ** 2))(np.ones(2))
    assert_same(slope, np.array([4.0, 2.0]), "gradient")


def test_place_and_diagonal() -> None:
    for values in ([7.0], [1.0, 2.0, 3.0]):
        check("place", X, X > 4, values)
        got = run_traced(lambda x, v=values: jnp.place(x, x % 2 == 0, v, inplace=False), X)
        assert_same(got, written(np.place)(X, X % 2 == 0, values), "traced mask")
    for x in (X, X.T, np.zeros((7, 2)), np.zeros((3, 3, 3))):
        for value in (5.0, [1.0, 2.0]):
            for wrap in (False, True):
                check("fill_diagonal", x, value, wrap)
    check("fill_diagonal", np.zeros(3), 1.0)
    check("fill_diagonal", np.zeros((2, 3, 2)), 1.0)


def test_put_along_axis() -> None:
    for axis in (0, 1, -1):
        places = np.argsort(X % 5, axis=axis)[:1] if axis == 0 else np.argsort(X % 5, axis=axis)
        check("put_along_axis", X, places, 9.0, axis)
    check("put_along_axis", X, np.array([[1], [2], [0]]), np.array([[1.0], [2.0], [3.0]]), 1)
    check("put_along_axis", X, np.array([3, 5]), np.array([1.0, 2.0]), None)


@pytest.mark.parametrize("name", ["put", "place", "fill_diagonal", "put_along_axis"])
def test_nothing_is_written_in_place(name: str) -> None:
    args = {"fill_diagonal": (1.0,), "put_along_axis": (np.array([[0]]), 1.0, 0)}
    with pytest.raises(ValueError, match="cannot modify arrays in place"):
        getattr(jnp, name)(X, *args.get(name, ([0], 1.0)))


def test_ravel_multi_index() -> None:
    places = (np.array([[0, 2, 1]]), np.array([[3], [1]]))
    for order in ("C", "F"):
        agree(
            lambda a, b, o=order: jnp.ravel_multi_index((a, b), (3, 4), order=o),
            lambda a, b, o=order: np.ravel_multi_index((a, b), (3, 4), order=o),
            *places,
        )
    for mode in ("clip", "wrap", ("clip", "wrap")):
        agree(
            lambda a, b, m=mode: jnp.ravel_multi_index((a, b), (3, 4), mode=m),
            lambda a, b, m=mode: np.ravel_multi_index((a, b), (3, 4), mode=m),
            places[0] * 3,
            places[1] - 2,
        )
    with pytest.raises(ValueError, match="invalid entry"):
        jnp.ravel_multi_index(([3],), (3,))


def test_indices_from_a_matrix() -> None:
    for name in ("tril_indices_from", "triu_indices_from"):
        for k in (-1, 0, 2):
            got = getattr(jnp, name)(X, k)
            assert_same(got, getattr(np, name)(X, k), name)
    assert_same(jnp.diag_indices_from(np.eye(3)), np.diag_indices_from(np.eye(3)), "diagonal")
    assert_same(jnp.mask_indices(4, np.triu, 1), np.mask_indices(4, np.triu, 1), "mask")
    for name, x in (("tril_indices_from", X[0]), ("diag_indices_from", X)):
        with pytest.raises(ValueError):
            getattr(jnp, name)(x)


def test_trim_zeros() -> None:
    for x in ([0, 0, 1, 0, 2, 0], [0, 0], [1, 2], []):
        for trim in ("fb", "f", "b"):
            agree(
                lambda x, t=trim: jnp.trim_zeros(x, t),
                lambda x, t=trim: np.trim_zeros(x, t),
                np.array(x, float),
                traced=False,
            )
    with pytest.raises(TypeError, match="elements that are known"):
        run_traced(jnp.trim_zeros, X[0])
