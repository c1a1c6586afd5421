"""Derivatives where the limit does not decide: at kinks, poles, ties and in the complex plane."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, log, nan
from typing import Any

import numpy as np
import pytest

from jitad_ir import ops
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.op import OPS
from jitad_ir.passes.jvp import jvp
from jitad_ir.passes.linearize import vjp
from jitad_ir.types import type_of


def trace(function: Callable[..., Value], *arrays: Any) -> Graph:
    builder = Builder()
    with building(builder):
        out = function(*[builder.input(type_of(a)) for a in arrays])
    return builder.build([out])


def forward(graph: Graph, arrays: list[Any], position: int) -> Any:
    """Tangent of the output for the tangent 1 of one input."""
    program = jvp(graph, [i == position for i in range(len(arrays))])
    if not program.nonzero[0]:
        return graph.outputs[0].dtype.type(0)
    return evaluate(program.graph, *arrays, np.ones_like(arrays[position])[()])[1]


def reverse(graph: Graph, arrays: list[Any], position: int) -> Any:
    """Cotangent of one input for the cotangent 1 of the output."""
    program = vjp(graph, [i == position for i in range(len(arrays))])
    if not program.nonzero[0]:
        return arrays[position].dtype.type(0)
    residuals = evaluate(program.known, *arrays)[1:]
    one = graph.outputs[0].dtype.type(1)
    return evaluate(program.rest, *residuals, one)[0]


REAL = [
    # op, params, operands, derivative by each operand
    ("abs", {}, (0.0,), (0.0,)),
    ("abs", {}, (-0.0,), (0.0,)),
    ("abs", {}, (-2.0,), (-1.0,)),
    ("abs", {}, (nan,), (nan,)),
    ("sign", {}, (0.0,), (0.0,)),
    ("sign", {}, (-3.0,), (0.0,)),
    ("floor", {}, (2.0,), (0.0,)),
    ("round", {}, (0.5,), (0.0,)),
    ("stop_gradient", {}, (2.0,), (0.0,)),
    ("sqrt", {}, (0.0,), (inf,)),
    ("sqrt", {}, (-1.0,), (nan,)),
    ("rsqrt", {}, (0.0,), (-inf,)),
    ("cbrt", {}, (0.0,), (inf,)),
    ("reciprocal", {}, (0.0,), (-inf,)),
    ("log", {}, (0.0,), (inf,)),
    ("log1p", {}, (-1.0,), (inf,)),
    ("asin", {}, (1.0,), (inf,)),
    ("acos", {}, (-1.0,), (-inf,)),
    ("acosh", {}, (1.0,), (inf,)),
    ("acosh", {}, (1e30,), (1e-30,)),
    ("atanh", {}, (1.0,), (inf,)),
    ("erf_inv", {}, (1.0,), (inf,)),
    ("tanh", {}, (1e3,), (0.0,)),
    ("logistic", {}, (-1e3,), (0.0,)),
    ("logistic", {}, (1e3,), (0.0,)),
    ("square", {}, (0.0,), (0.0,)),
    ("div", {}, (1.0, 0.0), (inf, -inf)),
    ("max", {}, (1.0, 1.0), (0.5, 0.5)),
    ("max", {}, (2.0, 1.0), (1.0, 0.0)),
    ("max", {}, (nan, 1.0), (0.0, 0.0)),
    ("min", {}, (1.0, 1.0), (0.5, 0.5)),
    ("min", {}, (inf, 1.0), (0.0, 1.0)),
    ("rem", {}, (7.0, 2.0), (1.0, -3.0)),
    ("rem", {}, (-7.0, 2.0), (1.0, 3.0)),
    ("rem", {}, (6.0, 2.0), (1.0, -3.0)),
    ("atan2", {}, (0.0, 0.0), (nan, nan)),
    ("atan2", {}, (0.0, -1.0), (-1.0, 0.0)),
    ("copysign", {}, (2.0, -3.0), (-1.0, 0.0)),
    ("copysign", {}, (-2.0, -0.0), (1.0, 0.0)),
    ("clamp", {}, (0.0, -1.0, 1.0), (1.0, 0.0, 0.0)),
    ("clamp", {}, (0.0, 0.5, 1.0), (0.0, 1.0, 0.0)),
    ("clamp", {}, (0.0, 2.0, 1.0), (0.0, 0.0, 1.0)),
    ("clamp", {}, (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)),
    ("clamp", {}, (2.0, 0.5, 1.0), (0.0, 0.0, 1.0)),
    # x**0 is constant in x, at 0 too; 0**y is 0 for every y > 0
    ("pow", {}, (0.0, 0.0), (0.0, 0.0)),
    ("pow", {}, (2.0, 0.0), (0.0, log(2.0))),
    ("pow", {}, (inf, 0.0), (0.0, inf)),
    ("pow", {}, (0.0, 1.0), (1.0, 0.0)),
    ("pow", {}, (0.0, 2.0), (0.0, 0.0)),
    ("pow", {}, (0.0, 0.5), (inf, 0.0)),
    ("pow", {}, (0.0, -1.0), (-inf, nan)),
    ("pow", {}, (-2.0, 2.0), (-4.0, nan)),
    ("pow", {}, (-2.0, 0.0), (0.0, nan)),
    ("pow", {}, (-2.0, 0.5), (nan, nan)),
    ("integer_pow", {"exponent": 0}, (0.0,), (0.0,)),
    ("integer_pow", {"exponent": 0}, (nan,), (0.0,)),
    ("integer_pow", {"exponent": 1}, (0.0,), (1.0,)),
    ("integer_pow", {"exponent": 2}, (0.0,), (0.0,)),
    ("integer_pow", {"exponent": 3}, (-2.0,), (12.0,)),
    ("integer_pow", {"exponent": -1}, (0.0,), (-inf,)),
    ("integer_pow", {"exponent": -2}, (-2.0,), (0.25,)),
]


@pytest.mark.parametrize(("name", "params", "point", "expected"), REAL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", [forward, reverse])
def test_real(
    mode: Callable[..., Any],
    dtype: type[np.floating],
    name: str,
    params: dict[str, Any],
    point: tuple[float, ...],
    expected: tuple[float, ...],
) -> None:
    arrays = [dtype(x) for x in point]
    graph = trace(lambda *xs: OPS[name](*xs, **params), *arrays)
    got = [float(mode(graph, arrays, i)) for i in range(len(point))]
    assert got == pytest.approx(list(expected), rel=1e-6, abs=0.0, nan_ok=True)


COMPLEX = [
    # op, operand, d f(x + s)/ds, d f(x + i s)/ds, cotangent of x for the cotangent 1
    ("real", 1 + 2j, 1, 0, 1),
    ("imag", 1 + 2j, 0, 1, -1j),
    ("conj", 1 + 2j, 1, -1j, 1),
    ("abs", 3 + 4j, 0.6, 0.8, 0.6 - 0.8j),
    ("abs", 0j, 0, 0, 0),
    ("sign", 2j, 0.5, 0, 0.5),
    ("sign", 0j, 0, 0, 0),
    ("square", 1 + 2j, 2 + 4j, -4 + 2j, 2 + 4j),
    ("exp", 1j * np.pi, -1, -1j, -1),
    ("acosh", -2 + 1e-300j, -1 / np.sqrt(3), -1j / np.sqrt(3), -1 / np.sqrt(3)),
]


@pytest.mark.parametrize(("name", "x", "along_real", "along_imaginary", "ct"), COMPLEX)
def test_complex(
    name: str, x: complex, along_real: complex, along_imaginary: complex, ct: complex
) -> None:
    """Tangents are directional derivatives; cotangents pair with them by Re(ct t), without
    conjugation, so that the cotangent of a real function is df/da - i df/db at x = a + i b."""
    arrays = [np.complex128(x)]
    graph = trace(OPS[name], *arrays)
    program = jvp(graph, [True])
    for direction, expected in ((1, along_real), (1j, along_imaginary)):
        tangent = evaluate(program.graph, *arrays, np.complex128(direction))[1]
        assert complex(tangent) == pytest.approx(expected, abs=1e-12)
    assert complex(reverse(graph, arrays, 0)) == pytest.approx(ct, abs=1e-12)


def test_convert_from_complex_takes_the_real_part() -> None:
    graph = trace(lambda x: ops.convert(x, dtype=np.dtype("float64")), np.complex128(1 + 2j))
    arrays = [np.complex128(1 + 2j)]
    assert float(forward(graph, arrays, 0)) == 1.0
    cotangent = reverse(graph, arrays, 0)
    assert cotangent.dtype == np.complex128 and cotangent == 1.0


def test_integers_carry_no_tangent() -> None:
    graph = trace(lambda x: ops.convert(x, dtype=np.dtype("int64")), np.float64(1.5))
    assert jvp(graph, [True]).nonzero == (False,)


@pytest.mark.parametrize("mode", [forward, reverse])
@pytest.mark.parametrize("name", ["sqrt", "log", "reciprocal", "rsqrt"])
def test_the_branch_not_taken_has_no_influence(mode: Callable[..., Any], name: str) -> None:
    """select(x > 0, f(x), x) where f has a pole at 0: 0 * inf must not reach the result."""
    graph = trace(lambda x: ops.select(ops.gt(x, 0), OPS[name](x), x), np.float64(0))
    assert float(mode(graph, [np.float64(0.0)], 0)) == 1.0


def test_second_derivative_of_powers_at_zero() -> None:
    """d2(x**y)/dx2 at x = 0 for y = 2, and the mixed one at y = 0, which is 1/x."""
    for point, directions, expected in (
        ((0.0, 2.0), ((1.0, 0.0), (1.0, 0.0)), 2.0),
        ((0.0, 3.0), ((1.0, 0.0), (1.0, 0.0)), 0.0),
        ((2.0, 0.0), ((1.0, 0.0), (0.0, 1.0)), 0.5),
        ((0.0, 0.0), ((1.0, 0.0), (1.0, 0.0)), 0.0),
    ):
        arrays = [np.float64(x) for x in point]
        first = jvp(trace(ops.pow, *arrays), [True, True]).graph
        t, u = ([np.float64(d) for d in direction] for direction in directions)
        second = jvp(first, [True, True, False, False])
        assert float(evaluate(second.graph, *arrays, *t, *u)[-1]) == pytest.approx(expected)
