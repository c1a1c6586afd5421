"""Integer expressions of loop counters: where a kernel reads and writes.

An `Index` is `offset + sum(coefficient * atom)`. An atom is a loop counter, or what is left of an
expression that is not affine: a quotient, a remainder, a clamped expression, or a number computed
at run time. Every atom knows its range, so that quotients, remainders and bounds are decided while
a plan is made wherever they can be:

>>> i, j = counter(0, 3), counter(1, 4)
>>> flat = i * 4 + j
>>> flat // 4, flat % 4, flat // 2
(i0, i1, i0*2 + i1//2)
>>> (flat // 2) * 2 + flat % 2
i0*4 + i1
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Position: TypeAlias = "int | Index"
"""An index along one axis: a plain int where it is known."""

_UNBOUNDED = 1 << 62


@dataclass(frozen=True, slots=True, eq=False)
class Counter:
    """The counter of loop number `number`, 0 <= counter < `length`."""

    number: int
    length: int
    name: str

    @property
    def low(self) -> int:
        """Least value."""
        return 0

    @property
    def high(self) -> int:
        """Greatest value."""
        return self.length - 1


@dataclass(frozen=True, slots=True, eq=False)
class Quotient:
    """floor(index / divisor)."""

    index: Index
    divisor: int
    low: int
    high: int
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Remainder:
    """index - divisor * floor(index / divisor)."""

    index: Index
    divisor: int
    low: int
    high: int
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Clamp:
    """index, moved into low..high."""

    index: Index
    low: int
    high: int
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Dynamic:
    """The integer that node `node` of the kernel computes."""

    node: int
    low: int
    high: int
    name: str


Atom: TypeAlias = "Counter | Quotient | Remainder | Clamp | Dynamic"


class Index:
    """`offset + sum(coefficient * atom)`, atoms in order of their names. Never a mere int: the
    operators give a plain int where no atom is left."""

    __slots__ = ("_hash", "_range", "offset", "terms")

    terms: tuple[tuple[Atom, int], ...]
    offset: int

    def __init__(self, terms: tuple[tuple[Atom, int], ...], offset: int) -> None:
        self.terms = terms
        self.offset = offset
        self._hash: int | None = None
        self._range: tuple[int, int] | None = None

    @property
    def range(self) -> tuple[int, int]:
        """Least and greatest value that the ranges of the atoms allow."""
        if self._range is None:
            low = high = self.offset
            for atom, coefficient in self.terms:
                ends = (coefficient * atom.low, coefficient * atom.high)
                low += min(ends)
                high += max(ends)
            self._range = (low, high)
        return self._range

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Index) or self.offset != other.offset:
            return False
        return _key(self) == _key(other)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(_key(self))
        return self._hash

    def __add__(self, other: Position) -> Position:
        if isinstance(other, int):
            return Index(self.terms, self.offset + other) if other else self
        coefficients = {atom.name: (atom, c) for atom, c in self.terms}
        for atom, c in other.terms:
            held = coefficients.get(atom.name)
            coefficients[atom.name] = (atom, c if held is None else held[1] + c)
        return _recombined(coefficients, self.offset + other.offset)

    __radd__ = __add__

    def __neg__(self) -> Position:
        return self * -1

    def __sub__(self, other: Position) -> Position:
        return self + -other

    def __rsub__(self, other: int) -> Position:
        return self * -1 + other

    def __mul__(self, factor: int) -> Position:
        if factor == 0:
            return 0
        if factor == 1:
            return self
        return Index(tuple((atom, c * factor) for atom, c in self.terms), self.offset * factor)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> Position:
        if divisor <= 0:
            raise ValueError(f"expected a positive divisor; got {divisor}")
        whole, rest = _divide(self, divisor)
        if isinstance(rest, int):
            return whole + rest // divisor
        low, high = rest.range
        if low // divisor == high // divisor:
            return whole + low // divisor
        return whole + _quotient(rest, divisor)

    def __mod__(self, divisor: int) -> Position:
        if divisor <= 0:
            raise ValueError(f"expected a positive divisor; got {divisor}")
        _, rest = _divide(self, divisor)
        if isinstance(rest, int):
            return rest % divisor
        low, high = rest.range
        if low // divisor == high // divisor:
            return rest - low // divisor * divisor
        common, multiple, remainder = _split(rest, divisor)
        if common > 1:
            # (g x + r) mod (g d) = g (x mod d) + r, for 0 <= r < g
            return multiple % (divisor // common) * common + remainder
        name = f"({rest})%{divisor}" if _compound(rest) else f"{rest}%{divisor}"
        return Index(((Remainder(rest, divisor, 0, divisor - 1, name), 1),), 0)

    def __repr__(self) -> str:
        parts: list[str] = []
        for atom, c in self.terms:
            text = atom.name if abs(c) == 1 else f"{atom.name}*{abs(c)}"
            parts.append(("- " if c < 0 else "+ ") + text)
        if self.offset:
            parts.append(("- " if self.offset < 0 else "+ ") + str(abs(self.offset)))
        text = " ".join(parts)
        return text[2:] if text.startswith("+ ") else "-" + text[2:]


def _key(index: Index) -> tuple[object, ...]:
    return (index.offset, *[(atom.name, c) for atom, c in index.terms])


def _compound(index: Index) -> bool:
    return index.offset != 0 or [c for _, c in index.terms] != [1]


def _sorted(coefficients: dict[str, tuple[Atom, int]], offset: int) -> Position:
    terms = tuple([coefficients[name] for name in sorted(coefficients) if coefficients[name][1]])
    return Index(terms, offset) if terms else offset


def _recombined(coefficients: dict[str, tuple[Atom, int]], offset: int) -> Position:
    """The sum, with (x // d) * d * c + (x % d) * c written as x * c."""
    for name, (atom, c) in coefficients.items():
        if not isinstance(atom, Remainder) or c == 0:
            continue
        quotient = atom.index // atom.divisor
        if isinstance(quotient, int) or len(quotient.terms) != 1 or quotient.offset:
            continue
        (part, factor), *_ = quotient.terms
        held = coefficients.get(part.name)
        if factor == 1 and held is not None and held[1] == c * atom.divisor:
            rest = {n: t for n, t in coefficients.items() if n not in (name, part.name)}
            return atom.index * c + _sorted(rest, offset)
    return _sorted(coefficients, offset)


def _divide(index: Index, divisor: int) -> tuple[Position, Position]:
    """(whole, rest) with index = divisor * whole + rest, as much as can be in `whole`; the
    offset of the rest is in 0..divisor-1."""
    whole = tuple([(atom, c // divisor) for atom, c in index.terms if c % divisor == 0])
    rest = tuple([(atom, c) for atom, c in index.terms if c % divisor])
    quotient, remainder = divmod(index.offset, divisor)
    return (
        Index(whole, quotient) if whole else quotient,
        Index(rest, remainder) if rest else remainder,
    )


def _split(rest: Index, divisor: int) -> tuple[int, Position, Position]:
    """(g, x, r) with rest = g x + r, where g divides the divisor and 0 <= r < g."""
    by_size = sorted(rest.terms, key=lambda term: -abs(term[1]))
    for count in range(len(by_size), 0, -1):
        common = math.gcd(divisor, *(c for _, c in by_size[:count]))
        if common == 1:
            continue
        low = {atom.name: (atom, c) for atom, c in by_size[count:]}
        remainder = _sorted(low, rest.offset % common)
        if within(remainder, 0, common):
            high = {atom.name: (atom, c // common) for atom, c in by_size[:count]}
            return common, _sorted(high, rest.offset // common), remainder
    return 1, rest, 0


def _quotient(rest: Index, divisor: int) -> Position:
    common, multiple, _ = _split(rest, divisor)
    if common > 1:
        # floor((g x + r) / (g d)) = floor(x / d), for 0 <= r < g
        return multiple // (divisor // common)
    (atom, c), *others = rest.terms
    if not others and c == 1 and rest.offset == 0 and isinstance(atom, Quotient):
        # floor(floor(x / a) / d) = floor(x / (a d))
        rest, divisor = atom.index, atom.divisor * divisor
    low, high = (end // divisor for end in rest.range)
    name = f"({rest})//{divisor}" if _compound(rest) else f"{rest}//{divisor}"
    return Index(((Quotient(rest, divisor, low, high, name), 1),), 0)


def counter(number: int, length: int) -> Position:
    """The counter of loop `number`; 0 if the loop has one iteration only."""
    if length == 1:
        return 0
    return Index(((Counter(number, length, f"i{number}"), 1),), 0)


def clamp(index: Position, low: int, high: int) -> Position:
    """`index` moved into low..high, both included."""
    if isinstance(index, int):
        return min(max(index, low), high)
    least, greatest = index.range
    if low <= least and greatest <= high:
        return index
    if low == high:
        return low
    return Index(((Clamp(index, low, high, f"clamp({index}, {low}, {high})"), 1),), 0)


def dynamic(node: int) -> Index:
    """The integer computed by node `node` of the kernel."""
    return Index(((Dynamic(node, -_UNBOUNDED, _UNBOUNDED, f"%{node}"), 1),), 0)


def flatten(index: tuple[Position, ...], shape: tuple[int, ...]) -> Position:
    """Row-major number of the element of an array of `shape` at `index`."""
    flat: Position = 0
    stride = 1
    for position, length in zip(reversed(index), reversed(shape), strict=True):
        flat = position * stride + flat
        stride *= length
    return flat


def unflatten(flat: Position, shape: tuple[int, ...]) -> tuple[Position, ...]:
    """Inverse of `flatten`, for 0 <= flat < the size of `shape`."""
    index: list[Position] = []
    for axis in range(len(shape) - 1, -1, -1):
        length = shape[axis]
        if length == 1:
            index.append(0)
        else:
            # The first axis takes all that is left: no remainder to be formed.
            outermost = all(n == 1 for n in shape[:axis])
            index.append(flat if outermost else flat % length)
            if not outermost:
                flat = flat // length
    return tuple(reversed(index))


def within(index: Position, low: int, high: int) -> bool | None:
    """Whether low <= index < high: None if that depends on the counters."""
    least, greatest = (index, index) if isinstance(index, int) else index.range
    if low <= least and greatest < high:
        return True
    if low >= high or greatest < low or least >= high:
        return False
    return None


def substitute(index: Position, replace: Callable[[Atom], Position]) -> Position:
    """`index` with every atom replaced, inside quotients and the like too."""
    if isinstance(index, int):
        return index
    total: Position = index.offset
    for atom, c in index.terms:
        if isinstance(atom, (Counter, Dynamic)):
            new = replace(atom)
        else:
            inner = substitute(atom.index, replace)
            if isinstance(atom, Quotient):
                new = inner // atom.divisor
            elif isinstance(atom, Remainder):
                new = inner % atom.divisor
            else:
                new = clamp(inner, atom.low, atom.high)
        total = new * c + total
    return total


def leaves(index: Position) -> list[Counter | Dynamic]:
    """The counters and computed numbers that the index depends on."""
    if isinstance(index, int):
        return []
    found: list[Counter | Dynamic] = []
    for atom, _ in index.terms:
        if isinstance(atom, (Counter, Dynamic)):
            found.append(atom)
        else:
            found.extend(leaves(atom.index))
    return found
