"""The benchmarks judge rightly: wrong answers are named, goals are ratios, peers may be absent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitad
from benchmarks import fresh, functions, in_torch, measure, page, reference, report, summary
from benchmarks.measure import Call, Program, Times
from benchmarks.workload import Calls, Effort, Goal, Outcome, Processes, disagreements
from benchmarks.workloads import ALL

ROOT = Path(__file__).resolve().parent.parent
QUICK = Effort(rounds=3, span=1e-4, processes=2, budget=1.0)


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


def test_the_programs_of_pytorch_are_those_of_workloads() -> None:
    assert in_torch.PROGRAMS.keys() <= {workload.name for workload in ALL}


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


def test_programs_keep_byte_code(monkeypatch: Any) -> None:
    """What a start costs is not the time that Python takes to compile the checkout's modules."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    program = Program("import sys", "result = [sys.dont_write_bytecode]", needs="sys")
    _, results = measure.processes({"python": program}, 1)
    assert results["python"] == [False]


def test_a_failing_program_shows_its_error() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        Processes("broken", "", {"jitad": Program("", "1 / 0", needs="json")}).measure(QUICK)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (1.5e-7, "150 ns"), (9.8e-6, "9.8 us"), (0.0123, "12.3 ms"), (2.0, "2 s")],
)
def test_durations_read_well(seconds: float | None, text: str) -> None:
    assert report.duration(seconds) == text


def test_limits_do_other_work() -> None:
    calls = Calls(
        "sum",
        "",
        {"jitad": lambda: Call(np.add, (1.0, 2.0))},
        (Goal("nothing", 1.0),),
        limits={"nothing": lambda: Call(lambda: None, ())},
    )
    outcome = calls.measure(QUICK)
    assert not outcome.disagreements
    assert outcome.verdicts()[0].met is False


def test_slow_contenders_get_fewer_rounds() -> None:
    times = {"slow": Times()}
    measure.steady({"slow": Call(time.sleep, (0.002,))}, times, 100, 0.001, budget=0.01)
    assert 3 <= len(times["slow"].rounds) <= 6


def test_complex_answers_are_compared() -> None:
    assert disagreements({"a": np.array([1 + 1j]), "b": np.array([1 + 2j])}, 1e-10)
    assert not disagreements({"a": np.array([1 + 1j]), "b": np.array([1 + 1j])}, 1e-10)


def test_c_is_compiled_and_called() -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    call = reference.c_call("structure", "cumsum", (4, np.arange(4.0)), (np.empty(4),))
    np.testing.assert_array_equal(call(), [0, 1, 3, 6])


def test_memory_is_that_of_the_calls() -> None:
    """A call that holds 64 MB while it runs."""
    if fresh.resident("VmRSS") is None:
        pytest.skip("the system does not tell")
    figures = fresh.observe("jitad", lambda: Call(np.ones, (8 * 10**6,)))
    assert figures.memory is not None
    assert 60e6 < figures.memory < 100e6
    assert not jitad.config.log_compiles


def record(name: str, ours: float, jax: float, c: float | None = None) -> dict[str, Any]:
    """Of medians, first calls a thousand times as long, and a megabyte each."""
    medians = {"jitad": ours, "JAX": jax} | ({} if c is None else {"C": c})
    return {
        "name": name,
        "ratios": {peer: median / ours for peer, median in medians.items()},
        "seconds": {
            peer: {
                "median": median,
                "first": 1000 * median,
                "cached": 100 * median,
                "start": 9 * median,
            }
            for peer, median in medians.items()
        },
        "memory": {peer: 10**6 for peer in medians},
    }


def test_summary_names_the_losers() -> None:
    lines = summary.text([record("won", 1.0, 8.0, 1.0), record("lost", 1.0, 0.5, 0.5)]).splitlines()
    assert "2  over 2 workloads; below 1: lost 0.5" in lines[1]
    assert "0.707  over 2 workloads; below 0.667: lost 0.5" in lines[2]
    assert lines[3].endswith("-")


def test_a_change_counts_that_the_peers_do_not_share() -> None:
    then = [record("same", 1.0, 2.0), record("worse", 1.0, 2.0), record("gone", 1.0, 2.0)]
    now = [record("same", 3.0, 6.0), record("worse", 2.0, 2.0), record("new", 1.0, 2.0)]
    lines = summary.change(now, then).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["same", "worse"]
    assert [line.endswith("slower") for line in lines[1:]] == [False, True]


def test_chart_is_drawn(tmp_path: Path) -> None:
    summary.chart([record("one", 1.0, 8.0, 1.0)], tmp_path / "chart.svg")
    assert "<svg" in (tmp_path / "chart.svg").read_text()


def test_page_is_filled_between_its_marks(tmp_path: Path, monkeypatch: Any) -> None:
    figures, document = tmp_path / "figures.json", tmp_path / "page.md"
    workloads = [record("one", 1.0, 8.0, 0.5)]
    figures.write_text(json.dumps({"machine": {"cpu": "A"}, "workloads": workloads}))
    document.write_text(f"before\n{page.BEGIN}old\n{page.END}after\n")
    monkeypatch.setattr(sys, "argv", ["page", str(figures), str(document)])
    for _ in range(2):
        page.main()
    text = document.read_text()
    assert "old" not in text and text.startswith("before") and text.endswith("after\n")
    assert "| one | 1 s | 8 |  | 0.5 |  | 1e+03 s | 100 s | 8e+03 s | 1 MB | 1 MB |" in text


@pytest.mark.slow
@pytest.mark.parametrize("function", functions.FUNCTIONS, ids=lambda function: function.name)
def test_contenders_agree_on_every_function(function: functions.Function) -> None:
    effort = Effort(rounds=1, span=1e-5, budget=0.01)
    for row in functions.rows([function.name], effort):
        assert all(row.times[dtype][functions.ONE].best > 0 for dtype in functions.DTYPES)


def test_table_of_functions_goes_into_a_page(tmp_path: Path, capsys: Any) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n{functions.BEGIN}old\n{functions.END}after\n")
    functions.main(["--quick", "--only", "hypot", "--page", str(document)])
    text = document.read_text()
    assert "old" not in text and text.startswith("before") and text.endswith("after\n")
    assert text.count("\n| hypot | [") == 2 and "float64, NumPy: " in capsys.readouterr().out


def test_a_turn_is_timed_within_its_context() -> None:
    entered: list[str] = []
    call = Call(lambda: entered.append("call"), (), within=lambda: recorded(entered))
    measure.steady({"one": call}, {"one": Times()}, 1, 1e-9, 1.0)
    assert entered.index("in") < len(entered) - 1 and entered[-1] == "out"


@contextmanager
def recorded(entered: list[str]) -> Iterator[None]:
    entered.append("in")
    yield
    entered.append("out")


def test_names_are_distinct() -> None:
    names = [workload.name for workload in ALL]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("workload", ALL, ids=lambda workload: workload.name)
def test_every_workload_runs_and_its_contenders_agree(workload: Calls | Processes) -> None:
    outcome = workload.measure(Effort(rounds=1, span=1e-4, processes=1, budget=0.1))
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
