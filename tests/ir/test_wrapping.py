"""Scatters that count places below 0 from the end themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad_ir.graph import Graph
from jitad_ir.passes.pipeline import optimize
from jitad_ir.passes.wrapping import MANY, wrapping

RNG = np.random.default_rng(5)


def scatters(graph: Graph) -> list[Any]:
    return [eq for eq in graph.equations if eq.op.name.startswith("scatter")]


def places(low: int, high: int, size: int = MANY, dtype: str = "int64") -> np.ndarray:
    return RNG.integers(low, high, size).astype(dtype)


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8"])
@pytest.mark.parametrize("method", ["add", "set", "multiply", "min", "max"])
def test_places_go_to_the_scatter(method: str, dtype: str) -> None:
    x, i, v = RNG.normal(size=50), places(-60, 60, dtype=dtype), RNG.normal(size=MANY)

    def f(x: Any, i: Any, v: Any) -> Any:
        return getattr(x.at[i], method)(v)

    graph = optimize(jitad.make_ir(f)(x, i, v))
    (scatter,) = scatters(graph)
    assert scatter.params["wraps"]
    assert scatter.operands[2] is graph.inputs[1]
    expected = x.copy()
    place = np.where(i < 0, i.astype(int) + 50, i)
    inside = (place >= 0) & (place < 50)
    ufunc = {"add": np.add, "multiply": np.multiply, "min": np.minimum, "max": np.maximum}
    if method == "set":
        expected[place[inside]] = v[inside]
    else:
        ufunc[method].at(expected, place[inside], v[inside])
    np.testing.assert_allclose(jitad.jit(f)(x, i, v), expected, rtol=1e-13)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("mode", ["drop", "clip"])
def test_windows_and_several_axes(mode: str, threads: int) -> None:
    x, v = RNG.normal(size=(20, 30, 64)), RNG.normal(size=(MANY, 64))
    i, j = places(-25, 25), places(-35, 35)

    def f(x: Any, i: Any, j: Any, v: Any) -> Any:
        return x.at[i, j].add(v, mode=mode), x.at[:, j].add(1.0, mode=mode)

    graph = optimize(jitad.make_ir(f)(x, i, j, v))
    assert all(scatter.params["wraps"] for scatter in scatters(graph))
    with jitad.threads(threads):
        compiled = jitad.jit(f)(x, i, j, v)
    with jitad.disable_jit():
        for ours, eager in zip(compiled, f(jnp.asarray(x), i, j, v), strict=True):
            np.testing.assert_allclose(ours, eager, rtol=1e-12)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, i, v: x.at[jnp.where(i < 0, i + 8, i)].add(v, wrap_negative_indices=False),
        lambda x, i, v: x.at[i[:10]].add(v[:10]),
        lambda x, i, v: x.at[i].add(v, wrap_negative_indices=False),
        lambda x, i, v: jitad.lax.fori_loop(0, 3, lambda _, x: x.at[i].add(v), x),
    ],
    ids=["another length", "few places", "none to wrap", "in a loop"],
)
def test_others_stay(f: Any) -> None:
    graph = jitad.make_ir(f)(np.zeros(50), places(-60, 60), np.zeros(MANY))
    marked = [eq.params.get("wraps") for eq in scatters(wrapping(graph))]
    assert marked in ([], [None])
