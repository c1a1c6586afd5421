"""Structural ops where the laws' samples do not reach: conventions, sizes, bounds and bad input."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import numpy as np
import pytest

from jitad_ir import ops
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, building
from jitad_ir.native.program import compile_graph
from jitad_ir.op import OPS, Op
from jitad_ir.ops import dot_lowering
from jitad_ir.passes.jvp import jvp
from jitad_ir.passes.linearize import vjp
from jitad_ir.text import parse
from jitad_ir.types import ArrayType, TypeMismatch, parse_type, type_of


def graph_of(op: Op, arrays: list[Any], params: dict[str, Any]) -> Graph:
    builder = Builder(op.name)
    with building(builder):
        out = op(*[builder.input(type_of(a)) for a in arrays], **params)
    return builder.build(out if op.multiple_results else [out])


def gradients(op: Op, arrays: list[Any], params: dict[str, Any], ct: Any) -> list[Any]:
    """Cotangents of the inexact operands for the cotangent `ct` of the first result."""
    graph = graph_of(op, arrays, params)
    program = vjp(graph, [a.dtype.kind in "fc" for a in arrays])
    residuals = evaluate(program.known, *arrays)[len(graph.outputs) :]
    cts = [np.asarray(ct)] if program.nonzero[0] else []
    return list(evaluate(program.rest, *residuals, *cts))


def both_ways(op: Op, arrays: list[Any], params: dict[str, Any]) -> tuple[Any, ...]:
    """What native code gives, after a check that the interpreter gives the same."""
    graph = graph_of(op, arrays, params)
    results = compile_graph(graph)(*arrays)
    for got, expected in zip(results, evaluate(graph, *arrays), strict=True):
        np.testing.assert_array_equal(got, expected)
    return results


# Reductions and running folds.


@pytest.mark.parametrize(
    ("x", "slopes"),
    [
        ([2.0, 3.0, 4.0], [12, 8, 6]),
        ([2.0, 0.0, 4.0], [0, 8, 0]),
        ([0.0, 0.0, 4.0], [0, 0, 0]),
        ([], []),
    ],
)
def test_product_with_zeros(x: list[float], slopes: list[float]) -> None:
    got = gradients(ops.reduce_prod, [np.array(x)], {"axes": (0,)}, 1.0)
    np.testing.assert_array_equal(got[0], slopes)


def test_second_derivative_of_a_product_with_two_zeros() -> None:
    """d2(x y z) / dx dy = z where x = y = 0."""
    x = np.array([0.0, 0.0, 5.0])
    first = jvp(graph_of(ops.reduce_prod, [x], {"axes": (0,)}), [True])
    second = jvp(first.graph, [True, False])
    e = np.eye(3)
    assert evaluate(second.graph, x, e[0], e[1])[-1] == 5.0
    assert evaluate(second.graph, x, e[0], e[2])[-1] == 0.0


@pytest.mark.parametrize(
    ("op", "x", "slopes"),
    [
        (ops.reduce_max, [1.0, 3.0, 3.0, 2.0, 3.0], [0, 1 / 3, 1 / 3, 0, 1 / 3]),
        (ops.reduce_min, [1.0, 3.0, 1.0], [0.5, 0, 0.5]),
        (ops.reduce_max, [-np.inf, -np.inf], [0.5, 0.5]),
    ],
)
def test_extrema_share_the_gradient_among_ties(op: Op, x: list[float], slopes: Any) -> None:
    np.testing.assert_allclose(gradients(op, [np.array(x)], {"axes": (0,)}, 1.0)[0], slopes)


def test_running_maximum_shares_among_those_so_far() -> None:
    x = np.array([2.0, 2.0, 1.0, 2.0, 3.0])
    for last, slopes in ((1, [1 / 2, 1 / 2, 0, 0, 0]), (3, [1 / 3, 1 / 3, 0, 1 / 3, 0])):
        ct = np.eye(5)[last]
        got = gradients(ops.cummax, [x], {"axis": 0, "reverse": False}, ct)
        np.testing.assert_allclose(got[0], slopes)


def test_cumlogsumexp_beside_infinities() -> None:
    x = np.array([-np.inf, -np.inf, 0.0, 0.0, np.inf])
    params = {"axis": 0, "reverse": False}
    np.testing.assert_array_equal(gradients(ops.cumlogsumexp, [x], params, np.eye(5)[0])[0][0], 1)
    np.testing.assert_allclose(
        gradients(ops.cumlogsumexp, [x], params, np.eye(5)[3])[0], [0, 0, 0.5, 0.5, 0]
    )


@pytest.mark.parametrize("op", [ops.argmax, ops.argmin])
def test_position_of_the_first_nan_or_the_first_extremum(op: Op) -> None:
    rows = np.array([[1.0, np.nan, np.nan], [2.0, 2.0, 2.0], [-np.inf, 0.0, -np.inf]])
    (got,) = both_ways(op, [rows], {"axis": 1})
    assert got.dtype == np.int64
    assert got.tolist()[:2] == [1, 0]


# Indexing.

WHERE = {"axes": (0,), "batch": 0}


def test_gather_sums_the_gradient_of_repeated_indices() -> None:
    params = {**WHERE, "sizes": (1,), "mode": "fill", "fill": 9.0}
    x, i = np.arange(4.0), np.array([1, 3, 1, 7, -1])
    (got,) = both_ways(ops.gather, [x, i], params)
    np.testing.assert_array_equal(got[:, 0], [1, 3, 1, 9, 9])
    ct = np.array([[1.0], [10.0], [100.0], [1000.0], [1e4]])
    np.testing.assert_array_equal(gradients(ops.gather, [x, i], params, ct)[0], [0, 101, 0, 10])


def test_the_last_of_repeated_updates_stays_and_has_the_gradient() -> None:
    params = {**WHERE, "mode": "drop", "unique": False}
    x, u = np.zeros(4), np.array([[1.0], [2.0], [3.0], [4.0]])
    i = np.array([1, 2, 1, 9])
    (got,) = both_ways(ops.scatter, [x, u, i], params)
    np.testing.assert_array_equal(got, [0, 3, 2, 0])
    of_x, of_u = gradients(ops.scatter, [x, u, i], params, np.array([1.0, 10, 100, 1000]))
    np.testing.assert_array_equal(of_x, [1, 0, 0, 1000])
    np.testing.assert_array_equal(of_u[:, 0], [0, 100, 10, 0])


def test_windows_that_overlap_in_part() -> None:
    """Elementwise: the second window replaces one element of the first."""
    params = {**WHERE, "mode": "clip", "unique": False}
    x, u = np.zeros(4), np.array([[1.0, 2.0], [3.0, 4.0]])
    i = np.array([0, 1])
    np.testing.assert_array_equal(both_ways(ops.scatter, [x, u, i], params)[0], [1, 3, 4, 0])
    of_u = gradients(ops.scatter, [x, u, i], params, np.array([1.0, 10, 100, 1000]))[1]
    np.testing.assert_array_equal(of_u, [[1, 0], [10, 100]])


def test_repeated_products_with_zeros() -> None:
    """d(x u v) / du = x v, whatever u is."""
    params = {**WHERE, "mode": "clip", "unique": False}
    x, u = np.array([2.0, 3.0]), np.array([[0.0], [5.0], [0.0], [7.0]])
    i = np.array([0, 0, 1, 0])
    of_x, of_u = gradients(ops.scatter_mul, [x, u, i], params, np.ones(2))
    np.testing.assert_array_equal(of_x, [0, 0])
    np.testing.assert_array_equal(of_u[:, 0], [2 * 35, 0, 3, 0])


def test_scattered_extrema_share_the_gradient_among_ties() -> None:
    params = {**WHERE, "mode": "clip", "unique": False}
    x, u, i = np.array([3.0, 0.0]), np.array([[3.0], [3.0], [1.0]]), np.array([0, 0, 1])
    of_x, of_u = gradients(ops.scatter_max, [x, u, i], params, np.ones(2))
    np.testing.assert_allclose(of_x, [1 / 3, 0])
    np.testing.assert_allclose(of_u[:, 0], [1 / 3, 1 / 3, 1])


def test_a_gathered_function_is_computed_under_each_condition() -> None:
    """sin(a[i]) in range by one condition is not to serve where only another holds."""
    graph = parse(
        """graph f(a: f64[4], i: i64[3]) {
          s: f64[4] = sin(a)
          m: f64[4] = mul(a, s)
          g: f64[3,1] = gather(m, i, axes=(0,), batch=0, fill=0.25, mode='fill', sizes=(1,))
          r: f64[3] = reshape(g, shape=(3,))
          b: f64[2,3] = broadcast(r, dims=(1,), shape=(2, 3))
          k: f64[3,1,3] = gather(b, i, axes=(0,), batch=0, fill=0.25, mode='fill', sizes=(1,))
          t: f64[] = reduce_sum(k, axes=(0, 1, 2))
          return t
        }"""
    )
    program = compile_graph(graph)
    a = np.array([0.3, 0.5, 0.7, 1.1])
    for i in product((-1, 0, 3, 4), repeat=3):
        arrays = (a, np.array(i))
        np.testing.assert_allclose(program(*arrays)[0], evaluate(graph, *arrays)[0], rtol=1e-14)


@pytest.mark.parametrize("mode", ["clip", "drop", "promise_in_bounds"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
def test_no_start_leads_out_of_bounds(mode: str, dtype: str) -> None:
    """The extreme integers, of which some overflow when a window's length is added."""
    info = np.iinfo(dtype)
    starts = np.array([info.min, info.max, info.max - 1, 3], dtype)
    x = np.arange(10.0).reshape(5, 2)
    gather = "fill" if mode == "drop" else mode
    both_ways(ops.gather, [x, starts], {**WHERE, "sizes": (2,), "mode": gather, "fill": -1.0})
    for name in ("scatter", "scatter_add", "scatter_mul", "scatter_min", "scatter_max"):
        updates = np.arange(16.0).reshape(4, 2, 2)
        both_ways(OPS[name], [x, updates, starts], {**WHERE, "mode": mode, "unique": False})
    for start in starts:
        zero = np.zeros((), np.int32)
        both_ways(ops.dynamic_slice, [x, start, zero], {"sizes": (2, 1)})
        both_ways(ops.dynamic_update_slice, [x, np.ones((2, 1)), start, zero], {})


