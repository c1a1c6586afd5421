"""What functions with derivative rules of their own share: their calls, their rules as regions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitad_ir.graph import Graph, Value
from jitad_ir.types import ArrayType

from ..errors import at_user_line
from ..pytree import PyTreeDef, flatten
from ..trace import ClosedGraph
from .function import FLOAT0, leaf_types, name_of

RULE_DEPTH = 3
"""How often a rule may call its own function. Deeper calls, which only derivatives of a higher
order see, are differentiated as the function is written."""


def bound_arguments(
    fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, ...]:
    """All arguments by position, defaults filled in."""
    try:
        signature = inspect.signature(fun)
    except (TypeError, ValueError):
        return args
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        names = ", ".join(bound.kwargs)
        raise TypeError(
            at_user_line(
                f"{name_of(fun)}: a function with a custom rule takes no keyword-only arguments; "
                f"got {names}"
            )
        )
    return bound.args


class Call:
    """One call of a function with a custom rule: its differentiable leaves, and how to rebuild the
    arguments from them."""

    def __init__(
        self, fun: Callable[..., Any], args: tuple[Any, ...], nondiff: Sequence[int]
    ) -> None:
        chosen = {n % len(args) if args else n for n in nondiff}
        self.fixed = [args[i] for i in sorted(chosen)]
        self._slots = [None if i in chosen else i for i in range(len(args))]
        self._args = args
        self.leaves, self.tree = flatten(tuple([args[i] for i in self._slots if i is not None]))
        self.types = leaf_types(self.leaves, f"argument of {name_of(fun)}")
        self.inexact = [t.is_inexact for t in self.types]

    def arguments(self, leaves: Sequence[Any]) -> list[Any]:
        """All arguments, with these leaves for the differentiable ones."""
        given = iter(self.tree.unflatten(leaves))
        return [
            self._args[i] if slot is None else next(given) for i, slot in enumerate(self._slots)
        ]

    @property
    def directions(self) -> list[ArrayType]:
        """Types of the tangents."""
        return [t for t in self.types if t.is_inexact]

    def with_float0(self, tangents: Sequence[Any]) -> Any:
        """A tuple of tangents like the differentiable arguments."""
        given = iter(tangents)
        leaves = [
            next(given) if moves else np.zeros(t.shape, FLOAT0)
            for moves, t in zip(self.inexact, self.types, strict=True)
        ]
        return self.tree.unflatten(leaves)


def placeholders(types: Sequence[ArrayType]) -> list[Any]:
    """Zeros that stand for tangents and cotangents while a rule is traced."""
    return [np.zeros(t.shape, t.dtype)[()] for t in types]


def check_same(
    found: PyTreeDef,
    found_types: Sequence[ArrayType],
    expected: PyTreeDef,
    expected_types: Sequence[ArrayType],
    what: str,
) -> None:
    if found != expected:
        raise TypeError(at_user_line(f"{what} must have the structure {expected}; got {found}"))
    for got, want in zip(found_types, expected_types, strict=True):
        if got != want:
            raise TypeError(at_user_line(f"{what} must be {want!r}; got {got!r}"))


class Captures:
    """The captures of several traced programs, united as common operands."""

    def __init__(self) -> None:
        self.operands: list[Any] = []
        self._position: dict[int, int] = {}

    def take(self, closed: ClosedGraph) -> None:
        for outer in closed.captures:
            if id(outer) not in self._position:
                self._position[id(outer)] = len(self.operands)
                self.operands.append(outer)

    def inputs(self, closed: ClosedGraph) -> list[Value]:
        """An input of `closed` for each common operand; unread ones are new."""
        graph = closed.graph
        own = graph.inputs[len(graph.inputs) - len(closed.captures) :]
        by_position = {
            self._position[id(outer)]: v for outer, v in zip(closed.captures, own, strict=True)
        }
        types = leaf_types(self.operands, "closed-over value")
        return [by_position.get(i) or Value(t) for i, t in enumerate(types)]


def region_of(closed: ClosedGraph, first: int, captures: Captures) -> Graph:
    """`closed` with its inputs as: the first ones, the common captures, the others."""
    graph = closed.graph
    arguments = graph.inputs[: len(graph.inputs) - len(closed.captures)]
    inputs = [*arguments[:first], *captures.inputs(closed), *arguments[first:]]
    return Graph(inputs, graph.equations, graph.outputs, graph.name)


def as_type(leaf: Any, type: ArrayType) -> Any:
    """A Python number as an array of `type`; anything else as it is."""
    if isinstance(leaf, (bool, int, float, complex)) and not isinstance(leaf, np.generic):
        return np.full(type.shape, leaf, type.dtype)
    return leaf
