"""Resampling of images: weights, derivatives, dtypes, errors."""

from __future__ import annotations

import numpy as np
import pytest

import jitad
from jitad import image
from jitad.test_util import check_grads

PICTURE = np.random.default_rng(3).normal(size=(6, 5, 2))
KERNELS = ["linear", "cubic", "lanczos3", "lanczos5"]


@pytest.mark.parametrize("method", KERNELS)
def test_a_constant_stays_one(method: str) -> None:
    for shape in [(12, 3, 2), (2, 15, 2), (6, 5, 2)]:
        np.testing.assert_allclose(image.resize(np.full((6, 5, 2), 3.0), shape, method), 3.0)


def test_a_ramp_stays_one_between_the_middles_of_pixels() -> None:
    wide = image.resize(np.arange(4.0), (8,), "linear")
    np.testing.assert_allclose(wide, np.clip(np.arange(8) / 2 - 0.25, 0, 3))
    halved = image.resize(np.arange(4.0), (2,), "linear", antialias=False)
    np.testing.assert_allclose(halved, [0.5, 2.5])
    averaged = image.resize(np.array([0.0, 0.0, 8.0, 0.0]), (2,), "linear")
    np.testing.assert_allclose(averaged, [8 / 7, 24 / 7])


def test_nearest_keeps_values_and_dtypes() -> None:
    x = np.array([[1, 2, 3]], np.uint8)
    out = image.resize(x, (2, 6), image.ResizeMethod.NEAREST)
    assert out.dtype == np.uint8 and out.tolist() == [[1, 1, 2, 2, 3, 3]] * 2
    assert image.resize(x, (1, 4), "linear").dtype == np.float64
    assert image.resize(x.astype(np.float32), (1, 4), "cubic").dtype == np.float32


@pytest.mark.parametrize("method", KERNELS)
def test_scaled_and_moved(method: str) -> None:
    """Both axes in one are each in turn; identity; traced; derivatives in all arguments."""

    def move(x: np.ndarray, scale: np.ndarray, translation: np.ndarray) -> jitad.Array:
        return image.scale_and_translate(x, (7, 4, 2), (0, 1), scale, translation, method)

    arguments = PICTURE, np.array([1.3, 0.7]), np.array([0.4, -0.9])
    both = move(*arguments)
    first = image.scale_and_translate(PICTURE, (7, 5, 2), (0,), [1.3], [0.4], method)
    second = image.scale_and_translate(first, (7, 4, 2), (1,), [0.7], [-0.9], method)
    np.testing.assert_allclose(both, second, atol=1e-12)
    np.testing.assert_allclose(jitad.jit(move)(*arguments), both, atol=1e-12)
    check_grads(move, arguments, order=1, rtol=1e-5)
    same = image.scale_and_translate(PICTURE, PICTURE.shape, (-2,), [1.0], [0.0], method)
    np.testing.assert_allclose(same, PICTURE, atol=1e-12)


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"resize: expected a shape of 3 axes; got \(2, 2\)"):
        image.resize(PICTURE, (2, 2), "linear")
    with pytest.raises(ValueError, match="one of nearest, linear, .*; got 'area'"):
        image.resize(PICTURE, (2, 2, 2), "area")
    with pytest.raises(ValueError, match="expected a kernel; got 'nearest'"):
        image.scale_and_translate(PICTURE, (2, 2, 2), (0,), [1.0], [0.0], "nearest")
    with pytest.raises(ValueError, match=r"scale and translation of shape \(2,\)"):
        image.scale_and_translate(PICTURE, (2, 2, 2), (0, 1), [1.0], [0.0], "linear")
