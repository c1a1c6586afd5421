"""Linear systems, inverses and determinants of stacks of matrices."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops

from .factorizations import pinv, svdvals
from .matrices import eye
from .matrix_operands import (
    as_square,
    in_common_dtype,
    linear_algebra_error,
    stacked_alike,
)
from .norms import matrix_rank
from .products import dot, matmul
from .promotion import Operand, as_array_operand, strong
from .reduce import sum as sum_
from .shapes import broadcast_to, moveaxis, reshape, transpose


class SlogdetResult(NamedTuple):
    """Results of `slogdet`: sign and logabsdet, both (...).

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.slogdet(jnp.array([[2.0, 0.0], [0.0, -1.0]])).sign
    Array(-1.)
    """

    sign: Any
    logabsdet: Any


def solve(a: Any, b: Any) -> Any:
    """The solution x of a x = b for square matrices (..., n, n).

    b is one vector (n,), or a stack of matrices (..., n, k); the stacks broadcast. Where a matrix
    is singular the result is nan (NumPy raises LinAlgError). Raises LinAlgError for matrices that
    are not square and ValueError for lengths that differ.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.solve(jnp.array([[2.0, 0.0], [0.0, 4.0]]), jnp.array([2.0, 2.0]))
    Array([1. , 0.5])
    """
    matrix, right = in_common_dtype(as_square(a), b)
    is_vector = right.ndim == 1
    if is_vector:
        right = reshape(right, (*right.shape, 1))
    if right.ndim == 0 or right.shape[-2] != matrix.shape[-1]:
        size = right.shape[-2] if right.ndim else 0
        raise ValueError(
            at_user_line(
                "solve: Input operand 1 has a mismatch in its core dimension 0, with gufunc "
                f"signature (m,m),(m,n)->(m,n) (size {size} is different from "
                f"{matrix.shape[-1]})"
            )
        )
    result = _solve_columns(matrix, right)
    return reshape(result, result.shape[:-1]) if is_vector else result


def _solve_columns(matrix: Operand, right: Operand) -> Operand:
    """One matrix for a stack of right sides is factorized once: the stack becomes columns."""
    if matrix.ndim == 2 and right.ndim > 2:
        *stack, n, k = right.shape
        wide = reshape(moveaxis(right, -2, 0), (n, math.prod(stack) * k))
        solved = reshape(apply(ops.solve, matrix, wide), (n, *stack, k))
        return moveaxis(solved, 0, -2)
    return apply(ops.solve, *stacked_alike(matrix, right))


def inv(a: Any) -> Any:
    """Inverses of square matrices (..., n, n).

    nan where singular (NumPy raises LinAlgError). Raises LinAlgError for matrices that are not
    square. See `solve`, which is faster and more accurate for a system of equations.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.inv(jnp.array([[2.0, 0.0], [0.0, 4.0]]))
    Array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    x = as_square(a)
    return apply(ops.solve, x, broadcast_to(eye(x.shape[-1], dtype=x.dtype), x.shape))


def det(a: Any) -> Any:
    """Determinants (...) of square matrices (..., n, n).

    Derivatives are right at singular matrices too. Raises LinAlgError for matrices that are not
    square.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.det(jnp.array([[1.0, 2.0], [3.0, 4.0]]))
    Array(-2.)
    """
    return apply(ops.det, as_square(a))


def slogdet(a: Any, *, method: str | None = None) -> Any:
    """Sign and logarithm of the absolute value of determinants (...) of matrices (..., n, n).

    The sign has absolute value one if complex; 0 and -inf of singular matrices. `method` is taken
    for JAX's sake: "lu", "qr" or None; it is by LU always. Raises LinAlgError for matrices that are
    not square.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.slogdet(jnp.array([[2.0, 0.0], [0.0, -1.0]]))
    SlogdetResult(sign=Array(-1.), logabsdet=Array(0.69314718))
    """
    if method not in (None, "lu", "qr"):
        raise ValueError(
            at_user_line(f"slogdet: expected method 'lu', 'qr' or None; got {method!r}")
        )
    return SlogdetResult(*apply(ops.slogdet, as_square(a)))


def lstsq(a: Any, b: Any, rcond: Any = None, *, numpy_resid: bool = False) -> Any:
    """Least-squares solution x of least norm of a x = b, and what tells of its quality.

    For one matrix (m, n) and b (m,) or (m, k): x, sums of squared residuals (k,), rank, singular
    values. Singular values up to `rcond` (default max(m, n) eps) times the greatest count as zero.
    The residuals are there always, as in JAX; with `numpy_resid` they are empty, as in NumPy, if
    the rank is less than n or m <= n: then the values must be known. Raises LinAlgError for other
    shapes.

    >>> import jitad.numpy as jnp
    >>> a = jnp.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> jnp.linalg.lstsq(a, jnp.array([1.0, 3.0, 5.0]))[0]
    Array([1., 2.])
    """
    matrix, right = in_common_dtype(a, b)
    if right.ndim not in (1, 2) or matrix.ndim != 2:
        ndim = matrix.ndim if matrix.ndim != 2 else right.ndim
        raise linear_algebra_error(f"{ndim}-dimensional array given. Array must be two-dimensional")
    m, n = matrix.shape
    if right.shape[0] != m:
        raise linear_algebra_error("Incompatible dimensions")
    rtol = max(m, n) * float(np.finfo(matrix.dtype).eps) if rcond is None else rcond
    x = matmul(pinv(matrix, rtol=rtol), right)
    rank = matrix_rank(matrix, rtol=rtol)
    rest = apply(ops.sub, right, matmul(matrix, x))
    size = apply(ops.abs, rest) if rest.dtype.kind == "c" else rest
    residuals = reshape(sum_(apply(ops.square, size), 0), (-1,))
    if numpy_resid and (m <= n or int(rank) < n):
        residuals = residuals[:0]
    return x, residuals, rank, svdvals(matrix)


