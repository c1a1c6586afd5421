"""Bodies of loops over small tensors as straight-line code on scalars.

Every element of every value is a node of one kernel without loops, so that native code keeps the
carry of the loop in registers. Elements of the carry are read at known places only: where an index
is computed at run time, the element is selected among all. Products, scatters, running folds and
cheap branches are taken apart too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from ..graph import Builder, Equation, Graph, Value, building
from ..op import (
    OPS,
    ArgReduction,
    Cumulative,
    Elementwise,
    Pull,
    Reduction,
    Structured,
)
from ..types import BOOL, Shape
from . import index as ix
from .balance import balanced
from .pruning import pruned
from .steps import Apply, Kernel, Plan, Store
from .tracing import At, Element, Tracer
from .verify import verify

if TYPE_CHECKING:
    from .planner import Planner

SMALL = 36
"""Elements of a value, at most."""
MOST_NODES = 6000
"""Nodes of a body, at most: LLVM takes some 10 us for each."""
BRANCH_WORK = 60
"""Operations of all the branches together up to which all are run, and one result selected."""
DEAR = 10
"""Operations that a transcendental function counts as."""


class _NotStraightError(Exception):
    """The body has a value that is too large, or an op that is not taken apart."""


def straight_plan(planner: Planner, region: Graph, consts: int, carries: int) -> Plan | None:
    """The plan of a loop's body, whose inputs are constants, carry and rows, as one kernel without
    loops; None if it does not fit. `planner` is that of the plan around it."""
    carry = region.inputs[consts : consts + carries]
    if any(v.type.size > SMALL for v in (*carry, *region.outputs)):
        return None
    try:
        region = _without_branches(region)
        return _StraightPlanner(planner, region, carry).plan()
    except _NotStraightError:
        return None


class _StraightPlanner:
    def __init__(self, planner: Planner, region: Graph, carry: Sequence[Value]) -> None:
        self.planner = planner.sub_planner(region)
        self.region = region
        self.carry = carry
        self.buffers: dict[Value, int] = {}
        self.carried = _depending(region, carry)

    def plan(self) -> Plan:
        region, planner = self.region, self.planner
        for position, value in enumerate(region.inputs):
            self.buffers[value] = planner.new_buffer(value.type, "input", position)
        outputs = [
            planner.new_buffer(value.type, "output", position)
            for position, value in enumerate(region.outputs)
        ]
        producers = {v: eq for eq in region.equations for v in eq.outputs}
        tracer = _Tracer(producers, self.buffers.get, planner.intern, self.carried)
        needed = _needed(region)
        for eq in region.equations:
            for value in eq.outputs:
                if value in needed:
                    self._trace(tracer, eq, value)
        stores: list[Store] = []
        for value, buffer in zip(region.outputs, outputs, strict=True):
            for offset, at in enumerate(_indices(value.shape)):
                stores.append(Store(buffer, offset, tracer.element(value, at).node))
        kernel = pruned((), tracer.nodes, stores, (), region.equations)
        _check_size(kernel)
        carried = {self.buffers[v] for v in self.carry}
        kernel = balanced(kernel, carried.__contains__)
        plan = Plan(
            region.name,
            tuple(planner.buffers),
            (kernel,),
            (),
            0,
            region.input_types,
            region.output_types,
            straight=True,
        )
        verify(plan)
        return plan

    def _trace(self, tracer: _Tracer, eq: Equation, value: Value) -> None:
        """Trace a value now, in program order, so that recursion stays shallow."""
        if isinstance(eq.op.lower, Structured) or not _taken_apart(eq):
            raise _NotStraightError
        if value.type.size > SMALL:
            if not isinstance(eq.op.lower, Pull):
                raise _NotStraightError
            return  # a view: expanded where it is read
        for at in _indices(value.shape):
            tracer.element(value, at)
        if len(tracer.nodes) > MOST_NODES:
            raise _NotStraightError


def _check_size(kernel: Kernel) -> None:
    if len(kernel.nodes) > MOST_NODES:
        raise _NotStraightError


def _indices(shape: Shape) -> Iterator[At]:
    return product(*map(range, shape))


def _needed(region: Graph) -> set[Value]:
    needed: set[Value] = set(region.outputs)
    for eq in reversed(region.equations):
        if not needed.isdisjoint(eq.outputs):
            needed.update(eq.operands)
    return needed


def _depending(region: Graph, carry: Sequence[Value]) -> set[Value]:
    """Values that depend on the carry."""
    found: set[Value] = set(carry)
    for eq in region.equations:
        if not found.isdisjoint(eq.operands):
            found.update(eq.outputs)
    return found


def _taken_apart(eq: Equation) -> bool:
    lower = eq.op.lower
    if isinstance(lower, (Elementwise, Pull, Reduction, ArgReduction, Cumulative)):
        return True
    return eq.op.name in _APART


class _Tracer(Tracer):
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
        value is in registers."""
        if value in self.carried and not all(isinstance(p, int) for p in at):
            if value.type.size <= SMALL:
                return self._selected(value, at)
            if not isinstance(self.producers[value].op.lower, Pull):
                raise _NotStraightError
        return super().element(value, at)

    def _selected(self, value: Value, at: At) -> Element:
        chosen: Element | None = None
        for index in _indices(value.shape):
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
            raise _NotStraightError
        return chosen

    def _trace(self, value: Value, at: At) -> Element:
        eq = self.producers.get(value)
        if self.locate(value) is None and eq is not None:
            lower = eq.op.lower
            if isinstance(lower, Cumulative):
                return self._running(eq, lower.combine, at)
            if isinstance(lower, ArgReduction):
                return self._best(eq, lower, at)
            if eq.op.name in _APART:
                return _APART[eq.op.name](self, eq, at)
        return super()._trace(value, at)

    def apply(self, name: str, *operands: Element, emit: Any = None) -> Element:
        """An elementwise op, by name, or a rule on lanes."""
        if emit is None:
            lower = OPS[name].lower
            assert isinstance(lower, Elementwise)
            emit = lower.emit
        dtype = operands[-1].dtype
        return self.add(Apply(dtype, name, emit, tuple([x.node for x in operands])))

    def _running(self, eq: Equation, combine: Any, at: At) -> Element:
        (x,) = eq.operands
        before = _before(eq, at)
        element = self.element(x, at)
        if before is None:
            return element
        held = self.element(eq.outputs[0], before)
        return self.apply(f"{eq.op.name}.combine", held, element, emit=combine)

    def _best(self, eq: Equation, lower: ArgReduction, at: At) -> Element:
        (x,) = eq.operands
        axis, dtype = eq.params["axis"], eq.outputs[0].dtype
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
    axis = eq.params["axis"]
    i = at[axis]
    assert isinstance(i, int)
    i += 1 if eq.params["reverse"] else -1
    if not 0 <= i < eq.outputs[0].shape[axis]:
        return None
    return (*at[:axis], i, *at[axis + 1 :])


