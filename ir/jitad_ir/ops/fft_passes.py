"""Transforms of rows in work arrays: Stockham's passes, and Bluestein's convolution for lengths
with a prime factor above 13.

Real and imaginary parts lie apart: the inverse transform is the forward one with the parts
exchanged, and vectors of neighbours, over rows and over the stride of a pass alike, need no
shuffling. There is one function for each radix, which all its passes of all lengths share: the time
to compile is nearly all that a first call takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..types import ArrayType, DType
from .fft_butterflies import Complex, butterfly, times
from .fft_tables import CHIRP, COLUMNS, LATER, TWIDDLES, convolution_length, factors, table_name
from .vector_loops import affine, strips, transpose, vector_width


class Planes(NamedTuple):
    """A work array: pointers to its real and its imaginary parts."""

    re: Any
    im: Any

    @property
    def swapped(self) -> Planes:
        """The array with its parts exchanged."""
        return Planes(self.im, self.re)


class Rows(NamedTuple):
    """`width` rows of length n that are transformed side by side: element j of row l is number
    j * width + l of the planes `here`; `other` is for the passes to alternate with."""

    dtype: DType
    n: int
    width: int
    here: Planes
    other: Planes


def address(r: Any, dtype: DType, pointer: Any, index: Any) -> Any:
    """Address of an element behind a pointer."""
    return r.element_pointer(r.buffer(ArrayType(dtype, (2**62,)), pointer), (index,))


def load(r: Any, b: Any, dtype: DType, planes: Planes, index: Any) -> Complex:
    """The vector of the emitter's width from number `index` on."""
    re, im = (b.load(address(r, dtype, plane, index), dtype) for plane in planes)
    return re, im


def store(r: Any, b: Any, planes: Planes, index: Any, value: Complex) -> None:
    """Write a vector from number `index` on."""
    for plane, part in zip(planes, value, strict=True):
        b.store(address(r, part.dtype, plane, index), part)


def transform(r: Any, rows: Rows) -> Planes:
    """Transform `rows.here`; gives the planes in which the result lies."""
    passes = factors(rows.n)
    name = f"jitad.fft.{rows.dtype.name}.{rows.n}.{rows.width}"

    def build(inner: Any, *parameters: Any) -> None:
        planes = Planes(*parameters[:2]), Planes(*parameters[2:])
        own = rows._replace(here=planes[0], other=planes[1])
        if passes is None:
            _bluestein(inner, own)
        else:
            _stockham(inner, own, passes)

    r.call_inner(name, build, *rows.here, *rows.other)
    return rows.other if passes is not None and len(passes) % 2 else rows.here


def _table(r: Any, kind: str, rows: Rows) -> Any:
    return r.externals.pointer(r.builder, table_name(kind, rows.dtype.name, rows.n))


def _stockham(r: Any, rows: Rows, passes: tuple[int, ...]) -> None:
    """Passes of radix f turn n = f m numbers at stride s into f transforms of length m at stride
    f s, sorted: for p < m and q < s,

        y[q + s (f p + k)] = w_n**(p k) sum_j x[q + s (p + m j)] w_f**(j k).

    M. Frigo, S. G. Johnson, "The design and implementation of FFTW3", 2005; the passes are those
    of T. G. Stockham, 1966.
    """
    dtype, width = rows.dtype, vector_width(rows.dtype)
    source, target = rows.here, rows.other
    length, stride = rows.n, rows.width
    along = stride == 1 and passes[:1] in ((2,), (4,)) and length // passes[0] >= width
    first = 0
    table = None
    for number, radix in enumerate(passes):
        length //= radix
        if number == 0 and along:
            columns = _table(r, COLUMNS, rows)
            _first_pass(r, dtype, radix, source, target, columns, length)
        else:
            if table is None:
                table = _table(r, LATER if along else TWIDDLES, rows)
            behind = address(r, dtype, table, 2 * first)
            _pass(r, dtype, radix, source, target, behind, length, stride)
            first += length * (radix - 1)
        stride *= radix
        source, target = target, source


def _pass(
    r: Any,
    dtype: DType,
    radix: int,
    source: Planes,
    target: Planes,
    table: Any,
    m: int,
    stride: int,
) -> None:
    """One pass, over vectors of the stride, then over what is left of it."""
    done = 0
    for width in (vector_width(dtype), 1):
        count = (stride - done) // width
        if count:
            name = f"jitad.fft.{dtype.name}.pass.{radix}.{width}"
            numbers = [r.integer(x) for x in (m, stride, done, count)]
            build = _pass_builder(dtype, radix, width)
            r.call_inner(name, build, *source, *target, table, *numbers)
            done += count * width


