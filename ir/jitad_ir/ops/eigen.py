"""Eigenvalues and eigenvectors of stacks of matrices: Hermitian ones, and any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Graph, Value
from ..lowering import Routine
from ..op import NONLINEAR, Draw, Op, Pruned, Sample, WithPrimal
from ..types import FLOAT32, INT64, ArrayType, complex_dtype, real_dtype
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


def _prune_vectors(
    used: Sequence[bool], regions: tuple[Graph, ...], *, vectors: bool = True
) -> Pruned:
    """Eigenvalues alone take a small part of the time."""
    both = used[-1] or not vectors
    params = {"vectors": vectors} if both else {"vectors": False}
    return Pruned(params, regions, [True], [True] * len(used) if both else [True, False])


# eigh


def _infer_eigh(a: ArrayType, *, vectors: bool = True) -> tuple[ArrayType, ...]:
    require_matrices("eigh", a, square=True)
    w = ArrayType(real_dtype(a.dtype), a.shape[:-1])
    return (w, a) if vectors else (w,)


def _evaluate_eigh(a: Any, *, vectors: bool = True) -> tuple[Any, ...]:
    real_part = real_dtype(a.dtype)

    def single(lapack: Any, m: Any) -> Any:
        driver = lapack.ssyevd if m.dtype.kind == "f" else lapack.cheevd
        *results, info = driver(m, lower=1, compute_v=vectors)
        return results if vectors else results[:1], info

    def shapes(m: Any) -> Any:
        return [(m.shape[:1], real_part), (m.shape, m.dtype)][: 1 + vectors]

    def both(x: Any) -> Any:
        return np.linalg.eigh(x) if vectors else (np.linalg.eigvalsh(x),)

    return guarded(both, single, shapes, a)


def _jvp_eigh(
    ts: Sequence[Value | None], a: Value, *, vectors: bool = True
) -> tuple[list[Value], list[Value]]:
    """With M = V^H A' V: w' = diag(M), V' = V (F * M), F_ij = 1 / (w_j - w_i) off the diagonal
    (M. Giles, Collected matrix derivative results for forward and reverse mode AD, 2008). Of A'
    the lower triangle is read. Equal eigenvalues give inf or nan in V'."""
    (t,) = ts
    assert t is not None
    w, v = eigh(a)
    read = half_lower(t)
    inside = matmul(adjoint(v), matmul(add(read, adjoint(read)), v))
    inverse = _difference_inverse(w, v.shape)
    diagonal = diagonal_part(inside)
    moved = real(diagonal) if a.dtype.kind == "c" else diagonal
    if not vectors:
        return [w], [moved]
    return [w, v], [moved, matmul(v, mul(as_dtype(inverse, v.dtype), inside))]


def _eigh_lengths(dtype: Any, n: int, vectors: bool) -> tuple[int, int, int]:
    """LWORK, LRWORK and LIWORK of LAPACK's syevd and heevd, with room for blocks."""
    if not vectors:
        return BLOCK * n + 2 * n + 1, n if dtype.kind == "c" else 0, 1
    if dtype.kind == "c":
        return n * n + BLOCK * n + 2 * n, 1 + 5 * n + 2 * n * n, 3 + 5 * n
    return 1 + 6 * n + 2 * n * n + BLOCK * n, 0, 3 + 5 * n


def _eigh_parts(
    work: Workspace, a: ArrayType, vectors: bool = True
) -> tuple[Workspace, Any, Any, Any, Any]:
    n = a.shape[-1]
    first, second, third = _eigh_lengths(a.dtype, n, vectors)
    return (
        work,
        work.array(a.dtype, n, n),
        work.array(a.dtype, first),
        work.array(real_dtype(a.dtype), second),
        work.array(INT64, third),
    )


