"""A pass on the bodies of loops and branches.

in_regions : (pass, a -> b)  to  (a -> b)   with the pass applied to every body, inside out
"""

from __future__ import annotations

from collections.abc import Callable
from operator import is_

from ..graph import Equation, Graph


def in_regions(graph: Graph, run: Callable[[Graph], Graph]) -> Graph:
    """`graph` with each region of a loop or a branch replaced by `run(region)`, which has the same
    inputs and output types. Regions of ops that `inline` replaces stay as they are."""
    kept: list[Equation] = []
    changed = False
    for eq in graph.equations:
        if eq.regions and eq.op.expand is None:
            regions = tuple([run(region) for region in eq.regions])
            if not all(map(is_, regions, eq.regions)):
                changed = True
                eq = Equation(eq.op, eq.operands, eq.params, eq.outputs, regions, eq.source)
        kept.append(eq)
    return Graph(graph.inputs, kept, graph.outputs, graph.name) if changed else graph
