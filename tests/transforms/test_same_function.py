"""`jit(f)` made anew finds the programs of `f` again."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import weakref
from typing import Any

import numpy as np

import jitad
import jitad.numpy as jnp


def test_it_is_traced_once() -> None:
    runs: list[int] = []

    def f(x: Any, n: int = 2) -> Any:
        runs.append(1)
        return jnp.sin(x) * n

    x = np.ones(3)
    for _ in range(5):
        jitad.jit(f)(x)
        jitad.jit(lambda x: jitad.jit(f)(x))(x)
    assert len(runs) <= 2
    before = len(runs)
    jitad.jit(f, static_argnums=1)(x, 3)
    jitad.jit(f, static_argnums=1)(x, 3)
    assert len(runs) == before + 1
    jitad.jit(f).clear_cache()
    jitad.jit(f)(x)
    assert len(runs) == before + 2


def test_programs_die_with_their_function() -> None:
    def make() -> Any:
        return lambda x: x * 2.0

    f = make()
    jitad.jit(f)(1.0)
    alive = weakref.ref(f)
    del f
    gc.collect()
    assert alive() is None


def test_wrappers_and_copies_have_their_own() -> None:
    def f(x: Any) -> Any:
        return x * 2.0

    assert jitad.jit(f)(1.0) == 2.0

    @functools.wraps(f)
    def g(x: Any) -> Any:
        return f(x) + 1.0

    assert jitad.jit(g)(1.0) == 3.0
    assert jitad.jit(f)(1.0) == 2.0
    copied = copy.copy(vars(f))
    assert pickle.loads(pickle.dumps(copied))  # as libraries that pickle functions do
