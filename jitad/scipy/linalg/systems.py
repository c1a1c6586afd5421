"""Linear systems, inverses and determinants, with SciPy's signatures and results."""

from __future__ import annotations

from typing import Any

from jitad.errors import at_user_line
from jitad.numpy import systems
from jitad.numpy.arithmetic import add
from jitad.numpy.matrices import tril, triu
from jitad.numpy.matrix_operands import adjoint, as_square, in_common_dtype, stacked_alike
from jitad.numpy.picking import take_along_axis
from jitad.numpy.promotion import Operand, as_array_operand, convert
from jitad.numpy.shapes import broadcast_to, expand_dims, reshape
from jitad.numpy.sorting import argsort
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import INT32

from .factorizations import cho_factor

_TRANSPOSED = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}


def _as_columns(matrix: Operand, right: Operand) -> tuple[Operand, Operand, bool]:
    """Both stacked alike, a vector as a column; and whether it was one. Raises ValueError where
    the lengths differ."""
    is_vector = right.ndim == 1
    if is_vector:
        right = expand_dims(right, -1)
    if right.ndim == 0 or right.shape[-2] != matrix.shape[-1]:
        raise ValueError(
            at_user_line(
                f"shapes of a {matrix.shape} and b {right.shape[:-1] if is_vector else right.shape}"
                " are incompatible"
            )
        )
    matrix, right = stacked_alike(matrix, right)
    return matrix, right, is_vector


def _as_given(x: Operand, is_vector: bool) -> Operand:
    return reshape(x, x.shape[:-1]) if is_vector else x


def _triangular(
    matrix: Operand, right: Operand, *, lower: bool, trans: int, unit_diagonal: bool = False
) -> Operand:
    return apply(
        ops.triangular_solve,
        matrix,
        right,
        lower=lower,
        transpose_a=trans != 0,
        conjugate_a=trans == 2 and matrix.dtype.kind == "c",
        unit_diagonal=unit_diagonal,
    )


def _transposition(trans: Any) -> int:
    if trans not in _TRANSPOSED:
        raise ValueError(at_user_line(f"trans: expected 0, 1, 2, 'N', 'T' or 'C'; got {trans!r}"))
    return _TRANSPOSED[trans]


def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    debug: Any = None,
    check_finite: bool = True,
) -> Any:
    """The solution x of a x = b for triangular a (..., n, n), of which one triangle is read, and b
    (n,) or (..., n, k).

    `trans` 1 or "T": of a^T x = b; 2 or "C": of a^H x = b. A zero on the diagonal gives inf or nan
    (SciPy raises LinAlgError).

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> a = np.array([[2.0, 0.0], [1.0, 4.0]])
    >>> linalg.solve_triangular(a, np.array([2.0, 9.0]), lower=True)
    Array([1., 2.])
    """
    matrix, right = in_common_dtype(as_square(a), b)
    matrix, right, is_vector = _as_columns(matrix, right)
    x = _triangular(
        matrix,
        right,
        lower=bool(lower),
        trans=_transposition(trans),
        unit_diagonal=bool(unit_diagonal),
    )
    return _as_given(x, is_vector)


