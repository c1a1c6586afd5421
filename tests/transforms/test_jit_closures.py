"""Jitted functions that close over values that are traced outside of jit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp


def times(x: float) -> float:
    """Its argument only reaches the jitted function by closure."""
    return jitad.jit(lambda y: jnp.sin(x) * y)(2.0)


def test_derivatives_in_what_a_jitted_function_closes_over() -> None:
    value, tangent = jitad.jvp(times, (0.3,), (1.0,))
    np.testing.assert_allclose([value, tangent], [2 * np.sin(0.3), 2 * np.cos(0.3)])
    np.testing.assert_allclose(jitad.grad(times)(0.3), 2 * np.cos(0.3))
    np.testing.assert_allclose(jitad.grad(jitad.grad(times))(0.3), -2 * np.sin(0.3))
    np.testing.assert_allclose(jitad.jit(jitad.grad(times))(0.3), 2 * np.cos(0.3))
    assert jitad.grad(lambda x: jitad.jit(lambda: x * x)())(3.0) == 6.0


def test_compiling_ahead_what_closes_over_traced_arrays_is_refused() -> None:
    def ahead(x: float) -> float:
        return jitad.jit(lambda y: x * y).lower(2.0).compile()(2.0)

    with pytest.raises(TypeError, match="closes over traced arrays"):
        jitad.grad(ahead)(3.0)


def test_transposed_functions_leave_jit() -> None:
    transposed = jitad.jit(lambda c: jitad.linear_transpose(lambda x: {"y": c * x}, 1.0))(2.0)
    assert transposed({"y": 3.0}) == (6.0,)
    mapped = jitad.vmap(lambda c: jitad.linear_transpose(lambda x: c * x, 1.0)(1.0)[0])
    np.testing.assert_array_equal(mapped(np.arange(3.0)), np.arange(3.0))
    assert jitad.grad(lambda c: jitad.linear_transpose(lambda x: c * c * x, 1.0)(1.0)[0])(3.0) == 6


def test_jacrev_of_complex_arguments_is_the_gradient() -> None:
    z = np.arange(1, 4) + 0.5j * np.arange(3)

    def size(z: Any) -> Any:
        return jnp.cos(jnp.linalg.norm(2 * z))

    np.testing.assert_allclose(jitad.jacrev(size)(z), jitad.grad(size)(z))
    with pytest.raises(TypeError, match="results of f must be real"):
        jitad.jacrev(lambda z: z * z)(z)
