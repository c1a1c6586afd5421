"""Dead code elimination.

dce : (a -> b)  to  (a -> b)   without the equations that no output needs

Equations with effects stay, and what they need.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_

from ..graph import Equation, Graph, Value


def dce(graph: Graph) -> Graph:
    """`graph` without the equations whose results nothing reads, and without the parts of loops,
    branches and decompositions that serve only such results; its inputs stay."""
    needed: set[Value] = set(graph.outputs)
    kept: list[Equation] = []
    changed = False
    for eq in reversed(graph.equations):
        if needed.isdisjoint(eq.outputs) and not eq.acts:
            changed = True
            continue
        smaller = eq if eq.op.prune is None else _pruned(eq, needed)
        changed = changed or smaller is not eq
        kept.append(smaller)
        needed.update(smaller.operands)
    if not changed:
        return graph
    return Graph(graph.inputs, kept[::-1], graph.outputs, graph.name)


def _pruned(eq: Equation, needed: set[Value]) -> Equation:
    assert eq.op.prune is not None
    used = [v in needed for v in eq.outputs]
    params, regions, operands, results = eq.op.prune(used, regions=eq.regions, **eq.params)
    if all(operands) and all(results) and all(map(is_, regions, eq.regions)):
        return eq
    return Equation(
        eq.op,
        tuple([v for v, keep in zip(eq.operands, operands, strict=True) if keep]),
        params,
        tuple([v for v, keep in zip(eq.outputs, results, strict=True) if keep]),
        regions,
        eq.source,
    )


def values_read(graph: Graph) -> set[Value]:
    """The operands of all equations and the outputs."""
    read: set[Value] = set(graph.outputs)
    for eq in graph.equations:
        read.update(eq.operands)
    return read


def select_outputs(graph: Graph, wanted: Sequence[bool]) -> Graph:
    """`graph` with the outputs i with `wanted[i]` only, and without what only others needed."""
    if all(wanted):
        return dce(graph)
    outputs = [v for v, keep in zip(graph.outputs, wanted, strict=True) if keep]
    return dce(Graph(graph.inputs, graph.equations, outputs, graph.name))


def select_inputs(graph: Graph, kept: Sequence[bool]) -> Graph:
    """`graph` with the inputs i with `kept[i]` only; nothing reads the others."""
    if all(kept):
        return graph
    inputs = [v for v, keep in zip(graph.inputs, kept, strict=True) if keep]
    return Graph(inputs, graph.equations, graph.outputs, graph.name)


def drop_unused_inputs(graph: Graph) -> tuple[Graph, tuple[bool, ...]]:
    """`graph` without the inputs that nothing reads, and which inputs were kept."""
    graph = dce(graph)
    read = values_read(graph)
    used = tuple([v in read for v in graph.inputs])
    inputs = [v for v in graph.inputs if v in read]
    return Graph(inputs, graph.equations, graph.outputs, graph.name), used
