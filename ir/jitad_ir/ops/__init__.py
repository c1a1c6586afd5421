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
    bessel_i,
    bessel_j,
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
from .factorials import (
    beta,
    betaln,
    binom,
    gamma,
    poch,
    zeta,
)
from .faddeeva import wofz
from .fft import (
    fft,
)
from .hypergeometric import (
    hyp1f1,
    hyp2f1,
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
    erfcx,
    exp1,
    expi,
    expn,
    fresnel,
    log_ndtr,
    ndtri,
    owens_t,
    sici,
    spence,
)
from .lu import (
    lu,
    solve,
)
from .matrix_exponential import expm, expm_frechet
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
from .searching import (
    bincount,
    searchsorted,
)
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
from .wavefront import wavefront
from .while_loop import while_loop

__all__ = [
    "abs",
    "acos",
    "acosh",
    "add",
    "all_gather",
    "argmax",
    "argmin",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "axis_index",
    "bessel_i",
    "bessel_j",
    "beta",
    "betainc",
    "betaln",
    "bincount",
    "binom",
    "bitcast",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "branch",
    "broadcast",
    "cbrt",
    "ceil",
    "checkpoint",
    "checkpoint_name",
    "cholesky",
    "clamp",
    "clz",
    "complex",
    "concatenate",
    "conj",
    "constant",
    "convert",
    "convolution",
    "copysign",
    "cos",
    "cosh",
    "cumlogsumexp",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "custom_jvp",
    "custom_vjp",
    "custom_vmap",
    "dawsn",
    "det",
    "digamma",
    "div",
    "dot",
    "dynamic_slice",
    "dynamic_update_slice",
    "eig",
    "eigh",
    "eq",
    "erf",
    "erf_inv",
    "erfc",
    "erfcx",
    "exp",
    "exp1",
    "exp2",
    "expi",
    "expm",
    "expm1",
    "expm_frechet",
    "expn",
    "fft",
    "floor",
    "fresnel",
    "full",
    "gamma",
    "gather",
    "ge",
    "gt",
    "hessenberg",
    "hyp1f1",
    "hyp2f1",
    "igamma",
    "igammac",
    "imag",
    "integer_pow",
    "io_callback",
    "iota",
    "is_finite",
    "le",
    "lgamma",
    "linear_call",
    "linear_recurrence",
    "linear_solve",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_ndtr",
    "logistic",
    "lt",
    "lu",
    "max",
    "min",
    "mul",
    "ndtri",
    "ne",
    "neg",
    "nextafter",
    "optimization_barrier",
    "order_statistics",
    "owens_t",
    "pad",
    "pinv",
    "pivots_to_permutation",
    "poch",
    "polygamma",
    "population_count",
    "pow",
    "pure_callback",
    "qr",
    "real",
    "reciprocal",
    "reduce_and",
    "reduce_max",
    "reduce_min",
    "reduce_or",
    "reduce_prod",
    "reduce_sum",
    "reduce_window_max",
    "reduce_window_min",
    "reduce_window_sum",
    "rem",
    "reshape",
    "reverse",
    "root",
    "round",
    "rsqrt",
    "scan",
    "scatter",
    "scatter_add",
    "scatter_max",
    "scatter_min",
    "scatter_mul",
    "schur",
    "searchsorted",
    "select",
    "shift_left",
    "shift_right_arithmetic",
    "shift_right_logical",
    "sici",
    "sign",
    "sin",
    "sinh",
    "slice",
    "slogdet",
    "solve",
    "sort",
    "spence",
    "sph_legendre",
    "sqrt",
    "sqrtm",
    "square",
    "stop_gradient",
    "sub",
    "svd",
    "sylvester",
    "tan",
    "tanh",
    "threefry2x32",
    "top_k",
    "transpose",
    "transposed_call",
    "triangular_solve",
    "trunc",
    "wavefront",
    "while_loop",
    "window_position",
    "wofz",
    "zeta",
]
