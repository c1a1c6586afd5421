"""custom_gradient and linear_call: derivatives given by closures."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from jitad_ir.op import OPS

from ..errors import at_user_line, hides_internals
from ..pytree import flatten
from ..trace import apply
from .custom_vjp import custom_vjp
from .function import as_operands, check_callable, leaf_types, name_of, trace_function
from .inspection import closure_convert
from .rules import Captures, bound_arguments, check_same, region_of


def custom_gradient(fun: Callable[..., Any]) -> Callable[..., Any]:
    """A function with its own gradient: `fun(*args)` returns `(result, vjp)`, where `vjp` maps the
    result's cotangent to a tuple of cotangents of the arguments (or the one, of one argument).

    >>> import jitad
    >>> @jitad.custom_gradient
    ... def f(x):
    ...     return x**2, lambda ct: (10.0 * ct * x,)
    >>> jitad.value_and_grad(f)(3.0)
    (Array(9.), Array(30.))
    """
    check_callable(fun, "custom_gradient")

    def pair_of(args: tuple[Any, ...]) -> tuple[Any, Callable[..., Any]]:
        pair = fun(*args)
        if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
            raise TypeError(
                at_user_line(
                    f"custom_gradient: {name_of(fun)} must return a pair (result, vjp); got "
                    f"{pair!r}"
                )
            )
        return pair

    @wraps(fun)
    @hides_internals
    def with_gradient(*args: Any, **kwargs: Any) -> Any:
        args = bound_arguments(fun, args, kwargs)
        converted: list[Callable[..., Any]] = []

        def forward(*inner: Any) -> Any:
            result, rule = pair_of(inner)
            pure, residuals = closure_convert(rule, result)
            converted.append(pure)
            return result, residuals

        def backward(residuals: Any, ct: Any) -> Any:
            rows = converted[-1](ct, *residuals)
            return rows if isinstance(rows, (tuple, list)) else (rows,)

        primal = custom_vjp(lambda *inner: pair_of(inner)[0])
        primal.fun.__name__ = name_of(fun)
        primal.defvjp(forward, backward)
        return primal(*args)

    return with_gradient


@hides_internals
def linear_call(
    fun: Callable[[Any, Any], Any],
    fun_transpose: Callable[[Any, Any], Any],
    residual_args: Any,
    linear_args: Any,
) -> Any:
    """`fun(residual_args, linear_args)`, linear in its second argument, with its transpose
    `fun_transpose(residual_args, cotangent)`, which gives cotangents of `linear_args`.

    Derivatives in `linear_args` are taken of neither function: the tangent of a linear function is
    the function, and reverse mode applies its transpose. Derivatives in `residual_args` are those
    of `fun`. Raises TypeError if the transpose gives other shapes or dtypes than `linear_args`.

    >>> import jitad
    >>> def scaled(x, scale):
    ...     return jitad.custom_derivatives.linear_call(
    ...         lambda s, y: y / s, lambda s, ct: ct / s, scale, x)
    >>> jitad.grad(scaled)(1.0, 4.0)
    Array(0.25)
    """
    check_callable(fun, "linear_call")
    check_callable(fun_transpose, "linear_call")
    residuals, residual_tree = flatten(residual_args)
    linear, linear_tree = flatten(linear_args)
    count = len(residuals)
    linear_types = leaf_types(linear, "linear_call: linear argument")
    forward = trace_function(
        lambda ts: fun(residual_tree.unflatten(ts[:count]), linear_tree.unflatten(ts[count:])),
        name_of(fun),
        [*residuals, *linear],
        concrete=True,
        transform="linear_call",
        mutes=True,
        defers=False,
    )

    def transposed(ts: list[Any]) -> Any:
        cts = forward.out_tree.unflatten(ts[count:])
        result = fun_transpose(residual_tree.unflatten(ts[:count]), cts)
        leaves, tree = flatten(result)
        what = f"linear_call: result of {name_of(fun_transpose)}"
        check_same(tree, leaf_types(leaves, what), linear_tree, linear_types, what)
        return leaves

    out_types = forward.graph.output_types
    backward = trace_function(
        transposed,
        name_of(fun_transpose),
        [*residuals, *[t.dtype.type(0) for t in out_types]],
        concrete=False,
        types=[*forward.graph.input_types[:count], *out_types],
        transform="linear_call",
        defers=False,
    )
    captures = Captures()
    captures.take(forward.closed)
    captures.take(backward.closed)
    regions = (
        region_of(forward.closed, count, captures),
        region_of(backward.closed, count, captures),
    )
    results = apply(
        OPS["linear_call"],
        *as_operands(residuals, forward.graph.input_types[:count]),
        *captures.operands,
        *as_operands(linear, linear_types),
        residuals=count + len(captures.operands),
        regions=regions,
    )
    return forward.out_tree.unflatten(results)