# Sorting.


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 65, 1000])
@pytest.mark.parametrize("dtype", ["float64", "int16", "complex64", "bool"])
def test_sort_of_any_length(n: int, dtype: str) -> None:
    rng = np.random.default_rng(n)
    keys = rng.integers(-4, 4, (2, n)).astype(dtype)
    if keys.dtype.kind in "fc":
        keys[rng.random((2, n)) < 0.2] = np.nan
    numbers = np.arange(2 * n).reshape(2, n)
    params = {"axis": 1, "num_keys": 1, "descending": False}
    values, order = both_ways(ops.sort, [keys, numbers], params)
    np.testing.assert_array_equal(values, np.sort(keys, axis=1))
    np.testing.assert_array_equal(order[:1], np.argsort(keys[:1], axis=1, kind="stable"))
    both_ways(ops.sort, [keys, numbers], {**params, "descending": True})
    both_ways(ops.sort, [keys.T.copy()], {**params, "axis": 0})


@pytest.mark.parametrize("k", [1, 5, 32, 33, 200])
def test_top_k_of_many(k: int) -> None:
    x = np.random.default_rng(k).integers(0, 30, (3, 200)).astype(np.float32)
    x[1, ::7] = np.nan
    values, order = both_ways(ops.top_k, [x], {"k": k})
    np.testing.assert_array_equal(np.take_along_axis(x, order, 1), values)
    np.testing.assert_array_equal(order[0], np.argsort(-x[0], kind="stable")[:k])


