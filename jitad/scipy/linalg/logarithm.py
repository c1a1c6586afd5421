"""The logarithm of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import lax
from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.matrix_operands import as_square
from jitad.numpy.promotion import convert

from .functions import sqrtm

NEAR = 0.25
"""Distance from the identity at which the quadrature is exact to rounding."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(9)
MOST_ROOTS = 100


def logm(A: Any, disp: bool = True) -> Any:
    """The principal logarithm of square matrices (..., n, n) without eigenvalues on the closed
    negative real axis, in complex128; with derivatives of every order.

    Square roots are taken until the matrix R = 1 + X is near the identity; then
    log(1 + X) = integral of X (1 + t X)^-1 over 0 <= t <= 1, by Gauss's rule of 9 points, which is
    the diagonal Pade approximant (Higham, Functions of Matrices, 2008, section 11.4); and
    log A = 2^k log R after k roots. An error estimate (`disp=False`) is left out
    (NotImplementedError). nan or infinite where the logarithm does not exist.

    >>> import numpy as np
    >>> logm(np.diag([1.0, np.e])).real
    Array([[0., 0.],
           [0., 1.]])
    """
    if not disp:
        raise NotImplementedError(at_user_line("logm: the error estimate (disp=False) is left out"))
    matrix = convert(as_square(A), np.dtype(np.complex128))
    identity = np.eye(matrix.shape[-1])

    def is_far(state: Any) -> Any:
        root, count = state
        distance = jnp.max(jnp.sum(jnp.abs(root - identity), -1), initial=0.0)
        return (distance > NEAR) & (count < MOST_ROOTS)

    root, count = lax.while_loop(is_far, lambda s: (sqrtm(s[0]), s[1] + 1), (matrix, 0))
    x = root - identity
    total: Any = 0.0
    for node, weight in zip((1 + NODES) / 2, WEIGHTS / 2, strict=True):
        # X commutes with (1 + t X)^-1, so that it may stand on the right side.
        total = total + weight * jnp.linalg.solve(identity + node * x, x)
    return 2.0**count * total
