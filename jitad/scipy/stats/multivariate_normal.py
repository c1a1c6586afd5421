"""Multivariate normal distribution of mean vector `mean` and covariance matrix `cov`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops

from ..special.arguments import floats

__all__ = ["logpdf", "pdf"]
__dir__ = __all__.copy


def logpdf(x: Any, mean: Any = 0, cov: Any = 1, allow_singular: None = None) -> Any:
    """Logarithm of the density at `x` of shape (..., n), for a mean of shape (..., n) and a
    covariance of shape (..., n, n), or a number times the identity; nan if that is not positive
    definite. Shapes broadcast.

    >>> import numpy as np
    >>> logpdf(np.zeros(2), np.zeros(2), np.eye(2))
    Array(-1.83787707)

    Raises NotImplementedError for `allow_singular`, ValueError for other shapes.
    """
    if allow_singular is not None:
        raise NotImplementedError(
            at_user_line("multivariate_normal: allow_singular is not available; leave it out")
        )
    x, mean, cov = jnp.asarray(x), jnp.asarray(mean), jnp.asarray(cov)
    if cov.ndim == 0:
        size = jnp.broadcast_shapes(x.shape, mean.shape)[-1:] or (1,)
        cov = cov * jnp.eye(*size)
    if cov.ndim == 1 or cov.shape[-1] != cov.shape[-2]:
        raise ValueError(
            at_user_line(
                "multivariate_normal: expected a number or square matrices as covariance; got "
                f"shape {cov.shape}"
            )
        )
    n = cov.shape[-1]
    deviation, spread, cov = _of_one_dtype(x, mean, cov)
    deviation = deviation - spread
    if deviation.ndim == 0 or deviation.shape[-1] not in (1, n):
        raise ValueError(
            at_user_line(
                f"multivariate_normal: expected x and mean of {n} components; got shapes "
                f"{x.shape} and {mean.shape}"
            )
        )
    stack = jnp.broadcast_shapes(deviation.shape[:-1], cov.shape[:-2])
    deviation = jnp.broadcast_to(deviation, (*stack, n))
    factor = jnp.linalg.cholesky(cov)
    size = jnp.sum(jnp.square(_whitened(factor, deviation)), -1)
    diagonal = jnp.diagonal(factor, axis1=-2, axis2=-1)
    return -0.5 * size - 0.5 * n * math.log(2 * math.pi) - jnp.sum(jnp.log(diagonal), -1)


def _whitened(factor: Any, deviation: Any) -> Any:
    """L^-1 d for factors L of shape (*s, n, n) and d of shape (*stack, n), where s broadcasts to
    `stack`. Deviations that share a factor are the columns of one system, so that each covariance
    is factorized once, however many points there are."""
    *stack, n = deviation.shape
    lengths = (1,) * (len(stack) - factor.ndim + 2) + factor.shape[:-2]
    own = [axis for axis, length in enumerate(lengths) if length != 1]
    shared = [axis for axis, length in enumerate(lengths) if length == 1]
    order = [*own, len(stack), *shared]
    columns = jnp.transpose(deviation, order)
    systems = [stack[axis] for axis in own]
    solved = apply(
        ops.triangular_solve,
        factor.reshape(*systems, n, n),
        columns.reshape(*systems, n, math.prod(stack[axis] for axis in shared)),
        lower=True,
        transpose_a=False,
        conjugate_a=False,
        unit_diagonal=False,
    )
    return jnp.transpose(solved.reshape(columns.shape), np.argsort(order))


def _of_one_dtype(*arrays: Any) -> list[Any]:
    """The arrays in the float dtype at which they meet, each of its own shape."""
    dtype = floats("multivariate_normal.logpdf", *[jnp.zeros((), a.dtype) for a in arrays])[0].dtype
    return [a.astype(dtype) for a in arrays]


def pdf(x: Any, mean: Any = 0, cov: Any = 1) -> Any:
    """Density at `x`: exp(-d' cov^-1 d / 2) / sqrt((2 pi)**n det(cov)), d = x - mean. Shapes as in
    `logpdf`.

    >>> from jitad.scipy import stats
    >>> import numpy as np
    >>> stats.multivariate_normal.pdf(np.zeros(2), np.zeros(2), np.eye(2))
    Array(0.15915494)
    """
    return jnp.exp(logpdf(x, mean, cov))
