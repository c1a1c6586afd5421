"""`jitad.lax`: the names of JAX's second layer that jitad has."""

from __future__ import annotations

from ..transforms.collectives import (
    all_gather,
    axis_index,
    axis_size,
    pmax,
    pmean,
    pmin,
    psum,
)
from ..transforms.stop import stop_gradient

__all__ = [
    "all_gather",
    "axis_index",
    "axis_size",
    "pmax",
    "pmean",
    "pmin",
    "psum",
    "stop_gradient",
]