def _emit_eigh(r: Any, a: Any, results: Any, *, vectors: bool = True) -> None:
    if a.type.size == 0:
        return
    dtype, n = a.type.dtype, a.type.shape[-1]
    source, values = stacked(r, a), stacked(r, results[0], 1)
    eigenvectors = [stacked(r, v) for v in results[1:]]
    _, columns, work, real_work, integers = _eigh_parts(Workspace(r), a.type, vectors)
    lengths = _eigh_lengths(dtype, n, vectors)
    job = ("V" if vectors else "N", "L")

    def decompose(index: Any) -> None:
        matrix, value = item(r, source, index), item(r, values, index)
        found = [item(r, v, index) for v in eigenvectors]

        def fail() -> None:
            fill_nan(r, value, *found)

        def write() -> None:
            for vector in found:
                transpose_copy(r, vector, columns)

        def iterate() -> None:
            transpose_copy(r, columns, matrix)
            if dtype.kind == "c":
                spaces = (work, lengths[0], real_work, lengths[1], integers, lengths[2])
                done = lapack(r, dtype, "heevd", *job, n, columns, n, value, *spaces)
            else:
                spaces = (work, lengths[0], integers, lengths[2])
                done = lapack(r, dtype, "syevd", *job, n, columns, n, value, *spaces)
            r.when(done, write, fail)

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


def _without_vectors(real: Draw, imaginary: Draw) -> tuple[Sample, Sample]:
    """Eigenvalues alone, of real and of complex matrices."""
    params = {"vectors": False}
    return Sample((real,), params, ("f32", "f64")), Sample((imaginary,), params, ("c64", "c128"))


