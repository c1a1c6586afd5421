"""The law of machine code: what it computes agrees with the reference interpreter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, building
from jitad_ir.native.program import compile_graph
from jitad_ir.op import NOT_LOWERED, Op
from jitad_ir.passes.dce import dce
from jitad_ir.passes.linearize import vjp
from jitad_ir.passes.widen import widen

from .cases import Case, cases
from .compare import differ, largest, rounding

Arrays: TypeAlias = Sequence[Any]

MOST = 150
"""Cases in one program."""


@dataclass(frozen=True)
class Run:
    """A program and its operands, made from a case."""

    case: Case
    graph: Graph
    operands: Arrays


def native(op: Op) -> list[str]:
    """How machine code of `op` differs from evaluate."""
    if op.lower is NOT_LOWERED:
        return []
    return _together([Run(case, case.graph, case.operands) for case in cases(op)], rounding)


def native_derivative(op: Op) -> list[str]:
    """How machine code of the op's reverse derivative differs from evaluate."""
    if op.lower is NOT_LOWERED:
        return []
    smooth = [c for c in cases(op) if c.differentiable and c.sample.smooth and c.wide]
    runs = [run for run in map(_reverse, smooth) if run is not None]
    return _together(runs, _nearly) if runs else []


def _reverse(case: Case) -> Run | None:
    """Operands and cotangents of the results to cotangents of the operands."""
    backward = vjp(case.graph, [i in case.moving for i in range(len(case.operands))])
    if not any(backward.nonzero):
        return None
    rng = case.rng("ct")
    cts = [
        rng.uniform(-1, 1, v.shape).astype(v.dtype)
        for v, moves in zip(case.graph.outputs, backward.nonzero, strict=True)
        if moves
    ]
    builder = Builder(f"derivative.{case.op.name}")
    with building(builder):
        inputs = [builder.input(v.type) for v in case.graph.inputs]
        residuals = builder.inline(backward.known, inputs)[len(case.graph.outputs) :]
        taken = [builder.input(v.type) for v in backward.rest.inputs[len(residuals) :]]
        outputs = builder.inline(backward.rest, [*residuals, *taken])
    return Run(case, dce(builder.build(outputs)), [*case.operands, *cts])


def _together(runs: Sequence[Run], close: Any) -> list[str]:
    """Compile all runs as one program, some hundred in each (ctypes takes 1024 arguments at most);
    one by one if that fails, to name the case."""
    if len(runs) > MOST:
        return _together(runs[:MOST], close) + _together(runs[MOST:], close)
    try:
        return _compare(runs, close)
    except Exception:
        found: list[str] = []
        for run in runs:
            try:
                found += _compare((run,), close)
            except Exception as error:
                found.append(f"{run.case}: {type(error).__name__}: {error}")
        return found or [f"{runs[0].case}: all cases compile alone, but not together"]


def _compare(runs: Sequence[Run], close: Any) -> list[str]:
    builder = Builder("cases")
    outputs: list[Any] = []
    with building(builder):
        for run in runs:
            inputs = [builder.input(v.type) for v in run.graph.inputs]
            outputs += builder.inline(run.graph, inputs)
    program = compile_graph(widen(builder.build(outputs)))
    arrays = [np.array(a) for run in runs for a in run.operands]
    first, second = iter(program(*arrays)), iter(program(*arrays))
    found: list[str] = []
    for run in runs:
        for expected in evaluate(run.graph, *run.operands):
            got, again = np.asarray(next(first)), np.asarray(next(second))
            sentences = list(_differs(run.case, got, np.asarray(expected), close))
            if got.tobytes() != again.tobytes():
                sentences.append("native code gives other bits the second time")
            found += [f"{run.case}: {sentence}" for sentence in sentences]
    return found


def _differs(case: Case, got: np.ndarray, expected: np.ndarray, close: Any) -> Iterator[str]:
    if got.dtype != expected.dtype or got.shape != expected.shape:
        yield f"native code gives {got.dtype}{got.shape}"
    else:
        yield from differ("native code", got, expected, *close(case, expected))


def _nearly(_case: Case, expected: np.ndarray) -> tuple[float, float]:
    """A derivative is several ops, with cancellation between terms of any size."""
    if expected.dtype.kind not in "fc":
        return 0.0, 0.0
    return 64 * float(np.finfo(expected.dtype).eps), max(1.0, largest(expected))
