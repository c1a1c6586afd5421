"""Blocks of matrix products by BLAS.

BLAS knows matrices column by column, to which a matrix stored row by row is its transpose. So
out = x y is asked for as out' = y' x', with x' and y' the matrices as they lie in memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..types import DTYPES, INT64
from .dot_plan import Product, View
from .vector_loops import affine

BLAS_LETTER = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}

ON_ONE_THREAD = 2**18
"""Most m n k of a gemm for which OpenBLAS wakes no threads (its interface/gemm.c)."""


class Matrix(NamedTuple):
    """A view at one batch index: a flat buffer and the offset of the first element in it."""

    buffer: Any
    base: Any
    view: View


class Block(NamedTuple):
    """Part of a result: where it starts, and its rows and columns; ints or i64 values."""

    row: Any
    column: Any
    rows: Any
    columns: Any


def flat(r: Any, buffer: Any) -> Any:
    """The buffer as one of a single axis."""
    return r.buffer(buffer.type.with_shape((buffer.type.size,)), buffer.pointer)


def pointer(r: Any, matrix: Matrix, i: Any, j: Any) -> Any:
    """Address of element (i, j) of a matrix."""
    view = matrix.view
    offset = affine(r, matrix.base, (i, view.row_stride), (j, view.column_stride))
    return r.element_pointer(matrix.buffer, (offset,))


def _letter(r: Any, letter: str) -> Any:
    """Pointer to a CHARACTER argument."""
    return r.literal(DTYPES["i8"], ord(letter))


def _count(r: Any, n: Any) -> Any:
    """Pointer to an INTEGER argument; n is an int or an i64."""
    return r.literal(INT64, n) if isinstance(n, int) else r.reference(n)


def _bytes(r: Any, length: Any, size: int) -> Any:
    if isinstance(length, int):
        return r.integer(length * size)
    return r.builder.mul(length, r.integer(size))


def gemm(r: Any, plan: Product, x: Matrix, y: Matrix, out: Matrix, block: Block) -> None:
    """A block of the product by BLAS's gemm, which counts columns first: it gives out' = y' x'."""
    dtype = out.buffer.type.dtype
    (x_trans, x_leading), (y_trans, y_leading) = x.view.leading, y.view.leading
    small = plan.m * plan.k * plan.n <= ON_ONE_THREAD
    r.call(
        f"blas:{BLAS_LETTER[dtype.name]}gemm",
        None,
        [
            _letter(r, y_trans),
            _letter(r, x_trans),
            _count(r, block.columns),
            _count(r, block.rows),
            _count(r, plan.k),
            r.literal(dtype, 1),
            pointer(r, y, 0, block.column),
            _count(r, y_leading),
            pointer(r, x, block.row, 0),
            _count(r, x_leading),
            r.literal(dtype, 0),
            pointer(r, out, block.row, block.column),
            _count(r, plan.n),
        ],
        alone=small,
    )


def gemv(r: Any, plan: Product, x: Matrix, y: Matrix, out: Matrix, block: Block) -> None:
    """A block of the product of a vector and a matrix by BLAS's gemv."""
    dtype = out.buffer.type.dtype
    # out' = y' x': y lies as its transpose (n by k), or as itself.
    trans, leading = y.view.leading
    length = block.columns
    start = pointer(r, y, 0, block.column)
    shape = (length, plan.k) if trans == "N" else (plan.k, length)
    # gemv scales the result by beta = 0, which need not clear a nan.
    result = pointer(r, out, block.row, block.column)
    r.clear(result, _bytes(r, length, dtype.itemsize))
    r.call(
        f"blas:{BLAS_LETTER[dtype.name]}gemv",
        None,
        [
            _letter(r, trans),
            _count(r, shape[0]),
            _count(r, shape[1]),
            r.literal(dtype, 1),
            start,
            _count(r, leading),
            pointer(r, x, 0, 0),
            _count(r, x.view.column_stride),
            r.literal(dtype, 0),
            result,
            _count(r, 1),
        ],
    )
