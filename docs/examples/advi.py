"""Automatic differentiation variational inference, where the exact answer is known.

Linear regression, y = X w + N(0, s^2) with the prior w ~ N(0, I), has a Gaussian posterior and an
evidence log p(y) in closed form. Variational inference knows neither. It has log p(y, w) only,
takes a Gaussian q(w) = N(m, L L') and raises

    ELBO(m, L) = E_q[log p(y, w) - log q(w)] = log p(y) - KL(q || posterior)

by its gradient through samples w = m + L eps, eps ~ N(0, I) (Kucukelbir et al. 2017). Holding q's
own parameters fixed within log q takes away a term whose mean is zero (Roeder et al. 2017): the
estimate then has no noise left where q is the posterior. See that a full L finds the posterior and
the evidence, and that a diagonal one falls short by what the KL divergence of Gaussians says.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import scipy.stats
from adam import Adam, adam

import jitad.numpy as jnp
from jitad import grad, jit, lax, random, tree, vmap
from jitad.scipy.stats import norm

NOISE = 0.5
SAMPLES = 8


class Gaussian(NamedTuple):
    """q(w): its mean, and the factor L as log of the diagonal and what is below."""

    mean: np.ndarray
    log_diagonal: np.ndarray
    below: np.ndarray

    def factor(self) -> np.ndarray:
        """The lower triangular L."""
        return jnp.tril(self.below, -1) + jnp.diag(jnp.exp(self.log_diagonal))

    def log_density(self, w: np.ndarray) -> np.ndarray:
        """log q(w) by L eps = w - m."""
        eps = jnp.linalg.solve(self.factor(), w - self.mean)
        return jnp.sum(norm.logpdf(eps) - self.log_diagonal)


def log_joint(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """log p(y, w)."""
    return jnp.sum(norm.logpdf(y, x @ w, NOISE)) + jnp.sum(norm.logpdf(w))


def elbo(q: Gaussian, key: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """An estimate from one sample; its gradient holds q fixed in log q."""
    w = q.mean + q.factor() @ random.normal(key, q.mean.shape)
    return log_joint(w, x, y) - lax.stop_gradient(q).log_density(w)


def average_elbo(
    q: Gaussian, key: np.ndarray, samples: int, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """The mean over samples."""
    keys = random.split(key, samples)
    return jnp.mean(vmap(elbo, in_axes=(None, 0, None, None))(q, keys, x, y))


@partial(jit, static_argnums=(0, 1))
def fit(full: bool, steps: int, key: np.ndarray, x: np.ndarray, y: np.ndarray) -> Gaussian:
    """q after `steps` steps of Adam with a rate that falls to zero; with a diagonal L if not
    `full`."""
    n = x.shape[1]
    start = Gaussian(jnp.zeros(n), jnp.zeros(n), jnp.zeros((n, n)))

    def step(state: Adam, turn: tuple[np.ndarray, np.ndarray]) -> tuple[Adam, None]:
        i, key = turn
        gradient = grad(average_elbo)(state.params, key, SAMPLES, x, y)
        downhill = tree.map(jnp.negative, gradient)
        downhill = downhill._replace(below=full * downhill.below)
        return state.step(downhill, 0.05 * (1 - i / steps)), None

    return lax.scan(step, adam(start), (jnp.arange(steps), random.split(key, steps)))[0].params


def main(rows: int = 100, weights: int = 5, steps: int = 3000) -> None:
    """Fit both families and compare with the exact posterior and evidence."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, weights)) + rng.normal(size=(rows, 1))  # correlated columns
    y = x @ rng.normal(size=weights) + NOISE * rng.normal(size=rows)

    precision = x.T @ x / NOISE**2 + np.eye(weights)
    covariance = np.linalg.inv(precision)
    mean = covariance @ x.T @ y / NOISE**2
    prior_of_y = x @ x.T + NOISE**2 * np.eye(rows)
    evidence = scipy.stats.multivariate_normal(np.zeros(rows), prior_of_y).logpdf(y)
    # min over diagonal q of KL(q || posterior): the variances are 1 / diag(precision).
    gap = (np.linalg.slogdet(covariance)[1] + np.sum(np.log(np.diag(precision)))) / 2
    print(f"log evidence {evidence:.4f}; a diagonal q can reach {evidence - gap:.4f}")

    bound = jit(average_elbo, static_argnums=2)
    for full, reachable in ((True, evidence), (False, evidence - gap)):
        q = fit(full, steps, random.key(1), x, y)
        reached = float(bound(q, random.key(2), 20_000, x, y))
        print(f"{'full' if full else 'diagonal'}: ELBO {reached:.4f}, means {q.mean.round(3)}")
        assert abs(reached - reachable) < 0.05
        assert np.allclose(q.mean, mean, atol=0.02)
        exact = covariance if full else np.diag(1 / np.diag(precision))
        assert np.allclose(q.factor() @ q.factor().T, exact, atol=0.1 * exact.max())


if __name__ == "__main__":
    main()
