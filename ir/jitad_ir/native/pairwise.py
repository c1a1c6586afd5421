"""Results of many blocks, folded in pairs, pairs of pairs and so on, in registers.

A stack on the machine's stack holds the result of each complete 2^k blocks: block number n is
folded with those before it while bit k of n is set, which is how a binary counter carries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from llvmlite import ir as ll

from .assembly import probe_stack
from .lanes import I1, I32, I64, PTR
from .loops import counted, integer

Registers: TypeAlias = list[ll.Value]


def folded_in_pairs(
    builder: ll.IRBuilder,
    blocks: int,
    block: Callable[[ll.Value], Registers],
    start: Sequence[ll.Value],
    merged: Callable[[Registers, Registers], Registers],
) -> Registers:
    """`block(0)`, ..., `block(blocks - 1)`, folded by `merged(earlier, later)`; `start` is what
    changes nothing."""
    if blocks <= 3:  # which folded in pairs are folded one after the other

        def one_more(number: ll.Value, before: Registers) -> Registers:
            return merged(before, block(number))

        return counted(builder, blocks, start, one_more)
    stack = RegisterArrays(builder, start, blocks.bit_length())

    def push(number: ll.Value, _carried: Registers) -> Registers:
        _push(builder, stack, number, block(number), merged)
        return []

    counted(builder, blocks, [], push)
    total: Registers | None = None
    for level in range(blocks.bit_length()):
        if blocks >> level & 1:
            held = stack.load(integer(level))
            total = held if total is None else merged(held, total)
    assert total is not None
    return total


def _push(
    builder: ll.IRBuilder,
    stack: RegisterArrays,
    number: ll.Value,
    values: Registers,
    merged: Callable[[Registers, Registers], Registers],
) -> None:
    """Block `number` is done: while bit k of its number is set, fold with the 2^k before."""
    before = builder.block
    head, body, after = (builder.append_basic_block(n) for n in ("carry", "fold", "pushed"))
    builder.branch(head)
    builder.position_at_end(head)
    level = builder.phi(I64)
    bits = builder.phi(I64)
    held = [builder.phi(value.type) for value in values]
    odd = builder.trunc(bits, I1)
    builder.cbranch(odd, body, after)
    builder.position_at_end(body)
    folded = merged(stack.load(level), list(held))
    next_level = builder.add(level, integer(1))
    next_bits = builder.lshr(bits, integer(1))
    end = builder.block
    builder.branch(head)
    for phi, first, later in zip(
        [level, bits, *held],
        [integer(0), number, *values],
        [next_level, next_bits, *folded],
        strict=True,
    ):
        phi.add_incoming(first, before)
        phi.add_incoming(later, end)
    builder.position_at_end(after)
    stack.store(level, held)


class RegisterArrays:
    """Arrays on the machine's stack, one for each register of a state."""

    def __init__(self, builder: ll.IRBuilder, like: Sequence[ll.Value], levels: int) -> None:
        self.builder = builder
        self.types = [value.type for value in like]
        self.slots: list[Any] = []
        with builder.goto_entry_block():
            for type in self.types:
                slot = builder.alloca(type, ll.Constant(I32, levels))
                slot.type = PTR
                self.slots.append(slot)
        probe_stack(builder.function)

    def _pointers(self, level: ll.Value) -> list[Any]:
        return [
            self.builder.gep(slot, [level], inbounds=True, source_etype=type)
            for slot, type in zip(self.slots, self.types, strict=True)
        ]

    def load(self, level: ll.Value) -> list[ll.Value]:
        return [
            self.builder.load(pointer, typ=type)
            for pointer, type in zip(self._pointers(level), self.types, strict=True)
        ]

    def store(self, level: ll.Value, values: list[ll.Value]) -> None:
        for pointer, value in zip(self._pointers(level), values, strict=True):
            self.builder.store(value, pointer)
