"""Numbers that the transforms of a length need: factors, roots of unity, chirps.

Native code reads the tables through externals named `table_name(...)`; `table` makes them, once in
a process, so that compiled code holds none.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

RADICES = (4, 2, 3, 5, 7, 11, 13)
"""Factors for which there are butterflies."""

_TWIDDLES, _CHIRP = "twiddles", "chirp"


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


def twiddles(n: int) -> Any:
    """For each pass of a Stockham transform, for each p, the factors w**(p k) of results
    k = 1 ... radix - 1, where w is the root of unity of the length left."""
    parts = [np.zeros(0, complex)]
    length = n
    for radix in factors(n) or ():
        p, k = np.ogrid[: length // radix, 1:radix]
        parts.append(unit_roots(length, p * k).ravel())
        length //= radix
    return np.concatenate(parts)


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


_MAKERS = {_TWIDDLES: twiddles, _CHIRP: chirp}


def table_name(kind: str, dtype: str, n: int) -> str:
    """Name of the external table of `kind` ("twiddles", "chirp") for real parts of `dtype`."""
    return f"fft:{kind}.{dtype}.{n}"


@cache
def table(name: str) -> Any:
    """The table of an external, by its name without the family: pairs of real and imaginary
    parts. Raises LookupError if there is no such table."""
    kind, dtype, n = name.split(".")
    if kind not in _MAKERS:
        raise LookupError(f"expected a table of {' or '.join(_MAKERS)}; got {name}")
    return np.ascontiguousarray(_MAKERS[kind](int(n))).view(np.float64).astype(dtype)
