"""Signals during long programs: their handlers run, and what they raise ends the program."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad_ir.native import interrupts

FOREVER = 10**11


def _in_registers(x: Any) -> Any:
    return lax.fori_loop(0, FOREVER, lambda _, c: 0.5 * c + 1.0, x)


def _in_memory(x: Any) -> Any:
    body: Callable[..., Any] = lambda _, c: jnp.sin(c) + jnp.sum(c)  # noqa: E731
    return lax.fori_loop(0, FOREVER, body, jnp.full(500, x))[0]


def _while(x: Any) -> Any:
    return lax.while_loop(lambda c: c > -1.0, lambda c: 0.5 * c + 1.0, x)


def _with_tape(x: Any) -> Any:
    body: Callable[..., Any] = lambda c: (c[0] + 1, jnp.sin(c[1]) + 0.1 * c[1])  # noqa: E731
    loop = lambda x: lax.while_loop(lambda c: c[0] < 10**5, body, (0, x))[1]  # noqa: E731
    return lax.fori_loop(0, 10**6, lambda _, x: jitad.grad(loop)(x), x)


def _nested(x: Any) -> Any:
    return lax.fori_loop(0, 3, lambda _, c: _in_registers(c), x)


def _in_a_function(x: Any) -> Any:
    def body(_: Any, c: Any) -> Any:
        for _ in range(100):
            c = jnp.sin(c) + 0.1 * jnp.cos(c[::-1])
        return c

    return lax.fori_loop(0, FOREVER, body, jnp.full(50, x))[0]


@pytest.mark.parametrize(
    "program", [_in_registers, _in_memory, _while, _with_tape, _nested, _in_a_function]
)
def test_ctrl_c_ends_a_long_program(program: Any) -> None:
    compiled = jitad.jit(program)
    compiled.lower(0.5).compile()
    for _ in range(2):  # by the first call and by the dispatcher
        timer = threading.Timer(0.3, _thread.interrupt_main)
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            compiled(0.5)
        timer.join()
    assert jitad.jit(lambda x: x + 1.0)(1.0) == 2.0


def test_a_handler_that_returns_leaves_the_program_running() -> None:
    signal = pytest.importorskip("signal")
    if not hasattr(signal, "setitimer"):
        pytest.skip("no timers that send signals")
    seen: list[float] = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(time.perf_counter()))
    try:
        steps = 5 * 10**8
        loop = jitad.jit(lambda x: lax.fori_loop(0, steps, lambda _, c: 0.5 * c + 1.0, x))
        loop.lower(0.5).compile()
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        result = loop(0.5)
        ended = time.perf_counter()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert result == 2.0
    assert len(seen) == 1 and seen[0] < ended


@pytest.mark.parametrize("unroll", [1, 3])
@pytest.mark.parametrize("reverse", [False, True])
def test_rounds_are_all_steps_in_their_order(
    monkeypatch: pytest.MonkeyPatch, reverse: bool, unroll: int
) -> None:
    monkeypatch.setattr(interrupts, "INTERVAL", 20.0)  # rounds of a few steps each

    def recurrence(x: Any, rows: Any) -> Any:
        def body(c: Any, row: Any) -> Any:
            c = 0.9 * c + row
            return c, c * row

        return lax.scan(body, x, rows, reverse=reverse, unroll=unroll)

    def steps(limit: Any) -> Any:
        return lax.while_loop(
            lambda c: c[0] < limit, lambda c: (c[0] + 1, c[1] * 0.5 + 1.0), (0, x)
        )

    rng = np.random.default_rng(0)
    for shape in ((), (40,)):
        x, rows = rng.normal(size=shape), rng.normal(size=(101, *shape))
        for got, expected in zip(jitad.jit(recurrence)(x, rows), recurrence(x, rows), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-11)
        for limit in (0, 1, 64, 77):
            np.testing.assert_array_equal(jitad.jit(steps)(limit)[0], limit)
