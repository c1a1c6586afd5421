"""Compiling ahead of the first call: `jit(f).lower(*args).compile()`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jitad_ir.graph import Graph
from jitad_ir.passes.pipeline import optimize
from jitad_ir.plan import Plan, plan_graph
from jitad_ir.plan.costs import plan_cost
from jitad_ir.text import graph_text
from jitad_ir.types import ArrayType

from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten
from ..tree_util import tree_map
from .float0 import with_float0
from .function import Traced
from .inspection import ShapeDtypeStruct, declared_type


class Memory(NamedTuple):
    """Bytes that a call of a compiled program touches."""

    argument_size_in_bytes: int
    output_size_in_bytes: int
    temp_size_in_bytes: int


class Lowered:
    """A function traced for arguments of given shapes and dtypes, not compiled yet.

    >>> import jitad, numpy as np
    >>> lowered = jitad.jit(lambda x: 2.0 * x).lower(jitad.ShapeDtypeStruct((3,), np.float64))
    >>> compiled = lowered.compile()
    >>> compiled(np.ones(3))
    Array([2., 2., 2.])
    >>> compiled.cost_analysis()["flops"]
    3.0
    """

    def __init__(
        self,
        name: str,
        traced: Traced,
        in_tree: PyTreeDef,
        types: tuple[ArrayType, ...],
        prepare: Callable[[], Callable[[Any, Any], Any]],
    ) -> None:
        self.name = name
        self.graph: Graph = traced.graph
        self.in_tree = in_tree
        self.out_tree: PyTreeDef = traced.out_tree
        self._types = types
        self._prepare = prepare

    def as_text(self, dialect: str | None = None) -> str:
        """The traced program as IR text. `dialect`, a word of other compilers, must be None."""
        if dialect is not None:
            raise ValueError(at_user_line(f"as_text: expected dialect=None; got {dialect!r}"))
        return graph_text(self.graph)

    @property
    def out_info(self) -> Any:
        """Shapes and dtypes of the results, as a pytree of ShapeDtypeStruct."""
        structs = [ShapeDtypeStruct(t.shape, t.dtype) for t in self.graph.output_types]
        return with_float0(self.out_tree, structs)

    def cost_analysis(self) -> dict[str, float]:
        """What a call costs, counted from the plan: see `Compiled.cost_analysis`."""
        return _costs(_plan(self.graph))

    def compile(self) -> Compiled:
        """Native code, from the disk cache where it is there."""
        return Compiled(self, self._prepare(), self._types)


class Compiled:
    """A program compiled for arguments of one structure, and of given shapes and dtypes."""

    def __init__(
        self, lowered: Lowered, run: Callable[[Any, Any], Any], types: tuple[ArrayType, ...]
    ) -> None:
        self._lowered = lowered
        self._run = run
        self._types = types
        self.in_tree, self.out_tree = lowered.in_tree, lowered.out_tree
        self.out_info = lowered.out_info

    @hides_internals
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The results. Static arguments are left out: they are part of the program. Raises
        TypeError for arguments of another structure, shape or dtype."""
        leaves, tree = flatten((list(args), kwargs))
        if tree != self.in_tree:
            raise TypeError(
                at_user_line(
                    f"{self._lowered.name} was compiled for arguments {self.in_tree}; got {tree}"
                )
            )
        for leaf, expected in zip(leaves, self._types, strict=True):
            got = declared_type(leaf)
            if got != expected:
                raise TypeError(
                    at_user_line(
                        f"{self._lowered.name} was compiled for an argument {expected!r}; got "
                        f"{got!r}. Call the jitted function itself, which compiles what is new"
                    )
                )
        return self._run(args, kwargs)

    def as_text(self) -> str:
        """The plan of the program: what `jitad.explain` prints."""
        return _plan(self._lowered.graph).text()

    def cost_analysis(self) -> dict[str, float]:
        """What a call costs, counted from the plan: "flops", "transcendentals" (evaluations of
        such functions) and "bytes accessed"."""
        return _costs(_plan(self._lowered.graph))

    def memory_analysis(self) -> Memory:
        """Bytes of arguments, of results, and of workspace."""
        plan = _plan(self._lowered.graph)
        given, results = [
            math.fsum([t.nbytes for t in types]) for types in (plan.input_types, plan.output_types)
        ]
        return Memory(int(given), int(results), plan.workspace_bytes)


def _plan(graph: Graph) -> Plan:
    return plan_graph(optimize(graph))


def _costs(plan: Plan) -> dict[str, float]:
    cost = plan_cost(plan)
    return {
        "flops": float(cost.flops),
        "transcendentals": float(cost.functions),
        "bytes accessed": float(cost.read + cost.written),
    }


def prototypes(arguments: Any) -> Any:
    """The arguments, with arrays that hold nothing in particular for declared shapes and dtypes."""
    return tree_map(
        lambda leaf: (
            np.empty(leaf.shape, leaf.dtype) if isinstance(leaf, ShapeDtypeStruct) else leaf
        ),
        arguments,
    )
