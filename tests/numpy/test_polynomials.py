"""Polynomials, their roots and fits against NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .compare import agree, assert_same, run_traced

RNG = np.random.default_rng(3)
P = RNG.normal(size=5)


def test_integral_and_zeros() -> None:
    for m in (0, 1, 3):
        for k in (None, 2.0, [1.0, 2.0, 3.0]):
            agree(
                lambda p, m=m, k=k: jnp.polyint(p, m, k), lambda p, m=m, k=k: np.polyint(p, m, k), P
            )
    agree(lambda p: jnp.polyint(p, -1), lambda p: np.polyint(p, -1), P)
    agree(lambda p: jnp.polyint(p, 2), lambda p: np.polyint(p, 2), np.arange(3))
    agree(jnp.poly, np.poly, P, rtol=1e-12)
    agree(jnp.poly, np.poly, np.zeros(0))
    symmetric = P[:, None] * P + np.diag(P)
    got = run_traced(jnp.poly, symmetric)
    np.testing.assert_allclose(got, np.poly(symmetric), rtol=1e-10, atol=1e-10)


def test_division() -> None:
    for v in (P[:2], P[:5], np.array([2.0]), P[1:4] * 1j):
        quotient, rest = run_traced(jnp.polydiv, P, v)
        expected, remainder = np.polydiv(P, v)
        np.testing.assert_allclose(quotient, expected, rtol=1e-11)
        shape = rest.shape[0] - len(remainder)
        np.testing.assert_allclose(rest[shape:], remainder, atol=1e-12)
        np.testing.assert_allclose(rest[:shape], 0, atol=1e-12)
        trimmed = jnp.polydiv(P, v, trim_leading_zeros=True)[1]
        assert trimmed.shape == remainder.shape
    assert_same(jnp.polydiv(P[:2], P)[1], P[:2], "of a higher degree")


def sorted_roots(found: Any) -> Any:
    return np.sort_complex(np.round(np.asarray(found), 9))


def test_roots() -> None:
    for p in (P, [1, -6, 11, -6], [0, 0, 1, 2, 0], [3.0], [0.0, 0.0], [1j, 2, 3]):
        np.testing.assert_allclose(
            sorted_roots(jnp.roots(p)), sorted_roots(np.roots(p)), rtol=1e-8, atol=1e-8
        )
    with pytest.raises(TypeError, match="strip_zeros=False"):
        run_traced(jnp.roots, P)
    got = run_traced(lambda p: jnp.roots(p, strip_zeros=False), P)
    np.testing.assert_allclose(sorted_roots(got), sorted_roots(np.roots(P)), rtol=1e-8)
    # d root / d c = -1 / p'(root) for p = x**2 - 3 x + c, root 2
    slope = jitad.grad(
        lambda c: jnp.max(jnp.roots(jnp.array([1.0, -3.0, c]), strip_zeros=False).real)
    )(2.0)
    assert abs(float(slope) + 1) < 1e-12


def test_fit() -> None:
    x = np.linspace(-1, 1, 9)
    y = RNG.normal(size=(9, 2))
    w = RNG.uniform(0.5, 2, 9)
    for deg in (0, 1, 3):
        for values in (y[:, 0], y):
            for weights in (None, w):
                agree(
                    lambda x, y, d=deg, w=weights: jnp.polyfit(x, y, d, w=w),
                    lambda x, y, d=deg, w=weights: np.polyfit(x, y, d, w=w),
                    x,
                    values,
                    rtol=1e-9,
                )
                for cov in (True, "unscaled"):
                    agree(
                        lambda x, y, d=deg, w=weights, c=cov: jnp.polyfit(x, y, d, w=w, cov=c),
                        lambda x, y, d=deg, w=weights, c=cov: np.polyfit(x, y, d, w=w, cov=c),
                        x,
                        values,
                        rtol=1e-9,
                    )
    got, expected = jnp.polyfit(x, y[:, 0], 2, full=True), np.polyfit(x, y[:, 0], 2, full=True)
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-10)
    agree(lambda x, y: jnp.polyfit(x, y, -1), lambda x, y: np.polyfit(x, y, -1), x, y)
    agree(lambda x, y: jnp.polyfit(x, y, 1), lambda x, y: np.polyfit(x, y, 1), x, y[:4])

    def fitted(y: Any) -> Any:
        return jnp.sum(jnp.polyfit(x, y, 2) ** 2)

    slope = jitad.grad(fitted)(y[:, 0])
    step = 1e-6
    for i in range(3):
        ahead, behind = y[:, 0].copy(), y[:, 0].copy()
        ahead[i] += step
        behind[i] -= step
        difference = (fitted(ahead) - fitted(behind)) / (2 * step)
        assert abs(float(slope[i]) - float(difference)) < 1e-6
