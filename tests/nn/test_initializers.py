"""Initializers: variances, known numbers, shapes, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
from jitad import random
from jitad.nn import initializers as init

KEY = random.key(3)
SHAPE = (60, 90)
KNOWN_HE_UNIFORM = [
    [-0.2824728510062632, -0.9827813739229705],
    [1.6119208250205792, 0.2580774192140736],
]
KNOWN_GLOROT_NORMAL = [
    [-0.1578419451054384, -0.5960477142553845],
    [1.2786324538838028, 0.14405612636002202],
]

VARIANCES: dict[str, tuple[Any, float]] = {
    "glorot_normal": (init.glorot_normal(), 2 / 150),
    "glorot_uniform": (init.glorot_uniform(), 2 / 150),
    "xavier_normal": (init.xavier_normal(), 2 / 150),
    "he_normal": (init.he_normal(), 2 / 60),
    "he_uniform": (init.he_uniform(), 2 / 60),
    "kaiming_uniform": (init.kaiming_uniform(), 2 / 60),
    "lecun_normal": (init.lecun_normal(), 1 / 60),
    "lecun_uniform": (init.lecun_uniform(), 1 / 60),
    "normal": (init.normal(0.3), 0.09),
    "uniform": (init.uniform(0.6), 0.03),
    "truncated_normal": (init.truncated_normal(0.5), 0.25 * 0.87962566103423978**2),
    "fan_out": (init.variance_scaling(3.0, "fan_out", "normal"), 3 / 90),
    "fan_geo_avg": (init.variance_scaling(1.0, "fan_geo_avg", "uniform"), 1 / np.sqrt(5400)),
    "axes": (init.he_normal(in_axis=1, out_axis=0), 2 / 90),
}


@pytest.mark.parametrize("name", VARIANCES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_variance(name: str, dtype: str) -> None:
    maker, variance = VARIANCES[name]
    drawn = maker(KEY, SHAPE, dtype)
    assert drawn.shape == SHAPE and drawn.dtype == np.dtype(dtype)
    assert np.var(drawn) == pytest.approx(variance, rel=0.06)
    compiled = jitad.jit(lambda key: maker(key, SHAPE, dtype))(KEY)
    np.testing.assert_allclose(compiled, drawn, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("distribution", ["normal", "truncated_normal", "uniform"])
def test_complex_variance(distribution: str) -> None:
    drawn = init.variance_scaling(2.0, "fan_in", distribution)(KEY, SHAPE, "complex128")
    assert drawn.dtype == np.complex128
    assert np.mean(np.abs(drawn) ** 2) == pytest.approx(2 / 60, rel=0.06)
    assert abs(np.mean(drawn**2)) < 0.002


def test_known_numbers() -> None:
    """Those of JAX for the same key, in float64."""
    found = init.glorot_normal()(random.key(0), (2, 2))
    np.testing.assert_allclose(found, KNOWN_GLOROT_NORMAL, rtol=1e-12)
    found = init.he_uniform()(random.key(0), (2, 2))
    np.testing.assert_allclose(found, KNOWN_HE_UNIFORM, rtol=1e-12)


def test_constants() -> None:
    assert init.zeros(KEY, (2,)).tolist() == [0, 0] and init.ones(KEY, (2,)).dtype == np.float64
    assert init.constant(3.5, "float32")(KEY, (2,)).tolist() == [3.5, 3.5]
    assert init.constant(np.arange(2.0))(KEY, (3, 2)).tolist() == [[0, 1]] * 3


def test_dtype_of_the_maker() -> None:
    assert init.he_normal(dtype="float32")(KEY, (2, 3)).dtype == np.float32
    assert init.he_normal(dtype="float32")(KEY, (2, 3), "float64").dtype == np.float64
    assert isinstance(init.he_normal(), init.Initializer)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (3, 2, 5)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    matrix = np.reshape(init.orthogonal(2.0)(KEY, shape), (-1, shape[-1]))
    rows, columns = matrix.shape
    product = matrix @ matrix.T if rows < columns else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(min(rows, columns)), atol=1e-13)
    assert init.orthogonal()(KEY, (0, 3)).shape == (0, 3)


@pytest.mark.parametrize("field", [(3,), (3, 4), (1, 3, 2)])
def test_delta_orthogonal(field: tuple[int, ...]) -> None:
    kernel = np.asarray(init.delta_orthogonal()(KEY, (*field, 4, 6)))
    center = kernel[tuple([(n - 1) // 2 for n in field])]
    np.testing.assert_allclose(center @ center.T, np.eye(4), atol=1e-13)
    assert np.count_nonzero(kernel) == np.count_nonzero(center)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: init.he_normal()(KEY, (3,)), "Must be at least 2D"),
        (lambda: init.variance_scaling(1.0, "fan", "normal")(KEY, (2, 2)), "invalid mode"),
        (lambda: init.variance_scaling(1.0, "fan_in", "cauchy"), "invalid distribution"),
        (lambda: init.orthogonal()(KEY, (3,)), "at least a 2D"),
        (lambda: init.delta_orthogonal()(KEY, (2, 2)), "3D, 4D or 5D"),
        (lambda: init.delta_orthogonal()(KEY, (3, 4, 2)), "fan_in"),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
