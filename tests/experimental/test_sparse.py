"""Sparse arrays by coordinates, against dense ones and SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse

import jitad
import jitad.numpy as jnp
from jitad import random
from jitad.experimental import sparse
from jitad.experimental.sparse import BCOO

RNG = np.random.default_rng(0)
DENSE = np.where(RNG.random((5, 4)) < 0.4, RNG.normal(size=(5, 4)), 0.0)
X, Y = RNG.normal(size=4), RNG.normal(size=(4, 3))
WRAPS = pytest.mark.parametrize("wrap", [lambda f: f, jitad.jit], ids=["eager", "jit"])


def variants() -> dict[str, BCOO]:
    """The same matrix: as it is, with padding, with places given twice and out of order."""
    m = BCOO.fromdense(DENSE)
    twice = jnp.concatenate([m.indices[::-1], m.indices])
    halves = jnp.concatenate([m.data[::-1] / 4, 3 * m.data / 4])
    return {
        "plain": m,
        "padded": BCOO.fromdense(DENSE, nse=m.nse + 3),
        "twice": BCOO((halves, twice), shape=m.shape),
        "scipy": BCOO.from_scipy_sparse(scipy.sparse.csc_matrix(DENSE)),
    }


@WRAPS
@pytest.mark.parametrize("name", variants())
def test_operations_are_those_of_the_dense_array(name: str, wrap: Any) -> None:
    m = variants()[name]
    for f in (
        lambda m: m @ X,
        lambda m: m @ Y,
        lambda m: X[:1] * (DENSE[:, 0] @ m),
        lambda m: Y[:, :1] @ (np.ones((1, 5)) @ m),
        lambda m: jnp.ones((2, 5)) @ m,
        lambda m: m.T @ np.arange(5.0),
        lambda m: m.sum(),
    ):
        np.testing.assert_allclose(wrap(f)(m), f(DENSE), rtol=1e-13, atol=1e-15)
    for f in (
        lambda m: m,
        lambda m: m.T,
        lambda m: m.transpose((1, 0)),
        lambda m: 3.0 * m / 2.0,
        lambda m: m * np.arange(4.0),
        lambda m: np.arange(5.0)[:, None] * m,
        lambda m: -m + m + m,
        lambda m: m - 2 * m,
        lambda m: m.sum(0),
        lambda m: m.sum(axis=-1),
        lambda m: m @ m.T,
        lambda m: m.astype(np.complex128),
    ):
        got = wrap(f)(m)
        assert isinstance(got, BCOO) and got.shape == f(DENSE).shape
        np.testing.assert_allclose(got.todense(), f(DENSE), rtol=1e-13, atol=1e-15)
    for f in (BCOO.sort_indices, lambda m: m.sum_duplicates(nse=m.nse)):
        got = wrap(f)(m)
        np.testing.assert_allclose(got.todense(), DENSE, rtol=1e-13)
        places = [tuple(map(int, row)) for row in got.indices]
        assert places == sorted(places) and got.indices_sorted


def test_what_it_holds() -> None:
    m = BCOO.fromdense(DENSE)
    assert (m.nse, m.shape, m.ndim, m.size) == (np.count_nonzero(DENSE), (5, 4), 2, 20)
    assert m.dtype == np.float64 and m.indices.dtype == np.int32 and m.n_sparse == 2
    assert repr(m) == f"BCOO(float64[5, 4], nse={m.nse})"
    assert variants()["twice"].sum_duplicates().nse == m.nse
    assert np.array_equal(variants()["twice"].sum_duplicates().indices, m.indices)
    leaves, treedef = jitad.tree.flatten(m)
    assert np.array_equal(leaves[1], np.argwhere(DENSE))
    assert jitad.tree.map(lambda leaf: 2 * leaf, treedef.unflatten([1, 2])).data == 2
    cube = RNG.normal(size=(2, 3, 2)) * (RNG.random((2, 3, 2)) < 0.5)
    assert np.array_equal(BCOO.fromdense(cube).todense(), cube)
    assert np.allclose(BCOO.fromdense(cube).sum((0, 2)).todense(), cube.sum((0, 2)))


@WRAPS
def test_derivatives_by_the_data(wrap: Any) -> None:
    m = BCOO.fromdense(DENSE)

    def loss(m: Any, x: Any) -> Any:
        return jnp.sum(jnp.sin(m @ x) ** 2)

    dense, of_x = jitad.grad(loss, argnums=(0, 1))(DENSE, X)
    found, of_x_too = wrap(sparse.grad(loss, argnums=(0, 1)))(m, X)
    places = tuple(np.argwhere(DENSE).T)
    np.testing.assert_allclose(found.data, dense[places], rtol=1e-12)
    np.testing.assert_allclose(of_x_too, of_x, rtol=1e-12)
    assert np.array_equal(found.indices, m.indices)
    value, (slope, aux) = wrap(
        lambda m: (lambda pair: (pair[0][0], (pair[1], pair[0][1])))(
            sparse.value_and_grad(lambda m: (loss(m, X), 7.0), has_aux=True)(m)
        )
    )(m)
    np.testing.assert_allclose(value, loss(DENSE, X), rtol=1e-12)
    np.testing.assert_allclose(slope.data, dense[places], rtol=1e-12)
    assert aux == 7.0
    by_data = wrap(jitad.grad(lambda data: loss(BCOO((data, m.indices), shape=m.shape), X)))
    np.testing.assert_allclose(by_data(m.data), dense[places], rtol=1e-12)
    whole = wrap(jitad.grad(loss, allow_int=True))(m, X)
    np.testing.assert_allclose(whole.data, dense[places], rtol=1e-12)
    rows = wrap(jitad.vmap(lambda x: m @ x))(Y.T)
    np.testing.assert_allclose(rows, (DENSE @ Y).T, rtol=1e-13)
    through = wrap(jitad.grad(lambda d: jnp.sum(BCOO.fromdense(d, nse=20).todense() ** 2)))
    np.testing.assert_allclose(through(DENSE), 2 * DENSE)


def test_constructors() -> None:
    for arguments in ((3,), (3, 5), (5, 3, 1), (4, 4, -2), (2, 2, 5)):
        assert np.array_equal(sparse.eye(*arguments).todense(), np.eye(*arguments))
    assert np.array_equal(sparse.empty((2, 3)).todense(), np.zeros((2, 3)))
    m = sparse.random_bcoo(random.key(0), (10, 20), nse=0.1)
    assert m.nse == 20 and np.count_nonzero(m.todense()) == 20
    tree = sparse.todense({"m": m, "x": X})
    assert np.array_equal(tree["m"], m.todense()) and tree["x"] is X
    assert np.array_equal(sparse.bcoo_todense(sparse.bcoo_fromdense(DENSE)), DENSE)
    assert sparse.bcoo_transpose(m, permutation=(1, 0)).shape == (20, 10)
    assert sparse.bcoo_reduce_sum(m, axes=(0,)).shape == (20,)


def test_what_is_refused() -> None:
    m = BCOO.fromdense(DENSE)
    for f in (lambda: m + X, lambda: m - 1.0, lambda: m * m, lambda: m / X):
        with pytest.raises(TypeError, match=r"write m\.todense\(\)"):
            f()
    for f in (
        lambda: m @ np.ones(5),
        lambda: m @ m,
        lambda: m + m.T,
        lambda: m * np.ones((2, 1, 1)),
    ):
        with pytest.raises(ValueError, match="expected"):
            f()
    with pytest.raises(ValueError, match="expected a sparse matrix; got the shape"):
        m.sum(0) @ X
    with pytest.raises(ValueError, match=r"indices of shape \(nse, 2\)"):
        BCOO((m.data, m.indices[:-1]), shape=m.shape)
    with pytest.raises(ValueError, match="give nse="):
        jitad.jit(BCOO.fromdense)(DENSE)
    with pytest.raises(ValueError, match="expected an order of 2 axes"):
        m.transpose((0, 0))
