"""Filters, samplers, recurrent networks, dynamic programs: loops of steps that hang together."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import in_numba
from benchmarks.measure import Call
from benchmarks.peers import jax_x64
from benchmarks.reference import c_call
from benchmarks.versus import JAX, JAX_OWN, NOT_SLOWER, versus
from benchmarks.workload import Calls, Goal


def faster(times: float) -> tuple[Goal, ...]:
    """Than JAX."""
    return Goal(JAX, 1 / times), Goal(JAX_OWN, 1 / times)


@functools.cache
def track() -> tuple[np.ndarray, ...]:
    """Transition [4, 4], logarithms of the two noises [2], and 1,000 seen places [1000, 2]."""
    rng = np.random.default_rng(0)
    transition = np.eye(4) + 0.1 * np.eye(4, k=2)
    return transition, np.array([-2.0, -1.0]), np.cumsum(rng.normal(size=(1000, 2)), 0) / 10


def kalman(lib: Any) -> Callable[..., Any]:
    """Value and gradient of the log-likelihood of a constant-velocity filter."""
    np = lib.numpy

    def log_likelihood(transition: Any, noises: Any, seen: Any) -> Any:
        drift = np.exp(noises[0]) * np.eye(4)
        blur = np.exp(noises[1]) * np.eye(2)

        def step(state: Any, place: Any) -> Any:
            mean, cov = state
            mean = transition @ mean
            cov = transition @ cov @ transition.T + drift
            s = cov[:2, :2] + blur
            determinant = s[0, 0] * s[1, 1] - s[0, 1] * s[1, 0]
            adjugate = np.stack([np.stack([s[1, 1], -s[0, 1]]), np.stack([-s[1, 0], s[0, 0]])])
            inverse = adjugate / determinant
            gain = cov[:, :2] @ inverse
            apart = place - mean[:2]
            term = -0.5 * (apart @ inverse @ apart + np.log(determinant)) - math.log(2 * math.pi)
            return (mean + gain @ apart, cov - gain @ cov[:2, :]), term

        _, terms = lib.lax.scan(step, (np.zeros(4), np.eye(4)), seen)
        return np.sum(terms)

    return lib.jit(lib.value_and_grad(log_likelihood, argnums=(0, 1)))


KALMAN = versus(
    "kalman_gradient",
    "log-likelihood of a Kalman filter and its gradient, 4 states, 2 observed, 1,000 steps",
    kalman,
    track,
    goals=faster(5),
    tolerance=1e-7,
)


@functools.cache
def sequences() -> tuple[Any, ...]:
    """Weights and biases of three gates, and inputs [100, 16, 64]."""
    rng = np.random.default_rng(0)
    gates = {
        "of_input": rng.normal(size=(3, 64, 64)) / 8,
        "of_state": rng.normal(size=(3, 64, 64)) / 8,
        "bias": np.zeros((3, 64)),
    }
    return gates, rng.normal(size=(100, 16, 64))


def gru(lib: Any) -> Callable[..., Any]:
    """The gradient of the mean square of the last state of a gated recurrent network."""
    np = lib.numpy

    def sigmoid(x: Any) -> Any:
        return 0.5 * (np.tanh(0.5 * x) + 1)

    def loss(gates: Any, xs: Any) -> Any:
        w, u, b = gates["of_input"], gates["of_state"], gates["bias"]

        def step(h: Any, x: Any) -> Any:
            update = sigmoid(x @ w[0] + h @ u[0] + b[0])
            reset = sigmoid(x @ w[1] + h @ u[1] + b[1])
            new = np.tanh(x @ w[2] + (reset * h) @ u[2] + b[2])
            return (1 - update) * h + update * new, None

        h, _ = lib.lax.scan(step, np.zeros((16, 64)), xs)
        return np.mean(h * h)

    return lib.jit(lib.grad(loss))


GRU = versus(
    "gru_gradient",
    "gradient of a GRU, 64 units, batch 16, 100 steps, float64",
    gru,
    sequences,
    goals=NOT_SLOWER,
)


@functools.cache
def draws() -> tuple[np.ndarray, ...]:
    """Precision [10, 10], momenta [1000, 10] and logarithms of uniform numbers [1000]."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(10, 10)) / 4
    return (
        np.eye(10) + root @ root.T,
        rng.normal(size=(1000, 10)),
        np.log(rng.uniform(size=1000)),
    )


def hmc(lib: Any) -> Callable[..., Any]:
    """Hamiltonian Monte Carlo of a normal target: 1,000 trajectories of 20 leapfrog steps."""
    np = lib.numpy
    length = 0.15

    def sample(precision: Any, momenta: Any, levels: Any) -> Any:
        def log_density(x: Any) -> Any:
            return -0.5 * x @ precision @ x

        slope = lib.grad(log_density)

        def leapfrog(_: Any, state: Any) -> Any:
            x, p = state
            p = p + 0.5 * length * slope(x)
            x = x + length * p
            return x, p + 0.5 * length * slope(x)

        def trajectory(x: Any, draw: Any) -> Any:
            p, level = draw
            new, end = lib.lax.fori_loop(0, 20, leapfrog, (x, p))
            gained = log_density(new) - 0.5 * end @ end - log_density(x) + 0.5 * p @ p
            x = np.where(level < gained, new, x)
            return x, x

        return lib.lax.scan(trajectory, np.zeros(10), (momenta, levels))[1]

    return lib.jit(sample)


