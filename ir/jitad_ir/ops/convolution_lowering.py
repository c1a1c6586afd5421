"""How native code convolves: as a nest of sums of products over the operands where they lie.

x is copied if it is padded or dilated; either operand is copied with its axes in another order if
that lets the lanes of a tile be neighbours in memory and pays. There is no matrix of windows: the
tile's sum steps through x and the kernel by their strides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from ..types import ArrayType, Shape
from .nest_loops import Arrays, emit_nest, emit_panels
from .nests import Axis, Nest, in_panels, plan_nest
from .sliding import Ints, Padding, Sliding, slidings
from .vector_loops import affine, strips, vector_width

ALIGNMENT = 64

COPY_CYCLES = 1.0
"""Cycles that it takes to copy an element."""

REORDER_CYCLES = 6.0
"""The same, to another order."""


SHARED_COPY = 2**16
"""Elements from which on threads share a copy."""


class Copied(NamedTuple):
    """A copy of an operand in the workspace: element p of axis a holds element j of the operand
    where p = low[a] + j base[a], and zero elsewhere. `order` lists the axes, slowest first."""

    shape: Shape
    low: Ints
    base: Ints
    order: Ints

    @property
    def strides(self) -> Ints:
        """Elements between neighbours along each axis."""
        strides = [0] * len(self.shape)
        step = 1
        for axis in reversed(self.order):
            strides[axis] = step
            step *= self.shape[axis]
        return tuple(strides)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def cycles(self) -> float:
        """Estimated time to make it."""
        ascending = list(self.order) == sorted(self.order)
        return self.size * (COPY_CYCLES if ascending else REORDER_CYCLES)


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution made concrete: the copies, and the nest over them."""

    x: Copied | None
    panels: int
    """Elements of w in panels; 0 if it is read where it is."""
    base: int
    nest: Nest


@lru_cache(maxsize=256)
def plan_convolution(
    x: ArrayType,
    w: ArrayType,
    *,
    specs: tuple[Ints, Ints, Ints],
    strides: Ints,
    padding: Padding,
    lhs_dilation: Ints,
    rhs_dilation: Ints,
    feature_groups: int,
    batch_groups: int,
) -> Convolution | None:
    """The fastest of the plans with lanes along each of the axes of the result; None if there is
    nothing to sum."""
    lhs, rhs, _ = specs
    along = slidings(
        "convolution",
        tuple(x.shape[a] for a in lhs[2:]),
        tuple(w.shape[a] for a in rhs[2:]),
        strides,
        padding,
        lhs_dilation,
        rhs_dilation,
    )
    if 0 in x.shape or 0 in w.shape or any(one.out == 0 for one in along):
        return None
    geometry = _Geometry(x, w, specs, along, feature_groups, batch_groups)
    best: tuple[float, Convolution] | None = None
    for lane in geometry.lanes():
        for candidate in geometry.candidates(lane):
            if best is None or candidate[0] < best[0]:
                best = candidate
    assert best is not None
    return best[1]


