"""The array API standard's view of arrays, SciPy's functions and einops on traced arrays."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .compare import agree, assert_same, run_traced

ROOT = Path(__file__).resolve().parent.parent.parent
X = np.random.default_rng(2).normal(size=(3, 4))


def test_namespace() -> None:
    assert jnp.zeros(2).__array_namespace__() is jnp
    assert run_traced(lambda x: x.__array_namespace__().sin(x), X).shape == X.shape
    with pytest.raises(ValueError, match="2019.12"):
        jnp.zeros(2).__array_namespace__(api_version="2019.12")
    info = jnp.__array_namespace_info__()
    assert info.default_device() == "cpu" and info.devices() == ["cpu"]
    assert info.default_dtypes()["real floating"] == np.float64
    assert info.capabilities()["boolean indexing"] is True
    assert set(info.dtypes(kind="real floating")) == {"float32", "float64"}
    assert set(info.dtypes(kind=("bool", "signed integer"))) == {
        *("bool", "int8", "int16", "int32", "int64")
    }
    assert len(info.dtypes(kind="numeric")) == 12 and len(info.dtypes()) == 13
    with pytest.raises(ValueError, match="unsupported kind"):
        info.dtypes(kind="text")
    with pytest.raises(ValueError, match='Only "cpu" is allowed'):
        info.dtypes(device="gpu")


def test_devices() -> None:
    for make in (jnp.zeros, jnp.ones, jnp.empty, jnp.arange, jnp.eye):
        assert make(3, device="cpu").device == "cpu"
        with pytest.raises(ValueError, match='Only "cpu" is allowed'):
            make(3, device="gpu")
    assert run_traced(lambda x: jnp.zeros_like(x, device=x.device), X).shape == X.shape
    assert_same(run_traced(lambda x: x.to_device("cpu"), X), X, "to_device")


MASKED: list[Callable[[Any], Any]] = [
    lambda at: at.set(7.0),
    lambda at: at.add(2.0),
    lambda at: at.subtract(2.0),
    lambda at: at.multiply(3.0),
    lambda at: at.divide(2.0),
    lambda at: at.min(0.5),
    lambda at: at.max(0.5),
    lambda at: at.power(2),
    lambda at: at.apply(np.exp),
]


@pytest.mark.parametrize("update", MASKED, ids=range(len(MASKED)))
def test_updates_under_a_traced_mask(update: Callable[[Any], Any]) -> None:
    expected = np.asarray(update(jnp.asarray(X).at[X > 0]))
    assert_same(run_traced(lambda x: update(x.at[x > 0]), X), expected, "all axes")
    rows = X[:, 0] > 0
    expected = np.asarray(update(jnp.asarray(X).at[rows]))
    assert_same(run_traced(lambda x: update(x.at[x[:, 0] > 0]), X), expected, "first axis")


def test_values_of_a_traced_mask() -> None:
    row = np.arange(4.0)
    agree(
        lambda x: x.at[x[:, 0] > 0].set(row) if hasattr(x, "at") else jnp.asarray(x),
        lambda x: np.where(x[:, :1] > 0, row, x),
        jnp.asarray(X),
    )
    with pytest.raises(TypeError, match="is not known"):
        run_traced(lambda x: x.at[x > 0].set(np.arange(3.0)), X)
    with pytest.raises(IndexError, match="mask of the first axes"):
        run_traced(lambda x: x.at[x[0] > 0].set(1.0), X)


SCIPY = """
import jitad, numpy as np, scipy.integrate, scipy.special, scipy.stats
x = np.random.default_rng(0).normal(size=(3, 4))
for f in (
    lambda x: scipy.special.logsumexp(x, axis=1),
    lambda x: scipy.special.softmax(x, axis=0),
    lambda x: scipy.special.log_softmax(x, axis=1),
    lambda x: scipy.special.xlogy(abs(x), 2.0),
    lambda x: scipy.stats.zscore(x, axis=0),
    lambda x: scipy.stats.skew(x),
    lambda x: scipy.stats.kurtosis(x, axis=1),
    lambda x: scipy.stats.gmean(abs(x)),
    lambda x: scipy.stats.circmean(x),
    lambda x: scipy.stats.sem(x),
    lambda x: scipy.integrate.trapezoid(x),
    lambda x: scipy.integrate.cumulative_trapezoid(x),
):
    np.testing.assert_allclose(jitad.jit(f)(x), f(x), rtol=1e-12)
f = lambda x: scipy.special.logsumexp(x)
np.testing.assert_allclose(jitad.grad(f)(x), scipy.special.softmax(x), rtol=1e-12)
print("same")
"""


def test_scipy_by_the_array_api() -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "ir")])
    environment = {**os.environ, "PYTHONPATH": path, "SCIPY_ARRAY_API": "1"}
    command = [sys.executable, "-c", SCIPY]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout == "same\n", done.stderr


def test_einops() -> None:
    einops = pytest.importorskip("einops")
    for f in (
        lambda x: einops.rearrange(x, "a (b c) -> c a b", b=2),
        lambda x: einops.reduce(x, "a (b c) -> a", "mean", b=2),
        lambda x: einops.reduce(x, "a b -> b", "max"),
        lambda x: einops.repeat(x, "a b -> a b c", c=2),
        lambda x: einops.einsum(x, x, "a b, c b -> a c"),
        lambda x: einops.pack([x, x], "* b")[0],
    ):
        assert_same(run_traced(f, X), f(X), "einops")
    slope = jitad.grad(lambda x: einops.reduce(x**2, "a b -> ", "sum"))(X)
    assert_same(slope, 2 * X, "gradient")
