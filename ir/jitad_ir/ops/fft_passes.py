"""Transforms of rows side by side, without reordering: T. G. Stockham's passes, 1966.

There is one function for each radix, which all its passes of all lengths share: the time to compile
is nearly all that a first call takes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from .fft_blocks import Blocks, load_number
from .fft_bluestein import bluestein
from .fft_butterflies import Complex, butterfly, times
from .fft_tables import TWIDDLES, factors, table_name
from .sort_keys import Counter
from .vector_loops import behind

WORTH_A_CALL = 64
"""Length from which on the passes of a radix are a function of their own even if they are called
once, to be compiled side by side with the others."""


def transform(r: Any, blocks: Blocks, n: int, here: Any, other: Any) -> Any:
    """Transform n blocks at `here`; gives the place of the result, which is `here` or `other`."""
    passes = factors(n)
    if passes is None:
        bluestein(r, blocks, n, here, other, transform)
        return here
    if not passes:
        return here
    table = r.externals.pointer(r.builder, table_name(TWIDDLES, blocks.dtype.name, n))
    m, stride = n, 1
    for radix, run in groupby(passes):
        count = len(list(run))
        numbers = [r.integer(k) for k in (m // radix, stride, count)]
        name = f"{blocks.name}.radix{radix}"
        build = _passes_builder(blocks, radix)
        r.call_inner(name, build, here, other, table, *numbers, apart=n >= WORTH_A_CALL)
        skipped = 0
        for _ in range(count):
            m //= radix
            stride *= radix
            skipped += 2 * m * (radix - 1)
        table = behind(r, table, skipped * blocks.dtype.itemsize)
        if count % 2:
            here, other = other, here
    return here


def _passes_builder(blocks: Blocks, radix: int) -> Callable[..., None]:
    """Body of a function of `count` passes of one radix f, which turn n = f m numbers at stride s
    into f transforms of length m at stride f s, sorted: for p < m and q < s,

        y[q + s (f p + k)] = w_n**(p k) sum_j x[q + s (p + m j)] w_f**(j k).

    M. Frigo, S. G. Johnson, "The design and implementation of FFTW3", 2005.
    """

    def build(r: Any, here: Any, other: Any, table: Any, m: Any, stride: Any, count: Any) -> None:
        b = r.builder
        length, step, weights = Counter(r, m), Counter(r, stride), Counter(r, r.integer(0))

        def one(number: Any) -> None:
            odd = b.icmp_signed("!=", b.and_(number, r.integer(1)), r.integer(0))
            source, target = b.select(odd, other, here), b.select(odd, here, other)
            row = 2 * (radix - 1) * blocks.dtype.itemsize
            _one_pass(
                r, blocks, radix, source, target, (table, weights, row), length.value, step.value
            )
            length.set(b.udiv(length.value, r.integer(radix)))
            step.set(b.mul(step.value, r.integer(radix)))

        r.loop(count, one)

    return build


def _one_pass(
    r: Any,
    blocks: Blocks,
    radix: int,
    source: Any,
    target: Any,
    factors_at: tuple[Any, Counter, int],
    m: Any,
    stride: Any,
) -> None:
    """One loop over p and q together: block p s + q of the source lies behind the last one, its
    results behind the last ones, unless a new p begins."""
    b, e = r.builder, r.simd(blocks.width)
    size, zero = r.integer(blocks.bytes), r.integer(0)
    table, weights, row = factors_at
    total = b.mul(m, stride)
    apart, across = b.mul(total, size), b.mul(stride, size)
    jump = b.mul(across, r.integer(radix - 1))
    q, place = Counter(r, zero), Counter(r, zero)

    def strip(i: Any) -> None:
        at = r.offset(source, b.mul(i, size))
        x: list[Complex] = []
        for _ in range(radix):
            x.append(blocks.load(r, at))
            at = r.offset(at, apart)
        factor_at = r.offset(table, weights.value)
        at = r.offset(target, place.value)
        for k, value in enumerate(butterfly(e, x)):
            if k:
                where = behind(r, factor_at, 2 * (k - 1) * blocks.dtype.itemsize)
                value = times(e, value, load_number(r, blocks.dtype, where, blocks.width))
            blocks.store(r, at, value)
            at = r.offset(at, across)
        following = b.add(q.value, r.integer(1))
        ends = b.icmp_signed("==", following, stride)
        q.set(b.select(ends, zero, following))
        place.add(b.add(size, b.select(ends, jump, zero)))
        weights.add(b.select(ends, r.integer(row), zero))

    r.loop(total, strip)
