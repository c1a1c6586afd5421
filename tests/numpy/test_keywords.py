"""Keywords that JAX's functions have beyond NumPy's, and NumPy's that JAX's functions take."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad.numpy.quantiles import _METHODS

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(3, 7))
HOLED = np.where(TABLE > 1.2, np.nan, TABLE)
WEIGHTS = RNG.integers(1, 5, (3, 7)).astype(float)


@pytest.mark.parametrize("method", _METHODS)
@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
def test_quantiles_by_every_method(name: str, method: str) -> None:
    ours, numpys = getattr(jnp, name), getattr(np, name)
    for q in (0.0, 0.1, 0.5, 0.77, 1.0, [0.2, 0.9]):
        for axis in (None, 0, 1, (0, 1)):
            for x in (TABLE, HOLED):
                want = numpys(x, q, axis, method=method, keepdims=True)
                np.testing.assert_allclose(ours(x, q, axis, method=method, keepdims=True), want)
    levels = [0.0, 0.1, 0.5, 0.77, 1.0]
    got = jitad.jit(lambda x: ours(x, levels, 1, None, False, method))(HOLED)
    np.testing.assert_allclose(got, numpys(HOLED, levels, 1, method=method))


def test_quantiles_of_a_long_row_by_every_method() -> None:
    x = RNG.normal(size=10_000)
    for method in _METHODS:
        want = np.quantile(x, 0.313, method=method)
        np.testing.assert_allclose(jnp.quantile(x, 0.313, method=method), want)


@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
@pytest.mark.parametrize(("axis", "weights"), [(None, WEIGHTS), (0, WEIGHTS), (1, WEIGHTS)])
def test_weighted_quantiles(name: str, axis: Any, weights: Any) -> None:
    how: dict[str, Any] = {"axis": axis, "weights": weights, "method": "inverted_cdf"}
    for q in (0.0, 0.1, 0.5, 1.0, [0.2, 0.9]):
        for x in (TABLE, HOLED):
            want = getattr(np, name)(x, q, **how)
            np.testing.assert_allclose(getattr(jnp, name)(x, q, **how), want)
    got = jitad.jit(lambda x: getattr(jnp, name)(x, [0.2, 0.9], **how))(HOLED)
    np.testing.assert_allclose(got, getattr(np, name)(HOLED, [0.2, 0.9], **how))


def test_weights_of_one_axis_and_what_they_need() -> None:
    w = np.array([0, 1, 1, 5, 1, 1, 0])
    want = np.percentile(TABLE, 40, axis=1, weights=w, method="inverted_cdf")
    got = jnp.percentile(TABLE, 40, axis=1, weights=w, method="inverted_cdf")
    np.testing.assert_allclose(got, want)
    with pytest.raises(ValueError, match="does not support weights"):
        jnp.quantile(TABLE, 0.5, weights=WEIGHTS)
    with pytest.raises(ValueError, match="weights: expected the shape"):
        jnp.quantile(TABLE, 0.5, axis=1, weights=w[:3], method="inverted_cdf")


def test_top_k_of_numpy() -> None:
    x = np.array([[3.0, 1.0, 2.0], [5.0, np.nan, 4.0]])
    values, places = jnp.top_k(x, 2)
    np.testing.assert_array_equal(values, [[3, 2], [np.nan, 5]])
    np.testing.assert_array_equal(places, [[0, 2], [1, 0]])
    values, places = jitad.jit(lambda x: jnp.top_k(x, 1, axis=0, mode="smallest"))(x)
    np.testing.assert_array_equal(values, [[3, 1, 2]])
    np.testing.assert_array_equal(places, [[0, 0, 0]])
    for k in (-1, 4):
        with pytest.raises(ValueError, match="expected k from 0 to 3"):
            jnp.top_k(x, k)
    with pytest.raises(ValueError, match="mode must be"):
        jnp.top_k(x, 1, mode="middle")
    with pytest.raises(ValueError, match="complex"):
        jnp.top_k(x + 1j, 1)


def test_take_along_axis_without_negative_indices() -> None:
    index = np.array([[0, -1]])
    x = np.array([[1.0, 2.0]])
    np.testing.assert_array_equal(jnp.take_along_axis(x, index, 1), [[1, 2]])

    def chosen(x: Any, index: Any) -> Any:
        return jnp.take_along_axis(x, index, 1, wrap_negative_indices=False)

    for f in (chosen, jitad.jit(chosen)):
        np.testing.assert_array_equal(f(x, index), [[1, np.nan]])


def test_products_take_precision_and_a_dtype_to_compute_in() -> None:
    x, y = np.array([1, 2, 3]), np.array([4, 5])
    how: dict[str, Any] = {"precision": "highest", "preferred_element_type": np.float32}
    for ours, numpys in ((jnp.convolve, np.convolve), (jnp.correlate, np.correlate)):
        got = ours(x, y, "full", **how)
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, numpys(x, y, "full"))
    got = jnp.vecdot(x, x, **how)
    assert got.dtype == np.float32 and got == 14


def test_polynomials_without_leading_zeros() -> None:
    p, q = np.array([0, 1, 2]), np.array([0, 0, 3])
    np.testing.assert_array_equal(jnp.polymul(p, q, trim_leading_zeros=True), [3, 6])
    assert jnp.polymul(p, q).shape == (5,)
    with pytest.raises(jitad.errors.ConcretizationError, match="trim_leading_zeros"):
        jitad.jit(lambda p: jnp.polymul(p, q, trim_leading_zeros=True))(p)


def test_arrays_on_the_device() -> None:
    (cpu,) = jitad.devices()
    for got in (jnp.array(TABLE, device=cpu), jnp.asarray(TABLE, device=cpu)):
        np.testing.assert_array_equal(got, TABLE)
    np.testing.assert_array_equal(jnp.arange(3, device=cpu), [0, 1, 2])
    with pytest.raises(ValueError, match="cpu"):
        jnp.array(TABLE, device="gpu")


def test_sorting_keywords() -> None:
    assert jnp.argsort(TABLE, dtype=np.int32).dtype == np.int32
    for method in ("scan", "scan_unrolled", "sort", "compare_all"):
        assert jnp.searchsorted(np.arange(4.0), 1.5, method=method) == 2
    with pytest.raises(ValueError, match="method must be"):
        jnp.searchsorted(np.arange(4.0), 1.5, method="guess")
    with pytest.raises(ValueError, match="no fields"):
        jnp.sort(TABLE, order="name")


def test_indices_of_a_mask_of_a_given_number() -> None:
    rows, columns = jnp.mask_indices(2, jnp.triu, size=5)
    np.testing.assert_array_equal(rows, [0, 0, 1, 0, 0])
    np.testing.assert_array_equal(columns, [0, 1, 1, 0, 0])


class Wrapper:
    """An array under `__jax_array__`."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __jax_array__(self) -> Any:
        return self.inner


