"""debug_nans and debug_infs: where a nan or an infinity came from.

A program is evaluated again, with the values of all its equations, and followed back from a result
that is not finite to the first equation whose operands are. If that is a loop or a branch, it is
evaluated once more, and the first of its bodies that makes such a value from others is followed
back in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import numpy as np

from jitad_ir.evaluate import evaluate, evaluate_equation, watching
from jitad_ir.graph import Equation, Graph, Source, Value
from jitad_ir.passes.effects import silenced

from .errors import NonFiniteError, source_text
from .settings import config


def found_in(array: Any) -> str | None:
    """ "nan" or "infinity", if the array has one and it is looked for."""
    kind = getattr(getattr(array, "dtype", None), "kind", "")
    if kind not in ("f", "c"):
        return None
    if config.debug_nans and np.isnan(array).any():
        return "nan"
    if config.debug_infs and np.isinf(array).any():
        return "infinity"
    return None


def any_in(arrays: Iterable[Any]) -> bool:
    """Whether one of the arrays has a value that is looked for."""
    return any([found_in(array) is not None for array in arrays])


def check_graph(graph: Graph, arrays: Sequence[Any], results: Iterable[Any]) -> None:
    """Raise NonFiniteError that names the equation, if `results` of `graph` on `arrays` have a
    value that is looked for."""
    if not any_in(results):
        return
    graph = silenced(graph)
    values: dict[Value, Any] = {}

    def keep(inner: Graph, env: dict[Value, Any]) -> None:
        if inner is graph:
            values.update(env)

    inputs = [np.asarray(a, v.dtype) for a, v in zip(arrays, graph.inputs, strict=True)]
    with watching(keep):
        evaluate(graph, *inputs)
    _follow(graph, values)
    raise NonFiniteError(
        f"nan or infinity in a result of {graph.name}, compiled. Evaluated operation by operation "
        "its results are finite: it is at the limit of what its dtypes hold"
    )


def check_equation(eq: Equation, arrays: Sequence[Any], results: Iterable[Any]) -> None:
    """Raise NonFiniteError if the results of `eq` on `arrays` have a value that is looked for."""
    if any_in(results):
        _descend(eq, arrays, list(results))


def _follow(graph: Graph, values: dict[Value, Any]) -> None:
    """Blame the equation that the first result not finite comes from; return if all are."""
    producers = {v: eq for eq in graph.equations for v in eq.outputs}
    bad = next((v for v in graph.outputs if found_in(values[v])), None)
    if bad is None:
        return
    while bad in producers:
        eq = producers[bad]
        earlier = next((v for v in eq.operands if found_in(values[v])), None)
        if earlier is None:
            _descend(eq, [values[v] for v in eq.operands], [values[v] for v in eq.outputs])
        bad = earlier
        if bad is None:
            return
    number = graph.inputs.index(bad)
    raise NonFiniteError(f"{found_in(values[bad])} in input {number} of {graph.name}")


def _descend(eq: Equation, arrays: Sequence[Any], results: Sequence[Any]) -> NoReturn:
    """Blame `eq`, or what in its bodies made the value."""
    if eq.regions:

        def watch(body: Graph, env: dict[Value, Any]) -> None:
            if any_in([env[v] for v in body.outputs]) and not any_in([env[v] for v in body.inputs]):
                _follow(body, env)

        with watching(watch):
            evaluate_equation(eq, arrays)
    _blame(eq.op.name, arrays, results, eq.source)


def _blame(
    name: str, arrays: Sequence[Any], results: Sequence[Any], source: Source | None
) -> NoReturn:
    kind, result = next((k, r) for r in results if (k := found_in(r)) is not None)
    text = f"{kind} in the result of {name}{_operands(kind, arrays, np.asarray(result))}"
    raise NonFiniteError(text if source is None else f"{text}\n{source_text(source)}")


def _operands(kind: str, arrays: Sequence[Any], result: Any) -> str:
    """ " of 1.0 and 0.0 at (2,)": the operands' elements where the result has the value."""
    if not arrays:
        return ""
    shapes = {np.shape(a) for a in arrays}
    if shapes != {result.shape}:
        return f" of arrays of shapes {', '.join([str(np.shape(a)) for a in arrays])}"
    wrong = np.isnan(result) if kind == "nan" else np.isinf(result)
    index = tuple([int(i) for i in np.argwhere(wrong)[0]])
    elements = " and ".join([str(np.asarray(a)[index]) for a in arrays])
    return f" of {elements}" + (f" at {index}" if index else "")