eigh = Op(
    name="eigh",
    doc="Eigenvalues w (real, ascending) and orthonormal eigenvectors v, in columns, of Hermitian "
    "matrices, of which the lower triangle is read: a v = v diag(w). nan where a is not finite. "
    "The phases of complex eigenvectors are not determined: derivatives take those that keep the "
    "vectors' change upright on them. Without `vectors`, w alone.",
    infer=_infer_eigh,
    evaluate=_evaluate_eigh,
    jvp=WithPrimal(_jvp_eigh),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a, **params: eigh(a, **params)),
    lower=Routine(
        _emit_eigh,
        lambda a, **params: _eigh_parts(Workspace(), a, **params)[0].bytes,
        reuses=lambda a, **params: 0,
        problem_axes=2,
    ),
    multiple_results=True,
    prune=_prune_vectors,
    samples=(
        *_without_vectors(_separated(4, 2), positive_definite(3, imaginary=True)),
        *_without_vectors(_separated(10), positive_definite(9, imaginary=True)),
        Sample((Draw((0, 3, 3)),), {"vectors": False}),
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


def _infer_eig(a: ArrayType, *, vectors: bool = True) -> tuple[ArrayType, ...]:
    require_matrices("eig", a, square=True)
    dtype = complex_dtype(a.dtype, "eig")
    return (ArrayType(dtype, a.shape[:-1]), ArrayType(dtype, a.shape))[: 1 + vectors]


def _evaluate_eig(a: Any, *, vectors: bool = True) -> tuple[Any, ...]:
    dtype = complex_dtype(a.dtype)

    def single(lapack: Any, m: Any) -> Any:
        if m.dtype.kind == "c":
            w, _, v, info = lapack.cgeev(m, compute_vl=0, compute_vr=vectors)
            return (w, v)[: 1 + vectors], info
        re, im, _, right, info = lapack.sgeev(m, compute_vl=0, compute_vr=vectors)
        w = re + 1j * im
        return (w, _paired(im, right)) if vectors else (w,), info

    def both(x: Any) -> Any:
        found = np.linalg.eig(x) if vectors else (np.linalg.eigvals(x),)
        return [part.astype(dtype) for part in found]

    def shapes(m: Any) -> Any:
        return [(m.shape[:1], dtype), (m.shape, dtype)][: 1 + vectors]

    return guarded(both, single, shapes, a)


def _paired(im: Any, right: Any) -> Any:
    """Complex eigenvectors from LAPACK's real ones: see `_pair_up`."""
    first = np.arange(len(im)) - (im < 0)
    second = np.arange(len(im)) + (im > 0)
    return right[:, first] + 1j * np.sign(im) * right[:, second]


def _jvp_eig(
    ts: Sequence[Value | None], a: Value, *, vectors: bool = True
) -> tuple[list[Value], list[Value | None]]:
    """With M = V^-1 A' V: w' = diag(M), and V' = V (F * M), F_ij = 1 / (w_j - w_i) off the
    diagonal, plus the multiple of each vector that keeps it as LAPACK scales it: of length one,
    its greatest element real. For x' along the vector x of length one, with the greatest element
    x_k: x' - x (Re(x^H x') + i Im(x'_k) / x_k)."""
    (t,) = ts
    assert t is not None
    w, v = eig(a)
    if a.shape[-1] == 0:
        return ([w, v], [None, None]) if vectors else ([w], [None])
    inside = solve(v, matmul(as_dtype(t, v.dtype), v))
    if not vectors:
        return [w], [diagonal_part(inside)]
    moved = matmul(v, mul(_difference_inverse(w, v.shape), inside))
    rows = v.ndim - 2
    along = real(reduce_sum(mul(conj(v), moved), axes=(rows,)))
    place = argmax(abs_(v), axis=rows)
    at = reshape(place, shape=(*v.shape[:-2], 1, v.shape[-1]))
    shape = place.shape
    greatest = real(reshape(take_along(v, at, rows), shape=shape))
    turned = imag(reshape(take_along(moved, at, rows), shape=shape))
    multiple = complex(along, div(turned, greatest))
    return [w, v], [diagonal_part(inside), sub(moved, scale_columns(v, multiple))]


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


def _emit_eig(r: Any, a: Any, results: Any, *, vectors: bool = True) -> None:
    if a.type.size == 0:
        return
    dtype, n = a.type.dtype, a.type.shape[-1]
    source, values = stacked(r, a), stacked(r, results[0], 1)
    eigenvectors = [stacked(r, v) for v in results[1:]]
    _, columns, right, parts, work, length = _eig_parts(Workspace(r), a.type)

    def decompose(index: Any) -> None:
        matrix, value = item(r, source, index), item(r, values, index)
        found = [item(r, v, index) for v in eigenvectors]

        def fail() -> None:
            fill_nan(r, value, *found)

        def write() -> None:
            if dtype.kind == "f":
                _join(r, parts, value)
            for vector in found:
                if dtype.kind == "f":
                    _pair_up(r, parts, right, vector)
                else:
                    transpose_copy(r, vector, right)

        def iterate() -> None:
            transpose_copy(r, columns, matrix)
            first = ("N", "V" if vectors else "N", n, columns, n)
            # The left vectors are not asked for: their array is not touched.
            rest = (right, 1, right, n, work, length)
            if dtype.kind == "c":
                done = lapack(r, dtype, "geev", *first, value, *rest, parts)
            else:
                halves = [item(r, parts, r.integer(i)) for i in (0, 1)]
                done = lapack(r, dtype, "geev", *first, *halves, *rest)
            r.when(done, write, fail)

        r.when(all_finite(r, matrix), iterate, fail)

    each(r, stack_size(a.type), decompose)


def _join(r: Any, parts: Any, value: Any) -> None:
    """Complex eigenvalues from their parts."""
    dtype = value.type.dtype

    def join(j: Any) -> None:
        re, im = r.load(parts, (0, j)), r.load(parts, (1, j))
        r.store(value, (j,), r.b.from_parts(dtype, re, im))

    r.loop(value.type.size, join)


def _pair_up(r: Any, parts: Any, right: Any, vector: Any) -> None:
    """Complex vectors from LAPACK's real ones: eigenvalues j and j + 1 that are conjugate, the
    one with the positive imaginary part first, have the vectors right[j] +- i right[j + 1]."""
    n = right.type.shape[0]
    dtype = vector.type.dtype
    zero = r.b.constant(right.type.dtype, 0)
    b = r.builder

    def column(j: Any) -> None:
        im = r.load(parts, (1, j))
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
    "complex. Each vector has length one and a real greatest element. nan where a is not finite. "
    "Without `vectors`, w alone.",
    infer=_infer_eig,
    evaluate=_evaluate_eig,
    jvp=WithPrimal(_jvp_eig),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a, **params: eig(a, **params)),
    lower=Routine(
        _emit_eig,
        lambda a, **params: _eig_parts(Workspace(), a)[0].bytes,
        reuses=lambda a, **params: 0,
        problem_axes=2,
    ),
    multiple_results=True,
    prune=_prune_vectors,
    samples=(
        *_without_vectors(_spread(4, 2), _spread(3, imaginary=True)),
        *_without_vectors(_spread(9), _spread(2, imaginary=True)),
        Sample((Draw((0, 3, 3)),), {"vectors": False}),
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
