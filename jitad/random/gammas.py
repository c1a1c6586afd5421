"""The gamma distribution and those made of it, with implicit derivatives in their parameters."""

from __future__ import annotations

import math
from typing import Any

from jitad_ir.types import DType

from .. import lax
from .. import numpy as jnp
from ..numpy.shapes import as_shape, broadcast_to
from ..transforms.custom_jvp import custom_jvp
from .arguments import (
    distribution,
    dtype_of_result,
    float_info,
    parameters,
    shape_of_result,
    take_key,
)
from .implicit import log_gamma_derivative
from .keys import encipher, random_words
from .normals import next_normal, standard_normal
from .uniforms import next_uniform, rademacher, standard_uniform


def _subkey(keys: Any, number: int) -> Any:
    """Key `number` of those that each of `keys` is split into."""
    return encipher(keys, jnp.full_like(keys, number))


def _next_normal_above(keys: Any, c: Any, open: Any) -> tuple[Any, Any]:
    """For each element that is open the next normal x with v = 1 + c x > 0, and v."""

    def step(carry: Any) -> Any:
        keys, x, v = carry
        again = (v <= 0) & open
        drawn = next_normal(_subkey(keys, 1), c.dtype)
        x = jnp.where(again, drawn, x)
        return _subkey(keys, 0), x, jnp.where(again, 1 + drawn * c, v)

    first = (keys, jnp.zeros_like(c), -jnp.ones_like(c))
    _, x, v = lax.while_loop(lambda carry: jnp.any((carry[2] <= 0) & open), step, first)
    return x, v


def _cubes(keys: Any, d: Any) -> Any:
    """The V with which d V is a gamma variate of parameter d + 1/3 >= 1, by rejection.

    G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", 2000. Every
    element goes on with its own key until it is accepted.
    """
    c = (1.0 / 3.0) / jnp.sqrt(d)

    def step(carry: Any) -> Any:
        keys, volume, open = carry
        x, v = _next_normal_above(_subkey(keys, 1), c, open)
        u = next_uniform(_subkey(keys, 2), d.dtype)
        square, cube = x * x, v * v * v
        rejected = (u >= 1 - 0.0331 * (square * square)) & (
            jnp.log(u) >= square * 0.5 + d * ((1 - cube) + jnp.log(cube))
        )
        return _subkey(keys, 0), jnp.where(open, cube, volume), open & rejected

    first = (keys, jnp.ones_like(d), jnp.ones_like(d, bool))
    return lax.while_loop(lambda carry: jnp.any(carry[2]), step, first)[1]


_CHUNK = 128
"""Elements that are drawn together: few enough that few are drawn again for the sake of others."""


def _cubes_in_chunks(keys: Any, d: Any) -> Any:
    """As `_cubes`, of arrays of one shape."""
    size = math.prod(d.shape)
    if size <= 4 * _CHUNK:
        return _cubes(keys, d)
    beyond = (0, -size % _CHUNK)
    rows = [
        jnp.reshape(jnp.pad(jnp.ravel(x), beyond, constant_values=1), (-1, _CHUNK))
        for x in (keys, d)
    ]
    cubes = lax.map(lambda row: _cubes(*row), tuple(rows))
    return jnp.reshape(jnp.ravel(cubes)[:size], d.shape)


def _rejected(keys: Any, a: Any) -> tuple[Any, Any, Any]:
    """d, V and a key for each element: d V is a gamma variate of parameter a, or a + 1 if a < 1."""
    d = jnp.where(a >= 1, a, a + 1) - 1.0 / 3.0
    return d, _cubes_in_chunks(_subkey(keys, 0), d), _subkey(keys, 1)


@custom_jvp
def _gamma(keys: Any, a: Any) -> Any:
    d, cube, key = _rejected(keys, a)
    # For a < 1: gamma(a) ~ gamma(a + 1) u^(1/a).
    u = 1 - next_uniform(key, a.dtype)
    return d * cube * jnp.where(a >= 1, a.dtype.type(1), u ** (1 / a))


@_gamma.defjvp
def _gamma_jvp(primals: Any, tangents: Any) -> Any:
    keys, a = primals
    x = _gamma(keys, a)
    log_x = jnp.log(jnp.maximum(x, float_info(a.dtype).tiny))
    return x, x * log_gamma_derivative(a, log_x) * tangents[1]


@custom_jvp
def _loggamma(keys: Any, a: Any) -> Any:
    d, cube, key = _rejected(keys, a)
    log_u = jnp.log1p(-next_uniform(key, a.dtype))
    boost = jnp.where((a >= 1) | (log_u == 0), a.dtype.type(0), log_u * (1 / a))
    return jnp.log(d) + jnp.log(cube) + boost


