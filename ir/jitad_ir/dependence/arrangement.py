"""Elements of several vectors put in a given order.

Where the same vectors alternate, each read at its next element, no indices are needed: the elements
of a tridiagonal matrix by rows are those of three diagonals, one from each in turn. Of matrices of
a grid, such a stretch is a line of the grid, with a few elements more at its ends, and what repeats
is the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..graph import Value
from ..op import OPS

FEWEST = 64
"""Elements of a stretch in which vectors alternate."""

MOST_STRETCHES = 4
MOST_BETWEEN = 32
"""Elements between those, which are read one by one."""

MOST_TOGETHER = 32
"""Elements after which vectors alternate again."""

FEWEST_LINES = 4


class _Stretch(NamedTuple):
    """Elements `start` to `end`, that are those `period` before with all places `step` on."""

    start: int
    end: int
    period: int
    step: int

    @property
    def repeats(self) -> int:
        """How often it has all vectors."""
        return (self.end - self.start) // self.period


def arranged(vectors: Sequence[Value], numbers: Any, places: Any, rows: Any) -> Value:
    """A vector of elements `places[k]` of `vectors[numbers[k]]`, which are of one length. `rows`
    are rising numbers of the rows of a matrix, or its columns, that they are the elements of."""
    order = _Order(vectors, numbers, places, rows)
    count = len(numbers)
    parts = order.stretches(0, count)
    if parts is None:
        parts = order.lines()
    if parts is None:
        whole = OPS["concatenate"](*vectors, axis=0) if len(vectors) > 1 else vectors[0]
        return picked(whole, numbers.astype(np.int64) * vectors[0].type.size + places)
    return _joined(parts, 0)


def picked(vector: Value, at: Any) -> Value:
    """vector[at], all in bounds."""
    narrow = vector.type.size <= np.iinfo(np.int32).max  # half of the memory to read
    starts = OPS["constant"](value=at.astype(np.int32 if narrow else np.int64))
    mode = "promise_in_bounds"
    found = OPS["gather"](vector, starts, axes=(0,), sizes=(1,), batch=0, mode=mode, fill=0)
    return OPS["reshape"](found, shape=(len(at),))


class _Order:
    def __init__(self, vectors: Sequence[Value], numbers: Any, places: Any, rows: Any) -> None:
        self.vectors = vectors
        self.numbers = numbers
        self.places = places
        self.rows = rows

    def stretches(self, first: int, last: int) -> list[Value] | None:
        """The elements from `first` to `last` by stretches; None if they are too many."""
        found = self._best(first, last)
        between = last - first - sum([s.end - s.start for s in found])
        if len(found) > MOST_STRETCHES or between > MOST_BETWEEN:
            return None
        parts: list[Value] = []
        for stretch in _with_between(found, first, last):
            numbers = range(stretch.start, stretch.start + stretch.period)
            parts.append(_alternating([self._run(k, stretch) for k in numbers]))
        return parts

    def lines(self) -> list[Value] | None:
        """All elements by lines of a grid; None if these are not alike."""
        count = len(self.numbers)
        found = self._best(0, count)
        starts = np.array([s.start for s in found])
        if len(starts) < FEWEST_LINES:
            return None
        distances, often = np.unique(np.diff(starts), return_counts=True)
        period = int(distances[np.argmax(often)])
        alike = np.flatnonzero(np.diff(starts) == period)
        step = int(self.places[starts[alike[0] + 1]] - self.places[starts[alike[0]]])
        size = self.vectors[0].type.size
        lines = [(a, b) for a, b in self._runs(0, count, period, step) if b - a > count // 2]
        if not lines or step <= 0 or size % step:
            return None
        first, last = lines[0]
        at_line = np.flatnonzero(self.rows[first:last] % step == 0)
        if not len(at_line):
            return None
        start = first + int(at_line[0])
        line = _Stretch(start, start + (last - start) // period * period, period, step)
        before, after = self.stretches(0, start), self.stretches(line.end, count)
        middle = self._line(line) if line.repeats >= FEWEST_LINES else None
        if before is None or after is None or middle is None:
            return None
        return [*before, middle, *after]

    def _line(self, line: _Stretch) -> Value | None:
        """Lines one after the other: [lines, elements of each]."""
        end = line.start + line.period
        found = self._best(line.start, end)
        between = line.period - sum([s.end - s.start for s in found])
        if len(found) > MOST_STRETCHES or between > MOST_BETWEEN:
            return None
        parts: list[Value] = []
        for stretch in _with_between(found, line.start, end):
            numbers = range(stretch.start, stretch.start + stretch.period)
            width = (stretch.repeats - 1) * stretch.step + 1
            if any([self.places[k] % line.step + width > line.step for k in numbers]):
                return None  # beyond the end of a line
            parts.append(_alternating([self._rows(k, stretch, line) for k in numbers]))
        return OPS["reshape"](_joined(parts, 1), shape=(line.end - line.start,))

    def _run(self, k: int, stretch: _Stretch) -> Value:
        """What the vector of element k gives to a stretch."""
        vector, at = self.vectors[self.numbers[k]], int(self.places[k])
        limit = at + (stretch.repeats - 1) * stretch.step + 1
        return OPS["slice"](vector, start=(at,), limit=(limit,), stride=(stretch.step,))

    def _rows(self, k: int, stretch: _Stretch, line: _Stretch) -> Value:
        """The same, for each of the lines."""
        vector = self.vectors[self.numbers[k]]
        row, column = divmod(int(self.places[k]), line.step)
        grid = OPS["reshape"](vector, shape=(vector.type.size // line.step, line.step))
        limit = (row + line.repeats, column + (stretch.repeats - 1) * stretch.step + 1)
        return OPS["slice"](grid, start=(row, column), limit=limit, stride=(1, stretch.step))

    def _best(self, first: int, last: int) -> list[_Stretch]:
        """Stretches that cover most of the elements from `first` to `last`."""
        if first == last:
            return []
        lengths = np.bincount(self.rows[first:last] - self.rows[first])
        ends = np.concatenate([[0], np.cumsum(lengths)])
        best: list[_Stretch] = []
        covered = 0
        for step in range(1, min(MOST_TOGETHER, len(lengths)) + 1):
            often = np.bincount(ends[step:] - ends[:-step])
            often[0] = 0
            period = int(np.argmax(often))
            if period > MOST_TOGETHER:
                break
            found = self._repeating(first, last, max(period, 1), step)
            found = [s for s in found if s.end - s.start >= FEWEST and s.repeats > 1]
            size = sum([s.end - s.start for s in found])
            if size > 1.1 * covered:
                best, covered = found, size
            if covered > 0.9 * (last - first):
                break
        return best

    def _repeating(self, first: int, last: int, period: int, step: int) -> list[_Stretch]:
        """The longest stretches of a period."""
        found: list[_Stretch] = []
        done = first
        for begin, end in self._runs(first, last, period, step):
            start = max(begin, done)
            length = (end - start) // period * period
            if length >= 2 * period:
                found.append(_Stretch(start, start + length, period, step))
                done = start + length
        return found

    def _runs(self, first: int, last: int, period: int, step: int) -> list[tuple[int, int]]:
        """Where elements are those `period` before, `step` on; and these are in it, too."""
        numbers, places = self.numbers[first:last], self.places[first:last]
        goes_on = (numbers[period:] == numbers[:-period]) & (
            places[period:] == places[:-period] + step
        )
        edges = np.flatnonzero(np.diff(goes_on, prepend=False, append=False)) + first
        return [(begin, end + period) for begin, end in edges.reshape(-1, 2).tolist()]


def _with_between(found: Sequence[_Stretch], first: int, last: int) -> list[_Stretch]:
    """Stretches, and what lies between them, before and behind, as stretches of one element."""
    every: list[_Stretch] = []
    for stretch in [*found, _Stretch(last, last, 1, 1)]:
        every += [_Stretch(k, k + 1, 1, 1) for k in range(first, stretch.start)]
        every += [stretch] if stretch.repeats else []
        first = stretch.end
    return every


def _alternating(runs: Sequence[Value]) -> Value:
    """An element of each along the last axis, in turn."""
    if len(runs) == 1:
        return runs[0]
    shape = runs[0].shape
    both = _joined([OPS["reshape"](run, shape=(*shape, 1)) for run in runs], len(shape))
    return OPS["reshape"](both, shape=(*shape[:-1], shape[-1] * len(runs)))


def _joined(parts: Sequence[Value], axis: int) -> Value:
    return parts[0] if len(parts) == 1 else OPS["concatenate"](*parts, axis=axis)
