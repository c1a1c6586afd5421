"""Loops whose steps do not depend on each other, on several threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax

ROWS = np.random.default_rng(0).uniform(0.5, 2.0, (70, 40, 40))


def newton(a: Any) -> Any:
    """The square root of a, until it does not change."""

    def step(state: tuple[Any, Any]) -> tuple[Any, Any]:
        x, _ = state
        return 0.5 * (x + a / x), x

    return lax.while_loop(lambda s: jnp.abs(s[0] - s[1]) > 1e-12, step, (a, a + 1.0))[0]


def relaxed(m: Any) -> Any:
    """A loop with temporaries of its own, and a product."""

    def step(_: Any, x: Any) -> Any:
        return jnp.tanh(x @ m * 0.05) + jnp.sort(x, axis=0) * 0.1

    return lax.fori_loop(0, 5, step, m)


def nested(m: Any) -> Any:
    return lax.map(lambda row: lax.fori_loop(0, 300, lambda _, r: jnp.sin(r) + row, row), m)


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "lanes": lambda x: jitad.vmap(newton)(x.reshape(-1)[:5000]),
    "taped lanes": lambda x: jitad.grad(lambda v: jitad.vmap(newton)(v).sum())(
        x.reshape(-1)[:5003]
    ),
    "lanes with tapes": lambda x: jitad.vmap(jitad.grad(newton))(x.reshape(-1)[:5003]),
    "map": lambda x: lax.map(relaxed, x),
    "nested": lambda x: lax.map(nested, x[:, :6]),
    "several": lambda x: lax.map(lambda m: (relaxed(m).sum(), jnp.argmax(m, axis=0)), x),
    "backwards": lambda x: lax.scan(lambda _, m: (None, relaxed(m)), None, x, reverse=True)[1],
    "unrolled": lambda x: lax.scan(lambda _, m: (None, relaxed(m)), None, x, unroll=3)[1],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_bits_on_any_number_of_threads(name: str) -> None:
    program = PROGRAMS[name]
    compiled = jitad.jit(lambda x: program(x))
    assert "on several threads" in str(jitad.explain(compiled, ROWS))
    found: list[Any] = []
    for threads in (1, 2, 5):
        with jitad.threads(threads):
            found += [jitad.tree.leaves(compiled(ROWS)) for _ in range(3)]
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


def test_values_are_those_of_a_loop() -> None:
    got = jitad.jit(PROGRAMS["map"])(ROWS)
    for row, m in zip(got, ROWS, strict=True):
        np.testing.assert_allclose(row, relaxed(m), rtol=1e-12)
    np.testing.assert_allclose(
        jitad.jit(PROGRAMS["lanes"])(ROWS), np.sqrt(ROWS.reshape(-1)[:5000]), rtol=1e-14
    )


def test_derivatives() -> None:
    def loss(x: Any) -> Any:
        return (lax.map(relaxed, x) ** 2).sum()

    gradient = jitad.jit(jitad.grad(loss))(ROWS)
    tangent = np.random.default_rng(1).standard_normal(ROWS.shape)
    _, slope = jitad.jit(lambda x, t: jitad.jvp(loss, (x,), (t,)))(ROWS, tangent)
    np.testing.assert_allclose((gradient * tangent).sum(), slope, rtol=1e-10)


def test_each_part_has_temporaries_of_its_own() -> None:
    """Two steps at once would overwrite each other's."""
    with jitad.threads(4):
        for _ in range(20):
            np.testing.assert_array_equal(
                jitad.jit(PROGRAMS["map"])(ROWS[:9]), jitad.jit(PROGRAMS["map"])(ROWS)[:9]
            )


@pytest.mark.parametrize("kind", ["callback", "carry", "short"])
def test_what_stays_on_one_thread(kind: str) -> None:
    def called(m: Any) -> Any:
        return jitad.pure_callback(lambda v: np.asarray(v) * 2.0, m, m)

    programs: dict[str, Callable[[Any], Any]] = {
        "callback": lambda x: lax.map(lambda m: relaxed(called(m)), x),
        "carry": lambda x: lax.scan(lambda c, m: (c + m[0, 0], jnp.sin(m)), 0.0, x)[0],
        "short": lambda x: lax.map(lambda v: lax.fori_loop(0, 2, lambda _, u: u * v, v), x[0, 0]),
    }
    assert "loop" not in [
        line for line in str(jitad.explain(programs[kind], ROWS)).splitlines() if "threads" in line
    ]
    assert all(
        np.isfinite(leaf).all() for leaf in jitad.tree.leaves(jitad.jit(programs[kind])(ROWS))
    )
