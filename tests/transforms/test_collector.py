"""First calls and the garbage collector."""

from __future__ import annotations

import gc
from typing import Any

import pytest

import jitad


def test_it_waits_until_a_program_is_there() -> None:
    """It would look at every object of the process, which takes longer than to load a program."""
    seen: list[bool] = []

    def f(x: Any) -> Any:
        seen.append(gc.isenabled())
        return x + 1

    assert jitad.jit(f)(1.0) == 2.0
    assert seen == [False]
    assert gc.isenabled()


def test_it_goes_on_behind_an_error() -> None:
    @jitad.jit
    def f(x: Any) -> Any:
        raise KeyError("not there")

    with pytest.raises(KeyError):
        f(1.0)
    assert gc.isenabled()


def test_one_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        jitad.jit(lambda x: x + 1)(1.0)
        assert not gc.isenabled()
    finally:
        gc.enable()
