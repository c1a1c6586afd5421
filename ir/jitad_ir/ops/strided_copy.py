"""Copies between arrays of which each axis has a stride of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..types import DType
from .vector_loops import affine, overlapping, strips, transpose, vector_width


class CopyAxis(NamedTuple):
    """One loop of a copy: its length, and by how many elements a step moves in each array."""

    length: int
    of: int
    to: int


def copy_axes(axes: Sequence[CopyAxis]) -> list[CopyAxis]:
    """The same copy, outermost axis first, with neighbours made one where their strides fit."""
    found: list[CopyAxis] = []
    for axis in axes:
        if axis.length == 1:
            continue
        outer = found[-1] if found else None
        if outer and (outer.of, outer.to) == (axis.of * axis.length, axis.to * axis.length):
            found[-1] = axis._replace(length=outer.length * axis.length)
        else:
            found.append(axis)
    return found


def in_runs(axes: Sequence[CopyAxis]) -> bool:
    """Whether `emit_copy` is left to the C library: what is copied lies side by side."""
    merged = copy_axes(axes)
    return not merged or (merged[-1].of, merged[-1].to) == (1, 1)


def turned(axes: Sequence[CopyAxis], dtype: DType) -> CopyAxis | None:
    """The axis that is the fastest of the source, if that is another one than of the target, and
    both are as long as a vector: such a copy transposes blocks in registers."""
    *around, last = copy_axes(axes) or [CopyAxis(1, 1, 1)]
    width = vector_width(dtype)
    if dtype.kind == "c" or last.to != 1 or last.of == 1 or last.length < width:
        return None
    return next((axis for axis in around if axis.of == 1 and axis.length >= width), None)


def emit_copy(r: Any, source: Any, target: Any, of: Any, to: Any, axes: Sequence[CopyAxis]) -> None:
    """target[to + i . to strides] = source[of + i . of strides] for flat buffers, which do not
    overlap."""
    dtype = source.type.dtype
    *around, last = copy_axes(axes) or [CopyAxis(1, 1, 1)]
    across = turned(axes, dtype)
    if across is not None:
        around.remove(across)

    def row(index: tuple[Any, ...]) -> None:
        here = affine(r, of, *[(i, axis.of) for i, axis in zip(index, around, strict=True)])
        there = affine(r, to, *[(i, axis.to) for i, axis in zip(index, around, strict=True)])
        if across is not None:
            _transposed(r, source, target, here, there, across, last)
            return

        def strip(e: Any, i: Any, _count: int) -> None:
            at = affine(r, here, (i, last.of))
            lanes = e.load(r.element_pointer(source, (at,)), dtype, last.of)
            place = affine(r, there, (i, last.to))
            e.store(r.element_pointer(target, (place,)), lanes, last.to)

        if (last.of, last.to) != (1, 1):
            strips(r, last.length, vector_width(dtype), strip)
            return
        run = source.type.with_shape((last.length,))
        begin, end = r.element_pointer(source, (here,)), r.element_pointer(target, (there,))
        r.copy(r.buffer(run, end), r.buffer(run, begin))

    r.loops(tuple([axis.length for axis in around]), row)


def _transposed(
    r: Any, source: Any, target: Any, of: Any, to: Any, across: CopyAxis, last: CopyAxis
) -> None:
    """Copy a matrix, whose rows lie along `across` in the source and along `last` in the target, by
    square blocks. Four of them, if the matrix is so large, so that lines of the cache are read and
    written whole: rows may be so far apart that few stay. The last blocks reach back over their
    neighbours."""
    dtype = source.type.dtype
    width = vector_width(dtype)
    side = 2 if min(across.length, last.length) >= 2 * width else 1

    def square(e: Any, i: Any, j: Any) -> None:
        rows: list[Any] = []
        for k in range(width):
            at = affine(r, of, (i, last.of), (j, 1), (k, last.of))
            rows.append(e.load(r.element_pointer(source, (at,)), dtype))
        for k, column in enumerate(transpose(e, rows)):
            place = affine(r, to, (i, 1), (j, across.to), (k, across.to))
            e.store(r.element_pointer(target, (place,)), column)

    def block(i: Any, j: Any) -> None:
        def one(at: tuple[Any, ...]) -> None:
            down, right = at
            square(r.simd(width), affine(r, i, (right, width)), affine(r, j, (down, width)))

        r.loops((side, side), one)

    overlapping(
        r,
        across.length,
        side * width,
        lambda _, j: overlapping(r, last.length, side * width, lambda _, i: block(i, j)),
    )
