"""Numbers that the transforms of a length need: factors, roots of unity, chirps.

Native code reads the tables through externals named `table_name(...)`; `table` makes them, once in
a process, so that compiled code holds none.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any

import numpy as np

from .vector_loops import vector_width

RADICES = (4, 2, 3, 5, 7, 11, 13)
"""Factors for which there are butterflies. One of 8 is no faster, and takes as long to compile as
those of 4 and 2 together."""

TWIDDLES, TURNS, HALVES, CHIRP = "twiddles", "turns", "halves", "chirp"
"""Kinds of tables."""

SOME = 1 << 12
"""Roots of unity computed at once."""

WIDEST = 8
"""How many times as long as its columns the rows of a matrix may be, or the other way round, that
stands for a long row."""


@cache
def factors(n: int) -> tuple[int, ...] | None:
    """`n` as a product of RADICES, in the order in which they are applied; None if it has a
    greater prime factor. The last is one that comes once, if there is any: see `fft_passes`."""
    found: list[int] = []
    for radix in RADICES:
        while n % radix == 0:
            found.append(radix)
            n //= radix
    if n > 1:
        return None
    last = max([radix for radix in found if found.count(radix) == 1], default=0)
    return tuple(sorted(found, key=lambda radix: radix == last))


@cache
def split(n: int, least: int) -> tuple[int, int] | None:
    """`n` as a product of two lengths, each a product of RADICES and not below `least`: those with
    the fewest different factors, of these those nearest to each other; None if there are none."""
    pairs = [
        (a, n // a)
        for a in range(least, math.isqrt(n * WIDEST) + 1)
        if n % a == 0 and n // a >= least and n // a <= WIDEST * a
    ]
    found = [
        (len({*one, *two}), abs(math.log(a / b)), (a, b))
        for a, b in pairs
        if (one := factors(a)) is not None and (two := factors(b)) is not None
    ]
    return min(found)[2] if found else None


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
    pi/4, where its rounding error is smallest.

    Some at a time: what is computed on the way stays in memory that has been touched before."""
    powers = np.asarray(powers)
    roots = np.empty(powers.size, complex)
    flat = powers.reshape(-1)
    for start in range(0, flat.size, SOME):
        roots[start : start + SOME] = _some_roots(n, flat[start : start + SOME])
    return roots.reshape(powers.shape)


def _some_roots(n: int, powers: Any) -> Any:
    quadrant, rest = np.divmod(4 * (powers % n), n)
    swapped = 2 * rest > n
    angle = (np.pi / 2) * (np.where(swapped, n - rest, rest) / n)
    cos, sin = np.cos(angle), np.sin(angle)
    first = np.where(swapped, sin, cos) - 1j * np.where(swapped, cos, sin)
    return first * np.array([1, -1j, -1, 1j])[quadrant]


@lru_cache(maxsize=4)
def circle(n: int) -> Any:
    """All n roots: `unit_roots(n, range(n))`, by symmetry if n is a multiple of 8."""
    if n % 8:
        return unit_roots(n, np.arange(n))
    quarter = _quarter(n)[:-1]
    half = np.concatenate([quarter, _turned(quarter)])
    return np.concatenate([half, -half])


def _quarter(n: int) -> Any:
    """The roots k <= n / 4, for a multiple of 8."""
    eighth = unit_roots(n, np.arange(n // 8 + 1))
    # exp(-i (pi/2 - a)) = -i conj(exp(-i a))
    return np.concatenate([eighth, _turned(eighth[-2::-1].conj())])


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


def twiddles(n: int) -> Any:
    """Those of all passes: pass after pass, for each p those of all k."""
    tables = [np.stack(t, 1).ravel() for t in _pass_tables(n)]
    return np.concatenate([np.zeros(0, complex), *tables])


def turn_rows(n: int, width: int) -> tuple[int, int]:
    """How many powers there are of each of the last two kinds of `turns`."""
    a, _ = split(n, width) or (1, 1)
    blocks = -(-a // width)
    within = 1 if a % width else max(m for m in range(1, math.isqrt(blocks) + 1) if blocks % m == 0)
    return blocks // within, within


def turns(n: int, width: int) -> Any:
    """Factors w_n**(j k) of a long row, for j < b and k < a, (a, b) = split(n), as products of
    three: for each block of `width` neighbouring j the powers k = 0 ... width - 1, the k where
    blocks of k begin that make one group, and the k where groups begin. The last blocks may overlap
    those before. In blocks: real parts of all j, then imaginary ones."""
    a, b = split(n, width) or (1, 1)
    _, within = turn_rows(n, width)
    starts = np.minimum(np.arange(0, a, width), a - width)
    powers = np.concatenate([np.arange(width), starts[:within], starts[::within]])
    first = np.minimum(np.arange(0, b, width), b - width)
    j = first[:, None, None] + np.arange(width)
    found = unit_roots(n, powers[:, None] * j)
    return np.stack([found.real, found.imag], 2)


def halves(n: int) -> Any:
    """exp(-2 pi i k / n) for k <= n / 4: to take apart the transforms of even and odd elements."""
    return unit_roots(n, np.arange(n // 4 + 1)) if n % 8 else _quarter(n)


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


_MAKERS = {TWIDDLES: twiddles, HALVES: halves, CHIRP: chirp}


def table_name(kind: str, dtype: str, n: int) -> str:
    """Name of the external table of a kind for real parts of `dtype`."""
    return f"fft:{kind}.{dtype}.{n}"


@cache
def table(name: str) -> Any:
    """The table of an external, by its name without the family: real and imaginary parts in pairs
    (but see `turns`). Raises LookupError if there is no such table."""
    kind, dtype, n = name.split(".")
    if kind == TURNS:
        return np.ascontiguousarray(turns(int(n), vector_width(np.dtype(dtype))), dtype)
    if kind not in _MAKERS:
        raise LookupError(f"expected a table of {', '.join(_MAKERS)} or {TURNS}; got {name}")
    return np.ascontiguousarray(_MAKERS[kind](int(n))).view(np.float64).astype(dtype)