def test_operands_with_a_method_jax_array() -> None:
    x = np.arange(3.0)
    np.testing.assert_array_equal(jnp.sin(Wrapper(x)), np.sin(x))
    got = jitad.jit(lambda x: jnp.sin(Wrapper(x)) + x * Wrapper(x))(x)
    np.testing.assert_allclose(got, np.sin(x) + x * x)


def test_operands_with_a_buffer() -> None:
    np.testing.assert_array_equal(jnp.array(array.array("d", [1, 2])), [1, 2])
    np.testing.assert_array_equal(jnp.asarray(memoryview(np.arange(3))), [0, 1, 2])


def test_interpolation_goes_on_beyond_the_ends() -> None:
    at, points, values = (
        np.array([-1.0, 0.5, 4.0]),
        np.array([0.0, 1.0, 2.0]),
        np.array([0, 2, 3.0]),
    )
    got = jnp.interp(at, points, values, left="extrapolate", right="extrapolate")
    np.testing.assert_allclose(got, [-2, 1, 5])
    got = jitad.jit(lambda x: jnp.interp(x, points, values, left=7.0, right="extrapolate"))(at)
    np.testing.assert_allclose(got, [7, 1, 5])
    with pytest.raises(ValueError, match="'extrapolate'"):
        jnp.interp(at, points, values, left="nearest")


@pytest.mark.parametrize(
    ("at", "values", "axis"),
    [
        (1, np.ones(4), 0),
        (-1, np.ones(3), 1),
        (np.array([1, 3, 1]), np.ones((3, 3)) * np.arange(3), 1),
        (np.array([-1, 0]), 7.0, 0),
        (np.array([0, 12]), np.array([1.0, 2.0]), None),
    ],
)
def test_inserting_at_traced_places(at: Any, values: Any, axis: int | None) -> None:
    x = np.arange(12.0).reshape(3, 4)
    got = jitad.jit(lambda x, at, v: jnp.insert(x, at, v, axis))(x, at, values)
    np.testing.assert_array_equal(got, np.insert(x, at, values, axis))


def test_settings_of_jax_decorate_functions() -> None:
    @jitad.default_matmul_precision("float32")
    @jitad.enable_x64(True)
    def same(x: Any) -> Any:
        return x

    assert same(2.0) == same(2.0) == 2.0


def test_batches_of_no_examples() -> None:
    def f(x: Any, y: Any) -> Any:
        return jitad.lax.conv_general_dilated(x, y, (1, 1), "SAME"), y

    x, y = np.ones((0, 2, 3, 5, 5)), np.ones((4, 3, 2, 2))
    found, unchanged = jitad.vmap(f, (0, None), (0, 2))(x, y)
    assert found.shape == (0, 2, 4, 5, 5) and unchanged.shape == (4, 3, 0, 2, 2)
    with pytest.raises(ValueError, match="out_axes is None"):
        jitad.vmap(lambda x: x, out_axes=None)(x)


def test_functions_that_pad_get_the_keywords_left() -> None:
    def framed(row: Any, width: Any, axis: int, options: Any) -> Any:
        return row.at[: width[0]].set(options["edge"])

    np.testing.assert_array_equal(jnp.pad(np.ones(2), 1, framed, edge=7.0), [7, 1, 1, 0])
    with pytest.raises(ValueError, match="unsupported keyword arguments for mode 'edge'"):
        jnp.pad(np.ones(2), 1, "edge", edge=7.0)


