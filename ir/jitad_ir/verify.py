"""Checks of well-formed programs: single assignment, types, linearity."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .graph import Equation, Graph, Value
from .op import NONLINEAR, Bilinear, Joint, Linear, Marker
from .text import equation_text
from .types import ArrayType, TypeMismatch


class InvalidGraph(Exception):
    """A graph that breaks a rule of the IR; the message shows the equation."""


def _where(graph: Graph, eq: Equation) -> str:
    source = f"\n  from {eq.source}" if eq.source is not None else ""
    return f"\n  in graph {graph.name}: {equation_text(eq)}{source}"


def verify(graph: Graph) -> Graph:
    """Return `graph` if every value is defined once before its uses and every equation's results
    have the types its op's rule gives; else raise InvalidGraph."""
    known: set[Value] = set()
    for value in graph.inputs:
        if value in known:
            raise InvalidGraph(f"graph {graph.name}: an input stands twice among the inputs")
        known.add(value)
    for eq in graph.equations:
        for position, value in enumerate(eq.operands):
            if value not in known:
                raise InvalidGraph(
                    f"operand {position} is used before it is defined{_where(graph, eq)}"
                )
        for region in eq.regions:
            verify(region)
        _verify_types(graph, eq)
        for value in eq.outputs:
            if value in known:
                raise InvalidGraph(f"a result is defined twice{_where(graph, eq)}")
            known.add(value)
    for position, value in enumerate(graph.outputs):
        if value not in known:
            raise InvalidGraph(f"graph {graph.name}: output {position} is not defined")
    return graph


def _verify_types(graph: Graph, eq: Equation) -> None:
    try:
        expected = eq.op.result_types(eq.operands, eq.params, eq.regions)
    except (TypeMismatch, TypeError, ValueError) as error:
        raise InvalidGraph(f"{error}{_where(graph, eq)}") from error
    got = tuple([v.type for v in eq.outputs])
    if got != expected:
        raise InvalidGraph(
            f"{eq.op.name}: expected results {_types(expected)}; got {_types(got)}"
            f"{_where(graph, eq)}"
        )


def _types(types: Sequence[ArrayType]) -> str:
    return "(" + ", ".join(map(repr, types)) + ")"


def verify_linear(graph: Graph, inputs: Collection[Value]) -> Graph:
    """Return `graph` if every equation is linear in what depends on `inputs` and every output
    depends on them; else raise InvalidGraph, naming the first nonlinear equation.

    An output that does not depend on `inputs` is constant, which is linear only if it is zero: it
    is rejected unless it is a `full` of 0.
    """
    moving: set[Value] = set(inputs)
    zeros: set[Value] = set()
    for eq in graph.equations:
        if eq.op.name == "full" and eq.params["value"] == 0:
            zeros.update(eq.outputs)
        positions = [i for i, v in enumerate(eq.operands) if v in moving]
        if not positions:
            continue
        if not _is_linear(eq, positions):
            raise InvalidGraph(
                f"{eq.op.name} is not linear in operand"
                f"{'s' if len(positions) > 1 else ''} {', '.join(map(str, positions))}"
                f"{_where(graph, eq)}"
            )
        moving.update(eq.outputs)
    for position, value in enumerate(graph.outputs):
        if value not in moving and value not in zeros:
            raise InvalidGraph(
                f"graph {graph.name}: output {position} does not depend on a linear input"
            )
    return graph


def _is_linear(eq: Equation, positions: Sequence[int]) -> bool:
    """True if `eq` is jointly linear in the operands at `positions`, the others being fixed."""
    rule = eq.op.transpose
    if isinstance(rule, Marker):
        return False
    if isinstance(rule, Joint):
        return True
    if isinstance(rule, Bilinear) and len(positions) > 1:
        return False
    rules = rule.rules
    assert isinstance(rule, (Linear, Bilinear))
    return all(i < len(rules) and rules[i] is not NONLINEAR for i in positions)
