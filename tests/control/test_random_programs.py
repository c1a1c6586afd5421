"""Random programs of loops in branches in loops agree with themselves run by Python."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax

from .laws import obeys
from .test_branches import cond_twin, switch_twin
from .test_scan import scan_twin
from .test_while_loop import fori_twin, while_twin

X = np.array([0.7, -0.4, 0.2])
W = np.array([0.3, 0.9, -0.5])
MATRIX = np.array([[0.2, -0.5, 0.1], [0.4, 0.3, -0.2], [-0.1, 0.6, 0.5]])


class Control(NamedTuple):
    """The constructs under test, or their twins."""

    scan: Any
    while_loop: Any
    fori_loop: Any
    cond: Any
    switch: Any
    checkpoint: Any


REAL = Control(lax.scan, lax.while_loop, lax.fori_loop, lax.cond, lax.switch, jitad.checkpoint)
TWIN = Control(scan_twin, while_twin, fori_twin, cond_twin, switch_twin, lambda f: f)


class State(NamedTuple):
    """What a program works on: a vector, a scalar and an integer from 0 to 6."""

    v: Any
    s: Any
    i: Any


SIMPLE = [
    lambda m, a, w: a._replace(v=jnp.sin(a.v) + a.s * w),
    lambda m, a, w: a._replace(v=a.v * a.v * 0.3 - jnp.roll(a.v, 1)),
    lambda m, a, w: a._replace(v=jnp.where(a.v > a.s, a.v * 0.5, jnp.tanh(a.v) + w)),
    lambda m, a, w: a._replace(v=jnp.asarray(a.v).at[a.i % 3].add(jnp.cos(a.s))),
    lambda m, a, w: a._replace(v=jnp.asarray(a.v).at[(a.i + 1) % 3].set(a.s * 0.7)),
    lambda m, a, w: a._replace(v=MATRIX @ a.v),
    lambda m, a, w: a._replace(s=jnp.sum(a.v) * 0.2),
    lambda m, a, w: a._replace(s=jnp.cos(a.s) + jnp.take(a.v, a.i % 3)),
    lambda m, a, w: a._replace(s=jnp.max(a.v * w)),
    lambda m, a, w: a._replace(i=(a.i * 3 + 1) % 7),
    lambda m, a, w: a._replace(i=(a.i + jnp.where(a.s > 0, 1, 2)) % 7),
]


class Block:
    """A random program: simple statements, and constructs that hold blocks."""

    def __init__(self, rng: np.random.Generator, depth: int) -> None:
        self.statements: list[Any] = []
        for _ in range(rng.integers(2, 4)):
            if depth and rng.random() < 0.55:
                self.statements.append(self.construct(rng, depth - 1))
            else:
                self.statements.append(SIMPLE[rng.integers(len(SIMPLE))])

    def __call__(self, m: Control, a: State, w: Any) -> State:
        for statement in self.statements:
            a = statement(m, a, w)
        return a

    @staticmethod
    def construct(rng: np.random.Generator, depth: int) -> Any:
        first, second, third = [Block(rng, depth) for _ in range(3)]
        reverse, steps = bool(rng.random() < 0.5), int(rng.integers(0, 4))

        def scan(m: Control, a: State, w: Any) -> State:
            rows = jnp.stack([w, a.v, w * a.v])

            def step(c: State, r: Any) -> Any:
                c = first(m, c._replace(s=c.s + r[0]), w)
                return c, (c.v * r, c.i)

            a, (ys, _) = m.scan(step, a, rows, reverse=reverse)
            return a._replace(v=a.v * 0.5 + ys.sum(0) * 0.1)

        def counted(m: Control, a: State, w: Any) -> State:
            return m.fori_loop(0, steps, lambda i, c: first(m, c._replace(s=c.s * 0.5 + i), w), a)

        def bounded(m: Control, a: State, w: Any) -> State:
            return m.fori_loop(0, a.i % 3 + 1, lambda i, c: first(m, c, w), a)

        def loop(m: Control, a: State, w: Any) -> State:
            def body(c: Any) -> Any:
                return first(m, c[0], w), c[1] + 1

            return m.while_loop(lambda c: c[1] < 1 + c[0].i % 4, body, (a, jnp.asarray(0)))[0]

        def cond(m: Control, a: State, w: Any) -> State:
            return m.cond(a.s > 0.1, lambda a: first(m, a, w), lambda a: second(m, a, w), a)

        def switch(m: Control, a: State, w: Any) -> State:
            return m.switch(a.i - 2, [lambda a, b=b: b(m, a, w) for b in (first, second, third)], a)

        def checkpoint(m: Control, a: State, w: Any) -> State:
            return m.checkpoint(lambda a: first(m, a, w))(a)

        return [scan, counted, bounded, loop, cond, switch, checkpoint][rng.integers(7)]


SEEDS = [*range(3), *[pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 40)]]


@pytest.mark.parametrize("seed", SEEDS)
def test_random_program(seed: int) -> None:
    block = Block(np.random.default_rng(seed), 2)

    def program(m: Control) -> Any:
        def run(x: Any, w: Any) -> Any:
            start = State(jnp.asarray(x), jnp.sum(x * w), jnp.asarray(2))
            return block(m, start, w)

        return run

    obeys(program(REAL), program(TWIN), X, W)
