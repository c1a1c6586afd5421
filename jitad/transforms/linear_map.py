"""Linear maps between pytrees: what `linearize`, `vjp` and `linear_transpose` return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitad_ir.graph import Graph
from jitad_ir.passes.transpose import transpose
from jitad_ir.types import ArrayType
from jitad_ir.verify import InvalidGraph

from ..argument_types import type_of_argument
from ..array import as_array
from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten
from ..tree_util import Partial
from .function import FLOAT0, check_callable, name_of, run_graph, trace_function


def _no_tangent(type: ArrayType) -> Any:
    """The tangent or cotangent of an integer or bool array."""
    return np.zeros(type.shape, FLOAT0)


def _zeros(type: ArrayType) -> Any:
    return as_array(np.zeros(type.shape, type.dtype))


def checked_directions(
    given: Any, tree: PyTreeDef, types: Sequence[ArrayType], what: str, transform: str
) -> list[Any]:
    """Leaves of tangents or cotangents, checked against the values they belong to; those of
    inexact values only."""
    leaves, found = flatten(given)
    if found != tree:
        raise TypeError(
            at_user_line(f"{transform}: {what}s must have the structure {tree}; got {found}")
        )
    directions: list[Any] = []
    for leaf, expected in zip(leaves, types, strict=True):
        if not expected.is_inexact:
            continue
        got = type_of_argument(leaf)
        if isinstance(leaf, (bool, int, float, complex)) and not isinstance(leaf, np.generic):
            if got.shape != expected.shape:
                raise TypeError(_wrong_direction(what, expected, got, transform))
            leaf = expected.dtype.type(leaf)
        elif got != expected:
            raise TypeError(_wrong_direction(what, expected, got, transform))
        directions.append(leaf)
    return directions


def _wrong_direction(what: str, expected: ArrayType, got: ArrayType, transform: str) -> str:
    return at_user_line(
        f"{transform}: a {what} must have the shape and dtype of its primal, {expected!r}; "
        f"got {got!r}"
    )


def filled(nonzero: Sequence[bool], moving: Sequence[Any], types: Sequence[ArrayType]) -> list[Any]:
    """All tangents: the moving ones, zeros for those that do not move, float0 for integers."""
    given = iter(moving)
    return [
        next(given) if moves else _zeros(t) if t.is_inexact else _no_tangent(t)
        for moves, t in zip(nonzero, types, strict=True)
    ]


@dataclass(frozen=True)
class LinearMap:
    """A linear program between pytrees, without its residuals: hashable, so that a map can be an
    argument or a result of `jit`."""

    graph: Graph
    in_tree: PyTreeDef
    in_types: tuple[ArrayType, ...]
    out_tree: PyTreeDef
    out_types: tuple[ArrayType, ...]
    takes: tuple[bool, ...]
    gives: tuple[bool, ...]
    what: str
    transform: str
    unpacked: bool
    """True if it is called with one argument an entry of `in_tree`, which is a tuple."""

    @hides_internals
    def __call__(self, *args: Any) -> Any:
        """Apply to residuals (the first arguments) and tangents or cotangents."""
        residuals, given = args[0], args[1:]
        if not self.unpacked and len(given) != 1:
            raise TypeError(
                f"{self.transform}: the map takes one argument, a pytree of {self.what}s; got "
                f"{len(given)}"
            )
        directions = checked_directions(
            given if self.unpacked else given[0],
            self.in_tree,
            self.in_types,
            self.what,
            self.transform,
        )
        inexact = [
            moves for moves, t in zip(self.takes, self.in_types, strict=True) if t.is_inexact
        ]
        used = [d for d, moves in zip(directions, inexact, strict=True) if moves]
        results = run_graph(self.graph, [*residuals, *used])
        return self.out_tree.unflatten(filled(self.gives, results, self.out_types))


def linear_transpose(fun: Callable[..., Any], *primals: Any) -> Callable[..., Any]:
    """The transpose of a function that is linear in all its arguments.

    `primals` are arrays or `ShapeDtypeStruct`s that give the shapes and dtypes. Returns a function
    from a cotangent of the result to a tuple of cotangents of the arguments, which `jit` may return
    as that of `vjp`. Raises TypeError, naming the operation, if `fun` is not linear.

    >>> import jitad
    >>> jitad.linear_transpose(lambda x: 3.0 * x, 1.0)(2.0)
    (Array(6.),)
    """
    check_callable(fun, "linear_transpose")
    leaves, tree = flatten(tuple(primals))
    types = [declared_type(leaf) for leaf in leaves]

    def flat(tracers: list[Any]) -> Any:
        return fun(*tree.unflatten(tracers))

    traced = trace_function(
        flat,
        name_of(fun),
        leaves,
        concrete=False,
        types=types,
        transform="linear_transpose",
        defers=False,
    )
    out_tree = traced.out_tree
    graph = traced.graph
    linear = [i < len(types) for i in range(len(graph.inputs))]
    try:
        program = transpose(graph, linear)
    except InvalidGraph as error:
        raise TypeError(
            at_user_line(f"linear_transpose: {name_of(fun)} is not linear: {error}")
        ) from None
    every, each = (True,) * len(graph.outputs), (True,) * len(types)
    transposed = LinearMap(
        program,
        out_tree,
        graph.output_types,
        tree,
        tuple(types),
        every,
        each,
        "cotangent",
        "linear_transpose",
        unpacked=False,
    )
    return Partial(transposed, list(traced.closed.captures))


def declared_type(leaf: Any) -> ArrayType:
    """The type of an array, a number or a `ShapeDtypeStruct`."""
    if hasattr(leaf, "shape") and hasattr(leaf, "dtype") and not isinstance(leaf, np.ndarray):
        return ArrayType(np.dtype(leaf.dtype), tuple(leaf.shape))
    return type_of_argument(leaf)
