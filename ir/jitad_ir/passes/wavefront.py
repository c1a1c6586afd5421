"""Loops within loops that fill a table, several rows at once.

    wavefront : (a -> b)  to  (a -> b)   with such nests as one `wavefront` (see its op)

A scan over rows, whose body is a scan over columns that reads the row above at the same column and
before it, takes as long as the chain of operations through all cells. But row r + 1 at column c
needs row r up to column c only. Such a nest is taken apart into

    before   a scan over rows: what each row starts with, and is told
    table    the wavefront: all cells
    after    a scan over rows: what else is done with a row, if anything is

What the outer body computes of whole rows element by element, before the inner loop, moves into the
cell. The order of operations on each cell stays, and so does every bit of the result.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from ..graph import Builder, Equation, Graph, Value, building, current_builder
from ..lowering import ArgReduction, Cumulative, Elementwise, Pull, Reduction
from ..op import OPS, Pruned
from ..rewrite import rewritten
from .nests import Nest, OtherNestError, joined
from .regions import in_regions

LEAST_ROWS, LEAST_COLUMNS = 8, 32
"""Rows and columns that are worth it."""
MOST_EQUATIONS = 400
"""Of the bodies: larger ones have enough to do at each cell."""
MOST_WORK = 1500
"""Operations on elements in a cell."""
FEW = 8
"""Elements of a value of one cell, at most."""
MOST_BYTES = 1 << 25
"""Bytes that may be stacked for it, unless the loop stacks as much itself."""


def wavefront(graph: Graph) -> Graph:
    """`graph` with its nests of loops that fill tables as wavefronts."""
    graph = in_regions(graph, wavefront)
    if not any(_inner_loop(eq) for eq in graph.equations):
        return graph
    return rewritten(graph, _as_wavefront)


def _as_wavefront(eq: Equation, operands: tuple[Value, ...]) -> Sequence[Value] | None:
    inner, builder = _inner_loop(eq), current_builder()
    if inner is None:
        return None
    made = len(builder.equations)
    try:
        return _taken_apart(Nest(joined(eq, inner), operands))
    except OtherNestError:
        del builder.equations[made:]
        return None


def _inner_loop(eq: Equation) -> Equation | None:
    """The one scan in the body of a scan, if both are long enough."""
    if eq.op.name != "scan" or eq.params["length"] < LEAST_ROWS or eq.acts:
        return None
    (body,) = eq.regions
    loops = [inner for inner in body.equations if inner.op.name == "scan"]
    if len(loops) != 1 or len(body.equations) > MOST_EQUATIONS:
        return None
    return loops[0] if loops[0].params["length"] >= LEAST_COLUMNS else None


class _Before:
    """The loop over rows that computes what they start with, as far as it is asked for."""

    def __init__(self, nest: Nest) -> None:
        self.nest = nest
        self.builder = Builder("before")
        self.env: dict[Value, Value] = {}
        self.carried: list[Value] = []
        """Carries of the outer body that this loop has, or whose heads it has."""
        self.stacked: list[Value] = []
        self.number: dict[Value, int] = {}

    def stack(self, value: Value) -> int:
        """The number of the stack of a value of the outer body."""
        if value not in self.number:
            with building(self.builder):
                self.stacked.append(self.value(value))
            self.number[value] = len(self.stacked) - 1
        return self.number[value]

    def head(self, table: Value) -> Value:
        """The next head of a table, which the body makes."""
        parts = [self.value(part) for part in self.nest.tables[table].head]
        return parts[0] if len(parts) == 1 else OPS["concatenate"](*parts, axis=0)

    def stack_head(self, table: Value) -> int:
        """The number of the stack of the heads of a table."""
        with building(self.builder):
            self.stacked.append(self.head(table))
        return len(self.stacked) - 1

    def value(self, value: Value) -> Value:
        """A value of the outer body, appended if need be."""
        held = self.env.get(value)
        if held is None:
            held = self.env[value] = self._new(value)
        return held

    def _new(self, value: Value) -> Value:
        nest = self.nest
        if value in nest.consts or value in nest.rows:
            return Value(value.type)
        if value in nest.carry:
            if value in nest.tables:
                raise OtherNestError
            self.carried.append(value)
            return Value(value.type)
        eq = nest.made_by[value]
        if eq is nest.inner:
            raise OtherNestError
        if eq.op.name == "slice" and eq.operands[0] in nest.tables:
            return self._of_head(eq)
        outs = self.builder.replay(eq, tuple([self.value(v) for v in eq.operands]))
        self.env.update(zip(eq.outputs, outs, strict=True))
        return self.env[value]

    def _of_head(self, eq: Equation) -> Value:
        """A slice of the head of a table's last row."""
        (table,) = eq.operands
        (start, *starts), (limit, *limits) = eq.params["start"], eq.params["limit"]
        first = self.nest.length if self.nest.backwards else 0
        count = self.nest.tables[table].heads
        if count == 0 or not first <= start <= limit <= first + count:
            raise OtherNestError
        held = self.env.get(table)
        if held is None:
            held = Value(table.type.with_shape((count, *table.shape[1:])))
            self.env[table] = held
            self.carried.append(table)
        return OPS["slice"](
            held,
            start=(start - first, *starts),
            limit=(limit - first, *limits),
            stride=eq.params["stride"],
        )

    def run(self) -> tuple[dict[Value, Value], list[Value]]:
        """Append the loop to the current builder: the last values of the carries it has, and the
        stacks."""
        nest = self.nest
        following: list[Value] = []
        with building(self.builder):
            for value in self.carried:  # grows meanwhile
                after = nest.after(value)
                following.append(self.head(value) if value in nest.tables else self.value(after))
        consts = [v for v in nest.consts if v in self.env]
        rows = [v for v in nest.rows if v in self.env]
        inputs = [self.env[v] for v in (*consts, *self.carried, *rows)]
        body = Graph(inputs, self.builder.equations, [*following, *self.stacked], "before")
        results = nest.scan(
            body,
            [nest.operands[v] for v in consts],
            [nest.first_head(v) if v in nest.tables else nest.operands[v] for v in self.carried],
            [nest.operands[v] for v in rows],
        )
        count = len(self.carried)
        return dict(zip(self.carried, results, strict=False)), list(results[count:])


