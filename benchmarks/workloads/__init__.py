"""The workloads, in the order they are measured."""

from __future__ import annotations

from benchmarks.workload import Workload
from benchmarks.workloads import (
    calls,
    convolutions,
    derivatives,
    elementwise,
    exported,
    linear_algebra,
    logistic,
    loops,
    ode,
    order,
    points,
    products,
    reductions,
    sampling,
    sparse,
    spectra,
    start,
    structure,
)

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
    *elementwise.ALL,
    *reductions.ALL,
    *products.ALL,
    *convolutions.ALL,
    *derivatives.ALL,
    *sparse.ALL,
    *exported.ALL,
    *structure.ALL,
    *order.ALL,
    *linear_algebra.ALL,
    *sampling.ALL,
    *spectra.ALL,
    *ode.ALL,
    *loops.ALL,
)