@_loggamma.defjvp
def _loggamma_jvp(primals: Any, tangents: Any) -> Any:
    keys, a = primals
    log_x = _loggamma(keys, a)
    return log_x, log_gamma_derivative(a, log_x) * tangents[1]


def _draw(sampler: Any, key: Any, a: Any, shape: tuple[int, ...], dtype: DType) -> Any:
    (a,) = parameters(dtype, a)
    return sampler(random_words(key, shape), broadcast_to(a, shape))


@distribution
def gamma(
    key: Any, a: Any, shape: Any = None, dtype: Any = None, *, out_sharding: None = None
) -> Any:
    """Gamma variates of shape parameter `a` > 0 and scale 1; differentiable in `a`.

    >>> from jitad import random
    >>> random.gamma(random.key(0), [0.5, 2.0]).shape
    (2,)
    """
    word, found = take_key("gamma", key), dtype_of_result("gamma", dtype)
    return _draw(_gamma, word, a, shape_of_result("gamma", shape, a), found)


@distribution
def loggamma(
    key: Any, a: Any, shape: Any = None, dtype: Any = None, *, out_sharding: None = None
) -> Any:
    """Logarithms of gamma variates of shape parameter `a` > 0, which small `a` does not underflow;
    differentiable in `a`.

    The result has shape `shape`, to which `a` broadcasts (default: its shape), and is float64
    unless `dtype` says otherwise. ValueError for shapes that do not fit and dtypes that are no
    floats.

    >>> from jitad import random
    >>> random.loggamma(random.key(0), 0.001, (2,))
    Array([-1113.02584633, -2280.53575798])
    """
    word, found = take_key("loggamma", key), dtype_of_result("loggamma", dtype)
    return _draw(_loggamma, word, a, shape_of_result("loggamma", shape, a), found)


@distribution
def beta(
    key: Any, a: Any, b: Any, shape: Any = None, dtype: Any = None, *, out_sharding: None = None
) -> Any:
    """Beta variates of parameters `a` > 0 and `b` > 0; differentiable in both.

    The result has shape `shape`, to which `a` and `b` broadcast (default: their shape), and is
    float64 unless `dtype` says otherwise. ValueError for shapes that do not fit and dtypes that are
    no floats.

    >>> from jitad import random
    >>> random.beta(random.key(0), 2.0, 3.0, (3,))
    Array([0.32795607, 0.61380901, 0.76013421])
    """
    word, found = take_key("beta", key), dtype_of_result("beta", dtype)
    lengths = shape_of_result("beta", shape, a, b)
    keys = random_words(word, (2,))
    log_a = _draw(_loggamma, keys[0], a, lengths, found)
    log_b = _draw(_loggamma, keys[1], b, lengths, found)
    # x / (x + y), from logarithms and scaled by the greater one.
    log_max = jnp.maximum(log_a, log_b)
    x, y = jnp.exp(log_a - log_max), jnp.exp(log_b - log_max)
    return x / (x + y)


@distribution
def dirichlet(
    key: Any, alpha: Any, shape: Any = None, dtype: Any = None, *, out_sharding: None = None
) -> Any:
    """Dirichlet vectors of parameters `alpha[..., n]` > 0; differentiable in them.

    The result has shape `(*shape, n)` (default: that of `alpha`), and is float64 unless `dtype`
    says otherwise; vectors add up to 1. ValueError for an `alpha` without axes.

    >>> from jitad import random
    >>> import numpy as np
    >>> random.dirichlet(random.key(0), np.array([1.0, 2.0, 3.0]))
    Array([0.07065346, 0.16705569, 0.76229085])
    """
    word, found = take_key("dirichlet", key), dtype_of_result("dirichlet", dtype)
    (alpha,) = parameters(found, alpha)
    if alpha.ndim < 1:
        raise ValueError("dirichlet requires alpha.ndim >= 1, got alpha.ndim == 0")
    lengths = shape_of_result("dirichlet", shape, alpha[..., 0])
    logs = _draw(_loggamma, word, alpha, (*lengths, alpha.shape[-1]), found)
    scaled = jnp.exp(logs - jnp.max(logs, -1, keepdims=True))
    return scaled / jnp.sum(scaled, -1, keepdims=True)


