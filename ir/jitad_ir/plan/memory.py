"""Offsets of temporaries in the workspace: memory is used again once its last reader has run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .steps import Buffer, Step

ALIGNMENT = 64
"""Bytes to which every temporary is aligned: a cache line, and the widest vector."""


def place_buffers(
    buffers: Sequence[Buffer], steps: Sequence[Step]
) -> tuple[tuple[Buffer, ...], int]:
    """The buffers with those of the workspace placed, and the bytes they take together.

    A buffer lives from the step that writes it to the last that reads it, both included: no step
    writes what it reads.
    """
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for k, step in enumerate(steps):
        for number in step.writes:
            first.setdefault(number, k)
            last[number] = k
        for number in step.reads:
            last[number] = k
    ending: dict[int, list[int]] = {}
    starting: dict[int, list[int]] = {}
    for number, buffer in enumerate(buffers):
        if buffer.kind == "workspace" and number in first:
            starting.setdefault(first[number], []).append(number)
            ending.setdefault(last[number], []).append(number)
    arena = _Arena()
    placed = list(buffers)
    for k in range(len(steps)):
        for number in starting.get(k, ()):
            size = _rounded(buffers[number].type.nbytes)
            placed[number] = replace(buffers[number], place=arena.take(size))
        for number in ending.get(k, ()):
            arena.give(placed[number].place, _rounded(buffers[number].type.nbytes))
    return tuple(placed), arena.end


def _rounded(size: int) -> int:
    return -(-max(size, 1) // ALIGNMENT) * ALIGNMENT


class _Arena:
    """Best-fit allocation; free blocks are kept in order of address and merged."""

    def __init__(self) -> None:
        self.end = 0
        self.free: list[tuple[int, int]] = []

    def take(self, size: int) -> int:
        fitting = [(length, start) for start, length in self.free if length >= size]
        if fitting:
            length, start = min(fitting)
            self.free.remove((start, length))
            if length > size:
                self._insert(start + size, length - size)
            return start
        if self.free and sum(self.free[-1]) == self.end:
            start, length = self.free.pop()
            self.end += size - length
            return start
        start = self.end
        self.end += size
        return start

    def give(self, start: int, size: int) -> None:
        self._insert(start, size)

    def _insert(self, start: int, size: int) -> None:
        merged: list[tuple[int, int]] = []
        for other, length in self.free:
            if other + length == start:
                start, size = other, size + length
            elif start + size == other:
                size += length
            else:
                merged.append((other, length))
        merged.append((start, size))
        merged.sort()
        self.free = merged
