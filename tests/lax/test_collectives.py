"""Collectives over the lanes of a vmap, against what they mean on the whole array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
from jitad import lax
from jitad import numpy as jnp

RNG = np.random.default_rng(3)


def over(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return jitad.vmap(function, axis_name="i")


def check(function: Callable[[Any], Any], x: np.ndarray, expected: np.ndarray) -> None:
    """Values at once and compiled, and both derivatives of what is linear."""
    batched = over(function)
    np.testing.assert_allclose(batched(x), expected)
    np.testing.assert_allclose(jitad.jit(batched)(x), expected)
    t, ct = RNG.normal(size=x.shape), RNG.normal(size=expected.shape)
    moved = jitad.jvp(batched, (x,), (t,))[1]
    (pulled,) = jitad.jit(lambda ct: jitad.vjp(batched, x)[1](ct))(ct)
    np.testing.assert_allclose(np.sum(moved * ct), np.sum(pulled * t))
    np.testing.assert_allclose(moved, batched(t))


def test_all_to_all() -> None:
    x = RNG.normal(size=(3, 4, 3, 2))  # lanes, then the axes of one
    check(lambda y: lax.all_to_all(y, "i", 1, 0), x, np.moveaxis(np.swapaxes(x, 0, 2), 2, 1))
    check(lambda y: lax.all_to_all(y, "i", 1, 2), x, np.moveaxis(np.swapaxes(x, 0, 2), 2, 3))


def test_all_to_all_tiled() -> None:
    x = RNG.normal(size=(3, 6, 2))
    parts = x.reshape(3, 3, 2, 2)  # lane, part, rest of the axis, other axis
    received = np.swapaxes(parts, 0, 1)  # lane, from, ...
    check(lambda y: lax.all_to_all(y, "i", 0, 0, tiled=True), x, received.reshape(3, 6, 2))
    check(
        lambda y: lax.all_to_all(y, "i", 0, 1, tiled=True),
        x,
        np.swapaxes(received, 1, 2).reshape(3, 2, 6),
    )


def test_ppermute() -> None:
    x = RNG.normal(size=(4, 2))
    expected = np.stack([np.zeros(2), x[0], x[3], x[1]])
    check(lambda y: lax.ppermute(y, "i", [(0, 1), (3, 2), (1, 3)]), x, expected)
    check(lambda y: lax.ppermute(y, "i", [(k, (k + 1) % 4) for k in range(4)]), x, np.roll(x, 1, 0))


def test_psum_scatter() -> None:
    x = RNG.normal(size=(3, 2, 3))
    check(lambda y: lax.psum_scatter(y, "i", scatter_dimension=1), x, x.sum(0).T)
    x = RNG.normal(size=(3, 6))
    check(lambda y: lax.psum_scatter(y, "i", tiled=True), x, x.sum(0).reshape(3, 2))


def test_all_gather_at_a_place() -> None:
    x = RNG.normal(size=(3, 2, 5))
    whole = np.moveaxis(x, 0, 1)
    check(lambda y: lax.all_gather(y, "i", axis=1), x, np.broadcast_to(whole, (3, 2, 3, 5)))
    tiled = np.concatenate(list(x), 1)
    check(
        lambda y: lax.all_gather(y, "i", axis=1, tiled=True), x, np.broadcast_to(tiled, (3, 2, 15))
    )


def test_within_other_lanes() -> None:
    """An outer vmap without a name goes through them."""
    x = RNG.normal(size=(2, 3, 3))
    inner = over(lambda y: lax.all_to_all(lax.ppermute(y, "i", [(0, 1)]), "i", 0, 0))
    looped = np.stack([np.asarray(inner(part)) for part in x])
    np.testing.assert_allclose(jitad.jit(jitad.vmap(inner))(x), looped)


def test_errors() -> None:
    x = jnp.ones((3, 2))
    with pytest.raises(ValueError, match="number of lanes"):
        over(lambda y: lax.all_to_all(y, "i", 0, 0))(x)
    with pytest.raises(ValueError, match="distinct"):
        over(lambda y: lax.ppermute(y, "i", [(0, 1), (0, 2)]))(x)
    with pytest.raises(NameError, match="unbound axis name"):
        over(lambda y: lax.psum_scatter(y, "j"))(x)
    for groups in ([[0]], [[0], [1, 2]], [[0, 1], [1, 2]]):
        with pytest.raises(ValueError, match="axis_index_groups"):
            over(lambda y, g=groups: lax.psum(y, "i", axis_index_groups=g))(x)


GROUPS = [[[0, 1], [2, 3]], [[3, 0], [1, 2]], [[2], [0], [1], [3]]]


@pytest.mark.parametrize("groups", GROUPS)
def test_collectives_over_groups_of_lanes(groups: list[list[int]]) -> None:
    size = len(groups[0])
    x = np.arange(4.0 * size).reshape(4, size)
    how: dict[str, Any] = {"axis_index_groups": groups}

    def over(f: Any) -> Any:
        return jitad.jit(jitad.vmap(f, axis_name="i"))(x)

    total = over(lambda row: lax.psum(row, "i", **how))
    mean = over(lambda row: lax.pmean(row, "i", **how))
    greatest = over(lambda row: lax.pmax(row, "i", **how))
    least = over(lambda row: lax.pmin(row, "i", **how))
    gathered = over(lambda row: lax.all_gather(row, "i", **how))
    scattered = over(lambda row: lax.psum_scatter(row, "i", **how))
    exchanged = over(lambda row: lax.all_to_all(row, "i", 0, 0, **how))
    for group in groups:
        own = x[group]
        np.testing.assert_array_equal(scattered[group], own.sum(0))
        np.testing.assert_array_equal(exchanged[group], own.T)
        for lane in group:
            np.testing.assert_array_equal(total[lane], own.sum(0))
            np.testing.assert_array_equal(mean[lane], own.mean(0))
            np.testing.assert_array_equal(greatest[lane], own.max(0))
            np.testing.assert_array_equal(least[lane], own.min(0))
            np.testing.assert_array_equal(gathered[lane], own)


def test_derivatives_of_sums_over_groups() -> None:
    x = np.arange(4.0)

    def cost(x: Any) -> Any:
        def lane(y: Any) -> Any:
            return lax.psum(y * y, "i", axis_index_groups=GROUPS[1]) * y

        return jnp.sum(jitad.vmap(lane, axis_name="i")(x))

    # (a^2 + b^2) (a + b) for the pairs (3, 0) and (1, 2)
    want = [9.0, 5 + 2 * 3, 5 + 4 * 3, 9 + 6 * 3]
    np.testing.assert_allclose(jitad.grad(cost)(x), want)
