"""while_loop and fori_loop agree with Python's `while` and `for`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax

from .laws import obeys

X = np.array([0.7, 1.3, 0.4])
W = np.array([1.2, 0.3, 0.9])


def while_twin(cond: Callable[[Any], Any], body: Callable[[Any], Any], value: Any) -> Any:
    while cond(value):
        value = body(value)
    return value


def fori_twin(lower: Any, upper: Any, body: Callable[[Any, Any], Any], value: Any) -> Any:
    for i in range(int(lower), int(upper)):
        value = body(i, value)
    return value


class Loops:
    """The real loops, or their twins."""

    def __init__(self, while_loop: Any, fori_loop: Any) -> None:
        self.while_loop = while_loop
        self.fori_loop = fori_loop


REAL = Loops(lax.while_loop, lax.fori_loop)
TWIN = Loops(while_twin, fori_twin)


def growing(loops: Loops) -> Any:
    return lambda x, w: loops.while_loop(
        lambda c: jnp.sum(c * c) < 200.0, lambda c: c * jnp.exp(w * 0.3) + jnp.sin(c), x
    )


def pytrees(loops: Loops) -> Any:
    """A counter, a float32 and a bool carried along, and an index by the counter."""

    def body(c: Any) -> Any:
        x = c["x"].at[c["i"] % 3].mul(1.7)
        return {
            "x": x,
            "i": c["i"] + 1,
            "s": c["s"] * np.float32(0.5) + x[0].astype(np.float32),
            "odd": ~c["odd"],
        }

    def run(x: Any, w: Any) -> Any:
        start = {"x": jnp.asarray(x * w), "i": 0, "s": np.float32(0.0), "odd": np.False_}
        return loops.while_loop(lambda c: (c["x"].sum() < 30.0) | c["odd"], body, start)

    return run


def nested(loops: Loops) -> Any:
    def outer(c: Any) -> Any:
        x, w, k = c
        inner = loops.while_loop(
            lambda d: d[1] < k, lambda d: (jnp.sin(d[0]) + w * x, d[1] + 1), (x, 0)
        )
        return inner[0], w * 1.1, k + 1

    return lambda x, w: loops.while_loop(lambda c: c[2] < 4, outer, (x, w, 0))[:2]


def never_run(loops: Loops) -> Any:
    return lambda x, w: loops.while_loop(lambda c: c.sum() < -1e9, lambda c: c * w, x) * w


def closed_over(loops: Loops) -> Any:
    """Tracers and an array closed over by condition and body, and an invariant."""
    table = np.linspace(0.0, 1.0, 200)

    def run(x: Any, w: Any) -> Any:
        limit = jnp.sum(jnp.exp(w)) * 3.0
        return loops.while_loop(
            lambda c: c[0].sum() < limit,
            lambda c: (c[0] * (1.0 + jnp.tanh(w)) + jnp.asarray(table)[c[1]], c[1] + 1),
            (x, 3),
        )[0]

    return run


def counted(loops: Loops) -> Any:
    return lambda x, w: loops.fori_loop(1, 5, lambda i, c: jnp.sin(c) * i + jnp.take(w, i % 3), x)


def counted_nothing(loops: Loops) -> Any:
    return lambda x, w: loops.fori_loop(3, 3, lambda i, c: c * w, x * w)


def single_precision(loops: Loops) -> Any:
    """The counter is weak, as a Python integer is: it does not widen the carry."""
    return lambda x, w: (
        loops.fori_loop(0, 4, lambda i, c: c * i + c, x.astype(np.float32)) * w.astype(np.float32)
    )


def newton(loops: Loops) -> Any:
    """The square root of each sum, to the last digit; under vmap each lane stops by itself."""

    def run(x: Any, w: Any) -> Any:
        a = jnp.sum(x * w)
        body = lambda c: (0.5 * (c[0] + a / c[0]), c[0])  # noqa: E731
        return loops.while_loop(lambda c: jnp.abs(c[0] - c[1]) > 1e-6, body, (a, a * 0.0))[0]

    return run


def empty(loops: Loops) -> Any:
    """An array without elements, an empty tuple and None in the carry."""

    def run(x: Any, w: Any) -> Any:
        def body(c: Any) -> Any:
            nothing, y, i, (), none = c
            return nothing * 2.0, y * w + nothing.sum(), i + 1, (), none

        start = (jnp.asarray(x)[:0], x, 0, (), None)
        return loops.while_loop(lambda c: c[2] < 3, body, start)[:2]

    return run


def nothing_carried(loops: Loops) -> Any:
    """A loop that does nothing, beside one that does."""

    def run(x: Any, w: Any) -> Any:
        assert loops.fori_loop(0, 3, lambda i, c: c, ()) == ()
        return loops.fori_loop(0, 2, lambda i, c: c * w, x)

    return run


def bounds_of_the_data(loops: Loops) -> Any:
    """Bounds that are computed, which differ from lane to lane; the counter is an index."""

    def run(x: Any, w: Any) -> Any:
        low = jnp.sum(jnp.asarray(x) > 1.35)
        high = low + jnp.sum(jnp.asarray(w) > 0.28)

        def body(i: Any, c: Any) -> Any:
            return c.at[i % 3].set(jnp.sin(c[(i + 1) % 3]) * jnp.take(w, i % 3) + i)

        return loops.fori_loop(low, high, body, jnp.asarray(x))

    return run


PROGRAMS = [
    growing,
    pytrees,
    nested,
    never_run,
    closed_over,
    counted,
    counted_nothing,
    single_precision,
    newton,
    empty,
    nothing_carried,
    bounds_of_the_data,
]


@pytest.mark.parametrize("loop", PROGRAMS, ids=lambda loop: loop.__name__)
def test_loop_agrees_with_python(loop: Callable[..., Any]) -> None:
    obeys(loop(REAL), loop(TWIN), X, W)


def test_traced_bounds() -> None:
    """A loop whose bounds are arguments has reverse mode, and differs from lane to lane."""

    def run(loops: Loops, x: Any, low: Any, high: Any) -> Any:
        return loops.fori_loop(low, high, lambda i, c: jnp.sin(c) * (i + 0.5), x)

    gradient = jitad.jit(jitad.grad(lambda x, low, high: run(REAL, x, low, high)))
    for low, high in ((0, 5), (2, 3), (4, 1)):
        expected = jitad.grad(lambda x, low=low, high=high: run(TWIN, x, low, high))(0.3)
        np.testing.assert_allclose(gradient(0.3, low, high), expected, rtol=1e-12)
    lanes = jitad.vmap(lambda x, high: jitad.grad(lambda x: run(REAL, x, 0, high))(x))
    xs, highs = np.array([0.3, 0.4, 0.5]), np.array([1, 5, 0])
    expected = [
        jitad.grad(lambda x, h=h: run(TWIN, x, 0, h))(x) for x, h in zip(xs, highs, strict=True)
    ]
    np.testing.assert_allclose(lanes(xs, highs), expected, rtol=1e-12)
    np.testing.assert_allclose(jitad.jit(lanes)(xs, highs), expected, rtol=1e-12)


def test_lanes_stop_by_themselves() -> None:
    """Each lane takes as many steps as it would alone."""

    def steps(n: Any) -> Any:
        return lax.while_loop(
            lambda c: c[0] != 1,
            lambda c: (jnp.where(c[0] % 2 == 0, c[0] // 2, 3 * c[0] + 1), c[1] + 1),
            (n, 0),
        )[1]

    starts = np.arange(1, 30)
    expected = [int(steps(n)) for n in starts]
    assert jitad.vmap(steps)(starts).tolist() == expected
    assert jitad.jit(jitad.vmap(steps))(starts).tolist() == expected
    assert expected[26] == 111


def test_counter_has_the_dtype_of_its_bounds() -> None:
    """Python integers make it weak; NumPy's keep their dtype."""
    seen: list[Any] = []

    def body(i: Any, c: Any) -> Any:
        seen.append((i.dtype.name, i.weak))
        return c

    lax.fori_loop(0, 3, body, 0.0)
    lax.fori_loop(np.int32(0), np.int32(3), body, 0.0)
    lax.fori_loop(0, np.int16(3), body, 0.0)
    assert seen == [("int64", True), ("int32", False), ("int16", False)]


