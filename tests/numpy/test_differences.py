"""Gradients on grids, phases, interpolation with a period, quantiles without nan, histograms in
several dimensions: against NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .compare import agree, assert_same

RNG = np.random.default_rng(5)
Z = RNG.normal(size=(4, 5))
U, V = np.cumsum(RNG.uniform(0.1, 1, 4)), np.cumsum(RNG.uniform(0.1, 1, 5))


@pytest.mark.parametrize("order", [1, 2])
def test_gradient(order: int) -> None:
    for steps in ((), (0.5,), (0.5, 2.0), (U, V), (U, 0.5), (2, 3)):
        agree(
            lambda z, s=steps: jnp.gradient(z, *s, edge_order=order),
            lambda z, s=steps: np.gradient(z, *s, edge_order=order),
            Z,
        )
    agree(
        lambda z, v: jnp.gradient(z, v, axis=1, edge_order=order),
        lambda z, v: np.gradient(z, v, axis=1, edge_order=order),
        Z,
        V,
    )
    for z in (Z[:order], Z[: order + 1], np.arange(6)):
        agree(
            lambda z: jnp.gradient(z, axis=0, edge_order=order),
            lambda z: np.gradient(z, axis=0, edge_order=order),
            z,
        )
    agree(lambda z: jnp.gradient(z, U, U), lambda z: np.gradient(z, U, U), Z)
    agree(lambda z: jnp.gradient(z, edge_order=3), lambda z: np.gradient(z, edge_order=3), Z)


def test_unwrap() -> None:
    phase = np.cumsum(RNG.uniform(-2, 5, (3, 20)), axis=1) % 6.3
    for options in ({}, {"axis": 0}, {"discont": 4.0}, {"period": 3.0}):
        agree(
            lambda p, o=options: jnp.unwrap(p, **o), lambda p, o=options: np.unwrap(p, **o), phase
        )
    counts = np.array([0, 1, 2, -1, 0, 3, 7])
    for period in (4, 5):
        agree(
            lambda p, n=period: jnp.unwrap(p, period=n),
            lambda p, n=period: np.unwrap(p, period=n),
            counts,
        )


def test_interp_with_a_period() -> None:
    x = np.linspace(-400, 800, 41)
    xp, fp = np.array([190.0, -190, 350, -350]), np.array([5.0, 10, 3, 4])
    for period in (360, -360.0):
        agree(
            lambda x, p=period: jnp.interp(x, xp, fp, period=p),
            lambda x, p=period: np.interp(x, xp, fp, period=p),
            x,
        )
    agree(lambda x: jnp.interp(x, xp, fp, period=0), lambda x: np.interp(x, xp, fp, period=0), x)


HOLES = np.where(RNG.uniform(size=(4, 6)) < 0.3, np.nan, RNG.normal(size=(4, 6)))


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_quantiles_without_nan(axis: Any) -> None:
    x = HOLES.copy()
    x[:, 2] = np.nan
    for keepdims in (False, True):
        agree(
            lambda x, k=keepdims: jnp.nanmedian(x, axis, keepdims=k),
            lambda x, k=keepdims: np.nanmedian(x, axis, keepdims=k),
            x,
        )
        for method in ("linear", "lower", "higher", "midpoint", "nearest"):
            for q in (0.3, [0.0, 0.25, 1.0], [[0.1, 0.5]]):
                agree(
                    lambda x, m=method, q=q, k=keepdims: jnp.nanquantile(
                        x, q, axis, method=m, keepdims=k
                    ),
                    lambda x, m=method, q=q, k=keepdims: np.nanquantile(
                        x, q, axis, method=m, keepdims=k
                    ),
                    x,
                )
    agree(
        lambda x: jnp.nanpercentile(x, [30, 60], axis),
        lambda x: np.nanpercentile(x, [30, 60], axis),
        x,
    )
    agree(lambda x: jnp.nanquantile(x, 1.5, axis), lambda x: np.nanquantile(x, 1.5, axis), x)


def test_quantiles_of_integers_and_gradient() -> None:
    agree(
        lambda x: jnp.nanquantile(x, 0.4, 0), lambda x: np.nanquantile(x, 0.4, 0), np.arange(7) ** 2
    )
    slope = jitad.grad(lambda x: jnp.nanmedian(x))(np.array([3.0, np.nan, 1.0, 2.0, 9.0]))
    assert_same(slope, np.array([0.5, 0, 0, 0.5, 0]), "gradient")


def test_histograms_in_several_dimensions() -> None:
    x, y, w = RNG.normal(size=(3, 40))
    cube = RNG.uniform(size=(30, 3))
    for bins in (4, [3, 5], [np.linspace(-2, 2, 4), 3], np.linspace(-2, 2, 5), [2]):
        for options in ({}, {"density": True}, {"weights": w}, {"range": [(-1, 1), (-2, 0.5)]}):
            agree(
                lambda x, y, b=bins, o=options: jnp.histogram2d(x, y, b, **o),
                lambda x, y, b=bins, o=options: np.histogram2d(x, y, b, **o),
                x,
                y,
            )
    for bins in (3, (2, 3, 4), (2, [0.0, 0.4, 0.6], 3)):
        counts, edges = jnp.histogramdd(cube, bins)
        expected, expected_edges = np.histogramdd(cube, bins)
        assert_same(counts, expected, "counts")
        assert_same(list(edges), list(expected_edges), "edges")
    agree(lambda x: jnp.histogramdd(x, (2, 3)), lambda x: np.histogramdd(x, (2, 3)), cube)
