"""jitad.numpy.fft against numpy.fft: values, lengths, axes, norms, derivatives, batches, native."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .compare import agree, assert_same, run_traced

RNG = np.random.default_rng(11)
REAL = RNG.normal(size=(3, 4, 6))
COMPLEX = REAL + 1j * RNG.normal(size=REAL.shape)
ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = ("fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2")
INPUTS = {
    "real": REAL,
    "complex": COMPLEX,
    "single": REAL.astype("f4"),
    "csingle": COMPLEX.astype("c8"),
    "integers": np.arange(24).reshape(2, 3, 4),
    "vector": COMPLEX[0, 0],
    "scalar": np.float64(2.0),
    "odd": RNG.normal(size=(2, 5, 7)),
}


def same(name: str, x: Any, *args: Any, **options: Any) -> None:
    agree(
        lambda x: getattr(jnp.fft, name)(x, *args, **options),
        lambda x: getattr(np.fft, name)(x, *args, **options),
        x,
        rtol=2e-5 if x.dtype.itemsize <= 8 and x.dtype.name in ("float32", "complex64") else 1e-11,
    )


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("x", INPUTS.values(), ids=INPUTS.keys())
def test_one_axis(name: str, x: Any) -> None:
    for n in (None, 1, 3, 4, 9, 0, -2):
        for axis in (-1, 0, 1):
            if name in ("rfft", "ihfft") and x.dtype.kind == "c":
                with pytest.raises(TypeError, match="does not take complex"):
                    getattr(jnp.fft, name)(x, n, axis)
                return
            same(name, x, n, axis)
    for norm in ("backward", "ortho", "forward", "sideways"):
        if x.ndim:
            same(name, x, norm=norm)


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("key", ["real", "complex", "single", "odd", "vector"])
def test_several_axes(name: str, key: str) -> None:
    x = INPUTS[key]
    if name.startswith("rfft") and x.dtype.kind == "c":
        return
    for axes in ((0, 1), (-1, 0), (1,), (2, 0, 1), (0, 5)):
        for norm in (None, "ortho", "forward"):
            same(name, x, None, axes, norm)
        same(name, x, (3, 8, 2)[: len(axes)], axes)
    same(name, x)
    same(name, x, (3, 4), (0,))


def test_no_axis_and_an_axis_twice() -> None:
    same("fftn", COMPLEX, None, ())
    same("rfftn", REAL, None, ())
    same("fftn", COMPLEX, None, (1, 1))
    same("irfftn", COMPLEX, None, (2, 0, 2))


def test_frequencies_and_shifts() -> None:
    for n in (1, 4, 7):
        for d in (1.0, 0.1):
            assert_same(jnp.fft.fftfreq(n, d), np.fft.fftfreq(n, d), "fftfreq", 1e-15)
            assert_same(jnp.fft.rfftfreq(n, d), np.fft.rfftfreq(n, d), "rfftfreq", 1e-15)
    assert jnp.fft.fftfreq(4, dtype=jnp.float32).dtype == np.float32
    for name in ("fftshift", "ifftshift"):
        for axes in (None, 1, (0, 2), -1):
            same(name, REAL[:, :3], axes)
    np.testing.assert_allclose(
        jitad.grad(lambda d: jnp.sum(jnp.fft.fftfreq(4, d) ** 2))(0.5),
        -2 * np.sum(np.fft.fftfreq(4, 0.5) ** 2) / 0.5,
    )


def test_numpys_own_names() -> None:
    got = run_traced(lambda x: np.fft.irfft(np.fft.rfft(x) * 2), REAL)
    np.testing.assert_allclose(got, 2 * REAL, rtol=1e-13)


LENGTHS = (1, 2, 3, 15, 17, 49, 97, 210, 256, 1009, 4096, 6561)


@pytest.mark.parametrize("n", LENGTHS)
def test_native_code_is_accurate(n: int) -> None:
    """The error relative to the norm is a few ulp, whatever the factors of the length."""
    z = RNG.normal(size=(5, n)) + 1j * RNG.normal(size=(5, n))
    half = z[:, : n // 2 + 1]
    cases: list[tuple[Callable[[Any, Any], Any], Any]] = [
        (lambda m, z: m.fft.fft(z), z),
        (lambda m, z: m.fft.ifft(z), z),
        (lambda m, z: m.fft.fft(z, axis=0), z),
        (lambda m, z: m.fft.rfft(z), z.real.copy()),
        (lambda m, z: m.fft.irfft(z, n), half),
    ]
    for case, x in cases:
        got, expected = jitad.jit(lambda x, c=case: c(jnp, x))(x), case(np, x)
        error = np.linalg.norm(got - expected) / np.linalg.norm(expected)
        assert error < 3e-15, f"relative error {error:.1e}"
        single = "c8" if x.dtype.kind == "c" else "f4"
        got = jitad.jit(lambda x, c=case: c(jnp, x))(x.astype(single))
        assert got.dtype == case(np, x.astype(single)).dtype
        error = np.linalg.norm(got - expected) / np.linalg.norm(expected)
        assert error < 2e-6, f"relative error in single precision {error:.1e}"


def test_native_code_in_several_dimensions() -> None:
    for shape in ((3, 4, 6), (2, 5, 19), (8, 8, 8)):
        z = RNG.normal(size=shape) + 1j * RNG.normal(size=shape)
        for name in SEVERAL:
            x = z.real.copy() if name.startswith("rfft") else z
            got = jitad.jit(getattr(jnp.fft, name))(x)
            np.testing.assert_allclose(got, getattr(np.fft, name)(x), rtol=1e-12, atol=1e-12)


DERIVATIVES: list[Callable[[Any], Any]] = [
    lambda x: jnp.abs(jnp.fft.fft(x)) ** 2,
    lambda x: jnp.fft.rfft(x, 9).real * jnp.fft.rfft(x, 9).imag,
    lambda x: jnp.fft.irfft(jnp.fft.rfft(x) ** 2, 5),
    lambda x: jnp.fft.irfft2(jnp.fft.rfft2(x) ** 2, norm="ortho"),
    lambda x: jnp.fft.hfft(x * (1 + 2j)) ** 2,
    lambda x: jnp.imag(jnp.fft.ihfft(x) ** 2),
    lambda x: jnp.real(jnp.fft.ifftn(x**2 + 1j * x) ** 2),
    lambda x: jnp.fft.irfftn(x + 1j * x**2, (3, 5)) ** 2,
]


@pytest.mark.parametrize("f", DERIVATIVES, ids=range(len(DERIVATIVES)))
def test_derivatives_and_batches(f: Callable[[Any], Any]) -> None:
    x, v = RNG.normal(size=(2, 3, 4))

    def total(x: Any) -> Any:
        return jnp.sum(f(x) * jnp.arange(1.0, 1 + np.prod(f(x).shape)).reshape(f(x).shape))

    h = 1e-5
    difference = (total(x + h * v) - total(x - h * v)) / (2 * h)
    gradient = jitad.jit(jitad.grad(total))(x)
    np.testing.assert_allclose(np.sum(gradient * v), difference, rtol=1e-6)
    np.testing.assert_allclose(jitad.jvp(total, (x,), (v,))[1], difference, rtol=1e-6)
    slope = jitad.grad(total)
    second = (slope(x + h * v) - slope(x - h * v)) / (2 * h)
    got = jitad.jvp(slope, (x,), (v,))[1]
    np.testing.assert_allclose(got, second, rtol=1e-5, atol=1e-5)
    rows = np.stack([x, v, x - v])
    expected = np.stack([f(row) for row in rows])
    np.testing.assert_allclose(jitad.vmap(f)(rows), expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(
        jitad.jit(jitad.vmap(f, in_axes=1))(rows.swapaxes(0, 1)), expected, rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize("kind", ["fft", "ifft", "rfft", "irfft"])
@pytest.mark.parametrize("threads", [1, 2])
def test_axes_with_columns_behind_them(kind: str, threads: int) -> None:
    """Transformed where they lie: columns that fill vectors or not, of several kinds of lengths,
    and so many that threads share them."""
    rng = np.random.default_rng(0)
    for shape, axis in (((12, 8), 0), ((17, 9), 0), ((3, 34, 5, 3), 1), ((600, 130), 0)):
        x = rng.normal(size=shape)
        if kind != "rfft":
            x = x + 1j * rng.normal(size=shape)
        expected = getattr(np.fft, kind)(x, axis=axis)
        with jitad.threads(threads):
            got = jitad.jit(lambda x, a=axis: getattr(jnp.fft, kind)(x, axis=a))(x)
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    y = rng.normal(size=(4, 6, 10))
    y = y if kind == "rfft" else y + 1j
    got = jitad.jit(lambda y: getattr(jnp.fft, kind + "n")(y, axes=(0, 1)))(y)
    np.testing.assert_allclose(got, getattr(np.fft, kind + "n")(y, axes=(0, 1)), atol=1e-12)
