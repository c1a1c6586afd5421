"""What one step of a loop writes and the next ones read, in registers.

    forwarding : (a -> b)  to  (a -> b)

A loop that fills an array from what it wrote before,

    x[i] = f(x[i - 1], x[i - 2], ...)    for i = a ... b

waits at each step until what was written can be read again. Such elements are carried beside the
array: each step reads f's operands from the carry, and writes the array for what comes after the
loop. The places written and read must be known to be in bounds at every step, which the counter's
start, step and number of steps tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..graph import Builder, Equation, Graph, Value, building
from ..op import OPS
from ..types import INT64
from .ranges import step_of
from .regions import in_regions

MOST_DELAY = 4
"""Steps from a write to its read, at most."""
FAR = 1 << 30
"""Where counters and sums of counters and numbers are far from wrapping, in 32 bits too."""
MOST_ELEMENTS = 16
"""Elements of what a step writes, at most."""


def forwarding(graph: Graph) -> Graph:
    """`graph` with such elements carried from step to step, the inner loops first."""
    graph = in_regions(graph, forwarding)
    if not any(eq.op.name == "scan" for eq in graph.equations):
        return graph
    builder = Builder(graph.name)
    builder.inputs = list(graph.inputs)
    env: dict[Value, Value] = {v: v for v in graph.inputs}
    numbers: dict[Value, int] = {}
    changed = False
    with building(builder):
        for eq in graph.equations:
            operands = tuple([env[v] for v in eq.operands])
            builder.source = eq.source
            if eq.op.name == "full" and eq.outputs[0].dtype.kind in "iu":
                numbers[eq.outputs[0]] = int(eq.params["value"])
            outs = None
            if eq.op.name == "scan" and eq.params["length"] > 1:
                outs = _Loop(eq, [numbers.get(v) for v in eq.operands]).rewritten(operands)
            changed = changed or outs is not None
            outs = builder.replay(eq, operands) if outs is None else outs
            env.update(zip(eq.outputs, outs, strict=True))
    return builder.build([env[v] for v in graph.outputs]) if changed else graph


@dataclass(frozen=True, slots=True)
class _Place:
    """Where along an axis: the counter times `sign` (1 or -1), plus `offset`."""

    counter: int
    sign: int
    offset: int


@dataclass(frozen=True, slots=True)
class _Write:
    """What becomes of a carried array: `update` at `place`, replacing or (`adds`) added."""

    equation: Equation
    array: Value
    update: Value
    place: _Place
    adds: bool


class _Loop:
    """A scan. `starts` are those of its operands that are known numbers."""

    def __init__(self, eq: Equation, starts: Sequence[int | None]) -> None:
        self.eq = eq
        (self.body,) = eq.regions
        self.consts: int = eq.params["consts"]
        self.end = self.consts + eq.params["carries"]
        self.made_by = {v: inner for inner in self.body.equations for v in inner.outputs}
        self.counters: dict[Value, int] = {}
        self.start: dict[int, int] = {}
        self.step: dict[int, int] = {}
        for k in range(self.consts, self.end):
            start, step = starts[k], step_of(self.body, self.consts, k)
            value = self.body.inputs[k]
            if start is None or not step or value.shape != () or not _is_wide(value):
                continue
            if self._stays_small(start, step):
                self.counters[value] = k
                self.start[k], self.step[k] = start, step

    def _stays_small(self, start: int, step: int) -> bool:
        """Whether the counter, and what is a little off it, is far from where integers wrap."""
        return abs(start) + abs(step) * self.eq.params["length"] < FAR

    def place(self, value: Value) -> _Place | None:
        """A scalar as a place, if it is a counter and a number."""
        sign, offset = 1, 0
        while value not in self.counters:
            eq = self.made_by.get(value)
            if eq is None or not _is_wide(value):
                return None
            if eq.op.name == "convert":
                value = eq.operands[0]
                continue
            if eq.op.name not in ("add", "sub"):
                return None
            x, y = eq.operands
            left, right = self._number(x), self._number(y)
            number = left if right is None else right
            if number is None:
                return None
            value = x if left is None else y
            offset += sign * (-number if eq.op.name == "sub" and left is None else number)
            if abs(offset) >= FAR:
                return None
            if eq.op.name == "sub" and left is not None:
                sign = -sign
        return _Place(self.counters[value], sign, offset)

    def _number(self, value: Value) -> int | None:
        eq = self.made_by.get(value)
        if eq is None or eq.op.name != "full" or value.dtype.kind not in "iu":
            return None
        return int(eq.params["value"])

    def at(self, place: _Place, number: int) -> int:
        """A place at a step of this number, which may be before the first."""
        counter = self.start[place.counter] + number * self.step[place.counter]
        return place.sign * counter + place.offset

    def inside(self, place: _Place, length: int) -> bool:
        """Whether a place is on an axis of this length at every step."""
        first = self.at(place, 0)
        last = self.at(place, self.eq.params["length"] - 1)
        return min(first, last) >= 0 and max(first, last) < length

    def writes(self) -> list[_Write]:
        """The carried arrays of which each step writes one row, in bounds."""
        found: list[_Write] = []
        for k in range(self.consts, self.end):
            array, out = self.body.inputs[k], self.body.outputs[k - self.consts]
            eq = self.made_by.get(out)
            if eq is None or array.ndim == 0 or eq.operands[:1] != (array,):
                continue
            name = eq.op.name
            if name in ("scatter", "scatter_add"):
                one = eq.params["axes"] == (0,) and eq.params["batch"] == 0
                if not one or eq.operands[2].shape != ():
                    continue
            elif name != "dynamic_update_slice":
                continue
            _, update, start, *_ = eq.operands
            place = self.place(start)
            fits = update.shape == (1, *array.shape[1:]) and update.type.size <= MOST_ELEMENTS
            if fits and place is not None and self.inside(place, array.shape[0]):
                found.append(_Write(eq, array, update, place, name == "scatter_add"))
        return found

    def delays(self, write: _Write) -> dict[Equation, int]:
        """The reads of a row that was written some steps before, and how many."""
        found: dict[Equation, int] = {}
        row = (1, *write.array.shape[1:])
        for eq in self.body.equations:
            if eq.op.name != "dynamic_slice" or eq.operands[0] is not write.array:
                continue
            place = self.place(eq.operands[1])
            if place is None or eq.params["sizes"] != row:
                continue
            if (place.counter, place.sign) != (write.place.counter, write.place.sign):
                continue
            by_step = place.sign * self.step[place.counter]
            delay, rest = divmod(write.place.offset - place.offset, by_step)
            if rest == 0 and 0 < delay <= MOST_DELAY and self.inside(place, write.array.shape[0]):
                found[eq] = delay
        return found

    def rewritten(self, operands: Sequence[Value]) -> list[Value] | None:
        """Append the loop that carries what it wrote to the current builder: its results; None if
        nothing is carried."""
        carried = [(w, d) for w in self.writes() if (d := self.delays(w))]
        if not carried:
            return None
        builder = Builder(self.body.name)
        builder.inputs = list(self.body.inputs)
        held: dict[Value, Value] = {}
        inits: list[Value] = []
        rows: list[list[Value]] = []
        for write, delays in carried:
            most = max(delays.values())
            row = [Value(write.update.type) for _ in range(most)]
            rows.append(row)
            held.update({eq.outputs[0]: row[delay - 1] for eq, delay in delays.items()})
            start = operands[self.body.inputs.index(write.array)]
            inits += [self._before(write, start, j) for j in range(1, most + 1)]
        following: list[Value] = []
        added: dict[Equation, int] = {w.equation: k for k, (w, _) in enumerate(carried) if w.adds}
        updates = [write.update for write, _ in carried]
        env: dict[Value, Value] = {v: v for v in self.body.inputs}
        with building(builder):
            for eq in self.body.equations:
                if eq.outputs[0] in held:
                    env[eq.outputs[0]] = held[eq.outputs[0]]
                    continue
                builder.source = eq.source
                given = tuple([env[v] for v in eq.operands])
                if eq in added:
                    out, updates[added[eq]] = _replacing(eq, given)
                    env[eq.outputs[0]] = out
                else:
                    env.update(zip(eq.outputs, builder.replay(eq, given), strict=True))
            for (write, _), row, update in zip(carried, rows, updates, strict=True):
                following += [update if write.adds else env[update], *row[:-1]]
        fresh = [value for row in rows for value in row]
        inputs = [*self.body.inputs[: self.end], *fresh, *self.body.inputs[self.end :]]
        split = self.end - self.consts
        old = [env[v] for v in self.body.outputs]
        body = Graph(
            inputs, builder.equations, [*old[:split], *following, *old[split:]], builder.name
        )
        params = {**self.eq.params, "carries": split + len(fresh)}
        results = self.eq.op(
            *operands[: self.end], *inits, *operands[self.end :], regions=(body,), **params
        )
        return [*results[:split], *results[split + len(fresh) :]]

    def _before(self, write: _Write, start: Value, delay: int) -> Value:
        """The row that a step would read which was written `delay` steps before the first."""
        first = OPS["full"](value=self.at(write.place, -delay), shape=(), dtype=INT64)
        zeros = [OPS["full"](value=0, shape=(), dtype=INT64) for _ in range(start.ndim - 1)]
        return OPS["dynamic_slice"](start, first, *zeros, sizes=write.update.shape)


def _is_wide(value: Value) -> bool:
    """Whether a value is of integers in which counters and their sums do not wrap."""
    return value.dtype.kind == "i" and value.dtype.itemsize >= 4


def _replacing(eq: Equation, operands: Sequence[Value]) -> tuple[Value, Value]:
    """An addition to a row as its replacement by the sum: the new array, and the new row."""
    array, update, start = operands
    zeros = [OPS["full"](value=0, shape=(), dtype=INT64) for _ in range(array.ndim - 1)]
    begins = start if start.dtype == INT64 else OPS["convert"](start, dtype=INT64)
    row = OPS["dynamic_slice"](array, begins, *zeros, sizes=update.shape)
    total = OPS["add"](row, update)
    return OPS["scatter"](array, total, start, **eq.params), total
