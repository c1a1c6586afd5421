"""Ops that hold programs with a batch rule or a transpose of their own.

    custom_vmap(operands; body, rule): operands -> body(operands)
    linear_call(residuals, linear; forward, backward): (res, x) -> forward(res, x), linear in x

A `rule` gives, for each way in which the operands may be batched, the program that batches the
body; derivatives of the function have rules that are derivatives of it (`batch_rules.py`). The
transpose of a `linear_call` is its `backward`: (res, ct) -> the cotangents of x.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph import Value, current_builder
from ..op import OPS, Joint, WithPrimal, batch_to_front
from ..passes.jvp import instantiated, jvp, push
from ..passes.split import split
from ..passes.transpose import transpose
from .batch_rules import BatchRule, CotangentRule, PartRule, TangentRule, part_of
from .steps import Regions
from .structured import batched_everywhere, call_of_region


def _jvp_custom_vmap(
    tangents: Sequence[Value | None], *operands: Value, regions: Regions, rule: BatchRule
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    """The jvp of the body, whose batch rule is the jvp of the rule. A body with effects is
    differentiated as it is written, so that they happen once."""
    (body,) = regions
    if body.acts:
        return push(current_builder(), body, operands, tangents)
    moves = tuple([t is not None for t in tangents])
    forward = jvp(body, moves)
    tangent_rule = TangentRule(rule, forward.graph, moves, forward.nonzero)
    moving = [t for t in tangents if t is not None]
    results = custom_vmap(*operands, *moving, regions=(forward.graph,), rule=tangent_rule)
    count = len(body.outputs)
    rest = iter(results[count:])
    return results[:count], [next(rest) if nonzero else None for nonzero in forward.nonzero]


def _split_custom_vmap(
    unknown: Sequence[bool], *operands: Any, regions: Regions, rule: BatchRule
) -> Any:
    """What is known is a function with the rule's part for it; the rest computes anew what it
    needs of the known operands, which is merged with the first where it was not batched apart."""
    (body,) = regions
    known = [not u for u in unknown]
    is_known = split(body, known).is_known
    first = tuple([i for i, k in enumerate(known) if k])
    order = (*first, *[i for i, k in enumerate(known) if not k])
    remaining = tuple([not k for k in is_known])

    def part(places: tuple[int, ...], wanted: tuple[bool, ...], given: Sequence[Value]) -> Any:
        region = part_of(body, places, wanted)
        return custom_vmap(
            *given, regions=(region,), rule=PartRule(rule, places, body.input_types, wanted)
        )

    held = [operands[i] for i in first]
    values = iter(part(first, is_known, held) if any(is_known) else ())
    results = [next(values) if k else None for k in is_known]
    return results, held, lambda residuals, others: part(order, remaining, [*residuals, *others])


def _transpose_custom_vmap(
    cts: Sequence[Value | None], *operands: Any, regions: Regions, rule: BatchRule
) -> list[Value | None]:
    (body,) = regions
    linear = tuple([not isinstance(v, Value) for v in operands])
    known = [v for v in operands if isinstance(v, Value)]
    given = instantiated(body.outputs, cts)
    backward = transpose(body, linear)
    results = iter(
        custom_vmap(*known, *given, regions=(backward,), rule=CotangentRule(rule, backward, linear))
    )
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
    split=_split_custom_vmap,
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
