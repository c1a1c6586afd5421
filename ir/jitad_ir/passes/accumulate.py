"""Sums with arrays that are zero but for some windows, as additions to those windows.

    accumulate : (a -> b)  to  (a -> b)   with  s + scatter_add(0, u, i) = scatter_add(s, u, i)

The transpose of reading a few elements of an array is an array of zeros with those elements; where
cotangents are summed up, in the steps of a loop above all, only the elements are added. Of sums of
several such arrays each is added by itself, which may round otherwise; and a zero of s keeps its
sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph import Equation, Graph, Value
from ..op import OPS
from ..rewrite import rewritten
from .regions import in_regions


def accumulate(graph: Graph) -> Graph:
    """`graph` with such sums rewritten, and so the bodies of its loops and branches."""
    graph = in_regions(graph, accumulate)
    made_by: dict[Value, Equation] = {v: eq for eq in graph.equations for v in eq.outputs}
    if not any(eq.op.name in _SPARSE for eq in graph.equations):
        return graph
    env: dict[Value, Value] = {}
    counts = _counts(graph, made_by)

    def rule(eq: Equation, _operands: Sequence[Value]) -> Sequence[Value] | None:
        if eq.op.name != "add" or eq.operands[0] is eq.operands[1]:
            return None
        sparse = [k for k in (1, 0) if eq.operands[k] in counts]
        if not sparse:
            return None
        k = min(sparse, key=lambda k: counts[eq.operands[k]])
        result = env[eq.operands[1 - k]]
        for term in _terms(eq.operands[k], made_by):
            result = _added(result, term, env)
        return (result,)

    return rewritten(graph, rule, env)


_SPARSE = frozenset({"scatter", "scatter_add", "dynamic_update_slice"})


def _counts(graph: Graph, made_by: dict[Value, Equation]) -> dict[Value, int]:
    """Of each value that is a sum of sparse arrays, how many they are."""
    counts: dict[Value, int] = {}
    for eq in graph.equations:
        if _is_sparse(eq, made_by):
            counts[eq.outputs[0]] = 1
        elif eq.op.name == "add" and all([v in counts for v in eq.operands]):
            counts[eq.outputs[0]] = sum([counts[v] for v in eq.operands])
    return counts


def _terms(value: Value, made_by: dict[Value, Equation]) -> list[Equation]:
    """The sparse arrays that a value is the sum of."""
    found: list[Equation] = []
    pending = [value]
    while pending:
        eq = made_by[pending.pop()]
        if eq.op.name == "add":
            pending += reversed(eq.operands)
        else:
            found.append(eq)
    return found


def _is_sparse(eq: Equation, made_by: dict[Value, Equation]) -> bool:
    if eq.op.name not in _SPARSE:
        return False
    base, updates = eq.operands[:2]
    made = made_by.get(base)
    if made is None or made.op.name != "full" or made.params["value"] != 0:
        return False
    if eq.op.name == "scatter" and not eq.params["unique"]:
        return False
    if base.dtype.kind == "b" or base.ndim == 0:
        return False
    return updates.type.size < base.type.size


def _added(total: Value, term: Equation, env: dict[Value, Value]) -> Value:
    _, updates, *starts = [env[v] for v in term.operands]
    if term.op.name == "dynamic_update_slice":
        axes = tuple(range(total.ndim))
        where: dict[str, Any] = {"axes": axes, "batch": 0, "mode": "clip", "unique": True}
    else:
        where = dict(term.params)
    return OPS["scatter_add"](total, updates, *starts, **where)
