"""Singular value decomposition of stacks of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Graph, Value
from ..lowering import Routine
from ..op import NONLINEAR, Draw, Op, Pruned, Sample, WithPrimal
from ..types import INT64, ArrayType, real_dtype
from .arithmetic import add, div, mul, reciprocal, sub
from .comparison import eq
from .constants import full_like
from .conversion import real
from .eigen import guarded
from .lapack import (
    BLOCK,
    Workspace,
    all_finite,
    each,
    fill_nan,
    item,
    lapack,
    stack_size,
    stacked,
    transpose_copy,
)
from .lu import well_conditioned
from .matrices import (
    adjoint,
    as_dtype,
    columns_of,
    diagonal_part,
    matmul,
    over_leading_axis,
    require_matrices,
    rows_of,
    unit_like,
)
from .selection import select


def _infer_svd(a: ArrayType, *, full_matrices: bool, compute_uv: bool) -> tuple[ArrayType, ...]:
    require_matrices("svd", a)
    *stack, m, n = a.shape
    k = min(m, n)
    s = ArrayType(real_dtype(a.dtype), (*stack, k))
    if not compute_uv:
        return (s,)
    rows, columns = (m, n) if full_matrices else (k, k)
    return a.with_shape((*stack, m, rows)), s, a.with_shape((*stack, columns, n))


def _evaluate_svd(a: Any, *, full_matrices: bool, compute_uv: bool) -> tuple[Any, ...]:
    def function(x: Any) -> Any:
        found = np.linalg.svd(x, full_matrices, compute_uv)
        return found if compute_uv else (found,)

    def single(lapack: Any, x: Any) -> Any:
        gesdd = lapack.sgesdd if x.dtype.kind == "f" else lapack.cgesdd
        *found, info = gesdd(x, compute_uv=compute_uv, full_matrices=full_matrices)
        return (found if compute_uv else found[1:2]), info

    def shapes(x: Any) -> Any:
        types = _infer_svd(
            ArrayType(x.dtype, x.shape), full_matrices=full_matrices, compute_uv=compute_uv
        )
        return [(t.shape, t.dtype) for t in types]

    return guarded(function, single, shapes, a)


def _jvp_svd(
    ts: Sequence[Value | None], a: Value, *, full_matrices: bool, compute_uv: bool
) -> tuple[Sequence[Value], list[Value | None]]:
    """With M = U^H A' V: s' = Re diag(M), U' = U (F * (M S + S M^H) + D) + (I - U U^H) A' V S^-1,
    V' = V (F * (S M + M^H S)) + (I - V V^H) A'^H U S^-1, with F_ij = 1 / (s_j^2 - s_i^2) off the
    diagonal and D the imaginary diagonal of M over s, by which the phases of U and V move (J.
    Townsend, Differentiating the singular value decomposition, 2016). Equal singular values give
    inf or nan in U' and V'."""
    (t,) = ts
    assert t is not None
    m, n = a.shape[-2:]
    u, s, vh = svd(a, full_matrices=False, compute_uv=True)
    v = adjoint(vh)
    inside = matmul(adjoint(u), matmul(t, v))
    diagonal = diagonal_part(inside)
    s_moved = real(diagonal) if a.dtype.kind == "c" else diagonal
    if not compute_uv:
        return [s], [s_moved]
    if full_matrices and m != n:
        raise NotImplementedError(
            "svd: the derivative of the singular vectors beyond min(m, n) is not determined; use "
            f"full_matrices=False for matrices of shape {(m, n)}"
        )
    shape = inside.shape
    by_column, by_row = columns_of(s, shape), rows_of(s, shape)
    unit = unit_like(by_column)
    # (s_j + s_i) (s_j - s_i), which does not cancel as the difference of squares does
    gaps = mul(add(by_column, by_row), sub(by_column, by_row))
    inverse = as_dtype(sub(reciprocal(add(gaps, unit)), unit), a.dtype)
    column, row = as_dtype(by_column, a.dtype), as_dtype(by_row, a.dtype)
    on_left, on_right = mul(column, inside), mul(row, inside)
    left = mul(inverse, add(on_left, adjoint(on_left)))
    right = mul(inverse, add(on_right, adjoint(on_right)))
    if a.dtype.kind == "c":
        left = add(left, _phases(inside, row))
    u_moved, v_moved = matmul(u, left), matmul(v, right)
    if m > n:
        u_moved = add(u_moved, _outside(u, matmul(t, v), s))
    if n > m:
        v_moved = add(v_moved, _outside(v, matmul(adjoint(t), u), s))
    return [u, s, vh], [u_moved, s_moved, adjoint(v_moved)]


def _phases(inside: Value, s: Value) -> Value:
    """i Im of the diagonal over s (0 for s = 0), zero off the diagonal."""
    turn = mul(sub(inside, adjoint(inside)), 0.5)
    zero, one = full_like(s, 0), full_like(s, 1)
    is_zero = eq(s, zero)
    quotient = select(is_zero, zero, div(turn, select(is_zero, one, s)))
    return mul(unit_like(s), quotient)


def _outside(u: Value, moved: Value, s: Value) -> Value:
    """(I - u u^H) moved diag(s)^-1."""
    rest = sub(moved, matmul(u, matmul(adjoint(u), moved)))
    return div(rest, columns_of(as_dtype(s, rest.dtype), rest.shape))


def _lengths(a: ArrayType, compute_uv: bool) -> tuple[int, int, int]:
    """LWORK, LRWORK and LIWORK of LAPACK's gesdd, as its documentation asks for, with room for
    blocks."""
    m, n = a.shape[-2:]
    least, most = min(m, n), max(m, n)
    room = BLOCK * (least + most)
    if a.dtype.kind != "c":
        return 4 * least * least + 7 * least + most + room, 0, 8 * least
    whole = max(5 * least * least + 5 * least, 2 * most * least + 2 * least * least + least)
    return 2 * least * least + 3 * least + most + room, max(whole, 7 * least), 8 * least


def _parts(
    work: Workspace, a: ArrayType, full_matrices: bool, compute_uv: bool
) -> tuple[Workspace, Any, Any, Any, Any, Any, Any]:
    """Columns of the matrix, of U and of V^H, and LAPACK's own spaces."""
    m, n = a.shape[-2:]
    k = min(m, n)
    rows, columns = (m, n) if full_matrices else (k, k)
    first, second, third = _lengths(a, compute_uv)
    left, right = ((rows, m), (n, columns)) if compute_uv else ((1, 1), (1, 1))
    return (
        work,
        work.array(a.dtype, n, m),
        work.array(a.dtype, *left),
        work.array(a.dtype, *right),
        work.array(a.dtype, first),
        work.array(real_dtype(a.dtype), second),
        work.array(INT64, third),
    )


