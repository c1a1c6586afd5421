"""Kernels that overwrite what they read, and temporaries in the memory of results."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad_ir import ops, workers
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.native import parallel as native_parallel
from jitad_ir.native import schedule
from jitad_ir.native.program import Program, compile_graph
from jitad_ir.passes.pipeline import optimize
from jitad_ir.plan import Kernel, RoutineCall, memory, parallel, reuse
from jitad_ir.plan.structures import Loop, nested
from jitad_ir.types import DTYPES, ArrayType
from tests.native.random_loops import RandomLoops
from tests.native.random_programs import RandomProgram, arguments


@pytest.fixture(autouse=True)
def arrays_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse, "LEAST_BYTES", 0)
    monkeypatch.setattr(reuse, "LEAST_CARRY", 0)
    monkeypatch.setattr(memory, "LEAST_HOSTED", 0)


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """With two threads, all kernels are shared out, in parts as small as can be."""
    before = workers.limit()
    workers.set_limit(request.param)
    if request.param == 2:
        monkeypatch.setattr(parallel, "WORTH", 0.0)
        monkeypatch.setattr(native_parallel, "PART", 1.0)
    yield request.param
    workers.set_limit(before)


def in_place(program: Program) -> int:
    """Kernels that overwrite what they read."""
    kernels = [s for p in nested(program.plan) for s in p.steps if isinstance(s, Kernel)]
    return sum(not set(k.reads).isdisjoint(k.writes) for k in kernels)


def hosted(program: Program) -> int:
    """Temporaries that lie in results."""
    return sum(b.host is not None for b in program.plan.buffers)


def check(graph: Graph, seed: int = 0, times: int = 1) -> Program:
    """Native code gives what the interpreter gives, to the bit."""
    arrays = arguments(graph, seed)
    program = compile_graph(graph)
    expected = evaluate(graph, *arrays)
    for _ in range(times):
        for a, b in zip(program(*arrays), expected, strict=True):
            np.testing.assert_array_equal(a, b)
    return program


def build(types: list[tuple[str, tuple[int, ...]]], program: Callable[..., list[Value]]) -> Graph:
    builder = Builder("f")
    inputs = [builder.input(ArrayType(DTYPES[dtype], shape)) for dtype, shape in types]
    with building(builder):
        outputs = program(*inputs)
    return builder.build(outputs)


def less_mean(x: Value, axis: int) -> Value:
    """x less the sum along an axis: x is in memory, the result may take its place."""
    dims = tuple(k for k in range(x.ndim) if k != axis)
    total = ops.reduce_sum(x, axes=(axis,))
    return ops.sub(x, ops.broadcast(total, shape=x.shape, dims=dims))


DTYPES_TRIED = ("f64", "f32", "i64", "i32", "i8", "c128", "c64")


@pytest.mark.parametrize("dtype", DTYPES_TRIED)
def test_every_length_around_the_width_of_vectors(dtype: str, threads: int) -> None:
    lengths = [*range(9, 71), 127, 129, 1000]

    def program(*xs: Value) -> list[Value]:
        # A running fold keeps y in memory; the last kernel reads it where it writes.
        return [less_mean(ops.cumsum(x, axis=0, reverse=False), 0) for x in xs]

    program = check(build([(dtype, (n,)) for n in lengths], program), times=3)
    assert in_place(program) >= len(lengths)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("columns", [9, 15, 16, 17, 31, 32, 33, 63, 65, 100])
def test_rows_and_columns(axis: int, columns: int, threads: int) -> None:
    """A kernel that folds what it stores: of columns next to each other, or of rows."""

    def program(x: Value) -> list[Value]:
        y = less_mean(ops.cumsum(x, axis=axis, reverse=False), axis)
        z = ops.mul(y, y)
        return [less_mean(z, axis), ops.reduce_max(z, axes=(0,))]

    assert in_place(check(build([("f64", (37, columns))], program), times=3))


@pytest.mark.parametrize("rows", [16, 17, 23, 24, 31, 40])
@pytest.mark.parametrize("columns", [16, 19, 33, 64])
def test_tiles_of_a_transpose(
    rows: int, columns: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "TILED_SIZE", 1)

    def program(x: Value, y: Value) -> list[Value]:
        z = less_mean(ops.cumsum(x, axis=1, reverse=False), 1)
        return [ops.add(z, ops.transpose(y, permutation=(1, 0)))]

    graph = build([("f64", (rows, columns)), ("f64", (columns, rows))], program)
    assert in_place(check(graph, times=3))


def test_bools_and_what_is_stored_beside() -> None:
    def program(*xs: Value) -> list[Value]:
        found: list[Value] = []
        for x in xs:
            y = ops.cumsum(x, axis=0, reverse=False)
            top = ops.broadcast(ops.reduce_max(y, axes=(0,)), shape=x.shape, dims=())
            flags = ops.lt(y, top)
            found += [flags, ops.sub(y, top)]
        return found

    assert in_place(check(build([("f64", (n,)) for n in range(2, 40)], program)))


def test_a_temporary_lies_in_a_result_that_is_written_later() -> None:
    def program(x: Value) -> list[Value]:
        y = ops.cumsum(x, axis=0, reverse=False)
        z = ops.sub(y, ops.transpose(y, permutation=(1, 0)))
        return [ops.dot(z, x, contract=((1,), (0,)), batch=((), ()))]

    program = check(build([("f64", (40, 40))], program))
    assert hosted(program)
    assert program.plan.workspace_bytes < 2 * 40 * 40 * 8 + 64


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("columns", [96, 100, 127, 130, 201])
def test_rows_of_a_loop(columns: int, reverse: bool, threads: int) -> None:
    region = Builder("row")
    row = region.input(ArrayType(DTYPES["f64"], (columns,)))
    with building(region):
        results = [less_mean(less_mean(row, 0), 0), ops.reduce_sum(row, axes=(0,))]
    step = region.build(results)

    def program(x: Value) -> list[Value]:
        y = ops.linear_recurrence(x, x, axis=0, reverse=False)
        return list(
            ops.scan(
                ops.abs(y),
                consts=0,
                carries=0,
                length=20,
                reverse=reverse,
                unroll=1,
                regions=(step,),
            )
        )

    graph = build([("f64", (20, columns))], program)
    arrays = [np.random.default_rng(0).integers(-1, 2, (20, columns)).astype("f8")]
    program = compile_graph(graph)
    loop = program.plan.steps[-1]
    assert isinstance(loop, Loop) and loop.body.in_place
    for a, b in zip(program(*arrays), evaluate(graph, *arrays), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shape", [(12, 12), (60, 60), (5, 20, 20), (300, 24, 24)])
@pytest.mark.parametrize("dtype", ["f64", "c64"])
def test_factors_and_solutions(shape: tuple[int, ...], dtype: str) -> None:
    """Routines that work where their result lies overwrite an operand that dies."""
    n = shape[-1]
    options = dict(lower=True, transpose_a=False, conjugate_a=False, unit_diagonal=False)

    def program(x: Value) -> list[Value]:
        y = ops.linear_recurrence(ops.sub(x, x), x, axis=0, reverse=False)  # x, in memory
        low = ops.cholesky(ops.add(y, y))
        z = ops.linear_recurrence(ops.sub(x, x), ops.neg(x), axis=0, reverse=False)
        return [low, ops.triangular_solve(low, z, **options)]

    program = compile_graph(build([(dtype, shape)], program))
    calls = [s for s in program.plan.steps if isinstance(s, RoutineCall)]
    in_place = [c.equation.op.name for c in calls if not set(c.reads).isdisjoint(c.results)]
    assert {"cholesky", "triangular_solve"} <= set(in_place)
    rng = np.random.default_rng(0)
    a = rng.uniform(-1, 1, shape).astype(DTYPES[dtype])
    if dtype == "c64":
        a = a + 1j * rng.uniform(-1, 1, shape).astype("f4")
    x = (a @ np.swapaxes(a.conj(), -1, -2) + n * np.eye(n)).astype(DTYPES[dtype])
    low = np.linalg.cholesky(2 * x.astype("c16"))
    tolerance = 1e-4 if dtype == "c64" else 1e-12
    found, solved = program(x)
    np.testing.assert_allclose(found, low, rtol=tolerance, atol=tolerance * n)
    expected = np.linalg.solve(low, -x.astype("c16"))
    np.testing.assert_allclose(solved, expected, rtol=tolerance, atol=tolerance * n)


def transform(x: Value, count: int = 1, kind: str = "fft") -> list[Value]:
    return [ops.fft(x, kind=kind, lengths=x.shape[x.ndim - count :])]


def solution(x: Value) -> list[Value]:
    dims = tuple(range(x.ndim))
    n = x.shape[-1]
    unit = ops.broadcast(ops.constant(value=4.0 * np.eye(n)), shape=x.shape, dims=dims[-2:])
    return [ops.solve(ops.add(unit, ops.neg(x)), x)]


def ordered(x: Value, axis: int) -> list[Value]:
    return [ops.sort(x, axis=axis, num_keys=1, descending=False)[0]]


ROUTINES: dict[str, tuple[str, list[tuple[int, ...]], Callable[[Value], list[Value]]]] = {
    "fft": ("c128", [(64, 12), (3, 60), (2, 1 << 17), (1, 997), (40, 128)], transform),
    "ifft of two axes": ("c64", [(16, 12, 10), (1, 5, 7)], lambda x: transform(x, 2, "ifft")),
    "recurrence": (
        "f64",
        [(40, 3), (1, 90), (7, 33)],
        lambda x: [
            ops.linear_recurrence(ops.sin(x), x, axis=1, reverse=False),
            ops.linear_recurrence(ops.cos(x), ops.neg(x), axis=0, reverse=True),
        ],
    ),
    "lu": ("f64", [(12, 12), (3, 20, 9), (300, 10, 14)], lambda x: list(ops.lu(x))),
    "qr": ("f64", [(12, 12), (3, 20, 9)], lambda x: list(ops.qr(x, full_matrices=False))),
    "qr, R": ("c64", [(9, 14)], lambda x: list(ops.qr(x, full_matrices=False))),
    "svd": (
        "f64",
        [(12, 12), (3, 20, 9), (9, 20)],
        lambda x: list(ops.svd(x, full_matrices=False, compute_uv=True)),
    ),
    "eigh": ("c128", [(12, 12), (200, 5, 5)], lambda x: list(ops.eigh(x, vectors=True))),
    "eig": ("c128", [(12, 12), (3, 1, 1)], lambda x: list(ops.eig(x, vectors=True))),
    "solve": ("f64", [(12, 12), (200, 10, 10)], solution),
    "sort of rows": ("f64", [(70, 300), (64, 5000)], lambda x: ordered(x, 1)),
    "sort of columns": ("f32", [(300, 3), (900, 70), (20, 9)], lambda x: ordered(x, 0)),
    "sort of complex rows": ("c128", [(70, 60), (64, 300)], lambda x: ordered(x, 1)),
}


@pytest.mark.parametrize("name", ROUTINES)
def test_routines_give_the_same_apart(
    name: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit, whether the result takes the place of the operand or not."""
    dtype, shapes, routine = ROUTINES[name]
    for shape in shapes:

        def program(x: Value) -> list[Value]:
            zero = ops.full(value=0, shape=x.shape, dtype=x.dtype)
            return routine(ops.linear_recurrence(zero, x, axis=0, reverse=False))  # x, in memory

        graph = build([(dtype, shape)], program)
        rng = np.random.default_rng(len(shape))
        x = rng.uniform(-1, 1, shape)
        if dtype.startswith("c"):
            x = x + 1j * rng.uniform(-1, 1, shape)
        x = x.astype(DTYPES[dtype])
        found = compile_graph(graph)
        last = found.plan.steps[-1]
        assert isinstance(last, RoutineCall) and not set(last.reads).isdisjoint(last.results)
        with monkeypatch.context() as patch:
            patch.setattr(reuse, "LEAST_BYTES", 1 << 40)
            apart = compile_graph(graph)
        assert apart.plan.memory_bytes >= found.plan.memory_bytes
        for a, b in zip(found(x), apart(x), strict=True):
            np.testing.assert_array_equal(a, b)


