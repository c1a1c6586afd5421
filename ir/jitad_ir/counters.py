"""Loops that count: where their steps read and write.

A counter of a `scan` starts from a known number and moves by a known step, so that all places which
are a counter and a number are known: whether they are in bounds at every step, and which step wrote
what another reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .graph import Equation, Graph, Value

FAR = 1 << 30
"""Where counters and sums of counters and numbers are far from wrapping, in 32 bits too."""


def known_numbers(graph: Graph) -> dict[Value, int]:
    """The integers among the values of a graph that are one number."""
    return {
        eq.outputs[0]: int(eq.params["value"])
        for eq in graph.equations
        if eq.op.name == "full" and eq.outputs[0].dtype.kind in "iu"
    }


def step_of(body: Graph, consts: int, k: int) -> int | None:
    """By how much a body moves its input k, which is carried; None if it is no counter."""
    value, out = body.inputs[k], body.outputs[k - consts]
    if value.dtype.kind not in "iu":
        return None
    if out is value:
        return 0
    made_by = {v: eq for eq in body.equations for v in eq.outputs}
    eq = made_by.get(out)
    if eq is None or eq.op.name not in ("add", "sub") or value not in eq.operands:
        return None
    first = eq.operands[0] is value
    other = made_by.get(eq.operands[1 if first else 0])
    while other is not None and other.op.name in ("broadcast", "reshape"):
        other = made_by.get(other.operands[0])
    if other is None or other.op.name != "full" or (eq.op.name == "sub" and not first):
        return None
    number = int(other.params["value"])
    return number if eq.op.name == "add" else -number


@dataclass(frozen=True, slots=True)
class Place:
    """Where along an axis: the counter times `sign` (1 or -1), plus `offset`."""

    counter: int
    sign: int
    offset: int


@dataclass(frozen=True, slots=True)
class Write:
    """What becomes of a carried array: `update` at `place`, replacing or (`adds`) added."""

    equation: Equation
    array: Value
    update: Value
    place: Place
    adds: bool


class CountedLoop:
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

    def place(self, value: Value) -> Place | None:
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
        return Place(self.counters[value], sign, offset)

    def _number(self, value: Value) -> int | None:
        eq = self.made_by.get(value)
        if eq is None or eq.op.name != "full" or value.dtype.kind not in "iu":
            return None
        return int(eq.params["value"])

    def at(self, place: Place, number: int) -> int:
        """A place at a step of this number, which may be before the first."""
        counter = self.start[place.counter] + number * self.step[place.counter]
        return place.sign * counter + place.offset

    def inside(self, place: Place, length: int) -> bool:
        """Whether a place is on an axis of this length at every step."""
        first = self.at(place, 0)
        last = self.at(place, self.eq.params["length"] - 1)
        return min(first, last) >= 0 and max(first, last) < length

    def writes(self) -> list[Write]:
        """The carried arrays of which each step writes one row, in bounds."""
        found: list[Write] = []
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
            fits = update.shape == (1, *array.shape[1:])
            if fits and place is not None and self.inside(place, array.shape[0]):
                found.append(Write(eq, array, update, place, name == "scatter_add"))
        return found

    def covered(self) -> dict[Value, tuple[int, int]]:
        """The carried arrays that no step reads, of which every row from the first to before the
        second is written: the inputs of the body, and these rows."""
        uses: dict[Value, int] = {}
        for value in [v for eq in self.body.equations for v in eq.operands] + [*self.body.outputs]:
            uses[value] = uses.get(value, 0) + 1
        found: dict[Value, tuple[int, int]] = {}
        for write in self.writes():
            places = self.at(write.place, 0), self.at(write.place, self.eq.params["length"] - 1)
            whole = abs(self.step[write.place.counter]) == 1 and not write.adds
            if whole and uses[write.array] == 1:
                found[write.array] = (min(places), max(places) + 1)
        return found


def _is_wide(value: Value) -> bool:
    """Whether a value is of integers in which counters and their sums do not wrap."""
    return value.dtype.kind == "i" and value.dtype.itemsize >= 4
