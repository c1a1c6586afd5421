"""Scans that keep a carry now and then for reverse mode, and run the steps between again."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from jitad_ir.passes.linearize import linearize

from .. import numpy as jnp
from ..errors import at_user_line
from ..transforms.checkpointing import checkpoint as recomputed
from ..tree_util import tree_map
from .bodies import leaves_of, trace_body

Checkpoint: TypeAlias = "int | str | None"

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_BYTES = re.compile(r"\s*(\d+(?:\.\d*)?)\s*([kMG]i?|)B\s*")


def scan_in_segments(
    scan: Callable[..., tuple[Any, Any]],
    f: Callable[..., Any],
    init: Any,
    xs: Any,
    steps: int,
    reverse: bool,
    unroll: int | bool,
    checkpoint: Checkpoint,
) -> tuple[Any, Any]:
    """`scan(f, init, xs, steps, reverse, unroll)` with reverse mode as `checkpoint` says."""
    kept = _kept_bytes(f, init, xs) if isinstance(checkpoint, str) else (0, 0)
    lengths = segment_lengths(checkpoint, steps, *kept)
    return _nested(scan, f, init, xs, steps, reverse, unroll, lengths)


def _kept_bytes(f: Callable[..., Any], init: Any, xs: Any) -> tuple[int, int]:
    """Bytes of the carry, and of what reverse mode keeps of one step."""
    carry, rows = leaves_of(init, "scan: init"), leaves_of(xs, "scan: xs")
    count = len(carry.types)
    types = [*carry.types, *[t.with_shape(t.shape[1:]) for t in rows.types]]
    body = trace_body(
        f,
        lambda ts: (carry.tree.unflatten(ts[:count]), rows.tree.unflatten(ts[count:])),
        types,
        [*carry.weak, *[False] * len(rows.types)],
        "scan",
    )
    graph = body.closed.graph
    linear = linearize(graph, [t.is_inexact for t in graph.input_types])
    known = linear.known
    others = set(known.inputs[count:])
    residuals = set(known.outputs[len(graph.outputs) :]) - others
    return (
        sum([t.nbytes for t in carry.types]),
        sum([v.type.nbytes for v in residuals]),
    )


def segment_lengths(checkpoint: Checkpoint, steps: int, carry: int, step: int) -> tuple[int, ...]:
    """Steps of a segment at each level of nesting, outermost first; () to keep every step.

    Reverse mode keeps `carry` bytes for a segment and `step` bytes for a step of the innermost
    segment. With k levels and m = n^(1 / (k + 1)), that is k m carries and m steps at a time, and
    each step runs k times again.
    """
    if checkpoint == "sqrt":
        return _roots(steps, 1)
    if isinstance(checkpoint, int) and not isinstance(checkpoint, bool):
        if checkpoint < 1:
            raise ValueError(
                at_user_line(
                    f"scan: checkpoint must be a positive number of steps; got {checkpoint}"
                )
            )
        return (checkpoint,) if checkpoint < steps else ()
    budget = _parsed(checkpoint)
    kept = [_kept(steps, k, carry, step) for k in range(math.ceil(math.log2(max(steps, 2))) + 1)]
    for levels, needed in enumerate(kept):
        if needed <= budget:
            return _roots(steps, levels)
    raise ValueError(
        at_user_line(
            f"scan: checkpoint={checkpoint!r} is too little for {steps} steps of a carry of "
            f"{carry} bytes; expected at least {min(kept)} bytes"
        )
    )


def _parsed(text: Any) -> float:
    match = _BYTES.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise TypeError(
            at_user_line(
                'scan: checkpoint must be None, "sqrt", a number of steps, or bytes such as '
                f'"200 MB"; got {text!r}'
            )
        )
    return float(match[1]) * _UNITS[match[2]]


def _kept(steps: int, levels: int, carry: int, step: int) -> int:
    """Bytes kept at a time with this many levels of segments."""
    return math.ceil(steps ** (1 / (levels + 1))) * (levels * carry + step)


def _roots(steps: int, levels: int) -> tuple[int, ...]:
    lengths: list[int] = []
    for level in range(levels):
        steps = math.ceil(steps ** (1 - 1 / (levels + 1 - level)))
        if steps > 1:
            lengths.append(steps)
    return tuple(lengths)


def _nested(
    scan: Callable[..., tuple[Any, Any]],
    f: Callable[..., Any],
    init: Any,
    xs: Any,
    steps: int,
    reverse: bool,
    unroll: int | bool,
    lengths: tuple[int, ...],
) -> tuple[Any, Any]:
    if not lengths or lengths[0] >= steps:
        return scan(f, init, xs, steps, reverse, unroll)
    size, inner = lengths[0], lengths[1:]
    whole = steps // size * size
    rest = steps - whole

    def run(carry: Any, rows: Any, count: int) -> tuple[Any, Any]:
        @recomputed
        def segment(carry: Any, rows: Any) -> tuple[Any, Any]:
            return _nested(scan, f, carry, rows, count, reverse, unroll, inner)

        return segment(carry, rows)

    xs = tree_map(jnp.asarray, xs)
    # The steps that fill no segment run last, which in reverse are the first rows.
    start = rest if reverse else 0
    main = tree_map(
        lambda x: x[start : start + whole].reshape(whole // size, size, *x.shape[1:]), xs
    )
    carry, ys = scan(lambda c, rows: run(c, rows, size), init, main, whole // size, reverse)
    ys = tree_map(lambda y: y.reshape(whole, *y.shape[2:]), ys)
    if not rest:
        return carry, ys
    last = tree_map(lambda x: x[:rest] if reverse else x[whole:], xs)
    carry, tail = run(carry, last, rest)
    order = (lambda a, b: (b, a)) if reverse else (lambda a, b: (a, b))
    return carry, tree_map(lambda a, b: jnp.concatenate(order(a, b)), ys, tail)
