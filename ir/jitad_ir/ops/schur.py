"""What needs Schur's form: Sylvester's equation and square roots of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import NONLINEAR, Draw, Joint, Op, PerOperand, Sample
from ..types import INT64, ArrayType, TypeMismatch, complex_dtype, real_dtype
from .arithmetic import add, neg
from .lapack import (
    BLOCK,
    Workspace,
    all_finite,
    blas,
    each,
    fill_nan,
    item,
    lapack,
    nan_of,
    stack_size,
    stacked,
    transpose_copy,
)
from .lu import well_conditioned
from .matrices import (
    as_dtype,
    matmul,
    matrix_transpose,
    over_leading_axis,
    require_matrices,
)
from .triangular import positive_definite


class Form:
    """Where Schur's form of one n x n matrix is computed: a = z t z^H, both column by column."""

    def __init__(self, work: Workspace, dtype: Any, n: int) -> None:
        self.dtype, self.n = dtype, n
        self.t, self.z = work.array(dtype, n, n), work.array(dtype, n, n)
        self.values = work.array(dtype, 2, n)
        self.length = BLOCK * n
        self.space = work.array(dtype, self.length)
        self.reals = work.array(real_dtype(dtype), n)
        self.flags = work.array(INT64, n)

    def compute(self, r: Any) -> Any:
        """From the matrix in `t`. True (i1) if it succeeded."""
        n = self.n
        nowhere = r.builder.inttoptr(r.integer(0), r.workspace.type)
        dimension = r.reference(r.b.constant(INT64, 0))
        first = ("V", "N", nowhere, n, self.t, n, dimension)
        last = (self.z, n, self.space, self.length)
        if self.dtype.kind == "c":
            parts = [self.values]
            return lapack(r, self.dtype, "gees", *first, *parts, *last, self.reals, self.flags)
        parts = [item(r, self.values, r.integer(i)) for i in (0, 1)]
        return lapack(r, self.dtype, "gees", *first, *parts, *last, self.flags)


def _multiply(
    r: Any, out: Any, x: tuple[str, Any], y: tuple[str, Any], m: int, k: int, n: int
) -> None:
    """out (m x n) = op(x) op(y), all column by column."""
    (x_op, x_matrix), (y_op, y_matrix) = x, y
    dtype = out.type.dtype
    one, zero = (r.literal(dtype, value) for value in (1, 0))
    x_rows, y_rows = (m if x_op == "N" else k), (k if y_op == "N" else n)
    sides = (x_op, y_op, m, n, k)
    blas(r, dtype, "gemm", *sides, one, x_matrix, x_rows, y_matrix, y_rows, zero, out, m)


# Sylvester's equation a x + x b = c


def _infer_sylvester(a: ArrayType, b: ArrayType, c: ArrayType) -> ArrayType:
    require_matrices("sylvester", a, b, c, square=True)
    if b.shape[-1] != b.shape[-2] or c.shape[-2:] != (a.shape[-1], b.shape[-1]):
        raise TypeMismatch(
            f"sylvester: expected (m, m), (n, n) and (m, n); got {a!r}, {b!r} and {c!r}"
        )
    return c


def _evaluate_sylvester(a: Any, b: Any, c: Any) -> Any:
    from scipy.linalg import solve_sylvester

    out = np.empty_like(c)
    for index in np.ndindex(c.shape[:-2]) if c.size else ():
        matrices = a[index], b[index], c[index]
        finite = all(np.isfinite(x).all() for x in matrices)
        out[index] = solve_sylvester(*matrices) if finite else nan_of(c.dtype)
    return out


def _jvp_sylvester(
    ts: Sequence[Value | None], outs: Sequence[Value], a: Value, b: Value, c: Value
) -> tuple[Value]:
    """a x' + x' b = c' - a' x - x b'"""
    (x,) = outs
    by_a, by_b, by_c = ts
    terms = [t for t in (by_c,) if t is not None]
    terms += [neg(matmul(by_a, x))] if by_a is not None else []
    terms += [neg(matmul(x, by_b))] if by_b is not None else []
    right = terms[0]
    for term in terms[1:]:
        right = add(right, term)
    return (sylvester(a, b, right),)


def _transpose_sylvester(cts: Sequence[Value], a: Value, b: Value, c: object) -> list[Value | None]:
    """The transpose of x -> a x + x b is y -> a^T y + y b^T."""
    return [None, None, sylvester(matrix_transpose(a), matrix_transpose(b), cts[0])]


