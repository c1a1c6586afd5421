"""Unitary similarities: Schur's form and Hessenberg's form of stacks of square matrices.

Both are a = q h q^H with a unitary q. With S = q^H q', which is skew-Hermitian, and M = q^H a' q,

    h' = M - (S h - h S)        q' = q S

and S is such that h' is zero where h always is. Column after column of S follows, in a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph import Builder, Value, building
from ..lowering import Routine
from ..op import NONLINEAR, OPS, Draw, Joint, Op, Sample
from ..types import INT64, ArrayType
from .arithmetic import add, div, mul, sub
from .bitwise import bitwise_and
from .comparison import eq, gt, ne
from .constants import full_like, iota, zeros
from .conversion import complex, convert, imag
from .lapack import (
    BLOCK,
    Workspace,
    all_finite,
    each,
    fill_nan,
    item,
    lapack,
    matrix_flops,
    nan_of,
    stack_size,
    stacked,
    transpose_copy,
)
from .lu import well_conditioned
from .matrices import (
    adjoint,
    diagonal_part,
    matmul,
    over_leading_axis,
    require_matrices,
    unit_like,
    upper_part,
)
from .reduce import reduce_or, reduce_sum
from .schur import Form
from .selection import select
from .shape import broadcast, reshape
from .slicing import part
from .triangular import solve_upper


def _infer(name: str) -> Callable[[ArrayType], tuple[ArrayType, ArrayType]]:
    def infer(a: ArrayType) -> tuple[ArrayType, ArrayType]:
        require_matrices(name, a, square=True)
        return a, a

    return infer


def _each_finite(single: Callable[[Any], tuple[Any, Any]], a: Any) -> tuple[Any, Any]:
    """`single` of each matrix of a stack; nan for those with infinities and nans."""
    first, second = np.empty_like(a), np.empty_like(a)
    for index in np.ndindex(a.shape[:-2]) if a.size else ():
        if np.isfinite(a[index]).all():
            first[index], second[index] = single(a[index])
        else:
            first[index] = second[index] = nan_of(a.dtype)
    return first, second


def _emit_each(
    r: Any, a: Any, results: Any, columns: Any, one: Callable[[Any, Any, Callable[[], None]], None]
) -> None:
    """`one(first, second, fail)` for each matrix, copied to `columns` column by column, with the
    results to write; nan if it is not finite, or if `one` calls `fail`."""
    if a.type.size == 0:
        return
    source, first, second = (stacked(r, buffer) for buffer in (a, *results))

    def decompose(index: Any) -> None:
        matrix, x, y = (item(r, stack, index) for stack in (source, first, second))

        def fail() -> None:
            fill_nan(r, x, y)

        def run() -> None:
            transpose_copy(r, columns, matrix)
            one(x, y, fail)

        r.when(all_finite(r, matrix), run, fail)

    each(r, stack_size(a.type), decompose)


# What the derivatives share


def _by_columns(
    h: Value, moved: Value, count: int, column: Callable[[Value, Value, Value, Value], Value]
) -> Value:
    """A matrix, in the shape of h, to which `count` steps j = 0, 1, ... each add
    `column(h, moved, so far, j)`, a matrix."""
    builder = Builder("column")
    own, own_moved, so_far = (builder.input(v.type) for v in (h, moved, h))
    index = builder.input(ArrayType(INT64, ()))
    with building(builder):
        following = add(so_far, column(own, own_moved, so_far, index))
    (result,) = OPS["scan"](
        h,
        moved,
        zeros(h),
        iota(shape=(count,), dim=0, dtype=INT64),
        regions=(builder.build([following]),),
        length=count,
        reverse=False,
        consts=2,
        carries=1,
        unroll=1,
    )
    return result


def _places(x: Value, axis: int) -> Value:
    """Row (axis -2) or column (axis -1) of each element of a matrix."""
    return iota(shape=x.shape, dim=x.ndim + axis, dtype=INT64)


def _like(number: Value, x: Value) -> Value:
    return broadcast(number, shape=x.shape, dims=())


def _unit_column(x: Value, j: Value) -> Value:
    """The unit vector e_j as a column, (..., n, 1)."""
    shape = (*x.shape[:-1], 1)
    rows = iota(shape=shape, dim=x.ndim - 2, dtype=INT64)
    return convert(eq(rows, broadcast(j, shape=shape, dims=())), dtype=x.dtype)


def _row(column: Value) -> Value:
    """(..., n, 1) to (..., 1, n)"""
    *stack, n, _ = column.shape
    return reshape(column, shape=(*stack, 1, n))


def _only(mask: Value, x: Value) -> Value:
    return select(mask, x, full_like(x, 0))


def _commutator(s: Value, h: Value) -> Value:
    return sub(matmul(s, h), matmul(h, s))


# Schur's form


def _evaluate_schur(a: Any) -> tuple[Any, Any]:
    from scipy.linalg import schur as of_scipy

    output = "complex" if a.dtype.kind == "c" else "real"
    return _each_finite(lambda matrix: of_scipy(matrix, output), a)


def _jvp_schur(ts: Sequence[Value | None], outs: Sequence[Value], a: Value) -> list[Value | None]:
    """h is upper triangular: below its diagonal S h - h S is M. For column j of S, with the columns
    before known: (h_jj - h) S_j = M_j - sum of S_k h_kj over k < j, in the rows below j."""
    (t,) = ts
    h, q = outs
    assert t is not None
    n = a.shape[-1]
    if n < 2:
        return [t, None]
    moved = matmul(adjoint(q), matmul(t, q))

    def column(h: Value, moved: Value, s: Value, j: Value) -> Value:
        unit = _unit_column(h, j)
        at_j = matmul(h, unit)
        below = gt(_places(at_j, -2), _like(j, at_j))
        right = _only(below, sub(matmul(moved, unit), matmul(s, at_j)))
        level = reduce_sum(mul(at_j, unit), axes=(h.ndim - 2, h.ndim - 1))
        spread = broadcast(level, shape=h.shape, dims=tuple(range(h.ndim - 2)))
        eye = unit_like(h)
        inside = bitwise_and(gt(_places(h, -2), _like(j, h)), gt(_places(h, -1), _like(j, h)))
        matrix = select(inside, sub(mul(spread, eye), h), eye)
        return matmul(solve_upper(matrix, right), _row(unit))

    lower = _by_columns(h, moved, n - 1, column)
    s = sub(lower, adjoint(lower))
    h_moved = upper_part(sub(moved, _commutator(s, h)))
    q_moved = matmul(q, s)
    if a.dtype.kind == "c":
        return [h_moved, q_moved]
    known = _nan_where_paired(h)
    return [mul(h_moved, known), mul(q_moved, known)]


def _nan_where_paired(h: Value) -> Value:
    """nan for a real form that is not triangular, else 1, in the shape of h."""
    n, stack = h.shape[-1], h.ndim - 2
    below = diagonal_part(part(part(h, stack, 1, n), stack + 1, 0, n - 1))
    paired = reduce_or(ne(below, full_like(below, 0)), axes=(stack,))
    factor = select(
        broadcast(paired, shape=h.shape, dims=tuple(range(stack))),
        full_like(h, float("nan")),
        full_like(h, 1),
    )
    return factor


def _emit_schur(r: Any, a: Any, results: Any) -> None:
    form = Form(Workspace(r), a.type.dtype, a.type.shape[-1])

    def one(t: Any, z: Any, fail: Callable[[], None]) -> None:
        def write() -> None:
            transpose_copy(r, t, form.t)
            transpose_copy(r, z, form.z)

        r.when(form.compute(r), write, fail)

    _emit_each(r, a, results, form.t, one)


def _schur_workspace(a: ArrayType) -> int:
    work = Workspace()
    Form(work, a.dtype, a.shape[-1])
    return work.bytes


def _apart(n: int, *stack: int) -> Draw:
    """Real matrices with real eigenvalues that are not close to each other."""
    rng = np.random.default_rng(n)
    x = rng.uniform(-0.5, 0.5, (*stack, n, n)) + 3.0 * np.diag(np.arange(1, n + 1))
    return Draw((*stack, n, n), values=tuple(x.ravel().tolist()))


def _real(draw: Draw, smooth: bool = True) -> tuple[Sample, Sample]:
    """Signs of columns need not be the same in single and double precision."""
    return Sample((draw,), {}, ("f64",), smooth), Sample((draw,), {}, ("f32",), smooth=False)


_IMAGINARY: dict[str, Any] = {"params": {}, "dtypes": ("c64", "c128"), "smooth": False}

schur = Op(
    name="schur",
    doc="Schur's form h, upper triangular, and a unitary q with a = q h q^H, for square matrices. "
    "The form of real matrices is real: it has a block of two rows and columns for each conjugate "
    "pair of eigenvalues, and its derivative is nan where there is one. The phases of complex "
    "columns of q are not determined: derivatives take those that keep the change upright on them. "
    "nan where a is not finite.",
    infer=_infer("schur"),
    evaluate=_evaluate_schur,
    jvp=Joint(_jvp_schur),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a: schur(a)),
    lower=Routine(_emit_schur, _schur_workspace, flops=lambda a: matrix_flops(a, cubic=25.0)),
    multiple_results=True,
    samples=(
        *_real(_apart(1)),
        *_real(_apart(3)),
        *_real(_apart(4, 2)),
        *_real(Draw((2, 2), values=(0.0, 1.0, -2.0, 0.0)), smooth=False),
        *_real(well_conditioned(9, 9), smooth=False),
        Sample((well_conditioned(3, 3, imaginary=True),), **_IMAGINARY),
        Sample((well_conditioned(7, 7, (2,), imaginary=True),), **_IMAGINARY),
        Sample((Draw((2, 0, 0)),)),
        Sample((Draw((0, 3, 3)),)),
        Sample((Draw((2, 2, 2), values=(1.0, 0, 0, 2.0, np.inf, 1.0, 1.0, 1.0)),), smooth=False),
    ),
)


# Hessenberg's form


def _evaluate_hessenberg(a: Any) -> tuple[Any, Any]:
    from scipy.linalg import lapack as of_scipy

    letter = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}[a.dtype.name]
    reduce = getattr(of_scipy, f"{letter}gehrd")
    unit = getattr(of_scipy, f"{letter}{'un' if a.dtype.kind == 'c' else 'or'}ghr")

    def single(matrix: Any) -> tuple[Any, Any]:
        if len(matrix) == 1:  # which SciPy's wrappers do not take
            return matrix, np.ones_like(matrix)
        packed, scalars, _ = reduce(matrix)
        q, _ = unit(packed, scalars)
        return np.triu(packed, -1), q

    return _each_finite(single, a)


def _jvp_hessenberg(
    ts: Sequence[Value | None], outs: Sequence[Value], a: Value
) -> list[Value | None]:
    """The first column of q stays e_1, so that of S is zero. In column j,

        S_(j+1) h_(j+1)j = M_j - h'_j + h S_j - sum of S_k h_kj over k <= j

    and below row j + 1 the left side is all there is of column j + 1: h'_j is zero there. In row
    j + 1 h' is real, so that the imaginary part of the right side is that of S's diagonal."""
    (t,) = ts
    h, q = outs
    assert t is not None
    n = a.shape[-1]
    imaginary = a.dtype.kind == "c"
    count = n - 1 if imaginary else n - 2
    if count < 1:
        return [t, None]
    moved = matmul(adjoint(q), matmul(t, q))

    def column(h: Value, moved: Value, s: Value, j: Value) -> Value:
        unit, following = _unit_column(h, j), _unit_column(h, add(j, 1))
        at_j = matmul(h, unit)
        pivot = reduce_sum(mul(at_j, following), axes=(h.ndim - 2, h.ndim - 1))
        total = sub(add(matmul(moved, unit), matmul(h, matmul(s, unit))), matmul(s, at_j))
        place = _like(add(j, 1), total)
        rows = _places(total, -2)
        pivots = broadcast(pivot, shape=total.shape, dims=tuple(range(h.ndim - 2)))
        strict = matmul(_only(gt(rows, place), div(total, pivots)), _row(following))
        change = sub(strict, adjoint(strict))
        if not imaginary:
            return change
        turned = _only(eq(rows, place), div(complex(zeros(imag(total)), imag(total)), pivots))
        return add(change, matmul(turned, _row(following)))

    s = _by_columns(h, moved, count, column)
    h_moved = upper_part(sub(moved, _commutator(s, h)), -1)
    return [h_moved, matmul(q, s)]


def _hessenberg_parts(work: Workspace, a: ArrayType) -> tuple[Workspace, Any, Any, Any, int]:
    """Columns of the matrix, scalars of the reflections, LAPACK's own space."""
    n = a.shape[-1]
    length = BLOCK * n
    return (
        work,
        work.array(a.dtype, n, n),
        work.array(a.dtype, n),
        work.array(a.dtype, length),
        length,
    )


