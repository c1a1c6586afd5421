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
from .associative import associative_scan
from .branches import cond, switch
from .loops import fori_loop, scan, while_loop
from .mapping import map

__all__ = [
    "all_gather",
    "associative_scan",
    "axis_index",
    "axis_size",
    "cond",
    "fori_loop",
    "map",
    "pmax",
    "pmean",
    "pmin",
    "psum",
    "scan",
    "stop_gradient",
    "switch",
    "while_loop",
]
