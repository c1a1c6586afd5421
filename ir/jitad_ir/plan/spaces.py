"""Iteration spaces: what two arrays must share for one nest of loops to run over both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from ..graph import Equation
from ..lowering import Cumulative, Reduction
from ..types import Shape

Bounds: TypeAlias = tuple[int, ...]
"""Sizes of the blocks of trailing axes, each dividing the next."""
FoldKey: TypeAlias = tuple[str, tuple[tuple[int, int], ...], bool]
"""Kind of fold, the parts of the flat index it runs over, and whether backwards."""


def loop_lengths(bounds: Bounds) -> tuple[int, ...]:
    """Lengths of the loops of an iteration space: (4, 12, 24) -> (2, 3, 4)."""
    return tuple([b // a for a, b in zip((1, *bounds), bounds, strict=False)][::-1])


def trailing_bounds(shape: Shape) -> Bounds:
    """Sizes of the blocks of the last axes: (2, 3, 4) -> (4, 12, 24); unit axes do not count."""
    bounds: list[int] = []
    block = 1
    for n in reversed(shape):
        if n != 1:
            block *= n
            bounds.append(block)
    return tuple(bounds)


def refined(first: Bounds, second: Bounds) -> Bounds | None:
    """Bounds that cut wherever either does; None if they do not nest."""
    if first == second:
        return first
    merged = sorted({*first, *second})
    for small, large in zip(merged, merged[1:], strict=False):
        if large % small:
            return None
    return tuple(merged)


def _fold_key(kind: str, shape: Shape, axes: Sequence[int], reverse: bool) -> FoldKey:
    """What folds must share to be in one kernel: the parts of the flat index they run over."""
    spans: list[tuple[int, int]] = []
    block = 1
    for axis in range(len(shape) - 1, -1, -1):
        n = shape[axis]
        if axis in axes and n != 1:
            if spans and spans[-1][1] == block:
                spans[-1] = (spans[-1][0], block * n)
            else:
                spans.append((block, block * n))
        block *= n
    return (kind, tuple(spans), reverse)


def fold_axes(eq: Equation) -> tuple[int, ...]:
    """The axes of its operand that a fold runs over."""
    if isinstance(eq.op.lower, Reduction):
        return eq.params["axes"]
    return (eq.params["axis"],)


def fold_key(eq: Equation) -> FoldKey:
    """See `_fold_key`."""
    shape = eq.operands[0].shape
    if isinstance(eq.op.lower, Cumulative):
        reverse = bool(eq.params.get("reverse", False))
        return _fold_key("cumulative", shape, fold_axes(eq), reverse)
    return _fold_key("fold", shape, fold_axes(eq), False)


def contiguous_slice(eq: Equation) -> int | None:
    """The number of the first element of a slice whose elements lie one after the other; None of
    another slice."""
    (x,) = eq.operands
    start, limit, stride = eq.params["start"], eq.params["limit"], eq.params["stride"]
    if not x.shape or any(step != 1 for step in stride):
        return None
    for lo, hi, n in zip(start[1:], limit[1:], x.shape[1:], strict=True):
        if lo != 0 or hi != n:
            return None
    return start[0] * math.prod(x.shape[1:])
