"""Sorting and selecting in rows that are nearly in order, against NumPy's stable sort: the bits of
what is found, and the places of equal elements."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad_ir import ops
from jitad_ir.graph import Builder, building
from jitad_ir.native.program import compile_graph
from jitad_ir.ops.runs import EACH, LEAST, MOST, PIECE
from jitad_ir.ops.sort_long import LONG
from jitad_ir.types import DTYPES, INT64, ArrayType

LENGTHS = (LEAST - 1, LEAST, LEAST + 1, 3 * EACH, PIECE, MOST * EACH + 9)


def up_and_down(x: Any) -> Any:
    return np.concatenate([x[::2], x[1::2][::-1]])


def many_runs(x: Any, count: int) -> Any:
    return np.concatenate([x[i::count][:: 1 - 2 * (i % 2)] for i in range(count)])


ORDERS: dict[str, Callable[[Any], Any]] = {
    "ascending": lambda x: x,
    "descending": lambda x: x[::-1],
    "up and down": up_and_down,
    "down and up": lambda x: up_and_down(x)[::-1],
    "turned": lambda x: np.roll(x, len(x) // 3),
    "level, then falling": lambda x: np.concatenate([np.repeat(x[-1:], len(x) // 4), x[::-1]])[
        : len(x)
    ],
    "pairs falling": lambda x: np.repeat(x[::2], 2)[: len(x)][::-1],
    "constant": lambda x: np.full_like(x, x[len(x) // 2]),
    "one at the end": lambda x: np.concatenate([x[1:], x[:1]]),
    "one at the start": lambda x: np.concatenate([x[-1:], x[:-1]]),
    "two in the middle": lambda x: np.concatenate([x[: len(x) // 2], x[-2:], x[len(x) // 2 : -2]]),
    "most runs": lambda x: many_runs(x, MOST),
    "one run more": lambda x: many_runs(x, MOST + 1),
    "zeros of both signs": lambda x: np.where(np.arange(len(x)) % 3 == 1, -0.0, 0.0).astype(
        x.dtype
    ),
}
"""What to make of sorted numbers."""


def numbers(rng: np.random.Generator, n: int, dtype: Any, *, few: bool) -> Any:
    """Sorted, with nan of both signs, infinities and both zeros if of floats."""
    if dtype.kind == "b":
        return np.sort(rng.random(n) < 0.5)
    if dtype.kind in "iu":
        bounds = (0, 5) if few else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        return np.sort(rng.integers(*bounds, n, dtype=dtype))
    x = np.round(rng.normal(size=n)) if few else rng.normal(size=n)
    if dtype.kind == "c":
        x = x + 1j * (np.round(rng.normal(size=n)) if few else rng.normal(size=n))
    if few:
        x[:9] = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, np.nan, -0.0]
        rng.shuffle(x)
    return np.sort(x.astype(dtype), kind="stable")


def stable_order(x: Any, descending: bool) -> Any:
    """Along the first axis."""
    if not descending:
        return np.argsort(x, axis=0, kind="stable")
    return len(x) - 1 - np.argsort(x[::-1], axis=0, kind="stable")[::-1]


def compiled(type: ArrayType, emit: Callable[..., Any]) -> Any:
    builder = Builder("program")
    x = builder.input(type)
    with building(builder):
        outputs = emit(x)
    return compile_graph(builder.build(outputs))


def sorts(type: ArrayType, descending: bool) -> Any:
    """A program: the array sorted alone, and along with its places."""

    def emit(x: Any) -> Any:
        place = ops.iota(shape=type.shape, dim=0, dtype=INT64)
        params = {"axis": 0, "num_keys": 1, "descending": descending}
        order = ops.argsort(x, axis=0, descending=descending)
        return [*ops.sort(x, **params), *ops.sort(x, place, **params), order]

    return compiled(type, emit)


def check(program: Any, x: Any, descending: bool, name: str) -> None:
    order = stable_order(x, descending)
    alone, along, places, order_alone = program(x)
    np.testing.assert_array_equal(order_alone, order, name)
    np.testing.assert_array_equal(places, order, name)
    expected = np.take_along_axis(x, order, 0).tobytes()
    assert alone.tobytes() == expected, name
    assert along.tobytes() == expected, name


@pytest.mark.parametrize("dtype", [d for d in DTYPES.values() if d.name != "float16"], ids=str)
def test_rows_nearly_in_order(dtype: Any) -> None:
    rng = np.random.default_rng(7)
    for number, n in enumerate(LENGTHS):
        descending = bool((number + dtype.itemsize + len(dtype.name)) % 2)
        program = sorts(ArrayType(dtype, (n,)), descending)
        for name, order in ORDERS.items():
            for few in (False, True):
                x = np.ascontiguousarray(order(numbers(rng, n, dtype, few=few)))
                check(program, x, descending, f"{name} {n} {few}")


@pytest.mark.parametrize("name", ["f64", "i32", "c64", "bool"])
@pytest.mark.parametrize("descending", [False, True])
def test_columns_nearly_in_order(name: str, descending: bool) -> None:
    """Each by itself: they are in different orders, and one in none."""
    rng, dtype, n = np.random.default_rng(3), DTYPES[name], MOST * EACH
    columns = [order(numbers(rng, n, dtype, few=True)) for order in ORDERS.values()]
    columns.append(rng.permutation(columns[0]))
    x = np.ascontiguousarray(np.stack(columns, axis=1))
    check(sorts(ArrayType(dtype, x.shape), descending), x, descending, name)


@pytest.mark.parametrize("name", ["f64", "f32", "i64", "c128"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_long_row_nearly_in_order(name: str, threads: int) -> None:
    rng, dtype, n = np.random.default_rng(5), DTYPES[name], LONG + 7
    for descending in (False, True):
        program = sorts(ArrayType(dtype, (n,)), descending)
        with jitad.threads(threads):
            for few in (False, True):
                for case, order in ORDERS.items():
                    x = np.ascontiguousarray(order(numbers(rng, n, dtype, few=few)))
                    check(program, x, descending, case)


def test_records_nearly_in_order() -> None:
    """By two keys, one of them in few values: the orders are those of the pairs."""
    rng, n = np.random.default_rng(1), 2 * PIECE + 5
    first, second = np.sort(rng.integers(0, 9, n)), rng.normal(size=n)
    pairs = np.lexsort((second, first))
    for name, order in ORDERS.items():
        if name in ("constant", "zeros of both signs"):
            continue
        of = order(pairs)
        keys = [np.ascontiguousarray(second[of]), np.ascontiguousarray(first[of])]
        np.testing.assert_array_equal(jitad.jit(jnp.lexsort)(keys), np.lexsort(keys), name)


@pytest.mark.parametrize("name", ["f64", "f32", "i64", "u8"])
@pytest.mark.parametrize("n", [LEAST - 1, LEAST, 9000])
def test_selecting_in_rows_nearly_in_order(name: str, n: int) -> None:
    rng, dtype = np.random.default_rng(n), DTYPES[name]
    ranks, most = (n // 2, 0, n - 1, n // 3), n // 2
    type = ArrayType(dtype, (n,))
    found = compiled(type, lambda x: ops.order_statistics(x, ops.constant(value=np.array(ranks))))
    greatest = compiled(type, lambda x: ops.top_k(x, k=most))
    fewer = compiled(type, lambda x: ops.top_k(x, k=5))
    for case, order in ORDERS.items():
        for few in (False, True):
            x = np.ascontiguousarray(order(numbers(rng, n, dtype, few=few)))
            ascending, descending = (stable_order(x, down) for down in (False, True))
            for program, expected in (
                (found, ascending[list(ranks)]),
                (greatest, descending[:most]),
                (fewer, descending[:5]),
            ):
                values, places = program(x)
                np.testing.assert_array_equal(places, expected, case)
                assert values.tobytes() == x[expected].tobytes()


def test_what_is_in_order_is_not_sorted() -> None:
    """The time of a sort of numbers in order, as a part of the time for random ones: about one in
    thirty."""
    x = np.random.default_rng(0).normal(size=400_000)
    argsort = jitad.jit(jnp.argsort)

    def least(x: Any) -> float:
        times = []
        for _ in range(7):
            start = time.perf_counter()
            argsort(x)
            times.append(time.perf_counter() - start)
        return min(times)

    argsort(x)
    ordered = np.sort(x)
    with jitad.threads(1):
        assert 4 * least(ordered) < least(x)
        assert 4 * least(ordered[::-1].copy()) < least(x)
