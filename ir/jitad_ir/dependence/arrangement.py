"""Elements of several vectors put in a given order.

Where the same vectors alternate, each read at its next element, no indices are needed: the elements
of a tridiagonal matrix by rows are those of three diagonals, one from each in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..op import OPS

FEWEST = 64
"""Elements of a stretch in which vectors alternate."""

MOST_STRETCHES = 4
MOST_BETWEEN = 32
"""Elements between those, which are read one by one."""


def arranged(vectors: Sequence[Value], numbers: Any, places: Any) -> Value:
    """A vector of elements `places[k]` of `vectors[numbers[k]]`, which are of one length."""
    stretches = _stretches(numbers, places)
    between = len(numbers) - sum([end - start for start, end, _ in stretches])
    if not stretches or len(stretches) > MOST_STRETCHES or between > MOST_BETWEEN:
        size = vectors[0].type.size
        whole = OPS["concatenate"](*vectors, axis=0) if len(vectors) > 1 else vectors[0]
        return picked(whole, numbers.astype(np.int64) * size + places)
    parts: list[Value] = []
    done = 0
    for start, end, width in [*stretches, (len(numbers), len(numbers), 1)]:
        parts += [_run(vectors[numbers[k]], places[k], 1) for k in range(done, start)]
        if end > start:
            parts.append(_alternating(vectors, numbers, places, start, end, width))
        done = end
    return parts[0] if len(parts) == 1 else OPS["concatenate"](*parts, axis=0)


def picked(vector: Value, at: Any) -> Value:
    """vector[at], all in bounds."""
    narrow = vector.type.size <= np.iinfo(np.int32).max  # half of the memory to read
    starts = OPS["constant"](value=at.astype(np.int32 if narrow else np.int64))
    mode = "promise_in_bounds"
    found = OPS["gather"](vector, starts, axes=(0,), sizes=(1,), batch=0, mode=mode, fill=0)
    return OPS["reshape"](found, shape=(len(at),))


def _run(vector: Value, start: Any, length: int) -> Value:
    at = int(start)
    return OPS["slice"](vector, start=(at,), limit=(at + length,), stride=(1,))


def _alternating(
    vectors: Sequence[Value], numbers: Any, places: Any, start: int, end: int, width: int
) -> Value:
    length = (end - start) // width
    runs = [_run(vectors[numbers[k]], places[k], length) for k in range(start, start + width)]
    if width == 1:
        return runs[0]
    columns = [OPS["reshape"](run, shape=(length, 1)) for run in runs]
    both = OPS["concatenate"](*columns, axis=1)
    return OPS["reshape"](both, shape=(length * width,))


def _stretches(numbers: Any, places: Any) -> list[tuple[int, int, int]]:
    """Where vectors alternate: (start, end, how many)."""
    rows, lengths = np.unique(np.bincount(places), return_counts=True)
    width = int(rows[np.argmax(np.where(rows > 0, lengths, 0))]) if len(rows) else 0
    if width == 0 or len(numbers) < max(width, FEWEST):
        return []
    goes_on = (numbers[width:] == numbers[:-width]) & (places[width:] == places[:-width] + 1)
    edges = np.flatnonzero(np.diff(goes_on, prepend=False, append=False))
    found: list[tuple[int, int, int]] = []
    done = 0
    for first, last in edges.reshape(-1, 2).tolist():
        start = max(first, done)
        length = (last + width - start) // width * width
        if length >= max(FEWEST, 2 * width):
            found.append((start, start + length, width))
            done = start + length
    return found
