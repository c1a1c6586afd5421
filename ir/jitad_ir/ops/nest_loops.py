"""Code of a nest of sums of products, as `nests` plans it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .nests import Axis, Nest, in_panels, panel_sums, pieces
from .strided_copy import CopyAxis, emit_copy, in_runs
from .vector_loops import affine

UNROLLED = 42
"""Products that one round of a tile's innermost loop adds: fewer are slower, by a tenth."""

MOST_UNROLLED = 56
"""The same, at most."""

WORTH = 200_000.0
"""Cycles of work from which on threads share it."""

PARTS = 64
"""Parts in which work is shared out, at most."""


class Arrays(NamedTuple):
    """Flat buffers of x, w and out."""

    x: Any
    w: Any
    out: Any


class _Place(NamedTuple):
    """Element offsets into the arrays: ints, or i64 values."""

    x: Any
    w: Any
    out: Any

    def moved(self, r: Any, axis: Axis, by: Any) -> _Place:
        by = getattr(by, "constant", by)  # the number itself, if it is one
        return _Place(
            affine(r, self.x, (by, axis.x)),
            affine(r, self.w, (by, axis.w)),
            affine(r, self.out, (by, axis.out)),
        )


class _Share(NamedTuple):
    """The part of one loop that a thread runs: the axis, the number of the part, and of how many
    parts."""

    axis: Axis
    number: Any
    parts: int


def parts_of(nest: Nest) -> int:
    """How many parts threads share."""
    return min(nest.shared[1], PARTS) if nest.cycles >= WORTH else 1


def emit_nest(r: Any, nest: Nest, arrays: Arrays, starts: tuple[int, int, int]) -> None:
    """Write the sums to the elements of `arrays.out` that the out axes reach; loops begin at
    element `starts` of each array."""
    axis, _ = nest.shared
    place = _Place(*starts)
    parts = parts_of(nest)
    if parts == 1:
        _whole(r, nest, arrays, place, None)
        return

    def part(inner: Any, number: Any, *pointers: Any) -> None:
        x, w, out = (
            inner.buffer(buffer.type, pointer)
            for buffer, pointer in zip(arrays, pointers, strict=True)
        )
        _whole(inner, nest, Arrays(x, w, out), place, _Share(axis, number, parts))

    r.parallel_for(parts, part, *[buffer.pointer for buffer in arrays], brief=True)


def _whole(r: Any, nest: Nest, arrays: Arrays, start: _Place, share: _Share | None) -> None:
    """The nest, or the part of it that `share` tells."""

    def within(place: _Place, steps: Any) -> None:
        # What is not the first block adds to what is in memory.
        fresh = r.builder.icmp_signed("==", steps, r.integer(0)) if nest.blocks else None
        _nested(r, nest.inner, place, lambda at: _lanes(r, nest, arrays, at, share, fresh), share)

    def of_blocks(place: _Place) -> None:
        _blocks(r, nest.blocks, place, 0, within)

    _nested(r, nest.outer, start, of_blocks, share)


def _blocks(
    r: Any, axes: Sequence[Axis], place: _Place, steps: Any, body: Callable[[_Place, Any], None]
) -> None:
    """`body(place, steps)`, where steps is 0 in the first block only."""
    if not axes:
        body(place, steps)
        return
    axis, *rest = axes
    r.loop(
        axis.length,
        lambda i: _blocks(r, rest, place.moved(r, axis, i), affine(r, steps, (i, 1)), body),
    )


def _nested(
    r: Any,
    axes: Sequence[Axis],
    place: _Place,
    body: Callable[[_Place], None],
    share: _Share | None = None,
) -> None:
    if not axes:
        body(place)
        return
    axis, *rest = axes
    _loop(
        r,
        axis.length,
        lambda i: _nested(r, rest, place.moved(r, axis, i), body, share),
        share if share and share.axis is axis else None,
    )


def _loop(r: Any, count: int, body: Callable[[Any], None], share: _Share | None) -> None:
    """A loop, or the part of it that is shared out to this thread."""
    if share is None:
        r.loop(count, body)
        return
    start, length = r.share(share.number, count, share.parts)
    r.loop(affine(r, start, (length, 1)), body, start=start)


