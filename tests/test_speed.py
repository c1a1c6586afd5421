"""The goals of the benchmarks hold, against the peers that are installed."""

from __future__ import annotations

import pytest

from benchmarks.workload import Effort, Verdict, Workload
from benchmarks.workloads import ALL

pytestmark = pytest.mark.timing
TRIES = 3
EFFORT = Effort(rounds=15, span=0.002, processes=3, budget=3.0)


@pytest.mark.parametrize("workload", ALL, ids=lambda workload: workload.name)
def test_goals(workload: Workload) -> None:
    """Met in one of three tries: noise makes a ratio worse for a while, never better for long."""
    missed: list[Verdict] = []
    measured = False
    for _ in range(TRIES):
        verdicts = workload.measure(EFFORT).verdicts()
        measured = any(verdict.seen is not None for verdict in verdicts)
        missed = [verdict for verdict in verdicts if verdict.met is False]
        if not missed:
            break
    if not measured:
        pytest.skip("none of the peers it is compared with is installed")
    assert not missed, missed
