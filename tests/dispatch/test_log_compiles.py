"""`jitad.config.log_compiles`: one line for each compilation, with the time of each stage."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad_ir.stages import recorded, stage

STAGES = ["trace", "cache", "passes", "plan", "emit", "LLVM text", "LLVM passes", "LLVM code"]


def test_the_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JITAD_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(jitad.config, "log_compiles", True)

    def wave(x: np.ndarray) -> np.ndarray:
        return jnp.sin(x) * 17.25

    lines: list[str] = []
    for _ in range(2):
        jitad.jit(wave)(np.ones(5))
        lines.append(capsys.readouterr().err)
        jitad.clear_caches()
    compiled, found = lines
    assert re.match(r"jitad: wave: \d+ equations, compiled; \d+\.\d\d ms: trace ", compiled)
    assert [name for name in STAGES if f"{name} " in compiled] == STAGES
    assert "from the disk cache" in found
    assert "emit" not in found
    whole, *parts = map(float, re.findall(r"\d+\.\d+", compiled))
    assert sum(parts) == pytest.approx(whole, abs=0.01 * len(parts))


def test_stages_add_up() -> None:
    with recorded() as outer:
        with stage("a"):
            pass
        with recorded() as inner, stage("b"):
            pass
        with stage("a"):
            pass
    assert list(outer) == ["a"]
    assert list(inner) == ["b"]
