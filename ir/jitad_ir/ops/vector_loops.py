"""What Routine lowerings share: addresses that are affine in loop counters, and loops over
vectors of neighbouring elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..types import DType

VECTOR_BYTES = 32
"""Bytes of one vector."""


def vector_width(dtype: DType) -> int:
    """Elements in one vector."""
    return VECTOR_BYTES // dtype.itemsize


def affine(r: Any, base: Any, *terms: tuple[Any, int]) -> Any:
    """base + sum of index * stride over `terms`; an int if all of them are, else an i64."""
    total = base
    for index, stride in terms:
        if isinstance(index, int) or stride == 0:
            term: Any = index * stride if stride else 0
        else:
            term = index if stride == 1 else r.builder.mul(index, r.integer(stride))
        if isinstance(total, int) and isinstance(term, int):
            total += term
        elif isinstance(total, int) and total == 0:
            total = term
        elif not (isinstance(term, int) and term == 0):
            total = r.builder.add(_i64(r, total), _i64(r, term))
    return total


def behind(r: Any, pointer: Any, nbytes: Any) -> Any:
    """The address `nbytes` bytes, an int or i64, behind a pointer."""
    if isinstance(nbytes, int):
        if nbytes == 0:
            return pointer
        nbytes = r.integer(nbytes)
    return r.offset(pointer, nbytes)


def _i64(r: Any, index: Any) -> Any:
    return r.integer(index) if isinstance(index, int) else index


def strips(
    r: Any, length: int, width: int, body: Callable[[Any, Any, int], None], *, streams: int = 1
) -> None:
    """Cover 0 ... length - 1 by `body(emitter, start, count)`: `count` vectors of the emitter's
    width from `start` on. First `streams` vectors of `width` elements at once, then one vector,
    then single elements."""
    done = 0
    for lanes, count in ((width, streams), (width, 1), (1, 1)):
        step = lanes * count
        rounds = (length - done) // step
        _strip(r, body, r.simd(lanes), count, done, rounds)
        done += rounds * step


def _strip(
    r: Any, body: Callable[[Any, Any, int], None], emitter: Any, count: int, start: int, rounds: int
) -> None:
    step = emitter.width * count
    r.loop(rounds, lambda i: body(emitter, affine(r, start, (i, step)), count))


def stretch(r: Any, start: Any, end: Any, width: int, body: Callable[[Any, Any], None]) -> None:
    """Cover start ... end - 1, i64s, by `body(emitter, first)`: vectors of `width` elements, then
    single ones."""
    b = r.builder
    whole = b.udiv(b.sub(end, start), r.integer(width))
    r.loop(whole, lambda i: body(r.simd(width), affine(r, start, (i, width))))
    r.loop(end, lambda i: body(r.b, i), start=affine(r, start, (whole, width)))


def overlapping(r: Any, length: Any, width: int, body: Callable[[Any, Any], None]) -> None:
    """Cover 0 ... length - 1, a vector or more (an int or i64), by `body(emitter, first)`: vectors
    of `width` elements, of which the last one may overlap the one before."""
    b, size = r.builder, _i64(r, length)
    last = b.sub(size, r.integer(width))

    def vector(number: Any) -> None:
        first = affine(r, 0, (number, width))
        if not isinstance(length, int) or length % width:
            first = b.select(b.icmp_signed("<", first, last), first, last)
        body(r.simd(width), first)

    r.loop(b.udiv(b.add(size, r.integer(width - 1)), r.integer(width)), vector)


def transpose(b: Any, rows: Sequence[Any]) -> list[Any]:
    """The columns of a square of vectors. Blocks of single lanes are exchanged across the diagonal
    of each square of two, then blocks of two of each of four ... (J. O. Eklundh, 1972)."""
    columns, lanes = list(rows), range(len(rows))
    size = 1
    while size < len(rows):
        low = [lane + (len(rows) - size if lane & size else 0) for lane in lanes]
        high = [lane + (len(rows) if lane & size else size) for lane in lanes]
        for i in lanes:
            if not i & size:
                x, y = columns[i], columns[i + size]
                columns[i], columns[i + size] = b.shuffle(x, low, y), b.shuffle(x, high, y)
        size *= 2
    return columns
