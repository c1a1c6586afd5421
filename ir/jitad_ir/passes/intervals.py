"""Between which integers a value lies.

An interval is (least, greatest). Integers wrap: where a result may leave its dtype's range, nothing
is known of it. A bool is an integer that is 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import TypeAlias

from ..graph import Equation
from ..types import DType

Interval: TypeAlias = tuple[int, int]
Rule: TypeAlias = Callable[[Equation, Sequence[Interval]], "Interval | None"]


def whole(dtype: DType) -> Interval | None:
    """All values of an integer or bool dtype; None of another."""
    if dtype.kind == "b":
        return 0, 1
    if dtype.kind not in "iu":
        return None
    span = 1 << 8 * dtype.itemsize
    return (0, span - 1) if dtype.kind == "u" else (-span // 2, span // 2 - 1)


def hull(*intervals: Interval) -> Interval:
    """The least interval that holds all of them."""
    return min([low for low, _ in intervals]), max([high for _, high in intervals])


def _full(eq: Equation, _: Sequence[Interval]) -> Interval:
    return int(eq.params["value"]), int(eq.params["value"])


def _iota(eq: Equation, _: Sequence[Interval]) -> Interval:
    shape, dim = eq.params["shape"], eq.params["dim"]
    return 0, max(shape[dim] - 1, 0)


def _constant(eq: Equation, _: Sequence[Interval]) -> Interval | None:
    array = eq.params["value"]
    return (int(array.min()), int(array.max())) if array.size else None


def _add(_: Equation, of: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = of
    return a + c, b + d


def _sub(_: Equation, of: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = of
    return a - d, b - c


def _mul(_: Equation, of: Sequence[Interval]) -> Interval:
    x, y = of
    ends = [a * b for a, b in product(x, y)]
    return min(ends), max(ends)


def _neg(_: Equation, of: Sequence[Interval]) -> Interval:
    ((a, b),) = of
    return -b, -a


def _min(_: Equation, of: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = of
    return min(a, c), min(b, d)


def _max(_: Equation, of: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = of
    return max(a, c), max(b, d)


def _select(_: Equation, of: Sequence[Interval]) -> Interval:
    return hull(of[1], of[2])


def _same(_: Equation, of: Sequence[Interval]) -> Interval:
    return of[0]


def _hull(_: Equation, of: Sequence[Interval]) -> Interval | None:
    return hull(*of) if of else None


def _truth(holds: bool | None) -> Interval:
    return (0, 1) if holds is None else (int(holds), int(holds))


def _lt(_: Equation, of: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = of
    return _truth(True if b < c else False if a >= d else None)


def _le(_: Equation, of: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = of
    return _truth(True if b <= c else False if a > d else None)


def _gt(eq: Equation, of: Sequence[Interval]) -> Interval:
    return _lt(eq, of[::-1])


def _ge(eq: Equation, of: Sequence[Interval]) -> Interval:
    return _le(eq, of[::-1])


def _eq(_: Equation, of: Sequence[Interval]) -> Interval:
    (a, b), (c, d) = of
    return _truth(False if b < c or d < a else True if a == b == c == d else None)


def _ne(eq: Equation, of: Sequence[Interval]) -> Interval:
    low, high = _eq(eq, of)
    return 1 - high, 1 - low


def _and(eq: Equation, of: Sequence[Interval]) -> Interval | None:
    (a, b), (c, d) = of
    if eq.outputs[0].dtype.kind == "b" or (a == b and c == d):
        return a & c, b & d
    return (0, min(b, d)) if min(a, c) >= 0 else None


RULES: dict[str, Rule] = {
    "add": _add,
    "bitwise_and": _and,
    "broadcast": _same,
    "concatenate": _hull,
    "constant": _constant,
    "convert": _same,
    "dynamic_slice": _same,
    "eq": _eq,
    "full": _full,
    "ge": _ge,
    "gt": _gt,
    "iota": _iota,
    "le": _le,
    "lt": _lt,
    "max": _max,
    "min": _min,
    "mul": _mul,
    "ne": _ne,
    "neg": _neg,
    "reshape": _same,
    "reverse": _same,
    "select": _select,
    "slice": _same,
    "sub": _sub,
    "transpose": _same,
}
"""Op -> the interval of its result, before it wraps, from those of its operands."""


def result(eq: Equation, intervals: Sequence[Interval | None]) -> Interval | None:
    """The interval of the one result of an equation; None if it is no integer."""
    (out,) = eq.outputs
    every = whole(out.dtype)
    rule = RULES.get(eq.op.name)
    if every is None or rule is None:
        return every
    known: list[Interval] = []
    for interval in intervals:
        if interval is None:
            return every
        known.append(interval)
    found = rule(eq, known)
    if found is None or found[0] < every[0] or found[1] > every[1]:
        return every
    return found
