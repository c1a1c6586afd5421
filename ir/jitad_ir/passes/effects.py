"""Programs without their effects: what is computed once more acts once only.

    silenced : (a -> b)  to  (a -> b)   without the effects whose results nobody reads

Where a program runs again to get at its values (recomputation, the second run of a `while_loop` in
reverse mode), its prints and callbacks have happened.
"""

from __future__ import annotations

from ..graph import Equation, Graph, Value


def silenced(graph: Graph) -> Graph:
    """`graph` with the equations alone that its outputs need, and so the bodies of its loops and
    branches. What still acts are effects with results that are read."""
    if not graph.acts:
        return graph
    needed: set[Value] = set(graph.outputs)
    kept: list[Equation] = []
    for eq in reversed(graph.equations):
        if not needed.isdisjoint(eq.outputs):
            kept.append(_quiet(eq))
            needed.update(eq.operands)
    return Graph(graph.inputs, kept[::-1], graph.outputs, graph.name)


def silenced_equation(eq: Equation) -> Equation | None:
    """`eq` with its regions silenced; None if it gives no results."""
    return _quiet(eq) if eq.outputs else None


def acts_for_results(eq: Equation) -> bool:
    """Whether effects remain when `eq` is silenced."""
    quiet = silenced_equation(eq)
    return quiet is not None and quiet.acts


def _quiet(eq: Equation) -> Equation:
    if not eq.regions or not eq.acts:
        return eq
    count = len(eq.regions) if eq.op.runs is None else eq.op.runs
    regions = tuple([silenced(r) if i < count else r for i, r in enumerate(eq.regions)])
    return Equation(eq.op, eq.operands, eq.params, eq.outputs, regions, eq.source)
