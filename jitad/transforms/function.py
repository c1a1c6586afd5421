"""From a Python function over pytrees to a traced program over arrays, and back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from jitad_ir.evaluate import evaluate, interpreter
from jitad_ir.graph import Graph
from jitad_ir.op import OPS
from jitad_ir.types import ArrayType

from ..argument_types import is_weak, type_of_argument
from ..array import as_array
from ..loops import run_equation
from ..pytree import PyTreeDef, flatten
from ..settings import config
from ..trace import BatchAxis, ClosedGraph, Tracer, apply, apply_graph, find_trace, tracing

FLOAT0 = np.dtype([("float0", np.void, 0)])
"""Dtype of the tangents and cotangents of integers and bools: it has no elements' worth of data."""


def name_of(function: Callable[..., Any]) -> str:
    """A name for the program traced from `function`."""
    name = getattr(function, "__name__", None) or type(function).__name__
    return name if name.isidentifier() else "f"


def global_name(function: Any) -> str | None:
    """The name by which the module of `function` has it, so that pickle need not look into it."""
    name = getattr(function, "__qualname__", None)
    found: Any = sys.modules.get(getattr(function, "__module__", None) or "")
    for part in (name or "").split("."):
        found = getattr(found, part, None)
    return name if found is function else None


def check_callable(function: Any, transform: str) -> None:
    """Raise TypeError unless `function` can be called."""
    if not callable(function):
        raise TypeError(f"{transform}: expected a function; got {type(function).__name__}")


def leaf_types(leaves: Iterable[Any], what: str) -> list[ArrayType]:
    """Types of array-like leaves; raises TypeError that says `what` they are."""
    types: list[ArrayType] = []
    for leaf in leaves:
        try:
            types.append(type_of_argument(leaf))
        except TypeError as error:
            raise TypeError(
                f"{what}: {error}. Containers other than tuple, list, dict, None and namedtuple "
                "are registered with jitad.tree_util"
            ) from None
    return types


def as_operands(leaves: Sequence[Any], types: Sequence[ArrayType]) -> list[Any]:
    """`leaves` with Python numbers as NumPy scalars of their types."""
    return [
        leaf if isinstance(leaf, (Tracer, np.ndarray, np.generic)) else t.dtype.type(leaf)
        for leaf, t in zip(leaves, types, strict=True)
    ]


class Traced:
    """A traced program: `closed` maps the argument leaves and captures to the output leaves, which
    form `out_tree`. `values` are the arrays of all its values in order, if it is concrete."""

    __slots__ = ("arguments", "closed", "out_tree", "values")

    def __init__(
        self, closed: ClosedGraph, arguments: list[Any], out_tree: PyTreeDef, values: Any
    ) -> None:
        self.closed = closed
        self.arguments = arguments
        self.out_tree = out_tree
        self.values: list[Any] | None = values

    @property
    def graph(self) -> Graph:
        """The program."""
        return self.closed.graph

    @property
    def operands(self) -> list[Any]:
        """What its inputs stand for: the argument leaves and the captures."""
        return [*self.arguments, *self.closed.captures]

    @property
    def is_at_top(self) -> bool:
        """True if no open trace is to record what is done with it."""
        return find_trace(self.operands) is None


def trace_function(
    function: Callable[[list[Tracer]], Any],
    name: str,
    arguments: Sequence[Any],
    *,
    concrete: bool,
    types: Sequence[ArrayType] | None = None,
    axis: BatchAxis | None = None,
    transform: str = "jitad",
    is_body: bool = False,
    mutes: bool = False,
    defers: bool | None = None,
    orders: int = 0,
) -> Traced:
    """Trace `function`, which takes a list of tracers and returns a pytree, at `arguments`
    (arrays, scalars or outer tracers); at `types` in their place if given. `is_body`: it is the
    body of a loop or a branch. `mutes`: its effects happen when it is applied. `defers`: what is
    asked for in it is derived later (`Trace.defers`). `orders`: how many derivatives of the program
    are going to be taken."""
    if types is None:
        types = leaf_types(arguments, f"argument of {name}")
    weak = [is_weak(a) for a in arguments]
    with (
        tracing(name, concrete, axis, is_body, mutes, defers, orders) as trace,
        np.errstate(all="ignore"),
    ):
        tracers = [trace.argument(t, a, w) for t, a, w in zip(types, arguments, weak, strict=True)]
        out_leaves, out_tree = flatten(function(tracers))
        out_types = leaf_types(out_leaves, f"output of {name} under {transform}")
        closed = trace.finish(out_leaves, out_types)
        values = None
        if trace.concrete:
            graph = closed.graph
            values = [trace.known[v] for v in graph.inputs]
            values += [trace.known[v] for eq in graph.equations for v in eq.outputs]
    if config.check_tracer_leaks and trace.parent is None:
        del tracers, out_leaves
        from ..leaks import check_leaks  # noqa: PLC0415  (only checking_leaks pays for it)

        check_leaks(trace)
    return Traced(closed, list(arguments), out_tree, values)


