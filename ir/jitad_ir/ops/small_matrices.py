"""Factorizations of stacks of small matrices: one SIMD lane for each matrix.

A `Tile` holds a few matrices side by side: its element (i, j) is a vector of their elements (i, j).
So the algorithms below read as they do for one matrix. Sides up to UNROLLED are straight-line code
on registers; larger ones are loops over the rows of tiles in the first-level cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..types import INT32, INT64, ArrayType, DType, real_dtype
from .lapack import stack_size, stacked
from .vector_loops import affine, vector_width

COLUMNS = 4
"""Right sides that are solved for side by side."""

SMALL = 8
"""Largest side of matrices that are computed here, not by LAPACK."""

UNROLLED = 4
"""Largest side of matrices whose algorithms are emitted as straight-line code."""


def is_small(type: ArrayType) -> bool:
    """True if matrices of this type are computed here."""
    return max(type.shape[-2:]) <= SMALL


class Tile:
    """Matrices side by side; the parts of complex elements apart."""

    def __init__(self, side: Side, rows: int, columns: int, dtype: DType) -> None:
        self.side, self.rows, self.columns, self.dtype = side, rows, columns, dtype
        self.register = side.e.register_type(dtype)
        planes = 2 if dtype.kind == "c" else 1
        self._planes = [side.r.local(self.register, rows * columns) for _ in range(planes)]

    def _pointers(self, i: Any, j: Any) -> list[Any]:
        r = self.side.r
        place = affine(r, 0, (i, self.columns), (j, 1))
        index = r.integer(place) if isinstance(place, int) else place
        return [r.builder.gep(p, [index], source_etype=self.register) for p in self._planes]

    def __getitem__(self, at: tuple[Any, Any]) -> Any:
        e, part = self.side.e, real_dtype(self.dtype)
        parts = [e.load(pointer, part) for pointer in self._pointers(*at)]
        return e.from_parts(self.dtype, *parts) if len(parts) == 2 else parts[0]

    def __setitem__(self, at: tuple[Any, Any], lanes: Any) -> None:
        e = self.side.e
        parts = e.parts(lanes) if self.dtype.kind == "c" else (lanes,)
        for pointer, part in zip(self._pointers(*at), parts, strict=True):
            e.store(pointer, part)


class Side:
    """Emits code on `width` neighbouring matrices of a stack, from number `base` on."""

    def __init__(self, r: Any, dtype: DType, width: int, side: int, base: Any) -> None:
        self.r, self.dtype, self.base = r, dtype, base
        self.e = r.simd(width)
        self.unrolled = side <= UNROLLED
        self.integer = INT32 if real_dtype(dtype).itemsize == 4 else INT64
        """Integers as wide as the elements."""

    def tile(self, rows: int, columns: int, dtype: DType | None = None) -> Tile:
        """An uninitialised tile."""
        return Tile(self, rows, columns, dtype or self.dtype)

    def loop(self, start: Any, stop: Any, body: Callable[[Any], None]) -> None:
        """body(i) for i = start ... stop - 1."""
        if self.unrolled and isinstance(start, int) and isinstance(stop, int):
            for i in range(start, stop):
                body(i)
        else:
            self.r.loop(stop, body, start=start)

    def inner(self, start: int, stop: int, body: Callable[[Any], None]) -> None:
        """`loop`, as straight-line code: for all but loops over the rows of larger tiles."""
        for i in range(start, stop):
            body(i)

    def after(self, i: Any, amount: int = 1) -> Any:
        """i + amount."""
        return affine(self.r, amount, (i, 1))

    def number(self, i: Any) -> Any:
        """A loop counter as integer lanes."""
        if isinstance(i, int):
            return self.e.constant(self.integer, i)
        lanes = self.r.b.constant(INT64, 0)._replace(value=i)
        return self.e.splat(self.r.b.convert(lanes, self.integer))

    # Memory

    def load(self, stack: Any, *index: Any) -> Any:
        """Element `index` of each matrix."""
        pointer = self.r.element_pointer(stack, (self.base, *index))
        stride = math.prod(stack.type.shape[1:])
        return self.e.load(pointer, stack.type.dtype, stride)

    def store(self, stack: Any, lanes: Any, *index: Any) -> None:
        """Write element `index` of each matrix."""
        pointer = self.r.element_pointer(stack, (self.base, *index))
        stride = math.prod(stack.type.shape[1:])
        self.e.store(pointer, lanes, stride)

    def load_tile(self, stack: Any) -> Tile:
        """All elements of each matrix."""
        rows, columns = stack.type.shape[1:]
        tile = self.tile(rows, columns)

        def element(i: Any, j: Any) -> None:
            tile[i, j] = self.load(stack, i, j)

        self.loop(0, rows, lambda i: self.inner(0, columns, lambda j: element(i, j)))
        return tile

    def load_row(self, stack: Any, row: Any, column: Any) -> Any:
        """Element (row, column) of each matrix, with a row for each: integer lanes in bounds."""
        lanes = self.e.constant(stack.type.dtype, 0)
        for lane in range(self.e.width):
            number = self.r.b.convert(self.e.extract(row, lane), INT64).value
            matrix = affine(self.r, lane, (self.base, 1))
            pointer = self.r.element_pointer(stack, (matrix, number, column))
            lanes = self.e.insert(lanes, self.r.b.load(pointer, stack.type.dtype), lane)
        return lanes

    # Arithmetic

    def real(self, x: Any) -> Any:
        """Real part."""
        return self.e.parts(x)[0] if x.dtype.kind == "c" else x

    def conjugate(self, x: Any) -> Any:
        """Complex conjugate."""
        return self.e.conj(x) if x.dtype.kind == "c" else x

    def from_real(self, x: Any) -> Any:
        """x + 0i, if the matrices are complex."""
        if self.dtype.kind != "c":
            return x
        return self.e.from_parts(self.dtype, x, self.e.constant(x.dtype, 0))

    def over_real(self, x: Any, y: Any) -> Any:
        """x / y for real y."""
        if x.dtype.kind != "c":
            return self.e.div(x, y)
        return self.e.from_parts(x.dtype, *[self.e.div(part, y) for part in self.e.parts(x)])

    def size(self, x: Any) -> Any:
        """|x|, if complex |Re x| + |Im x|: how LAPACK compares pivots."""
        if x.dtype.kind != "c":
            return self.e.abs(x)
        re, im = self.e.parts(x)
        return self.e.add(self.e.abs(re), self.e.abs(im))

    def constant(self, number: Any) -> Any:
        """A number in the dtype of the matrices."""
        return self.e.constant(self.dtype, number)

    def nan(self, dtype: DType | None = None) -> Any:
        """nan, in both parts if complex."""
        dtype = dtype or self.dtype
        return self.e.constant(
            dtype, complex(math.nan, math.nan) if dtype.kind == "c" else math.nan
        )


def over_stack(r: Any, type: ArrayType, body: Callable[[Side], None]) -> None:
    """`body(side)` for blocks of matrices that cover a stack of `type`. The last block is moved
    back to end with the stack: some matrices are then computed twice, to the same result."""
    number = stack_size(type)
    if number == 0:
        return
    width = vector_width(real_dtype(type.dtype))
    while width > number:
        width //= 2
    side = max(type.shape[-2:])
    last = number - width

    def block(t: Any) -> None:
        start = affine(r, 0, (t, width))
        over = r.builder.icmp_signed(">", start, r.integer(last))
        body(Side(r, type.dtype, width, side, r.builder.select(over, r.integer(last), start)))

    r.loop(-(-number // width), block)


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


def in_blocks(r: Any, columns: int, body: Callable[[Any, int], None]) -> None:
    """body(first, count) for blocks that cover the columns; the last one is moved back to end with
    them."""
    count = min(COLUMNS, columns)
    last = r.integer(columns - count)

    def block(t: Any) -> None:
        start = affine(r, 0, (t, count))
        over = r.builder.icmp_signed(">", start, last)
        body(r.builder.select(over, last, start), count)

    r.loop(-(-columns // count), block)


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
