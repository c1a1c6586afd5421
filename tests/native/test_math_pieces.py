"""tanh, erf and erfc by pieces: tables, errors in every piece, and what other CPUs compute."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import scipy.special

from benchmarks import fit_pieces
from jitad_ir.native import math_pieces
from tests.native.lane_runner import LaneRunner
from tests.native.test_math_accuracy import assert_within, ulp_errors

SINGLE, DOUBLE = np.dtype("float32"), np.dtype("float64")
EXACT: dict[str, Callable] = {"tanh": np.tanh, "erf": scipy.special.erf}
"""In float64, good to 2 ulp of it."""


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """By pieces, whatever the CPU: where it does not permute, by loads."""
    monkeypatch.setattr(math_pieces, "has_pieces", lambda kernel: True)


def runner(name: str, dtype: np.dtype, width: int) -> LaneRunner:
    return LaneRunner(lambda e, x: getattr(e, name)(x), [dtype], width)


def singles(low: float, high: float, step: int) -> np.ndarray:
    """Every so many-th float32 of an interval."""
    first, last = np.array([low, high], SINGLE).view(np.uint32)
    return np.arange(first, last, step, dtype=np.uint32).view(SINGLE)


def single_errors(actual: np.ndarray, exact: np.ndarray) -> np.ndarray:
    return np.abs(actual - exact) / np.spacing(np.abs(exact.astype(SINGLE))).astype(DOUBLE)


@pytest.mark.parametrize("name", fit_pieces.TABLES)
def test_tables_are_those_of_the_fit_tool(name: str) -> None:
    assert vars(math_pieces)[name] == fit_pieces.fitted(name).table


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("name", EXACT)
def test_errors_of_float32(name: str) -> None:
    x = singles(2.0**-14, 12.0, 61)
    actual = runner(name, SINGLE, 16)(x)
    errors = single_errors(actual, EXACT[name](x.astype(DOUBLE)))
    worst = int(errors.argmax())
    assert errors[worst] <= 1.75, (x[worst], errors[worst])
    assert actual.max() == 1.0
    assert runner(name, SINGLE, 1)(-x).tobytes() == (-actual).tobytes()


@pytest.mark.usefixtures("pieces")
def test_erfc_of_float32() -> None:
    run = runner("erfc", SINGLE, 16)
    x = np.concatenate([singles(2.0**-30, 10.0, 61), -singles(2.0**-30, 6.0, 61)])
    actual = run(x)
    errors = single_errors(actual, scipy.special.erfc(x.astype(DOUBLE)))
    worst = int(errors.argmax())
    assert errors[worst] <= 2.5, (x[worst], errors[worst])
    assert runner("erfc", SINGLE, 1)(x[::97]).tobytes() == actual[::97].tobytes()
    ends = np.array([0.0, -0.0, 10.0, 10.2, 1e6, np.inf, -4.0, -1e6, -np.inf], SINGLE)
    expected = np.array([1, 1, 1.4e-45, 0, 0, 0, 2, 2, 2], SINGLE)
    np.testing.assert_array_equal(run(ends), expected)
    assert np.isnan(run(np.array([np.nan, -np.nan], SINGLE))).all()


@pytest.mark.usefixtures("pieces")
def test_errors_of_float64_at_the_ends_of_pieces() -> None:
    ends = np.array([float(high) for _, high in fit_pieces.tanh_pieces(53)])
    rng = np.random.default_rng(3)
    near = ends[:, None] * (1 + np.exp2(-np.arange(2.0, 54.0)) * rng.choice([-1, 1], (16, 52)))
    x = np.concatenate([near.ravel(), ends, rng.uniform(0.0, 0.6, 2000)])
    with mpmath.workprec(120):
        exact = [mpmath.tanh(mpmath.mpf(v)) for v in x.tolist()]
    actual = runner("tanh", DOUBLE, 8)(x)
    assert_within(actual, exact, 1.6, x)
    assert actual.max() == 1.0
    assert runner("tanh", DOUBLE, 1)(-x).tobytes() == (-actual).tobytes()


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
@pytest.mark.parametrize("name", EXACT)
def test_ends_of_the_range(name: str, dtype: np.dtype) -> None:
    far = np.array([19.07, 20.5, 23.0, 1e6, np.finfo(dtype).max, np.inf], dtype)
    run = runner(name, dtype, 8)
    assert (run(far) == 1.0).all() and (run(-far) == -1.0).all()
    assert np.isnan(run(np.array([np.nan, -np.nan], dtype))).all()
    zeros = np.array([0.0, -0.0], dtype)
    assert run(zeros).tobytes() == zeros.tobytes()
    least = np.finfo(dtype).smallest_subnormal
    tiny = np.array([least, 3 * least, 1000 * least, np.finfo(dtype).tiny], dtype)
    slope = 1.0 if name == "tanh" else 2.0 / np.sqrt(np.pi)
    assert (np.abs(run(tiny) - slope * tiny) <= least).all()


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
@pytest.mark.parametrize("name", [*EXACT, "erfc"])
def test_cpus_without_permutations(
    name: str, dtype: np.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They multiply and add in one instruction, as most do."""
    monkeypatch.setattr(math_pieces, "host_permutes", lambda: False)
    x = np.linspace(-8.0, 8.0, 801).astype(dtype)
    with mpmath.workprec(120):
        exact = [getattr(mpmath, name)(mpmath.mpf(v)) for v in x.tolist()]
    assert ulp_errors(runner(name, dtype, 4)(x), exact).max() <= 2.0
