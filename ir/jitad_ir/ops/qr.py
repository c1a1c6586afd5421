"""QR factorization of stacks of matrices, by Householder reflections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import NONLINEAR, Draw, Joint, Op, Sample
from ..types import ArrayType
from .arithmetic import add, sub
from .comparison import ne
from .constants import full_like
from .conversion import complex, imag
from .lapack import (
    BLOCK,
    Workspace,
    each,
    item,
    lapack,
    matrix_flops,
    stack_size,
    stacked,
    transpose_copy,
)
from .lu import well_conditioned
from .matrices import (
    adjoint,
    leading_block,
    lower_part,
    matmul,
    matrix_transpose,
    over_leading_axis,
    require_matrices,
    unit_diagonal,
)
from .selection import select
from .triangular import solve_upper


def _infer_qr(a: ArrayType, *, full_matrices: bool) -> tuple[ArrayType, ArrayType]:
    require_matrices("qr", a)
    *stack, m, n = a.shape
    k = m if full_matrices else min(m, n)
    return a.with_shape((*stack, m, k)), a.with_shape((*stack, k, n))


def _evaluate_qr(a: Any, *, full_matrices: bool) -> tuple[Any, ...]:
    return tuple(np.linalg.qr(a, "complete" if full_matrices else "reduced"))


def _jvp_qr(
    ts: Sequence[Value | None], outs: Sequence[Value], a: Value, *, full_matrices: bool
) -> list[Value]:
    """With the leading square block A1 = Q R1, dW = Q^H A1' R1^-1 and O its strictly lower part
    less the adjoint of that, plus i Im of the diagonal: Q' = A1' R1^-1 + Q (O - dW), which is
    Q O and what stands upright on Q (S. F. Walter and L. Lehmann, Algorithmic differentiation of
    linear algebra functions, 2010; J. Townsend, Differentiating the QR decomposition, 2018).
    R' = Q^H (A' - Q' R) holds for all columns."""
    (t,) = ts
    q, r = outs
    m, n = a.shape[-2:]
    assert t is not None
    if full_matrices and m > n:
        raise NotImplementedError(
            "qr: the derivative of the columns of Q beyond those of the matrix is not determined; "
            f"use mode='reduced' for matrices of shape {(m, n)}"
        )
    k = min(m, n)
    block = leading_block(t, m, k)
    root = leading_block(r, k, k)
    right = matrix_transpose(solve_upper(root, matrix_transpose(block), transposed=True))
    inside = matmul(adjoint(q), right)
    strict = lower_part(inside, 1)
    turn = sub(strict, adjoint(strict))
    if a.dtype.kind == "c":
        angles = complex(full_like(imag(inside), 0), imag(inside))
        turn = select(_is_diagonal(turn), angles, turn)
    q_moved = add(right, matmul(q, sub(turn, inside)))
    r_moved = matmul(adjoint(q), sub(t, matmul(q_moved, r)))
    return [q_moved, r_moved]


def _is_diagonal(x: Value) -> Value:
    zeros = full_like(x, 0)
    return ne(unit_diagonal(zeros), zeros)


def _parts(work: Workspace, a: ArrayType, k: int) -> tuple[Workspace, Any, Any, Any, int]:
    """Columns of the matrix and of Q, scalars of the reflections, LAPACK's own space."""
    m, n = a.shape[-2:]
    length = BLOCK * max(m, n)
    return (
        work,
        work.array(a.dtype, max(n, k), m),
        work.array(a.dtype, min(m, n)),
        work.array(a.dtype, length),
        length,
    )


def _workspace_qr(a: ArrayType, *, full_matrices: bool) -> int:
    m, n = a.shape[-2:]
    return _parts(Workspace(), a, m if full_matrices else min(m, n))[0].bytes


def _emit_qr(r: Any, a: Any, results: Any, *, full_matrices: bool) -> None:
    q, upper = results
    m, n = a.type.shape[-2:]
    k = q.type.shape[-1]
    dtype = a.type.dtype
    if q.type.size == 0 and upper.type.size == 0:
        return
    source, q, upper = stacked(r, a), stacked(r, q), stacked(r, upper)
    _, columns, scalars, work, length = _parts(Workspace(r), a.type, k)
    reflections = min(m, n)
    zero = r.b.constant(dtype, 0)
    unit = "ungqr" if dtype.kind == "c" else "orgqr"

    def part(count: int) -> Any:
        return r.buffer(ArrayType(dtype, (count, m)), columns.pointer)

    def factor(index: Any) -> None:
        factors = item(r, upper, index)
        if n > 0:
            transpose_copy(r, part(n), item(r, source, index))
            lapack(r, dtype, "geqrf", m, n, columns, m, scalars, work, length)

        def row(i: Any) -> None:
            below = r.builder.select(r.builder.icmp_signed("<", i, r.integer(n)), i, r.integer(n))
            r.loop(below, lambda j: r.store(factors, (i, j), zero))
            r.loop(n, lambda j: r.store(factors, (i, j), r.load(columns, (j, i))), start=below)

        r.loop(k, row)
        lapack(r, dtype, unit, m, k, reflections, columns, m, scalars, work, length)
        transpose_copy(r, item(r, q, index), part(k))

    each(r, stack_size(a.type), factor)


def _sample(m: int, n: int, *stack: int, full: bool = False, imaginary: bool = False) -> Sample:
    dtypes = ("c64", "c128") if imaginary else ("f32", "f64")
    smooth = not (full and m > n)
    draw = well_conditioned(m, n, stack, imaginary)
    return Sample((draw,), {"full_matrices": full}, dtypes, smooth)


qr = Op(
    name="qr",
    doc="Q with orthonormal columns and upper triangular R with a = Q R. For (..., m, n): Q is "
    "(m, k) and R (k, n) with k = min(m, n), or k = m if `full_matrices`. The signs are those of "
    "Householder's reflections as LAPACK takes them.",
    infer=_infer_qr,
    evaluate=_evaluate_qr,
    jvp=Joint(_jvp_qr),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a, **params: qr(a, **params)),
    lower=Routine(
        _emit_qr,
        _workspace_qr,
        reuses=lambda a, **params: 0,
        flops=lambda a, **params: matrix_flops(a, cubic=8 / 3),
        problem_axes=2,
    ),
    multiple_results=True,
    samples=(
        _sample(1, 1),
        _sample(3, 3),
        _sample(4, 4, 2),
        _sample(5, 3),
        _sample(3, 5),
        _sample(12, 9, 2),
        _sample(4, 4, full=True),
        _sample(3, 5, full=True),
        _sample(5, 3, full=True),
        _sample(3, 3, imaginary=True),
        _sample(5, 3, imaginary=True),
        Sample((Draw((2, 0, 0)),), {"full_matrices": False}),
        Sample((Draw((0, 3, 2)),), {"full_matrices": False}),
        Sample((Draw((3, 0)),), {"full_matrices": True}, smooth=False),
    ),
)
