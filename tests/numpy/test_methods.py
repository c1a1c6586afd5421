"""Tracers as arrays: operators, methods, NumPy's own functions, and errors that say what to do."""

from __future__ import annotations

import collections
import copy
import dataclasses
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad.trace import Tracer

from .compare import agree, assert_same, run_traced

X = np.arange(6.0).reshape(2, 3) + 0.5
V = np.array([1.0, 2.0, 3.0])


def same(f: Callable[[Any], Any], *args: Any) -> None:
    """The program gives for a tracer what it gives for an array."""
    assert_same(run_traced(f, *args), f(*args), "traced")


OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
    divmod,
    operator.eq,
    operator.ne,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
]
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
OTHERS = [V, X, 2, 1.5, True, np.float64(2), np.float32(2), np.int32(3), [1, 2, 3], 2 + 1j]


@pytest.mark.parametrize("other", OTHERS, ids=repr)
@pytest.mark.parametrize("op", OPERATORS)
def test_operators_with_what_is_not_traced(op: Any, other: Any) -> None:
    agree(lambda x: op(x, other), lambda x: op(x, other), X)
    agree(lambda x: op(other, x), lambda x: op(other, x), X)


@pytest.mark.parametrize("op", BITS)
def test_operators_on_bits(op: Any) -> None:
    x = np.array([1, 2, 3])
    for other in (x, 2, np.int8(1)):
        same(lambda x, o=other: op(x, o), x)
        same(lambda x, o=other: op(o, x), x)
    if op in BITS[:3]:
        same(lambda x: op(x > 1, x < 3), x)
        same(lambda x: op(True, x < 3), x)


def test_operators_between_tracers_and_matmul() -> None:
    same(lambda x, y: x * y - y / x, X, V)
    same(lambda x, y: x @ y, X, V)
    same(lambda x: np.eye(2) @ x, X)
    same(lambda x: x @ V, X)
    same(lambda x: [-x, +x, abs(-x), ~(x > 1)], X)
    same(lambda x: round(x[0, 0] * 1.234, 2), X)


METHODS: list[Callable[[Any], Any]] = [
    lambda x: x.T,
    lambda x: x.mT,
    lambda x: x.real,
    lambda x: x.imag,
    lambda x: x.reshape(3, 2),
    lambda x: x.reshape((3, -1)),
    lambda x: x.reshape(-1),
    lambda x: x.reshape(3, 2, order="F"),
    lambda x: x.astype(int),
    lambda x: x.astype("f4"),
    lambda x: x.ravel(),
    lambda x: x.flatten(),
    lambda x: x.sum(),
    lambda x: x.sum(0),
    lambda x: x.sum(axis=1, keepdims=True),
    lambda x: x.mean(axis=1),
    lambda x: x.max(),
    lambda x: x.min(1),
    lambda x: x.std(),
    lambda x: x.var(0, ddof=1),
    lambda x: x.prod(),
    lambda x: x.dot(V),
    lambda x: x.copy(),
    lambda x: x.transpose(),
    lambda x: x.transpose(1, 0),
    lambda x: x.transpose((1, 0)),
    lambda x: x[:1].squeeze(),
    lambda x: x.swapaxes(0, 1),
    lambda x: x.argmax(),
    lambda x: x.argmin(axis=1),
    lambda x: x.argsort(),
    lambda x: x.cumsum(),
    lambda x: x.cumprod(1),
    lambda x: x.clip(1, 2),
    lambda x: x.clip(min=2),
    lambda x: x.round(1),
    lambda x: x.conj(),
    lambda x: x.any(),
    lambda x: x.all(axis=0),
    lambda x: x.diagonal(),
    lambda x: x.trace(),
    lambda x: x.repeat(2),
    lambda x: x.repeat(2, 0),
    lambda x: x.take([0, 1]),
    lambda x: x.take([0], 1),
    lambda x: x[0].searchsorted(V),
    lambda x: x * x.nbytes + x.itemsize + x.size + x.ndim,
    lambda x: x * len(x),
    lambda x: list(x)[1],
    lambda x: operator.add(*x),
    lambda x: np.ones(x.shape, x.dtype),
]


