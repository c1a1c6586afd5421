"""Loop-invariant code motion: what moves, what stays, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Graph
from jitad_ir.passes.dce import dce
from jitad_ir.passes.hoist import hoist
from jitad_ir.text import parse
from jitad_ir.verify import verify
from tests.native.random_loops import RandomLoops
from tests.native.random_programs import arguments

X = np.array([0.7, -1.3, 0.4])
W = np.array([1.2, 0.3, -0.9])

NESTED = """graph f(w: f64[3], x: f64[3], n: i64[]) {
  r: f64[3] = scan(w, x, consts=1, carries=1, length=4, reverse=False, unroll=1) {
    graph outer(w: f64[3], c: f64[3]) {
      a: f64[3] = exp(w)
      s: f64[3] = scan(w, a, c, consts=2, carries=1, length=2, reverse=False, unroll=1) {
        graph inner(w: f64[3], a: f64[3], c: f64[3]) {
          b: f64[3] = sin(w)
          d: f64[3] = mul(a, b)
          e: f64[] = reduce_sum(d, axes=(0,))
          g: f64[3] = broadcast(e, shape=(3,), dims=())
          h: f64[3] = mul(c, g)
          return h
        }
      }
      return s
    }
  }
  return r
}"""


def bodies(graph: Graph) -> list[Graph]:
    found: list[Graph] = []
    for eq in graph.equations:
        for region in eq.regions:
            found += [region, *bodies(region)]
    return found


def names(graph: Graph) -> list[str]:
    return [eq.op.name for eq in graph.equations]


def hoisted(graph: Graph, *arrays: Any) -> Graph:
    after = verify(hoist(verify(graph)))
    for a, b in zip(evaluate(after, *arrays), evaluate(graph, *arrays), strict=True):
        np.testing.assert_array_equal(a, b)
    assert hoist(after) is after
    return dce(after)


def traced(program: Callable[..., Any]) -> Graph:
    """Before the invariants are moved, which tracing does too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jitad.lax.bodies.hoist", lambda graph: graph)
        return jitad.jit(program).trace(X, W)


def test_invariants_of_all_loops_move_to_the_front() -> None:
    graph = hoisted(parse(NESTED), W, X, np.int64(0))
    assert names(graph)[:-1] == ["exp", "sin", "mul", "reduce_sum"]
    assert [names(body) for body in bodies(graph)] == [["scan"], ["broadcast", "mul"]]


def test_results_that_are_invariant() -> None:
    """A row, and a carry, that no step changes after the first."""

    def program(x: Any, w: Any) -> Any:
        return lax.scan(lambda c, r: (jnp.exp(w), (jnp.cos(w) * 2.0, r)), x, jnp.stack([x, w]))

    graph = hoisted(traced(program), X, W)
    (body,) = bodies(graph)
    assert {"exp", "cos", "mul"}.isdisjoint(names(body))


def test_condition_and_sweeps_of_a_while_loop() -> None:
    """Each region has invariants of its own; the gradient has two sweeps."""

    def program(x: Any, w: Any) -> Any:
        bound = lambda c: c[1] < 3.0 + jnp.sum(jnp.exp(w))  # noqa: E731
        step = lambda c: (c[0] * jnp.sin(w), c[1] + jnp.cosh(w[0]))  # noqa: E731
        return jnp.sum(lax.while_loop(bound, step, (x, 0.0))[0])

    graph = hoisted(traced(program), X, W)
    assert all({"exp", "sin", "cosh"}.isdisjoint(names(body)) for body in bodies(graph))
    gradient = traced(jitad.grad(program, (0, 1)))
    graph = hoisted(gradient, X, W)
    condition, *sweeps = bodies(graph)
    assert len(sweeps) == 2
    assert all({"exp", "sin", "cosh", "cos"}.isdisjoint(names(body)) for body in sweeps)


def test_what_may_not_end_and_what_acts_stay() -> None:
    """Neither may happen where the loop has no steps, nor once instead of at every step."""

    def program(x: Any, w: Any) -> Any:
        def step(c: Any, _: None) -> Any:
            jitad.debug.print("{}", w[0])
            forever = lax.cond(
                w[0] > 9.0,
                lambda: lax.while_loop(lambda d: d < 3.0, lambda d: d * 1.0, w[0]),
                lambda: w[1],
            )
            return c * forever, None

        return lax.scan(step, x, None, 0)[0]

    graph = verify(hoist(traced(program)))
    (loop,) = [eq for eq in graph.equations if eq.op.name == "scan"]
    assert "branch" in names(loop.regions[0])
    assert any(eq.acts for eq in loop.regions[0].equations)
    assert {"branch", "while_loop"}.isdisjoint(names(graph))


def test_views_stay_where_they_are_read() -> None:
    """A broadcast, a slice and a table of numbers are not stored for the steps to read."""

    def program(x: Any, w: Any) -> Any:
        def step(c: Any, _: None) -> Any:
            return c * w[:1] + jnp.arange(3.0) + jnp.array([1.0, 5.0, 2.0]), None

        return lax.scan(step, x, None, 4)[0]

    before = traced(program)
    assert hoisted(before, X, W).equations == dce(before).equations


@pytest.mark.parametrize("dtype", ["f64", "i32"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_random_loops(data: st.DataObject, dtype: str) -> None:
    def draw(n: int) -> int:
        return data.draw(st.integers(0, n - 1))

    graph = RandomLoops(draw, dtype, depth=2).grow(1 + draw(3), 2 + draw(9))
    hoisted(graph, *arguments(graph, seed=0))
