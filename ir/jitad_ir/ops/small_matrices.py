"""Factorizations of stacks of small matrices, see `small_tiles`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..types import INT32, real_dtype
from .lapack import stacked
from .small_tiles import Side, Tile, in_blocks, is_small, over_stack

__all__ = [
    "emit_cholesky",
    "emit_det",
    "emit_lu",
    "emit_slogdet",
    "emit_solve",
    "emit_triangular_solve",
    "is_small",
]

# Cholesky: for each column j: L_jj = sqrt(A_jj), L_ij = A_ij / L_jj, then A_ik -= L_ij conj(L_kj).


def emit_cholesky(r: Any, a: Any, out: Any) -> None:
    """The lower factor; nan where a matrix is not positive definite."""
    source, target = stacked(r, a), stacked(r, out)
    n = a.type.shape[-1]

    def body(s: Side) -> None:
        e = s.e
        tile = s.load_tile(source)
        least = s.tile(1, 1, real_dtype(s.dtype))
        least[0, 0] = e.constant(least.dtype, math.inf)

        def column(j: int) -> None:
            pivot = s.real(tile[j, j])
            least[0, 0] = e.min(least[0, 0], pivot)
            root = e.sqrt(pivot)
            tile[j, j] = s.from_real(root)

            def scale(i: Any) -> None:
                tile[i, j] = s.over_real(tile[i, j], root)

            s.loop(j + 1, n, scale)
            below = [s.conjugate(tile[k, j]) for k in range(j + 1, n)]

            def eliminate(i: Any) -> None:
                # What is right of the diagonal is not read any more.
                factor = tile[i, j]
                last = i + 1 if isinstance(i, int) else n
                for k in range(j + 1, last):
                    tile[i, k] = e.sub(tile[i, k], e.mul(factor, below[k - j - 1]))

            s.loop(j + 1, n, eliminate)

        s.inner(0, n, column)
        definite = e.gt(least[0, 0], e.constant(least.dtype, 0))
        nan, zero = s.nan(), s.constant(0)

        def write(i: int, j: int) -> None:
            lanes = e.select(definite, tile[i, j], nan) if j <= i else zero
            s.store(target, lanes, i, j)

        s.inner(0, n, lambda i: s.inner(0, n, lambda j: write(i, j)))

    over_stack(r, a.type, body)


# Triangular systems: x_j = b_j / T_jj, then b_i -= T_ij x_j for the rows i that are left.


def substitute(s: Side, matrix: Tile, x: Tile, *, lower: bool, unit: bool) -> None:
    """Solve with the lower or upper triangle of `matrix`, in place, for all columns of x."""
    n, e = matrix.rows, s.e

    def step(t: int) -> None:
        j = t if lower else n - 1 - t
        solved = [x[j, c] for c in range(x.columns)]
        if not unit:
            pivot = matrix[j, j]
            solved = [e.div(y, pivot) for y in solved]
            for c, y in enumerate(solved):
                x[j, c] = y

        def eliminate(i: Any) -> None:
            factor = matrix[i, j]
            for c, y in enumerate(solved):
                x[i, c] = e.sub(x[i, c], e.mul(factor, y))

        s.loop(*((j + 1, n) if lower else (0, j)), eliminate)

    s.inner(0, n, step)


def emit_triangular_solve(
    r: Any,
    a: Any,
    b: Any,
    out: Any,
    *,
    lower: bool,
    transpose_a: bool,
    conjugate_a: bool,
    unit_diagonal: bool,
) -> None:
    """op(a)^-1 b, a few columns at a time."""
    matrices, right, target = stacked(r, a), stacked(r, b), stacked(r, out)
    n, columns = b.type.shape[-2:]

    def body(s: Side) -> None:
        matrix = s.tile(n, n)

        def element(i: Any, j: Any) -> None:
            read = s.load(matrices, *((j, i) if transpose_a else (i, j)))
            matrix[i, j] = s.conjugate(read) if conjugate_a else read

        def block(first: Any, count: int) -> None:
            x = s.tile(n, count)

            def read(i: Any, c: int) -> None:
                x[i, c] = s.load(right, i, s.after(first, c))

            def write(i: Any, c: int) -> None:
                s.store(target, x[i, c], i, s.after(first, c))

            s.loop(0, n, lambda i: s.inner(0, count, lambda c: read(i, c)))
            substitute(s, matrix, x, lower=lower != transpose_a, unit=unit_diagonal)
            s.loop(0, n, lambda i: s.inner(0, count, lambda c: write(i, c)))

        s.loop(0, n, lambda i: s.inner(0, n, lambda j: element(i, j)))
        in_blocks(r, columns, block)

    over_stack(r, a.type, body)


# LU with partial pivoting: for each column k the greatest A_ik, i >= k, is brought to row k; then
# L_ik = A_ik / A_kk and A_ij -= L_ik A_kj.


class Factors:
    """L and U of each matrix in one tile, and how the rows were exchanged."""

    def __init__(self, s: Side, tile: Tile) -> None:
        self.s, self.tile = s, tile
        self.steps = min(tile.rows, tile.columns)
        self.pivots = s.tile(self.steps, 1, s.integer)
        """Row exchanged with row k in step k."""
        self.rows = s.tile(tile.rows, 1, s.integer)
        """Row of the matrix that has become row i."""
        s.loop(0, tile.rows, self._number_row)
        s.inner(0, self.steps, self._step)

    def _number_row(self, i: Any) -> None:
        self.rows[i, 0] = self.s.number(i)

    def _step(self, k: int) -> None:
        s, e, tile, m = self.s, self.s.e, self.tile, self.tile.rows
        best = s.tile(1, 1, real_dtype(s.dtype))
        best[0, 0] = s.size(tile[k, k])
        self.pivots[k, 0] = s.number(k)

        def compare(i: Any) -> None:
            size = s.size(tile[i, k])
            better = e.gt(size, best[0, 0])
            best[0, 0] = e.select(better, size, best[0, 0])
            self.pivots[k, 0] = e.select(better, s.number(i), self.pivots[k, 0])

        def exchange(i: Any) -> None:
            chosen = e.eq(self.pivots[k, 0], s.number(i))
            s.inner(0, tile.columns, lambda j: _exchange(e, chosen, tile, i, k, j))
            _exchange(e, chosen, self.rows, i, k, 0)

        s.loop(k + 1, m, compare)
        s.loop(k + 1, m, exchange)
        pivot, *rest = [tile[k, j] for j in range(k, tile.columns)]
        is_zero = e.eq(pivot, s.constant(0))

        def eliminate(i: Any) -> None:
            factor = e.select(is_zero, tile[i, k], e.div(tile[i, k], pivot))
            tile[i, k] = factor
            for j, above in enumerate(rest, k + 1):
                tile[i, j] = e.sub(tile[i, j], e.mul(factor, above))

        s.loop(k + 1, m, eliminate)

    def least(self) -> Any:
        """Size of the smallest pivot: zero or nan if the matrix is singular."""
        s = self.s
        found = s.tile(1, 1, real_dtype(s.dtype))
        found[0, 0] = s.e.constant(found.dtype, math.inf)

        def visit(k: Any) -> None:
            found[0, 0] = s.e.min(found[0, 0], s.size(self.tile[k, k]))

        s.inner(0, self.steps, visit)
        return found[0, 0]

    def diagonal(self, start: Any, combine: Callable[[Any, Any], Any]) -> Any:
        """Fold of the pivots by `combine`, from `start` on."""
        total = self.s.tile(1, 1, start.dtype)
        total[0, 0] = start

        def visit(k: Any) -> None:
            total[0, 0] = combine(total[0, 0], self.tile[k, k])

        self.s.inner(0, self.steps, visit)
        return total[0, 0]

    def sign(self) -> Any:
        """1, or -1 if the number of exchanges is odd, in the dtype of the matrices."""
        s, e = self.s, self.s.e
        found = s.tile(1, 1)
        found[0, 0] = s.constant(1)

        def visit(k: Any) -> None:
            stays = e.eq(self.pivots[k, 0], s.number(k))
            found[0, 0] = e.select(stays, found[0, 0], e.neg(found[0, 0]))

        s.inner(0, self.steps, visit)
        return found[0, 0]


def _exchange(e: Any, chosen: Any, tile: Tile, i: Any, k: Any, j: Any) -> None:
    """Elements (i, j) and (k, j) change places where `chosen`."""
    x, y = tile[i, j], tile[k, j]
    tile[i, j], tile[k, j] = e.select(chosen, y, x), e.select(chosen, x, y)


def emit_lu(r: Any, a: Any, packed: Any, pivots: Any, permutation: Any) -> None:
    """Packed factors, pivots and permutation."""
    source, target = stacked(r, a), stacked(r, packed)
    exchanges, order = stacked(r, pivots, 1), stacked(r, permutation, 1)
    m, n = a.type.shape[-2:]

    def body(s: Side) -> None:
        factors = Factors(s, s.load_tile(source))

        def number(stack: Any, tile: Tile, i: Any) -> None:
            s.store(stack, s.e.convert(tile[i, 0], INT32), i)

        tile = factors.tile
        s.loop(0, m, lambda i: s.inner(0, n, lambda j: s.store(target, tile[i, j], i, j)))
        s.loop(0, factors.steps, lambda k: number(exchanges, factors.pivots, k))
        s.loop(0, m, lambda i: number(order, factors.rows, i))

    over_stack(r, a.type, body)


def emit_solve(r: Any, a: Any, b: Any, out: Any) -> None:
    """a^-1 b; nan where a is singular."""
    matrices, right, target = stacked(r, a), stacked(r, b), stacked(r, out)
    n, columns = b.type.shape[-2:]

    def body(s: Side) -> None:
        factors = Factors(s, s.load_tile(matrices))
        least = factors.least()
        regular = s.e.gt(least, s.e.constant(least.dtype, 0))

        def block(first: Any, count: int) -> None:
            x = s.tile(n, count)

            def read(i: Any) -> None:
                row = factors.rows[i, 0]
                for c in range(count):
                    x[i, c] = s.load_row(right, row, s.after(first, c))

            def write(i: Any, c: int) -> None:
                lanes = s.e.select(regular, x[i, c], s.nan())
                s.store(target, lanes, i, s.after(first, c))

            s.loop(0, n, read)
            substitute(s, factors.tile, x, lower=True, unit=True)
            substitute(s, factors.tile, x, lower=False, unit=False)
            s.loop(0, n, lambda i: s.inner(0, count, lambda c: write(i, c)))

        in_blocks(r, columns, block)

    over_stack(r, a.type, body)


def emit_det(r: Any, a: Any, out: Any) -> None:
    """Determinants: products of the pivots."""
    source, target = stacked(r, a), stacked(r, out, 0)

    def body(s: Side) -> None:
        factors = Factors(s, s.load_tile(source))
        s.store(target, factors.diagonal(factors.sign(), s.e.mul))

    over_stack(r, a.type, body)


def emit_slogdet(r: Any, a: Any, sign: Any, logarithm: Any) -> None:
    """Signs and logarithms of the absolute values of determinants."""
    source, signs, logarithms = stacked(r, a), stacked(r, sign, 0), stacked(r, logarithm, 0)

    def body(s: Side) -> None:
        e = s.e
        factors = Factors(s, s.load_tile(source))
        zero = e.constant(logarithms.type.dtype, 0)
        s.store(signs, factors.diagonal(factors.sign(), lambda x, u: e.mul(x, e.sign(u))))
        total = factors.diagonal(zero, lambda x, u: e.add(x, e.log(e.abs(u))))
        s.store(logarithms, total)

    over_stack(r, a.type, body)
