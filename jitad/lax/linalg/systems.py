"""Triangular and tridiagonal systems, and symmetric products."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad_ir import ops
from jitad_ir.types import real_dtype

from ... import numpy as jnp
from ...errors import at_user_line
from ...trace import apply
from ..loops import scan
from ..operands import of_one_dtype
from ..solving import custom_linear_solve
from .matrices import as_square, as_stack


def triangular_solve(
    a: Any,
    b: Any,
    *,
    left_side: bool = False,
    lower: bool = False,
    transpose_a: bool = False,
    conjugate_a: bool = False,
    unit_diagonal: bool = False,
) -> Any:
    """X with op(a) X = b if `left_side`, else X op(a) = b, for triangular a (..., m, m), of which
    only the triangle named by `lower` is read (and not the diagonal if `unit_diagonal`). op
    transposes if `transpose_a` and conjugates if `conjugate_a`. b is (..., m, n) or (..., n, m), or
    a vector for each matrix. A zero on the diagonal gives inf or nan.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> a = jnp.array([[2.0, 0.0], [1.0, 4.0]])
    >>> lax.linalg.triangular_solve(a, jnp.array([2.0, 9.0]), left_side=True, lower=True)
    Array([1., 2.])
    """
    matrix, right = of_one_dtype("triangular_solve", (a, b))
    matrix = as_square("triangular_solve", matrix)
    vectors = right.ndim == matrix.ndim - 1
    if vectors:
        right = jnp.expand_dims(right, -1 if left_side else -2)
    side = -2 if left_side else -1
    if right.shape[:-2] != matrix.shape[:-2] or right.shape[side] != matrix.shape[-1]:
        raise TypeError(
            at_user_line(
                f"triangular_solve: expected b to fit a {matrix.shape}, stacks of one shape; got "
                f"{right.shape} on the {'right' if left_side else 'left'}"
            )
        )
    # X op(a) = b is transpose(op(a)) transpose(X) = transpose(b).
    x = apply(
        ops.triangular_solve,
        matrix,
        right if left_side else jnp.swapaxes(right, -1, -2),
        lower=bool(lower),
        transpose_a=bool(transpose_a) == bool(left_side),
        conjugate_a=bool(conjugate_a) and matrix.dtype.kind == "c",
        unit_diagonal=bool(unit_diagonal),
    )
    x = x if left_side else jnp.swapaxes(x, -1, -2)
    return jnp.squeeze(x, -1 if left_side else -2) if vectors else x


def symmetric_product(
    a_matrix: Any,
    c_matrix: Any,
    *,
    alpha: float = 1.0,
    beta: float = 0.0,
    symmetrize_output: bool = False,
) -> Any:
    """alpha A A^T + beta C for A (..., m, n) and symmetric C (..., m, m); with `symmetrize_output`
    the lower triangle is mirrored into the upper one.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.linalg.symmetric_product(jnp.array([[1.0], [2.0]]), jnp.eye(2), beta=10.0)
    Array([[11.,  2.],
           [ 2., 14.]])
    """
    a, c = of_one_dtype("symmetric_product", (a_matrix, c_matrix))
    a, c = as_stack("symmetric_product", a), as_square("symmetric_product", c)
    if c.shape != (*a.shape[:-1], a.shape[-2]):
        raise ValueError(
            at_user_line(
                f"symmetric_product: expected C of shape {(*a.shape[:-1], a.shape[-2])} for A "
                f"{a.shape}; got {c.shape}"
            )
        )
    result = alpha * jnp.matmul(a, jnp.swapaxes(a, -1, -2)) + beta * c
    if symmetrize_output:
        result = jnp.tril(result) + jnp.swapaxes(jnp.tril(result, -1), -1, -2)
    return result


def tridiagonal_solve(dl: Any, d: Any, du: Any, b: Any, *, perturb_singular: bool = False) -> Any:
    """X with A X = b for tridiagonal A, by elimination with partial pivoting: the diagonal d
    (..., m), dl[i] = A[i, i - 1] and du[i] = A[i, i + 1], of the same shape, of which dl[0] and
    du[m - 1] are not read. b is (..., m, n).

    Pivots of 0 give inf or nan; with `perturb_singular` pivots below eps max|A| are replaced by
    that. Raises ValueError if shapes do not fit.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> ones = jnp.ones(3)
    >>> lax.linalg.tridiagonal_solve(ones, 2 * ones, ones, jnp.array([[4.0], [8.0], [8.0]]))[:, 0]
    Array([1., 2., 3.])
    """
    found = of_one_dtype("tridiagonal_solve", (dl, d, du, b))
    low, main, high = [as_stack("tridiagonal_solve", x, 1) for x in found[:3]]
    right = as_stack("tridiagonal_solve", found[3])
    if not low.shape == main.shape == high.shape == right.shape[:-1]:
        raise ValueError(
            at_user_line(
                "tridiagonal_solve: expected diagonals (..., m) of one shape and b (..., m, n); "
                f"got {low.shape}, {main.shape}, {high.shape} and {right.shape}"
            )
        )
    # Rows in front; one column of b after the other at the end.
    low, main, high = [jnp.moveaxis(x, -1, 0)[..., None] for x in (low, main, high)]
    right = jnp.moveaxis(right, -2, 0)
    if right.shape[0] == 0:
        return jnp.moveaxis(right, 0, -2)
    edge = jnp.zeros_like(low[:1])
    low = jnp.concatenate([edge, low[1:]])
    high = jnp.concatenate([high[:-1], edge])

    def matvec(x: Any) -> Any:
        zero = jnp.zeros_like(x[:1])
        before, after = jnp.concatenate([zero, x[:-1]]), jnp.concatenate([x[1:], zero])
        return low * before + main * x + high * after

    def solve(_matvec: Any, b: Any) -> Any:
        return _eliminated(low, main, high, b, perturb_singular)

    def solve_transposed(_vecmat: Any, b: Any) -> Any:
        below, above = jnp.concatenate([edge, high[:-1]]), jnp.concatenate([low[1:], edge])
        return _eliminated(below, main, above, b, perturb_singular)

    x = custom_linear_solve(matvec, right, solve, solve_transposed)
    return jnp.moveaxis(x, 0, -2)


def _eliminated(low: Any, main: Any, high: Any, b: Any, perturb: bool) -> Any:
    """Rows 0, ... are made those of an upper triangular matrix with two diagonals above the main
    one; the row in hand has two elements (first, second) and a right hand side."""

    def forward(row: Any, following: Any) -> tuple[Any, Any]:
        first, second, rhs = row
        below, on, above, other = following
        swap = jnp.abs(below) > jnp.abs(first)
        pivot = jnp.where(swap, below, first)
        # An empty column has nothing to eliminate: 0 / 0 is taken as 0.
        factor = jnp.where(
            below == 0, 0, jnp.where(swap, first, below) / jnp.where(pivot == 0, 1, pivot)
        )
        top = (
            pivot,
            jnp.where(swap, on, second),
            jnp.where(swap, above, 0),
            jnp.where(swap, other, rhs),
        )
        rest = (
            jnp.where(swap, second - factor * on, on - factor * second),
            jnp.where(swap, -factor * above, above),
            jnp.where(swap, rhs - factor * other, other - factor * rhs),
        )
        return rest, top

    start = (main[0], high[0], b[0])
    last, rows = scan(forward, start, (low[1:], main[1:], high[1:], b[1:]))
    ends = (last[0], last[1], jnp.zeros_like(last[0]), last[2])
    rows = [jnp.concatenate([row, end[None]]) for row, end in zip(rows, ends, strict=True)]
    if perturb:
        rows[0] = _perturbed(rows[0], low, main, high)

    def backward(after: Any, row: Any) -> tuple[Any, Any]:
        first, second = after
        pivot, next_one, one_further, rhs = row
        x = (rhs - next_one * first - one_further * second) / pivot
        return (x, first), x

    nothing = jnp.zeros_like(b[0])
    return scan(backward, (nothing, nothing), tuple(rows), reverse=True)[1]


def _perturbed(pivots: Any, low: Any, main: Any, high: Any) -> Any:
    """Pivots no smaller than eps max|A|, with their sign (or phase)."""
    dtype: Any = real_dtype(pivots.dtype) if pivots.dtype.kind == "c" else pivots.dtype
    info = np.finfo(dtype)
    size = jnp.max(jnp.abs(jnp.stack([low, main, high])), axis=(0, 1))
    least = jnp.maximum(info.eps * size, info.tiny)
    phase = jnp.where(pivots == 0, 1, jnp.sign(pivots))
    return jnp.where(jnp.abs(pivots) < least, phase * least, pivots)
