"""Transforms of any length as convolutions.

jk = (j**2 + k**2 - (k - j)**2) / 2 makes a transform of length n a convolution with the chirp
v_j = exp(pi i j**2 / n), here a cyclic one of length m: with u = conj(v),

    y_k = u_k sum_j (u_j x_j) v_(k-j).

L. I. Bluestein, "A linear filtering approach to the computation of the discrete Fourier transform",
1970.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .fft_blocks import Blocks, load_number
from .fft_butterflies import times
from .fft_tables import CHIRP, convolution_length, table_name
from .vector_loops import affine

Transform = Callable[..., Any]
"""transform(r, blocks, n, here, other, *further): gives the place of the result."""


def bluestein(
    r: Any, blocks: Blocks, n: int, here: Any, other: Any, transform: Transform, *further: Any
) -> None:
    """Transform n blocks at `here`, in place, with room for `convolution_length(n)` at both
    places. `transform` is called for such rows; `further` are pointers that it needs."""

    def build(inner: Any, here: Any, other: Any, *further: Any) -> None:
        _convolve(inner, blocks, n, here, other, lambda *args: transform(*args, *further))

    r.call_inner(f"{blocks.name}.chirp.{n}", build, here, other, *further)


def _convolve(r: Any, blocks: Blocks, n: int, here: Any, other: Any, transform: Transform) -> None:
    m, dtype, width = convolution_length(n), blocks.dtype, blocks.width
    table = r.externals.pointer(r.builder, table_name(CHIRP, dtype.name, n))
    e = r.simd(width)

    def weigh(
        source: Any, target: Any, count: int, first: int, *, turned: bool, turn: bool
    ) -> None:
        """target_j = source_j * table_(first + j); the parts of the source are exchanged if
        `turned`, those of the target are to be if `turn`."""

        def row(j: Any) -> None:
            value = blocks.load(r, blocks.address(r, source, j))
            at = Blocks(dtype, 1).address(r, table, affine(r, first, (j, 1)))
            factor = load_number(r, dtype, at, width)
            product = times(e, value[::-1] if turned else value, factor)
            blocks.store(r, blocks.address(r, target, j), product[::-1] if turn else product)

        r.loop(count, row)

    weigh(here, here, n, 0, turned=False, turn=False)
    start = blocks.address(r, here, n)
    r.clear(start, r.integer((m - n) * blocks.bytes))
    spectrum = transform(r, blocks, m, here, other)
    # The inverse transform: the forward one with the parts exchanged.
    weigh(spectrum, spectrum, m, n, turned=False, turn=True)
    rest = other if spectrum is here else here
    result = transform(r, blocks, m, spectrum, rest)
    weigh(result, here, n, 0, turned=True, turn=False)
