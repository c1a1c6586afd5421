"""Triangular systems and the Cholesky factorization of stacks of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import NONLINEAR, Bilinear, Draw, Op, PerOperand, Sample, Unknown, batch_to_front
from ..types import ArrayType, TypeMismatch
from . import small_matrices
from .arithmetic import add, neg
from .lapack import (
    Workspace,
    clear_upper,
    each,
    fill_nan,
    item,
    matrix_flops,
    stack_size,
    stacked,
)
from .matrices import (
    adjoint,
    conjugate,
    half_lower,
    lower_part,
    matmul,
    matrix_transpose,
    over_leading_axis,
    require_matrices,
    upper_part,
)
from .shape import move_axis, reshape
from .triangular_blocks import cholesky_parts, factorize, solve_parts, solve_right


def _infer_triangular_solve(a: ArrayType, b: ArrayType, **_params: bool) -> ArrayType:
    require_matrices("triangular_solve", a, b, square=True)
    if b.shape[-2] != a.shape[-1]:
        raise TypeMismatch(
            f"triangular_solve: expected as many rows on the right as {a!r} has; got {b!r}"
        )
    return b


def _evaluate_triangular_solve(
    a: Any, b: Any, *, lower: bool, transpose_a: bool, conjugate_a: bool, unit_diagonal: bool
) -> Any:
    """x_j = b_j / T_jj, then b_i -= T_ij x_j for the rows i that are left."""
    matrix = np.swapaxes(a, -1, -2) if transpose_a else a
    matrix = np.conj(matrix) if conjugate_a else matrix
    forward = lower != transpose_a
    x = np.array(b)
    n = x.shape[-2]
    for j in range(n) if forward else reversed(range(n)):
        rest = slice(j + 1, n) if forward else slice(0, j)
        if not unit_diagonal:
            x[..., j, :] /= matrix[..., j, j, None]
        x[..., rest, :] -= matrix[..., rest, j, None] * x[..., None, j, :]
    return x


def _effective(a: Value, *, lower: bool, transpose_a: bool, conjugate_a: bool, unit: bool) -> Value:
    """op(a) of what is read of a tangent `a`."""
    part = lower_part(a, int(unit)) if lower else upper_part(a, int(unit))
    part = matrix_transpose(part) if transpose_a else part
    return conjugate(part) if conjugate_a else part


def _tangent_by_matrix(t: Value, out: Value, a: Value, b: Value, **params: Any) -> Value:
    """op(a) x = b, so x' = -op(a)^-1 op(a') x."""
    unit = params["unit_diagonal"]
    others = {name: value for name, value in params.items() if name != "unit_diagonal"}
    moved = matmul(_effective(t, unit=unit, **others), out)
    return triangular_solve(a, neg(moved), **params)


def _transpose_right(ct: Value, a: Value, b: Unknown, *, transpose_a: bool, **params: Any) -> Value:
    """The transpose of op(a)^-1 is op(a)^-T; cotangents are not conjugated."""
    return triangular_solve(a, ct, transpose_a=not transpose_a, **params)


def _batch_triangular_solve(
    size: int, batched: Sequence[bool], a: Value, b: Value, **params: Any
) -> Value:
    """With one matrix for all lanes, the lanes are more columns."""
    if batched[0]:
        a, b = batch_to_front(size, batched, (a, b))
        return triangular_solve(a, b, **params)
    return lanes_as_columns(size, b, lambda columns: triangular_solve(a, columns, **params))


def lanes_as_columns(size: int, b: Value, solve: Any) -> Value:
    """`solve` of (size, ..., n, k) as of (..., n, size k)."""
    *stack, n, k = b.shape[1:]
    wide = reshape(move_axis(b, 0, b.ndim - 2), shape=(*stack, n, size * k))
    return move_axis(reshape(solve(wide), shape=(*stack, n, size, k)), b.ndim - 2, 0)


def _workspace_triangular_solve(
    a: ArrayType, b: ArrayType, *, conjugate_a: bool, transpose_a: bool, **_params: bool
) -> int:
    work = Workspace()
    if conjugate_a and not transpose_a:
        work.array(a.dtype, *a.shape[-2:])
    return work.bytes


def _emit_triangular_solve(r: Any, a: Any, b: Any, results: Any, **params: Any) -> None:
    (out,) = results
    if out.type.size == 0:
        return
    dtype = a.type.dtype
    params["conjugate_a"] = params["conjugate_a"] and dtype.kind == "c"
    if small_matrices.is_small(a.type):
        small_matrices.emit_triangular_solve(r, a, b, out, **params)
        return
    n, columns = out.type.shape[-2:]
    r.copy(out, b)
    matrices, target = stacked(r, a), stacked(r, out)
    transpose_a, conjugate_a = params["transpose_a"], params["conjugate_a"]

    def solve(index: Any) -> None:
        matrix = item(r, matrices, index)
        if conjugate_a and not transpose_a:
            copied = Workspace(r).array(dtype, n, n)
            r.loops((n, n), lambda at: r.store(copied, at, r.b.conj(r.load(matrix, at))))
            matrix = copied
        # To BLAS, with M = a^T in memory: x^T op(a)^T = b^T, and op(a)^T is M, M^T or M^H.
        letters = (
            "U" if params["lower"] else "L",
            ("C" if conjugate_a else "T") if transpose_a else "N",
            "U" if params["unit_diagonal"] else "N",
        )
        place = item(r, target, index)
        solve_right(r, dtype, letters, matrix.pointer, place.pointer, (n, columns))

    each(r, stack_size(a.type), solve)


_TRIANGLE = (2.0, 0.3, -0.7, 0.4, -1.5, 0.8, 0.5, -0.9, 1.2)
"""A 3 x 3 matrix both of whose triangles are well conditioned."""


def _triangular_samples() -> tuple[Sample, ...]:
    found = [
        Sample(
            (Draw((3, 3), values=_TRIANGLE), Draw((3, 2))),
            {
                "lower": lower,
                "transpose_a": transposed,
                "conjugate_a": conjugated,
                "unit_diagonal": unit,
            },
        )
        for lower in (True, False)
        for transposed in (True, False)
        for conjugated in (True, False)
        for unit in (True, False)
    ]
    complex_values = tuple([complex(x, y) for x, y in zip(_TRIANGLE, _TRIANGLE[::-1], strict=True)])
    found += [
        Sample(
            (Draw((3, 3), values=complex_values), Draw((3, 1))),
            {
                "lower": True,
                "transpose_a": transposed,
                "conjugate_a": True,
                "unit_diagonal": False,
            },
            ("c64", "c128"),
        )
        for transposed in (True, False)
    ]
    plain = {"lower": True, "transpose_a": False, "conjugate_a": False, "unit_diagonal": False}
    unit = {**plain, "unit_diagonal": True}
    found += [
        Sample((Draw((5, 6, 6), -0.3, 0.3), Draw((5, 6, 3))), {**unit, "lower": False}),
        Sample((Draw((2, 12, 12), -0.2, 0.2), Draw((2, 12, 5))), unit),
        Sample(
            (Draw((11, 11), -0.2, 0.2), Draw((11, 2))),
            {**unit, "transpose_a": True, "conjugate_a": True},
        ),
        Sample(
            (Draw((11, 11), -0.2, 0.2), Draw((11, 2))),
            {**unit, "conjugate_a": True, "lower": False},
        ),
        Sample((Draw((0, 0)), Draw((0, 2))), plain),
        Sample((Draw((2, 2), values=(2.0, 0.0, 1.0, 1.0)), Draw((2, 0))), plain),
        Sample((Draw((2, 2), values=(0.0, 0.0, 1.0, 1.0)), Draw((2, 1))), plain, smooth=False),
    ]
    return tuple(found)


triangular_solve = Op(
    name="triangular_solve",
    doc="The solution x of op(a) x = b for a triangular matrix a, of which only the triangle named "
    "by `lower` is read, and not the diagonal if `unit_diagonal` (it is then one); op transposes "
    "if `transpose_a` and conjugates if `conjugate_a`. A zero on the diagonal gives inf or nan.",
    infer=_infer_triangular_solve,
    evaluate=_evaluate_triangular_solve,
    jvp=PerOperand(
        (_tangent_by_matrix, lambda t, out, a, b, **params: triangular_solve(a, t, **params))
    ),
    transpose=Bilinear((NONLINEAR, _transpose_right)),
    batch=_batch_triangular_solve,
    lower=Routine(
        _emit_triangular_solve,
        _workspace_triangular_solve,
        reuses=lambda a, b, **params: None if small_matrices.is_small(a) else 1,
        flops=lambda a, b, **params: matrix_flops(a, b.shape[-1]) // 2,
        parts=lambda a, b, **params: solve_parts(a.dtype, *b.shape[-2:]),
        problem_axes=2,
    ),
    samples=_triangular_samples(),
)


def solve_lower(a: Value, b: Value, *, transposed: bool = False, unit: bool = False) -> Value:
    """a^-1 b for a lower triangular a; a^-T b if `transposed`."""
    return triangular_solve(
        a, b, lower=True, transpose_a=transposed, conjugate_a=False, unit_diagonal=unit
    )


def solve_upper(a: Value, b: Value, *, transposed: bool = False) -> Value:
    """a^-1 b for an upper triangular a; a^-T b if `transposed`."""
    return triangular_solve(
        a, b, lower=False, transpose_a=transposed, conjugate_a=False, unit_diagonal=False
    )


# Cholesky


def _infer_cholesky(a: ArrayType) -> ArrayType:
    require_matrices("cholesky", a, square=True)
    return a


def each_matrix(function: Any, fallback: Any, *stacks: Any) -> Any:
    """`function` of stacks of matrices where NumPy raises LinAlgError for the whole stack if one
    of them fails: then matrix by matrix, with `fallback` for those that fail."""
    try:
        return function(*stacks)
    except np.linalg.LinAlgError:
        if stacks[0].ndim == 2:
            return fallback(*stacks)
    return np.stack(
        [each_matrix(function, fallback, *parts) for parts in zip(*stacks, strict=True)]
    )


def _evaluate_cholesky(a: Any) -> Any:
    return each_matrix(np.linalg.cholesky, lambda m: np.tril(np.full_like(m, np.nan)), a)


def _jvp_cholesky(t: Value, out: Value, a: Value) -> Value:
    """L' = L Phi(L^-1 A' L^-H), Phi the lower triangle with a halved diagonal (I. Murray,
    Differentiation of the Cholesky decomposition, arXiv:1602.07527), where A' is Hermitian with
    the lower triangle of t."""
    read = half_lower(t)
    moved = add(read, adjoint(read))
    half = solve_lower(out, moved)
    return matmul(out, half_lower(solve_lower(out, adjoint(half))))


def _emit_cholesky(r: Any, a: Any, results: Any) -> None:
    (out,) = results
    if out.type.size == 0:
        return
    if small_matrices.is_small(a.type):
        small_matrices.emit_cholesky(r, a, out)
        return
    n = a.type.shape[-1]
    r.copy(out, a)
    target = stacked(r, out)

    def factor(index: Any) -> None:
        matrix = item(r, target, index)
        # To LAPACK a^T = U^H U with the upper triangle in memory: then L = U^T lies as it should.
        done = factorize(r, a.type.dtype, matrix.pointer, n)
        r.when(r.builder.not_(done), lambda: fill_nan(r, matrix))
        clear_upper(r, matrix)

    each(r, stack_size(a.type), factor)


def positive_definite(n: int, stack: tuple[int, ...] = (), imaginary: bool = False) -> Draw:
    """Hermitian matrices with eigenvalues well above zero, and something else above the
    diagonal."""
    rng = np.random.default_rng(n)
    root = rng.uniform(-1, 1, (*stack, n, n))
    if imaginary:
        root = root + 1j * rng.uniform(-1, 1, (*stack, n, n))
    matrix = root @ np.swapaxes(root.conj(), -1, -2) + n * np.eye(n)
    values = (np.tril(matrix) + 0.5 * np.triu(root, 1)).ravel().tolist()
    return Draw((*stack, n, n), values=tuple(values))


cholesky = Op(
    name="cholesky",
    doc="The lower triangular L with positive diagonal and L L^H = a, for positive definite "
    "(Hermitian) a, of which the lower triangle is read. nan where a is not positive definite.",
    infer=_infer_cholesky,
    evaluate=_evaluate_cholesky,
    jvp=PerOperand((_jvp_cholesky,)),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a: cholesky(a)),
    lower=Routine(
        _emit_cholesky,
        reuses=lambda a: None if small_matrices.is_small(a) else 0,
        flops=lambda a: matrix_flops(a, cubic=1 / 3),
        parts=lambda a: cholesky_parts(a.shape[-1]),
        problem_axes=2,
    ),
    samples=(
        Sample((positive_definite(1),)),
        Sample((positive_definite(3),)),
        Sample((positive_definite(4, (2, 3)),)),
        Sample((positive_definite(6, (5,)),)),
        Sample((positive_definite(10, (2,)),)),
        Sample((positive_definite(3, imaginary=True),), {}, ("c64", "c128")),
        Sample((positive_definite(9, imaginary=True),), {}, ("c64", "c128")),
        Sample((Draw((2, 0, 0)),)),
        Sample((Draw((0, 3, 3)),)),
        Sample(
            (Draw((3, 2, 2), values=(1.0, 0.0, 2.0, 1.0, 4.0, 0.0, 2.0, 5.0, 0.0, 0.0, 0.0, 1.0)),),
            smooth=False,
        ),
        Sample((Draw((9, 9), values=(-1.0,) * 81),), smooth=False),
    ),
)
