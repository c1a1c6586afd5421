"""`jitad.numpy.fft` and `jitad.scipy.fft` over shapes and dtypes: transforms along one axis and
several, of one element, padded and cut, in memory that is not contiguous."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.fft

import jitad.numpy as jnp
import jitad.scipy.fft

from ..wide import Family, Namespaces, check_derivatives, check_values, draw, named

OF = Namespaces(
    SimpleNamespace(fft=np.fft, scipy=scipy.fft),
    SimpleNamespace(fft=jnp.fft, scipy=jitad.scipy.fft),
)
COMPLEX = named("fft ifft irfft hfft fftn ifftn irfftn fftshift ifftshift", "fft.")
COMPLEX |= named("fft ifft irfft hfft", "fft.", n=4, norm="forward", axis=0)
COMPLEX |= named("fftn ifftn irfftn", "fft.", s=(3,), axes=(-1,), norm="ortho")
REAL = named("rfft ihfft rfftn", "fft.") | named("rfft ihfft", "fft.", n=4, norm="ortho", axis=0)
OF_TWO = named("fft2 ifft2 irfft2", "fft.") | named("ifft2 irfft2", "fft.", s=(2, 6), axes=(0, 1))
REAL_OF_TWO = named("rfft2", "fft.") | named("rfft2", "fft.", axes=(-1, 0), norm="forward")
WAVES: Family = {
    **named("dctn idctn dstn idstn", "scipy."),
    **{
        key: function
        for kind in (1, 2, 3, 4)
        for key, function in named("dct idct dst idst", "scipy.", type=kind).items()
    },
    **named("dct idst", "scipy.", type=3, n=4, axis=0, norm="ortho"),
}
SHAPES = [(1,), (7,), (3, 4), (2, 1, 5)]


def family_of(shape: tuple[int, ...], *, real: bool) -> Family:
    family = COMPLEX | (OF_TWO if len(shape) > 1 else {})
    if real:
        family = family | REAL | (REAL_OF_TWO if len(shape) > 1 else {})
    return family


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values(shape: tuple[int, ...]) -> None:
    dtypes = {(3, 4): ["float32", "complex64", "uint8"], (1,): ["float64", "complex128"]}
    for dtype in dtypes.get(shape, ["float64"]):
        check_values(family_of(shape, real=dtype[0] != "c"), draw(shape, dtype), of=OF)
    for dtype in ("float32", "int32") if shape == (3, 4) else ("float64",):
        family = {k: v for k, v in WAVES.items() if min(shape) > 1 or "type=1" not in k}
        check_values(family if shape[-1] > 1 else {}, draw(shape, dtype), of=OF)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_derivatives(shape: tuple[int, ...]) -> None:
    second = shape == (2, 1, 5)
    check_derivatives(family_of(shape, real=True), draw(shape, "float64"), second=second, of=OF)
    if shape == (3, 4):
        check_derivatives(family_of(shape, real=False), draw(shape, "complex128"), of=OF)
    if shape[-1] > 1:
        check_derivatives(WAVES, draw(shape, "float64"), second=second, of=OF)
