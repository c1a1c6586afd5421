"""Elementwise programs: arithmetic, elementary functions and memory."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import in_numba
from benchmarks.black_scholes import price
from benchmarks.measure import Call
from benchmarks.reference import c_call
from benchmarks.versus import NOT_SLOWER, versus
from benchmarks.workload import Calls, Goal

Arrays = tuple[np.ndarray, ...]


@functools.cache
def pair(size: int, dtype: str) -> Arrays:
    """Two arrays of numbers in [0.1, 2)."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.1, 2.0, (2, size))
    if dtype == "complex128":
        return x + 1j * y, y - 1j * x
    return x.astype(dtype), y.astype(dtype)


def polynomial(lib: Any) -> Callable[..., Any]:
    """Twelve cheap operations: bound by memory once arrays leave the caches."""
    np = lib.numpy

    def f(x: Any, y: Any) -> Any:
        a = x * y + 0.5 * x
        b = a * a - y * x
        return np.maximum(b, 0.25) * (a + 1.5) - np.abs(y - b) / 3

    return lib.jit(f)


def functions(lib: Any) -> Callable[..., Any]:
    """Elementary functions: bound by arithmetic."""
    np = lib.numpy

    def f(x: Any, y: Any) -> Any:
        return np.sin(x) * np.exp(-y * y) + np.log1p(x * y) * np.tanh(y) + np.sqrt(x)

    return lib.jit(f)


def complex_functions(lib: Any) -> Callable[..., Any]:
    np = lib.numpy

    def f(z: Any, w: Any) -> Any:
        return (z * w + np.exp(z) / (w + 1)) * np.conj(w) + np.abs(z)

    return lib.jit(f)


def in_c(name: str, size: int, dtype: str) -> Callable[[], Call]:
    return lambda: c_call(
        "elementwise", name, (size, *pair(size, dtype)), (np.empty(size, dtype=dtype),)
    )


def copy() -> Call:
    """memcpy of as many bytes as the chain on 1e7 elements reads and writes, into warm memory."""
    source = np.ones(15 * 10**6)
    return Call(np.copyto, (np.zeros_like(source), source))


def chain(name: str, size: int, **more: Any) -> Calls:
    return versus(
        name,
        f"twelve cheap operations on two float64 arrays of {size:.0e} elements",
        polynomial,
        lambda: pair(size, "float64"),
        numpy=polynomial,
        numba=in_numba.polynomial,
        c=in_c("polynomial", size, "float64"),
        **more,
    )


CHAINS = (
    chain("chain_1e4", 10**4),
    chain("chain_1e6", 10**6),
    chain(
        "chain_1e7",
        10**7,
        limits={"copy of as many bytes": copy},
        goals=(*NOT_SLOWER, Goal("copy of as many bytes", 1.25)),
    ),
)

FUNCTIONS = versus(
    "functions_1e6",
    "sin exp log1p tanh sqrt in one expression, 1e6 float64",
    functions,
    lambda: pair(10**6, "float64"),
    numpy=functions,
    numba=in_numba.functions,
    c=in_c("functions", 10**6, "float64"),
)

FUNCTIONS_SINGLE = versus(
    "functions_float32",
    "sin exp log1p tanh sqrt in one expression, 1e6 float32",
    functions,
    lambda: pair(10**6, "float32"),
    numpy=functions,
    c=in_c("functions_float", 10**6, "float32"),
    tolerance=2e-6,
)

COMPLEX = versus(
    "functions_complex",
    "products, exp, quotient, abs, 1e5 complex128",
    complex_functions,
    lambda: pair(10**5, "complex128"),
    numpy=complex_functions,
)


@functools.cache
def options() -> Arrays:
    """Spot, strike, years, rate and volatility of 1e6 options."""
    rng = np.random.default_rng(1)
    size = 10**6
    return (
        rng.uniform(80, 120, size),
        rng.uniform(80, 120, size),
        rng.uniform(0.1, 2, size),
        rng.uniform(0, 0.05, size),
        rng.uniform(0.1, 0.5, size),
    )


def prices(lib: Any) -> Callable[..., Any]:
    return lib.jit(price(lib.numpy))


def greeks(lib: Any) -> Callable[..., Any]:
    """Values and derivatives by spot, years, rate and volatility."""
    f = price(lib.numpy)
    return lib.jit(lib.vmap(lib.value_and_grad(f, argnums=(0, 2, 3, 4))))


def prices_in_c() -> Call:
    return c_call("elementwise", "prices", (10**6, *options()), (np.empty(10**6),))


PRICES = versus(
    "option_prices",
    "Black-Scholes values of 1e6 calls",
    prices,
    options,
    numpy=prices,
    c=prices_in_c,
)

GREEKS = versus(
    "option_greeks",
    "values and four derivatives of 1e6 calls, jit(vmap(value_and_grad))",
    greeks,
    options,
)

ALL = (*CHAINS, FUNCTIONS, FUNCTIONS_SINGLE, COMPLEX, PRICES, GREEKS)
