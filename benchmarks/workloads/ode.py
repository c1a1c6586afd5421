"""Differential equations: loops over small vectors, loops that end by themselves, and a field."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import Call
from benchmarks.peers import jitad_library
from benchmarks.reference import c_call
from benchmarks.versus import JAX, JAX_OWN, versus
from benchmarks.workload import Goal

STEPS = 10_000
STEP = 5e-4


def lorenz(lib: Any) -> Callable[[Any], Any]:
    """The sum of squares of the path of the Lorenz system from a 3-vector, by Runge and Kutta."""
    np = lib.numpy

    def slope(y: Any) -> Any:
        return np.stack([10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]])

    def step(y: Any, _: Any) -> Any:
        k1 = slope(y)
        k2 = slope(y + STEP / 2 * k1)
        k3 = slope(y + STEP / 2 * k2)
        k4 = slope(y + STEP * k3)
        y = y + STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return y, y

    return lambda y: np.sum(lib.lax.scan(step, y, None, length=STEPS)[1] ** 2)


def lorenz_value(lib: Any) -> Callable[..., Any]:
    return lib.jit(lorenz(lib))


def lorenz_gradient(lib: Any) -> Callable[..., Any]:
    return lib.jit(lib.grad(lorenz(lib)))


def start() -> tuple[np.ndarray]:
    return (np.array([1.0, 2.0, 20.0]),)


def lorenz_in_c(name: str, *shape: int) -> Callable[[], Call]:
    return lambda: c_call(
        "ode", name, (STEPS, *start(), np.empty(3 * STEPS + 3)), (np.empty(shape),)
    )


LORENZ = versus(
    "lorenz",
    f"sum of squares of {STEPS} Runge-Kutta steps of the Lorenz system, scan of a 3-vector",
    lorenz_value,
    start,
    c=lorenz_in_c("lorenz"),
    tolerance=1e-7,
)

LORENZ_GRADIENT = versus(
    "lorenz_gradient",
    "the gradient of that by the start, reverse mode",
    lorenz_gradient,
    start,
    c=lorenz_in_c("lorenz_gradient", 3),
    goals=(Goal("C", 1.5), Goal(JAX, 1 / 20), Goal(JAX_OWN, 1 / 20)),
    tolerance=1e-6,
)

# Dormand and Prince, J. Comput. Appl. Math. 6 (1980): stages, fifth order, error.
STAGES = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
)
FIFTH = (35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
ERROR = (71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525)
END = 20.0
TOLERANCE = 1e-8


def weighted(weights: tuple[float, ...], slopes: list[Any]) -> Any:
    """The sum of the slopes by their weights."""
    terms = [w * k for w, k in zip(weights, slopes, strict=True) if w]
    return functools.reduce(operator.add, terms)


def adaptive(lib: Any) -> Callable[[Any, Any], Any]:
    """The van der Pol oscillator from `y` to time 20 in steps that the error decides; |y|^2 there.

    Steps are accepted if the scaled error is at most 1; the next is 0.9 err^(-1/5) as long.
    """
    np = lib.numpy

    def slope(y: Any, stiffness: Any) -> Any:
        return np.stack([y[1], stiffness * (1 - y[0] * y[0]) * y[1] - y[0]])

    def f(y: Any, stiffness: Any) -> Any:
        def unfinished(state: Any) -> Any:
            return state[0] < END

        def attempt(state: Any) -> Any:
            t, y, h = state
            h = np.minimum(h, END - t)
            k: list[Any] = []
            for weights in STAGES:
                at = y + h * weighted(weights, k) if weights else y
                k.append(slope(at, stiffness))
            new = y + h * weighted(FIFTH, k)
            k_end = slope(new, stiffness)
            error = h * (weighted(ERROR, k) - k_end * (1 / 40))
            scale = TOLERANCE * (1 + np.maximum(np.abs(y), np.abs(new)))
            size = np.sqrt(np.mean((error / scale) ** 2) + 1e-30)
            fits = size <= 1
            factor = np.clip(0.9 * size ** (-1 / 5), 0.2, 5.0)
            return np.where(fits, t + h, t), np.where(fits, new, y), h * factor

        _, y, _ = lib.lax.while_loop(unfinished, attempt, (0.0, y, 0.01))
        return np.sum(y * y)

    return f


def adaptive_value(lib: Any) -> Callable[..., Any]:
    return lib.jit(adaptive(lib))


def adaptive_gradient(lib: Any) -> Callable[..., Any]:
    return lib.jit(lib.value_and_grad(adaptive(lib), argnums=(0, 1)))


def oscillator() -> tuple[Any, ...]:
    return np.array([2.0, 0.0]), np.float64(2.0)


ADAPTIVE = versus(
    "adaptive_ode",
    "van der Pol oscillator by Dormand-Prince steps in a while_loop",
    adaptive_value,
    oscillator,
    c=lambda: c_call("ode", "adaptive", (2.0, oscillator()[0]), (np.empty(()),)),
    tolerance=1e-6,
)

FORWARD = "jitad, value only"

ADAPTIVE_GRADIENT = versus(
    "adaptive_ode_gradient",
    "value and reverse-mode gradient of that; JAX has none for while_loop",
    adaptive_gradient,
    oscillator,
    peers=False,
    limits={FORWARD: lambda: Call(adaptive_value(jitad_library()), oscillator())},
    goals=(Goal(FORWARD, 6.0),),
)

CELLS, TIMES = 10_000, 1_000


@functools.cache
def rod() -> tuple[np.ndarray]:
    return (np.sin(np.linspace(0, 20, CELLS)),)


def heat_gradient(lib: Any) -> Callable[..., Any]:
    """Gradient of the sum of squares after explicit steps of the heat equation, ends held."""
    np = lib.numpy

    def step(u: Any, _: Any) -> Any:
        inner = u[1:-1] + 0.25 * (u[2:] - 2 * u[1:-1] + u[:-2])
        return np.concatenate([u[:1], inner, u[-1:]]), None

    def f(u: Any) -> Any:
        u, _ = lib.lax.scan(step, u, None, length=TIMES)
        return np.sum(u * u)

    return lib.jit(lib.grad(f))


HEAT = versus(
    "heat_gradient",
    f"gradient through {TIMES} explicit steps of the heat equation, {CELLS} cells",
    heat_gradient,
    rod,
    c=lambda: c_call(
        "ode", "heat_gradient", (CELLS, TIMES, *rod(), np.empty(CELLS)), (np.empty(CELLS),)
    ),
    goals=(Goal(JAX, 1 / 1.5), Goal(JAX_OWN, 1 / 1.5)),
)

ALL = (LORENZ, LORENZ_GRADIENT, ADAPTIVE, ADAPTIVE_GRADIENT, HEAT)
