"""Every op of the IR. An op lives in one place: its module here."""

from __future__ import annotations

from .arithmetic import (
    abs,
    add,
    cbrt,
    copysign,
    div,
    max,
    min,
    mul,
    neg,
    nextafter,
    reciprocal,
    rem,
    rsqrt,
    sign,
    sqrt,
    square,
    sub,
)
from .bessel import (
    airy,
    bessel_i,
    bessel_j,
    bessel_k,
    bessel_y,
    kelvin,
)
from .bessel_orders import (
    bessel_iv,
    bessel_ive,
    bessel_jv,
    bessel_kv,
    bessel_kve,
    bessel_yv,
    struve,
    struve_modified,
)
from .bitcast import bitcast
from .bitwise import (
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    clz,
    population_count,
    shift_left,
    shift_right_arithmetic,
    shift_right_logical,
)
from .branch import branch
from .callback import io_callback, pure_callback
from .check import check
from .checkpoint import checkpoint, checkpoint_name
from .collective import (
    all_gather,
    axis_index,
)
from .comparison import (
    eq,
    ge,
    gt,
    is_finite,
    le,
    lt,
    ne,
)
from .constants import (
    constant,
    full,
    iota,
)
from .conversion import (
    complex,
    conj,
    convert,
    imag,
    optimization_barrier,
    real,
    stop_gradient,
)
from .convolution import convolution
from .counting import bincount
from .cumulative import (
    cumlogsumexp,
    cummax,
    cummin,
    cumprod,
    cumsum,
    linear_recurrence,
)
from .custom_derivatives import (
    custom_jvp,
    custom_vjp,
    transposed_call,
)
from .custom_rules import custom_vmap, linear_call
from .derived import batched, pullback, pushforward, sparse_elements
from .determinants import (
    det,
    slogdet,
)
from .dot import (
    dot,
)
from .dynamic import (
    dynamic_slice,
    dynamic_update_slice,
)
from .eigen import (
    eig,
    eigh,
)
from .elliptic import (
    ellipe,
    ellipeinc,
    ellipj,
    ellipk,
    ellipkinc,
    ellipkm1,
)
from .factorials import (
    beta,
    betaln,
    binom,
    gamma,
    poch,
    reciprocal_gamma,
    zeta,
)
from .faddeeva import wofz
from .fft import (
    fft,
)
from .hypergeometric import (
    exprel,
    hyp0f1,
    hyp1f1,
    hyp2f1,
    hyperu,
)
from .implicit import linear_solve, root
from .incomplete import (
    betainc,
    igamma,
    igammac,
)
from .indexing import (
    gather,
    scatter_add,
)
from .integrals import (
    dawsn,
    erfc_inv,
    erfcx,
    exp1,
    expi,
    expn,
    fresnel,
    log_ndtr,
    ndtri,
    ndtri_exp,
    owens_t,
    shichi,
    sici,
    spence,
    wright_omega,
)
from .inverse_incomplete import (
    betainc_inv,
    betaincc,
    betaincc_inv,
    igamma_inv,
    igammac_inv,
    student_cdf,
    student_inv,
)
from .log_sums import logaddexp, logaddexp2
from .lu import (
    lu,
    solve,
)
from .matrix_exponential import expm, expm_frechet
from .packed_bits import pack_bits, unpack_bits
from .partition import argpartition, partition
from .pivots import pivots_to_permutation
from .powers import (
    integer_pow,
    pow,
)
from .pseudo_inverse import pinv
from .qr import qr
from .reduce import (
    argmax,
    argmin,
    reduce_and,
    reduce_max,
    reduce_min,
    reduce_or,
    reduce_prod,
    reduce_sum,
)
from .reduce_window import (
    reduce_window_max,
    reduce_window_min,
    reduce_window_sum,
    window_position,
)
from .rounding import (
    ceil,
    floor,
    round,
    trunc,
)
from .scan import scan
from .scatter import (
    scatter,
    scatter_max,
    scatter_min,
    scatter_mul,
)
from .schur import sqrtm, sylvester
from .schur_forms import hessenberg, schur
from .searching import searchsorted
from .selection import (
    clamp,
    select,
)
from .shape import (
    broadcast,
    reshape,
    reverse,
    transpose,
)
from .slicing import (
    concatenate,
    pad,
)
from .slicing import (
    slice_ as slice,
)
from .sorting import (
    argsort,
    order_statistics,
    sort,
    top_k,
)
from .special import (
    digamma,
    erf,
    erf_inv,
    erfc,
    lgamma,
    logistic,
    polygamma,
)
from .spherical import sph_legendre
from .svd import svd
from .threefry import threefry2x32
from .transcendental import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cos,
    cosh,
    exp,
    exp2,
    expm1,
    hypot,
    log,
    log1p,
    log2,
    log10,
    sin,
    sinh,
    tan,
    tanh,
)
from .triangular import (
    cholesky,
    triangular_solve,
)
from .true_places import true_places
from .wavefront import wavefront
from .while_loop import while_loop

