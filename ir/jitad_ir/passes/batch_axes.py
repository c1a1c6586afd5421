"""Batching with the batch axis anywhere.

batch_between : (a -> b)  to  (n a -> n b)   with the axis at `axes` of the inputs, at `ends` of b
"""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Builder, Graph, Value, building
from ..op import OPS, in_every_lane
from ..types import ArrayType
from .batch import batch


class Differs(ValueError):
    """An output that is to be the same in all lanes differs between them."""


def batch_between(
    graph: Graph,
    length: int,
    axes: Sequence[int | None],
    ends: Sequence[int | None],
    axis_name: object = None,
) -> Graph:
    """`graph` over a batch of length `length`, which input i has at `axes[i]` and output i gets at
    `ends[i]`; None for what is the same in all lanes. Raises Differs for an output that is not."""
    if length == 0 and None not in ends:
        return _nothing(graph, axes, ends)
    wide = batch(graph, length, [a is not None for a in axes], axis_name)
    builder = Builder(graph.name)
    inputs: list[Value] = []
    outputs: list[Value] = []
    with building(builder):
        for type, axis in zip(graph.input_types, axes, strict=True):
            value = builder.input(with_batch(type, length, axis))
            inputs.append(value if axis is None else _moved(value, axis, 0))
        results = builder.inline(wide.graph, inputs)
        for value, has_axis, end in zip(results, wide.batched, ends, strict=True):
            if end is not None:
                value = _moved(value if has_axis else in_every_lane(value, length), 0, end)
            elif has_axis:
                raise Differs
            outputs.append(value)
    return builder.build(outputs)


def _nothing(graph: Graph, axes: Sequence[int | None], ends: Sequence[int | None]) -> Graph:
    """The program of a batch of no examples, whose results have no elements."""
    builder = Builder(graph.name)
    with building(builder):
        for type, axis in zip(graph.input_types, axes, strict=True):
            builder.input(with_batch(type, 0, axis))
        outputs: list[Value] = []
        for type, end in zip(graph.output_types, ends, strict=True):
            whole = with_batch(type, 0, end)
            outputs.append(OPS["full"](value=0, shape=whole.shape, dtype=whole.dtype))
    return builder.build(outputs)


def with_batch(type: ArrayType, length: int, axis: int | None) -> ArrayType:
    """`type` with another axis, of length `length`, before that one; itself if it is None."""
    if axis is None:
        return type
    return type.with_shape((*type.shape[:axis], length, *type.shape[axis:]))


def _moved(value: Value, source: int, destination: int) -> Value:
    """`value` with one axis moved."""
    if source == destination:
        return value
    order = [d for d in range(value.ndim) if d != source]
    order.insert(destination, source)
    return OPS["transpose"](value, permutation=tuple(order))
