"""Large triangular systems and Cholesky factorizations, in blocks that threads share.

The blocks are fixed by the shape, and each is one call of BLAS on one thread.

To BLAS, which knows matrices column by column, a matrix in memory is its transpose M: element
(i, j) of M stands at i + j n.
"""

from __future__ import annotations

from typing import Any

from ..types import BOOL, DType
from .lapack import blas, lapack
from .vector_loops import affine

PANEL = 128
"""Columns that are factorized at once."""

BLOCKED = 384
"""Order from which on a matrix is factorized in blocks."""

WIDTH = 64
"""Columns of right-hand sides in one part, at least."""

PART = 200_000.0
"""Nanoseconds of work in one part, at least."""

MOST_PARTS = 16


def solve_parts(dtype: DType, n: int, columns: int) -> int:
    """Parts of the right-hand sides of a system of n equations."""
    products = n * n * columns / 2 * (4 if dtype.kind == "c" else 1)
    work = products * 2 * dtype.itemsize / (8 * 30)
    return max(1, min(MOST_PARTS, columns // WIDTH, int(work / PART)))


def solve_right(
    r: Any, dtype: DType, letters: tuple[str, str, str], matrix: Any, target: Any, shape: Any
) -> None:
    """Overwrite `target`, b^T in memory, by the x of x^T op(a)^T = b^T. `letters`: UPLO, TRANS and
    DIAG for M = a^T; `shape`: (n, columns)."""
    n, columns = shape
    parts = solve_parts(dtype, n, columns)

    def solve(r: Any, matrix: Any, first: Any, count: Any) -> None:
        one = r.literal(dtype, 1)
        blas(r, dtype, "trsm", "R", *letters, count, n, one, matrix, n, first, columns)

    if parts == 1:
        solve(r, matrix, target, columns)
        return

    def part(r: Any, number: Any, matrix: Any, target: Any) -> None:
        start, count = r.share(number, columns, parts)
        first = r.offset(target, r.builder.mul(start, r.integer(dtype.itemsize)))
        solve(r, matrix, first, integer_argument(r, count))

    r.parallel_for(parts, part, matrix, target)


def integer_argument(r: Any, value: Any) -> Any:
    """Pointer to an INTEGER argument with the value of an i64."""
    return r.reference(value)


def cholesky_parts(n: int) -> int:
    """Parts of the first, largest step of a factorization."""
    return 1 if n < BLOCKED else -(-n // PANEL) - 1


def factorize(r: Any, dtype: DType, matrix: Any, n: int) -> Any:
    """Overwrite the lower triangle of a (the upper one of M, at `matrix`) by L: True (i1) if a is
    positive definite.

    U = L^H, in block rows (k, the columns behind): U_kk^H U_kk = M_kk, U_k. = U_kk^-H M_k., and
    M.. becomes M.. - U_k.^H U_k. .
    """
    if n < BLOCKED:
        return lapack(r, dtype, "potrf", "U", n, matrix, n)
    fine = r.local(BOOL)
    r.b.store(fine, r.b.constant(BOOL, True))
    panels = -(-n // PANEL)

    def step(k: Any) -> None:
        start = r.builder.mul(k, r.integer(PANEL))
        behind = r.builder.add(start, r.integer(PANEL))
        last = r.builder.icmp_signed(">=", behind, r.integer(n))
        size = r.builder.select(last, r.builder.sub(r.integer(n), start), r.integer(PANEL))
        corner = element_of(r, dtype, matrix, n, start, start)
        done = lapack(r, dtype, "potrf", "U", integer_argument(r, size), corner, n)
        r.when(r.builder.not_(done), lambda: r.b.store(fine, r.b.constant(BOOL, False)))

        def rest() -> None:
            left = r.builder.sub(r.integer(panels - 1), k)
            for update in (_update_row, _update_rest):
                _over_columns(r, dtype, matrix, n, start, left, update)

        r.when(r.builder.not_(last), rest)

    r.loop(panels, step)
    return r.b.load(fine, BOOL).value


def _over_columns(
    r: Any, dtype: DType, matrix: Any, n: int, start: Any, count: Any, update: Any
) -> None:
    """`update` of each of the `count` block columns behind the panel at `start`."""
    place = r.reference(start)

    def part(r: Any, number: Any, matrix: Any, place: Any) -> None:
        start = r.builder.load(place, typ=number.type)
        # From the last one, which is the longest.
        ahead = r.builder.mul(number, r.integer(PANEL))
        column = r.builder.sub(r.integer((-(-n // PANEL) - 1) * PANEL), ahead)
        left = r.builder.sub(r.integer(n), column)
        whole = r.builder.icmp_signed(">=", left, r.integer(PANEL))
        width = r.builder.select(whole, r.integer(PANEL), left)
        update(r, dtype, matrix, n, start, column, width)

    r.parallel_for(count, part, matrix, place)


def _update_row(
    r: Any, dtype: DType, matrix: Any, n: int, start: Any, column: Any, width: Any
) -> None:
    """U_kj = U_kk^-H M_kj."""
    blas(
        r, dtype, "trsm", "L", "U", "C", "N", PANEL, integer_argument(r, width),
        r.literal(dtype, 1),
        element_of(r, dtype, matrix, n, start, start), n,
        element_of(r, dtype, matrix, n, start, column), n,
    )  # fmt: skip


def _update_rest(
    r: Any, dtype: DType, matrix: Any, n: int, start: Any, column: Any, width: Any
) -> None:
    """M_ij = M_ij - U_ki^H U_kj for the block rows i behind k, up to the diagonal, in column j."""
    behind = r.builder.add(start, r.integer(PANEL))
    rows = r.builder.sub(r.builder.add(column, width), behind)
    blas(
        r, dtype, "gemm", "C", "N", integer_argument(r, rows), integer_argument(r, width), PANEL,
        r.literal(dtype, -1),
        element_of(r, dtype, matrix, n, start, behind), n,
        element_of(r, dtype, matrix, n, start, column), n,
        r.literal(dtype, 1),
        element_of(r, dtype, matrix, n, behind, column), n,
    )  # fmt: skip


def element_of(r: Any, dtype: DType, matrix: Any, n: int, row: Any, column: Any) -> Any:
    """Address of an element of M."""
    place = affine(r, 0, (row, 1), (column, n))
    return r.offset(matrix, r.builder.mul(place, r.integer(dtype.itemsize)))