def test_products_of_traced_indices() -> None:
    x = np.arange(12.0).reshape(3, 4)
    rows, columns = np.array([2, 0]), np.array([True, False, True, False])
    got = jitad.jit(lambda rows: jnp.asarray(x)[jnp.ix_(rows, columns)])(rows)
    np.testing.assert_array_equal(got, x[np.ix_(rows, columns)])
    with pytest.raises(ValueError, match="ix_: expected vectors"):
        jitad.jit(lambda mask: jnp.ix_(mask))(columns)


def test_joining_by_a_word_of_numpy() -> None:
    np.testing.assert_array_equal(jnp.r_["0,2", [1, 2], [3, 4]], [[1, 2], [3, 4]])


def test_where_arrays_are() -> None:
    x = jnp.ones(2)
    assert x.devices() == set(jitad.devices()) and x.sharding.device == jitad.devices()[0]
    x.delete()
    assert x.sum() == 2.0


def test_shapes_of_a_jitted_function_with_static_arguments() -> None:
    f = jitad.jit(lambda x, n: [x * n], static_argnames="n")
    (found,) = f.eval_shape(jitad.ShapeDtypeStruct((2,), np.float32), n=2)
    assert found.shape == (2,) and found.dtype == np.float32


@pytest.mark.parametrize("k", [-7, -1, 0, 2, 7])
def test_traced_diagonals(k: int) -> None:
    x = np.arange(1.0, 13.0).reshape(3, 4)
    for f in (
        lambda m, k: m.tri(3, 4, k),
        lambda m, k: m.eye(3, 4, k),
        lambda m, k: m.tril(x, k),
        lambda m, k: m.triu(x, k),
    ):
        np.testing.assert_array_equal(jitad.jit(lambda k, f=f: f(jnp, k))(k), f(np, k))


def test_unravelling_in_a_traced_shape() -> None:
    index, shape = np.array([0, 7, 11]), np.array([3, 4])
    got = jitad.jit(jnp.unravel_index)(index, shape)
    for ours, numpys in zip(got, np.unravel_index(index, (3, 4)), strict=True):
        np.testing.assert_array_equal(ours, numpys)


def test_places_beyond_an_array_are_those_at_its_ends() -> None:
    """As in JAX; NumPy raises."""
    index, shape = np.array([7, -1, -9, 5, -6, 4]), np.array([2, 3])
    known = jitad.jit(lambda i: jnp.unravel_index(i, (2, 3)))(index)
    for rows, columns in (known, jitad.jit(jnp.unravel_index)(index, shape)):
        np.testing.assert_array_equal(rows, [1, 1, 0, 1, 0, 1])
        np.testing.assert_array_equal(columns, [2, 2, 0, 2, 0, 1])


def test_kinds_of_dtypes() -> None:
    assert jnp.isdtype(jnp.float32, "real floating") and jnp.isdtype("int8", ("bool", jnp.int8))
    assert not jnp.isdtype(np.dtype("complex64"), (jnp.float32, "integral"))


def test_narrow_indices_that_do_not_wrap() -> None:
    x = np.arange(200.0)
    got = jnp.take_along_axis(x, np.array([3, -1], np.int8), 0, wrap_negative_indices=False)
    np.testing.assert_array_equal(got, [3, np.nan])
    index = np.array([-1, 300])
    got = jnp.take_along_axis(x, index, 0, mode="clip", wrap_negative_indices=False)
    np.testing.assert_array_equal(got, [0, 199])


def test_modes_by_members_of_the_enumeration_of_lax() -> None:
    x, modes = jnp.arange(3.0), jitad.lax.GatherScatterMode
    far = np.array([7])
    np.testing.assert_array_equal(x.at[far].set(9.0, mode=modes.CLIP), [0, 1, 9])
    assert np.isnan(x.at[far].get(mode=modes.FILL_OR_DROP)).all()
    for f in (jnp.take, jnp.take_along_axis):
        assert f(x, far, 0, mode=modes.CLIP) == 2.0
        assert np.isnan(f(x, far, 0, mode=modes.FILL_OR_DROP)).all()
        with pytest.raises(ValueError, match="expected mode raise"):
            f(x, far, 0, mode="near")


@pytest.mark.parametrize(("start", "stop"), [(1j, 16j), (-1, 2 + 1j), (1, 64), (-2.0, -8.0)])
def test_geometric_sequences(start: Any, stop: Any) -> None:
    for endpoint in (True, False):
        want = np.geomspace(start, stop, 5, endpoint)
        np.testing.assert_allclose(jnp.geomspace(start, stop, 5, endpoint), want, rtol=1e-12)
    ends = np.array([start, 2 * start]), np.array([[stop]])
    np.testing.assert_allclose(jnp.geomspace(*ends, 4), np.geomspace(*ends, 4), rtol=1e-12)
