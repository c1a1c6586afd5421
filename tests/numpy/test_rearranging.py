"""Shapes, joining, splitting, repeating, padding and new arrays against NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .compare import agree, assert_same, run_traced

RNG = np.random.default_rng(0)
ARRAYS = {
    "matrix": RNG.normal(size=(3, 4)),
    "cube": RNG.normal(size=(2, 3, 4)),
    "vector": RNG.normal(size=5),
    "integers": RNG.integers(-5, 9, size=(3, 4)).astype("i4"),
    "empty": np.zeros((0, 3)),
    "complex": RNG.normal(size=(3, 2)) + 1j * RNG.normal(size=(3, 2)),
    "bools": RNG.normal(size=(3, 4)) > 0,
    "scalar": np.float64(2.5),
}

every_array = pytest.mark.parametrize("x", ARRAYS.values(), ids=ARRAYS.keys())

Case = Callable[[Any, Any], Any]
"""A program written once, of a namespace (jnp or np) and an array."""


def same(case: Case, x: Any) -> None:
    """The program gives the same with jitad.numpy as with numpy."""
    agree(lambda x: case(jnp, x), lambda x: case(np, x), x)


SIMPLE: list[Case] = [
    lambda m, x: m.ravel(x),
    lambda m, x: m.ravel(x, order="F"),
    lambda m, x: m.transpose(x),
    lambda m, x: m.matrix_transpose(x),
    lambda m, x: m.squeeze(x),
    lambda m, x: m.flip(x),
    lambda m, x: m.flipud(x),
    lambda m, x: m.fliplr(x),
    lambda m, x: m.atleast_1d(x),
    lambda m, x: m.atleast_2d(x),
    lambda m, x: m.atleast_3d(x, 1),
    lambda m, x: m.copy(x),
    lambda m, x: m.moveaxis(x, 0, -1),
    lambda m, x: m.moveaxis(x, (0, 1), (-1, 0)),
    lambda m, x: m.moveaxis(x, 0, (1, 2)),
    lambda m, x: m.swapaxes(x, 0, 1),
    lambda m, x: m.rollaxis(x, 1),
    lambda m, x: m.broadcast_to(x, (2, 3, 4)),
    lambda m, x: m.resize(x, (2, 7)),
    lambda m, x: m.zeros_like(x),
    lambda m, x: m.ones_like(x, dtype="f4"),
    lambda m, x: m.full_like(x, 3, shape=(2,)),
    lambda m, x: m.full((2, *np.shape(x)), x),
    lambda m, x: m.delete(x, 1, axis=0),
    lambda m, x: m.insert(x, 1, 5, axis=0),
    lambda m, x: m.unstack(x),
    lambda m, x: m.trace(x),
    lambda m, x: m.meshgrid(x, x),
    lambda m, x: m.meshgrid(x, x[:1] if np.ndim(x) else x, indexing="ij", sparse=True),
    lambda m, x: m.vander(x, 3),
    lambda m, x: m.vander(x, increasing=True),
    lambda m, x: m.diagflat(x, 1),
    lambda m, x: m.append(x, x),
    lambda m, x: m.append(x, x, axis=0),
    lambda m, x: m.array([x, 2 * x]),
    lambda m, x: m.array([[x, x], [x, x]], dtype="c16"),
]


@every_array
@pytest.mark.parametrize("case", SIMPLE, ids=range(len(SIMPLE)))
def test_functions_of_one_array(case: Case, x: Any) -> None:
    same(case, x)


@every_array
def test_reshape(x: Any) -> None:
    shapes = [-1, (-1,), (4, 3), (2, -1), (1, *x.shape), (x.size,), (5, 7), (-1, -1), (0, -1)]
    for shape in shapes:
        for order in ("C", "F"):
            same(lambda m, x, s=shape, o=order: m.reshape(x, s, order=o), x)


@every_array
def test_axes(x: Any) -> None:
    for axis in (0, 1, -1, (0, 1), (0, -1), 5, (0, 0)):
        same(lambda m, x, a=axis: m.flip(x, axis=a), x)
        same(lambda m, x, a=axis: m.squeeze(x[:1] if np.ndim(x) else x, axis=a), x)
        same(lambda m, x, a=axis: m.expand_dims(x, a), x)
    for axes in ((1, 0), (0, 1), (-1, 0), (0, 0), (2, 0, 1), (0,)):
        same(lambda m, x, a=axes: m.transpose(x, a), x)


@every_array
def test_diagonals(x: Any) -> None:
    for k in (-3, -1, 0, 1, 2, 5):
        for name in ("diag", "tril", "triu", "diagonal"):
            if np.ndim(x) or name in ("diag", "diagonal"):
                same(lambda m, x, n=name, k=k: getattr(m, n)(x, k), x)
    same(lambda m, x: m.diagonal(x, 1, 1, 2), x)
    same(lambda m, x: m.trace(x, 1, 1, 0), x)


@every_array
def test_repeating(x: Any) -> None:
    for reps in (2, (2, 3), (1, 2, 2), (0,), ()):
        same(lambda m, x, r=reps: m.tile(x, r), x)
    for repeats, axis in ((2, None), (3, 0), (2, -1), (0, 0), ([1, 2, 0], 0), (-1, 0)):
        if np.ndim(x):
            same(lambda m, x, r=repeats, a=axis: m.repeat(x, r, axis=a), x)
    for shift, axis in ((1, None), (-2, 0), ((1, 2), (0, 1)), (3, (0, 1)), (1, -1), ((1, 1), 0)):
        same(lambda m, x, s=shift, a=axis: m.roll(x, s, axis=a), x)
    for k in range(-1, 4):
        same(lambda m, x, k=k: m.rot90(x, k), x)


def test_traced_amounts() -> None:
    x = np.arange(12.0).reshape(3, 4)
    for shift in (1, -2, 7):
        assert_same(run_traced(lambda x, s: jnp.roll(x, s, 1), x, shift), np.roll(x, shift, 1), "")
    both = np.array([2, -1])
    for shifts in (both, tuple(both)):
        got = run_traced(lambda x, s: jnp.roll(x, s, (0, 1)), x, shifts)
        assert_same(got, np.roll(x, both, (0, 1)), "roll")
    assert_same(jnp.roll(x, both, (0, 1)), np.roll(x, both, (0, 1)), "roll")
    repeats = np.array([1, 0, 2])
    got = run_traced(lambda x, r: jnp.repeat(x, r, 0, total_repeat_length=4), x, repeats)
    assert_same(got, x[[0, 2, 2, 2]], "repeat")
    many, rng = np.arange(500.0), np.random.default_rng(0)
    counts = rng.integers(0, 4, 500)
    for total in (300, counts.sum(), counts.sum() + 5):
        got = run_traced(
            lambda x, r, n=total: jnp.repeat(x, r, total_repeat_length=n), many, counts
        )
        expected = np.repeat(many, counts)[:total]
        expected = np.append(expected, np.full(total - len(expected), many[-1]))
        assert_same(got, expected, "repeat")
    with pytest.raises(ValueError, match="total_repeat_length"):
        run_traced(lambda x, r: jnp.repeat(x, r, 0), x, repeats)


@every_array
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
def test_pad(x: Any, mode: str) -> None:
    for width in (1, (1, 2), ((1, 0), (0, 2)), 0, ((3, 4),), -1):
        same(lambda m, x, w=width: m.pad(x, w, mode=mode), x)


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("shape", [(5000,), (2, 3000), (70, 80), (3, 40, 50), (3, 7, 200)])
def test_pad_of_large_arrays(shape: tuple[int, ...], mode: str) -> None:
    x = np.arange(float(np.prod(shape))).reshape(shape)
    last = [(0, 0)] * (len(shape) - 1)
    for width in (1, (0, 3), [*last, (7, 2)], [*last, (4 * shape[-1], 1)]):
        same(lambda m, x, w=width: m.pad(x, w, mode=mode), x)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_short_rows_side_by_side(dtype: str) -> None:
    """Of which vectors hold parts of several: they are read under masks."""
    rng = np.random.default_rng(0)
    for shape in ((7, 3), (5, 9, 17), (40, 30)):
        x = np.asarray(rng.normal(size=shape) * (1 + 2j if "complex" in dtype else 1), dtype)
        y = x[..., ::-1].copy()
        for f in (
            lambda m, x, y: m.concatenate([x, y, x[..., :2]], -1),
            lambda m, x, y: m.stack([x, y], -1),
            lambda m, x, y: m.roll(x, 2, -1) * m.roll(y, -1, -1),
            lambda m, x, y: m.pad(x, 1),
        ):
            assert_same(jitad.jit(lambda x, y, f=f: f(jnp, x, y))(x, y), f(np, x, y), "rows")


def test_pad_values() -> None:
    x = ARRAYS["matrix"]
    for values in (7, (3, 4), ((1, 2), (3, 4))):
        same(lambda m, x, v=values: m.pad(x, ((1, 2), (0, 1)), constant_values=v), x)
    assert_same(
        run_traced(lambda x, v: jnp.pad(x, 1, constant_values=v), x, 2.0),
        np.pad(x, 1, constant_values=2.0),
        "traced value",
    )
    with pytest.raises(ValueError, match="mode 'slope' is not supported"):
        jnp.pad(x, 1, mode="slope")


@pytest.mark.parametrize("name", ["matrix", "vector", "integers", "cube"])
def test_pad_modes_with_options(name: str) -> None:
    x = ARRAYS[name]
    for width in (1, (2, 3), (0, 7)):
        for mode in ("maximum", "minimum", "mean", "median"):
            for length in (None, 2, (1, 2)):
                same(lambda m, x, w=width, o=mode, n=length: m.pad(x, w, o, stat_length=n), x)
        for mode in ("reflect", "symmetric"):
            same(lambda m, x, w=width, o=mode: m.pad(x, w, o, reflect_type="odd"), x)
        for ends in (0, 5, (-2, 3)):
            same(lambda m, x, w=width, e=ends: m.pad(x, w, "linear_ramp", end_values=e), x)

    def set_ends(vector: Any, width: tuple[int, int], axis: int, _options: Any) -> Any:
        at_ends = np.arange(len(vector)) < width[0]
        return np.where(at_ends, 10 + axis, vector).astype(vector.dtype)

    def set_ends_in_place(vector: Any, width: Any, axis: int, _options: Any) -> None:
        vector[: width[0]] = 10 + axis

    assert_same(jnp.pad(x, 2, set_ends), np.pad(x, 2, set_ends_in_place), "function")


@every_array
def test_splitting(x: Any) -> None:
    for axis in (0, 1, -1):
        for parts in (2, 3, [1, 2], [0, 5], [-1], 0):
            for name in ("split", "array_split"):
                if np.ndim(x):
                    same(lambda m, x, n=name, p=parts, a=axis: getattr(m, n)(x, p, axis=a), x)
    for name in ("hsplit", "vsplit", "dsplit"):
        same(lambda m, x, n=name: getattr(m, n)(x, 1), x)


@every_array
@pytest.mark.parametrize("y", ARRAYS.values(), ids=ARRAYS.keys())
def test_joining(x: Any, y: Any) -> None:
    def both(case: Callable[[Any, Any, Any], Any]) -> None:
        agree(lambda x, y: case(jnp, x, y), lambda x, y: case(np, x, y), x, y)

    for axis in (0, 1, -1, None):
        both(lambda m, x, y, a=axis: m.concatenate([x, y, x], axis=a))
    both(lambda m, x, y: m.stack([x, y], axis=-1))
    for name in ("vstack", "hstack", "dstack", "column_stack", "append"):
        args = (lambda x, y: (x, y)) if name == "append" else (lambda x, y: ([x, y],))
        both(lambda m, x, y, n=name, a=args: getattr(m, n)(*a(x, y)))


def test_joining_dtypes_and_rows() -> None:
    agree(
        lambda x: jnp.concatenate([x, 2 * x], dtype="c8"),
        lambda x: np.concatenate([x, 2 * x], dtype="c8"),
        np.arange(3.0, dtype="f4"),
    )
    agree(jnp.concatenate, np.concatenate, np.arange(6).reshape(2, 3))
    agree(lambda: jnp.concatenate([]), lambda: np.concatenate([]))
    x = np.ones((2, 2))
    agree(
        lambda x: jnp.block([[x, 0 * x[:, :1]], [3 * x[:1], np.array([[5.0]])]]),
        lambda x: np.block([[x, 0 * x[:, :1]], [3 * x[:1], np.array([[5.0]])]]),
        x,
    )
    agree(lambda x: jnp.block([x[0], 2]), lambda x: np.block([x[0], 2]), x)


NEW: list[Callable[[Any], Any]] = [
    lambda m: m.arange(5),
    lambda m: m.arange(2, 9, 3),
    lambda m: m.arange(5, 0, -2),
    lambda m: m.arange(0, 1, 0.1),
    lambda m: m.arange(3.0),
    lambda m: m.arange(1, 4, 0.7, dtype="f4"),
    lambda m: m.arange(5, 0, -1, dtype="u1"),
    lambda m: m.arange(0.5, 3, dtype=int),
    lambda m: m.arange(0),
    lambda m: m.arange(3, 1),
    lambda m: m.arange(np.float32(3)),
    lambda m: m.linspace(0, 1, 5),
    lambda m: m.linspace(0, 1, 5, endpoint=False),
    lambda m: m.linspace(0, 10, 4, dtype=int),
    lambda m: m.linspace([0, 1], [2, 4], 3, axis=1),
    lambda m: m.linspace(1, 2, 1),
    lambda m: m.linspace(1, 2, 0),
    lambda m: m.linspace(0, 1, 5, retstep=True),
    lambda m: m.linspace(0, 1, 1, endpoint=False),
    lambda m: m.linspace(0, 1j, 3),
    lambda m: m.linspace(0, 1, -1),
    lambda m: m.linspace(np.float32(0), np.float32(1), 7),
    lambda m: m.logspace(0, 2, 5),
    lambda m: m.logspace(0, 3, 4, base=2),
    lambda m: m.geomspace(1, 1000, 4),
    lambda m: m.geomspace(-1, -8, 4),
    lambda m: m.eye(3),
    lambda m: m.eye(3, 4, 1),
    lambda m: m.eye(3, k=-1, dtype=int),
    lambda m: m.identity(2),
    lambda m: m.tri(3, 4, 1),
    lambda m: m.tri(3, dtype=bool),
    lambda m: m.zeros((2, 3)),
    lambda m: m.zeros(()),
    lambda m: m.ones(3, "i4"),
    lambda m: m.full((2,), 3),
    lambda m: m.full((2,), True),
    lambda m: m.full((2, 2), [1.0, 2]),
    lambda m: m.full((2, 2), [1.0, 2, 3]),
    lambda m: m.indices((2, 3)),
    lambda m: m.indices((2, 3), sparse=True),
    lambda m: m.mgrid[0:3, 0:2],
    lambda m: m.mgrid[0:1:5j],
    lambda m: m.ogrid[0:3, 0:2],
    lambda m: m.r_[1:4, 0, [5, 6]],
    lambda m: m.r_[0:1:3j, 2.0],
    lambda m: m.c_[np.array([1, 2, 3]), np.array([4, 5, 6])],
    lambda m: m.array([[1, 2], [3, 4.0]]),
    lambda m: m.array(3),
    lambda m: m.array(True),
    lambda m: m.array([1, 2], dtype="f4", ndmin=2),
    lambda m: m.array([]),
    lambda m: m.array([[], []]),
    lambda m: m.asarray((1, 2.5)),
    lambda m: m.array([[1, 2], [3]]),
    lambda m: m.fromfunction(lambda i, j: i + 10 * j, (2, 3)),
    lambda m: m.tril_indices(3),
    lambda m: m.triu_indices(3, 1),
    lambda m: m.diag_indices(3),
    lambda m: m.diag([], 1),
    lambda m: m.broadcast_shapes((2, 1), (3,)),
    lambda m: m.broadcast_arrays(np.ones((2, 1)), np.zeros(3)),
    lambda m: m.shape(np.ones((2, 1))),
    lambda m: m.size(np.ones((2, 1)), 0),
    lambda m: m.ndim(3),
    lambda m: m.unravel_index([3, 5], (2, 3)),
]


@pytest.mark.parametrize("case", NEW, ids=range(len(NEW)))
def test_new_arrays(case: Callable[[Any], Any]) -> None:
    with np.errstate(all="ignore"):
        agree(lambda: case(jnp), lambda: case(np))


def test_static_numbers() -> None:
    with pytest.raises(ZeroDivisionError, match="step must not be 0"):
        jnp.arange(1, 2, 0)
    with pytest.raises(TypeError, match="arange needs numbers that are known"):
        run_traced(lambda n: jnp.arange(n), 3)
    assert float(jitad.grad(lambda n: jnp.sum(n * jnp.arange(int(n))))(3.0)) == 3.0


def test_array_of_traced_items() -> None:
    def f(x: Any) -> Any:
        return jnp.array([[x[0], 1], [2.5, x[1] * 2]])

    agree(f, lambda x: np.array([[x[0], 1], [2.5, x[1] * 2]]), np.array([3, 4]))
    jacobian = jitad.jacrev(f)(np.array([3.0, 4.0]))
    np.testing.assert_array_equal(jacobian[0, 0], [1, 0])
    np.testing.assert_array_equal(jacobian[1, 1], [0, 2])
    with pytest.raises(ValueError, match="nested sequences of one shape"):
        run_traced(lambda x: jnp.array([x, [x]]), 1.0)


@pytest.mark.parametrize("shape", [(5000,), (60, 90), (3, 40, 50)])
def test_one_place_of_large_arrays(shape: tuple[int, ...]) -> None:
    """Inserted or deleted: two stretches are left."""
    x = np.arange(float(np.prod(shape))).reshape(shape)
    for axis in (*range(len(shape)), None):
        n = x.size if axis is None else shape[axis]
        for place in (0, 1, n - 1, -1, slice(1, 3), [0, 2], slice(None, None, 2)):
            same(lambda m, x, i=place, a=axis: m.delete(x, i, a), x)
        for place in (0, 1, n, -1, [1, 1], [0, 2]):
            same(lambda m, x, i=place, a=axis: m.insert(x, i, 0.5, a), x)


@pytest.mark.parametrize("k", [0, 1, -1, 5, -50])
def test_large_matrices_with_a_diagonal(k: int) -> None:
    v = np.arange(1.0, 61.0)
    same(lambda m, x: m.diag(x, k), v)
    weights = np.random.default_rng(0).normal(size=(60 + abs(k),) * 2)
    gradient = jitad.jit(jitad.grad(lambda v: (jnp.diag(v, k) ** 2 * weights).sum()))(v)
    np.testing.assert_allclose(gradient, 2 * v * np.diag(weights, k), rtol=1e-14)
    both = jitad.jit(jitad.vmap(lambda v: jnp.diag(v, k)))(np.stack([v, 2 * v]))
    np.testing.assert_array_equal(both[1], np.diag(2 * v, k))
