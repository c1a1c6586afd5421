"""The normal distribution and those made of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad_ir import ops
from jitad_ir.types import DType, Shape, real_dtype

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.promotion import as_array_operand, common_dtype, convert
from ..numpy.shapes import as_shape
from ..trace import apply
from ..transforms.stop import stop_gradient
from .arguments import distribution, dtype_of_result, parameters, shape_of_result, take_key
from .keys import random_words
from .uniforms import next_uniform, rademacher, standard_uniform, uniform, uniform_from


def _normal_of_uniform(u: Any) -> Any:
    """sqrt(2) erf_inv(u), normal for u uniform in (-1, 1)."""
    return apply(ops.mul, apply(ops.erf_inv, u), math.sqrt(2.0))


def _least(dtype: DType) -> float:
    """The least float above -1."""
    return float(np.nextafter(dtype.type(-1), dtype.type(0)))


def standard_normal(key: Any, shape: Shape, dtype: DType) -> Any:
    """Normal floats of mean 0 and variance 1."""
    return _normal_of_uniform(uniform_from(_least(dtype), key, shape, dtype))


def next_normal(keys: Any, dtype: DType) -> Any:
    """One normal float for each of `keys`."""
    low = _least(dtype)
    u = apply(ops.add, apply(ops.mul, next_uniform(keys, dtype), 2.0), low)
    return _normal_of_uniform(apply(ops.max, u, low))


@distribution
def normal(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: None = None) -> Any:
    """Normal floats of mean 0 and variance 1; if `dtype` is complex, of total variance 1.

    The result has shape `shape` and is float64 unless `dtype` says otherwise. ValueError for dtypes
    that are neither floats nor complex numbers, and for arrays of keys.

    >>> from jitad import random
    >>> random.normal(random.key(0), (3,))
    Array([-0.20584214, -0.78476578,  1.81608667])
    """
    word = take_key("normal", key)
    found, lengths = dtype_of_result("normal", dtype, "fc"), as_shape(shape)
    if found.kind == "f":
        return standard_normal(word, lengths, found)
    part = real_dtype(found)
    re, im = [standard_normal(k, lengths, part) for k in random_words(word, (2,))]
    return apply(ops.complex, re, im) / found.type(math.sqrt(2.0))


@distribution
def truncated_normal(
    key: Any,
    lower: Any,
    upper: Any,
    shape: Any = None,
    dtype: Any = None,
    *,
    out_sharding: None = None,
) -> Any:
    """Normal floats of mean 0 and variance 1 given that they are in (lower, upper).

    The result has shape `shape`, to which `lower` and `upper` broadcast (default: their shape), and
    is float64 unless `dtype` says otherwise. ValueError for shapes that do not fit and dtypes that
    are no floats.

    >>> from jitad import random
    >>> random.truncated_normal(random.key(0), -1.0, 1.0, (3,))
    Array([-0.13999612, -0.50631466,  0.90652156])
    """
    word = take_key("truncated_normal", key)
    found = dtype_of_result("truncated_normal", dtype)
    lengths = shape_of_result("truncated_normal", shape, lower, upper)
    low, high = parameters(found, lower, upper)
    root = float(found.type(math.sqrt(2.0)))
    ends = [apply(ops.erf, bound / root) for bound in (low, high)]
    result = _normal_of_uniform(uniform(word, lengths, found, *ends))
    # Rounding must not lead out of the open interval.
    inside = [
        jnp.nextafter(stop_gradient(bound), found.type(toward))
        for bound, toward in ((low, math.inf), (high, -math.inf))
    ]
    return jnp.clip(result, *inside)


@distribution
def lognormal(
    key: Any, sigma: Any = 1.0, shape: Any = None, dtype: Any = None, *, out_sharding: None = None
) -> Any:
    """exp(sigma z) of normal z.

    The result has shape `shape`, to which `sigma` broadcasts (default: its shape), and is float64
    unless `dtype` says otherwise. ValueError for shapes that do not fit and dtypes that are no
    floats. Differentiable in `sigma`.

    >>> from jitad import random
    >>> random.lognormal(random.key(0), 0.5, (3,))
    Array([0.90219818, 0.67544544, 2.4794663 ])
    """
    word = take_key("lognormal", key)
    found = dtype_of_result("lognormal", dtype, "fc")
    lengths = shape_of_result("lognormal", shape, sigma)
    (sigma,) = parameters(found, sigma)
    return jnp.exp(normal(word, lengths, found) * sigma)


@distribution
def multivariate_normal(
    key: Any,
    mean: Any,
    cov: Any,
    shape: Any = None,
    dtype: Any = None,
    method: str = "cholesky",
    *,
    out_sharding: None = None,
) -> Any:
    """Normal vectors of mean `mean[..., n]` and covariance `cov[..., n, n]`.

    The result has shape `(*shape, n)` (default: that to which mean and covariance broadcast), in
    their common float dtype unless `dtype` says otherwise. `method` is how the covariance is
    factored: "cholesky" (positive definite only), "eigh" or "svd". Differentiable in both.
    ValueError for other methods and for shapes that do not fit.

    >>> from jitad import random
    >>> import numpy as np
    >>> random.multivariate_normal(random.key(0), np.zeros(2), np.array([[1.0, 0.5], [0.5, 1.0]]))
    Array([-0.20584214, -0.78254817])
    """
    word = take_key("multivariate_normal", key)
    if method not in ("svd", "eigh", "cholesky"):
        raise ValueError(at_user_line("method must be one of {'svd', 'eigh', 'cholesky'}"))
    mean, cov = as_array_operand(mean), as_array_operand(cov)
    common = common_dtype([mean, cov, 1.0])
    mean, cov = convert(mean, common), convert(cov, common)
    found = dtype_of_result("multivariate_normal", common if dtype is None else dtype)
    n = _check_moments(mean.shape, cov.shape)
    lengths = _shape_of_vectors(shape, mean.shape[:-1], cov.shape[:-2])
    draws = standard_normal(word, (*lengths, n), found)
    return mean + jnp.matvec(_factor(cov, method), draws)


def _check_moments(mean: Shape, cov: Shape) -> int:
    """The dimension that a mean and a covariance share."""
    if len(mean) < 1:
        raise ValueError(
            at_user_line("multivariate_normal requires mean.ndim >= 1, got mean.ndim == 0")
        )
    if len(cov) < 2:
        raise ValueError(
            at_user_line(f"multivariate_normal requires cov.ndim >= 2, got cov.ndim == {len(cov)}")
        )
    n = mean[-1]
    if cov[-2:] != (n, n):
        raise ValueError(
            at_user_line(
                f"multivariate_normal requires cov.shape == (..., n, n) for n={n}, but got "
                f"cov.shape == {cov}."
            )
        )
    return n


def _shape_of_vectors(shape: Any, mean: Shape, cov: Shape) -> Shape:
    like = [np.broadcast_to(0.0, lengths) for lengths in (mean, cov)]
    return shape_of_result("multivariate_normal", shape, *like)


def _factor(cov: Any, method: str) -> Any:
    """F with F F' = cov."""
    if method == "cholesky":
        return jnp.linalg.cholesky(cov)
    if method == "eigh":
        values, vectors = jnp.linalg.eigh(cov)
    else:
        vectors, values, _ = jnp.linalg.svd(cov)
    return vectors * jnp.sqrt(values[..., None, :])


