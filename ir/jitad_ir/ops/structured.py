"""What ops that hold programs share: types, batching and pruning of their regions, and the family
of those that stand for a call of one.

Regions are closed Graphs over the operands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..evaluate import evaluate
from ..graph import Builder, Graph, Value, building, current_builder
from ..lowering import Rule
from ..op import NOT_LOWERED, OPS, Joint, Marker, Op, WithPrimal
from ..passes.batch import batch
from ..passes.dce import select_inputs, select_outputs, values_read
from ..types import ArrayType, TypeMismatch
from .steps import Regions


def region_types(name: str, region: Graph, types: Sequence[ArrayType]) -> tuple[ArrayType, ...]:
    """Result types of `region` on operands of `types`; raises TypeMismatch if they do not fit."""
    if region.input_types != tuple(types):
        raise TypeMismatch(
            f"{name}: its region takes {region.input_types}; got operands {tuple(types)}"
        )
    return region.output_types


def batched_everywhere(
    graph: Graph, size: int, batched: Sequence[bool], batch_axis: object
) -> Graph:
    """`graph` over a leading axis that input i has where `batched[i]` and every output has."""
    return batch(graph, size, batched, batch_axis, forced=[True] * len(graph.outputs)).graph


def lane_by_lane(
    op: Op, size: int, batched: Sequence[bool], operands: Sequence[Value], params: dict[str, Any]
) -> tuple[Value, ...]:
    """A batch rule: `op`, whose `params` include its regions, once for each lane, from the first
    to the last."""
    builder = Builder("lane")
    builder.source = current_builder().source
    inputs = [
        builder.input(v.type.with_shape(v.shape[1:]) if has_axis else v.type)
        for v, has_axis in zip(operands, batched, strict=True)
    ]
    with building(builder):
        results = op(*inputs, **params)
    # The operands of a scan are its constants, then what it takes row by row.
    order = sorted(range(len(operands)), key=lambda i: batched[i])
    builder.inputs = [inputs[i] for i in order]
    return OPS["scan"](
        *[operands[i] for i in order],
        regions=(builder.build(results),),
        length=size,
        reverse=False,
        consts=len(operands) - sum(batched),
        carries=0,
        unroll=1,
    )


def pruned_regions(used: Sequence[bool], regions: Regions) -> tuple[Regions, list[bool]]:
    """Regions of the same operands with the outputs i with `used[i]` alone, and which inputs any
    of them reads; the others are gone."""
    narrow = [select_outputs(region, used) for region in regions]
    read = [values_read(region) for region in narrow]
    kept = [
        any(v in values for v, values in zip(column, read, strict=True))
        for column in zip(*[region.inputs for region in narrow], strict=True)
    ]
    return tuple([select_inputs(region, kept) for region in narrow]), kept


def call_of_region(
    name: str,
    doc: str,
    *,
    jvp: WithPrimal | Joint,
    transpose: Joint | Marker,
    batch: Rule,
    infer: Rule | None = None,
    split: Rule | None = None,
    prune: Rule | None = None,
    runs: int | None = 1,
) -> Op:
    """Family of ops that stand for a call of their first region, and say by the others or by their
    params how they want to be differentiated or batched. Once no derivative is asked for any more,
    the inline pass puts the region in their place."""

    def region_of_call(*types: ArrayType, regions: Regions, **_params: Any) -> Any:
        return region_types(name, regions[0], types)

    def call(*arrays: Any, regions: Regions, **_params: Any) -> Any:
        return evaluate(regions[0], *arrays)

    def expand(*operands: Value, regions: Regions, **_params: Any) -> Any:
        return current_builder().inline(regions[0], operands)

    return Op(
        name=name,
        doc=doc,
        infer=infer or region_of_call,
        evaluate=call,
        jvp=jvp,
        transpose=transpose,
        batch=batch,
        lower=NOT_LOWERED,
        samples=(),
        multiple_results=True,
        split=split,
        expand=expand,
        prune=prune,
        runs=runs,
    )
