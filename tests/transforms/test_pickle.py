"""Functions of jitad in other processes, and copies of them."""

from __future__ import annotations

import copy
import functools
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp


@jitad.jit
def decorated(x: Any) -> Any:
    return 2.0 * x


def plain(x: Any, n: int) -> Any:
    return x**n


@jitad.custom_jvp
def with_tangents(x: Any) -> Any:
    return x


with_tangents.defjvp(lambda primals, tangents: (primals[0], 3.0 * tangents[0]))


@jitad.custom_vjp
def with_cotangents(x: Any) -> Any:
    return x


@jitad.custom_batching.custom_vmap
def with_lanes(x: Any) -> Any:
    return x


class Model:
    scale = 2.0

    @functools.partial(jitad.jit, static_argnums=0)
    def __call__(self, x: Any) -> Any:
        return self.scale * x


def again(x: Any) -> Any:
    return pickle.loads(pickle.dumps(x))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_functions_of_modules_go_by_name(protocol: int) -> None:
    for f in (decorated, with_tangents, with_cotangents, with_lanes, Model.__call__):
        assert pickle.loads(pickle.dumps(f, protocol)) is f


def test_other_functions_are_jitted_again() -> None:
    power = again(jitad.jit(plain, static_argnums=1))
    assert power(3.0, 2) == 9.0 and power(3.0, n=3) == 27.0
    with pytest.raises(TypeError, match="must be hashable"):
        power(3.0, [2])
    assert again(jitad.jit(functools.partial(plain, n=2)))(5.0) == 25.0
    assert again(jitad.jit(with_tangents))(5.0) == 5.0
    assert jitad.grad(again(jitad.jit(with_tangents)))(5.0) == 3.0
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(jitad.jit(lambda x: x))


def test_bound_methods() -> None:
    assert again(Model().__call__)(3.0) == 6.0


def test_copies_are_the_function() -> None:
    state = {"apply": decorated, "model": Model(), "rule": with_tangents}
    copied = copy.deepcopy(state)
    assert copied["apply"] is decorated and copied["rule"] is with_tangents
    assert copy.copy(jitad.jit(plain)).__name__ == "plain"


def test_another_process() -> None:
    """The name is looked up there, and the function compiled."""
    program = (
        "import pickle, sys; f = pickle.load(sys.stdin.buffer); print(f(4.0), type(f).__name__)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps(decorated),
        cwd=Path(__file__).parent,
        env={"PYTHONPATH": ":".join([str(Path(__file__).parent), *sys.path])},
        capture_output=True,
        check=True,
    )
    assert run.stdout.split() == [b"8.0", b"CompiledFunction"]


def test_trees_and_arrays() -> None:
    tree = jitad.tree.structure({"a": (1, [2, None])})
    assert again(tree) == tree
    array = again(jnp.arange(3.0))
    assert type(array) is jitad.Array and np.array_equal(array, [0, 1, 2])