def test_rows_that_are_transformed_twice_keep_their_memory() -> None:
    """Eight rows go side by side: the last eight of 37 cover some of those before."""

    def program(x: Value) -> list[Value]:
        return transform(ops.linear_recurrence(x, x, axis=0, reverse=False))

    plan = compile_graph(build([("c128", (37, 12))], program)).plan
    (call,) = [s for s in plan.steps if isinstance(s, RoutineCall) and s.equation.op.name == "fft"]
    assert set(call.reads).isdisjoint(call.results)


def iterated(step: Callable[[Any], Any], length: int = 7) -> Callable[[Any], Any]:
    return lambda x: lax.fori_loop(0, length, lambda _, carry: step(carry), x)


CARRIES: dict[str, Callable[[Any], Any]] = {
    "elementwise": iterated(lambda x: x + 0.1 * jnp.sin(x)),
    "folds": iterated(lambda x: jnp.exp(x - jnp.max(x, axis=0))),
    "several": lambda x: iterated(lambda c: (c[0] + 0.1 * c[1], c[1] - 0.1 * c[0]))((x, 2 * x)),
    "exchanged": lambda x: iterated(lambda c: (jnp.cos(c[1]), jnp.sin(c[0])))((x, 2 * x)),
    "an update": iterated(lambda x: jnp.cumsum(x.at[3].set(0.5), axis=0) * 0.9),
    "loops inside": iterated(lambda x: iterated(jnp.sin)(x) * 1.5),
    "as long as it takes": lambda x: lax.while_loop(
        lambda y: jnp.max(jnp.abs(y)) < 50, lambda y: y * 1.7, x
    ),
    "rows kept": lambda x: lax.scan(lambda c, _: (jnp.sin(c) + c, c), x, None, length=5),
    "gradient": jitad.grad(lambda x: jnp.sum(iterated(lambda y: y + jnp.sin(y) * 0.1)(x) ** 2)),
}


