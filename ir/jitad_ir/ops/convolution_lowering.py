"""How native code convolves: as a nest of sums of products over the operands where they lie.

x is copied if it is padded or dilated, or with its axes in another order if that lets the lanes of
a tile be neighbours in memory and pays; the kernel to panels if that pays. There is no matrix of
windows: the tile's sum steps through x and the kernel by their strides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..types import ArrayType, Shape
from .convolution_plan import Convolution, Copied, plan_convolution, row_major
from .nest_loops import Arrays, emit_nest, emit_panels
from .nests import in_panels
from .strided_copy import CopyAxis, emit_copy, in_runs
from .vector_loops import affine

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
    shape = source.type.shape
    axes = range(len(shape))
    first = copy.order[0]
    if copy.size < SHARED_COPY or copy.shape[first] != shape[first]:
        plan = _copy_plan(shape, copy, axes)

        def build(inner: Any, of: Any, to: Any) -> None:
            x = inner.buffer(source.type, of)
            _copy(inner, _flat(inner, x), inner.buffer(target.type, to), plan)

        name = f"jitad.padded.{source.type!r}.{copy}"
        r.call_inner(name, build, source.pointer, target.pointer, brief=in_runs(plan.axes))
        return target
    # Each step of the first axis is a copy of its own.
    row = target.type.with_shape((copy.size // shape[first],))
    plan = _copy_plan(shape, copy, [a for a in axes if a != first])

    def part(inner: Any, number: Any, of: Any, to: Any) -> None:
        x = _flat(inner, inner.buffer(source.type, of))
        at = affine(inner, 0, (number, row_major(shape)[first]))
        into = affine(inner, 0, (number, row.size))
        x = inner.buffer(x.type, inner.element_pointer(x, (at,)))
        place = inner.element_pointer(inner.buffer(target.type, to), (into,))
        _copy(inner, x, inner.buffer(row, place), plan)

    r.parallel_for(shape[first], part, source.pointer, target.pointer, brief=in_runs(plan.axes))
    return target


class _CopyPlan(NamedTuple):
    """Whether there are zeros in a copy; the first elements in both arrays; the loops."""

    zeros: bool
    of: int
    to: int
    axes: list[CopyAxis]


def _copy_plan(shape: Shape, copy: Copied, kept: Sequence[int]) -> _CopyPlan:
    """How the axes `kept` of an array of `shape` are copied, at index 0 of the others."""
    strides = row_major(shape)
    zeros, of, to = False, 0, 0
    axes: list[CopyAxis] = []
    for a in copy.order:
        if a not in kept:
            continue
        used, low, base = copy.shape[a], copy.low[a], copy.base[a]
        first = max(-(low // base), 0)
        last = min((used - 1 - low) // base + 1, shape[a])
        count = max(last - first, 0)
        zeros |= count != used
        axes.append(CopyAxis(count, strides[a], copy.strides[a] * base))
        of += first * strides[a]
        to += (low + first * base) * copy.strides[a]
    return _CopyPlan(zeros, of, to, axes)


def _copy(r: Any, source: Any, target: Any, plan: _CopyPlan) -> None:
    """Make a copy, or a part of it; both are flat."""
    if plan.zeros:
        r.clear(target.pointer, r.integer(target.type.nbytes))
    if all(axis.length for axis in plan.axes):
        emit_copy(r, source, target, plan.of, plan.to, plan.axes)
