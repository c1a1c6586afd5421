"""One derivative at a million points: arithmetic and memory, no overhead."""

from __future__ import annotations

import functools

import numpy as np

from benchmarks.density import density, partials
from benchmarks.in_torch import torch_calls
from benchmarks.measure import Call
from benchmarks.peers import jax_x64
from benchmarks.workload import Calls, Goal

ARGNUMS = (0, 1, 2)


@functools.cache
def inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y, mu and sigma at 1e6 points, float64."""
    rng = np.random.default_rng(0)
    return rng.normal(size=10**6), rng.normal(size=10**6), rng.uniform(0.5, 2.0, size=10**6)


def with_jitad() -> Call:
    import jitad
    import jitad.numpy

    f = density(jitad.numpy)
    return Call(jitad.jit(jitad.vmap(jitad.grad(f, argnums=ARGNUMS))), inputs())


def with_jax() -> Call:
    jax = jax_x64()
    gradient = jax.jit(jax.vmap(jax.grad(density(jax.numpy), argnums=ARGNUMS)))
    return Call(gradient, inputs(), jax.block_until_ready)


def with_jax_own() -> Call:
    jax = jax_x64()
    gradient = jax.jit(jax.vmap(jax.grad(density(jax.numpy), argnums=ARGNUMS)))
    return Call(gradient, tuple(map(jax.numpy.asarray, inputs())), jax.block_until_ready)


POINTS = Calls(
    "million_points",
    "jit(vmap(grad(f))) of the normal log-density, three partials at 1e6 points",
    {
        "jitad": with_jitad,
        "NumPy, on paper": lambda: Call(partials, inputs()),
        "JAX": with_jax,
        "JAX, its own arrays": with_jax_own,
        **torch_calls("million_points", inputs),
    },
    (Goal("JAX", 1.0), Goal("JAX, its own arrays", 1.0)),
)
