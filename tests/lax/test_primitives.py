"""Primitives by JAX's names: each binds to the function of jitad.lax."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
from jitad import lax

X, N = np.array([1.0, 2.0, 4.0]), np.array([3, 5, 6])

BINDINGS: list[tuple[str, tuple[Any, ...], dict[str, Any], Any]] = [
    ("exp", (X,), {}, np.exp(X)),
    ("max", (X, X[::-1]), {}, np.maximum(X, X[::-1])),
    ("and", (N, N[::-1]), {}, N & N[::-1]),
    ("not", (N,), {}, ~N),
    ("integer_pow", (X,), {"y": 3}, X**3),
    ("reduce_sum", (X,), {"axes": (0,)}, 7.0),
    ("convert_element_type", (X,), {"new_dtype": np.int32}, X.astype(np.int32)),
    ("dot_general", (X, X), {"dimension_numbers": (((0,), (0,)), ((), ()))}, 21.0),
]


@pytest.mark.parametrize(
    ("name", "operands", "params", "expected"), BINDINGS, ids=[b[0] for b in BINDINGS]
)
@pytest.mark.parametrize("wrap", [lambda f: f, jitad.jit], ids=["eager", "jit"])
def test_bind(
    wrap: Callable[..., Any], name: str, operands: Any, params: dict[str, Any], expected: Any
) -> None:
    primitive = getattr(lax, name + "_p")
    found = wrap(lambda *xs: primitive.bind(*xs, **params))(*operands)
    assert np.allclose(found, expected)
    assert found.dtype == np.asarray(expected).dtype


def test_bind_is_differentiated() -> None:
    assert jitad.grad(lambda x: lax.div_p.bind(1.0, x))(2.0) == -0.25


@pytest.mark.parametrize("name", ["scan", "while", "cond", "custom_jvp_call", "linear_solve"])
def test_what_takes_functions_says_so(name: str) -> None:
    with pytest.raises(NotImplementedError, match=f"{name}_p.bind.*jitad.lax"):
        getattr(lax, name + "_p").bind(X)


def test_primitives_are_there_at_once() -> None:
    """Before anything was traced, which loads the ops."""
    asked = "import jitad; print(jitad.lax.exp_p, jitad.lax.exp_p is jitad.lax.exp_p)"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    assert answer.stdout.split() == ["exp", "True"], answer.stderr
