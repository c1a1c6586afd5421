"""What the methods of `minimize` share: their result, their start, reasons to stop."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jitad import numpy as jnp

from .line_search import Found, ValueAndGradient

SUCCESS, ITERATIONS, PRECISION, NOT_A_NUMBER, RUNNING = 0, 1, 2, 3, -1


class OptimizeResults(NamedTuple):
    """Result of `minimize`.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.scipy.optimize import minimize
    >>> minimize(lambda x: ((x - 1.0) ** 2).sum(), np.zeros(2), method="BFGS").x
    Array([1., 1.])
    """

    x: Any
    """The solution, (n,)."""
    success: Any
    """True if the gradient is as small as asked for."""
    status: Any
    """0: success; 1: too many iterations (or evaluations); 2: the line search found no better
    point, for want of precision or because the gradient is wrong; 3: nan."""
    fun: Any
    """The function at the solution."""
    jac: Any
    """The gradient there, (n,)."""
    hess_inv: Any
    """The inverse of the Hessian, (n, n), as the steps taken tell it (BFGS; else None)."""
    nfev: Any
    """Number of evaluations of the function."""
    njev: Any
    """Number of evaluations of the gradient."""
    nit: Any
    """Number of iterations."""


def first_point(function: ValueAndGradient, x: Any) -> Found:
    """Where the search starts."""
    value, gradient = function(x)
    return Found(
        success=jnp.asarray(True),
        step=jnp.zeros((), value.dtype),
        x=x,
        value=value,
        gradient=gradient,
        evaluations=jnp.ones((), np.int64),
    )


def norm_of(x: Any, order: float) -> Any:
    """A norm of a vector: of order infinity, the greatest absolute value."""
    return jnp.linalg.norm(x, order)
