"""Determinants of stacks of matrices, and their logarithms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import NONLINEAR, Draw, Op, Sample, WithPrimal
from ..types import BOOL, INT32, INT64, ArrayType, real_dtype
from . import small_matrices
from .arithmetic import abs as abs_
from .arithmetic import mul, neg, reciprocal, sign, sub
from .bitwise import bitwise_and
from .comparison import eq, is_finite, ne
from .constants import constant, full_like, iota
from .conversion import complex, convert, imag, real
from .dot import dot
from .lapack import Pivots, Workspace, each, item, matrix_flops, stack_size, stacked
from .lu import lu, lu_solve, well_conditioned
from .lu_blocks import factorize_lu, lu_parts
from .matrices import (
    diagonal_part,
    matrix_transpose,
    over_leading_axis,
    permute_rows,
    require_matrices,
    unit_like,
)
from .reduce import reduce_prod, reduce_sum
from .selection import select
from .shape import broadcast
from .slicing import concatenate, part
from .transcendental import log
from .triangular import solve_lower, solve_upper


def _parity(pivots: Value, like: Value) -> Value:
    """1, or -1 where the number of row exchanges is odd, in the dtype of `like`."""
    place = iota(shape=pivots.shape, dim=pivots.ndim - 1, dtype=INT32)
    exchanges = reduce_sum(convert(ne(pivots, place), dtype=INT32), axes=(pivots.ndim - 1,))
    odd = bitwise_and(exchanges, 1)
    return convert(sub(1, mul(odd, 2)), dtype=like.dtype)


def _elements(x: Value) -> tuple[int, int]:
    """The axes of a matrix."""
    return x.ndim - 2, x.ndim - 1


# det


def _infer_det(a: ArrayType) -> ArrayType:
    require_matrices("det", a, square=True)
    return a.with_shape(a.shape[:-2])


def _jvp_det(ts: Sequence[Value | None], a: Value) -> tuple[list[Value], list[Value | None]]:
    """Jacobi's formula: det' = sum of the cofactors times a'."""
    (t,) = ts
    assert t is not None
    return [det(a)], [reduce_sum(mul(cofactors(a), t), axes=_elements(a))]


def cofactors(a: Value) -> Value:
    """The transpose of the adjugate, which is det(a) a^-1 where a is regular.

    Polynomials up to n = 3. Beyond, by a factorization, from which values are right for matrices
    of any rank, and derivatives for regular ones.
    """
    n = a.shape[-1]
    if n <= 1:
        return full_like(a, 1)
    if n == 2:
        # [[d, -c], [-b, a]]
        off_diagonal = neg(_rolled(a, 1, 1))
        return select(eq(unit_like(a), 1), _rolled(a, 1, 1), off_diagonal)
    if n == 3:
        # C_ij = a_(i+1)(j+1) a_(i+2)(j+2) - a_(i+1)(j+2) a_(i+2)(j+1), indices modulo 3
        plus = mul(_rolled(a, 1, 1), _rolled(a, 2, 2))
        return sub(plus, mul(_rolled(a, 1, 2), _rolled(a, 2, 1)))
    return _cofactors_by_lu(a)


def _rolled(x: Value, rows: int, columns: int) -> Value:
    """Element (i, j) is x[i + rows, j + columns], modulo the side."""
    for axis, amount in zip(_elements(x), (rows, columns), strict=True):
        n = x.shape[axis]
        x = concatenate(part(x, axis, amount, n), part(x, axis, 0, amount), axis=axis)
    return x


