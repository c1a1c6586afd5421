"""Random nestings of loops, branches and transformations print the same lines evaluated, compiled,
differentiated and batched."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import debug, lax

Function = Callable[[Any], Any]


def shown(x: Any, tag: str) -> Any:
    debug.print(tag + " {:.6g}", x)
    return x


def noted(x: Any, tag: str) -> Any:
    jitad.io_callback(lambda a: print(tag, f"{float(a):.6g}"), None, lax.stop_gradient(x))
    return x


def pure(x: Any) -> Any:
    fixed = lax.stop_gradient(x)
    return x + 0.0 * jitad.pure_callback(np.sin, fixed, fixed, vmap_method="sequential")


def nested_scan(g: Function, x: Any) -> Any:
    def row(c: Any, r: Any) -> Any:
        return lax.scan(lambda d, s: (g(0.9 * d + 0.1 * s * r), None), c, jnp.arange(2.0))

    return lax.scan(row, x, jnp.arange(2.0))[0]


def counted(g: Function, x: Any, n: int) -> Any:
    return lax.while_loop(lambda c: c[1] < n, lambda c: (g(c[0]), c[1] + 1), (x, 0))[0]


LEAVES: list[Callable[[str], Function]] = [
    lambda tag: lambda x: shown(x, tag),
    lambda tag: lambda x: (debug.print(tag), x)[1],
    lambda tag: lambda x: noted(x, tag),
    lambda tag: pure,
    lambda tag: jnp.sin,
    lambda tag: lambda x: 0.3 * x * x + 0.1,
]
NODES: list[Callable[[Function, Function, int], Function]] = [
    lambda g, h, n: lambda x: lax.scan(lambda c, r: (g(c) + 0.1 * r, None), x, jnp.arange(2.0))[0],
    lambda g, h, n: lambda x: jnp.sum(lax.scan(lambda c, r: (c, g(c + r)), x, jnp.arange(2.0))[1]),
    lambda g, h, n: lambda x: nested_scan(g, x),
    lambda g, h, n: lambda x: counted(g, x, n),
    lambda g, h, n: lambda x: lax.cond(x > 0.3, g, h, x),
    lambda g, h, n: jitad.checkpoint(g),
    lambda g, h, n: jitad.jit(g),
    lambda g, h, n: lambda x: jnp.sum(jitad.vmap(g)(jnp.stack([x, x + 0.5]))),
]


def drawn(rng: random.Random, depth: int) -> Function:
    """A random function of a number."""
    parts: list[Function] = []
    for _ in range(rng.randint(1, 3)):
        if depth and rng.random() < 0.6:
            inner = drawn(rng, depth - 1), drawn(rng, depth - 1)
            parts.append(rng.choice(NODES)(*inner, rng.randint(0, 3)))
        else:
            parts.append(rng.choice(LEAVES)(f"p{rng.randint(0, 999)}"))

    def f(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x

    return f


@pytest.mark.parametrize("seed", range(10))
def test_same_lines(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(seed)
    f, x = drawn(rng, 3), rng.uniform(-0.5, 1.0)

    def run(program: Function) -> tuple[Any, str]:
        capsys.readouterr()
        value = program(x)
        return value, capsys.readouterr().out

    value, lines = run(f)
    with_value = {
        "jit": jitad.jit(f),
        "value_and_grad": lambda x: jitad.value_and_grad(f)(x)[0],
        "jit of value_and_grad": jitad.jit(lambda x: jitad.value_and_grad(f)(x)[0]),
        "jit of jvp": jitad.jit(lambda x: jitad.jvp(f, (x,), (1.0,))[0]),
        "jit of vmap": jitad.jit(lambda x: jitad.vmap(f)(jnp.stack([x]))[0]),
    }
    for name, program in with_value.items():
        found, printed = run(program)
        assert printed == lines, name
        assert np.allclose(found, value, rtol=1e-6, equal_nan=True), name
    slopes = [run(jitad.grad(f)), run(jitad.jit(jitad.grad(f))), run(jitad.jit(jitad.hessian(f)))]
    assert [printed for _, printed in slopes] == [lines] * 3
    assert np.allclose(slopes[0][0], slopes[1][0], rtol=1e-6, equal_nan=True)