# Products.

EINSUMS = [
    ("ij,jk->ik", (3, 4), (4, 2), "unrolled"),
    ("ij,jk->ik", (9, 7), (7, 11), "columns"),
    ("ij,kj->ik", (9, 11), (7, 11), "inner"),
    ("ji,kj->ik", (11, 9), (7, 11), "scalar"),
    ("i,i->", (1001,), (1001,), "inner"),
    ("i,j->ij", (50,), (60,), "columns"),
    ("ij,jk->ik", (30, 40), (40, 50), "gemm"),
    ("ji,jk->ik", (40, 30), (40, 50), "gemm"),
    ("ij,kj->ik", (30, 40), (50, 40), "gemm"),
    ("ji,kj->ik", (40, 30), (50, 40), "gemm"),
    ("ij,j->i", (200, 90), (90,), "gemv"),
    ("ji,j->i", (90, 200), (90,), "gemv"),
    ("j,jk->k", (90,), (90, 200), "gemv"),
    ("j,kj->k", (90,), (200, 90), "gemv"),
    ("ij,j->i", (101, 11), (11,), "inner"),
    *[("ji,j->i", (101, n), (101,), "columns") for n in (4, 5, 8, 11, 16, 17, 23, 33)],
    ("bji,bj->bi", (3, 17, 19), (3, 17), "columns"),
    ("bij,bjk->bik", (3, 20, 21), (3, 21, 22), "gemm"),
    ("ibj,jkb->bik", (20, 3, 21), (21, 22, 3), "gemm"),
    ("ijk,kjl->il", (20, 6, 7), (7, 6, 21), "gemm"),
    ("iajb,bjka->ik", (5, 4, 6, 3), (3, 6, 7, 4), "gemm"),
]


