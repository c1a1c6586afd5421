"""What the range of a counter decides, and what loops forward from step to step."""

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
from jitad_ir.passes.forwarding import forwarding
from jitad_ir.passes.intervals import RULES, result, whole
from jitad_ir.passes.pipeline import optimize
from jitad_ir.passes.ranges import ranges
from jitad_ir.passes.simplify import simplify
from jitad_ir.passes.specialize import specialize
from jitad_ir.plan import plan_graph
from jitad_ir.plan.structures import Loop
from jitad_ir.text import parse
from jitad_ir.verify import verify

X = np.linspace(-1.0, 2.0, 12)
DECISIONS = {"lt", "le", "gt", "ge", "select", "min", "max", "eq", "ne"}


def names(graph: Graph) -> list[str]:
    found: list[str] = []
    for eq in graph.equations:
        found += [eq.op.name, *[n for region in eq.regions for n in names(region)]]
    return found


def agree(before: Graph, after: Graph, *arrays: Any) -> None:
    verify(after)
    for a, b in zip(evaluate(after, *arrays), evaluate(before, *arrays), strict=True):
        np.testing.assert_array_equal(a, b)


def prepared(program: Callable[..., Any], *arrays: Any) -> Graph:
    return simplify(specialize(jitad.jit(program).trace(*arrays)))


def decided(program: Callable[..., Any], *arrays: Any) -> Graph:
    before = prepared(program, *arrays)
    after = dce(simplify(ranges(before)))
    agree(before, after, *arrays)
    return after


def test_indices_by_a_counter_are_not_negative() -> None:
    def program(x: Any) -> Any:
        return lax.fori_loop(1, 12, lambda i, y: y.at[i].set(0.5 * y[i - 1] + y[i]), x)

    assert DECISIONS.isdisjoint(names(decided(program, X)))


def test_indices_that_may_be_negative_are_moved() -> None:
    def program(x: Any) -> Any:
        return lax.fori_loop(0, 12, lambda i, y: y.at[i].set(0.5 * y[i - 1] + y[i]), x)

    assert names(decided(program, X)).count("lt") == 1


def test_bounds_of_a_while_loop() -> None:
    """From 0 on, below n: no index is negative, but it may be too large."""

    def program(x: Any, n: Any) -> Any:
        return lax.fori_loop(0, n, lambda i, y: jnp.where(i < 0, 7.0, y + x[i]), 0.0)

    assert "select" not in names(decided(program, X, np.int64(9)))
    assert names(decided(program, X, np.int64(9))).count("lt") == 1  # the condition


def test_a_bound_that_is_always_kept_goes() -> None:
    def program(x: Any) -> Any:
        return lax.fori_loop(0, 10, lambda i, y: y + x[jnp.clip(i + 1, 0, 10)], 0.0)

    assert DECISIONS.isdisjoint(names(decided(program, X)))


def test_counters_that_may_wrap_are_not_trusted() -> None:
    def program(start: Any) -> Any:
        def step(i: Any, _: None) -> Any:
            return i + np.int8(1), (i < 0, i - np.int8(100) < 0)

        return lax.scan(step, np.int8(100), None, 60)[1], start

    assert names(decided(program, X)).count("lt") == 2


def test_inner_loops_and_branches_know_outer_counters() -> None:
    def program(x: Any) -> Any:
        def outer(i: Any, total: Any) -> Any:
            def inner(j: Any, total: Any) -> Any:
                return total + lax.cond(x[i] > 0, lambda: x[i + j], lambda: x[j] * x[i])

            return lax.fori_loop(0, 4, inner, total)

        return lax.fori_loop(2, 8, outer, 0.0)

    assert {"lt", "select"}.isdisjoint(names(decided(program, X)))


def test_rows_that_were_counted_are_in_their_range() -> None:
    def program(x: Any) -> Any:
        _, rows = lax.scan(lambda i, _: (i + 2, i), 1, None, 5)
        return lax.scan(lambda y, i: (y + x[i], None), 0.0, rows)[0]

    assert {"lt", "select"}.isdisjoint(names(decided(program, X)))