@pytest.mark.parametrize("f", METHODS, ids=range(len(METHODS)))
def test_methods(f: Callable[[Any], Any]) -> None:
    same(f, X)


def test_sort_returns_a_copy() -> None:
    assert_same(run_traced(lambda x: (-x).sort(), X), np.sort(-X), "sort")


NUMPY: list[Callable[[Any], Any]] = [
    np.sin,
    np.exp2,
    np.square,
    np.isfinite,
    lambda x: np.hypot(x, V),
    lambda x: np.add(V, x),
    lambda x: np.float_power(x, 2),
    lambda x: np.matmul(x, V),
    lambda x: np.vecdot(x, V),
    lambda x: np.add.reduce(x),
    lambda x: np.multiply.reduce(x, axis=1, keepdims=True),
    lambda x: np.maximum.reduce(x, axis=None),
    lambda x: np.add.accumulate(x),
    lambda x: np.multiply.outer(V, x),
    np.sum,
    lambda x: np.sum(x, axis=1, keepdims=True),
    lambda x: np.where(x > 2, x, 0),
    lambda x: np.concatenate([x, X], axis=1),
    lambda x: np.stack([x, V * x]),
    lambda x: np.vstack([x, V]),
    lambda x: np.mean(x, 0),
    lambda x: np.var(x, ddof=1),
    lambda x: np.median(x),
    lambda x: np.dot(x, V),
    lambda x: np.einsum("ij,j->i", x, V),
    lambda x: np.tensordot(x, V, 1),
    lambda x: np.outer(x, V),
    lambda x: np.linalg.norm(x),
    lambda x: np.linalg.norm(x, axis=1),
    lambda x: np.reshape(x, -1),
    np.transpose,
    np.zeros_like,
    lambda x: np.ones_like(x, dtype=int),
    lambda x: np.full_like(x, 2),
    lambda x: np.ones(np.shape(x)),
    lambda x: np.ones(np.ndim(x)),
    lambda x: np.clip(x, 1, 3),
    lambda x: np.round(x * 1.11, 1),
    lambda x: np.max(x, axis=0),
    lambda x: np.sort(-x),
    np.cumsum,
    lambda x: np.isclose(x, x),
    lambda x: np.take(x, [0, 1], axis=1),
    np.diag,
    np.trace,
    lambda x: np.linspace(x, V, 4),
    lambda x: np.split(x, 3, axis=1),
    lambda x: np.interp(x, [0.0, 10], [0.0, 20]),
    lambda x: np.convolve(x[0], V),
    lambda x: np.broadcast_to(x, (2, 2, 3)),
    lambda x: np.meshgrid(x[0], V),
    np.trapezoid,
    lambda x: np.polyval(V, x),
    np.real,
    np.nan_to_num,
    np.copy,
    np.result_type,
]


@pytest.mark.parametrize("f", NUMPY[:-1], ids=range(len(NUMPY) - 1))
def test_functions_of_numpy_itself(f: Callable[[Any], Any]) -> None:
    same(f, X)


def test_every_namesake_of_numpy_is_registered() -> None:
    from jitad.numpy.elementwise import UFUNCS
    from jitad.numpy.methods import FUNCTIONS

    made_by_numpy = {"einsum_path", "finfo", "iinfo", "isdtype", "promote_types", "issubdtype"}
    loaded_late = {"frompyfunc", "gcd", "lcm"}  # the two ufuncs answer when called
    for name in jnp.__all__:
        original, ours = getattr(np, name, None), getattr(jnp, name)
        if name in loaded_late:
            continue
        if isinstance(original, np.ufunc):
            assert UFUNCS[original] is not None, name
        elif callable(original) and not isinstance(original, type) and callable(ours):
            assert name in made_by_numpy or original in FUNCTIONS, name


def test_every_function_is_documented() -> None:
    for name in jnp.__all__:
        value = getattr(jnp, name)
        if callable(value) and not isinstance(value, type) and value is not jnp.newaxis:
            assert value.__doc__, name


# Weakness.


