"""Programs that break a rule of the IR are rejected, with the equation in the message."""

from __future__ import annotations

import numpy as np
import pytest

import jitad_ir.ops  # noqa: F401  (fills the registry)
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Equation, Graph, Value
from jitad_ir.op import OPS
from jitad_ir.passes.transpose import transpose
from jitad_ir.text import parse
from jitad_ir.types import ArrayType, TypeMismatch
from jitad_ir.verify import InvalidGraph, verify, verify_linear

F64 = ArrayType(np.dtype("float64"), ())
V3 = ArrayType(np.dtype("float64"), (3,))


def test_use_before_definition() -> None:
    x, y, z = Value(F64), Value(F64), Value(F64)
    graph = Graph([x], [Equation(OPS["sin"], (y,), {}, (z,))], [z])
    with pytest.raises(InvalidGraph, match=r"operand 0 is used before it is defined"):
        verify(graph)


def test_a_value_defined_twice() -> None:
    x, y = Value(F64), Value(F64)
    again = [Equation(OPS["sin"], (x,), {}, (y,)), Equation(OPS["cos"], (x,), {}, (y,))]
    with pytest.raises(InvalidGraph, match=r"a result is defined twice\n.* = cos"):
        verify(Graph([x], again, [y]))


def test_an_input_twice() -> None:
    x = Value(F64)
    with pytest.raises(InvalidGraph, match="stands twice"):
        verify(Graph([x, x], [], [x]))


def test_an_undefined_output() -> None:
    with pytest.raises(InvalidGraph, match="output 0 is not defined"):
        verify(Graph([], [], [Value(F64)]))


BAD_TYPES = {
    "mixed shapes": (
        "graph f(a: f64[3], b: f64[]) { c: f64[3] = mul(a, b) return c }",
        "mul: operands must have one type; got f64[3] and f64[]",
    ),
    "a wrong result": (
        "graph f(a: f64[3]) { b: f64[2] = sin(a) return b }",
        "sin: expected results (f64[3]); got (f64[2])",
    ),
    "a wrong dtype": (
        "graph f(a: i64[]) { b: i64[] = sin(a) return b }",
        "sin: expected float or complex operands; got i64",
    ),
    "a bad axis": (
        "graph f(a: f64[3]) { b: f64[] = reduce_sum(a, axes=(1,)) return b }",
        "axes",
    ),
    "a missing parameter": (
        "graph f(a: f64[3]) { b: f64[3] = reshape(a) return b }",
        "shape",
    ),
    "inside a region": (
        "graph f(a: f64[]) { b: f64[] = checkpoint(a) { graph g(a: f64[]) "
        "{ b: i64[] = neg(a) return b } } return b }",
        "in graph g",
    ),
    "branches of two types": (
        "graph f(i: i64[], a: f64[]) { b: f64[] = branch(i, a) {\n"
        "graph g(a: f64[]) { return a }\n"
        "graph h(a: f64[]) { b: i64[] = convert(a, dtype=i64) return b } } return b }",
        "all branches must give",
    ),
    "a carry that changes its type": (
        "graph f(a: f64[]) { b: f32[] = scan(a, carries=1, consts=0, length=2, reverse=False, "
        "unroll=1) { graph g(a: f64[]) { b: f32[] = convert(a, dtype=f32) return b } } return b }",
        "the carry must keep its types",
    ),
}


@pytest.mark.parametrize("name", BAD_TYPES)
def test_bad_types(name: str) -> None:
    text, message = BAD_TYPES[name]
    with pytest.raises(InvalidGraph) as caught:
        verify(parse(text))
    assert message in str(caught.value)


def test_nonlinear_equations() -> None:
    square = parse("graph f(a: f64[]) { b: f64[] = mul(a, a) return b }")
    with pytest.raises(InvalidGraph, match="mul is not linear in operands 0, 1"):
        verify_linear(square, square.inputs)
    with pytest.raises(InvalidGraph, match="sin is not linear in operand 0"):
        transpose(parse("graph f(a: f64[]) { b: f64[] = sin(a) return b }"), [True])
    affine = parse("graph f(a: f64[]) { b: f64[] = full(dtype=f64, shape=(), value=1.0) return b }")
    with pytest.raises(InvalidGraph, match="does not depend on a linear input"):
        verify_linear(affine, affine.inputs)
    divided = parse("graph f(r: f64[], a: f64[]) { b: f64[] = div(r, a) return b }")
    with pytest.raises(InvalidGraph, match="div is not linear in operand 1"):
        verify_linear(divided, divided.inputs[1:])
    verify_linear(divided, divided.inputs[:1])


def test_the_interpreter_checks_its_arguments() -> None:
    graph = parse("graph f(a: f64[3]) { b: f64[3] = sin(a) return b }")
    with pytest.raises(TypeError, match=r"input 0 must be f64\[3\]; got f64\[2\]"):
        evaluate(graph, np.ones(2))
    with pytest.raises(TypeError, match="expected 1 arrays; got 2"):
        evaluate(graph, np.ones(3), np.ones(3))
    with pytest.raises(TypeError, match="must be a NumPy array"):
        evaluate(graph, [1.0, 2.0, 3.0])


def test_building_checks_types_at_once() -> None:
    with pytest.raises(TypeMismatch, match="operands must have one type"):
        OPS["add"].types_of([F64, V3], {})
