"""Density estimation by Gaussian kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitad import numpy as jnp
from jitad import random
from jitad.errors import at_user_line
from jitad.tree_util import register_pytree_node_class

from .. import special
from . import multivariate_normal


@register_pytree_node_class
class gaussian_kde:  # noqa: N801  (SciPy's name)
    """Density estimate from a data set of shape (n,) or (d, n): a normal density around each
    point, of the data's covariance times the square of a factor.

    The factor is Scott's n_eff**(-1 / (d + 4)) (`bw_method` None or "scott"), "silverman",
    a number, or a function of this object. `weights`, of shape (n,), are made to add up to one.

    >>> kde = gaussian_kde(np.array([-1.0, 0.0, 1.0]))
    >>> kde(0.0)
    Array([0.31815622])

    Raises ValueError for fewer than two elements and for weights of another shape.
    """

    def __init__(
        self,
        dataset: Any,
        bw_method: str | float | Callable[[gaussian_kde], Any] | None = None,
        weights: Any = None,
    ) -> None:
        self.dataset = jnp.atleast_2d(jnp.asarray(dataset))
        if self.dataset.dtype.kind == "c":
            raise TypeError(at_user_line("gaussian_kde: expected real data; got complex"))
        if self.dataset.dtype.kind != "f":
            self.dataset = self.dataset.astype(np.float64)
        if self.dataset.size < 2:
            raise ValueError(at_user_line("`dataset` input should have multiple elements."))
        if weights is None:
            weights = jnp.full(self.n, 1 / self.n, self.dataset.dtype)
        self.weights = jnp.asarray(weights)
        if self.weights.shape != (self.n,):
            raise ValueError(
                at_user_line(
                    f"gaussian_kde: expected weights of shape ({self.n},); got {self.weights.shape}"
                )
            )
        self.weights = self.weights / jnp.sum(self.weights)
        self.neff = 1 / jnp.sum(jnp.square(self.weights))
        factor = self._factor(bw_method)
        deviation = self.dataset - jnp.sum(self.weights * self.dataset, -1, keepdims=True)
        scatter = jnp.matmul(self.weights * deviation, deviation.T)
        self.covariance = scatter / (1 - 1 / self.neff) * factor**2
        self.inv_cov = jnp.linalg.inv(self.covariance)

    def _factor(self, method: Any) -> Any:
        if method is None or (isinstance(method, str) and method == "scott"):
            return self.neff ** (-1 / (self.d + 4))
        if isinstance(method, str) and method == "silverman":
            return (self.neff * (self.d + 2) / 4) ** (-1 / (self.d + 4))
        if callable(method):
            return method(self)
        if isinstance(method, str) or np.ndim(method):
            raise ValueError(
                at_user_line(
                    "`bw_method` should be 'scott', 'silverman', a scalar, or a callable; got "
                    f"{method!r}"
                )
            )
        return method

    @property
    def d(self) -> int:
        """Number of dimensions."""
        return self.dataset.shape[0]

    @property
    def n(self) -> int:
        """Number of points."""
        return self.dataset.shape[1]

    def tree_flatten(self) -> tuple[tuple[Any, ...], None]:
        """The arrays, for pytrees."""
        return (self.neff, self.dataset, self.weights, self.covariance, self.inv_cov), None

    @classmethod
    def tree_unflatten(cls, _aux_data: None, children: Any) -> gaussian_kde:
        """The inverse of `tree_flatten`."""
        kde = cls.__new__(cls)
        kde.neff, kde.dataset, kde.weights, kde.covariance, kde.inv_cov = children
        return kde

    def _points(self, points: Any) -> Any:
        points = jnp.atleast_2d(jnp.asarray(points))
        d, m = points.shape
        if d == 1 and m == self.d != 1:
            points = jnp.reshape(points, (self.d, 1))
        elif d != self.d:
            raise ValueError(
                at_user_line(f"points have dimension {d}, dataset has dimension {self.d}")
            )
        return points

    def _log_kernels(self, points: Any) -> Any:
        """Logarithm of the normal density around each data point at each point, (m, n)."""
        deviation = self._points(points).T[:, None, :] - self.dataset.T
        return multivariate_normal.logpdf(deviation, 0, self.covariance)

    def evaluate(self, points: Any) -> Any:
        """The density at `points` of shape (d, m) (or (m,) if d is 1): shape (m,)."""
        return jnp.sum(self.weights * jnp.exp(self._log_kernels(points)), -1)

    __call__ = evaluate
    pdf = evaluate

    def logpdf(self, x: Any) -> Any:
        """Logarithm of the density at the points `x`."""
        return special.logsumexp(self._log_kernels(x), axis=-1, b=self.weights)

    def integrate_gaussian(self, mean: Any, cov: Any) -> Any:
        """The integral of the density times a normal density of this mean and covariance."""
        mean, cov = jnp.atleast_1d(jnp.asarray(mean)), jnp.atleast_2d(jnp.asarray(cov))
        if mean.shape != (self.d,):
            raise ValueError(at_user_line(f"mean does not have dimension {self.d}"))
        if cov.shape != (self.d, self.d):
            raise ValueError(at_user_line(f"covariance does not have dimension {self.d}"))
        overlap = multivariate_normal.pdf(self.dataset.T, mean, self.covariance + cov)
        return jnp.sum(self.weights * overlap)

    def integrate_box_1d(self, low: Any, high: Any) -> Any:
        """The integral of a one-dimensional density from `low` to `high`, numbers."""
        if self.d != 1:
            raise ValueError(at_user_line("integrate_box_1d() only handles 1D pdfs"))
        if np.ndim(low) or np.ndim(high):
            raise ValueError(at_user_line("integrate_box_1d: expected limits that are scalars"))
        scale = jnp.sqrt(self.covariance[0, 0])
        ends = [special.ndtr((end - self.dataset[0]) / scale) for end in (low, high)]
        return jnp.sum(self.weights * (ends[1] - ends[0]))

    def integrate_kde(self, other: gaussian_kde) -> Any:
        """The integral of the product of two estimated densities."""
        if other.d != self.d:
            raise ValueError(at_user_line("KDEs are not the same dimensionality"))
        deviation = self.dataset.T[:, None, :] - other.dataset.T
        overlap = multivariate_normal.pdf(deviation, 0, self.covariance + other.covariance)
        return jnp.sum(self.weights[:, None] * other.weights * overlap)

    def resample(self, key: Any, shape: tuple[int, ...] = ()) -> Any:
        """Points drawn from the estimated density, of shape (d, *shape)."""
        which, noise = random.split(key)
        index = random.choice(which, self.n, shape=shape, p=self.weights)
        steps = random.normal(noise, (*shape, self.d), self.dataset.dtype)
        steps = jnp.matmul(steps, jnp.linalg.cholesky(self.covariance).T)
        return self.dataset[:, index] + jnp.moveaxis(steps, -1, 0)

    def integrate_box(self, low_bounds: Any, high_bounds: Any, maxpts: Any = None) -> Any:
        """Not available: raises NotImplementedError."""
        raise NotImplementedError(
            at_user_line("gaussian_kde: only integrate_box_1d is available, for one dimension")
        )

    def set_bandwidth(self, bw_method: Any = None) -> None:
        """Not available: raises NotImplementedError."""
        raise NotImplementedError(
            at_user_line("gaussian_kde: give bw_method when it is made; it is not changed later")
        )
