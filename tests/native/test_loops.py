"""Loops and branches in machine code, against the reference interpreter."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jitad
from jitad_ir import ops
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.native.link import Image
from jitad_ir.native.program import compile_graph, emit_program
from jitad_ir.passes.pipeline import optimize
from jitad_ir.plan import Kernel, elements, plan_graph, spread
from jitad_ir.plan.structures import Loop, WhileLoop
from jitad_ir.types import parse_type
from tests.native.random_loops import RandomLoops
from tests.native.random_programs import arguments
from tests.native.test_kernels import guarded_call


def region(types: Sequence[str], program: Callable[..., Any], name: str = "body") -> Graph:
    """The graph of a function of values of these types."""
    builder = Builder(name)
    inputs = [builder.input(parse_type(t)) for t in types]
    with building(builder):
        outputs = program(*inputs)
    return builder.build(list(outputs))


def scan(body: Graph, consts: int, carries: int, length: int, **params: Any) -> Graph:
    """A graph that is one scan."""
    builder = Builder("main")
    settled = {"reverse": False, "unroll": 1} | params
    operands: list[Value] = []
    for k, type in enumerate(body.input_types):
        stacked = type if k < consts + carries else type.with_shape((length, *type.shape))
        operands.append(builder.input(stacked))
    with building(builder):
        outs = ops.scan(
            *operands, regions=(body,), length=length, consts=consts, carries=carries, **settled
        )
    return builder.build(outs)


def check(graph: Graph, arrays: Sequence[Any]) -> None:
    """Native code gives what the interpreter gives, to the bit."""
    expected = evaluate(graph, *arrays)
    got = guarded_call(compile_graph(graph), list(arrays))
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(params=["registers", "memory"])
def carries_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where small carries live."""
    if request.param == "memory":
        monkeypatch.setattr(elements, "SMALL", 0)
    return request.param


@pytest.mark.parametrize("small", [elements.SMALL, 3, 0])
@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["f64", "f32", "i64", "i8"]))
def test_random_loops(small: int, data: st.DataObject, dtype: str) -> None:
    def draw(n: int) -> int:
        return data.draw(st.integers(0, n - 1))

    graph = RandomLoops(draw, dtype, depth=2).grow(1 + draw(3), 2 + draw(9))
    arrays = arguments(graph, seed=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elements, "SMALL", small)
        check(graph, arrays)
        check(optimize(graph), arrays)


@pytest.mark.parametrize("length", [0, 1, 2, 7, 8])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("unroll", [1, 3, 100])
def test_scan_of_every_dtype(carries_in: str, length: int, reverse: bool, unroll: int) -> None:
    def body(c: Value, x: Value, n: Value, flag: Value, z: Value, none: Value, row: Value) -> Any:
        grown = ops.add(ops.mul(x, c), row)
        return (
            grown,
            ops.add(n, 1),
            ops.bitwise_not(flag),
            ops.mul(z, ops.full(value=1j, shape=(2,), dtype=z.dtype)),
            none,
            x,
            flag,
            z,
            n,
        )

    types = ["f64[3]", "f64[3]", "i32[]", "bool[2]", "c128[2]", "f32[0]", "f64[3]"]
    graph = scan(region(types, body), 1, 5, length, reverse=reverse, unroll=unroll)
    arrays = [
        np.array([2.0, -1.0, 0.5]),
        np.array([1.0, 2.0, 3.0]),
        np.int32(4),
        np.array([True, False]),
        np.array([1 + 2j, 3 - 1j]),
        np.zeros(0, np.float32),
        np.arange(3.0 * length).reshape(length, 3),
    ]
    check(graph, arrays)


@pytest.mark.parametrize("length", [0, 1, 5])
def test_scan_without_carry_or_results(carries_in: str, length: int) -> None:
    check(scan(region(["f64[2]"], lambda x: (ops.neg(x),)), 0, 0, length), [np.ones((length, 2))])
    check(scan(region(["f64[2]"], lambda x: ()), 0, 0, length), [np.ones((length, 2))])
    check(scan(region(["f64[2]"], lambda x: (x,)), 0, 1, length), [np.ones(2)])


def test_carries_that_change_places(carries_in: str) -> None:
    graph = scan(region(["f64[2]", "f64[2]"], lambda a, b: (b, a, a)), 0, 2, 5)
    check(graph, [np.array([1.0, 2.0]), np.array([3.0, 4.0])])


