"""Offsets of temporaries in the workspace: memory is used again once its last reader has run.

The memory of an output is free until the output is written: temporaries that are not needed any
more by then may lie there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .steps import Buffer, Kernel, Step
from .wavefront import Wavefront

ALIGNMENT = 64
"""Bytes to which every temporary is aligned: a cache line, and the widest vector."""

LEAST_HOSTED = 4096
"""Bytes from which on a temporary may lie in an output."""

MOST_HOSTS = 64
"""Outputs that are looked through for room, the largest ones."""


def place_buffers(
    buffers: Sequence[Buffer], steps: Sequence[Step], hosts: Mapping[int, int]
) -> tuple[tuple[Buffer, ...], int]:
    """The buffers with those of the workspace placed, and the bytes they take together.

    A buffer lives from the step that writes it to the last that reads it, both included. `hosts`
    are the buffers of outputs that may hold temporaries, and the numbers of these outputs.
    """
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for k, step in enumerate(steps):
        for number in step.writes:
            first.setdefault(number, k)
            last[number] = k
        for number in step.reads:
            last[number] = k
    placing = _Placing(buffers, first, last, _scratch(steps))
    placed, size = placing.run(len(steps), [])
    if size and hosts:
        found = placing.run(len(steps), _hosts(buffers, hosts, first))
        # A buffer more or less can make the best fit of the others worse.
        if found[1] < size:
            return found
    return placed, size


class _Host:
    """The memory of output `number`, which is its own from step `end` on."""

    def __init__(self, number: int, size: int, end: int) -> None:
        self.number = number
        self.size = size
        self.end = end
        self.arena = _Arena(_rounded(size))


def _hosts(
    buffers: Sequence[Buffer], hosts: Mapping[int, int], first: Mapping[int, int]
) -> list[_Host]:
    """Those with the most room first."""
    found = [
        _Host(number, buffers[k].type.nbytes, first[k])
        for k, number in hosts.items()
        if first.get(k, 0) > 0 and buffers[k].type.nbytes >= LEAST_HOSTED
    ]
    return sorted(found, key=lambda host: -host.size)[:MOST_HOSTS]


class _Placing:
    """The buffers in order of the steps that write them first, and read them last."""

    def __init__(
        self,
        buffers: Sequence[Buffer],
        first: Mapping[int, int],
        last: Mapping[int, int],
        scratch: set[int],
    ) -> None:
        self.buffers = buffers
        self.scratch = scratch
        self.last = last
        self.starting: dict[int, list[int]] = {}
        self.ending: dict[int, list[int]] = {}
        for number, buffer in enumerate(buffers):
            if buffer.kind == "workspace" and number in first:
                self.starting.setdefault(first[number], []).append(number)
                self.ending.setdefault(last[number], []).append(number)

    def run(self, steps: int, hosts: Sequence[_Host]) -> tuple[tuple[Buffer, ...], int]:
        """The placed buffers, and the bytes of the workspace."""
        workspace = _Arena()
        arenas: dict[int, _Arena] = {}
        placed = list(self.buffers)
        for k in range(steps):
            for number in self.starting.get(k, ()):
                buffer = self.buffers[number]
                size = _rounded(buffer.type.nbytes)
                host, start = self._hosted(number, size, hosts)
                arenas[number] = workspace if host is None else host.arena
                if start is None:
                    start = workspace.take(size)
                placed[number] = replace(
                    buffer, place=start, host=None if host is None else host.number
                )
            for number in self.ending.get(k, ()):
                size = _rounded(self.buffers[number].type.nbytes)
                arenas[number].give(placed[number].place, size)
        return tuple(placed), workspace.end

    def _hosted(
        self, number: int, size: int, hosts: Sequence[_Host]
    ) -> tuple[_Host | None, int | None]:
        """The output with the tightest room for a temporary until it is not needed any more, and
        the place there."""
        nbytes, last = self.buffers[number].type.nbytes, self.last[number]
        if nbytes < LEAST_HOSTED or number in self.scratch:
            return None, None
        rooms = [(h.arena.room(size), k) for k, h in enumerate(hosts) if last < h.end]
        fitting = [(room, k) for room, k in rooms if room is not None]
        if not fitting:
            return None, None
        host = hosts[min(fitting)[1]]
        start = host.arena.take(size)
        if start + nbytes <= host.size:
            return host, start
        host.arena.give(start, size)
        return None, None


def _scratch(steps: Sequence[Step]) -> set[int]:
    """Buffers that steps want aligned as the workspace is."""
    return {
        step.scratch
        for step in steps
        if not isinstance(step, (Kernel, Wavefront)) and step.scratch is not None
    }


def _rounded(size: int) -> int:
    return -(-max(size, 1) // ALIGNMENT) * ALIGNMENT


class _Arena:
    """Best-fit allocation; free blocks are kept in order of address and merged. It grows if it has
    no limit; one that has `take`s what there is `room` for."""

    def __init__(self, limit: int | None = None) -> None:
        self.end = 0 if limit is None else limit
        self.free: list[tuple[int, int]] = [] if limit is None else [(0, limit)]

    def room(self, size: int) -> int | None:
        """The length of the least free block of at least that size; None if there is none."""
        return min([length for _, length in self.free if length >= size], default=None)

    def take(self, size: int) -> int:
        """The start of a block that is free until now."""
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
        """Free a block."""
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