def _cofactors_by_lu(a: Value) -> Value:
    """adj(b) = det(b) U^-1 L^-1 P for b = P' L U. If the rank is n - 1, the last pivot is zero,
    and only the last row x of L^-1 P counts: of y = adj(b) the last row is x times the product of
    the other pivots, from which U gives the rows above; if it is lower, y is zero.

    That the vanishing pivot is the last needs the first n - 1 columns to be independent. A fixed
    reflection Q of the columns makes them so, but for matrices made for it: b = a Q, and
    adj(a) = -Q adj(b).
    """
    n = a.shape[-1]
    reflection = _reflection(n).astype(a.dtype)
    mirrored = dot(a, constant(value=reflection), contract=((a.ndim - 1,), (0,)), batch=((), ()))
    packed, pivots, permutation = lu(mirrored)
    diagonal = diagonal_part(packed)
    last_axis = diagonal.ndim - 1
    parity = _parity(pivots, a)
    others = mul(parity, reduce_prod(part(diagonal, last_axis, 0, n - 1), axes=(last_axis,)))
    whole = mul(parity, reduce_prod(diagonal, axes=(last_axis,)))

    x = solve_lower(packed, permute_rows(unit_like(a), permutation), unit=True)
    row = iota(shape=a.shape, dim=a.ndim - 2, dtype=INT64)
    column = iota(shape=a.shape, dim=a.ndim - 1, dtype=INT64)
    is_last = eq(row, n - 1)
    is_corner = bitwise_and(is_last, eq(column, n - 1))
    stack = tuple(range(a.ndim - 2))
    right = select(is_last, x, mul(x, broadcast(whole, shape=a.shape, dims=stack)))
    corner = broadcast(reciprocal(others), shape=a.shape, dims=stack)
    y = solve_upper(select(is_corner, corner, packed), right)
    y = select(is_finite(y), y, full_like(y, 0))
    turned = matrix_transpose(neg(y))
    return dot(turned, constant(value=reflection), contract=((a.ndim - 1,), (0,)), batch=((), ()))


def _reflection(n: int) -> Any:
    """The Householder reflection I - 2 v v^T / v^T v by a vector without structure."""
    v = 1.0 + np.modf(np.arange(1, n + 1) * 0.6180339887498949)[0]
    return np.eye(n) - 2.0 * np.outer(v, v) / np.dot(v, v)


def _parts(work: Workspace, a: ArrayType) -> tuple[Workspace, Any, Any]:
    """A copy of one matrix, and pivots."""
    n = a.shape[-1]
    return work, work.array(a.dtype, n, n), Pivots.scratch(work, n)


def _workspace(a: ArrayType) -> int:
    return _parts(Workspace(), a)[0].bytes


def _each_diagonal(r: Any, a: Any, start: Any, visit: Callable[[Any, Any, Any], None]) -> None:
    """By LU of each matrix: start(index), then visit(index, pivot, exchanged) for each pivot.
    What is in memory is a^T to LAPACK, whose determinant is the same."""
    dtype, n = a.type.dtype, a.type.shape[-1]
    matrices = stacked(r, a)
    _, matrix, scratch = _parts(Workspace(r), a.type)

    def one(index: Any) -> None:
        r.copy(matrix, item(r, matrices, index))
        pivots = Pivots(r, scratch)
        factorize_lu(r, dtype, matrix.pointer, n, n, pivots)
        start(index)

        def step(k: Any) -> None:
            row = r.builder.zext(pivots.load(k).value, r.integer(0).type)
            exchanged = r.builder.icmp_signed("!=", row, r.builder.add(k, r.integer(1)))
            visit(index, r.load(matrix, (k, k)), exchanged)

        r.loop(n, step)

    each(r, stack_size(a.type), one)


def _signed(r: Any, lanes: Any, exchanged: Any) -> Any:
    """-lanes where rows were exchanged."""
    condition = r.b.constant(BOOL, False)._replace(value=exchanged)
    return r.b.select(condition, r.b.neg(lanes), lanes)


def _emit_det(r: Any, a: Any, results: Any) -> None:
    (out,) = results
    dtype = a.type.dtype
    if a.type.shape[-1] == 0:
        r.fill(out, r.b.constant(dtype, 1))
        return
    if small_matrices.is_small(a.type):
        small_matrices.emit_det(r, a, out)
        return
    target = stacked(r, out, 0)

    def visit(index: Any, pivot: Any, exchanged: Any) -> None:
        product = r.b.mul(r.load(target, (index,)), _signed(r, pivot, exchanged))
        r.store(target, (index,), product)

    _each_diagonal(r, a, lambda i: r.store(target, (i,), r.b.constant(dtype, 1)), visit)


def _singular(n: int) -> Draw:
    """A singular matrix with exact zeros."""
    x = np.diag(np.arange(float(n)))
    x[0, -1] = 0.0
    return Draw((n, n), values=tuple(x.ravel().tolist()))


