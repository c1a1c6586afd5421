"""A call in a process of its own: its first run, and the memory of the later ones.

The library has compiled another function before, so that its start is not counted.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import measure
from benchmarks.measure import Call
from benchmarks.peers import jax_x64, jitad_library

CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
RESET_PEAK = "5"
"""proc_pid_clear_refs(5): sets the peak resident size to the present one."""
LATER_CALLS = 3


class Fresh(NamedTuple):
    """The figures of a process."""

    first: float
    """Seconds of the first call."""
    memory: int | None
    """Bytes resident at the worst moment of later ones, less those before the first: results,
    workspace, pools, and what the compiler left. None if the system does not tell."""
    start: float | None
    """Seconds of the first call until its programs run, by `jitad.config.log_compiles`: from the
    disk cache, or added up over the threads that compile. None for others than jitad."""


def resident(line: str) -> int | None:
    """Bytes in the line VmRSS or VmHWM of this process's status."""
    if not CLEAR.exists():
        return None
    for entry in STATUS.read_text().splitlines():
        if entry.startswith(line):
            return int(entry.split()[1]) * 1024
    return None


def warm_up(contender: str) -> None:
    """Start the library that the contender uses."""
    library = jax_x64 if contender.startswith("JAX") else jitad_library
    library().jit(lambda x: x + 1)(np.ones(3))


def observe(contender: str, prepare: Callable[[], Call]) -> Fresh:
    """The figures of a contender in this process, which should be new."""
    call = prepare()
    warm_up(contender)
    logged = io.StringIO()
    is_ours = contender == "jitad"
    logs = jitad_library().log_compiles() if is_ours else contextlib.nullcontext()
    gc.collect()
    before = resident("VmRSS")
    with contextlib.redirect_stderr(logged), logs:
        first, result = measure.first_call(call)
    del result
    start = logged_seconds(logged.getvalue()) if is_ours else None
    if before is None:
        return Fresh(first, None, start)
    CLEAR.write_text(RESET_PEAK)
    for _ in range(LATER_CALLS):
        call()
    return Fresh(first, (resident("VmHWM") or 0) - before, start)


def logged_seconds(text: str) -> float:
    """The times in lines of `log_compiles`, added up."""
    return sum(float(found) for found in re.findall(r"; ([\d.]+) ms: ", text)) / 1e3


def run(workload: str, contender: str, cache: Path) -> Fresh:
    """`observe` in a new process, with that directory of compiled objects."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--observe", workload, contender],
        env=measure.environment(cache),
        cwd=measure.ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{workload}, {contender} failed:\n{done.stderr}")
    return Fresh(*json.loads(done.stdout.splitlines()[-1]))
