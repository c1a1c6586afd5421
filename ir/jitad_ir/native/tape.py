"""Memory that grows while a program runs: rows of a while loop's tape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llvmlite import ir as ll

from .lanes import I8, I64, PTR
from .loops import integer
from .routine import RoutineEmitter

if TYPE_CHECKING:
    from .steps import Function

FIRST_ROWS = 64
"""Rows that a tape has room for at first; then it doubles."""


class Tape:
    """One tape of a function: its rows, and how many there is room for. It keeps its memory until
    the function is left, so that a loop that runs again writes to the same."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.builder = function.builder
        routine = self._routine()
        self.rows = routine.local(PTR)
        self.room = routine.local(I64)
        with self.builder.goto_entry_block():
            self.builder.store(ll.Constant(PTR, None), self.rows)
            self.builder.store(integer(0), self.room)

    def row(self, number: ll.Value, row_bytes: int) -> ll.Value:
        """Address of a row that there is."""
        rows = self.builder.load(self.rows, typ=PTR)
        offset = self.builder.mul(number, integer(row_bytes), flags=("nuw", "nsw"))
        return self.builder.gep(rows, [offset], inbounds=True, source_etype=I8)

    def make_room(self, number: ll.Value, row_bytes: int) -> None:
        """See that there is a row `number`, which is at most one behind the last; leave the
        function if there is no memory for it."""
        builder = self.builder
        room = builder.load(self.room, typ=I64)
        full = builder.icmp_unsigned(">=", number, room)
        with builder.if_then(full, likely=False):
            first = builder.icmp_unsigned("==", room, integer(0))
            twice = builder.shl(room, integer(1))
            wanted = builder.select(first, integer(FIRST_ROWS), twice)
            size = builder.mul(wanted, integer(row_bytes))
            held = builder.load(self.rows, typ=PTR)
            moved = self._routine().call("py:PyMem_RawRealloc", PTR, [held, size])
            failed = builder.icmp_unsigned("==", moved, ll.Constant(PTR, None))
            grown = builder.append_basic_block("grown")
            builder.cbranch(failed, self.function.out_of_memory(), grown)
            builder.position_at_end(grown)
            builder.store(moved, self.rows)
            builder.store(wanted, self.room)

    def free(self) -> None:
        """Give the memory back."""
        self._routine().call("py:PyMem_RawFree", None, [self.builder.load(self.rows, typ=PTR)])

    def _routine(self) -> RoutineEmitter:
        return RoutineEmitter(self.builder, self.function.externals)
