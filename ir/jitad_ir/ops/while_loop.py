"""while_loop: a loop of unknown length, and sweeps back and forth over its steps.

    while_loop(consts, carry_1, ..., carry_m; cond, sweep_1, ..., sweep_m)

The first sweep is the loop itself: while `cond(consts, carry_1)` holds, `sweep_1` takes
(consts, carry_1) to the next carry_1 and to what it writes on its tape at step k. With m = 1 and no
tape that is all. Each later sweep goes over the same steps, upwards or downwards as `upwards[i]`
says: `sweep_i` takes (consts, carry_i, what the earlier sweeps wrote at step k) to the next carry_i
and what it writes itself. The results are all final carries.

A derivative of such a loop is such a loop. Reverse mode of a plain loop has two sweeps: one up,
that writes the residuals of each step on the tape, and one down, that carries the cotangents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..evaluate import interpreter
from ..graph import Builder, Graph, Value, building
from ..op import OPS, Joint, Op, Pruned, Structured, WithPrimal
from ..passes.batch import spread_out
from ..passes.dce import select_inputs, select_outputs, values_read
from ..passes.jvp import push, zeros
from ..passes.remat import recompute
from ..passes.split import Split, split
from ..passes.transpose import transpose
from ..types import BOOL, ArrayType, TypeMismatch
from .scan import grown, scan

Regions = tuple[Graph, ...]


def _cut(items: Sequence[Any], lengths: Sequence[int]) -> list[list[Any]]:
    """`items` in consecutive pieces of these lengths."""
    pieces: list[list[Any]] = []
    start = 0
    for length in lengths:
        pieces.append(list(items[start : start + length]))
        start += length
    return pieces


@dataclass(frozen=True, slots=True)
class _Sweeps:
    """A while_loop taken apart."""

    consts: int
    carries: tuple[int, ...]
    upwards: tuple[bool, ...]
    cond: Graph
    sweeps: Regions

    @property
    def params(self) -> dict[str, Any]:
        return {"consts": self.consts, "carries": self.carries, "upwards": self.upwards}

    def operands(self, items: Sequence[Any]) -> tuple[list[Any], list[list[Any]]]:
        """Operands, or what belongs to them: the constants, and each sweep's carry."""
        consts, *carries = _cut(items, (self.consts, *self.carries))
        return consts, carries

    def tape(self, number: int) -> tuple[ArrayType, ...]:
        """Types of what sweep `number` writes at each step."""
        return self.sweeps[number].output_types[self.carries[number] :]


def _sweeps(
    regions: Regions, consts: int, carries: tuple[int, ...], upwards: tuple[bool, ...]
) -> _Sweeps:
    return _Sweeps(consts, carries, upwards, regions[0], regions[1:])


def _infer(*types: ArrayType, regions: Regions, **params: Any) -> tuple[ArrayType, ...]:
    loop = _sweeps(regions, **params)
    consts, carries = loop.operands(types)
    if loop.cond.input_types != (*consts, *carries[0]):
        raise TypeMismatch(
            f"while_loop: its condition takes {loop.cond.input_types}; got {(*consts, *carries[0])}"
        )
    if loop.cond.output_types != (ArrayType(BOOL, ()),):
        raise TypeMismatch(
            f"while_loop: its condition must give bool[]; got {loop.cond.output_types}"
        )
    tapes: list[ArrayType] = []
    for number, (sweep, carry) in enumerate(zip(loop.sweeps, carries, strict=True)):
        expected = (*consts, *carry, *tapes)
        if sweep.input_types != expected:
            raise TypeMismatch(
                f"while_loop: sweep {number} takes {sweep.input_types}; got {expected}"
            )
        if list(sweep.output_types[: len(carry)]) != carry:
            raise TypeMismatch(
                f"while_loop: the carry must keep its types {tuple(carry)}; sweep {number} gives "
                f"{sweep.output_types[: len(carry)]}"
            )
        tapes += loop.tape(number)
    return tuple([t for carry in carries for t in carry])


def _evaluate(*arrays: Any, regions: Regions, **params: Any) -> tuple[Any, ...]:
    loop = _sweeps(regions, **params)
    consts, carries = loop.operands(arrays)
    holds, step = interpreter(loop.cond), interpreter(loop.sweeps[0])
    tape: list[list[Any]] = []
    carry = carries[0]
    while holds(*consts, *carry)[0]:
        results = step(*consts, *carry)
        carry = results[: loop.carries[0]]
        tape.append(list(results[loop.carries[0] :]))
    finals = [*carry]
    for number in range(1, len(loop.sweeps)):
        step, width = interpreter(loop.sweeps[number]), loop.carries[number]
        carry = carries[number]
        for row in tape if loop.upwards[number] else reversed(tape):
            results = step(*consts, *carry, *row)
            carry = results[:width]
            row.extend(results[width:])
        finals += carry
    return tuple(finals)


