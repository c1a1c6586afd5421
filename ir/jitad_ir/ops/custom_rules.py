"""Ops that hold programs with a batch rule or a transpose of their own.

    custom_vmap(operands; body, rule): operands -> body(operands)
    linear_call(residuals, linear; forward, backward): (res, x) -> forward(res, x), linear in x

A `rule` gives, for each way in which the operands may be batched, the program that batches the
body. The transpose of a `linear_call` is its `backward`: (res, ct) -> the cotangents of x.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..graph import Graph, Value, current_builder
from ..op import OPS, Joint, WithPrimal, batch_to_front
from ..passes.jvp import instantiated, push
from ..passes.transpose import transpose
from ..types import ArrayType
from .steps import Regions
from .structured import batched_everywhere, call_of_region


class BatchRule(Protocol):
    """How a function is batched. Hashable: equal rules give equal programs."""

    def batched(
        self, size: int, batched: Sequence[bool], types: Sequence[ArrayType]
    ) -> tuple[Graph, Sequence[bool]]:
        """The program over operands of `types`, of which operand i has a leading axis of length
        `size` where `batched[i]`, and which of its outputs have one."""
        ...


def _jvp_custom_vmap(
    tangents: Sequence[Value | None], *operands: Value, regions: Regions, rule: BatchRule
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    """The derivative is that of the body; batched later, it is batched as any program is."""
    return push(current_builder(), regions[0], operands, tangents)


def _transpose_custom_vmap(
    cts: Sequence[Value | None], *operands: Any, regions: Regions, rule: BatchRule
) -> list[Value | None]:
    (body,) = regions
    linear = [not isinstance(v, Value) for v in operands]
    known = [v for v in operands if isinstance(v, Value)]
    given = instantiated(body.outputs, cts)
    results = iter(current_builder().inline(transpose(body, linear), [*known, *given]))
    return [next(results) if is_linear else None for is_linear in linear]


def _batch_custom_vmap(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    regions: Regions,
    rule: BatchRule,
    batch_axis: object = None,
) -> tuple[Value, ...]:
    graph, _ = rule.batched(size, batched, [v.type for v in operands])
    return current_builder().inline(graph, operands)


custom_vmap = call_of_region(
    "custom_vmap",
    "The region applied to the operands; `rule` says how it is batched. See the module.",
    jvp=WithPrimal(_jvp_custom_vmap),
    transpose=Joint(_transpose_custom_vmap),
    batch=_batch_custom_vmap,
)


def _jvp_linear_call(
    tangents: Sequence[Value | None],
    outs: Sequence[Value],
    *operands: Value,
    regions: Regions,
    residuals: int,
) -> list[Value | None]:
    forward, _ = regions
    moved: list[Value | None] = [None] * len(outs)
    if any(t is not None for t in tangents[residuals:]):
        directions = instantiated(operands[residuals:], tangents[residuals:])
        moved = list(
            linear_call(*operands[:residuals], *directions, regions=regions, residuals=residuals)
        )
    if any(t is not None for t in tangents[:residuals]):
        fixed = [*tangents[:residuals], *[None] * (len(operands) - residuals)]
        _, more = push(current_builder(), forward, operands, fixed)
        moved = [
            b if a is None else a if b is None else OPS["add"](a, b)
            for a, b in zip(moved, more, strict=True)
        ]
    return moved


def _transpose_linear_call(
    cts: Sequence[Value | None], *operands: Any, regions: Regions, residuals: int
) -> list[Value | None]:
    forward, backward = regions
    given = instantiated(forward.outputs, cts)
    results = linear_call(
        *operands[:residuals], *given, regions=(backward, forward), residuals=residuals
    )
    return [*[None] * residuals, *results]


def _batch_linear_call(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    regions: Regions,
    residuals: int,
    batch_axis: object = None,
) -> tuple[Value, ...]:
    wide = [
        batched_everywhere(region, size, [True] * len(region.inputs), batch_axis)
        for region in regions
    ]
    given = batch_to_front(size, batched, operands)
    return linear_call(*given, regions=tuple(wide), residuals=residuals)


linear_call = call_of_region(
    "linear_call",
    "A linear program with its transpose, after `residuals` fixed operands; see the module.",
    jvp=Joint(_jvp_linear_call),
    transpose=Joint(_transpose_linear_call),
    batch=_batch_linear_call,
)
