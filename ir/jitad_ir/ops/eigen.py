"""Eigenvalues and eigenvectors of stacks of matrices: Hermitian ones, and any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..op import NONLINEAR, Draw, Joint, Op, Routine, Sample
from ..types import FLOAT32, INT32, ArrayType, complex_dtype, real_dtype
from .arithmetic import abs as abs_
from .arithmetic import add, div, mul, reciprocal, sub
from .conversion import complex, conj, imag, real
from .indexing import take_along
from .lapack import (
    BLOCK,
    Workspace,
    all_finite,
    each,
    fill_nan,
    item,
    lapack,
    nan_of,
    stack_size,
    stacked,
    transpose_copy,
)
from .lu import solve, well_conditioned
from .matrices import (
    adjoint,
    as_dtype,
    columns_of,
    diagonal_part,
    half_lower,
    matmul,
    over_leading_axis,
    require_matrices,
    rows_of,
    scale_columns,
    unit_like,
)
from .reduce import argmax, reduce_sum
from .shape import reshape
from .triangular import positive_definite


def _difference_inverse(w: Value, shape: tuple[int, ...]) -> Value:
    """F with F_ij = 1 / (w_j - w_i), and 0 on the diagonal."""
    by_column = columns_of(w, shape)
    unit = unit_like(by_column)
    return sub(reciprocal(add(unit, sub(by_column, rows_of(w, shape)))), unit)


def guarded(function: Any, single: Any, shapes: Any, a: Any) -> tuple[Any, ...]:
    """NumPy's `function` of a stack; nan for matrices with infinities and nans, and for those for
    which it raises LinAlgError. NumPy computes in double precision: in single precision it is
    `single(lapack, matrix) -> (results, info)` by SciPy, so that signs are those of native code."""
    finite = np.isfinite(a).all(axis=(-2, -1))
    is_single = real_dtype(a.dtype) == FLOAT32 and a.size > 0
    if finite.all() and not is_single:
        try:
            return tuple(function(a))
        except np.linalg.LinAlgError:
            pass
    if a.ndim > 2:
        parts = [guarded(function, single, shapes, matrix) for matrix in a]
        return tuple([np.stack(results) for results in zip(*parts, strict=True)])
    if finite.all() and is_single:
        from scipy.linalg import lapack

        results, info = single(lapack, a)
        if info == 0:
            return tuple(results)
    return tuple([np.full(s, nan_of(np.dtype(d)), d) for s, d in shapes(a)])


# eigh


def _infer_eigh(a: ArrayType) -> tuple[ArrayType, ArrayType]:
    require_matrices("eigh", a, square=True)
    return ArrayType(real_dtype(a.dtype), a.shape[:-1]), a


def _evaluate_eigh(a: Any) -> tuple[Any, ...]:
    real_part = real_dtype(a.dtype)

    def single(lapack: Any, m: Any) -> Any:
        *results, info = (lapack.ssyevd if m.dtype.kind == "f" else lapack.cheevd)(m, lower=1)
        return results, info

    def shapes(m: Any) -> Any:
        return [(m.shape[:1], real_part), (m.shape, m.dtype)]

    return guarded(np.linalg.eigh, single, shapes, a)


def _jvp_eigh(ts: Sequence[Value | None], outs: Sequence[Value], a: Value) -> list[Value]:
    """With M = V^H A' V: w' = diag(M), V' = V (F * M), F_ij = 1 / (w_j - w_i) off the diagonal
    (M. Giles, Collected matrix derivative results for forward and reverse mode AD, 2008). Of A'
    the lower triangle is read. Equal eigenvalues give inf or nan in V'."""
    (t,) = ts
    assert t is not None
    w, v = outs
    read = half_lower(t)
    inside = matmul(adjoint(v), matmul(add(read, adjoint(read)), v))
    inverse = _difference_inverse(w, v.shape)
    diagonal = diagonal_part(inside)
    moved = real(diagonal) if a.dtype.kind == "c" else diagonal
    return [moved, matmul(v, mul(as_dtype(inverse, v.dtype), inside))]


def _eigh_lengths(dtype: Any, n: int) -> tuple[int, int, int]:
    """LWORK, LRWORK and LIWORK of LAPACK's syevd and heevd for vectors, with room for blocks."""
    if dtype.kind == "c":
        return n * n + BLOCK * n + 2 * n, 1 + 5 * n + 2 * n * n, 3 + 5 * n
    return 1 + 6 * n + 2 * n * n + BLOCK * n, 0, 3 + 5 * n


def _eigh_parts(work: Workspace, a: ArrayType) -> tuple[Workspace, Any, Any, Any, Any]:
    n = a.shape[-1]
    first, second, third = _eigh_lengths(a.dtype, n)
    return (
        work,
        work.array(a.dtype, n, n),
        work.array(a.dtype, first),
        work.array(real_dtype(a.dtype), second),
        work.array(INT32, third),
    )