def _while(limit: float, carry: np.ndarray[Any, Any]) -> None:
    shape = f"f64[{len(carry)}]"
    condition = region(
        ["f64[]", shape], lambda c, s: (ops.lt(ops.reduce_sum(s, axes=(0,)), c),), "condition"
    )
    up = region(["f64[]", shape], lambda c, s: (ops.add(s, 1), s, ops.neg(s)), "up")
    down = region(
        ["f64[]", "f64[]", shape, shape],
        lambda c, t, s, u: (ops.add(ops.mul(t, 0.5), ops.reduce_sum(s, axes=(0,))), t),
        "down",
    )
    again = region(
        ["f64[]", "f64[]", shape, shape, "f64[]"],
        lambda c, t, s, u, v: (ops.add(ops.mul(t, 0.25), v),),
        "again",
    )
    builder = Builder("main")
    c, s, t, u = [builder.input(parse_type(x)) for x in ("f64[]", shape, "f64[]", "f64[]")]
    with building(builder):
        outs = ops.while_loop(
            c,
            s,
            t,
            u,
            regions=(condition, up, down, again),
            consts=1,
            carries=(1, 1, 1),
            upwards=(True, False, True),
        )
    check(builder.build(outs), [np.float64(limit), carry, np.float64(0), np.float64(1)])


@pytest.mark.parametrize("limit", [-1.0, 0.5, 9.0, 5000.0])
def test_sweeps_over_a_tape(carries_in: str, limit: float) -> None:
    """The tape starts empty, holds one row, and grows several times."""
    _while(limit, np.array([0.25, 0.0]))
    _while(limit, np.zeros(50))


def with_large_tape(s: Value, t: Value) -> tuple[Value, ...]:
    """A loop, while s < 9, for whose tape there is no memory."""
    condition = region(["f64[]"], lambda s: (ops.lt(s, 9.0),), "condition")
    wide = (1 << 45,)
    up = region(["f64[]"], lambda s: (ops.add(s, 1.0), ops.broadcast(s, shape=wide, dims=())), "up")
    down = region(
        ["f64[]", f"f64[{wide[0]}]"],
        lambda t, s: (
            ops.add(t, ops.reshape(ops.slice(s, start=(0,), limit=(1,), stride=(1,)), shape=())),
        ),
        "down",
    )
    return ops.while_loop(
        s,
        t,
        regions=(condition, up, down),
        consts=0,
        carries=(1, 1),
        upwards=(True, False),
    )


def test_no_memory_for_a_tape_is_an_error() -> None:
    program = compile_graph(region(["f64[]", "f64[]"], with_large_tape))
    with pytest.raises(MemoryError):
        program(np.float64(0), np.float64(0))
    assert program(np.float64(10), np.float64(3)) == (10.0, 3.0), "no step, no tape"


