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
from ..graph import Graph, Value
from ..lowering import Structured
from ..op import OPS, Joint, Op, Pruned, WithPrimal, in_every_lane
from ..passes.batch import batch
from ..passes.dce import select_inputs, select_outputs, values_read
from ..passes.jvp import zeros
from ..types import ArrayType, TypeMismatch
from .scan_reverse import split_scan, transpose_scan
from .steps import Parts, Regions, grown, jvp_of_step, steps_of


def _row(type: ArrayType) -> ArrayType:
    return type.with_shape(type.shape[1:])


def _infer(*types: ArrayType, regions: Regions, **params: Any) -> tuple[ArrayType, ...]:
    loop = steps_of(regions, **params)
    parts = loop.parts(types)
    for x in parts.xs:
        if x.ndim == 0 or x.shape[0] != loop.length:
            raise TypeMismatch(f"scan: expected xs of length {loop.length}; got {x!r}")
    expected = (*parts.consts, *parts.carry, *[_row(x) for x in parts.xs])
    if loop.body.input_types != expected:
        raise TypeMismatch(f"scan: its body takes {loop.body.input_types}; got {expected}")
    results = loop.body.output_types
    carry, ys = results[: loop.carries], results[loop.carries :]
    if list(carry) != parts.carry:
        raise TypeMismatch(
            f"scan: the carry must keep its types {tuple(parts.carry)}; the body gives {carry}"
        )
    return (*carry, *[y.with_shape((loop.length, *y.shape)) for y in ys])


def _evaluate(*arrays: Any, regions: Regions, **params: Any) -> tuple[Any, ...]:
    loop = steps_of(regions, **params)
    parts = loop.parts(arrays)
    step = interpreter(loop.body)
    ys = loop.body.output_types[loop.carries :]
    stacked = [np.empty((loop.length, *y.shape), y.dtype) for y in ys]
    carry: Sequence[Any] = parts.carry
    for i in reversed(range(loop.length)) if loop.reverse else range(loop.length):
        results = step(*parts.consts, *carry, *[x[i] for x in parts.xs])
        carry = results[: loop.carries]
        for rows, y in zip(stacked, results[loop.carries :], strict=True):
            rows[i] = y
    return (*carry, *stacked)


def _jvp(
    tangents: Sequence[Value | None], *operands: Value, regions: Regions, **params: Any
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    loop = steps_of(regions, **params)
    given, ts = loop.parts(operands), loop.parts(tangents)
    flags = loop.parts([t is not None for t in tangents])

    def carry_moves(carry: list[bool]) -> list[bool]:
        return jvp_of_step(loop.body, Parts(flags.consts, carry, flags.xs), loop.carries)[1]

    moving = Parts(flags.consts, grown(flags.carry, carry_moves), flags.xs)
    wide, _, ys_move = jvp_of_step(loop.body, moving, loop.carries)
    carry_ts = [
        zeros(v) if t is None else t
        for v, t, f in zip(given.carry, ts.carry, moving.carry, strict=True)
        if f
    ]
    const_ts = [t for t in ts.consts if t is not None]
    width = loop.carries + len(carry_ts)
    results = scan(
        *given.consts,
        *const_ts,
        *given.carry,
        *carry_ts,
        *given.xs,
        *[t for t in ts.xs if t is not None],
        **loop.with_body(wide, loop.consts + len(const_ts), width),
    )
    end = width + len(ys_move)
    outs = [*results[: loop.carries], *results[width:end]]
    moved = iter([*results[loop.carries : width], *results[end:]])
    return outs, [next(moved) if f else None for f in [*moving.carry, *ys_move]]


def _batch(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    regions: Regions,
    batch_axis: object = None,
    **params: Any,
) -> tuple[Value, ...]:
    loop = steps_of(regions, **params)
    given, flags = loop.parts(operands), loop.parts(batched)

    def carry_has_axis(carry: list[bool]) -> Sequence[bool]:
        has_axis = [*flags.consts, *carry, *flags.xs]
        return batch(loop.body, size, has_axis, batch_axis).batched[: loop.carries]

    carry = grown(flags.carry, carry_has_axis)
    step = batch(loop.body, size, [*flags.consts, *carry, *flags.xs], batch_axis, forced=carry)
    inits = [
        in_every_lane(v, size) if f and not has else v
        for v, f, has in zip(given.carry, carry, flags.carry, strict=True)
    ]
    rows = [_swapped(v) if f else v for v, f in zip(given.xs, flags.xs, strict=True)]
    results = scan(*given.consts, *inits, *rows, regions=(step.graph,), **params)
    ys = [
        _swapped(y) if has else y
        for y, has in zip(results[loop.carries :], step.batched[loop.carries :], strict=True)
    ]
    return (*results[: loop.carries], *ys)


def _prune(used: Sequence[bool], regions: Regions, **params: Any) -> Pruned:
    """Without the rows that nobody reads, the carries that serve no row and no result left, and the
    operands that serve neither."""
    loop = steps_of(regions, **params)
    rows = list(used[loop.carries :])

    def read(carry: Sequence[bool]) -> tuple[Graph, Parts]:
        narrow = select_outputs(loop.body, [*carry, *rows])
        values = values_read(narrow)
        return narrow, loop.parts([v in values for v in loop.body.inputs])

    carry = grown(used[: loop.carries], lambda c: read(c)[1].carry)
    narrow, kept = read(carry)
    operands = [*kept.consts, *carry, *kept.xs]
    left = loop.params(sum(kept.consts), sum(carry))
    return Pruned(left, (select_inputs(narrow, operands),), operands, [*carry, *rows])


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
