"""Kernels in machine code: against the reference interpreter, at every length around the vector
widths, with memory that must not be touched around each array."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitad_ir import ops
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, building
from jitad_ir.native import schedule as schedule_module
from jitad_ir.native.program import Program, compile_graph, emit_program
from jitad_ir.passes.pipeline import optimize
from jitad_ir.plan import RoutineCall, columns, plan_graph
from jitad_ir.types import DTYPES, ArrayType
from tests.native.random_programs import RandomProgram, arguments

NUMERIC = ("f64", "f32", "i64", "i32", "i16", "i8", "c64", "c128")


def build(types: list[tuple[str, tuple[int, ...]]], program: Any) -> Graph:
    builder = Builder("f")
    inputs = [builder.input(ArrayType(DTYPES[dtype], shape)) for dtype, shape in types]
    with building(builder):
        outputs = program(*inputs)
    return builder.build(outputs if isinstance(outputs, list) else [outputs])


def guarded_call(program: Program, arrays: list[Any]) -> list[Any]:
    """Call with every array between bytes that must keep their value, at its least alignment."""
    plan = program.plan
    fence = 64
    memory: list[tuple[Any, int]] = []

    def place(type: ArrayType) -> Any:
        raw = np.full(type.nbytes + 3 * fence, 0xA5, np.uint8)
        align = type.dtype.itemsize // 2 if type.dtype.kind == "c" else type.dtype.itemsize
        start = fence + -(raw.ctypes.data + fence) % 64 + align % 64
        memory.append((raw, start))
        return np.frombuffer(raw, type.dtype, type.size, start).reshape(type.shape)

    inputs = [place(t) for t in plan.input_types]
    for given_array, array in zip(inputs, arrays, strict=True):
        given_array[...] = array
    outputs = [place(t) for t in plan.output_types]
    workspace = place(ArrayType(DTYPES["u8"], (plan.workspace_bytes + 64,)))
    start = -(-workspace.ctypes.data // 64) * 64
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*inputs, *outputs)]
    assert program._function(*pointers, ctypes.c_void_p(start)) == 0
    types = [*plan.input_types, *plan.output_types]
    for (raw, first), type in zip(memory, types, strict=False):
        assert (raw[:first] == 0xA5).all(), "wrote before an array"
        assert (raw[first + type.nbytes :] == 0xA5).all(), "wrote behind an array"
    for given_array, array in zip(inputs, arrays, strict=True):
        np.testing.assert_array_equal(given_array, array)
    return outputs


def check(graph: Graph, arrays: list[Any]) -> None:
    """Native code gives what the interpreter gives, to the bit."""
    expected = evaluate(graph, *arrays)
    got = guarded_call(compile_graph(graph), arrays)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@settings(max_examples=120)
@given(st.data(), st.sampled_from(["f64", "f32", "i64", "i32", "i8"]))
def test_random_programs(data: st.DataObject, dtype: str) -> None:
    def draw(n: int) -> int:
        return data.draw(st.integers(0, n - 1))

    graph = RandomProgram(draw, dtype).grow(1 + draw(3), 2 + draw(14))
    check(graph, arguments(graph, seed=0))


@pytest.mark.parametrize("dtype", NUMERIC)
def test_elementwise_at_every_length(dtype: str) -> None:
    lengths = [0, *range(1, 71)]

    def program(*xs: Any) -> list[Any]:
        return [ops.sub(ops.mul(x, x), x) for x in xs]

    graph = build([(dtype, (n,)) for n in lengths], program)
    rng = np.random.default_rng(0)
    check(graph, [rng.integers(-5, 6, n).astype(DTYPES[dtype]) for n in lengths])


@pytest.mark.parametrize("dtype", NUMERIC)
def test_sums_at_every_length(dtype: str) -> None:
    lengths = [0, *range(1, 71), 127, 129, 1000, 5000]

    def program(*xs: Any) -> list[Any]:
        return [ops.reduce_sum(ops.mul(x, x), axes=(0,)) for x in xs]

    graph = build([(dtype, (n,)) for n in lengths], program)
    rng = np.random.default_rng(0)
    check(graph, [rng.integers(-5, 6, n).astype(DTYPES[dtype]) for n in lengths])


@pytest.mark.parametrize("dtype", ["f64", "f32", "c64"])
def test_folds_of_functions_at_every_length(dtype: str) -> None:
    lengths = [1, 2, *range(3, 41, 3), 63, 64, 65, 511, 513, 1000, 5000]

    def program(*xs: Any) -> list[Any]:
        found: list[Any] = []
        for x in xs:
            y = ops.exp(x)
            found += [ops.reduce_sum(y, axes=(0,)), ops.reduce_sum(ops.mul(x, y), axes=(0,))]
            if dtype != "c64":
                found.append(ops.reduce_max(ops.tanh(x), axes=(0,)))
                found.append(ops.argmax(y, axis=0))
        return found

    graph = build([(dtype, (n,)) for n in lengths], program)
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(-2, 2, n).astype(DTYPES[dtype]) for n in lengths]
    got = guarded_call(compile_graph(graph), arrays)
    rtol = 1e-13 if dtype == "f64" else 1e-5
    for a, b in zip(got, evaluate(graph, *arrays), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("shape", [(5, 17, 33), (3, 2, 70), (70, 3, 5), (2, 200, 9)])
def test_folds_over_any_axes(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    def program(x: Any) -> list[Any]:
        y = ops.mul(x, x)
        folded = [ops.reduce_sum(y, axes=axes), ops.reduce_max(x, axes=axes), y]
        if len(axes) == 1:
            folded += [ops.argmin(x, axis=axes[0]), ops.cumsum(y, axis=axes[0], reverse=True)]
        return folded

    rng = np.random.default_rng(1)
    for dtype in ("f64", "i16"):
        check(build([(dtype, shape)], program), [rng.integers(-5, 6, shape).astype(DTYPES[dtype])])


ROWS = [(18, 600), (17, 515), (64, 130), (65, 193), (200, 41), (1000, 33), (5000, 35), (3, 40, 77)]


@pytest.fixture
def strips(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Rows of whatever size are folded in strips, of which there are many; the strips' steps."""
    found: list[int] = []
    in_strips = schedule_module._in_strips

    def noted(*args: Any) -> schedule_module.Schedule:
        plan = in_strips(*args)
        found.append(plan.strip)
        return plan

    monkeypatch.setattr(schedule_module, "_in_strips", noted)
    monkeypatch.setattr(schedule_module, "STRIP_BYTES", 512)
    for name, value in {"SMALL": 0, "NARROW": 8, "HUGE": 0}.items():
        monkeypatch.setattr(columns, name, value)
    yield found


