"""Functions over parts of arrays, and ufuncs of functions, against NumPy's."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .compare import agree, assert_same, run_traced

X = np.random.default_rng(1).normal(size=(3, 4, 2))


def test_vectorize_scalars() -> None:
    def f(x: Any, y: Any) -> Any:
        return x * y + 1

    for shapes in (
        ((3,), (3,)),
        ((2, 1), (3,)),
        ((), (3,)),
        ((), ()),
        ((2, 3), ()),
        ((0, 2), (2,)),
    ):
        x, y = (np.random.default_rng(0).normal(size=shape) for shape in shapes)
        agree(jnp.vectorize(f), f, x, y)
    both = jnp.vectorize(lambda x: (jnp.sin(x), jnp.where(x > 0, 1, 2)))
    agree(both, lambda x: (np.sin(x), np.where(x > 0, 1, 2)), X)


def test_vectorize_signature() -> None:
    product = jnp.vectorize(jnp.matmul, signature="(m,n),(n,k)->(m,k)")
    a, b = X, np.ones((5, 1, 2, 3))
    agree(product, np.matmul, a, b)
    agree(product, np.matmul, a[0], b[0, 0])
    norm = partial(jnp.vectorize, signature="(n)->()")(lambda v: jnp.sqrt(jnp.sum(v**2)))
    agree(norm, lambda x: np.sqrt(np.sum(x**2, -1)), X)
    gradient = jitad.grad(lambda x: jnp.sum(norm(x)))(X)
    assert_same(gradient, X / np.linalg.norm(X, axis=-1, keepdims=True), "gradient")
    pair = jnp.vectorize(lambda v: (jnp.sum(v), v * 2), signature="(n)->(),(n)")
    agree(pair, lambda x: (x.sum(-1), x * 2), X)
    for args in ((X, np.ones((3, 3))), (X[0, 0], b)):
        with pytest.raises(ValueError):
            product(*args)
    with pytest.raises(ValueError, match="not a valid gufunc signature"):
        jnp.vectorize(jnp.matmul, signature="(m;n)->()")
    with pytest.raises(ValueError, match="number of outputs"):
        jnp.vectorize(lambda v: v, signature="(n)->(n),()")(X)
    with pytest.raises(ValueError, match="expected a result"):
        jnp.vectorize(lambda v: v[0], signature="(n)->(n)")(X)


def test_vectorize_options() -> None:
    @jnp.vectorize(excluded={1, "scale"}, otypes=["f4"])
    def f(x: Any, power: int, scale: Any = 1.0) -> Any:
        return scale * x**power

    result = f(np.arange(3.0), 2, scale=2.0)
    assert_same(result, (2 * np.arange(3.0) ** 2).astype("f4"), "excluded")


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_along_and_over_axes(axis: int) -> None:
    for numpy_function, function in (
        (np.sum, jnp.sum),
        (lambda v: v[::-1], lambda v: v[::-1]),
        (lambda v: np.outer(v, v), lambda v: jnp.outer(v, v)),
    ):
        agree(
            lambda x, f=function: jnp.apply_along_axis(f, axis, x),
            lambda x, f=numpy_function: np.apply_along_axis(f, axis, x),
            X,
        )
    for axes in (axis, [0, axis % 3]):
        agree(
            lambda x, a=axes: jnp.apply_over_axes(jnp.sum, x, a),
            lambda x, a=axes: np.apply_over_axes(np.sum, x, a),
            X,
        )
    got = run_traced(lambda x: np.apply_along_axis(jnp.sum, axis, x), X)
    assert_same(got, X.sum(axis), "NumPy's name")


def test_piecewise() -> None:
    for x in (np.linspace(-2, 2, 7), np.arange(-3, 4), np.float64(1.5)):
        for functions in ([-1, 1], [lambda x: -x, lambda x: x, 7], [lambda x: x * 2, 0]):
            agree(
                lambda x, f=functions: jnp.piecewise(x, [x < 0, x > 1], f),
                lambda x, f=functions: np.piecewise(x, [x < 0, x > 1], f),
                x,
            )
        agree(
            lambda x: jnp.piecewise(x, [x < 0, x < 1], [1, 2, 3, 4]),
            lambda x: np.piecewise(x, [x < 0, x < 1], [1, 2, 3, 4]),
            x,
        )
        agree(
            lambda x: jnp.piecewise(x, x < 0, [lambda x, y: x + y, 3], 5),
            lambda x: np.piecewise(x, x < 0, [lambda x, y: x + y, 3], 5),
            x,
        )
    gradient = jitad.grad(lambda x: jnp.piecewise(x, [x < 1], [lambda x: x**2, lambda x: 3 * x]))
    assert [float(gradient(x)) for x in (0.5, 2.0)] == [1.0, 3.0]


def test_ufunc() -> None:
    f = jnp.frompyfunc(lambda x, y: x * 2 + y, 2, 1)
    reference = np.frompyfunc(lambda x, y: x * 2 + y, 2, 1)
    assert isinstance(f, jnp.ufunc) and isinstance(jnp.add, jnp.ufunc)
    assert not isinstance(jnp.sum, jnp.ufunc)
    x = np.arange(1.0, 7.0).reshape(2, 3)
    for axis in (0, 1):
        got = run_traced(lambda x, a=axis: f.reduce(x, axis=a), x)
        assert_same(got, reference.reduce(x, axis=axis).astype(float), "reduce")
        got = run_traced(lambda x, a=axis: f.accumulate(x, axis=a), x)
        assert_same(got, reference.accumulate(x, axis=axis).astype(float), "accumulate")
        got = f.reduce(x, axis=axis, keepdims=True, initial=3.0)
        expected = reference.reduce(x, axis=axis, keepdims=True, initial=3.0).astype(float)
        assert_same(got, expected, "initial")
    assert_same(f.outer(x[0], x[1]), reference.outer(x[0], x[1]).astype(float), "outer")
    expected = np.zeros(3)
    for i, v in zip([0, 2, 0], [1.0, 2.0, 3.0], strict=True):
        expected[i] = 2 * expected[i] + v
    assert_same(f.at(np.zeros(3), [0, 2, 0], np.arange(1.0, 4.0), inplace=False), expected, "at")
    assert float(f.reduce(x, axis=None)) == reference.reduce(x.ravel())
    with pytest.raises(ValueError, match="no identity"):
        f.reduce(np.zeros(0))
    assert float(jnp.frompyfunc(lambda x, y: x + y, 2, 1, identity=0).reduce(np.zeros(0))) == 0
    with pytest.raises(ValueError, match="in place"):
        f.at(np.zeros(3), 0, 1.0)
    with pytest.raises(TypeError, match="expected 2 operands"):
        f(1.0)
    slope = jitad.grad(lambda x: f.reduce(x))(np.ones(3))
    assert_same(slope, np.array([4.0, 2.0, 1.0]), "gradient")


@pytest.mark.parametrize("dtype", ["i4", "i8", "u1", "u8"])
def test_divisors(dtype: str) -> None:
    values = np.array([0, 1, 12, 18, 97, 120], dtype)
    signed = np.concatenate([values, -values]) if dtype[0] == "i" else values
    for name in ("gcd", "lcm"):
        if dtype == "u1" and name == "lcm":
            signed = signed[:4]
        agree(getattr(jnp, name), getattr(np, name), signed[:, None], signed)
        agree(
            lambda x, n=name: getattr(np, n)(x, 6), lambda x, n=name: getattr(np, n)(x, 6), signed
        )
    agree(jnp.gcd, np.gcd, 1.5, 2.0)
