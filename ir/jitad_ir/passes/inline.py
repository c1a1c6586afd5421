"""Inlining of structured ops that stand for straight-line code (custom rules, checkpoints).

inline : (a -> b)  to  (a -> b)   with `op.expand` in place of each such equation
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..graph import Equation, Graph, Value
from ..op import Marker
from ..rewrite import rewritten
from .regions import in_regions


def inline(graph: Graph) -> Graph:
    """`graph` with every equation whose op has an `expand` rule replaced by what that builds,
    down to equations without one, in bodies too."""
    graph = _inline_here(graph)
    return in_regions(graph, inline)


def _inline_here(graph: Graph) -> Graph:
    while found := {eq for eq in graph.equations if eq.op.expand is not None}:
        graph = _inline_once(graph, found)
    return graph


def inline_linear(graph: Graph, inputs: Collection[Value]) -> Graph:
    """`graph` with those equations expanded that read what is linear in `inputs` and have no
    transpose: functions with rules of their own that a rule applies to a tangent."""
    while found := _without_transpose(graph, inputs):
        graph = _inline_once(graph, found)
    return graph


def _without_transpose(graph: Graph, inputs: Collection[Value]) -> set[Equation]:
    moving = set(inputs)
    found: set[Equation] = set()
    for eq in graph.equations:
        if moving.isdisjoint(eq.operands):
            continue
        moving.update(eq.outputs)
        if eq.op.expand is not None and isinstance(eq.op.transpose, Marker):
            found.add(eq)
    return found


def _inline_once(graph: Graph, chosen: Collection[Equation]) -> Graph:
    def expanded(eq: Equation, operands: Sequence[Value]) -> Sequence[Value] | None:
        if eq not in chosen:
            return None
        assert eq.op.expand is not None
        results = eq.op.expand(*operands, **eq.params, regions=eq.regions)
        return results if eq.op.multiple_results else (results,)

    return rewritten(graph, expanded)
