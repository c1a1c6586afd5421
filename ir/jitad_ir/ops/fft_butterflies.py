"""Complex arithmetic on parts, and transforms of a few elements in registers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

Complex = tuple[Any, Any]
"""Lanes of real and of imaginary parts."""


def plus(b: Any, x: Complex, y: Complex) -> Complex:
    """x + y"""
    return b.add(x[0], y[0]), b.add(x[1], y[1])


def minus(b: Any, x: Complex, y: Complex) -> Complex:
    """x - y"""
    return b.sub(x[0], y[0]), b.sub(x[1], y[1])


def times(b: Any, x: Complex, y: Complex) -> Complex:
    """x y"""
    re = b.sub(b.mul(x[0], y[0]), b.mul(x[1], y[1]))
    return re, b.add(b.mul(x[0], y[1]), b.mul(x[1], y[0]))


def times_conjugate(b: Any, x: Complex, y: Complex) -> Complex:
    """x times the complex conjugate of y"""
    re = b.add(b.mul(x[0], y[0]), b.mul(x[1], y[1]))
    return re, b.sub(b.mul(x[1], y[0]), b.mul(x[0], y[1]))


def conjugate(b: Any, x: Complex) -> Complex:
    """The complex conjugate of x."""
    return x[0], b.neg(x[1])


def turned(b: Any, x: Complex, y: Complex) -> tuple[Complex, Complex]:
    """x - i y and x + i y"""
    return (b.add(x[0], y[1]), b.sub(x[1], y[0])), (b.sub(x[0], y[1]), b.add(x[1], y[0]))


def scaled(b: Any, x: Complex, factor: float) -> Complex:
    """x times a real number."""
    c = b.constant(x[0].dtype, factor)
    return b.mul(x[0], c), b.mul(x[1], c)


def _sum(b: Any, terms: Sequence[Complex]) -> Complex:
    total = terms[0]
    for term in terms[1:]:
        total = plus(b, total, term)
    return total


def butterfly(b: Any, x: Sequence[Complex]) -> list[Complex]:
    """sum_j x_j exp(-2 pi i j k / n) for k = 0 ... n - 1; n is 2, 4 or odd."""
    if len(x) == 2:
        return [plus(b, x[0], x[1]), minus(b, x[0], x[1])]
    if len(x) == 4:
        even, odd = butterfly(b, x[0::2]), butterfly(b, x[1::2])
        below, above = turned(b, even[1], odd[1])
        return [plus(b, even[0], odd[0]), below, minus(b, even[0], odd[0]), above]
    return _odd_butterfly(b, x)


def _odd_butterfly(b: Any, x: Sequence[Complex]) -> list[Complex]:
    """Elements j and n - j meet in s = x_j + x_(n-j) and d = x_j - x_(n-j): result k is
    x_0 + sum_j cos(2 pi j k / n) s_j - i sum_j sin(2 pi j k / n) d_j, and result n - k that with
    + i."""
    n = len(x)
    half = range(1, n // 2 + 1)
    sums = [plus(b, x[j], x[n - j]) for j in half]
    differences = [minus(b, x[j], x[n - j]) for j in half]
    out = [_sum(b, [x[0], *sums])] * n
    for k in half:
        angles = [2 * math.pi * ((j * k) % n) / n for j in half]
        even = [scaled(b, s, math.cos(a)) for s, a in zip(sums, angles, strict=True)]
        odd = [scaled(b, d, math.sin(a)) for d, a in zip(differences, angles, strict=True)]
        out[k], out[n - k] = turned(b, _sum(b, [x[0], *even]), _sum(b, odd))
    return out
