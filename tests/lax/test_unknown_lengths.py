"""Shapes with an axis of unknown length, as layer libraries ask for them before there are data."""

from __future__ import annotations

from jitad import lax


def test_an_unknown_axis_stays_unknown() -> None:
    pooled = lax.reduce_window_shape_tuple(
        (-1, 14, 14, 16), (1, 2, 2, 1), (1, 2, 2, 1), [(0, 0)] * 4
    )
    assert pooled == (-1, 7, 7, 16)
