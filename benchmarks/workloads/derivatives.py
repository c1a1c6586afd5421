"""Jacobians, Hessians, forces, and long unrolled programs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import Call
from benchmarks.reference import c_call
from benchmarks.versus import versus

BODIES = 200
SOFTENING = 1e-2


@functools.cache
def bodies() -> tuple[np.ndarray, ...]:
    """Places [n, 3] and masses [n]."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(BODIES, 3)), rng.uniform(0.5, 1.5, BODIES)


def forces(lib: Any) -> Callable[..., Any]:
    """Gradient of the potential energy of gravity, softened, by the places."""
    np = lib.numpy

    def energy(places: Any, masses: Any) -> Any:
        apart = places[:, None, :] - places[None, :, :]
        squares = np.sum(apart * apart, axis=-1) + SOFTENING
        return -0.5 * np.sum(masses[:, None] * masses[None, :] / np.sqrt(squares))

    return lib.jit(lib.grad(energy))


def forces_in_c() -> Call:
    return c_call("derivatives", "forces", (BODIES, *bodies()), (np.empty((BODIES, 3)),))


N_BODY = versus(
    "n_body_forces",
    f"gradient of the energy of {BODIES} bodies, all pairs, float64",
    forces,
    bodies,
    autograd=forces,
    c=forces_in_c,
)


def rosenbrock(lib: Any) -> Callable[[Any], Any]:
    np = lib.numpy
    return lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def point(size: int) -> Callable[[], tuple[np.ndarray]]:
    return lambda: (np.linspace(-1.2, 1.2, size),)


def rosenbrock_gradient(lib: Any) -> Callable[..., Any]:
    return lib.jit(lib.grad(rosenbrock(lib)))


def rosenbrock_hessian(lib: Any) -> Callable[..., Any]:
    return lib.jit(lib.hessian(rosenbrock(lib)))


def gradient_in_c() -> Call:
    (x,) = point(10**5)()
    return c_call("derivatives", "rosenbrock_gradient", (len(x), x), (np.empty_like(x),))


GRADIENT = versus(
    "rosenbrock_gradient",
    "gradient of the Rosenbrock function of 1e5 variables",
    rosenbrock_gradient,
    point(10**5),
    autograd=rosenbrock_gradient,
    c=gradient_in_c,
)

HESSIAN = versus(
    "rosenbrock_hessian",
    "dense Hessian of the Rosenbrock function of 100 variables",
    rosenbrock_hessian,
    point(100),
    autograd=rosenbrock_hessian,
)


@functools.cache
def layer() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    return rng.normal(size=100), rng.normal(size=(100, 100)) / 10, rng.normal(size=(100, 100)) / 10


def jacobian(lib: Any) -> Callable[..., Any]:
    np = lib.numpy
    return lib.jit(lib.jacfwd(lambda x, a, b: np.tanh(b @ np.tanh(a @ x)) * x))


JACOBIAN = versus(
    "jacobian",
    "Jacobian [100, 100] of two dense tanh layers, forward mode",
    jacobian,
    layer,
    autograd=jacobian,
)

REPETITIONS = 400


def unrolled(lib: Any) -> Callable[..., Any]:
    """The gradient through many repetitions written out by a Python loop."""
    np = lib.numpy

    def f(x: Any, a: Any, b: Any) -> Any:
        for _ in range(REPETITIONS):
            x = np.sin(x) * a + x * b
        return np.sum(x)

    return lib.jit(lib.grad(f))


UNROLLED = versus(
    "unrolled_400",
    f"gradient of {REPETITIONS} unrolled repetitions of x = sin(x) * a + x * b, 10-vectors",
    unrolled,
    lambda: (np.linspace(0.1, 1, 10), np.full(10, 0.5), np.full(10, 0.4)),
    autograd=unrolled,
)

ALL = (N_BODY, GRADIENT, HESSIAN, JACOBIAN, UNROLLED)
