"""Distributions by inversion: a function of one uniform float."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad_ir import ops
from jitad_ir.types import DTYPES, DType, Shape

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.promotion import as_array_operand, convert, inexact
from ..numpy.shapes import as_shape
from ..trace import apply
from .arguments import (
    distribution,
    dtype_of_result,
    float_info,
    parameters,
    shape_of_result,
    take_key,
)
from .uniforms import random_bits, standard_uniform, uniform_from


@distribution
def exponential(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: None = None) -> Any:
    """Exponential floats of mean 1: -log(1 - u).

    The result has shape `shape` and is float64 unless `dtype` says otherwise. ValueError for dtypes
    that are no floats, and for arrays of keys.

    >>> from jitad import random
    >>> random.exponential(random.key(0), (3,))
    Array([0.54207056, 0.24372319, 3.36163426])
    """
    word, found = take_key("exponential", key), dtype_of_result("exponential", dtype)
    return -jnp.log1p(-standard_uniform(word, as_shape(shape), found))


@distribution
def cauchy(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: None = None) -> Any:
    """Cauchy floats of scale 1: tan(pi (u - 1/2)).

    The result has shape `shape` and is float64 unless `dtype` says otherwise. ValueError for dtypes
    that are no floats, and for arrays of keys.

    >>> from jitad import random
    >>> random.cauchy(random.key(0), (3,))
    Array([-0.26192951, -1.23784602,  9.14252843])
    """
    word, found = take_key("cauchy", key), dtype_of_result("cauchy", dtype)
    u = uniform_from(float_info(found).eps, word, as_shape(shape), found)
    return jnp.tan(math.pi * (u - 0.5))


@distribution
def laplace(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: None = None) -> Any:
    """Laplace floats of scale 1: sign(u) log(1 - |u|) for u in (-1, 1).

    The result has shape `shape` and is float64 unless `dtype` says otherwise. ValueError for dtypes
    that are no floats, and for arrays of keys.

    >>> from jitad import random
    >>> random.laplace(random.key(0), (3,))
    Array([ 0.17803369,  0.83796278, -2.66848708])
    """
    word, found = take_key("laplace", key), dtype_of_result("laplace", dtype)
    low = -1.0 + float_info(found).epsneg
    u = uniform_from(low, word, as_shape(shape), found)
    return jnp.sign(u) * jnp.log1p(-jnp.abs(u))


@distribution
def logistic(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: None = None) -> Any:
    """Logistic floats of scale 1: log(u / (1 - u)).

    The result has shape `shape` and is float64 unless `dtype` says otherwise. ValueError for dtypes
    that are no floats, and for arrays of keys.

    >>> from jitad import random
    >>> random.logistic(random.key(0), (3,))
    Array([-0.32911032, -1.28738678,  3.32634015])
    """
    word, found = take_key("logistic", key), dtype_of_result("logistic", dtype)
    u = uniform_from(float_info(found).tiny, word, as_shape(shape), found)
    return jnp.log(u) - jnp.log1p(-u)


@distribution
def gumbel(
    key: Any,
    shape: Any = (),
    dtype: Any = None,
    mode: str | None = None,
    *,
    out_sharding: None = None,
) -> Any:
    """Gumbel floats of scale 1: -log(-log(u)).

    The result has shape `shape` and is float64 unless `dtype` says otherwise. ValueError for dtypes
    that are no floats, and for arrays of keys. Modes "high" and "highest" resolve u near 1, that is
    great values, with twice the bits; ValueError for others.

    >>> from jitad import random
    >>> random.gumbel(random.key(0), (3,))
    Array([ 0.13790566, -0.42599294,  3.34403911])
    """
    word, found = take_key("gumbel", key), dtype_of_result("gumbel", dtype)
    if mode not in (None, "low", "high", "highest"):
        raise ValueError(at_user_line(f"Must provide valid mode for gumbel got: {mode}"))
    return standard_gumbel(word, as_shape(shape), found, mode or "low")


def standard_gumbel(key: Any, shape: Shape, dtype: DType, mode: str) -> Any:
    """Gumbel floats, see `gumbel`."""
    info = float_info(dtype)
    tiny = info.tiny
    if mode == "low":
        return -jnp.log(-jnp.log(uniform_from(tiny, key, shape, dtype)))
    if mode == "highest" and dtype == DTYPES["f32"]:
        return _gumbel_of_64_bits(random_bits(key, (2, *shape), DTYPES["u32"]))
    coarse, fine = standard_uniform(key, (2, *shape), dtype)
    x = jnp.where(coarse >= 0.5, coarse, coarse + 2.0**-info.mantissa * fine + tiny)
    return -jnp.log(-jnp.log1p(-x))


def _gumbel_of_64_bits(halves: Any) -> Any:
    """float32 Gumbel floats from u of 64 bits: by log1p where u or 1 - u is small."""
    high, low = [convert(half, DTYPES["u64"]) for half in halves]
    word = apply(ops.bitwise_or, apply(ops.shift_left, high, 32), low)
    is_low = word < np.uint64(2**63)
    # The nearer of u and 1 - u, its leading 24 bits: truncated, as a float32 is made from bits.
    near = jnp.where(is_low, word, ~word + np.uint64(1))
    excess = jnp.maximum(40 - convert(apply(ops.clz, near), DTYPES["i64"]), 0)
    excess = convert(excess, DTYPES["u64"])
    leading = apply(ops.shift_left, apply(ops.shift_right_logical, near, excess), excess)
    x = convert(leading, DTYPES["f32"]) * np.float32(2.0**-64)
    return jnp.where(is_low, -jnp.log(-jnp.log1p(-x)), -jnp.log(-jnp.log(x)))


@distribution
def pareto(
    key: Any, b: Any, shape: Any = None, dtype: Any = None, *, out_sharding: None = None
) -> Any:
    """Pareto floats (at least 1) of exponent `b` > 0: exp(e / b) of exponential e.

    The result has shape `shape`, to which `b` broadcasts (default: its shape), and is float64
    unless `dtype` says otherwise. ValueError for shapes that do not fit and dtypes that are no
    floats. Differentiable in `b`.

    >>> from jitad import random
    >>> random.pareto(random.key(0), 3.0, (3,))
    Array([1.19804395, 1.08463233, 3.06652425])
    """
    word, found = take_key("pareto", key), dtype_of_result("pareto", dtype)
    lengths = shape_of_result("pareto", shape, b)
    (b,) = parameters(found, b)
    return jnp.exp(exponential(word, lengths, found) / b)


@distribution
def weibull_min(
    key: Any, scale: Any, concentration: Any, shape: Any = (), dtype: Any = None
) -> Any:
    """Weibull floats: scale (-log(1 - u))^(1 / concentration).

    The result has shape `shape`, with which the parameters broadcast, and is float64 unless `dtype`
    says otherwise. Differentiable in both parameters. ValueError for dtypes that are no floats.

    >>> from jitad import random
    >>> random.weibull_min(random.key(0), 2.0, 1.5, (3,))
    Array([1.32963939, 0.78035921, 4.48811149])
    """
    word, found = take_key("weibull_min", key), dtype_of_result("weibull_min", dtype)
    scale, concentration = parameters(found, scale, concentration)
    return exponential(word, shape, found) ** (1.0 / concentration) * scale


@distribution
def rayleigh(
    key: Any, scale: Any, shape: Any = None, dtype: Any = None, *, out_sharding: None = None
) -> Any:
    """Rayleigh floats: scale sqrt(-2 log u).

    The result has shape `shape`, to which `scale` broadcasts (default: its shape), and is float64
    unless `dtype` says otherwise. ValueError for shapes that do not fit and dtypes that are no
    floats. Differentiable in `scale`.

    >>> from jitad import random
    >>> random.rayleigh(random.key(0), 2.0, (3,))
    Array([2.63997102, 3.49983995, 0.53136889])
    """
    word, found = take_key("rayleigh", key), dtype_of_result("rayleigh", dtype)
    lengths = shape_of_result("rayleigh", shape, scale)
    (scale,) = parameters(found, scale)
    return scale * jnp.sqrt(jnp.log(standard_uniform(word, lengths, found)) * -2)


@distribution
def triangular(
    key: Any,
    left: Any,
    mode: Any,
    right: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    out_sharding: None = None,
) -> Any:
    """Floats of a density that rises from `left` to `mode` and falls to `right`.

    The result has shape `shape`, to which `left`, `mode` and `right` broadcast (default: their
    shape), and is float64 unless `dtype` says otherwise. ValueError for shapes that do not fit and
    dtypes that are no floats. Differentiable in all three.

    >>> from jitad import random
    >>> random.triangular(random.key(0), 0.0, 1.0, 4.0, (3,))
    Array([1.35831216, 0.9301515 , 3.35490895])
    """
    word, found = take_key("triangular", key), dtype_of_result("triangular", dtype)
    lengths = shape_of_result("triangular", shape, left, mode, right)
    left, mode, right = parameters(found, left, mode, right)
    u = standard_uniform(word, lengths, found)
    width = right - left
    rising = left + jnp.sqrt(u * width * (mode - left))
    falling = right - jnp.sqrt((1 - u) * width * (right - mode))
    return jnp.where(u < (mode - left) / width, rising, falling)


@distribution
def geometric(
    key: Any, p: Any, shape: Any = None, dtype: Any = None, *, out_sharding: None = None
) -> Any:
    """The number of throws up to the first success, each of probability `p` in (0, 1].

    The result has shape `shape`, to which `p` broadcasts (default: its shape), and is int64 unless
    `dtype` says otherwise. ValueError for dtypes that are no integers.

    >>> from jitad import random
    >>> random.geometric(random.key(0), 0.2, (4,))
    Array([4, 7, 1, 3])
    """
    word, found = take_key("geometric", key), dtype_of_result("geometric", dtype, "iu")
    lengths = shape_of_result("geometric", shape, p)
    p = inexact(as_array_operand(p))
    u = standard_uniform(word, lengths, p.dtype)
    log_u = jnp.log(jnp.where(u == 0, p.dtype.type(1), u))
    return convert(jnp.floor(log_u / jnp.log1p(-p)) + 1, found)
