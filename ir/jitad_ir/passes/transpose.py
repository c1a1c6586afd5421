"""The transpose of a linear program: reverse mode's second half.

    transpose : (r, a -o b)  to  (r, ct b -o ct a)

`-o` is a linear map; r are fixed values it may use. Equations that do not depend on `a` run first,
forwards; then the linear ones backwards, each handing the cotangents of its results to its linear
operands. Cotangents of a value used several times are summed. For complex values this is the plain
transpose, without conjugation: <A x, y> = <x, A' y> with <u, v> = sum u v.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ..graph import Builder, Equation, Graph, Value, building
from ..lowering import Elementwise
from ..op import OPS, Joint, Marker, Masked, Unknown
from ..verify import InvalidGraph, verify_linear
from .inline import inline_linear
from .jvp import zeros
from .split import split

Cotangent: TypeAlias = Value | Masked


def transpose(graph: Graph, linear: Sequence[bool]) -> Graph:
    """Transpose `graph`, linear in the inputs i with `linear[i]`.

    The result's inputs are the other inputs, then a cotangent for each output; its outputs are the
    cotangents of the linear inputs. Raises InvalidGraph for an equation that is not linear.
    """
    assert len(linear) == len(graph.inputs)
    graph = inline_linear(graph, [v for v, k in zip(graph.inputs, linear, strict=True) if k])
    if _is_mixed(graph, linear):
        return _transpose_divided(graph, linear)
    verify_linear(
        graph, [v for v, is_linear in zip(graph.inputs, linear, strict=True) if is_linear]
    )
    builder = Builder(f"transpose.{graph.name}")
    known = [
        None if is_linear else builder.input(v.type)
        for v, is_linear in zip(graph.inputs, linear, strict=True)
    ]
    cts = [builder.input(v.type) for v in graph.outputs]
    with building(builder):
        results = pull_back(builder, graph, known, cts)
        outputs = [
            zeros(v) if ct is None else ct
            for v, k, ct in zip(graph.inputs, known, results, strict=True)
            if k is None
        ]
    return builder.build(outputs)


def _is_mixed(graph: Graph, linear: Sequence[bool]) -> bool:
    """Whether there are loops and branches, whose body may hold known and linear parts, or
    checkpoints that have linear operands and loops, or results which do not depend on them."""
    moving = {v for v, is_linear in zip(graph.inputs, linear, strict=True) if is_linear}
    for eq in graph.equations:
        if eq.op.split is not None and eq.op.expand is None:
            return True
        flags = [v in moving for v in eq.operands]
        if not any(flags):
            continue
        if eq.op.split is not None and (
            _holds_loops(eq.regions[0]) or not all(_moving(eq.regions[0], flags))
        ):
            return True
        moving.update(eq.outputs)
    return False


def _holds_loops(graph: Graph) -> bool:
    return any(
        (eq.op.split is not None and eq.op.expand is None) or any(map(_holds_loops, eq.regions))
        for eq in graph.equations
    )


def _moving(graph: Graph, linear: Sequence[bool]) -> list[bool]:
    """Which outputs depend on the inputs i with `linear[i]`."""
    moving = {v for v, is_linear in zip(graph.inputs, linear, strict=True) if is_linear}
    for eq in graph.equations:
        flags = [v in moving for v in eq.operands]
        if not any(flags):
            continue
        if eq.op.split is not None and eq.op.expand is not None:
            flags = _moving(eq.regions[0], flags)
            moving.update([v for v, f in zip(eq.outputs, flags, strict=True) if f])
        else:
            moving.update(eq.outputs)
    return [v in moving for v in graph.outputs]


def _transpose_divided(graph: Graph, linear: Sequence[bool]) -> Graph:
    """Transpose `graph` after dividing loops and branches into their known and linear parts."""
    parts = split(graph, [not is_linear for is_linear in linear], [True] * len(graph.outputs))
    rest = parts.rest
    is_linear = [i >= parts.residuals for i in range(len(rest.inputs))]
    verify_linear(rest, rest.inputs[parts.residuals :])
    builder = Builder(f"transpose.{graph.name}")
    fixed = [builder.input(v.type) for v, k in zip(graph.inputs, linear, strict=True) if not k]
    cts = [builder.input(v.type) for v in graph.outputs]
    residuals = builder.inline(parts.known, fixed)
    with building(builder):
        known = [None if k else residuals[i] for i, k in enumerate(is_linear)]
        results = pull_back(builder, rest, known, cts)
        outputs = [
            zeros(v) if ct is None else ct
            for v, k, ct in zip(rest.inputs, known, results, strict=True)
            if k is None
        ]
    return builder.build(outputs)


def pull_back(
    builder: Builder,
    graph: Graph,
    known: Sequence[Value | None],
    cts: Sequence[Value | None],
) -> list[Value | None]:
    """Append the transpose of `graph` to `builder` (the current one). `known[i]` is the value of a
    fixed input, None for a linear one; `cts` are the outputs' cotangents, None for zero. Returns
    the cotangent of each input, None if it is zero or the input is fixed."""
    env = {v: k for v, k in zip(graph.inputs, known, strict=True) if k is not None}
    linear_equations: list[Equation] = []
    outer_source = builder.source
    for eq in graph.equations:
        if all(v in env for v in eq.operands):
            builder.source = eq.source
            outs = builder.replay(eq, tuple([env[v] for v in eq.operands]))
            env.update(zip(eq.outputs, outs, strict=True))
        else:
            linear_equations.append(eq)
    cotangents: dict[Value, Cotangent] = {}
    for value, ct in zip(graph.outputs, cts, strict=True):
        if ct is not None and value not in env:
            _accumulate(cotangents, value, ct)
    for eq in reversed(linear_equations):
        builder.source = eq.source
        _pull_back_equation(eq, env, cotangents)
    builder.source = outer_source
    return [
        None if k is not None or v not in cotangents else unmasked(cotangents[v])
        for v, k in zip(graph.inputs, known, strict=True)
    ]


def _pull_back_equation(
    eq: Equation, env: dict[Value, Value], cotangents: dict[Value, Cotangent]
) -> None:
    cts = [cotangents.pop(v, None) for v in eq.outputs]
    if all(ct is None for ct in cts):
        return
    rule = eq.op.transpose
    operands = [env.get(v) or Unknown(v.type) for v in eq.operands]
    if isinstance(rule, Marker):
        raise InvalidGraph(f"{eq.op.name} is not linear")
    if isinstance(rule, Joint):
        regions = {"regions": eq.regions} if eq.regions else {}
        plain = [None if ct is None else unmasked(ct) for ct in cts]
        results = rule.rule(plain, *operands, **eq.params, **regions)
        for value, ct in zip(eq.operands, results, strict=True):
            if ct is not None and value not in env:
                _accumulate(cotangents, value, ct)
        return
    (ct,) = cts
    assert ct is not None
    keep = ct.keep if isinstance(ct, Masked) and isinstance(eq.op.lower, Elementwise) else None
    raw = ct.value if keep is not None and isinstance(ct, Masked) else unmasked(ct)
    for position, value in enumerate(eq.operands):
        if value not in env:
            per_operand = rule.rules[position]
            assert not isinstance(per_operand, Marker)
            result = per_operand(raw, *operands, **eq.params)
            _accumulate(cotangents, value, result if keep is None else _masked(keep, result))


def _masked(keep: Value, ct: Cotangent) -> Masked:
    """`ct` where `keep` holds as well."""
    if isinstance(ct, Masked):
        return Masked(OPS["bitwise_and"](keep, ct.keep), ct.value)
    return Masked(keep, ct)


def unmasked(ct: Cotangent) -> Value:
    """The cotangent as a Value, its mask applied."""
    if isinstance(ct, Masked):
        return OPS["select"](ct.keep, ct.value, zeros(ct.value))
    return ct


def _accumulate(cotangents: dict[Value, Cotangent], value: Value, ct: Cotangent) -> None:
    total = cotangents.get(value)
    if total is None:
        cotangents[value] = ct
        assert isinstance(ct, Masked) or ct.type == value.type, (
            f"cotangent {ct.type!r} of {value.type!r}"
        )
    else:
        cotangents[value] = OPS["add"](unmasked(total), unmasked(ct))
