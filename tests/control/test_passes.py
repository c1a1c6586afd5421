"""Passes through loops and branches: what nobody uses goes, what is known inside is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Equation, Graph
from jitad_ir.passes.dce import dce
from jitad_ir.passes.hoist import hoist
from jitad_ir.passes.inline import inline
from jitad_ir.passes.pipeline import PIPELINE, optimize
from jitad_ir.passes.simplify import simplify
from jitad_ir.passes.specialize import specialize
from jitad_ir.verify import verify

X = np.array([0.7, -1.3, 0.4])
W = np.array([1.2, 0.3, -0.9])


def traced(program: Callable[..., Any]) -> Graph:
    return jitad.jit(program).trace(X, W)


def loop_of(graph: Graph) -> Equation:
    return next(eq for eq in graph.equations if eq.regions)


def ops_of(graph: Graph) -> list[str]:
    return [eq.op.name for eq in graph.equations]


def test_unused_rows_and_carries_go() -> None:
    """Of four carries in two pairs, the pair that only an unused row reads, and its operands."""

    def program(x: Any, w: Any) -> Any:
        def step(c: Any, r: Any) -> Any:
            a, b, d, e = c
            return (a * r, b + a, d * w[0], jnp.exp(d) + e), (a, e, r)

        carry, rows = lax.scan(step, (x[0], x[1], x[2], w[1]), w)
        return carry[1], rows[0]

    before = traced(program)
    after = verify(dce(before))
    loop = loop_of(after)
    assert (loop.params["carries"], loop.params["consts"]) == (2, 0)
    assert len(loop.outputs) == 3
    assert "exp" not in ops_of(loop.regions[0])
    for a, b in zip(evaluate(before, X, W), evaluate(after, X, W), strict=True):
        np.testing.assert_array_equal(a, b)


def test_carries_that_need_each_other_stay_together() -> None:
    def program(x: Any, w: Any) -> Any:
        def step(c: Any, r: Any) -> Any:
            a, b, d = c
            return (b * r, d + a, a - r), None

        return lax.scan(step, (x[0], x[1], x[2]), w)[0][0]

    assert loop_of(dce(traced(program))).params["carries"] == 3


def test_unused_sweeps_go() -> None:
    """The tape of a loop whose gradient nobody asks for."""

    def program(x: Any, w: Any) -> Any:
        def loss(x: Any) -> Any:
            body = lambda c: (c[0] * w + jnp.sin(c[0]), c[1] * 2.0)  # noqa: E731
            return lax.while_loop(lambda c: c[0].sum() < 9.0, body, (x, x))[0].sum()

        return jitad.value_and_grad(loss)(x)

    whole = dce(traced(program))
    loops = [eq for eq in whole.equations if eq.op.name == "while_loop"]
    assert [eq.params["upwards"] for eq in loops] == [(True,), (True, False)]
    assert [eq.params["carries"] for eq in loops] == [(1,), (1, 1)]
    narrow = dce(Graph(whole.inputs, whole.equations, whole.outputs[:1], "value"))
    assert [eq.params["upwards"] for eq in narrow.equations if eq.regions] == [(True,)]


def test_sweep_is_dropped_from_a_loop() -> None:
    def program(x: Any, w: Any) -> Any:
        loss = lambda x: lax.while_loop(lambda c: c.sum() < 9.0, lambda c: c * w + c * c, x).sum()  # noqa: E731
        return jitad.grad(loss)(x)

    graph = dce(traced(program))
    loop = [eq for eq in graph.equations if eq.op.name == "while_loop"][-1]
    last = Graph(graph.inputs, graph.equations, loop.outputs[: loop.params["carries"][0]], "f")
    assert loop_of(verify(dce(last))).params["upwards"] == (True,)
    assert len(loop_of(dce(last)).regions[1].outputs) == 1


def test_unused_results_of_branches_go() -> None:
    def program(x: Any, w: Any) -> Any:
        return lax.cond(x[0] > 0, lambda: (x * 2.0, jnp.exp(w)), lambda: (x + 1.0, jnp.sin(w)))[0]

    branch = loop_of(dce(traced(program)))
    assert len(branch.outputs) == 1
    assert len(branch.operands) == 2
    assert all(set(ops_of(region)).isdisjoint({"exp", "sin"}) for region in branch.regions)


def test_numbers_are_known_inside() -> None:
    """A number closed over from outside folds with those of the body."""

    def program(x: Any, w: Any) -> Any:
        half = jnp.full(3, 0.5)
        return lax.scan(lambda c, r: (c * (half * 4.0) + r, None), x, jnp.stack([w, w]))[0]

    loop = loop_of(optimize(traced(program)))
    assert loop.params["consts"] == 0
    assert [eq.params["value"] for eq in loop.regions[0].equations if eq.op.name == "full"] == [2.0]


def test_fixed_carries_are_constants() -> None:
    def program(x: Any, w: Any) -> Any:
        step = lambda c, r: ((c[0] * c[1], c[1]), None)  # noqa: E731
        (last, fixed), _ = lax.scan(step, (x, w), None, 4)
        return last + fixed

    loop = loop_of(traced(program))
    assert (loop.params["consts"], loop.params["carries"]) == (1, 1)


def test_repeated_operands_are_one() -> None:
    def program(x: Any, w: Any) -> Any:
        rows = jnp.stack([w, x])
        return lax.scan(lambda c, r: (c * r[0] + r[1], None), x, (rows, rows))[0]

    loop = loop_of(dce(specialize(traced(program))))
    assert len(loop.operands) == 2


def test_invariants_move_in_front() -> None:
    """But not broadcasts, nor loops that might not end."""

    def program(x: Any, w: Any) -> Any:
        def step(c: Any, r: Any) -> Any:
            factor = jnp.exp(w).sum()
            inner = lax.while_loop(lambda d: d < 3.0, lambda d: d + w[0], 0.0)
            return c * factor + inner, None

        return lax.scan(step, x, None, 4)[0]

    graph = traced(program)
    assert "exp" in ops_of(graph)
    body = loop_of(dce(hoist(graph))).regions[0]
    assert "while_loop" in ops_of(body)
    assert "exp" not in ops_of(body)
    assert "broadcast" in ops_of(body)


def test_rules_are_inlined_and_simplified_inside() -> None:
    def program(x: Any, w: Any) -> Any:
        inner = jitad.checkpoint(lambda c: jnp.negative(-c) * 1.0)
        return lax.scan(lambda c, r: (inner(c) + r, None), x, jnp.stack([w, w]))[0]

    body = loop_of(simplify(inline(traced(program)))).regions[0]
    assert "checkpoint" not in ops_of(body)
    assert "mul" not in ops_of(dce(body))


def everything(x: Any, w: Any) -> Any:
    """Every construct in one program."""

    def step(c: Any, r: Any) -> Any:
        v, i = c
        v = lax.cond(r.sum() > 0, lambda v: jnp.sin(v) * w, lambda v: v * v, v)
        v = lax.fori_loop(0, i % 3, lambda j, v: v * 0.9 + j, v)
        return (v, i + 1), v.sum()

    return lax.scan(step, (x, jnp.asarray(0)), jnp.stack([w, x, -w]))


def total(x: Any, w: Any) -> Any:
    return everything(x, w)[1].sum()


@pytest.mark.parametrize(
    "derived",
    [
        everything,
        jitad.grad(total, argnums=(0, 1)),
        jitad.hessian(total),
        lambda x, w: jitad.vmap(everything, in_axes=(None, 0))(x, jnp.stack([w, x, w * x])),
    ],
    ids=["value", "grad", "hessian", "vmap"],
)
def test_every_pass_keeps_values(derived: Callable[..., Any]) -> None:
    args = (X, W)
    graph = jitad.jit(derived).trace(*args)
    expected = evaluate(graph, *args)
    for run in PIPELINE:
        graph = verify(run(graph))
        for a, b in zip(evaluate(graph, *args), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13, err_msg=run.__name__)
