"""Decisions that are known from the range of a counter.

    ranges : (a -> b)  to  (a -> b)   with what comparisons of integers always say

A counter goes from its start by known steps, as often as its loop runs or while it is below a
bound. So 0 <= i where a body indexes with i, and what would be done with a negative index goes; so
do bounds that are always kept. Integers only, and nothing is said of what may wrap (`intervals`).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..counters import step_of
from ..graph import Builder, Equation, Graph, Value, building
from ..op import OPS
from .intervals import Interval, hull, result, whole

Intervals = list["Interval | None"]
DECIDED = frozenset({"eq", "ge", "gt", "le", "lt", "ne"})


def ranges(graph: Graph) -> Graph:
    """`graph` with the comparisons, selections and bounds that are always the same way decided."""
    if not any(eq.regions for eq in graph.equations):
        return graph
    return _Rewriter(graph, [whole(v.dtype) for v in graph.inputs]).graph()


class _Rewriter:
    """One graph, for inputs in given intervals."""

    def __init__(self, graph: Graph, inputs: Sequence[Interval | None]) -> None:
        self.old = graph
        self.builder = Builder(graph.name)
        self.builder.inputs = list(graph.inputs)
        self.env: dict[Value, Value] = {v: v for v in graph.inputs}
        self.interval: dict[Value, Interval | None] = dict(zip(graph.inputs, inputs, strict=True))
        """Of values of the old graph."""
        self.changed = False

    def graph(self) -> Graph:
        """The graph rewritten; itself if nothing was decided."""
        with building(self.builder):
            for eq in self.old.equations:
                self.builder.source = eq.source
                self._equation(eq)
        if not self.changed:
            return self.old
        return self.builder.build([self.env[v] for v in self.old.outputs])

    def outputs(self) -> Intervals:
        """The intervals of the outputs, once the graph has been made."""
        return [self.interval[v] for v in self.old.outputs]

    def _equation(self, eq: Equation) -> None:
        if eq.regions and eq.op.expand is None:
            self._structured(eq)
            return
        of = [self.interval[v] for v in eq.operands]
        if len(eq.outputs) == 1:
            (out,) = eq.outputs
            self.interval[out] = result(eq, of)
            decided = self._decided(eq, of)
            if decided is not None:
                self.changed = True
                self.env[out] = decided
                return
        else:
            self.interval.update({v: whole(v.dtype) for v in eq.outputs})
        self._keep(eq, eq.regions)

    def _keep(self, eq: Equation, regions: tuple[Graph, ...]) -> None:
        operands = tuple([self.env[v] for v in eq.operands])
        kept = Equation(eq.op, operands, eq.params, eq.outputs, regions, eq.source)
        self.builder.equations.append(kept)
        self.env.update({v: v for v in eq.outputs})

    def _decided(self, eq: Equation, of: Sequence[Interval | None]) -> Value | None:
        """What the result always is, if it is a number or an operand."""
        (out,) = eq.outputs
        if eq.op.name in DECIDED:
            found = self.interval[out]
            if found is not None and found[0] == found[1]:
                return OPS["full"](value=bool(found[0]), shape=out.shape, dtype=out.dtype)
        if eq.op.name == "select" and of[0] is not None and of[0][0] == of[0][1]:
            chosen = 1 if of[0][0] else 2
            self.interval[out] = of[chosen]
            return self.env[eq.operands[chosen]]
        if eq.op.name in ("min", "max") and of[0] is not None and of[1] is not None:
            (a, b), (c, d) = of[0], of[1]
            less = 0 if b <= c else 1 if d <= a else None
            if less is not None:
                return self.env[eq.operands[less if eq.op.name == "min" else 1 - less]]
        return None

    # Loops and branches

    def _structured(self, eq: Equation) -> None:
        of = [self.interval[v] for v in eq.operands]
        name = eq.op.name
        if name == "scan":
            inputs = [self._scan_inputs(eq, of)]
        elif name == "while_loop":
            inputs = self._while_inputs(eq, of)
        elif name == "branch":
            inputs = [list(of[1:]) for _ in eq.regions]
        else:
            inputs = [[whole(v.dtype) for v in region.inputs] for region in eq.regions]
        inside = [_Rewriter(r, given) for r, given in zip(eq.regions, inputs, strict=True)]
        regions = tuple([rewriter.graph() for rewriter in inside])
        self.changed = self.changed or any(
            [new is not old for new, old in zip(regions, eq.regions, strict=True)]
        )
        self.interval.update({v: whole(v.dtype) for v in eq.outputs})
        outputs = [rewriter.outputs() for rewriter in inside]
        if name == "branch":
            for value, *options in zip(eq.outputs, *outputs, strict=True):
                known = [option for option in options if option is not None]
                self.interval[value] = hull(*known) if known else None
        elif name == "scan" and eq.params["length"]:
            carries = eq.params["carries"]
            self.interval.update(zip(eq.outputs[carries:], outputs[0][carries:], strict=True))
        self._keep(eq, regions)

    def _scan_inputs(self, eq: Equation, of: Sequence[Interval | None]) -> Intervals:
        """Intervals of the inputs of a scan's body: constants and rows as they are, counters from
        their start on, what stays as it is."""
        (body,) = eq.regions
        consts, carries = eq.params["consts"], eq.params["carries"]
        inputs = list(of)
        for k in range(consts, consts + carries):
            step = step_of(body, consts, k)
            start = of[k]
            if step is not None and start is not None:
                length = max(eq.params["length"], 1)
                low = start[0] + min(0, step * (length - 1))
                high = start[1] + max(0, step * (length - 1))
                inputs[k] = _if_fits((low, high), body.inputs[k])
            else:
                inputs[k] = whole(body.inputs[k].dtype)
        return inputs

    def _while_inputs(self, eq: Equation, of: Sequence[Interval | None]) -> list[Intervals]:
        """Intervals of the inputs of the condition and the sweeps: counters that go up are above
        their start, and below a bound that the condition compares them with where it holds."""
        condition, first, *others = eq.regions
        consts = eq.params["consts"]
        given: Intervals = [*of[:consts], *[whole(v.dtype) for v in condition.inputs[consts:]]]
        inside = list(given)
        for k in range(consts, len(condition.inputs)):
            value, start = condition.inputs[k], of[k]
            step, every = step_of(first, consts, k), whole(value.dtype)
            if step is None or start is None or every is None or step < 0:
                continue
            high = _bound(condition, value, given)
            if step == 0:
                inside[k] = given[k] = start
            elif high is not None and high + step <= every[1]:
                inside[k] = (start[0], max(high, start[0]))
                given[k] = (start[0], max(high + step, start[1]))
        rest = [
            [*of[:consts], *[whole(v.dtype) for v in region.inputs[consts:]]] for region in others
        ]
        return [given, inside, *rest]


def _bound(condition: Graph, value: Value, inputs: Intervals) -> int | None:
    """The greatest that `value` can be where the condition holds."""
    made_by = {v: eq for eq in condition.equations for v in eq.outputs}
    interval = dict(zip(condition.inputs, inputs, strict=True))
    for eq in condition.equations:
        if len(eq.outputs) == 1 and not eq.regions:
            interval[eq.outputs[0]] = result(eq, [interval.get(v) for v in eq.operands])
    found: int | None = None
    pending = list(condition.outputs)
    while pending:
        eq = made_by.get(pending.pop())
        if eq is None:
            continue
        if eq.op.name == "bitwise_and":
            pending += eq.operands
        elif eq.op.name in ("lt", "le", "gt", "ge"):
            less, more = eq.operands if eq.op.name in ("lt", "le") else eq.operands[::-1]
            limit = interval.get(more)
            if less is value and limit is not None:
                high = limit[1] - (eq.op.name in ("lt", "gt"))
                found = high if found is None else min(found, high)
    return found


def _if_fits(interval: Interval, value: Value) -> Interval | None:
    every = whole(value.dtype)
    fits = every is not None and every[0] <= interval[0] and interval[1] <= every[1]
    return interval if fits else every