def _recurrence(tracer: _Tracer, eq: Equation, at: At) -> Element:
    """y[i] = a[i] y[i-1] + b[i]."""
    a, b = eq.operands
    before = _before(eq, at)
    term = tracer.element(b, at)
    if before is None:
        return term
    held = tracer.element(eq.outputs[0], before)
    return tracer.apply("add", tracer.apply("mul", tracer.element(a, at), held), term)


def _dot(tracer: _Tracer, eq: Equation, at: At) -> Element:
    """A sum of products, in order."""
    x, y = eq.operands
    (x_sum, y_sum), (x_batch, y_batch) = eq.params["contract"], eq.params["batch"]
    x_free = [a for a in range(x.ndim) if a not in x_sum and a not in x_batch]
    y_free = [a for a in range(y.ndim) if a not in y_sum and a not in y_batch]
    x_at: dict[int, Any] = dict(zip(x_batch, at, strict=False))
    y_at: dict[int, Any] = dict(zip(y_batch, at, strict=False))
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


def _scatter(combine: str | None) -> Callable[[_Tracer, Equation, At], Element]:
    def element(tracer: _Tracer, eq: Equation, at: At) -> Element:
        x, updates, *starts = eq.operands
        axes, batch = eq.params["axes"], eq.params["batch"]
        result = tracer.element(x, at)
        points = starts[0].shape
        sizes = [updates.shape[len(points) + a - batch] for a in axes]
        lanes = [(i,) for i in at[:batch]]
        rest = [range(n) for n in points[batch:]]
        for point in product(*lanes, *rest):
            begins = [_begin(tracer, s, point, eq, a) for s, a in zip(starts, axes, strict=True)]
            fixed = {a: at[a] for a in range(batch, x.ndim) if a not in axes}
            result = _placed(
                tracer, result, updates, (point, axes, sizes, begins, fixed), at, combine
            )
        return result

    return element