def ask(op: str, body: Graph, operands: Sequence[Any], **params: Any) -> list[Any]:
    """What op `pullback`, `pushforward` or `batched` stands for, recorded as it is asked for."""
    types = body.input_types
    given = [*as_operands(operands[: len(types)], types), *operands[len(types) :]]
    return list(apply(OPS[op], *given, regions=(body,), **params))


def run_graph(graph: Graph, operands: Sequence[Any]) -> list[Any]:
    """`graph` applied to tracers, arrays and numbers of its input types: recorded in the trace
    that they belong to, else evaluated."""
    return list(apply_graph(graph, operands, _evaluate))


def _evaluate(graph: Graph, *arrays: Any) -> list[Any]:
    inputs = [np.asarray(a, v.dtype) for a, v in zip(arrays, graph.inputs, strict=True)]
    results = evaluate(graph, *inputs, run=run_equation)
    if config.watches:
        check(graph, inputs, results)
    return [as_array(result) for result in results]


def check(graph: Graph, arrays: Sequence[Any], results: Sequence[Any]) -> None:
    """Raise NonFiniteError if `results` of `graph` on `arrays` have a value that `debug_nans` or
    `debug_infs` looks for."""
    from ..checks import check_graph  # noqa: PLC0415  (only those pay for loading it)

    check_graph(graph, arrays, results)


class Eager:
    """A derivative program that is run again and again outside of `jit`, with the inputs that
    it reads."""

    __slots__ = ("graph", "reads", "run")

    def __init__(self, graph: Graph, reads: tuple[bool, ...]) -> None:
        self.graph = graph
        self.reads = reads
        self.run = interpreter(graph, run_equation)

    def __call__(self, arrays: Sequence[Any]) -> list[Any]:
        read = [a for a, is_read in zip(arrays, self.reads, strict=True) if is_read]
        with np.errstate(all="ignore"):
            results = self.run(*read)
        if config.watches:
            check(self.graph, read, results)
        return [as_array(result) for result in results]


@lru_cache(maxsize=1024)
def cached(make: Callable[..., Any], *key: Any) -> Any:
    """`make(*key)`, remembered: for derivative programs, keyed by the structure of a Graph."""
    return make(*key)


def split_arguments(
    args: tuple[Any, ...], argnums: int | Sequence[int], transform: str
) -> tuple[tuple[int, ...], list[Any]]:
    """The positions that `argnums` names, made non-negative, and those arguments."""
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    chosen: list[int] = []
    for position in positions:
        if not -len(args) <= position < len(args):
            raise TypeError(
                f"{transform}: argnums={argnums!r} names argument {position}; got "
                f"{len(args)} positional argument{'s' if len(args) != 1 else ''}"
            )
        chosen.append(position % len(args))
    if len(set(chosen)) != len(chosen):
        raise ValueError(f"{transform}: argnums={argnums!r} names an argument twice")
    return tuple(chosen), [args[i] for i in chosen]


def with_arguments(
    args: tuple[Any, ...], positions: Sequence[int], replacements: Sequence[Any]
) -> list[Any]:
    """`args` with those at `positions` replaced."""
    full = list(args)
    for position, replacement in zip(positions, replacements, strict=True):
        full[position] = replacement
    return full