def _emit_eigh(r: Any, a: Any, results: Any) -> None:
    w, v = results
    if v.type.size == 0:
        return
    dtype, n = a.type.dtype, a.type.shape[-1]
    source, values, vectors = stacked(r, a), stacked(r, w, 1), stacked(r, v)
    _, columns, work, real_work, integers = _eigh_parts(Workspace(r), a.type)
    lengths = _eigh_lengths(dtype, n)

    def decompose(index: Any) -> None:
        matrix, value, vector = (item(r, stack, index) for stack in (source, values, vectors))

        def fail() -> None:
            fill_nan(r, value, vector)

        def iterate() -> None:
            transpose_copy(r, columns, matrix)
            if dtype.kind == "c":
                spaces = (work, lengths[0], real_work, lengths[1], integers, lengths[2])
                done = lapack(r, dtype, "heevd", "V", "L", n, columns, n, value, *spaces)
            else:
                spaces = (work, lengths[0], integers, lengths[2])
                done = lapack(r, dtype, "syevd", "V", "L", n, columns, n, value, *spaces)
            r.when(done, lambda: transpose_copy(r, vector, columns), fail)

        r.when(all_finite(r, matrix), iterate, fail)

    each(r, stack_size(a.type), decompose)


def _separated(n: int, *stack: int) -> Draw:
    """Symmetric matrices whose eigenvalues are not close to each other."""
    draw = positive_definite(n, stack)
    drawn: Any = draw.values
    values = np.reshape(drawn, draw.shape) + 2.0 * np.diag(np.arange(n))
    return Draw(draw.shape, values=tuple(values.ravel().tolist()))


def _real(draw: Draw) -> tuple[Sample, Sample]:
    """Signs of vectors need not be the same in single and double precision."""
    return Sample((draw,), {}, ("f64",)), Sample((draw,), {}, ("f32",), smooth=False)


eigh = Op(
    name="eigh",
    doc="Eigenvalues w (real, ascending) and orthonormal eigenvectors v, in columns, of Hermitian "
    "matrices, of which the lower triangle is read: a v = v diag(w). nan where a is not finite. "
    "The phases of complex eigenvectors are not determined: derivatives take those that keep the "
    "vectors' change upright on them.",
    infer=_infer_eigh,
    evaluate=_evaluate_eigh,
    jvp=Joint(_jvp_eigh),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a: eigh(a)),
    lower=Routine(_emit_eigh, lambda a: _eigh_parts(Workspace(), a)[0].bytes),
    multiple_results=True,
    samples=(
        *_real(_separated(1)),
        *_real(_separated(3)),
        *_real(_separated(4, 2)),
        *_real(_separated(10)),
        Sample((positive_definite(3, imaginary=True),), {}, ("c64", "c128"), smooth=False),
        Sample((positive_definite(9, imaginary=True),), {}, ("c64", "c128"), smooth=False),
        Sample((Draw((2, 0, 0)),)),
        Sample((Draw((0, 3, 3)),)),
        Sample((Draw((2, 2, 2), values=(1.0, 0, 0, 2.0, np.nan, 1.0, 1.0, 1.0)),), smooth=False),
    ),
)


# eig


def _infer_eig(a: ArrayType) -> tuple[ArrayType, ArrayType]:
    require_matrices("eig", a, square=True)
    dtype = complex_dtype(a.dtype)
    return ArrayType(dtype, a.shape[:-1]), ArrayType(dtype, a.shape)


def _evaluate_eig(a: Any) -> tuple[Any, ...]:
    dtype = complex_dtype(a.dtype)

    def single(lapack: Any, m: Any) -> Any:
        if m.dtype.kind == "c":
            w, _, v, info = lapack.cgeev(m, compute_vl=0)
            return (w, v), info
        re, im, _, right, info = lapack.sgeev(m, compute_vl=0)
        return (re + 1j * im, _paired(im, right)), info

    return guarded(
        lambda x: [part.astype(dtype) for part in np.linalg.eig(x)],
        single,
        lambda m: [(m.shape[:1], dtype), (m.shape, dtype)],
        a,
    )


def _paired(im: Any, right: Any) -> Any:
    """Complex eigenvectors from LAPACK's real ones: see `_pair_up`."""
    first = np.arange(len(im)) - (im < 0)
    second = np.arange(len(im)) + (im > 0)
    return right[:, first] + 1j * np.sign(im) * right[:, second]


