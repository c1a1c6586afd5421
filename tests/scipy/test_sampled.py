"""jitad.scipy.ndimage and jitad.scipy.integrate against SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.ndimage

import jitad
from jitad.scipy import integrate, ndimage

from ..linalg.checks import check_derivatives, close

RNG = np.random.default_rng(5)
IMAGE = RNG.normal(size=(5, 7))
FAR = RNG.uniform(-12, 15, (2, 60))
NEAR = RNG.uniform(0.2, 0.8, (2, 6)) + np.array([[0, 1, 2, 3, 1, 2], [-1, 0, 3, 5, 4, 6]])
MODES = ["grid-constant", "nearest", "mirror", "reflect", "grid-mirror", "grid-wrap"]
OF_JAX = {"constant": "grid-constant", "wrap": "grid-wrap"}


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("mode", [*MODES, *OF_JAX])
def test_interpolation(mode: str, order: int) -> None:
    for image in (
        IMAGE,
        IMAGE.astype(np.float32),
        (10 * IMAGE).astype(np.int32),
        IMAGE[:1],
        IMAGE + 1j * IMAGE[::-1],
    ):
        expected = scipy.ndimage.map_coordinates(
            image, FAR, order=order, mode=OF_JAX.get(mode, mode), cval=2.0
        )
        for run in (lambda f: f, jitad.jit):
            got = run(lambda x, c: ndimage.map_coordinates(x, c, order, mode, 2.0))(image, FAR)
            assert got.dtype == expected.dtype
            close(got, expected, mode, 1e-6 if image.dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("mode", [*MODES, *OF_JAX])
def test_slopes_of_interpolation(mode: str) -> None:
    check_derivatives(lambda x: ndimage.map_coordinates(x, NEAR, 1, mode), IMAGE)
    check_derivatives(lambda c: ndimage.map_coordinates(IMAGE, c, 1, mode), NEAR)
    check_derivatives(lambda x: ndimage.map_coordinates(x, NEAR, 0, mode), IMAGE)


def test_coordinates_of_several_kinds() -> None:
    line = np.arange(4.0)
    assert ndimage.map_coordinates(line, [np.array(1.5)], 1) == 1.5
    assert ndimage.map_coordinates(line, [np.array([3, 9])], 1, "nearest").tolist() == [3, 3]
    got = ndimage.map_coordinates(IMAGE, [np.ones((3, 1)), np.arange(4.0)], 1)
    close(got, np.broadcast_to(IMAGE[1, :4], (3, 4)), "broadcast")
    assert np.isnan(ndimage.map_coordinates(line, [np.array([np.nan])], 1, "nearest")).all()


def test_wrong_interpolations() -> None:
    with pytest.raises(NotImplementedError, match="order 0"):
        ndimage.map_coordinates(IMAGE, FAR, 3)
    with pytest.raises(ValueError, match="expected a mode of"):
        ndimage.map_coordinates(IMAGE, FAR, 1, "other")
    with pytest.raises(ValueError, match="got 1 for an input of shape"):
        ndimage.map_coordinates(IMAGE, FAR[:1], 1)


@pytest.mark.parametrize(
    "options", [{}, {"dx": 0.1}, {"axis": 0}, {"x": np.sort(RNG.normal(size=7))}]
)
def test_trapezoids(options: dict[str, Any]) -> None:
    expected = scipy.integrate.trapezoid(IMAGE, **options)
    close(integrate.trapezoid(IMAGE, **options), expected, "value", 1e-14)
    check_derivatives(lambda y: integrate.trapezoid(y, **options), IMAGE)


def test_trapezoids_move_with_their_places() -> None:
    places = np.sort(RNG.normal(size=7))
    check_derivatives(lambda x: integrate.trapezoid(IMAGE, x), places)
    whole = integrate.trapezoid(np.arange(5))
    assert whole == 8 and whole.dtype == np.float64
    with pytest.raises(ValueError):
        integrate.trapezoid(IMAGE, np.arange(3.0))
