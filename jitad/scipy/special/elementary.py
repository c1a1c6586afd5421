"""Functions made of logarithms and exponentials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad import nn
from jitad import numpy as jnp
from jitad_ir import ops

from .arguments import applied, floats


def expit(x: Any) -> Any:
    """1 / (1 + exp(-x)), without overflow: the inverse of `logit`.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.expit(np.array([-1000.0, 0.0]))
    Array([0. , 0.5])
    """
    return applied(ops.logistic, "expit", x)


def softmax(x: Any, axis: Any = None) -> Any:
    """exp(x) / sum(exp(x)) over `axis` (None: over all elements), without overflow.

    `x` is real or complex, of any shape, which the result has.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.softmax(np.log(np.array([1.0, 3.0])))
    Array([0.25, 0.75])
    """
    return nn.softmax(x, axis)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """Logarithm of `softmax`, without overflow.

    `x` is real or complex, of any shape, which the result has.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.log_softmax(np.array([0.0, 1000.0]))
    Array([-1000.,     0.])
    """
    return nn.log_softmax(x, axis)


def logit(p: Any) -> Any:
    """log(p / (1 - p)): -inf and inf at 0 and 1, nan beyond.

    `p` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.logit(0.5)
    Array(0.)
    """
    (p,) = floats("logit", p)
    is_near = jnp.abs(p - 0.5) <= 0.25
    s = jnp.where(is_near, 2 * p - 1, 0)  # exact
    near = jnp.log1p(s) - jnp.log1p(-s)
    other = jnp.where(is_near, 0.25, p)
    return jnp.where(is_near, near, jnp.log(other) - jnp.log1p(-other))


def _times_log(x: Any, y: Any, y_at_pole: float, log: Any) -> Any:
    """x log(y), 0 for x = 0 wherever the logarithm is not finite but y not nan."""
    void = (x == 0) & ((y <= y_at_pole) | (y == np.inf))
    return x * log(jnp.where(void, 1, y))


def xlogy(x: Any, y: Any) -> Any:
    """x log(y), 0 for x = 0 unless y is nan.

    `x` and `y` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.xlogy(np.array([0.0, 2.0]), np.array([0.0, 3.0]))
    Array([0.        , 2.19722458])
    """
    x, y = floats("xlogy", x, y)
    return _times_log(x, y, 0, jnp.log)


def xlog1py(x: Any, y: Any) -> Any:
    """x log(1 + y), 0 for x = 0 unless y is nan.

    `x` and `y` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.xlog1py(np.array([0.0, 2.0]), np.array([-1.0, 1e-10]))
    Array([0.e+00, 2.e-10])
    """
    x, y = floats("xlog1py", x, y)
    return _times_log(x, y, -1, jnp.log1p)


def entr(x: Any) -> Any:
    """Elementwise entropy: -x log(x) for x >= 0 (0 at 0, with the slope inf), -inf below.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.entr(np.array([0.0, 0.5]))
    Array([0.        , 0.34657359])
    """
    (x,) = floats("entr", x)
    value = -x * jnp.log(jnp.where(x <= 0, 1, x))
    at_zero = jnp.sqrt(jnp.where(x == 0, x, 1))  # 0 there, and its slope inf
    return jnp.where(x < 0, -np.inf, jnp.where(x == 0, at_zero, value))


def rel_entr(p: Any, q: Any) -> Any:
    """Elementwise relative entropy: p log(p / q) where both are positive, 0 where p = 0 <= q, else
    inf.

    `p` and `q` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.rel_entr(0.5, 0.25)
    Array(0.34657359)
    """
    p, q = floats("rel_entr", p, q)
    return _relative(p, q, _log_ratio, jnp.zeros_like(q))


def kl_div(p: Any, q: Any) -> Any:
    """Elementwise Kullback-Leibler divergence: p log(p / q) - p + q where both are positive, q
    where p = 0 <= q, else inf.

    `p` and `q` are real and broadcast; TypeError if one is complex. Accurate also where p is near
    q.

    >>> from jitad.scipy import special
    >>> special.kl_div(0.5, 0.25)
    Array(0.09657359)
    """
    p, q = floats("kl_div", p, q)
    return _relative(p, q, _divergence, q)


def _log_ratio(p: Any, q: Any) -> Any:
    """p log(p / q); of both logarithms where the quotient over- or underflows, and near 1, where
    e = (p - q) / (p + q) has all digits, p 2 atanh(e)."""
    ratio = p / q
    is_normal = (ratio > np.finfo(p.dtype).tiny) & (ratio < np.inf)
    far = jnp.where(is_normal, jnp.log(jnp.where(is_normal, ratio, 1)), jnp.log(p) - jnp.log(q))
    is_near = (ratio > 0.5) & (ratio < 2)
    excess = jnp.where(is_near, (p - q) / (p + q), 0)
    return p * jnp.where(is_near, 2 * jnp.arctanh(excess), far)


def _divergence(p: Any, q: Any) -> Any:
    """p log(p / q) - p + q; near p = q by log(p / q) = 2 e + 2 e**3 / 3 + 2 e**5 / 5 + ...,
    with e = (p - q) / (p + q), whose first term and q - p add up to e (p - q)."""
    excess = (p - q) / (p + q)
    is_near = jnp.abs(excess) < 0.2
    e = jnp.where(is_near, excess, 0)
    square = e * e
    series = jnp.full_like(e, 2 / 25)
    for odd in range(23, 1, -2):
        series = series * square + 2 / odd
    near = e * (p - q) + p * (e * square * series)
    return jnp.where(is_near, near, _log_ratio(p, q) - p + q)


def _relative(p: Any, q: Any, positive: Any, at_zero: Any) -> Any:
    both = (p > 0) & (q > 0)
    value = positive(jnp.where(both, p, 1), jnp.where(both, q, 1))
    other = jnp.where((p == 0) & (q >= 0), at_zero, np.inf)
    other = jnp.where(jnp.isnan(p) | jnp.isnan(q), np.nan, other)
    return jnp.where(both, value, other)


_TERMS = 13
_NEAR = 0.25


def _power_less_one(logarithm: Any, exponent: Any) -> Any:
    """(exp(exponent * logarithm) - 1) / exponent, the logarithm where the exponent is 0."""
    finite = jnp.where(jnp.isfinite(logarithm), logarithm, 1)
    y = exponent * finite
    is_near = jnp.isfinite(logarithm) & (jnp.abs(y) < _NEAR)
    small = jnp.where(is_near, y, 0)
    series = jnp.full_like(y, 1 / math.factorial(_TERMS + 1))
    for k in reversed(range(_TERMS)):
        series = series * small + 1 / math.factorial(k + 1)
    divisor = jnp.where(exponent == 0, 1, exponent)
    far = jnp.where(
        exponent == 0,
        logarithm,
        jnp.expm1(divisor * jnp.where(is_near, 1, logarithm)) / divisor,
    )
    return jnp.where(is_near, finite * series, far)


def boxcox(x: Any, lmbda: Any) -> Any:
    """Box and Cox' transformation (1964): (x**lmbda - 1) / lmbda, log(x) for lmbda = 0; nan for x <
    0.

    `x` and `lmbda` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.boxcox(2.0, 2.0)
    Array(1.5)
    """
    x, lmbda = floats("boxcox", x, lmbda)
    return _power_less_one(jnp.log(x), lmbda)


def boxcox1p(x: Any, lmbda: Any) -> Any:
    """boxcox(1 + x, lmbda), without cancellation near 0; nan for x < -1.

    `x` and `lmbda` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.boxcox1p(1.0, 2.0)
    Array(1.5)
    """
    x, lmbda = floats("boxcox1p", x, lmbda)
    return _power_less_one(jnp.log1p(x), lmbda)
