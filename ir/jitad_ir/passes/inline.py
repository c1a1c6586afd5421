"""Inlining of structured ops that stand for straight-line code (custom rules, checkpoints).

inline : (a -> b)  to  (a -> b)   with `op.expand` in place of each such equation
"""

from __future__ import annotations

from ..graph import Builder, Graph, Value, building
from .regions import in_regions


def inline(graph: Graph) -> Graph:
    """`graph` with every equation whose op has an `expand` rule replaced by what that builds,
    down to equations without one, in bodies too."""
    graph = _inline_here(graph)
    return in_regions(graph, inline)


def _inline_here(graph: Graph) -> Graph:
    while any(eq.op.expand is not None for eq in graph.equations):
        graph = _inline_once(graph)
    return graph


def _inline_once(graph: Graph) -> Graph:
    builder = Builder(graph.name)
    builder.inputs = list(graph.inputs)
    env: dict[Value, Value] = {v: v for v in graph.inputs}
    with building(builder):
        for eq in graph.equations:
            builder.source = eq.source
            operands = tuple([env[v] for v in eq.operands])
            if eq.op.expand is None:
                outs = builder.replay(eq, operands)
            else:
                results = eq.op.expand(*operands, **eq.params, regions=eq.regions)
                outs = results if eq.op.multiple_results else (results,)
            env.update(zip(eq.outputs, outs, strict=True))
    return builder.build([env[v] for v in graph.outputs])
