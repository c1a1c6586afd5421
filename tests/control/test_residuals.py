"""What reverse mode keeps of a loop, and loops that keep a carry now and then."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.ops import add, dot, exp, full, mul, reduce_sum, sin
from jitad_ir.passes.pipeline import optimize
from jitad_ir.passes.remat import recompute
from jitad_ir.passes.split import Split, split
from jitad_ir.types import parse_type

from .laws import obeys
from .test_scan import scan_twin

X = np.array([0.7, -1.3, 0.4])


def lorenz(state: Any) -> Any:
    x, y, z = state
    return jnp.stack([10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z])


def rk4(f: Callable[[Any], Any], u: Any, dt: float) -> Any:
    k1 = f(u)
    k2 = f(u + dt / 2 * k1)
    k3 = f(u + dt / 2 * k2)
    k4 = f(u + dt * k3)
    return u + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def stacked(graph: Graph, name: str = "scan") -> list[tuple[int, ...]]:
    """Shapes of what the first loop of a program stacks."""
    loop = next(eq for eq in graph.equations if eq.op.name == name)
    return [v.shape for v in loop.outputs[loop.params["carries"] :]]


def gradient_program(loss: Callable[..., Any], *args: Any) -> Graph:
    return optimize(jitad.jit(jitad.grad(loss)).trace(*args))


def test_lorenz_keeps_the_state_alone() -> None:
    """Three numbers a step; the stages of Runge and Kutta are computed again."""

    def loss(u: Any) -> Any:
        return lax.scan(lambda u, _: (rk4(lorenz, u, 1e-3), None), u, None, 50)[0].sum()

    assert stacked(gradient_program(loss, X)) == [(50, 3)]


def test_sine_is_kept() -> None:
    """The cosine is dear: it is kept, and the carry is not."""

    def loss(u: Any) -> Any:
        return lax.scan(lambda u, _: (jnp.sin(u) * 2.0, None), u, None, 50)[0].sum()

    assert stacked(gradient_program(loss, X)) == [(50, 3)]
    assert "cos" in str(gradient_program(loss, X).equations[0])


def test_rows_and_constants_are_not_kept() -> None:
    """They are there anyway, whatever is made of them."""
    rows = np.linspace(0.0, 1.0, 150).reshape(50, 3)

    def loss(u: Any, w: Any) -> Any:
        def step(c: Any, r: Any) -> Any:
            return c * (r * 2.0 + jnp.exp(w)), None

        return lax.scan(step, u, rows)[0].sum()

    assert stacked(gradient_program(loss, X, X)) == []


def test_mask_is_kept_rather_than_what_it_is_made_of() -> None:
    def loss(u: Any) -> Any:
        big = jnp.tile(u, 100)
        step = lambda c, _: (jnp.where(c > 0.5, c * 0.5, c * 3.0), None)  # noqa: E731
        return lax.scan(step, big, None, 50)[0].sum()

    loop = gradient_program(loss, X).equations
    kept = [v.type for eq in loop if eq.op.name == "scan" for v in eq.outputs[1:]]
    assert [t.dtype.name for t in kept] == ["bool"]


def example() -> tuple[Split, list[Value]]:
    """x -> products with what is made of sin(x) and of a sum; 100 elements."""
    builder = Builder("f")
    x, w, t = [builder.input(parse_type("f64[100]")) for _ in range(3)]
    with building(builder):
        dear = sin(x)
        a = mul(add(dear, w), w)
        b = mul(a, a)
        total = reduce_sum(b, axes=(0,))
        scaled = mul(total, 2.0)
        out = add(mul(mul(a, b), t), mul(t, exp(w)))
        number = mul(reduce_sum(t, axes=(0,)), scaled)
    parts = split(builder.build([out, number]), [True, True, False])
    return parts, list(parts.known.inputs)


def test_minimum_cut() -> None:
    """Of a, b, the sum and exp(w), it keeps sin(x) (or what is as small), exp(w) and the sum."""
    parts, (_, w) = example()
    smaller = recompute(parts, {w})
    names = {v: eq.op.name for eq in parts.known.equations for v in eq.outputs}
    sizes = [v.type.size for v in smaller.known.outputs if v is not w]
    assert sorted(sizes) == [1, 100, 100]
    assert "exp" in [names.get(v) for v in smaller.known.outputs]
    rng = np.random.default_rng(0)
    x, ws, t = rng.uniform(-1, 1, (3, 100))
    for divided in (parts, smaller):
        residuals = evaluate(divided.known, x, ws)
        results = evaluate(divided.rest, *residuals, t)
        expected = evaluate(parts.rest, *evaluate(parts.known, x, ws), t)
        for got, want in zip(results, expected, strict=True):
            np.testing.assert_array_equal(got, want)


def test_products_are_not_run_again() -> None:
    builder = Builder("f")
    x, t = [builder.input(parse_type("f64[20,20]")) for _ in range(2)]
    with building(builder):
        product = dot(x, x, contract=((1,), (0,)), batch=((), ()))
        two = full(value=2.0, shape=(20, 20), dtype=np.dtype("float64"))
        out = mul(mul(product, two), t)
    parts = split(builder.build([out]), [True, False])
    smaller = recompute(parts, set())
    assert not any(eq.op.name == "dot" for eq in smaller.rest.equations)


CHECKPOINTS = [None, "sqrt", 1, 3, 7, 1000, "1 MB", "700 B"]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("checkpoint", CHECKPOINTS, ids=str)
def test_checkpoints_change_nothing(checkpoint: Any, reverse: bool) -> None:
    """To the last digit, whatever the number of steps."""
    rows = np.linspace(-0.5, 0.5, 23 * 3).reshape(23, 3)

    def run(u: Any, rows: Any, checkpoint: Any = checkpoint) -> Any:
        def step(c: Any, r: Any) -> Any:
            c = c + 0.1 * jnp.sin(c * r) * c
            return c, c * r

        return lax.scan(step, u, rows, reverse=reverse, checkpoint=checkpoint)

    def loss(u: Any, rows: Any, checkpoint: Any = checkpoint) -> Any:
        last, ys = run(u, rows, checkpoint)
        return jnp.sum(last * X) + jnp.sum(ys * ys)

    for wrap in (lambda f: f, jitad.jit):
        got = wrap(jitad.grad(loss, argnums=(0, 1)))(X, rows)
        expected = wrap(jitad.grad(lambda u, r: loss(u, r, None), argnums=(0, 1)))(X, rows)
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-15)


def test_segments_obey_the_laws() -> None:
    rows = np.linspace(-0.5, 0.5, 7 * 3).reshape(7, 3)

    def step(c: Any, r: Any) -> Any:
        return {"a": jnp.tanh(c["a"] * r), "i": c["i"] + 1}, (c["a"] + c["i"],)

    def run(scan: Callable[..., Any]) -> Callable[..., Any]:
        return lambda u, rows: scan(step, {"a": u, "i": np.int64(0)}, rows)

    def segmented(*args: Any) -> Any:
        return lax.scan(*args, checkpoint="sqrt")

    obeys(run(segmented), run(scan_twin), X, rows)


MEASURE = """
import resource, sys
from pathlib import Path
import numpy as np, jitad
from jitad import lax
def loss(x, steps):
    step = lambda c, _: (c - 1e-6 * c * c * c, None)
    return lax.scan(step, x, None, steps, checkpoint={checkpoint!r})[0].sum()
x = np.linspace(0.1, 1.0, 1000)
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
jitad.jit(jitad.grad(lambda x: loss(x, 50)))(x)
before = peak()
g = jitad.jit(jitad.grad(lambda x: loss(x, {steps})))(x)
assert np.isfinite(g).all()
print(peak() - before)
status = Path("/proc/self/status")  # the peak of this program, not of the one that started it
lines = status.read_text().splitlines() if status.exists() else []
print(*[int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM")])
"""


@pytest.mark.parametrize(("checkpoint", "megabytes"), [("sqrt", 60), ("100 MB", 140)])
def test_memory_of_a_million_steps(checkpoint: str, megabytes: float) -> None:
    """Of a state of 1,000 numbers, 8 GB if each were kept: 200 MB for all of the process."""
    code = MEASURE.format(checkpoint=checkpoint, steps=10**6)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    growth, *whole = map(float, run.stdout.split())
    assert growth < megabytes
    assert all(peak < 200 for peak in whole)
