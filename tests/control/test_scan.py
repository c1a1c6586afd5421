"""scan agrees with a Python loop, whatever its body does."""

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
ROWS = np.array([[0.3, -0.2, 0.5], [1.1, 0.4, -0.7], [-0.6, 0.9, 0.2], [0.8, -0.1, 0.1]])


def scan_twin(
    f: Callable[..., Any], init: Any, xs: Any, length: int | None = None, reverse: bool = False
) -> Any:
    """`lax.scan` in plain Python."""
    steps = len(jitad.tree_util.tree_leaves(xs)[0]) if length is None else length
    carry, ys = init, []
    for i in reversed(range(steps)) if reverse else range(steps):
        carry, y = f(carry, tree_map(lambda x, i=i: x[i], xs))
        ys.append(y)
    ordered = ys[::-1] if reverse else ys
    return carry, tree_map(lambda *leaves: jnp.stack(leaves), *ordered) if ys else None


def both(loop: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`loop(scan)` over the real scan and over its twin."""
    return loop(lax.scan), loop(scan_twin)


def plain(scan: Any) -> Any:
    return lambda x, rows: scan(lambda c, r: (jnp.sin(c) * r + c, c * c), x, rows)


def pytrees(scan: Any) -> Any:
    def step(c: Any, r: Any) -> Any:
        a, b = c["a"] * r["u"] + jnp.tanh(c["b"]), c["b"] - r["v"].sum()
        return {"a": a, "b": b}, (a * b, [r["u"]])

    return lambda x, rows: scan(
        step, {"a": x, "b": jnp.exp(x)}, {"u": rows, "v": rows[:, :2]}, reverse=True
    )


def mixed(scan: Any) -> Any:
    """float64, float32, integers and bools in one carry; indexed by a carried counter."""

    def step(c: Any, r: Any) -> Any:
        x, single, i, even = c
        picked = x[i % 3]
        x = jnp.where(even, x * r, x + picked)
        single = single * 0.5 + picked.astype(np.float32)
        return (x, single, i + 1, ~even), (single, i, even)

    def run(x: Any, rows: Any) -> Any:
        return scan(step, (x, x[:2].astype(np.float32), np.int64(0), np.True_), rows)

    return run


def closure(scan: Any) -> Any:
    """Closes over tracers, an array and a number, and keeps a carry that no step changes."""
    table = np.linspace(-1.0, 1.0, 300)

    def run(x: Any, rows: Any) -> Any:
        scale = jnp.exp(x[0])

        def step(c: Any, r: Any) -> Any:
            a, fixed = c
            return (
                a * jnp.cos(scale) + fixed * r + table[17] * 0.3 + table.sum(),
                fixed,
            ), a * scale

        return scan(step, (x, x * 2.0), rows)

    return run


def nested(scan: Any) -> Any:
    def run(x: Any, rows: Any) -> Any:
        def outer(c: Any, r: Any) -> Any:
            inner, ys = scan(lambda d, s: (d * jnp.sin(s) + r.sum(), d * r), c, rows)
            return inner * 0.5, ys.sum(0)

        return scan(outer, x, rows)

    return run


def no_output(scan: Any) -> Any:
    return lambda x, rows: scan(lambda c, r: (c * r + jnp.sin(c), None), x, rows)


def no_carry(scan: Any) -> Any:
    return lambda x, rows: scan(lambda c, r: (c, r * jnp.exp(r) + x), None, rows)


def empty_carry(scan: Any) -> Any:
    """A carry without elements beside one with."""
    return lambda x, rows: scan(
        lambda c, r: ((c[0] * 2.0, c[1] * r), c[0].sum() + r), (x[:0], x), rows
    )


def counted(scan: Any) -> Any:
    """No rows: the carry alone."""
    return lambda x, rows: scan(lambda c, _: (jnp.sin(c) * rows[0] + c, c), x, None, length=5)


def lagged(scan: Any) -> Any:
    """A carry that swaps, and results that are an operand's row."""

    def step(c: Any, r: Any) -> Any:
        a, b = c
        return (b * r, a + 0.1), (r, a)

    return lambda x, rows: scan(step, (x, x * x), rows)


def products(scan: Any) -> Any:
    """Matrix products, which are not computed again in reverse."""

    def step(c: Any, r: Any) -> Any:
        c = jnp.tanh(c @ jnp.outer(r, r) + c)
        return c, jnp.dot(c, r)

    return lambda x, rows: scan(step, x, rows)


def updates(scan: Any) -> Any:
    """Elements of the carry written at a counter."""

    def step(c: Any, r: Any) -> Any:
        buffer, i = c
        buffer = buffer.at[i % 3].set(jnp.sin(buffer[(i + 1) % 3]) + r[0])
        buffer = buffer.at[0].add(r[1])
        return (buffer, i + 1), buffer.sum()

    return lambda x, rows: scan(step, (jnp.asarray(x), 0), rows)


def no_steps(scan: Any) -> Any:
    """Rows of length zero: the carry as it was, and what was closed over for nothing."""

    def run(x: Any, rows: Any) -> Any:
        carry, _ = scan(lambda c, r: (c * r + x.sum(), None), x * 2.0, rows[:0], length=0)
        return carry + rows[0]

    return run


def neither(scan: Any) -> Any:
    """No carry and no output: nothing."""

    def run(x: Any, rows: Any) -> Any:
        carry, ys = scan(lambda c, r: ((), None), (), rows)
        assert carry == ()
        assert ys is None
        return x * rows[0]

    return run


def small_types(scan: Any) -> Any:
    """Integers of several widths beside float32, in the carry and stacked."""

    def step(c: Any, r: Any) -> Any:
        byte, count, single = c
        byte = jnp.add(byte, np.uint8(100))
        single = single + byte.astype(np.float32) * r[0].astype(np.float32)
        return (byte, count - np.int16(3), single), (byte, count, single > 0)

    def run(x: Any, rows: Any) -> Any:
        start = (np.uint8(7), np.int16(2), jnp.asarray(x)[0].astype(np.float32))
        return scan(step, start, rows)

    return run


PROGRAMS = [
    plain,
    pytrees,
    mixed,
    closure,
    nested,
    no_output,
    no_carry,
    empty_carry,
    counted,
    lagged,
    products,
    updates,
    no_steps,
    neither,
    small_types,
]


@pytest.mark.parametrize("loop", PROGRAMS, ids=lambda loop: loop.__name__)
def test_scan_agrees_with_a_python_loop(loop: Callable[..., Any]) -> None:
    program, twin = both(loop)
    obeys(program, twin, X, ROWS)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_carry_may_start_with_a_part_of_what_the_loop_reads(reverse: bool) -> None:
    """The rows are read where they are; the carry is a copy of its part."""

    def smoothed(xs: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            return carry * 0.5 + x, carry * x

        return lax.scan(step, xs[-1], xs[:-1], reverse=reverse)

    xs = np.linspace(-1.0, 1.0, 40).reshape(20, 2)
    carry, rows = xs[-1], np.zeros((19, 2))
    for i in range(19)[:: -1 if reverse else 1]:
        rows[i] = carry * xs[i]
        carry = carry * 0.5 + xs[i]
    got = jitad.jit(smoothed)(xs)
    np.testing.assert_allclose(got[0], carry)
    np.testing.assert_allclose(got[1], rows)


def test_without_jit_what_is_traced_stays_one_operation() -> None:
    def positive(x: Any) -> Any:
        return lax.cond(x > 0, lambda: 1.0, lambda: -1.0)

    with jitad.disable_jit():
        assert jitad.vmap(positive)(np.array([2.0, -3.0])).tolist() == [1.0, -1.0]
        doubled = jitad.vmap(lambda x: lax.while_loop(lambda c: c < 10, lambda c: 2 * c, x))
        assert doubled(np.array([3.0, 4.0, 11.0])).tolist() == [12.0, 16.0, 11.0]
        assert lax.fori_loop(0, 0, lambda i, c: c + i, 1.0) == 1.0
    assert lax.scan(lambda c, x: (c + x, c), 0.0, np.arange(4.0), unroll=0)[0] == 6.0