def _emit_svd(r: Any, a: Any, results: Any, *, full_matrices: bool, compute_uv: bool) -> None:
    m, n = a.type.shape[-2:]
    dtype = a.type.dtype
    if stack_size(a.type) == 0:
        return
    if min(m, n) == 0:
        _emit_units(r, results, compute_uv)
        return
    source = stacked(r, a)
    s = stacked(r, results[1 if compute_uv else 0], 1)
    others = [stacked(r, results[0]), stacked(r, results[2])] if compute_uv else []
    _, matrix, left, right, work, real_work, integers = _parts(
        Workspace(r), a.type, full_matrices, compute_uv
    )
    length = _lengths(a.type, compute_uv)[0]
    job = ("A" if full_matrices else "S") if compute_uv else "N"
    own = (work, length, real_work) if dtype.kind == "c" else (work, length)

    def decompose(index: Any) -> None:
        values = item(r, s, index)
        vectors = [item(r, stack, index) for stack in others]

        def fail() -> None:
            fill_nan(r, values, *vectors)

        def write() -> None:
            for vector, columns in zip(vectors, (left, right), strict=False):
                transpose_copy(r, vector, columns)

        def iterate() -> None:
            transpose_copy(r, matrix, item(r, source, index))
            arrays = (matrix, m, values, left, left.type.shape[1], right, right.type.shape[1])
            done = lapack(r, dtype, "gesdd", job, m, n, *arrays, *own, integers)
            r.when(done, write, fail)

        r.when(all_finite(r, item(r, source, index)), iterate, fail)

    each(r, stack_size(a.type), decompose)


