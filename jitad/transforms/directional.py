"""jvp, linearize, vjp and linear_transpose: derivatives as linear maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

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
from jitad_ir.passes.transpose import transpose
from jitad_ir.types import ArrayType
from jitad_ir.verify import InvalidGraph

from ..argument_types import type_of_argument
from ..array import as_array
from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten
from ..trace import defers, find_trace
from ..tree_util import Partial
from .function import (
    FLOAT0,
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
    )
    return traced, tree, types, results


def _mask(traced: Traced, types: Sequence[ArrayType]) -> tuple[bool, ...]:
    return tuple([t.is_inexact for t in types]) + (False,) * len(traced.closed.captures)


def _no_tangent(type: ArrayType) -> Any:
    """The tangent or cotangent of an integer or bool array."""
    return np.zeros(type.shape, FLOAT0)


def _zeros(type: ArrayType) -> Any:
    return as_array(np.zeros(type.shape, type.dtype))


def _directions(
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


def _filled(
    nonzero: Sequence[bool], moving: Sequence[Any], types: Sequence[ArrayType]
) -> list[Any]:
    """All tangents: the moving ones, zeros for those that do not move, float0 for integers."""
    given = iter(moving)
    return [
        next(given) if moves else _zeros(t) if t.is_inexact else _no_tangent(t)
        for moves, t in zip(nonzero, types, strict=True)
    ]


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
    directions = _directions(tuple(tangents), tree, types, "tangent", "jvp")
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
    tangent_leaves = _filled(nonzero[:results], moving, out_types[:results])
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


@dataclass(frozen=True)
class _LinearMap:
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
        directions = _directions(
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
        return self.out_tree.unflatten(_filled(self.gives, results, self.out_types))


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
    pushforward = _LinearMap(
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
    pullback = _LinearMap(
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
        (argument,) = self.tree.unflatten(_filled(flags, results[len(given) :], self.types))
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
    types = [_declared_type(leaf) for leaf in leaves]

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
    transposed = _LinearMap(
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


def _declared_type(leaf: Any) -> ArrayType:
    if hasattr(leaf, "shape") and hasattr(leaf, "dtype") and not isinstance(leaf, np.ndarray):
        return ArrayType(np.dtype(leaf.dtype), tuple(leaf.shape))
    return type_of_argument(leaf)
