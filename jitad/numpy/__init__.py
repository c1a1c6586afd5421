"""`import jitad.numpy as jnp`: NumPy's functions on arrays and traced arrays.

Results, dtypes (NumPy 2: Python numbers are weak, float64 by default), broadcasting and errors
are NumPy's. What differs: arrays are not written to in place (`x.at[index].set(values)` returns
an updated copy); of bools and integers of 8 bits floats are float32 where NumPy's are float16;
ufuncs have no `out=` and `where=`; functions whose result's shape depends on values (`nonzero`,
`x[mask]`) need values that are known, or the length of the result (`size=`).
"""

from __future__ import annotations

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

import numpy as _np

# fmt: off
# isort: off
from . import fft as fft
from . import linalg as linalg
from .arithmetic import (
    abs, absolute, add, angle, astype, conj, conjugate, copysign, divide, divmod, fabs,
    floor_divide, fmod, heaviside, imag, iscomplexobj, isrealobj, mod, modf, multiply, negative,
    nextafter, positive, real, reciprocal, remainder, sign, signbit, square, subtract, true_divide,
)
from .bessel import i0
from .bits import (
    bitwise_and, bitwise_count, bitwise_invert, bitwise_left_shift, bitwise_not, bitwise_or,
    bitwise_right_shift, bitwise_xor, invert, left_shift, right_shift,
)
from .counting import (
    bincount, histogram, histogram2d, histogram_bin_edges, histogramdd,
)
from .creation import (
    arange, array, asarray, copy, empty, empty_like, full, full_like, geomspace, linspace, logspace,
    ones, ones_like, zeros, zeros_like,
)
from .differences import gradient, unwrap
from .dtypes import (
    bool, bool_, can_cast, cdouble, complex64, complex128, complex_, complexfloating, csingle,
    double, dtype, e, euler_gamma, finfo, float16, float32, float64, float_, floating, generic,
    iinfo, inexact, inf, int8, int16, int32, int64, int_, integer, isdtype, isscalar, issubdtype,
    iterable, nan, ndarray, newaxis, number, pi, promote_types, result_type, signedinteger, single,
    uint, uint8, uint16, uint32, uint64, unsignedinteger,
)
from .einstein import einsum, einsum_path
from .exponential import (
    cbrt, exp, exp2, expm1, float_power, hypot, log, log1p, log2, log10, logaddexp, logaddexp2,
    pow, power, sqrt,
)
from .files import (
    array_repr, array_str, from_dlpack, frombuffer, fromfile, fromiter, fromstring,
    get_printoptions, load, printoptions, save, savez, set_printoptions,
)
from .finding import argwhere, compress, extract, flatnonzero, nonzero, where
from .grids import c_, fromfunction, index_exp, indices, meshgrid, mgrid, ogrid, r_, s_
from .ignoring_nan import (
    nanargmax, nanargmin, nancumprod, nancumsum, nanmax, nanmean, nanmedian, nanmin, nanpercentile,
    nanprod, nanquantile, nanstd, nansum, nanvar,
)
from .inserting import delete, insert, trim_zeros
from .joining import (
    append, array_split, block, column_stack, concat, concatenate, dsplit, dstack, hsplit, hstack,
    resize, split, stack, tile, unstack, vsplit, vstack,
)
from .logic import (
    allclose, array_equal, array_equiv, equal, greater, greater_equal, isclose, iscomplex, isfinite,
    isinf, isnan, isneginf, isposinf, isreal, less, less_equal, logical_and, logical_not,
    logical_or, logical_xor, not_equal,
)
from .mapping import apply_along_axis, apply_over_axes, piecewise, vectorize
from .matrices import (
    diag, diag_indices, diag_indices_from, diagflat, diagonal, eye, identity, mask_indices, tri,
    tril, tril_indices, tril_indices_from, triu, triu_indices, triu_indices_from, vander,
)
from .membership import isin
from .methods import register as _register
from .namespace import API_VERSION as _API_VERSION
from .namespace import NamespaceInfo as _NamespaceInfo
from .padding import pad
from .picking import (
    ix_, ravel_multi_index, repeat, roll, take, take_along_axis, unravel_index,
)
from .placing import fill_diagonal, place, put, put_along_axis
from .polynomials import (
    poly, polyadd, polyder, polydiv, polyfit, polyint, polymul, polysub, polyval, roots,
)
from .products import (
    convolve, correlate, cross, dot, inner, kron, matmul, matvec, outer, tensordot, vdot, vecdot,
    vecmat,
)
from .quantiles import median, percentile, quantile
from .reduce import (
    all, amax, amin, any, argmax, argmin, count_nonzero, cumprod, cumsum, cumulative_prod,
    cumulative_sum, max, min, prod, ptp, sum, trace,
)
from .representation import frexp, ldexp, packbits, spacing, unpackbits
from .rounding import around, ceil, fix, floor, rint, round, trunc
from .selection import choose, clip, fmax, fmin, maximum, minimum, nan_to_num, select
from .sets import (
    intersect1d, setdiff1d, setxor1d, union1d, unique, unique_all, unique_counts,
    unique_inverse, unique_values,
)
from .shapes import (
    atleast_1d, atleast_2d, atleast_3d, broadcast_arrays, broadcast_shapes, broadcast_to,
    expand_dims, flip, fliplr, flipud, matrix_transpose, moveaxis, ndim, permute_dims, ravel,
    reshape, rollaxis, rot90, shape, size, squeeze, swapaxes, transpose,
)
from .sorting import (
    argpartition, argsort, digitize, interp, lexsort, partition, searchsorted, sort, sort_complex,
    top_k,
)
from .statistics import average, corrcoef, cov, diff, ediff1d, mean, std, trapezoid, var
from .trigonometric import (
    acos, acosh, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, asin, asinh, atan,
    atan2, atanh, cos, cosh, deg2rad, degrees, rad2deg, radians, sin, sinc, sinh, tan, tanh,
)
from .windows import bartlett, blackman, hamming, hanning, kaiser
# isort: on
# fmt: on

