"""How a `dot` is computed: the order of the sum, the method, what is packed.

For each batch index the operands are matrices, x of m rows and k columns, y of k rows and n
columns. Row i and column j of one stand at base + i * row_stride + j * column_stride as long as
the axes of each role merge into one; otherwise, and where BLAS needs a unit stride that neither
direction has, the matrix is first packed into the workspace.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..types import ArrayType, DType, Shape
from .dot_sharing import WIDEST_TILE, Shares, shares
from .vector_loops import vector_width

Axes = tuple[int, ...]

UNROLLED = 64
"""Most products (m n k) that are emitted as straight-line code."""

BLAS_GEMM = 2048
"""Least m n k that is given to gemm: below, its call costs more than it saves."""

BLAS_GEMV = 16384
"""Least m n k that is given to gemv."""

FEW_ROWS, FEW_ROWS_INNER = 16, 64
"""Most rows that are multiplied with a matrix as it lies (see `dot_few_rows`): with columns side by
side, and with columns that lie in order."""

LONG_SUM = 256
"""Products in a sum from which on its lanes are quickly added up, next to them."""

FEW_ROWS_WORK = 2**19
"""Least m n k for that, as it is more code than a call of BLAS; twice as many where the columns lie
side by side, as gemm has something for small ones of these."""

ONE_ROW_BYTES = 2**23
"""Bytes of a matrix, the same: gemv is as good with a smaller one, and with one whose transpose
lies in order."""

INT32_LIMIT = 2**31
"""BLAS counts in 32-bit integers."""


class Roles(NamedTuple):
    """Axes of one operand by what they do, each in the order of the result or of the sum."""

    batch: Axes
    free: Axes
    contract: Axes


@dataclass(frozen=True, slots=True)
class View:
    """One operand as a matrix for each batch index. Strides count elements."""

    rows: int
    columns: int
    row_stride: int
    column_stride: int
    batch_strides: Axes
    row_axes: tuple[tuple[int, int], ...]
    """(length, stride) of the axes that make up the rows; of the columns below."""
    column_axes: tuple[tuple[int, int], ...]
    packed: bool

    @property
    def leading(self) -> tuple[str, int]:
        """BLAS's view: "N" if columns lie side by side (the transpose, to Fortran), "T" if rows
        do; and the leading dimension."""
        if self.column_stride == 1 or self.columns <= 1:
            return "N", self.row_stride if self.rows > 1 else max(self.columns, 1)
        return "T", self.column_stride

    def pack(self) -> View:
        """The same matrix, copied row by row."""
        return View(
            self.rows,
            self.columns,
            self.columns,
            1,
            self.batch_strides,
            self.row_axes,
            self.column_axes,
            True,
        )


@dataclass(frozen=True, slots=True)
class Product:
    """A `dot` made concrete: the matrices, and by what the products are computed."""

    batch: Shape
    m: int
    k: int
    n: int
    x: View
    y: View
    swapped: bool
    """True if x and y here are the second and the first operand, transposed."""
    method: str
    """unrolled, columns, inner, scalar, tiles, inner_tiles, gemm or gemv"""

    def offsets(self, dtype: DType) -> tuple[int, int, int]:
        """Bytes at which the packed x and y start in the workspace, and how many they take."""
        x_bytes = self.m * self.k * dtype.itemsize if self.x.packed else 0
        start = -(-x_bytes // 64) * 64
        end = start + (self.k * self.n * dtype.itemsize if self.y.packed else 0)
        return 0, start, -(-end // 64) * 64

    def shares(self, dtype: DType) -> Shares:
        """How the products are shared out among threads."""
        packed = self.x.packed or self.y.packed
        return shares(dtype, self.batch, self.m, self.k, self.n, self.method, packed)


def product(x: ArrayType, y: ArrayType, in_x: Roles, in_y: Roles) -> Product:
    """Choose the order of the sum, the method, and what is packed: as little as possible.

    If y has one column, y' x' is computed, the same numbers in the same order, so that a vector is
    always the first operand; with few columns, if tiles are for that.
    """
    columns = math.prod([y.shape[a] for a in in_y.free])
    if columns <= FEW_ROWS:
        turned = _product(y, x, in_y, in_x, True)
        if columns == 1 or turned.method == "inner_tiles":
            return turned
    return _product(x, y, in_x, in_y, False)


def _product(x: ArrayType, y: ArrayType, in_x: Roles, in_y: Roles, swapped: bool) -> Product:
    pairs = list(zip(in_x.contract, in_y.contract, strict=True))
    candidates: list[Product] = []
    for order in (sorted(pairs), sorted(pairs, key=lambda pair: pair[1])):
        x_contract, y_contract = tuple(a for a, _ in order), tuple(b for _, b in order)
        left = _view(x, in_x.batch, in_x.free, x_contract)
        right = _view(y, in_y.batch, y_contract, in_y.free)
        batch = tuple(x.shape[a] for a in in_x.batch)
        candidates.append(_choose(x.dtype, batch, left, right, swapped))
    return min(candidates, key=lambda p: p.m * p.k * p.x.packed + p.k * p.n * p.y.packed)


def _view(type: ArrayType, batch: Axes, rows: Axes, columns: Axes) -> View:
    strides = [math.prod(type.shape[a + 1 :]) for a in range(type.ndim)]
    row_axes = tuple((type.shape[a], strides[a]) for a in rows)
    column_axes = tuple((type.shape[a], strides[a]) for a in columns)
    row_stride, column_stride = _merged(row_axes), _merged(column_axes)
    view = View(
        math.prod(type.shape[a] for a in rows),
        math.prod(type.shape[a] for a in columns),
        row_stride or 1,
        column_stride or 1,
        tuple(strides[a] for a in batch),
        row_axes,
        column_axes,
        False,
    )
    return view if row_stride and column_stride else view.pack()


def _merged(axes: Sequence[tuple[int, int]]) -> int | None:
    """The one stride with which the axes, outermost first, are passed through; None if none."""
    long = [(length, stride) for length, stride in axes if length != 1]
    for (_, outer), (length, stride) in zip(long, long[1:], strict=False):
        if outer != length * stride:
            return None
    return max(long[-1][1], 1) if long else 1


def _choose(dtype: DType, batch: Shape, x: View, y: View, swapped: bool) -> Product:
    m, k, n = x.rows, x.columns, y.columns
    work = m * n * k
    strides = (x.row_stride, x.column_stride, y.row_stride, y.column_stride)
    fits = max(m, n, k, *strides) < INT32_LIMIT and dtype.kind in "fc"
    if work <= UNROLLED:
        method = "unrolled"
    elif fits and (tiled := _tiled(dtype, x, y)):
        method = tiled
        x = replace(x, packed=m > 1 or x.column_stride != 1)
    elif fits and m > 1 and k > 1 and work >= BLAS_GEMM:
        method = "gemm"
    elif fits and m == 1 and n > 1 and k > 1 and work >= BLAS_GEMV:
        method = "gemv"
    elif y.column_stride == 1 and n >= vector_width(dtype):
        method = "columns"
    elif x.column_stride == 1 and y.row_stride == 1:
        method = "inner"
    else:
        method = "scalar"
    if method == "gemm":
        x = _for_blas(x)
    if method in ("gemm", "gemv"):
        y = _for_blas(y)
    return Product(batch, m, k, n, x, y, swapped, method)


def _tiled(dtype: DType, x: View, y: View) -> str | None:
    """The method of `dot_few_rows`, if rows are so few that the matrix had better be read as it
    lies."""
    m, work = x.rows, x.rows * x.columns * y.columns
    if dtype.kind != "f" or x.packed or y.packed or y.columns < WIDEST_TILE:
        return None
    if y.column_stride == 1:
        far = x.columns * y.columns * dtype.itemsize >= ONE_ROW_BYTES
        few = m <= FEW_ROWS and work >= 2 * FEW_ROWS_WORK
        return "tiles" if (far if m == 1 else few) else None
    most = FEW_ROWS_INNER if x.columns >= LONG_SUM else FEW_ROWS // 2
    if y.row_stride == 1 and 1 < m <= most and work >= FEW_ROWS_WORK:
        return "inner_tiles"
    return None


def _for_blas(view: View) -> View:
    unit = 1 in (view.row_stride, view.column_stride) or 1 in (view.rows, view.columns)
    return view if unit else view.pack()
