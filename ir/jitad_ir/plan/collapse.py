"""The loops of a kernel: those that every access crosses as one, and those that none does.

Neighbouring loops i < m, j < n become k < m n if each offset holds i and j only as (i n + j) * c.
A loop k < m n is divided into those two where accesses hold quotients k // n or remainders k % n:
these are i and j, and no division is left to be done for each element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from . import index as ix
from .index import Clamp, Counter, Index, Position, Quotient, Remainder
from .steps import Fold, Inside, Kernel, Node, Number, Read


def collapse(kernel: Kernel) -> Kernel:
    """The same kernel with as few loops as possible."""
    outer = len(kernel.lengths) - 2
    while outer >= 0:
        if _together(kernel, outer):
            kernel = _joined(kernel, outer)
        outer -= 1
    return kernel


def _positions(kernel: Kernel) -> list[Position]:
    found: list[Position] = [s.offset for s in kernel.stores]
    for fold in kernel.folds:
        found += [fold.offset, fold.position]
    for node in kernel.nodes:
        if isinstance(node, Read):
            found.append(node.offset)
        elif isinstance(node, (Number, Inside)):
            found.append(node.index)
    return found


def _together(kernel: Kernel, outer: int) -> bool:
    """Whether loops `outer` and `outer + 1` can be one."""
    n = kernel.lengths[outer + 1]
    for fold in kernel.folds:
        if (outer in fold.loops) != (outer + 1 in fold.loops):
            return False
    for position in _positions(kernel):
        if isinstance(position, int):
            continue
        coefficients = {outer: 0, outer + 1: 0}
        for atom, c in position.terms:
            if isinstance(atom, Counter):
                if atom.number in coefficients:
                    coefficients[atom.number] = c
            elif any(
                isinstance(leaf, Counter) and leaf.number in coefficients
                for leaf in ix.leaves(Index(((atom, 1),), 0))
            ):
                return False
        if coefficients[outer] != coefficients[outer + 1] * n:
            return False
    return True


def _joined(kernel: Kernel, outer: int) -> Kernel:
    lengths = kernel.lengths
    merged = lengths[outer] * lengths[outer + 1]
    together = ix.counter(outer, merged)

    def counter(old: Counter) -> Position:
        if old.number == outer:
            return 0
        if old.number == outer + 1:
            return together
        return ix.counter(old.number - (old.number > outer), old.length)

    def loops(old: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted({k - (k > outer) for k in old}))

    return _renumbered(kernel, (*lengths[:outer], merged, *lengths[outer + 2 :]), counter, loops)


def divide(kernel: Kernel) -> Kernel:
    """The same kernel with loops divided where this makes counters of quotients and remainders. It
    folds along none of its loops."""
    while (found := _division(kernel)) is not None:
        number, inner = found
        length = kernel.lengths[number]
        sides = (length // inner, inner)

        def counter(old: Counter, number: int = number, sides: tuple[int, int] = sides) -> Position:
            if old.number == number:
                both = (ix.counter(number + k, n) for k, n in enumerate(sides))
                return ix.flatten(tuple(both), sides)
            return ix.counter(old.number + (old.number > number), old.length)

        lengths = (*kernel.lengths[:number], *sides, *kernel.lengths[number + 1 :])
        kernel = _renumbered(kernel, lengths, counter, lambda loops: loops)
    return kernel


def _division(kernel: Kernel) -> tuple[int, int] | None:
    """A loop, and what part of it is to be an inner loop of its own."""
    if kernel.folds:
        return None
    for position in _positions(kernel):
        for atom in _divided(position):
            (part, factor), *others = atom.index.terms
            if others or factor != 1 or atom.index.offset or not isinstance(part, Counter):
                continue
            if part.length % atom.divisor == 0:
                return part.number, atom.divisor
    return None


def _divided(position: Position) -> Iterator[Quotient | Remainder]:
    """The quotients and remainders in an index, those within others too."""
    if isinstance(position, int):
        return
    for atom, _ in position.terms:
        if isinstance(atom, (Quotient, Remainder)):
            yield atom
        if isinstance(atom, (Quotient, Remainder, Clamp)):
            yield from _divided(atom.index)


def _renumbered(
    kernel: Kernel,
    lengths: tuple[int, ...],
    counter: Callable[[Counter], Position],
    loops: Callable[[tuple[int, ...]], tuple[int, ...]],
) -> Kernel:
    """The kernel with other loops: what stands for a counter, and for the loops of a fold."""

    def atom(old: ix.Atom) -> Position:
        return counter(old) if isinstance(old, Counter) else Index(((old, 1),), 0)

    def moved(position: Position) -> Position:
        return ix.substitute(position, atom)

    def node(old: Node) -> Node:
        if isinstance(old, Read):
            return Read(old.dtype, old.buffer, moved(old.offset), old.mask)
        if isinstance(old, (Number, Inside)):
            return replace(old, index=moved(old.index))
        return old

    def fold(old: Fold) -> Fold:
        return replace(
            old,
            loops=loops(old.loops),
            offset=moved(old.offset),
            position=moved(old.position),
        )

    return Kernel(
        lengths,
        tuple([node(old) for old in kernel.nodes]),
        tuple([replace(s, offset=moved(s.offset)) for s in kernel.stores]),
        tuple([fold(old) for old in kernel.folds]),
        kernel.equations,
    )