# jvp: every sweep carries tangents beside its values, and writes them beside its tape


def _push_sweep(
    sweep: Graph, groups: Sequence[Sequence[bool]], width: int
) -> tuple[Graph, list[bool], list[bool]]:
    """The jvp of a sweep. `groups` are the moving flags of its inputs, by group: in the new
    inputs, and in the carry and the tape of its outputs, the tangents of a group follow its
    values. Also which of the carry and of the tape have tangents; the moving carry always does."""
    builder = Builder(f"jvp.{sweep.name}")
    primals: list[Value] = []
    tangents: list[Value | None] = []
    for values, flags in zip(_cut(sweep.inputs, [len(g) for g in groups]), groups, strict=True):
        primals += [builder.input(v.type) for v in values]
        tangents += [
            builder.input(v.type) if f else None for v, f in zip(values, flags, strict=True)
        ]
    with building(builder):
        outs, ts = push(builder, sweep, primals, tangents)
        moved = [t is not None for t in ts]
        carry_ts = [
            zeros(out) if t is None else t
            for out, t, f in zip(outs, ts, groups[1], strict=False)
            if f
        ]
    tape_ts = [t for t in ts[width:] if t is not None]
    graph = builder.build([*outs[:width], *carry_ts, *outs[width:], *tape_ts])
    return graph, moved[:width], moved[width:]


