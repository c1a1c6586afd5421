"""Factorisations and systems: one large matrix, or many small ones."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import Call
from benchmarks.reference import c_call
from benchmarks.versus import NOT_SLOWER, versus
from benchmarks.workload import Goal

Arrays = tuple[np.ndarray, ...]
MANY = 10**5


@functools.cache
def process() -> Arrays:
    """Logarithms of amplitude, length and noise [3], 500 places of 3 dimensions, values [500]."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 3))
    return np.array([0.1, 0.2, -1.0]), x, np.sin(x).sum(1) + 0.1 * rng.normal(size=500)


def gaussian_process(lib: Any) -> Callable[..., Any]:
    """Value and gradient of minus the log marginal likelihood, squared exponential kernel."""
    np = lib.numpy

    def loss(scales: Any, x: Any, y: Any) -> Any:
        amplitude, length, noise = np.exp(scales[0]), np.exp(scales[1]), np.exp(scales[2])
        apart = np.sum(((x[:, None, :] - x[None, :, :]) / length) ** 2, axis=-1)
        covariance = amplitude * np.exp(-0.5 * apart) + noise * np.eye(x.shape[0])
        factor = np.linalg.cholesky(covariance)
        weights = np.linalg.solve(covariance, y)
        half_log_det = np.sum(np.log(np.diag(factor)))
        return 0.5 * y @ weights + half_log_det + 0.5 * x.shape[0] * math.log(2 * math.pi)

    return lib.jit(lib.value_and_grad(loss))


@functools.cache
def systems() -> Arrays:
    """Positive definite matrices [1e5, 4, 4] and right-hand sides [1e5, 4, 1]."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(MANY, 4, 4))
    return root @ root.swapaxes(1, 2) + np.eye(4), rng.normal(size=(MANY, 4, 1))


def matrices() -> Arrays:
    return systems()[:1]


def solve(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda a, b: lib.numpy.linalg.solve(a, b))


def cholesky(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda a: lib.numpy.linalg.cholesky(a))


def inverse(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda a: lib.numpy.linalg.inv(a))


def determinant(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda a: lib.numpy.linalg.det(a))


@functools.cache
def symmetric() -> Arrays:
    a = np.random.default_rng(0).normal(size=(200, 200))
    return (a + a.T,)


def eigenvalues(lib: Any) -> Callable[..., Any]:
    return lib.jit(lambda a: lib.numpy.linalg.eigvalsh(a))


def cholesky_in_c() -> Call:
    (a,) = matrices()
    return c_call("linear_algebra", "cholesky", (MANY, a), (np.empty_like(a),))


def solve_in_c() -> Call:
    a, b = systems()
    return c_call("linear_algebra", "solve", (MANY, a, b), (np.empty_like(b),))


ALL = (
    versus(
        "gp_gradient",
        "likelihood of a Gaussian process of 500 points and its gradient",
        gaussian_process,
        process,
        autograd=gaussian_process,
        tolerance=1e-6,
    ),
    versus(
        "solve_4x4",
        "1e5 systems of 4 equations, float64",
        solve,
        systems,
        numpy=solve,
        c=solve_in_c,
        tolerance=1e-7,
    ),
    versus(
        "cholesky_4x4",
        "1e5 Cholesky factors [4, 4], float64",
        cholesky,
        matrices,
        numpy=cholesky,
        c=cholesky_in_c,
    ),
    versus("inverse_4x4", "1e5 inverses [4, 4], float64", inverse, matrices, numpy=inverse),
    versus(
        "determinant_4x4",
        "1e5 determinants [4, 4], float64",
        determinant,
        matrices,
        numpy=determinant,
    ),
    versus(
        "eigenvalues_200",
        "eigenvalues of a symmetric float64 matrix [200, 200]",
        eigenvalues,
        symmetric,
        numpy=eigenvalues,
        goals=(*NOT_SLOWER, Goal("NumPy", 1.2)),
    ),
)
