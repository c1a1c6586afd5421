"""Functions of matrices, and Sylvester's equation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitad.errors import at_user_line
from jitad.numpy.factorizations import eig
from jitad.numpy.matrix_operands import as_matrices, as_square, in_common_dtype, stacked_alike
from jitad.numpy.promotion import in_parts
from jitad.numpy.shapes import expand_dims, matrix_transpose
from jitad.numpy.systems import solve as general_solve
from jitad.trace import apply
from jitad_ir import ops


def expm(A: Any, *, upper_triangular: bool = False, max_squarings: int = 16) -> Any:
    """exp of square matrices (..., n, n), 1 + A + A A / 2 + ..., with derivatives of every order.

    `upper_triangular` and `max_squarings` are taken for JAX's sake and do nothing.

    >>> expm([[0.0, 1.0], [0.0, 0.0]])
    Array([[1., 1.],
           [0., 1.]])
    """
    return apply(ops.expm, as_square(A))


def expm_frechet(
    A: Any,
    E: Any,
    method: str | None = None,
    compute_expm: bool = True,
    check_finite: bool = True,
) -> Any:
    """exp(A) and its derivative along E, for matrices (..., n, n); the derivative alone if not
    `compute_expm` (A. H. Al-Mohy, N. J. Higham, "Computing the Frechet derivative of the matrix
    exponential", 2009).

    `method` is taken for SciPy's sake. Raises ValueError for matrices that are not square or differ
    in size.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.expm_frechet(np.zeros((2, 2)), np.eye(2), compute_expm=False)
    Array([[1., 0.],
           [0., 1.]])
    """
    matrix, direction = stacked_alike(*in_common_dtype(as_square(A), as_square(E)))
    if matrix.shape != direction.shape:
        raise ValueError(at_user_line("expected A and E to be the same shape"))
    derivative = apply(ops.expm_frechet, matrix, direction)
    return (apply(ops.expm, matrix), derivative) if compute_expm else derivative


def sqrtm(A: Any, blocksize: int = 1) -> Any:
    """The principal square root of square matrices (..., n, n), complex (SciPy's dtype depends on
    the values).

    `blocksize` is taken for JAX's sake. The derivative needs eigenvalues whose roots do not add up
    to zero: it is infinite or nan at singular matrices.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.sqrtm(np.array([[4.0, 0.0], [0.0, 9.0]])).real
    Array([[2., 0.],
           [0., 3.]])
    """
    return apply(ops.sqrtm, in_parts(as_square(A)))


def funm(A: Any, func: Callable[[Any], Any], disp: bool = True) -> Any:
    """V diag(func(w)) V^-1 for matrices (..., n, n) with eigenvalues w and eigenvectors V: a
    function of matrices that can be diagonalized, by one of complex numbers. The result is complex.

    An error estimate (`disp=False`) is left out (NotImplementedError).

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.funm(np.array([[4.0, 0.0], [0.0, 9.0]]), lambda w: 1 / w).real
    Array([[0.25      , 0.        ],
           [0.        , 0.11111111]])
    """
    if not disp:
        raise NotImplementedError(at_user_line("funm: the error estimate (disp=False) is left out"))
    w, v = eig(as_square(A))
    scaled = v * expand_dims(func(w), -2)
    return matrix_transpose(general_solve(matrix_transpose(v), matrix_transpose(scaled)))


def solve_sylvester(A: Any, B: Any, C: Any, *, method: str = "schur", tol: float = 1e-8) -> Any:
    """The solution X of A X + X B = C for A (..., m, m), B (..., n, n) and C (..., m, n), by
    Schur's forms (R. H. Bartels, G. W. Stewart, 1972).

    `method` and `tol` are taken for JAX's sake. Raises ValueError for other shapes.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.solve_sylvester(np.eye(2), np.eye(2), np.array([[2.0, 4.0], [6.0, 8.0]]))
    Array([[1., 2.],
           [3., 4.]])
    """
    a, b, c = in_common_dtype(as_square(A), as_square(B), as_matrices(C))
    if c.shape[-2:] != (a.shape[-1], b.shape[-1]):
        raise ValueError(
            at_user_line(f"expected C of shape {(a.shape[-1], b.shape[-1])}; got {c.shape[-2:]}")
        )
    return apply(ops.sylvester, *stacked_alike(a, b, c))
