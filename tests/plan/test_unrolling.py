"""Arrays that alternate along a short last axis are written in one loop, in whole registers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad_ir.plan import plan_graph
from jitad_ir.plan.steps import Inside, Kernel
from jitad_ir.text import parse

DTYPES = ["f8", "f4", "f2", "i8", "i2", "u1", "?", "c8"]
LENGTHS = [2, 16, 17, 31, 33, 1003]
CASES = [(dtype, count) for dtype in DTYPES for count in (2, 3)]
CASES += [(dtype, count) for dtype in ("f8", "f4", "i2") for count in (4, 5, 7)]
CASES += [("f8", 17), ("f4", 11)]


def drawn(dtype: str, count: int, length: int) -> Any:
    rng = np.random.default_rng(length)
    numbers = rng.integers(0, 2 if dtype == "?" else 100, (count, length))
    return (numbers * (1 + 2j) if dtype[0] == "c" else numbers).astype(dtype)


@pytest.mark.parametrize(("dtype", "count"), CASES)
def test_alternating_arrays(dtype: str, count: int) -> None:
    stacked = jitad.jit(lambda *xs: jnp.stack([x[::-1] for x in xs], axis=-1))
    for length in LENGTHS:
        xs = drawn(dtype, count, length)
        np.testing.assert_array_equal(stacked(*xs), np.stack([x[::-1] for x in xs], axis=-1))


@pytest.mark.parametrize("dtype", ["f8", "f4", "i2"])
def test_between_other_elements(dtype: str) -> None:
    """At addresses that are no multiples of a register."""
    for length in LENGTHS:
        xs = drawn(dtype, 3, length)
        found = jitad.jit(lambda a, b, c: jnp.concatenate([a[:1], jnp.stack([a, b, c], 1).ravel()]))
        expected = np.concatenate([xs[0][:1], xs.T.ravel()])
        np.testing.assert_array_equal(found(*xs), expected)
        found = jitad.jit(
            lambda a, b, c: jnp.concatenate([jnp.stack([a, b, c], 1).ravel(), c[-1:], a[:1]])
        )
        expected = np.concatenate([xs.T.ravel(), xs[2][-1:], xs[0][:1]])
        np.testing.assert_array_equal(found(*xs), expected)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_shared_among_threads(threads: int) -> None:
    xs = drawn("f8", 3, 1_000_003)
    with jitad.threads(threads):
        found = jitad.jit(lambda a, b, c: jnp.stack([a + b, b * c, jnp.sin(c)], axis=1))(*xs)
    expected = np.stack([xs[0] + xs[1], xs[1] * xs[2], np.sin(xs[2])], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-15)


STACK = """graph f(a: f64[100], b: f64[100]) {
  c: f64[100] = add(a, b)
  d: f64[100,1] = reshape(c, shape=(100, 1))
  e: f64[100,1] = reshape(b, shape=(100, 1))
  f: f64[100,2] = concatenate(d, e, axis=1)
  g: f64[200] = reshape(f, shape=(200,))
  h: f64[1] = slice(c, start=(0,), limit=(1,), stride=(1,))
  i: f64[201] = concatenate(g, h, axis=0)
  return i
}"""


def test_no_condition_is_left() -> None:
    plan = plan_graph(parse(STACK))
    kernels = [step for step in plan.steps if isinstance(step, Kernel)]
    assert not any(isinstance(node, Inside) for kernel in kernels for node in kernel.nodes)
    assert [kernel.lengths for kernel in kernels if kernel.lengths] == [(100,)]
    assert plan.workspace_bytes == 0  # nothing is stored on the way


def test_rows_of_many_elements_stay_a_loop() -> None:
    graph = parse("""graph f(a: f64[100,40], b: f64[100,1]) {
      c: f64[100,41] = concatenate(a, b, axis=1)
      return c
    }""")
    kernels = [step for step in plan_graph(graph).steps if isinstance(step, Kernel)]
    assert [kernel.lengths for kernel in kernels] == [(100, 41)]


def test_elements_at_known_places_under_a_condition() -> None:
    """Blocks on a diagonal: a row of the result is read from one of them, or from none."""
    a, b = drawn("f8", 2, 60)
    block = np.array([[1.0, 2.0], [3.0, 4.0]])

    def blocks(x: object) -> object:
        return jitad.scipy.linalg.block_diag(x, block, 2.0, [1.0, 2.0])

    xs = np.stack([a[:48].reshape(3, 4, 4), b[:48].reshape(3, 4, 4)]).reshape(6, 4, 4)
    found = jitad.jit(jitad.vmap(blocks))(xs)
    for x, matrix in zip(xs, found, strict=True):
        np.testing.assert_array_equal(matrix, blocks(x))
