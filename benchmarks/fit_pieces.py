"""The tables of `jitad_ir/native/math_pieces.py`: functions by pieces.

    python -m benchmarks.fit_pieces            # all, some seconds
    python -m benchmarks.fit_pieces ERF        # one

Printed with each: the greatest error that its rounded numbers leave, in units in the last place
of the result, where nothing else is rounded.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from mpmath import mp, mpf

DIGITS = 40
Row = tuple[float, ...]


class Fitted(NamedTuple):
    """A table of `math_pieces`, and the greatest error in ulp."""

    table: tuple[Row | float, ...]
    error: float


def single(x: Any) -> float:
    """The float32 next to `x`."""
    return float(np.float32(float(x)))


def shortest(x: float) -> float:
    """A float32 as the double of the fewest digits that tell it."""
    return float(str(np.float32(x)))


def unit(x: Any, digits: int) -> Any:
    """A unit in the last place of `x`, of so many binary digits."""
    return mpf(2) ** (int(mp.floor(mp.log(abs(x), 2))) + 1 - digits)


def chebyshev_nodes(low: Any, high: Any, count: int) -> list[Any]:
    """Those of [low, high]: polynomials fitted there are nearly the best."""
    angles = (mp.pi * (2 * i + 1) / (2 * count) for i in range(count))
    return [(low + high) / 2 + (high - low) / 2 * mp.cos(angle) for angle in angles]


def least_squares(rows: list[list[Any]], values: list[Any]) -> list[Any]:
    """The x for which the rows' products with it are next to the values."""
    return list(mp.qr_solve(mp.matrix(rows), mp.matrix(values))[0])


# tanh(c + r) = T + (1 - T^2) r / (C(r^2) + T r) with T = tanh c, C(r^2) = r / tanh r.

TANH_TOP = {24: mpf(9.0109), 53: mpf(19.0616)}
"""From there on the float next to tanh x is 1."""
TANH_TERMS = {24: 3, 53: 8}
TANH_NARROW, TANH_STRESS = 0.5, 6
"""Rounding takes up to 1.5 ulp in pieces that are no wider, and 0.7 in others: there C may be off
by more."""
TANH_OFFSET, TANH_PER_OCTAVE = 1.5, 4


def tanh_pieces(digits: int) -> list[tuple[Any, Any]]:
    """|x| + 1.5 of which the two bits after the first are the same."""
    pieces: list[tuple[Any, Any]] = []
    low = mpf(TANH_OFFSET)
    while low < TANH_OFFSET + TANH_TOP[digits]:
        high = low + unit(low, TANH_PER_OCTAVE.bit_length())
        pieces.append((low - TANH_OFFSET, high - TANH_OFFSET))
        low = high
    return pieces


def tanh_center(low: Any, high: Any, digits: int) -> Any:
    """Near the middle, of few digits, and such that its tanh and the slope there are nearly floats:
    the best of 2,001 candidates is within some hundredths of an ulp."""
    step = (high - low) * mpf(2) ** (-15 if digits == 24 else -20)

    def rounding(c: Any) -> Any:
        scaled = [v / unit(v, digits) for v in (mp.tanh(c), mp.sech(c) ** 2)]
        return max(abs(v - mp.nint(v)) for v in scaled)

    return min(((low + high) / 2 + j * step for j in range(-1000, 1001)), key=rounding)


@functools.cache
def tanh_rows(digits: int) -> list[tuple[Any, Any, Any]]:
    """c, tanh c and 1 - tanh^2 c of each piece; c = 0 in the first."""
    first, *others = tanh_pieces(digits)
    del first
    centers = [mpf(0), *(tanh_center(*piece, digits) for piece in others)]
    return [(c, mp.tanh(c), mp.sech(c) ** 2) for c in centers]


def tanh_table(digits: int) -> Fitted:
    """The rows in floats, and how far the second and third numbers are from theirs."""
    rounded = single if digits == 24 else float
    rows = tanh_rows(digits)
    errors = [abs(v - mpf(rounded(v))) / unit(v, digits) for row in rows[1:] for v in row[1:]]
    return Fitted(tuple(tuple(map(rounded, row)) for row in rows), float(max(errors)))


def tanh_quotient(digits: int) -> Fitted:
    """(C(z) - 1) / z for z = r^2, by least squares at 14 nodes in each piece. An error of C counts
    as much as it moves the result there, which is less the greater x is and the wider the piece;
    in narrow pieces, `TANH_STRESS` times as much."""
    rows: list[list[Any]] = []
    values: list[Any] = []
    stresses: list[int] = []
    terms = TANH_TERMS[digits]
    pieces = zip(tanh_pieces(digits), tanh_rows(digits), strict=True)
    for (low, high), (c, t, slope) in pieces:
        stress = TANH_STRESS if high - low <= TANH_NARROW else 1
        for x in chebyshev_nodes(low, min(high, TANH_TOP[digits]), 14):
            r = x - c
            exact = r / mp.tanh(r)
            denominator = exact + t * r
            weight = stress * abs(slope * r / denominator**2) / unit(mp.tanh(x), digits)
            rows.append([weight * r ** (2 * k + 2) for k in range(terms)])
            values.append(weight * (exact - 1))
            stresses.append(stress)
    rounded = single if digits == 24 else float
    found = tuple(map(rounded, least_squares(rows, values)))
    errors = (
        abs(sum(a * mpf(c) for a, c in zip(row, found, strict=True)) - value) / stress
        for row, value, stress in zip(rows, values, stresses, strict=True)
    )
    return Fitted(found, float(max(errors)))


