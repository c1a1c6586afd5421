"""Ops on float16 written as conversions around ops on float32 (see `half`).

widen : (a -> b)  to  (a -> b)   in which ops on float16 move or convert elements only
"""

from __future__ import annotations

from ..graph import Builder, Equation, Graph, Value, building
from ..half import MOVES, has_half, is_half, single_params
from ..op import OPS
from ..types import DTYPES, FLOAT16, FLOAT32


def widen(graph: Graph) -> Graph:
    """`graph` itself if there is no float16 in it."""
    return _widened(graph) if has_half(graph) else graph


def _widened(graph: Graph) -> Graph:
    builder = Builder(graph.name)
    builder.inputs = list(graph.inputs)
    env: dict[Value, Value] = {v: v for v in graph.inputs}
    wide: dict[Value, Value] = {}
    """Values of float16 in float32, after rounding."""
    with building(builder):
        for eq in graph.equations:
            builder.source = eq.source
            operands = tuple([env[v] for v in eq.operands])
            outputs = _computed(builder, eq, operands, wide)
            env.update(zip(eq.outputs, outputs, strict=True))
    return builder.build([env[v] for v in graph.outputs])


def _computed(
    builder: Builder, eq: Equation, operands: tuple[Value, ...], wide: dict[Value, Value]
) -> tuple[Value, ...]:
    """Results of `eq` on other operands, of the same types."""
    if eq.regions:
        regions = tuple([widen(region) for region in eq.regions])
        eq = Equation(eq.op, eq.operands, eq.params, eq.outputs, regions, eq.source)
        return builder.replay(eq, operands)
    if eq.op.name == "nextafter" and is_half(eq.outputs[0].type):
        return (_nextafter(*operands),)
    if eq.op.name in MOVES or not any([is_half(v.type) for v in (*operands, *eq.outputs)]):
        return builder.replay(eq, operands)
    for value in operands:
        if is_half(value.type) and value not in wide:
            wide[value] = OPS["convert"](value, dtype=FLOAT32)
    converted = tuple([wide.get(v, v) for v in operands])
    results = builder.add(eq.op, converted, single_params(eq.params))
    return tuple(
        [
            OPS["convert"](r, dtype=FLOAT16) if is_half(v.type) else r
            for r, v in zip(results, eq.outputs, strict=True)
        ]
    )


def _nextafter(x: Value, y: Value) -> Value:
    """The bits of magnitudes count up: that of x, with its sign, is one step nearer to that of y.
    nan if either is."""
    bits = OPS["bitcast"](x, dtype=DTYPES["i16"])
    magnitude = OPS["bitwise_and"](bits, 0x7FFF)
    place = OPS["select"](OPS["lt"](bits, 0), OPS["neg"](magnitude), magnitude)
    here, there = OPS["convert"](x, dtype=FLOAT32), OPS["convert"](y, dtype=FLOAT32)
    up = OPS["convert"](OPS["lt"](here, there), dtype=DTYPES["i16"])
    down = OPS["convert"](OPS["gt"](here, there), dtype=DTYPES["i16"])
    place = OPS["sub"](OPS["add"](place, up), down)
    signed = OPS["bitwise_or"](OPS["neg"](place), -0x8000)
    bits = OPS["select"](OPS["lt"](place, 0), signed, place)
    moves = OPS["ne"](here, there)
    found = OPS["select"](moves, OPS["bitcast"](bits, dtype=FLOAT16), x)
    return OPS["select"](OPS["eq"](there, there), found, y)
