"""Nothing leaks: neither calls nor compiled functions that were dropped keep memory."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads resident memory from /proc"
)


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def growth(work: Callable[[], Any]) -> int:
    """Resident bytes that `work` leaves behind, after a first round that fills caches."""
    work()
    gc.collect()
    before = resident_bytes()
    work()
    gc.collect()
    return resident_bytes() - before


def test_a_million_calls_leave_memory_flat() -> None:
    f = jitad.jit(lambda x, y: {"sum": x + y, "rows": [x * 2.0, (y, None)]})
    x, y = np.arange(10.0), np.ones(10)

    def work() -> None:
        for _ in range(1_000_000):
            f(x, y)

    references = sys.getrefcount(x), sys.getrefcount(y)
    assert growth(work) < 2 << 20
    assert (sys.getrefcount(x), sys.getrefcount(y)) == references


def test_large_results_leave_memory_flat() -> None:
    f = jitad.jit(lambda x: (x + 1.0, x * 2.0))
    x = np.zeros(1 << 17)

    def work() -> None:
        for _ in range(2000):
            f(x)

    assert growth(work) < 8 << 20


@pytest.mark.slow
def test_a_thousand_dropped_functions_leave_memory_flat() -> None:
    def work() -> None:
        for i in range(500):
            f = jitad.jit(jitad.grad(lambda x, i=i: jnp.sin(x * i) * x))
            f(1.0)

    assert growth(work) < 8 << 20


def test_eager_gradients_leave_memory_flat() -> None:
    def work() -> None:
        for i in range(3000):
            jitad.grad(lambda x, i=i: jnp.sin(x * i) * x)(1.0)

    assert growth(work) < 2 << 20


def test_a_dropped_function_is_collected() -> None:
    f = jitad.jit(lambda x: x + 1.0)
    f(1.0)
    f.itself = f
    dropped = weakref.ref(f)
    del f
    gc.collect()
    assert dropped() is None


def test_a_trace_keeps_nothing_of_its_arguments() -> None:
    class Big(np.ndarray):
        pass

    x = np.zeros(1000).view(Big)
    held = weakref.ref(x)
    jitad.grad(lambda v: jnp.sum(v * v))(x)
    jitad.jit(lambda v: jnp.sum(v * v))(x)
    del x
    gc.collect()
    assert held() is None
