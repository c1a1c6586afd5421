"""Bad input gets one error that says what was expected, what came, where, and what to write."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

X = np.arange(3.0)


class Unregistered:
    """Not a pytree and not an array."""


kept: list[Any] = []


def use_leaked() -> Any:
    kept.clear()

    def leak(x: Any) -> Any:  # anew, so that it is traced
        kept.append(x)
        return x * 2.0

    jitad.jit(leak)(1.0)
    return jitad.jit(lambda: jnp.sin(kept[0]))()


def assign(x: Any) -> Any:
    x[0] = 1.0
    return x


CASES: list[tuple[str, Callable[[], Any], type[Exception], list[str]]] = [
    ("shapes", lambda: jitad.jit(lambda x: x + np.ones(2))(X), ValueError, ["(3,)", "(2,)"]),
    ("matmul", lambda: jitad.jit(lambda x: x @ np.ones((2, 2)))(X), ValueError, ["3", "2"]),
    ("vector out", lambda: jitad.grad(lambda x: x * 2)(X), TypeError, ["scalar", "f64[3]", "jac"]),
    ("tuple out", lambda: jitad.grad(lambda x: (x, x))(1.0), TypeError, ["tuple", "has_aux"]),
    ("complex out", lambda: jitad.grad(lambda x: x * 1j)(1.0), TypeError, ["real", "holomorphic"]),
    ("int in", lambda: jitad.grad(lambda x: x * 2.0)(3), TypeError, ["float", "i64[]", "3.0"]),
    ("argnums", lambda: jitad.grad(lambda x: x, argnums=1)(3.0), TypeError, ["argnums=1", "1 pos"]),
    (
        "if",
        lambda: jitad.jit(lambda x: x if x > 0 else -x)(1.0),
        jitad.errors.TracerBoolConversionError,
        ["jnp.where", "lax.cond", "static_argnums"],
    ),
    (
        "float",
        lambda: jitad.jit(lambda x: float(x))(1.0),
        jitad.errors.TracerArrayConversionError,
        ["float()", "astype"],
    ),
    (
        "np.array",
        lambda: jitad.jit(lambda x: np.array(x))(X),
        jitad.errors.TracerArrayConversionError,
        ["NumPy array", "f64[3]"],
    ),
    (
        "float of a differentiated value",
        lambda: jitad.grad(lambda x: float(x) * x)(1.0),
        jitad.errors.TracerArrayConversionError,
        ["float()", "derivative", "stop_gradient"],
    ),
    (
        "np.array of differentiated values",
        lambda: jitad.grad(lambda x: jnp.sum(jnp.asarray(np.array([x[0], x[1]]))))(X),
        jitad.errors.TracerArrayConversionError,
        ["derivative", "jnp.asarray"],
    ),
    (
        "range",
        lambda: jitad.jit(lambda n: [0 for _ in range(n)])(3),
        jitad.errors.TracerIntegerConversionError,
        ["static_argnums", "fori_loop"],
    ),
    ("leak", use_leaked, jitad.errors.LeakedTracerError, ["leak", "Return it"]),
    ("assign", lambda: jitad.jit(assign)(X), TypeError, [".at["]),
    (
        "in_axes length",
        lambda: jitad.vmap(lambda x, y: x, in_axes=(0,))(X, X),
        ValueError,
        ["in_axes", "2 positional"],
    ),
    (
        "in_axes range",
        lambda: jitad.vmap(lambda x: x, in_axes=1)(X),
        ValueError,
        ["axis 1", "f64[3]"],
    ),
    (
        "in_axes tree",
        lambda: jitad.vmap(lambda t: t["a"], in_axes=({"b": 0},))({"a": X}),
        ValueError,
        ["in_axes", "prefix"],
    ),
    (
        "sizes",
        lambda: jitad.vmap(lambda x, y: x)(X, np.ones(4)),
        ValueError,
        ["one length", "length 3", "length 4"],
    ),
    ("nothing mapped", lambda: jitad.vmap(lambda x: x, in_axes=None)(X), ValueError, ["axis_size"]),
    (
        "unhashable static",
        lambda: jitad.jit(lambda x, n: x, static_argnums=1)(X, [1]),
        TypeError,
        ["hashable", "list", "tuple"],
    ),
    (
        "unregistered argument",
        lambda: jitad.jit(lambda x: 1.0)(Unregistered()),
        TypeError,
        ["Unregistered", "tree_util", "static_argnums"],
    ),
    (
        "unregistered result",
        lambda: jitad.jit(lambda x: Unregistered())(1.0),
        TypeError,
        ["Unregistered", "tree_util"],
    ),
    ("string", lambda: jitad.grad(lambda x: 1.0)("a"), TypeError, ["str"]),
    ("too many", lambda: jitad.jit(lambda x: x)(1.0, 2.0), TypeError, ["positional argument"]),
    ("not callable", lambda: jitad.jit(3), TypeError, ["function", "int"]),
    (
        "tangent structure",
        lambda: jitad.jvp(lambda x: x, (X,), (X, X)),
        TypeError,
        ["structure"],
    ),
    ("tangent shape", lambda: jitad.jvp(lambda x: x, (X,), (1.0,)), TypeError, ["f64[3]", "f64[]"]),
    (
        "cotangent dtype",
        lambda: jitad.vjp(lambda x: x, X)[1](np.ones(3, np.float32)),
        TypeError,
        ["f64[3]", "f32[3]"],
    ),
    (
        "not linear",
        lambda: jitad.linear_transpose(lambda x: x * x, 1.0)(1.0),
        TypeError,
        ["not linear", "mul"],
    ),
    ("axis name", lambda: jitad.vmap(lambda x: jitad.lax.psum(x, "i"))(X), NameError, ["'i'"]),
    (
        "no rule",
        lambda: jitad.grad(jitad.custom_jvp(lambda x: x))(1.0),
        AttributeError,
        ["defjvp"],
    ),
    ("index", lambda: jitad.jit(lambda x: x[5])(X), IndexError, ["5", "3"]),
    (
        "boolean mask",
        lambda: jitad.jit(lambda x: x[x > 0])(X),
        (TypeError, IndexError),  # type: ignore[list-item]
        ["jnp.where"],
    ),
    ("axis", lambda: jitad.jit(lambda x: jnp.sum(x, axis=2))(X), ValueError, ["axis 2"]),
]


@pytest.mark.parametrize(("name", "call", "kind", "words"), CASES, ids=[c[0] for c in CASES])
def test_error(name: str, call: Callable[[], Any], kind: type[Exception], words: list[str]) -> None:
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert "aval" not in message


TRACING = ["if", "float", "np.array", "range", "shapes", "vector out", "int in", "leak", "sizes"]


@pytest.mark.parametrize("name", TRACING)
def test_error_names_the_users_line(name: str) -> None:
    call = next(c[1] for c in CASES if c[0] == name)
    with pytest.raises(Exception) as caught:  # noqa: B017, PT011
        call()
    assert __file__ in str(caught.value), str(caught.value)


@pytest.mark.parametrize("name", [c[0] for c in CASES])
def test_traceback_shows_no_internals(name: str) -> None:
    """One frame of ours at most: where the error leaves the library."""
    call = next(c[1] for c in CASES if c[0] == name)
    with pytest.raises(Exception) as caught:  # noqa: B017, PT011
        call()
    frames = traceback.extract_tb(caught.value.__traceback__)
    inside = [f for f in frames if "/jitad/" in f.filename or "/jitad_ir/" in f.filename]
    assert len([f for f in inside if not f.filename.endswith("errors.py")]) <= 1, inside
