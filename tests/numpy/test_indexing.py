"""Indexing, `.at` and functions that pick by index, against NumPy's indexing and assignment."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices

import jitad
import jitad.numpy as jnp
from jitad.numpy.at import At
from jitad.numpy.indexing import get_item

from .compare import agree, assert_same, run_traced

X = np.random.default_rng(0).normal(size=(4, 5, 6))
I1 = np.array([0, 2, -1])
I2 = np.array([[0], [1]])
MASK = X > 0
ROWS = np.array([1, 0, 1, 1], bool)

BASIC: list[Any] = [
    0,
    -1,
    (0, 1),
    (0, 1, 2),
    (-4, -5, -6),
    slice(None),
    slice(1, 3),
    slice(None, None, -1),
    slice(3, 0, -2),
    slice(-2, None),
    slice(10, 20),
    slice(2, 1),
    slice(0, 0, -1),
    (slice(None), 2),
    (slice(1, 4, 2), slice(None), slice(None, None, 3)),
    Ellipsis,
    (Ellipsis, 0),
    (0, Ellipsis),
    (0, Ellipsis, 1),
    None,
    (None, 0),
    (slice(None), None, 1),
    (Ellipsis, None),
    (slice(None), 0, slice(None), None),
    np.int32(2),
    np.array(1),
    (),
]

ADVANCED: list[Any] = [
    I1,
    (I1, I1),
    (I1, 0),
    (0, I1),
    (I1, slice(None), I1),
    (slice(None), I1, I1),
    (slice(None), I1, slice(None)),
    (slice(None), I1, 0),
    (0, slice(None), I1),
    (I1, None, I1),
    (I2, I1),
    (slice(None), I2, I1),
    (I1, Ellipsis, I2.T[:, :1]),
    MASK,
    MASK[:, :, 0],
    ROWS,
    (ROWS, 0),
    (ROWS, slice(None), I1),
    (slice(None), np.array([1, 0, 0, 0, 1], bool)),
    (Ellipsis, MASK[0, 0]),
    (0, MASK[0]),
    np.zeros(4, bool),
    True,
    False,
    (True, 0),
    (0, True),
    np.True_,
    (None, I1),
    (I1, None),
    [0, 1],
    [[0, 1], [2, 3]],
    ([0, 1], [1, 2]),
    [],
    np.array([], int),
    (np.zeros((2, 0), int),),
    (np.array(1), slice(None), I1),
    (slice(None, None, -2), I1),
    (slice(4, None, -1), slice(None), [5, 0]),
    (I1, slice(2, 0, -1), 0),
    np.array([0, 1], np.uint8),
    (I1[:, None], I1[None]),
]

WRONG: list[Any] = [
    4,
    -5,
    (0, 1, 2, 3),
    (Ellipsis, Ellipsis),
    np.array([9]),
    np.array([-9]),
    (slice(None), [0, 5]),
    1.0,
    np.array([1.0]),
    "a",
    MASK[:3],
    (MASK[0],),
    (I1, np.array([0, 1])),
    np.zeros((4, 5, 6, 1), bool),
]


@pytest.mark.parametrize("index", BASIC + ADVANCED + WRONG, ids=str)
def test_reading(index: Any) -> None:
    agree(lambda x: get_item(x, index), lambda x: x[index], X)


@given(basic_indices((4, 5, 6), min_dims=0, max_dims=5, allow_newaxis=True, allow_ellipsis=True))
@settings(max_examples=150, deadline=None)
def test_reading_by_any_basic_index(index: Any) -> None:
    assert_same(get_item(X, index), X[index], str(index))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_reading_by_any_mixture(data: st.DataObject) -> None:
    items: list[Any] = []
    for n in (4, 5, 6):
        places = st.integers(-n, n - 1)
        entry = st.one_of(
            places,
            st.slices(n),
            st.lists(places, min_size=2, max_size=2).map(np.array),
            st.lists(st.lists(places, min_size=2, max_size=2), min_size=3, max_size=3).map(
                np.array
            ),
        )
        items.append(data.draw(entry))
        if data.draw(st.booleans()):
            items.append(None)
    index = tuple(items[: data.draw(st.integers(0, len(items)))])
    assert_same(run_traced(lambda x: x[index], X), X[index], str(index))


TRACED_PLACES: list[Callable[[Any], Any]] = [
    lambda i: (i,),
    lambda i: (slice(None), i),
    lambda i: (i, slice(1, 3)),
    lambda i: (i, 0),
    lambda i: (i, slice(None), i),
    lambda i: (Ellipsis, i),
    lambda i: (None, i),
    lambda i: (slice(None, None, 2), i),
    lambda i: (slice(None), i, I1),
]
PLACES = [1, -1, np.int64(2), I1, I2, np.uint8(1), np.int8(-2), np.array([], int)]


@pytest.mark.parametrize("make", TRACED_PLACES, ids=range(len(TRACED_PLACES)))
@pytest.mark.parametrize("i", PLACES, ids=str)
def test_traced_places(make: Callable[[Any], Any], i: Any) -> None:
    try:
        expected = X[make(i)]
    except IndexError:
        with pytest.raises(IndexError, match="could not be broadcast"):
            run_traced(lambda x, i: x[make(i)], X, i)
        return
    assert_same(run_traced(lambda x, i: x[make(i)], X, i), expected, "traced")


def test_traced_places_out_of_bounds_are_moved_inside() -> None:
    x = np.arange(5.0)
    for i, expected in ((7, 4.0), (-9, 0.0), (-1, 4.0)):
        assert run_traced(lambda x, i: x[i], x, i) == expected


def test_what_cannot_be_traced() -> None:
    with pytest.raises(TypeError, match=r"traced mask bool\[5\].*jnp.where.*sum\(x, where=mask\)"):
        run_traced(lambda x: x[x > 1], np.arange(5.0))
    with pytest.raises(IndexError, match=r"slice bounds must be known.*lax.dynamic_slice"):
        run_traced(lambda x, n: x[:n], np.arange(5.0), 3)
    # Outside of jit the mask's elements are known.
    assert_same(
        jitad.grad(lambda x: jnp.sum(x[x > 1] ** 2))(np.arange(4.0)), np.array([0.0, 0, 4, 6]), ""
    )


def test_derivative_of_repeated_places_adds_up() -> None:
    got = jitad.grad(lambda x: jnp.sum(x[I2, I1] * x[0, 0]))(np.ones((4, 5)))
    expected = np.zeros((4, 5))
    np.add.at(expected, (I2, I1), 1.0)
    expected[0, 0] += 6.0
    np.testing.assert_array_equal(got, expected)


# Updates.

NUMPY_UPDATES: dict[str, Callable[[Any, Any, Any], None]] = {
    "set": operator.setitem,
    "add": np.add.at,
    "subtract": np.subtract.at,
    "multiply": np.multiply.at,
    "divide": np.divide.at,
    "min": np.minimum.at,
    "max": np.maximum.at,
    "power": lambda x, i, v: operator.setitem(x, i, x[i] ** v),
}


@pytest.mark.parametrize("name", NUMPY_UPDATES)
@pytest.mark.parametrize("index", BASIC + ADVANCED, ids=str)
def test_updates(index: Any, name: str) -> None:
    x = np.abs(X)
    many = np.random.default_rng(1).uniform(0.5, 2.0, size=x[index].shape)
    for values in (2.5, many, many[..., :1] if many.ndim else many):
        expected = x.copy()
        NUMPY_UPDATES[name](expected, index, values)

        def update(x: Any, values: Any) -> Any:
            return getattr(At(x)[index], name)(values)

        assert_same(update(x, values), expected, name)
        assert_same(run_traced(update, x, values), expected, name)


def test_traced_places_of_updates() -> None:
    x = np.arange(12.0).reshape(3, 4)
    expected = x.copy()
    expected[[0, -1]] += 10
    got = run_traced(lambda x, i: x.at[i].add(10), x, np.array([0, -1]))
    assert_same(got, expected, "add")
    expected = x.copy()
    expected[1:, 2] = [7, 8]
    got = run_traced(lambda x, j: x.at[1:, j].set(np.array([7.0, 8.0])), x, 2)
    assert_same(got, expected, "set")


def test_modes_of_updates_out_of_bounds() -> None:
    x = np.arange(4.0)
    for i in (np.array([1, 9]), np.array([1, -9])):
        for run in (lambda f, i: f(x, i), lambda f, i: run_traced(f, x, i)):
            for mode in (None, "drop", "fill"):
                got = run(lambda x, i, m=mode: At(x)[i].set(7.0, mode=m), i)
                assert_same(got, np.array([0.0, 7, 2, 3]), str(mode))
            clipped = run(lambda x, i: At(x)[i].set(7.0, mode="clip"), i)
            assert_same(clipped, np.array([0.0, 7, 2, 7] if i[1] > 0 else [7.0, 7, 2, 3]), "clip")
            nan = run(lambda x, i: At(x)[i].get(mode="fill"), i)
            assert_same(nan, np.array([1.0, np.nan]), "get")
            filled = run(lambda x, i: At(x)[i].get(mode="fill", fill_value=5), i)
            assert_same(filled, np.array([1.0, 5.0]), "get fill")
            nearest = run(lambda x, i: At(x)[i].get(), i)
            assert_same(nearest, [1.0, 3.0 if i[1] > 0 else 0.0], "get clip")
    assert_same(At(x)[9].set(1.0), x, "number out of bounds")
    with pytest.raises(ValueError, match="expected a mode of 'drop'.*; got 'wrong'"):
        At(x)[0].set(1.0, mode="wrong")


def test_more_updates() -> None:
    x = jnp.arange(4)
    assert type(x) is jitad.Array
    assert_same(x.at[1].set(7.9), np.array([0, 7, 2, 3]), "toward zero")
    assert_same(x.at[::2].apply(lambda v: v**2 + 1), np.array([1, 1, 5, 3]), "apply")
    assert_same(x.at[[1, 1]].add(1), np.array([0, 3, 2, 3]), "each update counts")
    assert_same(x.at[[1, 1]].set(np.array([5, 6])), np.array([0, 6, 2, 3]), "the last stays")
    assert_same(x, np.array([0, 1, 2, 3]), "the array itself is left as it was")
    assert_same(At(3.0)[()].set(4.0), np.float64(4.0), "scalar")
    with pytest.raises(TypeError, match="expected real values for an array of int64"):
        x.at[0].set(1j)
    with pytest.raises(TypeError, match="expected an array of floats to divide"):
        x.at[0].divide(2)
    with pytest.raises(ValueError, match="could not be broadcast"):
        x.at[:2].set(np.ones(3))


def test_an_ellipsis_for_no_axis_keeps_arrays_apart() -> None:
    x = np.arange(60.0).reshape(3, 4, 5)
    for index in [
        (slice(None), [0, 1], ..., [0, 1]),
        (slice(None), 1, ..., [0, 1]),
        (0, ..., [0, 1], [1, 2]),
        ([0, 1], [1, 2], [0, 4], ...),
        (slice(None), None, [0, 1], ..., [0, 1]),
    ]:
        np.testing.assert_array_equal(jitad.jit(lambda x, i=index: x[i])(x), x[index])
        want = x.copy()
        want[index] += 1
        np.testing.assert_array_equal(jnp.array(x).at[index].add(1), want)


def test_functions_apply_as_often_as_a_place_occurs() -> None:
    x, places = np.arange(5.0), np.array([1, 1, 3, 7])
    want = np.array([0, 7, 2, 7, 4.0])

    def applied(x: Any, places: Any, **options: Any) -> Any:
        return jnp.asarray(x).at[places].apply(lambda x: 2 * x + 1, **options)

    np.testing.assert_array_equal(applied(x, places), want)
    np.testing.assert_array_equal(jitad.jit(applied)(x, places), want)
    np.testing.assert_array_equal(applied(x, places[1:], unique_indices=True), [0, 3, 2, 7, 4])
    got = jitad.grad(lambda x: applied(x, places).sum())(x)
    np.testing.assert_array_equal(got, [1, 4, 1, 2, 1])


def test_negative_places_may_be_out_of_bounds() -> None:
    x, places = jnp.arange(3.0), np.array([-1, 0])
    for f in (lambda f: f, jitad.jit):
        got = f(lambda x, i: x.at[i].set(9.0, wrap_negative_indices=False))(x, places)
        np.testing.assert_array_equal(got, [9, 1, 2])
        got = f(lambda x, i: x.at[i].get(mode="fill", wrap_negative_indices=False))(x, places)
        np.testing.assert_array_equal(got, [np.nan, 0])
    np.testing.assert_array_equal(x.at[-1].add(9.0, wrap_negative_indices=False), x)


def test_traced_places_along_an_axis_without_elements() -> None:
    x = np.zeros((2, 0))
    assert np.isnan(jitad.jit(lambda i: jnp.asarray(x)[0, i])(0))
    assert jitad.jit(lambda i: jnp.asarray(x)[i])(0).shape == (0,)


def test_derivatives_of_updates() -> None:
    def f(x: Any, v: Any) -> Any:
        return jnp.sum(x.at[1].set(v * x[0]) ** 2)

    dx, dv = jitad.grad(f, (0, 1))(np.array([2.0, 9.0, 3.0]), 5.0)
    assert_same(dx, np.array([104.0, 0.0, 6.0]), "x")  # x0**2 + (v x0)**2 + x2**2
    assert float(dv) == 40.0

    def g(x: Any) -> Any:
        return jnp.sum(jnp.zeros(3).at[np.array([0, 0, 2])].add(x) ** 2)

    assert_same(
        jitad.grad(g)(np.array([1.0, 2.0, 3.0])), np.array([6.0, 6.0, 6.0]), "sums of updates"
    )


# Picking by functions.


def test_take() -> None:
    x = X[:, :, 0]
    for axis in (None, 0, 1, -1, 2):
        for i in ([0, -1, 1], 2, [[0, 1], [2, 0]], np.array([], int), [3, 99]):
            for mode in ("raise", "wrap", "clip"):
                agree(
                    lambda x, a=axis, i=i, m=mode: jnp.take(x, i, a, mode=m),
                    lambda x, a=axis, i=i, m=mode: np.take(x, i, a, mode=m),
                    x,
                )
    with pytest.raises(TypeError, match="expected integer indices; got dtype float64"):
        jnp.take(x, 1.5)
    agree(lambda x: jnp.take(x, []), lambda x: np.take(x, np.array([], int)), x)
    agree(lambda x: jnp.take(x, [0]), lambda x: np.take(x, [0]), np.zeros(0))


def test_take_of_traced_indices() -> None:
    x, i = np.arange(4.0), np.array([1, -1, 7, -9])
    assert_same(run_traced(jnp.take, x, i), np.array([1.0, 3.0, np.nan, np.nan]), "fill")
    assert_same(run_traced(jnp.take, np.arange(4), i)[2], np.iinfo("i8").min, "integers")
    for mode, expected in (("wrap", [1.0, 3, 3, 3]), ("clip", [1.0, 0, 3, 0])):
        got = run_traced(lambda x, i, m=mode: jnp.take(x, i, mode=m), x, i)
        assert_same(got, np.array(expected), mode)
    with pytest.raises(ValueError, match="mode 'raise' needs indices that are known"):
        run_traced(lambda x, i: jnp.take(x, i, mode="raise"), x, i)


def test_take_along_axis() -> None:
    x = X[0]
    for axis in (0, 1, -1):
        order = np.argsort(x, axis=axis)
        agree(
            lambda x, i, a=axis: jnp.take_along_axis(x, i, a),
            lambda x, i, a=axis: np.take_along_axis(x, i, a),
            x,
            order,
        )
    best = np.argmax(x, axis=1, keepdims=True)
    agree(
        lambda x, i: jnp.take_along_axis(x, i, 1), lambda x, i: np.take_along_axis(x, i, 1), x, best
    )
    agree(
        lambda x: jnp.take_along_axis(x, np.array([3, 1]), None),
        lambda x: np.take_along_axis(x, np.array([3, 1]), None),
        x,
    )
    with pytest.raises(IndexError, match="index 9 is out of bounds"):
        jnp.take_along_axis(x, np.array([[9]]), 0)
    with pytest.raises(ValueError, match="same number of dimensions"):
        jnp.take_along_axis(x, np.array([0]), 0)


def test_masks_and_conditions() -> None:
    x = X[:, :, 0]
    agree(lambda x: jnp.compress(ROWS, x, 0), lambda x: np.compress(ROWS, x, 0), x)
    agree(lambda x: jnp.extract(x > 0, x), lambda x: np.extract(x > 0, x), x, traced=False)
    for name in ("nonzero", "flatnonzero", "argwhere"):
        agree(getattr(jnp, name), getattr(np, name), x > 0, traced=False)
    agree(lambda x: x[jnp.ix_([0, 2], [1, 3])], lambda x: x[np.ix_([0, 2], [1, 3])], x)


def test_delete_and_insert() -> None:
    x = X[:, :, 0]
    for obj in (0, -1, [0, 2], slice(0, 3, 2)):
        for axis in (0, 1, None):
            agree(
                lambda x, o=obj, a=axis: jnp.delete(x, o, a),
                lambda x, o=obj, a=axis: np.delete(x, o, a),
                x,
            )
    for obj in (0, 2, [0, 2]):
        agree(lambda x, o=obj: jnp.insert(x, o, 7, 1), lambda x, o=obj: np.insert(x, o, 7, 1), x)
        agree(lambda x, o=obj: jnp.insert(x, o, 7), lambda x, o=obj: np.insert(x, o, 7), x)
    agree(
        lambda x: jnp.insert(x, 1, np.arange(4), 1), lambda x: np.insert(x, 1, np.arange(4), 1), x
    )


@pytest.mark.parametrize("dtype", ["int8", "bool", "float32", "float64", "complex128"])
def test_rows_out_of_bounds_are_filled(dtype: str) -> None:
    """Also where no row is in bounds, and of parts of rows, forwards and backwards."""
    rng = np.random.default_rng(0)
    fill = np.array(1, dtype)
    for rows, length in ((1, 9), (1, 70), (5, 8), (40, 33)):
        x = rng.normal(size=(rows, length)).astype(dtype)
        for places in (np.array([rows, -rows - 1, 99]), rng.integers(-rows - 9, rows + 9, 50)):
            inside = (places >= -rows) & (places < rows)
            for part in (slice(None), slice(3, None), slice(None, None, -1), slice(None, None, 3)):
                got = jitad.jit(
                    lambda x, i, p=part: jnp.take(x[:, p], i, 0, mode="fill", fill_value=fill)
                )(x, places)
                whole = x[np.where(inside, places, 0)][:, part]
                np.testing.assert_array_equal(got, np.where(inside[:, None], whole, fill))
