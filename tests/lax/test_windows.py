"""Folds over sliding windows: values against loops over the definition, derivatives, batches,
large windows, errors."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax

INF = np.inf


class Windows(NamedTuple):
    """The geometry: what `reduce_window` takes behind the function."""

    window: tuple[int, ...]
    strides: tuple[int, ...]
    padding: list[tuple[int, int]]
    base_dilation: tuple[int, ...]
    window_dilation: tuple[int, ...]


def draw(seed: int) -> tuple[np.ndarray, Windows]:
    """A small array, with equal elements in every other case, and windows at random."""
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(1, 4))

    def ints(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(n) for n in rng.integers(low, high, rank))

    shape = ints(1, 7)
    x = rng.integers(0, 3, shape).astype(float) if seed % 2 else rng.normal(size=shape)
    padding = [(int(rng.integers(0, 3)), int(rng.integers(-1, 3))) for _ in shape]
    return x, Windows(ints(1, 4), ints(1, 4), padding, ints(1, 3), ints(1, 3))


CASES = [draw(seed) for seed in range(20)]
FOLDS = {
    "add": (jnp.add, 0.0, operator.add),
    "max": (jnp.maximum, -INF, max),
    "min": (jnp.minimum, INF, min),
    "mul": (jnp.multiply, 1.0, operator.mul),
    "from 2": (jnp.add, 2.0, operator.add),
    "max of 0": (lax.max, 0.0, max),
    "function": (lambda a, b: a + b * b, 1.0, lambda a, b: a + b * b),
}


def windows_by_definition(x: np.ndarray, where: Windows) -> list[list[tuple[int, ...]]]:
    """The indices into x of the elements of each window, windows and elements in C order."""
    each: list[list[list[int | None]]] = []
    for n, k, stride, (low, high), base, spread in zip(x.shape, *where, strict=True):
        line: list[int | None] = []
        for i in range(n):
            line += [i] if i == 0 else [None] * (base - 1) + [i]
        line = [None] * low + line + [None] * max(high, 0)
        line = line[: len(line) + min(high, 0)]
        span = (k - 1) * spread + 1
        starts = range(0, len(line) - span + 1, stride)
        each.append([[line[s + j * spread] for j in range(k)] for s in starts])
    found = []
    for chosen in itertools.product(*each):
        found.append([at for at in itertools.product(*chosen) if None not in at])
    return found


@pytest.mark.parametrize("fold", FOLDS)
@pytest.mark.parametrize("x, where", CASES)
def test_values_are_those_of_the_definition(x: np.ndarray, where: Windows, fold: str) -> None:
    function, start, python = FOLDS[fold]
    shape = lax.reduce_window_shape_tuple(x.shape, *where)
    expected = []
    for window in windows_by_definition(x, where):
        total = start
        for at in window:
            total = python(total, x[at])
        expected.append(total)

    def f(x: Any) -> Any:
        return lax.reduce_window(x, start, function, *where)

    for got in (f(x), jitad.jit(f)(x)):
        np.testing.assert_allclose(got, np.reshape(expected, shape), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("x, where", CASES)
def test_the_first_of_equal_elements_gets_the_cotangent(
    x: np.ndarray, where: Windows, largest: bool
) -> None:
    function, start = (jnp.maximum, -INF) if largest else (jnp.minimum, INF)
    windows = windows_by_definition(x, where)
    ct = np.random.default_rng(0).normal(size=len(windows))
    expected = np.zeros_like(x)
    for window, c in zip(windows, ct, strict=True):
        if window:
            best = (max if largest else min)(x[at] for at in window)
            expected[next(at for at in window if x[at] == best)] += c

    def pulled(x: Any, ct: Any) -> Any:
        out, pull = jitad.vjp(lambda x: lax.reduce_window(x, start, function, *where), x)
        return pull(ct.reshape(out.shape))[0]

    for got in (pulled(x, ct), jitad.jit(pulled)(x, ct)):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("fold", ["add", "max", "mul"])
@pytest.mark.parametrize("x, where", CASES[:8:2])
def test_second_derivatives(x: np.ndarray, where: Windows, fold: str) -> None:
    function, start, _ = FOLDS[fold]

    def f(x: Any) -> Any:
        return jnp.sum(jnp.tanh(lax.reduce_window(jnp.cos(x), start, function, *where)))

    t = np.random.default_rng(1).normal(size=x.shape)
    gradient = jitad.jit(jitad.grad(f))
    h = 1e-6
    np.testing.assert_allclose(
        np.sum(gradient(x) * t), (f(x + h * t) - f(x - h * t)) / (2 * h), rtol=1e-6, atol=1e-7
    )
    _, curved = jitad.jit(lambda x: jitad.jvp(jitad.grad(f), (x,), (t,)))(x)
    slope = (gradient(x + h * t) - gradient(x - h * t)) / (2 * h)
    np.testing.assert_allclose(curved, slope, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("fold", FOLDS)
def test_vmap_is_a_loop(fold: str) -> None:
    function, start, _ = FOLDS[fold]
    x, where = CASES[4]
    xs = np.random.default_rng(2).normal(size=(3, *x.shape))

    def f(x: Any) -> Any:
        return lax.reduce_window(x, start, function, *where)

    def g(x: Any) -> Any:
        return jitad.grad(lambda x: jnp.sum(jnp.sin(f(x))))(x)

    for each in (f, g):
        got = jitad.jit(jitad.vmap(each))(xs)
        for x, one in zip(xs, got, strict=True):
            np.testing.assert_allclose(one, each(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("k, stride, spread", [(33, 1, 1), (64, 3, 1), (100, 7, 2), (77, 1, 3)])
def test_long_windows_are_windows_of_windows(k: int, stride: int, spread: int) -> None:
    x = np.random.default_rng(3).integers(0, 50, 400).astype(float)
    padded = np.concatenate([np.full(20, np.nan), x, np.full(5, np.nan)])
    span = (k - 1) * spread + 1
    rows = np.lib.stride_tricks.sliding_window_view(padded, span)[::stride, ::spread]
    for name, over in (("add", np.nansum), ("max", np.nanmax), ("min", np.nanmin)):
        function, start, _ = FOLDS[name]

        def f(x: Any, function: Any = function, start: float = start) -> Any:
            pads = [(20, 5)]
            return lax.reduce_window(x, start, function, (k,), (stride,), pads, None, (spread,))

        np.testing.assert_allclose(jitad.jit(f)(x), over(rows, axis=1), rtol=1e-13)
    best = np.nanmax(rows, axis=1, keepdims=True)
    places = np.argmax(rows == best, axis=1) * spread + np.arange(len(rows)) * stride - 20
    got = jitad.jit(
        jitad.grad(
            lambda x: jnp.sum(
                lax.reduce_window(x, -INF, jnp.maximum, (k,), (stride,), [(20, 5)], None, (spread,))
            )
        )
    )(x)
    np.testing.assert_array_equal(got, np.bincount(places, minlength=x.size))


def test_large_windows_of_two_axes() -> None:
    x = np.random.default_rng(4).normal(size=(40, 50))
    rows = np.lib.stride_tricks.sliding_window_view(x, (7, 40))
    for name, over in (("add", np.sum), ("max", np.max), ("mul", np.prod)):
        function, start, _ = FOLDS[name]
        got = jitad.jit(lambda x, f=function, s=start: lax.reduce_window(x, s, f, (7, 40)))(x)
        np.testing.assert_allclose(got, over(rows, axis=(2, 3)), rtol=1e-10, atol=1e-11)


def test_pooling_of_images() -> None:
    """Max and average pooling with "SAME" padding, whose padding does not count."""
    x = np.random.default_rng(5).normal(size=(2, 7, 7, 3))
    window, strides = (1, 3, 3, 1), (1, 2, 2, 1)
    most = lax.reduce_window(x, -INF, lax.max, window, strides, "SAME")
    total = lax.reduce_window(x, 0.0, lax.add, window, strides, "SAME")
    count = lax.reduce_window(np.ones_like(x), 0.0, lax.add, window, strides, "SAME")
    for i, j in itertools.product(range(4), range(4)):
        rows = slice(max(2 * i - 1, 0), 2 * i + 2), slice(max(2 * j - 1, 0), 2 * j + 2)
        part = x[:, rows[0], rows[1]]
        np.testing.assert_array_equal(most[:, i, j], part.max((1, 2)))
        mean = total[:, i, j] / count[:, i, j]
        np.testing.assert_allclose(mean, part.mean((1, 2)), rtol=1e-12)


def test_pytrees_bools_and_integers() -> None:
    x = np.arange(6) % 4

    def argmax(a: Any, b: Any) -> Any:
        wins = b[0] > a[0]
        return jnp.where(wins, b[0], a[0]), jnp.where(wins, b[1], a[1])

    most, place = lax.reduce_window((x, np.arange(6)), (-1, -1), argmax, (3,))
    np.testing.assert_array_equal(most, [2, 3, 3, 3])
    np.testing.assert_array_equal(place, [2, 3, 3, 3])
    found = lax.reduce_window(x > 2, False, jnp.logical_or, (2,))
    assert found.dtype == bool and found.tolist() == [False, False, True, True, False]
    assert lax.reduce_window(x, 0, np.add, (2,)).dtype == x.dtype


X = np.ones((4, 5))
WRONG: list[tuple[type[Exception], str, Callable[[], Any]]] = [
    (
        TypeError,
        "wrong number of window_dimensions",
        lambda: lax.reduce_window(X, 0.0, jnp.add, (2,)),
    ),
    (
        TypeError,
        "window_strides must have every element at least 1",
        lambda: lax.reduce_window(X, 0.0, jnp.add, (2, 2), (0, 1)),
    ),
    (
        ValueError,
        "crops more than the axis",
        lambda: lax.reduce_window(X, 0.0, jnp.add, (1, 1), padding=[(-3, -2), (0, 0)]),
    ),
    (ValueError, "same tree structure", lambda: lax.reduce_window((X,), 0.0, jnp.add, (2, 2))),
    (TypeError, "scalar init values", lambda: lax.reduce_window(X, X, jnp.add, (2, 2))),
    (ValueError, "at least one operand", lambda: lax.reduce_window((), (), jnp.add, (2, 2))),
    (
        ValueError,
        "output must have the same tree structure",
        lambda: lax.reduce_window(X, 0.0, lambda a, b: (a, b), (2, 2)),
    ),
]


@pytest.mark.parametrize("error, words, call", WRONG)
def test_bad_input_is_told(error: type[Exception], words: str, call: Callable[[], Any]) -> None:
    with pytest.raises(error, match=words) as caught:
        call()
    assert "test_windows.py" in str(caught.value), "the user's line"
