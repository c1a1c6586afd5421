"""Plans of convolutions: nests of sums of products over the operands where they lie, or copies."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from ..types import ArrayType, Shape
from .nests import Axis, Nest, in_panels, plan_nest
from .sliding import Ints, Padding, Phase, Sliding, phases, slidings
from .vector_loops import vector_width

COPY_CYCLES = 1.0
"""Cycles that it takes to copy an element."""

REORDER_CYCLES = 6.0
"""The same, to another order."""

DIVIDED = 1e6
"""Cycles from which on a convolution of a dilated x is divided into phases, each a nest of its own
to compile."""


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


class Part(NamedTuple):
    """The nest of some of the windows, and the elements at which it starts in x, w and the result.
    Panels of w, if it has such, take `panels` elements."""

    nest: Nest
    starts: tuple[int, int, int]
    panels: int


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution made concrete: the copy of x, if one is read, and a nest for each phase."""

    x: Copied | None
    parts: tuple[Part, ...]
    cleared: bool
    """Whether there are windows that see nothing, so that the result is cleared first."""
    cycles: float
    """Estimated time."""

    @property
    def panels(self) -> int:
        """Elements of all panels of w."""
        return sum([part.panels for part in self.parts])


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
    nothing to sum. Of a dilated x, if it is large, each phase of the windows is summed over the
    elements that it sees."""
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
    best: Convolution | None = None
    for divided in (False, True):
        if divided and (best is None or best.cycles < DIVIDED or max(lhs_dilation, default=1) == 1):
            break
        geometry = _Geometry(x, w, specs, along, feature_groups, batch_groups, divided)
        for lane in geometry.lanes():
            for candidate in geometry.candidates(lane):
                if best is None or candidate.cycles < best.cycles:
                    best = candidate
    return best


class _Line(NamedTuple):
    """One spatial axis: the phases of its windows over a copy of the axis of x, which holds element
    j of it at place low + j base, or over the axis itself if that will do."""

    phases: list[Phase]
    low: int
    base: int
    length: int
    whole: bool


def _line(one: Sliding, divided: bool) -> _Line:
    if one.base > 1 and not divided:
        used = (one.out - 1) * one.stride + (one.k - 1) * one.spread + 1
        phase = Phase(0, 1, one.out, 0, 1, one.k, 0, one.stride, one.spread)
        return _Line([phase], one.low, one.base, used, False)
    found = phases(one)
    seen = [phase for phase in found if phase.k] or [found[0]._replace(k=1, first=0, out=1)]
    first, last = min([phase.first for phase in seen]), max([phase.last for phase in seen])
    return _Line(found, -first, 1, last - first + 1, first >= 0 and last < one.n)


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
        divided: bool,
    ) -> None:
        self.x, self.w = x, w
        self.lhs, self.rhs, self.out = specs
        self.lines = [_line(one, divided) for one in along]
        self.feature_groups, self.batch_groups = feature_groups, batch_groups
        self.groups = feature_groups * batch_groups
        shape = [0] * x.ndim
        shape[self.out[0]] = x.shape[self.lhs[0]] // batch_groups
        shape[self.out[1]] = w.shape[self.rhs[0]]
        for axis, one in zip(self.out[2:], along, strict=True):
            shape[axis] = one.out
        self.results = row_major(tuple(shape))
        self.phases = list(itertools.product(*[line.phases for line in self.lines]))
        self.seeing = [some for some in self.phases if all(phase.k for phase in some)]

    def axes(self, some: Sequence[Phase], x_strides: Ints, w_strides: Ints) -> list[Axis]:
        """Groups, batch, out features, places; then in features and the window."""
        lhs, rhs, out, results = self.lhs, self.rhs, self.out, self.results
        made = self.w.shape[rhs[0]] // self.groups
        seen = self.w.shape[rhs[1]]
        batch = self.x.shape[lhs[0]] // self.batch_groups
        group_x = seen * x_strides[lhs[1]] if self.feature_groups > 1 else batch * x_strides[lhs[0]]
        found = [
            Axis(self.groups, group_x, made * w_strides[rhs[0]], made * results[out[1]]),
            Axis(batch, x_strides[lhs[0]], 0, results[out[0]]),
            Axis(made, 0, w_strides[rhs[0]], results[out[1]]),
        ]
        for a, b, one in zip(lhs[2:], out[2:], some, strict=True):
            found.append(Axis(one.out, x_strides[a] * one.stride, 0, results[b] * one.out_step))
        found.append(Axis(seen, x_strides[lhs[1]], w_strides[rhs[1]], 0))
        for a, b, one in zip(lhs[2:], rhs[2:], some, strict=True):
            found.append(Axis(one.k, x_strides[a] * one.spread, w_strides[b] * one.w_step, 0))
        return found

    def starts(
        self, some: Sequence[Phase], x: Copied | None, x_strides: Ints, w_strides: Ints
    ) -> tuple[int, int, int]:
        """The first elements of x (or its copy), w and the result that a phase touches."""
        of_x = of_w = of_out = 0
        for a, b, c, one, line in zip(
            self.lhs[2:], self.rhs[2:], self.out[2:], some, self.lines, strict=True
        ):
            shift = line.low if x and line.base == 1 else 0
            of_x += (one.first + shift) * x_strides[a]
            of_w += one.w_first * w_strides[b]
            of_out += one.out_first * self.results[c]
        return of_x, of_w, of_out

    def lanes(self) -> list[int]:
        """The out axes along which lanes may lie: those as long as a vector, or the longest."""
        if not self.seeing:
            return [-1]
        strides = (1,) * self.x.ndim
        axes = self.axes(self.seeing[0], strides, strides)[: 3 + len(self.lines)]
        lengths = [axis.length for axis in axes]
        long = min(max(lengths), vector_width(self.x.dtype))
        return [a for a, n in enumerate(lengths) if n >= long] if long > 1 else [-1]

    def candidates(self, lane: int) -> list[Convolution]:
        """Plans with the lanes along out axis `lane` (-1: none): of x as it lies, and of a copy in
        which the lanes are neighbours; of w as it lies and in panels."""
        x_axis = self._physical(lane)
        xs = [self._copy_of_x(None)]
        if x_axis is not None and _last_long(self.x.shape) != x_axis:
            xs.append(self._copy_of_x(x_axis))
        w_strides = row_major(self.w.shape)
        found: list[Convolution] = []
        for x in xs:
            x_strides = x.strides if x else row_major(self.x.shape)
            for panels in (False, True):
                parts: list[Part] = []
                cycles = x.cycles if x else 0.0
                for some in self.seeing:
                    axes = self.axes(some, x_strides, w_strides)
                    starts = self.starts(some, x, x_strides, w_strides)
                    part = self._part(axes, lane, starts, panels)
                    copy = COPY_CYCLES if lane >= 0 and axes[lane].w == 1 else REORDER_CYCLES
                    cycles += part.nest.cycles + copy * part.panels
                    parts.append(part)
                cleared = len(self.seeing) < len(self.phases)
                found.append(Convolution(x, tuple(parts), cleared, cycles))
        return found

    def _part(
        self, axes: list[Axis], lane: int, starts: tuple[int, int, int], panels: bool
    ) -> Part:
        long = [axis for axis in axes if axis.length > 1]
        if lane < 0 or axes[lane].length == 1:
            return Part(plan_nest(long, self.x.dtype, -1), starts, 0)
        place = sum([axis.length > 1 for axis in axes[:lane]])
        panels = panels and axes[lane].w > 0
        nest = plan_nest(long, self.x.dtype, place, panels=panels)
        return Part(nest, starts, in_panels(nest)[1] if panels else 0)

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
        for axis, line in zip(self.lhs[2:], self.lines, strict=True):
            shape[axis], low[axis], base[axis] = line.length, line.low, line.base
        whole = all(line.whole for line in self.lines)
        if whole and last is None:
            return None
        order = list(range(self.x.ndim))
        if last is not None:
            order.remove(last)
            order.append(last)
        return Copied(tuple(shape), tuple(low), tuple(base), tuple(order))


def row_major(shape: Shape) -> Ints:
    """Strides of a C-contiguous array, in elements."""
    return tuple(math.prod(shape[a + 1 :]) for a in range(len(shape)))


def _last_long(shape: Shape) -> int:
    """The last axis with more than one element."""
    return max([a for a, n in enumerate(shape) if n > 1], default=0)
