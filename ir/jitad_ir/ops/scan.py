"""scan: a loop of known length that carries values along and stacks what each step gives.

    scan(consts, carry, xs; body): (consts, carry, xs[i]) -> (carry, ys[i]), i = 0 ... length - 1

The operands are the constants, the initial carry and the arrays whose rows the steps read; the
results are the final carry and the stacked rows. With `reverse`, the steps run from the last row to
the first. Every pass goes through the body: a derivative of a scan is a scan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..evaluate import interpreter
from ..graph import Builder, Graph, Value, building, current_builder
from ..op import OPS, Joint, Op, Pruned, Structured, WithPrimal
from ..passes.batch import spread_out
from ..passes.dce import select_inputs, select_outputs, values_read
from ..passes.jvp import push, zeros
from ..passes.remat import recompute
from ..passes.split import Split, split
from ..passes.transpose import transpose
from ..types import ArrayType, TypeMismatch

Regions = tuple[Graph, ...]


class Parts(NamedTuple):
    """Operands, inputs or flags of a scan by their role."""

    consts: list[Any]
    carry: list[Any]
    xs: list[Any]

    @property
    def all(self) -> list[Any]:
        """In the order of the operands."""
        return [*self.consts, *self.carry, *self.xs]


def parts_of(items: Sequence[Any], consts: int, carries: int) -> Parts:
    """Operands, or what belongs to them, by their role."""
    end = consts + carries
    return Parts(list(items[:consts]), list(items[consts:end]), list(items[end:]))


def _row(type: ArrayType) -> ArrayType:
    return type.with_shape(type.shape[1:])


def _infer(
    *types: ArrayType,
    regions: Regions,
    length: int,
    reverse: bool,
    consts: int,
    carries: int,
    unroll: int,
) -> tuple[ArrayType, ...]:
    (body,) = regions
    parts = parts_of(types, consts, carries)
    for x in parts.xs:
        if x.ndim == 0 or x.shape[0] != length:
            raise TypeMismatch(f"scan: expected xs of length {length}; got {x!r}")
    expected = (*parts.consts, *parts.carry, *[_row(x) for x in parts.xs])
    if body.input_types != expected:
        raise TypeMismatch(f"scan: its body takes {body.input_types}; got {expected}")
    results = body.output_types
    if list(results[:carries]) != parts.carry:
        raise TypeMismatch(
            f"scan: the carry must keep its types {tuple(parts.carry)}; the body gives "
            f"{results[:carries]}"
        )
    stacked = [y.with_shape((length, *y.shape)) for y in results[carries:]]
    return (*results[:carries], *stacked)


def _evaluate(
    *arrays: Any,
    regions: Regions,
    length: int,
    reverse: bool,
    consts: int,
    carries: int,
    unroll: int,
) -> tuple[Any, ...]:
    (body,) = regions
    parts = parts_of(arrays, consts, carries)
    step = interpreter(body)
    stacked = [np.empty((length, *t.shape), t.dtype) for t in body.output_types[carries:]]
    carry: Sequence[Any] = parts.carry
    for i in reversed(range(length)) if reverse else range(length):
        results = step(*parts.consts, *carry, *[x[i] for x in parts.xs])
        carry = results[:carries]
        for rows, y in zip(stacked, results[carries:], strict=True):
            rows[i] = y
    return (*carry, *stacked)


def grown(mask: Sequence[bool], step: Callable[[list[bool]], Sequence[bool]]) -> list[bool]:
    """The least flags above `mask` with `step(flags) <= flags`: what becomes of the carry."""
    flags = list(mask)
    while True:
        after = [a or b for a, b in zip(flags, step(flags), strict=True)]
        if after == flags:
            return flags
        flags = after


def _with_tangents(body: Graph, moving: Parts, carries: int) -> tuple[Graph, list[bool]]:
    """The jvp of `body` with inputs (consts, tangents, carry, tangents, xs, tangents) and outputs
    (carry, tangents of the moving carry, ys, tangents of ys that move), and which ys move."""
    builder = Builder(f"jvp.{body.name}")
    inputs = parts_of(body.inputs, len(moving.consts), len(moving.carry))
    primals: list[Value] = []
    tangents: list[Value | None] = []
    for values, flags in zip(inputs, moving, strict=True):
        primals += [builder.input(v.type) for v in values]
        tangents += [
            builder.input(v.type) if flag else None for v, flag in zip(values, flags, strict=True)
        ]
    with building(builder):
        outs, ts = push(builder, body, primals, tangents)
        carry_ts = [
            zeros(out) if t is None else t
            for out, t, flag in zip(outs, ts, moving.carry, strict=False)
            if flag
        ]
    ys_ts = ts[carries:]
    outputs = [*outs[:carries], *carry_ts, *outs[carries:], *[t for t in ys_ts if t is not None]]
    return builder.build(outputs), [t is not None for t in ys_ts]


def _jvp(
    tangents: Sequence[Value | None],
    *operands: Value,
    regions: Regions,
    length: int,
    reverse: bool,
    consts: int,
    carries: int,
    unroll: int,
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    (body,) = regions
    given = parts_of(operands, consts, carries)
    ts = parts_of(tangents, consts, carries)
    flags = parts_of([t is not None for t in tangents], consts, carries)

    def carry_moves(carry: list[bool]) -> list[bool]:
        builder = Builder(body.name)
        primals = [builder.input(v.type) for v in body.inputs]
        directions = [
            builder.input(v.type) if f else None
            for v, f in zip(body.inputs, [*flags.consts, *carry, *flags.xs], strict=True)
        ]
        with building(builder):
            _, moved = push(builder, body, primals, directions)
        return [t is not None for t in moved[:carries]]

    moving = Parts(flags.consts, grown(flags.carry, carry_moves), flags.xs)
    wide, ys_move = _with_tangents(body, moving, carries)
    carry_ts = [
        zeros(v) if t is None else t
        for v, t, f in zip(given.carry, ts.carry, moving.carry, strict=True)
        if f
    ]
    const_ts = [t for t in ts.consts if t is not None]
    results = scan(
        *given.consts,
        *const_ts,
        *given.carry,
        *carry_ts,
        *given.xs,
        *[t for t in ts.xs if t is not None],
        regions=(wide,),
        length=length,
        reverse=reverse,
        consts=consts + len(const_ts),
        carries=carries + len(carry_ts),
        unroll=unroll,
    )
    width = carries + len(carry_ts)
    ys = len(body.outputs) - carries
    outs = [*results[:carries], *results[width : width + ys]]
    moved = iter([*results[carries:width], *results[width + ys :]])
    return outs, [next(moved) if f else None for f in [*moving.carry, *ys_move]]


def _split(
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
        return scan(
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


def invariant_values(body: Graph, consts: Sequence[Value]) -> set[Value]:
    """The values of a body that depend on these inputs alone."""
    found = set(consts)
    for eq in body.equations:
        if all(v in found for v in eq.operands):
            found.update(eq.outputs)
    return found


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
        if outputs:
            results = scan(
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


def _transpose(
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
    results = scan(
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


def _batch(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    regions: Regions,
    length: int,
    reverse: bool,
    consts: int,
    carries: int,
    unroll: int,
    batch_axis: object = None,
) -> tuple[Value, ...]:
    (body,) = regions
    given = parts_of(operands, consts, carries)
    flags = parts_of(batched, consts, carries)

    def wide(carry: list[bool], force: bool) -> tuple[Graph, list[bool]]:
        builder = Builder(f"batch.{body.name}")
        has_axis = [*flags.consts, *carry, *flags.xs]
        inputs = [
            builder.input(v.type.with_shape((size, *v.shape)) if f else v.type)
            for v, f in zip(body.inputs, has_axis, strict=True)
        ]
        with building(builder):
            outs, outs_have = spread_out(builder, body, size, inputs, has_axis, batch_axis)
            if force:
                for i, f in enumerate(carry):
                    if f and not outs_have[i]:
                        outs[i] = _spread(outs[i], size)
        return builder.build(outs), outs_have

    carry = grown(flags.carry, lambda c: wide(c, False)[1][:carries])
    step, outs_have = wide(carry, True)
    inits = [
        _spread(v, size) if f and not has else v
        for v, f, has in zip(given.carry, carry, flags.carry, strict=True)
    ]
    rows = [_swapped(v) if f else v for v, f in zip(given.xs, flags.xs, strict=True)]
    results = scan(
        *given.consts,
        *inits,
        *rows,
        regions=(step,),
        length=length,
        reverse=reverse,
        consts=consts,
        carries=carries,
        unroll=unroll,
    )
    ys = [
        _swapped(y) if has else y
        for y, has in zip(results[carries:], outs_have[carries:], strict=True)
    ]
    return (*results[:carries], *ys)


def _prune(
    used: Sequence[bool],
    regions: Regions,
    length: int,
    reverse: bool,
    consts: int,
    carries: int,
    unroll: int,
) -> Pruned:
    """Without the rows that nobody reads, the carries that serve no row and no result left, and the
    operands that serve neither."""
    (body,) = regions
    rows = list(used[carries:])

    def read(carry: Sequence[bool]) -> tuple[Graph, list[bool]]:
        narrow = select_outputs(body, [*carry, *rows])
        values = values_read(narrow)
        return narrow, [v in values for v in body.inputs]

    carry = grown(used[:carries], lambda c: read(c)[1][consts : consts + carries])
    narrow, is_read = read(carry)
    kept = parts_of(is_read, consts, carries)
    operands = [*kept.consts, *carry, *kept.xs]
    params = {
        "length": length,
        "reverse": reverse,
        "consts": sum(kept.consts),
        "carries": sum(carry),
        "unroll": unroll,
    }
    return Pruned(params, (select_inputs(narrow, operands),), operands, [*carry, *rows])


def _spread(value: Value, size: int) -> Value:
    dims = tuple(range(1, value.ndim + 1))
    return OPS["broadcast"](value, shape=(size, *value.shape), dims=dims)


def _swapped(value: Value) -> Value:
    """The first two axes exchanged: batch and steps."""
    return OPS["transpose"](value, permutation=(1, 0, *range(2, value.ndim)))


scan = Op(
    name="scan",
    doc="A loop over rows that carries values along; see the module.",
    infer=_infer,
    evaluate=_evaluate,
    jvp=WithPrimal(_jvp),
    transpose=Joint(_transpose),
    batch=_batch,
    lower=Structured("loop"),
    samples=(),
    multiple_results=True,
    split=_split,
    prune=_prune,
)
