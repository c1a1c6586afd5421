"""Plans of convolutions: nests of sums of products over the operands where they lie, or copies."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from ..types import ArrayType, DType, Shape
from .nests import Axis, Nest, in_panels, panel_sums, plan_nest
from .sliding import Ints, Padding, Phase, Sliding, phases, slidings
from .strided_copy import CopyAxis, turned
from .vector_loops import vector_width

COPY_CYCLES = 1.0
"""Cycles that it takes to copy an element."""

TURN_CYCLES = 1.5
"""The same, to another order by transposing blocks."""

REORDER_CYCLES = 6.0
"""The same, to another order element by element."""

CROWDED = 256
"""Elements whose multiples are no good distances: lines of the cache meet in one set."""

GAP = 16
"""Elements that are left free then."""

LEAST = 1.1
"""Cycles that the best of tiles take, by those of their products alone."""

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
        """Elements between neighbours along each axis. Neither rows of places nor what lies beyond
        begin where few sets of the cache would hold them."""
        strides = [0] * len(self.shape)
        step = 1
        for number, axis in enumerate(reversed(self.order)):
            if number > 1 and step % CROWDED == 0:
                step += GAP
            strides[axis] = step
            step *= self.shape[axis]
        return tuple(strides)

    @property
    def size(self) -> int:
        first = self.order[0]
        return self.strides[first] * self.shape[first]

    @property
    def ascending(self) -> bool:
        """Whether the axes are in the operand's order."""
        return list(self.order) == sorted(self.order)

    def cycles(self, dtype: DType) -> float:
        """Estimated time to make it, or to copy as much back."""
        if self.ascending:
            return self.size * COPY_CYCLES
        strides = row_major(self.shape)
        axes = [CopyAxis(self.shape[a], strides[a], self.strides[a]) for a in self.order]
        return self.size * (TURN_CYCLES if turned(axes, dtype) else REORDER_CYCLES)