def _emit_hessenberg(r: Any, a: Any, results: Any) -> None:
    dtype, n = a.type.dtype, a.type.shape[-1]
    _, columns, scalars, space, length = _hessenberg_parts(Workspace(r), a.type)
    unit = "unghr" if dtype.kind == "c" else "orghr"
    zero = r.b.constant(dtype, 0)

    def one(h: Any, q: Any, fail: Callable[[], None]) -> None:
        def row(i: Any) -> None:
            b, one = r.builder, r.integer(1)
            is_first = b.icmp_signed("<", i, one)
            below = b.select(is_first, r.integer(0), b.sub(i, one))
            r.loop(below, lambda j: r.store(h, (i, j), zero))
            r.loop(n, lambda j: r.store(h, (i, j), r.load(columns, (j, i))), start=below)

        def write() -> None:
            r.loop(n, row)
            arguments = (n, 1, n, columns, n, scalars, space, length)
            r.when(lapack(r, dtype, unit, *arguments), lambda: transpose_copy(r, q, columns), fail)

        arguments = (n, 1, n, columns, n, scalars, space, length)
        r.when(lapack(r, dtype, "gehrd", *arguments), write, fail)

    _emit_each(r, a, results, columns, one)


hessenberg = Op(
    name="hessenberg",
    doc="Hessenberg's form h, zero below the diagonal under the main one, and a unitary q with "
    "a = q h q^H, by the Householder reflections of LAPACK: the first column of q is (1, 0, ...), "
    "and the elements under the diagonal are real. nan where a is not finite.",
    infer=_infer("hessenberg"),
    evaluate=_evaluate_hessenberg,
    jvp=Joint(_jvp_hessenberg),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a: hessenberg(a)),
    lower=Routine(
        _emit_hessenberg,
        lambda a: _hessenberg_parts(Workspace(), a)[0].bytes,
        flops=lambda a: matrix_flops(a, cubic=14 / 3),
    ),
    multiple_results=True,
    samples=(
        Sample((well_conditioned(1, 1),)),
        Sample((well_conditioned(2, 2),), {}, ("f32", "f64")),
        Sample((well_conditioned(3, 3),), {}, ("f32", "f64")),
        Sample((well_conditioned(5, 5, (2,)),), {}, ("f32", "f64")),
        Sample((well_conditioned(2, 2, imaginary=True),), {}, ("c64", "c128")),
        Sample((well_conditioned(4, 4, imaginary=True),), {}, ("c64", "c128")),
        Sample((well_conditioned(12, 12),), {}, ("f32", "f64"), smooth=False),
        Sample((Draw((2, 0, 0)),)),
        Sample((Draw((0, 3, 3)),)),
        Sample((Draw((2, 2, 2), values=(1.0, 0, 0, 2.0, np.inf, 1.0, 1.0, 1.0)),), smooth=False),
    ),
)
