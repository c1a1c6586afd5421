"""A Python number stays one through every construct: float32 times (i + 1) is float32.

Each way in which a loop, a branch or a transformation hands a number on (OUTER), around each way in
which a body may use it (INNER).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax

X = np.float32(2)
XS = np.ones(3, np.float32)


def scaled(z: Any, k: Any) -> Any:
    return z * (k + 1)


with_jvp = jitad.custom_jvp(scaled)
with_jvp.defjvp(lambda primals, tangents: (scaled(*primals), scaled(tangents[0], primals[1])))
with_vjp = jitad.custom_vjp(scaled)
with_vjp.defvjp(lambda z, k: (scaled(z, k), k), lambda k, ct: (scaled(ct, k), None))

INNER: dict[str, Callable[[Any, Any], Any]] = {
    "arithmetic": lambda y, i: (-abs(i) // 2 + 2**i - i % 2) * y ** (1 + i),
    "jit": lambda y, i: jitad.jit(scaled)(y, i),
    "checkpoint": lambda y, i: jitad.checkpoint(scaled)(y, i),
    "vmap": lambda y, i: jitad.vmap(scaled, (0, None))(jnp.stack([y, y]), i)[0],
    "vmap of a closure": lambda y, i: jitad.vmap(lambda z: scaled(z, i))(jnp.stack([y, y]))[0],
    "grad": lambda y, i: jitad.grad(scaled)(y, i),
    "jvp": lambda y, i: jitad.jvp(lambda z: scaled(z, i), (y,), (y,))[1],
    "vjp": lambda y, i: jitad.vjp(lambda z: scaled(z, i), y)[1](y)[0],
    "cond": lambda y, i: lax.cond(y > 0, scaled, lambda z, k: z * k, y, i),
    "cond of a closure": lambda y, i: lax.cond(y > 0, lambda z: scaled(z, i), lambda z: z, y),
    "switch": lambda y, i: lax.switch(i, [scaled, scaled], y, i),
    "scan": lambda y, i: lax.scan(lambda c, _: ((scaled(*c), c[1]), None), (y, i), None, 2)[0][0],
    "scan of a closure": lambda y, i: lax.scan(lambda c, _: (scaled(c, i), None), y, None, 2)[0],
    "checkpointed scan": lambda y, i: lax.scan(
        lambda c, _: (scaled(c, i), None), y, None, 4, checkpoint=2
    )[0],
    "while_loop": lambda y, i: lax.while_loop(
        lambda c: c[1] < 2, lambda c: (scaled(*c), c[1] + 1), (y, i)
    )[0],
    "fori_loop": lambda y, i: lax.fori_loop(0, 2, lambda j, z: scaled(z, i + j), y),
    "fori_loop from it": lambda y, i: lax.fori_loop(i, i + 2, lambda j, z: scaled(z, j), y),
    "fori_loop to it": lambda y, i: lax.fori_loop(0, i, lambda j, z: scaled(z, j), y),
    "map": lambda y, i: lax.map(lambda z: scaled(z, i), jnp.stack([y, y]))[0],
    "custom_jvp": with_jvp,
    "custom_vjp": with_vjp,
    "gradient of custom_vjp": lambda y, i: jitad.grad(lambda z: with_vjp(z, i))(y),
}

OUTER: dict[str, Callable[[Callable[[Any, Any], Any]], Any]] = {
    "jit": lambda g: jitad.jit(g)(X, 2),
    "fori_loop": lambda g: lax.fori_loop(0, 2, lambda i, y: g(y, i), X),
    "fori_loop to an argument": lambda g: jitad.jit(
        lambda n: lax.fori_loop(0, n, lambda i, y: g(y, i), X)
    )(2),
    "scan": lambda g: lax.scan(lambda c, r: ((c[0] + 1, g(c[1], c[0])), r), (0, X), XS)[0][1],
    "while_loop": lambda g: lax.while_loop(
        lambda c: c[0] < 2, lambda c: (c[0] + 1, g(c[1], c[0])), (0, X)
    )[1],
    "cond": lambda g: jitad.jit(lambda p: lax.cond(p, g, lambda y, i: y, X, 2))(True),
    "vmap": lambda g: jitad.vmap(g, (0, None))(XS, 2),
    "grad": lambda g: jitad.grad(g)(X, 2),
    "vmap of a loop": lambda g: jitad.jit(
        jitad.vmap(lambda r: lax.fori_loop(0, 2, lambda i, y: g(y, i), r))
    )(XS),
    "gradient of a loop": lambda g: jitad.jit(
        jitad.grad(lambda r: lax.fori_loop(0, 2, lambda i, y: g(y, i), r))
    )(X),
}


@pytest.mark.parametrize("outer", OUTER)
def test_numbers_stay_weak(outer: str) -> None:
    for name, inner in INNER.items():
        assert np.asarray(OUTER[outer](inner)).dtype == np.float32, name


def test_bounds_of_a_dtype_decide() -> None:
    """A bound that is an array makes the counter one."""
    run = jitad.jit(lambda n: lax.fori_loop(0, n, scaled_by, X.astype("f8")))
    assert run(np.int32(3)) == 12.0
    with pytest.raises(TypeError, match=r"expected f32\[\]; got f64\[\]"):
        jitad.jit(lambda n: lax.fori_loop(0, n, scaled_by, X))(np.int64(3))


def scaled_by(i: Any, y: Any) -> Any:
    return scaled(y, i)


def test_loops_counted_by_floats() -> None:
    assert lax.fori_loop(0.5, 3.0, lambda i, total: total + i, 0.0) == 0.5 + 1.5 + 2.5
    counted = jitad.jit(lambda a, b: lax.fori_loop(a, b, lambda i, total: total + i, 0.0))
    assert counted(0.5, 3.0) == 4.5 and counted(3.0, 0.5) == 0.0
    # Two rounds, x^3
    cube = jitad.grad(lambda x: lax.fori_loop(x, x + 2.0, lambda i, y: y * x, x))
    assert cube(1.5) == 3 * 1.5**2
