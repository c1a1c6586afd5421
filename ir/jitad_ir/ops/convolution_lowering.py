"""How native code convolves: as a nest of sums of products over the operands where they lie.

x is copied if it is padded or dilated, or with its axes in another order if that lets the lanes of
a tile be neighbours in memory and pays; the kernel to panels if that pays. The result may be
written in another order first. There is no matrix of windows: the tile's sum steps through x and
the kernel by their strides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..types import ArrayType, DType
from .convolution_plan import Convolution, Copied, plan_convolution, row_major
from .nest_loops import Arrays, emit_nest, emit_panels, parts_of
from .nests import in_panels
from .strided_copy import CopyAxis, emit_copy, in_runs, turned
from .vector_loops import affine, vector_width

ALIGNMENT = 64

SHARED_COPY = 2**16
"""Elements from which on threads share a copy."""


def _offsets(plan: Convolution, itemsize: int) -> tuple[int, int, int]:
    """Bytes at which the panels of w start in the workspace, behind the copy of x; the result in
    another order, behind those; and the end."""
    sizes = [copy.size if copy else 0 for copy in (plan.x, plan.out)]
    x, out = (-(-size * itemsize // ALIGNMENT) * ALIGNMENT for size in sizes)
    panels = -(-plan.panels * itemsize // ALIGNMENT) * ALIGNMENT
    return x, x + panels, x + panels + out


def workspace_convolution(x: ArrayType, w: ArrayType, **params: Any) -> int:
    """Bytes that the copies take."""
    plan = plan_convolution(x, w, **params)
    return _offsets(plan, x.dtype.itemsize)[2] if plan else 0


def parts_of_convolution(x: ArrayType, w: ArrayType, **params: Any) -> int:
    """Parts that threads share, of the sums that have most."""
    plan = plan_convolution(x, w, **params)
    return max([parts_of(part.nest) for part in plan.parts], default=1) if plan else 1


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
    if plan is None:
        r.fill(out, r.b.constant(dtype, 0))
        return
    start, behind, _ = _offsets(plan, dtype.itemsize)
    result = r.buffer(out.type, r.workspace, behind) if plan.out else out
    if plan.cleared:
        r.fill(result, r.b.constant(dtype, 0))
    x_flat, w_flat, out_flat = _copied(r, x, plan.x), _flat(r, w), _flat(r, result)
    for part in plan.parts:
        nest, (of_x, of_w, of_out) = part.nest, part.starts
        if not part.panels:
            emit_nest(r, nest, Arrays(x_flat, w_flat, out_flat), (of_x, of_w, of_out))
            continue
        panels = r.buffer(w.type.with_shape((part.panels,)), r.workspace, start)
        emit_panels(r, nest, w_flat, of_w, panels)
        emit_nest(r, in_panels(nest)[0], Arrays(x_flat, panels, out_flat), (of_x, 0, of_out))
        start += part.panels * dtype.itemsize
    if plan.out:
        shape, strides = out.type.shape, row_major(out.type.shape)
        axes = zip(shape, plan.out.strides, strides, strict=True)
        _share(r, out_flat, _flat(r, out), _Copy(False, 0, 0, [CopyAxis(*axis) for axis in axes]))


def _flat(r: Any, buffer: Any) -> Any:
    return r.buffer(buffer.type.with_shape((buffer.type.size,)), buffer.pointer)


class _Copy(NamedTuple):
    """Whether there are zeros in a copy; the first elements in both arrays; the loops."""

    zeros: bool
    of: int
    to: int
    axes: list[CopyAxis]


def _copied(r: Any, source: Any, copy: Copied | None) -> Any:
    """x as a flat buffer, copied into the workspace if so planned."""
    if copy is None:
        return _flat(r, source)
    target = r.buffer(source.type.with_shape((copy.size,)), r.workspace)
    shape, strides = source.type.shape, row_major(source.type.shape)
    zeros, of, to = False, 0, 0
    axes: list[CopyAxis] = []
    for a in copy.order:
        used, low, base = copy.shape[a], copy.low[a], copy.base[a]
        first = max(-(low // base), 0)
        last = min((used - 1 - low) // base + 1, shape[a])
        count = max(last - first, 0)
        zeros |= count != used
        axes.append(CopyAxis(count, strides[a], copy.strides[a] * base))
        of += first * strides[a]
        to += (low + first * base) * copy.strides[a]
    _share(r, _flat(r, source), target, _Copy(zeros, of, to, axes))
    return target


def _share(r: Any, source: Any, target: Any, copy: _Copy) -> None:
    """Make a copy between flat buffers. Threads share its first axis, if it is large and steps of
    that fill parts of the target."""
    first, *others = copy.axes
    step = _steps(copy.axes, source.type.dtype)
    parts = first.length // step
    fills = first.length * first.to == target.type.size and parts > 1
    if target.type.size < SHARED_COPY or not fills or not all(axis.length for axis in others):

        def build(inner: Any, of: Any, to: Any) -> None:
            _copy(inner, inner.buffer(source.type, of), inner.buffer(target.type, to), copy)

        name = f"jitad.copied.{source.type!r}.{target.type!r}.{copy}"
        r.call_inner(name, build, source.pointer, target.pointer, brief=in_runs(copy.axes))
        return
    piece = copy._replace(axes=[first._replace(length=step), *others])

    def part(inner: Any, number: Any, of: Any, to: Any) -> None:
        at = affine(inner, 0, (number, step * first.of))
        into = affine(inner, 0, (number, step * first.to))
        x, y = inner.buffer(source.type, of), inner.buffer(target.type, to)
        x = inner.buffer(x.type, inner.element_pointer(x, (at,)))
        y = inner.buffer(y.type.with_shape((step * first.to,)), inner.element_pointer(y, (into,)))
        _copy(inner, x, y, piece)

    r.parallel_for(parts, part, source.pointer, target.pointer, brief=in_runs(piece.axes))


def _steps(axes: Sequence[CopyAxis], dtype: DType) -> int:
    """Steps of the first of `axes` in each part of a copy: one, or if they are the lanes of blocks
    that are transposed, those of a block or more."""
    if turned(axes, dtype) != axes[0]:
        return 1
    length, least = axes[0].length, 2 * vector_width(dtype)
    return next((n for n in range(least, length) if length % n == 0), length)


def _copy(r: Any, source: Any, target: Any, copy: _Copy) -> None:
    if copy.zeros:
        r.clear(target.pointer, r.integer(target.type.nbytes))
    if all(axis.length for axis in copy.axes):
        emit_copy(r, source, target, copy.of, copy.to, copy.axes)
