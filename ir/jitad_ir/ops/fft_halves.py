"""Real signals of even length n as n/2 complex numbers, the even elements their real and the odd
ones their imaginary parts. With Z their transform and w = exp(-2 pi i / n),

    E_k = (Z_k + conj Z_(n/2-k)) / 2,  O_k = (Z_k - conj Z_(n/2-k)) / 2i,  X_k = E_k + w**k O_k.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..types import DType, complex_dtype
from .fft_blocks import Blocks, load_number
from .fft_butterflies import Complex, conjugate, plus, scaled, times_conjugate, turned
from .fft_tables import HALVES, table_name
from .vector_loops import affine, vector_width

Rule = Callable[[Any, Complex, Complex, Complex], tuple[Complex, Complex]]
"""rule(emitter, element k, element n - k, w**k): what comes to their places."""


def parted(b: Any, x: Complex, y: Complex, w: Complex) -> tuple[Complex, Complex]:
    """X_k and X_(n/2-k) of Z_k and Z_(n/2-k)."""
    even = scaled(b, _sum_with_conjugate(b, x, y), 0.5)
    twice_i = _minus_conjugate(b, x, y)  # 2 i O_k, whose parts exchanged are those of 2 conj O_k
    odd = times_conjugate(b, w, scaled(b, (twice_i[1], twice_i[0]), 0.5))
    return plus(b, even, odd), _conjugate_of_difference(b, even, odd)


def joined(b: Any, x: Complex, y: Complex, w: Complex) -> tuple[Complex, Complex]:
    """2 Z_k and 2 Z_(n/2-k) of X_k and X_(n/2-k)."""
    even = _sum_with_conjugate(b, x, y)
    odd = times_conjugate(b, _minus_conjugate(b, x, y), w)
    below, above = turned(b, even, odd)
    return above, conjugate(b, below)


def _sum_with_conjugate(b: Any, x: Complex, y: Complex) -> Complex:
    """x + conj y"""
    return b.add(x[0], y[0]), b.sub(x[1], y[1])


def _minus_conjugate(b: Any, x: Complex, y: Complex) -> Complex:
    """x - conj y"""
    return b.sub(x[0], y[0]), b.add(x[1], y[1])


def _conjugate_of_difference(b: Any, x: Complex, y: Complex) -> Complex:
    """conj (x - y)"""
    return b.sub(x[0], y[0]), b.sub(y[1], x[1])


def _table(r: Any, dtype: DType, n: int) -> Any:
    return r.externals.pointer(r.builder, table_name(HALVES, dtype.name, 2 * n))


def pair_blocks(r: Any, blocks: Blocks, n: int, rule: Rule, source: Any, target: Any) -> None:
    """Blocks k and n - k of the target by those of the source, for k <= n / 2; the two may be the
    same."""
    _pair_blocks(r, blocks, n, rule, source, target, 0)


def _pair_blocks(
    r: Any, blocks: Blocks, n: int, rule: Rule, source: Any, target: Any, first: int
) -> None:
    table, e = _table(r, blocks.dtype, n), r.simd(blocks.width)

    def pair(k: Any) -> None:
        w = load_number(r, blocks.dtype, Blocks(blocks.dtype, 1).address(r, table, k), blocks.width)
        there = r.builder.sub(r.integer(n), k)
        given = [blocks.address(r, source, j) for j in (k, there)]
        asked = (
            [blocks.address(r, target, j) for j in (k, there)] if target is not source else given
        )
        x, y = (blocks.load(r, at) for at in given)
        for at, value in zip(asked, rule(e, x, y, w), strict=True):
            blocks.store(r, at, value)

    r.loop(n // 2 + 1, pair, start=first)


def pair_numbers(r: Any, dtype: DType, n: int, rule: Rule, source: Any, target: Any) -> None:
    """The same of n + 1 complex numbers, by vectors of neighbours."""
    table, numbers = _table(r, dtype, n), Blocks(dtype, 1)
    width = vector_width(dtype)
    e, kind = r.simd(width), complex_dtype(dtype)
    order = list(reversed(range(width)))

    def vectors(number: Any) -> None:
        k = affine(r, 0, (number, width))
        there = r.builder.sub(r.integer(n - width + 1), k)
        given = [numbers.address(r, source, j) for j in (k, there)]
        asked = (
            [numbers.address(r, target, j) for j in (k, there)] if target is not source else given
        )
        w, x, last = (e.parts(e.load(at, kind)) for at in (numbers.address(r, table, k), *given))
        re, im = (e.shuffle(part, order) for part in last)
        x, y = rule(e, x, (re, im), w)
        e.store(asked[0], e.complex(*x))
        re, im = (e.shuffle(part, order) for part in y)
        e.store(asked[1], e.complex(re, im))

    count = (n + 1) // (2 * width)
    r.loop(count, vectors)
    _pair_blocks(r, numbers, n, rule, source, target, count * width)