@pytest.mark.parametrize("lanes", [1, 3, 4, 65, 512, 513, 1009])
def test_lanes_side_by_side(lanes: int) -> None:
    """Any number of lanes, with carries of several elements and types, values and gradients."""

    def run(x: Any, w: Any) -> Any:
        def body(c: Any) -> Any:
            return c[0] * (1.1 + w) + jnp.sin(c[0][::-1]), c[1] + 1, ~c[2]

        start = (x, np.int32(0), np.True_)
        return lax.while_loop(lambda c: (c[0].sum() < 20.0) | c[2], body, start)

    xs = np.linspace(0.1, 9.0, 2 * lanes).reshape(lanes, 2)
    alone = [run(x, 0.25) for x in xs[:: max(lanes // 7, 1)]]
    together = jitad.jit(jitad.vmap(run, in_axes=(0, None)))(xs, 0.25)
    for i, part in enumerate(together):
        expected = np.stack([np.asarray(a[i]) for a in alone])
        np.testing.assert_allclose(part[:: max(lanes // 7, 1)], expected, rtol=1e-12)

    def loss(x: Any, w: Any) -> Any:
        return jnp.sum(run(x, w)[0] ** 2)

    each = jitad.grad(loss, argnums=(0, 1))
    expected = [each(x, 0.25) for x in xs[:: max(lanes // 7, 1)]]
    got = jitad.jit(jitad.vmap(each, in_axes=(0, None)))(xs, 0.25)
    for i, part in enumerate(got):
        np.testing.assert_allclose(
            part[:: max(lanes // 7, 1)], np.stack([e[i] for e in expected]), rtol=1e-9
        )
    total = jitad.grad(
        lambda xs, w: jitad.vmap(loss, in_axes=(0, None))(xs, w).sum(), argnums=(0, 1)
    )
    np.testing.assert_allclose(jitad.jit(total)(xs, 0.25)[0], got[0], rtol=1e-9)
    np.testing.assert_allclose(jitad.jit(total)(xs, 0.25)[1], got[1].sum(), rtol=1e-9)


def test_lane_that_has_stopped_does_not_spoil_its_gradient() -> None:
    """Where a stopped lane stands, the body has no derivative."""

    def run(x: Any) -> Any:
        return lax.while_loop(lambda c: c[0] > 1.0, lambda c: c - jnp.sqrt(c[::-1] - 1.0), x)[0]

    xs = np.array([[1.5, 2.0], [4.0, 9.0], [0.2, 0.3], [1.1, 7.0]] * 20)
    expected = np.stack([jitad.grad(run)(x) for x in xs[:4]])
    for f in (
        jitad.vmap(jitad.grad(run)),
        jitad.grad(lambda xs: jitad.vmap(run)(xs).sum()),
    ):
        np.testing.assert_allclose(jitad.jit(f)(xs)[:4], expected, rtol=1e-12)
