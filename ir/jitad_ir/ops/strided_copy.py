"""Copies between arrays of which each axis has a stride of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .vector_loops import affine, strips, vector_width


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


def emit_copy(r: Any, source: Any, target: Any, of: Any, to: Any, axes: Sequence[CopyAxis]) -> None:
    """target[to + i . to strides] = source[of + i . of strides] for flat buffers, which do not
    overlap."""
    dtype = source.type.dtype
    *around, last = copy_axes(axes) or [CopyAxis(1, 1, 1)]

    def row(index: tuple[Any, ...]) -> None:
        here = affine(r, of, *[(i, axis.of) for i, axis in zip(index, around, strict=True)])
        there = affine(r, to, *[(i, axis.to) for i, axis in zip(index, around, strict=True)])

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
