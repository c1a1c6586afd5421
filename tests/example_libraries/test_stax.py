"""Layers: shapes that `init` tells are those of outputs; values by hand; combinations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
from jitad.example_libraries import stax

KEY = jitad.random.key(5)
PICTURES = np.random.default_rng(1).normal(size=(2, 9, 8, 3))
ROWS = np.random.default_rng(2).normal(size=(4, 6))
LAYERS = {
    "dense": (stax.Dense(5), ROWS),
    "conv": (stax.Conv(4, (3, 2), strides=(2, 1), padding="SAME"), PICTURES),
    "conv_transpose": (stax.ConvTranspose(4, (3, 3), strides=(2, 2)), PICTURES),
    "conv_1d_transpose": (stax.Conv1DTranspose(4, (3,), padding="SAME"), PICTURES[0]),
    "batch_norm": (stax.BatchNorm(), PICTURES),
    "max_pool": (stax.MaxPool((2, 2), strides=(2, 2)), PICTURES),
    "sum_pool": (stax.SumPool((3, 2), padding="SAME"), PICTURES),
    "avg_pool": (stax.AvgPool((2, 3), spec="HWCN"), PICTURES),
    "flatten": (stax.Flatten, PICTURES),
    "softmax": (stax.Softmax, ROWS),
    "dropout": (stax.Dropout(0.5), ROWS),
    "serial": (stax.serial(stax.Flatten, stax.Dense(3), stax.Relu), PICTURES),
    "shape": (stax.shape_dependent(lambda shape: stax.Dense(2 * shape[-1])), ROWS),
}


@pytest.mark.parametrize("name", LAYERS)
def test_shapes_told_are_those_of_outputs(name: str) -> None:
    (init, apply), x = LAYERS[name]
    shape, params = init(KEY, x.shape)
    out = apply(params, x, rng=KEY)
    assert tuple(shape) == out.shape
    np.testing.assert_allclose(jitad.jit(apply)(params, x, rng=KEY), out, atol=1e-12)


def test_values() -> None:
    params = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([10.0, 20.0])
    np.testing.assert_array_equal(stax.Dense(2)[1](params, np.array([[1.0, 1.0]])), [[11.0, 23.0]])
    line = np.array([1.0, 5.0, 3.0]).reshape(1, 3, 1)
    assert stax.MaxPool((2,))[1]((), line).ravel().tolist() == [5.0, 5.0]
    assert stax.SumPool((2,))[1]((), line).ravel().tolist() == [6.0, 8.0]
    assert stax.AvgPool((2,), padding="SAME")[1]((), line).ravel().tolist() == [3.0, 4.0, 3.0]
    normal = stax.BatchNorm(axis=0, epsilon=0.0)[1]((np.full(6, 2.0), np.full(6, 3.0)), ROWS)
    np.testing.assert_allclose([normal.mean(0), normal.std(0)], [[2.0] * 6, [3.0] * 6])
    plain = stax.BatchNorm(0, center=False, scale=False)
    assert plain[0](KEY, ROWS.shape)[1] == ((), ())
    np.testing.assert_allclose(plain[1](((), ()), ROWS).mean(0), 0.0, atol=1e-12)


def test_side_by_side() -> None:
    init, apply = stax.serial(
        stax.FanOut(2),
        stax.parallel(stax.serial(stax.Dense(6), stax.Tanh), stax.Identity),
        stax.FanInSum,
    )
    shape, params = init(KEY, (-1, 6))
    (w, b), _ = params[1][0]
    np.testing.assert_allclose(apply(params, ROWS), np.tanh(ROWS @ w + b) + ROWS)
    assert shape == (-1, 6)
    init, apply = stax.FanInConcat()
    assert init(KEY, [(4, 2), (4, 3)])[0] == (4, 5)
    assert apply((), [ROWS, ROWS[:, :1]]).shape == (4, 7)


def test_dropout() -> None:
    _, apply = stax.Dropout(0.25)
    x: Any = np.ones((1000,))
    out = apply((), x, rng=KEY)
    assert set(np.unique(out)) == {0.0, 4.0} and abs(out.mean() - 1.0) < 0.2
    assert stax.Dropout(0.25, mode="test")[1]((), x, rng=KEY) is x
    with pytest.raises(ValueError, match="Dropout: expected .* rng=key"):
        apply((), x)