class _Cell:
    """The body of the wavefront: the inner body, its inputs by role with where they come from.

    An array of a value per row is an operand, or the number of a stack of the loop before.
    """

    def __init__(self, nest: Nest, before: _Before) -> None:
        self.nest = nest
        self.before = before
        self.builder = Builder(nest.inner.regions[0].name)
        self.shared: dict[Value, Value] = {}
        self.rowwise: dict[Value, Value] = {}
        self.reads: dict[tuple[Value, int], Value] = {}
        self.columns: dict[Value, Value] = {}
        self.grids: dict[Value, Value] = {}
        self.known: dict[Value, Value] = {}

    def build(self, entries: Sequence[Value]) -> tuple[Graph, list[Value]]:
        """The cell, and the values of the outer body that its carry starts from; `entries` are the
        results of the inner loop that are stacked."""
        nest, inner = self.nest, self.nest.inner
        (body,) = inner.regions
        consts, carries = inner.params["consts"], inner.params["carries"]
        end = consts + carries
        carry = [Value(v.type) for v in body.inputs[consts:end]]
        with building(self.builder):
            inputs = [
                *[self.of_row(v) for v in inner.operands[:consts]],
                *carry,
                *[self.element(v) for v in inner.operands[end:]],
            ]
            outs = self.builder.inline(body, inputs)
        place = {v: k for k, v in enumerate(inner.outputs)}
        outputs = [
            *outs[:carries],
            *[outs[place[table.y]] for table in nest.tables.values()],
            *[outs[place[v]] for v in entries],
        ]
        groups = (self.shared, self.rowwise, self.reads, self.columns, self.grids)
        shared, rowwise, reads, columns, grids = [list(g.values()) for g in groups]
        ordered = [*shared, *rowwise, *carry, *reads, *columns, *grids]
        cell = Graph(ordered, self.builder.equations, outputs, self.builder.name)
        return cell, list(inner.operands[consts:end])

    def of_row(self, value: Value) -> Value:
        """A value of the outer body that is one for all columns."""
        nest = self.nest
        if value in nest.invariant:
            eq = nest.made_by.get(value)
            if eq is not None and eq.op.name == "full":
                return eq.op(**eq.params)
            return _input(self.shared, value, value, 0)
        if value not in nest.rows:
            self.before.stack(value)
        return _input(self.rowwise, value, value, 0)

    def element(self, value: Value) -> Value:
        """The element at the cell's column of a value of the outer body."""
        held = self.known.get(value)
        if held is None:
            held = self.known[value] = self._element(value)
        return held

    def _element(self, value: Value) -> Value:
        nest = self.nest
        eq = nest.made_by.get(value)
        if eq is not None:
            shape = value.shape[1:]
            if eq.op.name == "full":
                params: dict[str, Any] = {**eq.params, "shape": shape}
                return eq.op(**params)
            if eq.op.name == "broadcast" and 0 not in eq.params["dims"]:
                x = self.of_row(eq.operands[0])
                dims = tuple([d - 1 for d in eq.params["dims"]])
                return eq.op(x, shape=shape, dims=dims) if shape != x.shape else x
        if value in nest.invariant:
            return _input(self.columns, value, value, 1)
        if value in nest.rows:
            return _input(self.grids, value, value, 1)
        found = nest.offset(value)
        if found is not None:
            table, _ = found
            return _input(self.reads, found, table, 1)
        if eq is not None and isinstance(eq.op.lower, Elementwise) and not eq.regions:
            return eq.op(*[self.element(v) for v in eq.operands], **eq.params)
        if value.type.nbytes * nest.count > MOST_BYTES:
            raise OtherNestError
        self.before.stack(value)
        return _input(self.grids, value, value, 1)


