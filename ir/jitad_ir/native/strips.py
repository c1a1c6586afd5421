"""Folds over rows, of many columns: strips of rows, with accumulators in memory.

A kernel that goes down a few columns at a time touches a piece of each row and waits for memory,
which processors fetch ahead along rows only. So the loop along the columns, the vector loop, runs
twice: outside of the fold over strips, and inside of it over a strip, with its accumulators in the
first caches:

    for each strip:   for each row:   for each step of the strip:   accumulators[step] += element

A few rows are folded at once, where that is little code. Sums of floats over more than `BLOCK` rows
are sums of blocks of rows, those again of blocks, each level in an array of its own: of n rows on l
levels some n^(1/l) numbers each are added one after the other (Higham, Accuracy and Stability of
Numerical Algorithms, 4.2). Two blocks are one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from llvmlite import ir as ll

from .folds import BLOCK, FoldState
from .lanes import call_intrinsic
from .loops import counted, integer, lanes_of, registers_of
from .pairwise import RegisterArrays

if TYPE_CHECKING:
    from .kernel import KernelEmitter, Range


def emit_strips(kernel: KernelEmitter, depth: int, part: Range | None) -> None:
    """All strips, or a part of them, inside `depth` loops."""
    plan = kernel.schedule
    count: int | ll.Value = -(-kernel.kernel.lengths[plan.order[depth]] // plan.step(depth))
    kernel.open(depth)

    def body(i: ll.Value, carried: list[ll.Value]) -> list[ll.Value]:
        if part is not None:
            i = kernel.builder.add(i, part.start, flags=("nuw", "nsw"))
        _StripFolds(kernel, i).emit()
        return carried

    counted(kernel.builder, count if part is None else part.count, [], body)
    kernel.close(depth)


class _StripFolds:
    """The folds of one kernel over one strip of columns, number `strip`."""

    def __init__(self, kernel: KernelEmitter, strip: ll.Value) -> None:
        self.kernel = kernel
        self.builder = kernel.builder
        self.state = FoldState(kernel)
        plan = kernel.schedule
        assert plan.vector is not None
        self.vector = plan.vector
        self.columns = kernel.kernel.lengths[plan.vector]
        self.row = plan.order[plan.kept]
        self.rows = kernel.kernel.lengths[self.row]
        self.depth = plan.kept
        """Loops that are open around the fold."""
        self.first = self.builder.mul(strip, integer(plan.strip), flags=("nuw", "nsw"))
        """The first step of the strip."""
        steps = -(-self.columns // plan.lanes)
        self.steps: ll.Value | int = plan.strip
        if steps % plan.strip:
            left = self.builder.sub(integer(steps), self.first)
            self.steps = call_intrinsic(self.builder, "llvm.smin", [left, integer(plan.strip)])

    def emit(self) -> None:
        """The loops over rows and columns, and the stores of the results."""
        together = self.kernel.schedule.together
        self.groups, rest = divmod(self.rows, together)
        self.counts = self._counts()
        like = registers_of(self.state.start())
        self.arrays = [
            RegisterArrays(self.builder, like, self.kernel.schedule.strip) for _ in self.counts
        ]
        self.kernel.open(self.depth)
        self._fold(0, integer(0), self.groups)
        if rest:  # the rows behind the last group
            self.kernel.open(self.depth)
            self._sweep(0, integer(self.groups * together), rest)
        self._finish()
        self.kernel.close(self.depth)

    def _counts(self) -> tuple[int, ...]:
        """How many results of the next level each level folds; of the last, groups of rows."""
        nodes, folds = self.kernel.kernel.nodes, self.kernel.kernel.folds
        block = BLOCK // self.kernel.schedule.together
        blocks = -(-self.groups // block)
        if blocks <= 2 or not any(nodes[fold.node].dtype.kind in "fc" for fold in folds):
            return (self.groups,)
        if blocks <= BLOCK:
            return (blocks, block)
        outer = math.isqrt(blocks - 1) + 1
        return (outer, -(-blocks // outer), block)

    def _fold(self, level: int, begin: ll.Value, groups: int | None) -> None:
        """Fold into the array of a level as many groups as it takes, from `begin` on; `groups` says
        how many there are, if it is known."""
        builder = self.builder
        unit = math.prod(self.counts[level + 1 :])
        most = self.counts[level]
        count: int | ll.Value
        if groups is not None:
            count = min(most, -(-groups // unit))
        elif self.groups % (most * unit) == 0:
            count = most
        else:
            left = builder.sub(integer(self.groups + unit - 1), begin)
            count = builder.udiv(left, integer(unit)) if unit > 1 else left
            count = call_intrinsic(builder, "llvm.umin", [count, integer(most)])
        start = registers_of(self.state.start())
        self._each(lambda step: self.arrays[level].store(step, start))

        def body(i: ll.Value, carried: list[ll.Value]) -> list[ll.Value]:
            place = builder.mul(i, integer(unit), flags=("nuw", "nsw")) if unit > 1 else i
            place = builder.add(begin, place, flags=("nuw", "nsw"))
            if level == len(self.counts) - 1:
                together = self.kernel.schedule.together
                place = builder.mul(place, integer(together), flags=("nuw", "nsw"))
                self._sweep(level, place, together)
            else:
                self._fold(level + 1, place, None)
                self._each(lambda step: self._merge(level, step))
            return carried

        counted(builder, count, [], body)

    def _each(self, body: Callable[[ll.Value], None]) -> None:
        """`body(step)` for each step of the strip."""

        def carrying(step: ll.Value, carried: list[ll.Value]) -> list[ll.Value]:
            body(step)
            return carried

        counted(self.builder, self.steps, [], carrying)

    def _merge(self, level: int, step: ll.Value) -> None:
        """Fold what the next level has for a step into that of a level."""
        like = self.state.start()
        x, y = (lanes_of(like, array.load(step)) for array in self.arrays[level : level + 2])
        self.arrays[level].store(step, registers_of(self.state.merged(x, y)))

    def _sweep(self, level: int, first: ll.Value, rows: int) -> None:
        """Fold `rows` rows from number `first` on, in all columns, into the array of a level."""
        kernel, inside = self.kernel, self.depth + 1
        kernel.counters[self.row] = first
        kernel.emit_nodes(inside)
        kernel.open(inside)
        like = self.state.start()
        array = self.arrays[level]

        def body(step: ll.Value) -> None:
            self._enter(step)
            held = lanes_of(like, array.load(step))
            for row in range(rows):
                kernel.ahead = {self.row: row} if row else {}
                kernel.emit_nodes(inside + 1)
                held = self.state.body(held, range(kernel.schedule.copies), None)
            array.store(step, registers_of(held))

        self._each(body)
        kernel.seen, kernel.ahead = None, {}
        kernel.close(inside)

    def _enter(self, step: ll.Value) -> None:
        """Set the counter of the columns to the first one of a step of the strip."""
        kernel, lanes = self.kernel, self.kernel.schedule.lanes
        number = self.builder.add(self.first, step, flags=("nuw", "nsw"))
        start = kernel.step_start(number, self.columns, lanes)
        kernel.counters[self.vector] = start
        if kernel.in_place and self.columns % lanes:
            done = self.builder.mul(number, integer(lanes), flags=("nuw", "nsw"))
            kernel.seen = self.builder.sub(done, start)

    def _finish(self) -> None:
        """Store the results."""
        kernel, inside = self.kernel, self.depth + 1
        kernel.open(self.depth)
        kernel.open(inside)
        like = self.state.start()

        def body(step: ll.Value) -> None:
            self._enter(step)
            self.state.finish(lanes_of(like, self.arrays[0].load(step)))

        self._each(body)
        kernel.seen = None
