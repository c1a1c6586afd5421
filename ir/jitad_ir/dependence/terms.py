"""Terms of a value's derivative in ELLPACK form, and their sums."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..graph import Value
from ..op import OPS


class Term(NamedTuple):
    """One array of coefficients, and the numbers of the inputs' elements that they belong to, both
    of the value's shape. A coefficient without a number is zero."""

    coefficient: Value
    columns: Any


Terms = tuple[Term, ...]


def diagonal_of(columns: Any, here: Any) -> int | None:
    """How far the number of the middle element that has one is from its own place."""
    found = np.flatnonzero(columns >= 0)
    if not len(found):
        return None
    middle = found[len(found) // 2]
    return int(columns.flat[middle]) - int(here.flat[middle])


class Pair:
    """Terms of both operands of a sum that have one number in each place where both have one."""

    def __init__(self, one: Value | None, columns: Any) -> None:
        self.one = one
        self.other: Value | None = None
        self.columns = columns

    def take(self, term: Term) -> None:
        """One more term of the second operand."""
        c = term.coefficient
        self.other = c if self.other is None else OPS["add"](self.other, c)
        if term.columns is not self.columns:
            self.columns = np.maximum(self.columns, term.columns)


def paired(one: Terms, other: Terms) -> list[Pair]:
    """The terms of a sum, in which each number of a row is once."""
    found = [Pair(term.coefficient, term.columns) for term in one]
    for term in other:
        same = [_same(pair.columns, term.columns) for pair in found[: len(one)]]
        alike = [k for k, flags in enumerate(same) if flags is not None]
        if len(alike) == 1 and _is_compatible(found[alike[0]].columns, term.columns):
            found[alike[0]].take(term)
            continue
        for k in alike:
            found[k].take(_part_of(term, same[k]))
            term = _part_of(term, ~same[k])
        if alike and not (term.columns >= 0).any():
            continue
        pair = next((p for p in found[: len(one)] if _goes_on(p.columns, term.columns)), None)
        if pair is None:
            pair = Pair(None, term.columns)
            found.append(pair)
        pair.take(term)
    return found


def _part_of(term: Term, keep: Any) -> Term:
    """The term where `keep` says so."""
    flags = OPS["constant"](value=keep)
    zero = OPS["full"](value=0, shape=keep.shape, dtype=term.coefficient.dtype)
    chosen = OPS["select"](flags, term.coefficient, zero)
    return Term(chosen, np.where(keep, term.columns, np.int32(-1)))


def _same(one: Any, other: Any) -> Any:
    """Where two arrays have the same number; None if nowhere."""
    same = (one == other) & (one >= 0)
    return same if same.any() else None


def _is_compatible(one: Any, other: Any) -> bool:
    """Whether two arrays have the same number wherever both have one."""
    return one is other or not ((one != other) & (one >= 0) & (other >= 0)).any()


def _goes_on(one: Any, other: Any) -> bool:
    """Whether two arrays have numbers in different places, on one diagonal."""
    if ((one >= 0) & (other >= 0)).any():
        return False
    here = np.arange(one.size).reshape(one.shape)
    diagonal = diagonal_of(one, here)
    return diagonal is not None and diagonal == diagonal_of(other, here)


def added(one: Terms, other: Terms) -> Terms:
    """The terms of a sum."""
    found: list[Term] = []
    for pair in paired(one, other):
        if pair.one is None or pair.other is None:
            alone = pair.one or pair.other
            assert alone is not None
            found.append(Term(alone, pair.columns))
        else:
            found.append(Term(OPS["add"](pair.one, pair.other), pair.columns))
    return tuple(found)
