"""IR text: round trips of everything it can say, and one clear error for what it cannot."""

from __future__ import annotations

import numpy as np
import pytest

import jitad_ir.ops  # noqa: F401  (fills the registry)
from jitad_ir.graph import Builder, Graph, building
from jitad_ir.op import OPS
from jitad_ir.text import ParseError, graph_text, parse
from jitad_ir.types import ArrayType


def test_every_kind_of_parameter_round_trips() -> None:
    builder = Builder("f")
    x = builder.input(ArrayType(np.dtype("complex64"), (2, 0)))
    with building(builder):
        outs = [
            OPS["full"](value=v, shape=(2,), dtype=np.dtype("float64"))
            for v in (0.0, -0.0, float("inf"), float("-inf"), 1e-300, 3)
        ]
        outs.append(OPS["full"](value=1 - 2j, shape=(), dtype=np.dtype("complex128")))
        outs.append(OPS["full"](value=True, shape=(0,), dtype=np.dtype("bool")))
        outs.append(OPS["constant"](value=np.array([[1, -2], [3, 4]], np.int8)))
        outs.append(OPS["constant"](value=np.array([1 + 2j, complex(0, -0.0)], np.complex64)))
        outs.append(OPS["all_gather"](x, axis_name='a "name"', lanes=3))
        outs.append(OPS["all_gather"](x, axis_name=("rows", None, 2), lanes=3))
    graph = builder.build(outs)
    text = graph_text(graph)
    assert parse(text) == graph
    assert graph_text(parse(text)) == text


def test_nan_round_trips() -> None:
    text = "graph f() {\n  a: f64[] = full(dtype=f64, shape=(), value=nan)\n  return a\n}"
    assert graph_text(parse(text)) == text


def test_signed_zeros_and_number_types_differ() -> None:
    def filled(value: float) -> Graph:
        builder = Builder("f")
        with building(builder):
            out = OPS["full"](value=value, shape=(), dtype=np.dtype("float64"))
        return builder.build([out])

    assert filled(0.0) != filled(-0.0)
    assert filled(1.0) != filled(True)
    assert filled(1) == filled(1)


def test_names_go_on_after_z() -> None:
    builder = Builder("f")
    x = builder.input(ArrayType(np.dtype("float64"), ()))
    with building(builder):
        for _ in range(60):
            x = OPS["neg"](x)
    graph = builder.build([x])
    assert "ba: f64[]" in graph_text(graph)
    assert parse(graph_text(graph)) == graph


BAD = {
    "an unknown op": (
        "graph f(a: f64[]) {\n b: f64[] = sine(a)\n return b }",
        "line 2: expected the name of an op; got 'sine'",
    ),
    "an unbound name": (
        "graph f(a: f64[]) {\n b: f64[] = sin(c)\n return b }",
        "line 2: expected a bound name; got 'c'",
    ),
    "a name bound twice": (
        "graph f(a: f64[]) {\n a: f64[] = sin(a)\n return a }",
        "a is bound already",
    ),
    "an unknown dtype": ("graph f(a: f8[]) { return a }", "expected a type such as f64[3,4]"),
    "a missing brace": ("graph f(a: f64[]) {\n return a", "expected a name; got 'end of text'"),
    "a stray character": ("graph f(a: f64[]) { ? }", "line 1: unexpected character '?'"),
    "no graph": ("sin(a)", "line 1: expected 'graph'; got 'sin'"),
    "text behind the end": ("graph f() { return } x", "expected the end of the text; got 'x'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_text(name: str) -> None:
    text, message = BAD[name]
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (ParseError is a ValueError)
        parse(text)
    assert message in str(caught.value)
    assert isinstance(caught.value, ParseError) or name == "an unknown dtype"