HMC = versus(
    "hmc",
    "1,000 trajectories of 20 leapfrog steps on a 10-dimensional normal target",
    hmc,
    draws,
    goals=faster(3),
    tolerance=1e-6,
)


def updates(lib: Any) -> Callable[..., Any]:
    """Each element from the one before, by updates of single elements."""

    def f(x: Any) -> Any:
        def step(i: Any, x: Any) -> Any:
            return x.at[i].set(0.5 * x[i - 1] + x[i])

        return lib.lax.fori_loop(1, x.shape[0], step, x)

    return lib.jit(f)


def single_updates(size: int) -> Calls:
    def vector() -> tuple[np.ndarray]:
        return (np.linspace(-1, 1, size),)

    return versus(
        f"updates_{size:.0e}".replace("+0", ""),
        f"{size} updates of single elements of a vector in a fori_loop",
        updates,
        vector,
        numba=in_numba.updates,
        c=lambda: c_call("loops", "updates", (size, *vector()), (np.empty(size),)),
    )


@functools.cache
def strings() -> tuple[np.ndarray, np.ndarray]:
    """Two strings of 2,000 characters of an alphabet of four."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 4, 2000).astype("i4"), rng.integers(0, 4, 2000).astype("i4")


def edit_distance(lib: Any) -> Callable[..., Any]:
    """Levenshtein's distance, cell by cell: a scan over columns in a scan over rows."""
    np = lib.numpy

    def f(a: Any, b: Any) -> Any:
        def row(above: Any, letter: Any) -> Any:
            def cell(left: Any, column: Any) -> Any:
                up, corner, other = column
                new = np.minimum(np.minimum(up, left) + 1, corner + (letter != other))
                return new, new

            first = above[0] + 1
            _, rest = lib.lax.scan(cell, first, (above[1:], above[:-1], b))
            return np.concatenate([first[None], rest]), None

        last, _ = lib.lax.scan(row, np.arange(b.shape[0] + 1, dtype="int32"), a)
        return last[-1]

    return lib.jit(f)


def edit_distance_by_rows(lib: Any) -> Callable[..., Any]:
    """The same, a row at once: min over k <= j of t[k] + j - k is a running minimum."""
    np = lib.numpy

    def f(a: Any, b: Any) -> Any:
        places = np.arange(b.shape[0] + 1, dtype="int32")

        def row(above: Any, letter: Any) -> Any:
            rest = np.minimum(above[1:] + 1, above[:-1] + (b != letter))
            t = np.concatenate([above[:1] + 1, rest])
            return lib.lax.cummin(t - places) + places, None

        return lib.lax.scan(row, places, a)[0][-1]

    return lib.jit(f)


EDIT_DISTANCE = versus(
    "edit_distance",
    "edit distance of two strings of 2,000 characters, cell by cell; JAX a row at once too",
    edit_distance,
    strings,
    numba=in_numba.edit_distance,
    c=lambda: c_call(
        "loops",
        "edit_distance",
        (2000, 2000, *strings(), np.empty(2001, "i4")),
        (np.empty((), "i4"),),
    ),
    more={
        "JAX, rows at once": lambda: Call(
            edit_distance_by_rows(jax_x64()), strings(), jax_x64().block_until_ready
        )
    },
    goals=faster(5),
)


@functools.cache
def orbits() -> tuple[np.ndarray, np.ndarray]:
    """Mean anomalies and eccentricities of 1e5 orbits."""
    rng = np.random.default_rng(0)
    return rng.uniform(0, 2 * np.pi, 10**5), rng.uniform(0, 0.95, 10**5)


def newton(lib: Any) -> Callable[..., Any]:
    """Kepler's equation E - e sin E = M by Newton's method, each lane until it has converged."""
    np = lib.numpy

    def solve(m: Any, e: Any) -> Any:
        def unfinished(state: Any) -> Any:
            return np.abs(state[1]) > 1e-12

        def step(state: Any) -> Any:
            x, _ = state
            change = (x - e * np.sin(x) - m) / (1 - e * np.cos(x))
            return x - change, change

        return lib.lax.while_loop(unfinished, step, (m + 0.85 * e * np.sign(np.sin(m)), 1.0))[0]

    return lib.jit(lib.vmap(solve))


NEWTON = versus(
    "newton_lanes",
    "Kepler's equation of 1e5 orbits: vmap of a while_loop",
    newton,
    orbits,
    numba=in_numba.newton,
    c=lambda: c_call("loops", "newton", (10**5, *orbits()), (np.empty(10**5),)),
    goals=faster(2),
)

ALL = (
    KALMAN,
    GRU,
    HMC,
    single_updates(10**4),
    single_updates(10**5),
    single_updates(10**6),
    EDIT_DISTANCE,
    NEWTON,
)
