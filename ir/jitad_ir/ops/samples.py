"""Operands on which the laws of elementwise ops are tested: sets that many ops share."""

from __future__ import annotations

from math import inf, nan
from typing import Any

from ..graph import Number
from ..op import Draw, Sample

FLOATS = ("f16", "f32", "f64")
COMPLEX = ("c64", "c128")

_FLOAT_EDGES = (0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.5, -3.5, 1e-30, 1e30, -1e30, inf, -inf, nan)

_INTEGER_EDGES: dict[str, tuple[int, ...]] = {
    "i8": (0, 1, -1, 2, -7, 127, -128),
    "u8": (0, 1, 2, 7, 128, 255),
    "i64": (0, 1, -1, 2, -7, 2**63 - 1, -(2**63)),
    "u32": (0, 1, 2, 7, 2**31, 2**32 - 1),
}


def one(low: float = -3.0, high: float = 3.0, **params: Any) -> tuple[Sample, ...]:
    """One operand, uniform in [low, high): longer than a SIMD register, matrix, 0-d, empty."""
    shapes = ((19,), (2, 3), (), (0,))
    return tuple([Sample((Draw(shape, low, high),), params) for shape in shapes])


def two(
    low: float = -3.0,
    high: float = 3.0,
    second_low: float | None = None,
    second_high: float | None = None,
) -> tuple[Sample, ...]:
    """Two operands, uniform in [low, high) and [second_low, second_high), as in `one`."""
    lows = (low, low if second_low is None else second_low)
    highs = (high, high if second_high is None else second_high)
    shapes = ((19,), (2, 3), (), (0,))
    return tuple(
        [
            Sample(tuple([Draw(shape, a, b) for a, b in zip(lows, highs, strict=True)]))
            for shape in shapes
        ]
    )


def edges(arity: int = 1, *, extra: tuple[float, ...] = (), **params: Any) -> tuple[Sample, ...]:
    """Signed zeros, infinities, nan, huge, tiny and `extra` in float dtypes; for two operands
    every pair. Not smooth: only values are compared there."""
    draws = _pairs(_FLOAT_EDGES + extra, arity)
    return (Sample(draws, params, FLOATS, smooth=False),)


def integer_edges(arity: int = 1, **params: Any) -> tuple[Sample, ...]:
    """The ends of the range, zero and one in some integer dtypes; for two operands every pair."""
    return tuple(
        [
            Sample(_pairs(values, arity), params, (dtype,), smooth=False)
            for dtype, values in _INTEGER_EDGES.items()
        ]
    )


def bools(arity: int) -> tuple[Sample, ...]:
    """Every combination of truth values."""
    return (Sample(_pairs((False, True), arity), {}, ("bool",), smooth=False),)


def _pairs(values: tuple[Number, ...], arity: int) -> tuple[Draw, ...]:
    n = len(values)
    if arity == 1:
        return (Draw((n,), values=values),)
    rows = tuple([v for v in values for _ in range(n)])
    return (Draw((n, n), values=rows), Draw((n, n), values=values * n))
