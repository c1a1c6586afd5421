"""How native code convolves: as a nest of sums of products over the operands where they lie.

x is copied if it is padded or dilated, or with its axes in another order if that lets the lanes of
a tile be neighbours in memory and pays; the kernel to panels if that pays. There is no matrix of
windows: the tile's sum steps through x and the kernel by their strides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..types import ArrayType, Shape
from .convolution_plan import Convolution, Copied, plan_convolution, row_major
from .nest_loops import Arrays, emit_nest, emit_panels
from .nests import in_panels
from .vector_loops import affine, strips, vector_width

ALIGNMENT = 64

SHARED_COPY = 2**16
"""Elements from which on threads share a copy."""


def _offsets(plan: Convolution, itemsize: int) -> tuple[int, int]:
    """Bytes at which the panels of w start in the workspace, behind the copy of x; and the end."""
    x_bytes = plan.x.size * itemsize if plan.x else 0
    start = -(-x_bytes // ALIGNMENT) * ALIGNMENT
    return start, start + plan.panels * itemsize


def workspace_convolution(x: ArrayType, w: ArrayType, **params: Any) -> int:
    """Bytes that the copies take."""
    plan = plan_convolution(x, w, **params)
    return _offsets(plan, x.dtype.itemsize)[1] if plan else 0


def flops_convolution(x: ArrayType, w: ArrayType, **params: Any) -> int:
    """Operations on reals: a product and a sum for each place that is not between elements."""
    plan = plan_convolution(x, w, **params)
    products = 0
    for part in plan.parts if plan else ():
        nest = part.nest
        axes = (*nest.outer, *nest.blocks, *nest.inner, nest.lane, nest.row, *nest.sums)
        products += math.prod([axis.length for axis in axes])
    return products * (8 if x.dtype.kind == "c" else 2)


def emit_convolution(r: Any, x: Any, w: Any, results: Any, **params: Any) -> None:
    """Write the convolution of x and w to `results[0]`."""
    (out,) = results
    dtype = out.type.dtype
    plan = plan_convolution(x.type, w.type, **params)
    if plan is None or plan.cleared:
        r.fill(out, r.b.constant(dtype, 0))
    if plan is None:
        return
    start, _ = _offsets(plan, dtype.itemsize)
    x_flat, w_flat, out_flat = _copied(r, x, plan.x), _flat(r, w), _flat(r, out)
    for part in plan.parts:
        nest, (of_x, of_w, of_out) = part.nest, part.starts
        if not part.panels:
            emit_nest(r, nest, Arrays(x_flat, w_flat, out_flat), (of_x, of_w, of_out))
            continue
        panels = r.buffer(w.type.with_shape((part.panels,)), r.workspace, start)
        emit_panels(r, nest, w_flat, of_w, panels)
        emit_nest(r, in_panels(nest)[0], Arrays(x_flat, panels, out_flat), (of_x, 0, of_out))
        start += part.panels * dtype.itemsize


def _flat(r: Any, buffer: Any) -> Any:
    return r.buffer(buffer.type.with_shape((buffer.type.size,)), buffer.pointer)


def _copied(r: Any, source: Any, copy: Copied | None) -> Any:
    """x as a flat buffer, copied into the workspace if so planned: threads share its first axis
    that is neither padded nor dilated."""
    if copy is None:
        return _flat(r, source)
    target = r.buffer(source.type.with_shape((copy.size,)), r.workspace)
    first = copy.order[0]
    if copy.size < SHARED_COPY or copy.shape[first] != source.type.shape[first]:
        _copy(r, _flat(r, source), target, source.type.shape, copy)
        return target
    # Each step of the first axis is a copy of its own.
    count = copy.shape[first]
    lower = copy.order[1:]
    order = tuple(a - (a > first) for a in lower)
    kept = [a for a in range(len(copy.shape)) if a != first]
    row = Copied(
        tuple(copy.shape[a] for a in kept),
        tuple(copy.low[a] for a in kept),
        tuple(copy.base[a] for a in kept),
        order,
    )

    def part(inner: Any, number: Any, of: Any, to: Any) -> None:
        x, out = inner.buffer(source.type, of), inner.buffer(target.type, to)
        at = affine(inner, 0, (number, row_major(source.type.shape)[first]))
        into = affine(inner, 0, (number, row.size))
        x = inner.buffer(source.type, inner.element_pointer(_flat(inner, x), (at,)))
        out = inner.buffer(target.type.with_shape((row.size,)), inner.element_pointer(out, (into,)))
        _copy(inner, _flat(inner, x), out, source.type.shape, row, kept)

    r.parallel_for(count, part, source.pointer, target.pointer)
    return target


def _copy(
    r: Any, source: Any, target: Any, shape: Shape, copy: Copied, axes: Sequence[int] | None = None
) -> None:
    """Copy an array of `shape` (those of its axes that are given, at index 0 of the others) to
    `target`; both are flat."""
    dtype = source.type.dtype
    kept = range(len(shape)) if axes is None else axes
    strides = row_major(shape)
    of, to = [strides[a] for a in kept], copy.strides
    ranges: list[tuple[int, int]] = []
    for axis, used, low, base in zip(kept, copy.shape, copy.low, copy.base, strict=True):
        first = max(-(low // base), 0)
        last = min((used - 1 - low) // base + 1, shape[axis])
        ranges.append((first, max(last - first, 0)))
    counts = [ranges[a][1] for a in copy.order]
    if counts != [copy.shape[a] for a in copy.order]:
        r.fill(target, r.b.constant(dtype, 0))
    if 0 in counts:
        return
    first_of = sum([first * step for (first, _), step in zip(ranges, of, strict=True)])
    placed = zip(ranges, copy.low, copy.base, to, strict=True)
    first_to = sum([(low + first * base) * step for (first, _), low, base, step in placed])
    steps_of = [of[a] for a in copy.order]
    steps_to = [to[a] * copy.base[a] for a in copy.order]

    def row(index: tuple[Any, ...]) -> None:
        here = affine(r, first_of, *zip(index, steps_of, strict=False))
        there = affine(r, first_to, *zip(index, steps_to, strict=False))

        def strip(e: Any, i: Any, _count: int) -> None:
            at = affine(r, here, (i, steps_of[-1]))
            lanes = e.load(r.element_pointer(source, (at,)), dtype, steps_of[-1])
            place = affine(r, there, (i, steps_to[-1]))
            e.store(r.element_pointer(target, (place,)), lanes, steps_to[-1])

        strips(r, counts[-1], vector_width(dtype), strip)

    r.loops(tuple(counts[:-1]), row)
