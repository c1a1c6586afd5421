"""Reductions, running folds, statistics, sorting and products against NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .compare import agree, assert_same, run_traced
from .test_rearranging import ARRAYS, every_array, same

AXES = (None, 0, 1, -1, (0, 1), (1, 0), 5)

EVERY_KIND = [
    "sum",
    "prod",
    "all",
    "any",
    "count_nonzero",
    "mean",
    "var",
    "std",
    "nansum",
    "nanprod",
]
REAL = ["max", "min", "ptp", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd"]
ONE_AXIS = ["argmax", "argmin", "cumsum", "cumprod", "nancumsum", "nancumprod", "sort"]


def is_ordered(x: Any) -> bool:
    return x.dtype.kind in "iuf"


@every_array
@pytest.mark.parametrize("name", EVERY_KIND + REAL)
def test_reductions(name: str, x: Any) -> None:
    if name in REAL and not is_ordered(x):
        pytest.skip("defined for real numbers")
    for axis in AXES:
        if x.ndim == 0 and axis in (0, -1) and name in ("mean", "var", "std"):
            continue  # NumPy takes this axis of a scalar in its other reductions only
        for keepdims in (False, True):
            same(lambda m, x, a=axis, k=keepdims: getattr(m, name)(x, axis=a, keepdims=k), x)


@every_array
@pytest.mark.parametrize("name", ONE_AXIS)
def test_along_one_axis(name: str, x: Any) -> None:
    if name in ("argmax", "argmin", "sort") and x.dtype.kind == "c":
        pytest.skip("defined for real numbers")
    for axis in (None, 0, 1, -1, 5):
        same(lambda m, x, a=axis: getattr(m, name)(x, axis=a), x)
    if name.startswith("arg"):
        for axis in (None, 0, -1):
            same(lambda m, x, a=axis: getattr(m, name)(x, axis=a, keepdims=True), x)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int32", "uint64", "float32"])
def test_dtypes_of_sums(dtype: str) -> None:
    x = np.array([[1, 0, 3], [4, 5, 200]]).astype(dtype)
    for name in ("sum", "prod", "cumsum", "cumprod", "mean", "max", "any", "std", "median"):
        same(lambda m, x, n=name: getattr(m, n)(x), x)
    for name in ("sum", "prod", "cumsum", "mean", "var"):
        same(lambda m, x, n=name: getattr(m, n)(x, dtype="float32"), x)


def test_initial_and_where() -> None:
    x = ARRAYS["matrix"]
    mask = x > 0
    for name in ("sum", "prod"):
        same(lambda m, x, n=name: getattr(m, n)(x, axis=0, initial=2, where=mask), x)
        same(lambda m, x, n=name: getattr(m, n)(x, where=mask[:1]), x)
    for name in ("max", "min"):
        same(lambda m, x, n=name: getattr(m, n)(x, axis=0, initial=0.1), x)
        same(lambda m, x, n=name: getattr(m, n)(x, axis=1, initial=0.1, where=mask), x)
        same(lambda m, x, n=name: getattr(m, n)(x, where=mask), x)
        same(lambda m, x, n=name: getattr(m, n)(x[:0], initial=3), x)
    for name in ("any", "all", "mean", "var", "std"):
        same(lambda m, x, n=name: getattr(m, n)(x, axis=1, where=mask), x)
    for ddof in (0, 1, 3, 4):
        same(lambda m, x, d=ddof: m.var(x, axis=0, ddof=d), x[:3])
    same(lambda m, x: m.std(x, correction=1), x)
    same(lambda m, x: m.cumulative_sum(x, axis=1, include_initial=True), x)
    same(lambda m, x: m.cumulative_prod(x[0], include_initial=True), x)
    same(lambda m, x: m.cumulative_sum(x), x)


NAN = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan], [-4.0, 5.5, 0.0]])


@pytest.mark.parametrize("name", [n for n in EVERY_KIND + REAL if n.startswith("nan")])
def test_nan_is_left_out(name: str) -> None:
    for axis in (None, 0, 1):
        same(lambda m, x, a=axis: getattr(m, name)(x, axis=a), NAN)


@pytest.mark.parametrize("name", ["max", "min", "sum", "argmax", "argmin", "sort", "median"])
def test_nan_shows(name: str) -> None:
    for axis in (None, 0, 1):
        same(lambda m, x, a=axis: getattr(m, name)(x, axis=a), NAN)


@every_array
def test_statistics(x: Any) -> None:
    for axis in (0, -1):
        if np.ndim(x):
            same(lambda m, x, a=axis: m.diff(x, axis=a), x)
            same(lambda m, x, a=axis: m.diff(x, 2, axis=a), x)
        if x.dtype != bool and np.ndim(x):
            same(lambda m, x, a=axis: m.diff(x, axis=a, prepend=0, append=1), x)
            same(lambda m, x, a=axis: m.trapezoid(x, axis=a), x)
    if x.dtype != bool:
        same(lambda m, x: m.ediff1d(x, to_end=[7, 8], to_begin=1), x)
    if x.size and np.ndim(x) and np.ndim(x) < 3:
        same(lambda m, x: m.cov(x), x)
        same(lambda m, x: m.cov(x, rowvar=False, ddof=0), x)
        same(lambda m, x: m.cov(x, x), x)
        same(lambda m, x: m.average(x, axis=0, weights=np.arange(1.0, 1 + x.shape[0])), x)
        same(lambda m, x: m.average(x, returned=True), x)
    same(lambda m, x: m.average(x, weights=np.ones(7)), x)


def test_corrcoef_and_trapezoid() -> None:
    x = ARRAYS["matrix"]
    same(lambda m, x: m.corrcoef(x), x)
    same(lambda m, x: m.trapezoid(x, np.array([0.0, 1.0, 1.5, 4.0])), x)
    same(lambda m, x: m.trapezoid(x, dx=0.5, axis=0), x)


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "nearest", "midpoint"])
def test_quantiles(method: str) -> None:
    for x in (ARRAYS["matrix"], ARRAYS["integers"], ARRAYS["vector"], NAN, np.array([2.0])):
        for q in (0.0, 0.3, 1.0, [0.1, 0.5]):
            for axis in (None, 0, -1):
                same(lambda m, x, q=q, a=axis: m.quantile(x, q, axis=a, method=method), x)
    same(lambda m, x: m.percentile(x, [25, 50], axis=0, keepdims=True), ARRAYS["matrix"])


@every_array
def test_sorting(x: Any) -> None:
    if x.dtype.kind == "c":
        pytest.skip("defined for real numbers")
    for axis in (None, 0, 1, -1):
        if np.ndim(x):
            same(lambda m, x, a=axis: m.sort(x, axis=a), x)
            agree(
                lambda x, a=axis: jnp.argsort(x, axis=a),
                lambda x, a=axis: np.argsort(x, axis=a, kind="stable"),
                x,
            )
    edges = np.array([-1.0, 0, 0, 1, np.nan])
    for side in ("left", "right"):
        same(lambda m, x, s=side: m.searchsorted(edges, x, side=s), x)
        same(lambda m, x, s=side: m.searchsorted(edges[:0], x, side=s), x)


def test_more_sorting() -> None:
    assert_same(jnp.sort(NAN, descending=True)[0], [np.nan, 3.0, 1.0], "descending")
    keys = (np.array([1, 0, 1, 0]), np.array([2, 2, 1, 1]))
    agree(lambda *k: jnp.lexsort(k), lambda *k: np.lexsort(k), *keys)
    x = np.array([0.2, 6.4, 3.0, 2.5])
    for bins in ([0.0, 1, 2.5, 4, 10], [10, 4, 2.5, 1, 0.0]):
        for right in (False, True):
            same(lambda m, x, b=bins, r=right: m.digitize(x, b, r), x)
    points = np.array([0.0, 1.0, 2.0])
    for at in (np.array([0.5, 1.5, -1.0, 9.0, 2.0, 0.0]), 0.25):
        agree(
            lambda at: jnp.interp(at, points, 3 * points),
            lambda at: np.interp(at, points, 3 * points),
            at,
        )
    same(lambda m, x: m.interp(x, points, points**2, left=-1, right=7), x)
    same(lambda m, x: m.sort_complex(x), x)


# Products.

TWO = ["dot", "matmul", "inner", "outer", "vdot", "kron", "vecdot", "tensordot"]


@every_array
@pytest.mark.parametrize("y", ARRAYS.values(), ids=ARRAYS.keys())
def test_products(x: Any, y: Any) -> None:
    for name in TWO:
        if name == "tensordot" and min(x.ndim, y.ndim) < 2:
            continue
        agree(getattr(jnp, name), getattr(np, name), x, y, rtol=1e-11)
    if x.ndim == y.ndim == 1 and x.dtype != bool and y.dtype != bool:
        for mode in ("full", "same", "valid"):
            agree(
                lambda x, y, m=mode: jnp.convolve(x, y, m),
                lambda x, y, m=mode: np.convolve(x, y, m),
                x,
                y,
            )


def test_stacks_of_matrices() -> None:
    rng = np.random.default_rng(1)
    shapes = [(3, 4), (4,), (3,), (2, 3, 4), (5, 1, 4, 2), (2, 4, 3), (4, 3), (0, 4), (4, 0)]
    for a in shapes:
        for b in shapes:
            agree(jnp.matmul, np.matmul, rng.normal(size=a), rng.normal(size=b), rtol=1e-11)
    x, y = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 4))
    agree(jnp.matvec, np.matvec, x, y)
    agree(jnp.vecmat, np.vecmat, y[:, :3] * (1 + 1j), x)
    agree(lambda a, b: jnp.vecdot(a, b, axis=0), lambda a, b: np.vecdot(a, b, axis=0), x[0], x[1])
    for axes in (1, ([1], [0]), ([0, 1], [1, 0]), (0, 1), ([0], [0])):
        agree(
            lambda a, b, ax=axes: jnp.tensordot(a, b, ax),
            lambda a, b, ax=axes: np.tensordot(a, b, ax),
            x[0],
            x[1].T,
            rtol=1e-11,
        )
    for dtype in ("bool", "int8", "uint8", "float32", "complex64"):
        z = (rng.integers(0, 2, size=(4, 4))).astype(dtype)
        agree(jnp.matmul, np.matmul, z, z)
        agree(jnp.dot, np.dot, z, z[0])


def test_cross() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    agree(jnp.cross, np.cross, x, y)
    agree(lambda x, y: jnp.cross(x, y, axis=0), lambda x, y: np.cross(x, y, axis=0), x[:3], y[:3])
    agree(jnp.cross, np.cross, x[0], y)
    plane = jnp.cross(x[:, :2], y[:, :2])
    assert_same(plane, x[:, 0] * y[:, 1] - x[:, 1] * y[:, 0], "in the plane")
    with pytest.raises(ValueError, match="must be 2 or 3"):
        jnp.cross(np.ones(4), np.ones(4))


A, B, V = ARRAYS["matrix"], ARRAYS["cube"], ARRAYS["vector"]
EINSUMS: list[tuple[Any, ...]] = [
    ("ii->i", A[:3, :3]),
    ("ii", A[:3, :3]),
    ("ij->ji", A),
    ("ij->", A),
    ("ij", A),
    ("ji", A),
    ("i,j", V, V),
    ("i,i", V, V),
    ("ij,ij->ij", A, A),
    ("ij,kj->ik", A, A),
    ("ij,kj", A, A),
    ("ba,b", A, A[:, 0]),
    ("aij,kj,ak->ai", B, A, B[:, :, 0]),
    ("...ij,...kj->...ik", B, B),
    ("...ij,kj->...ik", B, A),
    ("i...->...", B),
    ("...,...", A, A),
    ("ij,jk,kl->il", A, A.T, A),
    ("a,a,a->", V, V, V),
    ("a,b,c,d->abcd", V, V, V, V[:2]),
    ("iij->j", np.arange(18.0).reshape(3, 3, 2)),
    ("ij,jk", A, A),
    ("ij->ii", A),
    ("ij->k", A),
    ("ijk", A),
    (" i j , j k -> i k ", A, A.T),
    ("ij,j->i", ARRAYS["integers"], np.arange(4)),
    ("ij,j->i", A, np.arange(4)),
]


@pytest.mark.parametrize("case", EINSUMS, ids=[case[0] for case in EINSUMS])
def test_einsum(case: tuple[Any, ...]) -> None:
    text, *operands = case
    agree(
        lambda *xs: jnp.einsum(text, *xs), lambda *xs: np.einsum(text, *xs), *operands, rtol=1e-11
    )


def test_einsum_by_lists_and_orders() -> None:
    expected = np.einsum(A, [0, 1], A, [2, 1], [0, 2])
    assert_same(jnp.einsum(A, [0, 1], A, [2, 1], [0, 2]), expected, "lists")
    for optimize in (False, True, "greedy", "optimal", ["einsum_path", (0, 2), (0, 1)]):
        got = jnp.einsum("ij,jk,ki->", A, A.T, A @ A.T, optimize=optimize)
        assert_same(got, np.einsum("ij,jk,ki->", A, A.T, A @ A.T), str(optimize), 1e-11)


@every_array
def test_norms(x: Any) -> None:
    if x.dtype == bool:
        pytest.skip("not numbers")
    for order in (None, 1, -1, np.inf, -np.inf, "fro", 3, 0):
        for axis in (None, 0, -1, (0, 1)):
            for keepdims in (False, True):
                same(lambda m, x, o=order, a=axis, k=keepdims: m.linalg.norm(x, o, a, k), x)
    same(lambda m, x: m.linalg.vector_norm(x), x)
    if x.ndim > 1:
        same(lambda m, x: m.linalg.matrix_norm(x), x)
        same(lambda m, x: m.linalg.trace(x), x)


def test_matrix_power() -> None:
    x = np.random.default_rng(3).normal(size=(2, 3, 3))
    for n in (-2, -1, 0, 1, 2, 5):
        same(lambda m, x, n=n: m.linalg.matrix_power(x, n), x)


def test_polynomials() -> None:
    p = np.array([3.0, 0.0, 1.0])
    agree(jnp.polyval, np.polyval, p, np.array([[1.0, 2.0]]))
    agree(jnp.polyadd, np.polyadd, p, np.array([1.0, 2.0]))
    agree(jnp.polysub, np.polysub, np.array([1.0, 2.0]), p)
    agree(jnp.polymul, np.polymul, p, np.array([1.0, 2.0]))
    for m in (0, 1, 2, 3):
        agree(lambda p, m=m: jnp.polyder(p, m), lambda p, m=m: np.polyder(p, m), p)


# Derivatives through reductions with ties and at their edges.

GRADIENTS: list[tuple[Callable[[Any], Any], list[float], list[float]]] = [
    (jnp.max, [1.0, 3.0, 3.0], [0.0, 0.5, 0.5]),
    (jnp.min, [1.0, 3.0, 1.0], [0.5, 0.0, 0.5]),
    (jnp.prod, [2.0, 0.0, 5.0], [0.0, 10.0, 0.0]),
    (jnp.mean, [1.0, 2.0, 4.0], [1 / 3] * 3),
    (lambda x: jnp.sort(x)[0], [3.0, 1.0, 2.0], [0.0, 1.0, 0.0]),
    (jnp.median, [3.0, 1.0, 2.0, 9.0], [0.5, 0.0, 0.5, 0.0]),
    (jnp.nansum, [1.0, np.nan, 2.0], [1.0, 0.0, 1.0]),
    (jnp.nanmean, [1.0, np.nan, 2.0], [0.5, 0.0, 0.5]),
    (lambda x: jnp.linalg.norm(x), [3.0, 4.0, 0.0], [0.6, 0.8, 0.0]),
    (lambda x: jnp.cumprod(x)[2], [2.0, 0.0, 5.0], [0.0, 10.0, 0.0]),
    (lambda x: jnp.var(x, ddof=1), [1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]),
    (lambda x: jnp.einsum("i,i->", x, x), [1.0, 2.0], [2.0, 4.0]),
    (lambda x: jnp.interp(0.25, np.array([0.0, 1.0]), x), [5.0, 7.0], [0.75, 0.25]),
    (lambda x: x[np.array([0, 0, 2])].sum(), [1.0, 2.0, 3.0], [2.0, 0.0, 1.0]),
]


@pytest.mark.parametrize(("function", "at", "expected"), GRADIENTS)
def test_derivatives(function: Any, at: list[float], expected: list[float]) -> None:
    got = jitad.grad(function)(np.array(at))
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_error_kinds() -> None:
    x = ARRAYS["matrix"]
    for run in (jnp.sum, jnp.max, jnp.sort, jnp.cumsum, jnp.mean, jnp.argmax, jnp.flip):
        with pytest.raises(np.exceptions.AxisError):
            run(x, axis=2)
        with pytest.raises(np.exceptions.AxisError):
            run_traced(lambda x, run=run: run(x, axis=-3), x)
    with pytest.raises(ValueError, match="zero-size array to reduction operation maximum"):
        jnp.max(np.zeros((2, 0)))
    with pytest.raises(TypeError, match="expected out=None"):
        jnp.sum(x, out=np.zeros(()))
    with pytest.raises(ValueError, match=r"shapes \(3,4\) and \(3,4\) not aligned: 4 \(dim 1\)"):
        jnp.dot(x, x)
    with pytest.raises(ValueError, match="size 3 is different from 4"):
        jnp.matmul(x, x)