det = Op(
    name="det",
    doc="Determinants of square matrices.",
    infer=_infer_det,
    evaluate=lambda a: np.linalg.det(a),
    jvp=WithPrimal(_jvp_det),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a: det(a)),
    lower=Routine(
        _emit_det,
        _workspace,
        flops=lambda a: matrix_flops(a, cubic=2 / 3),
        parts=lambda a: lu_parts(*a.shape[-2:]),
        problem_axes=2,
    ),
    samples=(
        *[Sample((well_conditioned(n, n),)) for n in (1, 2, 3, 4)],
        Sample((well_conditioned(4, 4, (2, 3)),)),
        Sample((well_conditioned(6, 6, (5,)),)),
        Sample((Draw((10, 10), -0.7, 0.7),)),
        Sample((well_conditioned(3, 3, imaginary=True),), {}, ("c64", "c128")),
        Sample((well_conditioned(5, 5, imaginary=True),), {}, ("c64", "c128")),
        Sample((Draw((9, 9), -0.5, 0.5),), {}, ("c64", "c128")),
        Sample((Draw((2, 0, 0)),)),
        Sample((Draw((0, 3, 3)),)),
        Sample((_singular(2),)),
        Sample((_singular(3),)),
        Sample((_singular(5),), smooth=False),
    ),
)


# slogdet


def _infer_slogdet(a: ArrayType) -> tuple[ArrayType, ArrayType]:
    require_matrices("slogdet", a, square=True)
    stack = a.shape[:-2]
    return a.with_shape(stack), ArrayType(real_dtype(a.dtype), stack)


def _jvp_slogdet(ts: Sequence[Value | None], a: Value) -> tuple[list[Value], list[Value | None]]:
    """With z = tr(a^-1 a'): log|det|' = Re z and sign' = i sign Im z."""
    (t,) = ts
    assert t is not None
    factors = lu(a)
    diagonal = diagonal_part(factors[0])
    axes = (diagonal.ndim - 1,)
    signs = mul(_parity(factors[1], a), reduce_prod(sign(diagonal), axes=axes))
    logarithm = reduce_sum(log(abs_(diagonal)), axes=axes)
    inverse = lu_solve(factors, unit_like(a))
    z = reduce_sum(mul(matrix_transpose(inverse), t), axes=_elements(a))
    if a.dtype.kind != "c":
        return [signs, logarithm], [None, z]
    turn = complex(full_like(logarithm, 0), imag(z))
    return [signs, logarithm], [mul(signs, turn), real(z)]


def _emit_slogdet(r: Any, a: Any, results: Any) -> None:
    signs, logarithms = results
    dtype, part_dtype = a.type.dtype, logarithms.type.dtype
    if a.type.shape[-1] == 0:
        r.fill(signs, r.b.constant(dtype, 1))
        r.fill(logarithms, r.b.constant(part_dtype, 0))
        return
    if small_matrices.is_small(a.type):
        small_matrices.emit_slogdet(r, a, signs, logarithms)
        return
    signs, logarithms = stacked(r, signs, 0), stacked(r, logarithms, 0)

    def start(index: Any) -> None:
        r.store(signs, (index,), r.b.constant(dtype, 1))
        r.store(logarithms, (index,), r.b.constant(part_dtype, 0))

    def visit(index: Any, pivot: Any, exchanged: Any) -> None:
        unit = _signed(r, r.b.sign(pivot), exchanged)
        r.store(signs, (index,), r.b.mul(r.load(signs, (index,)), unit))
        total = r.b.add(r.load(logarithms, (index,)), r.b.log(r.b.abs(pivot)))
        r.store(logarithms, (index,), total)

    _each_diagonal(r, a, start, visit)


slogdet = Op(
    name="slogdet",
    doc="Signs of determinants (of absolute value one if complex), and logarithms of their "
    "absolute values. Of singular matrices 0 and -inf.",
    infer=_infer_slogdet,
    evaluate=lambda a: tuple(np.linalg.slogdet(a)),
    jvp=WithPrimal(_jvp_slogdet),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a: slogdet(a)),
    lower=Routine(
        _emit_slogdet,
        _workspace,
        flops=lambda a: matrix_flops(a, cubic=2 / 3),
        parts=lambda a: lu_parts(*a.shape[-2:]),
        problem_axes=2,
    ),
    multiple_results=True,
    samples=(
        *[Sample((well_conditioned(n, n),)) for n in (1, 3)],
        Sample((well_conditioned(4, 4, (2, 3)),)),
        Sample((well_conditioned(6, 6, (5,)),)),
        Sample((well_conditioned(10, 10, (2,)),)),
        Sample((well_conditioned(3, 3, imaginary=True),), {}, ("c64", "c128")),
        Sample((well_conditioned(9, 9, imaginary=True),), {}, ("c64", "c128")),
        Sample((Draw((2, 0, 0)),)),
        Sample((Draw((0, 3, 3)),)),
        Sample((_singular(2),), smooth=False),
        Sample((_singular(9),), smooth=False),
    ),
)