def test_arithmetic_on_python_numbers_stays_weak() -> None:
    narrow = np.ones(2, "f4")

    def f(x: Any, n: Any) -> Any:
        assert isinstance(x, Tracer)
        return [narrow * x, narrow * (2 * x + 1), narrow * -x, narrow * n, (narrow > 0) * n]

    for out, dtype in zip(run_traced(f, 2.0, 3), ["f4", "f4", "f4", "f4", "i8"], strict=True):
        assert out.dtype == np.dtype(dtype)
    # Functions of NumPy give arrays, whose dtype counts.
    assert run_traced(lambda x: narrow * jnp.sin(x), 2.0).dtype == np.float64
    assert run_traced(lambda x: narrow * x, np.float64(2)).dtype == np.float64


# Eager arrays.


def test_arrays_take_traced_indices() -> None:
    table = jnp.arange(5.0) ** 2
    assert run_traced(lambda i: table[i], 3) == 9.0
    assert_same(run_traced(lambda i: table[None, i], 3), np.array([9.0]), "tuple")
    assert table[3] == 9.0
    assert type(table[1:]) is jitad.Array
    assert [float(v) for v in table] == [0.0, 1.0, 4.0, 9.0, 16.0]


def test_augmented_assignment_binds_a_new_array() -> None:
    """As it does for a tracer, so that a function of arrays means the same with and without jit."""

    def f(x: Any) -> Any:
        y = x
        y += 1.0
        y *= 2.0
        y /= 4.0
        return x, y

    x = jnp.arange(3)
    for result in (f(x), jitad.jit(f)(x)):
        np.testing.assert_array_equal(result[0], [0, 1, 2])
        np.testing.assert_array_equal(result[1], [0.5, 1.0, 1.5])
    total, totals = jnp.zeros(()), []
    for _ in range(3):
        total += 1.0
        totals.append(total)
    assert totals == [1.0, 2.0, 3.0]
    part = jnp.zeros((2, 2))
    part[0] += 1.0
    np.testing.assert_array_equal(part, [[1.0, 1.0], [0.0, 0.0]])
    plain = np.zeros(3)
    same = plain
    same += x
    assert type(plain) is np.ndarray and plain[2] == 2.0
    assert jitad.grad(sum_of_shifted)(2.0) == 3.0


def sum_of_shifted(t: Any) -> Any:
    x = jnp.ones(3)
    x += t
    return x.sum()


def test_new_arrays_can_be_written_to() -> None:
    for x in (
        jnp.full((2, 2), np.float64(3.0)),
        jnp.full((2, 2), np.arange(2.0)),
        jnp.arange(4),
        *jnp.meshgrid(np.arange(2), np.arange(2)),
        jnp.zeros(3),
        jnp.indices((2, 2)),
        jnp.eye(2),
    ):
        assert type(x) is jitad.Array
        x[0] = 7
        assert np.all(np.asarray(x)[0] == 7)
    assert jnp.arange(4)[0] == 0


def test_copies_of_what_holds_a_tracer_hold_it() -> None:
    """`dataclasses.astuple` makes deep copies."""

    def f(x: Any) -> Any:
        point = Point(x, [2.0 * x])
        first, (second,) = dataclasses.astuple(point)
        return copy.copy(first) * copy.deepcopy(point).y[0] + second

    for wrap in (lambda g: g, jitad.jit):
        assert wrap(jitad.grad(f))(3.0) == 14.0


@dataclasses.dataclass
class Point:
    x: Any
    y: list[Any]


def test_no_mask_is_all_elements() -> None:
    x = jnp.arange(1.0, 5.0).reshape(2, 2)
    for name in ("sum", "prod", "max", "min", "mean", "std", "var", "all", "any"):
        expected = getattr(np.asarray(x), name)(axis=1)
        assert_same(getattr(x, name)(axis=1, where=None), expected, name)
        assert_same(
            jitad.jit(lambda x, n=name: getattr(x, n)(axis=1, where=None))(x), expected, name
        )
        assert_same(getattr(x, name)(1), expected, name)
    assert x.sum(where=x > 2.0) == np.sum(x, where=x > 2.0) == 7.0


def test_results_at_once_are_arrays() -> None:
    for result in (jnp.sin(X), jnp.sum(X), jnp.zeros(2), jnp.add(1, 2), jnp.array([1])):
        assert type(result) is jitad.Array
        assert isinstance(result, np.ndarray)


