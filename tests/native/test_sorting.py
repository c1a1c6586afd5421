"""Sorting in native code against NumPy's stable sort: every dtype, lengths around all thresholds,
numbers that repeat, nan of either sign, infinities, both zeros, rows that are not contiguous."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad_ir import ops
from jitad_ir.graph import Builder, building
from jitad_ir.native.program import compile_graph
from jitad_ir.ops.columns import comparisons
from jitad_ir.ops.sort_keys import key_dtype
from jitad_ir.ops.sort_long import LONG
from jitad_ir.passes.widen import widen
from jitad_ir.plan.steps import RoutineCall
from jitad_ir.types import DTYPES, INT64, ArrayType

SHAPES = (
    ((1,), 0),
    ((7,), 0),
    ((16,), 0),
    ((63,), 0),
    ((104,), 0),
    ((119,), 0),
    ((130,), 0),
    ((1600,), 0),
    ((19, 5), 1),
    ((64, 8), 1),
    ((35, 40), 1),
    ((9, 70), 0),
    ((2, 17, 33), 1),
    ((8, 100), 1),
    ((3, 300), 1),
    ((300, 3), 0),
    ((260, 9), 0),
    ((2, 300, 70), 1),
    ((4100,), 0),
)


def drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Any:
    """Numbers of all sizes, and many that are special or equal."""
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        if rng.random() < 0.5:
            return rng.integers(0, 7, shape).astype(dtype)
        return rng.integers(bounds.min, bounds.max, shape, dtype=dtype, endpoint=True)
    far = 20 if dtype.itemsize > 2 else 4
    x = rng.normal(size=shape) * 10.0 ** rng.integers(-far, far, shape)
    special = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1.0])
    replaced = rng.random(shape) < rng.choice([0.0, 0.1, 0.5])
    return np.where(replaced, rng.choice(special, shape), x).astype(dtype)


def in_order(x: Any, axis: int, descending: bool) -> Any:
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    order = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return x.shape[axis] - 1 - np.flip(order, axis)


def sorts(type: ArrayType, axis: int, descending: bool) -> Any:
    """A program: the array sorted alone, and sorted along with places and with itself; its
    order."""
    builder = Builder("sorts")
    x = builder.input(type)
    with building(builder):
        place = ops.iota(shape=type.shape, dim=axis, dtype=INT64)
        params = {"axis": axis, "num_keys": 1, "descending": descending}
        order = ops.argsort(x, axis=axis, descending=descending)
        outputs = [*ops.sort(x, **params), *ops.sort(x, place, x, **params), order]
    return compile_graph(widen(builder.build(outputs)))


@pytest.mark.parametrize("name", [name for name in DTYPES if not name.startswith("c")])
def test_order_is_that_of_numpy(name: str) -> None:
    dtype = DTYPES[name]
    rng = np.random.default_rng(sum(map(ord, name)))
    for number, (shape, axis) in enumerate(SHAPES):
        descending = bool((number + len(name) + dtype.itemsize) % 2)
        program = sorts(ArrayType(dtype, shape), axis, descending)
        for _ in range(3):
            x = drawn(rng, shape, dtype)
            order = in_order(x, axis, descending)
            alone, with_places, places, itself, order_alone = program(x)
            np.testing.assert_array_equal(places, order, f"{name} {shape} {axis} {descending}")
            np.testing.assert_array_equal(order_alone, order)
            expected = np.take_along_axis(x, order, axis).view(key_dtype(dtype))
            for got in (alone, with_places, itself):
                np.testing.assert_array_equal(got.view(key_dtype(dtype)), expected)


@pytest.mark.parametrize("name", ["f64", "f32", "i8", "u16", "i64", "bool", "c64"])
@pytest.mark.parametrize(("shape", "axis"), [((70, 290), 1), ((290, 19), 0), ((2, 9000, 3), 1)])
def test_an_operand_that_dies_is_overwritten(name: str, shape: tuple[int, ...], axis: int) -> None:
    """Which what is put back afterwards, zeros and nans, must not be read from."""
    dtype = DTYPES[name]
    builder = Builder("overwritten")
    x = builder.input(ArrayType(dtype, shape))
    with building(builder):
        outputs = ops.sort(ops.reverse(x, axes=(0,)), axis=axis, num_keys=1, descending=True)
    program = compile_graph(builder.build(outputs))
    call = program.plan.steps[-1]
    assert isinstance(call, RoutineCall) and call.reads == call.results
    rng = np.random.default_rng(len(name) + shape[0])
    for threads in (1, 2, 3):
        drawing = drawn(rng, shape, DTYPES["f32"] if name == "c64" else dtype).astype(dtype)
        given = np.flip(drawing, 0)
        with jitad.threads(threads):
            (found,) = program(drawing)
        order = in_order(given, axis, True)
        assert found.tobytes() == np.take_along_axis(given, order, axis).tobytes()


@pytest.mark.parametrize("name", ["f64", "f32", "i32", "u64", "c64"])
def test_one_long_row_on_several_threads(name: str) -> None:
    """Numbers of every kind, of all one kind, and in either order already."""
    dtype = DTYPES[name]
    n = LONG + 13
    rng = np.random.default_rng(0)
    rows = [drawn(rng, (n,), DTYPES["f32"] if name == "c64" else dtype) for _ in range(3)]
    rows += [np.sort(rows[0]), np.sort(rows[1])[::-1].copy(), np.zeros(n)]
    programs = [sorts(ArrayType(dtype, (n,)), 0, descending) for descending in (False, True)]
    for row, threads in zip(rows, (2, 3, 9, 2, 4, 3), strict=True):
        x = row.astype(dtype)
        for descending, program in zip((False, True), programs, strict=True):
            order = in_order(x, 0, descending)
            with jitad.threads(threads):
                alone, with_places, places, itself, order_alone = program(x)
            np.testing.assert_array_equal(places, order)
            np.testing.assert_array_equal(order_alone, order)
            for got in (alone, with_places, itself):
                assert got.tobytes() == x[order].tobytes()


@pytest.mark.parametrize("name", ["c64", "c128"])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((11,), 0),
        ((199,), 0),
        ((230,), 0),
        ((9000,), 0),
        ((260, 3), 0),
        ((33, 3), 1),
        ((9, 17), 1),
        ((40, 19), 0),
    ],
)
def test_complex_rows(name: str, shape: tuple[int, ...], axis: int) -> None:
    """Without equal parts, with equal ones, of few values, with nans: each goes another way."""
    rng, dtype = np.random.default_rng(shape[0]), DTYPES[name]
    normal = [rng.normal(size=shape) for _ in range(2)]
    few = [np.where(rng.random(shape) < 0.2, -0.0, np.round(x)) for x in normal]
    special = [np.where(rng.random(shape) < 0.3, np.nan, x) for x in few]
    infinite = [np.where(rng.random(shape) < 0.3, np.copysign(np.inf, x), x) for x in special]
    pairs = [normal, few, special, infinite, (few[0], normal[1]), (normal[0], few[1])]
    pairs += [(np.ones(shape), normal[1]), (np.full(shape, np.nan), special[1])]
    falling = -np.arange(float(np.prod(shape))).reshape(shape)
    pairs += [(np.ones(shape), falling), (special[0], falling)]
    for descending in (False, True):
        program = sorts(ArrayType(dtype, shape), axis, descending)
        for re, im in pairs:
            x = np.empty(shape, dtype)
            x.real, x.imag = re, im
            order = in_order(x, axis, descending)
            alone, with_places, places, itself, order_alone = program(x)
            np.testing.assert_array_equal(places, order)
            np.testing.assert_array_equal(order_alone, order)
            for got in (alone, with_places, itself):
                assert got.tobytes() == np.take_along_axis(x, order, axis).tobytes()


@pytest.mark.parametrize("name", ["i64", "u64", "f64", "c64", "c128"])
@pytest.mark.parametrize("shape", [(130,), (1601,), (4096,), (3, 257)])
def test_keys_that_begin_alike(name: str, shape: tuple[int, ...]) -> None:
    """So that their leading bits do not tell the order of all."""
    rng, dtype = np.random.default_rng(shape[0]), DTYPES[name]

    def close() -> Any:
        """A few numbers, and those next to them."""
        far, step = rng.integers(0, 3, shape), rng.integers(0, 40, shape)
        if dtype.kind in "iu":
            return (far.astype("u8") << np.uint64(62)) + step.astype("u8")
        real = np.dtype(f"f{dtype.itemsize // (2 if dtype.kind == 'c' else 1)}")
        first = np.array([-1.0, 0.0, 1e9], real)[far]
        return first + np.spacing(np.abs(first)) * step.astype(real)

    for descending in (False, True):
        program = sorts(ArrayType(dtype, shape), len(shape) - 1, descending)
        x = np.empty(shape, dtype)
        x[:] = close().astype(dtype)
        if dtype.kind == "c":
            x.imag = close()
        order = in_order(x, -1, descending)
        alone, _, places, _, order_alone = program(x)
        np.testing.assert_array_equal(places, order)
        np.testing.assert_array_equal(order_alone, order)
        assert alone.tobytes() == np.take_along_axis(x, order, -1).tobytes()


@pytest.mark.parametrize(
    ("shape", "axis"), [((90,), 0), ((300,), 0), ((4, 700), -1), ((700, 3), 0)]
)
def test_lexsort(shape: tuple[int, ...], axis: int) -> None:
    """By up to four keys with few values each, of every kind."""
    rng = np.random.default_rng(shape[0])
    few = [np.round(rng.normal(size=shape)) for _ in range(4)]
    nans = np.where(rng.random(shape) < 0.2, np.nan, few[0])
    keys = [nans, few[1].astype("i8"), few[2].astype("f4"), few[3] + 1j * few[0]]
    for count in range(1, 5):
        expected = np.lexsort(keys[:count], axis=axis)
        found = jitad.jit(lambda *keys: jnp.lexsort(keys, axis=axis))(*keys[:count])
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("n", [2, 4, 8, 16])
def test_a_network_sorts_all_zeros_and_ones(n: int) -> None:
    """Which suffices: Knuth 5.3.4, theorem Z."""
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    for i, j in comparisons(n):
        low, high = np.minimum(bits[:, i], bits[:, j]), np.maximum(bits[:, i], bits[:, j])
        bits[:, i], bits[:, j] = low, high
    assert (np.diff(bits, axis=1) >= 0).all()


@pytest.mark.parametrize("n", [1, 63, 64, 65, 1000, 100_000])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_places_of_what_is_true(n: int, share: float) -> None:
    """As many as fit, one less, one more, none: nothing is written behind the result."""
    mask = np.random.default_rng(n).random(n) < share
    expected = np.flatnonzero(mask)
    count = len(expected)
    for size in {max(count - 1, 0), count, count + 1, count + 200, min(count, 5)}:
        type = ArrayType(DTYPES["bool"], (n,))
        builder = Builder("places")
        x = builder.input(type)
        with building(builder):
            outputs = [ops.true_places(x, length=size, fill=-7)]
        (found,) = compile_graph(builder.build(outputs))(mask)
        filled = np.full(size, -7)
        filled[: min(size, count)] = expected[:size]
        np.testing.assert_array_equal(found, filled)


def test_places_of_what_is_true_in_many_rows() -> None:
    masks = np.random.default_rng(0).random((300, 1000)) < 0.3
    found = jitad.jit(jitad.vmap(lambda x: jnp.flatnonzero(x, size=290, fill_value=-1)))(masks)
    for row, mask in zip(np.asarray(found), masks, strict=True):
        places = np.flatnonzero(mask)[:290]
        np.testing.assert_array_equal(row[: len(places)], places)
        assert (row[len(places) :] == -1).all()
