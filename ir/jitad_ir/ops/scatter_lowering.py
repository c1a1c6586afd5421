"""How native code scatters, and how threads share it.

With batch axes, parts have rows of the first one. Otherwise, if windows are large, each part goes
through all of them and writes those that begin in its own range of the first scattered axis: every
element sees all its updates from one thread, in their order. So the bits are the same however many
parts there are, and there are as many as threads. With small windows, to find out whose they are
would take two threads as long as they save. Many of those that are added to a small array are
shared out as they come, each part with a table of its own, which are added up in the end: the
shapes alone decide on the number of parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

from ..types import INT64, ArrayType, Shape
from .sort_sharing import MOST_PARTS, parts_of
from .vector_loops import strips, vector_width
from .windows import Axes, emit_begin, emit_windows

PER_WINDOW, PER_BYTE = 1.0, 0.1
"""Nanoseconds to look where a window is, and for each byte to be written."""

LARGE_WINDOW = 256
"""Bytes of windows from which on ranges are shared out."""

SMALL_TABLE = 1 << 16
"""Bytes of arrays up to which each part may have a table."""

PER_PLACE = 16
"""Elements added by each part to one of its table at least, on average."""

LEAST_RANGE = 8
"""Places along the scattered axis that a part has at least."""

Visit = Callable[[tuple[Any, ...]], None]
Each = Callable[[Visit], None]


def emit_scatter(
    combine: Any,
    r: Any,
    *buffers: Any,
    axes: Axes,
    batch: int,
    mode: str,
    wraps: bool = False,
    identity: Any = None,
) -> None:
    """Copy x, then fold each update in by `combine(b, old, update)`; without it, replace.
    `identity(dtype)` leaves others unchanged, if updates may be combined before they are."""
    x, updates, *starts, (out,) = buffers
    where: dict[str, Any] = {"axes": axes, "batch": batch, "mode": mode, "wraps": wraps}
    types = [buffer.type for buffer in (x, updates, *starts)]
    parts = parts_scatter(*types, identity=identity, **where)
    if parts == 1:
        _alone(combine, r, x, updates, starts, out, **where)
    elif batch:
        r.copy(out, x)
        _share_rows(combine, r, parts, out, updates, starts, **where)
    elif _are_large(*types):
        _share_ranges(combine, r, x, updates, starts, out, **where)
    else:
        _share_tables(combine, r, identity, parts, x, updates, starts, out, **where)


def workspace_scatter(*types: ArrayType, identity: Any = None, batch: int, **where: Any) -> int:
    """Bytes of the tables."""
    parts = parts_scatter(*types, identity=identity, batch=batch, **where)
    return 0 if parts == 1 or batch or _are_large(*types) else parts * _table_bytes(types[0])


def _table_bytes(x: ArrayType) -> int:
    return -(-x.nbytes // 64) * 64


def _are_large(_x: ArrayType, updates: ArrayType, *starts: ArrayType) -> bool:
    """Whether windows are large enough to look at all of them."""
    return updates.nbytes >= LARGE_WINDOW * starts[0].size


def _alone(
    combine: Any, r: Any, x: Any, updates: Any, starts: Sequence[Any], out: Any, **where: Any
) -> None:
    r.copy(out, x)
    _emit_part(combine, r, out, updates, starts, **where)


def parts_scatter(
    x: ArrayType,
    updates: ArrayType,
    *starts: ArrayType,
    axes: Axes,
    batch: int,
    mode: str,
    wraps: bool = False,
    identity: Any = None,
) -> int:
    """How many parts threads share, at most."""
    windows = starts[0].size
    work = windows * PER_WINDOW + updates.nbytes * PER_BYTE
    if updates.size == 0 or x.size == 0:
        return 1
    if batch:
        return parts_of(starts[0].shape[0], work, 0)
    extent, size = x.shape[axes[0]], updates.shape[starts[0].ndim + axes[0]]
    if _are_large(x, updates, *starts):
        return parts_of(extent // LEAST_RANGE, work, 0) if size == 1 else 1
    if identity is None or x.nbytes > SMALL_TABLE or starts[0].ndim == 0:
        return 1
    most = min(updates.size // (PER_PLACE * x.size), starts[0].shape[0])
    return max(1, parts_of(most, work, 0))


def _emit_part(
    combine: Any, r: Any, out: Any, updates: Any, starts: Sequence[Any], **where: Any
) -> None:
    """The windows that count of those of `where`, see `emit_windows`."""

    def write(e: Any, to: tuple[Any, ...], of: tuple[Any, ...]) -> None:
        place, dtype = r.element_pointer(out, to), out.type.dtype
        update = e.load(r.element_pointer(updates, of), dtype)
        e.store(place, update if combine is None else combine(e, e.load(place, dtype), update))

    emit_windows(r, out, updates, starts, write, **where)


def _share_rows(
    combine: Any, r: Any, parts: int, out: Any, updates: Any, starts: Sequence[Any], **where: Any
) -> None:
    buffers = (out, updates, *starts)

    def part(r: Any, number: Any, *pointers: Any) -> None:
        own = [r.buffer(x.type, p) for x, p in zip(buffers, pointers, strict=True)]
        each = _share_of(r, number, starts[0].type.shape, parts)
        _emit_part(combine, r, own[0], own[1], own[2:], each=each, **where)

    r.parallel_for(parts, part, *[buffer.pointer for buffer in buffers])


def _share_of(r: Any, number: Any, points: Shape, parts: int) -> Each:
    """Windows of a part, of those at `points`: rows of the first axis."""
    start, length = r.share(number, points[0], parts)
    end = r.builder.add(start, length)

    def each(visit: Visit) -> None:
        r.loop(end, lambda i: r.loops(points[1:], lambda rest: visit((i, *rest))), start=start)

    return each


def _share_tables(
    combine: Any,
    r: Any,
    identity: Any,
    parts: int,
    x: Any,
    updates: Any,
    starts: Sequence[Any],
    out: Any,
    **where: Any,
) -> None:
    size, dtype = _table_bytes(x.type), x.type.dtype
    buffers = (updates, *starts)

    def part(r: Any, number: Any, workspace: Any, *pointers: Any) -> None:
        table = r.buffer(x.type, r.offset(workspace, r.builder.mul(number, r.integer(size))))
        own = [r.buffer(x.type, p) for x, p in zip(buffers, pointers, strict=True)]
        r.fill(table, r.b.constant(dtype, identity(dtype)))
        each = _share_of(r, number, starts[0].type.shape, parts)
        _emit_part(combine, r, table, own[0], own[1:], each=each, **where)

    r.parallel_for(parts, part, r.workspace, *[buffer.pointer for buffer in buffers])
    flat = x.type.with_shape((x.type.size,))
    tables = [r.buffer(flat, r.workspace, number * size) for number in range(parts)]
    first, total = r.buffer(flat, x.pointer), r.buffer(flat, out.pointer)

    def strip(e: Any, at: Any, _count: int) -> None:
        held = [e.load(r.element_pointer(some, (at,)), dtype) for some in (first, *tables)]
        e.store(r.element_pointer(total, (at,)), reduce(partial(combine, e), held))

    strips(r, x.type.size, vector_width(dtype), strip)


def _share_ranges(
    combine: Any,
    r: Any,
    x: Any,
    updates: Any,
    starts: Sequence[Any],
    out: Any,
    *,
    axes: Axes,
    mode: str,
    wraps: bool,
    **where: Any,
) -> None:
    extent = x.type.shape[axes[0]]
    in_place = out.pointer is x.pointer
    by_parts = not in_place and axes[0] == 0  # each copies its range, which it writes to next
    if not by_parts:
        r.copy(out, x)
    buffers = (out, updates, *starts)
    threads, most = r.threads(), r.integer(min(MOST_PARTS, extent // LEAST_RANGE))
    parts = r.builder.select(r.builder.icmp_signed("<", threads, most), threads, most)

    def part(r: Any, number: Any, count_at: Any, source: Any, *pointers: Any) -> None:
        b = r.builder
        own = [r.buffer(x.type, p) for x, p in zip(buffers, pointers, strict=True)]
        count = r.b.load(count_at, INT64).value

        def first(number: Any) -> Any:
            return b.udiv(b.mul(number, r.integer(extent)), count)

        begin, end = first(number), first(b.add(number, r.integer(1)))
        if by_parts:
            row = r.integer(out.type.nbytes // extent)
            skipped, size = b.mul(begin, row), b.mul(b.sub(end, begin), row)
            r.copy_bytes(r.offset(own[0].pointer, skipped), r.offset(source, skipped), size)
        most = None if mode == "drop" else extent - 1
        each = _ours(r, own[2], begin, end, most, extent if wraps else 0)
        where.update(axes=axes, mode=mode, wraps=wraps, each=each)
        _emit_part(combine, r, own[0], own[1], own[2:], **where)

    places = [buffer.pointer for buffer in buffers]
    r.parallel_for(parts, part, r.reference(parts), x.pointer, *places)


def _ours(r: Any, starts: Any, begin: Any, end: Any, most: int | None, wraps: int) -> Each:
    """Windows of size 1 that begin from `begin` on and before `end`, where starts count as 0 if
    they are less, and as `most` if they are greater; but see `emit_begin` for those below 0."""
    b = r.builder

    def each(visit: Visit) -> None:
        def look(point: tuple[Any, ...]) -> None:
            start = emit_begin(r, starts, point, wraps)
            if most is not None:
                start = r.b.clamp(r.b.constant(INT64, 0), start, r.b.constant(INT64, most))
            inside = b.icmp_unsigned("<", b.sub(start.value, begin), b.sub(end, begin))
            r.when(inside, lambda: visit(point))

        r.loops(starts.type.shape, look)

    return each
