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
from .convolution import (
    conv,
    conv_general_dilated,
    conv_general_dilated_local,
    conv_general_dilated_patches,
    conv_transpose,
    conv_with_general_padding,
)
from .convolution_shapes import (
    ConvDimensionNumbers,
    ConvGeneralDilatedDimensionNumbers,
    conv_dimension_numbers,
    conv_general_permutations,
    conv_general_shape_tuple,
    conv_shape_tuple,
    conv_transpose_shape_tuple,
    padtype_to_pads,
)
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
    "ConvDimensionNumbers",
    "ConvGeneralDilatedDimensionNumbers",
    "all_gather",
    "associative_scan",
    "axis_index",
    "axis_size",
    "bessel_i0e",
    "bessel_i1e",
    "betainc",
    "cond",
    "conv",
    "conv_dimension_numbers",
    "conv_general_dilated",
    "conv_general_dilated_local",
    "conv_general_dilated_patches",
    "conv_general_permutations",
    "conv_general_shape_tuple",
    "conv_shape_tuple",
    "conv_transpose",
    "conv_transpose_shape_tuple",
    "conv_with_general_padding",
    "digamma",
    "fori_loop",
    "igamma",
    "igamma_grad_a",
    "igammac",
    "lgamma",
    "map",
    "padtype_to_pads",
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
