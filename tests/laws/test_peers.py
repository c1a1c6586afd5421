"""Elementwise ops and their derivatives agree with JAX's functions of the same names."""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jitad_ir.evaluate import evaluate
from jitad_ir.lowering import Elementwise
from jitad_ir.op import OPS, Op
from jitad_ir.passes.jvp import jvp
from jitad_ir.passes.linearize import vjp

from .cases import Case, cases

pytestmark = pytest.mark.slow  # JAX compiles each function: 10 s

NOT_IN_JAX = {"copysign", "log2", "log10", "trunc", "nextafter"}
"""What jax.lax lacks or does not differentiate."""

OTHERWISE = {
    ("sign", "c128"): "JAX says zero; x / |x| turns with x",
    ("acosh", "c128"): "1 / sqrt(x**2 - 1) is on the wrong branch for Re x < 0",
}
"""(op, dtype) whose derivative is not JAX's, and why."""


def asked(op: Op) -> list[Case]:
    """Cases to compare: vectors in double precision, all of whose operands carry tangents."""
    return [
        case
        for case in cases(op)
        if case.dtype in ("f64", "c128")
        and case.sample.smooth
        and case.differentiable
        and case.wide
        and len(case.moving) == len(case.operands)
        and case.operands[0].ndim == 1
        and case.operands[0].size
    ]


ELEMENTWISE = [
    op
    for name, op in sorted(OPS.items())
    if isinstance(op.lower, Elementwise) and name not in NOT_IN_JAX and asked(op)
]


def like(case: Case, array: Any, purpose: str) -> np.ndarray:
    parts = case.rng(purpose).uniform(-1, 1, (2, *np.shape(array)))
    return (parts[0] + 1j * parts[1] if array.dtype.kind == "c" else parts[0]).astype(array.dtype)


@pytest.fixture(scope="module")
def of_jax() -> dict[tuple[str, int, str], Any]:
    """What JAX says of every case."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed: `pip install jitad[peers]`")
    questions, keys = [], []
    for op in ELEMENTWISE:
        for case in asked(op):
            (out,) = evaluate(case.graph, *case.operands)
            ts = [like(case, x, f"t{i}") for i, x in enumerate(case.operands)]
            questions.append((op.name, case.params, list(case.operands), ts, like(case, out, "ct")))
            keys.append((op.name, case.index, case.dtype))
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("jax_values.py"))],
        input=pickle.dumps(questions),
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    return dict(zip(keys, pickle.loads(run.stdout), strict=True))


@pytest.mark.parametrize("op", [pytest.param(op, id=op.name) for op in ELEMENTWISE])
def test_jax_agrees(op: Op, of_jax: dict[tuple[str, int, str], Any]) -> None:
    compared = 0
    for case in asked(op):
        answer = of_jax[op.name, case.index, case.dtype]
        if answer is None:
            continue
        value, tangent, cotangents = answer
        (out,) = evaluate(case.graph, *case.operands)
        np.testing.assert_allclose(out, value, rtol=1e-9, atol=1e-9, err_msg=str(case))
        compared += 1
        if (op.name, case.dtype) in OTHERWISE:
            continue
        everything = [True] * len(case.operands)
        forward = jvp(case.graph, everything)
        ts = [like(case, x, f"t{i}") for i, x in enumerate(case.operands)]
        got = evaluate(forward.graph, *case.operands, *ts)[1] if forward.nonzero[0] else 0.0
        np.testing.assert_allclose(got, tangent, rtol=1e-7, atol=1e-9, err_msg=str(case))
        backward = vjp(case.graph, everything)
        pulled: list[Any] = [0.0] * len(cotangents)
        if backward.nonzero[0]:
            residuals = evaluate(backward.known, *case.operands)[1:]
            pulled = list(evaluate(backward.rest, *residuals, like(case, out, "ct")))
        for a, b in zip(pulled, cotangents, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9, err_msg=str(case))
    assert compared
