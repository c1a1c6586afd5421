"""Calls in threads of their own."""

from __future__ import annotations

import _thread
import threading
from typing import Any

import numpy as np
import pytest
from llvmlite import ir as ll

import jitad
import jitad.numpy as jnp
from jitad_ir import workers
from jitad_ir.native.addresses import slow_ones
from jitad_ir.native.compile import compile_module
from jitad_ir.native.externals import Externals
from jitad_ir.native.tasks import Task


def refuse(*_: Any) -> int:
    raise RuntimeError("can't start new thread")


def test_it_runs_at_once_in_another_thread() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work(n: int) -> tuple[int, int]:
        begun.set()
        assert ended.wait(10)
        return threading.get_ident(), n

    task = Task(work, 3)
    assert begun.wait(10)
    ended.set()
    ident, n = task.result()
    assert n == 3
    assert ident != threading.get_ident()
    assert task.result() == (ident, n), "as often as it is asked for"


def test_its_error_is_raised_by_the_result_alone() -> None:
    task = Task(int, "x")
    task.wait()
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            task.result()


def test_a_refused_thread_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    task = Task(calls.append, 1)
    assert calls == []
    task.wait()
    task.wait()
    assert calls == [1]


def test_programs_compile_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "limit", lambda: 4)
    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    monkeypatch.setenv("JITAD_CACHE", "0")
    x = np.random.default_rng(0).standard_normal((3, 770))
    found = jitad.jit(lambda x: jnp.fft.rfft(x))(x)
    np.testing.assert_allclose(found, np.fft.rfft(x), atol=1e-12)


@pytest.mark.parametrize("name", ["fft:unknown.float64.8", "blas:unknown"])
def test_an_external_that_takes_long_and_is_none(name: str) -> None:
    module = ll.Module("outside")
    externals = Externals(module)
    function = ll.Function(module, ll.FunctionType(ll.PointerType(), []), "f")
    builder = ll.IRBuilder(function.append_basic_block())
    builder.ret(externals.pointer(builder, name))
    assert slow_ones(externals.names) == [name]
    with pytest.raises(LookupError, match="unknown"):
        compile_module(module, externals, exports=["f"])


def test_what_is_known_takes_no_time() -> None:
    np.asarray(jitad.jit(lambda x: jnp.fft.fft(x))(np.ones(24, complex)))
    assert slow_ones(["fft:twiddles.float64.24", "py:Py_IncRef"]) == []
