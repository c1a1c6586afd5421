"""Common subexpression elimination.

cse : (a -> b)  to  (a -> b)   with each expression computed once
"""

from __future__ import annotations

from typing import Any

from ..graph import Equation, Graph, Value, params_key
from .regions import in_regions


def cse(graph: Graph) -> Graph:
    """`graph` with equations that repeat an earlier one (same op, operands, params and regions)
    replaced by its results. What has effects happens as often as it is written."""
    graph = in_regions(graph, cse)
    env: dict[Value, Value] = {}
    seen: dict[Any, tuple[Value, ...]] = {}
    kept: list[Equation] = []
    for eq in graph.equations:
        operands = tuple([env.get(v, v) for v in eq.operands])
        key = (eq.op, operands, params_key(eq.params) if eq.params else (), eq.regions)
        earlier = None if eq.acts else seen.get(key)
        if earlier is not None:
            env.update(zip(eq.outputs, earlier, strict=True))
            continue
        seen[key] = eq.outputs
        if operands != eq.operands:
            eq = Equation(eq.op, operands, eq.params, eq.outputs, eq.regions, eq.source)
        kept.append(eq)
    if not env:
        return graph
    return Graph(graph.inputs, kept, [env.get(v, v) for v in graph.outputs], graph.name)
