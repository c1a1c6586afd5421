"""Rules of custom derivatives that call their own function: they hold at any order."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad.experimental.jet import jet

WRAPS = [lambda f: f, jitad.jit]


def _tripled_with_slope_2(wrapper: Any, call: Any = lambda f, x: f(x)) -> Any:
    """3x, of slope 2 by a rule that calls the function itself: no derivative of what is written
    gives that slope, at any order."""
    slope = np.float64(3.0)
    f = wrapper(lambda x: slope * x)
    if wrapper is jitad.custom_jvp:
        f.defjvp(lambda primals, tangents: (call(f, *primals), 2.0 * tangents[0]))
    else:
        f.defvjp(lambda x: (call(f, x), None), lambda _, ct: (2.0 * ct,))
    return f


def _call_in_a_branch(f: Any, x: Any) -> Any:
    return lax.cond(x > 0, f, lambda x: -x, x)


@pytest.mark.parametrize("outer", [jitad.grad, lambda f: lambda x: jitad.jvp(f, (x,), (1.0,))[1]])
@pytest.mark.parametrize("wrapper", [jitad.custom_jvp, jitad.custom_vjp])
@pytest.mark.parametrize("wrap", [*WRAPS, lambda f: lambda x: jitad.vmap(f)(jnp.stack([x, x]))[1]])
def test_a_rule_that_calls_its_function_holds_at_any_order(
    wrap: Any, wrapper: Any, outer: Any
) -> None:
    f = _tripled_with_slope_2(wrapper)
    x = np.float64(0.3)
    # Of g(x) = (f(x) + x)^7 / 7!, where f(x) = 3x with f' = 2: 3^n (4x)^(7-n) / (7-n)!.

    def derivative(x: Any) -> Any:
        return (f(x) + x) ** 7 / math.factorial(7)

    for order in range(1, 7):
        derivative = outer(derivative)
        expected = 3**order * (4 * x) ** (7 - order) / math.factorial(7 - order)
        np.testing.assert_allclose(wrap(derivative)(x), expected, rtol=1e-12)


@pytest.mark.parametrize("wrapper", [jitad.custom_jvp, jitad.custom_vjp])
def test_a_rule_that_calls_its_function_in_a_branch(wrapper: Any) -> None:
    f = _tripled_with_slope_2(wrapper, _call_in_a_branch)

    def derivative(x: Any) -> Any:
        return f(x) ** 6 / math.factorial(6)

    for _ in range(5):
        derivative = jitad.grad(derivative)
    np.testing.assert_allclose(jitad.jit(derivative)(0.3), 2**5 * 0.9, rtol=1e-12)


@partial(jitad.custom_jvp, nondiff_argnums=(0,))
def _power(n: int, x: Any) -> Any:
    """x^n, whose rule doubles its derivative: no derivative of what is written is the rule's."""
    return x**n


@_power.defjvp
def _power_jvp(n: int, primals: Any, tangents: Any) -> Any:
    (x,), (t,) = primals, tangents
    return _power(n, x), 2.0 * n * _power(n - 1, x) * t


@partial(jitad.custom_vjp, nondiff_argnums=(0,))
def _power_backwards(n: int, x: Any) -> Any:
    return x**n


_power_backwards.defvjp(
    lambda n, x: (_power_backwards(n, x), x),
    lambda n, x, ct: (2.0 * n * _power_backwards(n - 1, x) * ct,),
)


def _of_power(order: int, x: float, n: int = 8) -> float:
    return 2**order * math.perm(n, order) * x ** (n - order)


def _forward(f: Any) -> Any:
    return lambda x: jitad.jvp(f, (x,), (1.0,))[1]


def _through_pullback(f: Any) -> Any:
    return lambda x: jitad.vjp(f, x)[1](1.0)[0]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("power", [_power, _power_backwards])
@pytest.mark.parametrize("outer", [jitad.grad, _forward, _through_pullback])
def test_a_rule_that_calls_its_function_with_another_number(
    outer: Any, power: Any, wrap: Any
) -> None:
    derivative: Any = partial(power, 8)
    for order in range(1, 7):
        derivative = outer(derivative)
        np.testing.assert_allclose(wrap(derivative)(0.7), _of_power(order, 0.7), rtol=1e-12)


def _in_scan(f: Any, x: Any) -> Any:
    """2^3 f(x), in three steps."""
    return lax.scan(lambda y, _: (y + y, None), f(x), None, length=3)[0]


def _in_body(f: Any, x: Any) -> Any:
    """8 f(x), by eight steps."""
    return lax.scan(lambda total, _: (total + f(x), None), jnp.zeros_like(x), None, length=8)[0]


def _in_lanes(f: Any, x: Any) -> Any:
    return jnp.sum(jitad.vmap(f)(jnp.full(8, x)))


def _in_branch(f: Any, x: Any) -> Any:
    return lax.cond(x > 0, lambda x: 8 * f(x), lambda x: x, x)


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("within", [_in_scan, _in_body, _in_lanes, _in_branch])
def test_a_rule_that_calls_its_function_in_loops_lanes_and_branches(within: Any, wrap: Any) -> None:
    derivative: Any = partial(within, partial(_power, 8))
    for order in range(1, 6):
        derivative = (_forward if order % 2 else jitad.grad)(derivative)
        np.testing.assert_allclose(wrap(derivative)(0.7), 8 * _of_power(order, 0.7), rtol=1e-12)


def test_a_program_traced_for_few_derivatives_is_not_used_for_more() -> None:
    inner = jitad.jit(partial(_power, 8))
    derivative: Any = lambda x: inner(x)  # noqa: E731
    for order in range(1, 7):
        derivative = jitad.grad(derivative)
        np.testing.assert_allclose(jitad.jit(derivative)(0.7), _of_power(order, 0.7), rtol=1e-12)


@pytest.mark.parametrize("wrap", WRAPS)
def test_a_series_by_a_rule_that_calls_its_function(wrap: Any) -> None:
    terms = wrap(lambda x: jet(partial(_power, 8), (x,), ([1.0, 0.0, 0.0, 0.0, 0.0],)))(0.7)[1]
    np.testing.assert_allclose(terms, [_of_power(k, 0.7) for k in range(1, 6)], rtol=1e-12)


def test_a_rule_of_a_recurrence_of_functions_that_cannot_be_differentiated() -> None:
    """Bessel functions by a callback: J_n' = (J_(n-1) - J_(n+1)) / 2."""
    special = pytest.importorskip("scipy.special")
    x = np.float64(1.1)

    @partial(jitad.custom_jvp, nondiff_argnums=(0,))
    def bessel(n: int, x: Any) -> Any:
        return jitad.pure_callback(
            lambda x: special.jv(n, x), jitad.ShapeDtypeStruct((), np.float64), x
        )

    @bessel.defjvp
    def rule(n: int, primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        return bessel(n, x), (bessel(n - 1, x) - bessel(n + 1, x)) * 0.5 * t

    derivative: Any = partial(bessel, 2)
    for order in range(1, 6):
        derivative = jitad.grad(derivative)
        expected = special.jvp(2, x, order)
        np.testing.assert_allclose(jitad.jit(derivative)(x), expected, rtol=1e-12)
