"""map and associative_scan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad.tree_util import tree_map

from .laws import obeys, same

ROWS = np.linspace(-1.0, 1.2, 15).reshape(5, 3)
W = np.array([1.2, 0.3, -0.9])


def rowwise(x: Any, w: Any) -> Any:
    return {"a": jnp.sin(x) * w, "b": [x.sum()]}


@pytest.mark.parametrize("batch_size", [None, 1, 2, 5, 7])
def test_map_agrees_with_rows(batch_size: int | None) -> None:
    obeys(
        lambda xs, w: lax.map(lambda x: rowwise(x, w), xs, batch_size=batch_size),
        lambda xs, w: tree_map(lambda *ys: jnp.stack(ys), *[rowwise(xs[i], w) for i in range(5)]),
        ROWS,
        W,
    )


def affine(a: Any, b: Any) -> Any:
    """Composition of x -> k x + d, batched."""
    return b[0] * a[0], b[0] * a[1] + b[1]


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 7, 16, 21])
@pytest.mark.parametrize("reverse", [False, True])
def test_associative_scan_folds_prefixes(length: int, reverse: bool) -> None:
    """Of a fold that does not commute."""
    rng = np.random.default_rng(length)
    k, d = rng.uniform(-1, 1, (2, length, 2))
    order = range(length)[::-1] if reverse else range(length)
    total, expected = None, np.zeros((2, length, 2))
    for i in order:
        total = (k[i], d[i]) if total is None else affine(total, (k[i], d[i]))
        expected[:, i] = total
    for run in (lax.associative_scan, jitad.jit(lax.associative_scan, static_argnums=(0, 2))):
        same(run(affine, (k, d), reverse), tuple(expected), "fold")


def test_associative_scan_agrees_with_a_loop() -> None:
    def twin(k: Any, d: Any) -> Any:
        results = [(k[:, 0], d[:, 0])]
        for i in range(1, 3):
            results.append(affine(results[-1], (k[:, i], d[:, i])))
        return tuple([jnp.stack(part, axis=1) for part in zip(*results, strict=True)])

    obeys(lambda k, d: lax.associative_scan(affine, (k, d), axis=-1), twin, ROWS, ROWS * 0.5 + W)
