"""Rows of complex numbers side by side: element j of all rows is a *block*, the real parts of each
row and then the imaginary ones. Of one row that is an array of complex numbers.

So vectors over rows need no shuffling, and one address serves both parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..types import DType
from .fft_butterflies import Complex
from .vector_loops import affine, behind

Order = Sequence[int]
"""The lane that each lane of a vector is taken from."""


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
    if width == 1:
        return e.load(address, dtype), e.load(behind(r, address, dtype.itemsize), dtype)
    pair = r.simd(2).load(address, dtype)
    return e.shuffle(pair, [0] * width), e.shuffle(pair, [1] * width)


def transposed_numbers(b: Any, rows: list[Any], before: Order = (), after: Order = ()) -> list[Any]:
    """`width / 2` vectors of as many complex numbers, parts in pairs, with rows and columns
    exchanged; `b` is the emitter of vectors of `width` parts. The vectors have their lanes put in
    the order `before` first, and `after` at the end."""
    width = b.width
    pairs = [(i, i + width) for i in range(0, width, 2)]
    woven = [k + part for pair in pairs for k in pair for part in (0, 1)]
    return _transposed(b, rows, [woven[:width], woven[width:]], before, after)


def transposed_parts(b: Any, rows: list[Any]) -> list[Any]:
    """The same of blocks: real parts in the first half of each vector, imaginary ones behind."""
    width = b.width
    orders = [
        [
            k
            for start in (0, width // 2)
            for i in range(start + first, start + first + width // 4)
            for k in (i, i + width)
        ]
        for first in (0, width // 4)
    ]
    return _transposed(b, rows, orders, (), ())


def _transposed(
    b: Any, rows: list[Any], orders: Sequence[Order], before: Order, after: Order
) -> list[Any]:
    """Rounds of weaving, as `vector_loops.transpose`: of complex numbers, or of both halves of the
    vectors. The first and the last round reorder the lanes as well."""
    half, width = len(rows) // 2, b.width
    rounds = half.bit_length()
    for number in range(rounds):
        both = list(zip(rows[:half], rows[half:], strict=True))
        taken = orders
        if before and number == 0:
            taken = [[before[k % width] + k // width * width for k in order] for order in taken]
        if after and number == rounds - 1:
            taken = [[order[k] for k in after] for order in taken]
        rows = [b.shuffle(x, list(order), y) for x, y in both for order in taken]
    return rows


def block_order(width: int, *, inverse: bool) -> Order:
    """How the lanes of complex numbers, parts in pairs, become a block; with the parts exchanged
    for the inverse transform."""
    parts = (1, 0) if inverse else (0, 1)
    return [lane for part in parts for lane in range(part, 2 * width, 2)]


def number_order(width: int, *, inverse: bool) -> Order:
    """The other way round: how the lanes of a block become complex numbers."""
    parts = (width, 0) if inverse else (0, width)
    return [part + lane for lane in range(width) for part in parts]
