"""Stores that alternate in memory: elements of several registers, one from each in turn.

Iteration i of a kernel writes elements 3 i, 3 i + 1 and 3 i + 2 of a buffer. Each of the registers
alone would be written element by element; put in order, they are as many whole registers.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..plan.columns import stride
from ..plan.index import Position
from ..plan.steps import Kernel, Store
from .emitter import Emitter
from .lanes import Lanes

KINDS = "fiu"


def interleaved(kernel: Kernel, loop: int) -> list[list[Store]]:
    """Groups of stores that together write all elements of a part of a buffer along a loop, each in
    the order of the memory."""
    by_place: dict[object, list[tuple[int, Store]]] = {}
    for store in kernel.stores:
        step = stride(store.offset, loop)
        if step is not None and step > 1 and kernel.nodes[store.node].dtype.kind in KINDS:
            place, offset = _divided(store.offset)
            by_place.setdefault((store.buffer, step, place), []).append((offset, store))
    found: list[list[Store]] = []
    for (_, step, _), stores in by_place.items():  # pyright: ignore[reportGeneralTypeIssues]
        stores.sort(key=lambda pair: pair[0])
        offsets = [offset for offset, _ in stores]
        for k in range(0, len(stores) - step + 1):
            if offsets[k : k + step] == list(range(offsets[k], offsets[k] + step)):
                found.append([store for _, store in stores[k : k + step]])
                break
    return found


def _divided(position: Position) -> tuple[object, int]:
    """What an offset depends on, and the constant in it."""
    if isinstance(position, int):
        return (), position
    return tuple([(atom.name, c) for atom, c in position.terms]), position.offset


def in_order(b: Emitter, registers: Sequence[Lanes]) -> list[Lanes]:
    """x0 y0 z0 x1 y1 z1 ... of registers x, y, z of as many lanes: as many registers."""
    count, width = len(registers), b.width
    found: list[Lanes] = []
    for number in range(count):
        places = [divmod(number * width + lane, count) for lane in range(width)]
        first, *others = sorted({source for _, source in places})
        order = [lane if source == first else 0 for lane, source in places]
        total = b.shuffle(registers[first], order)
        for other in others:
            order = [
                width + lane if source == other else k for k, (lane, source) in enumerate(places)
            ]
            total = b.shuffle(total, order, registers[other])
        found.append(total)
    return found
