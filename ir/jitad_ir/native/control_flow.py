"""Loops and branches, as the ops' `emit` rules write them: with a function for each block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from llvmlite import ir as ll

from ..types import Shape
from .lanes import I8, I64, Lanes
from .loops import counted, integer, lanes_of, registers_of

IndexPart: TypeAlias = "int | ll.Value"


class ControlFlow:
    """Emits loops and branches at the place of `builder`, and moves it behind what was emitted."""

    def __init__(self, builder: ll.IRBuilder) -> None:
        self.builder = builder

    def integer(self, n: int) -> ll.Value:
        """The i64 constant n."""
        return integer(n)

    def loop(self, n: IndexPart, body: Callable[[ll.Value], None], *, start: IndexPart = 0) -> None:
        """Emit `body(i)` for i64 i = start ... n - 1, not at all if n <= start."""
        b = self.builder
        if isinstance(n, int) and isinstance(start, int):
            if n <= start:
                return
            if n == start + 1:
                body(self.integer(start))
                return
            reached = None
        else:
            reached = b.icmp_signed("<", _register(start), _register(n))
        before, head = b.block, b.append_basic_block("loop")
        after = b.append_basic_block("done")
        if reached is None:
            b.branch(head)
        else:
            b.cbranch(reached, head, after)
        b.position_at_end(head)
        i = b.phi(I64, "i")
        i.add_incoming(_register(start), before)
        body(i)
        following = b.add(i, self.integer(1), flags=("nsw",))
        i.add_incoming(following, b.block)
        b.cbranch(b.icmp_signed("<", following, _register(n)), head, after)
        b.position_at_end(after)

    def loops(self, shape: Shape, body: Callable[[tuple[ll.Value, ...]], None]) -> None:
        """Emit `body(index)` for each index of an array of `shape`, in C order."""

        def nest(index: tuple[ll.Value, ...]) -> None:
            if len(index) == len(shape):
                body(index)
            else:
                self.loop(shape[len(index)], lambda i: nest((*index, i)))

        if 0 not in shape:
            nest(())

    def repeat(
        self,
        n: IndexPart,
        carried: Sequence[ll.Value],
        body: Callable[[list[ll.Value]], Sequence[ll.Value]],
    ) -> list[ll.Value]:
        """`carried = body(carried)` n times, where n is 1 or more; the last values. They stay in
        registers."""
        return counted(self.builder, n, carried, lambda _i, values: body(values))

    def walk(
        self,
        n: int,
        pointers: Sequence[tuple[ll.Value, int]],
        carried: Sequence[Lanes],
        body: Callable[[list[ll.Value], list[Lanes]], Sequence[Lanes]],
    ) -> list[Lanes]:
        """`carried = body(pointers, carried)` n times, for pointers that move by so many bytes each
        time. Addresses that are far from a counter are then a pointer and a constant."""
        if n < 1:
            return list(carried)
        steps = [step for _, step in pointers]

        def round_of(_i: ll.Value, values: list[ll.Value]) -> list[ll.Value]:
            here = values[: len(steps)]
            found = registers_of(body(here, lanes_of(carried, values[len(steps) :])))
            places = zip(here, steps, strict=True)
            moved = [
                self.builder.gep(place, [ll.Constant(I64, step)], source_etype=I8)
                if step
                else place
                for place, step in places
            ]
            return [*moved, *found]

        start = [place for place, _ in pointers]
        values = counted(self.builder, n, [*start, *registers_of(carried)], round_of)
        return lanes_of(carried, values[len(steps) :])

    def unless(
        self, condition: ll.Value, lanes: Sequence[Lanes], otherwise: Callable[[], list[Lanes]]
    ) -> list[Lanes]:
        """`lanes` where the condition holds, else what `otherwise()` gives."""
        b, given = self.builder, registers_of(lanes)
        before, other = b.block, b.append_basic_block("otherwise")
        after = b.append_basic_block("either")
        b.cbranch(condition, after, other)
        b.position_at_end(other)
        found = registers_of(otherwise())
        b.branch(after)
        last = b.block
        b.position_at_end(after)
        phis = [b.phi(value.type) for value in given]
        for phi, one, two in zip(phis, given, found, strict=True):
            phi.add_incoming(one, before)
            phi.add_incoming(two, last)
        return lanes_of(lanes, phis)

    def loop_while(
        self, condition: Callable[[], Lanes | ll.Value], body: Callable[[], None]
    ) -> None:
        """Emit `body()` for as long as `condition()` holds, tested before each round. What
        changes from round to round lives in `local` slots or buffers."""
        b = self.builder
        head, round_, after = (
            b.append_basic_block("while"),
            b.append_basic_block("round"),
            b.append_basic_block("done"),
        )
        b.branch(head)
        b.position_at_end(head)
        b.cbranch(_predicate(condition()), round_, after)
        b.position_at_end(round_)
        body()
        b.branch(head)
        b.position_at_end(after)

    def when(
        self,
        condition: Lanes | ll.Value,
        then: Callable[[], None],
        otherwise: Callable[[], None] | None = None,
    ) -> None:
        """Emit `then()` where the condition holds, else `otherwise()`."""
        if otherwise is None:
            with self.builder.if_then(_predicate(condition)):
                then()
            return
        with self.builder.if_else(_predicate(condition)) as (yes, no):
            with yes:
                then()
            with no:
                otherwise()


def _register(part: IndexPart) -> ll.Value:
    return integer(part) if isinstance(part, int) else part


def _predicate(condition: Lanes | ll.Value) -> ll.Value:
    return condition.value if isinstance(condition, Lanes) else condition
