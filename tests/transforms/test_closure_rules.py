"""custom_gradient and linear_call; pytrees as vectors; scopes; checks of derivatives."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad.custom_derivatives import linear_call
from jitad.flatten_util import ravel_pytree
from jitad.test_util import check_grads, check_jvp, check_vjp

WRAPS = pytest.mark.parametrize("wrap", [lambda f: f, jitad.jit], ids=["eager", "jit"])


@WRAPS
def test_custom_gradient(wrap: Any) -> None:
    @jitad.custom_gradient
    def one(x: Any) -> Any:
        y = jnp.sin(x)
        return y, lambda ct: 10.0 * ct * jnp.cos(x)

    @jitad.custom_gradient
    def two(x: Any, y: Any) -> Any:
        return x * y, lambda ct: (ct, 2.0 * ct)

    assert wrap(one)(3.0) == np.sin(3.0)
    assert np.allclose(wrap(jitad.grad(one))(3.0), 10.0 * np.cos(3.0))
    assert np.allclose(wrap(jitad.grad(jitad.grad(one)))(3.0), -10.0 * np.sin(3.0))
    assert np.allclose(
        wrap(jitad.vmap(jitad.grad(one)))(np.arange(3.0)), 10.0 * np.cos(np.arange(3.0))
    )
    assert wrap(jitad.grad(two, argnums=(0, 1)))(3.0, 4.0) == (1.0, 2.0)


def divided(x: Any, s: Any) -> Any:
    return linear_call(lambda s, y: y / s, lambda s, ct: ct / s + 0.0, s, x)


@WRAPS
def test_linear_call(wrap: Any) -> None:
    assert wrap(divided)(1.0, 4.0) == 0.25
    assert wrap(jitad.grad(divided, argnums=(0, 1)))(1.0, 4.0) == (0.25, -0.0625)
    assert wrap(lambda x: jitad.jvp(divided, (x, 4.0), (1.0, 1.0)))(1.0) == (0.25, 0.1875)
    lanes = wrap(jitad.vmap(jitad.grad(divided), in_axes=(0, None)))(np.arange(2.0), 4.0)
    assert np.array_equal(lanes, [0.25, 0.25])
    # The transpose that was given is the one that runs, and its transpose is the function.
    wrong = partial(linear_call, lambda s, y: y * s, lambda s, ct: 100.0 * ct, 2.0)
    assert wrap(jitad.grad(wrong))(1.0) == 100.0
    twice = jitad.linear_transpose(lambda ct: jitad.linear_transpose(wrong, 1.0)(ct)[0], 1.0)
    assert twice(3.0) == (6.0,)
    with pytest.raises(TypeError, match="linear_call: result of"):
        jitad.grad(lambda x: linear_call(lambda s, y: y, lambda s, ct: (ct, ct), 1.0, x))(1.0)


def test_ravel_pytree() -> None:
    tree = {"a": np.arange(4.0).reshape(2, 2), "b": 5, "c": np.float32(1.5), "d": (True, 2j)}
    vector, unravel = ravel_pytree(tree)
    assert vector.dtype == np.complex128 and vector.shape == (8,)
    back = unravel(vector)
    assert np.array_equal(back["a"], tree["a"]) and back["a"].dtype == np.float64
    assert back["b"] == 5 and back["b"].dtype == np.int64
    assert back["c"].dtype == np.float32 and back["d"][0].dtype == np.bool_
    assert ravel_pytree(())[0].shape == (0,) and ravel_pytree(())[1](np.zeros(0)) == ()
    vector, unravel = jitad.jit(ravel_pytree)((1.0, np.ones(2)))
    assert np.array_equal(unravel(vector)[1], np.ones(2))
    slopes = jitad.grad(lambda v: jnp.sum(unravel(v)[1] ** 2))(vector)
    assert np.array_equal(slopes, [0.0, 2.0, 2.0])
    with pytest.raises(ValueError, match="length 3"):
        unravel(np.ones(4))
    with pytest.raises(TypeError, match="dtype float64"):
        unravel(np.ones(3, int))
    narrow, unravel = ravel_pytree((np.float32(1.0), np.ones(2, np.float32)))
    assert narrow.dtype == np.float32 and unravel(np.ones(3))[1].dtype == np.float32


def test_scopes_and_types() -> None:
    @jitad.named_scope("network")
    def f(x: Any) -> Any:
        with jitad.named_scope("layer"):
            y = jnp.sin(x)
        return y * 2.0

    sources = [eq.source.function for eq in jitad.make_ir(f)(1.0).equations]
    assert sources[0] == "network/layer/f" and sources[-1] == "network/f"
    named = jitad.named_call(lambda x: jnp.cos(x), name="g")
    assert jitad.make_ir(named)(1.0).equations[0].source.function.startswith("g/")
    assert repr(jitad.typeof(np.ones((2, 3), np.float32))) == "f32[2,3]"
    assert jitad.jit(lambda x: jitad.typeof(x).shape[0] * x)(np.ones(2)).sum() == 4.0
    with pytest.raises(TypeError, match="expected a str"):
        jitad.named_scope(jnp.sin)


@jitad.custom_vjp
def wrong(x: Any) -> Any:
    return x * x


wrong.defvjp(lambda x: (x * x, x), lambda x, ct: (3.0 * x * ct,))


def test_check_grads() -> None:
    def f(x: Any, y: Any) -> Any:
        return {"a": jnp.sin(x) * y["b"]}

    check_grads(f, (np.linspace(0.0, 1.0, 4), {"b": 2.0}), 2, modes=("fwd", "rev", "lin"))
    check_grads(lambda z: jnp.exp(z) * z, (np.array([1 + 2j, 0.3]),), 2)
    check_grads(jnp.tanh, (np.ones(3, np.float32),), 1)
    check_jvp(jnp.sin, partial(jitad.jvp, jnp.sin), (0.3,), atol={np.float64: 1e-7})
    for mode, told in (("rev", "VJP cotangent projection"), ("fwd", "JVP tangent")):
        with pytest.raises(AssertionError, match=told):
            check_grads(wrong, (2.0,), 1, modes=(mode,))
    with pytest.raises(AssertionError, match="primal"):
        check_vjp(jnp.sin, partial(jitad.vjp, jnp.cos), (0.3,))
    with pytest.raises(AssertionError):
        check_grads(jnp.sin, (0.3,), 1, atol=1e-14, rtol=1e-14)
    with pytest.raises(ValueError, match="modes"):
        check_grads(jnp.sin, (0.3,), 1, modes=("up",))
