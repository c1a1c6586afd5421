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
from ..sharding import SingleDeviceSharding
from ..tree_util import tree_map
from .function import Traced
from .inspection import ShapeDtypeStruct, declared_type, structs_of


class ArgInfo(NamedTuple):
    """Shape and dtype of an argument; `donated` says whether a call may overwrite it: never.

    >>> import jitad
    >>> jitad.jit(lambda x: x).lower(1.0).args_info[0][0].shape
    ()
    """

    shape: tuple[int, ...]
    dtype: Any
    donated: bool = False


class Memory(NamedTuple):
    """Bytes that a call of a compiled program touches. There is one memory: what JAX counts apart
    for a host is here, and nothing there."""

    argument_size_in_bytes: int
    output_size_in_bytes: int
    temp_size_in_bytes: int
    alias_size_in_bytes: int = 0
    generated_code_size_in_bytes: int = 0
    host_argument_size_in_bytes: int = 0
    host_output_size_in_bytes: int = 0
    host_temp_size_in_bytes: int = 0
    host_alias_size_in_bytes: int = 0
    host_generated_code_size_in_bytes: int = 0

    @property
    def peak_memory_in_bytes(self) -> int:
        """Bytes that are in use at one time."""
        return self.argument_size_in_bytes + self.output_size_in_bytes + self.temp_size_in_bytes


class _Typed:
    """What stages tell of the arguments and the results of their program."""

    name: str
    graph: Graph
    in_tree: PyTreeDef
    out_tree: PyTreeDef
    donate_argnums: tuple[int, ...] = ()
    """Positions of arguments that a call may overwrite: there are none."""

    _types: tuple[ArrayType, ...]

    @property
    def args_info(self) -> Any:
        """(positional, keywords) of the arguments that are not static, each leaf an ArgInfo."""
        return self.in_tree.unflatten([ArgInfo(t.shape, t.dtype) for t in self._types])

    @property
    def in_avals(self) -> Any:
        """(positional, keywords) of the arguments, each leaf its type: shape and dtype."""
        return self.in_tree.unflatten(list(self._types))

    @property
    def out_avals(self) -> Any:
        """The results, each leaf its type: shape and dtype."""
        return self.out_tree.unflatten(list(self.graph.output_types))

    @property
    def out_info(self) -> Any:
        """Shapes and dtypes of the results, as a pytree of ShapeDtypeStruct."""
        return structs_of(self.out_tree, self.graph.output_types)


class TracedProgram(Graph, _Typed):
    """What `jit(f).trace(*args)` gives: the Graph, before any pass, and what it was traced for.

    >>> import jitad
    >>> traced = jitad.jit(lambda x: 2.0 * x).trace(1.0)
    >>> traced
    graph f(a: f64[]) {
      b: f64[] = full(dtype=f64, shape=(), value=2.0)
      c: f64[] = mul(b, a)
      return c
    }
    >>> traced.lower().compile()(3.0)
    Array(6.)
    """

    def __init__(
        self,
        traced: Traced,
        in_tree: PyTreeDef,
        types: tuple[ArrayType, ...],
        positions: tuple[int, ...],
        prepare: Callable[[], Callable[[Any, Any], Any]],
    ) -> None:
        graph = traced.graph
        super().__init__(graph.inputs, graph.equations, graph.outputs, graph.name)
        self.in_tree = in_tree
        self.out_tree: PyTreeDef = traced.out_tree
        self.positions = positions
        """Which of the positional arguments are not static."""
        self._types = types
        self._prepare = prepare

    @property
    def graph(self) -> Graph:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The program itself, as `jaxpr` is."""
        return self

    @property
    def jaxpr(self) -> Graph:
        """The program itself, by JAX's word for it."""
        return self

    @property
    def fun_name(self) -> str:
        """The function's name."""
        return self.name

    def lower(self, **how: Any) -> Lowered:
        """The program, to be compiled. What JAX is told here of platforms changes nothing."""
        return Lowered(self, self._prepare)


class Lowered(_Typed):
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
        self, traced: TracedProgram, prepare: Callable[[], Callable[[Any, Any], Any]]
    ) -> None:
        self.name = traced.name
        self.graph: Graph = traced
        self.in_tree, self.out_tree = traced.in_tree, traced.out_tree
        self._types = traced._types
        self._prepare = prepare

    def as_text(self, dialect: str | None = None, *, debug_info: bool = False) -> str:
        """The traced program as IR text. `dialect`, a word of other compilers, must be None."""
        if dialect is not None:
            raise ValueError(at_user_line(f"as_text: expected dialect=None; got {dialect!r}"))
        return graph_text(self.graph)

    def compiler_ir(self, dialect: str | None = None) -> Graph:
        """The traced program. `dialect`, a word of other compilers, must be None."""
        if dialect is not None:
            raise ValueError(at_user_line(f"compiler_ir: expected dialect=None; got {dialect!r}"))
        return self.graph

    def cost_analysis(self) -> dict[str, float]:
        """What a call costs, counted from the plan: see `Compiled.cost_analysis`."""
        return _costs(_plan(self.graph))

    def compile(self, compiler_options: Any = None, **how: Any) -> Compiled:
        """Native code, from the disk cache where it is there. Options of other compilers change
        nothing."""
        return Compiled(self, self._prepare(), self._types)


class Compiled(_Typed):
    """A program compiled for arguments of one structure, and of given shapes and dtypes.

    >>> import jitad
    >>> compiled = jitad.jit(lambda x: 2.0 * x).lower(1.0).compile()
    >>> compiled(3.0)
    Array(6.)
    """

    def __init__(
        self, lowered: Lowered, run: Callable[[Any, Any], Any], types: tuple[ArrayType, ...]
    ) -> None:
        self._run = run
        self._types = types
        self.name, self.graph = lowered.name, lowered.graph
        self.in_tree, self.out_tree = lowered.in_tree, lowered.out_tree

    @property
    def input_shardings(self) -> Any:
        """(positional, keywords) of the arguments, each leaf where it lies: on the one device."""
        return self.in_tree.unflatten([SingleDeviceSharding()] * self.in_tree.num_leaves)

    @property
    def output_shardings(self) -> Any:
        """The results, each leaf where it lies: on the one device."""
        return self.out_tree.unflatten([SingleDeviceSharding()] * self.out_tree.num_leaves)

    @hides_internals
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The results. Static arguments are left out: they are part of the program. Raises
        TypeError for arguments of another structure, shape or dtype."""
        leaves, tree = flatten((args, kwargs))
        if tree != self.in_tree:
            raise TypeError(
                at_user_line(f"{self.name} was compiled for arguments {self.in_tree}; got {tree}")
            )
        for leaf, expected in zip(leaves, self._types, strict=True):
            got = declared_type(leaf)
            if got != expected:
                raise TypeError(
                    at_user_line(
                        f"{self.name} was compiled for an argument {expected!r}; got "
                        f"{got!r}. Call the jitted function itself, which compiles what is new"
                    )
                )
        return self._run(args, kwargs)

    @property
    def call(self) -> Callable[..., Any]:
        """A call: the object itself."""
        return self

    def as_text(self) -> str:
        """The plan of the program: what `jitad.explain` prints."""
        return _plan(self.graph).text()

    def cost_analysis(self) -> dict[str, float]:
        """What a call costs, counted from the plan: "flops", "transcendentals" (evaluations of
        such functions) and "bytes accessed"."""
        return _costs(_plan(self.graph))

    def memory_analysis(self) -> Memory:
        """Bytes of arguments, of results, and of workspace."""
        plan = _plan(self.graph)
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
