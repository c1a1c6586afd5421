"""The gradient of a logistic regression on the table of docs/data: 569 rows, 11 coefficients."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.in_torch import torch_calls
from benchmarks.measure import Call
from benchmarks.peers import jax_x64
from benchmarks.workload import Calls, Goal

TABLE = Path(__file__).resolve().parents[2] / "docs" / "data" / "breast_cancer.csv"


@functools.cache
def inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients [11], standardised rows with a leading one [569, 11], labels [569]."""
    table = np.genfromtxt(TABLE, delimiter=",", skip_header=1)
    x = (table[:, :-1] - table[:, :-1].mean(0)) / table[:, :-1].std(0)
    return np.linspace(-0.5, 0.5, 11), np.column_stack([np.ones(len(x)), x]), table[:, -1].copy()


def loss(numpy: Any) -> Callable[[Any, Any, Any], Any]:
    """Negative log-likelihood, with that `logaddexp` and `sum`."""

    def total(w: Any, x: Any, y: Any) -> Any:
        z = x @ w
        return numpy.sum(numpy.logaddexp(0.0, z) - y * z)

    return total


def by_hand(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return x.T @ (1 / (1 + np.exp(-(x @ w))) - y)


def with_jitad() -> Call:
    import jitad
    import jitad.numpy

    return Call(jitad.jit(jitad.grad(loss(jitad.numpy))), inputs())


def with_autograd() -> Call:
    import autograd
    import autograd.numpy

    return Call(autograd.grad(loss(autograd.numpy)), inputs())


def with_jax() -> Call:
    jax = jax_x64()
    return Call(jax.jit(jax.grad(loss(jax.numpy))), inputs(), jax.block_until_ready)


def with_jax_own() -> Call:
    jax = jax_x64()
    arrays = tuple(map(jax.numpy.asarray, inputs()))
    return Call(jax.jit(jax.grad(loss(jax.numpy))), arrays, jax.block_until_ready)


def with_casadi() -> Call:
    import casadi

    w, x, y = inputs()
    symbol = casadi.MX.sym("w", len(w))
    z = casadi.mtimes(casadi.DM(x), symbol)
    total = casadi.sum1(
        casadi.log1p(casadi.exp(-casadi.fabs(z))) + casadi.fmax(z, 0) - casadi.DM(y) * z
    )
    return Call(casadi.Function("gradient", [symbol], [casadi.gradient(total, symbol)]), (w,))


GRADIENT = Calls(
    "logistic_gradient",
    "jit(grad(loss)) of a logistic regression, 569 rows and 11 coefficients",
    {
        "jitad": with_jitad,
        "NumPy, by hand": lambda: Call(by_hand, inputs()),
        "JAX": with_jax,
        "JAX, its own arrays": with_jax_own,
        "autograd": with_autograd,
        "CasADi": with_casadi,
        **torch_calls("logistic_gradient", inputs),
    },
    (Goal("NumPy, by hand", 1.0), Goal("JAX", 1.0)),
)
