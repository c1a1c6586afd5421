"""Arrays of float16: NumPy's dtypes, transformations, compiled calls, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax, nn, random
from jitad.scipy import special

from .compare import agree

X = np.linspace(-2, 2, 7).astype(np.float16)
MATRIX = np.array([[4, 1, 0.5], [1, 3, -1], [0.5, -1, 5]], np.float16)


@pytest.mark.parametrize(
    "dtype",
    ["bool", "int8", "uint8", "int16", "int32", "uint64", "float32", "float64", "complex64"],
)
def test_meets_other_dtypes_where_numpy_does(dtype: str) -> None:
    agree(lambda x, y: jnp.add(x, y), lambda x, y: np.add(x, y), X, np.ones(7, dtype))
    assert jnp.result_type(jnp.float16, dtype) == np.result_type(np.float16, dtype)


def test_python_numbers_are_weak() -> None:
    assert (jnp.asarray(X) * 2.5 + 1).dtype == np.float16
    assert (jnp.asarray(X) * 1j).dtype == np.complex64
    assert jnp.float16(1.1) == np.float16(1.1)


def test_float16_is_not_chosen_for_short_integers() -> None:
    for x in (np.int8([1, 2]), np.uint8([1, 2]), np.array([True])):
        assert jnp.sin(x).dtype == np.float32


FUNCTIONS: list[tuple[str, Callable[[Any], Any]]] = [
    ("sum", lambda x: x.sum()),
    ("prod", lambda x: x.prod()),
    ("max", lambda x: x.max()),
    ("argmin", lambda x: x.argmin()),
    ("sort", lambda x: np.sort(x)),
    ("argsort", lambda x: np.argsort(x)),
    ("reverse", lambda x: x[::-1]),
    ("roll", lambda x: np.roll(x, 2)),
    ("take", lambda x: x[np.array([3, 1, 1])]),
    ("where", lambda x: np.where(x > 0, x, -1)),
    ("concatenate", lambda x: np.concatenate([x, x])),
    ("outer", lambda x: np.outer(x, x)),
    ("product", lambda x: x @ x),
    ("clip", lambda x: np.clip(x, -1, 1)),
    ("isnan", lambda x: np.isnan(x)),
    ("bits", lambda x: np.signbit(x)),
    ("nextafter", lambda x: np.nextafter(x, x[::-1])),
    ("frexp", lambda x: np.frexp(x)),
    ("ldexp", lambda x: np.ldexp(x, 3)),
    ("median", lambda x: np.median(x)),
    ("interp", lambda x: np.diff(x)),
    ("astype", lambda x: x.astype(np.int16)),
    ("fft", lambda x: np.fft.fft(x)),
]


@pytest.mark.parametrize(("name", "function"), FUNCTIONS)
def test_numpy_functions(name: str, function: Callable[[Any], Any]) -> None:
    """By NumPy's names, on arrays and traced, compiled too."""
    expected = function(X)
    for got in (function(jnp.asarray(X)), jitad.jit(function)(X)):
        for g, e in zip(jitad.tree.leaves(got), jitad.tree.leaves(expected), strict=True):
            assert g.dtype == (np.complex64 if name == "fft" else e.dtype)
            np.testing.assert_allclose(g, e, rtol=2e-3, atol=1e-6)


def test_a_compiled_function_takes_and_gives_float16() -> None:
    f = jitad.jit(lambda x, s: {"y": jnp.sin(x) * s})
    for _ in range(3):
        y = f(X, np.float16(2))["y"]
        assert type(y) is jitad.Array and y.dtype == np.float16
        np.testing.assert_array_equal(y, (np.sin(X) * np.float16(2)))
    assert f(X[::2], np.float16(1))["y"].shape == (4,)
    assert f(X.astype(np.float32), np.float32(1))["y"].dtype == np.float32


def test_each_operation_rounds() -> None:
    """As NumPy rounds, with the same bits whichever way a program is run."""

    def f(x: Any) -> Any:
        return (x * x + 1) / (x * 3 - 7) - x

    expected = f(X)
    for got in (f(jnp.asarray(X)), jitad.jit(f)(X), jitad.vmap(f)(X)):
        np.testing.assert_array_equal(got, expected, strict=True)


def test_transformations() -> None:
    def f(x: Any) -> Any:
        return jnp.sum(jnp.sin(x) * x)

    slope = np.cos(X) * X + np.sin(X)
    assert jitad.grad(f)(X).dtype == np.float16
    for g in (jitad.grad(f), jitad.jit(jitad.grad(f)), jitad.jit(jitad.jacfwd(f))):
        np.testing.assert_allclose(g(X), slope, atol=4e-3)
    y, t = jitad.jit(lambda x: jitad.jvp(f, (x,), (jnp.ones_like(x),)))(X)
    assert y.dtype == t.dtype == np.float16
    curvature = jitad.jit(jitad.hessian(f))(X)
    np.testing.assert_allclose(np.diag(curvature), 2 * np.cos(X) - X * np.sin(X), atol=8e-3)


