"""Sums of arrays that are zero but for a window each, as the windows side by side.

    windows : (a -> b)  to  (a -> b)   with pad(u, 0, ..) + pad(v, 0, ..) = concatenate(u, v)

The transpose of `x[i]` pads its cotangent to the length of x. A program that reads the elements or
rows of x one by one has the sum of as many such arrays for the cotangent of x, which would take a
time quadratic in their number. A zero keeps its sign where windows do not overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..graph import Equation, Graph, Value
from ..op import OPS
from ..rewrite import rewritten
from ..types import ArrayType
from .regions import in_regions

LEAST = 4
"""Windows from which on they are worth it: fewer are a select each, fused with what is around."""
SHORTEST = 16
"""Elements of an array from which on its windows are looked at: code for fewer is straight, where
what is known to be zero costs little."""


class Window(NamedTuple):
    """Where the elements of a padded array lie: first and end, in the flattened result."""

    start: int
    end: int


def windows(graph: Graph) -> Graph:
    """`graph` with such sums rewritten, and so the bodies of its loops and branches."""
    graph = in_regions(graph, windows)
    made_by = {v: eq for eq in graph.equations for v in eq.outputs}
    found = {v: w for v, eq in made_by.items() if (w := _window(eq, made_by)) is not None}
    if len(found) < LEAST:
        return graph
    sums = _sums(graph, made_by, found)
    if not sums:
        return graph
    env: dict[Value, Value] = {}

    def rule(eq: Equation, _operands: Sequence[Value]) -> Sequence[Value] | None:
        terms = sums.get(eq)
        if terms is None:
            return None
        parts: dict[Window, Value] = {}
        total: Value | None = None
        for term in terms:
            if term in found:
                window, part = found[term], env[made_by[term].operands[0]]
                flat = OPS["reshape"](part, shape=(part.type.size,))
                parts[window] = OPS["add"](parts[window], flat) if window in parts else flat
            else:
                total = env[term] if total is None else OPS["add"](total, env[term])
        together = _side_by_side(parts, eq.outputs[0].type)
        return (together if total is None else OPS["add"](total, together),)

    return rewritten(graph, rule, env)


def _window(eq: Equation, made_by: Mapping[Value, Equation]) -> Window | None:
    """Where the operand of `eq` lies in its result, if that is zeros around one stretch."""
    if eq.op.name != "pad" or eq.outputs[0].type.size < SHORTEST:
        return None
    operand, result = eq.operands[0], eq.outputs[0]
    zero = made_by.get(eq.operands[1])
    if zero is None or zero.op.name != "full" or zero.params["value"] != 0:
        return None
    low, high, interior = (eq.params[name] for name in ("low", "high", "interior"))
    if any(interior) or min((*low, *high), default=-1) < 0 or not operand.type.size:
        return None
    long = [axis for axis, n in enumerate(operand.shape) if n > 1]
    if long and operand.shape[long[0] + 1 :] != result.shape[long[0] + 1 :]:
        return None
    start = 0
    for n, first in zip(result.shape, low, strict=True):
        start = start * n + first
    return Window(start, start + operand.type.size)


def _sums(
    graph: Graph, made_by: Mapping[Value, Equation], found: Mapping[Value, Window]
) -> dict[Equation, list[Value]]:
    """The terms of each sum to be rewritten, by the equation that gives the sum."""
    uses: dict[Value, int] = dict.fromkeys(graph.outputs, 2)
    for eq in graph.equations:
        for value in eq.operands:
            uses[value] = uses.get(value, 0) + (1 if eq.op.name == "add" else 2)
    sums: dict[Equation, list[Value]] = {}
    for eq in graph.equations:
        if eq.op.name == "add" and uses.get(eq.outputs[0], 0) > 1:
            terms = _terms(eq, made_by, uses)
            chosen = [found[v] for v in terms if v in found]
            if len(chosen) >= LEAST and _are_apart(set(chosen)):
                sums[eq] = terms
    return sums


def _terms(
    eq: Equation, made_by: Mapping[Value, Equation], uses: Mapping[Value, int]
) -> list[Value]:
    """What a sum is the sum of, in order: sums inside that nothing else reads are taken apart."""
    terms: list[Value] = []
    pending = list(reversed(eq.operands))
    while pending:
        value = pending.pop()
        made = made_by.get(value)
        if made is not None and made.op.name == "add" and uses[value] == 1:
            pending += reversed(made.operands)
        else:
            terms.append(value)
    return terms


def _are_apart(chosen: set[Window]) -> bool:
    """Whether no two windows overlap."""
    end = 0
    for window in sorted(chosen):
        if window.start < end:
            return False
        end = window.end
    return True


def _side_by_side(parts: Mapping[Window, Value], type: ArrayType) -> Value:
    """An array of `type` with each part in its window, and zeros between them."""
    pieces: list[Value] = []
    end = 0
    for window in [*sorted(parts), Window(type.size, type.size)]:
        if window.start > end:
            gap = window.start - end
            pieces.append(OPS["full"](value=0, shape=(gap,), dtype=type.dtype))
        if window in parts:
            pieces.append(parts[window])
        end = window.end
    flat = OPS["concatenate"](*pieces, axis=0) if len(pieces) > 1 else pieces[0]
    return OPS["reshape"](flat, shape=type.shape)
