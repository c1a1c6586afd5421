"""Numbers of events: Poisson, binomial and multinomial, by rejection.

As in JAX an element that is accepted early may change while others are still drawn: what is drawn
for an element depends on the shape it is drawn in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitad_ir import ops
from jitad_ir.types import DTYPES, DType, Shape

from .. import numpy as jnp
from ..lax import scan, while_loop
from ..numpy.promotion import as_array_operand, common_dtype, convert
from ..numpy.shapes import broadcast_to, moveaxis
from ..trace import apply
from .arguments import distribution, dtype_of_result, parameters, shape_of_result, take_key
from .keys import random_words
from .uniforms import standard_uniform


def _until_accepted(
    key: Any, shape: Shape, dtype: DType, propose: Callable[[Any, Any], tuple[Any, Any]]
) -> Any:
    """`propose(u, v) -> (k, accept)` for uniform floats, again and again, until each element was
    accepted once; the last k that was accepted."""

    def step(carry: Any) -> Any:
        key, found, accepted = carry
        keys = random_words(key, (3,))
        u, v = [standard_uniform(k, shape, dtype) for k in (keys[1], keys[2])]
        k, accept = propose(u, v)
        return keys[0], jnp.where(accept, k, found), accepted | accept

    first = (key, jnp.full(shape, -1, dtype), jnp.zeros(shape, bool))
    return while_loop(lambda carry: jnp.any(~carry[2]), step, first)[1]


# Poisson.


@distribution
def poisson(
    key: Any, lam: Any, shape: Any = None, dtype: Any = None, *, out_sharding: None = None
) -> Any:
    """Poisson counts of mean `lam` (D. Knuth's products below 10; W. Hormann, "The transformed
    rejection method", 1993, above); -1 for nan.

    The result has shape `shape`, to which `lam` broadcasts (default: its shape), and is int64
    unless `dtype` says otherwise. ValueError for dtypes that are no integers.

    >>> from jitad import random
    >>> random.poisson(random.key(0), 4.0, (5,))
    Array([0, 1, 5, 5, 2])
    """
    word, found = take_key("poisson", key), dtype_of_result("poisson", dtype, "iu")
    lengths = shape_of_result("poisson", shape, lam)
    (lam,) = parameters(DTYPES["f32"], lam)
    lam = broadcast_to(lam, lengths)
    few = jnp.isnan(lam) | (lam < 10)
    zero, many = lam.dtype.type(0), lam.dtype.type(1e5)
    counts = jnp.where(
        few,
        _poisson_by_product(word, jnp.where(few, lam, zero), found),
        convert(_poisson_by_rejection(word, jnp.where(few, many, lam)), found),
    )
    return jnp.where(lam == 0, found.type(0), counts)


def _poisson_by_product(key: Any, lam: Any, dtype: DType) -> Any:
    """How many uniform floats have a product above e^-lam. Knuth, TAOCP 2, 3.4.1."""

    def step(carry: Any) -> Any:
        key, k, log_product = carry
        keys = random_words(key, (2,))
        u = standard_uniform(keys[1], lam.shape, lam.dtype)
        k = jnp.where(log_product > -lam, k + dtype.type(1), k)
        return keys[0], k, log_product + jnp.log(u)

    first = (key, jnp.zeros(lam.shape, dtype), jnp.zeros_like(lam))
    found = while_loop(lambda carry: jnp.any(carry[2] > -lam), step, first)
    return found[1] - dtype.type(1)


def _poisson_by_rejection(key: Any, lam: Any) -> Any:
    """W. Hormann, "The transformed rejection method for generating Poisson random variables",
    1993, algorithm PTRS; for lam >= 10."""
    log_lam = jnp.log(lam)
    b = 0.931 + 2.53 * jnp.sqrt(lam)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)

    def propose(u: Any, v: Any) -> tuple[Any, Any]:
        u = u - 0.5
        us = 0.5 - jnp.abs(u)
        k = jnp.floor((2 * a / us + b) * u + lam + 0.43)
        s = jnp.log(v * inverse_alpha / (a / (us * us) + b))
        t = -lam + k * log_lam - apply(ops.lgamma, k + 1)
        reject = (k < 0) | ((us < 0.013) & (v > us))
        return k, ((us >= 0.07) & (v <= v_r)) | (~reject & (s <= t))

    return _until_accepted(key, lam.shape, lam.dtype, propose)


# Binomial.


@distribution
def binomial(key: Any, n: Any, p: Any, shape: Any = None, dtype: Any = None) -> Any:
    """Successes among `n` throws of probability `p`, as floats: nan where `n` or `p` is nan or
    negative, inf where `n` is.

    The result has shape `shape`, to which `n` and `p` broadcast (default: their shape), and is
    float64 unless `dtype` says otherwise. ValueError for shapes that do not fit and dtypes that are
    no floats.

    >>> from jitad import random
    >>> random.binomial(random.key(0), 10, 0.3, (5,))
    Array([4., 1., 3., 4., 3.])
    """
    word, found = take_key("binomial", key), dtype_of_result("binomial", dtype)
    return _binomial(word, n, p, shape_of_result("binomial", shape, n, p), found)


def _binomial(key: Any, n: Any, p: Any, shape: Shape, dtype: DType) -> Any:
    p = as_array_operand(p)
    p = convert(p, common_dtype([p, 1.0]))
    (count,) = parameters(p.dtype, n)
    count, p = broadcast_to(count, shape), broadcast_to(p, shape)
    kind = p.dtype.type
    is_small = p < 0.5
    q = jnp.where(is_small, p, 1 - p)
    bad_count = jnp.isnan(count) | (count < 0)
    bad_q = jnp.isnan(q) | (q < 0)
    q_is_nan, infinite = jnp.isnan(q), jnp.isinf(count)
    q = jnp.where(bad_q, kind(0.01), q)
    few = bad_count | (count * q <= 10)
    count = jnp.floor(count)
    samples = jnp.where(
        few,
        _binomial_by_inversion(key, jnp.where(few, count, kind(0)), q),
        _binomial_by_rejection(key, jnp.where(few, kind(1e4), count), jnp.where(few, kind(0.5), q)),
    )
    samples = jnp.where(bad_q | bad_count, kind(np.nan), samples)
    samples = jnp.where(infinite & ~(bad_q | bad_count), kind(np.inf), samples)
    mirrored = ~(is_small | bad_count | q_is_nan | infinite)
    return convert(jnp.where(mirrored, count - samples, samples), dtype)


def _binomial_by_inversion(key: Any, count: Any, q: Any) -> Any:
    """How many geometric variates have a sum of at most `count`. Devroye (1986), X.4.3."""
    log_rest = jnp.log1p(-q)

    def step(carry: Any) -> Any:
        key, k, total = carry
        keys = random_words(key, (2,))
        u = standard_uniform(keys[0], q.shape, q.dtype)
        k = jnp.where(total <= count, k + 1, k)
        return keys[1], k, total + jnp.ceil(jnp.log(u) / log_rest)

    first = (key, jnp.zeros_like(q), jnp.zeros_like(q))
    return while_loop(lambda carry: jnp.any(carry[2] <= count), step, first)[1] - 1


_STIRLING_TAIL = (
    *(0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509),
    *(0.0166446911898211, 0.0138761288230707, 0.0118967099458917, 0.0104112652619720),
    *(0.00925546218271273, 0.00833056343336287),
)
"""log k! less Stirling's formula for k + 1, for k = 0, ..., 9."""


def _stirling_tail(k: Any) -> Any:
    least = jnp.clip(k, 0, 9)
    square = (least + 1) * (least + 1)
    series = (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (least + 1)
    table = jnp.asarray(_STIRLING_TAIL, k.dtype)
    return jnp.where(k <= 9, table[convert(jnp.floor(least), DTYPES["i32"])], series)


def _binomial_by_rejection(key: Any, count: Any, q: Any) -> Any:
    """W. Hormann, "The generation of binomial random variates", 1993, algorithm BTRS; for
    count q >= 10."""
    deviation = jnp.sqrt(count * q * (1 - q))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * q
    c = count * q + 0.5
    v_r = 0.92 - 4.2 / b
    odds = q / (1 - q)
    alpha = (2.83 + 5.1 / b) * deviation
    m = jnp.floor((count + 1) * q)

    def propose(u: Any, v: Any) -> tuple[Any, Any]:
        u = u - 0.5
        us = 0.5 - jnp.abs(u)
        accept = (us >= 0.07) & (v <= v_r)
        k = jnp.floor((2 * a / us + b) * u + c)
        reject = (k < 0) | (k > count)
        bound = (
            (m + 0.5) * jnp.log((m + 1) / (odds * (count - m + 1)))
            + (count + 1) * jnp.log((count - m + 1) / (count - k + 1))
            + (k + 0.5) * jnp.log(odds * (count - k + 1) / (k + 1))
            + _stirling_tail(m)
            + _stirling_tail(count - m)
            - _stirling_tail(k)
            - _stirling_tail(count - k)
        )
        v = jnp.log(v * alpha / (a / (us * us) + b))
        return k, accept | (~reject & (v <= bound))

    return _until_accepted(key, q.shape, q.dtype, propose)


@distribution
def multinomial(
    key: Any,
    n: Any,
    p: Any,
    *,
    shape: Any = None,
    dtype: Any = None,
    unroll: int | bool = 1,
) -> Any:
    """How often each of the categories along the last axis of `p` occurs in `n` throws, as floats.

    The categories one after the other: binomial counts of what is left over. The result has shape
    `shape` (default: that of `p`), whose last axis is the one of `p`. ValueError for shapes that do
    not fit.

    >>> from jitad import random
    >>> import numpy as np
    >>> random.multinomial(random.key(0), 10, np.array([0.2, 0.3, 0.5]))
    Array([1., 4., 5.])
    """
    word = take_key("multinomial", key)
    n, p = as_array_operand(n), as_array_operand(p)
    common = common_dtype([n, p, 1.0])
    n, p = convert(n, common), convert(p, common)
    lengths = shape_of_result("multinomial", p.shape if shape is None else shape, p)
    n, p = broadcast_to(n, lengths[:-1]), moveaxis(broadcast_to(p, lengths), -1, 0)
    left = jnp.flip(jnp.cumsum(jnp.flip(p, 0), 0), 0)
    ratios = p / jnp.where(left == 0, common.type(1), left)

    def step(remainder: Any, item: Any) -> tuple[Any, Any]:
        ratio, key = item
        count = _binomial(key, remainder, jnp.clip(ratio, 0, 1), lengths[:-1], common)
        return remainder - count, count

    keys = random_words(word, (p.shape[0],))
    _, counts = scan(step, n, (ratios, keys), unroll=unroll)
    return convert(moveaxis(counts, 0, -1), dtype_of_result("multinomial", dtype))
