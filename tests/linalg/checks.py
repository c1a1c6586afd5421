"""What the tests of linear algebra ask of a function of one array: values, derivatives to second
order, batches, machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import jitad
import jitad.numpy as jnp

STEP = 1e-5


def leaves(result: Any) -> list[Any]:
    """Arrays of a result that is one, or a tuple of them."""
    return list(result) if isinstance(result, (tuple, list)) else [result]


def close(got: Any, expected: Any, what: str, tolerance: float = 1e-9) -> None:
    """Equal shapes, and elements equal to `tolerance` of the greatest."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    scale = 1.0 + np.max(np.abs(expected), initial=0.0)
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * scale, err_msg=what)


def close_results(got: Any, expected: Any, what: str, tolerance: float = 1e-9) -> None:
    """`close` of each array."""
    assert len(leaves(got)) == len(leaves(expected)), what
    for i, (g, e) in enumerate(zip(leaves(got), leaves(expected), strict=True)):
        close(g, e, f"{what} [{i}]", tolerance)


def direction(x: np.ndarray, seed: int) -> np.ndarray:
    """A random direction of the type of x."""
    rng = np.random.default_rng(seed)
    drawn = rng.uniform(-1, 1, (2, *x.shape))
    return drawn[0] + 1j * drawn[1] if x.dtype.kind == "c" else drawn[0]


def weighted(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The sum of both parts of all results' elements, each with a weight of its own."""

    def scalar(x: Any) -> Any:
        total: Any = 0.0
        for leaf in leaves(function(x)):
            size = int(np.prod(leaf.shape))
            weights = np.cos(np.arange(1, size + 1)).reshape(leaf.shape)
            total = total + jnp.sum(jnp.real(leaf) * weights)
            if leaf.dtype.kind == "c":
                total = total + jnp.sum(jnp.imag(leaf) * weights[..., ::-1])
        return total

    return scalar


def slope(function: Callable[[Any], Any], x: np.ndarray, t: np.ndarray) -> float:
    """Central difference of fourth order."""
    values = [float(function(x + s * STEP * t)) for s in (-2, -1, 1, 2)]
    return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * STEP)


def check_derivatives(function: Callable[[Any], Any], x: np.ndarray) -> None:
    """First and second derivatives against finite differences, forward and reverse, at once and
    compiled; and a compiled batch of two against a loop."""
    scalar = weighted(function)
    t, u = direction(x, 1), direction(x, 2)

    def along(y: Any) -> Any:
        return jitad.jvp(scalar, (y,), (t,))[1]

    expected = slope(scalar, x, t)
    close(along(x), expected, "jvp", 1e-7)
    gradient = jitad.grad(scalar)(x)
    close(np.sum(np.asarray(gradient) * t).real, expected, "grad", 1e-7)
    close(jitad.jit(jitad.grad(scalar))(x), gradient, "grad, compiled", 1e-9)

    second = slope(along, x, u)
    close(jitad.jvp(along, (x,), (u,))[1], second, "jvp of jvp", 1e-6)
    mixed = jitad.grad(along)(x)
    close(np.sum(np.asarray(mixed) * u).real, second, "grad of jvp", 1e-6)

    points = np.stack([x, x + 0.1 * t])
    results = [leaves(function(p)) for p in points]
    batched = leaves(jitad.jit(jitad.vmap(function))(points))
    for i, array in enumerate(batched):
        close(array, np.stack([r[i] for r in results]), f"vmap, compiled [{i}]", 1e-9)
