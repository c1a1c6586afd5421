"""Derivatives where they are easy to get wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

MODES: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "reverse": jitad.grad,
    "forward": jitad.jacfwd,
    "reverse jit": lambda f: jitad.jit(jitad.grad(f)),
    "forward jit": lambda f: jitad.jit(jitad.jacfwd(f)),
    "vmap": lambda f: lambda x: jitad.vmap(jitad.grad(f))(jnp.stack([x, x]))[1],
}

nan, inf = float("nan"), float("inf")

CASES: list[tuple[str, Callable[[Any], Any], float, float]] = [
    ("where, sqrt not taken", lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0), -1.0, 0.0),
    ("where, sqrt at 0 not taken", lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0), 0.0, 0.0),
    ("where, log not taken", lambda x: jnp.where(x > 0, jnp.log(x) * x, x), -2.0, 1.0),
    ("where, 1/x not taken", lambda x: jnp.where(x == 0, 1.0, jnp.sin(x) / x), 0.0, 0.0),
    (
        "where in where",
        lambda x: jnp.where(x > -5, jnp.where(x > 0, jnp.sqrt(x), x * x), 0.0),
        -1.0,
        -2.0,
    ),
    # LLVM 20 makes -3 of the sign of this complex number.
    ("abs of a negative number made complex", lambda x: abs(jnp.asarray(x) + 0j), -3.0, -1.0),
    ("x**0", lambda x: x**0, 0.0, 0.0),
    ("x**0.0", lambda x: x**0.0, 0.0, 0.0),
    ("x**1", lambda x: x**1, 0.0, 1.0),
    ("x**2 at 0", lambda x: x**2, 0.0, 0.0),
    ("x**-1", lambda x: x**-1, 2.0, -0.25),
    ("x**3.0, negative x", lambda x: x**3.0, -2.0, 12.0),
    ("0**y", lambda y: jnp.power(0.0, y), 2.0, 0.0),
    ("2**y", lambda y: 2.0**y, 3.0, 8 * np.log(2.0)),
    ("sqrt at 0", lambda x: jnp.sqrt(x), 0.0, inf),
    ("abs at 0", lambda x: jnp.abs(x), 0.0, 0.0),
    ("sign", lambda x: jnp.sign(x) * x, -3.0, -1.0),
    ("max tie", lambda x: jnp.maximum(x, 1.0 * x), 2.0, 1.0),
    ("max tie with a constant", lambda x: jnp.maximum(x, 2.0), 2.0, 0.5),
    ("reduce max tie", lambda x: jnp.max(jnp.stack([x, x, 0.0 * x])), 2.0, 1.0),
    ("floor", lambda x: jnp.floor(x) * x, 2.5, 2.0),
    ("integer round trip", lambda x: x * jnp.floor(x).astype(int), 2.5, 2.0),
    ("clip inside", lambda x: jnp.clip(x, 0.0, 1.0), 0.5, 1.0),
    ("clip outside", lambda x: jnp.clip(x, 0.0, 1.0), 1.5, 0.0),
    ("relu at 0", lambda x: jnp.where(x > 0, x, 0.0), 0.0, 0.0),
    ("atan2 on the negative axis", lambda y: jnp.arctan2(y, -1.0), 0.0, -1.0),
    ("tanh far out", lambda x: jnp.tanh(x), 400.0, 0.0),
    ("logaddexp far out", lambda x: jnp.logaddexp(x, 0.0), 800.0, 1.0),
    ("hypot", lambda x: jnp.hypot(x, 4.0), 3.0, 0.6),
    ("product with zero", lambda x: jnp.prod(jnp.stack([x, 2.0 * x, x + 3.0])), 0.0, 0.0),
    ("cumprod with zero", lambda x: jnp.cumprod(jnp.stack([x + 2.0, x, x + 3.0]))[2], 0.0, 6.0),
    ("std of equal values is nan-free", lambda x: jnp.var(jnp.stack([x, x])), 1.0, 0.0),
    ("constant", lambda x: 3.0 + 0 * jnp.floor(x), 1.5, 0.0),
    ("stop_gradient", lambda x: x * jitad.lax.stop_gradient(x), 3.0, 3.0),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "f", "x", "expected"), CASES, ids=[c[0] for c in CASES])
def test_derivative(
    mode: str, name: str, f: Callable[[Any], Any], x: float, expected: float
) -> None:
    np.testing.assert_allclose(MODES[mode](f)(x), expected, rtol=1e-14, atol=1e-300)


def test_gradient_through_repeated_indices() -> None:
    index = np.array([0, 2, 2, 2])
    for wrap in (lambda f: f, jitad.jit):
        g = wrap(jitad.grad(lambda x: jnp.sum(x[index] * np.arange(1.0, 5.0))))(np.ones(3))
        np.testing.assert_array_equal(g, [1.0, 0.0, 9.0])


def test_gradient_through_indexed_updates() -> None:
    def f(x: Any, v: Any) -> Any:
        return jnp.sum(x.at[np.array([1, 1])].add(v) ** 2) + jnp.sum(x.at[0].set(v[0]) ** 2)

    for wrap in (lambda f: f, jitad.jit):
        gx, gv = wrap(jitad.grad(f, (0, 1)))(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        np.testing.assert_allclose(gx, [2.0, 18.0 + 4.0])
        np.testing.assert_allclose(gv, [18.0 + 6.0, 18.0])


def test_zero_size_arrays() -> None:
    empty = np.zeros((0, 3))
    for wrap in (lambda f: f, jitad.jit):
        g = wrap(jitad.grad(lambda x: jnp.sum(jnp.sin(x)) + 1.0))(empty)
        assert g.shape == (0, 3)
        value = wrap(lambda x: jnp.sum(x, axis=0))(empty)
        np.testing.assert_array_equal(value, np.zeros(3))
        assert wrap(jitad.vmap(lambda x: x * 2))(empty).shape == (0, 3)


def test_integer_and_bool_inputs() -> None:
    f = lambda x, n, b: jnp.where(b, x**n, x * n)  # noqa: E731
    for wrap in (lambda f: f, jitad.jit):
        assert wrap(jitad.grad(f))(2.0, 3, True) == 12.0
        assert wrap(jitad.grad(f))(2.0, 3, False) == 3.0
        g = jitad.grad(f, (0, 1), allow_int=True)(2.0, 3, True)
        assert g[1].dtype == np.dtype([("float0", np.void, 0)])


def test_complex_conventions() -> None:
    z = 1.5 - 0.5j
    np.testing.assert_allclose(jitad.grad(lambda z: jnp.abs(z) ** 2)(z), 2 * np.conj(z))
    np.testing.assert_allclose(jitad.grad(jnp.sin, holomorphic=True)(z), np.cos(z))
    np.testing.assert_allclose(jitad.grad(lambda z: jnp.real(z * z))(z), 2 * z)
    np.testing.assert_allclose(jitad.grad(lambda z: jnp.imag(z * z))(z), -2j * z)
    y, t = jitad.jvp(lambda z: jnp.conj(z) * z, (z,), (1j,))
    np.testing.assert_allclose(y, abs(z) ** 2)
    np.testing.assert_allclose(t, -1j * z + np.conj(z) * 1j)
    x = 0.7
    g = jitad.grad(lambda x: jnp.abs(jnp.exp(1j * x) * (1 + x)))(x)
    np.testing.assert_allclose(g, 1.0)


def test_perturbations_are_not_confused() -> None:
    assert jitad.grad(lambda x: x * jitad.grad(lambda y: x + y)(2.0))(1.0) == 1.0
    f = lambda x: jitad.jvp(lambda y: x * y, (3.0,), (1.0,))[1]  # noqa: E731
    assert jitad.jvp(f, (2.0,), (1.0,))[1] == 1.0


def test_control_flow_on_values_outside_jit() -> None:
    def newton(a: Any) -> Any:
        x = a
        while abs(x * x - a) > 1e-12:
            x = 0.5 * (x + a / x)
        return x if x > 0 else -x

    np.testing.assert_allclose(jitad.grad(newton)(2.0), 0.5 / np.sqrt(2.0), rtol=1e-10)
    np.testing.assert_allclose(jitad.grad(jitad.grad(newton))(2.0), -0.25 / 2.0**1.5, rtol=1e-8)
