"""Loops of many lanes, a row of lanes at a time.

    lanes : (a -> b)  to  (a -> b)   with loops over lanes as loops over rows of lanes

Batching a while_loop whose condition differs from lane to lane gives a scan without a carry, a step
for each lane, through which derivatives go as they are. Here, when no derivative is asked for any
more, the lanes of a row are put side by side: an operation on all takes the time of one on a few.
They run while any of them runs; a lane that has stopped keeps its carry. Only loops of elementwise
operations on a few numbers are treated so: where a body holds a loop of its own, a lane must not
run it beyond its end, and bodies of many numbers fill registers by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Builder, Equation, Graph, Params, Value, building, current_builder
from ..lowering import Elementwise, Pull, Reduction
from ..op import OPS, in_every_lane
from ..rewrite import rewritten
from ..types import BOOL, ArrayType
from .batch import spread_out
from .dce import dce
from .regions import in_regions

WIDTH = (64, 512)
"""Numbers of a row of lanes, at least and at most."""

FEW = 16
"""Numbers of one lane's carry up to which lanes are put side by side."""


def lanes(graph: Graph) -> Graph:
    """`graph` with its loops over lanes as loops over rows of lanes."""
    graph = in_regions(graph, lanes)
    if not any(_is_over_lanes(eq) for eq in graph.equations):
        return graph
    return rewritten(graph, _of_lanes)


def _of_lanes(eq: Equation, operands: tuple[Value, ...]) -> Sequence[Value] | None:
    return _with_sums(eq, operands) if _is_over_lanes(eq) else None


def _is_over_lanes(eq: Equation) -> bool:
    if eq.op.name != "scan" or eq.params["length"] < WIDTH[0] // FEW or _terms(eq) is None:
        return False
    loops = [inner for inner in eq.regions[0].equations if inner.regions]
    return (
        bool(loops)
        and all(inner.op.name == "while_loop" and _is_narrow(inner) for inner in loops)
        and all(inner.regions or _is_simple(inner) for inner in eq.regions[0].equations)
    )


def _terms(eq: Equation) -> list[Value] | None:
    """What each step adds to each carry, if all that is done to the carry is to add: it holds sums
    over the lanes (cotangents of what they share)."""
    (body,) = eq.regions
    first, count = eq.params["consts"], eq.params["carries"]
    carry = body.inputs[first : first + count]
    made_by = {v: inner for inner in body.equations for v in inner.outputs}
    terms: list[Value] = []
    for before, after in zip(carry, body.outputs, strict=False):
        total = made_by.get(after)
        if total is None or total.op.name != "add" or before not in total.operands:
            return None
        terms.append(total.operands[1 if total.operands[0] is before else 0])
    reads = [v for inner in body.equations for v in inner.operands] + list(body.outputs)
    return terms if all(reads.count(v) == 1 for v in carry) else None


def _with_sums(eq: Equation, operands: Sequence[Value]) -> list[Value]:
    """The scan over rows of lanes, with its sums over lanes taken behind it."""
    terms = _terms(eq)
    assert terms is not None
    (body,) = eq.regions
    first, count = eq.params["consts"], eq.params["carries"]
    end = first + count
    inputs = [*body.inputs[:first], *body.inputs[end:]]
    rows = Graph(inputs, body.equations, [*terms, *body.outputs[count:]], body.name)
    alone = dce(rows)
    params = {**eq.params, "carries": 0}
    results = _rowwise(alone, params, [*operands[:first], *operands[end:]])
    sums = [
        OPS["add"](start, OPS["reduce_sum"](part, axes=(0,)))
        for start, part in zip(operands[first:end], results, strict=False)
    ]
    return [*sums, *results[count:]]


def _is_narrow(loop: Equation) -> bool:
    carry = sum([v.type.size for v in loop.operands[loop.params["consts"] :]])
    return 0 < carry <= FEW and all(
        _is_simple(eq) for region in loop.regions for eq in region.equations
    )


def _is_simple(eq: Equation) -> bool:
    return not eq.regions and isinstance(eq.op.lower, (Elementwise, Pull, Reduction))