@pytest.mark.parametrize(("formula", "x_shape", "y_shape", "method"), EINSUMS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int32"])
def test_dot_by_each_method(
    formula: str, x_shape: tuple[int, ...], y_shape: tuple[int, ...], method: str, dtype: str
) -> None:
    of_x, of_y, of_out = re.split("->|,", formula)
    shared = [a for a in of_x if a in of_y]
    batch = [a for a in shared if a in of_out]
    contract = [a for a in shared if a not in of_out]
    pairs = [
        (tuple(of_x.index(a) for a in axes), tuple(of_y.index(a) for a in axes))
        for axes in (contract, batch)
    ]
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(-5, 5, (2, *shape)) for shape in (x_shape, y_shape))
    if dtype.startswith("complex"):
        x, y = x[0] + 1j * x[1], y[0] + 1j * y[1]
    else:
        x, y = x[0], y[0]
    x, y = x.astype(dtype), y.astype(dtype)
    in_x, in_y = (
        dot_lowering.Roles(b, tuple(a for a in range(z.ndim) if a not in (*b, *c)), c)
        for z, c, b in ((x, pairs[0][0], pairs[1][0]), (y, pairs[0][1], pairs[1][1]))
    )
    if x.dtype == np.float64:
        assert dot_lowering.product(type_of(x), type_of(y), in_x, in_y).method == method
    graph = graph_of(ops.dot, [x, y], {"contract": pairs[0], "batch": pairs[1]})
    expected = np.einsum(formula, x, y)
    tolerance = {"i": 0.0, "f": 1e-10, "c": 1e-10}[x.dtype.kind]
    if dtype in ("float32", "complex64"):
        tolerance = 1e-3
    for got in (*compile_graph(graph)(x, y), *evaluate(graph, x, y)):
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


# Bad input.

BAD = [
    ("slice", "f64[3]", {"start": (1,), "limit": (4,), "stride": (1,)}, "start 1, limit 4"),
    ("slice", "f64[3]", {"start": (), "limit": (2,), "stride": (1,)}, "1 entries"),
    ("pad", "f64[3] f32[]", {"low": (1,), "high": (0,), "interior": (0,)}, "got f32[]"),
    ("pad", "f64[3] f64[]", {"low": (-2,), "high": (-2,), "interior": (0,)}, "crop more"),
    ("concatenate", "f64[2,3] f64[3,2]", {"axis": 0}, "f64[2,3] and f64[3,2]"),
    ("concatenate", "f64[2] i64[2]", {"axis": 0}, "f64[2] and i64[2]"),
    ("reverse", "f64[3]", {"axes": (1,)}, "got (1,)"),
    ("reduce_sum", "f64[3]", {"axes": (1,)}, "axes of f64[3]; got (1,)"),
    ("reduce_sum", "bool[3]", {"axes": (0,)}, "not defined for bool"),
    ("reduce_and", "f64[3]", {"axes": (0,)}, "not defined for f64"),
    ("argmax", "f64[2,0]", {"axis": 1}, "nonempty axis of f64[2,0]"),
    ("cumsum", "f64[2]", {"axis": 1, "reverse": False}, "axis 1"),
    ("dot", "f64[2] f32[2]", {"contract": ((0,), (0,)), "batch": ((), ())}, "f64 and f32"),
    ("dot", "f64[2] f64[3]", {"contract": ((0,), (0,)), "batch": ((), ())}, "(2,)"),
    (
        "gather",
        "f64[4] f64[2]",
        {**WHERE, "sizes": (1,), "mode": "clip", "fill": 0},
        "integer starts",
    ),
    ("gather", "f64[4] i64[2]", {**WHERE, "sizes": (5,), "mode": "clip", "fill": 0}, "0 to 4"),
    ("gather", "f64[4] i64[2]", {**WHERE, "sizes": (1,), "mode": "wrap", "fill": 0}, "'wrap'"),
    (
        "scatter_add",
        "f64[4,3] f64[2,1] i64[2]",
        {**WHERE, "mode": "drop", "unique": False},
        "updates of shape (2, 1, 3)",
    ),
    (
        "scatter",
        "f64[4] f32[2,1] i64[2]",
        {**WHERE, "mode": "drop", "unique": False},
        "one dtype",
    ),
    ("dynamic_slice", "f64[4] i64[1]", {"sizes": (2,)}, "got i64[1]"),
    ("dynamic_slice", "f64[4] i64[]", {"sizes": (5,)}, "shape (5,)"),
    ("dynamic_update_slice", "f64[4] f32[2] i64[]", {}, "got f32[2]"),
    ("sort", "f64[4] i64[3]", {"axis": 0, "num_keys": 1, "descending": False}, "i64[3]"),
    ("sort", "f64[4]", {"axis": 0, "num_keys": 2, "descending": False}, "num_keys 2"),
    ("top_k", "f64[4]", {"k": 5}, "got 5"),
]


@pytest.mark.parametrize(("name", "types", "params", "said"), BAD)
def test_bad_input_gets_one_sentence(
    name: str, types: str, params: dict[str, Any], said: str
) -> None:
    operand_types: list[ArrayType] = [parse_type(t) for t in types.split()]
    builder = Builder()
    inputs = [builder.input(t) for t in operand_types]
    with building(builder), pytest.raises(TypeMismatch) as raised:
        OPS[name](*inputs, **params)
    message = str(raised.value)
    assert message.startswith(f"{name}: ") and said in message and "\n" not in message