def _input(group: dict[Any, Value], key: Hashable, value: Value, axes: int) -> Value:
    """The input of the cell for a value without its first axes."""
    held = group.get(key)
    if held is None:
        held = group[key] = Value(value.type.with_shape(value.shape[axes:]))
    return held


class _After:
    """The loop over rows that does the rest."""

    def __init__(self, nest: Nest) -> None:
        self.nest = nest
        body, inner = nest.body, nest.inner
        rest = [eq for eq in body.equations if eq is not inner]
        inputs = [*body.inputs, *inner.outputs]
        self.params = {**nest.eq.params, "unroll": 1}
        self.used = [v not in nest.tables for v in nest.carry]
        self.used += [True] * (len(body.outputs) - len(nest.carry))
        prune = OPS["scan"].prune
        assert prune is not None
        self.pruned: Pruned = prune(
            self.used,
            regions=(Graph(inputs, rest, body.outputs, "after"),),
            **self.params,
        )
        self.inputs = [v for v, keep in zip(inputs, self.pruned.operands, strict=True) if keep]

    def entries(self) -> list[Value]:
        """The rows that the inner loop stacks and that are read here."""
        nest = self.nest
        stacks = nest.inner.outputs[nest.inner.params["carries"] :]
        found = [v for v in stacks if v in self.inputs]
        stacked = sum([v.type.nbytes for v in nest.eq.outputs[len(nest.carry) :]])
        if nest.count * sum([v.type.nbytes for v in found]) > max(MOST_BYTES, 2 * stacked):
            raise OtherNestError
        return found

    def run(self, found: dict[Value, Value], given: dict[Value, Value]) -> list[Value]:
        """Append the loop to the current builder: all results of the nest. `found` are the results
        of the inner loops of all rows, `given` the last values of some carries."""
        nest = self.nest
        outs: dict[Value, Value] = {}
        if any(self.pruned.results):
            places = {**nest.operands, **found}
            params: dict[str, Any] = dict(self.pruned.params)
            results = OPS["scan"](
                *[places[v] for v in self.inputs],
                regions=self.pruned.regions,
                **params,
            )
            kept = [v for v, f in zip(nest.eq.outputs, self.pruned.results, strict=True) if f]
            outs.update(zip(kept, results, strict=True))
        carried = dict(zip(nest.eq.outputs, nest.carry, strict=False))
        return [given[carried[v]] if carried.get(v) in given else outs[v] for v in nest.eq.outputs]