def matrix_power(a: Any, n: int) -> Any:
    """Product of n copies of square matrices, by repeated squaring; of their inverses if n < 0.

    Integer matrices stay integer for n >= 0. Raises LinAlgError for matrices that are not square,
    TypeError for n that is no integer.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.matrix_power(jnp.array([[1, 1], [1, 0]]), 5)
    Array([[8, 5],
           [5, 3]])
    """
    x = strong(as_array_operand(a))
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        as_square(x)
    n = operator.index(n)
    if n < 0:
        x, n = inv(x), -n
    result = None
    while n:
        if n & 1:
            result = x if result is None else matmul(result, x)
        n >>= 1
        x = matmul(x, x) if n else x
    if result is None:
        return broadcast_to(eye(x.shape[-1], dtype=x.dtype), x.shape)
    return result


def multi_dot(arrays: Sequence[Any], *, precision: Any = None) -> Any:
    """Product of two or more matrices in the order that needs the fewest multiplications.

    The first and the last may be vectors. `precision` is taken for JAX's sake. Raises ValueError
    for fewer than two arrays and LinAlgError for other shapes.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.multi_dot([jnp.ones((2, 3)), jnp.ones((3, 4)), jnp.ones(4)])
    Array([12., 12.])
    """
    factors = [strong(as_array_operand(x)) for x in arrays]
    if len(factors) < 2:
        raise ValueError(at_user_line("Expecting at least two arrays."))
    first_is_vector, last_is_vector = factors[0].ndim == 1, factors[-1].ndim == 1
    if first_is_vector:
        factors[0] = reshape(factors[0], (1, -1))
    if last_is_vector:
        factors[-1] = reshape(factors[-1], (-1, 1))
    for x in factors:
        if x.ndim != 2:
            raise linear_algebra_error(
                f"{x.ndim}-dimensional array given. Array must be two-dimensional"
            )
    lengths = [x.shape[0] for x in factors] + [factors[-1].shape[1]]
    splits = _cheapest_splits(lengths)

    def product(i: int, j: int) -> Operand:
        return factors[i] if i == j else dot(product(i, splits[i, j]), product(splits[i, j] + 1, j))

    result = product(0, len(factors) - 1)
    rows = () if first_is_vector else result.shape[:1]
    return reshape(result, rows + (() if last_is_vector else result.shape[1:]))


def _cheapest_splits(lengths: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to split the product of matrices i ... j, matrix i being lengths[i] x lengths[i + 1]
    (T. H. Cormen et al., Introduction to Algorithms, 15.2)."""
    count = len(lengths) - 1
    cost = {(i, i): 0 for i in range(count)}
    split: dict[tuple[int, int], int] = {}
    for span in range(1, count):
        for i in range(count - span):
            j = i + span
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1], k)
                for k in range(i, j)
            )
    return split


def tensorinv(a: Any, ind: int = 2) -> Any:
    """Inverse of the map of tensors that sums over the last axes of `a`.

    They are those behind the first `ind`. The products of the lengths of both groups must be equal
    (else LinAlgError).

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.tensorinv(jnp.eye(6).reshape(2, 3, 6), ind=2).shape
    (6, 2, 3)
    """
    x = strong(as_array_operand(a))
    if ind <= 0:
        raise ValueError(at_user_line("Invalid ind argument."))
    rows, columns = x.shape[:ind], x.shape[ind:]
    inverse = inv(reshape(x, (math.prod(rows), math.prod(columns))))
    return reshape(inverse, (*columns, *rows))


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The tensor x with tensordot(a, x, x.ndim) = b.

    `axes` of `a` are moved to its end first. Raises LinAlgError if the numbers of equations and
    unknowns differ.

    >>> import jitad.numpy as jnp
    >>> x = jnp.linalg.tensorsolve(2.0 * jnp.eye(6).reshape(2, 3, 2, 3), jnp.ones((2, 3)))
    >>> x
    Array([[0.5, 0.5, 0.5],
           [0.5, 0.5, 0.5]])
    """
    x, right = in_common_dtype(a, b)
    if axes is not None:
        last = normalize_axis_tuple(axes, x.ndim)
        x = transpose(x, [i for i in range(x.ndim) if i not in last] + list(last))
    shape = x.shape[right.ndim :]
    if math.prod(shape) ** 2 != x.size:
        raise linear_algebra_error(
            "Input arrays must satisfy the requirement prod(a.shape[b.ndim:]) == "
            "prod(a.shape[:b.ndim])"
        )
    size = math.prod(shape)
    return reshape(solve(reshape(x, (size, size)), reshape(right, (size,))), shape)
