"""Exported programs in this process and in others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import export
from jitad.export.serialization import MARK

X = np.linspace(0.1, 2.0, 5)


def energy(q: Any, params: Any) -> Any:
    return jnp.sum(jnp.sin(q) * params["k"]) + params["m"][0] ** 2


PARAMS = {"k": X[::-1].copy(), "m": (1.5, np.float32(3))}


def again(exported: export.Exported) -> export.Exported:
    return export.deserialize(exported.serialize())


def assert_same(got: Any, expected: Any) -> None:
    assert jitad.tree.structure(got) == jitad.tree.structure(expected)
    for a, b in zip(jitad.tree.leaves(got), jitad.tree.leaves(expected), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("through", [lambda e: e, again], ids=["here", "as bytes"])
def test_calls_give_what_the_function_gives(through: Any) -> None:
    gradient = jitad.jit(jitad.value_and_grad(energy, argnums=(0, 1)))
    exported = through(export.export(gradient)(X, PARAMS))
    assert_same(exported.call(X, PARAMS), gradient(X, PARAMS))
    assert [t.shape for t in exported.in_avals] == [(5,), (5,), (), ()]
    assert [str(t.dtype) for t in exported.out_avals] == ["float64"] * 4 + ["float32"]
    assert exported.argument_names == ("q", "params")


def test_types_stand_for_arrays_and_functions_need_not_be_jitted() -> None:
    exported = export.export(lambda x: x * 2)(jitad.ShapeDtypeStruct((3,), np.float32))
    assert_same(exported.call(np.ones(3, np.float32)), jnp.full(3, 2, np.float32))


def test_static_and_keyword_arguments() -> None:
    def power(x: Any, n: int, y: Any, *, scale: Any) -> Any:
        return scale * x**n + y

    exported = export.export(jitad.jit(power, static_argnums=1))(X, 3, 2.0, scale=X)
    assert exported.argument_names == ("x", "y")
    np.testing.assert_allclose(exported.call(X, 2.0, scale=X), X**4 + 2)


@pytest.mark.parametrize("through", [lambda e: e, again], ids=["here", "as bytes"])
def test_it_can_be_transformed(through: Any) -> None:
    f = through(export.export(jitad.jit(lambda x: jnp.sum(jnp.exp(x) * x)))(X)).call
    np.testing.assert_allclose(jitad.grad(f)(X), (1 + X) * np.exp(X))
    np.testing.assert_allclose(jitad.jit(jitad.hessian(f))(X), np.diag((2 + X) * np.exp(X)))
    np.testing.assert_allclose(jitad.vmap(f)(np.stack([X, 2 * X])), [f(X), f(2 * X)])


def test_rules_go_with_the_program() -> None:
    @jitad.custom_jvp
    def clipped(x: Any) -> Any:
        return jnp.clip(x, -1, 1)

    clipped.defjvp(lambda primals, tangents: (clipped(primals[0]), tangents[0]))

    def newton(a: Any) -> Any:
        step = lambda r: (r + a / r) / 2  # noqa: E731
        return jitad.lax.while_loop(lambda r: abs(r * r - a) > 1e-12, step, a)

    exported = again(export.export(jitad.jit(lambda x: clipped(3 * x) + newton(x)))(2.0))
    np.testing.assert_allclose(jitad.grad(exported.call)(2.0), 3 + 0.5 / np.sqrt(2), rtol=1e-9)


@pytest.mark.parametrize(
    "constant",
    [
        np.arange(100).reshape(4, 25)[:, ::2],
        np.array([np.nan, -0.0, np.inf, 5e-324, 1e308] * 8),
        np.arange(60, dtype=np.float16),
        np.arange(30) * (1 + 2j),
        np.arange(40) % 3 == 0,
        np.zeros((0, 7)),
        np.float32(0.1),
    ],
    ids=lambda c: f"{c.dtype}{c.shape}",
)
def test_constants_keep_their_bits(constant: Any) -> None:
    exported = export.export(jitad.jit(lambda x: (jnp.asarray(constant), x)))(1.0)
    assert_same(again(exported).call(1.0), (jnp.asarray(constant), jnp.asarray(1.0)))


def in_another_process(exported: export.Exported, arguments: str, folder: Path) -> str:
    """The bytes of what a call gives there, and writes an object of it."""
    (folder / "program").write_bytes(exported.serialize())
    program = (
        "import sys, numpy as np; from jitad import export\n"
        "f = export.deserialize(open(sys.argv[1] + '/program', 'rb').read())\n"
        "x = np.linspace(0.1, 2.0, 5)\n"
        f"print(f.call({arguments}).tobytes().hex())\n"
        "f.write_c(sys.argv[1], 'f')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_another_process_needs_no_source(tmp_path: Path) -> None:
    exported = export.export(jitad.jit(jitad.grad(energy)))(X, PARAMS)
    arguments = "x, {'k': x[::-1].copy(), 'm': (1.5, np.float32(3))}"
    found = in_another_process(exported, arguments, tmp_path)
    assert found == exported.call(X, PARAMS).tobytes().hex()


def test_elements_of_sparse_derivatives(tmp_path: Path) -> None:
    hessian = jitad.sparse.hessian(lambda x: jnp.sum((x[1:] - x[:-1] ** 2) ** 2))
    exported = export.export(hessian.values)(X)
    assert exported.call(X).tobytes() == hessian(X).data.tobytes()
    assert in_another_process(exported, "x", tmp_path) == exported.call(X).tobytes().hex()


def test_other_arguments_are_refused() -> None:
    exported = export.export(jitad.jit(energy))(X, PARAMS)
    with pytest.raises(TypeError, match="was exported for arguments"):
        exported.call(X)
    with pytest.raises(ValueError, match=r"f64\[5\] as leaf 0 of its arguments; got f64\[6\]"):
        exported.call(np.ones(6), PARAMS)
    with pytest.raises(ValueError, match=r"f32\[5\]"):
        exported.call(X.astype(np.float32), PARAMS)


def test_bad_requests() -> None:
    with pytest.raises(TypeError, match="expected a function"):
        export.export(3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r'platforms=None or \("cpu",\)'):
        export.export(jnp.sin, platforms=["tpu"])
    export.export(jnp.sin, platforms=["cpu"])

    def outer(y: Any) -> Any:
        export.export(jitad.jit(lambda x: x * y))(1.0)
        return y

    with pytest.raises(TypeError, match="pass them as arguments"):
        jitad.jit(outer)(2.0)


def test_calls_of_python_cannot_be_bytes() -> None:
    def chatty(x: Any) -> Any:
        jitad.debug.print("x = {x}", x=x)
        return x

    exported = export.export(jitad.jit(chatty))(1.0)
    with pytest.raises(ValueError, match="chatty calls the Python function <print>"):
        exported.serialize()


def test_damaged_bytes_are_noticed() -> None:
    blob = export.export(jitad.jit(jnp.sin))(1.0).serialize()
    for bad in (b"", b"nonsense", MARK, blob[:-1], blob[:40], blob + b"x"):
        with pytest.raises(ValueError, match="deserialize"):
            export.deserialize(bad)
    for place in range(len(MARK), len(blob), 7):
        bad = bytearray(blob)
        bad[place] ^= 1
        with pytest.raises(ValueError, match="damaged"):
            export.deserialize(bad)
    export.deserialize(memoryview(bytes(blob)))


Known = namedtuple("Known", "position momentum")  # noqa: PYI024
Unknown = namedtuple("Unknown", "position momentum")  # noqa: PYI024


@jitad.tree_util.register_pytree_node_class
class Scaled:
    def __init__(self, value: Any, unit: str) -> None:
        self.value, self.unit = value, unit

    def tree_flatten(self) -> Any:
        return (self.value,), self.unit

    @classmethod
    def tree_unflatten(cls, unit: str, children: Any) -> Scaled:
        (value,) = children
        return cls(value, unit)


def test_registered_classes_go_along() -> None:
    export.register_namedtuple_serialization(Known, serialized_name="tests.Known")
    export.register_pytree_node_serialization(
        Scaled,
        serialized_name="tests.Scaled",
        serialize_auxdata=str.encode,
        deserialize_auxdata=bytes.decode,
    )

    def step(state: Any, by: Any) -> Any:
        return [Known(state.position + state.momentum, state.momentum), None, by]

    exported = export.export(jitad.jit(step))(Known(1.0, 2.0), Scaled(3.0, "m"))
    state, nothing, by = again(exported).call(Known(1.0, 2.0), Scaled(3.0, "m"))
    assert (state, nothing, by.value, by.unit) == (Known(3.0, 2.0), None, 3.0, "m")
    with pytest.raises(TypeError, match="was exported for arguments"):
        again(exported).call(Known(1.0, 2.0), Scaled(3.0, "km"))
    with pytest.raises(ValueError, match="registered for serialization already"):
        export.register_namedtuple_serialization(Known, serialized_name="other")
    with pytest.raises(ValueError, match="registered for serialization already"):
        export.register_namedtuple_serialization(Unknown, serialized_name="tests.Known")
    with pytest.raises(ValueError, match="expected a namedtuple"):
        export.register_namedtuple_serialization(Scaled, serialized_name="other")


def test_classes_without_a_name_are_refused() -> None:
    exported = export.export(jitad.jit(lambda s: s.position))(Unknown(1.0, 2.0))
    with pytest.raises(ValueError, match="no name for Unknown in other processes"):
        exported.serialize()
    exported = export.export(jitad.jit(lambda d: d))({(1, 2): 1.0})
    with pytest.raises(ValueError, match="keys of dicts"):
        exported.serialize()


def test_dicts_with_integers_as_keys() -> None:
    exported = again(export.export(jitad.jit(lambda d: {2: d[1], 1: d[2]}))({1: 1.0, 2: 2.0}))
    assert exported.call({1: 1.0, 2: 2.0}) == {1: 2.0, 2: 1.0}