def _lanes(
    r: Any, nest: Nest, arrays: Arrays, place: _Place, share: _Share | None, fresh: Any
) -> None:
    """All tiles at one place of the other loops."""
    lane, step = nest.lane, nest.vectors * nest.width
    own = share if share and share.axis is lane else None

    def rows(at: _Place, vectors: int, width: int) -> None:
        _rows(r, nest, arrays, at, (vectors, width), share, fresh)

    def rows_at(start: Any) -> None:
        rows(place.moved(r, lane, start), nest.vectors, nest.width)

    def lanes_at(start: Any) -> None:
        at, size = place.moved(r, nest.row, start), (nest.rows, nest.vectors, nest.width)

        def tile(i: Any) -> None:
            _call(r, nest, arrays, at.moved(r, lane, i), size, fresh)

        _cover(r, lane.length, step, tile, own)

    if not (nest.blocks or nest.panels):
        if nest.lanes_first:
            of_row = share if share and share.axis is nest.row else None
            _cover(r, nest.row.length, nest.rows, lanes_at, of_row)
        else:
            _cover(r, lane.length, step, rows_at, own)
        return
    for start, count, vectors, width in pieces(lane.length, nest.vectors, nest.width):

        def piece(i: Any, start: int = start, vectors: int = vectors, width: int = width) -> None:
            rows(place.moved(r, lane, affine(r, start, (i, vectors * width))), vectors, width)

        _loop(r, count, piece, own)


def _rows(
    r: Any,
    nest: Nest,
    arrays: Arrays,
    place: _Place,
    size: tuple[int, int],
    share: _Share | None,
    fresh: Any,
) -> None:
    row = nest.row
    own = share if share and share.axis is row else None

    def tile(start: Any, rows: int) -> None:
        _call(r, nest, arrays, place.moved(r, row, start), (rows, *size), fresh)

    if not nest.blocks:
        _cover(r, row.length, nest.rows, lambda start: tile(start, nest.rows), own)
        return
    for first, count, rows, _ in pieces(row.length, nest.rows, 1):

        def one(i: Any, first: int = first, rows: int = rows) -> None:
            tile(affine(r, first, (i, rows)), rows)

        _loop(r, count, one, own)


