"""Random programs of structural ops: native code, its gradient and its batch against the
interpreter, and the gradient against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from jitad_ir import ops
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.native.program import compile_graph
from jitad_ir.op import OPS
from jitad_ir.passes.batch import batch
from jitad_ir.passes.linearize import vjp
from jitad_ir.passes.pipeline import optimize
from jitad_ir.types import parse_type

LARGEST = 400
"""Elements at which values stop growing."""

STEPS: list[Callable[[Steps], Value]] = []


def step(function: Callable[[Steps], Value]) -> Callable[[Steps], Value]:
    STEPS.append(function)
    return function


class Steps:
    """A value that random ops are applied to, and what they choose by."""

    def __init__(self, seed: int, x: Value, index: Value) -> None:
        self.rng = np.random.default_rng(seed)
        self.x, self.index = x, index

    def take(self) -> None:
        self.x = STEPS[self.rng.integers(len(STEPS))](self)

    def pick(self, *choices: int) -> int:
        return choices[self.rng.integers(len(choices))]

    def axis(self) -> int:
        return int(self.rng.integers(self.x.ndim))

    def flag(self) -> bool:
        return bool(self.rng.integers(2))

    def each(self, choose: Callable[[int], int]) -> tuple[int, ...]:
        return tuple(choose(n) for n in self.x.shape)

    def number(self, value: float, shape: tuple[int, ...] = ()) -> Value:
        return ops.full(value=value, shape=shape, dtype=self.x.dtype)

    def start(self, position: int) -> Value:
        one = ops.slice(self.index, start=(position,), limit=(position + 1,), stride=(1,))
        return ops.reshape(one, shape=())


@step
def pad(s: Steps) -> Value:
    if s.x.type.size > LARGEST:
        return s.x
    low = s.each(lambda n: s.pick(-1, 0, 1) if n > 2 else 0)
    high = s.each(lambda n: s.pick(0, 2) if n != 3 else s.pick(-1, 1))
    return ops.pad(s.x, s.number(0.5), low=low, high=high, interior=s.each(lambda n: s.pick(0, 1)))


@step
def cut(s: Steps) -> Value:
    start = s.each(lambda n: s.pick(*range(max(n - 1, 1))))
    return ops.slice(s.x, start=start, limit=s.x.shape, stride=s.each(lambda n: s.pick(1, 2)))


@step
def concatenate(s: Steps) -> Value:
    if s.x.ndim == 0 or s.x.type.size > LARGEST:
        return s.x
    return ops.concatenate(s.x, ops.sin(s.x), axis=s.axis())


@step
def rearrange(s: Steps) -> Value:
    order = tuple(s.rng.permutation(s.x.ndim).tolist())
    turned = ops.transpose(s.x, permutation=order)
    return ops.reverse(turned, axes=(s.axis(),)) if s.x.ndim else turned


@step
def flatten(s: Steps) -> Value:
    return ops.reshape(s.x, shape=(s.x.type.size,))


@step
def repeat(s: Steps) -> Value:
    dims = tuple(range(1, s.x.ndim + 1))
    grown = s.x.type.size > LARGEST
    return s.x if grown else ops.broadcast(s.x, shape=(2, *s.x.shape), dims=dims)


@step
def elementwise(s: Steps) -> Value:
    return ops.mul(s.x, ops.cos(s.x)) if s.flag() else ops.sin(s.x)


@step
def running(s: Steps) -> Value:
    name = ("cumsum", "cumprod", "cummax", "cumlogsumexp")[s.pick(0, 1, 2, 3)]
    return OPS[name](s.x, axis=s.axis(), reverse=s.flag()) if s.x.ndim else s.x


@step
def reduce(s: Steps) -> Value:
    name = ("reduce_sum", "reduce_prod", "reduce_max")[s.pick(0, 1, 2)]
    if s.x.ndim < 2 or 0 in s.x.shape:
        return s.x
    return ops.sin(OPS[name](s.x, axes=(s.axis(),)))


@step
def product(s: Steps) -> Value:
    if s.x.ndim != 2:
        return s.x
    return ops.sin(ops.dot(s.x, ops.cos(s.x), contract=((1,), (1,)), batch=((), ())))


@step
def sort(s: Steps) -> Value:
    if s.x.ndim == 0:
        return s.x
    return ops.sort(s.x, axis=s.axis(), num_keys=1, descending=s.flag())[0]


@step
def gather(s: Steps) -> Value:
    if s.x.ndim == 0 or s.x.shape[0] == 0:
        return s.x
    mode = ("clip", "fill")[s.pick(0, 1)]
    out = ops.gather(s.x, s.index, axes=(0,), sizes=(1,), batch=0, mode=mode, fill=0.25)
    return ops.reshape(out, shape=(3, *s.x.shape[1:]))


@step
def scatter(s: Steps) -> Value:
    if s.x.ndim == 0:
        return s.x
    name = ("scatter", "scatter_add", "scatter_mul", "scatter_max")[s.pick(0, 1, 2, 3)]
    first = ops.full(value=0, shape=(3,), dtype=s.index.dtype)
    if s.x.shape[0] == 0:
        return s.x
    params = {"axes": (0,), "batch": 0, "mode": "drop", "unique": False}
    rows = ops.gather(s.x, first, axes=(0,), sizes=(1,), batch=0, mode="clip", fill=0)
    return OPS[name](s.x, ops.cos(rows), s.index, **params)


@step
def block(s: Steps) -> Value:
    starts = [s.start(axis % 3) for axis in range(s.x.ndim)]
    sizes = s.each(lambda n: max(n - 1, min(n, 1)))
    part = ops.dynamic_slice(s.x, *starts, sizes=sizes)
    return part if s.flag() else ops.dynamic_update_slice(s.x, ops.sin(part), *starts)


def program(seed: int) -> Graph:
    """f64[4,5], i64[3] -> f64[], with 3 to 8 steps between."""
    builder = Builder(f"random{seed}")
    x, index = builder.input(parse_type("f64[4,5]")), builder.input(parse_type("i64[3]"))
    with building(builder):
        steps = Steps(seed, x, index)
        for _ in range(steps.pick(*range(3, 9))):
            steps.take()
        out = ops.reduce_sum(steps.x, axes=tuple(range(steps.x.ndim)))
    return builder.build([out])


def native_agrees(graph: Graph, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """What the interpreter gives; native code of the optimized graph must give the same."""
    expected = evaluate(graph, *arrays)
    for a, b in zip(compile_graph(optimize(graph))(*arrays), expected, strict=True):
        scale = np.max(np.abs(b), initial=1.0)
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11 * scale, err_msg=repr(graph))
    return expected


@pytest.mark.parametrize("seed", range(40))
def test_random_program(seed: int) -> None:
    graph = program(seed)
    rng = np.random.default_rng(1000 + seed)
    x = rng.permutation(20).reshape(4, 5) / 20 + 0.2137  # no ties with padding
    index = rng.integers(-1, 6, 3)
    native_agrees(graph, x, index)

    pullback = vjp(graph, [True, False])
    _, *residuals = native_agrees(pullback.known, x, index)
    if pullback.nonzero[0]:
        (gradient,) = native_agrees(pullback.rest, *residuals, np.ones(()))
        t, h = rng.uniform(-1, 1, x.shape), 1e-6
        ahead, behind = (evaluate(graph, x + s * t, index)[0] for s in (h, -h))
        np.testing.assert_allclose(
            np.sum(gradient * t), (ahead - behind) / (2 * h), rtol=1e-4, atol=1e-5
        )

    batched = batch(graph, 3, [True, True])
    xs, indices = rng.uniform(0.2, 1.2, (3, 4, 5)), rng.integers(-1, 6, (3, 3))
    (outs,) = native_agrees(batched.graph, xs, indices)
    if batched.batched[0]:
        for out, lane, at in zip(outs, xs, indices, strict=True):
            np.testing.assert_allclose(out, evaluate(graph, lane, at)[0], rtol=1e-9, atol=1e-11)