@pytest.mark.parametrize("dtype", NUMERIC)
@pytest.mark.parametrize("shape", ROWS)
def test_folds_over_rows_of_many_columns(
    strips: list[int], shape: tuple[int, ...], dtype: str
) -> None:
    rows = len(shape) - 2

    def program(x: Any, y: Any, z: Any) -> list[Any]:
        scale = ops.broadcast(z, dims=(rows + 1,), shape=shape)
        stored = ops.mul(x, scale)
        found = [
            ops.reduce_sum(x, axes=(rows,)),
            ops.reduce_sum(ops.mul(y, y), axes=(rows,)),
            ops.reduce_sum(ops.add(ops.mul(x, y), scale), axes=(rows,)),
            stored,
            ops.reduce_sum(stored, axes=(rows,)),
        ]
        if not dtype.startswith("c"):
            found.append(ops.reduce_max(ops.add(x, y), axes=(rows,)))
        return found

    graph = build([(dtype, shape), (dtype, shape), (dtype, shape[-1:])], program)
    rng = np.random.default_rng(0)
    check(graph, [rng.integers(-3, 4, s).astype(DTYPES[dtype]) for s in (shape, shape, shape[-1:])])
    assert strips


@pytest.mark.usefixtures("strips")
def test_rows_are_scaled_and_folded_in_place() -> None:
    shape = (40, 515)

    def program(x: Any, y: Any, scale: Any) -> list[Any]:
        held = ops.sin(ops.mul(x, y))
        root = ops.reduce_sum(held, axes=(1,))
        rows = ops.broadcast(ops.add(root, scale), dims=(0,), shape=shape)
        scaled = ops.mul(held, rows)
        return [scaled, ops.reduce_sum(scaled, axes=(0,)), ops.reduce_max(scaled, axes=(0,))]

    graph = optimize(build([("f64", shape), ("f64", shape), ("f64", shape[:1])], program))
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s) for s in (shape, shape, shape[:1])]
    for a, b in zip(
        guarded_call(compile_graph(graph), arrays), evaluate(graph, *arrays), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_positions_of_extrema_are_the_first() -> None:
    x = np.array([3.0, 1.0, 7.0, 7.0, 0.0, 0.0] * 50)
    y = x.copy()
    y[[100, 201]] = np.nan

    def program(a: Any) -> list[Any]:
        return [ops.argmax(a, axis=0), ops.argmin(a, axis=0)]

    graph = build([("f64", x.shape)], program)
    check(graph, [x])
    check(graph, [y])


def test_bools() -> None:
    def program(x: Any, y: Any) -> list[Any]:
        less = ops.lt(x, y)
        padded = ops.pad(
            less,
            ops.full(value=True, shape=(), dtype=DTYPES["bool"]),
            low=(3,),
            high=(2,),
            interior=(0,),
        )
        return [
            less,
            ops.bitwise_not(less),
            padded,
            ops.reduce_and(less, axes=(0,)),
            ops.reduce_or(less, axes=(0,)),
            ops.concatenate(less, ops.reverse(less, axes=(0,)), axis=0),
        ]

    for n in (1, 9, 37, 64):
        rng = np.random.default_rng(n)
        arrays = [rng.integers(0, 5, n).astype(np.float64) for _ in range(2)]
        check(build([("f64", (n,))] * 2, program), arrays)


def test_complex_views_and_masks() -> None:
    def program(x: Any) -> list[Any]:
        zero = ops.full(value=1 + 2j, shape=(), dtype=x.dtype)
        return [
            ops.pad(x, zero, low=(2, 1), high=(-1, 3), interior=(1, 0)),
            ops.transpose(x, permutation=(1, 0)),
            ops.concatenate(x, x, axis=1),
            ops.reduce_sum(x, axes=(0,)),
            ops.reverse(x, axes=(1,)),
        ]

    rng = np.random.default_rng(0)
    for dtype in ("c64", "c128"):
        x = rng.integers(-4, 5, (7, 19)) + 1j * rng.integers(-4, 5, (7, 19))
        check(build([(dtype, x.shape)], program), [x.astype(DTYPES[dtype])])


@pytest.mark.parametrize("values", ["random", "equal", "growing"])
def test_long_float32_sums_are_accurate(values: str) -> None:
    n = 10_000_000
    rng = np.random.default_rng(0)
    x = {
        "random": rng.random(n),
        "equal": np.full(n, 0.1),
        "growing": np.linspace(0, 1, n),
    }[values].astype(np.float32)
    program = compile_graph(build([("f32", (n,))], lambda v: ops.reduce_sum(v, axes=(0,))))
    (total,) = program(x)
    exact = x.astype(np.float64).sum()
    assert abs(float(total) - exact) <= 1e-6 * exact


def test_long_column_sums_are_accurate() -> None:
    x = np.full((1_000_000, 3), 0.1, np.float32)
    program = compile_graph(build([("f32", x.shape)], lambda v: ops.reduce_sum(v, axes=(0,))))
    (total,) = program(x)
    np.testing.assert_allclose(total, x.astype(np.float64).sum(axis=0), rtol=1e-6)


@pytest.mark.parametrize("shape", [(1000,), (37, 100), (2000, 5), (9, 11, 13), (300, 140)])
def test_bits_do_not_depend_on_the_width_of_vectors(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def program(x: Any) -> list[Any]:
        last = len(shape) - 1
        return [
            ops.reduce_sum(x, axes=(last,)),
            ops.reduce_sum(x, axes=(0,)),
            ops.reduce_sum(x, axes=tuple(range(len(shape)))),
            ops.cumsum(x, axis=0, reverse=False),
            ops.cumsum(x, axis=last, reverse=True),
            ops.reduce_sum(ops.exp(x), axes=(last,)),
            ops.mul(x, x),
            ops.reduce_sum(ops.mul(x, x), axes=(0,)),
            ops.reduce_sum(ops.sin(x), axes=(0,)),
            ops.reduce_sum(ops.tanh(x), axes=tuple(range(len(shape)))),
        ]

    rng = np.random.default_rng(0)
    for dtype in ("f32", "f64"):
        x = rng.standard_normal(shape).astype(DTYPES[dtype])
        results = []
        for size in (16, 32, 64):
            monkeypatch.setattr(schedule_module, "vector_bytes", lambda size=size: size)
            results.append(
                [a.tobytes() for a in compile_graph(build([(dtype, shape)], program))(x)]
            )
        assert results[0] == results[1] == results[2]


def test_a_program_in_several_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    from jitad_ir.native import program as program_module

    def body(x: Any) -> list[Any]:
        total = ops.reduce_sum(x, axes=(0, 1))
        scaled = ops.mul(x, ops.broadcast(ops.add(total, total), shape=x.shape, dims=()))
        return [scaled, ops.reduce_max(scaled, axes=(1,)), total]

    graph = build([("f64", (30, 17))], body)
    monkeypatch.setattr(program_module, "ONE_FUNCTION", 0)
    rng = np.random.default_rng(0)
    check(graph, [rng.integers(-3, 4, (30, 17)).astype(np.float64)])


def test_steps_that_repeat_are_compiled_once() -> None:
    def body(x: Any) -> Any:
        for _ in range(40):
            total = ops.broadcast(ops.reduce_max(x, axes=(1,)), shape=x.shape, dims=(0,))
            x = ops.sub(ops.add(x, x), total)
        return x

    graph = build([("i64", (20, 30))], body)
    plan = plan_graph(graph)
    module, _, _ = emit_program(plan, [])
    functions = [f for f in module.functions if f.name.startswith("jitad.kernel")]
    assert len(plan.steps) > 40
    assert 1 <= len(functions) <= 6
    check(graph, [np.random.default_rng(0).integers(-5, 6, (20, 30))])


def test_long_kernels_that_are_alike_share_a_function() -> None:
    def body(x: Any, y: Any) -> list[Any]:
        total = ops.reduce_sum(x, axes=(0, 1))  # one number, in a register
        scale = ops.broadcast(total, shape=x.shape, dims=())
        first, second = (ops.mul(ops.reverse(v, axes=(0,)), scale) for v in (x, y))
        return [first, second, ops.dot(first, second, contract=((1,), (0,)), batch=((), ()))]

    graph = build([("f64", (50, 50)), ("f64", (50, 50))], body)
    module, _, _ = emit_program(plan_graph(graph), [])
    functions = [f for f in module.functions if f.name.startswith("jitad.kernel")]
    assert len(functions) == 1
    rng = np.random.default_rng(0)
    check(graph, [rng.integers(-3, 4, (50, 50)).astype(np.float64) for _ in range(2)])


def test_long_inner_products_are_summed_in_blocks() -> None:
    n = 3_000_000
    x = np.random.default_rng(0).random(n, np.float32)
    graph = build(
        [("f32", (n // 3, 3)), ("f32", (n // 3, 3))],
        lambda a, b: ops.dot(a, b, contract=((0, 1), (0, 1)), batch=((), ())),
    )
    (found,) = compile_graph(optimize(graph))(x.reshape(-1, 3), x.reshape(-1, 3))
    expected = np.dot(x.astype(np.float64), x.astype(np.float64))
    assert abs(found - expected) < 1e-6 * expected


def test_routines_that_repeat_are_compiled_once() -> None:
    """Products, of a matrix with itself as well, and updates in place."""

    def body(x: Any, y: Any, at: Any) -> list[Any]:
        rows = []
        for k in range(12):
            roles: dict[str, Any] = {"contract": ((1,), (k % 2,)), "batch": ((), ())}
            x = ops.sub(ops.dot(x, y, **roles), ops.dot(x, x, **roles))
            x = ops.rem(x, ops.full(value=5, shape=x.shape, dtype=x.dtype))
            row = ops.reduce_sum(x, axes=(0,))
            window = ops.reshape(row, shape=(1, 3))
            y = ops.dynamic_update_slice(y, window, at, at)
            rows.append(row)
        return [x, y, *rows]

    graph = build([("f64", (3, 3)), ("f64", (3, 3)), ("i64", ())], body)
    plan = plan_graph(graph)
    module, _, _ = emit_program(plan, [])
    routines = [f for f in module.functions if f.name.startswith("jitad.routine")]
    calls = [step for step in plan.steps if isinstance(step, RoutineCall)]
    assert len(calls) >= 24
    assert 3 <= len(routines) <= 6
    rng = np.random.default_rng(0)
    arrays = [rng.integers(-3, 4, (3, 3)).astype(np.float64) for _ in range(2)]
    check(graph, [*arrays, np.array(1)])


def test_few_routines_are_emitted_in_their_place() -> None:
    def body(x: Any) -> Any:
        for _ in range(8):
            x = ops.dot(x, x, contract=((1,), (0,)), batch=((), ()))
        return x

    module, _, _ = emit_program(plan_graph(build([("f64", (2, 2))], body)), [])
    assert not any(f.name.startswith("jitad.routine") for f in module.functions)


def test_constants_of_the_graph() -> None:
    table = np.arange(200.0).reshape(20, 10)

    def program(x: Any) -> Any:
        return ops.add(x, ops.constant(value=table[::2].T))

    check(build([("f64", (10, 10))], program), [np.ones((10, 10))])


def test_arguments_are_checked() -> None:
    program = compile_graph(build([("f64", (3,))], lambda x: ops.neg(x)))
    with pytest.raises(TypeError, match="expected 1 arrays; got 2"):
        program(np.zeros(3), np.zeros(3))
    with pytest.raises(TypeError, match=r"input 0 must be f64\[3\]; got f32\[3\]"):
        program(np.zeros(3, np.float32))
    np.testing.assert_array_equal(program(np.arange(6.0)[::2])[0], [0, -2, -4])