def _taken_apart(nest: Nest) -> list[Value]:
    """Append the three loops: the results of the nest."""
    if not nest.tables:
        raise OtherNestError
    before = _Before(nest)
    parts = _Cell(nest, before)
    after = _After(nest)
    entries = after.entries()
    cell, inits = parts.build(entries)
    fixed = len(parts.shared) + len(parts.rowwise)
    if not _is_straight(cell, fixed):
        raise OtherNestError
    for v in inits:
        if v not in nest.rows and v not in nest.invariant:
            before.stack(v)
    heads = {t: before.stack_head(t) for t, table in nest.tables.items() if table.heads}
    finals, stacks = before.run()
    stacked = {v: stacks[k] for v, k in before.number.items()}

    def by_row(value: Value) -> Value:
        if value in nest.rows:
            return nest.operands[value]
        return (
            stacked[value]
            if value in stacked
            else _repeated(nest.invariant_value(value), nest.count)
        )

    reads = tuple([(list(nest.tables).index(t), o) for t, o in parts.reads])
    filled = OPS["wavefront"](
        *[nest.invariant_value(v) for v in parts.shared],
        *[by_row(v) for v in (*parts.rowwise, *inits)],
        *[stacks[heads[t]] if t in heads else nest.no_head(t) for t in nest.tables],
        *[nest.operands[t] for t in nest.tables],
        *[nest.invariant_value(v) for v in parts.columns],
        *[by_row(v) for v in parts.grids],
        regions=(cell,),
        rows=nest.count,
        length=nest.length,
        counts=(
            len(parts.shared),
            len(parts.rowwise),
            len(inits),
            len(nest.tables),
            len(parts.columns),
        ),
        reads=reads,
        reverse=(nest.eq.params["reverse"], nest.backwards),
    )
    width = len(nest.tables)
    last = dict(zip(nest.tables, filled, strict=False))
    found = dict(zip(nest.inner.outputs, filled[width : width + len(inits)], strict=False))
    found.update(zip(entries, filled[width + len(inits) :], strict=True))
    given = {**{v: x for v, x in finals.items() if v not in nest.tables}, **last}
    return after.run(found, given)


def _is_small(eq: Equation) -> bool:
    """Whether an equation can be taken apart into operations on elements."""
    lower = eq.op.lower
    if isinstance(lower, Pull):
        return True
    folds = isinstance(lower, (Reduction, ArgReduction, Cumulative)) or eq.op.name == "dot"
    if eq.regions or not (folds or isinstance(lower, Elementwise)):
        return False
    sizes = [v.type.size for v in (*eq.operands, *eq.outputs)]
    return max(sizes) <= (4 * FEW if folds else FEW)


def _is_straight(cell: Graph, fixed: int) -> bool:
    """Whether a cell becomes straight-line code; all its inputs but the first `fixed` differ from
    column to column."""
    moving = [v.type.size for v in cell.inputs[fixed:]]
    work = [
        max([v.type.size for v in (*eq.operands, *eq.outputs)], default=0)
        for eq in cell.equations
        if not isinstance(eq.op.lower, Pull)
    ]
    return (
        len(cell.equations) <= MOST_EQUATIONS
        and sum(work) <= MOST_WORK
        and all(map(_is_small, cell.equations))
        and max(moving, default=0) <= FEW
        and sum([v.type.size for v in cell.outputs]) <= 2 * FEW
    )


def _repeated(value: Value, count: int) -> Value:
    dims = tuple(range(1, value.ndim + 1))
    return OPS["broadcast"](value, shape=(count, *value.shape), dims=dims)
