"""grad and value_and_grad: reverse mode of functions with a scalar result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from jitad_ir.graph import Graph
from jitad_ir.passes.dce import drop_unused_inputs
from jitad_ir.passes.linearize import (
    Linearized,
    joined,
    linearize,
    linearize_at_values,
    select_moving,
    transposed,
)
from jitad_ir.passes.pipeline import FOR_NUMPY, optimize
from jitad_ir.types import ArrayType

from ..array import as_array
from ..errors import at_user_line, hides_internals
from ..pytree import flatten
from ..trace import defers
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
    split_arguments,
    trace_function,
    with_arguments,
)


def grad(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., Any]:
    """The gradient of a scalar function, by reverse mode.

    The result takes `fun`'s arguments and returns the derivative of its scalar result in the
    arguments `argnums`: a pytree like the argument (a tuple of them for several), with arrays of
    the same shapes and dtypes. Its cost is a small constant times that of `fun`.

    With `has_aux`, `fun` returns `(result, aux)` and the gradient function `(gradient, aux)`.
    For a complex argument z = x + iy of a real function the gradient is df/dx - i df/dy; with
    `holomorphic`, `fun` is complex and the result its complex derivative. Integer arguments are an
    error unless `allow_int`, which gives them gradients of dtype float0.

    Raises TypeError if the result is not a real scalar or an argument cannot be differentiated.

    >>> import jitad
    >>> jitad.grad(lambda x: x**3)(2.0)
    Array(12.)
    >>> jitad.grad(lambda p: p["a"] * p["b"])({"a": 2.0, "b": 5.0})
    {'a': Array(5.), 'b': Array(2.)}
    """
    value_and_gradient = value_and_grad(fun, argnums, has_aux, holomorphic, allow_int, "grad")

    @wraps(fun)
    @hides_internals
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, result = value_and_gradient(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return gradient


def value_and_grad(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    transform: str = "value_and_grad",
) -> Callable[..., Any]:
    """Like `grad`, but returns `(value, gradient)`, or `((value, aux), gradient)` with `has_aux`.

    >>> import jitad
    >>> jitad.value_and_grad(lambda x: x**2)(3.0)
    (Array(9.), Array(6.))
    """
    check_callable(fun, transform)

    @wraps(fun)
    @hides_internals
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        positions, chosen = split_arguments(args, argnums, transform)
        leaves, tree = flatten(chosen)
        types = leaf_types(leaves, f"{transform}: argument of {name_of(fun)}")
        differentiated = _check_inputs(types, positions, holomorphic, allow_int, transform)

        def flat(tracers: list[Any]) -> Any:
            inner = with_arguments(args, positions, tree.unflatten(tracers))
            result = fun(*inner, **kwargs)
            if has_aux and not (isinstance(result, tuple) and len(result) == 2):
                raise TypeError(
                    f"{transform}: with has_aux, {name_of(fun)} must return a pair "
                    f"(result, aux); got {type(result).__name__}"
                )
            scalar, aux = result if has_aux else (result, None)
            check_scalar(scalar, name_of(fun), transform, holomorphic)
            return scalar, aux

        traced = trace_function(
            flat, name_of(fun), leaves, concrete=True, types=types, transform=transform, orders=1
        )
        outputs, cts = _gradient(traced, differentiated, holomorphic)
        value, aux = traced.out_tree.unflatten(outputs)
        grads = iter(cts)
        full = [
            next(grads) if moves else np.zeros(t.shape, FLOAT0)
            for moves, t in zip(differentiated, types, strict=True)
        ]
        trees = tree.unflatten(full)
        result = trees[0] if isinstance(argnums, int) else tuple(trees)
        return ((value, aux) if has_aux else value), result

    return value_and_gradient


def _check_inputs(
    types: Sequence[ArrayType],
    positions: Sequence[int],
    holomorphic: bool,
    allow_int: bool,
    transform: str,
) -> tuple[bool, ...]:
    for type in types:
        if holomorphic and type.dtype.kind != "c":
            raise TypeError(
                at_user_line(f"{transform}: with holomorphic, inputs must be complex; got {type!r}")
            )
        if not type.is_inexact and not allow_int:
            raise TypeError(
                at_user_line(
                    f"{transform}: arguments to differentiate ({_numbers(positions)}) must be "
                    f"float or complex; got {type!r}. Write 3.0 for 3, convert with "
                    ".astype(float), choose others by argnums, or pass allow_int=True"
                )
            )
    return tuple([t.is_inexact for t in types])


def _numbers(positions: Sequence[int]) -> str:
    return "argnums " + ", ".join(map(str, positions))


def check_scalar(scalar: Any, name: str, transform: str, holomorphic: bool = False) -> None:
    """Raise TypeError unless the result of function `name` is a real (or complex) scalar."""
    leaves, _ = flatten(scalar)
    if len(leaves) != 1 or leaves[0] is not scalar:
        hint = " Pass has_aux=True if the rest is auxiliary" if isinstance(scalar, tuple) else ""
        raise TypeError(
            at_user_line(
                f"{transform}: {name} must return one scalar; got a {type(scalar).__name__} of "
                f"{len(leaves)} values.{hint}"
            )
        )
    result = leaf_types(leaves, f"{transform}: output of {name}")[0]
    if result.shape != ():
        raise TypeError(
            at_user_line(
                f"{transform}: {name} must return a scalar; got {result!r}. Sum it, or use "
                "jacobian or vjp"
            )
        )
    expected, kind = ("complex", "c") if holomorphic else ("real (float)", "f")
    if result.dtype.kind != kind:
        hint = (
            ""
            if holomorphic or result.dtype.kind != "c"
            else (". Take the real part, or pass holomorphic=True")
        )
        raise TypeError(
            at_user_line(
                f"{transform}: {name} must return a {expected} scalar; got {result!r}{hint}"
            )
        )


def _gradient(
    traced: Traced, differentiated: tuple[bool, ...], holomorphic: bool
) -> tuple[list[Any], list[Any]]:
    """Output leaves of the traced program, and the gradient of output 0 in each differentiated
    input."""
    mask = differentiated + (False,) * len(traced.closed.captures)
    if traced.values is not None and traced.is_at_top:
        program, places = cached(_gradient_at_values, traced.graph, mask)
        values = traced.values
        return [as_array(values[place]) for place in places], program(values)
    outputs = len(traced.graph.outputs)
    if defers():
        wanted = tuple([i == 0 for i in range(outputs)])
        one = traced.graph.outputs[0].dtype.type(1)
        results = ask("pullback", traced.graph, [*traced.operands, one], moving=mask, wanted=wanted)
        return results[:outputs], results[outputs:]
    make = cached if traced.values is not None else _call
    program = make(_gradient_program, traced.graph, mask)
    results = run_graph(program, traced.operands)
    return results[:outputs], results[outputs:]


def _call(make: Callable[..., Any], *args: Any) -> Any:
    return make(*args)


def _first_output(graph: Graph, linear: Linearized) -> Linearized:
    return transposed(select_moving(linear, [i == 0 for i in range(len(graph.outputs))]))


def _seeded(linear: Linearized) -> Graph:
    """With cotangent 1 for output 0, if it moves at all; else its gradients are zeros."""
    return joined(linear, [1.0] if linear.nonzero[0] else [])


def _gradient_program(graph: Graph, mask: tuple[bool, ...]) -> Graph:
    """The inputs to the outputs, then the gradient of output 0 in each input of `mask`."""
    return _seeded(_first_output(graph, linearize(graph, mask)))


def _gradient_at_values(graph: Graph, mask: tuple[bool, ...]) -> tuple[Eager, list[int]]:
    """The gradient alone, from the values of all inputs and equations; and which of those values
    are the outputs."""
    linear = _first_output(graph, linearize_at_values(graph, mask))
    values = [*graph.inputs, *[v for eq in graph.equations for v in eq.outputs]]
    program = Eager(*drop_unused_inputs(optimize(_seeded(linear), FOR_NUMPY)))
    return program, [values.index(v) for v in graph.outputs]
