"""How large transforms are shared out among threads: by shape alone, so that the number of threads
does not show in the result."""

from __future__ import annotations

import math

WORTH = 100_000.0
"""Nanoseconds of work from which on it is shared out."""

PART = 25_000.0
"""Nanoseconds of work in one part, at least."""

MOST_PARTS = 16
"""Each part has scratch memory of its own."""

PER_STEP = 0.3
"""Nanoseconds of a number and of a doubling of the length."""


def nanoseconds(size: int, n: int) -> float:
    """About how long it takes to transform `size` complex numbers in rows of length n."""
    return PER_STEP * size * max(1.0, math.log2(n))


def parts_of(size: int, n: int) -> int:
    """Into how many parts this is divided."""
    work = nanoseconds(size, n)
    return max(1, min(MOST_PARTS, int(work / PART))) if work >= WORTH else 1