class _Geometry:
    """Strides of the axes of a convolution for each layout of the operands."""

    def __init__(
        self,
        x: ArrayType,
        w: ArrayType,
        specs: tuple[Ints, Ints, Ints],
        along: Sequence[Sliding],
        feature_groups: int,
        batch_groups: int,
    ) -> None:
        self.x, self.w = x, w
        self.lhs, self.rhs, self.out = specs
        self.along = along
        self.feature_groups, self.batch_groups = feature_groups, batch_groups
        self.groups = feature_groups * batch_groups
        self.out_axes = 3 + len(along)

    def axes(self, x_strides: Ints, w_strides: Ints) -> list[Axis]:
        """Groups, batch, out features, places; then in features and the window."""
        lhs, rhs, out = self.lhs, self.rhs, self.out
        made = self.w.shape[rhs[0]] // self.groups
        seen = self.w.shape[rhs[1]]
        batch = self.x.shape[lhs[0]] // self.batch_groups
        shape = [0] * self.x.ndim
        shape[out[0]], shape[out[1]] = batch, self.w.shape[rhs[0]]
        for axis, one in zip(out[2:], self.along, strict=True):
            shape[axis] = one.out
        results = row_major(tuple(shape))
        group_x = seen * x_strides[lhs[1]] if self.feature_groups > 1 else batch * x_strides[lhs[0]]
        group = Axis(self.groups, group_x, made * w_strides[rhs[0]], made * results[out[1]])
        found = [
            group,
            Axis(batch, x_strides[lhs[0]], 0, results[out[0]]),
            Axis(made, 0, w_strides[rhs[0]], results[out[1]]),
        ]
        for a, b, one in zip(lhs[2:], out[2:], self.along, strict=True):
            found.append(Axis(one.out, x_strides[a] * one.stride, 0, results[b]))
        found.append(Axis(seen, x_strides[lhs[1]], w_strides[rhs[1]], 0))
        for a, b, one in zip(lhs[2:], rhs[2:], self.along, strict=True):
            found.append(Axis(one.k, x_strides[a] * one.spread, w_strides[b], 0))
        return found

    def lanes(self) -> list[int]:
        """The out axes along which lanes may lie: those as long as a vector, or the longest."""
        strides = (1,) * self.x.ndim
        lengths = [axis.length for axis in self.axes(strides, strides)[: self.out_axes]]
        long = min(max(lengths), vector_width(self.x.dtype))
        return [a for a, n in enumerate(lengths) if n >= long] if long > 1 else [-1]

    def candidates(self, lane: int) -> list[tuple[float, Convolution]]:
        """Plans with the lanes along out axis `lane` (-1: none), each with its cost: of the
        operands as they lie, and of copies in which the lanes are neighbours."""
        x_axis = self._physical(lane)
        needed = self._copy_of_x(None)
        xs = [needed]
        if x_axis is not None and _last_long(self.x.shape) != x_axis:
            xs.append(self._copy_of_x(x_axis))
        found: list[tuple[float, Convolution]] = []
        for x in xs:
            axes = self.axes(x.strides if x else row_major(self.x.shape), row_major(self.w.shape))
            long = [axis for axis in axes if axis.length > 1]
            place = sum([axis.length > 1 for axis in axes[:lane]]) if lane >= 0 else -1
            for panels in (False, True) if lane >= 0 and axes[lane].w else (False,):
                nest = plan_nest(long, self.x.dtype, place, panels=panels)
                size = 0
                if panels:
                    _, size = in_panels(nest)
                cost = nest.cycles + (COPY_CYCLES if axes[lane].w == 1 else REORDER_CYCLES) * size
                cost += x.cycles if x else 0.0
                base = 0 if x else self._cropped()
                found.append((cost, Convolution(x, size, base, nest)))
        return found

    def _physical(self, lane: int) -> int | None:
        """The axis of x that an out axis runs along; None where it does not move x, or is only a
        part of the axis."""
        if lane == 0:
            axis = self.lhs[1] if self.feature_groups > 1 else self.lhs[0]
            return axis if self.x.shape[axis] == self.groups else None
        if lane == 1:
            return self.lhs[0] if self.batch_groups == 1 else None
        return self.lhs[lane - 1] if lane > 2 else None

    def _copy_of_x(self, last: int | None) -> Copied | None:
        """x padded and dilated, with axis `last` last; None if x can be read where it is."""
        shape, low, base = list(self.x.shape), [0] * self.x.ndim, [1] * self.x.ndim
        whole = True
        for axis, one in zip(self.lhs[2:], self.along, strict=True):
            used = (one.out - 1) * one.stride + (one.k - 1) * one.spread + 1
            shape[axis], low[axis], base[axis] = used, one.low, one.base
            whole = whole and one.base == 1 and one.low <= 0 and used - one.low <= one.n
        if whole and last is None:
            return None
        order = list(range(self.x.ndim))
        if last is not None:
            order.remove(last)
            order.append(last)
        return Copied(tuple(shape), tuple(low), tuple(base), tuple(order))

    def _cropped(self) -> int:
        """Elements of x before the first that is read, where nothing is padded."""
        steps = row_major(self.x.shape)
        return sum([-one.low * steps[a] for a, one in zip(self.lhs[2:], self.along, strict=True)])


def row_major(shape: Shape) -> Ints:
    """Strides of a C-contiguous array, in elements."""
    return tuple(math.prod(shape[a + 1 :]) for a in range(len(shape)))


def _last_long(shape: Shape) -> int:
    """The last axis with more than one element."""
    return max([a for a, n in enumerate(shape) if n > 1], default=0)


def _offsets(plan: Convolution, itemsize: int) -> tuple[int, int]:
    """Bytes at which the panels of w start in the workspace, behind the copy of x; and the end."""
    x_bytes = plan.x.size * itemsize if plan.x else 0
    start = -(-x_bytes // ALIGNMENT) * ALIGNMENT
    return start, start + plan.panels * itemsize


def workspace_convolution(x: ArrayType, w: ArrayType, **params: Any) -> int:
    """Bytes that the copies take."""
    plan = plan_convolution(x, w, **params)
    return _offsets(plan, x.dtype.itemsize)[1] if plan else 0


def emit_convolution(r: Any, x: Any, w: Any, results: Any, **params: Any) -> None:
    """Write the convolution of x and w to `results[0]`."""
    (out,) = results
    dtype = out.type.dtype
    plan = plan_convolution(x.type, w.type, **params)
    if plan is None:
        r.fill(out, r.b.constant(dtype, 0))
        return
    start, _ = _offsets(plan, dtype.itemsize)
    x_flat, w_flat, nest = _copied(r, x, plan.x), _flat(r, w), plan.nest
    if plan.panels:
        panels = r.buffer(w.type.with_shape((plan.panels,)), r.workspace, start)
        emit_panels(r, nest, w_flat, panels)
        w_flat, (nest, _) = panels, in_panels(nest)
    emit_nest(r, nest, Arrays(x_flat, w_flat, _flat(r, out), plan.base))


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