@pytest.mark.parametrize("shape", [(37, 19), (300, 301)])
@pytest.mark.parametrize("name", CARRIES)
def test_carries_give_the_same_apart(
    name: str, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit, in one buffer or in two, on any number of threads."""
    x = np.random.default_rng(0).uniform(-1, 1, shape)
    graph = optimize(jitad.make_ir(CARRIES[name])(x))
    found = compile_graph(graph)
    with monkeypatch.context() as patch:
        patch.setattr(reuse, "LEAST_CARRY", 1 << 40)
        apart = compile_graph(graph)
    assert apart.plan.memory_bytes > found.plan.memory_bytes
    expected = apart(x)
    for count in (1, 2, 3, 7):
        with jitad.threads(count):
            for a, b in zip(found(x), expected, strict=True):
                np.testing.assert_array_equal(a, b)


class RandomChains(RandomProgram):
    """Chains of what does not become one kernel: folds of a value that are combined with it."""

    def shape(self) -> tuple[int, ...]:
        ndim = 1 + self.draw(3)
        if ndim == 1:
            return (1 + self.draw(140),)
        rows = 1 + self.draw(40)
        return (rows, 1 + self.draw(70)) if ndim == 2 else (2, 1 + rows // 4, 1 + self.draw(40))

    def equation(self) -> Value:
        kinds = (self.binary, self.unary, self.comparison, self.transpose, self.dear)
        kinds += (self.running, self.routine, self.reshape, self.slice, self.concatenate)
        kinds += (self.folded,) * 4
        return kinds[self.draw(len(kinds))]()

    def folded(self) -> Value:
        x = self.pick()
        axes = tuple(a for a in range(x.ndim) if self.draw(2))
        op = (ops.reduce_sum, ops.reduce_max, ops.reduce_min)[self.draw(3)]
        if 0 in x.shape:
            op = ops.reduce_sum
        dims = tuple(a for a in range(x.ndim) if a not in axes)
        row = ops.broadcast(self.bounded(op(x, axes=axes)), shape=x.shape, dims=dims)
        return self.bounded((ops.sub, ops.mul, ops.add)[self.draw(3)](x, row))


@pytest.mark.parametrize("kind", [RandomProgram, RandomChains])
@pytest.mark.parametrize("dtype", ["f64", "f32", "i64", "i8"])
def test_random_programs(kind: type[RandomProgram], dtype: str, threads: int) -> None:
    kernels = results = 0
    for seed in range(25):
        draw = random.Random(seed).randrange
        graph = kind(draw, dtype).grow(1 + draw(3), 3 + draw(14))
        program = check(graph, seed)
        kernels += in_place(program)
        results += hosted(program)
    assert results
    assert kernels or kind is RandomProgram


@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_random_loops(dtype: str) -> None:
    kernels = 0
    for seed in range(30):
        draw = random.Random(seed).randrange
        graph = RandomLoops(draw, dtype, 2, max_size=400).grow(1 + draw(3), 2 + draw(12))
        kernels += in_place(check(graph, seed))
    assert kernels


def test_large_arrays_on_several_threads() -> None:
    """As they are: parts of other threads write next to what a part must not compute twice."""

    def program(x: Value) -> list[Value]:
        y = less_mean(ops.cumsum(x, axis=0, reverse=False), 1)
        return [ops.mul(y, y), less_mean(ops.abs(y), 0)]

    graph = build([("i64", (1001, 1013))], program)
    program = check(graph, times=5)
    assert in_place(program)
    assert "on several threads" in str(program.plan)
