"""What the functions of `jitad.lax` do not take, and what their errors say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax

X, N = np.arange(3.0), np.arange(3)
ROW = lax.GatherDimensionNumbers((), (0,), (0,))
INTO_ROW = lax.ScatterDimensionNumbers((), (0,), (0,))

WRONG: list[tuple[str, type[Exception], str, Callable[[], Any]]] = [
    ("mixed dtypes", TypeError, "one dtype; got float64, int64", lambda: lax.add(X, N)),
    ("a float number for integers", TypeError, "one dtype", lambda: lax.add(N, 1.5)),
    ("a list", TypeError, "got a list", lambda: lax.add([1, 2], N)),
    ("ranks", TypeError, "same number of dimensions", lambda: lax.add(X, X[None])),
    ("lengths", TypeError, "incompatible shapes", lambda: lax.add(X, X[:2])),
    ("sin of integers", TypeError, "sin does not accept dtype int64", lambda: lax.sin(N)),
    ("bools added", TypeError, "add does not accept dtype bool", lambda: lax.add(X > 1, X > 1)),
    ("order of complex", TypeError, "lt does not accept", lambda: lax.lt(1j * X, 1j * X)),
    ("abs of unsigned", TypeError, "abs does not accept", lambda: lax.abs(N.astype("u1"))),
    ("negative power", TypeError, "negative powers", lambda: lax.integer_pow(N, -1)),
    ("cases differ", TypeError, "same shapes", lambda: lax.select(True, X, X[:2])),
    ("which of floats", TypeError, "select does not accept", lambda: lax.select(X, X, X)),
    ("limits differ", TypeError, "clamp requires min", lambda: lax.clamp(X[:2], X, X)),
    ("a shape below zero", TypeError, "lengths >= 0", lambda: lax.full((-1,), 0.0)),
    ("iota of bools", TypeError, "iota does not accept", lambda: lax.iota(bool, 3)),
    ("sizes", TypeError, "cannot reshape", lambda: lax.reshape(X, (2, 2))),
    ("no unit axis", ValueError, "not equal to one", lambda: lax.squeeze(X, (0,))),
    ("an axis too many", ValueError, "out of bounds", lambda: lax.rev(X, (1,))),
    ("no permutation", TypeError, "isn't a permutation", lambda: lax.transpose(X, (1,))),
    ("a repeated axis", ValueError, "distinct axes", lambda: lax.reduce_sum(X, (0, 0))),
    ("parts", ValueError, "must add to", lambda: lax.split(X, (1, 1))),
    ("padding", TypeError, "number of axes", lambda: lax.pad(X, 0.0, [])),
    ("nothing joined", ValueError, "at least one", lambda: lax.concatenate([], 0)),
    ("a slice beyond", TypeError, "limit <= 3", lambda: lax.slice(X, (0,), (4,))),
    ("an index beyond", IndexError, "out of bounds", lambda: lax.index_in_dim(X, 3)),
    ("a float index", TypeError, "integer scalars", lambda: lax.dynamic_slice(X, (0.5,), (1,))),
    ("starts", TypeError, "one start index", lambda: lax.dynamic_slice(X, (0, 0), (1,))),
    ("a block too long", TypeError, "fits into", lambda: lax.dynamic_slice(X, (0,), (4,))),
    ("rank of update", TypeError, "rank", lambda: lax.dynamic_update_slice(X, 1.0, (0,))),
    ("a product", TypeError, "Incompatible shapes", lambda: lax.dot(X, X[:2])),
    (
        "contracted lengths",
        TypeError,
        "contracting dimensions",
        lambda: lax.dot_general(X, X[:2], (((0,), (0,)), ((), ()))),
    ),
    (
        "one pair of axes",
        TypeError,
        r"got \(\(0,\), \(0,\)\)",
        lambda: lax.dot_general(X, X, ((0,), (0,))),
    ),
    ("no numbers to gather by", TypeError, "GatherDim", lambda: lax.gather(X, N[:1], (0,), (1,))),
    ("none to scatter by", TypeError, "ScatterDim", lambda: lax.scatter_add(X, N[:1], X, None)),
    ("axes without indices", ValueError, "1 for 2", lambda: lax.index_take(X, (N,), (0, 1))),
    ("keys", ValueError, "num_keys", lambda: lax.sort((X, X), num_keys=3)),
    ("sorted shapes", TypeError, "one shape", lambda: lax.sort((X, X[:2]))),
    ("too many of the best", TypeError, "top_k", lambda: lax.top_k(X, 4)),
    ("float places", TypeError, "integer index_dtype", lambda: lax.argmax(X, 0, float)),
    (
        "a real product",
        TypeError,
        "complex preferred",
        lambda: lax.dot_general(1j * X, X, (((0,), (0,)), ((), ())), preferred_element_type="f8"),
    ),
    ("structures", ValueError, "tree structure", lambda: lax.reduce(X, (0.0,), lax.add, (0,))),
    ("float indices", TypeError, "integer indices", lambda: lax.gather(X, X[:, None], ROW, (1,))),
    (
        "numbers",
        TypeError,
        "numbers along",
        lambda: lax.gather(X, np.zeros((1, 2), int), ROW, (1,)),
    ),
    ("windows", TypeError, "slice_sizes", lambda: lax.gather(X, N[:, None], ROW, (2,))),
    ("a mode", ValueError, "mode", lambda: lax.gather(X, N[:, None], ROW, (1,), mode="wrap")),
    ("updates", TypeError, "updates", lambda: lax.scatter(X, N[:, None], X[:2], INTO_ROW)),
    ("bits of bools", TypeError, "does not accept", lambda: lax.bitcast_convert_type(X > 1, "u1")),
    ("parts of bits", TypeError, "last axis", lambda: lax.bitcast_convert_type(N, "c16")),
    ("a transform", ValueError, "fft_type", lambda: lax.fft(X, "dct", (3,))),
    ("its lengths", ValueError, "fft_lengths", lambda: lax.fft(X, "fft", (4,))),
    ("a spectrum", ValueError, "real valued", lambda: lax.fft(1j * X, "rfft", (3,))),
    ("a key", TypeError, "expected a key", lambda: lax.rng_bit_generator(N, (2,))),
    ("signed bits", TypeError, "unsupported dtype", lambda: lax.rng_bit_generator(N, (2,), int)),
    ("no square", ValueError, "square", lambda: lax.linalg.cholesky(np.ones((2, 3)))),
    ("integers", TypeError, "does not accept", lambda: lax.linalg.lu(np.eye(2, dtype=int))),
    ("a vector", TypeError, "at least 2 axes", lambda: lax.linalg.qr(X)),
    ("sorted Schur", NotImplementedError, "sorting", lambda: _sorted_schur()),
    ("diagonals", ValueError, "diagonals", lambda: _diagonals()),
    ("wide polar", ValueError, "m >= n", lambda: lax.linalg.qdwh(np.ones((2, 3)))),
]


def _sorted_schur() -> Any:
    return lax.linalg.schur(np.eye(2), sort_eig_vals=True)


def _diagonals() -> Any:
    return lax.linalg.tridiagonal_solve(X, X[:2], X, np.ones((3, 1)))


@pytest.mark.parametrize(
    ("kind", "words", "call"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG]
)
def test_wrong_calls(kind: type[Exception], words: str, call: Callable[[], Any]) -> None:
    with pytest.raises(kind, match=words) as caught:
        call()
    assert "test_errors.py" in str(caught.value), "the message names the user's line"


def test_weak_numbers_take_the_dtype_of_arrays() -> None:
    assert lax.add(X.astype("f4"), 1.5).dtype == np.float32
    assert lax.mul(2, N.astype("u1")).dtype == np.uint8
    assert jitad.jit(lambda x, y: lax.add(x, y))(X.astype("f4"), 2.0).dtype == np.float32
    with pytest.raises(OverflowError):
        lax.add(N.astype("u1"), 300)


def _solve_nothing(matvec: Any, b: Any) -> Any:
    return b


def test_solvers_check_structures() -> None:
    def f(b: Any) -> Any:
        return lax.custom_linear_solve(lambda x: (x, x), b, _solve_nothing)

    with pytest.raises(TypeError, match="matvec"):
        jitad.jit(f)(X)

    def g(x: Any) -> Any:
        return lax.custom_root(lambda y: y - x, (1.0,), _solve_nothing, _solve_nothing)

    with pytest.raises(TypeError, match="custom_root"):
        jitad.jit(g)(1.0)


def test_reverse_mode_of_a_general_system_needs_the_transposed_solver() -> None:
    def f(b: Any) -> Any:
        solution = lax.custom_linear_solve(lambda x: 2.0 * x, b, lambda mv, b: b / 2.0)
        return lax.reduce_sum(solution, (0,))

    assert jitad.jvp(f, (X,), (X,))[1] == 1.5
    with pytest.raises(TypeError, match="transpose_solve"):
        jitad.grad(f)(X)


def test_widths_of_one_kind_meet() -> None:
    """32 bits, JAX's default, beside 64, ours."""
    single = np.float32([1.5, 2.5])
    assert lax.add(single, np.ones(2)).dtype == np.float64
    assert lax.select(single > 2, single, jnp.zeros(2)).tolist() == [0.0, 2.5]
    assert lax.concatenate([np.int32([1]), np.arange(2)], 0).dtype == np.int64
    written = lax.dynamic_update_slice(single, jnp.zeros(1), (1,))
    assert (written.tolist(), written.dtype) == ([1.5, 0.0], np.float32)
    with pytest.raises(TypeError, match="one dtype; got float32, int64"):
        lax.add(single, np.arange(2))
