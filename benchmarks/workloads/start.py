"""Waiting: the first call in a fresh process, and the start of the next process."""

from __future__ import annotations

from benchmarks.measure import Program
from benchmarks.workload import Goal, Processes

DENSITY = "from benchmarks.density import POINT, density\n"
IMPORT_JITAD = "import jitad, jitad.numpy\n"
IMPORT_JAX = 'import jax\njax.config.update("jax_enable_x64", True)\n'
# Another function compiled first, so that neither library's start-up is in the figure.
WARM_JITAD = "jitad.jit(lambda x: x * 2)(1.0)\n"
WARM_JAX = "jax.jit(lambda x: x * 2)(1.0).block_until_ready()\n"
GRADIENT_JITAD = """
gradient = jitad.jit(jitad.grad(density(jitad.numpy), argnums=(0, 1, 2)))
result = gradient(*POINT)
"""
GRADIENT_JAX = """
gradient = jax.jit(jax.grad(density(jax.numpy), argnums=(0, 1, 2)))
result = jax.block_until_ready(gradient(*POINT))
"""
GRADIENT_AUTOGRAD = """
import autograd, autograd.numpy
result = [autograd.grad(density(autograd.numpy), argument)(*POINT) for argument in range(3)]
"""

FIRST_CALL = Processes(
    "first_call",
    "first call of jit(grad(f)) of the normal log-density, after another function was compiled",
    {
        "jitad": Program(DENSITY + IMPORT_JITAD + WARM_JITAD, GRADIENT_JITAD),
        "JAX": Program(DENSITY + IMPORT_JAX + WARM_JAX, GRADIENT_JAX, needs="jax"),
    },
    (Goal("JAX", 0.5),),
)

SECOND_PROCESS = Processes(
    "second_process",
    "the very first call of a process, objects compiled by an earlier process or not",
    {
        "jitad, empty cache": Program(DENSITY + IMPORT_JITAD, GRADIENT_JITAD, cache="shared"),
        "jitad, filled cache": Program(DENSITY + IMPORT_JITAD, GRADIENT_JITAD, cache="shared"),
        "JAX": Program(DENSITY + IMPORT_JAX, GRADIENT_JAX, needs="jax"),
    },
    (Goal("jitad, empty cache", 0.25, ours="jitad, filled cache"),),
)

FIRST_GRADIENT = Processes(
    "first_gradient",
    "from the import statement to the first gradient",
    {
        "jitad": Program(DENSITY, IMPORT_JITAD + GRADIENT_JITAD),
        "JAX": Program(DENSITY, IMPORT_JAX + GRADIENT_JAX, needs="jax"),
        "autograd": Program(DENSITY, GRADIENT_AUTOGRAD, needs="autograd"),
    },
    (Goal("JAX", 1.0),),
)