SMALL = [np.dtype(d) for d in ("bool", "int8", "uint8", "int16")]


@settings(max_examples=300)
@given(st.data())
def test_intervals_hold_what_they_say(data: st.DataObject) -> None:
    """Elements within the intervals of the operands give elements within the result's."""
    name = data.draw(st.sampled_from(sorted(set(RULES) & set(_ARITY))))
    dtype = data.draw(st.sampled_from(SMALL))
    if dtype.kind == "b" and name in ("sub", "neg", "add", "mul"):
        dtype = np.dtype("int8")
    types = [dtype] * _ARITY[name]
    if name == "select":
        types[0] = np.dtype("bool")
    target = data.draw(st.sampled_from(SMALL)) if name == "convert" else None
    code = {"bool": "bool", "int8": "i8", "uint8": "u8", "int16": "i16"}
    letters = "abc"[: len(types)]
    given_types = ", ".join(f"{x}: {code[t.name]}[9]" for x, t in zip(letters, types, strict=True))
    params = f", dtype={code[target.name]}" if target is not None else ""
    out = "bool" if name in ("eq", "ge", "gt", "le", "lt", "ne") else code[(target or dtype).name]
    graph = parse(
        f"graph f({given_types}) {{ r: {out}[9] = {name}({', '.join(letters)}{params}) return r }}"
    )
    arrays, intervals = [], []
    for t in types:
        low, high = whole(t)  # type: ignore[misc]
        ends = sorted([data.draw(st.integers(low, high)) for _ in range(2)])
        intervals.append(tuple(ends))
        values = [data.draw(st.integers(*ends)) for _ in range(9)]
        arrays.append(np.array(values, t))
    found = result(graph.equations[0], intervals)
    (got,) = evaluate(graph, *arrays)
    assert found is not None
    assert found[0] <= int(got.min())
    assert int(got.max()) <= found[1]


_ARITY = {
    "add": 2, "bitwise_and": 2, "convert": 1, "eq": 2, "ge": 2, "gt": 2, "le": 2, "lt": 2,
    "max": 2, "min": 2, "mul": 2, "ne": 2, "neg": 1, "select": 3, "sub": 2,
}  # fmt: skip


# Forwarding


