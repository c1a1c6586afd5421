"""The pipeline under its debug switch."""

from __future__ import annotations

import pytest

import jitad_ir.ops  # noqa: F401  (fills the registry)
from jitad_ir.graph import Graph
from jitad_ir.passes.pipeline import PIPELINE, optimize
from jitad_ir.text import parse
from jitad_ir.verify import InvalidGraph

PROGRAM = "graph f(a: f64[]) { b: f64[] = sin(a) c: f64[] = sin(a) d: f64[] = mul(b, c) return d }"


def test_passes_are_verified_timed_and_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JITAD_DEBUG_PASSES", "1")
    graph = optimize(parse(PROGRAM))
    assert len(graph.equations) == 2
    printed = capsys.readouterr().err
    for run in PIPELINE:
        assert f"# {run.__name__}: " in printed
    assert "3 -> 2 equations" in printed
    assert "mul(b, b)" in printed


def test_an_invalid_result_names_the_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(graph: Graph) -> Graph:
        return Graph(graph.inputs, graph.equations[1:], graph.outputs, graph.name)

    monkeypatch.setenv("JITAD_DEBUG_PASSES", "1")
    with pytest.raises(InvalidGraph, match="after pass broken: operand 0 is used before"):
        optimize(parse(PROGRAM), (broken,))


def test_without_the_switch_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    optimize(parse(PROGRAM))
    assert capsys.readouterr() == ("", "")