# fmt: off
__all__ = [
    "abs", "acos", "acosh", "add", "airy", "all_gather", "argmax", "argmin", "argpartition",
    "argsort", "asin", "asinh", "atan", "atan2", "atanh", "axis_index", "batched", "bessel_i",
    "bessel_iv", "bessel_ive", "bessel_j", "bessel_jv", "bessel_k", "bessel_kv", "bessel_kve",
    "bessel_y", "bessel_yv", "beta", "betainc", "betainc_inv", "betaincc", "betaincc_inv", "betaln",
    "bincount", "binom", "bitcast", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor",
    "branch", "broadcast", "cbrt", "ceil", "check", "checkpoint", "checkpoint_name", "cholesky",
    "clamp", "clz", "complex", "concatenate", "conj", "constant", "convert", "convolution",
    "copysign", "cos", "cosh", "cumlogsumexp", "cummax", "cummin", "cumprod", "cumsum",
    "custom_jvp", "custom_vjp", "custom_vmap", "dawsn", "det", "digamma", "div", "dot",
    "dynamic_slice", "dynamic_update_slice", "eig", "eigh", "ellipe", "ellipeinc", "ellipj",
    "ellipk", "ellipkinc", "ellipkm1", "eq", "erf", "erf_inv", "erfc", "erfc_inv", "erfcx", "exp",
    "exp1", "exp2", "expi", "expm", "expm1", "expm_frechet", "expn", "exprel", "fft", "floor",
    "fresnel", "full", "gamma", "gather", "ge", "gt", "hessenberg", "hyp0f1", "hyp1f1", "hyp2f1",
    "hyperu", "hypot", "igamma", "igamma_inv", "igammac", "igammac_inv", "imag", "integer_pow",
    "io_callback", "iota", "is_finite", "kelvin", "le", "lgamma", "linear_call",
    "linear_recurrence", "linear_solve", "log", "log10", "log1p", "log2", "log_ndtr", "logaddexp",
    "logaddexp2", "logistic", "lt", "lu", "max", "min", "mul", "ndtri", "ndtri_exp", "ne", "neg",
    "nextafter", "optimization_barrier", "order_statistics", "owens_t", "pack_bits", "pad",
    "partition", "pinv", "pivots_to_permutation", "poch", "polygamma", "population_count", "pow",
    "pullback", "pure_callback", "pushforward", "qr", "real", "reciprocal", "reciprocal_gamma",
    "reduce_and", "reduce_max", "reduce_min", "reduce_or", "reduce_prod", "reduce_sum",
    "reduce_window_max", "reduce_window_min", "reduce_window_sum", "rem", "reshape", "reverse",
    "root", "round", "rsqrt", "scan", "scatter", "scatter_add", "scatter_max", "scatter_min",
    "scatter_mul", "schur", "searchsorted", "select", "shichi", "shift_left",
    "shift_right_arithmetic", "shift_right_logical", "sici", "sign", "sin", "sinh", "slice",
    "slogdet", "solve", "sort", "sparse_elements", "spence", "sph_legendre", "sqrt", "sqrtm",
    "square", "stop_gradient", "struve", "struve_modified", "student_cdf", "student_inv", "sub",
    "svd", "sylvester", "tan", "tanh", "threefry2x32", "top_k", "transpose", "transposed_call",
    "triangular_solve", "true_places", "trunc", "unpack_bits", "wavefront", "while_loop",
    "window_position", "wofz", "wright_omega", "zeta",
]
# fmt: on
