"""Elements of values at known places: how straight-line code reads a carry, and takes ops on whole
arrays apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from ..graph import Equation, Value
from ..lowering import ArgReduction, Cumulative, Elementwise, Pull, Reduction, Rule
from ..op import OPS
from ..types import BOOL, Shape
from . import index as ix
from .index import Position
from .steps import Apply
from .tracing import At, Element, Flag, Tracer

SMALL = 36
"""Elements of a value, at most."""


class NotStraightError(Exception):
    """The body has a value that is too large, or an op that is not taken apart."""


def indices(shape: Shape) -> Iterator[tuple[int, ...]]:
    """All indices of an array, in C order."""
    return product(*map(range, shape))


class ElementTracer(Tracer):
    """A tracer of elements at known places."""

    def __init__(
        self,
        producers: dict[Value, Equation],
        locate: Callable[[Value], int | None],
        intern: Any,
        carried: set[Value],
    ) -> None:
        super().__init__(producers, locate, intern)
        self.carried = carried

    def element(self, value: Value, at: At) -> Element:
        """The element of `value` at an index; selected among all where that is computed and the
        value is in registers, or is not computed element by element."""
        if all(isinstance(p, int) for p in at):
            return super().element(value, at)
        lower = None if self.locate(value) is not None else self.producers[value].op.lower
        direct = lower is None or isinstance(lower, (Elementwise, Pull, Reduction))
        if value not in self.carried and direct:
            return super().element(value, at)
        if value.type.size <= SMALL:
            return self._selected(value, at)
        if not isinstance(lower, Pull):
            raise NotStraightError
        return super().element(value, at)

    def _selected(self, value: Value, at: At) -> Element:
        chosen: Element | None = None
        for index in indices(value.shape):
            flags = [self.map.inside(p, i, i + 1) for p, i in zip(at, index, strict=True)]
            here = self.map.all(*flags)
            if here is False:
                continue
            element = super().element(value, index)
            if chosen is None or here is True:
                chosen = element
            else:
                chosen = self.call("select", element.dtype, here, element, chosen)
        if chosen is None:
            raise NotStraightError
        return chosen

    def _trace(self, value: Value, at: At) -> Element:
        eq = self.producers.get(value)
        if self.locate(value) is None and eq is not None:
            lower = eq.op.lower
            if isinstance(lower, Cumulative):
                return self._running(eq, lower.combine, at)
            if isinstance(lower, ArgReduction):
                return self._best(eq, lower, at)
            if eq.op.name in APART:
                return APART[eq.op.name](self, eq, at)
        return super()._trace(value, at)

    def apply(self, name: str, *operands: Element, emit: Rule | None = None) -> Element:
        """An elementwise op, by name, or a rule on lanes."""
        if emit is None:
            lower = OPS[name].lower
            assert isinstance(lower, Elementwise)
            emit = lower.emit
        dtype = operands[-1].dtype
        return self.add(Apply(dtype, name, emit, tuple([x.node for x in operands])))

    def _running(self, eq: Equation, combine: Rule, at: At) -> Element:
        (x,) = eq.operands
        before = _before(eq, at)
        element = self.element(x, at)
        if before is None:
            return element
        held = self.element(eq.outputs[0], before)
        return self.apply(f"{eq.op.name}.combine", held, element, emit=combine)

    def _best(self, eq: Equation, lower: ArgReduction, at: At) -> Element:
        (x,) = eq.operands
        axis: int = eq.params["axis"]
        dtype = eq.outputs[0].dtype
        best: Element | None = None
        number = self.constant(dtype, 0)
        for i in range(x.shape[axis]):
            element = self.element(x, (*at[:axis], i, *at[axis:]))
            if best is None:
                best = element
                continue
            wins = self.add(
                Apply(BOOL, f"{eq.op.name}.better", lower.better, (best.node, element.node))
            )
            best = self.call("select", best.dtype, wins, element, best)
            number = self.call("select", dtype, wins, self.constant(dtype, i), number)
        return number


def _before(eq: Equation, at: At) -> At | None:
    """The index of the element that a running fold comes from; None at its start."""
    axis: int = eq.params["axis"]
    place = at[axis]
    assert isinstance(place, int)
    i = place + (1 if eq.params["reverse"] else -1)
    if not 0 <= i < eq.outputs[0].shape[axis]:
        return None
    return (*at[:axis], i, *at[axis + 1 :])


def _recurrence(tracer: ElementTracer, eq: Equation, at: At) -> Element:
    """y[i] = a[i] y[i-1] + b[i]."""
    a, b = eq.operands
    before = _before(eq, at)
    term = tracer.element(b, at)
    if before is None:
        return term
    held = tracer.element(eq.outputs[0], before)
    return tracer.apply("add", tracer.apply("mul", tracer.element(a, at), held), term)


def _dot(tracer: ElementTracer, eq: Equation, at: At) -> Element:
    """A sum of products, in order."""
    x, y = eq.operands
    summed: tuple[tuple[int, ...], tuple[int, ...]] = eq.params["contract"]
    shared: tuple[tuple[int, ...], tuple[int, ...]] = eq.params["batch"]
    (x_sum, y_sum), (x_batch, y_batch) = summed, shared
    x_free = [a for a in range(x.ndim) if a not in x_sum and a not in x_batch]
    y_free = [a for a in range(y.ndim) if a not in y_sum and a not in y_batch]
    x_at: dict[int, Position] = dict(zip(x_batch, at, strict=False))
    y_at: dict[int, Position] = dict(zip(y_batch, at, strict=False))
    x_at.update(zip(x_free, at[len(x_batch) :], strict=False))
    y_at.update(zip(y_free, at[len(x_batch) + len(x_free) :], strict=True))
    total: Element | None = None
    for index in product(*[range(x.shape[a]) for a in x_sum]):
        x_at.update(zip(x_sum, index, strict=True))
        y_at.update(zip(y_sum, index, strict=True))
        term = tracer.apply(
            "mul",
            tracer.element(x, tuple([x_at[a] for a in range(x.ndim)])),
            tracer.element(y, tuple([y_at[a] for a in range(y.ndim)])),
        )
        total = term if total is None else tracer.apply("add", total, term)
    return tracer.constant(x.dtype, 0) if total is None else total


def _scatter(combine: str | None) -> Callable[[ElementTracer, Equation, At], Element]:
    def element(tracer: ElementTracer, eq: Equation, at: At) -> Element:
        x, updates, *starts = eq.operands
        axes: tuple[int, ...] = eq.params["axes"]
        batch: int = eq.params["batch"]
        result = tracer.element(x, at)
        points = starts[0].shape
        sizes = [updates.shape[len(points) + a - batch] for a in axes]
        for rest in product(*[range(n) for n in points[batch:]]):
            point: At = (*at[:batch], *rest)
            begins = [_begin(tracer, s, point, eq, a) for s, a in zip(starts, axes, strict=True)]
            fixed = {a: at[a] for a in range(batch, x.ndim) if a not in axes}
            window = _Window(point, axes, sizes, begins, fixed)
            result = _placed(tracer, result, updates, window, at, combine)
        return result

    return element


class _Window(NamedTuple):
    """One window that a scatter writes: where its update is, the axes of x it is placed along,
    their lengths and where it begins there, and its index along the other axes."""

    point: At
    axes: Sequence[int]
    sizes: Sequence[int]
    begins: Sequence[Position]
    fixed: dict[int, Position]


def _begin(tracer: ElementTracer, start: Value, point: At, eq: Equation, axis: int) -> Position:
    """Where a window begins along an axis of x."""
    x, updates, *starts = eq.operands
    begin = tracer.map.index(tracer.element(start, point))
    if eq.params["mode"] == "drop":
        return begin
    batch: int = eq.params["batch"]
    size = updates.shape[starts[0].ndim + axis - batch]
    return ix.clamp(begin, 0, max(x.shape[axis] - size, 0))


def _placed(
    tracer: ElementTracer,
    held: Element,
    updates: Value,
    window: _Window,
    at: At,
    combine: str | None,
) -> Element:
    """The element at `at` after one window has been written."""
    point, axes, sizes, begins, fixed = window
    for offsets in product(*[range(n) for n in sizes]):
        flags = [
            _equals(tracer, begin, at[axis] - offset)
            for axis, begin, offset in zip(axes, begins, offsets, strict=True)
        ]
        here = tracer.map.all(*flags)
        if here is False:
            continue
        inside: dict[int, Position] = {**dict(zip(axes, offsets, strict=True)), **fixed}
        update = tracer.element(updates, (*point, *[inside[a] for a in sorted(inside)]))
        new = update if combine is None else tracer.apply(combine, held, update)
        held = new if here is True else tracer.call("select", new.dtype, here, new, held)
    return held


def _equals(tracer: ElementTracer, begin: ix.Position, place: ix.Position) -> Flag:
    """Whether two places are one; either may be known only when the program runs."""
    if isinstance(place, int):
        return tracer.map.inside(begin, place, place + 1)
    return tracer.map.inside(begin - place, 0, 1)


def _update(tracer: ElementTracer, eq: Equation, at: At) -> Element:
    """dynamic_update_slice: a scatter of one window, which has all axes."""
    x, update, *starts = eq.operands
    begins = [
        ix.clamp(tracer.map.index(tracer.element(s, ())), 0, n - size)
        for s, n, size in zip(starts, x.shape, update.shape, strict=True)
    ]
    window = _Window((), range(x.ndim), update.shape, begins, {})
    return _placed(tracer, tracer.element(x, at), update, window, at, None)


APART: dict[str, Callable[[ElementTracer, Equation, At], Element]] = {
    "dot": _dot,
    "dynamic_update_slice": _update,
    "linear_recurrence": _recurrence,
    "scatter": _scatter(None),
    "scatter_add": _scatter("add"),
    "scatter_max": _scatter("max"),
    "scatter_min": _scatter("min"),
    "scatter_mul": _scatter("mul"),
}
"""Ops on whole arrays that are taken apart: `(tracer, equation, index) -> element`."""
