"""How sorts are shared out among threads: by shape and dtypes alone, so that the number of threads
does not show in the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .vector_loops import behind

WORTH = 100_000.0
"""Nanoseconds of work from which on rows are shared out."""

PART = 30_000.0
"""Nanoseconds of work in one part, at least."""

MOST_PARTS = 16

SCRATCH = 32 << 20
"""Bytes of scratch memory that parts of rows may have together, if they are more than two."""

NETWORK = 0.4
"""Nanoseconds of a key of a row that a network sorts, and a doubling of the row's length."""

WITH_INDEX = 3.0
"""How many times as long an index takes that goes along."""

RADIX = 15.0
"""Nanoseconds of a record that is moved by its digits, and an operand."""

MERGE = 3.0
"""Nanoseconds of a record that is merged, an operand, and a doubling of the row's length."""


def parts_of(rows: int, work: float, scratch: int) -> int:
    """Parts of so many rows (or groups of them), that take `work` nanoseconds together, each part
    with `scratch` bytes of its own."""
    if work < WORTH:
        return 1
    most = min(MOST_PARTS, max(2, SCRATCH // max(scratch, 1)))
    return max(1, min(rows, most, int(work / PART)))


def doublings(n: int) -> float:
    """log2 of a row's length."""
    return math.log2(max(n, 2))


def share_rows(
    r: Any,
    count: int,
    parts: int,
    scratch: int,
    buffers: Sequence[Any],
    body: Callable[[Any, Sequence[Any], Any], None],
) -> None:
    """body(r, buffers, i) for i = 0 ... count - 1, where r has a workspace of `scratch` bytes: a
    multiple of 64."""
    if parts == 1:
        r.loop(count, lambda i: body(r, buffers, i))
        return

    def part(r: Any, number: Any, workspace: Any, *pointers: Any) -> None:
        r.workspace = behind(r, workspace, r.builder.mul(number, r.integer(scratch)))
        own = [r.buffer(x.type, p) for x, p in zip(buffers, pointers, strict=True)]
        start, length = r.share(number, count, parts)
        end = r.builder.add(start, length)
        r.loop(end, lambda i: body(r, own, i), start=start)

    r.parallel_for(parts, part, r.workspace, *[x.pointer for x in buffers])
