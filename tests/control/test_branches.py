"""cond and switch agree with Python's `if`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad.tree_util import tree_map

from .laws import obeys

X = np.array([0.7, -1.3, 0.4])
W = np.array([1.2, 0.3, -0.9])


def cond_twin(pred: Any, true: Any, false: Any, *operands: Any) -> Any:
    return true(*operands) if pred else false(*operands)


def switch_twin(index: Any, branches: Any, *operands: Any) -> Any:
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


class Branches:
    """The real branches, or their twins."""

    def __init__(self, cond: Any, switch: Any) -> None:
        self.cond = cond
        self.switch = switch


REAL = Branches(lax.cond, lax.switch)
TWIN = Branches(cond_twin, switch_twin)


def cheap(m: Branches) -> Any:
    return lambda x, w: m.cond(x[0] * w[0] > 0.8, lambda a, b: a * b, lambda a, b: a - b, x, w)


def guarded(m: Branches) -> Any:
    """A branch that would give nan where it is not taken."""
    return lambda x, w: m.cond(
        x[1] > 0, lambda: jnp.sqrt(x[1]) * w, lambda: w * jnp.sqrt(-x[1]) * 2.0
    )


def dear(m: Branches) -> Any:
    """A branch that holds a loop."""

    def loop(x: Any) -> Any:
        return lax.scan(lambda c, r: (jnp.sin(c) + r * c, c * r), x, W)[0]

    return lambda x, w: m.cond(x.sum() > -0.25, loop, lambda x: x * w, x)


def pytrees(m: Branches) -> Any:
    return lambda x, w: m.cond(
        w[2] < 0,
        lambda d: {"a": d["x"] * 2.0, "n": d["n"] + 1, "s": d["x"].astype(np.float32)},
        lambda d: {"a": jnp.sin(d["x"]), "n": d["n"], "s": jnp.zeros(3, np.float32)},
        {"x": x * w, "n": np.int64(3)},
    )


def constants(m: Branches) -> Any:
    """One branch gives a number, which takes on the other's dtype."""
    return lambda x, w: m.cond(x[0] > 0, lambda: 1.5, lambda: x[0] * w[0]) * x


def three(m: Branches) -> Any:
    branches = [lambda a: a * 2.0, jnp.sin, lambda a: jnp.exp(a) * W]
    return lambda x, w: m.switch(jnp.argmax(x * w), branches, x) + w


def nested(m: Branches) -> Any:
    def inner(x: Any) -> Any:
        return m.cond(x[0] > 0.2, lambda: x * x, lambda: jnp.cos(x))

    return lambda x, w: m.cond(w[0] > 1.25, inner, lambda x: inner(x * w) + w, x)


def closed_over(m: Branches) -> Any:
    """Tracers, an array and a number closed over by both branches; an index is an operand."""
    table = np.linspace(-1.0, 1.0, 40)

    def run(x: Any, w: Any) -> Any:
        scale = jnp.exp(x[0])
        return m.cond(
            w[0] > 1.25,
            lambda i: scale * w + jnp.take(table, i) * 2.5,
            lambda i: jnp.sin(w) * jnp.asarray(x)[i] + table.sum(),
            jnp.argmax(x),
        )

    return run


def empty(m: Branches) -> Any:
    """Arrays without elements, and no results at all."""

    def run(x: Any, w: Any) -> Any:
        assert m.switch(1, [lambda: (), lambda: ()]) == ()
        nothing = m.cond(w[0] > 1.25, lambda a: a * 2.0, jnp.sin, jnp.asarray(x)[:0])
        return m.cond(x[0] > 0, lambda: (nothing, w * x), lambda: (nothing + 1.0, x - w))

    return run


PROGRAMS = [cheap, guarded, dear, pytrees, constants, three, nested, closed_over, empty]


@pytest.mark.parametrize("branch", PROGRAMS, ids=lambda branch: branch.__name__)
def test_branch_agrees_with_python(branch: Callable[..., Any]) -> None:
    real, twin = branch(REAL), branch(TWIN)
    obeys(
        lambda x, w: tree_map(jnp.asarray, real(x, w)),
        lambda x, w: tree_map(jnp.asarray, twin(x, w)),
        X,
        W,
    )


@pytest.mark.parametrize("wrap", [lambda f: f, jitad.jit], ids=["eager", "jit"])
def test_lane_does_not_run_the_branch_it_did_not_choose(wrap: Any) -> None:
    """The other branch would not end."""

    def forever_if_negative(x: Any) -> Any:
        return lax.cond(
            x > 0,
            lambda x: lax.while_loop(lambda c: c < 10.0, lambda c: c + x, x),
            lambda x: x,
            x,
        )

    xs = np.array([1.5, -2.0, 0.0, 4.0])
    np.testing.assert_allclose(wrap(jitad.vmap(forever_if_negative))(xs), [10.5, -2.0, 0.0, 12.0])
    np.testing.assert_allclose(
        wrap(jitad.vmap(jitad.grad(forever_if_negative)))(xs), [7.0, 1.0, 1.0, 3.0]
    )


def test_index_is_clamped() -> None:
    branches = [lambda: 1.0, lambda: 2.0, lambda: 3.0]
    for index, expected in ((-5, 1.0), (1, 2.0), (99, 3.0)):
        assert lax.switch(index, branches) == expected
        assert jitad.jit(lambda i: lax.switch(i, branches))(index) == expected
    assert lax.switch(np.uint64(2**64 - 1), branches) == 3.0


def test_numbers_are_predicates() -> None:
    """A number holds if it is not zero, as in JAX."""
    for pred, expected in ((2, 1.0), (0, 0.0), (0.5, 1.0), (0.0, 0.0), (True, 1.0)):
        assert lax.cond(pred, lambda: 1.0, lambda: 0.0) == expected
        assert jitad.jit(lambda p: lax.cond(p, lambda: 1.0, lambda: 0.0))(pred) == expected


def test_cond_with_an_operand_for_each_branch() -> None:
    """The order of arguments of JAX's first years."""

    def f(pred: Any, x: Any, y: Any) -> Any:
        return lax.cond(pred, (x, y), lambda pair: pair[0] * pair[1], y, jnp.sin)

    for wrap in (lambda f: f, jitad.jit):
        assert wrap(f)(True, 2.0, 3.0) == 6.0
        np.testing.assert_allclose(wrap(f)(False, 2.0, 3.0), np.sin(3.0))
        assert wrap(jitad.grad(f, 2))(True, 2.0, 3.0) == 2.0
    got = jitad.vmap(f)(np.array([True, False]), np.ones(2), np.full(2, 3.0))
    np.testing.assert_allclose(got, [3.0, np.sin(3.0)])
