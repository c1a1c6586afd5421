"""Groups of equations that work row by row, each of which may become a loop over blocks of rows.

Whether it is worth a loop, how many rows a block has, and how what is read outside gets there: see
`blocking`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeGuard

from ..graph import Equation, Value
from ..lowering import Elementwise, Pull, Reduction
from ..types import Shape
from .row_loop import Group, RowLoop
from .rows import Reads, folds_rows, is_view, leading_batch_axes, needs_memory, reads_of

LARGE = 1 << 18
"""Bytes of an array from which on to go over it twice is worth avoiding: about what stays in the
second cache from one pass to the next."""
BLOCK = 1 << 13
"""Bytes of the longest rows of a block, about: all that a step works on is to fit in the first
cache."""
LONGEST = 1 << 19
"""Bytes of a row up to which a step finds it in the second cache."""
LONGEST_FOLDED = 1 << 21
"""Bytes of the longest rows of a block up to which it has enough rows to fold them beforehand: if
not in the second cache, it is found in the third."""
LONGEST_OF_PRODUCTS = 1 << 22
"""The same where matrices are multiplied row by row, or functions computed: all is better than to
have them in memory."""
FOLDED = 8
"""Rows of a block from which on it is worth folding them before the others."""
LONGEST_OF_FUNCTIONS = 1 << 23
"""Bytes of blocks whose rows are folded beforehand, if functions are computed of them, which other
passes would compute again or read from memory."""
FOLDED_OF_FUNCTIONS = 4
"""Rows of such a block; the loop has `STEPS` steps at least, to be shared out."""
STEPS = 16
"""Steps of a loop, at least, if there are that many rows."""
SHORTEST = 1 << 10
"""Bytes of the longest rows of a block, at least: a step costs something."""
MOST_ROWS = 1 << 10
"""Rows of a block."""
FEW = 16
"""Elements of a row up to which a fold of it is done where it is read."""
CHEAP = 8
"""Elementwise operations that are done again outside, at most, rather than stored."""


class Grouped(NamedTuple):
    """What is known of all equations of a graph."""

    rows: Shape
    made_by: Mapping[Value, Equation]
    reads: Mapping[Equation, Reads]
    """Of the equations that work row by row."""
    level: Mapping[Value, int]


class Candidate:
    """Equations that work row by row, to become a loop."""

    def __init__(
        self,
        grouped: Grouped,
        equations: list[Equation],
        users: Mapping[Value, Sequence[Equation | None]],
    ) -> None:
        self.grouped = grouped
        self.rows = grouped.rows
        self.equations = equations
        self.users = users
        self.members = set(equations)
        self.row_bytes = max([eq.outputs[0].type.nbytes for eq in equations])
        self.row_bytes //= math.prod(self.rows)
        self.dear = any(map(_is_dear, equations))
        self.folded = FOLDED
        """Rows of a block from which on it is worth folding them before the others."""
        self.again: list[Equation] = []
        """Equations that are done again outside."""
        self.beside: list[Equation] = []
        """Equations outside that fold the rows of an array that the group reads."""
        self.folds: list[Equation] = []
        """Equations outside that fold the rows of a value of the group, or of one it reads."""
        self.stored: list[Value] = []
        """Values that are read outside."""
        self.size = 0
        """Rows of a block."""

    def has_folds(self) -> bool:
        """Whether a large array is folded along its rows."""
        return any(map(is_long_fold, self.equations))

    def is_worth(self) -> bool:
        """Whether the equations pass over a large array more than once and there are blocks for
        it."""
        folds = [u for eq in self.equations for u in self._others(eq) if self._folds(u)]
        folds += self.beside
        again = self._passes_again()
        if not (again or (folds and self._passes_beside(folds))):
            return False
        if any([self._is_spread_out(v) for v in self._sources()]):
            return False
        wide = any([self._left(fold) > 1 for fold in folds])
        products = any([leading_batch_axes(eq) for eq in self.equations])
        longest = LONGEST_FOLDED if wide else LONGEST
        if products or (self.dear and not wide and math.prod(self.rows) >= STEPS):
            longest = LONGEST_OF_PRODUCTS
        elif self.dear and wide and self._has_very_long_rows():
            longest, self.folded = LONGEST_OF_FUNCTIONS, FOLDED_OF_FUNCTIONS
        self.size = _block_size(self.rows, self.row_bytes, longest, self.folded if wide else 1)
        return self.size > 0 and (again or any([self._left(f) <= self.size for f in folds]))

    def _has_very_long_rows(self) -> bool:
        """Whether rows are so long that as few as there can be make a block, and many enough."""
        enough = math.prod(self.rows) >= STEPS * FOLDED_OF_FUNCTIONS
        return enough and FOLDED * self.row_bytes > LONGEST_FOLDED

    def _is_formed(self, value: Value) -> bool:
        """Whether a value is a view, which kernels form of what is in memory."""
        eq = self.grouped.made_by.get(value)
        return eq is not None and is_view(eq)

    def _others(self, eq: Equation) -> list[Equation | None]:
        """Who reads the result of a member outside."""
        users = self.users.get(eq.outputs[0], ())
        return [u for u in users if u is None or u not in self.members]

    def _passes_again(self) -> bool:
        """Whether a large array is read again after a fold that had to end first."""
        passes: dict[Value, int] = {}
        """Folds along rows that have to end before a value can be computed, one after the other."""
        first: dict[Value, int] = {}
        """The same, of when a large array is in the cache first."""
        for eq in self.equations:
            (out,) = eq.outputs
            number = max([passes.get(v, 0) for v in eq.operands], default=0)
            if not is_view(eq):
                large = [v for v in eq.operands if self._is_large(v) and not self._is_formed(v)]
                if any([number > first.setdefault(v, number) for v in large]):
                    return True
            passes[out] = number + is_long_fold(eq)
            if self._is_large(out) and not is_view(eq):
                first[out] = number
        return False

    def take_beside(self, folds: list[Equation]) -> None:
        """Take those that fold what the group reads out of `folds`."""
        sources = set(self._sources())
        self.beside = [eq for eq in folds if eq.operands[0] in sources]
        folds[:] = [eq for eq in folds if eq.operands[0] not in sources]
        nbytes = [eq.operands[0].type.nbytes for eq in self.beside]
        self.row_bytes = max([self.row_bytes, *[n // math.prod(self.rows) for n in nbytes]])

    def _passes_beside(self, folds: Sequence[Equation]) -> bool:
        """Whether folds of all rows go over a large array that a fold along rows goes over."""
        read: dict[Value, set[Value]] = {}
        """Large arrays from which each value is computed in one pass."""

        def arrays(value: Value) -> set[Value]:
            return read.get(value, {value} if self._is_large(value) else set())

        along: set[Value] = set()
        for eq in self.equations:
            found = set[Value]().union(*map(arrays, eq.operands))
            if is_long_fold(eq):
                along |= found
            if isinstance(eq.op.lower, Elementwise) or is_view(eq):
                read[eq.outputs[0]] = found
        return any([not along.isdisjoint(arrays(fold.operands[0])) for fold in folds])

    def _sources(self) -> Iterator[Value]:
        """What is read row by row and does not come from the group."""
        for eq in self.equations:
            for value, by_rows in zip(eq.operands, self.grouped.reads[eq], strict=True):
                if by_rows and self.grouped.made_by.get(value) not in self.members:
                    yield value

    def _is_spread_out(self, value: Value) -> bool:
        """Whether a large array is only in memory if a loop reads its rows: a view of other rows,
        whose elements kernels take from where they are."""
        eq = self.grouped.made_by.get(value)
        if eq is None or not eq.operands or not isinstance(eq.op.lower, Pull):
            return False
        return self._is_large(value) and reads_of(eq, self.rows) is None

    def _is_large(self, value: Value) -> bool:
        """Whether going over it takes time."""
        return value.type.nbytes >= LARGE and not self._is_small(value)

    @property
    def level(self) -> int:
        """The level of all of its equations."""
        return self.grouped.level[self.equations[0].outputs[0]]

    def leave(self, work: dict[Value, int]) -> None:
        """Decide how what is read outside gets there. `work` tells in how many elementwise
        operations values of groups of lower levels are computed from what is stored."""
        wanted: set[Value] = set()
        in_memory: set[Value] = set()
        for eq in self.equations:
            (out,) = eq.outputs
            readers = self._others(eq)
            for reader in readers:
                if self._folds(reader) and self._left(reader) <= self.size:
                    self.folds.append(reader)
                else:
                    wanted.add(out)
            work[out] = sum([work.get(v, 0) for v in eq.operands]) + _own_work(eq)
            is_dear = out in wanted and work[out] > CHEAP and not is_view(eq)
            if is_dear or self._is_small(out) or any([needs_memory(u) for u in readers]):
                in_memory.add(out)
                work[out] = 0
        self.folds += [fold for fold in self.beside if self._left(fold) <= self.size]
        inside = {v for fold in self.folds for v in fold.operands}
        for eq in reversed(self.equations):
            (out,) = eq.outputs
            if out in wanted and self._is_left(eq, work[out], out in in_memory, out in inside):
                self.again.append(eq)
                wanted.update(eq.operands)
            elif out in wanted:
                self.stored.append(out)
                inside.update(eq.operands)
            if out in inside:
                inside.update(eq.operands)
        self.again.reverse()

    def _is_left(self, eq: Equation, work: int, in_memory: bool, inside: bool) -> bool:
        """Whether what is read outside is computed there: if the loop has no use for it."""
        if is_view(eq):
            return True
        if self._is_small(eq.outputs[0]):
            return not inside and isinstance(eq.op.lower, Elementwise)
        return not in_memory and work <= CHEAP

    def _is_small(self, value: Value) -> bool:
        return 8 * value.type.nbytes < self.row_bytes * math.prod(self.rows)

    def _folds(self, eq: Equation | None) -> TypeGuard[Equation]:
        """Whether a reader folds all rows of a large array."""
        return eq is not None and folds_rows(eq, self.rows) and not self._is_small(eq.operands[0])

    def _left(self, fold: Equation) -> float:
        """From how many rows on what a fold of them leaves is `folded` times smaller than they."""
        rows = fold.operands[0].type.nbytes / math.prod(self.rows)
        return self.folded * fold.outputs[0].type.nbytes / rows

    def formed(self) -> Iterator[Equation]:
        """Equations whose results other loops compute from what is stored."""
        yield from [eq for eq in self.again if not self._is_small(eq.outputs[0])]

    def replacement(self, formed: set[Equation]) -> list[Equation]:
        """The loop, and what comes before and after it. The equations `formed` of other groups are
        done again in the loop, if it reads their results."""
        group = Group(
            self.equations,
            self.grouped.reads,
            self.grouped.made_by,
            self.rows,
            self.size,
            stored=self.stored,
            folds=self.folds,
            again=self.again,
            formed=formed,
        )
        return RowLoop(group).equations()


def is_long_fold(eq: Equation) -> bool:
    """Whether an equation folds a large array many to one."""
    return isinstance(eq.op.lower, Reduction) and _is_long(eq.operands[0], eq.outputs[0])


def _is_long(x: Value, folded: Value) -> bool:
    """Whether a large array is folded many to one."""
    return x.type.nbytes >= LARGE and x.type.size > FEW * folded.type.size


def _is_dear(eq: Equation) -> bool:
    """Whether an equation computes a function of each element."""
    return isinstance(eq.op.lower, Elementwise) and eq.op.lower.dear


def _own_work(eq: Equation) -> int:
    """Elementwise operations of one equation; more than `CHEAP` if it is not to be done twice."""
    if is_view(eq):
        return 0
    return 1 if isinstance(eq.op.lower, Elementwise) and not _is_dear(eq) else CHEAP + 1


def _block_size(rows: Shape, row_bytes: int, longest: int, least: int) -> int:
    """How many rows of so many bytes, up to `longest`, a block has, at least `least` if it can be.
    It divides the last length of `rows`; 0 if no number of rows is right."""
    last = rows[-1]
    most = last if math.prod(rows) > last else last // 2
    most = min(most, MOST_ROWS, longest // max(row_bytes, 1))
    sizes = [n for n in range(1, most + 1) if last % n == 0 and n * row_bytes >= SHORTEST]
    sizes = [n for n in sizes if n >= least] or sizes
    fitting = [n for n in sizes if n * row_bytes <= BLOCK]
    return max(fitting) if fitting else min(sizes, default=0)
