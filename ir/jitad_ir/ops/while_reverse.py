"""while_loop in reverse mode: its known part alone, and the whole again for the rest; its linear
sweeps transposed, behind the known ones with their residuals on the tape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..graph import Builder, Graph, Value, building
from ..op import OPS
from ..passes.dce import select_outputs
from ..passes.effects import silenced
from ..passes.jvp import zeros
from ..passes.remat import recompute
from ..passes.split import Split, split
from ..passes.transpose import transpose
from ..types import ArrayType
from .steps import Regions, cut, grown
from .sweeps import Sweeps, sweeps_of


@dataclass(frozen=True, slots=True)
class _Division:
    """Which inputs of each sweep are unknown, and its known and unknown part."""

    consts: list[bool]
    carries: list[list[bool]]
    tapes: list[list[bool]]
    parts: list[Split]


def _divide(loop: Sweeps, unknown: Sequence[bool]) -> _Division:
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


def _known_cond(loop: Sweeps, division: _Division) -> Graph:
    """The condition over the known constants and carry."""
    unknown = [*division.consts, *division.carries[0]]
    part = split(loop.cond, [not u for u in unknown])
    if not part.is_known[0]:
        raise TypeError(
            "while_loop: its condition depends on a value that its transpose treats as linear"
        )
    return select_outputs(part.known, [True])


def split_while(unknown: Sequence[bool], *operands: Any, regions: Regions, **params: Any) -> Any:
    """The known part of each sweep as one loop; the rest is the whole loop once more, on the known
    operands and the unknown ones, which the transpose takes apart."""
    loop = sweeps_of(regions, **params)
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
        OPS["while_loop"](
            *known_consts,
            *[v for carry in known_carries for v in carry],
            regions=(_known_cond(loop, division), *sweeps),
            consts=len(known_consts),
            carries=tuple([len(c) for c in known_carries]),
            upwards=loop.upwards,
        )
    )
    late = [u for flags in division.carries for u in flags]
    quiet = tuple([silenced(region) for region in regions])
    if any([region.acts for region in quiet]):
        raise TypeError(
            "while_loop: its steps read results of io_callback, and reverse mode would call it "
            "twice. Use pure_callback, or lax.scan for a known number of steps"
        )

    def rest(held: Sequence[Value], others: Sequence[Value]) -> list[Value]:
        kept, free = iter(held), iter(others)
        again = OPS["while_loop"](
            *[next(free) if u else next(kept) for u in unknown], regions=quiet, **params
        )
        return [v for v, u in zip(again, late, strict=True) if u]

    known_operands = [v for v, u in zip(operands, unknown, strict=True) if not u]
    return [None if u else next(results) for u in late], known_operands, rest


def transpose_while(
    cts: Sequence[Value | None], *operands: Any, regions: Regions, **params: Any
) -> list[Value | None]:
    """The known sweeps, which write residuals on their tape too; then the linear ones backwards."""
    loop = sweeps_of(regions, **params)
    free = [not isinstance(v, Value) for v in operands]
    division = _divide(loop, free)
    consts, carries = loop.operands(operands)
    ct_carries = cut(cts, loop.carries)
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
    results = OPS["while_loop"](
        *known_consts,
        *[v for carry in known_carries for v in carry],
        *[v for start in starts for v in start],
        regions=(_known_cond(loop, division), *reverse.known, *reverse.backward),
        consts=len(known_consts),
        carries=tuple(widths),
        upwards=(*loop.upwards, *[not up for up in reversed(loop.upwards)]),
    )
    pieces = cut(results, widths)[len(loop.sweeps) :][::-1]
    return _found(loop, division, pieces, free)


def _found(
    loop: Sweeps, division: _Division, pieces: list[list[Value]], free: Sequence[bool]
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

    def __init__(self, loop: Sweeps, division: _Division) -> None:
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
