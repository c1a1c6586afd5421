"""Conversions to and from float16, by the CPU's instruction and by integers, against NumPy's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from jitad_ir.native import half
from jitad_ir.native.program import compile_graph
from jitad_ir.text import parse

HALVES = np.arange(2**16, dtype=np.uint16).view(np.float16)
"""Every float16."""


@pytest.fixture(params=["instruction", "integers"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "integers":
        monkeypatch.setattr(half, "converts_half", lambda: False)
    elif not half.converts_half():
        pytest.skip("this CPU has no instruction")
    return request.param


def converted(x: np.ndarray, to: str) -> np.ndarray:
    """`x` converted by native code: most of it in SIMD registers, the rest one by one."""
    of = {2: "f16", 4: "f32", 8: "f64"}[x.dtype.itemsize] if x.dtype.kind == "f" else "i64"
    n = x.size
    text = f"graph f(a: {of}[{n}]) {{ b: {to}[{n}] = convert(a, dtype={to}) return b }}"
    (result,) = compile_graph(parse(text))(x)
    return result


def same(got: np.ndarray, expected: np.ndarray) -> None:
    """Bit for bit, but that any nan is as good as another."""
    assert got.dtype == expected.dtype
    bits = f"u{got.dtype.itemsize}"
    wrong = (got.view(bits) != expected.view(bits)) & ~(np.isnan(got) & np.isnan(expected))
    assert not wrong.any(), f"{got[wrong][:5]}, expected {expected[wrong][:5]}"


def around(halves: np.ndarray, dtype: Any) -> np.ndarray:
    """Every float16, what lies in the middle between neighbours, and what is just beside."""
    with np.errstate(all="ignore"):
        x = np.unique(halves[np.isfinite(halves)]).astype(dtype)
        x = np.concatenate([x, (x[1:] + x[:-1]) / 2, np.array([65520, 1e5, 1e30, 1e-30], dtype)])
        up, down = np.nextafter(x, np.array(np.inf, dtype)), np.nextafter(x, np.array(0, dtype))
        ends = np.array([np.inf, -np.inf, np.nan, -0.0, np.finfo(dtype).tiny / 4], dtype)
        return np.concatenate([x, up, down, ends])


@pytest.mark.parametrize("to", ["f32", "f64"])
def test_every_float16_is_widened_exactly(way: str, to: str) -> None:
    same(converted(HALVES, to), HALVES.astype({"f32": np.float32, "f64": np.float64}[to]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_nearest_float16_and_of_two_the_even_one(way: str, dtype: Any) -> None:
    x = around(HALVES, dtype)
    with np.errstate(over="ignore"):
        same(converted(x, "f16"), x.astype(np.float16))


def test_a_double_is_rounded_once(way: str) -> None:
    """In float32 it would become the middle between two float16, and then the wrong one."""
    x = np.array([1 + 2.0**-11 + 2.0**-40, 1 + 3 * 2.0**-11 - 2.0**-40, 2.0**-25 + 2.0**-60])
    got = converted(x, "f16")
    assert got.tolist() == [1 + 2.0**-10, 1 + 2.0**-10, 2.0**-24]


def test_random_bits(way: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2**32, 200_003, np.uint32).view(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        same(converted(x, "f16"), x.astype(np.float16))


def test_integers(way: str) -> None:
    x = np.concatenate([np.arange(-70000, 70000, 7), [2**24 + 1, 2**53 + 1, -(2**63), 2**63 - 1]])
    with np.errstate(over="ignore"):
        same(converted(x, "f16"), x.astype(np.float16))
    assert converted(np.array([1.9, -2.5, 65504, np.inf, np.nan], np.float16), "i16").tolist() == [
        1,
        -2,
        32767,
        32767,
        0,
    ]
    assert converted(np.array([0, -0.0, 6e-8, np.nan], np.float16), "bool").tolist() == [
        False,
        False,
        True,
        True,
    ]
