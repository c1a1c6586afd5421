"""What reverse mode keeps of a function, told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitad_ir.passes.dce import values_read
from jitad_ir.passes.linearize import linearize

from ..errors import hides_internals
from ..primitives import primitive_of
from ..pytree import flatten, flatten_with_path, keystr
from .function import check_callable, leaf_types, name_of, trace_function


@hides_internals
def saved_residuals(f: Callable[..., Any], *args: Any, **kwargs: Any) -> list[tuple[Any, str]]:
    """The values that reverse mode keeps from the computation of `f(*args, **kwargs)` until its
    derivative: their types, and where they come from.

    >>> import jitad, jitad.numpy as jnp
    >>> from jitad.ad_checkpoint import saved_residuals
    >>> [str(t) for t, _ in saved_residuals(lambda x: jnp.sin(jnp.cos(x)), 1.0)]
    ['f64[]', 'f64[]']
    """
    check_callable(f, "saved_residuals")
    leaves, tree = flatten((args, kwargs))

    def flat(tracers: list[Any]) -> Any:
        inner, keywords = tree.unflatten(tracers)
        return f(*inner, **keywords)

    types = leaf_types(leaves, f"argument of {name_of(f)}")
    traced = trace_function(flat, name_of(f), leaves, concrete=False, types=types, transform="vjp")
    moves = [v.type.is_inexact for v in traced.graph.inputs]
    linear = linearize(traced.graph, moves)
    known, rest = linear.known, linear.rest
    paths = [keystr(path[1:]) for path, _ in flatten_with_path((args, kwargs))[0]]
    origins = {
        value: f"from the argument at {path}" if path else "from the argument"
        for value, path in zip(known.inputs, paths, strict=False)
    }
    for eq in known.equations:
        where = f" from {eq.source}" if eq.source else ""
        origins |= dict.fromkeys(eq.outputs, f"output of {primitive_of(eq.op.name)}{where}")
    read = values_read(rest)
    kept = zip(known.outputs[len(traced.graph.outputs) :], rest.inputs, strict=False)
    values = dict.fromkeys([value for value, stand_in in kept if stand_in in read])
    return [(value.type, origins.get(value, "from a closure")) for value in values]


def print_saved_residuals(f: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Print `saved_residuals(f, *args, **kwargs)`, a line each.

    >>> import jitad, jitad.numpy as jnp
    >>> from jitad.ad_checkpoint import print_saved_residuals
    >>> print_saved_residuals(lambda x: x * x, 3.0)
    f64[] from the argument at [0]
    """
    for type, origin in saved_residuals(f, *args, **kwargs):
        print(type, origin)
