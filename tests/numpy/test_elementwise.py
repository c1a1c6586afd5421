"""Elementwise functions against NumPy's: every dtype, mixed dtypes, numbers, broadcasting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad_ir.types import DTYPES

from .compare import agree, assert_same, run_traced

DTYPE_NAMES = [dtype.name for dtype in DTYPES.values()]

UNARY = [
    "absolute",
    "abs",
    "fabs",
    "negative",
    "positive",
    "sign",
    "square",
    "reciprocal",
    "floor",
    "ceil",
    "trunc",
    "rint",
    "fix",
    "sqrt",
    "cbrt",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arccosh",
    "arctanh",
    "asinh",
    "acosh",
    "atanh",
    "deg2rad",
    "rad2deg",
    "degrees",
    "radians",
    "conjugate",
    "conj",
    "isnan",
    "isinf",
    "isfinite",
    "signbit",
    "logical_not",
    "invert",
    "bitwise_not",
    "bitwise_count",
    "modf",
    "real",
    "imag",
    "angle",
    "nan_to_num",
    "sinc",
    "iscomplex",
    "isreal",
    "isposinf",
    "isneginf",
]

BINARY = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "floor_divide",
    "remainder",
    "mod",
    "fmod",
    "power",
    "pow",
    "float_power",
    "arctan2",
    "atan2",
    "hypot",
    "logaddexp",
    "logaddexp2",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "copysign",
    "nextafter",
    "heaviside",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "left_shift",
    "right_shift",
    "divmod",
    "isclose",
]

MIXED = [
    ("int64", "float32"),
    ("int8", "uint8"),
    ("int64", "uint64"),
    ("bool", "int32"),
    ("float32", "complex128"),
    ("uint16", "float32"),
    ("int32", "float32"),
    ("float32", "float64"),
]


def drawn(dtype: str) -> Any:
    """Elements that are hard in each kind: signed zeros, ends of ranges, nan and infinities."""
    d = np.dtype(dtype)
    if d.kind == "b":
        return np.array([1, 0, 1, 1, 0, 0, 1], d)
    if d.kind == "u":
        return np.array([0, 1, 2, 3, 7, 200, 5], d)
    if d.kind == "i":
        return np.array([0, -1, 2, -3, 7, 100, -5], d)
    if d.kind == "f":
        return np.array([0.0, -0.0, 0.5, -1.5, np.nan, np.inf, -2.25], d)
    return np.array([0, 1j, -0.5 + 2j, 1.5 - 1j, 3, -2, 2 + 0.5j], d)


def second(name: str, dtype: str) -> Any:
    """A second operand in the domain of the function."""
    y = drawn(dtype)[::-1].copy()
    if "shift" in name and y.dtype.kind in "iu":
        return np.abs(y) % y.dtype.type(7)
    if name in ("power", "pow") and y.dtype.kind == "i":
        return np.abs(y) % y.dtype.type(5)
    return y


UNDEFINED = {("reciprocal", "int8"), ("reciprocal", "int16"), ("reciprocal", "int32")} | {
    ("reciprocal", d) for d in ("int64", "uint8", "uint16", "uint32", "uint64")
}
"""Divisions of integers by zero, which NumPy leaves to the machine."""

HALF_OVERFLOWS = {("exp2", "int8")}
"""Beyond float16, in which NumPy computes, but not beyond float32."""


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str, dtype: str) -> None:
    x = drawn(dtype)
    if (name, dtype) in UNDEFINED | HALF_OVERFLOWS:
        x = x[1:5]
    agree(getattr(jnp, name), getattr(np, name), x)


@pytest.mark.parametrize("name", [n for n in UNARY if n not in ("real", "imag", "angle")])
def test_unary_of_python_numbers(name: str) -> None:
    for number in (2, 0.5, True, 1 + 2j):
        agree(getattr(jnp, name), getattr(np, name), number)


def skip_beyond_numpy(name: str, dtype: str) -> None:
    if name in ("logaddexp", "logaddexp2") and "complex" in dtype:
        pytest.skip("NumPy has no complex ones; tested in test_derivatives_at_edges")


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str, dtype: str) -> None:
    skip_beyond_numpy(name, dtype)
    agree(getattr(jnp, name), getattr(np, name), drawn(dtype), second(name, dtype))


@pytest.mark.parametrize(("first", "other"), MIXED)
@pytest.mark.parametrize("name", BINARY)
def test_binary_of_mixed_dtypes(name: str, first: str, other: str) -> None:
    skip_beyond_numpy(name, other)
    agree(getattr(jnp, name), getattr(np, name), drawn(first), second(name, other))


@pytest.mark.parametrize("dtype", DTYPE_NAMES)
@pytest.mark.parametrize("name", BINARY)
def test_python_numbers_are_weak(name: str, dtype: str) -> None:
    skip_beyond_numpy(name, dtype)
    f, g = getattr(jnp, name), getattr(np, name)
    for number in (2, 1.5):
        agree(lambda x, n=number: f(x, n), lambda x, n=number: g(x, n), drawn(dtype))
        if name in ("power", "pow"):
            continue  # NumPy refuses negative exponents, which are not known while tracing
        agree(lambda x, n=number: f(n, x), lambda x, n=number: g(n, x), drawn(dtype))


@pytest.mark.parametrize("name", BINARY)
def test_two_python_numbers(name: str) -> None:
    agree(getattr(jnp, name), getattr(np, name), 2, 3)
    agree(getattr(jnp, name), getattr(np, name), 2.0, 3)


@pytest.mark.parametrize("name", BINARY)
def test_broadcasting(name: str) -> None:
    x = drawn("float64")[:6].reshape(2, 3)
    for y in (x[0], x[:, :1], np.float64(0.5), x[None], np.zeros(2), np.zeros((0, 1, 3))):
        agree(getattr(jnp, name), getattr(np, name), x, y)


def test_zero_size_and_scalars() -> None:
    for x in (np.zeros((0, 3)), np.float64(0.3), np.array(0.3)):
        agree(jnp.sin, np.sin, x)
        agree(jnp.add, np.add, x, 1)


def test_numbers_out_of_range() -> None:
    x = np.array([1, 200], np.uint8)
    agree(lambda x: jnp.add(x, 300), lambda x: np.add(x, 300), x)
    agree(lambda x: jnp.add(-1, x), lambda x: np.add(-1, x), x)
    for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
        for number in (300, -1, 200):
            f, g = getattr(jnp, name), getattr(np, name)
            agree(lambda x, n=number, f=f: f(x, n), lambda x, n=number, g=g: g(x, n), x)
            agree(lambda x, n=number, f=f: f(n, x), lambda x, n=number, g=g: g(n, x), x)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", "complex128"])
@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, -2, 7, 40, 0.5, 2.0, 1.7, -0.5, 1 + 1j])
def test_static_powers(dtype: str, exponent: Any) -> None:
    x = drawn(dtype)
    agree(lambda x: jnp.power(x, exponent), lambda x: np.power(x, exponent), x, rtol=1e-5)


def test_powers_of_traced_integers() -> None:
    with pytest.raises(ValueError, match="negative integer powers are not allowed"):
        jnp.power(np.array([2]), np.array([-1]))
    got = run_traced(jnp.power, np.array([2, 1, -1, 3]), np.array([-1, -5, -3, 2]))
    np.testing.assert_array_equal(got, [0, 1, -1, 9])


@pytest.mark.parametrize("decimals", [0, 1, 3, -1, -2])
def test_round(decimals: int) -> None:
    for x in (np.array([0.5, 1.5, -2.345, 12345.678]), np.array([15, 25, -149]), 2.5):
        agree(lambda x: jnp.round(x, decimals), lambda x: np.round(x, decimals), x)


def test_where() -> None:
    x = np.array([[1.0, -2.0, np.nan], [np.inf, 0.0, 3.0]])
    agree(lambda x: jnp.where(x > 0, x, 0), lambda x: np.where(x > 0, x, 0), x)
    agree(lambda x: jnp.where(x[0], 1, 2.5), lambda x: np.where(x[0], 1, 2.5), x)
    column = np.array([[True], [False]])
    agree(jnp.where, np.where, column, x, np.float32(7))
    agree(jnp.where, np.where, column, np.arange(3), x)
    assert_same(jnp.where(np.array([0, 3, 5])), np.where([0, 3, 5]), "nonzero")
    with pytest.raises(ValueError, match="either both or neither"):
        jnp.where(column, x)


def test_clip() -> None:
    for x in (np.linspace(-2, 2, 9), np.arange(-4, 5), np.arange(5, dtype=np.uint8)):
        for bounds in ((0, 1), (None, 1), (0.5, None), (1, 0), (np.float32(0.25), 3)):
            agree(lambda x, b=bounds: jnp.clip(x, *b), lambda x, b=bounds: np.clip(x, *b), x)
    agree(lambda x: jnp.clip(x, min=0), lambda x: np.clip(x, 0, None), np.linspace(-1, 1, 5))


def test_select_and_choose() -> None:
    x = np.arange(6)
    agree(
        lambda x: jnp.select([x < 2, x < 4], [x, x**2], -1.5),
        lambda x: np.select([x < 2, x < 4], [x, x**2], -1.5),
        x,
    )
    choices = [[1, 2, 3], [4, 5, 6]]
    for mode in ("wrap", "clip"):
        agree(
            lambda i, m=mode: jnp.choose(i, choices, mode=m),
            lambda i, m=mode: np.choose(i, choices, mode=m),
            np.array([0, -1, 5]),
        )
    agree(
        lambda i: jnp.choose(i, choices),
        lambda i: np.choose(i, choices),
        np.array([0, 1, 2]),
        traced=False,
    )


def test_nan_to_num() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 1.5])
    for keywords in ({}, {"nan": 3.0}, {"posinf": 1, "neginf": -1}):
        for value in (x, x.astype("f4"), np.array([1 + 2j, complex(np.inf, np.nan)])):
            agree(
                lambda x, k=keywords: jnp.nan_to_num(x, **k),
                lambda x, k=keywords: np.nan_to_num(x, **k),
                value,
            )


def test_comparison_of_arrays() -> None:
    x = np.array([1.0, np.nan])
    agree(jnp.array_equal, np.array_equal, x, x)
    agree(
        lambda x: jnp.array_equal(x, x, equal_nan=True),
        lambda x: np.array_equal(x, x, equal_nan=True),
        x,
    )
    assert not jnp.array_equal(x, x[:1])
    agree(jnp.array_equiv, np.array_equiv, x[:1], np.ones((3, 2)))
    agree(jnp.allclose, np.allclose, x[:1], x[:1] + 1e-9)
    agree(jnp.allclose, np.allclose, x, x)


def test_types_of_numbers() -> None:
    assert jnp.result_type(np.float32, 1.0) == np.float32
    assert jnp.result_type(np.zeros(1, "i8"), np.float32(1)) == np.float64
    assert jnp.can_cast("i4", "f8")
    assert jnp.iscomplexobj(1j)
    assert isinstance(np.zeros(1), jnp.ndarray)
    assert run_traced(lambda x: x * isinstance(x, jnp.ndarray), 2.0) == 2.0
    with pytest.raises(TypeError, match="got datetime64"):
        jnp.sin(np.datetime64("2000-01-01"))
    with pytest.raises(TypeError, match="expected an array or a number; got builtins.str"):
        jnp.sin("a")


def test_swapped_bytes_are_put_right() -> None:
    x = np.array([1.0, 2.0], ">f8")
    assert_same(jnp.sin(x), np.sin(x).astype("f8"), "big endian")
    assert_same(run_traced(lambda: jnp.add(x, 1)), np.array([2.0, 3.0]), "captured")


GRADIENTS = [
    (jnp.sinc, 0.0, 0.0),
    (lambda x: jnp.logaddexp(x, x), 1.0, 1.0),
    (lambda x: jnp.hypot(x, 0.0), 0.0, 0.0),
    (lambda x: jnp.hypot(3.0, x), 4.0, 0.8),
    (lambda x: jnp.floor_divide(x, 0.7), 2.0, 0.0),
    (lambda x: jnp.remainder(x, 0.7), 2.0, 1.0),
    (lambda x: jnp.remainder(2.0, x), 0.7, -2.0),
    (lambda x: jnp.where(x > 0, x, jnp.log(x)), 1.0, 1.0),
    (lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0), 0.0, 0.0),
    (lambda x: jnp.clip(x, 0.0, 1.0), 0.5, 1.0),
    (lambda x: jnp.clip(x, 0.0, 1.0), 1.5, 0.0),
    (lambda x: x**0, 0.0, 0.0),
    (lambda x: x**2, 0.0, 0.0),
    (lambda x: jnp.nan_to_num(x), 2.0, 1.0),
]


@pytest.mark.parametrize(("function", "at", "expected"), GRADIENTS)
def test_derivatives_where_they_are_hard(function: Any, at: float, expected: float) -> None:
    assert float(jitad.grad(function)(at)) == pytest.approx(expected, abs=1e-12)


def test_second_derivative_of_sinc() -> None:
    second = jitad.grad(jitad.grad(jnp.sinc))
    assert float(second(0.0)) == pytest.approx(-(np.pi**2) / 3)
    assert float(second(1e-3)) == pytest.approx(-(np.pi**2) / 3, rel=1e-4)
