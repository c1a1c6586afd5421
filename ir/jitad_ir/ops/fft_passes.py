"""Transforms of rows side by side, without reordering: T. G. Stockham's passes, 1966.

There is one function for each radix, which all its passes of all lengths share: the time to compile
is nearly all that a first call takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from .fft_blocks import Blocks, load_number
from .fft_bluestein import bluestein
from .fft_butterflies import butterfly, times
from .fft_tables import TWIDDLES, factors, table_name
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
    runs = [(radix, len(list(run))) for radix, run in groupby(passes)]
    table: Any = None
    m, stride = n, 1
    for radix, count in runs:
        apart = n >= WORTH_A_CALL
        if radix == m:
            name = f"{blocks.name}.last{radix}"
            build = _last_builder(blocks, radix)
            r.call_inner(name, build, here, r.integer(stride), apart=apart)
            break
        if table is None:
            table = r.externals.pointer(r.builder, table_name(TWIDDLES, blocks.dtype.name, n))
        numbers = [r.integer(k) for k in (n // radix, stride, count)]
        name = f"{blocks.name}.radix{radix}"
        build = _passes_builder(blocks, radix)
        r.call_inner(name, build, here, other, table, *numbers, apart=apart)
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

    def build(
        r: Any, here: Any, other: Any, table: Any, total: Any, stride: Any, count: Any
    ) -> None:
        size = r.integer(blocks.bytes)
        apart = r.builder.mul(total, size)

        def one(state: list[Any]) -> list[Any]:
            source, target, weights, s = state
            across = r.builder.mul(s, size)
            weights = _one_pass(
                r, blocks, radix, source, target, weights, (total, s, apart, across)
            )
            return [target, source, weights, r.builder.mul(s, r.integer(radix))]

        r.repeat(count, [here, other, table, stride], one)

    return build


def _last_builder(blocks: Blocks, radix: int) -> Callable[..., None]:
    """Body of a function of a last pass, of s transforms of f numbers: m = 1, so that it needs no
    factors and leaves its results where the numbers were,

        y[q + s k] = sum_j x[q + s j] w_f**(j k).
    """

    def build(r: Any, here: Any, stride: Any) -> None:
        size = r.integer(blocks.bytes)
        across = r.builder.mul(stride, size)
        e = r.simd(blocks.width)

        def strip(state: list[Any]) -> list[Any]:
            places = list(_places(r, state[0], across, radix))
            out = butterfly(e, [blocks.load(r, at) for at in places])
            for at, value in zip(places, out, strict=True):
                blocks.store(r, at, value)
            return [r.offset(state[0], size)]

        r.repeat(stride, [here], strip)

    return build


def _one_pass(
    r: Any,
    blocks: Blocks,
    radix: int,
    source: Any,
    target: Any,
    weights: Any,
    lengths: tuple[Any, Any, Any, Any],
) -> Any:
    """One loop over p and q together: block p s + q of the source lies behind the last one, its
    results behind the last ones, unless a new p begins. `lengths` are m s and s, and the bytes of
    as many blocks. Gives the factors of the next pass, which lie behind those at `weights`."""
    b, e = r.builder, r.simd(blocks.width)
    size, zero = r.integer(blocks.bytes), r.integer(0)
    total, stride, apart, across = lengths
    row = r.integer(2 * (radix - 1) * blocks.dtype.itemsize)
    jump = b.add(size, b.mul(across, r.integer(radix - 1)))

    def strip(state: list[Any]) -> list[Any]:
        first, place, factors_at, q = state
        x = [blocks.load(r, at) for at in _places(r, first, apart, radix)]
        out = butterfly(e, x)
        for k, at in enumerate(_places(r, place, across, radix)):
            value = out[k]
            if k:
                where = behind(r, factors_at, 2 * (k - 1) * blocks.dtype.itemsize)
                value = times(e, value, load_number(r, blocks.dtype, where, blocks.width))
            blocks.store(r, at, value)
        following = b.add(q, r.integer(1))
        ends = b.icmp_signed("==", following, stride)
        return [
            r.offset(first, size),
            r.offset(place, b.select(ends, jump, size)),
            r.offset(factors_at, b.select(ends, row, zero)),
            b.select(ends, zero, following),
        ]

    return r.repeat(total, [source, target, weights, zero], strip)[2]


def _places(r: Any, first: Any, apart: Any, count: int) -> Iterator[Any]:
    """`count` addresses, `apart` bytes from one to the next."""
    yield first
    for _ in range(count - 1):
        first = r.offset(first, apart)
        yield first
