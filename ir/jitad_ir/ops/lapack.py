"""What the lowerings of the linear-algebra ops share: stacks of matrices, copies between row by row
and column by column, and calls of LAPACK and BLAS.

LAPACK knows matrices column by column. To it a matrix stored row by row is its transpose; where
that will not do, the matrix is copied into the workspace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..types import BOOL, DTYPES, INT32, INT64, ArrayType, DType
from .vector_loops import affine

LETTER = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}
"""First letter of the routines for a dtype."""

TILE = 8
"""Matrices are transposed in tiles of this side."""

BLOCK = 64
"""Block size for which LAPACK's workspaces are sized."""


def stack_size(type: ArrayType) -> int:
    """Number of matrices in a stack (..., m, n)."""
    return math.prod(type.shape[:-2])


def matrix_flops(a: ArrayType, right_sides: int = 0, *, cubic: float = 0.0) -> int:
    """`cubic` n**3 + 2 n**2 `right_sides` for each (m, n) of a stack, with m n min(m, n) for n**3;
    an operation on complex numbers is four on reals."""
    m, n = a.shape[-2:]
    each = cubic * m * n * min(m, n) + 2 * n * n * right_sides
    return int(stack_size(a) * each * (4 if a.dtype.kind == "c" else 1))


def stacked(r: Any, buffer: Any, trailing: int = 2) -> Any:
    """The buffer with one leading axis before its last `trailing` ones."""
    shape = buffer.type.shape
    first = len(shape) - trailing
    flat = (math.prod(shape[:first]), *shape[first:])
    return r.buffer(buffer.type.with_shape(flat), buffer.pointer)


def item(r: Any, stack: Any, index: Any) -> Any:
    """One matrix (or vector) of a `stacked` buffer."""
    shape = stack.type.shape[1:]
    part = stack.type.with_shape(shape)
    if 0 in shape:
        return r.buffer(part, stack.pointer)
    return r.buffer(part, r.element_pointer(stack, (index, *[0] * len(shape))))