def forwarded(program: Callable[..., Any], *arrays: Any) -> Graph:
    before = simplify(ranges(prepared(program, *arrays)))
    after = dce(forwarding(before))
    agree(before, after, *arrays)
    native = jitad.tree_util.tree_leaves(jitad.jit(program)(*arrays))
    for a, b in zip(native, evaluate(before, *arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    return after


def reads(graph: Graph) -> int:
    """Reads of computed places in the bodies of loops."""
    return sum(names(r).count("dynamic_slice") for eq in graph.equations for r in eq.regions)


def test_what_was_written_is_carried() -> None:
    """Fibonacci's numbers, of rows of two: nothing is read in the loop."""

    def program(x: Any) -> Any:
        return lax.fori_loop(2, 9, lambda i, y: y.at[i].set(y[i - 1] - 0.5 * y[i - 2]), x)

    assert reads(forwarded(program, X)) == 0
    assert reads(forwarded(program, np.stack([X, -X], 1))) == 0


def test_sums_in_place_backwards() -> None:
    def program(x: Any) -> Any:
        def step(y: Any, i: Any) -> Any:
            return y.at[10 - i].add(2.0 * y[11 - i] + x[i]), y[10 - i]

        return lax.fori_loop(0, 11, lambda i, y: step(y, i)[0], x)

    graph = forwarded(program, X)
    assert reads(graph) == 2  # x[i], and what is added to
    assert "scatter_add" not in names(graph)


def test_other_places_are_read_from_memory() -> None:
    """Out of bounds at the first step, written later, by another step's width."""
    for shift in (0, -1, 5):

        def program(x: Any, shift: int = shift) -> Any:
            return lax.fori_loop(4, 7, lambda i, y: y.at[i].set(y[i - shift] + 1), x)

        assert ("scan", reads(forwarded(program, X))) == ("scan", 1)

    def by_two(x: Any) -> Any:
        def step(i: Any, _: None, y: Any) -> Any:
            return y.at[i].set(y[i - 1] + y[i - 2])

        return lax.scan(lambda c, _: ((c[0] + 2, step(c[0], None, c[1])), None), (2, x), None, 4)[0]

    assert reads(forwarded(by_two, X)) == 1


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-3, 14),
    st.sampled_from([-2, -1, 1, 2, 3]),
    st.integers(2, 9),
    st.lists(st.integers(-6, 6), min_size=1, max_size=3),
    st.integers(-3, 3),
    st.booleans(),
)
def test_random_recurrences(
    start: int, step: int, length: int, offsets: list[int], at: int, adds: bool
) -> None:
    """In bounds or not, forwards or backwards."""

    def program(x: Any) -> Any:
        def body(carry: Any, _: None) -> Any:
            i, y = carry
            new = sum(((k + 2) * y[i + o] for k, o in enumerate(offsets)), 1.0)
            place = y.at[i + at]
            after = place.add(new) if adds else place.set(new)
            return (i + step, after), after[i]

        return lax.scan(body, (start, x), None, length)

    x = np.arange(12.0)
    before = jitad.jit(program).trace(x)
    agree(before, optimize(before), x)
    native = jitad.tree_util.tree_leaves(jitad.jit(program)(x))
    for a, b in zip(native, evaluate(before, x), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("transform", ["grad", "jvp", "vmap"])
def test_derivatives_of_recurrences(transform: str) -> None:
    def program(x: Any) -> Any:
        return jnp.sum(
            lax.fori_loop(1, 12, lambda i, y: y.at[i].set(jnp.sin(y[i - 1]) + y[i]), x) ** 2
        )

    run = {
        "grad": jitad.grad(program),
        "jvp": lambda x: jitad.jvp(program, (x,), (x,)),
        "vmap": lambda x: jitad.vmap(program)(jnp.stack([x, x * x])),
    }[transform]
    before = jitad.jit(run).trace(X)
    got = jitad.tree_util.tree_leaves(jitad.jit(run)(X))
    for a, b in zip(got, evaluate(before, X), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def loop_step(program: Callable[..., Any], *arrays: Any) -> Loop:
    plan = plan_graph(optimize(jitad.jit(program).trace(*arrays)))
    (step,) = [step for step in plan.steps if isinstance(step, Loop)]
    return step


@pytest.mark.parametrize("rows", [X, np.stack([X, X * X], 1), np.stack([X] * 40, 1)])
def test_what_a_loop_writes_is_not_copied_before(rows: Any) -> None:
    """The rows before the first and behind the last are; reads are of the operand."""

    def forwards(x: Any) -> Any:
        return lax.fori_loop(2, 9, lambda i, y: y.at[i].set(y[i] * 2.0 - y[i + 1]), x)

    def backwards(x: Any) -> Any:
        return lax.fori_loop(0, 9, lambda i, y: y.at[10 - i].set(y[9 - i] + y[10 - i]), x)

    for program, covered in ((forwards, (2, 9)), (backwards, (2, 11))):
        step = loop_step(program, rows)
        assert covered in step.carry.covered
        assert len(step.consts) == 1
        before = jitad.jit(program).trace(rows)
        np.testing.assert_array_equal(jitad.jit(program)(rows), evaluate(before, rows)[0])


def test_what_a_loop_reads_of_its_own_is_copied() -> None:
    def behind(x: Any) -> Any:
        return lax.fori_loop(5, 9, lambda i, y: y.at[i].set(y[i] + y[i - 5]), x)

    def skipping(x: Any) -> Any:
        def step(c: Any, _: None) -> Any:
            return (c[0] + 2, c[1].at[c[0]].set(c[1][c[0]] * 2.0)), None

        return lax.scan(step, (1, x), None, 5)[0][1]

    for program in (behind, skipping):
        assert not any(loop_step(program, X).carry.covered)
        before = jitad.jit(program).trace(X)
        np.testing.assert_array_equal(jitad.jit(program)(X), evaluate(before, X)[0])
