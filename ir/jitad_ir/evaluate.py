"""The reference interpreter: a Graph applied to NumPy arrays, one equation after the other.

It runs eager mode, folds constants and is the oracle that native code is tested against.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from .graph import Equation, Graph, Params, Value
from .half import MOVES, is_half, single, single_params
from .op import Op, as_result
from .types import ARRAY_TYPES, FLOAT16, ArrayType, type_of


def evaluate_op(
    op: Op,
    arrays: Sequence[Any],
    params: Params,
    types: Sequence[ArrayType],
    regions: tuple[Graph, ...] = (),
) -> tuple[Any, ...]:
    """Results of one op, with the given result types; floating-point warnings are the caller's."""
    if regions:
        result = op.evaluate(*arrays, **params, regions=regions)
    elif _rounds(op, types):
        wide = [np.asarray(a, single(a.dtype)) for a in arrays]
        result = op.evaluate(*wide, **single_params(params))
    else:
        result = op.evaluate(*arrays, **params)
    if not op.multiple_results:
        return (as_result(result, types[0]),)
    return tuple([as_result(r, t) for r, t in zip(result, types, strict=True)])


def _rounds(op: Op, types: Sequence[ArrayType]) -> bool:
    """True if the op computes in float32 and its results are rounded to float16."""
    if op.multiple_results:
        return any([is_half(t) for t in types]) and op.name not in MOVES
    return types[0].dtype == FLOAT16 and op.name not in MOVES


def evaluate_equation(eq: Equation, arrays: Sequence[Any]) -> tuple[Any, ...]:
    """Results of one equation on given operands."""
    types = [v.type for v in eq.outputs]
    return evaluate_op(eq.op, arrays, eq.params, types, eq.regions)


class _Watch(threading.local):
    watch: Callable[[Graph, dict[Value, Any]], None] | None = None


_state = _Watch()


@contextmanager
def watching(watch: Callable[[Graph, dict[Value, Any]], None]) -> Generator[None]:
    """Within this context `watch(graph, values)` is called whenever a graph, or a body of a loop or
    a branch, has been evaluated in this thread."""
    before = _state.watch
    _state.watch = watch
    try:
        yield
    finally:
        _state.watch = before


Run: TypeAlias = Callable[[Equation, Sequence[Any]], tuple[Any, ...]]


def evaluate(graph: Graph, *arrays: Any, run: Run = evaluate_equation) -> tuple[Any, ...]:
    """`graph` applied to arrays (or NumPy scalars) of exactly its input types, each equation by
    `run`.

    IEEE 754 exceptions (overflow, 0/0, ...) give inf and nan without NumPy's warnings. Raises
    TypeError if the arrays do not fit the inputs.

    >>> from jitad_ir.text import parse
    >>> evaluate(parse("graph f(a: f64[]) { b: f64[] = mul(a, a) return b }"), np.float64(3))
    (np.float64(9.0),)
    """
    _check_arguments(graph, arrays)
    env: dict[Value, Any] = dict(zip(graph.inputs, arrays, strict=True))
    with np.errstate(all="ignore"):
        for eq in graph.equations:
            results = run(eq, [env[v] for v in eq.operands])
            for value, array in zip(eq.outputs, results, strict=True):
                env[value] = array
    if _state.watch is not None:
        _state.watch(graph, env)
    return tuple([env[v] for v in graph.outputs])


def interpreter(graph: Graph, run: Run = evaluate_equation) -> Callable[..., tuple[Any, ...]]:
    """`graph` as a Python function of arrays, for calling many times: one statement an equation;
    those with regions by `run`.

    It checks nothing and leaves NumPy's floating-point warnings to the caller.
    """
    if _state.watch is not None:
        return partial(evaluate, graph, run=run)
    names: dict[Value, str] = {v: f"v{i}" for i, v in enumerate(graph.inputs)}
    scope: dict[str, Any] = {"as_result": as_result}
    lines = [f"def run({', '.join(names.values())}):"]
    for number, eq in enumerate(graph.equations):
        if not eq.outputs and not eq.acts:
            continue
        operands = ", ".join([names[v] for v in eq.operands])
        for value in eq.outputs:
            names[value] = f"v{len(names)}"
        results = ", ".join([names[v] for v in eq.outputs])
        if not eq.operands and not eq.acts:
            scope.update(zip([names[v] for v in eq.outputs], run(eq, ()), strict=True))
            continue
        if eq.op.multiple_results or eq.regions or is_half(eq.outputs[0].type):
            scope[f"op{number}"] = partial(_results, run, eq)
            bound = f"{results}, = " if results else ""
            lines.append(f"    {bound}op{number}({operands})")
        else:
            scope[f"op{number}"] = partial(eq.op.evaluate, **eq.params)
            scope[f"type{number}"] = eq.outputs[0].type
            lines.append(f"    {results} = as_result(op{number}({operands}), type{number})")
    outputs = "".join([names[v] + ", " for v in graph.outputs])
    lines.append(f"    return ({outputs})")
    exec(compile("\n".join(lines), f"<jitad {graph.name}>", "exec"), scope)
    return scope["run"]


def _results(run: Run, eq: Equation, *arrays: Any) -> tuple[Any, ...]:
    return run(eq, arrays)


def _check_arguments(graph: Graph, arrays: Sequence[Any]) -> None:
    if len(arrays) != len(graph.inputs):
        raise TypeError(
            f"graph {graph.name}: expected {len(graph.inputs)} arrays; got {len(arrays)}"
        )
    for position, (value, array) in enumerate(zip(graph.inputs, arrays, strict=True)):
        if not isinstance(array, ARRAY_TYPES):
            raise TypeError(
                f"graph {graph.name}: input {position} must be a NumPy array or scalar; "
                f"got {type(array).__name__}"
            )
        if array.dtype != value.dtype or array.shape != value.shape:
            raise TypeError(
                f"graph {graph.name}: input {position} must be {value.type!r}; "
                f"got {type_of(array)!r}"
            )
