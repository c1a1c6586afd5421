"""jet: Taylor mode, derivatives of a high order along a curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitad_ir.graph import Graph
from jitad_ir.passes.dce import dce, drop_unused_inputs
from jitad_ir.passes.pipeline import FOR_NUMPY, optimize
from jitad_ir.passes.taylor import taylor

from .. import numpy as jnp
from ..errors import at_user_line, hides_internals
from ..pytree import flatten
from ..trace import find_trace
from ..transforms.function import (
    Eager,
    cached,
    check_callable,
    leaf_types,
    name_of,
    run_graph,
    trace_function,
)

__all__ = ["jet"]
__dir__ = __all__.copy


@hides_internals
def jet(
    fun: Callable[..., Any],
    primals: Sequence[Any],
    series: Sequence[Sequence[Any]],
    factorial_scaled: bool = True,
) -> tuple[Any, Any]:
    r"""Derivatives of `fun` along a curve, up to the order of the series given.

    `primals` are the arguments h_0 and `series[i]` the terms (h_1, ..., h_K) of argument i: the
    derivatives at 0 of a curve h(s), or, without `factorial_scaled`, its Taylor coefficients. The
    result is `(f_0, (f_1, ..., f_K))`, the same of f(h(s)), for each array that `fun` returns.
    Arguments are float or complex arrays or pytrees of those; the terms are like them.

    The program is expanded as polynomials, of which K coefficients take of the order of K^2
    operations; nested forward mode would take 2^K. `jit`, `vmap`, `grad` and a jet again apply to
    the result.

    Raises ValueError if series differ in length and TypeError for arguments of other types.

    >>> import jitad.numpy as jnp
    >>> from jitad.experimental.jet import jet
    >>> jet(jnp.sin, (0.0,), ((1.0, 0.0, 0.0),))  # sin, cos, -sin, -cos at 0
    (Array(0.), [Array(1.), Array(0.), Array(-1.)])
    """
    check_callable(fun, "jet")
    order, leaves, tree, terms = _curves(primals, series)
    types = leaf_types(leaves, f"jet: argument of {name_of(fun)}")
    for type in types:
        if not type.is_inexact:
            raise TypeError(at_user_line(f"jet: arguments must be float or complex; got {type!r}"))
    scales = [float(math.factorial(k)) if factorial_scaled else 1.0 for k in range(1, order + 1)]
    given = [
        jnp.asarray(term, t.dtype) / t.dtype.type(scale)
        for t, row in zip(types, terms, strict=True)
        for term, scale in zip(row, scales, strict=True)
    ]
    _check_shapes(given, [t for t in types for _ in range(order)])
    traced = trace_function(
        lambda tracers: fun(*tree.unflatten(tracers)),
        name_of(fun),
        leaves,
        concrete=True,
        types=types,
        transform="jet",
        defers=False,
        orders=order,
    )
    mask = (True,) * len(types) + (False,) * len(traced.closed.captures)
    operands = [*traced.operands, *given]
    if traced.values is not None and find_trace(operands) is None:
        program, nonzero = cached(_eager_program, traced.graph, mask, order)
        arrays = [np.asarray(a) for a in operands]
        inputs = [*traced.graph.input_types, *[t for t in types for _ in range(order)]]
        results = program([a.astype(t.dtype) for a, t in zip(arrays, inputs, strict=True)])
    else:
        expanded = taylor(dce(traced.graph), mask, order)
        nonzero = expanded.nonzero
        results = run_graph(expanded.graph, operands)
    count = len(nonzero)
    found = iter(results[count:])
    rows = [
        [next(found) * scale for scale in scales]
        if moves
        else [jnp.zeros(t.shape, t.dtype) for _ in scales]
        for moves, t in zip(nonzero, traced.graph.output_types, strict=True)
    ]
    return traced.out_tree.unflatten(results[:count]), traced.out_tree.unflatten(rows)


def _eager_program(graph: Graph, mask: tuple[bool, ...], order: int) -> tuple[Eager, Any]:
    expanded = taylor(dce(graph), mask, order)
    return Eager(*drop_unused_inputs(optimize(expanded.graph, FOR_NUMPY))), expanded.nonzero


def _curves(primals: Any, series: Any) -> tuple[int, list[Any], Any, list[list[Any]]]:
    """The order, the leaves of all arguments with their tree, and the terms of each leaf."""
    if not isinstance(primals, (tuple, list)) or not isinstance(series, (tuple, list)):
        raise TypeError(
            at_user_line("jet: expected primals and series as tuples, one entry an argument")
        )
    orders = {len(terms) for terms in series}
    if len(orders) != 1 or len(series) != len(primals):
        raise ValueError(
            at_user_line(
                "jet: expected a series for each argument, all of one length; got "
                f"{len(primals)} arguments and series of lengths {[len(t) for t in series]}"
            )
        )
    leaves, tree = flatten(tuple(primals))
    columns: list[list[Any]] = []
    for k in range(orders.copy().pop()):
        column, found = flatten(tuple([terms[k] for terms in series]))
        if found != tree:
            raise ValueError(
                at_user_line(f"jet: terms {k} must have the structure {tree}; got {found}")
            )
        columns.append(column)
    return orders.pop(), leaves, tree, [list(row) for row in zip(*columns, strict=True)]


def _check_shapes(terms: Sequence[Any], types: Sequence[Any]) -> None:
    for term, type in zip(terms, types, strict=True):
        if term.shape != type.shape:
            raise ValueError(
                at_user_line(
                    f"jet: a term must have the shape of its argument, {type.shape}; got "
                    f"{term.shape}"
                )
            )
