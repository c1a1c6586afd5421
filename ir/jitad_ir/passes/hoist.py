"""Loop-invariant code motion.

    hoist : (a -> b)  to  (a -> b)   with what the steps of a loop compute alike before the loop

What a body computes from constants only is computed once. Views (broadcasts, slices, numbers ...)
are as cheap to form in the body as to read, so they move only with what depends on them and is
worth it. A `while_loop` stays where it is: it might not end, in a body that is never run.
"""

from __future__ import annotations

from ..graph import Equation, Graph, Value
from ..lowering import Pull
from .regions import in_regions


def hoist(graph: Graph) -> Graph:
    """`graph` with the invariants of its loops, from the innermost out, before them."""
    graph = in_regions(graph, hoist)
    kept: list[Equation] = []
    for eq in graph.equations:
        kept += _hoisted(eq) if "consts" in eq.params and eq.regions else [eq]
    if len(kept) == len(graph.equations):
        return graph
    return Graph(graph.inputs, kept, graph.outputs, graph.name)


def _hoisted(eq: Equation) -> list[Equation]:
    """The invariants of a loop, and the loop with their values as further constants."""
    count = eq.params["consts"]
    before: list[Equation] = []
    consts = list(eq.operands[:count])
    bodies: list[Graph] = []
    fresh: list[list[tuple[int, Value]]] = []
    for region in eq.regions:
        chosen = _invariants(region, count)
        env = dict(zip(region.inputs, eq.operands[:count], strict=False))
        inside: list[Equation] = []
        passed: list[tuple[int, Value]] = []
        for inner in region.equations:
            if inner not in chosen:
                inside.append(inner)
                continue
            outputs = tuple([Value(v.type) for v in inner.outputs])
            operands = tuple([env[v] for v in inner.operands])
            before.append(
                Equation(inner.op, operands, inner.params, outputs, inner.regions, inner.source)
            )
            env.update(zip(inner.outputs, outputs, strict=True))
            if _is_view(inner):
                inside.append(inner)  # for those in the body that read it
                continue
            for value, outside in zip(inner.outputs, outputs, strict=True):
                passed.append((len(consts), value))
                consts.append(outside)
        fresh.append(passed)
        bodies.append(Graph(region.inputs, inside, region.outputs, region.name))
    if not before:
        return [eq]
    added = consts[count:]
    regions: list[Graph] = []
    for body, passed in zip(bodies, fresh, strict=True):
        own = {number: value for number, value in passed}
        more = [own.get(count + k) or Value(v.type) for k, v in enumerate(added)]
        inputs = [*body.inputs[:count], *more, *body.inputs[count:]]
        regions.append(Graph(inputs, body.equations, body.outputs, body.name))
    params = {**eq.params, "consts": len(consts)}
    operands = (*consts, *eq.operands[count:])
    return [*before, Equation(eq.op, operands, params, eq.outputs, tuple(regions), eq.source)]


def _invariants(body: Graph, count: int) -> set[Equation]:
    """Equations that depend on constants only and are worth moving, with what they need."""
    invariant: set[Value] = set(body.inputs[:count])
    movable: list[Equation] = []
    for eq in body.equations:
        if invariant.issuperset(eq.operands) and not eq.acts and not _may_not_end(eq):
            invariant.update(eq.outputs)
            movable.append(eq)
    chosen: set[Equation] = set()
    needed: set[Value] = set()
    for eq in reversed(movable):
        if not _is_view(eq) or not needed.isdisjoint(eq.outputs):
            chosen.add(eq)
            needed.update(eq.operands)
    return chosen


def _is_view(eq: Equation) -> bool:
    return isinstance(eq.op.lower, Pull)


def _may_not_end(eq: Equation) -> bool:
    if not eq.regions:
        return False
    return eq.op.name == "while_loop" or any(
        [_may_not_end(inner) for region in eq.regions for inner in region.equations]
    )
