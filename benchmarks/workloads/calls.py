"""What one call costs when the arithmetic is next to nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.density import POINT, density, partials
from benchmarks.in_torch import torch_calls
from benchmarks.measure import Call
from benchmarks.peers import jax_x64
from benchmarks.workload import Calls, Goal

X = np.arange(10.0)
TREE_OF_ARRAYS = {"layers": [X, 2 * X], "bias": [np.ones(3)]}
ARGNUMS = (0, 1, 2)


def add_one(x: Any) -> Any:
    return x + 1


def add_one_to_each(tree: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {key: [x + 1 for x in arrays] for key, arrays in tree.items()}


def vector_jitad() -> Call:
    import jitad

    return Call(jitad.jit(add_one), (X,))


def vector_jax() -> Call:
    return Call(jax_x64().jit(add_one), (X,))


def vector_jax_own() -> Call:
    jax = jax_x64()
    return Call(jax.jit(add_one), (jax.numpy.asarray(X),))


VECTOR = Calls(
    "call_vector",
    "jit(x + 1) of a float64 10-vector",
    {
        "jitad": vector_jitad,
        "NumPy": lambda: Call(add_one, (X,)),
        "JAX": vector_jax,
        "JAX, its own arrays": vector_jax_own,
        **torch_calls("call_vector", lambda: (X,)),
    },
    (Goal("NumPy", 0.25),),
)


def scalars_jitad() -> Call:
    import jitad
    import jitad.numpy

    f = density(jitad.numpy)
    return Call(jitad.jit(jitad.grad(f, argnums=ARGNUMS)), tuple(map(np.float64, POINT)))


def scalars_jax() -> Call:
    jax = jax_x64()
    gradient = jax.jit(jax.grad(density(jax.numpy), argnums=ARGNUMS))
    return Call(gradient, tuple(map(np.float64, POINT)))


def scalars_jax_own() -> Call:
    jax = jax_x64()
    gradient = jax.jit(jax.grad(density(jax.numpy), argnums=ARGNUMS))
    return Call(gradient, tuple(map(jax.numpy.asarray, POINT)))


def scalars_casadi() -> Call:
    import casadi

    x = casadi.SX.sym("x", 3)
    value = density(casadi)(x[0], x[1], x[2])
    gradient = casadi.Function(
        "gradient", [x[0], x[1], x[2]], casadi.vertsplit(casadi.gradient(value, x))
    )
    return Call(gradient, POINT)


SCALARS = Calls(
    "call_scalars",
    "jit(grad(f)) of the normal log-density at three float64 scalars",
    {
        "jitad": scalars_jitad,
        "NumPy scalars, on paper": lambda: Call(partials, tuple(map(np.float64, POINT))),
        "JAX": scalars_jax,
        "JAX, its own arrays": scalars_jax_own,
        "CasADi": scalars_casadi,
        **torch_calls("call_scalars", lambda: POINT),
    },
    (Goal("JAX", 1 / 20),),
)


def tree_jitad() -> Call:
    import jitad

    return Call(jitad.jit(add_one_to_each), (TREE_OF_ARRAYS,))


def tree_jax() -> Call:
    return Call(jax_x64().jit(add_one_to_each), (TREE_OF_ARRAYS,))


def tree_jax_own() -> Call:
    jax = jax_x64()
    tree = jax.tree.map(jax.numpy.asarray, TREE_OF_ARRAYS)
    return Call(jax.jit(add_one_to_each), (tree,))


TREE = Calls(
    "call_tree",
    "jit(x + 1 for each) of a dict of lists holding three arrays",
    {
        "jitad": tree_jitad,
        "NumPy": lambda: Call(add_one_to_each, (TREE_OF_ARRAYS,)),
        "JAX": tree_jax,
        "JAX, its own arrays": tree_jax_own,
    },
    (Goal("JAX", 1 / 20),),
)


def eager_jitad() -> Call:
    import jitad
    import jitad.numpy

    return Call(jitad.grad(density(jitad.numpy)), POINT)


def eager_autograd() -> Call:
    import autograd
    import autograd.numpy

    return Call(autograd.grad(density(autograd.numpy)), POINT)


def eager_jax() -> Call:
    jax = jax_x64()
    return Call(jax.grad(density(jax.numpy)), POINT)


EAGER = Calls(
    "eager_gradient",
    "grad(f)(1.3, 0.2, 0.7) without jit",
    {"jitad": eager_jitad, "autograd": eager_autograd, "JAX": eager_jax},
    (Goal("autograd", 1.0),),
)