# Errors.


def increment(x: Any) -> Any:
    x[0] += 1
    return x


def into_array(x: Any) -> Any:
    total = np.zeros((2, 3))
    total += x
    return total


ERRORS: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (increment, TypeError, r"cannot be assigned to in place. Write x = x.at\[index\].set"),
    (into_array, TypeError, r"np.add cannot write a traced array into an existing one"),
    (lambda x: np.sin(x, out=np.zeros((2, 3))), TypeError, "np.sin cannot write a traced array"),
    (lambda x: np.add(x, x, where=X > 1), TypeError, "np.add does not take traced arrays in this"),
    (lambda x: np.isnat(x), TypeError, "np.isnat does not take traced arrays"),
    (lambda x: np.unique(x), TypeError, "np.unique does not take traced arrays"),
    (lambda x: np.busday_count(x, x), TypeError, "np.busday_count does not take traced arrays"),
    (lambda x: x.view("c8"), TypeError, "expected integers or floats"),
    (lambda x: x + np.ones(4), ValueError, r"broadcast together with shapes \(2,3\) \(4,\)"),
    (lambda x: x @ x, ValueError, "mismatch in its core dimension 0"),
    (lambda x: x.reshape(4), ValueError, r"cannot reshape array of size 6 into shape \(4,\)"),
    (lambda x: x.sum(3), np.exceptions.AxisError, "axis 3 is out of bounds"),
    (lambda x: x[5], IndexError, "index 5 is out of bounds for axis 0 with size 2"),
    (lambda x: x[0, 0, 0], IndexError, "array is 2-dimensional, but 3 were indexed"),
    (lambda x: x[1.5], IndexError, "are valid indices; got float"),
    (lambda x: x[x], IndexError, r"must be of integer \(or boolean\) type"),
    (lambda x: x + "a", TypeError, r"unsupported operand type\(s\) for \+"),
    (lambda x: {} - x, TypeError, "unsupported operand type"),
    (lambda x: x + np.datetime64(1, "s"), TypeError, "expected an array with one of the dtypes"),
    (lambda x: x & x, TypeError, "ufunc 'bitwise_and' not supported"),
    (lambda x: jnp.cbrt(x * 1j), TypeError, "ufunc 'cbrt' not supported"),
    (lambda x: (x > 1) - (x > 2), TypeError, "numpy boolean subtract"),
    (lambda x: jnp.concatenate([x, V]), ValueError, "same number of dimensions"),
    (lambda x: jnp.stack([x, V]), ValueError, "must have the same shape"),
]


@pytest.mark.parametrize(("f", "kind", "message"), ERRORS, ids=range(len(ERRORS)))
def test_errors(f: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        run_traced(f, X)


def test_errors_name_the_line() -> None:
    with pytest.raises(TypeError, match=r"test_methods.py:\d+, in increment\n    x\[0\] \+= 1"):
        run_traced(increment, X)


def test_programs_written_with_numpy_differentiate() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.log(1 + np.exp(np.dot(X, x))) * np.where(V[:2] > 1, 2.0, 1.0))

    got = jitad.grad(f)(V)
    eps = 1e-6
    for i, unit in enumerate(np.eye(3)):
        central = (f(V + eps * unit) - f(V - eps * unit)) / (2 * eps)
        assert math.isclose(float(got[i]), central, rel_tol=1e-7)