class Part(NamedTuple):
    """The nest of some of the windows, and the elements at which it starts in x, w and the result.
    Panels of w, if it has such, take `panels` elements."""

    nest: Nest
    starts: tuple[int, int, int]
    panels: int


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution made concrete: the copy of x, if one is read, a nest for each phase, and the
    order in which they write the result, if it is copied from there."""

    x: Copied | None
    out: Copied | None
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
        for choice in geometry.choices():
            if best is None or geometry.least(choice) < best.cycles:
                candidate = geometry.plan(choice)
                best = candidate if best is None or candidate.cycles < best.cycles else best
    return best


class _Choice(NamedTuple):
    """The out axis along which lanes lie (-1: none), the copy of x, the order in which the result
    is written, and whether w is in panels."""

    lane: int
    x: Copied | None
    out: Copied | None
    panels: bool


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
        self.shape = tuple(shape)
        self.phases = list(itertools.product(*[line.phases for line in self.lines]))
        self.seeing = [some for some in self.phases if all(phase.k for phase in some)]

    def axes(
        self, some: Sequence[Phase], x_strides: Ints, w_strides: Ints, results: Ints
    ) -> list[Axis]:
        """Groups, batch, out features, places; then in features and the window."""
        lhs, rhs, out = self.lhs, self.rhs, self.out
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
        self,
        some: Sequence[Phase],
        x: Copied | None,
        x_strides: Ints,
        w_strides: Ints,
        results: Ints,
    ) -> tuple[int, int, int]:
        """The first elements of x (or its copy), w and the result that a phase touches."""
        of_x = of_w = of_out = 0
        for a, b, c, one, line in zip(
            self.lhs[2:], self.rhs[2:], self.out[2:], some, self.lines, strict=True
        ):
            shift = line.low if x and line.base == 1 else 0
            of_x += (one.first + shift) * x_strides[a]
            of_w += one.w_first * w_strides[b]
            of_out += one.out_first * results[c]
        return of_x, of_w, of_out

    def lanes(self) -> list[int]:
        """The out axes along which lanes may lie: those as long as a vector, or the longest."""
        if not self.seeing:
            return [-1]
        strides = (1,) * self.x.ndim
        axes = self.axes(self.seeing[0], strides, strides, strides)[: 3 + len(self.lines)]
        lengths = [axis.length for axis in axes]
        long = min(max(lengths), vector_width(self.x.dtype))
        return [a for a, n in enumerate(lengths) if n >= long] if long > 1 else [-1]

    def choices(self) -> Iterator[_Choice]:
        """For lanes along each axis: x, in a copy if the lanes are no neighbours in it; the result
        as it will lie, and in an order in which they are; w as it lies and in panels."""
        for lane in self.lanes():
            x_axis, out_axis = self._physical(lane), self._result_axis(lane)
            turned = x_axis is not None and _last_long(self.x.shape) != x_axis
            x = self._copy_of_x(x_axis if turned else None)
            outs: list[Copied | None] = [None]
            if out_axis is not None and _last_long(self.shape) != out_axis:
                outs.append(_reordered(self.shape, out_axis))
            # Panels are for lanes that move w: groups, and out features.
            for out, panels in itertools.product(
                outs, (False, True) if lane in (0, 2) else (False,)
            ):
                yield _Choice(lane, x, out, panels)

    def least(self, choice: _Choice) -> float:
        """A bound of the cycles of a choice: those of its copies, and of the products."""
        products = 0
        strides = (1,) * self.x.ndim
        for some in self.seeing:
            axes = self.axes(some, strides, strides, strides)
            products += math.prod([axis.length for axis in axes])
        return self._copies(choice) + LEAST * products / (2 * vector_width(self.x.dtype))

    def _copies(self, choice: _Choice) -> float:
        return sum([copy.cycles(self.x.dtype) for copy in (choice.x, choice.out) if copy])

    def plan(self, choice: _Choice) -> Convolution:
        """The convolution as chosen."""
        lane, x, out, panels = choice
        x_strides = x.strides if x else row_major(self.x.shape)
        w_strides, results = row_major(self.w.shape), out.strides if out else row_major(self.shape)
        parts: list[Part] = []
        cycles = self._copies(choice)
        for some in self.seeing:
            axes = self.axes(some, x_strides, w_strides, results)
            starts = self.starts(some, x, x_strides, w_strides, results)
            part = self._part(axes, lane, starts, panels)
            cycles += part.nest.cycles + _panel_cycles(part, self.x.dtype)
            parts.append(part)
        return Convolution(x, out, tuple(parts), len(self.seeing) < len(self.phases), cycles)

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

    def _result_axis(self, lane: int) -> int | None:
        """The axis of the result that an out axis runs along; None if it is a part of one."""
        if lane == 1:
            return self.out[0]
        if lane > 2:
            return self.out[lane - 1]
        whole = self.groups == 1 if lane == 2 else self.shape[self.out[1]] == self.groups
        return self.out[1] if whole and lane >= 0 else None

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


def _panel_cycles(part: Part, dtype: DType) -> float:
    """Estimated time to copy w to panels."""
    nest = part.nest
    if nest.lane.w == 1:
        return part.panels * COPY_CYCLES
    lanes = nest.vectors * nest.width
    sums = zip(nest.sums, panel_sums(nest, lanes), strict=True)
    axes = [CopyAxis(axis.length, axis.w, moved.w) for axis, moved in sums]
    faster = turned([*axes, CopyAxis(lanes, nest.lane.w, 1)], dtype)
    return part.panels * (TURN_CYCLES if faster else REORDER_CYCLES)


def _reordered(shape: Shape, last: int) -> Copied:
    """All of an array of `shape`, with axis `last` last."""
    order = (*[a for a in range(len(shape)) if a != last], last)
    return Copied(shape, (0,) * len(shape), (1,) * len(shape), order)


def row_major(shape: Shape) -> Ints:
    """Strides of a C-contiguous array, in elements."""
    return tuple(math.prod(shape[a + 1 :]) for a in range(len(shape)))


def _last_long(shape: Shape) -> int:
    """The last axis with more than one element."""
    return max([a for a, n in enumerate(shape) if n > 1], default=0)
