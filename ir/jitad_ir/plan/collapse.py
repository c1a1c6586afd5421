"""Neighbouring loops that every access crosses as one, become one.

Loops i < m, j < n become k < m n where each offset holds i and j only as (i n + j) * c.
"""

from __future__ import annotations

from dataclasses import replace

from . import index as ix
from .index import Counter, Index, Position
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

    def counter(atom: ix.Atom) -> Position:
        if not isinstance(atom, Counter):
            return Index(((atom, 1),), 0)
        if atom.number == outer:
            return 0
        if atom.number == outer + 1:
            return together
        return ix.counter(atom.number - (atom.number > outer), atom.length)

    def moved(position: Position) -> Position:
        return ix.substitute(position, counter)

    def node(old: Node) -> Node:
        if isinstance(old, Read):
            return Read(old.dtype, old.buffer, moved(old.offset), old.mask)
        if isinstance(old, (Number, Inside)):
            return replace(old, index=moved(old.index))
        return old

    def fold(old: Fold) -> Fold:
        loops = sorted({k - (k > outer) for k in old.loops})
        return replace(
            old, loops=tuple(loops), offset=moved(old.offset), position=moved(old.position)
        )

    return Kernel(
        (*lengths[:outer], merged, *lengths[outer + 2 :]),
        tuple([node(old) for old in kernel.nodes]),
        tuple([replace(s, offset=moved(s.offset)) for s in kernel.stores]),
        tuple([fold(old) for old in kernel.folds]),
        kernel.equations,
    )
