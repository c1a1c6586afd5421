"""Histograms, counts, sets and windows against NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .compare import agree, assert_same, run_traced

X = np.array([0.2, 1.0, 2.5, 2.5, 3.0, -1.0, 7.0])
N = np.array([3, 1, 1, 0, 5])


def test_bincount() -> None:
    for x in (N, N.astype("u1"), np.zeros(0, int)):
        agree(jnp.bincount, np.bincount, x, traced=False)
        agree(
            lambda x: jnp.bincount(x, minlength=9),
            lambda x: np.bincount(x, minlength=9),
            x,
            traced=False,
        )
    weights = np.arange(5.0)
    agree(jnp.bincount, np.bincount, N, weights, traced=False)
    agree(jnp.bincount, np.bincount, np.array([1, -1]), traced=False)
    agree(jnp.bincount, np.bincount, np.array([1.5]), traced=False)
    got = run_traced(lambda x, w: jnp.bincount(x, w, length=4), N, weights)
    assert_same(got, np.bincount(N, weights)[:4], "length")
    gradient = jitad.grad(lambda w: jnp.bincount(N, w)[1] ** 2)(weights)
    assert_same(gradient, np.array([0.0, 6, 6, 0, 0]), "gradient")
    with pytest.raises(TypeError, match="needs length="):
        run_traced(jnp.bincount, N)


@pytest.mark.parametrize("bins", [3, 10, [0.0, 1.0, 3.0, 7.0], [0, 2, 4]])
def test_histogram(bins: Any) -> None:
    for options in ({}, {"range": (0, 3)}, {"density": True}, {"weights": np.arange(7.0)}):
        if "range" in options and not isinstance(bins, int):
            continue
        agree(
            lambda x, o=options: jnp.histogram(x, bins, **o),
            lambda x, o=options: np.histogram(x, bins, **o),
            X,
        )
    agree(lambda x: jnp.histogram(x, 3), lambda x: np.histogram(x, 3), np.full(4, 2.0))
    agree(lambda x: jnp.histogram(x, 3), lambda x: np.histogram(x, 3), np.zeros(0))


def test_membership_and_sets() -> None:
    y = np.array([[1, 2], [7, 0]])
    agree(jnp.isin, np.isin, y, N)
    agree(lambda x: jnp.isin(x, [1.5], invert=True), lambda x: np.isin(x, [1.5], invert=True), y)
    agree(jnp.unique, np.unique, N, traced=False)
    agree(
        lambda x: jnp.unique(x, True, True, True),
        lambda x: np.unique(x, True, True, True),
        N,
        traced=False,
    )
    agree(lambda x: jnp.unique(x, axis=0), lambda x: np.unique(x, axis=0), y, traced=False)
    for name in ("unique_all", "unique_counts", "unique_inverse"):
        agree(getattr(jnp, name), getattr(np, name), N, traced=False)
    assert_same(jnp.unique_values(N), np.unique(N), "unique_values")
    for name in ("union1d", "intersect1d", "setdiff1d", "setxor1d"):
        agree(getattr(jnp, name), getattr(np, name), N, y, traced=False)
    with pytest.raises(TypeError, match="unique needs elements that are known"):
        run_traced(jnp.unique, N)
    assert float(jitad.grad(lambda x: x * jnp.unique(x).size)(3.0)) == 1.0


def test_windows_and_gradient() -> None:
    for name in ("bartlett", "blackman", "hamming", "hanning"):
        for n in (0, 1, 6):
            assert_same(getattr(jnp, name)(n), getattr(np, name)(n), name)
    assert_same(jnp.kaiser(5, 8.6), np.kaiser(5, 8.6), "kaiser")
    z = np.arange(12.0).reshape(3, 4) ** 2
    for args in ((), (0.5,), (0.5, 2.0), (1.0, 2.0, 3.0)):
        agree(lambda z, a=args: jnp.gradient(z, *a), lambda z, a=args: np.gradient(z, *a), z)
    for axis in (0, -1, (0, 1)):
        agree(
            lambda z, a=axis: jnp.gradient(z, axis=a), lambda z, a=axis: np.gradient(z, axis=a), z
        )
    agree(jnp.gradient, np.gradient, z[0, :2])
    agree(jnp.gradient, np.gradient, z[:1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda np, x: np.histogram(x, 0), "must be positive"),
        (lambda np, x: np.histogram(x, np.array([2.0, 1.0])), "must increase monotonically"),
        (lambda np, x: np.partition(x, 3), r"kth\(=3\) out of bounds \(3\)"),
        (lambda np, x: np.argpartition(x, (0, -4)), "out of bounds"),
        (lambda np, x: np.compress(np.ones((2, 2)), x), "vector|1-d"),
    ],
)
def test_wrong_numbers_raise_as_for_numpy(call: Any, message: str) -> None:
    for module in (np, jnp):
        with pytest.raises(ValueError, match=message):
            call(module, np.arange(3.0))


def test_products_take_what_jax_takes() -> None:
    x = np.ones((2, 2), "f4")
    for f in (jnp.dot, jnp.matmul, jnp.tensordot, jnp.inner, jnp.vdot):
        assert f(x, x, precision="highest").dtype == np.float32
        assert f(x, x, preferred_element_type=np.float64).dtype == np.float64
    assert jnp.einsum("ij,jk", x, x, precision=None, preferred_element_type="f8").dtype == "f8"
