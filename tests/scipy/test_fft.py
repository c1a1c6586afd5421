"""Cosine and sine transforms against SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.fft

import jitad
import jitad.scipy.fft

from ..linalg.checks import check_derivatives, close

RNG = np.random.default_rng(6)
X = RNG.normal(size=(3, 8))
NORMS = [None, "backward", "ortho", "forward"]


@pytest.mark.parametrize("name", ["dct", "idct", "dst", "idst"])
@pytest.mark.parametrize("type", [1, 2, 3, 4])
def test_values(name: str, type: int) -> None:
    ours, scipys = getattr(jitad.scipy.fft, name), getattr(scipy.fft, name)
    for norm in NORMS:
        for orthogonalize in (None, True, False):
            for length in (None, 2, 5, 12):
                options: dict[str, Any] = {"norm": norm, "orthogonalize": orthogonalize}
                expected = scipys(X, type, length, **options)
                close(ours(X, type, length, **options), expected, f"{options}", 1e-14)
        compiled = jitad.jit(lambda x: ours(x, type, axis=0, norm=norm))  # noqa: B023
        for x in (X, X + 1j * X[::-1], X.astype(np.float32), np.arange(24).reshape(3, 8)):
            expected = scipys(x, type, axis=0, norm=norm)
            got = compiled(x)
            assert got.dtype == expected.dtype
            close(got, expected, "compiled", 1e-6 if x.dtype == np.float32 else 1e-13)


@pytest.mark.parametrize("name", ["dctn", "idctn", "dstn", "idstn"])
def test_several_axes(name: str) -> None:
    ours, scipys = getattr(jitad.scipy.fft, name), getattr(scipy.fft, name)
    for options in ({}, {"s": (4, 5)}, {"axes": (0,)}, {"s": (4,), "axes": (-1,), "norm": "ortho"}):
        close(ours(X, 2, **options), scipys(X, 2, **options), f"{options}", 1e-13)


@pytest.mark.parametrize("type", [1, 2, 3, 4])
def test_derivatives(type: int) -> None:
    check_derivatives(lambda x: jitad.scipy.fft.dct(x, type, norm="ortho"), X[0])
    check_derivatives(lambda x: jitad.scipy.fft.idst(x, type, 5), X)


def test_wrong_arguments() -> None:
    for fft in (scipy.fft, jitad.scipy.fft):
        with pytest.raises(ValueError):
            fft.dct(X, 5)
        with pytest.raises(ValueError):
            fft.idst(X, 2, norm="other")
        with pytest.raises(ValueError):
            fft.dct(X, 2, 0)
        with pytest.raises(ValueError):
            fft.dctn(X, 2, s=(3, 3), axes=(0,))
    with pytest.raises(ValueError, match="data points"):
        jitad.scipy.fft.dct(X[:, :1], 1)