def test_loops_and_branches() -> None:
    def walk(x: Any) -> Any:
        total, steps = lax.scan(lambda c, x: (c + x * x, c), jnp.float16(0), x)
        return lax.cond(total > 1, jnp.sin, jnp.cos, total), steps

    for got in (walk(X), jitad.jit(walk)(X)):
        assert [leaf.dtype for leaf in got] == [np.float16] * 2
        np.testing.assert_allclose(got[0], np.sin((X * X).sum()), atol=2e-2)
    slope = jitad.jit(jitad.grad(lambda x: walk(x)[0]))(X)
    np.testing.assert_allclose(slope, 2 * X * np.cos((X * X).sum()), atol=5e-2)
    last, count = jitad.jit(
        lambda x: lax.while_loop(lambda c: c[0] < 100, lambda c: (c[0] * 1.5, c[1] + 1), (x, 0))
    )(np.float16(1))
    assert last.dtype == np.float16 and count == 12


def test_sums_have_the_range_of_float32() -> None:
    x = np.full(1000, 60000, np.float16)
    for f in (jnp.mean, jnp.median, lambda x: jnp.linalg.norm(x[:1]), jnp.average):
        assert f(x) == 60000 and f(x).dtype == np.float16
    assert jnp.var(x) == 0 and jnp.std(x).dtype == np.float16
    assert jnp.mean(x, dtype=np.float32).dtype == np.float32
    assert jnp.linalg.norm(np.full(100, 3000, np.float16)) == 30000


def test_matrices() -> None:
    for f, g in [
        (jnp.linalg.inv, np.linalg.inv),
        (jnp.linalg.det, np.linalg.det),
        (jnp.linalg.cholesky, np.linalg.cholesky),
        (jnp.linalg.eigvalsh, np.linalg.eigvalsh),
    ]:
        got = jitad.jit(f)(MATRIX)
        assert got.dtype == np.float16
        np.testing.assert_allclose(got, g(MATRIX.astype(float)), rtol=2e-3, atol=1e-3)
    assert jnp.linalg.eig(MATRIX).eigenvalues.dtype == np.complex64


def test_special_functions_are_computed_in_float32() -> None:
    slope = jitad.grad(lambda a: special.betainc(a, np.float16(2), np.float16(0.5)))(
        np.float16(1.5)
    )
    wide = jitad.grad(lambda a: special.betainc(a, 2.0, 0.5))(1.5)
    assert slope.dtype == np.float16
    np.testing.assert_allclose(slope, wide, rtol=1e-3)
    assert nn.softmax(X).dtype == nn.logsumexp(X).dtype == np.float16
    np.testing.assert_allclose(jnp.sum(nn.softmax(X)), 1, atol=2e-3)


def test_bits() -> None:
    bits = lax.bitcast_convert_type(X, jnp.uint16)
    np.testing.assert_array_equal(bits, X.view(np.uint16))
    back = jitad.jit(lambda b: lax.bitcast_convert_type(b, jnp.float16))(bits)
    np.testing.assert_array_equal(back, X, strict=True)
    assert jnp.finfo(jnp.float16).bits == 16


def test_random_numbers_are_those_of_jax() -> None:
    """jax.random.uniform(jax.random.key(0), (4,), "float16"), and normal."""
    key = random.key(0)
    uniform = [0.310546875, 0.212890625, 0.0546875, 0.65625]
    normal = [-0.49365234375, -0.79541015625, -1.5986328125, 0.40283203125]
    for f, expected in ((random.uniform, uniform), (random.normal, normal)):
        got = f(key, (4,), jnp.float16)
        np.testing.assert_array_equal(got, np.array(expected, np.float16), strict=True)


def test_programs_show_it() -> None:
    assert "f16[7]" in str(jitad.make_ir(jnp.sin)(X))


def test_callbacks_get_it() -> None:
    def double(x: Any) -> Any:
        assert x.dtype == np.float16
        return np.asarray(x) * np.float16(2)

    kind = jitad.ShapeDtypeStruct((7,), np.float16)
    got = jitad.jit(lambda x: jitad.pure_callback(double, kind, x))(X)
    np.testing.assert_array_equal(got, X * 2, strict=True)


def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match="complex: expected f32 or f64"):
        lax.complex(X, X)
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for call in (lambda d: jnp.zeros(3, d), lambda d: jnp.asarray(np.zeros(3, d))):
        with pytest.raises(TypeError, match=r"got bfloat16.*there is float16; write x.astype"):
            call(np.dtype(ml_dtypes.bfloat16))
