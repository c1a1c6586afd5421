"""Storage of large results and workspaces, used again instead of paid for again.

Fresh pages are dear: the kernel clears each one on first touch. The pool keeps blocks of
anonymous memory, each owned by a one-dimensional uint8 ndarray (the *owner*). A result's `base`
is its owner, so an owner that only the pool refers to is idle and may be handed out again. The
search for an idle owner is native (`results.emit_pool_block`); this module adds blocks when there
is none.

The pool never refers to more than `capacity` bytes. To make room it forgets owners, idle ones
first; a forgotten block lives on until its result dies and is then unmapped.
"""

from __future__ import annotations

import mmap
import sys
from typing import Any

import numpy as np

from jitad.dispatch.layout import native_calls_supported

HUGE_PAGE = 2 << 20
PAGE = 4 << 10

POOLED_RESULT_BYTES = 256 << 10
"""Results of at least this size come from the pool."""

STACK_WORKSPACE_BYTES = 8 << 10
"""Workspaces above this size come from the pool."""


def _measure_idle_refcount() -> int:
    """What sys.getrefcount says of an object to which a list and a local name refer."""
    objects = [object()]
    for candidate in objects:
        return sys.getrefcount(candidate)
    raise AssertionError


_IDLE_REFCOUNT = _measure_idle_refcount() if hasattr(sys, "getrefcount") else 0


# A forked child must not write into the parent's results.
_PRIVATE: dict[str, Any] = (
    {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_ANONYMOUS") else {}
)


def _round_up(nbytes: int, multiple: int) -> int:
    return -(-nbytes // multiple) * multiple


def new_owner(nbytes: int) -> np.ndarray:
    """An owner of at least `nbytes` of private memory, aligned to 64 bytes, or 2 MiB if that large.

    Raises MemoryError if the system has no room.
    """
    if nbytes <= STACK_WORKSPACE_BYTES:
        block = np.empty(nbytes + 64, np.uint8)
        start = -block.ctypes.data % 64
        return block[start : start + nbytes]
    large = nbytes >= HUGE_PAGE
    # Not all of the last huge page: a request of this size would find such an owner too large.
    size = _round_up(nbytes, PAGE)
    length = _round_up(size, HUGE_PAGE) + HUGE_PAGE if large else size
    try:
        memory = mmap.mmap(-1, length, **_PRIVATE)
    except (OSError, OverflowError, ValueError) as error:
        raise MemoryError(f"no room for an array of {nbytes} bytes") from error
    start = -np.frombuffer(memory, np.uint8, 1).ctypes.data % HUGE_PAGE if large else 0
    if large and hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE, 0, length)
    return np.frombuffer(memory, np.uint8, size, start)


class BufferPool:
    """Owners of at most `capacity` bytes in total, at most `max_owners` of them.

    `owners` is read by native code: it must stay the same list object of uint8 owners.
    """

    def __init__(self, capacity: int = 512 << 20, max_owners: int = 64) -> None:
        self.capacity = capacity
        self.max_owners = max_owners
        self.owners: list[np.ndarray] = []

    def take(self, nbytes: int) -> np.ndarray:
        """An owner of at least `nbytes` that nobody uses; what native code does by itself."""
        if nbytes <= STACK_WORKSPACE_BYTES or not native_calls_supported():
            return new_owner(nbytes)
        limit = nbytes + nbytes // 4 + 2 * PAGE
        for owner in self.owners:
            if sys.getrefcount(owner) == _IDLE_REFCOUNT and nbytes <= owner.nbytes <= limit:
                return owner
        return self.grow(nbytes)

    def grow(self, nbytes: int) -> np.ndarray:
        """A new owner of at least `nbytes`; the pool keeps it if it fits into the capacity."""
        owner = new_owner(nbytes)
        if owner.nbytes <= self.capacity:
            self._make_room(owner.nbytes)
            self.owners.append(owner)
        return owner

    def clear(self) -> None:
        """Forgets every owner: idle blocks are unmapped now, others when their results die."""
        self.owners.clear()

    def nbytes(self) -> int:
        """Total size in bytes of the owners the pool refers to, idle or not."""
        return sum(owner.nbytes for owner in self.owners)

    def _make_room(self, nbytes: int) -> None:
        """Forgets owners, idle before used and old before new, until `nbytes` more fit."""
        excess = self.nbytes() + nbytes - self.capacity
        count = len(self.owners) + 1 - self.max_owners
        for only_idle in (True, False):
            index = 0
            while (excess > 0 or count > 0) and index < len(self.owners):
                owner = self.owners[index]
                if only_idle and sys.getrefcount(owner) > _IDLE_REFCOUNT:
                    index += 1
                    continue
                del self.owners[index]
                excess -= owner.nbytes
                count -= 1


POOL = BufferPool()
"""The pool of the process."""
