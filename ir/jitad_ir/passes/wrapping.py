"""Places that were counted from the end of an axis if they are below 0, left to who uses them.

wrapping : (a -> b)  to  (a -> b)

with scatter(x, u, i, wraps=True) for scatter(x, u, select(i < 0, i + n, i)), where n is the length
of the axis of x. NumPy's indices make that of every index array. A kernel computes it where it
reads the array, but a scatter is no kernel: the places would be written to memory first, in a pass
that takes half as long as the scatter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..graph import Equation, Graph, Value
from ..op import OPS
from ..rewrite import rewritten
from .dce import dce

MANY = 1 << 10
"""Points from which on the places are worth it."""

SCATTERS = ("scatter", "scatter_add", "scatter_mul", "scatter_min", "scatter_max")


def wrapping(graph: Graph) -> Graph:
    """`graph` with such scatters: not in bodies, which know what to do with a few elements."""
    if not any([_is_large(eq) for eq in graph.equations]):
        return graph
    makers = {value: eq for eq in graph.equations for value in eq.outputs}
    originals: dict[Equation, list[Value]] = {}
    for eq in graph.equations:
        if _is_large(eq):
            axes: tuple[int, ...] = eq.params["axes"]
            x, _, *starts = eq.operands
            pairs = zip(starts, axes, strict=True)
            found = [_wrapped(makers, start, x.shape[axis]) for start, axis in pairs]
            if all(found):
                originals[eq] = [value for value in found if value is not None]
    if not originals:
        return graph
    env: dict[Value, Value] = {}

    def rule(eq: Equation, operands: Sequence[Value]) -> Sequence[Value] | None:
        if eq not in originals:
            return None
        places = [env[value] for value in originals[eq]]
        return (OPS[eq.op.name](*operands[:2], *places, **eq.params, wraps=True),)

    return dce(rewritten(graph, rule, env))


def _is_large(eq: Equation) -> bool:
    is_scatter = eq.op.name in SCATTERS and not eq.params.get("wraps")
    return is_scatter and eq.operands[2].type.size >= MANY


def _wrapped(makers: Mapping[Value, Equation], place: Value, n: int) -> Value | None:
    """i, of a place select(i < 0, i + n, i)."""
    chosen = makers.get(place)
    if chosen is None or chosen.op.name != "select":
        return None
    condition, from_end, start = chosen.operands
    below, added = makers.get(condition), makers.get(from_end)
    if below is None or below.op.name != "lt" or below.operands[0] is not start:
        return None
    if added is None or added.op.name != "add" or start not in added.operands:
        return None
    other = added.operands[added.operands[0] is start]
    known = _number(makers, below.operands[1]) == 0 and _number(makers, other) == n
    return start if known else None


def _number(makers: Mapping[Value, Equation], value: Value) -> object:
    """What every element is; None if that is not known."""
    eq = makers.get(value)
    return eq.params["value"] if eq is not None and eq.op.name == "full" else None
