"""What is fused with what, where results go, and what the verifier rejects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitad_ir import ops
from jitad_ir.graph import Builder, Equation, Graph, Value, building
from jitad_ir.op import NOT_LOWERED, OPS
from jitad_ir.plan import InvalidPlan, Kernel, Plan, RoutineCall, plan_graph, verify
from jitad_ir.plan.memory import ALIGNMENT
from jitad_ir.plan.steps import Apply, Inside, Read, Store
from jitad_ir.text import parse
from jitad_ir.types import DTYPES, ArrayType, TypeMismatch
from tests.native.random_programs import RandomProgram

F64 = DTYPES["f64"]


def build(types: list[tuple[int, ...]], program: Any) -> Graph:
    builder = Builder("f")
    inputs = [builder.input(ArrayType(F64, shape)) for shape in types]
    with building(builder):
        outputs = program(*inputs)
    return builder.build(outputs if isinstance(outputs, list) else [outputs])


def kernels(plan: Plan) -> list[Kernel]:
    return [step for step in plan.steps if isinstance(step, Kernel)]


def names(kernel: Kernel) -> list[str]:
    return [node.name for node in kernel.nodes if isinstance(node, Apply)]


def full(value: float, like: Any) -> Any:
    return ops.full(value=value, shape=like.shape, dtype=like.dtype)


def test_a_scalar_program_is_one_straight_line() -> None:
    def program(y: Any, mu: Any, sigma: Any) -> Any:
        z = ops.div(ops.sub(y, mu), sigma)
        value = ops.sub(ops.neg(ops.mul(z, z)), ops.log(sigma))
        return [value, ops.div(z, sigma), ops.sub(ops.mul(z, z), full(1.0, z))]

    plan = plan_graph(build([(), (), ()], program))
    (kernel,) = plan.steps
    assert isinstance(kernel, Kernel)
    assert kernel.lengths == ()
    assert plan.workspace_bytes == 0


def test_elementwise_broadcast_and_sum_are_one_pass() -> None:
    def program(a: Any, b: Any) -> Any:
        c = ops.mul(a, ops.broadcast(b, shape=a.shape, dims=(1,)))
        d = ops.exp(c)
        return [d, ops.reduce_sum(d, axes=(0, 1)), ops.cos(c)]

    plan = plan_graph(build([(300, 40), (40,)], program))
    (kernel,) = kernels(plan)
    assert kernel.lengths == (300, 40)
    assert len(kernel.folds) == 1
    assert len(kernel.stores) == 2
    assert sorted(names(kernel)) == ["cos", "exp", "mul"]


def test_loops_that_need_not_be_nested_are_one() -> None:
    plan = plan_graph(build([(30, 40, 50)], lambda a: ops.mul(a, a)))
    assert kernels(plan)[0].lengths == (60000,)
    plan = plan_graph(
        build(
            [(30, 40, 50), (30,)],
            lambda a, b: ops.mul(a, ops.broadcast(b, shape=a.shape, dims=(0,))),
        )
    )
    assert kernels(plan)[0].lengths == (30, 2000)


def test_reshapes_fuse_without_division() -> None:
    def program(a: Any) -> Any:
        b = ops.reshape(ops.exp(a), shape=(6, 1, 20))
        c = ops.mul(b, b)
        d = ops.reshape(c, shape=(120,))
        return ops.add(d, full(1.0, d))

    plan = plan_graph(build([(6, 4, 5)], program))
    (kernel,) = kernels(plan)
    assert kernel.lengths == (120,)
    assert "//" not in plan.text() and "%" not in plan.text().replace(" %", "").replace("(%", "")


def test_quotients_and_remainders_of_counters_are_counters_of_divided_loops() -> None:
    def tile(a: Any) -> Any:
        b = ops.broadcast(ops.reshape(a, shape=(1, 70)), shape=(3, 70), dims=(0, 1))
        return ops.reshape(b, shape=(210,))

    def repeat(a: Any, b: Any) -> Any:
        c = ops.broadcast(ops.reshape(a, shape=(70, 1)), shape=(70, 3), dims=(0, 1))
        return ops.mul(ops.reshape(c, shape=(210,)), b)

    for program, types, lengths in (
        (tile, [(70,)], (3, 70)),
        (repeat, [(70,), (210,)], (70, 3)),
        (
            lambda a: ops.reshape(ops.transpose(a, permutation=(2, 1, 0)), shape=(60,)),
            [(3, 4, 5)],
            None,
        ),
    ):
        plan = plan_graph(build(types, program))
        (kernel,) = kernels(plan)
        assert kernel.lengths == (lengths or (5, 4, 3))
        assert "//" not in plan.text() and "%" not in plan.text().replace(" %", "").replace(
            "(%", ""
        )


def test_an_expensive_row_is_not_computed_again_for_each_column() -> None:
    def program(a: Any, row: Any) -> Any:
        return ops.mul(a, ops.broadcast(ops.exp(row), shape=a.shape, dims=(1,)))

    first, second = kernels(plan_graph(build([(300, 40), (40,)], program)))
    assert names(first) == ["exp"]
    assert names(second) == ["mul"]
    assert first.lengths == (40,)


def test_a_cheap_row_is_computed_where_it_is_read() -> None:
    def program(a: Any, row: Any) -> Any:
        shifted = ops.add(row, full(1.0, row))
        return ops.mul(a, ops.broadcast(shifted, shape=a.shape, dims=(1,)))

    plan = plan_graph(build([(300, 40), (40,)], program))
    assert len(kernels(plan)) == 1
    assert plan.workspace_bytes == 0


@pytest.mark.parametrize(("terms", "reads", "passes"), [(2, 1000, 1), (10, 1000, 2), (10, 100, 1)])
def test_what_is_read_by_indices_is_computed_in_order_before(
    terms: int, reads: int, passes: int
) -> None:
    """Unless that is little, or few of it are read."""

    def program(x: Any) -> Any:
        y = x
        for _ in range(terms):
            y = ops.add(ops.mul(y, x), x)
        index = ops.constant(value=np.arange(reads)[::-1].copy())
        return ops.gather(y, index, axes=(0,), sizes=(1,), batch=0, mode="clip", fill=0)

    plan = plan_graph(build([(1000,)], program))
    assert len(kernels(plan)) == passes


def test_a_transposed_chain_with_one_reader_moves_to_it() -> None:
    def program(a: Any, b: Any) -> Any:
        return ops.add(b, ops.transpose(ops.sin(a), permutation=(1, 0)))

    (kernel,) = kernels(plan_graph(build([(30, 40), (40, 30)], program)))
    assert sorted(names(kernel)) == ["add", "sin"]


def test_softmax_reads_what_it_stored() -> None:
    def program(x: Any) -> Any:
        top = ops.broadcast(ops.reduce_max(x, axes=(1,)), shape=x.shape, dims=(0,))
        e = ops.exp(ops.sub(x, top))
        total = ops.broadcast(ops.reduce_sum(e, axes=(1,)), shape=x.shape, dims=(0,))
        return ops.div(e, total)

    plan = plan_graph(build([(100, 200)], program))
    assert [sorted(names(k)) for k in kernels(plan)] == [[], ["exp", "sub"], ["div"]]


def test_what_is_needed_late_is_computed_late() -> None:
    def program(x: Any) -> Any:
        total = ops.reduce_sum(ops.exp(x), axes=(0,))
        return ops.mul(ops.sin(x), ops.broadcast(total, shape=x.shape, dims=()))

    first, second = kernels(plan_graph(build([(1000,)], program)))
    assert names(first) == ["exp"]
    assert sorted(names(second)) == ["mul", "sin"]


def test_tiny_arrays_are_scalars() -> None:
    def program(x: Any) -> Any:
        a = ops.slice(x, start=(0,), limit=(2,), stride=(1,))
        b = ops.slice(x, start=(1,), limit=(3,), stride=(1,))
        d = ops.sub(ops.mul(a, a), b)
        return [ops.reduce_sum(ops.mul(d, d), axes=(0,)), ops.concatenate(d, d, axis=0)]

    (kernel,) = kernels(plan_graph(build([(3,)], program)))
    assert kernel.lengths == ()
    assert names(kernel).count("sub") == 2


def test_a_concatenation_is_a_kernel_for_each_part() -> None:
    def program(x: Any, y: Any) -> Any:
        return ops.mul(*[ops.concatenate(ops.exp(a), b, axis=0) for a, b in ((x, y), (x, x))])

    plan = plan_graph(build([(300,), (300,)], program))
    assert [k.lengths for k in kernels(plan)] == [(300,), (300,)]
    assert not any(isinstance(n, Inside) for k in kernels(plan) for n in k.nodes)


def test_a_long_concatenation_is_written_by_its_parts() -> None:
    def program(x: Any) -> Any:
        parts = [
            ops.exp(ops.slice(x, start=(k * 50,), limit=(k * 50 + 50,), stride=(1,)))
            for k in range(20)
        ]
        return ops.concatenate(*parts, axis=0)

    (kernel,) = kernels(plan_graph(build([(1000,)], program)))
    assert kernel.lengths == (50,)
    assert len(kernel.stores) == 20


def test_a_stack_of_scalars_is_straight_line_code() -> None:
    def program(x: Any) -> Any:
        parts = [ops.slice(x, start=(k,), limit=(k + 1,), stride=(1,)) for k in range(99, -1, -1)]
        return ops.concatenate(*[ops.mul(p, p) for p in parts], axis=0)

    (kernel,) = kernels(plan_graph(build([(100,)], program)))
    assert kernel.lengths == ()


def test_a_large_kernel_is_not_copied_for_the_edge_of_a_pad() -> None:
    def program(x: Any) -> Any:
        zero = ops.full(value=0.0, shape=(), dtype=x.dtype)
        y = ops.pad(x, zero, low=(1,), high=(-1,), interior=(0,))
        for k in range(300):
            y = (ops.mul if k % 2 else ops.add)(y, x)
        return y

    assert len(plan_graph(build([(1000,)], program)).steps) == 1


def test_the_border_of_a_small_stencil_is_loops() -> None:
    n = 20

    def program(x: Any) -> Any:
        zero = ops.full(value=0.0, shape=(), dtype=x.dtype)
        wide = ops.pad(x, zero, low=(1, 1), high=(1, 1), interior=(0, 0))
        total = ops.mul(x, x)
        for row, column in [(0, 1), (2, 1), (1, 0), (1, 2), (0, 0), (2, 2), (0, 2), (2, 0)]:
            limit = (row + n, column + n)
            part = ops.slice(wide, start=(row, column), limit=limit, stride=(1, 1))
            total = ops.add(ops.mul(part, part), total)
        return total

    plan = plan_graph(build([(n, n)], program))
    assert sum(len(kernel.nodes) for kernel in kernels(plan)) < n * n


def test_many_small_equations_are_few_kernels() -> None:
    def program(x: Any, y: Any) -> Any:
        values = [x, y]
        for k in range(400):
            op = (ops.add, ops.mul, ops.sub)[k % 3]
            values.append(op(values[-1], values[-2]))
        return values[-3:]

    assert len(plan_graph(build([(50,), (50,)], program)).steps) == 1


def test_outputs_that_are_inputs_constants_or_repeated_are_copied() -> None:
    def program(x: Any) -> Any:
        y = ops.mul(x, x)
        return [x, y, y, full(2.0, x), x]

    plan = plan_graph(build([(100,)], program))
    written = [k for step in plan.steps for k in step.writes]
    outputs = [k for k, b in enumerate(plan.buffers) if b.kind == "output"]
    assert sorted(written) == sorted(outputs)
    assert plan.workspace_bytes == 0


def test_routines_get_buffers_and_results_go_to_outputs() -> None:
    def program(a: Any, b: Any) -> Any:
        c = ops.dot(ops.exp(a), b, contract=((1,), (0,)), batch=((), ()))
        return ops.transpose(c, permutation=(1, 0))

    graph = build([(30, 40), (40, 50)], program)
    plan = plan_graph(graph)
    kinds = [type(step) for step in plan.steps]
    assert kinds == [Kernel, RoutineCall, Kernel]


def test_the_workspace_is_used_again() -> None:
    def program(x: Any) -> Any:
        for _ in range(10):
            total = ops.broadcast(ops.reduce_sum(x, axes=(0,)), shape=x.shape, dims=(1,))
            x = ops.exp(ops.sub(x, total))
        return x

    plan = plan_graph(build([(100, 30)], program))
    assert len(plan.steps) == 11
    assert plan.workspace_bytes <= 2 * 100 * 30 * 8 + 2 * 30 * 8 + 4 * ALIGNMENT


def test_an_op_that_a_pass_should_have_removed() -> None:
    op = next(op for op in OPS.values() if op.lower is NOT_LOWERED)
    x = Value(ArrayType(F64, (3,)))
    out = Value(x.type)
    graph = Graph([x], [Equation(op, (x,), {}, (out,))], [out])
    with pytest.raises(TypeMismatch, match=f"op {op.name} has no native lowering"):
        plan_graph(graph)


def test_text() -> None:
    graph = parse(
        """graph f(a: f64[30,40], b: f64[30]) {
          s: f64[30] = reduce_sum(a, axes=(1,))
          t: f64[30] = mul(s, b)
          c: f64[40,30] = transpose(a, permutation=(1, 0))
          return t, c
        }"""
    )
    assert repr(plan_graph(graph)) == EXPECTED_TEXT


EXPECTED_TEXT = """\
plan f(in0: f64[30,40], in1: f64[30]) -> (out0: f64[30], out1: f64[40,30]), workspace 256 bytes
  in all: reads 19.7 kB, writes 10.1 kB, 1.23 kflops; results and workspace take 10.1 kB
  kernel over i0 < 30, i1 < 40: reduce_sum  [reads 9.6 kB, writes 240 B, 1.2 kflops]
    %0 = in0[i0*40 + i1]
    work@0[i0] = reduce_sum of %0 over i1
  kernel over i0 < 40, i1 < 30: copy  [reads 9.6 kB, writes 9.6 kB]
    %0 = in0[i0 + i1*40]
    out1[i0*30 + i1] = %0
  kernel over i0 < 30: mul  [reads 480 B, writes 240 B, 30 flops]
    %0 = work@0[i0]
    %1 = in1[i0]
    %2 = mul(%0, %1)
    out0[i0] = %2"""


@settings(max_examples=150)
@given(st.data())
def test_random_programs_have_valid_plans(data: st.DataObject) -> None:
    def draw(n: int) -> int:
        return data.draw(st.integers(0, n - 1))

    graph = RandomProgram(draw, "f64").grow(1 + draw(3), 2 + draw(20))
    verify(plan_graph(graph))


# Plans that must be rejected.


def chain() -> Plan:
    return plan_graph(
        build(
            [(100, 30)],
            lambda x: ops.exp(
                ops.broadcast(ops.exp(ops.reduce_sum(x, axes=(0,))), shape=(100, 30), dims=(1,))
            ),
        )
    )


def with_kernel(plan: Plan, k: int, **changes: Any) -> Plan:
    steps = list(plan.steps)
    steps[k] = replace(steps[k], **changes)
    return replace(plan, steps=tuple(steps))


def test_a_read_out_of_bounds_is_rejected() -> None:
    plan = chain()
    kernel = plan.steps[0]
    assert isinstance(kernel, Kernel)
    read = kernel.nodes[0]
    assert isinstance(read, Read)
    with pytest.raises(InvalidPlan, match="may be out of bounds"):
        verify(with_kernel(plan, 0, nodes=(replace(read, offset=read.offset + 1),)))


def test_a_write_out_of_bounds_is_rejected() -> None:
    plan = chain()
    kernel = plan.steps[-1]
    assert isinstance(kernel, Kernel)
    (store,) = kernel.stores
    with pytest.raises(InvalidPlan, match="out of bounds"):
        verify(with_kernel(plan, -1, stores=(replace(store, offset=store.offset * 2),)))


def test_a_read_before_the_write_is_rejected() -> None:
    plan = chain()
    with pytest.raises(InvalidPlan, match="before it is written"):
        verify(replace(plan, steps=plan.steps[::-1]))


def test_a_missing_output_is_rejected() -> None:
    plan = chain()
    with pytest.raises(InvalidPlan, match="never writes out0"):
        verify(replace(plan, steps=plan.steps[:-1]))


def test_overlapping_temporaries_are_rejected() -> None:
    def program(x: Any) -> Any:
        a = ops.reduce_sum(x, axes=(0,))
        b = ops.reduce_max(x, axes=(1,))
        return [
            ops.mul(x, ops.broadcast(a, shape=x.shape, dims=(1,))),
            ops.mul(x, ops.broadcast(b, shape=x.shape, dims=(0,))),
        ]

    plan = plan_graph(build([(100, 100)], program))
    buffers = tuple(replace(b, place=0) if b.kind == "workspace" else b for b in plan.buffers)
    with pytest.raises(InvalidPlan, match="after it was overwritten"):
        verify(replace(plan, buffers=buffers))


def test_a_kernel_must_not_write_what_it_reads() -> None:
    plan = chain()
    kernel = plan.steps[-1]
    assert isinstance(kernel, Kernel)
    buffer = kernel.reads[0]
    with pytest.raises(InvalidPlan, match="which it reads"):
        verify(with_kernel(plan, -1, stores=(Store(buffer, 0, 0),)))


@pytest.mark.parametrize("axis", [0, 1])
def test_divisions_of_a_row_are_done_once(axis: int) -> None:
    """Columns are the inner loop: what only they depend on would be computed for each row anew.
    What only rows depend on is computed once a row, in the same kernel."""

    def program(a: Any) -> Any:
        kept = (1 - axis,)
        mean = ops.div(total := ops.reduce_sum(a, axes=(axis,)), full(100.0, total))
        centred = ops.sub(a, ops.broadcast(mean, shape=a.shape, dims=kept))
        return ops.div(centred, ops.broadcast(ops.sqrt(total), shape=a.shape, dims=kept))

    found = [names(kernel) for kernel in kernels(plan_graph(build([(100, 100)], program)))]
    small, large = ["div", "sqrt"], ["sub", "div"]
    assert [sorted(n) for n in found[1:]] == (
        [small, sorted(large)] if axis == 0 else [sorted(small + large)]
    )


@pytest.mark.parametrize(("run", "stored"), [(8, True), (63, True), (64, False)])
def test_divisions_of_short_runs_are_done_once(run: int, stored: bool) -> None:
    """As in group norms, whose groups of features are short runs of each place."""

    def program(a: Any, scale: Any) -> Any:
        divided = ops.div(scale, full(100.0, scale))
        return ops.mul(a, ops.broadcast(divided, shape=a.shape, dims=(1,)))

    found = [names(k) for k in kernels(plan_graph(build([(100, 20, run), (20,)], program)))]
    assert found == ([["div"], ["mul"]] if stored else [["div", "mul"]])


def test_nothing_is_read_of_an_array_without_elements() -> None:
    """Not even where a condition that never holds says so."""

    def program(x: Any) -> Any:
        zero = ops.full(value=0.0, shape=(), dtype=F64)
        y = ops.abs(ops.linear_recurrence(x, x, axis=0, reverse=False))
        none = ops.pad(y, zero, low=(2, -1), high=(2, 0), interior=(2, 0))
        padded = ops.pad(none, zero, low=(2, 1), high=(-1, 2), interior=(1, 2))
        return [ops.reduce_min(padded, axes=(0,))]

    (kernel,) = kernels(plan_graph(build([(3, 1)], program)))
    assert not kernel.reads


@pytest.mark.parametrize("keepdims", [False, True])
def test_a_small_reduction_is_computed_once_a_row(keepdims: bool) -> None:
    def program(a: Any, b: Any) -> Any:
        x = ops.add(a, ops.broadcast(b, shape=a.shape, dims=(1,)))
        top = ops.reduce_max(x, axes=(1,))
        if keepdims:
            column = ops.reshape(top, shape=(128, 1))
            wide = ops.broadcast(column, shape=a.shape, dims=(0, 1))
        else:
            wide = ops.broadcast(top, shape=a.shape, dims=(0,))
        return ops.exp(ops.sub(x, wide))

    first, second = kernels(plan_graph(build([(128, 10), (10,)], program)))
    assert (first.lengths, second.lengths) == ((128,), (128, 10))
    assert names(first).count("reduce_max.combine") == 9
    assert sorted(names(second)) == ["add", "exp", "sub"]