@distribution
def chisquare(
    key: Any, df: Any, shape: Any = None, dtype: Any = None, *, out_sharding: None = None
) -> Any:
    """Chi-squared variates of `df` > 0 degrees of freedom; differentiable in `df`.

    The result has shape `shape`, to which `df` broadcasts (default: its shape), and is float64
    unless `dtype` says otherwise. ValueError for shapes that do not fit and dtypes that are no
    floats.

    >>> from jitad import random
    >>> random.chisquare(random.key(0), 3.0, (3,))
    Array([1.81389348, 1.44835385, 5.98027483])
    """
    word, found = take_key("chisquare", key), dtype_of_result("chisquare", dtype)
    lengths = shape_of_result("chisquare", shape, df)
    (df,) = parameters(found, df)
    return jnp.exp(_draw(_loggamma, word, df / 2, lengths, found)) * 2


@distribution
def f(
    key: Any,
    dfnum: Any,
    dfden: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    out_sharding: None = None,
) -> Any:
    """F variates of `dfnum` and `dfden` degrees of freedom, both > 0; differentiable in both.

    The result has shape `shape`, to which `dfnum` and `dfden` broadcast (default: their shape), and
    is float64 unless `dtype` says otherwise. ValueError for shapes that do not fit and dtypes that
    are no floats.

    >>> from jitad import random
    >>> random.f(random.key(0), 3.0, 5.0, (3,))
    Array([1.54798047, 0.35745633, 0.09343816])
    """
    word, found = take_key("f", key), dtype_of_result("f", dtype)
    lengths = shape_of_result("f", shape, dfnum, dfden)
    dfnum, dfden = parameters(found, dfnum, dfden)
    keys = random_words(word, (2,))
    denominator = chisquare(keys[0], dfden, lengths, found) / dfden
    return chisquare(keys[1], dfnum, lengths, found) / dfnum / denominator


@distribution
def t(key: Any, df: Any, shape: Any = None, dtype: Any = None, *, out_sharding: None = None) -> Any:
    """Student's t variates of `df` > 0 degrees of freedom; differentiable in `df`.

    The result has shape `shape`, to which `df` broadcasts (default: its shape), and is float64
    unless `dtype` says otherwise. ValueError for shapes that do not fit and dtypes that are no
    floats.

    >>> from jitad import random
    >>> random.t(random.key(0), 3.0, (3,))
    Array([ 1.40115888, -0.60724612,  1.12196326])
    """
    word, found = take_key("t", key), dtype_of_result("t", dtype)
    lengths = shape_of_result("t", shape, df)
    (df,) = parameters(found, df)
    keys = random_words(word, (2,))
    half = df / 2
    variates = _draw(_gamma, keys[1], half, lengths, found)
    return standard_normal(keys[0], lengths, found) * jnp.sqrt(half / variates)


@distribution
def generalized_normal(
    key: Any, p: Any, shape: Any = (), dtype: Any = None, *, out_sharding: None = None
) -> Any:
    """Variates of density proportional to exp(-|x|^p), p > 0.

    The result has shape `shape`, to which `p` broadcasts, and is float64 unless `dtype` says
    otherwise. Differentiable in `p`. ValueError for dtypes that are no floats.

    >>> from jitad import random
    >>> random.generalized_normal(random.key(0), 1.5, (3,))
    Array([ 1.00520642, -1.6840824 , -0.20287837])
    """
    word, found = take_key("generalized_normal", key), dtype_of_result("generalized_normal", dtype)
    lengths = as_shape(shape)
    (p,) = parameters(found, p)
    keys = random_words(word, (2,))
    sizes = _draw(_gamma, keys[0], 1 / p, lengths, found)
    return rademacher(keys[1], lengths, found) * sizes ** (1 / p)


@distribution
def ball(
    key: Any,
    d: int,
    p: Any = 2,
    shape: Any = (),
    dtype: Any = None,
    *,
    out_sharding: None = None,
) -> Any:
    """Points uniform in the unit ball of the p-norm in `d` dimensions (F. Barthe et al., "A
    probabilistic approach to the geometry of the l_p^n-ball", 2005).

    The result has shape `(*shape, d)` and is float64 unless `dtype` says otherwise. ValueError for
    dtypes that are no floats.

    >>> from jitad import random
    >>> random.ball(random.key(0), 2, shape=(2,))
    Array([[-0.87015073, -0.45473046],
           [ 0.07910167, -0.18007603]])
    """
    word, found = take_key("ball", key), dtype_of_result("ball", dtype)
    lengths = as_shape(shape)
    (p,) = parameters(found, p)
    keys = random_words(word, (2,))
    g = generalized_normal(keys[0], p, (*lengths, d), found)
    e = -jnp.log1p(-standard_uniform(keys[1], lengths, found))
    return g / ((jnp.sum(jnp.abs(g) ** p, -1) + e) ** (1 / p))[..., None]
