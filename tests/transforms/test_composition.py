"""Every nesting of the transformations to depth three agrees with differences in 80 digits.

Each transformation here takes a function of a 3-vector to a function of a 3-vector, so that any of
them can follow any other. It has a twin that says what it means, over the reference namespace.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax

from .reference import DIGITS, Reference, directional, exact, transposed

Function = Callable[[Any], Any]

X = np.array([0.7, -1.3, 0.4])
V = np.array([0.3, 1.1, -0.6])
W = np.array([1.7, 0.2, -0.9])


def awkward(m: Any) -> Function:
    """Branches, repeated indices, reductions, broadcasting, a constant and a value used thrice."""

    def f(x: Any) -> Any:
        y = m.sin(x) * x + m.exp(-x * x)
        z = m.where(x > 0.0, m.sqrt(m.where(x > 0.0, x, 1.0) + 1.0), y * y)
        t = m.take(z, np.array([2, 0, 2])) * m.sum(y * z)
        return m.tanh(t) + y / (2.0 + z * z) + m.sum(x) * 0.25

    return f


class Transform(NamedTuple):
    name: str
    apply: Callable[[Function], Function]
    meaning: Callable[[Function], Function]


def _custom_jvp(f: Function) -> Function:
    @jitad.custom_jvp
    def g(x: Any) -> Any:
        return f(x)

    @g.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        return jitad.jvp(f, primals, tangents)

    return g


def _custom_vjp(f: Function) -> Function:
    @jitad.custom_vjp
    def g(x: Any) -> Any:
        return f(x)

    g.defvjp(lambda x: (f(x), x), lambda x, ct: jitad.vjp(f, x)[1](ct))
    return g


def _rows(f: Function) -> Function:
    return lambda x: jitad.vmap(f)(jnp.stack([x, x * 0.5])).sum(0)


def _scan(f: Function) -> Function:
    return lambda x: lax.scan(lambda c, _: (f(c) * 0.5, None), x, None, 2)[0]


def _while_loop(f: Function) -> Function:
    def run(x: Any) -> Any:
        return lax.while_loop(lambda c: c[1] < 2, lambda c: (f(c[0]) * 0.5, c[1] + 1), (x, 0))[0]

    return run


def _cond(f: Function) -> Function:
    return lambda x: lax.cond(x[0] > x[1], f, lambda x: x * x, x)


def _twice(f: Function) -> Function:
    half = mpmath.mpf("0.5")
    return lambda x: f(f(x) * half) * half


TRANSFORMS = (
    Transform("jit", jitad.jit, lambda f: f),
    Transform("vmap", _rows, lambda f: lambda x: f(x) + f(x * mpmath.mpf("0.5"))),
    Transform(
        "jvp",
        lambda f: lambda x: jitad.jvp(f, (x,), (V,))[1],
        lambda f: lambda x: directional(f, x, exact(V)),
    ),
    Transform(
        "vjp",
        lambda f: lambda x: jitad.vjp(f, x)[1](V)[0],
        lambda f: lambda x: transposed(f, x, exact(V)),
    ),
    Transform(
        "grad",
        lambda f: jitad.grad(lambda x: jnp.sum(f(x) * W)),
        lambda f: lambda x: transposed(f, x, exact(W)),
    ),
    Transform(
        "linearize",
        lambda f: lambda x: jitad.linearize(f, x)[1](V),
        lambda f: lambda x: directional(f, x, exact(V)),
    ),
    Transform(
        "jacfwd",
        lambda f: lambda x: jnp.sum(jitad.jacfwd(f)(x) * V, axis=1),
        lambda f: lambda x: directional(f, x, exact(V)),
    ),
    Transform(
        "jacrev",
        lambda f: lambda x: jnp.sum(jitad.jacrev(f)(x) * V, axis=1),
        lambda f: lambda x: directional(f, x, exact(V)),
    ),
    Transform("checkpoint", jitad.checkpoint, lambda f: f),
    Transform("custom_jvp", _custom_jvp, lambda f: f),
    Transform("custom_vjp", _custom_vjp, lambda f: f),
    Transform("scan", _scan, _twice),
    Transform("while_loop", _while_loop, _twice),
    Transform("cond", _cond, lambda f: lambda x: f(x) if x[0] > x[1] else x * x),
)

PAIRS = [*itertools.product(TRANSFORMS, repeat=1), *itertools.product(TRANSFORMS, repeat=2)]
_MEANINGS: dict[tuple[str, ...], Any] = {}
_SAME = {
    **dict.fromkeys(["jit", "checkpoint", "custom_jvp", "custom_vjp"], "identity"),
    **dict.fromkeys(["while_loop"], "scan"),
    **dict.fromkeys(["linearize", "jacfwd", "jacrev"], "jvp"),
}


def _expected(nest: tuple[Transform, ...]) -> Any:
    """What the nest means at X; nests with the same meaning share the work."""
    key = tuple([_SAME.get(t.name, t.name) for t in nest if _SAME.get(t.name) != "identity"])
    if key not in _MEANINGS:
        f = awkward(Reference())
        for transform in nest:
            f = transform.meaning(f)
        with mpmath.workdps(DIGITS):
            _MEANINGS[key] = f(exact(X)).astype(float)
    return _MEANINGS[key]


def _check(nest: tuple[Transform, ...]) -> None:
    f = awkward(jnp)
    for transform in nest:
        f = transform.apply(f)
    np.testing.assert_allclose(f(X), _expected(nest), rtol=1e-9, atol=1e-9)


def _name(nest: tuple[Transform, ...]) -> str:
    """Innermost last, as one reads it: jit(grad(f))."""
    return "(".join([t.name for t in reversed(nest)])


@pytest.mark.parametrize("nest", PAIRS, ids=map(_name, PAIRS))
def test_nests_to_depth_two(nest: tuple[Transform, ...]) -> None:
    _check(nest)


@pytest.mark.parametrize("outer", TRANSFORMS, ids=lambda t: t.name)
@pytest.mark.parametrize("middle", TRANSFORMS, ids=lambda t: t.name)
def test_nests_of_depth_three(outer: Transform, middle: Transform) -> None:
    for inner in TRANSFORMS:
        _check((inner, middle, outer))
