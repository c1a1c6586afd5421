"""The benchmarks judge rightly: wrong answers are named, goals are ratios, peers may be absent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import measure, report
from benchmarks.measure import Call, Program, Times
from benchmarks.workload import Calls, Effort, Goal, Outcome, Processes, disagreements
from benchmarks.workloads import ALL

ROOT = Path(__file__).resolve().parent.parent
QUICK = Effort(rounds=3, span=1e-4, processes=2)


def absent() -> Call:
    raise ModuleNotFoundError("No module named 'jax'", name="jax")


def test_ratio_is_taken_within_rounds() -> None:
    """A machine that slows down fivefold between rounds changes no ratio."""
    assert measure.ratio(Times(rounds=[1.0, 5.0, 1.0]), Times(rounds=[2.0, 10.0, 2.0])) == 0.5


def test_wrong_answers_are_named() -> None:
    results = {"a": (1.0, [2.0]), "b": (1.0, [2.0]), "c": (1.0, [2.1]), "d": (1.0, [np.nan])}
    found = disagreements(results, 1e-10)
    assert [line.split()[0] for line in found] == ["c", "d"]
    assert "shapes" in disagreements({"a": np.ones(3), "b": np.ones(2)}, 1e-10)[0]


def test_calls_are_timed_and_an_absent_peer_is_left_out() -> None:
    contenders = {
        "jitad": lambda: Call(np.add, (1.0, 2.0)),
        "slow": lambda: Call(lambda x: sum(x for _ in range(1000)) / 1000 * 3, (1.0,)),
        "JAX": absent,
    }
    goals = Goal("slow", 1.0), Goal("slow", 1e-9), Goal("JAX", 1.0)
    outcome = Calls("sum", "a sum", contenders, goals).measure(QUICK)
    assert outcome.left_out == ["JAX"] and not outcome.disagreements
    assert [verdict.met for verdict in outcome.verdicts()] == [True, False, None]
    assert all(len(times.rounds) == 3 and times.first for times in outcome.times.values())
    text = report.table(outcome)
    assert "not installed" in text and "MISSED" in text
    assert json.loads(json.dumps(report.record(outcome)))["goals"][0]["met"] is True


def test_an_absence_that_is_not_a_peer_s_is_an_error() -> None:
    def broken() -> Call:
        raise ModuleNotFoundError("No module named 'numpi'", name="numpi")

    with pytest.raises(ModuleNotFoundError, match="numpi"):
        Calls("broken", "", {"jitad": broken}).measure(QUICK)


def test_programs_of_a_round_share_a_cache_by_name() -> None:
    count = (
        "from pathlib import Path; import os\n"
        "cache = Path(os.environ['JITAD_CACHE_DIR']); cache.mkdir(exist_ok=True)\n"
        "result = [len(list(cache.iterdir()))]; (cache / str(os.getpid())).touch()"
    )
    programs = {
        "first": Program("", count, cache="shared", needs="json"),
        "second": Program("", count, cache="shared", needs="json"),
        "alone": Program("", count, needs="json"),
        "absent": Program("", count, needs="no_such_module"),
    }
    outcome: Outcome = Processes("caches", "", programs).measure(QUICK)
    assert outcome.left_out == ["absent"]
    assert [line.split()[0] for line in outcome.disagreements] == ["second"]


def test_a_failing_program_shows_its_error() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        Processes("broken", "", {"jitad": Program("", "1 / 0", needs="json")}).measure(QUICK)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (1.5e-7, "150 ns"), (9.8e-6, "9.8 us"), (0.0123, "12.3 ms"), (2.0, "2 s")],
)
def test_durations_read_well(seconds: float | None, text: str) -> None:
    assert report.duration(seconds) == text


def test_names_are_distinct() -> None:
    names = [workload.name for workload in ALL]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("workload", ALL, ids=lambda workload: workload.name)
def test_every_workload_runs_and_its_contenders_agree(workload: Calls | Processes) -> None:
    outcome = workload.measure(Effort(rounds=1, span=1e-4, processes=1))
    assert not outcome.disagreements
    assert any(name.startswith("jitad") for name in outcome.times)


def test_command_line(tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "ir"), os.environ.get("PYTHONPATH", "")])
    figures = tmp_path / "figures.json"
    options = ["--quick", "--only", "call_vector", "--json", str(figures)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = json.loads(figures.read_text())["workloads"]
    assert record["name"] == "call_vector" and record["seconds"]["jitad"]["median"] > 0
