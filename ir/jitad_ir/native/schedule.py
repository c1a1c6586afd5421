"""How the loops of a kernel are nested, and which of them runs across SIMD lanes.

Fold loops are innermost. The vector loop is the innermost of the kept loops or of the fold loops:
of those two, and of all loops that could be moved there, the one along which most memory is
contiguous. One step of it covers `lanes` elements in `copies` registers of `width` lanes.

`lanes` of a fold depends on shapes and dtypes only, never on the CPU, so that the order of
additions, and with it every bit of the result, is the same on all of them; a narrower CPU uses
more registers.

A kernel that reads one array along its rows and another along its columns runs over square tiles,
so that every cache line is used up while it is near: the loop along the columns is in `order`
twice, first over blocks of `TILE`, last over the block.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..lowering import ArgReduction, Cumulative
from ..plan.columns import STRIP_BYTES, column_loop, rows_together, stride
from ..plan.index import Dynamic, leaves
from ..plan.steps import Apply, Buffer, Inside, Kernel, Number, Read
from ..processor import vector_bytes
from .interleaving import interleaved

TILE = 8
"""Iterations of the loop that runs in blocks."""
TILED_SIZE = 1 << 14
"""Iterations from which on tiles are worth their loop."""

ELEMENTWISE = 48
"""Elements that one step reads and writes one by one, each by three instructions, beyond which
narrower vectors are considered."""
BRIEF = 1 << 16
"""Values that a kernel computes in so short a time that how much code there is counts more."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Loops from the outermost to the innermost; `vector` is the number of the vector loop, None
    if the kernel runs element by element. The first `kept` of `order` are not folded over. The
    loop `tiled`, if there is one, is in `order` twice. So is the vector loop if there are strips
    (see `strips`), each of `strip` steps of it; `together` rows are folded at once then."""

    order: tuple[int, ...]
    kept: int
    vector: int | None
    width: int
    copies: int
    tiled: int | None = None
    strip: int = 0
    together: int = 1

    @property
    def lanes(self) -> int:
        """Elements of one step of the vector loop."""
        return self.width * self.copies

    def step(self, depth: int) -> int:
        """Iterations that one step of the loop at `depth` covers."""
        loop = self.order[depth]
        if loop == self.tiled:
            return TILE if loop in self.order[depth + 1 :] else 1
        if self.strip and depth == self.kept - 1:
            return self.strip * self.lanes
        return self.lanes if loop == self.vector else 1


PREFIX_BYTES = 64
"""Bytes of the lanes of one step of a running fold: the same on every CPU, as is the order in which
they are folded."""


def schedule(kernel: Kernel, buffers: tuple[Buffer, ...]) -> Schedule:
    """The nest of a kernel for this CPU."""
    lengths = kernel.lengths
    folded = kernel.folds[0].loops if kernel.folds else ()
    kept = [k for k in range(len(lengths)) if k not in folded]
    columns = column_loop(kernel)
    vector = _vector_loop(kernel, kept, list(folded)) if columns is None else columns
    if vector in kept:
        kept.remove(vector)
        kept.append(vector)
    inner = [k for k in folded if k != vector] + [k for k in folded if k == vector]
    order = (*kept, *inner)
    if vector is None:
        return Schedule(order, len(kept), None, 1, 1)
    widest = _widest_element(kernel, buffers)
    length = _power_of_two(lengths[vector])
    dear = sum(isinstance(n, Apply) and n.dear for n in kernel.nodes)
    body = len(kernel.nodes) + 20 * dear
    if vector in folded and isinstance(kernel.folds[0].lower, Cumulative):
        lanes = min(length, PREFIX_BYTES // widest)
        width = min(lanes, vector_bytes() // widest)
        return Schedule(order, len(kept), vector, width, lanes // width)
    if vector in folded:
        lanes = min(length, _fold_lanes(len(kernel.nodes), dear, widest))
        width = min(lanes, vector_bytes() // widest)
        return Schedule(order, len(kept), vector, width, lanes // width)
    width = min(length, max(vector_bytes() // widest, 1))
    if vector == columns:
        return _in_strips(kernel, order, vector, width, dear)
    copies = min(_copies(kernel, dear), length // width)
    if any(isinstance(node, Read) and _is_sought(kernel, node, vector) for node in kernel.nodes):
        copies = 1  # lane by lane, each vector is many instructions already
    apart = _apart(kernel, vector)
    # Where elements are read for their own sake, vectors are not faster.
    moving = not dear and len(kernel.nodes) <= 4 * apart
    if moving or body * math.prod(lengths) <= BRIEF:
        while width > 1 and apart * width * copies > ELEMENTWISE:
            width, copies = width // 2, 1
    tiled = None if kernel.folds else _transposed_loop(kernel, vector)
    if tiled is not None:
        # ..., blocks of the tiled loop, the vector loop, the tiled loop inside a block
        outer = [loop for loop in order if loop not in (tiled, vector)]
        order, copies = (*outer, tiled, vector, tiled), 1
        kept = list(order)
    return Schedule(order, len(kept), vector, width, copies, tiled)


def _in_strips(
    kernel: Kernel, order: tuple[int, ...], vector: int, width: int, dear: int
) -> Schedule:
    """The nest of a kernel that folds the rows of many columns."""
    nodes = len(kernel.nodes)
    together = rows_together(kernel, vector)
    copies = 2 if kernel.stores and not dear and nodes <= 16 else 1
    copies = min(copies, kernel.lengths[vector] // width)
    *outer, row = [loop for loop in order if loop != vector]
    accumulators = sum([kernel.nodes[fold.node].dtype.itemsize for fold in kernel.folds])
    steps = -(-kernel.lengths[vector] // (width * copies))
    most = max(STRIP_BYTES // (width * copies * accumulators), 1)
    strip = -(-steps // -(-steps // most))
    kept = len(outer) + 1
    return Schedule(
        (*outer, vector, row, vector), kept, vector, width, copies, None, strip, together
    )


def _apart(kernel: Kernel, vector: int) -> int:
    """Reads and writes of a kernel whose lanes are not neighbours in memory."""
    offsets = [node.offset for node in kernel.nodes if isinstance(node, Read)]
    strides = [stride(offset, vector) for offset in offsets]
    together = [store for group in interleaved(kernel, vector) for store in group]
    stores = [stride(s.offset, vector) for s in kernel.stores if s not in together]
    return sum([s not in (0, 1, -1) for s in strides]) + sum([s != 1 for s in stores])


def _copies(kernel: Kernel, dear: int) -> int:
    """Registers side by side along a kept vector loop."""
    nodes = len(kernel.nodes)
    if dear >= 4:
        # A chain of calls: others' instructions fill the time that each one waits for the last.
        return 4 if nodes <= 40 else 2 if nodes <= 120 else 1
    if kernel.folds:
        # Columns side by side, so that each step down reads whole cache lines.
        return 4 if nodes <= 24 and not dear else 2 if nodes <= 60 else 1
    return 1 if dear or nodes > 16 else 2 if nodes > 6 else 4


def _transposed_loop(kernel: Kernel, vector: int) -> int | None:
    """A loop along which memory is contiguous that is far apart along the vector loop."""
    for node in kernel.nodes:
        if isinstance(node, Read) and stride(node.offset, vector) not in (0, 1, -1, None):
            for loop, length in enumerate(kernel.lengths):
                near = loop != vector and stride(node.offset, loop) in (1, -1)
                if near and length >= 2 * TILE and length * kernel.lengths[vector] >= TILED_SIZE:
                    return loop
    return None


def _fold_lanes(nodes: int, dear: int, widest: int) -> int:
    """Accumulators of one step. With a function in it, one takes longer than the addition that the
    next one waits for, and a function that is called once is inlined."""
    lanes = 256 // widest
    return lanes // 4 if dear or nodes > 40 else lanes // 2 if nodes > 12 else lanes


def _power_of_two(length: int) -> int:
    """Greatest power of two that is not greater."""
    return 1 << (length.bit_length() - 1)


def _widest_element(kernel: Kernel, buffers: tuple[Buffer, ...]) -> int:
    """Bytes of the widest register element; parts of a complex number count singly."""
    sizes = [4]
    for node in kernel.nodes:
        dtype = node.dtype
        sizes.append(dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize)
    sizes.extend(
        8
        for fold in kernel.folds
        if fold.result.itemsize == 8 and not isinstance(fold.lower, ArgReduction)
    )
    return max(sizes)


def _vector_loop(kernel: Kernel, kept: list[int], folded: list[int]) -> int | None:
    """The loop that runs across lanes."""
    if any(isinstance(fold.lower, Cumulative) for fold in kernel.folds):
        candidates = kept + _prefix_loops(kernel)
    else:
        candidates = kept + folded
    best, best_score = None, 0.0
    for loop in candidates:
        if kernel.lengths[loop] < 2:
            continue
        score = _score(kernel, loop)
        # Short loops waste lanes and steps.
        score *= min(kernel.lengths[loop], 16) / 16
        if best is None or score >= best_score:
            best, best_score = loop, score
    return best


def _prefix_loops(kernel: Kernel) -> list[int]:
    """The loop of running folds that can go across lanes, which are then folded by doubling."""
    loops = kernel.folds[0].loops
    if len(loops) != 1:
        return []
    for fold in kernel.folds:
        dtype = kernel.nodes[fold.node].dtype
        if not isinstance(fold.lower, Cumulative) or fold.lower.identity is None:
            return []
        if dtype.kind not in "iuf" or stride(fold.offset, loops[0]) != 1:
            return []
    return list(loops)


def _score(kernel: Kernel, loop: int) -> float:
    """How well memory lies along a loop; more is better."""
    score = 0.5
    for store in kernel.stores:
        score += 3 if stride(store.offset, loop) == 1 else 0
    for fold in kernel.folds:
        if loop not in fold.loops:
            score += 0.5
    for node in kernel.nodes:
        if isinstance(node, Read):
            step = None if _is_sought(kernel, node, loop) else stride(node.offset, loop)
            score += 2 if step == 1 else 1 if step == 0 else 0
    return score


def _is_sought(kernel: Kernel, read: Read, loop: int) -> bool:
    """True if where to read is a number that the kernel computes anew along the loop."""
    found = {leaf.node for leaf in leaves(read.offset) if isinstance(leaf, Dynamic)}
    while found:
        node = kernel.nodes[found.pop()]
        if isinstance(node, Apply):
            found.update(node.operands)
        elif isinstance(node, (Read, Number, Inside)):
            index = node.offset if isinstance(node, Read) else node.index
            for leaf in leaves(index):
                if isinstance(leaf, Dynamic):
                    found.add(leaf.node)
                elif leaf.number == loop:
                    return True
    return False
