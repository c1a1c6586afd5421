"""Derivative programs composed of jvp, split and transpose.

    linearize : (a -> b)  to  (a -> b, res)  and  (res, t a -o t b)
    vjp       : (a -> b)  to  (a -> b, res)  and  (res, ct b -o ct a)

`pushforward` and `pullback` are the same in one piece: (a, t a -> b, t b) and (a, ct b -> b, ct a).

The `_at_values` forms serve where the values of every equation are at hand, as they are outside
of `jit`: their first program takes those values and computes residuals only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..graph import Builder, Graph, Value, building
from ..op import OPS
from .dce import dce, select_outputs
from .jvp import instantiated, jvp, tangents_of
from .split import Split, split
from .transpose import transpose


@dataclass(frozen=True, slots=True)
class Linearized:
    """`known` maps the inputs to the outputs and the residuals; `rest` maps the residuals and the
    tangents (or, in a vjp, cotangents) to those of the other side. Output i of the primal program
    moves where `nonzero[i]`; the others have no tangent (or take no cotangent)."""

    known: Graph
    rest: Graph
    nonzero: tuple[bool, ...]
    residuals: int


def linearize(graph: Graph, differentiated: Sequence[bool]) -> Linearized:
    """The program and its derivative as a linear program, in the inputs i with
    `differentiated[i]`."""
    forward = jvp(dce(graph), differentiated)
    tangents = len(forward.graph.inputs) - len(graph.inputs)
    parts = split(forward.graph, [True] * len(graph.inputs) + [False] * tangents)
    return _linear(parts, len(graph.outputs), forward.nonzero)


def _linear(parts: Split, primal_outputs: int, nonzero: tuple[bool, ...]) -> Linearized:
    """The two parts, after checking that outputs fell on the side they belong to."""
    assert all(parts.is_known[:primal_outputs]), "a primal output depends on a tangent"
    assert not any(parts.is_known[primal_outputs:]), "a tangent does not depend on any tangent"
    return Linearized(parts.known, dce(parts.rest), nonzero, parts.residuals)


def vjp(graph: Graph, differentiated: Sequence[bool]) -> Linearized:
    """The program and the transpose of its derivative: cotangents of the outputs that move to
    cotangents of the differentiated inputs."""
    return transposed(linearize(graph, differentiated))


def transposed(linear: Linearized) -> Linearized:
    """`linear` with its `rest` mapping cotangents to cotangents."""
    fixed = linear.residuals
    is_linear = [False] * fixed + [True] * (len(linear.rest.inputs) - fixed)
    return Linearized(linear.known, dce(transpose(linear.rest, is_linear)), linear.nonzero, fixed)


def linearize_at_values(graph: Graph, differentiated: Sequence[bool]) -> Linearized:
    """Like `linearize`, but `known` takes the values of all inputs and of all results of
    equations, in order, and returns the residuals alone."""
    builder = Builder(f"tangents.{graph.name}")
    env: dict[Value, Value] = {v: builder.input(v.type) for v in graph.inputs}
    for eq in graph.equations:
        env.update({v: builder.input(v.type) for v in eq.outputs})
    values = len(builder.inputs)
    moving: dict[Value, Value] = {
        v: builder.input(v.type)
        for v, chosen in zip(graph.inputs, differentiated, strict=True)
        if chosen
    }
    with building(builder):
        for eq in graph.equations:
            builder.source = eq.source
            operands = [env[v] for v in eq.operands]
            ts = [moving.get(v) for v in eq.operands]
            outs = [env[v] for v in eq.outputs]
            for value, t in zip(eq.outputs, tangents_of(eq, operands, outs, ts), strict=True):
                if t is not None and value.type.is_inexact:
                    moving[value] = t
    out_ts = [moving.get(v) for v in graph.outputs]
    tangents = builder.build([t for t in out_ts if t is not None])
    unknown = len(builder.inputs) - values
    parts = split(tangents, [True] * values + [False] * unknown)
    return _linear(parts, 0, tuple([t is not None for t in out_ts]))


def vjp_at_values(graph: Graph, differentiated: Sequence[bool]) -> Linearized:
    """Like `vjp`, but `known` takes the values of all inputs and of all results of equations, in
    order, and returns the residuals alone."""
    return transposed(linearize_at_values(graph, differentiated))


def select_moving(linear: Linearized, wanted: Sequence[bool]) -> Linearized:
    """`linear` with the tangents of the outputs i with `wanted[i]` alone."""
    keep = [w for w, moves in zip(wanted, linear.nonzero, strict=True) if moves]
    nonzero = tuple([w and moves for w, moves in zip(wanted, linear.nonzero, strict=True)])
    rest = select_outputs(linear.rest, keep)
    return Linearized(linear.known, rest, nonzero, linear.residuals)


def joined(linear: Linearized, seeds: Sequence[complex] | None = None) -> Graph:
    """Both programs as one: the inputs, then what `rest` takes after the residuals, to the primal
    outputs, then what `rest` gives. With `seeds`, numbers that fill what `rest` takes, those are
    no inputs (a gradient is the vjp with the seed 1)."""
    builder = Builder(linear.known.name.removeprefix("known."))
    inputs = [builder.input(v.type) for v in linear.known.inputs]
    given = linear.rest.inputs[linear.residuals :]
    with building(builder):
        results = builder.inline(linear.known, inputs)
        primals = len(results) - linear.residuals
        if seeds is None:
            directions = [builder.input(v.type) for v in given]
        else:
            directions = [
                OPS["full"](value=seed, shape=v.shape, dtype=v.dtype)
                for v, seed in zip(given, seeds, strict=True)
            ]
        rest = builder.inline(linear.rest, [*results[primals:], *directions])
    return builder.build([*results[:primals], *rest])


def pushforward(graph: Graph, moving: Sequence[bool], wanted: Sequence[bool]) -> Graph:
    """The inputs, then the tangents of those that are `moving`, to the outputs, then the tangents
    of those that are `wanted` (and inexact), zeros spelled out."""
    linear = select_moving(linearize(graph, moving), wanted)
    both = joined(linear)
    builder = Builder(both.name)
    inputs = [builder.input(v.type) for v in both.inputs]
    with building(builder):
        results = builder.inline(both, inputs)
        tangents = iter(results[len(graph.outputs) :])
        found = [next(tangents) if moves else None for moves in linear.nonzero]
        asked = [(v, t) for v, t, w in zip(graph.outputs, found, wanted, strict=True) if w]
        whole = instantiated([v for v, _ in asked], [t for _, t in asked])
    return builder.build([*results[: len(graph.outputs)], *whole])


def pullback(graph: Graph, moving: Sequence[bool], wanted: Sequence[bool]) -> Graph:
    """The inputs, then cotangents of the outputs that are `wanted` (and inexact), to the outputs,
    then the cotangents of the inputs that are `moving`."""
    linear = transposed(select_moving(linearize(graph, moving), wanted))
    both = joined(linear)
    builder = Builder(both.name)
    inputs = [builder.input(v.type) for v in graph.inputs]
    for value, is_wanted, moves in zip(graph.outputs, wanted, linear.nonzero, strict=True):
        if is_wanted:
            cotangent = builder.input(value.type)
            if moves:
                inputs.append(cotangent)
    return builder.build(builder.inline(both, inputs))
