"""Partial evaluation: what can be computed from some inputs alone, and the rest.

    split : (a1, a2 -> b1, b2)  to  (a1 -> b1, res)  and  (res, a2 -> b2)

b1 are the outputs that need a1 (the known inputs) only. The residuals `res` are those known values
that the rest reads. After `jvp`, with a1 the primals and a2 the tangents, the rest is linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..graph import Builder, Equation, Graph, Value, building
from ..op import Unknown


@dataclass(frozen=True, slots=True)
class Split:
    """Result of `split`. `known` maps a1 to b1 and the residuals; `rest` maps the residuals and a2
    to b2; output i of the whole is in b1 where `is_known[i]`."""

    known: Graph
    rest: Graph
    is_known: tuple[bool, ...]
    residuals: int


def split(graph: Graph, known: Sequence[bool], in_rest: Sequence[bool] | None = None) -> Split:
    """Split `graph` by its inputs: input i belongs to a1 where `known[i]`. Output i is one of b2
    where `in_rest[i]`, even if it is known (it is a residual then)."""
    assert len(known) == len(graph.inputs)
    parts = _Parts(graph.name)
    for value, is_known in zip(graph.inputs, known, strict=True):
        if is_known:
            parts.known_env[value] = parts.known.input(value.type)
        else:
            parts.rest_env[value] = parts.rest_input(value)
    for eq in graph.equations:
        parts.add(eq)
    forced = [False] * len(graph.outputs) if in_rest is None else in_rest
    is_known = tuple(
        [v in parts.known_env and not f for v, f in zip(graph.outputs, forced, strict=True)]
    )
    b1 = [parts.known_env[v] for v, k in zip(graph.outputs, is_known, strict=True) if k]
    b2 = [parts.in_rest(v) for v, k in zip(graph.outputs, is_known, strict=True) if not k]
    known_graph = parts.known.build([*b1, *parts.residuals])
    rest = Graph(
        [*parts.residuals.values(), *parts.rest_inputs], parts.rest.equations, b2, parts.rest.name
    )
    return Split(known_graph, rest, is_known, len(parts.residuals))


class _Parts:
    """The two programs under construction."""

    def __init__(self, name: str) -> None:
        self.known = Builder(f"known.{name}")
        self.rest = Builder(f"rest.{name}")
        self.rest_inputs: list[Value] = []
        self.known_env: dict[Value, Value] = {}
        self.rest_env: dict[Value, Value] = {}
        self.residuals: dict[Value, Value] = {}
        """Value of the known program -> the input of the rest that stands for it."""
        self.numbers: dict[Value, Equation] = {}
        """Equations without operands that made values of the known program: they are repeated in
        the rest, not handed over."""

    def rest_input(self, value: Value) -> Value:
        stand_in = Value(value.type)
        self.rest_inputs.append(stand_in)
        return stand_in

    def residual(self, value: Value) -> Value:
        """What stands in the rest for `value` of the known program: an input, or the same number
        again."""
        made_by = self.numbers.get(value)
        if made_by is not None:
            return self.rest.replay(made_by, ())[0]
        stand_in = self.residuals.get(value)
        if stand_in is None:
            stand_in = self.residuals[value] = Value(value.type)
        return stand_in

    def in_rest(self, value: Value) -> Value:
        """`value` of the whole program, in the rest."""
        unknown = self.rest_env.get(value)
        return self.residual(self.known_env[value]) if unknown is None else unknown

    def add(self, eq: Equation) -> None:
        unknown = [v in self.rest_env for v in eq.operands]
        if not any(unknown):
            outs = self.known.replay(eq, tuple([self.known_env[v] for v in eq.operands]))
            self.known_env.update(zip(eq.outputs, outs, strict=True))
            if not eq.operands and eq.op.name == "full":
                self.numbers[outs[0]] = eq
        elif eq.op.split is None:
            outs = self.rest.replay(eq, tuple([self.in_rest(v) for v in eq.operands]))
            self.rest_env.update(zip(eq.outputs, outs, strict=True))
        else:
            self._divide(eq, unknown)

    def _divide(self, eq: Equation, unknown: Sequence[bool]) -> None:
        assert eq.op.split is not None
        operands = [
            Unknown(v.type) if is_unknown else self.known_env[v]
            for v, is_unknown in zip(eq.operands, unknown, strict=True)
        ]
        with building(self.known):
            results, residuals, rest = eq.op.split(
                tuple(unknown), *operands, **eq.params, regions=eq.regions
            )
        with building(self.rest):
            others = rest(
                [self.residual(v) for v in residuals],
                [self.rest_env[v] for v, u in zip(eq.operands, unknown, strict=True) if u],
            )
        remaining = iter(others)
        for value, result in zip(eq.outputs, results, strict=True):
            if result is None:
                self.rest_env[value] = next(remaining)
            else:
                self.known_env[value] = result