@distribution
def maxwell(key: Any, shape: Any = (), dtype: Any = None, *, out_sharding: None = None) -> Any:
    """Maxwell floats of scale 1: lengths of vectors of three normal floats.

    The result has shape `shape` and is float64 unless `dtype` says otherwise. ValueError for dtypes
    that are no floats, and for arrays of keys.

    >>> from jitad import random
    >>> random.maxwell(random.key(0), (3,))
    Array([1.98906991, 0.42460738, 1.24030791])
    """
    word = take_key("maxwell", key)
    found = dtype_of_result("maxwell", dtype)
    draws = standard_normal(word, (*as_shape(shape), 3), found)
    return jnp.sqrt(jnp.sum(draws * draws, -1))


@distribution
def double_sided_maxwell(key: Any, loc: Any, scale: Any, shape: Any = (), dtype: Any = None) -> Any:
    """`loc` plus or minus `scale` times Maxwell floats.

    The result has shape `(*shape, *common)`, where common is that to which the parameters
    broadcast, and is float64 unless `dtype` says otherwise. Differentiable in both parameters.

    >>> from jitad import random
    >>> random.double_sided_maxwell(random.key(0), 1.0, 2.0, (3,))
    Array([ 4.96922408, -3.9564148 , -2.26696301])
    """
    word = take_key("double_sided_maxwell", key)
    found = dtype_of_result("double_sided_maxwell", dtype)
    common = shape_of_result("double_sided_maxwell", None, loc, scale)
    lengths = (as_shape(shape) or common) + common
    length_key, sign_key = random_words(word, (2,))
    sign = rademacher(sign_key, lengths, found)
    return sign * maxwell(length_key, lengths, found) * scale + loc


