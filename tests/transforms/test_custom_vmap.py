"""Functions with rules of their own for vmap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad.custom_batching import custom_vmap, sequential_vmap


def marked() -> tuple[Any, list[Any]]:
    """x * y, whose batches are 100 too large, and the calls of its rule."""
    calls: list[Any] = []

    @custom_vmap
    def f(x: Any, y: Any) -> Any:
        return x * y

    @f.def_vmap
    def _(axis_size: int, in_batched: Any, x: Any, y: Any) -> Any:
        calls.append((axis_size, in_batched, x.shape, y.shape))
        return x * y + 100.0, any(in_batched)

    return f, calls


@pytest.mark.parametrize("wrap", [lambda f: f, jitad.jit], ids=["eager", "jit"])
def test_rule_is_used(wrap: Any) -> None:
    f, calls = marked()
    x = np.arange(3.0)
    assert wrap(f)(2.0, 3.0) == 6.0 and not calls
    assert np.array_equal(wrap(jitad.vmap(f, in_axes=(0, None)))(x, 2.0), 2.0 * x + 100.0)
    assert calls == [(3, [True, False], (3,), ())]
    nested = jitad.vmap(jitad.vmap(f, in_axes=(0, None)), in_axes=(None, 0))
    assert np.array_equal(wrap(nested)(x, np.ones(2)), np.stack([x + 100.0] * 2))


@pytest.mark.parametrize("wrap", [lambda f: f, jitad.jit], ids=["eager", "jit"])
def test_derivatives_are_those_of_the_function(wrap: Any) -> None:
    f, _ = marked()
    assert wrap(jitad.grad(f, argnums=(0, 1)))(2.0, 3.0) == (3.0, 2.0)
    assert wrap(jitad.grad(jitad.grad(lambda x: f(x, x) * x)))(2.0) == 12.0
    assert wrap(lambda x: jitad.jvp(f, (x, 3.0), (1.0, 0.0)))(2.0) == (6.0, 3.0)
    summed = jitad.grad(lambda x: jnp.sum(jitad.vmap(f, in_axes=(0, None))(x, 2.0)))
    assert np.array_equal(wrap(summed)(np.arange(3.0)), [2.0] * 3)
    assert np.array_equal(wrap(jitad.vmap(jitad.grad(f)))(np.ones(2), np.arange(2.0)), [0.0, 1.0])
    assert jitad.linear_transpose(lambda x: f(x, 3.0), 1.0)(2.0) == (6.0,)


def test_pytrees_and_results_that_are_shared() -> None:
    @custom_vmap
    def f(tree: Any) -> Any:
        return {"double": tree["x"] * 2.0, "fixed": 7.0}

    @f.def_vmap
    def _(axis_size: int, in_batched: Any, tree: Any) -> Any:
        (flags,) = in_batched
        return {"double": tree["x"] * 2.0, "fixed": 7.0}, {"double": flags["x"], "fixed": False}

    found = jitad.vmap(f)({"x": np.arange(3.0)})
    assert np.array_equal(found["double"], [0.0, 2.0, 4.0])
    assert np.array_equal(found["fixed"], [7.0] * 3)


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (None, AttributeError, "def_vmap"),
        (lambda n, b, x: x, TypeError, "pair"),
        (lambda n, b, x: ((x, x), (True, True)), TypeError, "structure"),
        (lambda n, b, x: (x[0], True), ValueError, "leading axis of length 2"),
    ],
)
def test_wrong_rules(rule: Any, error: Any, message: str) -> None:
    f = custom_vmap(lambda x: x)
    if rule is not None:
        f.def_vmap(rule)
    with pytest.raises(error, match=message):
        jitad.vmap(f)(np.ones(2))


def test_traced_values_are_arguments() -> None:
    def outer(y: Any) -> Any:
        f = custom_vmap(lambda x: x * y)
        f.def_vmap(lambda n, b, x: (x * y, True))
        return jitad.vmap(f)(np.ones(2))

    with pytest.raises(TypeError, match="pass them as arguments"):
        jitad.jit(outer)(2.0)


def test_sequential_vmap(capsys: pytest.CaptureFixture[str]) -> None:
    @sequential_vmap
    def f(x: Any, y: Any) -> Any:
        jitad.debug.print("{} {}", x.shape, y)
        return jnp.sum(x) * y

    x = np.ones((2, 3))
    for wrap in (lambda g: g, jitad.jit):
        assert np.array_equal(wrap(jitad.vmap(f, in_axes=(0, None)))(x, 2.0), [6.0, 6.0])
        assert capsys.readouterr().out == "(3,) 2.0\n(3,) 2.0\n"
        assert np.array_equal(wrap(jitad.vmap(f))(x, np.arange(2.0)), [0.0, 3.0])
        assert capsys.readouterr().out == "(3,) 0.0\n(3,) 1.0\n"
