"""Bodies of loops and branches made to fit what their operands are.

    specialize : (a -> b)  to  (a -> b)   with numbers and repeated operands known inside of bodies

A body's input that stands for the same value at every step and is a number everywhere becomes that
number; of inputs that stand for one value the first serves for all; a carry that no step changes is
a constant. What no body reads any more is left to `dce`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..graph import Equation, Graph, Value
from .regions import in_regions


def specialize(graph: Graph) -> Graph:
    """`graph` with every body specialised to its operands, from the outermost to the innermost."""
    made_by = {v: eq for eq in graph.equations if eq.op.name == "full" for v in eq.outputs}
    same: dict[Value, Value] = {}
    kept: list[Equation] = []
    for eq in graph.equations:
        operands = tuple([same.get(v, v) for v in eq.operands])
        if operands != eq.operands:
            eq = Equation(eq.op, operands, eq.params, eq.outputs, eq.regions, eq.source)
        if eq.regions and eq.op.expand is None:
            if eq.op.name == "scan":
                eq = _with_fixed_carry(eq, same)
            regions = _specialized(eq, made_by)
            eq = Equation(eq.op, eq.operands, eq.params, eq.outputs, regions, eq.source)
        kept.append(eq)
    outputs = [same.get(v, v) for v in graph.outputs]
    return in_regions(Graph(graph.inputs, kept, outputs, graph.name), specialize)


def _with_fixed_carry(eq: Equation, same: dict[Value, Value]) -> Equation:
    """A scan whose carries that no step changes are constants; `same` gets what their results
    are."""
    (body,) = eq.regions
    consts, carries = eq.params["consts"], eq.params["carries"]
    end = consts + carries
    fixed = [body.outputs[i] is body.inputs[consts + i] for i in range(carries)]
    if not any(fixed):
        return eq
    same.update(
        {r: v for r, v, f in zip(eq.outputs, eq.operands[consts:end], fixed, strict=False) if f}
    )

    def reordered(items: tuple[Value, ...]) -> list[Value]:
        carry = items[consts:end]
        return [
            *items[:consts],
            *[v for v, f in zip(carry, fixed, strict=True) if f],
            *[v for v, f in zip(carry, fixed, strict=True) if not f],
            *items[end:],
        ]

    moves = [*[not f for f in fixed], *[True] * (len(body.outputs) - carries)]
    results = [v for v, m in zip(body.outputs, moves, strict=True) if m]
    region = Graph(reordered(body.inputs), body.equations, results, body.name)
    params = {**eq.params, "consts": consts + sum(fixed), "carries": carries - sum(fixed)}
    outputs = tuple([v for v, m in zip(eq.outputs, moves, strict=True) if m])
    return Equation(eq.op, tuple(reordered(eq.operands)), params, outputs, (region,), eq.source)


def _shared(eq: Equation) -> Iterator[tuple[int, int]]:
    """Operand i of a loop or branch and input j of its regions, for those that stand for one value
    wherever a region runs."""
    if eq.op.name == "branch":
        yield from [(i + 1, i) for i in range(len(eq.operands) - 1)]
    else:
        yield from [(i, i) for i in range(eq.params["consts"])]


def _rows(eq: Equation) -> Iterator[tuple[int, int]]:
    """As `_shared`, for the arrays whose rows a scan reads."""
    if eq.op.name == "scan":
        first = eq.params["consts"] + eq.params["carries"]
        yield from [(i, i) for i in range(first, len(eq.operands))]


def _specialized(eq: Equation, made_by: dict[Value, Equation]) -> tuple[Graph, ...]:
    numbers: dict[int, Equation] = {}
    repeated: dict[int, int] = {}
    for pairs, fixed in ((_shared(eq), True), (_rows(eq), False)):
        first: dict[Value, int] = {}
        for i, j in pairs:
            value = eq.operands[i]
            if fixed and value in made_by:
                numbers[j] = made_by[value]
            elif first.setdefault(value, j) != j:
                repeated[j] = first[value]
    if not numbers and not repeated:
        return eq.regions
    return tuple([_replaced(region, numbers, repeated) for region in eq.regions])


def _replaced(region: Graph, numbers: dict[int, Equation], repeated: dict[int, int]) -> Graph:
    """`region` with inputs replaced by numbers and by other inputs; it keeps them, unread."""
    env = {region.inputs[j]: region.inputs[i] for j, i in repeated.items()}
    equations: list[Equation] = []
    for j, number in numbers.items():
        value = region.inputs[j]
        env[value] = Value(value.type)
        equations.append(Equation(number.op, (), number.params, (env[value],), (), number.source))
    for eq in region.equations:
        operands = tuple([env.get(v, v) for v in eq.operands])
        equations.append(Equation(eq.op, operands, eq.params, eq.outputs, eq.regions, eq.source))
    outputs = [env.get(v, v) for v in region.outputs]
    return Graph(region.inputs, equations, outputs, region.name)
