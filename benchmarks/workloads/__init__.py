"""The workloads, in the order they are measured."""

from __future__ import annotations

from benchmarks.workload import Workload
from benchmarks.workloads import calls, logistic, points, start

ALL: tuple[Workload, ...] = (
    calls.VECTOR,
    calls.SCALARS,
    calls.TREE,
    calls.EAGER,
    start.FIRST_CALL,
    start.SECOND_PROCESS,
    start.FIRST_GRADIENT,
    points.POINTS,
    logistic.GRADIENT,
)
