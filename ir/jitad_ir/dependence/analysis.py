"""The pattern of a program's derivative: which of its elements can be other than zero.

    derivative_pattern : (a -> b)  to  a boolean matrix, (elements of b) x (elements of a)

It is that of the program's jvp, in which only linear ops move: what has no derivative, indices and
conditions, is not there. A true element may still be zero, where numbers cancel or an op has no
rule that looks closely; a false one is zero for all values of the inputs.

Values that do not depend on inputs are computed on the way, so that indices and masks written in
the program are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..evaluate import evaluate_equation
from ..graph import Equation, Graph, Value
from ..ops.steps import Steps, steps_of
from ..ops.sweeps import sweeps_of
from ..passes.dce import dce, select_outputs
from ..passes.inline import inline
from ..passes.jvp import jvp
from .patterns import Pattern, empty_pattern, pulled, pushed, unit_pattern, united
from .rules import every, pattern_of
from .sparsity import TooDense

LARGEST_KNOWN = 1 << 22
"""Elements of a value that is computed on the way, at most."""

STEPS_APART = 1 << 14
"""Equations of all steps of a loop, if each step is looked at by itself: then what it reads at the
number of the step is known."""

__all__ = ["TooDense", "derivative_pattern"]


def derivative_pattern(graph: Graph, differentiated: Sequence[bool]) -> Pattern:
    """The pattern (`scipy.sparse.csr_array` of bools) of the derivative of all outputs, one after
    the other, in the inputs i with `differentiated[i]`. Raises TooDense if it has no use."""
    forward = jvp(dce(graph), differentiated)
    primals = len(graph.outputs)
    tangents = [False] * primals + [True] * (len(forward.graph.outputs) - primals)
    program = inline(select_outputs(forward.graph, tangents))
    moving = program.inputs[len(graph.inputs) :]
    columns = sum(v.type.size for v in moving)
    given: list[Pattern | None] = [None] * len(graph.inputs)
    first = 0
    for value in moving:
        given.append(unit_pattern(value.type.size, first, columns))
        first += value.type.size
    patterns, _ = _of_graph(program, given, [None] * len(given))
    found = iter(patterns)
    rows: list[Pattern] = []
    for value, moves in zip(graph.outputs, forward.nonzero, strict=True):
        pattern = next(found) if moves else None
        rows.append(empty_pattern(value.type.size, columns) if pattern is None else pattern)
    return _stacked(rows)


def _stacked(rows: Sequence[Pattern]) -> Pattern:
    from scipy.sparse import vstack  # noqa: PLC0415  (only sparse derivatives pay for it)

    pattern = rows[0] if len(rows) == 1 else vstack(rows, format="csr")
    pattern.sum_duplicates()
    return pattern


def _of_graph(
    graph: Graph, patterns: Sequence[Pattern | None], known: Sequence[Any]
) -> tuple[list[Pattern | None], list[Any]]:
    """Patterns of the outputs, and their values where these are known, given those of the inputs.
    The pattern of what does not move is None."""
    moving = dict(zip(graph.inputs, patterns, strict=True))
    values = dict(zip(graph.inputs, known, strict=True))
    for eq in graph.equations:
        of_operands = [moving[v] for v in eq.operands]
        of_values = [values[v] for v in eq.operands]
        if all(p is None for p in of_operands):
            moving.update(dict.fromkeys(eq.outputs))
            values.update(zip(eq.outputs, known_results(eq, of_values), strict=True))
        else:
            found, numbers = _of_equation(eq, of_operands, of_values)
            moving.update(zip(eq.outputs, found, strict=True))
            values.update(zip(eq.outputs, numbers, strict=True))
    return [moving[v] for v in graph.outputs], [values[v] for v in graph.outputs]


def known_results(eq: Equation, operands: Sequence[Any]) -> Sequence[Any]:
    """The results, if they are known from the operands."""
    large = any(v.type.size > LARGEST_KNOWN for v in (*eq.operands, *eq.outputs))
    if large or eq.regions or eq.op.effect or any(value is None for value in operands):
        return [None] * len(eq.outputs)
    with np.errstate(all="ignore"):
        return evaluate_equation(eq, operands)


def _of_equation(
    eq: Equation, patterns: Sequence[Pattern | None], known: Sequence[Any]
) -> tuple[Sequence[Pattern | None], Sequence[Any]]:
    unknown = [None] * len(eq.outputs)
    if eq.op.name == "branch":
        return _branch(eq, patterns, known), unknown
    if eq.op.name == "scan":
        return _scan(eq, patterns, known), unknown
    if eq.op.name == "while_loop" and len(eq.params["carries"]) == 1:
        return _while_loop(eq, patterns), unknown
    if eq.regions or eq.op.multiple_results:
        return [_all_of(eq, patterns, v) for v in eq.outputs], unknown
    moves = eq.outputs[0].type.is_inexact
    return [pattern_of(eq, patterns, known) if moves else None], unknown


def _all_of(eq: Equation, patterns: Sequence[Pattern | None], result: Value) -> Pattern | None:
    if not result.type.is_inexact:
        return None
    return every(eq, patterns, result.type.size)


def _joined(one: Pattern | None, other: Pattern | None) -> Pattern | None:
    if one is None or other is None:
        return other if one is None else one
    return united([one, other])


def _branch(
    eq: Equation, patterns: Sequence[Pattern | None], known: Sequence[Any]
) -> list[Pattern | None]:
    """What either branch depends on; of the one that is taken, if that is known."""
    regions = list(eq.regions)
    if known[0] is not None:
        regions = [regions[min(max(int(known[0]), 0), len(regions) - 1)]]
    total: list[Pattern | None] = [None] * len(eq.outputs)
    for region in regions:
        found, _ = _of_graph(region, patterns[1:], known[1:])
        total = [_joined(a, b) for a, b in zip(total, found, strict=True)]
    return total


def _row(pattern: Pattern | None, number: int, length: int) -> Pattern | None:
    """That of row `number` of an array of `length` rows."""
    if pattern is None:
        return None
    size = pattern.shape[0] // length
    return pattern[number * size : (number + 1) * size]


def _scan(
    eq: Equation, patterns: Sequence[Pattern | None], known: Sequence[Any]
) -> list[Pattern | None]:
    """Step by step. Of a long loop a step is looked at once, and again for as long as more of its
    carry moves or by more: what it depends on then holds for each."""
    loop = steps_of(eq.regions, **eq.params)
    of_parts, of_known = loop.parts(patterns), loop.parts(known)
    apart = loop.length * len(loop.body.equations) <= STEPS_APART
    carry, values = of_parts.carry, of_known.carry
    if not apart:
        xs = [_any_row(p, loop.length) for p in of_parts.xs]
        unknown = [None] * (len(values) + len(xs))
        carry, rows = _fixed_point(loop, of_parts.consts, carry, xs, [*of_known.consts, *unknown])
        return [*carry, *[_each_row(p, loop.length) for p in rows]]
    stacked: list[list[Pattern | None]] = [[None] * loop.length for _ in eq.outputs[loop.carries :]]
    for i in reversed(range(loop.length)) if loop.reverse else range(loop.length):
        xs = [_row(p, i, loop.length) for p in of_parts.xs]
        rows = [None if x is None else x[i] for x in of_known.xs]
        given = ([*of_parts.consts, *carry, *xs], [*of_known.consts, *values, *rows])
        found, numbers = _of_graph(loop.body, *given)
        carry, values = found[: loop.carries], numbers[: loop.carries]
        for rows_of, pattern in zip(stacked, found[loop.carries :], strict=True):
            rows_of[i] = pattern
    ys = zip(stacked, eq.outputs[loop.carries :], strict=True)
    return [*carry, *[_concatenated(rows, v, loop.length) for rows, v in ys]]


def _fixed_point(
    loop: Steps,
    consts: Sequence[Pattern | None],
    carry: Sequence[Pattern | None],
    xs: Sequence[Pattern | None],
    known: Sequence[Any],
) -> tuple[list[Pattern | None], list[Pattern | None]]:
    """The carry of all steps, and the other results of each."""
    before = list(carry)
    while True:
        found, _ = _of_graph(loop.body, [*consts, *before, *xs], known)
        after = [_joined(a, b) for a, b in zip(before, found, strict=False)]
        if all(map(_are_same, before, after)):
            return after, found[loop.carries :]
        before = after


def _are_same(one: Pattern | None, other: Pattern | None) -> bool:
    return one is other or (one is not None and other is not None and one.nnz == other.nnz)


def _any_row(pattern: Pattern | None, length: int) -> Pattern | None:
    """What some row of an array depends on."""
    if pattern is None:
        return None
    size = pattern.shape[0] // length
    return pushed(pattern, np.arange(pattern.shape[0]) % size, size)


def _each_row(pattern: Pattern | None, length: int) -> Pattern | None:
    """The same for each row of an array."""
    if pattern is None:
        return None
    size = pattern.shape[0]
    return pulled(pattern, np.arange(length * size)[:, None] % size)


def _concatenated(rows: Sequence[Pattern | None], value: Value, length: int) -> Pattern | None:
    columns = {p.shape[1] for p in rows if p is not None}
    if not columns:
        return None
    (width,) = columns
    empty = empty_pattern(value.type.size // length, width)
    return _stacked([empty if p is None else p for p in rows])


def _while_loop(eq: Equation, patterns: Sequence[Pattern | None]) -> list[Pattern | None]:
    """What the carry depends on after any number of steps."""
    loop = sweeps_of(eq.regions, **eq.params)
    consts, (carry,) = loop.operands(patterns)
    body = loop.sweeps[0]
    steps = Steps(body, 0, False, loop.consts, len(carry), 1)
    return _fixed_point(steps, consts, carry, [], [None] * len(patterns))[0]
