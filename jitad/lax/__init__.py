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
from .special_functions import (
    bessel_i0e,
    bessel_i1e,
    betainc,
    digamma,
    igamma,
    igamma_grad_a,
    igammac,
    lgamma,
    polygamma,
    zeta,
)

__all__ = [
    "all_gather",
    "associative_scan",
    "axis_index",
    "axis_size",
    "bessel_i0e",
    "bessel_i1e",
    "betainc",
    "cond",
    "digamma",
    "fori_loop",
    "igamma",
    "igamma_grad_a",
    "igammac",
    "lgamma",
    "map",
    "pmax",
    "pmean",
    "pmin",
    "polygamma",
    "psum",
    "scan",
    "stop_gradient",
    "switch",
    "while_loop",
    "zeta",
]
