"""Gauss-Newton without a matrix: the peaks of a spectrum by jvp, vjp and conjugate gradients.

The parameters theta of a curve that passes through observations y make |r|^2 / 2 least, where
r = (curve(theta) - y) / s. With J = dr/dtheta the method of Levenberg and Marquardt solves

    (J' J + mu I) d = -J' r

and goes to theta + d, with a smaller mu if that is better; if not it stays, with a larger one. The
method of conjugate gradients needs products with the matrix alone, and they cost two passes: J v is
forward mode, J' u is reverse mode, so neither J nor J' J is ever made. At the end (J' J)^-1 is the
covariance of the errors of theta. See every peak come back within its errors after a few dozen
steps, where gradient descent is still far away after thousands.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import jitad.numpy as jnp
from jitad import grad, jit, jvp, lax, random, vjp, vmap

CHANNELS = np.linspace(0.0, 20.0, 1000)
PEAKS = 10
NOISE = 0.05


def curve(theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """sum_i h_i exp(-(x - c_i)^2 / (2 w_i^2)), theta = (h, c, w), at points x."""
    heights, centres, widths = theta.reshape(3, PEAKS)
    shapes = jnp.exp(-(((x[:, None] - centres) / widths) ** 2) / 2)
    return shapes @ heights


def residuals(theta: np.ndarray, y: np.ndarray) -> np.ndarray:
    """r: misfits in units of the noise."""
    return (curve(theta, CHANNELS) - y) / NOISE


def loss(theta: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|r|^2 / 2."""
    return jnp.sum(residuals(theta, y) ** 2) / 2


def gauss_newton_product(theta: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """v -> J' (J v), by a forward and a reverse pass."""

    def misfits(theta: np.ndarray) -> np.ndarray:
        return residuals(theta, y)

    def product(v: np.ndarray) -> np.ndarray:
        return vjp(misfits, theta)[1](jvp(misfits, (theta,), (v,))[1])[0]

    return product


def conjugate_gradients(product: Callable[[np.ndarray], np.ndarray], b: np.ndarray) -> np.ndarray:
    """x with product(x) = b, of a symmetric positive definite product (Hestenes & Stiefel 1952)."""

    def unsolved(state: tuple[np.ndarray, ...]) -> np.ndarray:
        _, _, _, square, count = state
        return (square > 1e-24 * (b @ b)) & (count < 10 * len(b))

    def step(state: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        x, residual, direction, square, count = state
        image = product(direction)
        length = square / (direction @ image)
        residual = residual - length * image
        smaller = residual @ residual
        direction_after = residual + smaller / square * direction
        return x + length * direction, residual, direction_after, smaller, count + 1

    return lax.while_loop(unsolved, step, (jnp.zeros_like(b), b, b, b @ b, 0))[0]


@jit
def levenberg_marquardt(
    theta: np.ndarray, y: np.ndarray, turns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """theta after as many steps as `turns` is long, and the loss after each."""

    def step(
        state: tuple[np.ndarray, np.ndarray], _: np.ndarray
    ) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        theta, mu = state
        product = gauss_newton_product(theta, y)
        downhill = -grad(loss)(theta, y)
        moved = theta + conjugate_gradients(lambda v: product(v) + mu * v, downhill)
        before, after = loss(theta, y), loss(moved, y)
        better = after < before
        theta = jnp.where(better, moved, theta)
        return (theta, jnp.where(better, mu / 5, mu * 3)), jnp.minimum(before, after)

    (theta, _), losses = lax.scan(step, (theta, 1.0), turns)
    return theta, losses


@jit
def standard_errors(theta: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Square roots of the diagonal of (J' J)^-1, a column at a time."""
    product = gauss_newton_product(theta, y)
    inverse = vmap(lambda e: conjugate_gradients(product, e))(jnp.eye(len(theta)))
    return jnp.sqrt(jnp.diag(inverse))


@jit
def gradient_descent(theta: np.ndarray, y: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """theta after a step of each rate."""
    return lax.scan(lambda p, rate: (p - rate * grad(loss)(p, y), None), theta, rates)[0]


def main(turns: int = 60) -> None:
    """Simulate a spectrum, and find its peaks from a rough guess."""
    keys = random.split(random.key(4), 5)
    heights = random.uniform(keys[0], (PEAKS,), minval=0.5, maxval=1.5)
    centres = 1 + 2 * jnp.arange(PEAKS) + random.uniform(keys[1], (PEAKS,), minval=-0.3, maxval=0.3)
    widths = random.uniform(keys[2], (PEAKS,), minval=0.4, maxval=0.8)
    truth = jnp.concatenate([heights, centres, widths])
    y = curve(truth, CHANNELS) + NOISE * random.normal(keys[3], CHANNELS.shape)
    guess = jnp.concatenate([jnp.ones(PEAKS), 1 + 2 * jnp.arange(PEAKS), 0.6 * jnp.ones(PEAKS)])

    theta, losses = levenberg_marquardt(guess, y, np.arange(turns))
    errors = standard_errors(theta, y)
    slow = gradient_descent(guess, y, np.full(5000, 2e-5))
    print(f"|r|^2 / 2: {losses[0]:.1f} after a step, {losses[-1]:.3f} after {turns}")
    print(f"gradient descent: {loss(slow, y):.3f} after 5000")
    for height, centre, width, error in zip(*theta.reshape(3, PEAKS), errors[PEAKS:], strict=False):
        print(f"peak at {centre:6.3f} +- {error:.3f}, height {height:.3f}, width {width:.3f}")
    assert np.all(np.abs(theta - truth) < 4 * errors)
    assert np.abs(grad(loss)(theta, y)).max() < 1e-3
    assert loss(slow, y) > losses[-1] + 1


if __name__ == "__main__":
    main()
