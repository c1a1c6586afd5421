"""scan: a loop of known length that carries values along and stacks what each step gives.

    scan(consts, carry, xs; body): (consts, carry, xs[i]) -> (carry, ys[i]), i = 0 ... length - 1

The operands are the constants, the initial carry and the arrays whose rows the steps read; the
results are the final carry and the stacked rows. With `reverse`, the steps run from the last row to
the first. Every pass goes through the body: a derivative of a scan is a scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..evaluate import interpreter
from ..graph import Builder, Graph, Value, building
from ..op import OPS, Joint, Op, Pruned, Structured, WithPrimal
from ..passes.batch import spread_out
from ..passes.dce import select_inputs, select_outputs, values_read
from ..passes.jvp import push, zeros
from ..types import ArrayType, TypeMismatch
from .scan_reverse import split_scan, transpose_scan
from .steps import Parts, grown, parts_of

Regions = tuple[Graph, ...]


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
    transpose=Joint(transpose_scan),
    batch=_batch,
    lower=Structured("loop"),
    samples=(),
    multiple_results=True,
    split=split_scan,
    prune=_prune,
)
