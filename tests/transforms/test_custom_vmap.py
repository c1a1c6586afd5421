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


def body(x: Any, w: Any) -> Any:
    return {"a": jnp.sin(x @ w) * w, "b": jnp.sum(x**2), "n": jnp.argmax(x)}


def with_rule() -> tuple[Any, list[Any]]:
    """`body` with a rule that says what is the same in every lane, and how the rule was called."""
    calls: list[Any] = []
    f = custom_vmap(body)

    @f.def_vmap
    def _(axis_size: int, in_batched: Any, x: Any, w: Any) -> Any:
        calls.append(list(in_batched))
        out = jitad.vmap(body, in_axes=tuple([0 if flag else None for flag in in_batched]))(x, w)
        of_x = in_batched[0]
        if not of_x:
            out["b"], out["n"] = out["b"][0], out["n"][0]
        return out, {"a": True, "b": of_x, "n": of_x}

    return f, calls


def loss_of(f: Any) -> Any:
    def loss(x: Any, w: Any) -> Any:
        out = f(x, w)
        return jnp.sum(out["a"] ** 2) + jnp.exp(out["b"])

    return loss


DERIVATIVES = {
    "grad": lambda h: jitad.grad(h, argnums=(0, 1)),
    "grad in one": lambda h: jitad.grad(h, argnums=1),
    "hessian": lambda h: jitad.hessian(h, argnums=1),
    "jacfwd": lambda h: jitad.jacfwd(h, argnums=(0, 1)),
    "jacrev of grad": lambda h: jitad.jacrev(jitad.grad(h), argnums=1),
    "jvp": lambda h: lambda x, w: jitad.jvp(h, (x, w), (w, x)),
    "jvp in one": lambda h: lambda x, w: jitad.jvp(lambda x: h(x, w), (x,), (w,)),
    "grad of grad": lambda h: jitad.grad(lambda x, w: jitad.grad(h)(x, w).sum(), argnums=(0, 1)),
    "of checkpoint": lambda h: jitad.grad(jitad.checkpoint(h)),
    "in vmap": lambda h: jitad.grad(
        lambda x, w: jnp.sum(jitad.vmap(h, in_axes=(None, 0))(x, jnp.stack([w, 2 * w])))
    ),
}


@pytest.mark.parametrize("in_axes", [(0, 0), (0, None), (None, 0)], ids=str)
@pytest.mark.parametrize("derive", DERIVATIVES.values(), ids=DERIVATIVES)
def test_vmap_of_derivatives_asks_the_rule(derive: Any, in_axes: Any) -> None:
    f, calls = with_rule()
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 4, 3))
    args = tuple([v if axis == 0 else v[0] for v, axis in zip((x, w), in_axes, strict=True)])
    expected = jitad.vmap(derive(loss_of(body)), in_axes=in_axes)(*args)
    for wrap in (lambda g: g, jitad.jit):
        calls.clear()
        got = wrap(jitad.vmap(derive(loss_of(f)), in_axes=in_axes))(*args)
        assert calls
        for a, b in zip(jitad.tree.leaves(got), jitad.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_rules_of_their_own_results() -> None:
    """A rule that gives ten times as much shows where it is asked."""

    @custom_vmap
    def f(x: Any) -> Any:
        return jnp.sin(x)

    f.def_vmap(lambda n, flags, x: (10.0 * jnp.sin(x), flags[0]))
    x = np.arange(1.0, 4.0)
    s, c = 10.0 * np.sin(x), 10.0 * np.cos(x)
    np.testing.assert_allclose(jitad.vmap(lambda v: jitad.jvp(f, (v,), (1.0,)))(x), [s, c])
    for gradient in (jitad.grad, jitad.jacfwd, jitad.jacrev):
        np.testing.assert_allclose(jitad.vmap(gradient(f))(x), c)
    np.testing.assert_allclose(jitad.vmap(jitad.hessian(f))(x), -s)
    np.testing.assert_allclose(jitad.grad(f)(1.0), np.cos(1.0))
    np.testing.assert_allclose(jitad.grad(lambda x: jnp.sum(jitad.vmap(f)(x)))(x), c)
    twice = jitad.vmap(jitad.vmap(jitad.grad(f)))(np.stack([x, x]))
    np.testing.assert_allclose(twice, 10.0 * np.cos([x, x]))
