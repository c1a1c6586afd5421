"""The laws that every op obeys. A law yields a sentence for each way in which a case breaks it.

With f the op, f' its derivative, A a linear map and <u, v> = Re sum(u v):

    type_rule       infer(types) = type of evaluate(operands)
    text            parse(text(g)) = g, of the op and of its derivative programs
    repeat          evaluate gives the same bits twice and leaves its operands alone
    derivative      jvp(f)(x; t) = df(x + s t)/ds at s = 0
    transposition   <A t, u> = <t, A' u>, with A = f'(x), and with A = f where f is linear
    second_order    jvp(jvp(f)) = d jvp(f)(x + s u; t)/ds, and the same by reverse mode over jvp
    dependence      f'(x) t = 0 wherever the pattern of f' has no element that t meets
    batching        batch(f)(stack of x) = stack of f(x), whichever operands are batched

That machine code agrees with evaluate is in `native`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from jitad_ir.dependence.analysis import derivative_pattern
from jitad_ir.dependence.ellpack import ellpack
from jitad_ir.evaluate import evaluate, evaluate_op
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.half import has_half
from jitad_ir.op import NONLINEAR, OPS, Bilinear, Linear, Op
from jitad_ir.passes.batch import batch
from jitad_ir.passes.jvp import jvp
from jitad_ir.passes.linearize import linearize, vjp
from jitad_ir.passes.transpose import transpose
from jitad_ir.text import graph_text, parse
from jitad_ir.verify import verify

from .cases import Case, cases, widen
from .compare import differ, rounding

Law: TypeAlias = Callable[[Case], Iterator[str]]
Arrays: TypeAlias = Sequence[Any]

STEP = 2e-5


def broken(law: Law, op: Op) -> list[str]:
    """How `op` breaks `law`: op, sample and dtype, and what went wrong. Empty if it does not."""
    found: list[str] = []
    for case in cases(op):
        try:
            found += [f"{case}: {sentence}" for sentence in law(case)]
        except Exception as error:
            found.append(f"{case}: {type(error).__name__}: {error}")
    return found


# Values.


def type_rule(case: Case) -> Iterator[str]:
    """Shapes agree; dtypes too, up to the cast within a kind that the interpreter makes."""
    with np.errstate(all="ignore"):
        if case.half:  # computed in float32 and rounded
            types = [v.type for v in case.graph.outputs]
            results: Any = evaluate_op(case.op, case.operands, case.params, types)
        else:
            results = case.op.evaluate(*case.operands, **case.params)
    if not case.half and not case.op.multiple_results:
        results = (results,)
    if len(results) != len(case.graph.outputs):
        yield f"{len(case.graph.outputs)} results by the type rule, {len(results)} by evaluate"
        return
    for value, array in zip(case.graph.outputs, results, strict=True):
        if np.shape(array) != value.shape:
            yield f"shape {value.shape} by the type rule, {np.shape(array)} by evaluate"
        if not np.can_cast(array.dtype, value.dtype, "same_kind"):
            yield f"dtype {value.dtype} by the type rule, {array.dtype} by evaluate"


def text(case: Case) -> Iterator[str]:
    """Also the text of its derivative programs, which hold other ops."""
    graphs = [case.graph]
    if case.differentiable and case.sample.smooth:
        graphs.append(jvp(case.graph, _all_moving(case)).graph)
    for graph in graphs:
        printed = graph_text(graph)
        if parse(printed) != graph:
            yield f"this text does not parse back to its graph:\n{printed}"


def repeat(case: Case) -> Iterator[str]:
    """Bit for bit."""
    before = [a.tobytes() for a in case.operands]
    first = evaluate(case.graph, *case.operands)
    if [a.tobytes() for a in case.operands] != before:
        yield "evaluate writes to an operand"
    second = evaluate(case.graph, *case.operands)
    for a, b in zip(first, second, strict=True):
        if np.asarray(a).tobytes() != np.asarray(b).tobytes():
            yield f"evaluate gives {a}, then {b}"


# Derivatives.


def derivative(case: Case) -> Iterator[str]:
    """In double precision against finite differences, along each operand alone and all together,
    in a random direction, complex if the operand is; else against double precision."""
    if not (case.differentiable and case.sample.smooth):
        return
    reference = case if case.wide else widen(case)
    for chosen in _subsets(case.moving):
        directions = _directions(case, chosen, "t")
        got = _jvp(case.graph, case.operands, directions)
        wide = [None if t is None else t.astype(np.result_type(t, np.float64)) for t in directions]
        if reference is case:
            expected = _slope(lambda *xs: evaluate(case.graph, *xs), case.operands, wide)
        else:
            expected = _jvp(reference.graph, reference.operands, wide)
        for out, a, b in zip(case.graph.outputs, got, expected, strict=True):
            if out.type.is_inexact:
                if not np.isfinite(b).all():
                    yield f"a smooth sample has the slope {b} by operands {chosen}"
                tolerance = 1e-6 if case.wide else 2e-4
                yield from differ(f"tangent by operands {chosen}", a, b, tolerance)


def transposition(case: Case) -> Iterator[str]:
    """Of the derivative, jointly and in each operand alone; of the op where it is linear."""
    if not case.differentiable:
        return
    for chosen in _subsets(case.moving) if case.sample.smooth else ():
        mask = _mask(case, chosen)
        forward, backward = linearize(case.graph, mask), vjp(case.graph, mask)
        for program in (forward.known, forward.rest, backward.known, backward.rest):
            verify(program)
        if not any(forward.nonzero):
            continue
        residuals = _run(forward.known, *case.operands)[len(case.graph.outputs) :]
        ts = [t for t in _directions(case, chosen, "t") if t is not None]
        outs = _run(forward.rest, *residuals, *ts)
        us = _like(case, outs, "u")
        residuals = _run(backward.known, *case.operands)[len(case.graph.outputs) :]
        yield from _not_adjoint(case, outs, us, ts, _run(backward.rest, *residuals, *us))
    for chosen in _linear_subsets(case):
        mask = _mask(case, chosen)
        adjoint = verify(transpose(case.graph, mask))
        ts = [t for t in _directions(case, chosen, "t") if t is not None]
        others = [i for i in _linear_operands(case) if i not in chosen]
        zeros = [np.zeros_like(case.operands[i]) for i in others]
        operands = (
            case.operands
            if isinstance(case.op.transpose, Bilinear)
            else _replace(case.operands, others, zeros)
        )
        fixed = [x for x, is_linear in zip(operands, mask, strict=True) if not is_linear]
        outs = _run(case.graph, *_replace(operands, chosen, ts))
        us = _like(case, outs, "u")
        yield from _not_adjoint(case, outs, us, ts, _run(adjoint, *fixed, *us))


def second_order(case: Case) -> Iterator[str]:
    """Forward over forward against finite differences; reverse over forward against it."""
    if not (case.differentiable and case.sample.smooth and case.wide):
        return
    mask = _all_moving(case)
    first = jvp(case.graph, mask)
    tangents = sum(first.nonzero)
    if not tangents:
        return
    primals = len(case.graph.inputs)
    ts = [t for t in _directions(case, case.moving, "t") if t is not None]
    us = _directions(case, case.moving, "u")
    directions = [*us, *([None] * len(ts))]
    point = [*case.operands, *ts]
    got = _jvp(first.graph, point, directions)[-tangents:]
    slope = _slope(lambda *xs: evaluate(first.graph, *xs)[-tangents:], point, directions)
    for a, b in zip(got, slope, strict=True):
        yield from differ("tangent of the tangent", a, b, 1e-5)

    tangent_program = _outputs(first.graph, -tangents)
    backward = vjp(tangent_program, [*mask, *([False] * len(ts))])
    if not any(backward.nonzero):
        return
    weights = _like(case, got, "w")
    taken = [w for w, moves in zip(weights, backward.nonzero, strict=True) if moves]
    residuals = evaluate(backward.known, *point)[tangents:]
    cts = evaluate(backward.rest, *residuals, *taken)
    assert len(cts) == sum(mask[:primals])
    yield from _not_adjoint(case, got, weights, [u for u in us if u is not None], cts)


def dependence(case: Case) -> Iterator[str]:
    """In all inexact operands at once, with the others known to the program and not."""
    if not (case.differentiable and case.sample.smooth and case.wide):
        return
    rng = case.rng("chosen elements")
    for graph, operands in ((case.graph, case.operands), _with_known(case)):
        mask = _all_moving(case) if graph is case.graph else [True] * len(graph.inputs)
        sizes = [v.type.size for v, moves in zip(graph.inputs, mask, strict=True) if moves]
        pattern = derivative_pattern(graph, mask)
        for _ in range(4):
            chosen = rng.random(sum(sizes)) < 0.4
            parts = iter(np.split(chosen, np.cumsum(sizes)[:-1]))
            directions = [
                np.where(next(parts).reshape(a.shape), rng.normal(size=a.shape), 0).astype(a.dtype)
                if moves
                else None
                for a, moves in zip(operands, mask, strict=True)
            ]
            slopes = _jvp(graph, operands, directions)
            met = np.split(pattern @ chosen, np.cumsum([np.size(s) for s in slopes])[:-1])
            for slope, reached in zip(slopes, met, strict=True):
                if np.any(np.ravel(slope)[~reached]):
                    yield f"a tangent {slope} that the pattern {pattern.toarray()} does not have"


def coefficients(case: Case) -> Iterator[str]:
    """The derivative row by row, where it has that form, against the pattern and tangents."""
    if not (case.differentiable and case.sample.smooth and case.wide):
        return
    for graph, operands in ((case.graph, case.operands), _with_known(case)):
        mask = _all_moving(case) if graph is case.graph else [True] * len(graph.inputs)
        directions = _directions(case, case.moving, "rows")
        if graph is not case.graph:
            directions = [t for t in directions if t is not None]
        for value, slope in zip(graph.outputs, _jvp(graph, operands, directions), strict=True):
            if value.dtype.kind != "f" or any([v.dtype.kind == "c" for v in graph.inputs]):
                continue
            vector = _as_vector(graph, value)
            form = ellpack(vector, mask)
            if form is None:
                continue
            pattern = derivative_pattern(vector, mask).toarray()
            matrix, count = np.zeros(pattern.shape), np.zeros(pattern.shape, int)
            for numbers, c in zip(form.columns, _run(form.program, *operands), strict=True):
                rows = np.flatnonzero(numbers >= 0)
                matrix[rows, numbers[rows]] = c[rows]
                count[rows, numbers[rows]] += 1
            if np.any(count > pattern):
                yield f"elements {count}, but the pattern is {pattern}"
            moved = np.concatenate([np.ravel(t) for t in directions if t is not None])
            yield from differ("product with a tangent", matrix @ moved, slope.ravel(), 1e-9)


def _as_vector(graph: Graph, result: Value) -> Graph:
    builder = Builder(graph.name)
    inputs = [builder.input(v.type) for v in graph.inputs]
    alone = Graph(graph.inputs, graph.equations, [result])
    with building(builder):
        (out,) = builder.inline(alone, inputs)
        return builder.build([OPS["reshape"](out, shape=(result.type.size,))])


def _with_known(case: Case) -> tuple[Graph, Arrays]:
    """The op alone, with the operands that do not move written in the program."""
    builder = Builder(case.op.name)
    with building(builder):
        operands = [
            builder.input(v.type) if i in case.moving else OPS["constant"](value=np.asarray(a))
            for i, (v, a) in enumerate(zip(case.graph.inputs, case.operands, strict=True))
        ]
        (eq,) = case.graph.equations
        outputs = builder.add(case.op, tuple(operands), eq.params, eq.regions)
    return builder.build(outputs), [case.operands[i] for i in case.moving]


# Batching.


def batching(case: Case) -> Iterator[str]:
    """A batch of three against a loop of three."""
    size = 3
    lanes = [case.operands, *[case.draw_again(f"lane {n}") for n in range(1, size)]]
    for chosen in _subsets(list(range(len(case.operands))), every=True):
        mask = _mask(case, chosen)
        program = batch(case.graph, size, mask)
        verify(program.graph)
        operands = [
            np.stack([lane[i] for lane in lanes]) if has_axis else case.operands[i]
            for i, has_axis in enumerate(mask)
        ]
        got = evaluate(program.graph, *operands)
        loop = [
            evaluate(case.graph, *[(lane if b else case.operands)[i] for i, b in enumerate(mask)])
            for lane in lanes
        ]
        for j, (array, has_axis) in enumerate(zip(got, program.batched, strict=True)):
            expected = np.stack([results[j] for results in loop])
            array = array if has_axis else np.broadcast_to(array, expected.shape)
            what = f"result {j}, batched in operands {chosen}"
            yield from differ(what, array, expected, *rounding(case, expected))


# Pieces.


def _run(graph: Graph, *arrays: Any) -> tuple[Any, ...]:
    """`evaluate`; of float16 the same program in float32, so that rules are compared, not what
    three digits and numbers up to 65504 make of their intermediate results."""
    if not has_half(graph):
        return evaluate(graph, *arrays)
    with np.errstate(over="ignore"):
        halves = [np.asarray(a, v.dtype) for a, v in zip(arrays, graph.inputs, strict=True)]
    evaluate(graph, *halves)
    wide = verify(parse(graph_text(graph).replace("f16", "f32")))
    singles = [np.asarray(a, v.dtype) for a, v in zip(arrays, wide.inputs, strict=True)]
    return evaluate(wide, *singles)


def _all_moving(case: Case) -> list[bool]:
    return _mask(case, case.moving)


def _mask(case: Case, chosen: Sequence[int]) -> list[bool]:
    return [i in chosen for i in range(len(case.operands))]


def _subsets(positions: list[int], every: bool = False) -> list[tuple[int, ...]]:
    """Nonempty subsets: each position alone and all together, and what is between if `every`
    (and they are few)."""
    sizes = range(1, len(positions) + 1)
    if not every or len(positions) > 4:
        sizes = sorted({1, len(positions)} & set(sizes))
    return [subset for n in sizes for subset in itertools.combinations(positions, n)]


def _linear_operands(case: Case) -> list[int]:
    """Operands in which the op itself is linear, by its transpose rule."""
    rule = case.op.transpose
    if not isinstance(rule, Linear | Bilinear) or not case.graph.outputs[0].type.is_inexact:
        return []
    return [i for i in case.moving if i < len(rule.rules) and rule.rules[i] is not NONLINEAR]


def _linear_subsets(case: Case) -> list[tuple[int, ...]]:
    """Sets of operands in which the op is linear while the others are fixed (at zero if it is
    linear in those too)."""
    positions = _linear_operands(case) if case.sample.smooth else []
    if isinstance(case.op.transpose, Bilinear):
        return [(i,) for i in positions]
    return _subsets(positions)


def _replace(arrays: Arrays, chosen: Sequence[int], others: Arrays) -> list[Any]:
    replaced = list(arrays)
    for position, other in zip(chosen, others, strict=True):
        replaced[position] = other
    return replaced


def _like(case: Case, arrays: Arrays, purpose: str) -> list[np.ndarray]:
    """Random arrays in [-1, 1) (both parts if complex) of the same types."""
    rng = case.rng(purpose)
    drawn: list[np.ndarray] = []
    for a in arrays:
        parts = rng.uniform(-1, 1, (2, *np.shape(a)))
        drawn.append(
            (parts[0] + 1j * parts[1] if a.dtype.kind == "c" else parts[0]).astype(a.dtype)
        )
    return drawn


def _directions(case: Case, chosen: Sequence[int], purpose: str) -> list[np.ndarray | None]:
    drawn = _like(case, case.operands, purpose)
    return [t if i in chosen else None for i, t in enumerate(drawn)]


def _jvp(graph: Graph, primals: Arrays, directions: Sequence[Any]) -> list[Any]:
    """Tangents of the outputs, zeros spelled out."""
    program = jvp(graph, [t is not None for t in directions])
    verify(program.graph)
    results = _run(program.graph, *primals, *[t for t in directions if t is not None])
    tangents = iter(results[len(graph.outputs) :])
    return [
        next(tangents) if moves else np.zeros(v.shape, v.dtype)
        for v, moves in zip(graph.outputs, program.nonzero, strict=True)
    ]


def _slope(function: Callable[..., Any], primals: Arrays, directions: Sequence[Any]) -> list[Any]:
    """df(x + s t)/ds at s = 0 by the central difference of fourth order in STEP."""

    def at(s: float) -> Any:
        moved = [
            x if t is None else np.asarray(x + s * t)
            for x, t in zip(primals, directions, strict=True)
        ]
        return function(*moved)

    samples = [at(s * STEP) for s in (-2, -1, 1, 2)]
    with np.errstate(all="ignore"):
        return [_difference(*results) for results in zip(*samples, strict=True)]


def _difference(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Infinite results that stay as they are have slope 0; integer ones have none."""
    if a.dtype.kind not in "fc":
        return np.zeros_like(a)
    slope = (a - 8.0 * b + 8.0 * c - d) / (12.0 * STEP)
    return np.where((a == b) & (b == c) & (c == d), 0.0, slope)


def _outputs(graph: Graph, first: int) -> Graph:
    return Graph(graph.inputs, graph.equations, graph.outputs[first:], graph.name)


def _pair(us: Arrays, vs: Arrays) -> tuple[float, float]:
    """<u, v>, and the sum of the magnitudes of its terms."""
    total = size = 0.0
    for u, v in zip(us, vs, strict=True):
        terms = np.asarray(u).astype(np.result_type(u, np.float64)) * v
        total += float(np.sum(terms.real))
        size += float(np.sum(np.abs(terms)))
    return total, size


def _not_adjoint(case: Case, outs: Arrays, us: Arrays, ts: Arrays, cts: Arrays) -> Iterator[str]:
    """<A t, u> = <t, A' u>, where outs = A t and cts = A' u."""
    left, size = _pair(outs, us)
    right, other_size = _pair(ts, cts)
    tolerance = (1e-9 if case.wide else 1e-4) * (1.0 + size + other_size)
    if not abs(left - right) <= tolerance:
        yield f"<A t, u> = {left!r}, but <t, A' u> = {right!r}"
