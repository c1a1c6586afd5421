"""jitad.scipy.interpolate and jitad.scipy.cluster against SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.cluster.vq
import scipy.interpolate

import jitad
import jitad.numpy as jnp
from jitad.scipy.cluster import vq
from jitad.scipy.interpolate import RegularGridInterpolator

from ..linalg.checks import check_derivatives, close

RNG = np.random.default_rng(9)
LINES = (np.sort(RNG.normal(size=5)), np.arange(4.0), np.array([3.0, 1.0, -2.0]))
VALUES = RNG.normal(size=(5, 4, 3, 2))
PLACES = RNG.uniform(-3, 3.5, (40, 3))


def same(got: Any, expected: Any) -> None:
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", ["linear", "nearest"])
@pytest.mark.parametrize("fill", [np.nan, 2.0, None])
def test_interpolation_on_a_grid(method: str, fill: Any) -> None:
    options: dict[str, Any] = {"method": method, "bounds_error": False, "fill_value": fill}
    for axes in (1, 2, 3):
        expected = scipy.interpolate.RegularGridInterpolator(LINES[:axes], VALUES, **options)
        ours = RegularGridInterpolator(LINES[:axes], VALUES, **options)
        for x in (PLACES[:, :axes], np.where(PLACES > 3, np.nan, PLACES)[:, :axes]):
            same(ours(x), expected(x))
            same(jitad.jit(ours)(x), expected(x))
    other = "linear" if method == "nearest" else "nearest"
    same(ours(PLACES, other), expected(PLACES, other))
    at = (PLACES[:3, :1], PLACES[:4, 1], PLACES[0, 2])
    same(ours(at), expected(at))


def test_slopes_on_a_grid() -> None:
    inside = RNG.uniform(0.2, 0.8, (4, 2)) * 0.3 + 0.4

    def at(x: Any) -> Any:
        return RegularGridInterpolator((np.arange(3.0), np.arange(4.0)), VALUES[:3, :, 0])(x)

    check_derivatives(at, inside)
    check_derivatives(
        lambda v: RegularGridInterpolator((np.arange(3.0), np.arange(4.0)), v)(inside),
        VALUES[:3, :, 0].copy(),
    )
    line = np.array([0.0, 1.1, 2.3])
    check_derivatives(lambda p: RegularGridInterpolator((p,), VALUES[:3, 0])(inside[:, 0]), line)


def test_one_line() -> None:
    ours = RegularGridInterpolator((np.array([1.0]), np.arange(3.0)), np.arange(3.0)[None])
    assert ours([[1.0, 1.5]]) == 1.5


def test_wrong_grids() -> None:
    for interpolator in (scipy.interpolate.RegularGridInterpolator, RegularGridInterpolator):
        for points, values in (
            ((np.arange(3.0),), np.ones(4)),
            ((np.arange(3.0), np.arange(2.0)), np.ones(3)),
            ((np.array([0.0, 2.0, 1.0]),), np.ones(3)),
            ((np.ones((2, 2)),), np.ones(2)),
        ):
            with pytest.raises(ValueError):
                interpolator(points, values)
        with pytest.raises(ValueError):
            interpolator((np.arange(3.0),), np.ones(3), method="other")
        with pytest.raises(ValueError):
            interpolator((np.arange(3.0),) * 2, np.ones((3, 3)))(np.ones((2, 3)))
    with pytest.raises(NotImplementedError, match="bounds_error"):
        RegularGridInterpolator((np.arange(3.0),), np.ones(3), bounds_error=True)


def test_quantization() -> None:
    for obs, codes in (
        (RNG.normal(size=(20, 3)), RNG.normal(size=(4, 3))),
        (RNG.normal(size=20), RNG.normal(size=4)),
        (RNG.normal(size=(20, 3)).astype(np.float32), RNG.normal(size=(4, 3)).astype(np.float32)),
    ):
        expected = scipy.cluster.vq.vq(obs, codes)
        for run in (lambda f: f, jitad.jit):
            numbers, distances = run(vq.vq)(obs, codes)
            assert numbers.dtype == np.int32 and (numbers == expected[0]).all()
            close(distances, expected[1], "distances", 1e-6)
    check_derivatives(lambda x: vq.vq(x, np.eye(3))[1], RNG.normal(size=(5, 3)))
    check_derivatives(lambda c: jnp.sum(vq.vq(RNG_ROWS, c)[1]), RNG.normal(size=(2, 3)))


RNG_ROWS = RNG.normal(size=(6, 3))


def test_wrong_quantization() -> None:
    for obs, codes in (
        (np.ones(3), np.ones((2, 3))),
        (np.ones((2, 2, 2)), np.ones((2, 2, 2))),
        (np.ones((4, 3)), np.ones((4, 2))),
    ):
        for function in (scipy.cluster.vq.vq, vq.vq):
            with pytest.raises(ValueError):
                function(obs, codes)
    with pytest.raises(TypeError, match="real"):
        vq.vq(np.ones((2, 2)) * 1j, np.ones((2, 2)))
