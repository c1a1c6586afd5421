"""LU factorization of large square matrices, in block columns that threads share.

Blocks are fixed by the shape, and each is the work of one thread. To LAPACK, which knows matrices
column by column, element (i, j) stands at i + j n.
"""

from __future__ import annotations

from typing import Any

from ..types import BOOL, INT32, DType
from .lapack import Pivots, blas, lapack, lapack_without_info
from .triangular_blocks import element_of, integer_argument, solve_parts

BLOCKED = 384
"""Order from which on a matrix is factorized in blocks."""

LARGE = 1024
"""Order from which on the blocks are wider."""


def lu_parts(m: int, n: int) -> int:
    """Block columns that are shared out in each step."""
    return 1 if m != n or n < BLOCKED else -(-n // _width(n)) - 1


def factorize_lu(r: Any, dtype: DType, matrix: Any, m: int, n: int, pivots: Pivots) -> Any:
    """Overwrite the m x n matrix by its factors and `pivots` as getrf does, counting from 1: True
    (i1) if no pivot is zero. `matrix` is a pointer.

    In step k the rows from k on of block column k are factorized, P A_.k = L_.k U_kk. In every
    other block column the rows are exchanged alike, and in those behind it

        U_kj = L_kk^-1 A_kj,    A_ij = A_ij - L_ik U_kj  for i > k.
    """
    if lu_parts(m, n) == 1:
        return lapack(r, dtype, "getrf", m, n, matrix, m, pivots.pointer)
    width = _width(n)
    regular = r.local(BOOL)
    r.b.store(regular, r.b.constant(BOOL, True))

    def step(k: Any) -> None:
        start = r.builder.mul(k, r.integer(width))
        rows = r.builder.sub(r.integer(n), start)
        size = _smaller(r, rows, width)
        corner = element_of(r, dtype, matrix, n, start, start)
        shape = integer_argument(r, rows), integer_argument(r, size)
        done = lapack(r, dtype, "getrf", *shape, corner, n, pivots.at(start))
        r.when(r.builder.not_(done), lambda: r.b.store(regular, r.b.constant(BOOL, False)))
        shift = r.b.convert(r.number(start), INT32)
        r.loop(size, lambda i: pivots.add(r.builder.add(start, i), shift))
        place = r.reference(k)
        columns = -(-n // width) - 1

        def part(r: Any, number: Any, matrix: Any, pivots: Any, place: Any) -> None:
            k = r.builder.load(place, typ=number.type)
            behind = r.builder.icmp_signed(">=", number, k)
            column = r.builder.add(number, r.builder.zext(behind, number.type))
            _update(r, dtype, matrix, pivots, n, k, column, behind)

        r.parallel_for(columns, part, matrix, pivots.pointer, place)

    r.loop(-(-n // width), step)
    return r.b.load(regular, BOOL).value


def substitute_lu(
    r: Any, dtype: DType, trans: str, factors: Any, pivots: Pivots, right: Any, shape: Any
) -> None:
    """Overwrite the right-hand sides, columns of n numbers each, by the solutions, as getrs does;
    `shape`: (n, columns)."""
    n, columns = shape
    parts = solve_parts(dtype, n, 2 * columns)

    def part(r: Any, number: Any, factors: Any, pivots: Any, right: Any) -> None:
        start, count = r.share(number, columns, parts)
        first = element_of(r, dtype, right, n, r.integer(0), start)
        count = integer_argument(r, count)
        lapack(r, dtype, "getrs", trans, n, count, factors, n, pivots, first, n)

    if parts == 1:
        lapack(r, dtype, "getrs", trans, n, columns, factors, n, pivots.pointer, right, n)
    else:
        r.parallel_for(parts, part, factors, pivots.pointer, right)


def _width(n: int) -> int:
    """Columns of a block."""
    return 64 if n < LARGE else 128


def _smaller(r: Any, value: Any, most: int) -> Any:
    below = r.builder.icmp_signed("<", value, r.integer(most))
    return r.builder.select(below, value, r.integer(most))


def _update(
    r: Any, dtype: DType, matrix: Any, pivots: Any, n: int, k: Any, column: Any, behind: Any
) -> None:
    """Step k in another block column, with the products if it is behind."""
    width = r.integer(_width(n))
    start, first = r.builder.mul(k, width), r.builder.mul(column, width)
    size = _smaller(r, r.builder.sub(r.integer(n), start), _width(n))
    end = r.builder.add(start, size)
    columns = integer_argument(r, _smaller(r, r.builder.sub(r.integer(n), first), _width(n)))
    top = element_of(r, dtype, matrix, n, r.integer(0), first)
    bounds = integer_argument(r, r.builder.add(start, r.integer(1))), integer_argument(r, end)
    lapack_without_info(r, dtype, "laswp", columns, top, n, *bounds, pivots, 1)

    def products() -> None:
        one = r.literal(dtype, 1)
        minus = r.literal(dtype, -1)
        rows = integer_argument(r, r.builder.sub(r.integer(n), end))
        inner = integer_argument(r, size)
        corner = element_of(r, dtype, matrix, n, start, start)
        row = element_of(r, dtype, matrix, n, start, first)
        blas(
            r, dtype, "trsm", "L", "L", "N", "U", inner, columns, one, corner, n, row, n
        )  # fmt: skip
        left = element_of(r, dtype, matrix, n, end, start)
        rest = element_of(r, dtype, matrix, n, end, first)
        blas(
            r, dtype, "gemm", "N", "N", rows, columns, inner,
            minus, left, n, row, n, one, rest, n,
        )  # fmt: skip

    r.when(behind, products)
