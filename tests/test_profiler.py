"""Spans of a program in the format of trace viewers."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest

from jitad import profiler


def test_spans_are_written(tmp_path: Path) -> None:
    @profiler.annotate_function
    def work() -> int:
        time.sleep(0.002)
        return 3

    with profiler.TraceAnnotation("before"):
        pass
    with profiler.trace(tmp_path, create_perfetto_link=False):
        with profiler.StepTraceAnnotation("train", step_num=7):
            assert work() == 3
        for name in ("a", "b"):
            with profiler.TraceAnnotation(name):
                pass
    with profiler.TraceAnnotation("after"):
        pass
    (file,) = tmp_path.glob("plugins/profile/*/*.trace.json.gz")
    spans = json.loads(gzip.decompress(file.read_bytes()))["traceEvents"]
    assert [span["name"] for span in spans] == ["work", "train", "a", "b"]
    inner, outer = spans[:2]
    assert outer["args"] == {"step_num": "7"} and inner["dur"] >= 2000.0
    assert outer["ts"] <= inner["ts"]
    assert inner["ts"] + inner["dur"] <= outer["ts"] + outer["dur"]


def test_recursion_has_a_span_each(tmp_path: Path) -> None:
    @profiler.TraceAnnotation("down")
    def down(n: int) -> int:
        return 0 if n == 0 else down(n - 1) + 1

    profiler.start_trace(tmp_path)
    assert down(3) == 3
    profiler.stop_trace()
    (file,) = tmp_path.rglob("*.gz")
    assert len(json.loads(gzip.decompress(file.read_bytes()))["traceEvents"]) == 4


def test_one_trace_at_a_time(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no trace is open"):
        profiler.stop_trace()
    with profiler.trace(tmp_path), pytest.raises(RuntimeError, match="a trace is open"):
        profiler.start_trace(tmp_path)
