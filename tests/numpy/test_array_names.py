"""What arrays have for programs written for JAX, and operators on what stands for an array."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

X = np.array([1.0, 2.0, 3.0])
OPERATORS: list[Callable[[Any, Any], Any]] = [
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod),
    *(operator.pow, operator.matmul, operator.eq, operator.ne, operator.lt, operator.le),
    *(operator.gt, operator.ge, divmod),
]


class Parameter:
    """Tells what it stands for, and nothing else."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __jax_array__(self) -> Any:
        return self.value


@pytest.mark.parametrize("f", OPERATORS, ids=lambda f: f.__name__)
def test_operators_on_what_stands_for_an_array(f: Callable[[Any, Any], Any]) -> None:
    array, values = jnp.asarray(X), jnp.asarray(X[::-1].copy())
    for got, expected in [
        (f(array, Parameter(values)), f(X, np.asarray(values))),
        (f(Parameter(values), array), f(np.asarray(values), X)),
        (jitad.jit(lambda x: f(x, Parameter(values)))(X), f(X, np.asarray(values))),
        (jitad.jit(lambda x: f(array, Parameter(x)))(X), f(X, X)),
    ]:
        np.testing.assert_array_equal(got, expected)
        assert isinstance(got, (jitad.Array, np.generic, tuple))


def test_numbers() -> None:
    assert (jnp.asarray(X) * Parameter(2.0)).tolist() == [2, 4, 6]


def test_integer_operators() -> None:
    bits = jnp.asarray([1, 2, 3])
    for f in (operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift):
        assert (
            f(bits, Parameter(jnp.asarray([1, 1, 1]))).tolist() == f(np.asarray(bits), 1).tolist()
        )
        assert f(Parameter(1), bits).tolist() == f(1, np.asarray(bits)).tolist()


def test_derivatives_through_them() -> None:
    constant = jnp.asarray(X)
    gradient = jitad.grad(lambda w: constant @ Parameter(w))
    np.testing.assert_array_equal(gradient(X), X)


def test_operators_are_numpys_otherwise() -> None:
    class Refuses:
        __array_ufunc__ = None

        def __radd__(self, other: Any) -> str:
            return "mine"

    array = jnp.asarray(X)
    assert array + Refuses() == "mine"
    assert type(X + array) is type(array + X) is type(2 * array) is jitad.Array
    assert pow(jnp.asarray(2), 3) == 8
    with pytest.raises(TypeError, match="unsupported operand"):
        array + object()  # pyright: ignore[reportUnusedExpression]


def test_names_of_arrays() -> None:
    array = jnp.ones((2, 3), np.float32)
    assert array.aval == jitad.core.ShapedArray((2, 3), np.float32)
    assert isinstance(array.aval, jitad.core.ShapedArray) and not array.aval.weak_type
    assert array.is_ready() and array.platform() == "cpu" and array.traceback is None
    assert array.is_fully_addressable and array.committed
    copied = array.clone()
    assert copied is not array and not np.shares_memory(copied, array)
    assert type(copied) is jitad.Array and np.array_equal(copied, array)
    (shard,) = array.addressable_shards
    assert shard.data is array and array[shard.index].shape == (2, 3)
    assert shard.device in array.devices() and shard.replica_id == 0
    assert len(array.global_shards) == 1


def test_types_of_traced_arrays() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append((x.aval, x.weak_type, (x + 1).weak_type))
        return x

    jitad.jit(f)(np.ones(3, np.float32))
    jitad.jit(f)(1.0)
    assert seen[0] == (jitad.core.ShapedArray((3,), np.float32), False, False)
    assert seen[1] == (jitad.core.ShapedArray((), np.float64), True, True)


def test_sort_is_numpys_outside_of_jit() -> None:
    """In place, so that NumPy's own functions, which call it, stay right."""
    array = jnp.asarray([3.0, 1.0, 2.0])
    assert jitad.jit(lambda x: x.sort())(array).tolist() == [1, 2, 3]
    assert array.tolist() == [3, 1, 2]
    assert np.unique(array).tolist() == np.sort(array).tolist() == [1, 2, 3]
    assert array.sort() is None and array.tolist() == [1, 2, 3]