class _SylvesterParts:
    def __init__(self, work: Workspace, a: ArrayType, b: ArrayType) -> None:
        self.m, self.n = a.shape[-1], b.shape[-1]
        self.work = work
        self.left, self.right = Form(work, a.dtype, self.m), Form(work, a.dtype, self.n)
        self.x, self.y = (work.array(a.dtype, self.n, self.m) for _ in range(2))
        self.scale = work.array(real_dtype(a.dtype), 1)


def _emit_sylvester(r: Any, a: Any, b: Any, c: Any, results: Any) -> None:
    """With a = Z T Z^H, b = W S W^H and F = Z^H c W: T y + y S = F, x = Z y W^H."""
    (out,) = results
    if out.type.size == 0:
        return
    dtype = a.type.dtype
    stacks = [stacked(r, buffer) for buffer in (a, b, c, out)]
    parts = _SylvesterParts(Workspace(r), a.type, b.type)
    m, n, left, right = parts.m, parts.n, parts.left, parts.right

    def one(index: Any) -> None:
        first, second, third, result = (item(r, stack, index) for stack in stacks)

        def fail() -> None:
            fill_nan(r, result)

        def substitute() -> None:
            transpose_copy(r, parts.x, third)
            _multiply(r, parts.y, ("C", left.z), ("N", parts.x), m, m, n)
            _multiply(r, parts.x, ("N", parts.y), ("N", right.z), m, n, n)
            # INFO = 1 tells of perturbed eigenvalues: the equation is singular, nearly.
            lapack(
                r, dtype, "trsyl", "N", "N", 1, m, n, left.t, m, right.t, n, parts.x, m, parts.scale
            )
            _multiply(r, parts.y, ("N", left.z), ("N", parts.x), m, m, n)
            _multiply(r, parts.x, ("N", parts.y), ("C", right.z), m, n, n)
            scale = r.load(parts.scale, (0,))

            def element(at: tuple[Any, Any]) -> None:
                x = r.load(parts.x, (at[1], at[0]))
                r.store(result, at, r.b.div(x, r.b.convert(scale, dtype)))

            r.loops((m, n), element)

        def decompose() -> None:
            transpose_copy(r, left.t, first)
            transpose_copy(r, right.t, second)
            done = r.builder.and_(left.compute(r), right.compute(r))
            r.when(done, substitute, fail)

        finite = all_finite(r, first)
        for matrix in (second, third):
            finite = r.builder.and_(finite, all_finite(r, matrix))
        r.when(finite, decompose, fail)

    each(r, stack_size(out.type), one)


def _sylvester_sample(m: int, n: int, *stack: int, imaginary: bool = False) -> Sample:
    dtypes = ("c64", "c128") if imaginary else None
    matrices = [positive_definite(k, stack, imaginary) for k in (m, n)]
    return Sample((*matrices, Draw((*stack, m, n))), {}, dtypes)


sylvester = Op(
    name="sylvester",
    doc="The solution x of a x + x b = c for a (..., m, m), b (..., n, n) and c (..., m, n). nan "
    "where an operand is not finite.",
    infer=_infer_sylvester,
    evaluate=_evaluate_sylvester,
    jvp=Joint(_jvp_sylvester),
    transpose=Joint(_transpose_sylvester),
    batch=over_leading_axis(lambda a, b, c: sylvester(a, b, c)),
    lower=Routine(_emit_sylvester, lambda a, b, c: _SylvesterParts(Workspace(), a, b).work.bytes),
    samples=(
        _sylvester_sample(1, 1),
        _sylvester_sample(3, 2),
        _sylvester_sample(2, 4, 3),
        _sylvester_sample(3, 3, imaginary=True),
        Sample(
            (Draw((2, 2), values=(0.1, -2.0, 2.0, 0.3)), positive_definite(3), Draw((2, 3))),
            {},
            ("f32", "f64"),
        ),
        Sample((Draw((2, 0, 0)), Draw((2, 3, 3)), Draw((2, 0, 3)))),
    ),
)


# Square roots


def _infer_sqrtm(a: ArrayType) -> ArrayType:
    require_matrices("sqrtm", a, square=True)
    return a.with_dtype(complex_dtype(a.dtype, "sqrtm"))


