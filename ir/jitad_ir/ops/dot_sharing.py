"""How a large product is shared out among threads: by its shape and the machine alone, so that the
number of threads does not show in the result.

Each block of the result is one call of BLAS, on one thread. Blocks are as large as they can be:
BLAS packs both operands anew in each call: 0.6 % more work for the product of two matrices of
1,024 rows in 2 blocks of rows, 3 % in 4, 11 % in 8, 18 % in 4 by 4.
"""

from __future__ import annotations

import math
import os
from typing import NamedTuple

from ..types import DType, Shape

WORTH = 100_000.0
"""Nanoseconds of work from which on a product is shared out."""

BLOCK = 100_000.0
"""Nanoseconds of work in one block, at least."""

MOST_BLOCKS = 16

SMALL_AREA = 64 * 128
"""Elements of the result that half of a matrix has at least."""

AREA = 512 * 512
"""The same, of further division into a block for each core."""

SPARE_AREA = 1024 * 1024
"""The same, of division into more blocks than there are cores, which even out what cores do."""

CORES = os.cpu_count() or 1
"""Of the machine, whichever of them this process may use (see `native.cache.environment`)."""

PART = 20_000.0
"""Nanoseconds of work in a part of a batch, at least."""

MOST_PARTS = 64

TILED = ("tiles", "inner_tiles")
"""The methods for few rows (see `dot_few_rows`)."""

FAR = 2**22
"""Bytes of a matrix from which on it comes from memory."""

TILED_PART = 50_000.0
"""Nanoseconds of work in one part of such a product, at least."""

RUN = 1 << 13
"""Bytes of a row of the matrix in such a part, if its rows are read side by side: memory is read
ahead only where it is read in order for a while."""

ROW_BYTES = 1 << 20
"""Bytes of a matrix in one part of its product with a vector."""

WIDEST_TILE = 64
"""Columns that a tile of few rows has, at most."""

PACKED_PARTS = 8
"""Parts of a batch whose matrices are packed, each to a place of its own."""


class Shares(NamedTuple):
    """Parts of the batch, and of the rows and the columns of each result: all 1 if the product is
    the matter of one thread."""

    batch: int = 1
    rows: int = 1
    columns: int = 1

    @property
    def blocks(self) -> int:
        """Parts of one result."""
        return self.rows * self.columns


def shares(dtype: DType, batch: Shape, m: int, k: int, n: int, method: str, packed: bool) -> Shares:
    """How the products of m by k and k by n matrices are shared out."""
    count = math.prod(batch)
    one = _nanoseconds(dtype, m, k, n, method)
    if count * one < WORTH:
        return Shares()
    if count < MOST_BLOCKS and one >= WORTH:
        if method == "gemm":
            return _blocks(m, n, int(one / BLOCK))
        if method == "gemv":
            return _strips(n // 16, int(m * k * n * dtype.itemsize / ROW_BYTES))
        if method in TILED:
            far = method == "tiles" and k * n * dtype.itemsize > FAR
            most = n * dtype.itemsize // RUN if far else n // WIDEST_TILE
            return _strips(most, int(one / TILED_PART))
    most = min(count, PACKED_PARTS if packed else MOST_PARTS)
    return Shares(batch=max(1, min(most, int(count * one / PART))))


def _nanoseconds(dtype: DType, m: int, k: int, n: int, method: str) -> float:
    """About how long one product takes on one core."""
    products = m * k * n * (4 if dtype.kind == "c" else 1)
    if method == "gemm":
        return products * 2 * dtype.itemsize / (8 * 50)
    if method == "gemv":
        return products * dtype.itemsize * 0.02
    if method in TILED:
        return k * n * dtype.itemsize * 0.01 + products * dtype.itemsize / 200
    return products * 0.25


def _blocks(m: int, n: int, wanted: int) -> Shares:
    """Halves of halves, of the rows before the columns."""
    rows = columns = blocks = 1
    while 2 * blocks <= min(wanted, MOST_BLOCKS):
        least = SMALL_AREA if blocks == 1 else AREA if blocks < CORES else SPARE_AREA
        height, width = m // rows, n // columns
        if height * width < 2 * least:
            break
        if height >= min(width, 256):
            rows *= 2
        else:
            columns *= 2
        blocks = rows * columns
    return Shares(rows=rows, columns=columns)


def _strips(most: int, wanted: int) -> Shares:
    return Shares(columns=max(1, min(wanted, MOST_BLOCKS, most)))
