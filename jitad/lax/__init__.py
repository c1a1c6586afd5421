"""`jitad.lax`: the names of JAX's second layer, loaded when they are first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what a type checker sees; names below load when they are first used
    from ..transforms.collectives import *  # noqa: F403
    from ..transforms.stop import stop_gradient  # noqa: F401
    from . import linalg  # noqa: F401
    from .associative import *  # noqa: F403
    from .bits import *  # noqa: F403
    from .branches import *  # noqa: F403
    from .comparisons import *  # noqa: F403
    from .convolution import *  # noqa: F403
    from .convolution_shapes import *  # noqa: F403
    from .elementwise import *  # noqa: F403
    from .fourier import *  # noqa: F403
    from .functions import *  # noqa: F403
    from .gathering import *  # noqa: F403
    from .loops import *  # noqa: F403
    from .mapping import *  # noqa: F403
    from .platforms import *  # noqa: F403
    from .precision import *  # noqa: F403
    from .products import *  # noqa: F403
    from .ragged import *  # noqa: F403
    from .randomness import *  # noqa: F403
    from .reductions import *  # noqa: F403
    from .scattering import *  # noqa: F403
    from .shapes import *  # noqa: F403
    from .slicing import *  # noqa: F403
    from .solving import *  # noqa: F403
    from .sorting import *  # noqa: F403
    from .special_functions import *  # noqa: F403
    from .windows import *  # noqa: F403

_NAMES = {
    "associative": "associative_scan",
    "bits": (
        "bitcast_convert_type bitwise_and bitwise_not bitwise_or bitwise_xor clz mulhi "
        "population_count reduce_precision shift_left shift_right_arithmetic shift_right_logical"
    ),
    "branches": "cond switch",
    "comparisons": "clamp eq ge gt is_finite le lt ne select select_n",
    "convolution": (
        "conv conv_general_dilated conv_general_dilated_local conv_general_dilated_patches "
        "conv_transpose conv_with_general_padding"
    ),
    "convolution_shapes": (
        "ConvDimensionNumbers ConvGeneralDilatedDimensionNumbers conv_dimension_numbers "
        "conv_general_permutations conv_general_shape_tuple conv_shape_tuple "
        "conv_transpose_shape_tuple padtype_to_pads"
    ),
    "elementwise": (
        "RoundingMethod abs add atan2 ceil complex conj convert_element_type div floor imag "
        "integer_pow max min mul neg nextafter pow real rem round sign sub"
    ),
    "fourier": "FftType fft optimization_barrier",
    "functions": (
        "acos acosh asin asinh atan atanh cbrt cos cosh erf erf_inv erfc exp exp2 expm1 log log1p "
        "logistic reciprocal rsqrt sin sinh sqrt square tan tanh"
    ),
    "gathering": "GatherDimensionNumbers GatherScatterMode gather",
    "loops": "fori_loop scan while_loop",
    "mapping": "map",
    "platforms": "platform_dependent with_sharding_constraint",
    "precision": "Precision PrecisionLike",
    "products": "DotDimensionNumbers batch_matmul dot dot_general",
    "ragged": "RaggedDotDimensionNumbers ragged_dot ragged_dot_general",
    "randomness": "RandomAlgorithm random_gamma_grad rng_bit_generator rng_uniform",
    "reductions": (
        "cumlogsumexp cummax cummin cumprod cumsum reduce reduce_and reduce_max reduce_min "
        "reduce_or reduce_prod reduce_sum reduce_xor"
    ),
    "scattering": (
        "ScatterDimensionNumbers scatter scatter_add scatter_apply scatter_max scatter_min "
        "scatter_mul scatter_sub"
    ),
    "shapes": (
        "broadcast broadcast_in_dim broadcast_shapes broadcast_to_rank broadcasted_iota collapse "
        "concatenate empty expand_dims full full_like iota pad reshape rev split squeeze stack "
        "tile transpose unstack"
    ),
    "slicing": (
        "dynamic_index_in_dim dynamic_slice dynamic_slice_in_dim dynamic_update_index_in_dim "
        "dynamic_update_slice dynamic_update_slice_in_dim index_in_dim index_take slice "
        "slice_in_dim"
    ),
    "solving": "custom_linear_solve custom_root",
    "sorting": "approx_max_k approx_min_k argmax argmin sort sort_key_val top_k",
    "special_functions": (
        "bessel_i0e bessel_i1e betainc digamma igamma igamma_grad_a igammac lgamma polygamma zeta"
    ),
    "windows": "reduce_window reduce_window_shape_tuple",
}
_MODULES = {name: f".{module}" for module, names in _NAMES.items() for name in names.split()}
_COLLECTIVES = (
    "all_gather all_to_all axis_index axis_size pmax pmean pmin ppermute pshuffle psum "
    "psum_scatter pswapaxes"
)
_MODULES |= dict.fromkeys(_COLLECTIVES.split(), "..transforms.collectives")
_MODULES["stop_gradient"] = "..transforms.stop"
"""Name -> its module."""

__all__ = sorted([*_MODULES, "linalg"])  # pyright: ignore[reportUnsupportedDunderAll]
__dir__ = __all__.copy


def __getattr__(name: str) -> Any:
    if name == "linalg":
        return importlib.import_module(".linalg", __name__)
    module = _MODULES.get(name)
    if module is None and name.endswith("_p"):
        primitive = importlib.import_module("..primitives", __name__).primitive_named(name[:-2])
        if primitive is not None:
            return primitive
    if module is None:
        raise AttributeError(f"module 'jitad.lax' has no attribute {name!r}")
    value = getattr(importlib.import_module(module, __name__), name)
    globals()[name] = value
    return value
