"""Kernels that fold the rows of arrays of many columns: which they are.

They go over rows, with an accumulator for each column in memory (see `native/strips`), and where
that takes long they are divided into parts of rows. Shapes and dtypes alone decide.
"""

from __future__ import annotations

from math import prod

from ..lowering import Reduction
from .index import Counter, Index, Position, leaves
from .steps import Apply, Constant, Kernel, Node, Read

NARROW = 256
"""Bytes of a row whose accumulators are registers: all of it is read at once."""

FEW_ROWS = 16
"""Rows below which their pieces, side by side, are fetched ahead."""

SMALL = 1 << 14
"""Elements that lie in a cache in whatever order they are read."""

STRIP_BYTES = 1 << 15
"""Bytes of the accumulators of a strip of columns, of which there may be three arrays on the stack
of a call."""

TOGETHER = 8
"""Rows that are folded at once, at most: each is a stream from memory."""

SHORT = 3 << 10
"""Bytes of rows that are not folded several at once out of memory: they would be fetched ahead in
pieces only. Of longer ones, pieces are fetched as fast from a cache, if they are of one array."""

LARGE = 1 << 22
"""Bytes of an array that is not in the second cache."""

HUGE = 3 << 22
"""Bytes of an array that may be in no cache."""


def rows_together(kernel: Kernel, loop: int) -> int:
    """How many rows of the column loop `loop` are folded at once: where little happens to an
    element, that its accumulator is read and written for several rows. If there are none left over,
    there is no code for these."""
    nodes = len(kernel.nodes)
    if kernel.stores or nodes > 4 or not all(_is_cheap(node, loop) for node in kernel.nodes):
        return 1
    (row,) = kernel.folds[0].loops
    width = max([node.dtype.itemsize for node in kernel.nodes])
    if kernel.lengths[loop] * width < SHORT and prod(kernel.lengths) * width >= LARGE:
        return 1
    most = TOGETHER if nodes <= 2 else TOGETHER // 2
    even = [n for n in range(most, most // 2, -1) if kernel.lengths[row] % n == 0]
    return even[0] if even else most


def _is_cheap(node: Node, loop: int) -> bool:
    """Whether a node is the same in each row but for where it is read."""
    if isinstance(node, Apply):
        return not node.dear
    if isinstance(node, Read):
        return node.mask is None and stride(node.offset, loop) == 1 and _is_affine(node.offset)
    return isinstance(node, Constant)


def _is_affine(position: Position) -> bool:
    return isinstance(position, int) or all(isinstance(a, Counter) for a, _ in position.terms)


def column_loop(kernel: Kernel) -> int | None:
    """The loop along the columns, if a kernel folds the rows of many."""
    if not kernel.folds or prod(kernel.lengths) < SMALL or len(kernel.folds[0].loops) != 1:
        return None
    (row,) = kernel.folds[0].loops
    if kernel.lengths[row] < FEW_ROWS:
        return None
    if not all(isinstance(fold.lower, Reduction) for fold in kernel.folds):
        return None
    widths = [kernel.nodes[fold.node].dtype.itemsize for fold in kernel.folds]
    if any(kernel.nodes[fold.node].dtype.kind == "b" for fold in kernel.folds):
        return None
    for loop, length in enumerate(kernel.lengths):
        if loop != row and length * max(widths) > NARROW and _lies_along(kernel, loop, row):
            wide = length * max(widths) > SHORT
            few = kernel.lengths[row] < 2 * FEW_ROWS
            cached = few or prod(kernel.lengths) * max(widths) < HUGE
            return None if wide and cached and _is_one_stream(kernel, row) else loop
    return None


def _is_one_stream(kernel: Kernel, row: int) -> bool:
    """Whether one array is read, and folded at once."""
    streams = [n for n in kernel.nodes if isinstance(n, Read) and stride(n.offset, row) != 0]
    dear = any(isinstance(node, Apply) and node.dear for node in kernel.nodes)
    return len(streams) == 1 and len(kernel.nodes) <= 4 and not (kernel.stores or dear)


def _lies_along(kernel: Kernel, loop: int, row: int) -> bool:
    """Whether memory is contiguous along a loop, and a row of it behind the other."""
    reads = [node.offset for node in kernel.nodes if isinstance(node, Read)]
    writes = [write.offset for write in (*kernel.stores, *kernel.folds)]
    if not all(stride(offset, loop) in (0, 1) for offset in reads):
        return False
    if not all(stride(offset, loop) == 1 for offset in writes):
        return False
    return any(stride(offset, loop) == 1 and stride(offset, row) for offset in reads)


def stride(position: Position, loop: int) -> int | None:
    """Coefficient of a counter in an index; None if the index is not affine in it."""
    if isinstance(position, int):
        return 0
    found: int | None = 0
    for atom, c in position.terms:
        if isinstance(atom, Counter):
            if atom.number == loop and found is not None:
                found += c
        elif any(
            isinstance(leaf, Counter) and leaf.number == loop
            for leaf in leaves(Index(((atom, 1),), 0))
        ):
            found = None
    return found