@distribution
def orthogonal(
    key: Any,
    n: int,
    shape: Any = (),
    dtype: Any = None,
    m: int | None = None,
    *,
    out_sharding: None = None,
) -> Any:
    """Matrices (n, m) (m = n if None) uniform among those with orthonormal columns (rows if n < m),
    by QR (F. Mezzadri, "How to generate random matrices from the classical compact groups", 2007).

    The result has shape `(*shape, n, m)` and is float64 unless `dtype`, a float or complex one,
    says otherwise.

    >>> from jitad import random
    >>> import numpy as np
    >>> q = random.orthogonal(random.key(0), 3)
    >>> np.allclose(q @ q.T, np.eye(3))
    True
    """
    word = take_key("orthogonal", key)
    found = dtype_of_result("orthogonal", dtype, "fc")
    columns = n if m is None else m
    lengths = (*as_shape(shape), max(n, columns), min(n, columns))
    q, r = jnp.linalg.qr(normal(word, lengths, found))
    # With a positive diagonal of r the factorization is unique, and q uniform (Mezzadri 2007).
    signed = q * jnp.sign(jnp.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    return jnp.matrix_transpose(signed) if n < columns else signed


@distribution
def wald(
    key: Any, mean: Any, shape: Any = None, dtype: Any = None, *, out_sharding: None = None
) -> Any:
    """Wald's (inverse Gaussian) floats of mean `mean` > 0 and scale 1 (J. R. Michael, W. R.
    Schucany, R. W. Haas, The American Statistician 30 (1976) 88).

    The result has shape `shape`, to which `mean` broadcasts (default: its shape), and is float64
    unless `dtype` says otherwise. ValueError for shapes that do not fit and dtypes that are no
    floats.

    >>> from jitad import random
    >>> random.wald(random.key(0), 2.0, (3,))
    Array([0.22327945, 3.90085525, 3.56995724])
    """
    word = take_key("wald", key)
    found = dtype_of_result("wald", dtype)
    lengths = shape_of_result("wald", shape, mean)
    (mean,) = parameters(found, mean)
    normal_key, uniform_key = random_words(word, (2,))
    v = standard_normal(normal_key, lengths, found)
    z = standard_uniform(uniform_key, lengths, found)
    y = v * v
    root = jnp.sqrt(4 * mean * y + mean * mean * (y * y))
    # The roots of a quadratic equation whose product is mean^2; the lesser would cancel.
    greater = mean + mean * mean * y / 2 + mean / 2 * root
    lesser = mean * mean / greater
    return jnp.where(z <= mean / (mean + lesser), lesser, greater)
