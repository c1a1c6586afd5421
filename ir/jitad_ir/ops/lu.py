"""LU factorization with partial pivoting of stacks of matrices, and linear systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import NONLINEAR, Bilinear, Draw, Joint, Op, Sample, Unknown, WithPrimal, batch_to_front
from ..types import INT32, ArrayType, TypeMismatch
from . import small_matrices
from .arithmetic import add, neg, sub
from .constants import full
from .lapack import (
    Pivots,
    Workspace,
    each,
    fill_nan,
    item,
    matrix_flops,
    stack_size,
    stacked,
    transpose_copy,
)
from .lu_blocks import factorize_lu, lu_parts, substitute_lu
from .matrices import (
    leading_block,
    lower_part,
    matmul,
    matrix_transpose,
    over_leading_axis,
    permute_rows,
    require_matrices,
    unit_diagonal,
    upper_part,
)
from .pivots import exchange_rows
from .slicing import pad
from .triangular import each_matrix, lanes_as_columns, solve_lower, solve_upper


def _infer_lu(a: ArrayType) -> tuple[ArrayType, ArrayType, ArrayType]:
    require_matrices("lu", a)
    *stack, m, n = a.shape
    return a, ArrayType(INT32, (*stack, min(m, n))), ArrayType(INT32, (*stack, m))


def _evaluate_lu(a: Any) -> tuple[Any, Any, Any]:
    """Column by column, all matrices of the stack at once; pivots are compared as LAPACK does."""
    *stack, m, n = a.shape
    number = int(np.prod(stack, dtype=np.int64))
    x = np.array(a).reshape(number, m, n)
    every = np.arange(number)
    pivots = np.zeros((number, min(m, n)), np.int32)
    order = np.tile(np.arange(m, dtype=np.int32), (number, 1))
    for k in range(min(m, n)):
        sizes = np.abs(np.real(x[:, k:, k])) + np.abs(np.imag(x[:, k:, k]))
        pivot = k + np.argmax(np.where(np.isnan(sizes), -1.0, sizes), axis=1)
        pivots[:, k] = pivot
        for rows in (x, order):
            rows[every, pivot], rows[:, k] = rows[:, k].copy(), rows[every, pivot]
        diagonal = x[:, k, k, None]
        x[:, k + 1 :, k] /= np.where(diagonal == 0, 1, diagonal)
        x[:, k + 1 :, k + 1 :] -= x[:, k + 1 :, k, None] * x[:, k, None, k + 1 :]
    return x.reshape(a.shape), pivots.reshape(*stack, min(m, n)), order.reshape(*stack, m)


def _jvp_lu(ts: Sequence[Value | None], outs: Sequence[Value], a: Value) -> list[Value | None]:
    """With P A' = L' U + L U': L^-1 P A' U^-1 = L^-1 L' + U' U^-1, whose terms are strictly lower
    and upper (F. R. de Hoog et al., Differentiation of matrix functionals using triangular
    factorization, Math. Comp. 80, 2011). L and U are made square by columns and rows of the unit
    matrix."""
    packed, _, permutation = outs
    (t,) = ts
    if t is None:
        return [None, None, None]
    lower, upper = unpack(packed)
    left = solve_lower(lower, permute_rows(t, permutation), unit=True)
    both = matrix_transpose(solve_upper(upper, matrix_transpose(left), transposed=True))
    moved = add(matmul(lower, lower_part(both, 1)), matmul(upper_part(both), upper))
    return [moved, None, None]


def unpack(packed: Value) -> tuple[Value, Value]:
    """L (m x m) and U (n x n), of which what the factorization lacks is taken from the unit
    matrix."""
    m, n = packed.shape[-2:]
    k = min(m, n)
    lower = unit_diagonal(lower_part(_square(leading_block(packed, m, k), m), 1))
    upper = upper_part(_square(leading_block(packed, k, n), n))
    if k < n:
        tail = pad_unit(packed, k, n)
        upper = add(upper, tail)
    return lower, upper


def _square(x: Value, n: int) -> Value:
    """x with zeros behind its rows and columns, n x n."""
    zero = full(value=0, shape=(), dtype=x.dtype)
    none = (0,) * (x.ndim - 2)
    high = (*none, n - x.shape[-2], n - x.shape[-1])
    return pad(x, zero, low=(0,) * x.ndim, high=high, interior=(0,) * x.ndim)


def pad_unit(like: Value, k: int, n: int) -> Value:
    """n x n zeros with a unit matrix in the last n - k rows and columns."""
    stack = like.shape[:-2]
    block = full(value=0, shape=(*stack, n - k, n - k), dtype=like.dtype)
    zero = full(value=0, shape=(), dtype=like.dtype)
    low = (*[0] * len(stack), k, k)
    none = (0,) * like.ndim
    return pad(unit_diagonal(block), zero, low=low, high=none, interior=none)


def _workspace_lu(a: ArrayType) -> int:
    return _lu_parts(Workspace(), a)[0].bytes


def _lu_parts(work: Workspace, a: ArrayType) -> tuple[Workspace, Any, Any]:
    """A copy of one matrix, and its pivots."""
    m, n = a.shape[-2:]
    return work, work.array(a.dtype, n, m), Pivots.scratch(work, min(m, n))


def _emit_lu(r: Any, a: Any, results: Any) -> None:
    packed, pivots, permutation = results
    m, n = a.type.shape[-2:]
    if stack_size(a.type) == 0 or m == 0:
        return
    if small_matrices.is_small(a.type) and n > 0:
        small_matrices.emit_lu(r, a, packed, pivots, permutation)
        return
    source, target = stacked(r, a), stacked(r, packed)
    exchanges, orders = stacked(r, pivots, 1), stacked(r, permutation, 1)
    _, columns, scratch = _lu_parts(Workspace(r), a.type)
    one = r.b.constant(INT32, 1)

    def factor(index: Any) -> None:
        exchange, order = item(r, exchanges, index), item(r, orders, index)
        if n > 0:
            transpose_copy(r, columns, item(r, source, index))
            found = Pivots(r, scratch)
            factorize_lu(r, a.type.dtype, columns.pointer, m, n, found)
            transpose_copy(r, item(r, target, index), columns)
            # LAPACK counts from 1.
            r.loop(min(m, n), lambda k: r.store(exchange, (k,), r.b.sub(found.load(k), one)))
        exchange_rows(r, order, exchange)

    each(r, stack_size(a.type), factor)


def well_conditioned(m: int, n: int, stack: tuple[int, ...] = (), imaginary: bool = False) -> Draw:
    """Matrices with singular values away from zero, whose pivots are not close calls."""
    rng = np.random.default_rng(10 * m + n)
    x = rng.uniform(-1, 1, (*stack, m, n))
    if imaginary:
        x = x + 1j * rng.uniform(-1, 1, (*stack, m, n))
    x = x + 2.0 * np.roll(np.eye(m, n), 1, axis=0) * np.arange(1, n + 1)
    return Draw((*stack, m, n), values=tuple(x.ravel().tolist()))


lu = Op(
    name="lu",
    doc="LU factorization with partial pivoting of (..., m, n): the factors in one array (L below "
    "the diagonal, its unit diagonal left out; U on and above it), the row exchanged with row k in "
    "step k (int32, from 0), and the permutation (int32): a[permutation] = L U.",
    infer=_infer_lu,
    evaluate=_evaluate_lu,
    jvp=Joint(_jvp_lu),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a: lu(a)),
    lower=Routine(
        _emit_lu,
        _workspace_lu,
        reuses=lambda a: None if small_matrices.is_small(a) else 0,
        flops=lambda a: matrix_flops(a, cubic=2 / 3),
        parts=lambda a: lu_parts(*a.shape[-2:]),
        problem_axes=2,
    ),
    multiple_results=True,
    samples=(
        Sample((well_conditioned(1, 1),)),
        Sample((well_conditioned(3, 3),)),
        Sample((well_conditioned(4, 4, (2, 3)),)),
        Sample((well_conditioned(3, 5),)),
        Sample((well_conditioned(6, 4, (5,)),)),
        Sample((well_conditioned(11, 11),)),
        Sample((well_conditioned(12, 9, (2,)),)),
        Sample((well_conditioned(9, 13),)),
        Sample((well_conditioned(3, 3, imaginary=True),), {}, ("c64", "c128")),
        Sample((well_conditioned(10, 10, imaginary=True),), {}, ("c64", "c128")),
        Sample((Draw((2, 0, 0)),)),
        Sample((Draw((0, 3)),)),
        Sample((Draw((2, 3, 0)),)),
        Sample((Draw((2, 2), values=(0.0, 0.0, 0.0, 1.0)),), smooth=False),
        Sample((Draw((9, 9), values=(0.0,) * 81),), smooth=False),
    ),
)


# Linear systems


def lu_solve(factors: Sequence[Value], b: Value) -> Value:
    """a^-1 b from the factors of a."""
    packed, _, permutation = factors
    return solve_upper(packed, solve_lower(packed, permute_rows(b, permutation), unit=True))


def _infer_solve(a: ArrayType, b: ArrayType) -> ArrayType:
    require_matrices("solve", a, b, square=True)
    if b.shape[-2] != a.shape[-1]:
        raise TypeMismatch(f"solve: expected as many rows on the right as {a!r} has; got {b!r}")
    return b


def _jvp_solve(
    ts: Sequence[Value | None], a: Value, b: Value
) -> tuple[list[Value], list[Value | None]]:
    """a x = b, so x' = a^-1 (b' - a' x), by one factorization for x and x'."""
    factors = lu(a)
    out = lu_solve(factors, b)
    by_matrix, by_right = ts
    moved = by_right
    if by_matrix is not None:
        product = matmul(by_matrix, out)
        moved = neg(product) if moved is None else sub(moved, product)
    return [out], [None if moved is None else lu_solve(factors, moved)]


def _transpose_solve(ct: Value, a: Value, b: Unknown) -> Value:
    return solve(matrix_transpose(a), ct)


def _batch_solve(size: int, batched: Sequence[bool], a: Value, b: Value) -> Value:
    """With one matrix for all lanes, the lanes are more columns."""
    if batched[0]:
        a, b = batch_to_front(size, batched, (a, b))
        return solve(a, b)
    return lanes_as_columns(size, b, lambda columns: solve(a, columns))


def _workspace_solve(a: ArrayType, b: ArrayType) -> int:
    return _solve_parts(Workspace(), a, b)[0].bytes


def _solve_parts(work: Workspace, a: ArrayType, b: ArrayType) -> tuple[Workspace, Any, Any, Any]:
    """Copies of the matrix and of the right side, and pivots."""
    n, columns = b.shape[-2:]
    matrix = work.array(a.dtype, n, n)
    return work, matrix, work.array(a.dtype, columns, n), Pivots.scratch(work, n)


def _emit_solve(r: Any, a: Any, b: Any, results: Any) -> None:
    (out,) = results
    if out.type.size == 0:
        return
    if small_matrices.is_small(a.type):
        small_matrices.emit_solve(r, a, b, out)
        return
    dtype = a.type.dtype
    n, columns = out.type.shape[-2:]
    matrices, right, target = stacked(r, a), stacked(r, b), stacked(r, out)
    _, matrix, x, scratch = _solve_parts(Workspace(r), a.type, b.type)

    def one(index: Any) -> None:
        result = item(r, target, index)
        r.copy(matrix, item(r, matrices, index))
        transpose_copy(r, x, item(r, right, index))
        # To LAPACK the matrix in memory is a^T, of which it solves the transpose.
        pivots = Pivots(r, scratch)
        regular = factorize_lu(r, dtype, matrix.pointer, n, n, pivots)

        def substitute() -> None:
            substitute_lu(r, dtype, "T", matrix.pointer, pivots, x.pointer, (n, columns))
            transpose_copy(r, result, x)

        r.when(regular, substitute, lambda: fill_nan(r, result))

    each(r, stack_size(a.type), one)


solve = Op(
    name="solve",
    doc="The solution x of a x = b, for stacks of square matrices and of right sides "
    "(..., n, k). nan where a is singular.",
    infer=_infer_solve,
    evaluate=lambda a, b: each_matrix(np.linalg.solve, lambda m, x: np.full_like(x, np.nan), a, b),
    jvp=WithPrimal(_jvp_solve),
    transpose=Bilinear((NONLINEAR, _transpose_solve)),
    batch=_batch_solve,
    lower=Routine(
        _emit_solve,
        _workspace_solve,
        reuses=lambda a, b: None if small_matrices.is_small(a) else 1,
        flops=lambda a, b: matrix_flops(a, b.shape[-1], cubic=2 / 3),
        parts=lambda a, b: lu_parts(*a.shape[-2:]),
        problem_axes=2,
    ),
    samples=(
        Sample((well_conditioned(1, 1), Draw((1, 1)))),
        Sample((well_conditioned(3, 3), Draw((3, 2)))),
        Sample((well_conditioned(4, 4, (2, 3)), Draw((2, 3, 4, 2)))),
        Sample((well_conditioned(6, 6, (5,)), Draw((5, 6, 1)))),
        Sample((well_conditioned(11, 11), Draw((11, 3)))),
        Sample((well_conditioned(3, 3, imaginary=True), Draw((3, 2))), {}, ("c64", "c128")),
        Sample((well_conditioned(10, 10, imaginary=True), Draw((10, 1))), {}, ("c64", "c128")),
        Sample((Draw((2, 0, 0)), Draw((2, 0, 3)))),
        Sample((well_conditioned(2, 2), Draw((2, 0)))),
        Sample(
            (Draw((2, 2, 2), values=(1.0, 2.0, 2.0, 4.0, 0.0, 1.0, 1.0, 0.0)), Draw((2, 2, 1))),
            smooth=False,
        ),
        Sample((Draw((9, 9), values=(0.0,) * 81), Draw((9, 1))), smooth=False),
    ),
)
