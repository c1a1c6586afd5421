"""Programs on stacks of matrices (..., m, n): what the rules of the linear-algebra ops are
written with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..graph import Value
from ..op import batch_to_front
from ..types import INT64, ArrayType, DType, Shape, TypeMismatch
from .arithmetic import add, mul
from .comparison import eq, ge, gt
from .constants import full_like, iota
from .conversion import conj, convert
from .dot import dot
from .indexing import take_along
from .selection import select
from .shape import broadcast, reshape, transpose
from .slicing import slice_


def require_matrices(name: str, *operands: ArrayType, square: bool = False) -> None:
    """Raise TypeMismatch unless the operands are stacks of float or complex matrices of one dtype,
    stacked alike; and the first of them square, if `square`."""
    first = operands[0]
    for x in operands:
        if x.ndim < 2 or x.dtype.kind not in "fc":
            raise TypeMismatch(f"{name}: expected float or complex matrices (..., m, n); got {x!r}")
        if x.dtype != first.dtype or x.shape[:-2] != first.shape[:-2]:
            raise TypeMismatch(
                f"{name}: expected matrices of one dtype, stacked alike; got {first!r} and {x!r}"
            )
    if square and first.shape[-1] != first.shape[-2]:
        raise TypeMismatch(f"{name}: expected square matrices; got {first!r}")


def over_leading_axis(op: Callable[..., object]) -> Callable[..., object]:
    """Batch rule of an op on stacks of matrices: one more leading axis."""

    def batch(size: int, batched: Sequence[bool], *operands: Value, **params: object) -> object:
        return op(*batch_to_front(size, batched, operands), **params)

    return batch


def matmul(x: Value, y: Value) -> Value:
    """x y of matrices stacked alike."""
    stack = tuple(range(x.ndim - 2))
    return dot(x, y, contract=((x.ndim - 1,), (x.ndim - 2,)), batch=(stack, stack))


def matrix_transpose(x: Value) -> Value:
    """The last two axes exchanged."""
    n = x.ndim
    return transpose(x, permutation=(*range(n - 2), n - 1, n - 2))


def conjugate(x: Value) -> Value:
    """Complex conjugate; x itself if real."""
    return conj(x) if x.dtype.kind == "c" else x


def adjoint(x: Value) -> Value:
    """Conjugate transpose."""
    return conjugate(matrix_transpose(x))


def as_dtype(x: Value, dtype: DType) -> Value:
    """x converted, if it is not of `dtype` already."""
    return x if x.dtype == dtype else convert(x, dtype=dtype)


def _positions(x: Value) -> tuple[Value, Value]:
    """Row and column of each element of a matrix."""
    shape = x.shape[-2:]
    return iota(shape=shape, dim=0, dtype=INT64), iota(shape=shape, dim=1, dtype=INT64)


def _where(mask: Value, x: Value, other: Value) -> Value:
    return select(broadcast(mask, shape=x.shape, dims=(x.ndim - 2, x.ndim - 1)), x, other)


def lower_part(x: Value, below: int = 0) -> Value:
    """Elements `below` or more rows below the diagonal (0: the diagonal, too), else zero."""
    row, column = _positions(x)
    return _where(ge(row, add(column, below)), x, full_like(x, 0))


def upper_part(x: Value, above: int = 0) -> Value:
    """Elements `above` or more columns right of the diagonal, else zero."""
    row, column = _positions(x)
    return _where(ge(column, add(row, above)), x, full_like(x, 0))


def half_lower(x: Value) -> Value:
    """The lower triangle with a halved diagonal: the part Phi of x with Phi(x) + Phi(x)^H = x for
    Hermitian x."""
    row, column = _positions(x)
    strictly = _where(gt(row, column), x, full_like(x, 0))
    return _where(eq(row, column), mul(x, 0.5), strictly)


def unit_like(x: Value) -> Value:
    """Unit matrices in the shape of x."""
    row, column = _positions(x)
    unit = convert(eq(row, column), dtype=x.dtype)
    return broadcast(unit, shape=x.shape, dims=(x.ndim - 2, x.ndim - 1))


def unit_diagonal(x: Value) -> Value:
    """x with ones on the diagonal."""
    row, column = _positions(x)
    return _where(eq(row, column), full_like(x, 1), x)


def diagonal_part(x: Value) -> Value:
    """The diagonals, shape (..., min(m, n))."""
    *stack, m, n = x.shape
    k = min(m, n)
    flat = reshape(x, shape=(*stack, m * n))
    zeros, ones = (0,) * len(stack), (1,) * len(stack)
    limit = (k - 1) * (n + 1) + 1 if k else 0
    return slice_(flat, start=(*zeros, 0), limit=(*stack, limit), stride=(*ones, n + 1))


def columns_of(v: Value, shape: Shape) -> Value:
    """The vectors (..., n) as every row of matrices of `shape`: element j in column j."""
    return broadcast(v, shape=shape, dims=(*range(len(shape) - 2), len(shape) - 1))


def rows_of(v: Value, shape: Shape) -> Value:
    """The vectors (..., m) as every column of matrices of `shape`: element i in row i."""
    return broadcast(v, shape=shape, dims=tuple(range(len(shape) - 1)))


def scale_columns(x: Value, v: Value) -> Value:
    """x diag(v)."""
    return mul(x, columns_of(as_dtype(v, x.dtype), x.shape))


def permute_rows(x: Value, permutation: Value) -> Value:
    """Row i of the result is row permutation[..., i] of x."""
    return take_along(x, rows_of(permutation, x.shape), x.ndim - 2)


def leading_block(x: Value, rows: int, columns: int) -> Value:
    """The first `rows` rows and `columns` columns."""
    stack = x.shape[:-2]
    zero, one = (0,) * x.ndim, (1,) * x.ndim
    return slice_(x, start=zero, limit=(*stack, rows, columns), stride=one)
