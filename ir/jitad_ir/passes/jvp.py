"""Forward mode.

    jvp : (a -> b)  to  (a, t a -> b, t b)

The program that computes `b` and, by the chain rule, its tangent: the derivative at `a` in the
direction `t a`. Tangents exist for float and complex values only. A tangent that is zero for every
direction is symbolic (None): no rule sees it and no equation is emitted for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..graph import Builder, Equation, Graph, Typed, Value, building
from ..op import OPS, Joint, Marker, PerOperand, WithPrimal
from ..types import ArrayType


@dataclass(frozen=True, slots=True)
class Pushforward:
    """Result of `jvp`. `graph` maps the primal inputs, then the tangents of the differentiated
    inputs, to the primal outputs, then the tangents of those outputs with `nonzero[i]`."""

    graph: Graph
    nonzero: tuple[bool, ...]


def jvp(graph: Graph, differentiated: Sequence[bool], forced: Sequence[bool] = ()) -> Pushforward:
    """Differentiate `graph` in the inputs i with `differentiated[i]`, which must be inexact.
    Output i gets a tangent where `forced[i]` even if that is zero."""
    assert len(differentiated) == len(graph.inputs)
    builder = Builder(f"jvp.{graph.name}")
    primals = [builder.input(v.type) for v in graph.inputs]
    tangents: list[Value | None] = []
    for value, chosen in zip(graph.inputs, differentiated, strict=True):
        assert not chosen or value.type.is_inexact, f"{value.type!r} carries no tangent"
        tangents.append(builder.input(value.type) if chosen else None)
    with building(builder):
        outputs, out_tangents = push(builder, graph, primals, tangents)
        for i, is_forced in enumerate(forced):
            if is_forced and out_tangents[i] is None:
                out_tangents[i] = zeros(outputs[i])
    nonzero = tuple([t is not None for t in out_tangents])
    return Pushforward(
        builder.build([*outputs, *[t for t in out_tangents if t is not None]]), nonzero
    )


def push(
    builder: Builder,
    graph: Graph,
    primals: Sequence[Value],
    tangents: Sequence[Value | None],
) -> tuple[list[Value], list[Value | None]]:
    """Append `graph` and its tangent program to `builder` (the current one): the outputs and
    their tangents."""
    env: dict[Value, Value] = dict(zip(graph.inputs, primals, strict=True))
    moving: dict[Value, Value] = {
        v: t for v, t in zip(graph.inputs, tangents, strict=True) if t is not None
    }
    outer_source = builder.source
    for eq in graph.equations:
        operands = tuple([env[v] for v in eq.operands])
        ts = [moving.get(v) for v in eq.operands]
        builder.source = eq.source
        outs, out_ts = _push_equation(builder, eq, operands, ts)
        for value, out, t in zip(eq.outputs, outs, out_ts, strict=True):
            env[value] = out
            if t is not None and value.type.is_inexact:
                assert t.type == value.type, f"{eq.op.name}: tangent {t.type!r} of {value.type!r}"
                moving[value] = t
    builder.source = outer_source
    return [env[v] for v in graph.outputs], [moving.get(v) for v in graph.outputs]


def _push_equation(
    builder: Builder,
    eq: Equation,
    operands: tuple[Value, ...],
    tangents: Sequence[Value | None],
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    if isinstance(eq.op.jvp, WithPrimal) and any(t is not None for t in tangents):
        return eq.op.jvp.rule(tangents, *operands, **eq.params, **_regions(eq))
    outs = builder.replay(eq, operands)
    return outs, tangents_of(eq, operands, outs, tangents)


def _regions(eq: Equation) -> dict[str, tuple[Graph, ...]]:
    return {"regions": eq.regions} if eq.regions else {}


def tangents_of(
    eq: Equation,
    operands: Sequence[Value],
    outs: Sequence[Value],
    tangents: Sequence[Value | None],
) -> Sequence[Value | None]:
    """Tangents of the results `outs` of `eq` on `operands`, appended to the current builder."""
    rule = eq.op.jvp
    if isinstance(rule, Marker) or all(t is None for t in tangents):
        return [None] * len(outs)
    if isinstance(rule, WithPrimal):
        _require_silence(eq)
        return rule.rule(tangents, *operands, **eq.params, **_regions(eq))[1]
    # What a fold makes of no elements is constant: sqrt(sum(x)) has a tangent of 0, not 0 / 0.
    tangents = [t if t is not None and t.type.size else None for t in tangents]
    if all(t is None for t in tangents):
        return [None] * len(outs)
    if isinstance(rule, Joint):
        return rule.rule(tangents, outs, *operands, **eq.params, **_regions(eq))
    assert isinstance(rule, PerOperand)
    total: Value | None = None
    for per_operand, t in zip(rule.rules, tangents, strict=True):
        if t is None or per_operand is None:
            continue
        term = per_operand(t, outs[0], *operands, **eq.params)
        if term is not None:
            total = term if total is None else OPS["add"](total, term)
    return [total]


def _require_silence(eq: Equation) -> None:
    """Tangents of a loop or a branch run it again, which must not act again."""
    if eq.acts:
        raise TypeError(
            f"{eq.op.name}: its steps read results of io_callback, and its derivative outside of "
            f"jit would call it twice. Differentiate it under jit\n  from {eq.source}"
        )


def zeros(value: Typed | ArrayType) -> Value:
    """The zero tangent or cotangent of `value`, or of a value of that type, spelled out."""
    return OPS["full"](value=0, shape=value.shape, dtype=value.dtype)


def instantiated(
    values: Sequence[Typed | ArrayType], tangents: Sequence[Value | None]
) -> list[Value]:
    """The tangents or cotangents of `values`, with symbolic zeros (None) spelled out."""
    return [zeros(v) if t is None else t for v, t in zip(values, tangents, strict=True)]
