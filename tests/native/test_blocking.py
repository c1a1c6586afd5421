"""Loops over blocks of rows: the same bits on any number of threads, bytes moved, and memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import nn
from jitad_ir.passes.pipeline import FOR_NUMPY, optimize
from jitad_ir.plan import Plan, plan_graph
from jitad_ir.plan.costs import plan_cost
from jitad_ir.plan.structures import Loop

X = np.random.default_rng(0).normal(size=(1500, 300))
W = np.linspace(0.5, 1.5, 300)
LABELS = np.arange(1500) % 300
HEADS = np.random.default_rng(1).normal(size=(2, 8, 64, 64)).astype("float32")


def layer_norm(x: Any, w: Any) -> Any:
    centred = x - jnp.mean(x, axis=1, keepdims=True)
    return centred / jnp.sqrt(jnp.mean(centred**2, axis=1, keepdims=True) + 1e-5) * w


def attention(q: Any) -> Any:
    return nn.softmax(q @ jnp.swapaxes(q, 2, 3)) @ q


def both_sums(x: Any) -> Any:
    y = jnp.exp(x)
    return jnp.sum(y, 0), jnp.sum(y, 1)


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "softmax": (lambda x: nn.softmax(x), (X,)),
    "logsumexp": (lambda x: jitad.scipy.special.logsumexp(x, axis=1), (X,)),
    "variance": (lambda x: jnp.var(x, axis=1), (X,)),
    "layer_norm": (layer_norm, (X, W)),
    "gradient of layer_norm": (
        jitad.grad(lambda x, w: jnp.sum(jnp.tanh(layer_norm(x, w))), (0, 1)),
        (X, W),
    ),
    "rows and columns": (lambda x: (jnp.sum(x, 0), jnp.max(x, 1), jnp.sum(x)), (X,)),
    "rows and columns of a function": (both_sums, (X,)),
    "gradient of rows and columns": (
        jitad.grad(lambda x: jnp.sum(both_sums(x)[0] ** 2) + jnp.sum(jnp.cos(both_sums(x)[1]))),
        (X,),
    ),
    "gradient of cross_entropy": (
        jitad.grad(
            lambda x: jnp.mean(jnp.take_along_axis(nn.log_softmax(x), LABELS[:, None], axis=1))
        ),
        (X,),
    ),
    "attention": (attention, (HEADS,)),
    "gradient of attention": (jitad.grad(lambda q: jnp.sum(attention(q) ** 2)), (HEADS,)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_bits_on_any_number_of_threads(name: str) -> None:
    program, arguments = PROGRAMS[name]
    compiled = jitad.jit(lambda *args: program(*args))
    text = str(jitad.explain(compiled, *arguments))
    (loop,) = [line for line in text.splitlines() if line.startswith("  loop of")]
    assert "on several threads" in loop
    found: list[Any] = []
    for threads in (1, 2, 3, 7):
        with jitad.threads(threads):
            found.append(compiled(*arguments))
    expected = program(*arguments)
    for result in found:
        assert jitad.tree.all(jitad.tree.map(np.array_equal, result, found[0]))
    jitad.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 2e-4, 1e-6), found[0], expected)


def plans(name: str) -> tuple[Plan, Plan]:
    """Without and with loops over blocks."""
    program, arguments = PROGRAMS[name]
    graph = jitad.make_ir(program)(*arguments)
    return plan_graph(optimize(graph, FOR_NUMPY)), plan_graph(optimize(graph))


def test_blocks_take_less_memory_than_folds_of_rows() -> None:
    """What lies between the passes is as large as a block, for each of the threads' parts."""
    before, after = plans("softmax")
    results = sum(t.nbytes for t in after.output_types)
    assert after.memory_bytes - results < 0.5 * (before.memory_bytes - results)


def test_no_whole_array_between_passes() -> None:
    """Blocks, and the sums of the columns of each."""
    _, after = plans("gradient of layer_norm")
    assert after.workspace_bytes < X.nbytes / 3


def test_rows_are_read_and_written_once() -> None:
    text = str(jitad.explain(lambda x: nn.softmax(x), X))
    assert "in all: reads 3.6 MB, writes 3.6 MB" in text
    before, _ = plans("softmax")
    assert "in all: reads 10.8 MB, writes 7.22 MB" in str(before)


@pytest.mark.parametrize("shape", [(1500, 300), (1600, 2000)])
def test_folds_of_rows_and_of_columns_read_the_array_once(shape: tuple[int, int]) -> None:
    """What is folded of each block of eight rows or more is read and written besides."""
    x = np.ones(shape)
    for f in (lambda x: (jnp.sum(x), jnp.sum(x, 0), jnp.max(x, 1)), both_sums):
        plan = jitad.explain(f, x)
        cost, results = plan_cost(plan), sum(t.nbytes for t in plan.output_types)
        assert cost.read <= x.nbytes * (1 + 1 / 8) + results
        assert cost.written <= x.nbytes / 8 + 2 * results
        assert plan.memory_bytes <= 0.3 * x.nbytes  # blocks, of each of the threads' parts


def layers(x: Any, w: Any) -> Any:
    for _ in range(3):
        x = x + jnp.tanh(layer_norm(x, 1.0) @ w) @ w
    return jnp.sum(x)


def test_layers_take_no_more_memory() -> None:
    """Between the loops of one layer and the next, what is cheap is not stored but done again."""
    graph = jitad.make_ir(jitad.grad(layers, (0, 1)))(X, np.outer(W, W))
    before, after = plan_graph(optimize(graph, FOR_NUMPY)), plan_graph(optimize(graph))
    assert sum(isinstance(step, Loop) for step in after.steps) >= 5
    assert after.memory_bytes < 1.02 * before.memory_bytes
    assert plan_cost(after).written < plan_cost(before).written
    assert plan_cost(after).read < 0.8 * plan_cost(before).read
