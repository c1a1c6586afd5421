"""Products of few rows with a matrix that is read as it lies (`ops.dot_few_rows`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
from jitad_ir import ops
from jitad_ir.ops import dot_few_rows, dot_plan
from jitad_ir.ops.dot import both_roles
from jitad_ir.types import DTYPES, ArrayType
from tests.native.test_kernels import build, check

LENGTHS = [(64, 64), (23, 64), (37, 203), (8, 65), (130, 97)]
"""Of the sums, and numbers of columns."""

BY_COLUMNS, BY_ROWS = ((1,), (0,)), ((1,), (1,))
NO_BATCH: Any = ((), ())


@pytest.fixture(autouse=True)
def small_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products as small as can be go the way of large ones, in several blocks of sums."""
    monkeypatch.setattr(dot_plan, "FEW_ROWS_WORK", 0)
    monkeypatch.setattr(dot_plan, "ONE_ROW_BYTES", 0)
    monkeypatch.setattr(dot_plan, "LONG_SUM", 0)
    monkeypatch.setattr(dot_few_rows, "NEAR", 8)


def check_product(
    expected: str,
    dtype: str,
    x: tuple[int, ...],
    y: tuple[int, ...],
    contract: Any,
    batch: Any = NO_BATCH,
) -> None:
    """The method is the expected one, its numbers are those of the interpreter, and nothing is read
    or written outside of the arrays."""
    left, right = [ArrayType(DTYPES[dtype], shape) for shape in (x, y)]
    roles = both_roles(len(x), len(y), contract, batch)
    assert dot_plan.product(left, right, *roles).method == expected
    graph = build(
        [(dtype, x), (dtype, y)], lambda a, b: ops.dot(a, b, contract=contract, batch=batch)
    )
    rng = np.random.default_rng(0)
    check(graph, [rng.integers(-5, 6, shape).astype(DTYPES[dtype]) for shape in (x, y)])


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("m", [1, 2, 3, 5, 7, 8, 9, 13, 16])
def test_columns_side_by_side(dtype: str, m: int) -> None:
    for k, n in LENGTHS:
        check_product("tiles", dtype, (m, k), (k, n), BY_COLUMNS)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("m", [2, 3, 4, 6, 8, 11, 16, 33])
def test_columns_in_order(dtype: str, m: int) -> None:
    for k, n in [*LENGTHS, (3, 70)]:
        check_product("inner_tiles", dtype, (m, k), (n, k), BY_ROWS)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("columns", [2, 7, 16])
def test_few_columns(dtype: str, columns: int) -> None:
    for k, n in LENGTHS:
        check_product("inner_tiles", dtype, (n, k), (k, columns), BY_COLUMNS)


def test_rows_that_lie_apart() -> None:
    """Rows of the product are columns of x."""
    check_product("tiles", "f32", (37, 5), (37, 75), ((0,), (0,)))
    check_product("inner_tiles", "f32", (37, 5), (75, 37), ((0,), (1,)))
    check_product("tiles", "f32", (37, 1), (37, 75), ((0,), (0,)))


def test_batches() -> None:
    check_product("tiles", "f64", (3, 5, 37), (3, 37, 75), ((2,), (1,)), ((0,), (0,)))
    check_product("inner_tiles", "f32", (3, 4, 37), (3, 75, 37), ((2,), (2,)), ((0,), (0,)))
    check_product("inner_tiles", "f32", (3, 75, 37), (3, 37, 4), ((2,), (1,)), ((0,), (0,)))


@pytest.mark.parametrize("registers", [16, 32])
def test_any_number_of_registers(registers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dot_few_rows, "vector_registers", lambda _: registers)
    check_product("tiles", "f32", (7, 41), (41, 203), BY_COLUMNS)
    check_product("inner_tiles", "f32", (7, 41), (203, 41), BY_ROWS)


def test_what_is_left_to_others() -> None:
    """Integers, complex numbers, many rows, narrow matrices."""
    for dtype, m, n, expected in [
        ("i64", 4, 100, "columns"),
        ("c128", 4, 100, "gemm"),
        ("f64", 17, 100, "gemm"),
        ("f64", 4, 60, "gemm"),
    ]:
        check_product(expected, dtype, (m, 100), (100, n), BY_COLUMNS)


def test_derivatives_and_special_values() -> None:
    """Infinities stay in their columns, and gradients are products of few rows too."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3, 70)), rng.normal(size=(70, 90))
    ct = rng.normal(size=(3, 90))
    gradients = jitad.jit(lambda x, w: jitad.vjp(lambda x, w: x @ w, x, w)[1](ct))(x, w)
    np.testing.assert_allclose(gradients[0], ct @ w.T, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradients[1], x.T @ ct, rtol=1e-12, atol=1e-12)
    w[4, 7], w[5, 80] = np.nan, np.inf
    found = np.asarray(jitad.jit(lambda x, w: x @ w)(x, w))
    np.testing.assert_array_equal(np.isfinite(found).all(axis=0), ~np.isin(np.arange(90), (7, 80)))
