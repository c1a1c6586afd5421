"""segment_sum and relatives: values, derivatives, batches, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
from jitad import ops

DATA = np.array([[1.0, -2.0], [3.0, 0.5], [-1.5, 4.0], [2.0, 2.5], [9.0, 9.0]])
IDS = np.array([2, 0, 2, 7, -1])  # the last two are no segments
CASES = {
    "segment_sum": (np.add, 0.0),
    "segment_prod": (np.multiply, 1.0),
    "segment_max": (np.maximum, -np.inf),
    "segment_min": (np.minimum, np.inf),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name: str) -> None:
    combine, start = CASES[name]
    expected = np.full((4, 2), start)
    for row, k in zip(DATA[:3], IDS[:3], strict=True):
        expected[k] = combine(expected[k], row)
    f = getattr(ops, name)
    for run in (f, jitad.jit(f, static_argnums=2)):
        np.testing.assert_array_equal(run(DATA, IDS, 4), expected)
    lanes = jitad.vmap(lambda x, i: f(x, i, 4))(np.stack([DATA, DATA]), np.stack([IDS, IDS]))
    np.testing.assert_array_equal(lanes, np.stack([expected, expected]))
    counted = f(DATA[:3], IDS[:3])
    np.testing.assert_array_equal(counted, expected[:3])


def test_integers_and_more_axes() -> None:
    data, ids = np.arange(6).reshape(2, 3), np.array([[0, 1, 1], [0, 0, 3]])
    assert ops.segment_sum(data, ids, 4).tolist() == [7, 3, 0, 5]
    assert ops.segment_max(data, ids, 4).tolist() == [4, 2, np.iinfo(np.int64).min, 5]
    assert ops.segment_min(np.array([True, False]), np.array([0, 0]), 2).tolist() == [False, True]


def test_derivative_of_a_sum_is_its_rows() -> None:
    weights = np.arange(8.0).reshape(4, 2)

    def f(x: Any) -> Any:
        return (ops.segment_sum(x, IDS, 4) * weights).sum()

    expected = np.concatenate([weights[IDS[:3]], np.zeros((2, 2))])
    for wrap in (lambda g: g, jitad.jit):
        np.testing.assert_array_equal(wrap(jitad.grad(f))(DATA), expected)


def test_errors() -> None:
    with pytest.raises(TypeError, match="num_segments: expected an int"):
        jitad.jit(lambda i: ops.segment_sum(DATA, i))(IDS)
    with pytest.raises(TypeError, match="segment_ids: expected integers; got float64"):
        ops.segment_sum(DATA, IDS * 1.0, 4)
    with pytest.raises(ValueError, match=r"expected the first axes of data.*\(5, 2\); got \(2,\)"):
        ops.segment_sum(DATA, IDS[:2], 4)
