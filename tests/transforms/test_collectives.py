"""Collectives over the named axis of a vmap, their derivatives, and nested names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax

X = np.array([0.5, -1.0, 2.0])
WRAPS = [lambda f: f, jitad.jit]


@pytest.mark.parametrize("wrap", WRAPS)
def test_reductions_over_lanes(wrap: Any) -> None:
    def f(x: Any) -> Any:
        return lax.psum(x, "i"), lax.pmean(x, "i"), lax.pmax(x, "i"), lax.pmin(x, "i")

    total, mean, high, low = wrap(jitad.vmap(f, axis_name="i"))(X)
    np.testing.assert_allclose(total, np.full(3, 1.5))
    np.testing.assert_allclose(mean, np.full(3, 0.5))
    np.testing.assert_allclose(high, np.full(3, 2.0))
    np.testing.assert_allclose(low, np.full(3, -1.0))


@pytest.mark.parametrize("wrap", WRAPS)
def test_index_size_and_gather(wrap: Any) -> None:
    def f(x: Any) -> Any:
        return lax.axis_index("i"), lax.axis_size("i") * x, lax.all_gather(x, "i")

    index, scaled, gathered = wrap(jitad.vmap(f, axis_name="i"))(X)
    np.testing.assert_array_equal(index, [0, 1, 2])
    np.testing.assert_allclose(scaled, 3 * X)
    np.testing.assert_allclose(gathered, np.tile(X, (3, 1)))


def test_psum_of_a_constant_counts_lanes() -> None:
    out = jitad.vmap(lambda x: lax.psum(1, "i") * x, axis_name="i")(X)
    np.testing.assert_allclose(out, 3 * X)


def test_psum_of_a_pytree_without_an_output_axis() -> None:
    f = jitad.vmap(lambda x: lax.psum({"a": x, "b": (2.0 * x,)}, "i"), out_axes=None, axis_name="i")
    out = f(X)
    assert out["a"].shape == ()
    np.testing.assert_allclose([out["a"], out["b"][0]], [1.5, 3.0])


@pytest.mark.parametrize("wrap", WRAPS)
def test_derivatives_through_lanes(wrap: Any) -> None:
    """Softmax over lanes: its Jacobian is diag(p) - p p'."""
    softmax = jitad.vmap(lambda x: jnp.exp(x) / lax.psum(jnp.exp(x), "i"), axis_name="i")
    p = np.exp(X) / np.exp(X).sum()
    expected = np.diag(p) - np.outer(p, p)
    np.testing.assert_allclose(wrap(jitad.jacrev(softmax))(X), expected, atol=1e-15)
    np.testing.assert_allclose(wrap(jitad.jacfwd(softmax))(X), expected, atol=1e-15)


def test_gradient_inside_the_lanes() -> None:
    """Each lane differentiates the sum over lanes in its own x: every lane's cotangent arrives."""
    f = lambda x: jitad.grad(lambda v: lax.psum(v * v, "i"))(x)  # noqa: E731
    np.testing.assert_allclose(jitad.vmap(f, axis_name="i")(X), 2 * X * 3)


def test_nested_axes() -> None:
    x = np.arange(6.0).reshape(2, 3)
    inner = lambda v: lax.psum(v, "rows") + 10 * lax.psum(v, "columns")  # noqa: E731
    f = jitad.vmap(jitad.vmap(inner, axis_name="columns"), axis_name="rows")
    expected = x.sum(0, keepdims=True) + 10 * x.sum(1, keepdims=True)
    np.testing.assert_allclose(f(x), np.broadcast_to(expected, (2, 3)))
    both = jitad.vmap(
        jitad.vmap(lambda v: lax.psum(v, ("rows", "columns")), axis_name="columns"),
        axis_name="rows",
    )
    np.testing.assert_allclose(both(x), np.full((2, 3), 15.0))


def test_what_is_the_same_in_every_lane() -> None:
    """Sums over the lanes as results with out_axes=None, and their derivatives."""
    x = np.arange(1.0, 4.0)

    def total(wrap: Any) -> Any:
        f = wrap(lambda v: lax.psum(jnp.sin(v), "i"))
        return lambda x: jitad.vmap(f, axis_name="i", out_axes=None)(x)

    for wrap in (lambda f: f, jitad.checkpoint, jitad.jit):
        for outer in (lambda f: f, jitad.jit):
            np.testing.assert_allclose(outer(total(wrap))(x), np.sum(np.sin(x)))
            np.testing.assert_allclose(outer(jitad.grad(total(wrap)))(x), np.cos(x))
            np.testing.assert_allclose(
                outer(jitad.hessian(total(wrap)))(x), np.diag(-np.sin(x)), atol=1e-15
            )

    def both(x: Any) -> Any:
        f = lambda v: (lax.pmean(v**2, "i"), v**3)  # noqa: E731
        mean, cubes = jitad.vmap(f, axis_name="i", out_axes=(None, 0))(x)
        return mean + jnp.sum(cubes)

    np.testing.assert_allclose(jitad.grad(both)(x), 2 * x / 3 + 3 * x**2)
    nested = lambda v: lax.psum(v**2, ("i", "j"))  # noqa: E731
    rows = lambda r: jitad.vmap(nested, axis_name="j", out_axes=None)(r)  # noqa: E731
    whole = jitad.grad(lambda x: jitad.vmap(rows, axis_name="i", out_axes=None)(x))
    np.testing.assert_array_equal(whole(np.ones((2, 3))), np.full((2, 3), 2.0))
