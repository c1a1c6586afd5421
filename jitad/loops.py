"""Evaluation of loops and branches outside of `jit`: long ones as native code.

Operations outside of `jit` are evaluated by NumPy, one after the other. A loop of many steps would
spend its time between them, so it is compiled, once for each structure, and run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from jitad_ir.evaluate import evaluate_equation
from jitad_ir.graph import Equation, Graph, Value
from jitad_ir.lowering import Structured
from jitad_ir.passes.pipeline import optimize

LONG = 2000
"""Equations evaluated by a loop above which it is compiled: some milliseconds in NumPy."""


def run_equation(eq: Equation, arrays: Sequence[Any]) -> tuple[Any, ...]:
    """Results of one equation on given operands."""
    if not isinstance(eq.op.lower, Structured) or not eq.outputs or _work(eq) < LONG:
        return evaluate_equation(eq, arrays)
    operands = tuple([Value(v.type) for v in eq.operands])
    alone = Equation(eq.op, operands, eq.params, eq.outputs, eq.regions, eq.source)
    program = _compiled(Graph(operands, [alone], eq.outputs, eq.op.name))
    return program(*[np.asarray(a, v.dtype) for a, v in zip(arrays, operands, strict=True)])


def _work(eq: Equation) -> float:
    """Equations that evaluating `eq` evaluates; a loop of unknown length counts as endless."""
    if eq.op.name == "while_loop":
        return math.inf
    inside = sum([_work(inner) for region in eq.regions for inner in region.equations])
    return 1 + inside * eq.params.get("length", 1)


@lru_cache(maxsize=256)
def _compiled(graph: Graph) -> Callable[..., tuple[Any, ...]]:
    from jitad_ir.native.program import compile_graph  # noqa: PLC0415  (loads LLVM)

    return compile_graph(optimize(graph))
