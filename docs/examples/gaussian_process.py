"""Gaussian process regression whose smoothness, height and noise are learnt from the data.

The values of an unknown function at x_1 ... x_n and its noisy observations y are Gaussian:

    k(a, b) = h^2 exp(-(a - b)^2 / (2 l^2)),    K = [k(x_i, x_j)] + s^2 I,    y ~ N(0, K),
    log p(y) = -(y' K^-1 y + log det K + n log 2 pi) / 2

with the length l, the height h and the noise s. The gradient of log p(y) in their logarithms goes
through the Cholesky factor of K, and L-BFGS of SciPy climbs it; the Hessian at the top gives their
standard errors. At a new point x, k = [k(x, x_i)], the posterior is N(k' K^-1 y, h^2 - k' K^-1 k).
See the numbers that made the data come back within their errors, and the predictions be right as
often as they say.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.optimize

import jitad.numpy as jnp
from jitad import hessian, jit, random, value_and_grad
from jitad.scipy.linalg import cho_factor, cho_solve

TRUTH = {"length": 0.7, "height": 1.5, "noise": 0.3}


class Kernel(NamedTuple):
    """Hyperparameters by their logarithms: any three numbers are allowed."""

    log_length: np.ndarray
    log_height: np.ndarray
    log_noise: np.ndarray

    def __call__(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """k at points a (m,) and b (n,), shape (m, n)."""
        distance = (a[:, None] - b[None, :]) / jnp.exp(self.log_length)
        return jnp.exp(2 * self.log_height - distance**2 / 2)

    def of_observations(self, x: np.ndarray) -> np.ndarray:
        """K, the covariance of the observations at x."""
        return self(x, x) + jnp.exp(2 * self.log_noise) * jnp.eye(len(x))


@jit
def loss(theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """-log p(y) by the Cholesky factor L of K: log det K = 2 sum log L_ii."""
    factor = cho_factor(Kernel(*theta).of_observations(x), lower=True)
    log_determinant = 2 * jnp.sum(jnp.log(jnp.diag(factor[0])))
    return (y @ cho_solve(factor, y) + log_determinant + len(x) * np.log(2 * np.pi)) / 2


@jit
def predict(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, new: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of observations at the points `new`."""
    kernel = Kernel(*theta)
    factor = cho_factor(kernel.of_observations(x), lower=True)
    cross = kernel(new, x)
    variance = jnp.exp(2 * kernel.log_height) + jnp.exp(2 * kernel.log_noise)
    reduction = jnp.sum(cross * cho_solve(factor, cross.T).T, axis=1)
    return cross @ cho_solve(factor, y), jnp.sqrt(variance - reduction)


def fit(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the hyperparameters at the top of log p(y), and their standard errors."""
    objective = jit(value_and_grad(loss))
    found = scipy.optimize.minimize(objective, np.zeros(3), args=(x, y), jac=True, tol=1e-9)
    curvature = jit(hessian(loss))(found.x, x, y)
    return found.x, np.sqrt(np.diag(np.linalg.inv(curvature)))


def main(count: int = 200) -> None:
    """Draw a function, observe it, and find out how it was drawn."""
    where, what = random.split(random.key(3))
    truth = np.log(list(TRUTH.values()))
    points = random.uniform(where, (2 * count,), minval=0.0, maxval=20.0)
    covariance = Kernel(*truth).of_observations(points)
    values = jnp.linalg.cholesky(covariance) @ random.normal(what, (2 * count,))
    x, y, new, held_out = points[:count], values[:count], points[count:], values[count:]

    found, errors = fit(x, y)
    for name, theta, error in zip(TRUTH, found, errors, strict=True):
        print(
            f"{name:6} {np.exp(theta):.3f} +- {np.exp(theta) * error:.3f}, drawn with {TRUTH[name]}"
        )
    print(f"log p(y) {-float(loss(found, x, y)):.2f}, {-float(loss(truth, x, y)):.2f} at the truth")
    mean, deviation = predict(found, x, y, new)
    inside = np.mean(np.abs(held_out - mean) < 1.96 * deviation)
    print(f"{100 * inside:.0f} % of {count} new observations in the intervals of 95 %")

    assert np.all(np.abs(found - truth) < 3 * errors)
    assert loss(found, x, y) <= loss(truth, x, y)
    assert 0.9 < inside < 0.99


if __name__ == "__main__":
    main()
