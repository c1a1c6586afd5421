"""Folds of all elements from those of rows, and sums of what is scattered among zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import nn
from jitad_ir import ops
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, building
from jitad_ir.native.program import compile_graph
from jitad_ir.passes.dce import dce
from jitad_ir.passes.subtotals import subtotals
from jitad_ir.plan.costs import plan_cost
from jitad_ir.types import DTYPES, ArrayType
from jitad_ir.verify import verify


def names(graph: Graph) -> list[str]:
    return [eq.op.name for eq in graph.equations]


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_totals_are_as_accurate_as_sums(dtype: str) -> None:
    rng = np.random.default_rng(0)
    both = jitad.jit(lambda x: (jnp.sum(x), jnp.sum(x, axis=0), jnp.sum(x, axis=1)))
    for shape in [(100_000, 10), (10, 100_000), (1000, 1000)]:
        x = rng.random(shape).astype(DTYPES[dtype])
        total = float(both(x)[0])
        exact = float(np.sum(x, dtype=np.longdouble))
        assert abs(total - exact) < 2 * np.finfo(x.dtype).eps * exact


@pytest.mark.parametrize("places", ["i64", "i8", "u8"])
@pytest.mark.parametrize("mode", ["drop", "clip"])
@pytest.mark.parametrize("count", [1, 3])
def test_sums_of_what_is_added_to_zeros(places: str, mode: str, count: int) -> None:
    """Only what lands in the array counts."""
    rows, columns = 50, 120
    builder = Builder("f")
    updates = builder.input(ArrayType(DTYPES["f64"], (rows, count, 1)))
    at = builder.input(ArrayType(DTYPES[places], (rows, count)))
    with building(builder):
        zeros = ops.full(value=0, shape=(rows, columns), dtype=DTYPES["f64"])
        where: dict[str, Any] = {"axes": (1,), "batch": 1, "mode": mode, "unique": False}
        scattered = ops.scatter_add(zeros, updates, at, **where)
        result = ops.reduce_sum(ops.neg(scattered), axes=(1,))
    graph = builder.build([result])
    after = dce(verify(subtotals(graph)))
    assert "scatter_add" in names(graph) and "scatter_add" not in names(after)
    rng = np.random.default_rng(0)
    info = np.iinfo(DTYPES[places])
    low, high = max(info.min, -9), min(info.max, columns + 9)
    arrays = [rng.normal(size=(rows, count, 1)), rng.integers(low, high, (rows, count))]
    arrays[1] = arrays[1].astype(DTYPES[places])
    (expected,) = evaluate(graph, *arrays)
    for results in (evaluate(after, *arrays), compile_graph(after)(*arrays)):
        np.testing.assert_allclose(results[0], expected, 1e-14, 1e-14)


def test_a_scatter_stays_where_more_than_its_sum_is_asked_for() -> None:
    builder = Builder("f")
    x = builder.input(ArrayType(DTYPES["f64"], (50, 120)))
    updates = builder.input(ArrayType(DTYPES["f64"], (50, 1, 1)))
    at = builder.input(ArrayType(DTYPES["i64"], (50, 1)))
    where: dict[str, Any] = {"axes": (1,), "batch": 1, "mode": "drop", "unique": False}
    with building(builder):
        scattered = ops.scatter_add(x, updates, at, **where)
        graph = builder.build([ops.reduce_sum(scattered, axes=(1,))])
    assert subtotals(graph) is graph


def cross_entropy(x: Any, labels: Any) -> Any:
    return -jnp.mean(jnp.take_along_axis(nn.log_softmax(x), labels[:, None], 1))


def test_the_gradient_of_a_cross_entropy_reads_and_writes_once() -> None:
    """The zeros of its cotangent are not in memory: one loop over rows, and one update."""
    x = np.random.default_rng(0).normal(size=(1000, 500))
    labels = np.arange(1000) % 500
    plan = jitad.explain(jitad.grad(cross_entropy), x, labels)
    cost = plan_cost(plan)
    assert cost.read < 1.1 * x.nbytes and cost.written < 1.1 * x.nbytes
    assert plan.memory_bytes < 1.1 * x.nbytes
    softmax = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    softmax[np.arange(1000), labels] -= 1
    found = jitad.jit(jitad.grad(cross_entropy))(x, labels)
    np.testing.assert_allclose(found, softmax / 1000, 1e-12, 1e-15)
