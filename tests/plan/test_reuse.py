"""Results in the memory of dying operands, temporaries in that of results; what a call takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad.nn import softmax
from jitad_ir import ops
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.plan import InvalidPlan, Kernel, Plan, plan_graph, verify
from jitad_ir.plan import index as ix
from jitad_ir.plan.steps import Read, Store
from jitad_ir.plan.structures import Loop
from jitad_ir.types import DTYPES, ArrayType

SIZE = 1000
ARRAY = 8 * SIZE * SIZE
SMALL = 20_000
"""What numbers and rows take beside arrays."""


@pytest.mark.parametrize(
    ("function", "arrays"),
    [
        (lambda a: jnp.tanh(a @ a), 1),
        (lambda a: softmax(a @ a), 1),
        (softmax, 1),
        (lambda a: jnp.tanh(a @ a) @ a, 2),
        (lambda a: jnp.linalg.cholesky(a @ a.T + 3000 * jnp.eye(SIZE)), 2),
        (lambda a: jnp.exp(a @ a) - a, 1),
        (lambda a: jnp.linalg.cholesky(jnp.tanh(a @ a), symmetrize_input=False), 1),
        (lambda a: ((a @ a) / 2, jnp.sin(a @ a)), 2),
    ],
)
def test_a_call_takes_its_results_and_little_more(
    function: Callable[[Any], Any], arrays: int
) -> None:
    plan = jitad.explain(function, np.zeros((SIZE, SIZE)))
    assert plan.memory_bytes <= arrays * ARRAY + SMALL


@pytest.mark.parametrize(
    ("function", "dtype", "arrays"),
    [
        (lambda a: jnp.sort(jnp.exp(a)), "f8", 1.2),
        (lambda a: jnp.sort(jnp.exp(a), axis=0), "f8", 1.6),
        (lambda z: jnp.fft.fft(jnp.exp(z)), "c16", 2.3),
        (lambda z: jnp.fft.ifft(2 * jnp.fft.fft(z)), "c16", 2.3),
        (lambda a: jitad.scipy.linalg.lu_factor(a @ a), "f8", 2.1),
        (lambda a: jnp.linalg.qr(a @ a), "f8", 3.1),
        (lambda a: jnp.linalg.eigh(a @ a), "f8", 4.1),
        (lambda a: jnp.linalg.svd(a @ a), "f8", 9.2),
        (lambda a: jnp.linalg.solve(a, a @ a), "f8", 3.1),
        (jitad.grad(lambda a: jnp.sum(jnp.cumprod(a, 0) ** 2)), "f8", 3.1),
    ],
)
def test_routines_write_over_what_dies(
    function: Callable[[Any], Any], dtype: str, arrays: float
) -> None:
    """A call takes its results, and what the routine works in: one array less than if the operand
    were kept."""
    plan = jitad.explain(function, np.zeros((SIZE, SIZE), dtype))
    assert plan.memory_bytes <= arrays * ARRAY


def in_a_loop(step: Callable[[Any], Any], length: int = 10) -> Callable[[Any], Any]:
    return lambda x: lax.fori_loop(0, length, lambda _, carry: step(carry), x)


@pytest.mark.parametrize(
    ("function", "arrays"),
    [
        (in_a_loop(lambda x: x + 0.1 * jnp.sin(x)), 1),
        (in_a_loop(lambda x: jnp.exp(x - jnp.max(x))), 1),
        (in_a_loop(lambda x: softmax(jnp.tanh(x))), 1),
        (in_a_loop(lambda x: x.at[0].set(0.0) * 0.5), 1),
        (lambda x: in_a_loop(lambda c: (c[0] + c[1], c[1] - c[0]))((x, x)), 2),
        (lambda x: lax.while_loop(lambda y: jnp.max(y) < 9.0, lambda y: 2.0 * y, x), 1),
        (in_a_loop(lambda x: 2.0 * in_a_loop(jnp.sin)(x)), 1),
        (in_a_loop(jnp.sin, length=3), 2),  # not worth a copy of the argument
        (in_a_loop(lambda x: x + jnp.roll(x, 1, 0)), 2),
        (in_a_loop(lambda x: x @ x), 2),
        (lambda x: in_a_loop(lambda c: (c[1], jnp.sin(c[0])))((x, x)), 2),
        (lambda x: in_a_loop(lambda c: (c[1] @ c[1], jnp.sin(c[0])))((x, x)), 4),
    ],
)
def test_a_carry_has_one_buffer_if_it_is_overwritten(
    function: Callable[[Any], Any], arrays: int
) -> None:
    plan = jitad.explain(function, np.zeros((SIZE, SIZE)))
    assert arrays * ARRAY <= plan.memory_bytes <= arrays * ARRAY + 5 * SMALL


def build(program: Callable[..., list[Value]], *shapes: tuple[int, ...]) -> Graph:
    builder = Builder("f")
    inputs = [builder.input(ArrayType(DTYPES["f64"], shape)) for shape in shapes]
    with building(builder):
        outputs = program(*inputs)
    return builder.build(outputs)


def normalised(x: Value) -> list[Value]:
    """exp(x), in memory because of its sums, and divided by them."""
    y = ops.exp(x)
    total = ops.reduce_sum(y, axes=(1,))
    return [ops.div(y, ops.broadcast(total, shape=x.shape, dims=(0,)))]


def overwriting(plan: Plan) -> list[tuple[int, Kernel]]:
    """Steps that write a buffer which they read."""
    return [
        (k, step)
        for k, step in enumerate(plan.steps)
        if isinstance(step, Kernel) and not set(step.reads).isdisjoint(step.writes)
    ]


def test_a_kernel_overwrites_what_dies() -> None:
    plan = plan_graph(build(normalised, (100, 100)))
    assert overwriting(plan)
    assert plan.workspace_bytes <= 1024
    assert "out0[i0*100 + i1] = " in plan.text()


def test_small_arrays_are_left_apart() -> None:
    assert not overwriting(plan_graph(build(normalised, (10, 12))))


@pytest.mark.parametrize(
    "program",
    [
        # read elsewhere
        lambda y: ops.transpose(y, permutation=(1, 0)),
        lambda y: ops.reverse(y, axes=(0,)),
        lambda y: ops.add(y, ops.transpose(y, permutation=(1, 0))),
        # an element for many
        lambda y: ops.add(
            y, ops.broadcast(ops.slice(y, start=(0, 0), limit=(1, 100), stride=(1, 1)),
                             shape=y.shape, dims=(0, 1))
        ),
        # of another size
        lambda y: ops.lt(y, ops.full(value=1.0, shape=y.shape, dtype=y.dtype)),
    ],
)  # fmt: skip
def test_what_is_read_elsewhere_is_not_overwritten(program: Callable[[Value], Value]) -> None:
    def kept(x: Value) -> list[Value]:
        # A routine's result is in memory, whatever reads it.
        y = ops.linear_recurrence(ops.sign(x), x, axis=0, reverse=False)
        return [program(y)]

    plan = plan_graph(build(kept, (100, 100)))
    assert not overwriting(plan)


def test_what_is_read_later_is_not_overwritten() -> None:
    def program(x: Value) -> list[Value]:
        y = ops.linear_recurrence(ops.sign(x), x, axis=0, reverse=False)
        z = ops.linear_recurrence(ops.sign(x), ops.exp(y), axis=0, reverse=True)
        return [ops.mul(y, z)]

    plan = plan_graph(build(program, (100, 100)))
    (k, kernel), *others = overwriting(plan)
    assert not others and k == len(plan.steps) - 1
    assert plan.buffers[kernel.writes[0]].kind == "output"


def test_inputs_and_results_are_not_overwritten() -> None:
    def program(x: Value) -> list[Value]:
        y = ops.linear_recurrence(ops.sign(x), x, axis=0, reverse=False)
        return [y, ops.exp(y), y]

    assert not overwriting(plan_graph(build(program, (100, 100))))


def rows(body: Callable[[Value], Value]) -> Graph:
    """`body` of each row of an array that is in memory."""
    region = Builder("row")
    row = region.input(ArrayType(DTYPES["f64"], (100,)))
    with building(region):
        result = body(row)
    step = region.build([result])

    def program(x: Value) -> list[Value]:
        y = ops.linear_recurrence(x, x, axis=0, reverse=False)
        found: Any = ops.scan(
            y, consts=0, carries=0, length=100, reverse=False, unroll=1, regions=(step,)
        )
        return [found] if isinstance(found, Value) else list(found)

    return build(program, (100, 100))


def less(x: Value, fold: Any) -> Value:
    return ops.sub(x, ops.broadcast(fold(x, axes=(0,)), shape=x.shape, dims=()))


def test_a_loop_overwrites_the_rows_it_reads() -> None:
    plan = plan_graph(rows(lambda x: less(less(x, ops.reduce_sum), ops.reduce_max)))
    loop = plan.steps[-1]
    assert isinstance(loop, Loop)
    assert loop.body.in_place == {0: 0}
    assert plan.workspace_bytes <= 1024


def test_rows_that_are_read_again_are_kept() -> None:
    """The row is needed after the first element of the result is written, or at other places."""
    for body in (
        lambda x: ops.reverse(less(x, ops.reduce_sum), axes=(0,)),
        lambda x: ops.add(ops.linear_recurrence(x, less(x, ops.reduce_max), axis=0, reverse=False),
                          ops.reverse(x, axes=(0,))),
    ):  # fmt: skip
        plan = plan_graph(rows(body))
        loop = plan.steps[-1]
        assert isinstance(loop, Loop)
        assert not loop.body.in_place and set(loop.reads).isdisjoint(loop.writes)


def test_rows_in_the_place_of_others_are_refused() -> None:
    """A loop whose body does not know that its result lies where it reads."""
    plan = plan_graph(rows(lambda x: ops.reverse(less(x, ops.reduce_sum), axes=(0,))))
    loop = plan.steps[-1]
    assert isinstance(loop, Loop)
    wrong = replace(loop, stacks=(loop.rows[0][0],))
    with pytest.raises(InvalidPlan, match="which it reads"):
        verify(replace(plan, steps=(*plan.steps[:-1], wrong)))


# -- plans that must be refused ----------------------------------------------------------------


def changed(plan: Plan, change: Callable[[Kernel], Kernel]) -> Plan:
    """The plan with its last kernel that works in place changed."""
    k, kernel = overwriting(plan)[-1]
    steps = list(plan.steps)
    steps[k] = change(kernel)
    return replace(plan, steps=tuple(steps))


def moved_read(kernel: Kernel) -> Kernel:
    """The same, reading what it overwrites one element further on (in bounds)."""
    (buffer,) = set(kernel.reads) & set(kernel.writes)
    size = kernel.lengths[0] * kernel.lengths[1]
    nodes = [
        replace(node, offset=ix.clamp(node.offset + 1, 0, size - 1))
        if isinstance(node, Read) and node.buffer == buffer
        else node
        for node in kernel.nodes
    ]
    return replace(kernel, nodes=tuple(nodes))


def second_read(kernel: Kernel) -> Kernel:
    """The same, reading another element too."""
    (buffer,) = set(kernel.reads) & set(kernel.writes)
    return replace(kernel, nodes=(*kernel.nodes, Read(kernel.nodes[0].dtype, buffer, 0)))


def second_write(kernel: Kernel) -> Kernel:
    """The same, writing another element too."""
    (store,) = kernel.stores
    return replace(kernel, stores=(store, Store(store.buffer, 0, store.node)))


def repeated(kernel: Kernel) -> Kernel:
    """The same in a loop around."""
    return replace(kernel, lengths=(*kernel.lengths, 3))


@pytest.mark.parametrize("change", [moved_read, second_read, second_write, repeated])
def test_reads_elsewhere_are_refused(change: Callable[[Kernel], Kernel]) -> None:
    plan = plan_graph(build(normalised, (100, 100)))
    verify(plan)
    with pytest.raises(InvalidPlan, match="which it reads"):
        verify(changed(plan, change))


def recurrences() -> Plan:
    """A plan with a temporary in the memory of the result."""

    def program(x: Value) -> list[Value]:
        y = ops.linear_recurrence(x, x, axis=0, reverse=False)
        z = ops.add(y, ops.transpose(y, permutation=(1, 0)))
        return [ops.linear_recurrence(z, x, axis=0, reverse=True)]

    return plan_graph(build(program, (100, 100)))


def hosted(plan: Plan) -> int:
    (k,) = [k for k, buffer in enumerate(plan.buffers) if buffer.host is not None]
    return k


def test_a_temporary_lies_in_a_result() -> None:
    plan = recurrences()
    buffer = plan.buffers[hosted(plan)]
    assert (buffer.kind, buffer.host, buffer.place) == ("workspace", 0, 0)
    assert "out0@0" in plan.text()


def test_a_temporary_that_a_result_overwrites_is_refused() -> None:
    plan = recurrences()
    place = hosted(plan)
    others = [k for k in plan.steps[-1].reads if plan.buffers[k].kind == "workspace"]
    buffers = list(plan.buffers)
    # An operand of the last step, in the memory that this step writes: a wrong result.
    buffers[others[0]] = replace(buffers[others[0]], host=0, place=0)
    buffers[place] = replace(buffers[place], host=None, place=0)
    with pytest.raises(InvalidPlan, match="overwritten"):
        verify(replace(plan, buffers=tuple(buffers)))


def test_a_result_that_a_temporary_overwrites_is_refused() -> None:
    def program(x: Value) -> list[Value]:
        y = ops.linear_recurrence(ops.sign(x), x, axis=0, reverse=False)
        z = ops.linear_recurrence(ops.sign(x), ops.exp(y), axis=0, reverse=True)
        return [y, ops.mul(z, ops.transpose(z, permutation=(1, 0)))]

    plan = plan_graph(build(program, (100, 100)))
    last = [k for k in plan.steps[-1].reads if plan.buffers[k].kind == "workspace"][0]
    buffers = list(plan.buffers)
    buffers[last] = replace(buffers[last], host=0, place=0)
    with pytest.raises(InvalidPlan, match="overwritten"):
        verify(replace(plan, buffers=tuple(buffers)))


def test_a_temporary_outside_of_a_result_is_refused() -> None:
    plan = recurrences()
    k = hosted(plan)
    buffers = list(plan.buffers)
    buffers[k] = replace(buffers[k], place=64)
    with pytest.raises(InvalidPlan, match="outside output 0"):
        verify(replace(plan, buffers=tuple(buffers)))