def _pass_builder(dtype: DType, radix: int, width: int) -> Callable[..., None]:
    def build(r: Any, *parameters: Any) -> None:
        source, target = Planes(*parameters[:2]), Planes(*parameters[2:4])
        table, m, stride, start, count = parameters[4:]
        b, e = r.builder, r.simd(width)
        apart = b.mul(m, stride)

        def column(p: Any) -> None:
            row = b.mul(p, r.integer(2 * (radix - 1)))
            parts = [
                e.load(address(r, dtype, table, affine(r, i, (row, 1))), dtype, 0)
                for i in range(2 * (radix - 1))
            ]
            taken = b.add(b.mul(p, stride), start)
            given = b.add(b.mul(b.mul(p, stride), r.integer(radix)), start)

            def strip(i: Any) -> None:
                x: list[Complex] = []
                at = affine(r, taken, (i, width))
                for _ in range(radix):
                    x.append(load(r, e, dtype, source, at))
                    at = b.add(at, apart)
                at = affine(r, given, (i, width))
                for k, value in enumerate(butterfly(e, x)):
                    if k:
                        value = times(e, value, (parts[2 * k - 2], parts[2 * k - 1]))
                    store(r, e, target, at, value)
                    at = b.add(at, stride)

            r.loop(count, strip)

        r.loop(m, column)

    return build


def _first_pass(
    r: Any, dtype: DType, radix: int, source: Planes, target: Planes, table: Any, m: int
) -> None:
    """The pass of stride 1: vectors go over p, and the results of each p are woven together."""
    width = vector_width(dtype)

    def build(r: Any, *parameters: Any) -> None:
        source, target = Planes(*parameters[:2]), Planes(*parameters[2:4])
        table, m = parameters[4:]
        b, e = r.builder, r.simd(width)
        last = b.sub(m, r.integer(width))
        vectors = b.udiv(b.add(m, r.integer(width - 1)), r.integer(width))

        def column(number: Any) -> None:
            p = affine(r, 0, (number, width))
            # The last vector overlaps the one before.
            p = b.select(b.icmp_signed("<", p, last), p, last)
            x: list[Complex] = []
            at = p
            for _ in range(radix):
                x.append(load(r, e, dtype, source, at))
                at = b.add(at, m)
            values = butterfly(e, x)
            at = p
            for k in range(1, radix):
                factor = []
                for _ in range(2):
                    factor.append(e.load(address(r, dtype, table, at), dtype))
                    at = b.add(at, m)
                values[k] = times(e, values[k], (factor[0], factor[1]))
            at = affine(r, 0, (p, radix))
            for k, value in enumerate(
                zip(*[transpose(e, list(part)) for part in zip(*values, strict=True)], strict=True)
            ):
                store(r, e, target, affine(r, k * width, (at, 1)), value)

        r.loop(vectors, column)

    name = f"jitad.fft.{dtype.name}.first.{radix}"
    r.call_inner(name, build, *source, *target, table, r.integer(m))


def _bluestein(r: Any, rows: Rows) -> None:
    """jk = (j**2 + k**2 - (k - j)**2) / 2 makes a transform of length n a convolution with the
    chirp v_j = exp(pi i j**2 / n), here a cyclic one of length m: with u = conj(v),
    y_k = u_k sum_j (u_j x_j) v_(k-j).

    L. I. Bluestein, "A linear filtering approach to the computation of the discrete Fourier
    transform", 1970. The result lies where the rows were.
    """
    dtype, n, m, width = rows.dtype, rows.n, convolution_length(rows.n), rows.width
    table = _table(r, CHIRP, rows)

    def weigh(source: Planes, target: Planes, count: int, first: int) -> None:
        """target_j = source_j * table_(first + j)"""

        def row(j: Any) -> None:
            at = affine(r, 2 * first, (j, 2))

            def move(b: Any, q: Any, _count: int) -> None:
                place = affine(r, 0, (j, width), (q, 1))
                value = load(r, b, dtype, source, place)
                re, im = (
                    b.load(address(r, dtype, table, affine(r, i, (at, 1))), dtype, 0)
                    for i in (0, 1)
                )
                store(r, b, target, place, times(b, value, (re, im)))

            strips(r, width, vector_width(dtype), move)

        r.loop(count, row)

    weigh(rows.here, rows.here, n, 0)

    def clear(b: Any, q: Any, _count: int) -> None:
        zero = b.constant(dtype, 0)
        store(r, b, rows.here, affine(r, n * width, (q, 1)), (zero, zero))

    strips(r, (m - n) * width, vector_width(dtype), clear)
    inner = rows._replace(n=m)
    spectrum = transform(r, inner)
    weigh(spectrum, spectrum, m, n)
    # The inverse transform: the forward one with the parts exchanged.
    other = rows.other if spectrum is rows.here else rows.here
    backward = inner._replace(here=spectrum.swapped, other=other.swapped)
    result = transform(r, backward).swapped
    weigh(result, rows.here, n, 0)
