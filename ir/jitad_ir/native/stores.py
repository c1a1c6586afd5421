"""Registers to memory, but for the lanes that another step has stored.

The last step of a vector loop covers elements that the step before (of another part, perhaps) has
computed. A kernel that overwrites what it reads cannot compute them twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from llvmlite import ir as ll

from ..types import INT64
from .addressing import masked_store, vector_of
from .emitter import Emitter
from .lanes import Lanes
from .loops import integer


class Write(NamedTuple):
    """One register, that of a copy, to be written to `pointer`, `pointer` + stride, ...; of its
    lanes only those of `mask`."""

    pointer: ll.Value
    lanes: Lanes
    stride: int
    copy: int
    mask: Lanes | None = None


def emit_writes(b: Emitter, writes: Sequence[Write], seen: ll.Value | None) -> None:
    """Write registers; of the lanes of all copies together only those from number `seen` on."""
    if seen is None:
        for write in writes:
            if write.mask is None:
                b.store(write.pointer, write.lanes, write.stride)
            else:
                masked_store(b, write.pointer, write.lanes, write.stride, write.mask.value)
        return
    builder = b.builder
    whole = builder.icmp_signed("==", seen, integer(0))
    with builder.if_else(whole, likely=True) as (every, some):
        with every:
            for write in writes:
                b.store(write.pointer, write.lanes, write.stride)
        with some:
            least = b.splat(Lanes(INT64, seen))
            for write in writes:
                number = Lanes(INT64, vector_of(builder, integer(write.copy * b.width), b.width))
                mask = b.ge(number, least).value
                masked_store(b, write.pointer, write.lanes, write.stride, mask)