def cho_solve(
    c_and_lower: tuple[Any, bool], b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """The solution x of a x = b from the result of `cho_factor` for a (..., n, n), and b (n,) or
    (..., n, k).

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> factor = linalg.cho_factor(np.array([[4.0, 2.0], [2.0, 3.0]]))
    >>> linalg.cho_solve(factor, np.array([8.0, 7.0]))
    Array([1.25, 1.5 ])
    """
    factor, lower = _pair_of("cho", c_and_lower)
    matrix, right = in_common_dtype(as_square(factor), b)
    matrix, right, is_vector = _as_columns(matrix, right)
    half = _triangular(matrix, right, lower=bool(lower), trans=0 if lower else 2)
    x = _triangular(matrix, half, lower=bool(lower), trans=2 if lower else 0)
    return _as_given(x, is_vector)


def _pair_of(kind: str, given: Any) -> tuple[Any, Any]:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        got = "an array" if hasattr(given, "shape") else repr(given)
        raise TypeError(
            at_user_line(
                f"{kind}_solve: expected the pair that {kind}_factor returns; got {got}. Write "
                f"{kind}_solve({kind}_factor(a), b)"
            )
        )
    return given[0], given[1]


def lu_solve(
    lu_and_piv: tuple[Any, Any],
    b: Any,
    trans: int = 0,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """The solution x of a x = b (a^T x = b, a^H x = b for `trans` 1, 2) from the result of
    `lu_factor` for a (..., n, n), and b (n,) or (..., n, k).

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> factors = linalg.lu_factor(np.array([[1.0, 2.0], [4.0, 2.0]]))
    >>> linalg.lu_solve(factors, np.array([5.0, 8.0]))
    Array([1., 2.])
    """
    packed, pivots = _pair_of("lu", lu_and_piv)
    kind = _transposition(trans)
    matrix, right = in_common_dtype(as_square(packed), b)
    matrix, right, is_vector = _as_columns(matrix, right)
    n = matrix.shape[-1]
    exchanges = convert(as_array_operand(pivots), INT32)
    order = apply(ops.pivots_to_permutation, exchanges, rows=n)
    order = expand_dims(broadcast_to(order, matrix.shape[:-1]), -1)
    if kind == 0:
        half = take_along_axis(right, order, -2)
        half = _triangular(matrix, half, lower=True, trans=0, unit_diagonal=True)
        x = _triangular(matrix, half, lower=False, trans=0)
    else:
        half = _triangular(matrix, right, lower=False, trans=kind)
        half = _triangular(matrix, half, lower=True, trans=kind, unit_diagonal=True)
        x = take_along_axis(half, argsort(order, axis=-2), -2)
    return _as_given(x, is_vector)


def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    debug: Any = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Any:
    """The solution x of a x = b for a (..., n, n) and b (n,) or (..., n, k); of a^T x = b if
    `transposed`. nan where a is singular (SciPy raises LinAlgError).

    `assume_a` says what a is, of which no more is read then: "sym", "her" and "pos" (symmetric,
    Hermitian, and Hermitian positive definite, which is solved by Cholesky) the triangle that
    `lower` says, "diagonal" and "tridiagonal" those diagonals, "upper triangular" and "lower
    triangular" that triangle, "gen", "banded" or None all of it. Raises ValueError for others.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.solve(np.array([[1.0, 2.0], [4.0, 2.0]]), np.array([5.0, 8.0]))
    Array([1., 2.])
    """
    matrix = as_square(a)
    kind = _KINDS.get(assume_a, assume_a)
    if kind in ("upper triangular", "lower triangular"):
        return solve_triangular(matrix, b, int(transposed), kind == "lower triangular")
    matrix = _assumed(matrix, kind, lower)
    matrix = matrix.mT if transposed else matrix
    if kind == "pos":
        return cho_solve(cho_factor(matrix), b)
    return systems.solve(matrix, b)


_KINDS = {
    "general": "gen",
    "banded": "gen",
    None: "gen",
    "symmetric": "sym",
    "hermitian": "her",
    "positive definite": "pos",
}
"""Other names of what a matrix may be assumed to be."""


def _assumed(a: Operand, kind: str | None, lower: bool) -> Operand:
    """The matrix of a kind that `a` stands for, from the part of it that is read."""
    if kind == "gen":
        return a
    if kind in ("diagonal", "tridiagonal"):
        width = 0 if kind == "diagonal" else 1
        return triu(tril(a, width), -width)
    if kind not in ("sym", "her", "pos"):
        raise ValueError(at_user_line(f"{kind} is not a recognized matrix structure"))
    half, rest = (tril(a), tril(a, -1)) if lower else (triu(a), triu(a, 1))
    return add(half, rest.mT if kind == "sym" else adjoint(rest))


def inv(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Inverses of square matrices (..., n, n); nan where singular: see `jitad.numpy.linalg.inv`.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.inv(np.array([[2.0, 0.0], [0.0, 4.0]]))
    Array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return systems.inv(a)


def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """Determinants (...) of square matrices (..., n, n): see `jitad.numpy.linalg.det`.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.det(np.array([[1.0, 2.0], [4.0, 2.0]]))
    Array(-6.)
    """
    return systems.det(a)
