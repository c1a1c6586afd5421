"""Selecting in native code: elements of given ranks, the greatest ones, rows divided at ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jitad
import jitad.numpy as jnp
from jitad_ir import ops
from jitad_ir.graph import Builder, building
from jitad_ir.native.program import compile_graph
from jitad_ir.ops import rank_search
from jitad_ir.types import DTYPES, ArrayType
from tests.native.test_sorting import drawn, in_order


@pytest.mark.parametrize("name", ["f64", "f32", "i64", "u8", "i16", "bool"])
@pytest.mark.parametrize(
    ("n", "k"),
    [
        (60, 40),
        (500, 33),
        (9000, 40),
        (9000, 9000),
        (9000, 3),
        (700, 300),
        (5000, 3000),
        (9000, 1500),
    ],
)
def test_the_greatest_are_the_first_in_order(name: str, n: int, k: int) -> None:
    dtype = DTYPES[name]
    rng = np.random.default_rng(n + k)
    builder = Builder("greatest")
    x = builder.input(ArrayType(dtype, (2, n)))
    with building(builder):
        outputs = ops.top_k(x, k=k)
    program = compile_graph(builder.build(outputs))
    for _ in range(2):
        drawing = drawn(rng, (2, n), dtype)
        order = in_order(drawing, 1, True)[:, :k]
        values, places = program(drawing)
        np.testing.assert_array_equal(places, order)
        np.testing.assert_array_equal(values, np.take_along_axis(drawing, order, 1))


@pytest.mark.parametrize("name", ["f64", "f32", "i32", "u8", "bool"])
@pytest.mark.parametrize("n", [1, 2, 33, 50, 129, 500, 2600, 9000])
def test_elements_of_given_ranks(name: str, n: int) -> None:
    dtype = DTYPES[name]
    rng = np.random.default_rng(n)
    ranks = (n // 2, 0, min(n // 2 + 1, n - 1), n - 1, n // 3)
    builder = Builder("ranks")
    x = builder.input(ArrayType(dtype, (2, n)))
    with building(builder):
        outputs = ops.order_statistics(x, ops.constant(value=np.array([ranks, ranks])))
    program = compile_graph(builder.build(outputs))
    for _ in range(3):
        drawing = drawn(rng, (2, n), dtype)
        order = in_order(drawing, 1, False)[:, list(ranks)]
        values, places = program(drawing)
        np.testing.assert_array_equal(places, order)
        np.testing.assert_array_equal(values, np.take_along_axis(drawing, order, 1))


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles_of_long_rows(method: Any) -> None:
    x = np.random.default_rng(0).normal(size=(2, 8193))
    levels = np.array([[0.0, 0.3], [0.5, 1.0]])
    found = jitad.jit(lambda x: jnp.quantile(x, levels, axis=1, method=method))(x)
    np.testing.assert_allclose(found, np.quantile(x, levels, axis=1, method=method), rtol=1e-14)
    x[1, 5] = np.nan
    found = jitad.jit(lambda x: jnp.median(x, axis=1))(x)
    np.testing.assert_array_equal(found, np.median(x, axis=1))


@pytest.mark.parametrize("name", ["f16", "f32", "f64", "i32"])
def test_a_median_of_a_long_row_sorts_nothing(name: str) -> None:
    x: Any = (np.random.default_rng(1).normal(size=8200) * 9).astype(DTYPES[name])
    program = jitad.jit(jnp.median)
    text = program.lower(x).as_text()
    assert "order_statistics" in text and "sort(" not in text
    np.testing.assert_array_equal(program(x), np.median(x))


def kinds_of_rows(n: int) -> dict[str, Any]:
    """Rows of integers that a search by samples may find easy or hard."""
    rng = np.random.default_rng(n)
    places = np.arange(n)
    return {
        "random": rng.integers(-(10**9), 10**9, n),
        "rising": places,
        "falling": -places,
        "one value": np.full(n, 7),
        "two values in halves": np.arange(n) % 2,
        "one other value": (places == n // 3).astype(int),
        "few values": rng.integers(0, 5, n),
        "far apart": np.where(places % 3 == 0, -(2**31), 2**31 - 1) + places % 7 % 2,
        "saw teeth": places % 17 * n + places,
        "a cluster": np.where(places % 10 == 0, rng.integers(-(2**30), 2**30, n), places % 5),
    }


def found_ranks(x: Any, ranks: list[int]) -> Any:
    """The elements of these ranks and their places, by machine code compiled now."""
    builder = Builder("ranks")
    operand = builder.input(ArrayType(x.dtype, x.shape))
    with building(builder):
        outputs = ops.order_statistics(operand, ops.constant(value=np.array(ranks)))
    return compile_graph(builder.build(outputs))(x)


@pytest.mark.parametrize("rounds", [0, 1, 12])
@pytest.mark.parametrize("margin", [0.0, 2.75])
@pytest.mark.parametrize("name", ["f64", "i32"])
def test_searches_end_however_samples_mislead(
    monkeypatch: pytest.MonkeyPatch, rounds: int, margin: float, name: str
) -> None:
    """Bounds too close to each other, or none from samples: halving what is left of the keys."""
    monkeypatch.setattr(rank_search, "ROUNDS", rounds)
    monkeypatch.setattr(rank_search, "MARGIN", margin)
    n = 3001
    for kind, row in kinds_of_rows(n).items():
        x, ranks = row.astype(DTYPES[name]), [0, 1, n // 2, n // 2 + 1, n - 1, n // 7]
        order = np.argsort(x, kind="stable")[ranks]
        values, places = found_ranks(x, ranks)
        np.testing.assert_array_equal(places, order, kind)
        np.testing.assert_array_equal(values, x[order], kind)


@pytest.mark.parametrize("name", ["f64", "f32", "i64", "u64", "i32", "u32"])
@pytest.mark.parametrize("n", [1025, 1500, 2600, 7001])
@pytest.mark.parametrize("kth", [(0.5,), (0.0,), (1.0,), (0.1, 0.5, 0.50001, 0.9)])
def test_partitions(name: str, n: int, kth: tuple[float, ...]) -> None:
    """Machine code and the interpreter agree to the last bit, and both with the definition."""
    rng, dtype = np.random.default_rng(n), DTYPES[name]
    ranks = sorted({int(k * (n - 1)) for k in kth})
    program = jitad.jit(lambda x: (jnp.partition(x, ranks), jnp.argpartition(x, ranks)))
    rows = [drawn(rng, (n,), dtype) for _ in range(3)]
    rows += [row.astype(dtype) for row in kinds_of_rows(n).values()]
    for x in rows:
        parts, order = program(x)
        check_partition(x, parts, ranks)
        assert parts.tobytes() == jnp.partition(x, ranks).tobytes() == x[order].tobytes()
        np.testing.assert_array_equal(order, jnp.argpartition(x, ranks))
        np.testing.assert_array_equal(np.sort(order), np.arange(n))


def check_partition(x: Any, parts: Any, ranks: list[int]) -> None:
    ordered = np.sort(x)
    np.testing.assert_array_equal(parts[ranks], ordered[ranks])
    for start, end in zip([0, *ranks], [*ranks, len(x)], strict=True):
        np.testing.assert_array_equal(np.sort(parts[start:end]), ordered[start:end])


@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_any_row_is_divided_at_any_places(data: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = data.draw(st.sampled_from([1030, 1031, 1048, 1500]))
    values = data.draw(st.integers(1, 2 * n))
    x = rng.integers(0, values, n).astype(data.draw(st.sampled_from(["f8", "f4", "i8"])))
    if x.dtype.kind == "f":
        x[rng.random(n) < data.draw(st.sampled_from([0.0, 0.01, 0.9]))] = np.nan
    ranks = [data.draw(st.sampled_from([0, 1, n // 2, n - 2, n - 1]))]
    parts = PARTITIONED.setdefault((n, *ranks), compiled_partition(ranks))(x)
    check_partition(x, parts, ranks)


PARTITIONED: dict[Any, Any] = {}


def compiled_partition(ranks: list[int]) -> Callable[..., Any]:
    return jitad.jit(lambda x: jnp.partition(x, ranks))


def test_partitions_along_any_axis() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(3, 1100, 2))
    x[1, ::9] = np.nan
    for axis, kth in ((1, 600), (1, (-2, 5)), (-2, -600), (None, 3000), (0, 1)):
        parts, order = jitad.jit(
            lambda x, a=axis, k=kth: (jnp.partition(x, k, a), jnp.argpartition(x, k, a))
        )(x)
        flat = x.ravel() if axis is None else x
        along = 0 if axis is None else axis
        np.testing.assert_array_equal(np.take_along_axis(flat, order, along), parts)
        k = np.array(kth)
        expected = np.take(np.partition(x, kth, axis), k, along)
        np.testing.assert_array_equal(np.take(parts, k, along), expected)
    strided = rng.normal(size=(4000,))[::3]
    check_partition(strided, jitad.jit(lambda x: jnp.partition(x, 700))(strided), [700])
    rows = jitad.jit(jitad.vmap(lambda x: jnp.partition(x, 700), in_axes=1))(x[:, :, 0].T)
    np.testing.assert_array_equal(rows, jnp.partition(x[:, :, 0], 700, 1))


def test_derivatives_of_what_is_selected() -> None:
    """They follow the elements."""
    rng = np.random.default_rng(4)
    x, weights = rng.permutation(1500) / 7.0, rng.normal(size=1500)
    order = jnp.argpartition(x, 400)

    def f(x: Any) -> Any:
        return (jnp.partition(x, 400) ** 2 * weights).sum()

    expected = np.empty(1500)
    expected[order] = 2 * x[order] * weights
    for gradient in (jitad.grad(f), jitad.jit(jitad.grad(f))):
        np.testing.assert_allclose(gradient(x), expected, rtol=1e-13)
    value, slope = jitad.jvp(jitad.jit(f), (x,), (weights,))
    np.testing.assert_allclose([value, slope], [f(x), expected @ weights], rtol=1e-12)
    middle = jitad.grad(lambda x: jitad.jit(jnp.nanmedian)(x))(np.where(x > 200, np.nan, x))
    assert set(np.flatnonzero(middle)) == {
        int(np.flatnonzero(x == value)[0]) for value in np.sort(x)[700:701]
    }
    hessian = jitad.jit(jitad.hessian(lambda x: jnp.quantile(x, 0.3) ** 2))(x)
    low, high = np.argsort(x)[[449, 450]]
    assert set(np.argwhere(hessian).ravel().tolist()) == {low, high}


@pytest.mark.filterwarnings("ignore:All-NaN")
@pytest.mark.parametrize("n", [1024, 1025, 5000])
def test_quantiles_at_levels_known_later(n: int) -> None:
    x = np.random.default_rng(n).normal(size=(3, n))
    x[0, ::5] = np.nan
    x[1] = np.nan
    levels = np.array([[0.0, 0.3], [0.5, 1.0]])
    for name in ("quantile", "nanquantile"):
        found = jitad.jit(lambda x, q, f=name: getattr(jnp, f)(x, q, axis=1))(x, levels)
        expected = getattr(np, name)(x, levels, axis=1)
        np.testing.assert_allclose(found, expected, rtol=1e-14)
    by_row = jitad.vmap(lambda x, q: jnp.quantile(x, q))(x, np.array([0.1, 0.2, 0.9]))
    np.testing.assert_allclose(by_row[2], np.quantile(x[2], 0.9), rtol=1e-14)


@pytest.mark.parametrize(("shape", "axis"), [((0, 2000), 1), ((2000, 0), 0), ((3, 0, 2000), 2)])
def test_no_rows(shape: tuple[int, ...], axis: int) -> None:
    x = np.zeros(shape)

    def both(x: Any) -> Any:
        return jnp.nanmedian(x, axis), jnp.partition(x, 5, axis), jnp.argpartition(x, 5, axis)

    middle, *others = jitad.jit(both)(x)
    assert middle.shape == np.median(x, axis).shape
    assert [y.shape for y in others] == [shape, shape]
    assert [y.shape for y in both(x)] == [middle.shape, shape, shape]


@pytest.mark.parametrize("name", ["f64", "f32", "i32"])
def test_many_rows_of_some_hundred(name: str) -> None:
    """Which are worth a search, where a single one is sorted."""
    x: Any = (np.random.default_rng(6).normal(size=(130, 600)) * 9).astype(DTYPES[name])
    middle, parts = jitad.jit(lambda x: (jnp.median(x, 1), jnp.partition(x, 200, 1)))(x)
    np.testing.assert_array_equal(middle, np.median(x, 1))
    for row, divided in zip(x, parts, strict=True):
        check_partition(row, divided, [200])
    text = jitad.jit(lambda x: (jnp.median(x, 1), jnp.partition(x, 200, 1))).lower(x).as_text()
    assert "order_statistics" in text and " partition(" in text and "sort(" not in text
