"""Outcomes as a table for people and as JSON for programs."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.workload import Outcome

CPU = Path("/proc/cpuinfo")
LIBRARIES = ("numpy", "scipy", "llvmlite", "jax", "autograd", "casadi", "numba", "torch")


def duration(seconds: float | None) -> str:
    """Three significant digits in a unit that fits."""
    if seconds is None:
        return "-"
    for unit, scale in (("ns", 1e9), ("us", 1e6), ("ms", 1e3)):
        if seconds * scale < 999.5:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def size(count: int | None) -> str:
    """Bytes in megabytes (1e6)."""
    return "-" if count is None else f"{count / 1e6:.3g} MB"


def processor() -> str:
    """The model in the maker's words, if the system tells."""
    for line in CPU.read_text().splitlines() if CPU.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    versions: dict[str, str] = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {"platform": sys.platform, "cpu": processor(), "cores": os.cpu_count()} | versions


def table(outcome: Outcome) -> str:
    """One line for each contender, its ratio to the first one, then goals and disagreements."""
    head = f"{'':34}{'first call':>12}{'cached':>12}{'median':>12}{'ratio':>10}{'memory':>10}"
    lines = [f"{outcome.workload.name}: {outcome.workload.about}", head]
    ours = next(iter(outcome.times.values()))
    for name, times in outcome.times.items():
        figures = [duration(t) for t in (times.first, times.cached, times.median)]
        share = f"{measure.ratio(times, ours):.3g}"
        lines.append(
            f"  {name:32}{''.join(f'{figure:>12}' for figure in figures)}{share:>10}"
            f"{size(times.memory):>10}"
        )
    lines += [f"  {name:32}{'not installed':>12}" for name in outcome.left_out]
    for verdict in outcome.verdicts():
        goal = verdict.goal
        seen = "not measured" if verdict.seen is None else f"{verdict.seen:.3g}"
        said = {None: "-", True: "met", False: "MISSED"}[verdict.met]
        lines.append(
            f"  goal: {goal.ours} / {goal.theirs} <= {goal.at_most:g}; seen {seen}: {said}"
        )
    lines += [f"  DISAGREES: {line}" for line in outcome.disagreements]
    return "\n".join(lines)


def record(outcome: Outcome) -> dict[str, Any]:
    """The outcome in plain values: seconds, bytes, and ratios to the first contender."""
    ours = next(iter(outcome.times.values()))
    return {
        "name": outcome.workload.name,
        "about": outcome.workload.about,
        "seconds": {
            name: {
                "first": times.first,
                "cached": times.cached,
                "start": times.start,
                "median": times.median,
                "best": times.best,
                "rounds": times.rounds,
            }
            for name, times in outcome.times.items()
        },
        "ratios": {name: measure.ratio(times, ours) for name, times in outcome.times.items()},
        "memory": {name: times.memory for name, times in outcome.times.items()},
        "goals": [
            {
                "ours": verdict.goal.ours,
                "theirs": verdict.goal.theirs,
                "at_most": verdict.goal.at_most,
                "seen": verdict.seen,
                "met": verdict.met,
            }
            for verdict in outcome.verdicts()
        ],
        "not_installed": outcome.left_out,
        "disagreements": outcome.disagreements,
    }
