"""Dirichlet distribution of shapes `alpha` > 0 over the simplex."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp
from jitad.errors import at_user_line

from .. import special
from ..special.arguments import floats

__all__ = ["logpdf", "pdf"]
__dir__ = __all__.copy


def logpdf(x: Any, alpha: Any) -> Any:
    """Logarithm of the density at `x`, of shape (K,) or (K, ...) for alpha of shape (K,); the last
    coordinate may be left out. -inf where x is not in the simplex.

    The result has the shape of `x` without its first axis. ValueError for other shapes; nan unless
    alpha > 0.

    >>> from jitad.scipy import stats
    >>> import numpy as np
    >>> stats.dirichlet.logpdf(np.array([0.25, 0.75]), np.array([2.0, 1.0]))
    Array(-0.69314718)
    """
    x, alpha = jnp.asarray(x), jnp.asarray(alpha)
    if alpha.ndim != 1 or x.ndim == 0 or x.shape[0] not in (alpha.shape[0], alpha.shape[0] - 1):
        raise ValueError(
            at_user_line(
                "dirichlet.logpdf: expected alpha of shape (K,) and x of K or K - 1 rows; got "
                f"shapes {alpha.shape} and {x.shape}"
            )
        )
    if x.shape[0] < alpha.shape[0]:
        x = jnp.concatenate([x, 1 - jnp.sum(x, 0, keepdims=True)])
    alpha = jnp.reshape(alpha, (-1, *[1] * (x.ndim - 1)))
    x, shapes = floats("dirichlet.logpdf", x, alpha)
    shapes = jnp.where(shapes > 0, shapes, np.nan)
    tolerance = 10 * x.shape[0] * np.finfo(x.dtype).eps
    outside = jnp.any((x < 0) | (x > 1), 0) | (jnp.abs(jnp.sum(x, 0) - 1) > tolerance)
    safe = jnp.where(outside, 0.5, x)
    value = jnp.sum(special.xlogy(shapes - 1, safe) - special.gammaln(shapes), 0)
    return jnp.where(outside, -np.inf, value + special.gammaln(jnp.sum(shapes, 0)))


def pdf(x: Any, alpha: Any) -> Any:
    """Density at `x`: product of x_i**(alpha_i - 1) / Gamma(alpha_i), times Gamma(sum of alpha),
    over the simplex. Shapes as in `logpdf`.

    >>> from jitad.scipy import stats
    >>> import numpy as np
    >>> stats.dirichlet.pdf(np.array([0.25, 0.75]), np.array([2.0, 1.0]))
    Array(0.5)
    """
    return jnp.exp(logpdf(x, alpha))
