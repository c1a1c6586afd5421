"""Scans that keep a carry now and then for reverse mode, and run the steps between again."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from jitad_ir.types import ArrayType

from .. import numpy as jnp
from ..errors import at_user_line
from ..pytree import flatten
from ..trace import type_of_argument
from ..transforms.checkpointing import checkpoint as recomputed
from ..tree_util import tree_map

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
    lengths = segment_lengths(checkpoint, steps, _bytes_of(init))
    return _nested(scan, f, init, xs, steps, reverse, unroll, lengths)


def _bytes_of(tree: Any) -> int:
    types: list[ArrayType] = [type_of_argument(x) for x in flatten(tree)[0]]
    return sum([t.nbytes for t in types])


def segment_lengths(checkpoint: Checkpoint, steps: int, carry: int) -> tuple[int, ...]:
    """Steps of a segment at each level of nesting, outermost first; () to keep every step.

    With k levels of segments, (k + 1) n^(1 / (k + 1)) carries are kept at a time, and each step
    runs k times again.
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
    levels = 0
    while _kept(steps, levels) * carry > budget and levels < math.log2(max(steps, 2)):
        levels += 1
    if _kept(steps, levels) * carry > budget:
        least = math.ceil(_kept(steps, levels) * carry)
        raise ValueError(
            at_user_line(
                f"scan: checkpoint={checkpoint!r} is too little for {steps} steps of a carry of "
                f"{carry} bytes; expected at least {least} bytes"
            )
        )
    return _roots(steps, levels)


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


def _kept(steps: int, levels: int) -> float:
    """Carries kept at a time with this many levels of segments."""
    return (levels + 1) * math.ceil(steps ** (1 / (levels + 1)))


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
