"""Sums of padded arrays are their windows side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad_ir import ops
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.passes.dce import dce
from jitad_ir.passes.windows import SHORTEST, windows
from jitad_ir.types import parse_type
from jitad_ir.verify import verify


def graph(types: Sequence[str], program: Any) -> Graph:
    builder = Builder("f")
    inputs = [builder.input(parse_type(t)) for t in types]
    with building(builder):
        outputs = program(*inputs)
    return builder.build(list(outputs))


def after(before: Graph) -> Graph:
    """`before` with its sums rewritten, which has the same values."""
    found = dce(windows(before))
    verify(found)
    rng = np.random.default_rng(0)
    given = [rng.integers(-3, 4, v.shape).astype(v.dtype) for v in before.inputs]
    for a, b in zip(evaluate(before, *given), evaluate(found, *given), strict=True):
        np.testing.assert_array_equal(a, b)
    return found


def names(program: Graph) -> list[str]:
    return [eq.op.name for eq in program.equations]


def padded(u: Value, low: tuple[int, ...], shape: tuple[int, ...], value: float = 0.0) -> Value:
    high = tuple([n - m - k for n, m, k in zip(shape, u.shape, low, strict=True)])
    fill = ops.full(value=value, shape=(), dtype=u.dtype)
    return ops.pad(u, fill, low=low, high=high, interior=(0,) * len(low))


@pytest.mark.parametrize(
    ("element", "shape", "places"),
    [
        ("f64[1]", (19,), [(3,), (0,), (4,), (18,)]),
        ("f64[2]", (16,), [(6,), (0,), (2,), (0,), (2,)]),  # some twice
        ("f64[1,1]", (4, 4), [(0, 1), (2, 3), (0, 2), (1, 1), (0, 0)]),
        ("f64[1,4]", (5, 4), [(2, 0), (0, 0), (1, 0), (2, 0)]),
        ("c128[2,2,3]", (8, 2, 3), [(0, 0, 0), (2, 0, 0), (6, 0, 0), (4, 0, 0)]),
    ],
)
@pytest.mark.parametrize("dense", [False, True])
def test_windows_lie_side_by_side(
    element: str, shape: tuple[int, ...], places: list[tuple[int, ...]], dense: bool
) -> None:
    def program(x: Value, *parts: Value) -> Any:
        terms = [padded(u, low, shape) for u, low in zip(parts, places, strict=True)]
        total = terms[0]
        for k, term in enumerate(terms[1:]):
            total = ops.add(term, total) if k % 2 else ops.add(total, term)
            if dense and k == 1:
                total = ops.add(total, x)
        return (total,)

    whole = f"{element.split('[')[0]}[{','.join(map(str, shape))}]"
    found = after(graph([whole, *[element] * len(places)], program))
    assert names(found).count("concatenate") == 1
    assert "pad" not in names(found)


@pytest.mark.parametrize(
    ("element", "shape", "places", "value"),
    [
        ("f64[1]", (19,), [(3,), (0,), (4,)], 0.0),  # few
        ("f64[3]", (19,), [(0,), (1,), (4,), (6,)], 0.0),  # overlapping
        ("f64[3,1]", (4, 5), [(0, 0), (0, 1), (0, 2), (0, 3)], 0.0),  # no stretches of memory
        ("f64[1]", (19,), [(3,), (0,), (4,), (5,)], 1.0),  # no zeros
        ("f64[1]", (9,), [(3,), (0,), (4,), (5,)], 0.0),  # short
    ],
)
def test_others_stay(
    element: str, shape: tuple[int, ...], places: list[tuple[int, ...]], value: float
) -> None:
    def program(*parts: Value) -> Any:
        total = padded(parts[0], places[0], shape, value)
        for u, low in zip(parts[1:], places[1:], strict=True):
            total = ops.add(total, padded(u, low, shape, value))
        return (total,)

    before = graph([element] * len(places), program)
    assert names(after(before)) == names(before)


def test_sums_that_others_read_stay_as_they_are() -> None:
    def program(*parts: Value) -> Any:
        terms = [padded(u, (k,), (19,)) for k, u in enumerate(parts)]
        first = ops.add(terms[0], terms[1])
        total = ops.add(first, terms[2])
        return (ops.add(total, terms[3]), first)

    before = graph(["f64[1]"] * 4, program)
    assert names(after(before)) == names(before)


@pytest.mark.parametrize("count", [SHORTEST, 300])
def test_gradients_of_programs_that_read_elements_one_by_one(count: int) -> None:
    def f(x: Any) -> Any:
        total = x[0] * x[count - 1]
        for k in range(1, count):
            total = total + jnp.sin(x[k]) * x[k - 1]
        return total

    x = np.linspace(0.1, 1.0, count)
    expected = np.zeros(count)
    expected[[0, -1]] = x[[-1, 0]]
    expected[1:] += np.cos(x[1:]) * x[:-1]
    expected[:-1] += np.sin(x[1:])
    for wrap in (lambda g: g, jitad.jit):
        np.testing.assert_allclose(wrap(jitad.grad(f))(x), expected, rtol=1e-14)