def _jvp_eig(ts: Sequence[Value | None], outs: Sequence[Value], a: Value) -> list[Value | None]:
    """With M = V^-1 A' V: w' = diag(M), and V' = V (F * M), F_ij = 1 / (w_j - w_i) off the
    diagonal, plus the multiple of each vector that keeps it as LAPACK scales it: of length one,
    its greatest element real. For x' along the vector x of length one, with the greatest element
    x_k: x' - x (Re(x^H x') + i Im(x'_k) / x_k)."""
    (t,) = ts
    assert t is not None
    if a.shape[-1] == 0:
        return [None, None]
    w, v = outs
    inside = solve(v, matmul(as_dtype(t, v.dtype), v))
    moved = matmul(v, mul(_difference_inverse(w, v.shape), inside))
    rows = v.ndim - 2
    along = real(reduce_sum(mul(conj(v), moved), axes=(rows,)))
    place = argmax(abs_(v), axis=rows)
    at = reshape(place, shape=(*v.shape[:-2], 1, v.shape[-1]))
    shape = place.shape
    greatest = real(reshape(take_along(v, at, rows), shape=shape))
    turned = imag(reshape(take_along(moved, at, rows), shape=shape))
    multiple = complex(along, div(turned, greatest))
    return [diagonal_part(inside), sub(moved, scale_columns(v, multiple))]


def _eig_parts(work: Workspace, a: ArrayType) -> tuple[Workspace, Any, Any, Any, Any, int]:
    """Columns of the matrix and of the vectors, both parts of real matrices' eigenvalues, LAPACK's
    own space."""
    n = a.shape[-1]
    length = (BLOCK + 4) * n
    return (
        work,
        work.array(a.dtype, n, n),
        work.array(a.dtype, n, n),
        work.array(real_dtype(a.dtype), 2, n),
        work.array(a.dtype, length),
        length,
    )


def _emit_eig(r: Any, a: Any, results: Any) -> None:
    w, v = results
    if v.type.size == 0:
        return
    dtype, n = a.type.dtype, a.type.shape[-1]
    source, values, vectors = stacked(r, a), stacked(r, w, 1), stacked(r, v)
    _, columns, right, parts, work, length = _eig_parts(Workspace(r), a.type)

    def decompose(index: Any) -> None:
        matrix, value, vector = (item(r, stack, index) for stack in (source, values, vectors))

        def fail() -> None:
            fill_nan(r, value, vector)

        def iterate() -> None:
            transpose_copy(r, columns, matrix)
            first = ("N", "V", n, columns, n)
            # The left vectors are not asked for: their array is not touched.
            rest = (right, 1, right, n, work, length)
            if dtype.kind == "c":
                done = lapack(r, dtype, "geev", *first, value, *rest, parts)
                r.when(done, lambda: transpose_copy(r, vector, right), fail)
                return
            halves = [item(r, parts, r.integer(i)) for i in (0, 1)]
            done = lapack(r, dtype, "geev", *first, *halves, *rest)
            r.when(done, lambda: _pair_up(r, parts, right, value, vector), fail)

        r.when(all_finite(r, matrix), iterate, fail)

    each(r, stack_size(a.type), decompose)


def _pair_up(r: Any, parts: Any, right: Any, value: Any, vector: Any) -> None:
    """Complex results from LAPACK's real ones: eigenvalues j and j + 1 that are conjugate, the
    one with the positive imaginary part first, have the vectors right[j] +- i right[j + 1]."""
    n = right.type.shape[0]
    dtype = value.type.dtype
    zero = r.b.constant(right.type.dtype, 0)
    b = r.builder

    def column(j: Any) -> None:
        re, im = r.load(parts, (0, j)), r.load(parts, (1, j))
        r.store(value, (j,), r.b.from_parts(dtype, re, im))
        upper, below = r.b.gt(im, zero), r.b.lt(im, zero)
        # Of the pair: its first column holds the real part, its second the imaginary one.
        first = b.select(below.value, b.sub(j, r.integer(1)), j)
        second = b.select(upper.value, b.add(j, r.integer(1)), j)

        def element(i: Any) -> None:
            x, y = r.load(right, (first, i)), r.load(right, (second, i))
            turned = r.b.select(upper, y, r.b.select(below, r.b.neg(y), zero))
            r.store(vector, (i, j), r.b.from_parts(dtype, x, turned))

        r.loop(n, element)

    r.loop(n, column)


def _spread(n: int, *stack: int, imaginary: bool = False) -> Draw:
    """Matrices with distinct eigenvalues, some of them conjugate pairs."""
    return well_conditioned(n, n, stack, imaginary)


eig = Op(
    name="eig",
    doc="Eigenvalues w and eigenvectors v, in columns, of square matrices: a v = v diag(w), both "
    "complex. Each vector has length one and a real greatest element. nan where a is not finite.",
    infer=_infer_eig,
    evaluate=_evaluate_eig,
    jvp=Joint(_jvp_eig),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a: eig(a)),
    lower=Routine(_emit_eig, lambda a: _eig_parts(Workspace(), a)[0].bytes),
    multiple_results=True,
    samples=(
        *_real(_spread(1)),
        *_real(_spread(3)),
        *_real(_spread(4, 2)),
        *_real(_spread(9)),
        Sample((_spread(3, imaginary=True),), {}, ("c64", "c128")),
        Sample((Draw((2, 0, 0)),)),
        Sample((Draw((0, 3, 3)),)),
        Sample((Draw((2, 2, 2), values=(1.0, 0, 0, 2.0, np.inf, 1.0, 1.0, 1.0)),), smooth=False),
    ),
)
