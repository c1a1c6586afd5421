"""How native code computes `dot`: straight-line code, loops over vectors, or BLAS.

For each batch index the operands are matrices, x of m rows and k columns, y of k rows and n
columns. Row i and column j of one stand at base + i * row_stride + j * column_stride as long as
the axes of each role merge into one; otherwise, and where BLAS needs a unit stride that neither
direction has, the matrix is first packed into the workspace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..types import DTYPES, INT32, ArrayType, DType, Shape
from .vector_loops import affine, strips, vector_width

Axes = tuple[int, ...]

UNROLLED = 64
"""Most products (m n k) that are emitted as straight-line code."""

BLAS_GEMM = 2048
"""Least m n k that is given to gemm: below, its call costs more than it saves."""

BLAS_GEMV = 8192
"""Least m n k that is given to gemv."""

INT32_LIMIT = 2**31
"""BLAS counts in 32-bit integers."""

STREAMS = 4
"""Vectors that a loop sums side by side, to hide the latency of addition."""

BLAS_LETTER = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}


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
    method: str
    """unrolled, columns, inner, scalar, gemm or gemv"""

    def offsets(self, dtype: DType) -> tuple[int, int, int]:
        """Bytes at which the packed x and y start in the workspace, and its size."""
        x_bytes = self.m * self.k * dtype.itemsize if self.x.packed else 0
        start = -(-x_bytes // 64) * 64
        return 0, start, start + (self.k * self.n * dtype.itemsize if self.y.packed else 0)


def product(x: ArrayType, y: ArrayType, in_x: Roles, in_y: Roles) -> Product:
    """Choose the order of the sum, the method, and what is packed: as little as possible."""
    pairs = list(zip(in_x.contract, in_y.contract, strict=True))
    candidates: list[Product] = []
    for order in (sorted(pairs), sorted(pairs, key=lambda pair: pair[1])):
        x_contract, y_contract = tuple(a for a, _ in order), tuple(b for _, b in order)
        left = _view(x, in_x.batch, in_x.free, x_contract)
        right = _view(y, in_y.batch, y_contract, in_y.free)
        candidates.append(_choose(x.dtype, tuple(x.shape[a] for a in in_x.batch), left, right))
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


def _choose(dtype: DType, batch: Shape, x: View, y: View) -> Product:
    m, k, n = x.rows, x.columns, y.columns
    work = m * n * k
    vector = m == 1 or n == 1
    strides = (x.row_stride, x.column_stride, y.row_stride, y.column_stride)
    fits = max(m, n, k, *strides) < INT32_LIMIT and dtype.kind in "fc"
    if work <= UNROLLED:
        method = "unrolled"
    elif fits and not vector and k > 1 and work >= BLAS_GEMM:
        method = "gemm"
    elif fits and vector and m != n and k > 1 and work >= BLAS_GEMV:
        method = "gemv"
    elif y.column_stride == 1 and n >= vector_width(dtype):
        method = "columns"
    elif x.column_stride == 1 and y.row_stride == 1:
        method = "inner"
    else:
        method = "scalar"
    if method == "gemm" or (method == "gemv" and n == 1):
        x = _for_blas(x)
    if method == "gemm" or (method == "gemv" and m == 1):
        y = _for_blas(y)
    return Product(batch, m, k, n, x, y, method)


def _for_blas(view: View) -> View:
    unit = 1 in (view.row_stride, view.column_stride) or 1 in (view.rows, view.columns)
    return view if unit else view.pack()


def workspace_dot(x: ArrayType, y: ArrayType, in_x: Roles, in_y: Roles) -> int:
    """Bytes that packed operands take."""
    return product(x, y, in_x, in_y).offsets(x.dtype)[2]


class _Matrix(NamedTuple):
    """A view at one batch index: a flat buffer and the offset of the first element in it."""

    buffer: Any
    base: Any
    view: View


def emit_dot(r: Any, x: Any, y: Any, out: Any, in_x: Roles, in_y: Roles) -> None:
    """Write `dot(x, y)` to the buffer `out`."""
    dtype = out.type.dtype
    plan = product(x.type, y.type, in_x, in_y)
    if out.type.size == 0:
        return
    if plan.k == 0:
        r.fill(out, r.b.constant(dtype, 0))
        return
    emit = _METHODS[plan.method]
    x_start, y_start, _ = plan.offsets(dtype)

    def one(index: tuple[Any, ...]) -> None:
        left = _matrix(r, x, plan.x, index, x_start)
        right = _matrix(r, y, plan.y, index, y_start)
        strides = [plan.m * plan.n * math.prod(plan.batch[a + 1 :]) for a in range(len(index))]
        base = affine(r, 0, *zip(index, strides, strict=True))
        whole = View(plan.m, plan.n, plan.n, 1, (), (), (), False)
        emit(r, plan, left, right, _Matrix(_flat(r, out), base, whole))

    r.loops(plan.batch, one)


def _flat(r: Any, buffer: Any) -> Any:
    return r.buffer(buffer.type.with_shape((buffer.type.size,)), buffer.pointer)


def _matrix(r: Any, operand: Any, view: View, index: tuple[Any, ...], start: int) -> _Matrix:
    base = affine(r, 0, *zip(index, view.batch_strides, strict=True))
    source = _flat(r, operand)
    if not view.packed:
        return _Matrix(source, base, view)
    size = view.rows * view.columns
    packed = r.buffer(operand.type.with_shape((size,)), r.workspace, start)
    axes = view.row_axes + view.column_axes
    lengths = tuple(length for length, _ in axes)
    places = [math.prod(lengths[a + 1 :]) for a in range(len(lengths))]

    def copy(at: tuple[Any, ...]) -> None:
        offset = affine(r, base, *zip(at, [stride for _, stride in axes], strict=True))
        place = affine(r, 0, *zip(at, places, strict=True))
        r.store(packed, (place,), r.load(source, (offset,)))

    r.loops(lengths, copy)
    return _Matrix(packed, 0, view)


def _pointer(r: Any, matrix: _Matrix, i: Any, j: Any) -> Any:
    view = matrix.view
    offset = affine(r, matrix.base, (i, view.row_stride), (j, view.column_stride))
    return r.element_pointer(matrix.buffer, (offset,))


class _Sum:
    """A running sum in registers."""

    def __init__(self, r: Any, emitter: Any, dtype: DType) -> None:
        self.r, self.emitter, self.dtype = r, emitter, dtype
        zero = emitter.constant(dtype, 0)
        self._slots = [r.local(part.type) for part in self._parts(zero)]
        self._write(zero)

    def _parts(self, lanes: Any) -> tuple[Any, ...]:
        return lanes.value if self.dtype.kind == "c" else (lanes.value,)

    def _write(self, lanes: Any) -> None:
        for slot, part in zip(self._slots, self._parts(lanes), strict=True):
            self.r.builder.store(part, slot)

    @property
    def lanes(self) -> Any:
        like = self.emitter.constant(self.dtype, 0)
        parts = [
            self.r.builder.load(slot, typ=part.type)
            for slot, part in zip(self._slots, self._parts(like), strict=True)
        ]
        value = tuple(parts) if self.dtype.kind == "c" else parts[0]
        return like._replace(value=value)

    def add_product(self, x: Any, y: Any) -> None:
        self._write(self.emitter.add(self.lanes, self.emitter.mul(x, y)))


def _unrolled(r: Any, plan: Product, x: _Matrix, y: _Matrix, out: _Matrix) -> None:
    dtype = out.buffer.type.dtype

    def elements(matrix: _Matrix) -> list[list[Any]]:
        view = matrix.view
        return [
            [r.b.load(_pointer(r, matrix, i, j), dtype) for j in range(view.columns)]
            for i in range(view.rows)
        ]

    left, right = elements(x), elements(y)
    for i in range(plan.m):
        for j in range(plan.n):
            total = r.b.mul(left[i][0], right[0][j])
            for p in range(1, plan.k):
                total = r.b.add(total, r.b.mul(left[i][p], right[p][j]))
            r.b.store(_pointer(r, out, i, j), total)


def _columns(r: Any, plan: Product, x: _Matrix, y: _Matrix, out: _Matrix) -> None:
    """Vectors of columns of y, each scaled by one element of x and summed."""
    dtype = out.buffer.type.dtype

    def row(i: Any) -> None:
        def strip(e: Any, start: Any, count: int) -> None:
            sums = [_Sum(r, e, dtype) for _ in range(count)]
            starts = [affine(r, start, (v, e.width)) for v in range(count)]

            def term(p: Any) -> None:
                factor = e.splat(r.b.load(_pointer(r, x, i, p), dtype))
                for total, j in zip(sums, starts, strict=True):
                    total.add_product(factor, e.load(_pointer(r, y, p, j), dtype))

            r.loop(plan.k, term)
            for total, j in zip(sums, starts, strict=True):
                e.store(_pointer(r, out, i, j), total.lanes)

        strips(r, plan.n, vector_width(dtype), strip, streams=STREAMS)

    r.loop(plan.m, row)


def _inner(r: Any, plan: Product, x: _Matrix, y: _Matrix, out: _Matrix) -> None:
    """Vectors along the contracted axis, summed at the end in a fixed order."""
    dtype = out.buffer.type.dtype
    width = vector_width(dtype)
    streams = STREAMS if plan.k >= STREAMS * width else 1

    def element(index: tuple[Any, Any]) -> None:
        i, j = index
        sums = [_Sum(r, r.simd(width), dtype) for _ in range(streams)]
        rest = _Sum(r, r.b, dtype)

        def strip(e: Any, start: Any, count: int) -> None:
            for v in range(count):
                p = affine(r, start, (v, e.width))
                left = e.load(_pointer(r, x, i, p), dtype)
                right = e.load(_pointer(r, y, p, j), dtype)
                (rest if e.width == 1 else sums[v]).add_product(left, right)

        strips(r, plan.k, width, strip, streams=streams)
        e = r.simd(width)
        total = sums[0].lanes
        for other in sums[1:]:
            total = e.add(total, other.lanes)
        r.b.store(_pointer(r, out, i, j), r.b.add(e.reduce_sum(total), rest.lanes))

    r.loops((plan.m, plan.n), element)


def _scalar(r: Any, plan: Product, x: _Matrix, y: _Matrix, out: _Matrix) -> None:
    dtype = out.buffer.type.dtype

    def element(index: tuple[Any, Any]) -> None:
        i, j = index
        total = _Sum(r, r.b, dtype)
        r.loop(
            plan.k,
            lambda p: total.add_product(
                r.b.load(_pointer(r, x, i, p), dtype), r.b.load(_pointer(r, y, p, j), dtype)
            ),
        )
        r.b.store(_pointer(r, out, i, j), total.lanes)

    r.loops((plan.m, plan.n), element)


# BLAS knows matrices column by column, to which a matrix stored row by row is its transpose. So
# out = x y is asked for as out' = y' x', with x' and y' the matrices as they lie in memory.


def _letter(r: Any, letter: str) -> Any:
    """Pointer to a CHARACTER argument."""
    return r.reference(r.b.constant(DTYPES["i8"], ord(letter)))


def _count(r: Any, n: int) -> Any:
    """Pointer to an INTEGER argument."""
    return r.reference(r.b.constant(INT32, n))


def _gemm(r: Any, plan: Product, x: _Matrix, y: _Matrix, out: _Matrix) -> None:
    dtype = out.buffer.type.dtype
    (x_trans, x_leading), (y_trans, y_leading) = x.view.leading, y.view.leading
    r.call(
        f"blas:{BLAS_LETTER[dtype.name]}gemm",
        None,
        [
            _letter(r, y_trans),
            _letter(r, x_trans),
            _count(r, plan.n),
            _count(r, plan.m),
            _count(r, plan.k),
            r.reference(r.b.constant(dtype, 1)),
            _pointer(r, y, 0, 0),
            _count(r, y_leading),
            _pointer(r, x, 0, 0),
            _count(r, x_leading),
            r.reference(r.b.constant(dtype, 0)),
            _pointer(r, out, 0, 0),
            _count(r, plan.n),
        ],
        flops=2 * plan.m * plan.n * plan.k,
    )


def _gemv(r: Any, plan: Product, x: _Matrix, y: _Matrix, out: _Matrix) -> None:
    dtype = out.buffer.type.dtype
    if plan.n == 1:
        # out = x y: x lies as its transpose (k by m), or as itself.
        trans, leading = x.view.leading
        trans = "T" if trans == "N" else "N"
        shape = (plan.k, plan.m) if trans == "T" else (plan.m, plan.k)
        matrix, vector, stride = x, y, y.view.row_stride
    else:
        # out' = y' x': y lies as its transpose (n by k), or as itself.
        trans, leading = y.view.leading
        shape = (plan.n, plan.k) if trans == "N" else (plan.k, plan.n)
        matrix, vector, stride = y, x, x.view.column_stride
    # gemv scales the result by beta = 0, which need not clear a nan.
    length = max(plan.m, plan.n)
    result = r.buffer(ArrayType(dtype, (length,)), _pointer(r, out, 0, 0))
    r.fill(result, r.b.constant(dtype, 0))
    r.call(
        f"blas:{BLAS_LETTER[dtype.name]}gemv",
        None,
        [
            _letter(r, trans),
            _count(r, shape[0]),
            _count(r, shape[1]),
            r.reference(r.b.constant(dtype, 1)),
            _pointer(r, matrix, 0, 0),
            _count(r, leading),
            _pointer(r, vector, 0, 0),
            _count(r, stride),
            r.reference(r.b.constant(dtype, 0)),
            result.pointer,
            _count(r, 1),
        ],
        flops=2 * plan.m * plan.n * plan.k,
    )


_METHODS: dict[str, Callable[..., None]] = {
    "unrolled": _unrolled,
    "columns": _columns,
    "inner": _inner,
    "scalar": _scalar,
    "gemm": _gemm,
    "gemv": _gemv,
}