def _cover(
    r: Any, length: int, step: int, body: Callable[[Any], None], share: _Share | None
) -> None:
    """`body(start)` for blocks of one size: the last one reaches back over its neighbour, with
    equal results."""
    if length == step:
        body(0)
        return
    last = r.integer(length - step)

    def one(i: Any) -> None:
        start = affine(r, 0, (i, step))
        if length % step:
            start = r.builder.select(r.builder.icmp_signed("<", start, last), start, last)
        body(start)

    _loop(r, -(-length // step), one, share)


def emit_panels(r: Any, nest: Nest, w: Any, begin: int, panels: Any) -> None:
    """Copy w, which `nest` steps through as it lies from element `begin` on, to `panels` (both
    flat)."""
    target, _ = in_panels(nest)
    around = [
        CopyAxis(axis.length, axis.w, moved.w)
        for axis, moved in zip(
            (*nest.outer, nest.row, *nest.inner, *nest.blocks),
            (*target.outer, target.row, *target.inner, *target.blocks),
            strict=True,
        )
        if axis.w
    ]
    copies: list[tuple[int, list[CopyAxis]]] = []
    for start, count, vectors, width in pieces(nest.lane.length, nest.vectors, nest.width):
        lanes = vectors * width
        sums = zip(nest.sums, panel_sums(nest, lanes), strict=True)
        axes = [
            *around,
            CopyAxis(count, lanes * nest.lane.w, lanes * nest.steps),
            *[CopyAxis(axis.length, axis.w, moved.w) for axis, moved in sums],
            CopyAxis(lanes, nest.lane.w, 1),
        ]
        copies.append((start, axes))

    def build(inner: Any, *pointers: Any) -> None:
        of, to = (
            inner.buffer(buffer.type, pointer)
            for buffer, pointer in zip((w, panels), pointers, strict=True)
        )
        for start, axes in copies:
            emit_copy(inner, of, to, begin + start * nest.lane.w, start * nest.steps, axes)

    name = f"jitad.panels.{w.type.dtype.name}.{'.'.join(map(str, _numbers((begin, copies))))}"
    brief = all(in_runs(axes) for _, axes in copies)
    r.call_inner(name, build, w.pointer, panels.pointer, brief=brief)


def _call(
    r: Any, nest: Nest, arrays: Arrays, place: _Place, size: tuple[int, int, int], fresh: Any
) -> None:
    """Call the tile's function, which is emitted once for each size of tiles."""
    dtype = arrays.out.type.dtype
    rows, vectors, width = size
    arguments = [
        r.element_pointer(buffer, (offset,)) for buffer, offset in zip(arrays, place, strict=True)
    ]
    if fresh is not None:
        arguments.append(fresh)
    sums = panel_sums(nest, vectors * width) if nest.panels else nest.sums
    shape = (nest.lane[1:], nest.row[1:], sums, bool(nest.blocks), nest.panels, size)
    name = f"jitad.products.{dtype.name}.{'.'.join(map(str, _numbers(shape)))}"

    def build(inner: Any, *parameters: Any) -> None:
        x, w, out = (
            inner.buffer(buffer.type, pointer)
            for buffer, pointer in zip(arrays, parameters[:3], strict=True)
        )
        tile = replace(nest, sums=sums, rows=rows, vectors=vectors, width=width)
        _tile(inner, tile, Arrays(x, w, out), parameters[3] if nest.blocks else None)

    r.call_inner(name, build, *arguments, apart=True)


def _numbers(part: Any) -> list[int]:
    """The numbers in nested tuples and lists."""
    if isinstance(part, int):
        return [int(part)]
    return [n for item in part for n in _numbers(item)]


def _tile(r: Any, nest: Nest, arrays: Arrays, fresh: Any) -> None:
    """One block of registers: sum and store. Blocks of sums add to what is in memory, unless
    `fresh`."""
    rows, vectors, width = nest.rows, nest.vectors, nest.width
    dtype = arrays.out.type.dtype
    e = r.simd(width)

    def result(row: int, v: int) -> Any:
        offset = row * nest.row.out + v * width * nest.lane.out
        return r.element_pointer(arrays.out, (offset,))

    places = [(row, v) for row in range(rows) for v in range(vectors)]
    sums = [e.constant(dtype, 0)] * len(places)
    if fresh is not None:
        sums = r.unless(
            fresh, sums, lambda: [e.load(result(*place), dtype, nest.lane.out) for place in places]
        )
    axes = nest.sums or (Axis(1, 0, 0, 0),)
    sums = _summed(r, e, nest, arrays, axes, sums, [arrays.x.pointer, arrays.w.pointer])
    for place, total in zip(places, sums, strict=True):
        e.store(result(*place), total, nest.lane.out)


def _summed(
    r: Any,
    e: Any,
    nest: Nest,
    arrays: Arrays,
    axes: Sequence[Axis],
    sums: list[Any],
    pointers: Sequence[Any],
) -> list[Any]:
    """`sums`, row by row, with the products along `axes` added; from `pointers` into x and w on."""
    axis, *within = axes
    size = arrays.x.type.dtype.itemsize

    def moving(steps: int) -> list[tuple[Any, int]]:
        strides = (axis.x, axis.w)
        return [(p, steps * n * size) for p, n in zip(pointers, strides, strict=True)]

    if within:

        def step(pointers: list[Any], sums: list[Any]) -> list[Any]:
            return _summed(r, e, nest, arrays, within, sums, pointers)

        return r.walk(axis.length, moving(1), sums, step)
    unroll = _unroll(axis.length, len(sums))

    def round_of(pointers: Sequence[Any], sums: list[Any], count: int = unroll) -> list[Any]:
        places = zip(arrays[:2], pointers, strict=True)
        x, w = (r.buffer(buffer.type, pointer) for buffer, pointer in places)
        for k in range(count):
            sums = _products(r, e, nest, (x, w), (k * axis.x, k * axis.w), sums)
        return sums

    rounds, left = divmod(axis.length, unroll)
    sums = r.walk(rounds, moving(unroll), sums, round_of)
    if not left:
        return sums
    return round_of([r.offset(p, r.integer(n)) for p, n in moving(rounds * unroll)], sums, left)


def _unroll(length: int, products: int) -> int:
    """Steps in one round of the loop, each of which is code: a divisor of the length if there is
    one that will do."""
    enough, most = (max(limit // products, 1) for limit in (UNROLLED, MOST_UNROLLED))
    if length <= most:
        return length
    even = [n for n in (*range(enough, most + 1), *range(enough, 0, -1)) if length % n == 0]
    return even[0] if even[0] * products * 4 >= UNROLLED else enough


def _products(
    r: Any,
    e: Any,
    nest: Nest,
    operands: tuple[Any, Any],
    starts: tuple[int, int],
    sums: list[Any],
) -> list[Any]:
    """One step of the sum: sums[row, v] + x * w, from element `starts` of both."""
    lane, row = nest.lane, nest.row
    strides = lane.x, 1 if nest.panels else lane.w
    known: dict[tuple[int, int], Any] = {}

    def operand(which: int, i: int, v: int) -> Any:
        step = row.w if which else row.x
        offset = i * step + v * e.width * strides[which]
        found = known.get((which, offset))
        if found is None:
            buffer = operands[which]
            pointer = r.element_pointer(buffer, (starts[which] + offset,))
            found = e.load(pointer, buffer.type.dtype, strides[which])
            known[which, offset] = found
        return found

    return [
        e.fma(operand(0, i, v), operand(1, i, v), total)
        for total, (i, v) in zip(sums, np.ndindex(nest.rows, nest.vectors), strict=True)
    ]