def _width(body: Graph, length: int) -> int:
    """Lanes in a row: a divisor of their number if there is one, else they are filled up."""
    carry = max(
        sum([v.type.size for v in loop.operands[loop.params["consts"] :]])
        for loop in body.equations
        if loop.regions
    )
    least, most = -(-WIDTH[0] // carry), WIDTH[1] // carry
    if length <= most:
        return length
    return next((w for w in range(most, least - 1, -1) if length % w == 0), 2 * least)


def _rowwise(body: Graph, params: Params, operands: Sequence[Value]) -> list[Value]:
    """The scan over rows of lanes."""
    length, consts = params["length"], params["consts"]
    width = _width(body, length)
    rows = -(-length // width)
    shared, given = operands[:consts], operands[consts:]
    side_by_side = _side_by_side(body, consts, width)
    results = OPS["scan"](
        *shared,
        *[_in_rows(x, rows, width) for x in given],
        regions=(side_by_side,),
        length=rows,
        reverse=False,
        consts=consts,
        carries=0,
        unroll=1,
    )
    return [_one_by_one(y, length) for y in results]


def _in_rows(x: Value, rows: int, width: int) -> Value:
    """(n, ...) as (rows, width, ...), filled up with the last lane."""
    missing = rows * width - x.shape[0]
    if missing:
        tail = (1, *x.shape[1:])
        start = (x.shape[0] - 1, *[0] * (x.ndim - 1))
        last = OPS["slice"](x, start=start, limit=x.shape, stride=(1,) * x.ndim)
        last = OPS["reshape"](last, shape=tail[1:])
        dims = tuple(range(1, x.ndim))
        more = OPS["broadcast"](last, shape=(missing, *x.shape[1:]), dims=dims)
        x = OPS["concatenate"](x, more, axis=0)
    return OPS["reshape"](x, shape=(rows, width, *x.shape[1:]))


def _one_by_one(y: Value, length: int) -> Value:
    """(rows, width, ...) as (n, ...)."""
    shape = (y.shape[0] * y.shape[1], *y.shape[2:])
    flat = OPS["reshape"](y, shape=shape)
    if shape[0] == length:
        return flat
    limit = (length, *shape[1:])
    return OPS["slice"](flat, start=(0,) * len(shape), limit=limit, stride=(1,) * len(shape))


def _side_by_side(body: Graph, consts: int, width: int) -> Graph:
    """The body over `width` lanes, of which every input but the constants has one for each."""
    builder = Builder(body.name)
    env: dict[Value, Value] = {}
    has_axis: set[Value] = set()
    for i, v in enumerate(body.inputs):
        shape = v.shape if i < consts else (width, *v.shape)
        env[v] = builder.input(v.type.with_shape(shape))
        if i >= consts:
            has_axis.add(v)
    with building(builder):
        for eq in body.equations:
            builder.source = eq.source
            operands = [env[v] for v in eq.operands]
            flags = [v in has_axis for v in eq.operands]
            if eq.regions and any(flags):
                outs, axes = _masked(eq, operands, flags, width), [True] * len(eq.outputs)
            else:
                single = Graph(eq.operands, [eq], eq.outputs, "f")
                outs, axes = spread_out(builder, _distinct(single), width, operands, flags)
            env.update(zip(eq.outputs, outs, strict=True))
            has_axis.update([v for v, a in zip(eq.outputs, axes, strict=True) if a])
        outputs = [env[v] if v in has_axis else in_every_lane(env[v], width) for v in body.outputs]
    return builder.build(outputs)


def _distinct(graph: Graph) -> Graph:
    """A graph of one equation, an input for each operand."""
    (eq,) = graph.equations
    inputs = tuple([Value(v.type) for v in eq.operands])
    alone = Equation(eq.op, inputs, eq.params, eq.outputs, eq.regions, eq.source)
    return Graph(inputs, [alone], graph.outputs, graph.name)


def _masked(
    loop: Equation, operands: Sequence[Value], flags: Sequence[bool], width: int
) -> list[Value]:
    """A while_loop over lanes. A carry in front of the first sweep's tells which lanes still run;
    so does the first entry of its tape, if there is one, to the later sweeps."""
    consts, carries = loop.params["consts"], loop.params["carries"]
    inits = [
        v if f else in_every_lane(v, width)
        for v, f in zip(operands[consts:], flags[consts:], strict=True)
    ]
    lane_loop = _LaneLoop(loop, operands[:consts], flags[:consts], width)
    runs = lane_loop.holds(operands[:consts], inits[: carries[0]])
    results = OPS["while_loop"](
        *operands[:consts],
        runs,
        *inits,
        regions=lane_loop.regions(),
        consts=consts,
        carries=(carries[0] + 1, *carries[1:]),
        upwards=loop.params["upwards"],
    )
    return list(results[1:])


class _LaneLoop:
    """The regions of a while_loop over lanes."""

    def __init__(
        self, loop: Equation, shared: Sequence[Value], fixed: Sequence[bool], width: int
    ) -> None:
        self.cond, *self.sweeps = loop.regions
        self.carries: tuple[int, ...] = loop.params["carries"]
        self.shared = [v.type for v in shared]
        self.fixed = list(fixed)
        self.width = width

    def holds(self, consts: Sequence[Value], carry: Sequence[Value]) -> Value:
        """In which lanes the condition holds, appended to the current builder."""
        inputs = [*consts, *carry]
        flags = [*self.fixed, *[True] * len(carry)]
        (out,), (has_axis,) = spread_out(current_builder(), self.cond, self.width, inputs, flags)
        return out if has_axis else in_every_lane(out, self.width)

    def regions(self) -> tuple[Graph, ...]:
        """The condition and the sweeps."""
        tape: list[tuple[ArrayType, bool]] = []
        sweeps: list[Graph] = []
        for number in range(len(self.sweeps)):
            region, written = self._sweep(number, tape)
            sweeps.append(region)
            tape += written
        first = sweeps[0].inputs[len(self.shared) :]
        builder = Builder(self.cond.name)
        for t in self.shared:
            builder.input(t)
        runs = [builder.input(v.type) for v in first][0]
        with building(builder):
            any_runs = OPS["reduce_or"](runs, axes=(0,))
        return (builder.build([any_runs]), *sweeps)

    def _sweep(
        self, number: int, tape: Sequence[tuple[ArrayType, bool]]
    ) -> tuple[Graph, list[tuple[ArrayType, bool]]]:
        """Sweep `number`, and types of what it writes and whether that has the axis."""
        sweep, count = self.sweeps[number], self.carries[number]
        builder = Builder(sweep.name)
        consts = [builder.input(t) for t in self.shared]
        runs_type = ArrayType(BOOL, (self.width,))
        runs = [builder.input(runs_type)] if number == 0 else []
        own = sweep.inputs[len(consts) : len(consts) + count]
        carry = [builder.input(v.type.with_shape((self.width, *v.shape))) for v in own]
        read = [builder.input(t) for t, _ in tape]
        stays = runs[0] if number == 0 else read[0]
        entries = read[1:]
        flags = [*self.fixed, *[True] * count, *[has for _, has in tape[1:]]]
        with building(builder):
            outs, has = spread_out(builder, sweep, self.width, [*consts, *carry, *entries], flags)
            after = [
                _where(stays, out if axis else in_every_lane(out, self.width), before)
                for out, axis, before in zip(outs, has, carry, strict=False)
            ]
            written = list(zip(outs[count:], has[count:], strict=True))
            if number == 0:
                first = [OPS["bitwise_and"](stays, self.holds(consts, after))]
                written = [(stays, True), *written] if len(self.sweeps) > 1 else []
            else:
                first = []
        graph = builder.build([*first, *after, *[v for v, _ in written]])
        return graph, [(v.type, axis) for v, axis in written]


def _where(stays: Value, new: Value, old: Value) -> Value:
    keep = OPS["broadcast"](stays, shape=new.shape, dims=(0,)) if new.ndim > 1 else stays
    return OPS["select"](keep, new, old)