def _begin(tracer: _Tracer, start: Value, point: At, eq: Equation, axis: int) -> Any:
    """Where a window begins along an axis of x."""
    x, updates, *starts = eq.operands
    begin = tracer.map.index(tracer.element(start, point))
    if eq.params["mode"] == "drop":
        return begin
    size = updates.shape[starts[0].ndim + axis - eq.params["batch"]]
    return ix.clamp(begin, 0, max(x.shape[axis] - size, 0))


def _placed(
    tracer: _Tracer, held: Element, updates: Value, where: Any, at: At, combine: str | None
) -> Element:
    """The element at `at` after one window has been written."""
    point, axes, sizes, begins, fixed = where
    for offsets in product(*map(range, sizes)):
        flags: list[Any] = []
        for axis, begin, offset in zip(axes, begins, offsets, strict=True):
            place = at[axis] - offset
            flags.append(_equals(tracer, begin, place))
        here = tracer.map.all(*flags)
        if here is False:
            continue
        inside = dict(zip(axes, offsets, strict=True)) | fixed
        update = tracer.element(updates, (*point, *[inside[a] for a in sorted(inside)]))
        new = update if combine is None else tracer.apply(combine, held, update)
        held = new if here is True else tracer.call("select", new.dtype, here, new, held)
    return held


def _equals(tracer: _Tracer, begin: ix.Position, place: ix.Position) -> Any:
    """Whether two places are one; either may be known only when the program runs."""
    if isinstance(place, int):
        return tracer.map.inside(begin, place, place + 1)
    return tracer.map.inside(begin - place, 0, 1)


def _update(tracer: _Tracer, eq: Equation, at: At) -> Element:
    """dynamic_update_slice: a scatter of one window, which has all axes."""
    x, update, *starts = eq.operands
    begins = [
        ix.clamp(tracer.map.index(tracer.element(s, ())), 0, n - size)
        for s, n, size in zip(starts, x.shape, update.shape, strict=True)
    ]
    where = ((), tuple(range(x.ndim)), update.shape, begins, {})
    return _placed(tracer, tracer.element(x, at), update, where, at, None)


_APART: dict[str, Callable[[_Tracer, Equation, At], Element]] = {
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


def _work(region: Graph) -> float:
    total = 0.0
    for eq in region.equations:
        lower = eq.op.lower
        if eq.regions:
            inner = [_work(r) for r in eq.regions] if eq.op.name == "branch" else [float("inf")]
            total += sum(inner)
        elif isinstance(lower, Elementwise):
            total += eq.outputs[0].type.size * (DEAR if lower.dear else 1)
        elif isinstance(lower, (Reduction, ArgReduction, Cumulative)):
            total += eq.operands[0].type.size
        elif not isinstance(lower, Pull):
            total += DEAR * max(v.type.size for v in (*eq.operands, *eq.outputs))
    return total


def _without_branches(region: Graph) -> Graph:
    """`region` with its branches run all, and results selected. Nothing traps, and every read is in
    bounds, so that a branch not chosen does no harm."""
    if not any(eq.op.name == "branch" for eq in region.equations):
        return region
    builder = Builder(region.name)
    builder.inputs = list(region.inputs)
    env: dict[Value, Value] = {v: v for v in region.inputs}
    with building(builder):
        for eq in region.equations:
            operands = tuple([env[v] for v in eq.operands])
            if eq.op.name != "branch":
                outs = builder.replay(eq, operands)
            elif sum(map(_work, eq.regions)) > BRANCH_WORK:
                raise _NotStraightError
            else:
                outs = _all_run(builder, eq, operands)
            env.update(zip(eq.outputs, outs, strict=True))
    return builder.build([env[v] for v in region.outputs])


def _all_run(builder: Builder, eq: Equation, operands: Sequence[Value]) -> list[Value]:
    index, *arguments = operands
    regions = [_without_branches(region) for region in eq.regions]
    results = list(builder.inline(regions[-1], arguments))
    for number in reversed(range(len(regions) - 1)):
        chosen = OPS["le"](index, number)
        for k, here in enumerate(builder.inline(regions[number], arguments)):
            keep = OPS["broadcast"](chosen, shape=here.shape, dims=())
            results[k] = OPS["select"](keep, here, results[k])
    return results
