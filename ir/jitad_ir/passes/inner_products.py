"""Inner products of long arrays as sums.

inner_products : (a -> b)  to  (a -> b)   with reduce_sum(mul(x, y)) for dot(x, y) without free axes

BLAS adds up one after the other, in as many chains as a register has lanes: 1e7 terms of float32
lose two digits. Sums are folded in blocks, and shared out among threads, with no loss of speed.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Equation, Graph, Value
from ..op import OPS
from ..rewrite import rewritten
from .regions import in_regions

LONG = 1 << 12
"""Terms from which on a product is a sum."""


def inner_products(graph: Graph) -> Graph:
    """`graph` with long inner products as sums, in bodies too."""
    graph = in_regions(graph, inner_products)
    if not any([_is_long(eq) for eq in graph.equations]):
        return graph
    return rewritten(graph, _as_sum)


def _as_sum(eq: Equation, operands: Sequence[Value]) -> Sequence[Value] | None:
    if not _is_long(eq):
        return None
    axes = tuple(range(operands[0].ndim))
    return (OPS["reduce_sum"](OPS["mul"](*operands), axes=axes),)


def _is_long(eq: Equation) -> bool:
    """A product that sums over all axes of its operands, in the same order."""
    if eq.op.name != "dot":
        return False
    x, y = eq.operands
    ours, theirs = eq.params["contract"]
    return x.type == y.type and len(ours) == x.ndim and ours == theirs and x.type.size >= LONG
