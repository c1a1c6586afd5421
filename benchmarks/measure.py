"""How durations are taken: contenders side by side, in interleaved rounds, compared by ratio.

A machine's speed drifts by tens of percent within seconds, so absolute figures of two programs
timed one after the other do not compare. Here every round times each contender once, in an order
drawn anew, and the figure compared is the median over rounds of the ratio within a round. A turn
begins when the threads of the contender before have come to rest: those of a BLAS spin for a tenth
of a second after a product, on a core that the next one would have to share with them.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

REST = 1e-2
"""Seconds without work after which a process counts as at rest: a few ticks of the clock by which
the system counts the work of a thread that is running."""

PATIENCE = 0.5

ROOT = Path(__file__).resolve().parent.parent

NO_BYTE_CODE = "PYTHONDONTWRITEBYTECODE"
"""With it each process would compile the modules of a checkout that it imports again."""


@dataclass(frozen=True)
class Call:
    """A function and its arguments; `finish` waits for a result that is handed over unfinished.
    A turn is timed within the context that `within` makes."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    finish: Callable[[Any], Any] | None = None
    within: Callable[[], AbstractContextManager[Any]] = nullcontext

    def __call__(self) -> Any:
        result = self.function(*self.args)
        return result if self.finish is None else self.finish(result)

    def timer(self) -> timeit.Timer:
        """Times the call with nothing of ours around it: no wrapper, no unpacking of arguments."""
        names = [f"a{i}" for i in range(len(self.args))]
        statement = f"function({', '.join(names)})"
        if self.finish is not None:
            statement = f"finish({statement})"
        variables = {"function": self.function, "finish": self.finish}
        return timeit.Timer(statement, globals=variables | dict(zip(names, self.args, strict=True)))


@dataclass(frozen=True)
class Program:
    """A fresh interpreter that runs `setup`, then, timed, `timed`, which must assign `result`.

    Programs of one round that name the same `cache` share a directory of compiled objects, new in
    each round; the others have one each. `needs` is a module without which it is left out.
    """

    setup: str
    timed: str
    cache: str | None = None
    needs: str = "jitad"


@dataclass
class Times:
    """Seconds of one contender: of its first call, and of one call in each round.

    `first` is of a process of its own if `memory` (bytes) was measured, `cached` the same with what
    an earlier process compiled; `start` is the part of `cached` before its programs run.
    """

    first: float | None = None
    rounds: list[float] = field(default_factory=list)
    cached: float | None = None
    start: float | None = None
    memory: int | None = None

    @property
    def best(self) -> float:
        return min(self.rounds)

    @property
    def median(self) -> float:
        return float(np.median(self.rounds))


def ratio(ours: Times, theirs: Times) -> float:
    """Median over rounds of our time divided by theirs in that round."""
    return float(np.median(np.divide(ours.rounds, theirs.rounds)))


def first_call(call: Call) -> tuple[float, Any]:
    """Seconds and result of the first call: tracing and compiling included."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def steady(
    calls: Mapping[str, Call],
    times: Mapping[str, Times],
    rounds: int,
    span: float,
    budget: float,
) -> None:
    """Adds `rounds` rounds to `times`; a contender's turn lasts about `span` seconds.

    Fewer rounds, but at least three, if they would take more than `budget` seconds.
    """
    timers = {name: call.timer() for name, call in calls.items()}
    repeats: dict[str, int] = {}
    round_seconds = 0.0
    for name, timer in timers.items():
        number = 1
        while (seconds := timer.timeit(number)) < span / 8:
            number *= 8
        repeats[name] = max(1, round(number * span / seconds))
        round_seconds += repeats[name] * seconds / number
    draw = random.Random(0)
    for _ in range(min(rounds, max(3, int(budget / round_seconds)))):
        for name in draw.sample(list(timers), len(timers)):
            settle()
            with calls[name].within():
                if repeats[name] > 1:
                    timers[name].timeit(1 + repeats[name] // 8)  # into the caches, threads awake
                seconds = timers[name].timeit(repeats[name]) / repeats[name]
            times[name].rounds.append(seconds)


def settle() -> None:
    """Wait until no thread of this process works, for `PATIENCE` at most."""
    end = time.perf_counter() + PATIENCE
    while time.perf_counter() < end:
        before = time.process_time()
        time.sleep(REST)
        if time.process_time() - before < REST / 4:
            return


TEMPLATE = """
import json, time
{setup}
start = time.perf_counter()
{timed}
seconds = time.perf_counter() - start
print(json.dumps([seconds, [float(value) for value in result]]))
"""


def environment(cache_directory: str | Path) -> dict[str, str]:
    """Of a new process that finds this checkout, keeps its compiled objects there, and its
    byte code, as installed packages have theirs, the peers' among them."""
    path = [str(ROOT), str(ROOT / "ir"), os.environ.get("PYTHONPATH", "")]
    kept = {name: value for name, value in os.environ.items() if name != NO_BYTE_CODE}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "JITAD_CACHE_DIR": str(cache_directory),
    }


def run(program: Program, cache_directory: Path) -> tuple[float, list[float]]:
    """Seconds and result of one run of a program."""
    source = TEMPLATE.format(setup=program.setup, timed=program.timed)
    done = subprocess.run(
        [sys.executable, "-c", source],
        env=environment(cache_directory),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"the program failed:\n{source}\n{done.stderr}")
    seconds, result = json.loads(done.stdout.splitlines()[-1])
    return seconds, result


def processes(
    programs: Mapping[str, Program], rounds: int
) -> tuple[dict[str, Times], dict[str, Any]]:
    """Runs every program once in each round, in the order given; times and last results."""
    times = {name: Times() for name in programs}
    results: dict[str, Any] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="jitad-bench-") as directory:
            for name, program in programs.items():
                cache = Path(directory, program.cache or name)
                seconds, results[name] = run(program, cache)
                times[name].rounds.append(seconds)
    return times, results