def _evaluate_sqrtm(a: Any) -> Any:
    from scipy.linalg import schur

    dtype = complex_dtype(a.dtype)
    out = np.empty(a.shape, dtype)
    for index in np.ndindex(a.shape[:-2]) if a.size else ():
        if not np.isfinite(a[index]).all():
            out[index] = nan_of(dtype)
            continue
        t, z = schur(a[index].astype(dtype), "complex")
        out[index] = z @ _triangular_root(t) @ z.conj().T
    return out


def _triangular_root(t: Any) -> Any:
    """u u = t: u_jj = sqrt(t_jj), (u_ii + u_jj) u_ij = t_ij - sum of u_ik u_kj for i < k < j."""
    u = np.diag(np.sqrt(np.diag(t)))
    for j in range(len(t)):
        for i in reversed(range(j)):
            rest = t[i, j] - u[i, i + 1 : j] @ u[i + 1 : j, j]
            sum_ = u[i, i] + u[j, j]
            u[i, j] = rest if rest == 0 else rest / sum_
    return u


def _jvp_sqrtm(t: Value, out: Value, a: Value) -> Value:
    """x x = a, so x x' + x' x = a'."""
    return sylvester(out, out, as_dtype(t, out.dtype))


class _RootParts:
    def __init__(self, work: Workspace, a: ArrayType) -> None:
        self.work = work
        dtype, n = complex_dtype(a.dtype), a.shape[-1]
        self.form = Form(work, dtype, n)
        self.root, self.product = work.array(dtype, n, n), work.array(dtype, n, n)


def _emit_sqrtm(r: Any, a: Any, results: Any) -> None:
    (out,) = results
    if out.type.size == 0:
        return
    n, dtype = a.type.shape[-1], out.type.dtype
    source, target = stacked(r, a), stacked(r, out)
    parts = _RootParts(Workspace(r), a.type)
    form, u = parts.form, parts.root
    zero, one = r.b.constant(dtype, 0), r.integer(1)
    b = r.builder

    def element(j: Any, i: Any) -> None:
        total = r.local(dtype)
        r.b.store(total, r.load(form.t, (j, i)))

        def subtract(k: Any) -> None:
            term = r.b.mul(r.load(u, (k, i)), r.load(u, (j, k)))
            r.b.store(total, r.b.sub(r.b.load(total, dtype), term))

        r.loop(j, subtract, start=b.add(i, one))
        rest = r.b.load(total, dtype)
        divisor = r.b.add(r.load(u, (i, i)), r.load(u, (j, j)))
        quotient = r.b.select(r.b.eq(rest, zero), rest, r.b.div(rest, divisor))
        r.store(u, (j, i), quotient)

    def column(j: Any) -> None:
        r.store(u, (j, j), r.b.sqrt(r.load(form.t, (j, j))))
        r.loop(j, lambda up: element(j, b.sub(b.sub(j, up), one)))

    def one_root(index: Any) -> None:
        matrix, result = item(r, source, index), item(r, target, index)

        def fail() -> None:
            fill_nan(r, result)

        def assemble() -> None:
            r.fill(u, zero)
            r.loop(n, column)
            _multiply(r, parts.product, ("N", form.z), ("N", u), n, n, n)
            _multiply(r, u, ("N", parts.product), ("C", form.z), n, n, n)
            transpose_copy(r, result, u)

        def decompose() -> None:
            def read(at: tuple[Any, Any]) -> None:
                r.store(form.t, (at[1], at[0]), r.b.convert(r.load(matrix, at), dtype))

            r.loops((n, n), read)
            r.when(form.compute(r), assemble, fail)

        r.when(all_finite(r, matrix), decompose, fail)

    each(r, stack_size(a.type), one_root)


sqrtm = Op(
    name="sqrtm",
    doc="The principal square root of square matrices, complex: x x = a, with eigenvalues in the "
    "right half plane. nan where a is not finite.",
    infer=_infer_sqrtm,
    evaluate=_evaluate_sqrtm,
    jvp=PerOperand((_jvp_sqrtm,)),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a: sqrtm(a)),
    lower=Routine(_emit_sqrtm, lambda a: _RootParts(Workspace(), a).work.bytes),
    samples=(
        Sample((positive_definite(1),)),
        Sample((positive_definite(3),)),
        Sample((positive_definite(4, (2,)),)),
        Sample((well_conditioned(3, 3),), {}, ("f32", "f64")),
        Sample((well_conditioned(5, 5, imaginary=True),), {}, ("c64", "c128")),
        Sample((Draw((2, 0, 0)),)),
    ),
)
