"""What happens to a traced program before it is planned, from top to bottom."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from ..collector import collector_paused
from ..graph import Graph
from ..text import graph_text
from ..verify import InvalidGraph, verify
from .accumulate import accumulate
from .blocking import blocking
from .cse import cse
from .dce import dce
from .derive import derive
from .fission import fission
from .forwarding import forwarding
from .hoist import hoist
from .inline import inline
from .inner_products import inner_products
from .lanes import lanes
from .ranges import ranges
from .simplify import simplify
from .specialize import specialize
from .subtotals import subtotals
from .wavefront import wavefront
from .widen import widen
from .windows import windows
from .wrapping import wrapping

PIPELINE: tuple[Callable[[Graph], Graph], ...] = (
    derive,  # derivatives and batches that were only asked for
    dce,  # so that nothing below works on dead code
    widen,  # float16 is computed in float32: before inlining, so that what ops stand for is too
    inline,  # no derivative is asked for any more: rules and checkpoints become their code
    lanes,  # no derivative any more: lanes of a loop side by side
    simplify,  # algebra, which makes more expressions alike
    specialize,  # numbers known inside of bodies
    ranges,  # what counters decide
    cse,  # forward and backward programs share many
    accumulate,  # cotangents of a few elements are added to those
    windows,  # cotangents of elements read one by one, side by side
    hoist,  # what every step of a loop computes alike
    fission,  # products of all steps as one
    forwarding,  # what a step writes and the next one reads, in registers
    wavefront,  # several rows of a table at once
    inner_products,  # behind what takes products apart or together
    simplify,  # what became visible by sharing
    dce,  # what simplification left unused
    subtotals,  # sums of all elements from those of rows
    wrapping,  # places below 0 are counted from the end where a scatter reads them
    blocking,  # passes over large arrays, block of rows by block of rows
)
"""Passes that every program goes through, in order."""
FOR_NUMPY = tuple([run for run in PIPELINE if run is not blocking])
"""Those of programs that NumPy runs, which is at its best on whole arrays."""


def optimize(graph: Graph, passes: tuple[Callable[[Graph], Graph], ...] = PIPELINE) -> Graph:
    """`graph` after `passes`. With JITAD_DEBUG_PASSES set in the environment each pass's result is
    verified, timed and printed to standard error; an invalid one raises InvalidGraph naming the
    pass."""
    if not os.environ.get("JITAD_DEBUG_PASSES"):
        with collector_paused():
            for run in passes:
                graph = run(graph)
        return graph
    return _optimize_aloud(graph, passes)


def _optimize_aloud(graph: Graph, passes: tuple[Callable[[Graph], Graph], ...]) -> Graph:
    verify(graph)
    for run in passes:
        before, start = len(graph.equations), time.perf_counter()
        graph = run(graph)
        milliseconds = 1e3 * (time.perf_counter() - start)
        name = run.__name__
        try:
            verify(graph)
        except InvalidGraph as error:
            raise InvalidGraph(f"after pass {name}: {error}") from error
        counts = f"{before} -> {len(graph.equations)} equations"
        print(f"# {name}: {counts}, {milliseconds:.2f} ms", file=sys.stderr)
        print(graph_text(graph, elide_above=16), file=sys.stderr)
    return graph
