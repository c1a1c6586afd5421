"""jvp, linearize and vjp: derivatives as linear maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jitad_ir.graph import Graph
from jitad_ir.passes.dce import drop_unused_inputs
from jitad_ir.passes.linearize import (
    Linearized,
    joined,
    linearize_at_values,
    select_moving,
    transposed,
)
from jitad_ir.passes.linearize import (
    linearize as linearize_graph,
)
from jitad_ir.passes.pipeline import FOR_NUMPY, optimize
from jitad_ir.types import ArrayType

from ..array import as_array
from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten
from ..trace import defers, find_trace
from ..tree_util import Partial
from .function import (
    Eager,
    Traced,
    ask,
    cached,
    check_callable,
    leaf_types,
    name_of,
    run_graph,
    trace_function,
)
from .linear_map import LinearMap, checked_directions, filled


def _trace_at(
    fun: Callable[..., Any],
    primals: Sequence[Any],
    has_aux: bool,
    transform: str,
    defers: bool | None = False,
) -> tuple[Traced, PyTreeDef, list[ArrayType], int]:
    """`fun` traced at `primals`; the tree and types of those, and the number of output leaves that
    are not auxiliary. The traced program returns `(result, aux)`."""
    check_callable(fun, transform)
    leaves, tree = flatten(tuple(primals))
    types = leaf_types(leaves, f"{transform}: argument of {name_of(fun)}")
    results = 0

    def flat(tracers: list[Any]) -> Any:
        nonlocal results
        out = fun(*tree.unflatten(tracers))
        if has_aux and not (isinstance(out, tuple) and len(out) == 2):
            raise TypeError(
                f"{transform}: with has_aux, {name_of(fun)} must return a pair (result, aux); got "
                f"{type(out).__name__}"
            )
        result, aux = out if has_aux else (out, None)
        results = len(flatten(result)[0])
        return result, aux

    traced = trace_function(
        flat,
        name_of(fun),
        leaves,
        concrete=True,
        types=types,
        transform=transform,
        defers=defers,
        orders=1,
    )
    return traced, tree, types, results


def _mask(traced: Traced, types: Sequence[ArrayType]) -> tuple[bool, ...]:
    return tuple([t.is_inexact for t in types]) + (False,) * len(traced.closed.captures)


@hides_internals
def jvp(
    fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> Any:
    """Forward mode: `fun` at `primals` and its derivative in the direction `tangents`.

    `primals` and `tangents` are tuples of pytrees with equal structure, shapes and dtypes (an
    integer's tangent is of dtype float0 and ignored). Returns `(result, result's tangent)`, or
    `(result, tangent, aux)` with `has_aux`. Raises TypeError where they do not match.

    >>> import jitad
    >>> jitad.jvp(lambda x: x**3, (2.0,), (1.0,))
    (Array(8.), Array(12.))
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError(
            at_user_line(
                "jvp: expected primals and tangents as tuples, one entry an argument; got "
                f"{type(primals).__name__} and {type(tangents).__name__}"
            )
        )
    traced, tree, types, results = _trace_at(fun, primals, has_aux, "jvp", defers=None)
    directions = checked_directions(tuple(tangents), tree, types, "tangent", "jvp")
    mask = _mask(traced, types)
    wanted = tuple([i < results for i in range(len(traced.graph.outputs))])
    top = traced.values is not None and _is_at_top(traced, directions)
    if top:
        program, nonzero = cached(_jvp_at_values, traced.graph, mask, wanted)
        outputs = [as_array(a) for a in _output_arrays(traced)]
        moving = program([*(traced.values or []), *directions])
    elif defers():
        inexact = [v.type.is_inexact for v in traced.graph.outputs]
        nonzero = tuple([w and moves for w, moves in zip(wanted, inexact, strict=True)])
        operands = [*traced.operands, *directions]
        both = ask("pushforward", traced.graph, operands, moving=mask, wanted=nonzero)
        outputs, moving = both[: len(wanted)], both[len(wanted) :]
    else:
        program, nonzero = _jvp_program(traced.graph, mask, wanted)
        both = run_graph(program, [*traced.operands, *directions])
        outputs, moving = both[: len(wanted)], both[len(wanted) :]
    out_types = traced.graph.output_types
    tangent_leaves = filled(nonzero[:results], moving, out_types[:results])
    result, aux = traced.out_tree.unflatten(outputs)
    result_tree = flatten(result)[1]
    tangent = result_tree.unflatten(tangent_leaves)
    return (result, tangent, aux) if has_aux else (result, tangent)


def _is_at_top(traced: Traced, others: Sequence[Any]) -> bool:
    """True if neither the traced program nor `others` belong to an open trace."""
    return find_trace([*traced.operands, *others]) is None


def _output_arrays(traced: Traced) -> list[Any]:
    assert traced.values is not None
    graph = traced.graph
    values = [*graph.inputs, *[v for eq in graph.equations for v in eq.outputs]]
    arrays = dict(zip(values, traced.values, strict=True))
    return [arrays[v] for v in graph.outputs]


def _jvp_program(
    graph: Graph, mask: tuple[bool, ...], wanted: tuple[bool, ...]
) -> tuple[Graph, tuple[bool, ...]]:
    linear = select_moving(linearize_graph(graph, mask), wanted)
    return joined(linear), linear.nonzero


def _jvp_at_values(
    graph: Graph, mask: tuple[bool, ...], wanted: tuple[bool, ...]
) -> tuple[Eager, tuple[bool, ...]]:
    linear = select_moving(linearize_at_values(graph, mask), wanted)
    return Eager(*drop_unused_inputs(optimize(joined(linear), FOR_NUMPY))), linear.nonzero


class _Point(NamedTuple):
    """A function at a point: its results, and its derivative there as a linear program."""

    result: Any
    aux: Any
    linear: Linearized
    residuals: list[Any]
    tree: PyTreeDef
    types: tuple[ArrayType, ...]
    out_tree: PyTreeDef
    out_types: tuple[ArrayType, ...]

    @property
    def inexact(self) -> tuple[bool, ...]:
        """Which argument leaves have tangents."""
        return tuple([t.is_inexact for t in self.types])

    @property
    def moves(self) -> tuple[bool, ...]:
        """Which result leaves have tangents that are not zero."""
        return self.linear.nonzero[: len(self.out_types)]


def _at_point(
    fun: Callable[..., Any],
    primals: Sequence[Any],
    has_aux: bool,
    transform: str,
    make: Callable[..., Linearized],
) -> _Point:
    """`fun` at `primals`, with the linear program that `make` derives from its Graph."""
    traced, tree, types, results = _trace_at(fun, primals, has_aux, transform)
    wanted = tuple([i < results for i in range(len(traced.graph.outputs))])
    linear = _derivative(traced, _mask(traced, types), wanted, make)
    values = run_graph(linear.known, traced.operands)
    count = len(traced.graph.outputs)
    result, aux = traced.out_tree.unflatten(values[:count])
    return _Point(
        result,
        aux,
        linear,
        values[count:],
        tree,
        tuple(types),
        flatten(result)[1],
        traced.graph.output_types[:results],
    )


@hides_internals
def linearize(fun: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """`fun` at `primals` and its derivative there as a function of tangents.

    Returns `(result, f_jvp)` with `f_jvp(*tangents)`, which costs the linear part only, however
    often it is called; `(result, f_jvp, aux)` with `has_aux`.

    >>> import jitad
    >>> y, f_jvp = jitad.linearize(lambda x: x**2, 3.0)
    >>> f_jvp(1.0), f_jvp(10.0)
    (Array(6.), Array(60.))
    """
    point = _at_point(fun, primals, has_aux, "linearize", _linearized)
    pushforward = LinearMap(
        graph=point.linear.rest,
        in_tree=point.tree,
        in_types=point.types,
        out_tree=point.out_tree,
        out_types=point.out_types,
        takes=point.inexact,
        gives=point.moves,
        what="tangent",
        transform="linearize",
        unpacked=True,
    )
    f_jvp = Partial(pushforward, point.residuals)
    return (point.result, f_jvp, point.aux) if has_aux else (point.result, f_jvp)


@hides_internals
def vjp(fun: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Reverse mode: `fun` at `primals` and the transpose of its derivative there.

    Returns `(result, f_vjp)`; `f_vjp(cotangent)`, for a pytree like `result`, returns a tuple with
    the cotangent of each primal. `(result, f_vjp, aux)` with `has_aux`. Complex values are not
    conjugated.

    >>> import jitad
    >>> y, f_vjp = jitad.vjp(lambda x, y: x * y, 2.0, 5.0)
    >>> f_vjp(1.0)
    (Array(5.), Array(2.))
    """
    point = _at_point(fun, primals, has_aux, "vjp", _pulled_back)
    pullback = LinearMap(
        graph=point.linear.rest,
        in_tree=point.out_tree,
        in_types=point.out_types,
        out_tree=point.tree,
        out_types=point.types,
        takes=point.moves,
        gives=point.inexact,
        what="cotangent",
        transform="vjp",
        unpacked=False,
    )
    f_vjp = Partial(pullback, point.residuals)
    return (point.result, f_vjp, point.aux) if has_aux else (point.result, f_vjp)


class AskedVjp(NamedTuple):
    """A function at a point whose vjp is derived when the program is compiled: it is asked for
    with all cotangents at hand."""

    traced: Traced
    tree: PyTreeDef
    types: tuple[ArrayType, ...]
    out_tree: PyTreeDef

    @property
    def out_types(self) -> tuple[ArrayType, ...]:
        """Types of the result leaves."""
        return self.traced.graph.output_types

    def cotangents(self, *given: Any) -> Any:
        """The cotangents of the argument, for those of all result leaves."""
        graph = self.traced.graph
        results = ask(
            "pullback",
            graph,
            [*self.traced.operands, *given],
            moving=_mask(self.traced, self.types),
            wanted=(True,) * len(graph.outputs),
        )
        flags = [t.is_inexact for t in self.types]
        (argument,) = self.tree.unflatten(filled(flags, results[len(given) :], self.types))
        return argument


def asked_vjp(fun: Callable[..., Any], primal: Any) -> AskedVjp:
    """`vjp` of a function of one pytree, as it is asked for in a trace that defers."""
    traced, tree, types, _ = _trace_at(fun, (primal,), False, "vjp", defers=None)
    out_tree = flatten(traced.out_tree.unflatten(range(traced.out_tree.num_leaves))[0])[1]
    return AskedVjp(traced, tree, tuple(types), out_tree)


def _linearized(graph: Graph, mask: tuple[bool, ...], wanted: tuple[bool, ...]) -> Linearized:
    return select_moving(linearize_graph(graph, mask), wanted)


def _pulled_back(graph: Graph, mask: tuple[bool, ...], wanted: tuple[bool, ...]) -> Linearized:
    return transposed(_linearized(graph, mask, wanted))


def _derivative(
    traced: Traced,
    mask: tuple[bool, ...],
    wanted: tuple[bool, ...],
    make: Callable[..., Linearized],
) -> Linearized:
    if traced.values is None:
        return make(traced.graph, mask, wanted)
    return cached(make, traced.graph, mask, wanted)
