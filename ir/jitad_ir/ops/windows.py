"""The one notion of indexing that gather and the scatters share: windows at computed starts.

x has `batch` leading axes in common with each of the `starts`: integer arrays of one shape
`batch axes + points`, one for each of the axes `axes` of x. For each batch index and point there
is one window of x. Along axes[i] it reaches from starts[i] over sizes[i] elements; along the other
axes behind the batch it takes all. So

    gather:   result[batch, point, window] = x[batch, start(batch, point) + window]
    scatter:  x[batch, start(batch, point) + window] = updates[batch, point, window]

A window that reaches beyond x is, in mode

    "clip"                moved to the nearest place where it fits
    "fill" / "drop"       filled with one value when gathered, left out when scattered
    "promise_in_bounds"   said not to exist; treated as in "clip"

Starts count from the front; they are read as int64. Those of a scatter that `wraps` count from the
end of their axis if they are below 0 (see `passes.wrapping`). NumPy's integer and mixed indexing is
this with windows of length 1, `take_along_axis` has all axes but one in the batch, a vmapped
`dynamic_slice` has one start for each lane.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..types import INT64, ArrayType, Shape, TypeMismatch
from .vector_loops import affine, strips, vector_width

Axes = tuple[int, ...]


def check_windows(
    name: str,
    x: ArrayType,
    starts: Sequence[ArrayType],
    *,
    axes: Axes,
    sizes: Shape,
    batch: int,
    mode: str,
    modes: Sequence[str],
) -> None:
    """Raise TypeMismatch if there are no such windows of x."""
    if mode not in modes:
        raise TypeMismatch(f"{name}: expected a mode of {', '.join(modes)}; got {mode!r}")
    if not starts or not len(axes) == len(starts) == len(sizes):
        raise TypeMismatch(
            f"{name}: expected starts for each of one or more axes; got {len(starts)} starts, "
            f"axes {axes}, sizes {sizes}"
        )
    first = starts[0]
    for start in starts:
        if start.dtype.kind not in "iu" or start.shape != first.shape:
            got = ", ".join(map(repr, starts))
            raise TypeMismatch(f"{name}: expected integer starts of one shape; got {got}")
    if not 0 <= batch <= min(x.ndim, first.ndim) or x.shape[:batch] != first.shape[:batch]:
        raise TypeMismatch(
            f"{name}: expected {batch} leading axes of the same lengths in {x!r} and {first!r}"
        )
    if list(axes) != sorted(set(axes)) or axes[0] < batch or axes[-1] >= x.ndim:
        raise TypeMismatch(
            f"{name}: expected ascending distinct axes of {x!r} behind the {batch} batch axes; "
            f"got {axes}"
        )
    clipped = mode not in ("fill", "drop") and first.size > 0
    for axis, size in zip(axes, sizes, strict=True):
        if size < 0 or (clipped and size > x.shape[axis]):
            raise TypeMismatch(
                f"{name}: expected windows of length 0 to {x.shape[axis]} along axis {axis} of "
                f"{x!r}; got {size}"
            )


def window_shape(shape: Shape, axes: Axes, sizes: Shape, batch: int) -> Shape:
    """Shape of one window: the axes behind the batch, those of `axes` with their `sizes`."""
    of_axis = dict(zip(axes, sizes, strict=True))
    return tuple(of_axis.get(a, shape[a]) for a in range(batch, len(shape)))


def positions(
    shape: Shape,
    starts: Sequence[Any],
    *,
    axes: Axes,
    sizes: Shape,
    batch: int,
    mode: str,
    wraps: bool = False,
) -> tuple[tuple[Any, ...], Any]:
    """NumPy indices of every window element, and which windows count.

    The indices are one array for each axis of x, which broadcast to (windows that count, *window);
    the second result is a bool array over all windows in row-major order.
    """
    points = starts[0].shape
    windows = math.prod(points)
    inside = np.ones(windows, np.bool_)
    begins: dict[int, Any] = {}
    for axis in range(batch):
        column = [1] * len(points)
        column[axis] = points[axis]
        lane = np.arange(points[axis]).reshape(column)
        begins[axis] = np.broadcast_to(lane, points).reshape(windows)
    for axis, start, size in zip(axes, starts, sizes, strict=True):
        begin = np.asarray(start).astype(np.int64).reshape(windows)
        if wraps:
            begin = np.where(begin < 0, begin + shape[axis], begin)
        last = shape[axis] - size
        if mode in ("fill", "drop"):
            inside &= (begin >= 0) & (begin <= last)
        begins[axis] = np.clip(begin, 0, max(last, 0))
    window = window_shape(shape, axes, sizes, batch)
    indices: list[Any] = []
    for axis in range(len(shape)):
        index = np.zeros((1,) * (1 + len(window)), np.int64)
        if axis in begins:
            index = index + begins[axis][inside].reshape(-1, *(1,) * len(window))
        if axis >= batch:
            within = [1] * (1 + len(window))
            within[1 + axis - batch] = window[axis - batch]
            index = index + np.arange(window[axis - batch]).reshape(within)
        indices.append(index)
    return tuple(indices), inside


def windows_in_kernel(
    m: Any,
    point: tuple[Any, ...],
    window: tuple[Any, ...],
    x: Any,
    starts: Sequence[Any],
    *,
    axes: Axes,
    sizes: Shape,
    batch: int,
    mode: str,
) -> tuple[tuple[Any, ...], list[Any]]:
    """For Pull lowerings: the index into x of an element of a window, and the conditions (bool
    Lanes) under which the window counts."""
    shape = x.type.shape
    index = [*point[:batch], *window]
    conditions: list[Any] = []
    for axis, start, size in zip(axes, starts, sizes, strict=True):
        begin = m.index(start(point))
        last = shape[axis] - size
        if mode == "fill":
            conditions.append(m.inside(begin, 0, last + 1))
        else:
            begin = m.clamp(begin, 0, max(last, 0))
        index[axis] = begin + index[axis]
    return tuple(index), conditions


def emit_begin(r: Any, start: Any, point: tuple[Any, ...], wraps: int) -> Any:
    """A start, counted from the front: below 0, from the end of an axis of length `wraps`."""
    begin = r.b.convert(r.load(start, point), INT64)
    if not wraps or start.type.dtype.kind == "u":
        return begin
    is_below = r.b.lt(begin, r.b.constant(INT64, 0))
    return r.b.select(is_below, r.b.add(begin, r.b.constant(INT64, wraps)), begin)


def emit_windows(
    r: Any,
    x: Any,
    updates: Any,
    starts: Sequence[Any],
    write: Any,
    *,
    axes: Axes,
    batch: int,
    mode: str,
    wraps: bool = False,
    each: Callable[[Callable[[tuple[Any, ...]], None]], None] | None = None,
) -> None:
    """For Routine lowerings: run `write(emitter, index into x, index into updates)` for all of
    every window that counts, windows in row-major order. It handles as many elements, neighbours
    in both arrays, as the emitter is wide. `each(visit)` calls `visit` with the indices of all
    windows, or of some."""
    shape = x.type.shape
    points = starts[0].type.shape
    window = updates.type.shape[len(points) :]

    def visit(point: tuple[Any, ...]) -> None:
        begins: dict[int, Any] = {}
        counts: Any = None
        for axis, start in zip(axes, starts, strict=True):
            begin = emit_begin(r, start, point, shape[axis] if wraps else 0)
            last = shape[axis] - window[axis - batch]
            low, high = r.b.constant(INT64, 0), r.b.constant(INT64, max(last, 0))
            if mode == "drop":
                fits = r.b.bitwise_and(r.b.ge(begin, low), r.b.le(begin, high))
                counts = fits if counts is None else r.b.bitwise_and(counts, fits)
            else:
                begin = r.b.clamp(low, begin, high)
            begins[axis] = begin.value

        def row(outer: tuple[Any, ...]) -> None:
            def strip(e: Any, first: Any, _count: int) -> None:
                index = [*point[:batch], *outer, first]
                for axis, begin in begins.items():
                    index[axis] = affine(r, begin, (index[axis], 1))
                write(e, tuple(index), (*point, *outer, first))

            strips(r, window[-1], vector_width(x.type.dtype), strip)

        if counts is None:
            r.loops(window[:-1], row)
        else:
            r.when(counts, lambda: r.loops(window[:-1], row))

    too_long = any(window[axis - batch] > shape[axis] for axis in axes)
    if too_long or 0 in window:
        return
    if each is None:
        r.loops(points, visit)
    else:
        each(visit)
