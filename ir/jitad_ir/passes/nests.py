"""A loop within a loop that fills a table: what its parts are.

The outer loop goes over rows, the inner one over columns. A table is a carry of the outer loop that
is the rows stacked by the inner loop, with a few elements before them, the head (behind them, if
the columns run backwards).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..counters import known_numbers
from ..graph import Builder, Equation, Graph, Value, building, current_builder
from ..op import OPS

MOST_HEADS = 4
"""Elements of a row that the inner loop does not compute, at most."""


class OtherNestError(Exception):
    """The nest is not of the kind that is looked for."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: result `y` of the inner loop, and the parts of its head."""

    y: Value
    head: tuple[Value, ...]

    @property
    def heads(self) -> int:
        """Length of the head."""
        return sum(part.shape[0] for part in self.head)


def joined(eq: Equation, inner: Equation) -> Equation:
    """A scan in whose body padded rows, and rows written over ends of others, are concatenated."""
    (body,) = eq.regions
    stacks = inner.outputs[inner.params["carries"] :]
    builder = Builder(body.name)
    builder.inputs = list(body.inputs)
    env: dict[Value, Value] = {}
    numbers = known_numbers(body)
    with building(builder):
        for step in body.equations:
            whole = None
            if step.op.name == "pad" and step.operands[0] in stacks:
                whole = _padded(step)
            elif step.op.name == "dynamic_update_slice" and step.operands[1] in stacks:
                whole = _overwritten(step, numbers.get(step.operands[2]))
            if whole is not None:
                env[step.outputs[0]] = whole
                continue
            operands = tuple([env.get(v, v) for v in step.operands])
            builder.equations.append(
                Equation(step.op, operands, step.params, step.outputs, step.regions, step.source)
            )
    if not env:
        return eq
    region = builder.build([env.get(v, v) for v in body.outputs])
    return Equation(eq.op, eq.operands, eq.params, eq.outputs, (region,), eq.source)


def _padded(eq: Equation) -> Value | None:
    """A pad at one end of the first axis, as a concatenation."""
    y, number = eq.operands
    low, high = eq.params["low"], eq.params["high"]
    ends = (low[0], high[0])
    if any((*low[1:], *high[1:], *eq.params["interior"])) or min(ends) < 0 or not max(ends):
        return None
    if min(ends) > 0:
        return None
    parts = OPS["broadcast"](number, shape=(max(ends), *y.shape[1:]), dims=())
    return OPS["concatenate"](*((parts, y) if low[0] else (y, parts)), axis=0)


def _overwritten(eq: Equation, start: int | None) -> Value | None:
    """An array whose end, or beginning, is replaced, as a concatenation."""
    base, y, *_ = eq.operands
    kept = base.shape[0] - y.shape[0]
    if y.shape[1:] != base.shape[1:] or start not in (0, kept) or not kept:
        return None
    first = y.shape[0] if start == 0 else 0
    rest = OPS["slice"](
        base,
        start=(first, *[0] * (base.ndim - 1)),
        limit=(first + kept, *base.shape[1:]),
        stride=(1,) * base.ndim,
    )
    return OPS["concatenate"](*((y, rest) if start == 0 else (rest, y)), axis=0)


class Nest:
    """A scan that holds a scan. `operands` are the outer one's, in the new graph, by the input of
    its body that they are for."""

    def __init__(self, eq: Equation, operands: Sequence[Value]) -> None:
        (self.body,) = eq.regions
        (inner,) = [step for step in self.body.equations if step.op.name == "scan"]
        self.eq, self.inner = eq, inner
        self.count: int = eq.params["length"]
        self.length: int = inner.params["length"]
        self.backwards: bool = inner.params["reverse"]
        first = eq.params["consts"]
        end = first + eq.params["carries"]
        inputs = self.body.inputs
        self.consts, self.carry, self.rows = inputs[:first], inputs[first:end], inputs[end:]
        self.operands = dict(zip(inputs, operands, strict=True))
        self.made_by = {v: e for e in self.body.equations for v in e.outputs}
        self.invariant = _reached(self.body, self.consts)
        self.tables = {
            held: table
            for held, out in zip(self.carry, self.body.outputs, strict=False)
            if (table := self._table(held, out)) is not None
        }
        self.outside: dict[Value, Value] = {}

    def after(self, carry: Value) -> Value:
        """What the body makes of a carry."""
        return self.body.outputs[self.carry.index(carry)]

    def first_head(self, table: Value) -> Value:
        """The head of the row that a table starts from."""
        count, start = self.tables[table].heads, self.length if self.backwards else 0
        return OPS["slice"](
            self.operands[table],
            start=(start, *[0] * (table.ndim - 1)),
            limit=(start + count, *table.shape[1:]),
            stride=(1,) * table.ndim,
        )

    def _table(self, held: Value, out: Value) -> Table | None:
        stacks = self.inner.outputs[self.inner.params["carries"] :]
        if out in stacks:
            return Table(out, ())
        eq = self.made_by.get(out)
        if eq is None or eq.op.name != "concatenate" or eq.params["axis"] != 0:
            return None
        parts = eq.operands[::-1] if self.backwards else eq.operands
        y = parts[-1]
        table = Table(y, eq.operands[1:] if self.backwards else eq.operands[:-1])
        return table if y in stacks and table.heads <= MOST_HEADS else None

    def offset(self, value: Value) -> tuple[Value, int] | None:
        """The table, and the offset from the head's beginning, that a value is a slice of."""
        if value in self.tables:
            start, table = 0, value
        else:
            eq = self.made_by.get(value)
            if eq is None or eq.op.name != "slice" or eq.operands[0] not in self.tables:
                return None
            (table,) = eq.operands
            start = eq.params["start"][0]
            if any(s != 1 for s in eq.params["stride"]) or value.shape[1:] != table.shape[1:]:
                return None
        heads = self.tables[table].heads
        return table, heads - start if self.backwards else start

    def scan(
        self,
        body: Graph,
        consts: Sequence[Value],
        carry: Sequence[Value],
        rows: Sequence[Value],
    ) -> tuple[Value, ...]:
        """A loop over the same rows."""
        return OPS["scan"](
            *consts,
            *carry,
            *rows,
            regions=(body,),
            length=self.count,
            reverse=self.eq.params["reverse"],
            consts=len(consts),
            carries=len(carry),
            unroll=1,
        )

    def invariant_value(self, value: Value) -> Value:
        """A value of the body that depends on constants alone, computed before the loops."""
        if value in self.operands:
            return self.operands[value]
        held = self.outside.get(value)
        if held is None:
            eq = self.made_by[value]
            operands = tuple([self.invariant_value(v) for v in eq.operands])
            outs = current_builder().replay(eq, operands)
            self.outside.update(zip(eq.outputs, outs, strict=True))
            held = self.outside[value]
        return held

    def no_head(self, table: Value) -> Value:
        """The heads of all rows of a table that has none."""
        shape = (self.count, 0, *table.shape[1:])
        return OPS["full"](value=0, shape=shape, dtype=table.dtype)


def _reached(body: Graph, consts: Sequence[Value]) -> set[Value]:
    """The values of a body that depend on these inputs alone."""
    found = set(consts)
    for eq in body.equations:
        if all(v in found for v in eq.operands):
            found.update(eq.outputs)
    return found
