"""The two hot paths, the call and the start, come near their goals against the peers installed.

Whether the goals themselves are met is for `make bench`, on a machine that does nothing else.
"""

from __future__ import annotations

import pytest

from benchmarks.workload import Effort, Verdict, Workload
from benchmarks.workloads import calls, logistic, points, start

pytestmark = pytest.mark.timing
TRIES = 3
SLACK = 2.0
"""What neighbours may add to a ratio for as long as a test lasts: a start waits for the disk and
compiles on all cores."""
GUARDED = (
    calls.VECTOR,
    calls.SCALARS,
    calls.TREE,
    calls.EAGER,
    start.FIRST_CALL,
    start.SECOND_PROCESS,
    points.POINTS,
    logistic.GRADIENT,
)
EFFORT = Effort(rounds=15, span=0.002, processes=3, budget=3.0)


@pytest.mark.parametrize("workload", GUARDED, ids=lambda workload: workload.name)
def test_goals_are_near(workload: Workload) -> None:
    """In one of three tries: noise makes a ratio worse for a while, never better for long."""
    missed: list[Verdict] = []
    measured = False
    for _ in range(TRIES):
        verdicts = workload.measure(EFFORT).verdicts()
        measured = any(verdict.seen is not None for verdict in verdicts)
        missed = [each for each in verdicts if each.seen and each.seen > SLACK * each.goal.at_most]
        if not missed:
            break
    if not measured:
        pytest.skip("none of the peers it is compared with is installed")
    assert not missed, missed
