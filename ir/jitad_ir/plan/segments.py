"""Where conditions on a loop counter divide the loop.

In `concatenate(a, b)` the counter decides which operand is read. Left in the kernel, the condition
costs a masked read of both for every element. Cut at the joint, each part reads one of them.
"""

from __future__ import annotations

from .index import Counter, Position
from .steps import Inside, Kernel

MIN_RUN = 64
"""Elements of the innermost loops that a part must have on average, unless the parts lie one
after the other in all of the iteration space."""
MAX_PARTS = 64
"""Parts of one loop, unless they are unrolled."""
UNROLL = 256
"""Iterations up to which a kernel of many small parts becomes straight-line code, and nodes that
this may have if none of them falls away: at the border of a stencil hardly any does, and short
loops are as fast."""


def cut(kernel: Kernel, lengths: list[int]) -> tuple[int, list[tuple[int, int]]] | None:
    """A loop to be divided and its parts (start, length); None if none is worth it."""
    folded = {loop for fold in kernel.folds for loop in fold.loops}
    cuts: dict[int, set[int]] = {}
    for node in kernel.nodes:
        if isinstance(node, Inside):
            _note(node.index, node.low, node.high, cuts)
    size = 1
    for n in lengths:
        size *= n
    outer = 1
    for loop, length in enumerate(lengths):
        edges = sorted(k for k in cuts.get(loop, ()) if 0 < k < length)
        if edges and loop not in folded:
            parts = len(edges) + 1
            is_short = length < 8 * parts and length * len(kernel.nodes) <= UNROLL
            if parts > 2 and size == length and is_short:
                return loop, [(k, 1) for k in range(length)]
            run = size // outer // parts
            if parts <= MAX_PARTS and (outer == 1 or run >= MIN_RUN):
                return loop, _parts(edges, length)
        outer *= length
    return None


def _parts(edges: list[int], length: int) -> list[tuple[int, int]]:
    starts = [0, *edges]
    ends = [*edges, length]
    return [(start, end - start) for start, end in zip(starts, ends, strict=True)]


def _note(index: Position, low: int, high: int, cuts: dict[int, set[int]]) -> None:
    """Where low <= c i + o < high begins and ends to hold, if the index has that form."""
    if isinstance(index, int) or len(index.terms) != 1:
        return
    ((atom, c),) = index.terms
    if not isinstance(atom, Counter):
        return
    found = cuts.setdefault(atom.number, set())
    if c > 0:
        found.update(-(-(bound - index.offset) // c) for bound in (low, high))
    else:
        # c i + o < bound from i = floor((bound - o) / c) + 1 on
        found.update((bound - index.offset) // c + 1 for bound in (low, high))