# erf in pieces of 1/8 around the multiples i/8: a polynomial of |x| - i/8.

ERF_WIDTH = 0.125
ERF_PIECES, ERF_DEGREE = 32, 4

# e^(a^2) erfc a in pieces of a + 1 of which the three bits after the first are the same.

ERFC_OFFSET, ERFC_PER_OCTAVE, ERFC_DEGREE = 1.0, 8, 5
ERFC_TOP = 10.2
"""From there on erfc is 0 in float32."""

LAWSON_STEPS = 30


def erfc_pieces() -> list[tuple[Any, Any]]:
    """Where pieces begin, and how wide they are."""
    pieces: list[tuple[Any, Any]] = []
    low = mpf(ERFC_OFFSET)
    while low < ERFC_OFFSET + ERFC_TOP:
        width = unit(low, ERFC_PER_OCTAVE.bit_length())
        pieces.append((low - ERFC_OFFSET, width))
        low += width
    return pieces


def erfc_table() -> Fitted:
    """Rows of coefficients in a less the start of the piece, rounded as those of erf are."""
    table: list[Row] = []
    errors: list[float] = []
    for start, width in erfc_pieces():
        nodes = chebyshev_nodes(mpf(0), width, 200)
        values = [mp.exp((start + t) ** 2) * mp.erfc(start + t) for t in nodes]
        units = [unit(v, 24) for v in values]
        row, error = rounded_polynomial(values, nodes, units, width, 0, ERFC_DEGREE)
        table.append(row)
        errors.append(error)
    return Fitted(tuple(table), max(errors))


def erf_table() -> Fitted:
    """Rows of coefficients, lowest power first; the first is of erf x - x without its absolute
    term, the last is 1. The coefficients are rounded to float32 one after the other, and those of
    higher powers fitted to what is left."""
    half = ERF_WIDTH / 2
    nodes = chebyshev_nodes(mpf(0), mpf(half), 100)
    values = [mp.erf(x) - x for x in nodes]
    row, error = rounded_polynomial(
        values, nodes, [x * unit(1, 24) for x in nodes], half, 1, ERF_DEGREE
    )
    table: list[Row] = [(0.0, *row)]
    errors = [error]
    nodes = chebyshev_nodes(mpf(-half), mpf(half), 200)
    for piece in range(1, ERF_PIECES - 1):
        values = [mp.erf(piece * mpf(ERF_WIDTH) + t) for t in nodes]
        units = [unit(v, 24) for v in values]
        row, error = rounded_polynomial(values, nodes, units, half, 0, ERF_DEGREE)
        table.append(row)
        errors.append(error)
    table.append((1.0, *[0.0] * ERF_DEGREE))
    return Fitted(tuple(table), max(errors))


def rounded_polynomial(
    values: list[Any],
    nodes: list[Any],
    units: list[Any],
    scale: Any,
    lowest: int,
    degree: int,
) -> tuple[Row, float]:
    """Coefficients from t^lowest to t^degree of nearly the least greatest error in `units`, and
    that error. What the rounding of one leaves is far above the rounding of float64."""
    powers = np.array([float(t / scale) for t in nodes])[:, None] ** np.arange(degree + 1)
    powers /= np.array([float(u) for u in units])[:, None]
    left = np.array([float(value / u) for value, u in zip(values, units, strict=True)])
    found: list[float] = []
    for power in range(lowest, degree + 1):
        coefficient = least_maximum(powers[:, power:], left)[0]
        found.append(single(coefficient / float(scale) ** power))
        left = left - found[-1] * float(scale) ** power * powers[:, power]
    return tuple(found), float(abs(left).max())


def least_maximum(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The x for which the greatest of the errors of `rows @ x` is nearly least: least squares
    whose weights grow where errors are great (C. L. Lawson, 1961)."""
    x, weights = np.zeros(rows.shape[1]), np.ones(len(rows))
    for _ in range(LAWSON_STEPS):
        root = np.sqrt(weights)
        x = np.linalg.lstsq(rows * root[:, None], values * root)[0]
        errors = abs(rows @ x - values)
        weights *= errors / errors.max() + 1e-3
        weights /= weights.max()
    return x


TABLES: dict[str, Callable[[], Fitted]] = {
    "TANH_BINARY32": lambda: tanh_table(24),
    "TANH_BINARY64": lambda: tanh_table(53),
    "TANH_QUOTIENT_BINARY32": lambda: tanh_quotient(24),
    "TANH_QUOTIENT_BINARY64": lambda: tanh_quotient(53),
    "ERF_BINARY32": erf_table,
    "ERFC_BINARY32": erfc_table,
}


def fitted(name: str) -> Fitted:
    """The table of that name, as `math_pieces` writes it."""
    with mp.workdps(DIGITS):
        table, error = TABLES[name]()
    if name.endswith("BINARY32"):
        table = tuple(
            tuple(map(shortest, row)) if isinstance(row, tuple) else shortest(row) for row in table
        )
    return Fitted(table, error)


def main(names: list[str]) -> None:
    """Print the tables of `names`, or all."""
    for name in names or TABLES:
        found = fitted(name)
        print(f"{name}: error {found.error:.2g} ulp")
        for row in found.table:
            print(f"    {row!r},")


if __name__ == "__main__":
    main(sys.argv[1:])
