"""Convolutions and correlations of jitad.scipy.signal against SciPy's."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.signal

import jitad
import jitad.numpy as jnp
import jitad.scipy.signal

from ..linalg.checks import check_derivatives, close

RNG = np.random.default_rng(8)
SHAPES = [
    ((7,), (3,)),
    ((3,), (8,)),
    ((6,), (4,)),
    ((6, 5), (3, 2)),
    ((2, 2), (5, 4)),
    ((3, 6), (4, 2)),
    ((3, 4, 5), (2, 2, 3)),
    ((), ()),
]
DTYPES = [("f8", "f8"), ("c16", "f8"), ("f4", "f4"), ("i8", "i8"), ("u1", "u1"), ("i4", "f8")]


def draw(shape: tuple[int, ...], dtype: str) -> Any:
    x = RNG.normal(size=shape) * 5
    x = x + 1j * RNG.normal(size=shape) if dtype[0] == "c" else x
    return np.asarray(abs(x) if dtype[0] == "u" else x).astype(dtype)


def same(name: str, *arguments: Any, compiled: bool = False) -> None:
    """As SciPy's, at once (and compiled); or the same kind of error."""
    ours = getattr(jitad.scipy.signal, name)
    try:
        expected = getattr(scipy.signal, name)(*arguments)
    except ValueError:
        with pytest.raises(ValueError):
            ours(*arguments)
        return
    x, y, *rest = arguments
    results = [ours(*arguments)]
    if compiled:
        results.append(jitad.jit(lambda x, y: ours(x, y, *rest))(x, y))
    for got in results:
        assert got.dtype == expected.dtype
        wide = expected.dtype.kind in "iu" or expected.dtype.itemsize > 8
        close(got, expected, name, 1e-11 if wide else 1e-5)


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("dtypes", DTYPES, ids=str)
def test_values(shapes: tuple[Any, Any], dtypes: tuple[str, str]) -> None:
    x, y = [draw(*pair) for pair in zip(shapes, dtypes, strict=True)]
    for mode in ("full", "same", "valid"):
        for method in ("auto", "direct", "fft"):
            if method == "fft" and "u1" in dtypes:
                continue  # sums beyond 255
            same("convolve", x, y, mode, method, compiled=mode == "same")
            same("correlate", x, y, mode, method)
        if 1 not in x.shape + y.shape and x.ndim:
            same("fftconvolve", x, y, mode)


@pytest.mark.parametrize("shapes", [s for s in SHAPES if len(s[0]) == 2], ids=str)
@pytest.mark.parametrize("boundary", ["fill", "wrap", "symm"])
def test_matrices(shapes: tuple[Any, Any], boundary: str) -> None:
    for mode, dtypes in itertools.product(("full", "same", "valid"), DTYPES):
        x, y = [draw(*pair) for pair in zip(shapes, dtypes, strict=True)]
        same("convolve2d", x, y, mode, boundary, 2, compiled=dtypes[0] == "f8")
        if dtypes[0][0] != "c":  # of which SciPy forgets the conjugate, in mode "valid"
            same("correlate2d", x, y, mode, boundary, 2)


def test_correlation_of_complex_matrices() -> None:
    x, y = draw((2, 3), "c16"), draw((4, 5), "c16")
    for mode in ("full", "same", "valid"):
        for a, b in ((x, y), (y, x)):
            if mode != "same":  # centred elsewhere
                expected = scipy.signal.correlate(a, b, mode)
                close(jitad.scipy.signal.correlate2d(a, b, mode), expected, mode, 1e-12)


@pytest.mark.parametrize("axes", [0, 1, -1, [0], (0, 1), []])
def test_some_axes(axes: Any) -> None:
    for rows in (4, 1, 2):
        for mode in ("full", "same", "valid"):
            x, y = draw((4, 6), "f8"), draw((rows, 3), "f8")
            if np.ndim(axes) == 0 or len(axes) != 2 or 1 not in y.shape:
                same("fftconvolve", x, y, mode, axes)


SMALL = {
    "convolve": lambda s, x: s.convolve(x, KERNEL, "same"),
    "convolve kernel": lambda s, x: s.convolve(KERNEL, x),
    "correlate": lambda s, x: s.correlate(KERNEL, x, "full"),
    "transforms": lambda s, x: s.fftconvolve(x, KERNEL[:3], "valid"),
    "boundary": lambda s, x: s.convolve2d(x, KERNEL, "same", "symm"),
    "correlate2d": lambda s, x: s.correlate2d(x, KERNEL, "full", "wrap"),
    "square": lambda s, x: s.convolve(x, x),
}
KERNEL = RNG.normal(size=(4, 2)) + 1j * RNG.normal(size=(4, 2))


@pytest.mark.parametrize("function", SMALL.values(), ids=SMALL.keys())
def test_derivatives(function: Callable[[Any, Any], Any]) -> None:
    check_derivatives(lambda x: function(jitad.scipy.signal, x), draw((5, 4), "f8"))
    check_derivatives(lambda x: function(jitad.scipy.signal, x), draw((5, 4), "c16"))


def test_long_signals_are_transformed() -> None:
    x, y = draw((3000,), "f8"), draw((3001,), "f8")
    assert "fft" in str(jitad.make_jaxpr(jitad.scipy.signal.convolve)(x, y))
    assert "fft" not in str(jitad.make_jaxpr(jitad.scipy.signal.convolve)(x, y[:20]))
    whole = [np.arange(3000) % 100] * 2
    assert "fft" not in str(jitad.make_jaxpr(jitad.scipy.signal.convolve)(*whole))
    np.testing.assert_array_equal(
        jitad.scipy.signal.convolve(*whole, method="fft"), np.convolve(*whole)
    )


def test_bools_are_counted() -> None:
    x, y = np.array([True, False, True]), np.array([True, True])
    expected = np.convolve(x, y)
    for function in (jitad.scipy.signal.convolve, jnp.convolve):
        got = function(x, y)
        assert got.dtype == bool and (got == expected).all()


WRONG: dict[str, Callable[[Any], Any]] = {
    "mode": lambda s: s.convolve(np.ones(3), np.ones(2), "other"),
    "method": lambda s: s.convolve(np.ones(3), np.ones(2), "full", "other"),
    "axes differ": lambda s: s.correlate(np.ones(3), np.ones((2, 2))),
    "neither holds the other": lambda s: s.fftconvolve(np.ones((3, 2)), np.ones((2, 3)), "valid"),
    "vectors": lambda s: s.convolve2d(np.ones(3), np.ones(2)),
    "boundary": lambda s: s.correlate2d(np.ones((3, 3)), np.ones((2, 2)), "full", "other"),
    "shapes": lambda s: s.fftconvolve(np.ones((3, 4)), np.ones((2, 4)), "full", 1),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_errors_are_scipys(wrong: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError):
        wrong(scipy.signal)
    with pytest.raises(ValueError):
        wrong(jitad.scipy.signal)


def test_no_elements() -> None:
    with pytest.raises(ValueError, match="not empty"):
        jitad.scipy.signal.convolve(np.zeros(0), np.ones(3))
    assert jitad.scipy.signal.fftconvolve(np.zeros(0), np.ones(3)).shape == (0,)
