"""Passes that take work out of the steps of loops: accumulate and fission."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from jitad_ir import ops
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.passes.accumulate import accumulate
from jitad_ir.passes.dce import dce
from jitad_ir.passes.fission import MOST_BYTES, fission
from jitad_ir.types import ArrayType, parse_type
from jitad_ir.verify import verify


def graph(types: Sequence[str | ArrayType], program: Callable[..., Any]) -> Graph:
    """The graph of a function of values of these types."""
    builder = Builder("f")
    inputs = [builder.input(parse_type(t) if isinstance(t, str) else t) for t in types]
    with building(builder):
        outputs = program(*inputs)
    return builder.build(list(outputs))


def scan(body: Graph, consts: int, carries: int, length: int, *, reverse: bool = False) -> Graph:
    """A graph that is one scan."""
    types = [
        t if k < consts + carries else t.with_shape((length, *t.shape))
        for k, t in enumerate(body.input_types)
    ]
    return graph(
        types,
        lambda *operands: ops.scan(
            *operands,
            regions=(body,),
            length=length,
            reverse=reverse,
            consts=consts,
            carries=carries,
            unroll=1,
        ),
    )


def arrays(program: Graph) -> list[Any]:
    """Small integers, so that sums are exact in any order."""
    rng = np.random.default_rng(0)
    return [rng.integers(-3, 4, v.shape).astype(v.dtype) for v in program.inputs]


def same(before: Graph, after: Graph) -> None:
    verify(after)
    given = arrays(before)
    for a, b in zip(evaluate(before, *given), evaluate(after, *given), strict=True):
        np.testing.assert_array_equal(a, b)


def names(program: Graph) -> list[str]:
    return [eq.op.name for eq in program.equations]


def _zeros(shape: tuple[int, ...]) -> Value:
    return ops.full(value=0, shape=shape, dtype=parse_type("f64[]").dtype)


AT = {"axes": (0,), "batch": 0, "mode": "drop"}


def test_sparse_terms_are_added_to_their_windows() -> None:
    def program(s: Value, u: Value, i: Value, row: Value) -> Any:
        first = ops.scatter_add(_zeros((9,)), u, i, unique=False, **AT)
        block = ops.dynamic_update_slice(_zeros((9,)), row, ops.reduce_sum(i, axes=(0,)))
        return (ops.add(s, ops.add(first, block)), ops.add(first, s))

    before = graph(["f64[9]", "f64[3,1]", "i64[3]", "f64[2]"], program)
    after = dce(accumulate(before))
    same(before, after)
    assert "add" not in names(after)
    assert names(after).count("scatter_add") == 3


@pytest.mark.parametrize("swapped", [False, True])
def test_sums_of_very_many_are_added_one_by_one(swapped: bool) -> None:
    count = 2000  # more than Python nests calls

    def program(s: Value, u: Value, i: Value) -> Any:
        total = ops.scatter_add(_zeros((9,)), u, i, unique=True, **AT)
        for _ in range(count - 1):
            term = ops.scatter_add(_zeros((9,)), u, i, unique=True, **AT)
            total = ops.add(term, total) if swapped else ops.add(total, term)
        return (ops.add(s, total), total)

    after = dce(accumulate(graph(["f64[9]", "f64[1,1]", "i64[1]"], program)))
    # Of the other result there is one that stays a term, and those that are added to it.
    assert names(after).count("scatter_add") == 2 * count
    assert "add" not in names(after)


def test_what_is_not_zero_or_not_small_stays() -> None:
    def program(s: Value, base: Value, i: Value) -> Any:
        whole = ops.scatter_add(_zeros((9,)), ops.reshape(s, shape=(1, 9)), i, unique=True, **AT)
        other = ops.scatter_add(
            base, ops.full(value=1, shape=(1, 1), dtype=s.dtype), i, unique=True, **AT
        )
        doubled = ops.scatter(
            _zeros((9,)), ops.full(value=1, shape=(1, 1), dtype=s.dtype), i, unique=False, **AT
        )
        return (ops.add(s, whole), ops.add(s, other), ops.add(s, doubled))

    before = graph(["f64[9]", "f64[9]", "i64[1]"], program)
    assert names(accumulate(before)) == names(before)


@pytest.mark.parametrize("reverse", [False, True])
def test_products_are_summed_after_the_loop(reverse: bool) -> None:
    """total += x' s, where x is a row and s is not stacked yet."""
    body = graph(
        ["f64[16,32]", "f64[8,32]", "f64[8,16]"],
        lambda total, s, x: (
            ops.add(total, ops.dot(x, ops.neg(s), contract=((0,), (0,)), batch=((), ()))),
            ops.add(s, ops.broadcast(ops.reduce_max(x, axes=(1,)), shape=s.shape, dims=(0,))),
            s,
        ),
    )
    before = scan(body, 0, 2, 6, reverse=reverse)
    after = fission(before)
    assert "dot" in names(after)
    assert "dot" not in [n for eq in after.equations for r in eq.regions for n in names(r)]
    same(before, after)


def test_rows_are_multiplied_before_the_loop() -> None:
    body = graph(
        ["f64[80,64]", "f64[64]", "f64[80]"],
        lambda w, s, x: (
            ops.max(s, ops.dot(x, w, contract=((0,), (0,)), batch=((), ()))),
            s,
        ),
    )
    before = scan(body, 1, 1, 5)
    after = fission(before)
    assert names(after)[0] == "dot"
    same(before, after)


def test_long_loops_keep_their_memory() -> None:
    body = graph(
        ["f64[16,32]", "f64[8,32]", "f64[8,16]"],
        lambda t, s, x: (
            ops.add(t, ops.dot(x, ops.sin(s), contract=((0,), (0,)), batch=((), ()))),
            ops.neg(s),
        ),
    )
    long = scan(body, 0, 2, MOST_BYTES // (8 * 32 * 8) + 1)
    assert fission(long) is long
    short = scan(body, 0, 2, 3)
    assert fission(short) is not short
