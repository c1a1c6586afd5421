"""Results of dtype float0, the tangents and cotangents of integers, out of traced functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad.dtypes import float0

COUNTS, RATES = np.arange(3), np.array([0.5, 1.0, 2.0])
gradient = jitad.grad(lambda n, x: jnp.sum(n * x), argnums=(0, 1), allow_int=True)


def check(result: Any, batch: tuple[int, ...] = ()) -> None:
    of_counts, of_rates = result
    assert of_counts.dtype == float0 and of_counts.shape == (*batch, 3)
    np.testing.assert_array_equal(of_rates, np.broadcast_to(COUNTS, (*batch, 3)))


@pytest.mark.parametrize(
    "f",
    [
        gradient,
        jitad.jit(gradient),
        jitad.jit(lambda n, x: jitad.jit(gradient)(n, x)),
        jitad.jit(lambda n, x: jitad.vjp(lambda n, x: jnp.sum(n * x), n, x)[1](1.0)),
    ],
)
def test_gradients_of_integers_leave_jit(f: Any) -> None:
    for _ in range(2):  # the second call is a native one
        check(f(COUNTS, RATES))


@pytest.mark.parametrize(
    "f",
    [
        jitad.vmap(gradient),
        jitad.jit(jitad.vmap(gradient)),
        jitad.vmap(jitad.jit(gradient)),
        lambda n, x: jitad.vmap(gradient)(*jitad.vmap(lambda *v: v)(n, x)),
    ],
)
def test_gradients_of_integers_leave_vmap(f: Any) -> None:
    check(f(np.stack([COUNTS] * 2), np.stack([RATES] * 2)), (2,))


def test_tangents_of_comparisons_leave_jit() -> None:
    value, tangent = jitad.jit(lambda x: jitad.jvp(lambda x: x > 0, (x,), (x,)))(RATES)
    assert value.all() and tangent.dtype == float0 and tangent.shape == (3,)


def test_the_dtype_is_a_name_of_jitad() -> None:
    assert jitad.float0 == float0


def test_shapes_of_results_ahead_of_the_call() -> None:
    of_counts, of_rates = jitad.jit(gradient).lower(COUNTS, RATES).out_info
    assert of_counts.dtype == float0 and of_rates.dtype == np.float64


def test_programs_leave_out_what_has_no_numbers() -> None:
    graph, (of_counts, of_rates) = jitad.make_ir(gradient, return_shape=True)(COUNTS, RATES)
    assert len(graph.outputs) == 1
    assert of_counts.dtype == float0 and of_rates.dtype == np.float64
    assert jitad.eval_shape(gradient, COUNTS, RATES) == (of_counts, of_rates)
    assert len(jitad.explain(gradient, COUNTS, RATES).output_types) == 1
