"""Functions with derivative rules of their own.

    custom_jvp(operands; primal, rule): operands -> primal(operands)
    custom_vjp(operands; primal, forward, backward): operands -> primal(operands)
    transposed_call(residuals, x; region): x -> the transpose, applied to x, of region(residuals, .)

The tangents of a `custom_vjp` are a `transposed_call` of its backward rule, whose transpose is that
rule: it is inlined as it stands, and never transposed twice.

A rule that calls its own function is a program without end. It is written to some depth; the
innermost calls have the function alone as their region, and where they come to light, because a
derivative has put the rule around them in place, they get the rules of the call around them. Who
writes such a call makes sure that it is one of the same program, closed over the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from ..evaluate import evaluate
from ..graph import Builder, Equation, Graph, Value, building, current_builder
from ..op import NONLINEAR, NOT_LOWERED, OPS, Joint, Op, WithPrimal
from ..passes.dce import select_inputs, values_read
from ..passes.jvp import instantiated, push
from ..passes.transpose import transpose
from ..rewrite import rewritten
from ..types import ArrayType, TypeMismatch
from ..verify import InvalidGraph
from .steps import Regions
from .structured import batched_everywhere, call_of_region

T = TypeVar("T")

# custom_jvp: (primal, rule), rule: (operands, tangents) -> (results, tangents)


def _jvp_custom_jvp(
    tangents: Sequence[Value | None], *operands: Value, regions: Regions, arguments: int
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    if len(regions) == 1:
        return push(current_builder(), regions[0], operands, tangents)
    primal, rule = regions
    _require_still(primal, tangents, arguments, "custom_jvp")
    captures = rule.inputs[arguments : len(operands)]
    rule = _with_rules_inside(rule, "custom_jvp", regions, arguments, captures)
    given = _of_inexact(operands[:arguments], tangents)
    directions = instantiated(_of_inexact(operands[:arguments], operands), given)
    results = current_builder().inline(rule, [*operands, *directions])
    # The rule is linear in the directions: what depends on none that moves is zero.
    moves = _depend_on(rule, rule.inputs[len(operands) :], [t is not None for t in given])
    outs = results[: len(primal.outputs)]
    candidates = zip(results, moves, strict=True)
    moving = iter([t if m else None for t, m in candidates][len(primal.outputs) :])
    return outs, [next(moving) if v.type.is_inexact else None for v in outs]


def _with_rules_inside(
    graph: Graph, name: str, rules: Regions, arguments: int, captures: Sequence[Value] = ()
) -> Graph:
    """`graph`, one of the `rules` of a function, whose calls without rules of that function have
    them. Rules of calls inside stay as they are: they are due when those are differentiated.
    `captures` are what stands in `graph` for the inputs of the rules behind the `arguments`."""
    if not _has_calls_without_rules(graph, name):
        return graph
    body, captured = _with_captures_read(rules[0], arguments)
    missing = len(rules[0].inputs) != arguments + len(captures)

    def filled(eq: Equation, operands: tuple[Value, ...]) -> Sequence[Value] | None:
        if eq.op.name == name and len(eq.regions) == 1 and not missing:
            found, own = _with_captures_read(eq.regions[0], eq.params["arguments"])
            if found != body:
                return None  # batched in another way
            given = [*operands[:arguments], *captures]
            for i, place in zip(captured, own, strict=True):
                given[i] = operands[place]
            return custom_ops[name](*given, arguments=arguments, regions=rules)
        if eq.op.name in custom_ops or not eq.regions:
            return None
        regions = tuple([_with_rules_inside(r, name, rules, arguments) for r in eq.regions])
        results = OPS[eq.op.name](*operands, **eq.params, regions=regions)
        return (results,) if isinstance(results, Value) else results

    return rewritten(graph, filled)


def _with_captures_read(graph: Graph, arguments: int) -> tuple[Graph, list[int]]:
    """`graph` with those inputs behind the `arguments` that it reads, and which they are."""
    read = values_read(graph)
    kept = [i < arguments or v in read for i, v in enumerate(graph.inputs)]
    places = [i for i, keep in enumerate(kept) if keep and i >= arguments]
    return select_inputs(graph, kept), places


def _has_calls_without_rules(graph: Graph, name: str) -> bool:
    return any(
        len(eq.regions) == 1
        if eq.op.name == name
        else eq.op.name not in custom_ops
        and any(_has_calls_without_rules(region, name) for region in eq.regions)
        for eq in graph.equations
    )


def _of_inexact(values: Sequence[Value], items: Sequence[T]) -> list[T]:
    """The items that belong to the inexact ones of `values`."""
    return [item for v, item in zip(values, items, strict=False) if v.type.is_inexact]


def _require_still(
    primal: Graph, tangents: Sequence[Value | None], arguments: int, name: str
) -> None:
    """Raises TypeError if the results depend on a captured value that moves. What only the rules
    read may move: it does not move the results, only their derivatives."""
    moves = [k >= arguments and t is not None for k, t in enumerate(tangents)]
    if any(_depend_on(primal, primal.inputs, moves)):
        raise TypeError(
            f"the function {primal.name} with a {name} rule closes over a value that is being "
            "differentiated, for which its rule gives no derivative: pass it as an argument"
        )


def _depend_on(graph: Graph, inputs: Sequence[Value], chosen: Sequence[bool]) -> list[bool]:
    """Which outputs of `graph` depend on any of the `inputs` i with `chosen[i]`."""
    reached = {v for v, c in zip(inputs, chosen, strict=True) if c}
    for eq in graph.equations:
        if not reached.isdisjoint(eq.operands):
            reached.update(eq.outputs)
    return [v in reached for v in graph.outputs]


def _batch_custom_jvp(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    regions: Regions,
    arguments: int,
    batch_axis: object = None,
) -> tuple[Value, ...]:
    if len(regions) == 1:
        wide = batched_everywhere(regions[0], size, batched, batch_axis)
        return custom_jvp(*operands, arguments=arguments, regions=(wide,))
    primal, rule = regions
    moving = _of_inexact(operands[:arguments], batched)
    return custom_jvp(
        *operands,
        arguments=arguments,
        regions=(
            batched_everywhere(primal, size, batched, batch_axis),
            batched_everywhere(rule, size, [*batched, *moving], batch_axis),
        ),
    )


custom_jvp = call_of_region(
    "custom_jvp",
    (
        "Region 0 applied to the operands. Region 1 maps them, and tangents of the first "
        "`arguments` (those that are inexact), to the results and the inexact results' tangents. "
        "Without region 1, a call inside of the rule itself (see the module)."
    ),
    jvp=WithPrimal(_jvp_custom_jvp),
    transpose=NONLINEAR,
    batch=_batch_custom_jvp,
)


# custom_vjp: (primal, forward, backward)


def _jvp_custom_vjp(
    tangents: Sequence[Value | None], *operands: Value, regions: Regions, arguments: int
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    if len(regions) == 1:
        return push(current_builder(), regions[0], operands, tangents)
    primal, forward, backward = regions
    _require_still(primal, tangents, arguments, "custom_vjp")
    captures = forward.inputs[arguments:]
    forward = _with_rules_inside(forward, "custom_vjp", regions, arguments, captures)
    backward = _with_rules_inside(backward, "custom_vjp", regions, arguments)
    given = operands[:arguments]
    directions = instantiated(_of_inexact(given, operands), _of_inexact(given, tangents))
    results = current_builder().inline(forward, operands)
    outs, residuals = results[: len(primal.outputs)], results[len(primal.outputs) :]
    moving = iter(
        transposed_call(*residuals, *directions, regions=(backward,), residuals=len(residuals))
    )
    return outs, [next(moving) if v.type.is_inexact else None for v in outs]


def _batch_custom_vjp(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    regions: Regions,
    arguments: int,
    batch_axis: object = None,
) -> tuple[Value, ...]:
    if len(regions) == 1:
        wide = batched_everywhere(regions[0], size, batched, batch_axis)
        return custom_vjp(*operands, arguments=arguments, regions=(wide,))
    primal, forward, backward = regions
    return custom_vjp(
        *operands,
        arguments=arguments,
        regions=(
            batched_everywhere(primal, size, batched, batch_axis),
            batched_everywhere(forward, size, batched, batch_axis),
            _batched_backward(backward, size, batched, operands[:arguments], batch_axis),
        ),
    )


def _batched_backward(
    backward: Graph,
    size: int,
    batched: Sequence[bool],
    arguments: Sequence[Value],
    batch_axis: object,
) -> Graph:
    """The backward rule over lanes: a cotangent of an argument shared by all lanes is their sum."""
    everywhere = [True] * len(backward.inputs)
    wide = batched_everywhere(backward, size, everywhere, batch_axis)
    builder = Builder(backward.name)
    inputs = [builder.input(t) for t in wide.input_types]
    has_axis = _of_inexact(arguments, batched)
    with building(builder):
        cts = builder.inline(wide, inputs)
        outputs = [
            ct if b else OPS["reduce_sum"](ct, axes=(0,))
            for ct, b in zip(cts, has_axis, strict=True)
        ]
    return builder.build(outputs)


custom_vjp = call_of_region(
    "custom_vjp",
    (
        "Region 0 applied to the operands. Region 1 maps them to the results and residuals; region "
        "2 maps the residuals and the inexact results' cotangents to the cotangents of the first "
        "`arguments` operands (those that are inexact). Without them, a call inside of these rules "
        "(see the module)."
    ),
    jvp=WithPrimal(_jvp_custom_vjp),
    transpose=NONLINEAR,
    batch=_batch_custom_vjp,
)

custom_ops = {"custom_jvp": custom_jvp, "custom_vjp": custom_vjp}


# transposed_call: the map whose transpose is the region


def _transposed_region(region: Graph, residuals: int) -> Graph:
    """The region, a map of cotangents, as a map of tangents."""
    linear = [i >= residuals for i in range(len(region.inputs))]
    try:
        return transpose(region, linear)
    except InvalidGraph as error:
        raise TypeError(
            "forward mode through a function with a custom_vjp rule needs a backward rule that is "
            f"linear in the cotangents; {error}"
        ) from error


def _infer_transposed_call(
    *types: ArrayType, regions: Regions, residuals: int
) -> tuple[ArrayType, ...]:
    (region,) = regions
    expected = (*region.input_types[:residuals], *region.output_types)
    if types != expected:
        raise TypeMismatch(f"transposed_call: expected operands {expected}; got {types}")
    return region.input_types[residuals:]


def _jvp_transposed_call(
    tangents: Sequence[Value | None], *operands: Value, regions: Regions, residuals: int
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    region = _transposed_region(regions[0], residuals)
    return push(current_builder(), region, operands, tangents)


def _transpose_transposed_call(
    cts: Sequence[Value | None], *operands: Any, regions: Regions, residuals: int
) -> list[Value | None]:
    (region,) = regions
    given = instantiated(region.input_types[residuals:], cts)
    results = current_builder().inline(region, [*operands[:residuals], *given])
    return [*[None] * residuals, *results]


def _batch_transposed_call(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    regions: Regions,
    residuals: int,
    batch_axis: object = None,
) -> tuple[Value, ...]:
    region = _transposed_region(regions[0], residuals)
    wide = batched_everywhere(region, size, batched, batch_axis)
    return current_builder().inline(wide, operands)


transposed_call = Op(
    name="transposed_call",
    doc=(
        "The transpose of the region, a linear map of what follows its first `residuals` inputs, "
        "applied to the operands that follow the residuals."
    ),
    infer=_infer_transposed_call,
    evaluate=lambda *arrays, regions, residuals: evaluate(
        _transposed_region(regions[0], residuals), *arrays
    ),
    jvp=WithPrimal(_jvp_transposed_call),
    transpose=Joint(_transpose_transposed_call),
    batch=_batch_transposed_call,
    lower=NOT_LOWERED,
    samples=(),
    multiple_results=True,
    runs=0,
    expand=lambda *operands, regions, residuals: current_builder().inline(
        _transposed_region(regions[0], residuals), operands
    ),
)