def _prune(
    used: Sequence[bool], regions: tuple[Graph, ...], *, full_matrices: bool, compute_uv: bool
) -> Pruned:
    """Singular values alone take a small part of the time."""
    alone = compute_uv and not used[0] and not used[2]
    params = {"full_matrices": full_matrices and not alone, "compute_uv": compute_uv and not alone}
    return Pruned(params, regions, [True], [False, True, False] if alone else [True] * len(used))


def _emit_units(r: Any, results: Any, compute_uv: bool) -> None:
    """Of empty matrices: unit matrices, as far as there are vectors."""
    for vectors in (results[0], results[2]) if compute_uv else ():
        stack = stacked(r, vectors)
        zero, one = (r.b.constant(vectors.type.dtype, x) for x in (0, 1))
        if vectors.type.size:
            r.fill(vectors, zero)
            side = stack.type.shape[1]
            r.loops(
                (stack.type.shape[0], side),
                lambda at, stack=stack, one=one: r.store(stack, (*at, at[1]), one),
            )


def _sample(
    m: int, n: int, *stack: int, full: bool = False, uv: bool = True, imaginary: bool = False
) -> Sample:
    dtypes = ("c64", "c128") if imaginary else ("f32", "f64")
    smooth = not (full and m != n) and not (imaginary and uv)
    params = {"full_matrices": full, "compute_uv": uv}
    return Sample((well_conditioned(m, n, stack, imaginary),), params, dtypes, smooth)


svd = Op(
    name="svd",
    doc="a = u diag(s) vh with s real, not negative and descending, and orthonormal columns of u "
    "and rows of vh, as many as s has elements, or m and n if `full_matrices`; s alone unless "
    "`compute_uv`. nan where a is not finite. The phases of complex singular vectors are not "
    "determined: derivatives take those that keep the change of v upright on it.",
    infer=_infer_svd,
    evaluate=_evaluate_svd,
    jvp=WithPrimal(_jvp_svd),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a, **params: svd(a, **params)),
    lower=Routine(
        _emit_svd,
        lambda a, **params: _parts(Workspace(), a, **params)[0].bytes,
        reuses=lambda a, **params: 0,
        problem_axes=2,
    ),
    multiple_results=True,
    prune=_prune,
    samples=(
        _sample(1, 1),
        _sample(3, 3),
        _sample(4, 3, 2),
        _sample(3, 5),
        _sample(12, 9),
        _sample(4, 4, full=True),
        _sample(4, 3, full=True),
        _sample(3, 5, full=True),
        _sample(3, 4, 2, uv=False),
        _sample(3, 3, imaginary=True),
        _sample(4, 3, imaginary=True),
        _sample(3, 4, imaginary=True, uv=False),
        Sample((Draw((2, 0, 3)),), {"full_matrices": False, "compute_uv": True}),
        Sample((Draw((2, 0)),), {"full_matrices": True, "compute_uv": True}, smooth=False),
        Sample((Draw((0, 2, 3)),), {"full_matrices": False, "compute_uv": True}),
        Sample(
            (Draw((2, 2, 1), values=(1.0, 2.0, np.nan, 1.0)),),
            {"full_matrices": False, "compute_uv": True},
            smooth=False,
        ),
    ),
)