@pytest.mark.parametrize("depth", [1, 2])
def test_no_memory_in_a_part_is_an_error(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a loop that threads share, and in one within it: the other parts come to their end."""
    monkeypatch.setattr(spread, "WORTH", 0.0)
    monkeypatch.setattr(spread, "PART", 1e-6)
    graph = region(["f64[]", "f64[]"], with_large_tape)
    for level in range(depth):
        graph = scan(graph, 0, 0, 7 + level)
    program = compile_graph(graph)
    s, t = (np.full(graph.inputs[0].shape, x) for x in (10.0, 3.0))
    for threads in (1, 3):
        with jitad.threads(threads):
            for _ in range(3):
                s.flat[4] = 0.0
                with pytest.raises(MemoryError):
                    program(s, t)
                s.flat[4] = 10.0
                for got, expected in zip(program(s, t), (s, t), strict=True):
                    np.testing.assert_array_equal(got, expected)


def _set(n: int) -> Graph:
    """x[i] = 2 x[i] + 1 for each i."""
    at = {"axes": (0,), "batch": 0, "mode": "clip"}

    def body(x: Value, i: Value) -> Any:
        old = ops.gather(x, i, sizes=(1,), fill=0, **at)
        new = ops.add(ops.mul(old, 2.0), 1.0)
        return ops.scatter(x, new, i, unique=True, **at), ops.add(i, 1)

    return scan(region([f"f64[{n}]", "i64[]"], body), 0, 2, n)


def test_updates_of_a_carry_are_in_place() -> None:
    (loop,) = plan_graph(_set(1000)).steps
    assert isinstance(loop, Loop)
    assert loop.body.in_place == {0: 0}
    assert loop.carry.spares[0] is None
    check(_set(100), [np.arange(100.0), np.int64(0)])


def test_what_was_there_before_an_update_is_read_before_it() -> None:
    """The difference of new and old: the old element does not keep the whole old array."""
    at = {"axes": (0,), "batch": 0, "mode": "clip"}

    def body(x: Value, i: Value) -> Any:
        old = ops.gather(x, i, sizes=(1,), fill=0, **at)
        y = ops.scatter(x, ops.mul(old, 3.0), i, unique=True, **at)
        new = ops.gather(y, ops.add(i, 0), sizes=(1,), fill=0, **at)
        return y, ops.add(i, 1), ops.sub(new, old)

    graph = scan(region(["f64[100]", "i64[]"], body), 0, 2, 100)
    (loop,) = plan_graph(graph).steps
    assert isinstance(loop, Loop)
    assert loop.body.in_place == {0: 0}
    check(graph, [np.arange(100.0), np.int64(0)])


def test_branches_leave_a_carry_where_it_is() -> None:
    """A branch that updates, one that does not, and one that does so by a loop."""
    at = {"axes": (0,), "batch": 0, "mode": "clip"}

    def update(x: Value, i: Value) -> Any:
        one = ops.full(value=1, shape=(1,), dtype=x.dtype)
        return (ops.scatter(x, one, i, unique=True, **at),)

    inner = region(["f64[100]", "i64[]"], lambda x, i: (*update(x, i), ops.add(i, 7)))

    def repeated(x: Value, i: Value) -> Any:
        return ops.scan(
            x, i, regions=(inner,), length=3, reverse=False, consts=0, carries=2, unroll=1
        )[:1]

    types = ["f64[100]", "i64[]"]
    regions = (
        region(types, update, "update"),
        region(types, lambda x, i: (x,), "keep"),
        region(types, repeated, "repeat"),
    )

    def body(x: Value, i: Value) -> Any:
        return (
            *ops.branch(ops.rem(i, 3), x, i, regions=regions),
            ops.add(i, 1),
        )

    graph = scan(region(types, body), 0, 2, 50)
    (loop,) = plan_graph(graph).steps
    assert isinstance(loop, Loop)
    assert loop.body.in_place == {0: 0}
    assert not any(isinstance(step, Kernel) and step.lengths for step in loop.body.steps)
    check(graph, [np.zeros(100), np.int64(0)])


def test_time_of_updates_is_linear() -> None:
    def seconds(n: int) -> float:
        program = compile_graph(_set(n))
        x, best = np.ones(n), np.inf
        for _ in range(5):
            start = time.perf_counter()
            program(x, np.int64(0))
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds(200_000) < 60 * seconds(10_000), "20 times the updates"


def code_size(image: Image) -> int:
    return len(image.flat.code) if image.flat else sum(map(len, image.objects))


def test_code_does_not_grow_with_the_length() -> None:
    body = region(["f64[3]", "f64[3]"], lambda s, x: (ops.add(ops.sin(s), x), s))
    programs = [compile_graph(scan(body, 0, 1, n)) for n in (10, 10**6)]
    sizes = [code_size(p.executable.image) for p in programs]
    assert sizes[0] == sizes[1]


def test_small_bodies_are_straight_and_have_no_buffers() -> None:
    body = region(["f64[3]", "f64[3]"], lambda s, x: (ops.add(ops.sin(s), x), s))
    plan = plan_graph(scan(body, 0, 1, 100))
    (loop,) = plan.steps
    assert isinstance(loop, Loop)
    assert loop.body.straight
    assert plan.workspace_bytes == 0


@pytest.mark.parametrize("length", [200, 2000])
def test_long_folds_are_loops(length: int) -> None:
    """A number is all that is left of each row, but it takes a while."""
    body = region([f"f64[{length}]"], lambda x: (ops.reduce_sum(x, axes=(0,)),))
    (loop,) = plan_graph(scan(body, 0, 0, 100)).steps
    assert isinstance(loop, Loop)
    assert loop.body.straight == (length == 200)


def test_plans_inside_are_printed() -> None:
    body = region(["f64[3]", "f64[3]"], lambda s, x: (ops.add(ops.sin(s), x), s))
    text = plan_graph(scan(body, 0, 1, 100, reverse=True)).text()
    assert "loop of 100 steps backwards" in text
    assert "sin(%" in text


def test_tape_rows_are_aligned() -> None:
    condition = region(["bool[]"], lambda s: (s,))
    up = region(["bool[]"], lambda s: (ops.bitwise_not(s), s))
    builder = Builder("main")
    flag = builder.input(parse_type("bool[]"))
    down = region(["bool[]", "bool[]"], lambda t, s: (ops.bitwise_or(t, s),))
    with building(builder):
        outs = ops.while_loop(
            flag,
            flag,
            regions=(condition, up, down),
            consts=0,
            carries=(1, 1),
            upwards=(True, False),
        )
    graph = builder.build(outs)
    (step,) = plan_graph(graph).steps
    assert isinstance(step, WhileLoop)
    assert step.tape() == ([[0], []], 16)
    check(graph, [np.bool_(True)])


def test_large_bodies_are_functions() -> None:
    def body(u: Value) -> list[Value]:
        parts = [ops.slice(u, start=(k,), limit=(k + 1,), stride=(1,)) for k in range(12)]
        for _ in range(30):
            parts = [
                ops.sin(ops.mul(a, b)) for a, b in zip(parts, parts[1:] + parts[:1], strict=True)
            ]
        return [ops.concatenate(*parts, axis=0)]

    graph = scan(region(["f64[12]"], body), 0, 1, 40)
    module, _, _ = emit_program(plan_graph(graph), [])
    names = [f.name for f in module.functions]
    assert any(name.startswith("jitad.steps") for name in names), names
    x = np.random.default_rng(0).uniform(0.5, 1.5, 12)
    (got,) = compile_graph(graph)(x)
    (expected,) = evaluate(graph, x)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
