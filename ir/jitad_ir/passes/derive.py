"""Derivatives and batches that were asked for are written down.

derive : (a -> b)  to  (a -> b)   with the programs that `pullback`, `pushforward`, `batched`
                                  (`ops/derived.py`) stand for in their place
"""

from __future__ import annotations

from collections.abc import Hashable
from operator import is_

from ..graph import Builder, Equation, Graph, Value, params_key
from ..ops.derived import DERIVED


def derive(graph: Graph) -> Graph:
    """`graph` with each such equation replaced by what it stands for, the innermost first."""
    return _Deriving().run(graph) if _asks(graph) else graph


def _asks(graph: Graph) -> bool:
    """Whether there is any, here or in a region."""
    for eq in graph.equations:
        if eq.op.name in DERIVED or any([_asks(region) for region in eq.regions]):
            return True
    return False


class _Deriving:
    """One program, in which what is asked for again and again is derived once."""

    def __init__(self) -> None:
        self._made: dict[Hashable, list[tuple[Graph, Graph]]] = {}
        """By what is quick to compare: bodies, and what was made of them."""

    def run(self, graph: Graph) -> Graph:
        builder = Builder(graph.name)
        builder.inputs = list(graph.inputs)
        env: dict[Value, Value] = {v: v for v in graph.inputs}
        for eq in graph.equations:
            operands = tuple([env[v] for v in eq.operands])
            if eq.op.name in DERIVED:
                outputs = builder.inline(self._program(eq), operands)
            else:
                outputs = builder.replay(self._with_regions(eq), operands)
            env.update(zip(eq.outputs, outputs, strict=True))
        return builder.build([env[v] for v in graph.outputs])

    def _program(self, eq: Equation) -> Graph:
        (body,) = eq.regions
        key = (eq.op.name, len(body.equations), body.input_types, params_key(eq.params))
        alike = self._made.setdefault(key, [])
        for other, made in alike:
            if other == body:
                return made
        try:
            made = self.run(DERIVED[eq.op.name](self.run(body), **eq.params))
        except Exception as error:
            if eq.source is not None:
                error.add_note(f"  asked for at {eq.source}")
            raise
        alike.append((body, made))
        return made

    def _with_regions(self, eq: Equation) -> Equation:
        regions = tuple([self.run(r) if _asks(r) else r for r in eq.regions])
        if all(map(is_, regions, eq.regions)):
            return eq
        return Equation(eq.op, eq.operands, eq.params, eq.outputs, regions, eq.source)
