"""scan in reverse mode: the split of its steps into what is known and what is linear, and the
linear steps backwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph import Builder, Graph, Value, building, current_builder
from ..op import OPS
from ..passes.dce import select_outputs
from ..passes.jvp import zeros
from ..passes.remat import recompute
from ..passes.split import Split, split
from ..passes.transpose import transpose
from .steps import Parts, grown, invariant_values, parts_of

Regions = tuple[Graph, ...]


def split_scan(
    unknown: Sequence[bool],
    *operands: Any,
    regions: Regions,
    length: int,
    reverse: bool,
    consts: int,
    carries: int,
    unroll: int,
) -> Any:
    """The steps' known part as one scan, which stacks the residuals of each step, and the rest as
    another. Residuals that do not change from step to step are computed once, and those that are
    an operand or a row of one are that operand."""
    (body,) = regions
    given = parts_of(operands, consts, carries)
    flags = parts_of(unknown, consts, carries)

    def carry_unknown(carry: list[bool]) -> list[bool]:
        known = [not u for u in [*flags.consts, *carry, *flags.xs]]
        return [not k for k in split(body, known).is_known[:carries]]

    carry = grown(flags.carry, carry_unknown)
    whole = Parts(flags.consts, carry, flags.xs)
    ys = len(body.outputs) - carries
    parts = split(body, [not u for u in whole.all], [*carry, *[False] * ys])
    parts = recompute(parts, _at_hand(parts, whole, carries))
    answers = sum(parts.is_known)
    known = _Known(given, whole, parts.known, answers)
    settings = {"length": length, "reverse": reverse, "unroll": unroll}
    outs, residuals = known.run(settings)
    results: list[Value | None] = []
    found = iter(outs)
    for k in parts.is_known:
        results.append(next(found) if k else None)
    inits = [
        v for v, u, late in zip(given.carry, flags.carry, carry, strict=True) if late and not u
    ]

    def rest(held: Sequence[Value], others: Sequence[Value]) -> tuple[Value, ...]:
        known_inits = iter(held[len(residuals) :])
        free = iter(others)
        unknown_consts = [next(free) for u in flags.consts if u]
        carry_inits = [
            next(free) if u else next(known_inits)
            for u, late in zip(flags.carry, carry, strict=True)
            if late
        ]
        unknown_xs = list(free)
        constant = [v for v, is_row in zip(held, known.is_row, strict=False) if not is_row]
        rows = [v for v, is_row in zip(held, known.is_row, strict=False) if is_row]
        body_rest = _reordered(parts.rest, known.is_row, len(unknown_consts), len(carry_inits))
        return OPS["scan"](
            *constant,
            *unknown_consts,
            *carry_inits,
            *rows,
            *unknown_xs,
            regions=(body_rest,),
            consts=len(constant) + len(unknown_consts),
            carries=len(carry_inits),
            **settings,
        )

    return results, [*residuals, *inits], rest


def _at_hand(parts: Split, unknown: Parts, carries: int) -> set[Value]:
    """Known values that the rest of a step may read without their being kept for it: what depends
    on constants only, rows of operands, and stacked results."""
    known = Parts(*[[u for u in flags if not u] for flags in unknown])
    inputs = parts_of(parts.known.inputs, len(known.consts), len(known.carry))
    found = set(invariant_values(parts.known, inputs.consts)) | set(inputs.xs)
    first = sum(parts.is_known[:carries])
    return found | set(parts.known.outputs[first : sum(parts.is_known)])


def _reordered(rest: Graph, is_row: Sequence[bool], consts: int, carries: int) -> Graph:
    """`rest`, whose inputs are the residuals, then unknown consts, carry and xs, with the residuals
    that are rows moved to the rows."""
    count = len(is_row)
    fixed = [v for v, row in zip(rest.inputs[:count], is_row, strict=True) if not row]
    rows = [v for v, row in zip(rest.inputs[:count], is_row, strict=True) if row]
    free = rest.inputs[count:]
    middle = consts + carries
    inputs = [*fixed, *free[:middle], *rows, *free[middle:]]
    return Graph(inputs, rest.equations, rest.outputs, rest.name)


class _Known:
    """The known part of a scan: which residuals are constants, which rows of which array."""

    def __init__(self, given: Parts, unknown: Parts, body: Graph, answers: int) -> None:
        self.given = Parts(
            *[
                [v for v, u in zip(values, flags, strict=True) if not u]
                for values, flags in zip(given, unknown, strict=True)
            ]
        )
        self.body = body
        self.answers = answers
        self.carries = len(self.given.carry)
        self.is_row: list[bool] = []
        """Whether each residual differs from step to step."""

    def run(self, settings: dict[str, Any]) -> tuple[list[Value], list[Value]]:
        """Append the known scan: its results, and the operand of the rest for each residual."""
        body, given = self.body, self.given
        inputs = parts_of(body.inputs, len(given.consts), self.carries)
        residuals = body.outputs[self.answers :]
        fixed = self._invariant(inputs.consts)
        of_rows = dict(zip(inputs.xs, given.xs, strict=True))
        stacked = [r for r in residuals if r not in fixed and r not in of_rows]
        stacked = list(dict.fromkeys(stacked))
        outputs = [*body.outputs[: self.answers], *stacked]
        results: tuple[Value, ...] = ()
        if outputs or body.acts:
            results = OPS["scan"](
                *given.all,
                regions=(Graph(body.inputs, body.equations, outputs, body.name),),
                consts=len(given.consts),
                carries=self.carries,
                **settings,
            )
        rows = dict(zip(stacked, results[self.answers :], strict=True))
        self.is_row = [r not in fixed for r in residuals]
        held = [fixed.get(r) or of_rows.get(r) or rows[r] for r in residuals]
        return list(results[: self.answers]), held

    def _invariant(self, consts: Sequence[Value]) -> dict[Value, Value]:
        """Residuals that depend on constants only, computed outside of the loop."""
        env: dict[Value, Value] = dict(zip(consts, self.given.consts, strict=True))
        builder = current_builder()
        needed = set(self.body.outputs[self.answers :])
        invariant = invariant_values(self.body, consts)
        chosen = [eq for eq in self.body.equations if invariant.issuperset(eq.outputs)]
        wanted = needed & invariant
        keep: list[Any] = []
        live = set(wanted)
        for eq in reversed(chosen):
            if not live.isdisjoint(eq.outputs):
                keep.append(eq)
                live.update(eq.operands)
        for eq in reversed(keep):
            outs = builder.replay(eq, tuple([env[v] for v in eq.operands]))
            env.update(zip(eq.outputs, outs, strict=True))
        return {v: env[v] for v in wanted}


def transpose_scan(
    cts: Sequence[Value | None],
    *operands: Any,
    regions: Regions,
    length: int,
    reverse: bool,
    consts: int,
    carries: int,
    unroll: int,
) -> list[Value | None]:
    """The steps backwards: cotangents of the carry are carried, those of constants summed up, those
    of rows stacked."""
    (body,) = regions
    given = parts_of(operands, consts, carries)
    free = [not isinstance(v, Value) for v in operands]
    linear = parts_of(free, consts, carries)
    # A linear carry may start from a known value, which is zero: the known part is split off.
    linear = Parts(linear.consts, [True] * carries, linear.xs)
    ct_carry = [
        zeros(v) if ct is None else ct for v, ct in zip(body.inputs[consts:], cts, strict=False)
    ][:carries]
    ys_given = [ct is not None for ct in cts[carries:]]
    narrow = select_outputs(body, [*[True] * carries, *ys_given])
    backward = transpose(narrow, linear.all)
    step, totals = _backward_step(backward, body, linear, consts, carries, sum(ys_given))
    known_consts = [v for v, k in zip(given.consts, linear.consts, strict=True) if not k]
    known_xs = [v for v, k in zip(given.xs, linear.xs, strict=True) if not k]
    results = OPS["scan"](
        *known_consts,
        *ct_carry,
        *[zeros(v) for v in totals],
        *known_xs,
        *[ct for ct in cts[carries:] if ct is not None],
        regions=(step,),
        length=length,
        reverse=not reverse,
        consts=len(known_consts),
        carries=carries + len(totals),
        unroll=unroll,
    )
    of_carry, rest = list(results[:carries]), list(results[carries:])
    of_consts, of_xs = iter(rest[: len(totals)]), iter(rest[len(totals) :])
    found = [
        *[next(of_consts) if k else None for k in linear.consts],
        *of_carry,
        *[next(of_xs) if k else None for k in linear.xs],
    ]
    return [ct if is_free else None for ct, is_free in zip(found, free, strict=True)]


def _backward_step(
    backward: Graph, body: Graph, linear: Parts, consts: int, carries: int, ys: int
) -> tuple[Graph, list[Value]]:
    """One step of the transposed loop: (known consts, cotangents of the carry, sums of those of
    constants, known rows, cotangents of ys), and the constants that are summed for."""
    inputs = parts_of(body.inputs, consts, carries)
    builder = Builder(backward.name)
    fixed = [
        builder.input(v.type) for v, k in zip(inputs.consts, linear.consts, strict=True) if not k
    ]
    ct_carry = [builder.input(v.type) for v in inputs.carry]
    totals = [v for v, k in zip(inputs.consts, linear.consts, strict=True) if k]
    sums = [builder.input(v.type) for v in totals]
    rows = [builder.input(v.type) for v, k in zip(inputs.xs, linear.xs, strict=True) if not k]
    ct_types = backward.input_types[len(backward.inputs) - ys :] if ys else ()
    ct_ys = [builder.input(t) for t in ct_types]
    with building(builder):
        results = builder.inline(backward, [*fixed, *rows, *ct_carry, *ct_ys])
        of_consts = results[: len(totals)]
        of_carry = results[len(totals) : len(totals) + carries]
        of_xs = results[len(totals) + carries :]
        summed = [OPS["add"](s, ct) for s, ct in zip(sums, of_consts, strict=True)]
    return builder.build([*of_carry, *summed, *of_xs]), totals