class Workspace:
    """Parts of the scratch memory, one after the other, 64-byte aligned.

    Without an emitter it only counts.
    """

    def __init__(self, r: Any = None) -> None:
        self.r = r
        self.bytes = 0

    def array(self, dtype: DType, *shape: int) -> Any:
        """An uninitialised array of at least one element."""
        type = ArrayType(dtype, shape)
        start = self.bytes
        self.bytes += -(-max(type.nbytes, dtype.itemsize) // 64) * 64
        return None if self.r is None else self.r.buffer(type, self.r.workspace, start)


def letter(r: Any, character: str) -> Any:
    """Pointer to a CHARACTER argument."""
    return r.literal(DTYPES["i8"], ord(character))


def count(r: Any, n: int) -> Any:
    """Pointer to an INTEGER argument, for libraries with integers of 64 bits or of 32, which are
    the first half of it."""
    return r.literal(INT64, n)


def lapack(r: Any, dtype: DType, name: str, *arguments: Any) -> Any:
    """Call "potrf" for `dtype`, with the argument INFO at the end: True (i1) if it succeeded.

    Arguments: a str for a CHARACTER, an int for an INTEGER, a buffer or a pointer.
    """
    info = r.local(INT64)
    r.b.store(info, r.b.constant(INT64, 0))
    lapack_without_info(r, dtype, name, *arguments, info)
    return r.b.eq(r.b.load(info, INT64), r.b.constant(INT64, 0)).value


def lapack_without_info(r: Any, dtype: DType, name: str, *arguments: Any) -> None:
    """Call "laswp" for `dtype`, which has no argument INFO."""
    _call(r, f"lapack:{LETTER[dtype.name]}{name}", arguments)


def blas(r: Any, dtype: DType, name: str, *arguments: Any) -> None:
    """Call "trsm" for `dtype`, arguments as in `lapack`."""
    _call(r, f"blas:{LETTER[dtype.name]}{name}", arguments)


def _call(r: Any, name: str, arguments: Sequence[Any]) -> None:
    r.call(name, None, [_pointer(r, argument) for argument in arguments])


def _pointer(r: Any, argument: Any) -> Any:
    if isinstance(argument, str):
        return letter(r, argument)
    if isinstance(argument, int):
        return count(r, argument)
    given: Any = argument  # a buffer, which is a tuple, or a pointer
    return given.pointer if isinstance(argument, tuple) else given


class Pivots:
    """Row numbers of `getrf`, counted from 1, as the library keeps them: in 32 bits or in 64, which
    is known when code is linked. The scratch is for either; of each number the low half is read."""

    def __init__(self, r: Any, scratch: Any) -> None:
        self.r, self.pointer = r, scratch.pointer
        width = r.externals.pointer(r.builder, "lapack:integer_bytes")
        self.bytes = r.b.load(width, INT64).value

    @staticmethod
    def scratch(work: Workspace, count: int) -> Any:
        """Memory for so many."""
        return work.array(INT64, count)

    def at(self, k: Any) -> Any:
        """Pointer to number `k`."""
        return self.r.offset(self.pointer, self.r.builder.mul(k, self.bytes))

    def load(self, k: Any) -> Any:
        """Number `k`, an int32."""
        return self.r.b.load(self.at(k), INT32)

    def add(self, k: Any, shift: Any) -> None:
        """Add a positive int32 to number `k`."""
        self.r.b.store(self.at(k), self.r.b.add(self.load(k), shift))


def transpose_copy(r: Any, destination: Any, source: Any) -> None:
    """destination[j, i] = source[i, j] for matrices that do not overlap, tile by tile."""
    m, n = source.type.shape

    def move(i: Any, j: Any) -> None:
        r.store(destination, (j, i), r.load(source, (i, j)))

    def tiles(first_row: Any, rows: int) -> None:
        def column_tile(first_column: Any, columns: int) -> None:
            def row(i: Any) -> None:
                at_row = affine(r, first_row, (i, 1))
                r.loop(columns, lambda j: move(at_row, affine(r, first_column, (j, 1))))

            r.loop(rows, row)

        _in_tiles(r, n, column_tile)

    _in_tiles(r, m, tiles)


def _in_tiles(r: Any, length: int, body: Callable[[Any, int], None]) -> None:
    """body(start, size) for tiles that cover 0 ... length - 1."""
    whole, rest = divmod(length, TILE)
    r.loop(whole, lambda t: body(affine(r, 0, (t, TILE)), TILE))
    if rest:
        body(whole * TILE, rest)


def nan_of(dtype: DType) -> float | complex:
    """nan, in both parts if complex."""
    return complex(math.nan, math.nan) if dtype.kind == "c" else math.nan


def fill_nan(r: Any, *buffers: Any) -> None:
    """nan in every element."""
    for buffer in buffers:
        r.fill(buffer, r.b.constant(buffer.type.dtype, nan_of(buffer.type.dtype)))


def clear_upper(r: Any, matrix: Any) -> None:
    """Zeros above the diagonal."""
    zero = r.b.constant(matrix.type.dtype, 0)
    n = matrix.type.shape[1]
    one = r.integer(1)

    def row(i: Any) -> None:
        r.loop(n, lambda j: r.store(matrix, (i, j), zero), start=r.builder.add(i, one))

    r.loop(matrix.type.shape[0], row)


def all_finite(r: Any, matrix: Any) -> Any:
    """True (i1) if no element is infinite or nan: LAPACK's iterations may not end on those."""
    size = matrix.type.size
    flat = r.buffer(matrix.type.with_shape((size,)), matrix.pointer)
    finite = r.local(BOOL)
    r.b.store(finite, r.b.constant(BOOL, True))

    def look(i: Any) -> None:
        so_far = r.b.load(finite, BOOL)
        r.b.store(finite, r.b.bitwise_and(so_far, r.b.is_finite(r.load(flat, (i,)))))

    r.loop(size, look)
    return r.b.load(finite, BOOL).value


def each(r: Any, number: int, body: Callable[[Any], None]) -> None:
    """body(index) for each matrix of a stack."""
    r.loop(number, body)
