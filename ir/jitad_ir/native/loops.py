"""Counted loops with carried values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir as ll

from .lanes import I64, Lanes


@functools.lru_cache(maxsize=1024, typed=True)
def integer(n: int) -> ll.Constant:
    """The i64 constant n; one for all modules, as it keeps its text."""
    return ll.Constant(I64, n)


def counted(
    builder: ll.IRBuilder,
    trips: int | ll.Value,
    carried: Sequence[ll.Value],
    body: Callable[[ll.Value, list[ll.Value]], Sequence[ll.Value]],
) -> list[ll.Value]:
    """`carried = body(i, carried)` for i = 0 .. trips - 1; trips >= 1. Returns the last values."""
    if isinstance(trips, int):
        if trips == 1:
            return list(body(integer(0), list(carried)))
        trips = integer(trips)
    before = builder.block
    header = builder.append_basic_block("loop")
    builder.branch(header)
    builder.position_at_end(header)
    counter = builder.phi(I64, "i")
    phis = [builder.phi(value.type) for value in carried]
    results = list(body(counter, phis))
    following = builder.add(counter, integer(1), flags=("nuw", "nsw"))
    again = builder.icmp_unsigned("<", following, trips)
    after = builder.append_basic_block("after")
    counter.add_incoming(integer(0), before)
    counter.add_incoming(following, builder.block)
    for phi, value, result in zip(phis, carried, results, strict=True):
        phi.add_incoming(value, before)
        phi.add_incoming(result, builder.block)
    builder.cbranch(again, header, after)
    builder.position_at_end(after)
    return results


def repeated(
    builder: ll.IRBuilder,
    state: Sequence[ll.Value],
    holds: Callable[[list[ll.Value]], ll.Value],
    body: Callable[[list[ll.Value]], Sequence[ll.Value]],
) -> list[ll.Value]:
    """`state = body(state)` while `holds(state)`. Returns the last state."""
    before = builder.block
    header = builder.append_basic_block("while")
    inner = builder.append_basic_block("round")
    after = builder.append_basic_block("done")
    builder.branch(header)
    builder.position_at_end(header)
    phis = [builder.phi(value.type) for value in state]
    again = holds(list(phis))
    builder.cbranch(again, inner, after)
    builder.position_at_end(inner)
    results = body(list(phis))
    for phi, value, result in zip(phis, state, results, strict=True):
        phi.add_incoming(value, before)
        phi.add_incoming(result, builder.block)
    builder.branch(header)
    builder.position_at_end(after)
    return list(phis)


def registers_of(lanes: Sequence[Lanes]) -> list[ll.Value]:
    """The LLVM values of several Lanes, in order."""
    found: list[Any] = []
    for item in lanes:
        found.extend(item.value if item.dtype.kind == "c" else (item.value,))
    return found


def lanes_of(like: Sequence[Lanes], values: Sequence[ll.Value]) -> list[Lanes]:
    """Inverse of `registers_of`, with the dtypes of `like`."""
    remaining = iter(values)
    return [
        Lanes(
            item.dtype,
            (next(remaining), next(remaining)) if item.dtype.kind == "c" else next(remaining),
        )
        for item in like
    ]
