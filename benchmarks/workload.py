"""What a workload is: contenders that must agree, and the ratios jitad is to reach."""

from __future__ import annotations

import importlib.util
import statistics
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks import fresh, measure
from benchmarks.measure import Call, Program, Times

PEERS = ("jax", "jaxlib", "autograd", "casadi", "numba", "torch", "cc", "c++")
"""What may be missing: libraries, and compilers of C and C++."""
COMPILERS = ("jitad", "JAX")
"""The contenders that are observed in processes of their own."""


@dataclass(frozen=True)
class Goal:
    """`ours` takes at most `at_most` times as long as `theirs`."""

    theirs: str
    at_most: float
    ours: str = "jitad"


@dataclass(frozen=True)
class Effort:
    """How long to measure: rounds, seconds a turn, and rounds of fresh processes.

    Slow contenders get fewer rounds, at least three, so that a workload takes about `budget`
    seconds.
    """

    rounds: int = 31
    span: float = 0.005
    processes: int = 5
    budget: float = 5.0
    fresh: int = 0
    """Runs of each compiling contender in a process of its own, for first calls and memory."""


@dataclass(frozen=True)
class Verdict:
    """A goal, and the ratio seen; none if a contender is not installed."""

    goal: Goal
    seen: float | None

    @property
    def met(self) -> bool | None:
        return None if self.seen is None else self.seen <= self.goal.at_most


@dataclass
class Outcome:
    """What one workload gave."""

    workload: Workload
    times: dict[str, Times]
    disagreements: list[str]
    left_out: list[str] = field(default_factory=list)

    def verdicts(self) -> list[Verdict]:
        return [
            Verdict(
                goal,
                measure.ratio(self.times[goal.ours], self.times[goal.theirs])
                if goal.ours in self.times and goal.theirs in self.times
                else None,
            )
            for goal in self.workload.goals
        ]


class Workload(Protocol):
    """A named comparison. The first contender is jitad: the one the others are divided by."""

    @property
    def name(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def goals(self) -> tuple[Goal, ...]: ...
    def measure(self, effort: Effort) -> Outcome: ...


@dataclass(frozen=True)
class Calls:
    """Contenders called again and again in this process.

    Each value prepares a call, unmeasured; one whose library is not installed is left out.
    `limits` do other work and are timed alongside: their answers are not compared.
    """

    name: str
    about: str
    contenders: Mapping[str, Callable[[], Call]]
    goals: tuple[Goal, ...] = ()
    tolerance: float = 1e-10
    limits: Mapping[str, Callable[[], Call]] = field(default_factory=dict)
    compiles: bool = True
    """Whether first calls compile, so that they are worth a process of their own."""

    def measure(self, effort: Effort) -> Outcome:
        calls: dict[str, Call] = {}
        left_out: list[str] = []
        for name, prepare in (*self.contenders.items(), *self.limits.items()):
            try:
                calls[name] = prepare()
            except ModuleNotFoundError as error:
                if error.name not in PEERS:
                    raise
                left_out.append(name)
        times, wrong = self._first_calls(calls)
        measure.steady(calls, times, effort.rounds, effort.span, effort.budget)
        if effort.fresh and self.compiles:
            self._observe(times, effort.fresh)
        return Outcome(self, times, wrong, left_out)

    def _first_calls(self, calls: Mapping[str, Call]) -> tuple[dict[str, Times], list[str]]:
        """Their times, and what is wrong with the results, which are then dropped."""
        times: dict[str, Times] = {}
        results: dict[str, Any] = {}
        for name, call in calls.items():
            seconds, result = measure.first_call(call)
            times[name] = Times(first=seconds)
            if name in self.contenders:
                results[name] = result
        return times, disagreements(results, self.tolerance)

    def _observe(self, times: Mapping[str, Times], rounds: int) -> None:
        """First calls and memory, of processes of their own. Of the times the least: what else the
        machine does only ever adds to the one call of a process. Of memory the median."""
        seen: dict[str, list[fresh.Fresh]] = {n: [] for n in times if n in COMPILERS}
        again: list[fresh.Fresh] = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory(prefix="jitad-bench-") as cache:
                for name, figures in seen.items():
                    figures.append(fresh.run(self.name, name, Path(cache)))
                again.append(fresh.run(self.name, "jitad", Path(cache)))
        for name, figures in seen.items():
            times[name].first = min(each.first for each in figures)
            sizes = [each.memory for each in figures if each.memory is not None]
            times[name].memory = round(statistics.median(sizes)) if sizes else None
        times["jitad"].cached = min(each.first for each in again)
        times["jitad"].start = min(each.start or 0.0 for each in again)


@dataclass(frozen=True)
class Processes:
    """Contenders that each take a fresh process: first calls and starts."""

    name: str
    about: str
    contenders: Mapping[str, Program]
    goals: tuple[Goal, ...] = ()
    tolerance: float = 1e-10

    def measure(self, effort: Effort) -> Outcome:
        found = {n: p for n, p in self.contenders.items() if importlib.util.find_spec(p.needs)}
        times, results = measure.processes(found, effort.processes)
        left_out = [name for name in self.contenders if name not in found]
        return Outcome(self, times, disagreements(results, self.tolerance), left_out)


def leaves(tree: Any) -> Iterable[np.ndarray]:
    """The arrays of nested tuples, lists and dicts, in the order of keys."""
    if isinstance(tree, dict):
        for key in sorted(tree):
            yield from leaves(tree[key])
    elif isinstance(tree, tuple | list):
        for branch in tree:
            yield from leaves(branch)
    else:
        array = np.asarray(tree)
        yield array.astype(complex if array.dtype.kind == "c" else float, copy=False).ravel()


def disagreements(results: Mapping[str, Any], tolerance: float) -> list[str]:
    """The contenders whose answer is not the first one's, and by how much."""
    (reference, first), *others = results.items()
    expected = list(leaves(first))
    found: list[str] = []
    for name, result in others:
        got = list(leaves(result))
        if [a.size for a in got] != [a.size for a in expected]:
            found.append(f"{name} gives other shapes than {reference}")
            continue
        errors = [abs(a - b) / (1 + abs(b)) for a, b in zip(got, expected, strict=True)]
        error = np.max([np.max(each, initial=0.0) for each in errors])
        if not error <= tolerance:  # a nan disagrees
            found.append(f"{name} differs from {reference} by {error:.1e}")
    return found
