"""scan in reverse mode: the split of its steps into what is known and what is linear, and the
linear steps backwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..graph import Builder, Graph, Value, building, current_builder
from ..op import OPS
from ..passes.dce import select_outputs
from ..passes.jvp import instantiated, zeros
from ..passes.remat import recompute
from ..passes.split import Split, split
from ..passes.transpose import transpose
from .steps import Parts, Regions, Steps, grown, invariant_values, parts_of, steps_of


def split_scan(unknown: Sequence[bool], *operands: Any, regions: Regions, **params: Any) -> Any:
    """The steps' known part as one scan, which stacks the residuals of each step, and the rest as
    another. Residuals that do not change from step to step are computed once, and those that are
    an operand or a row of one are that operand."""
    loop = steps_of(regions, **params)
    given, flags = loop.parts(operands), loop.parts(unknown)

    def carry_unknown(carry: list[bool]) -> list[bool]:
        known = [not u for u in [*flags.consts, *carry, *flags.xs]]
        return [not k for k in split(loop.body, known).is_known[: loop.carries]]

    carry = grown(flags.carry, carry_unknown)
    whole = Parts(flags.consts, carry, flags.xs)
    ys = len(loop.body.outputs) - loop.carries
    parts = split(loop.body, [not u for u in whole.all], [*carry, *[False] * ys])
    parts = recompute(parts, _at_hand(parts, whole, loop.carries))
    known = _Known(given, whole, parts.known, sum(parts.is_known))
    outs, residuals = known.run(loop)
    found = iter(outs)
    results = [next(found) if k else None for k in parts.is_known]
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
        kept = list(zip(held, known.is_row, strict=False))
        consts = [*[v for v, is_row in kept if not is_row], *unknown_consts]
        rows = [v for v, is_row in kept if is_row]
        step = _reordered(parts.rest, known.is_row, len(unknown_consts), len(carry_inits))
        return OPS["scan"](
            *consts,
            *carry_inits,
            *rows,
            *unknown_xs,
            **loop.with_body(step, len(consts), len(carry_inits)),
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

    def run(self, loop: Steps) -> tuple[list[Value], list[Value]]:
        """Append the known part of `loop` as a scan: its results, and the operand of the rest for
        each residual."""
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
            step = Graph(body.inputs, body.equations, outputs, body.name)
            results = OPS["scan"](
                *given.all, **loop.with_body(step, len(given.consts), self.carries)
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
    cts: Sequence[Value | None], *operands: Any, regions: Regions, **params: Any
) -> list[Value | None]:
    """The steps backwards: cotangents of the carry are carried, those of constants summed up, those
    of rows stacked."""
    loop = steps_of(regions, **params)
    carries = loop.carries
    given = loop.parts(operands)
    free = [not isinstance(v, Value) for v in operands]
    linear = loop.parts(free)
    # A linear carry may start from a known value, which is zero: the known part is split off.
    linear = Parts(linear.consts, [True] * carries, linear.xs)
    ct_carry = instantiated(loop.body.outputs[:carries], cts[:carries])
    ct_ys = [ct for ct in cts[carries:] if ct is not None]
    narrow = select_outputs(loop.body, [i < carries or ct is not None for i, ct in enumerate(cts)])
    backward = transpose(narrow, linear.all)
    step, totals = _backward_step(backward, loop, linear, len(ct_ys))
    known_consts = [v for v, k in zip(given.consts, linear.consts, strict=True) if not k]
    known_xs = [v for v, k in zip(given.xs, linear.xs, strict=True) if not k]
    width = carries + len(totals)
    backwards = replace(loop, reverse=not loop.reverse)
    results = OPS["scan"](
        *known_consts,
        *ct_carry,
        *[zeros(v) for v in totals],
        *known_xs,
        *ct_ys,
        **backwards.with_body(step, len(known_consts), width),
    )
    of_consts, of_xs = iter(results[carries:width]), iter(results[width:])
    found = [
        *[next(of_consts) if k else None for k in linear.consts],
        *results[:carries],
        *[next(of_xs) if k else None for k in linear.xs],
    ]
    return [ct if is_free else None for ct, is_free in zip(found, free, strict=True)]


def _backward_step(
    backward: Graph, loop: Steps, linear: Parts, ys: int
) -> tuple[Graph, list[Value]]:
    """One step of the transposed loop: (known consts, cotangents of the carry, sums of those of
    constants, known rows, cotangents of ys), and the constants that are summed for."""
    inputs, carries = loop.parts(loop.body.inputs), loop.carries
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
