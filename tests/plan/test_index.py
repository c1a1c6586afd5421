"""Index expressions against plain integer arithmetic."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitad_ir.plan import index as ix
from jitad_ir.plan.index import Counter, Position

SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)


def value(position: Position, counters: tuple[int, ...]) -> int:
    """The number that an index is for given counters."""
    if isinstance(position, int):
        return position
    total = position.offset
    for atom, c in position.terms:
        if isinstance(atom, Counter):
            term = counters[atom.number]
        else:
            assert not isinstance(atom, ix.Dynamic)
            inner = value(atom.index, counters)
            if isinstance(atom, ix.Quotient):
                term = inner // atom.divisor
            elif isinstance(atom, ix.Remainder):
                term = inner % atom.divisor
            else:
                term = min(max(inner, atom.low), atom.high)
        total += c * term
    return total


def counters_of(shape: tuple[int, ...]) -> list[Position]:
    return [ix.counter(k, n) for k, n in enumerate(shape)]


@st.composite
def expressions(draw: st.DrawFn) -> tuple[tuple[int, ...], list[tuple[str, int]], list[int]]:
    shape = draw(SHAPES)
    steps = draw(
        st.lists(
            st.tuples(st.sampled_from(["+", "*", "//", "%", "join", "clamp"]), st.integers(1, 13)),
            max_size=6,
        )
    )
    return shape, steps, draw(st.lists(st.integers(-7, 7), min_size=4, max_size=4))


@given(expressions())
def test_arithmetic_agrees_with_integers(
    case: tuple[tuple[int, ...], list[tuple[str, int]], list[int]],
) -> None:
    shape, steps, weights = case
    counters = counters_of(shape)

    def build(places: list[Position]) -> Position:
        total: Position = 0
        for place, weight in zip(places, weights, strict=False):
            total = place * weight + total
        first = total
        for op, n in steps:
            if op == "+":
                total = total + n
            elif op == "*":
                total = total * n
            elif op == "//":
                total = total // n
            elif op == "%":
                total = total % n
            elif op == "clamp":
                total = (
                    ix.clamp(total, -n, n) if not isinstance(total, int) else min(max(total, -n), n)
                )
            else:
                total = total + first * n
        return total

    symbolic = build(counters)
    for at in product(*map(range, shape)):
        number = build(list(at))
        assert value(symbolic, at) == number
        low, high = symbolic.range if not isinstance(symbolic, int) else (symbolic, symbolic)
        assert low <= number <= high


@given(SHAPES, SHAPES)
def test_flatten_undoes_unflatten(shape: tuple[int, ...], loops: tuple[int, ...]) -> None:
    flat = ix.flatten(tuple(counters_of(loops)), loops)
    size = 1
    for n in loops:
        size *= n
    total = 1
    for n in shape[1:]:
        total *= n
    if size % total:
        return
    shape = (size // total, *shape[1:])
    assert ix.flatten(ix.unflatten(flat, shape), shape) == flat


def test_nested_reshapes_need_no_division() -> None:
    i, j, k = (ix.counter(n, length) for n, length in enumerate((5, 4, 6)))
    flat = ix.flatten((i, j, k), (5, 4, 6))
    assert ix.unflatten(flat, (20, 6)) == (i * 4 + j, k)
    assert ix.unflatten(flat, (5, 24)) == (i, j * 6 + k)
    assert repr(ix.unflatten(flat, (5, 2, 12))) == "(i0, i1//2, i1%2*6 + i2)"


def test_unknown_numbers_are_bounded_by_clamps() -> None:
    position = ix.clamp(ix.dynamic(3), 0, 7) + ix.counter(0, 3)
    assert not isinstance(position, int)
    assert position.range == (0, 9)
    assert ix.within(position, 0, 10) is True
    assert ix.within(position, 0, 9) is None
    assert ix.within(position, 10, 12) is False
    assert ix.within(ix.dynamic(3), 0, 10) is None


def test_divisors_are_positive() -> None:
    i = ix.counter(0, 3)
    with pytest.raises(ValueError, match="positive divisor"):
        i // 0
    with pytest.raises(ValueError, match="positive divisor"):
        i % -2
