"""Taylor mode: derivatives of a high order along a curve.

    taylor : (a -> b)  to  (a, K a -> b, K b)

`K a` are coefficients 1 ... K of power series of the inputs; `K b` those of the outputs. The
coefficients of all equations are in `series.py`; loops and branches are here: a loop over values is
one over their coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..graph import Builder, Equation, Graph, Value, building
from ..op import OPS
from ..types import ArrayType
from .jvp import zeros
from .series import Expansion, Handler, Series, given


@dataclass(frozen=True, slots=True)
class TaylorProgram:
    """Result of `taylor`. `graph` maps the inputs, then the coefficients 1 ... K of each moving
    input, to the outputs, then the coefficients 1 ... K of each output with `nonzero[i]`."""

    graph: Graph
    nonzero: tuple[bool, ...]


def taylor(graph: Graph, moving: Sequence[bool], order: int) -> TaylorProgram:
    """Expand `graph` along power series of the inputs i with `moving[i]`, which must be inexact, up
    to coefficient `order`."""
    builder = Builder(f"taylor.{graph.name}")
    inputs = [builder.input(v.type) for v in graph.inputs]
    series = [
        given([v, *[builder.input(v.type) for _ in range(order)]]) if moves else given([v])
        for v, moves in zip(inputs, moving, strict=True)
    ]
    with building(builder):
        results = Expansion(builder, order, HANDLERS).run_in_order(graph, series)
        nonzero = tuple([_moves(r, order) for r in results])
        outputs = [r.first for r in results]
        for result, flag in zip(results, nonzero, strict=True):
            outputs += _coefficients(result, order)[1:] if flag else []
    return TaylorProgram(builder.build(outputs), nonzero)


def _moves(series: Series, order: int) -> bool:
    return any([series.at(k) is not None for k in range(1, order + 1)])


def _coefficients(series: Series, order: int) -> list[Value]:
    """Coefficients 0 ... order, zeros spelled out."""
    first = series.first
    found = [series.at(k) for k in range(order + 1)]
    return [zeros(first) if value is None else value for value in found]


def _listed(series: Sequence[Series], flags: Sequence[bool], order: int) -> list[Value]:
    """Of each series coefficient 0, and the others where its flag is set."""
    values: list[Value] = []
    for x, flag in zip(series, flags, strict=True):
        values += _coefficients(x, order) if flag else [x.first]
    return values


def _collected(values: Sequence[Value], flags: Sequence[bool], order: int) -> list[Series]:
    """The inverse of `_listed`."""
    found: list[Series] = []
    start = 0
    for flag in flags:
        width = order + 1 if flag else 1
        found.append(given(values[start : start + width]))
        start += width
    return found


def _widened(
    region: Graph, flags: Sequence[bool], wanted: Sequence[bool] | None, order: int
) -> tuple[Graph, list[bool]]:
    """`region` over the coefficients of its inputs with `flags`, giving those of the outputs that
    are `wanted` (None: of no output), and which outputs move."""
    builder = Builder(f"taylor.{region.name}")
    lists = [
        [builder.input(v.type) for _ in range(order + 1 if flag else 1)]
        for v, flag in zip(region.inputs, flags, strict=True)
    ]
    with building(builder):
        results = Expansion(builder, order, HANDLERS).run_in_order(
            region, [given(values) for values in lists]
        )
        moved = [_moves(r, order) for r in results]
        outputs = _listed(results, wanted or [False] * len(results), order)
    return builder.build(outputs), moved


def _grown(
    flags: list[bool], region: Graph, fixed: tuple[list[bool], list[bool]], order: int
) -> list[bool]:
    """Which carries move: those that do at the start, and what they move in turn."""
    before, behind = fixed
    while True:
        _, moved = _widened(region, [*before, *flags, *behind], None, order)
        after = [a or b for a, b in zip(flags, moved, strict=False)]
        if after == flags:
            return flags
        flags = after


def _scan(expansion: Expansion, eq: Equation, operands: Sequence[Series]) -> list[Series]:
    order, (body,) = expansion.order, eq.regions
    consts, carries = eq.params["consts"], eq.params["carries"]
    end = consts + carries
    flags = [x.moves for x in operands]
    fixed = (flags[:consts], flags[end:])
    carry = _grown(flags[consts:end], body, fixed, order)
    whole = [*fixed[0], *carry, *fixed[1]]
    _, moved = _widened(body, whole, None, order)
    results = [*carry, *moved[carries:]]
    region, _ = _widened(body, whole, results, order)

    def width(flags: Sequence[bool]) -> int:
        return sum([order + 1 if flag else 1 for flag in flags])

    params = {**eq.params, "consts": width(fixed[0]), "carries": width(carry)}
    values = OPS["scan"](*_listed(operands, whole, order), regions=(region,), **params)
    return _collected(values, results, order)


def _branch(expansion: Expansion, eq: Equation, operands: Sequence[Series]) -> list[Series]:
    order, (index, *given_series) = expansion.order, operands
    flags = [x.moves for x in given_series]
    moved = [_widened(region, flags, None, order)[1] for region in eq.regions]
    results = [any(column) for column in zip(*moved, strict=True)]
    regions = tuple([_widened(region, flags, results, order)[0] for region in eq.regions])
    values = OPS["branch"](index.first, *_listed(given_series, flags, order), regions=regions)
    return _collected(values, results, order)


def _while_loop(expansion: Expansion, eq: Equation, operands: Sequence[Series]) -> list[Series]:
    order, (cond, *sweeps) = expansion.order, eq.regions
    consts: int = eq.params["consts"]
    carries: tuple[int, ...] = eq.params["carries"]
    flags = [x.moves for x in operands[:consts]]
    tapes: list[bool] = []
    new_regions: list[Graph] = []
    moving: list[bool] = []
    widths: list[int] = []
    start = consts
    for sweep, count in zip(sweeps, carries, strict=True):
        own = [x.moves for x in operands[start : start + count]]
        carry = _grown(own, sweep, (flags, tapes), order)
        _, moved = _widened(sweep, [*flags, *carry, *tapes], None, order)
        written = moved[count:]
        region, _ = _widened(sweep, [*flags, *carry, *tapes], [*carry, *written], order)
        new_regions.append(region)
        widths.append(sum([order + 1 if flag else 1 for flag in carry]))
        tapes = [*tapes, *written]
        moving += carry
        start += count
    first = [*flags, *moving[: carries[0]]]
    condition = _over_coefficients(cond, first, order)
    values = OPS["while_loop"](
        *_listed(operands, [*flags, *moving], order),
        regions=(condition, *new_regions),
        consts=sum([order + 1 if flag else 1 for flag in flags]),
        carries=tuple(widths),
        upwards=eq.params["upwards"],
    )
    return _collected(values, moving, order)


def _over_coefficients(cond: Graph, flags: Sequence[bool], order: int) -> Graph:
    """`cond` over inputs that are followed by their coefficients, which it ignores."""
    inputs: list[Value] = []
    for value, flag in zip(cond.inputs, flags, strict=True):
        type: ArrayType = value.type
        inputs += [value, *[Value(type) for _ in range(order if flag else 0)]]
    return Graph(inputs, cond.equations, cond.outputs, cond.name)


HANDLERS: dict[str, Handler] = {"branch": _branch, "scan": _scan, "while_loop": _while_loop}
