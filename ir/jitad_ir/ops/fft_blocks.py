"""Rows of complex numbers side by side: element j of all rows is a *block*, the real parts of each
row and then the imaginary ones. Of one row that is an array of complex numbers.

So vectors over rows need no shuffling, and one address serves both parts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..types import DType
from .fft_butterflies import Complex
from .vector_loops import affine, behind


class Blocks(NamedTuple):
    """Blocks of `width` rows; `dtype` is that of the parts."""

    dtype: DType
    width: int

    @property
    def bytes(self) -> int:
        """Bytes of one block."""
        return 2 * self.width * self.dtype.itemsize

    @property
    def name(self) -> str:
        """In names of functions."""
        return f"jitad.fft.{self.dtype.name}.{self.width}"

    def address(self, r: Any, pointer: Any, index: Any) -> Any:
        """Address of block number `index`, an int or i64."""
        return behind(r, pointer, affine(r, 0, (index, self.bytes)))

    def load(self, r: Any, address: Any) -> Complex:
        """The block at an address."""
        b = r.simd(self.width)
        imaginary = behind(r, address, self.bytes // 2)
        return b.load(address, self.dtype), b.load(imaginary, self.dtype)

    def store(self, r: Any, address: Any, value: Complex) -> None:
        """Write a block."""
        b = r.simd(self.width)
        b.store(address, value[0])
        b.store(behind(r, address, self.bytes // 2), value[1])


def load_number(r: Any, dtype: DType, address: Any, width: int) -> Complex:
    """The complex number at an address, in each of `width` lanes; `dtype` is that of the parts."""
    e = r.simd(width)
    return e.load(address, dtype, 0), e.load(behind(r, address, dtype.itemsize), dtype, 0)


def transposed_numbers(b: Any, rows: list[Any]) -> list[Any]:
    """`width / 2` vectors of as many complex numbers, parts in pairs, with rows and columns
    exchanged; `b` is the emitter of vectors of `width` parts."""
    return _transposed(b, rows, 2)


def transposed_parts(b: Any, rows: list[Any]) -> list[Any]:
    """The same of blocks: real parts in the first half of each vector, imaginary ones behind."""
    return _transposed(b, rows, 1)


def _transposed(b: Any, rows: list[Any], unit: int) -> list[Any]:
    """Rounds of weaving, as `vector_loops.transpose`: of complex numbers with `unit` parts
    together, or of both halves of the vectors."""
    half = len(rows) // 2
    width = b.width
    orders: list[list[int]] = []
    if unit == 2:
        pairs = [(i, i + width) for i in range(0, width, 2)]
        woven = [k + part for pair in pairs for k in pair for part in (0, 1)]
        orders = [woven[:width], woven[width:]]
    else:
        for first in (0, width // 4):
            order = [
                k
                for start in (0, width // 2)
                for i in range(start + first, start + first + width // 4)
                for k in (i, i + width)
            ]
            orders.append(order)
    for _ in range(half.bit_length()):
        pairs = list(zip(rows[:half], rows[half:], strict=True))
        rows = [b.shuffle(x, order, y) for x, y in pairs for order in orders]
    return rows


def to_block(b: Any, numbers: Any) -> Any:
    """A vector of complex numbers, parts in pairs, as a block in one vector."""
    return b.shuffle(numbers, [*range(0, b.width, 2), *range(1, b.width, 2)])


def from_block(b: Any, block: Any) -> Any:
    """A block in one vector as complex numbers, parts in pairs."""
    half = b.width // 2
    return b.shuffle(block, [k for i in range(half) for k in (i, i + half)])