def _jvp(
    tangents: Sequence[Value | None], *operands: Value, regions: Regions, **params: Any
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    loop = _sweeps(regions, **params)
    consts, carries = loop.operands(operands)
    const_ts, carry_ts = loop.operands(tangents)
    const_flags = [t is not None for t in const_ts]
    tapes: list[list[bool]] = []
    new_sweeps: list[Graph] = []
    new_carries: list[list[Value]] = []
    moving: list[list[bool]] = []
    for sweep, width, values, ts in zip(loop.sweeps, loop.carries, carries, carry_ts, strict=True):

        def moves(flags: list[bool], sweep: Graph = sweep, width: int = width) -> list[bool]:
            return _push_sweep(sweep, [const_flags, flags, *tapes], width)[1]

        flags = grown([t is not None for t in ts], moves)
        graph, _, tape = _push_sweep(sweep, [const_flags, flags, *tapes], width)
        tapes.append(tape)
        new_sweeps.append(graph)
        moving.append(flags)
        directions = [
            zeros(v) if t is None else t for v, t, f in zip(values, ts, flags, strict=True) if f
        ]
        new_carries.append([*values, *directions])
    cond = _widened_cond(loop.cond, const_flags, moving[0])
    results = while_loop(
        *consts,
        *[t for t in const_ts if t is not None],
        *[v for carry in new_carries for v in carry],
        regions=(cond, *new_sweeps),
        consts=loop.consts + sum(const_flags),
        carries=tuple([len(c) for c in new_carries]),
        upwards=loop.upwards,
    )
    outs: list[Value] = []
    out_ts: list[Value | None] = []
    pieces = _cut(results, [len(c) for c in new_carries])
    for piece, width, flags in zip(pieces, loop.carries, moving, strict=True):
        moved = iter(piece[width:])
        outs += piece[:width]
        out_ts += [next(moved) if f else None for f in flags]
    return outs, out_ts


def _widened_cond(cond: Graph, consts: Sequence[bool], carry: Sequence[bool]) -> Graph:
    """`cond` over constants and carry that are followed by their tangents, which it ignores."""
    values, carried = _cut(cond.inputs, (len(consts), len(carry)))
    inputs = [
        *values,
        *[Value(v.type) for v, f in zip(values, consts, strict=True) if f],
        *carried,
        *[Value(v.type) for v, f in zip(carried, carry, strict=True) if f],
    ]
    return Graph(inputs, cond.equations, cond.outputs, cond.name)


# split: the known part alone, and the whole again for the rest


@dataclass(frozen=True, slots=True)
class _Division:
    """Which inputs of each sweep are unknown, and its known and unknown part."""

    consts: list[bool]
    carries: list[list[bool]]
    tapes: list[list[bool]]
    parts: list[Split]


def _divide(loop: _Sweeps, unknown: Sequence[bool]) -> _Division:
    consts, carries = loop.operands(unknown)
    division = _Division(consts, [], [], [])
    for sweep, width, flags in zip(loop.sweeps, loop.carries, carries, strict=True):
        tape = [u for written in division.tapes for u in written]

        def late(carry: list[bool], sweep: Graph = sweep, tape: list[bool] = tape) -> list[bool]:
            known = [not u for u in (*consts, *carry, *tape)]
            return [not k for k in split(sweep, known).is_known[: len(carry)]]

        grown_flags = grown(flags, late)
        known = [not u for u in (*consts, *grown_flags, *tape)]
        written = len(sweep.outputs) - width
        part = split(sweep, known, [*grown_flags, *[False] * written])
        part = recompute(part, _at_hand(part, sum([not u for u in consts]), width, grown_flags))
        division.carries.append(grown_flags)
        division.tapes.append([not k for k in part.is_known[width:]])
        division.parts.append(part)
    return division


def _at_hand(part: Split, consts: int, width: int, carry: Sequence[bool]) -> set[Value]:
    """Values of a sweep's known part that every later sweep has: constants, and the tape."""
    known_carry = len(carry) - sum(carry)
    inputs = part.known.inputs
    answers = sum(part.is_known[:width])
    return {
        *inputs[:consts],
        *inputs[consts + known_carry :],
        *part.known.outputs[answers : sum(part.is_known)],
    }


def _known_cond(loop: _Sweeps, division: _Division) -> Graph:
    """The condition over the known constants and carry."""
    unknown = [*division.consts, *division.carries[0]]
    part = split(loop.cond, [not u for u in unknown])
    if not part.is_known[0]:
        raise TypeError(
            "while_loop: its condition depends on a value that its transpose treats as linear"
        )
    return select_outputs(part.known, [True])


def _split(unknown: Sequence[bool], *operands: Any, regions: Regions, **params: Any) -> Any:
    loop = _sweeps(regions, **params)
    division = _divide(loop, unknown)
    consts, carries = loop.operands(operands)
    known_consts = [v for v, u in zip(consts, division.consts, strict=True) if not u]
    known_carries = [
        [v for v, u in zip(carry, flags, strict=True) if not u]
        for carry, flags in zip(carries, division.carries, strict=True)
    ]
    sweeps = [
        select_outputs(p.known, [i < sum(p.is_known) for i in range(len(p.known.outputs))])
        for p in division.parts
    ]
    results = iter(
        while_loop(
            *known_consts,
            *[v for carry in known_carries for v in carry],
            regions=(_known_cond(loop, division), *sweeps),
            consts=len(known_consts),
            carries=tuple([len(c) for c in known_carries]),
            upwards=loop.upwards,
        )
    )
    late = [u for flags in division.carries for u in flags]

    def rest(held: Sequence[Value], others: Sequence[Value]) -> list[Value]:
        kept, free = iter(held), iter(others)
        again = while_loop(
            *[next(free) if u else next(kept) for u in unknown], regions=regions, **params
        )
        return [v for v, u in zip(again, late, strict=True) if u]

    known_operands = [v for v, u in zip(operands, unknown, strict=True) if not u]
    return [None if u else next(results) for u in late], known_operands, rest


# transpose: the known sweeps with their residuals on the tape, then the linear ones reversed


def _transpose(
    cts: Sequence[Value | None], *operands: Any, regions: Regions, **params: Any
) -> list[Value | None]:
    loop = _sweeps(regions, **params)
    free = [not isinstance(v, Value) for v in operands]
    division = _divide(loop, free)
    consts, carries = loop.operands(operands)
    ct_carries = _cut(cts, loop.carries)
    reverse = _Reverse(loop, division)
    known_consts = [v for v, u in zip(consts, division.consts, strict=True) if not u]
    known_carries = [
        [v for v, u in zip(carry, flags, strict=True) if not u]
        for carry, flags in zip(carries, division.carries, strict=True)
    ]
    totals = [zeros(v) for v, u in zip(consts, division.consts, strict=True) if u]
    starts: list[list[Value]] = []
    for number in reversed(range(len(loop.sweeps))):
        inputs = loop.sweeps[number].inputs[loop.consts :]
        starts.append(
            [
                zeros(v) if ct is None else ct
                for v, ct, u in zip(
                    inputs, ct_carries[number], division.carries[number], strict=False
                )
                if u
            ]
            + totals
        )
    widths = [*[len(c) for c in known_carries], *[len(s) for s in starts]]
    results = while_loop(
        *known_consts,
        *[v for carry in known_carries for v in carry],
        *[v for start in starts for v in start],
        regions=(_known_cond(loop, division), *reverse.known, *reverse.backward),
        consts=len(known_consts),
        carries=tuple(widths),
        upwards=(*loop.upwards, *[not up for up in reversed(loop.upwards)]),
    )
    pieces = _cut(results, widths)[len(loop.sweeps) :][::-1]
    return _found(loop, division, pieces, free)


def _found(
    loop: _Sweeps, division: _Division, pieces: list[list[Value]], free: Sequence[bool]
) -> list[Value | None]:
    """Cotangents of the operands from the final carries of the backward sweeps."""
    count = sum(division.consts)
    sums: list[Value] = []
    for piece in pieces:
        own = piece[len(piece) - count :]
        sums = own if not sums else [OPS["add"](a, b) for a, b in zip(sums, own, strict=True)]
    of_consts = iter(sums)
    found: list[Value | None] = [next(of_consts) if u else None for u in division.consts]
    for piece, flags in zip(pieces, division.carries, strict=True):
        of_carry = iter(piece)
        found += [next(of_carry) if u else None for u in flags]
    return [ct if is_free else None for ct, is_free in zip(found, free, strict=True)]


class _Reverse:
    """The sweeps of a transposed loop."""

    def __init__(self, loop: _Sweeps, division: _Division) -> None:
        self.loop = loop
        self.division = division
        self.known: list[Graph] = []
        self.backward: list[Graph] = []
        self._written: list[list[tuple[str, int, int]]] = []
        """What each new sweep writes: ("known", i, j), ("residual", i, j), ("ct", i, j) for entry
        or residual j of the old sweep i."""
        self._places = [self._places_of(number) for number in range(len(loop.sweeps))]
        for number in range(len(loop.sweeps)):
            self._add_known(number)
        for number in reversed(range(len(loop.sweeps))):
            self._add_backward(number)

    def _places_of(self, number: int) -> list[tuple[str, int, int]]:
        """Where the backward sweep finds each residual of sweep `number`: ("const", 0, j), an entry
        of the tape that there is anyway, or an entry for itself."""
        division, part = self.division, self.division.parts[number]
        names = [("const", 0, j) for j in range(len(division.consts) - sum(division.consts))]
        carry = division.carries[number]
        names += [("carry", number, j) for j in range(len(carry) - sum(carry))]
        for i in range(number):
            names += [("known", i, j) for j, u in enumerate(division.tapes[i]) if not u]
        at_hand = dict(zip(part.known.inputs, names, strict=True))
        answers = sum(part.is_known)
        own = [("known", number, j) for j, u in enumerate(division.tapes[number]) if not u]
        tape = part.known.outputs[answers - len(own) : answers]
        at_hand |= dict(zip(tape, own, strict=True))
        places: list[tuple[str, int, int]] = []
        for j, value in enumerate(part.known.outputs[answers:]):
            place = at_hand.get(value, ("carry", number, 0))
            places.append(("residual", number, j) if place[0] == "carry" else place)
        return places

    def _read(self, builder: Builder) -> list[tuple[tuple[str, int, int], Value]]:
        """Inputs for all that the earlier new sweeps wrote."""
        read: list[tuple[tuple[str, int, int], Value]] = []
        for written in self._written:
            for name in written:
                read.append((name, builder.input(self._type(name))))
        return read

    def _type(self, name: tuple[str, int, int]) -> ArrayType:
        kind, number, entry = name
        if kind == "residual":
            part = self.division.parts[number]
            return part.rest.inputs[entry].type
        return self.loop.tape(number)[entry]

    def _add_known(self, number: int) -> None:
        """Sweep `number`'s known part, which writes its known entries and its residuals."""
        loop, division = self.loop, self.division
        part = division.parts[number]
        builder = Builder(part.known.name)
        consts = [
            builder.input(v.type)
            for v, u in zip(loop.sweeps[number].inputs, division.consts, strict=False)
            if not u
        ]
        carried = loop.sweeps[number].inputs[loop.consts :]
        carry = [
            builder.input(v.type)
            for v, u in zip(carried, division.carries[number], strict=False)
            if not u
        ]
        read = dict(self._read(builder))
        entries = [
            read["known", i, j]
            for i in range(number)
            for j, u in enumerate(division.tapes[i])
            if not u
        ]
        with building(builder):
            outs = builder.inline(part.known, [*consts, *carry, *entries])
        known = [j for j, u in enumerate(division.tapes[number]) if not u]
        written = [("known", number, j) for j in known]
        answers = sum(part.is_known)
        kept = [j for j, place in enumerate(self._places[number]) if place[0] == "residual"]
        written += [("residual", number, j) for j in kept]
        self._written.append(written)
        self.known.append(builder.build([*outs[:answers], *[outs[answers + j] for j in kept]]))

    def _add_backward(self, number: int) -> None:
        """Sweep `number`'s linear part transposed. Its carry: the cotangents of the carry, and the
        sums of those of the constants; it writes cotangents of the entries it read."""
        loop, division = self.loop, self.division
        part = division.parts[number]
        backward = transpose(part.rest, [i >= part.residuals for i in range(len(part.rest.inputs))])
        builder = Builder(backward.name)
        consts = [
            builder.input(v.type)
            for v, u in zip(loop.sweeps[number].inputs, division.consts, strict=False)
            if not u
        ]
        carried = loop.sweeps[number].inputs[loop.consts :]
        ct_carry = [
            builder.input(v.type)
            for v, u in zip(carried, division.carries[number], strict=False)
            if u
        ]
        linear_consts = [
            v for v, u in zip(loop.sweeps[number].inputs, division.consts, strict=False) if u
        ]
        sums = [builder.input(v.type) for v in linear_consts]
        read = self._read(builder)
        with building(builder):
            found = dict(read) | {("const", 0, j): v for j, v in enumerate(consts)}
            residuals = [found[place] for place in self._places[number]]
            ct_tape = [
                self._total(number, j, read) for j, u in enumerate(division.tapes[number]) if u
            ]
            outs = builder.inline(backward, [*residuals, *ct_carry, *ct_tape])
            of_consts = outs[: len(sums)]
            of_carry = outs[len(sums) : len(sums) + len(ct_carry)]
            of_tape = outs[len(sums) + len(ct_carry) :]
            totals = [OPS["add"](s, ct) for s, ct in zip(sums, of_consts, strict=True)]
        written = [
            ("ct", i, j) for i in range(number) for j, u in enumerate(division.tapes[i]) if u
        ]
        self._written.append(written)
        self.backward.append(builder.build([*of_carry, *totals, *of_tape]))

    def _total(
        self, number: int, entry: int, read: Sequence[tuple[tuple[str, int, int], Value]]
    ) -> Value:
        """The cotangent of a linear tape entry: the sum of what its readers wrote."""
        total: Value | None = None
        for name, value in read:
            if name == ("ct", number, entry):
                total = value if total is None else OPS["add"](total, value)
        if total is None:
            type = self.loop.tape(number)[entry]
            return OPS["full"](value=0, shape=type.shape, dtype=type.dtype)
        return total


# batch


def _batch(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    regions: Regions,
    batch_axis: object = None,
    **params: Any,
) -> tuple[Value, ...]:
    loop = _sweeps(regions, **params)
    consts, carries = loop.operands(operands)
    const_flags, carry_flags = loop.operands(batched)
    tapes: list[bool] = []
    conds: list[Graph] = []
    sweeps: list[Graph] = []
    inits: list[Value] = []
    for number, (sweep, width) in enumerate(zip(loop.sweeps, loop.carries, strict=True)):

        def wide(
            carry: list[bool], force: bool, sweep: Graph = sweep, read: list[bool] = tapes
        ) -> tuple[Graph, list[bool]]:
            has_axis = [*const_flags, *carry, *read]
            return _batched(sweep, size, has_axis, carry if force else [], batch_axis)

        flags = grown(carry_flags[number], lambda c: wide(c, False)[1][: len(c)])
        if number == 0:
            cond, differs = _batched(loop.cond, size, [*const_flags, *flags], [], batch_axis)
            if differs[0]:
                return _lane_by_lane(size, batched, operands, regions, params)
            conds = [cond]
        graph, has = wide(flags, True)
        sweeps.append(graph)
        tapes = [*tapes, *has[width:]]
        inits += [
            _spread(v, size) if f and not given else v
            for v, f, given in zip(carries[number], flags, carry_flags[number], strict=True)
        ]
    return while_loop(*consts, *inits, regions=(*conds, *sweeps), **params)


def _batched(
    graph: Graph,
    size: int,
    has_axis: Sequence[bool],
    force: Sequence[bool],
    batch_axis: object,
) -> tuple[Graph, list[bool]]:
    """The batched graph, and which outputs have the axis; the first ones do where `force`."""
    builder = Builder(f"batch.{graph.name}")
    inputs = [
        builder.input(v.type.with_shape((size, *v.shape)) if f else v.type)
        for v, f in zip(graph.inputs, has_axis, strict=True)
    ]
    with building(builder):
        outs, have = spread_out(builder, graph, size, inputs, has_axis, batch_axis)
        for i, f in enumerate(force):
            if f and not have[i]:
                outs[i], have[i] = _spread(outs[i], size), True
    return builder.build(outs), have


def _spread(value: Value, size: int) -> Value:
    dims = tuple(range(1, value.ndim + 1))
    return OPS["broadcast"](value, shape=(size, *value.shape), dims=dims)


def _lane_by_lane(
    size: int,
    batched: Sequence[bool],
    operands: Sequence[Value],
    regions: Regions,
    params: dict[str, Any],
) -> tuple[Value, ...]:
    """A loop over the lanes, each of which stops by itself."""
    builder = Builder("lane")
    fixed = {i: builder.input(v.type) for i, v in enumerate(operands) if not batched[i]}
    rows = {
        i: builder.input(v.type.with_shape(v.shape[1:]))
        for i, v in enumerate(operands)
        if batched[i]
    }
    inputs = {**fixed, **rows}
    with building(builder):
        results = while_loop(*[inputs[i] for i in range(len(operands))], regions=regions, **params)
    return scan(
        *[operands[i] for i in fixed],
        *[operands[i] for i in rows],
        regions=(builder.build(results),),
        length=size,
        reverse=False,
        consts=len(fixed),
        carries=0,
        unroll=1,
    )


# dce


def _prune(used: Sequence[bool], regions: Regions, **params: Any) -> Pruned:
    """Without the carries and the entries of the tape that serve no result left, and sweeps left
    without any."""
    loop = _sweeps(regions, **params)
    carries = _cut(used, loop.carries)
    tapes = [[False] * len(loop.tape(i)) for i in range(len(loop.sweeps))]
    consts = [False] * loop.consts
    while True:
        before = (consts, list(carries), list(tapes))
        sweeps = [
            select_outputs(sweep, [*carry, *tape])
            for sweep, carry, tape in zip(loop.sweeps, carries, tapes, strict=True)
        ]
        values = values_read(loop.cond)
        flags = [v in values for v in loop.cond.inputs]
        consts = _either(consts, flags[: loop.consts])
        carries[0] = _either(carries[0], flags[loop.consts :])
        for number, sweep in enumerate(sweeps):
            values = values_read(sweep)
            flags = [v in values for v in sweep.inputs]
            width = loop.carries[number]
            earlier = [len(tape) for tape in tapes[:number]]
            of_consts, of_carry, *of_tapes = _cut(flags, [loop.consts, width, *earlier])
            consts = _either(consts, of_consts)
            carries[number] = _either(carries[number], of_carry)
            for i, of_tape in enumerate(of_tapes):
                tapes[i] = _either(tapes[i], of_tape)
        if (consts, carries, tapes) == before:
            break
    kept = [i == 0 or any(carries[i]) or any(tapes[i]) for i in range(len(sweeps))]
    narrow = [select_inputs(loop.cond, [*consts, *carries[0]])]
    for number, sweep in enumerate(sweeps):
        if kept[number]:
            written = [flag for tape in tapes[:number] for flag in tape]
            narrow.append(select_inputs(sweep, [*consts, *carries[number], *written]))
    flags = [flag for carry in carries for flag in carry]
    left = {
        "consts": sum(consts),
        "carries": tuple([sum(c) for c, keep in zip(carries, kept, strict=True) if keep]),
        "upwards": tuple([up for up, keep in zip(loop.upwards, kept, strict=True) if keep]),
    }
    return Pruned(left, tuple(narrow), [*consts, *flags], flags)


def _either(first: Sequence[bool], second: Sequence[bool]) -> list[bool]:
    return [a or b for a, b in zip(first, second, strict=True)]


while_loop = Op(
    name="while_loop",
    doc="A loop while a condition holds, and sweeps back over its steps; see the module.",
    infer=_infer,
    evaluate=_evaluate,
    jvp=WithPrimal(_jvp),
    transpose=Joint(_transpose),
    batch=_batch,
    lower=Structured("while_loop"),
    samples=(),
    multiple_results=True,
    split=_split,
    prune=_prune,
)
