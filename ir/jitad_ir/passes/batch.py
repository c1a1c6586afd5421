"""Batching: one program over a leading axis.

    batch : (a -> b)  to  (n a -> n b)

`n a` is `a` with a leading axis of length n. Inputs may be left as they are (the same for every
lane); what depends on no batched input is computed once. The axis has a name that collective ops
(`psum`, `axis_index`, ...: those with a param `axis_name`) refer to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..graph import Builder, Equation, Graph, Value, building
from ..op import in_every_lane


@dataclass(frozen=True, slots=True)
class Batched:
    """Result of `batch`: output i of `graph` has the leading axis where `batched[i]`."""

    graph: Graph
    batched: tuple[bool, ...]


def batch(
    graph: Graph,
    size: int,
    batched: Sequence[bool],
    axis_name: object = None,
    forced: Sequence[bool] = (),
) -> Batched:
    """Batch `graph` over a leading axis of length `size` that input i has where `batched[i]`.
    Output i gets the axis where `forced[i]` even if it is the same in every lane."""
    assert len(batched) == len(graph.inputs)
    builder = Builder(f"batch.{graph.name}")
    inputs = [
        builder.input(v.type.with_shape((size, *v.shape)) if has_axis else v.type)
        for v, has_axis in zip(graph.inputs, batched, strict=True)
    ]
    with building(builder):
        outputs, out_batched = spread_out(builder, graph, size, inputs, batched, axis_name)
        for i, is_forced in enumerate(forced):
            if is_forced and not out_batched[i]:
                outputs[i], out_batched[i] = in_every_lane(outputs[i], size), True
    return Batched(builder.build(outputs), tuple(out_batched))


def spread_out(
    builder: Builder,
    graph: Graph,
    size: int,
    inputs: Sequence[Value],
    batched: Sequence[bool],
    axis_name: object = None,
) -> tuple[list[Value], list[bool]]:
    """Append the batched `graph` to `builder` (the current one): its outputs, and which of them
    have the leading axis."""
    env: dict[Value, Value] = dict(zip(graph.inputs, inputs, strict=True))
    lanes = {v for v, has_axis in zip(graph.inputs, batched, strict=True) if has_axis}
    outer_source = builder.source
    for eq in graph.equations:
        builder.source = eq.source
        operands = tuple([env[v] for v in eq.operands])
        has_axis = [v in lanes for v in eq.operands]
        if any(has_axis) or (axis_name is not None and uses_axis(eq, axis_name)):
            outs = _batch_equation(eq, size, has_axis, operands, axis_name)
        else:
            outs = builder.replay(eq, operands)
        for value, out in zip(eq.outputs, outs, strict=True):
            env[value] = out
            if out.shape != value.shape:
                assert out.shape == (size, *value.shape), (
                    f"{eq.op.name}: batched {out.type!r} of {value.type!r}"
                )
                lanes.add(value)
    builder.source = outer_source
    return [env[v] for v in graph.outputs], [v in lanes for v in graph.outputs]


def _batch_equation(
    eq: Equation,
    size: int,
    has_axis: Sequence[bool],
    operands: tuple[Value, ...],
    axis_name: object,
) -> tuple[Value, ...]:
    extra: dict[str, object] = {"regions": eq.regions} if eq.regions else {}
    if "axis_name" in eq.params or eq.regions:
        extra["batch_axis"] = axis_name
    outs = eq.op.batch(size, tuple(has_axis), *operands, **eq.params, **extra)
    return outs if eq.op.multiple_results else (outs,)


def uses_axis(eq: Equation, axis_name: object) -> bool:
    """True if `eq`, or an equation in its regions, is a collective over `axis_name`."""
    return eq.params.get("axis_name") == axis_name or any(
        uses_axis(inner, axis_name) for region in eq.regions for inner in region.equations
    )