def test_methods_of_arrays_take_the_keywords_of_jax() -> None:
    x = jnp.array([3.0, 1.0, 2.0])
    calls: dict[str, Any] = {
        "argsort": ((), {"descending": True}, [0, 2, 1]),
        "compress": ((np.array([True, False, True]),), {"size": 1}, [3.0]),
        "dot": ((x,), {"precision": "highest"}, 14.0),
        "prod": ((), {"promote_integers": False}, 6.0),
        "ptp": ((), {}, 2.0),
        "repeat": ((np.array([1, 2, 0]),), {"total_repeat_length": 3}, [3, 1, 1]),
        "std": ((), {"correction": 1}, 1.0),
        "sum": ((), {"promote_integers": False}, 6.0),
        "take": ((np.array([0, 7]),), {"mode": "fill"}, [3.0, np.nan]),
        "var": ((), {"correction": 1}, 1.0),
    }
    for name, (args, options, want) in calls.items():
        got = getattr(x, name)(*args, **options)
        np.testing.assert_allclose(got, want, err_msg=name)
        traced = jitad.jit(lambda x, n=name, a=args, o=options: getattr(x, n)(*a, **o))(x)
        np.testing.assert_allclose(traced, want, err_msg=name)
    (places,) = x.nonzero(size=4)
    np.testing.assert_array_equal(places, [0, 1, 2, 0])
    assert x.sum() == 6.0 and x.argsort(stable=True).tolist() == [1, 2, 0]
    assert jnp.sort(x).searchsorted(2.0, method="sort") == 1


def test_axes_in_lists_and_lengths_from_iterators() -> None:
    x = jnp.arange(24.0).reshape(2, 3, 4)
    for name in ["all", "any", "max", "mean", "min", "prod", "std", "sum", "var"]:
        want = getattr(np.asarray(x), name)((0, 2))
        np.testing.assert_array_equal(getattr(x, name)([0, 2]), want, err_msg=name)
        same(lambda x, n=name: getattr(x, n)(axis=[1], keepdims=True), x)
    assert x[None].squeeze([0]).shape == x.shape
    assert x[:1, :, :1].squeeze(axis=[0, 2]).shape == (3,)
    for lengths in ((n for n in (4, 6)), map(int, (4, -1)), iter([4, 6])):
        assert x.reshape(lengths).shape == (4, 6)
    assert x.reshape(6, -1, order="F")[0, 1] == np.asarray(x).reshape(6, -1, order="F")[0, 1]


class _Pairs:
    """A sequence of pairs that is neither list nor tuple."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


def test_arrays_of_sequences() -> None:
    pairs = _Pairs([(0, 1), (1, 2)])
    for given in (pairs, range(2, 5), collections.deque([1.5, 2.0])):
        got, want = jnp.array(given), np.array(given)
        np.testing.assert_array_equal(got, want)
        assert got.dtype == want.dtype
    np.testing.assert_array_equal(
        jitad.jit(lambda x: x + jnp.asarray(pairs))(X[:, :2]), X[:, :2] + [[0, 1], [1, 2]]
    )
    for wrong in ({1: 2}, "12", {1, 2}, _Pairs(["a"]), {1: 2}.values()):
        with pytest.raises(TypeError, match="expected an array or a number; got"):
            jnp.array(wrong)


def test_rounding_by_python() -> None:
    x = jnp.array([3.14159, 1.5])
    np.testing.assert_array_equal(round(x, 2), [3.14, 1.5])
    assert round(jnp.sum(x), 1) == 4.6 and round(jnp.sum(x)) == 5.0
    np.testing.assert_array_equal(jitad.jit(lambda x: round(x, 2))(x), [3.14, 1.5])


def test_what_arrays_tell_of_their_memory() -> None:
    x = jnp.arange(3.0)
    assert x.is_fully_addressable and x.is_fully_replicated and x.committed
    assert not x.is_deleted() and not x.weak_type
    assert x.addressable_data(0) is x and x.on_device_size_in_bytes() == 24
    assert x.unsafe_buffer_pointer() == x.__array_interface__["data"][0]
    x.copy_to_host_async()
    with pytest.raises(IndexError, match="device 0"):
        x.addressable_data(1)


@pytest.mark.parametrize("dtype", ["i4", "u1", "f8", "i2", "u8"])
def test_views_of_traced_arrays(dtype: str) -> None:
    x = np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(jitad.jit(lambda x: x.view(dtype))(x), x.view(dtype))
    with pytest.raises(ValueError, match="view: expected a last axis"):
        jitad.jit(lambda x: x.view("f8"))(x[:, :3])


def test_elements_hash_as_their_numbers_and_arrays_do_not() -> None:
    x = jitad.jit(lambda x: x + 1)(np.arange(3))
    assert {1: "one"}[x[0]] == "one"
    assert set(x) == {1, 2, 3}
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)