if _TYPE_CHECKING:
    from .ufuncs import frompyfunc, gcd, lcm, ufunc

_register(globals(), _np)
_register({name: getattr(linalg, name) for name in linalg.__all__}, _np.linalg)
_register({name: getattr(fft, name) for name in fft.__all__}, _np.fft)

__array_api_version__ = _API_VERSION
__array_namespace_info__ = _NamespaceInfo


def __getattr__(name: str) -> _Any:
    """What is made of loops loads when first used: the loops of jitad.lax need this module. So does
    `special`, the special functions as libraries for the array API standard look them up."""
    if name == "special":
        return _importlib.import_module(".special", __name__)
    if name not in ("frompyfunc", "gcd", "lcm", "ufunc"):
        raise _importlib.import_module("..absent", __name__).no_attribute(__name__, name)
    value = getattr(_importlib.import_module(".ufuncs", __name__), name)
    globals()[name] = value
    return value


# fmt: off
__all__ = [
    "abs", "absolute", "acos", "acosh", "add", "all", "allclose", "amax", "amin", "angle", "any",
    "append", "apply_along_axis", "apply_over_axes", "arange", "arccos", "arccosh", "arcsin",
    "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin", "argpartition", "argsort",
    "argwhere", "around", "array", "array_equal", "array_equiv", "array_repr", "array_split",
    "array_str", "asarray", "asin", "asinh", "astype", "atan", "atan2", "atanh", "atleast_1d",
    "atleast_2d", "atleast_3d", "average", "bartlett", "bincount", "bitwise_and", "bitwise_count",
    "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "blackman", "block", "bool", "bool_", "broadcast_arrays", "broadcast_shapes",
    "broadcast_to", "c_", "can_cast", "cbrt", "cdouble", "ceil", "choose", "clip", "column_stack",
    "complex128", "complex64", "complex_", "complexfloating", "compress", "concat", "concatenate",
    "conj", "conjugate", "convolve", "copy", "copysign", "corrcoef", "correlate", "cos", "cosh",
    "count_nonzero", "cov", "cross", "csingle", "cumprod", "cumsum", "cumulative_prod",
    "cumulative_sum", "deg2rad", "degrees", "delete", "diag", "diag_indices", "diag_indices_from",
    "diagflat", "diagonal", "diff", "digitize", "divide", "divmod", "dot", "double", "dsplit",
    "dstack", "dtype", "e", "ediff1d", "einsum", "einsum_path", "empty", "empty_like", "equal",
    "euler_gamma", "exp", "exp2", "expand_dims", "expm1", "extract", "eye", "fabs", "fft",
    "fill_diagonal", "finfo", "fix", "flatnonzero", "flip", "fliplr", "flipud", "float16",
    "float32", "float64", "float_", "float_power", "floating", "floor", "floor_divide", "fmax",
    "fmin", "fmod", "frexp", "from_dlpack", "frombuffer", "fromfile", "fromfunction", "fromiter",
    "frompyfunc", "fromstring", "full", "full_like", "gcd", "generic", "geomspace",
    "get_printoptions", "gradient", "greater", "greater_equal", "hamming", "hanning", "heaviside",
    "histogram", "histogram2d", "histogram_bin_edges", "histogramdd", "hsplit", "hstack", "hypot",
    "i0", "identity", "iinfo", "imag", "index_exp", "indices", "inexact", "inf", "inner", "insert",
    "int16", "int32", "int64", "int8", "int_", "integer", "interp", "intersect1d", "invert",
    "isclose", "iscomplex", "iscomplexobj", "isdtype", "isfinite", "isin", "isinf", "isnan",
    "isneginf", "isposinf", "isreal", "isrealobj", "isscalar", "issubdtype", "iterable", "ix_",
    "kaiser", "kron", "lcm", "ldexp", "left_shift", "less", "less_equal", "lexsort", "linalg",
    "linspace", "load", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logical_and",
    "logical_not", "logical_or", "logical_xor", "logspace", "mask_indices", "matmul",
    "matrix_transpose", "matvec", "max", "maximum", "mean", "median", "meshgrid", "mgrid", "min",
    "minimum", "mod", "modf", "moveaxis", "multiply", "nan", "nan_to_num", "nanargmax",
    "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin",
    "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar", "ndarray", "ndim",
    "negative", "newaxis", "nextafter", "nonzero", "not_equal", "number", "ogrid", "ones",
    "ones_like", "outer", "packbits", "pad", "partition", "percentile", "permute_dims", "pi",
    "piecewise", "place", "poly", "polyadd", "polyder", "polydiv", "polyfit", "polyint", "polymul",
    "polysub", "polyval", "positive", "pow", "power", "printoptions", "prod", "promote_types",
    "ptp", "put", "put_along_axis", "quantile", "r_", "rad2deg", "radians", "ravel",
    "ravel_multi_index", "real", "reciprocal", "remainder", "repeat", "reshape", "resize",
    "result_type", "right_shift", "rint", "roll", "rollaxis", "roots", "rot90", "round", "s_",
    "save", "savez", "searchsorted", "select", "set_printoptions", "setdiff1d", "setxor1d", "shape",
    "sign", "signbit", "signedinteger", "sin", "sinc", "single", "sinh", "size", "sort",
    "sort_complex", "spacing", "split", "sqrt", "square", "squeeze", "stack", "std", "subtract",
    "sum", "swapaxes", "take", "take_along_axis", "tan", "tanh", "tensordot", "tile",
    "top_k", "trace", "transpose", "trapezoid", "tri", "tril", "tril_indices", "tril_indices_from",
    "trim_zeros",
    "triu", "triu_indices", "triu_indices_from", "true_divide", "trunc", "ufunc", "uint", "uint16",
    "uint32", "uint64", "uint8", "union1d", "unique", "unique_all", "unique_counts",
    "unique_inverse", "unique_values", "unpackbits", "unravel_index", "unsignedinteger", "unstack",
    "unwrap", "vander", "var", "vdot", "vecdot", "vecmat", "vectorize", "vsplit", "vstack",
    "where", "zeros", "zeros_like",
]
# fmt: on
__dir__ = __all__.copy
