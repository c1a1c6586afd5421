"""Elements of arrays are arrays, dtypes are callable, types say what JAX's programs ask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad.avals import FLOAT0, ShapedArray

X = jnp.array([3.0, 1.0, 2.0])


@pytest.mark.parametrize(
    "element",
    [
        X[0],
        X[()][1],
        next(iter(X)),
        jnp.ones((2, 2))[0, 1],
        X.argmax(),
        X.argmin(),
        X.dot(X),
        jnp.eye(2).trace(),
        X.max(),
        X.std(),
        jitad.random.split(jitad.random.key(0))[1],
    ],
)
def test_elements_are_arrays(element: Any) -> None:
    assert isinstance(element, jitad.Array)
    assert element.shape == ()
    assert element.block_until_ready() is element
    assert isinstance(element.at[...].set(0), jitad.Array)


def test_elements_are_numbers_to_python() -> None:
    assert f"{X[0]:.2f}" == "3.00"
    assert f"{X[1]:>3}" == "1.0"
    assert [int(x) for x in X] == [3, 1, 2]
    assert sorted(X) == [1.0, 2.0, 3.0]
    assert max(X) == 3.0 and sum(X) == 6.0
    first, *others = X
    assert first == 3.0 and len(others) == 2
    assert "abc"[jnp.argmin(X)] == "b"
    assert [row.shape for row in jnp.ones((2, 3))] == [(3,), (3,)]


@pytest.mark.parametrize("staged", [False, True])
def test_bool_converts(staged: bool) -> None:
    to_bool = jitad.jit(jnp.bool_) if staged else jnp.bool_
    found = to_bool(jnp.array([0, 2]))
    assert found.dtype == np.bool_ and found.tolist() == [False, True]


def test_bool_is_numpys() -> None:
    assert jnp.bool_ == np.bool_ and jnp.bool_ is jnp.bool
    assert np.dtype(jnp.bool_) == bool
    assert np.zeros(2, jnp.bool_).dtype == jnp.bool_
    assert jnp.issubdtype(jnp.bool_, np.bool_) and jnp.issubdtype(np.bool_, jnp.bool_)
    assert isinstance(np.True_, jnp.bool_)
    assert jnp.float32.dtype == np.float32


@pytest.mark.parametrize(
    ("x", "is_complex"),
    [
        (jnp.complex64, True),
        (jnp.float32, False),
        (np.float32, False),
        ([1.0, 2j], True),
        (jitad.ShapeDtypeStruct((2,), "complex64"), True),
        (jitad.ShapeDtypeStruct((2,), "float32"), False),
        ("text", False),
    ],
)
def test_iscomplexobj(x: Any, is_complex: bool) -> None:
    assert jnp.iscomplexobj(x) is is_complex
    assert jnp.isrealobj(x) is not is_complex


def test_types_of_values() -> None:
    seen: list[Any] = []

    def f(x: Any, n: Any) -> Any:
        seen.extend([jitad.typeof(x), x.aval, x.sharding, n.weak_type])
        return x * n

    jitad.jit(f)(X, 2)
    of_x, aval, sharding, weak = seen
    assert of_x == aval == X.aval == ShapedArray((3,), "float64")
    assert weak and not of_x.weak_type and jitad.typeof(1.0).weak_type
    assert sharding == jitad.typeof(X).sharding
    assert sharding.spec == jitad.P(None) and sharding.mesh.empty
    assert not sharding.mesh.are_all_axes_explicit and sharding.is_fully_replicated


def test_types_of_tangents() -> None:
    integers = jitad.core.get_aval(np.arange(3))
    assert integers.at_least_vspace().dtype == FLOAT0
    assert repr(integers.at_least_vspace()) == "float0[3]"
    assert X.aval.at_least_vspace() == X.aval
    assert X.aval.update(shape=(2, 3)).str_short() == "f64[2,3]"
    assert not jitad.typeof(1).strip_weak_type().weak_type
    assert len(X.aval) == 3
    with pytest.raises(TypeError, match="unsized"):
        len(jitad.typeof(1.0))


def test_out_sharding_is_taken() -> None:
    assert jnp.tensordot(X, X, 1, out_sharding=None) == 14.0
    assert jnp.zeros((2,), out_sharding=None).shape == (2,)


@pytest.mark.parametrize("leaf", ["text", object(), jnp.float32])
def test_device_put_takes_arrays(leaf: Any) -> None:
    with pytest.raises(TypeError, match="expected an array or a number"):
        jitad.device_put({"a": leaf})
