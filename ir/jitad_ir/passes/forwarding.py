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

from collections.abc import Callable, Sequence, Set

from ..counters import CountedLoop, Write, known_numbers
from ..graph import Builder, Equation, Graph, Value, building
from ..op import OPS
from ..types import INT64
from .regions import in_regions

MOST_DELAY = 4
"""Steps from a write to its read, at most."""
MOST_ELEMENTS = 16
"""Elements of what a step writes, at most."""


def forwarding(graph: Graph) -> Graph:
    """`graph` with such elements carried from step to step, the inner loops first."""
    return _detached(_in_loops(graph))


def _in_loops(graph: Graph) -> Graph:
    graph = in_regions(graph, _in_loops)
    return _rewritten(graph, lambda loop, operands: loop.rewritten(operands))


def _detached(graph: Graph) -> Graph:
    """`graph` with the rows of its inputs that a loop reads before it writes them read from the
    inputs. Their loop then only writes, and what it writes wholly need not be copied before."""
    given = set(graph.inputs)
    return _rewritten(graph, lambda loop, operands: loop.detached(operands, given))


Rule = Callable[["_Loop", Sequence[Value]], "list[Value] | None"]


def _rewritten(graph: Graph, rule: Rule) -> Graph:
    """`graph` with its scans replaced where `rule` gives their results."""
    if not any(eq.op.name == "scan" for eq in graph.equations):
        return graph
    builder = Builder(graph.name)
    builder.inputs = list(graph.inputs)
    env: dict[Value, Value] = {v: v for v in graph.inputs}
    numbers = known_numbers(graph)
    changed = False
    with building(builder):
        for eq in graph.equations:
            operands = tuple([env[v] for v in eq.operands])
            builder.source = eq.source
            outs = None
            if eq.op.name == "scan" and eq.params["length"] > 1:
                outs = rule(_Loop(eq, [numbers.get(v) for v in eq.operands]), operands)
            changed = changed or outs is not None
            outs = builder.replay(eq, operands) if outs is None else outs
            env.update(zip(eq.outputs, outs, strict=True))
    return builder.build([env[v] for v in graph.outputs]) if changed else graph


class _Loop(CountedLoop):
    """A scan while it is rewritten."""

    def delays(self, write: Write) -> dict[Equation, int]:
        """The reads of a row that was written some steps before, and how many."""
        found: dict[Equation, int] = {}
        if write.update.type.size > MOST_ELEMENTS:
            return found
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

    def detached(self, operands: Sequence[Value], given: Set[Value]) -> list[Value] | None:
        """Append the loop that reads what it has not written yet from where its carry starts, if
        that is among `given`: its results; None if there is nothing to detach."""
        reads: dict[Equation, Value] = {}
        for write in self.writes():
            start = operands[self.body.inputs.index(write.array)]
            found = [eq for eq in self.body.equations if write.array in eq.operands]
            found.remove(write.equation)
            if start in given and found and all([self._ahead(eq, write) for eq in found]):
                reads.update(dict.fromkeys(found, write.array))
        if not reads:
            return None
        fresh = {array: Value(array.type) for array in dict.fromkeys(reads.values())}
        equations = [
            Equation(
                eq.op,
                (fresh[reads[eq]], *eq.operands[1:]),
                eq.params,
                eq.outputs,
                eq.regions,
                eq.source,
            )
            if eq in reads
            else eq
            for eq in self.body.equations
        ]
        inputs = self.body.inputs
        added = [operands[inputs.index(array)] for array in fresh]
        split = self.consts
        body = Graph(
            [*inputs[:split], *fresh.values(), *inputs[split:]],
            equations,
            self.body.outputs,
            self.body.name,
        )
        return list(
            self.eq.op(
                *operands[:split],
                *added,
                *operands[split:],
                regions=(body,),
                **{**self.eq.params, "consts": split + len(fresh)},
            )
        )

    def _ahead(self, eq: Equation, write: Write) -> bool:
        """Whether an equation reads a row that no step has written before."""
        row = (1, *write.array.shape[1:])
        if eq.op.name != "dynamic_slice" or eq.params["sizes"] != row:
            return False
        place = self.place(eq.operands[1])
        if place is None or not self.inside(place, write.array.shape[0]):
            return False
        if (place.counter, place.sign) != (write.place.counter, write.place.sign):
            return False
        by_step = place.sign * self.step[place.counter]
        return (write.place.offset - place.offset) * by_step <= 0

    def _before(self, write: Write, start: Value, delay: int) -> Value:
        """The row that a step would read which was written `delay` steps before the first."""
        first = OPS["full"](value=self.at(write.place, -delay), shape=(), dtype=INT64)
        zeros = [OPS["full"](value=0, shape=(), dtype=INT64) for _ in range(start.ndim - 1)]
        return OPS["dynamic_slice"](start, first, *zeros, sizes=write.update.shape)


def _replacing(eq: Equation, operands: Sequence[Value]) -> tuple[Value, Value]:
    """An addition to a row as its replacement by the sum: the new array, and the new row."""
    array, update, start = operands
    zeros = [OPS["full"](value=0, shape=(), dtype=INT64) for _ in range(array.ndim - 1)]
    begins = start if start.dtype == INT64 else OPS["convert"](start, dtype=INT64)
    row = OPS["dynamic_slice"](array, begins, *zeros, sizes=update.shape)
    total = OPS["add"](row, update)
    return OPS["scatter"](array, total, start, **eq.params), total
