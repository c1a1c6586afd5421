"""Derivatives and batches that were asked for are written down.

derive : (a -> b)  to  (a -> b)   with the programs that `pullback`, `pushforward`, `batched`,
                                  `sparse_elements` (`ops/derived.py`) stand for in their place
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from operator import is_
from typing import cast

import numpy as np

from ..graph import Equation, Graph, Value, current_builder, params_key
from ..rewrite import rewritten
from ..types import ARRAY_TYPES, ArrayType
from .batch_axes import batch_between
from .linearize import pullback, pushforward

DERIVED: dict[str, Callable[..., Graph]] = {
    "pushforward": pushforward,
    "pullback": pullback,
    "batched": batch_between,
}
"""By the name of such an op: `(*regions, **params)`, with the body first, to what it stands for.
`jitad_ir.dependence`, which only sparse derivatives load, adds its own."""


def derive(graph: Graph) -> Graph:
    """`graph` with each such equation replaced by what it stands for, the innermost first."""
    return _Deriving().run(graph) if _asks(graph) else graph


def _asks(graph: Graph) -> bool:
    """Whether there is any, here or in a region."""
    for eq in graph.equations:
        if eq.op.name in DERIVED or any([_asks(region) for region in eq.regions]):
            return True
    return False


def known_by_text(graph: Graph) -> Graph:
    """A program that does as `graph`, all of whose derivation its text tells: itself, or what
    `derive` makes of it where that depends on objects, of which text knows names at most. Such are
    rules of `custom_vmap`, policies of checkpoints, functions called back."""
    return graph if _is_told(graph) else derive(graph)


def _is_told(graph: Graph) -> bool:
    for eq in graph.equations:
        told = is_plain_program if eq.op.name in DERIVED else _is_told
        if not all([told(region) for region in eq.regions]):
            return False
    return True


def is_plain_program(graph: Graph) -> bool:
    """Whether all params are plain: text tells all of such a program."""
    for eq in graph.equations:
        for param in eq.params.values():
            if type(param) not in _PLAIN and not is_plain(param):
                return False
        if not all([is_plain_program(region) for region in eq.regions]):
            return False
    return True


_PLAIN = {bool, int, float, complex, str, type(None), ArrayType}


def is_plain(param: object) -> bool:
    """Whether a parameter is a number, a word, a type, an array, or a tuple of such, all of which
    text tells."""
    if isinstance(param, tuple):
        return all([is_plain(item) for item in cast("tuple[object, ...]", param)])
    return type(param) in _PLAIN or isinstance(param, (np.dtype, *ARRAY_TYPES))


class _Deriving:
    """One program, in which what is asked for again and again is derived once."""

    def __init__(self) -> None:
        self._made: dict[Hashable, list[tuple[Graph, Graph]]] = {}
        """By what is quick to compare: bodies, and what was made of them."""

    def run(self, graph: Graph) -> Graph:
        return rewritten(graph, self._written)

    def _written(self, eq: Equation, operands: tuple[Value, ...]) -> tuple[Value, ...]:
        if eq.op.name in DERIVED:
            return current_builder().inline(self._program(eq), operands)
        return current_builder().replay(self._with_regions(eq), operands)

    def _program(self, eq: Equation) -> Graph:
        body, *others = eq.regions
        key = (eq.op.name, len(body.equations), body.input_types, params_key(eq.params), *others)
        alike = self._made.setdefault(key, [])
        for other, made in alike:
            if other == body:
                return made
        try:
            made = self.run(DERIVED[eq.op.name](self.run(body), *others, **eq.params))
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
