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
from typing import Any

from ..evaluate import interpreter
from ..graph import Graph, Value
from ..lowering import Structured
from ..op import Joint, Op, Pruned, WithPrimal, in_every_lane
from ..passes.batch import batch
from ..passes.dce import select_inputs, select_outputs, values_read
from ..passes.jvp import zeros
from ..types import BOOL, ArrayType, TypeMismatch
from .steps import Regions, cut, grown, jvp_of_step
from .structured import lane_by_lane
from .sweeps import sweeps_of
from .while_reverse import split_while, transpose_while


def _infer(*types: ArrayType, regions: Regions, **params: Any) -> tuple[ArrayType, ...]:
    loop = sweeps_of(regions, **params)
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
    loop = sweeps_of(regions, **params)
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


def _jvp(
    tangents: Sequence[Value | None], *operands: Value, regions: Regions, **params: Any
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    loop = sweeps_of(regions, **params)
    consts, carries = loop.operands(operands)
    const_ts, carry_ts = loop.operands(tangents)
    const_flags = [t is not None for t in const_ts]
    tapes: list[list[bool]] = []
    new_sweeps: list[Graph] = []
    new_carries: list[list[Value]] = []
    moving: list[list[bool]] = []
    for sweep, width, values, ts in zip(loop.sweeps, loop.carries, carries, carry_ts, strict=True):

        def moves(flags: list[bool], sweep: Graph = sweep, width: int = width) -> list[bool]:
            return jvp_of_step(sweep, [const_flags, flags, *tapes], width)[1]

        flags = grown([t is not None for t in ts], moves)
        graph, _, tape = jvp_of_step(sweep, [const_flags, flags, *tapes], width)
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
    pieces = cut(results, [len(c) for c in new_carries])
    for piece, width, flags in zip(pieces, loop.carries, moving, strict=True):
        moved = iter(piece[width:])
        outs += piece[:width]
        out_ts += [next(moved) if f else None for f in flags]
    return outs, out_ts


def _widened_cond(cond: Graph, consts: Sequence[bool], carry: Sequence[bool]) -> Graph:
    """`cond` over constants and carry that are followed by their tangents, which it ignores."""
    values, carried = cut(cond.inputs, (len(consts), len(carry)))
    inputs = [
        *values,
        *[Value(v.type) for v, f in zip(values, consts, strict=True) if f],
        *carried,
        *[Value(v.type) for v, f in zip(carried, carry, strict=True) if f],
    ]
    return Graph(inputs, cond.equations, cond.outputs, cond.name)


# batch


def _batch(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    regions: Regions,
    batch_axis: object = None,
    **params: Any,
) -> tuple[Value, ...]:
    loop = sweeps_of(regions, **params)
    consts, carries = loop.operands(operands)
    const_flags, carry_flags = loop.operands(batched)
    tapes: list[bool] = []
    regions_over_lanes: list[Graph] = []
    inits: list[Value] = []
    for number, (sweep, width) in enumerate(zip(loop.sweeps, loop.carries, strict=True)):

        def carry_has_axis(
            carry: list[bool], sweep: Graph = sweep, read: list[bool] = tapes
        ) -> Sequence[bool]:
            has_axis = [*const_flags, *carry, *read]
            return batch(sweep, size, has_axis, batch_axis).batched[: len(carry)]

        flags = grown(carry_flags[number], carry_has_axis)
        if number == 0:
            cond = batch(loop.cond, size, [*const_flags, *flags], batch_axis)
            if cond.batched[0]:
                params = {**params, "regions": regions}
                return lane_by_lane(while_loop, size, batched, operands, params)
            regions_over_lanes = [cond.graph]
        wide = batch(sweep, size, [*const_flags, *flags, *tapes], batch_axis, forced=flags)
        regions_over_lanes.append(wide.graph)
        tapes = [*tapes, *wide.batched[width:]]
        inits += [
            in_every_lane(v, size) if f and not given else v
            for v, f, given in zip(carries[number], flags, carry_flags[number], strict=True)
        ]
    return while_loop(*consts, *inits, regions=tuple(regions_over_lanes), **params)


# dce


def _prune(used: Sequence[bool], regions: Regions, **params: Any) -> Pruned:
    """Without the carries and the entries of the tape that serve no result left, and sweeps left
    without any."""
    loop = sweeps_of(regions, **params)
    carries = cut(used, loop.carries)
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
            of_consts, of_carry, *of_tapes = cut(flags, [loop.consts, width, *earlier])
            consts = _either(consts, of_consts)
            carries[number] = _either(carries[number], of_carry)
            for i, of_tape in enumerate(of_tapes):
                tapes[i] = _either(tapes[i], of_tape)
        if (consts, carries, tapes) == before:
            break
    kept = [
        i == 0 or any(carries[i]) or any(tapes[i]) or sweep.acts for i, sweep in enumerate(sweeps)
    ]
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
    transpose=Joint(transpose_while),
    batch=_batch,
    lower=Structured("while_loop"),
    samples=(),
    multiple_results=True,
    split=split_while,
    prune=_prune,
)
