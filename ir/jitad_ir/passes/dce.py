"""Dead code elimination.

dce : (a -> b)  to  (a -> b)   without the equations that no output needs
"""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Equation, Graph, Value


def dce(graph: Graph) -> Graph:
    """`graph` without the equations whose results nothing reads; its inputs stay."""
    needed: set[Value] = set(graph.outputs)
    kept: list[Equation] = []
    for eq in reversed(graph.equations):
        if not needed.isdisjoint(eq.outputs):
            kept.append(eq)
            needed.update(eq.operands)
    if len(kept) == len(graph.equations):
        return graph
    return Graph(graph.inputs, kept[::-1], graph.outputs, graph.name)


def select_outputs(graph: Graph, wanted: Sequence[bool]) -> Graph:
    """`graph` with the outputs i with `wanted[i]` only, and without what only others needed."""
    outputs = [v for v, keep in zip(graph.outputs, wanted, strict=True) if keep]
    return dce(Graph(graph.inputs, graph.equations, outputs, graph.name))


def drop_unused_inputs(graph: Graph) -> tuple[Graph, tuple[bool, ...]]:
    """`graph` without the inputs that nothing reads, and which inputs were kept."""
    graph = dce(graph)
    read: set[Value] = set(graph.outputs)
    for eq in graph.equations:
        read.update(eq.operands)
    used = tuple([v in read for v in graph.inputs])
    inputs = [v for v in graph.inputs if v in read]
    return Graph(inputs, graph.equations, graph.outputs, graph.name), used
