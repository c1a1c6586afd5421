"""Numbers that the transforms of a length need: factors, roots of unity, chirps.

Native code reads the tables through externals named `table_name(...)`; `table` makes them, once in
a process, so that compiled code holds none.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np

RADICES = (4, 2, 3, 5, 7, 11, 13)
"""Factors for which there are butterflies. One of 8 is no faster, and takes as long to compile as
those of 4 and 2 together."""

TWIDDLES, LATER, COLUMNS, HALVES, CHIRP = "twiddles", "later", "columns", "halves", "chirp"
"""Kinds of tables."""


@cache
def factors(n: int) -> tuple[int, ...] | None:
    """`n` as a product of RADICES, in the order in which they are applied; None if it has a
    greater prime factor."""
    found: list[int] = []
    for radix in RADICES:
        while n % radix == 0:
            found.append(radix)
            n //= radix
    return tuple(found) if n == 1 else None


@cache
def convolution_length(n: int) -> int:
    """The least length from 2 n - 1 on whose prime factors are 2, 3 and 5: cyclic convolutions of
    that length hold linear ones of n."""
    least = 2 * n - 1
    best = 1 << (least - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            two = three << max(-(-least // three) - 1, 0).bit_length()
            if two >= least:
                best = min(best, two)
            three *= 3
        five *= 5
    return best


def padded_length(n: int) -> int:
    """Length of the work arrays of a transform of length n."""
    return n if factors(n) is not None else convolution_length(n)


def unit_roots(n: int, powers: Any) -> Any:
    """exp(-2 pi i k / n) for integers k, each part to an ulp: the angle is reduced to at most
    pi/4, where its rounding error is smallest."""
    quadrant, rest = np.divmod(4 * (np.asarray(powers) % n), n)
    swapped = 2 * rest > n
    angle = (np.pi / 2) * (np.where(swapped, n - rest, rest) / n)
    cos, sin = np.cos(angle), np.sin(angle)
    first = np.where(swapped, sin, cos) - 1j * np.where(swapped, cos, sin)
    return first * np.array([1, -1j, -1, 1j])[quadrant]


@lru_cache(maxsize=2)
def circle(n: int) -> Any:
    """All n roots: `unit_roots(n, range(n))`, by symmetry if n is a multiple of 8."""
    if n % 8:
        return unit_roots(n, np.arange(n))
    eighth = unit_roots(n, np.arange(n // 8 + 1))
    # exp(-i (pi/2 - a)) = -i conj(exp(-i a))
    quarter = np.concatenate([eighth, -1j * eighth[-2:0:-1].conj()])
    half = np.concatenate([quarter, _turned(quarter)])
    return np.concatenate([half, -half])


def _turned(z: Any) -> Any:
    """-i z, exactly."""
    return z.imag - 1j * z.real


def _pass_tables(n: int) -> list[list[Any]]:
    """For each pass of a Stockham transform, for k = 1 ... radix - 1, the factors w**(p k) of all
    p, where w is the root of unity of the length left."""
    parts: list[list[Any]] = []
    roots, step = circle(n), 1
    for radix in factors(n) or ():
        m = n // step // radix
        parts.append([roots[: k * m * step : k * step] for k in range(1, radix)])
        step *= radix
    return parts


def _by_p(tables: list[list[Any]]) -> Any:
    """Pass after pass, for each p those of all k."""
    return np.concatenate([np.zeros(0, complex), *[np.stack(t, 1).ravel() for t in tables]])


def twiddles(n: int) -> Any:
    """Those of all passes."""
    return _by_p(_pass_tables(n))


def later(n: int) -> Any:
    """Those of all passes but the first."""
    return _by_p(_pass_tables(n)[1:])


def columns(n: int) -> Any:
    """Those of the first pass: for each k the real parts for all p, then the imaginary ones."""
    by_k = _pass_tables(n)[0]
    table = np.empty((len(by_k), 2, len(by_k[0])))
    for row, roots in zip(table, by_k, strict=True):
        row[0], row[1] = roots.real, roots.imag
    return table


def halves(n: int) -> Any:
    """exp(-2 pi i k / n) for k <= n / 4: to take apart the transforms of even and odd elements."""
    return circle(n)[: n // 4 + 1]


def chirp(n: int) -> Any:
    """Bluestein's numbers: exp(-pi i j**2 / n) for j < n, then the transform, divided by its
    length, of the conjugate chirp laid out for a cyclic convolution."""
    m = convolution_length(n)
    j = np.arange(n)
    weights = unit_roots(2 * n, (j * j) % (2 * n))
    kernel = np.zeros(m, complex)
    kernel[:n] = weights.conj()
    kernel[m - n + 1 :] = weights[:0:-1].conj()
    return np.concatenate([weights, np.fft.fft(kernel) / m])


_MAKERS = {TWIDDLES: twiddles, LATER: later, COLUMNS: columns, HALVES: halves, CHIRP: chirp}


def table_name(kind: str, dtype: str, n: int) -> str:
    """Name of the external table of a kind for real parts of `dtype`."""
    return f"fft:{kind}.{dtype}.{n}"


@cache
def table(name: str) -> Any:
    """The table of an external, by its name without the family: real and imaginary parts in pairs
    (but see `columns`). Raises LookupError if there is no such table."""
    kind, dtype, n = name.split(".")
    if kind not in _MAKERS:
        raise LookupError(f"expected a table of {' or '.join(_MAKERS)}; got {name}")
    return np.ascontiguousarray(_MAKERS[kind](int(n))).view(np.float64).astype(dtype)
