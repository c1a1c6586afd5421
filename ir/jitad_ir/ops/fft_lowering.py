"""How native code transforms: Stockham's passes, and Bluestein's convolution for lengths with a
prime factor above 13.

A row (or several, side by side) is read into a work array with its real and its imaginary parts
apart, transformed between two work arrays, and written back. With parts apart the inverse transform
is the forward one with the parts exchanged, and elements that belong to one butterfly pass are
neighbours: vectors of them, over rows and over the stride of a pass alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..types import ArrayType, DType, Shape, real_dtype
from .fft_tables import convolution_length, factors, padded_length, table_name
from .lapack import Workspace
from .vector_loops import affine, strips, vector_width

Complex = tuple[Any, Any]
"""Lanes of real and of imaginary parts."""


class _Planes(NamedTuple):
    """A work array: pointers to its real and its imaginary parts."""

    re: Any
    im: Any

    @property
    def swapped(self) -> _Planes:
        """The array with its parts exchanged."""
        return _Planes(self.im, self.re)


class _Rows(NamedTuple):
    """`width` rows of length n that are transformed side by side: element j of row l is number
    j * width + l of the planes `here`; `other` is for the passes to alternate with."""

    dtype: DType
    n: int
    width: int
    here: _Planes
    other: _Planes

    def at(self, r: Any, plane: Any, index: Any) -> Any:
        """Address of a number of a plane."""
        size = padded_length(self.n) * self.width
        return r.element_pointer(r.buffer(ArrayType(self.dtype, (size,)), plane), (index,))

    def load(self, r: Any, b: Any, planes: _Planes, index: Any) -> Complex:
        """The vector of the emitter's width from number `index` on."""
        re, im = (b.load(self.at(r, plane, index), self.dtype) for plane in planes)
        return re, im

    def store(self, r: Any, b: Any, planes: _Planes, index: Any, value: Complex) -> None:
        for plane, part in zip(planes, value, strict=True):
            b.store(self.at(r, plane, index), part)


# Complex arithmetic on parts.


def _add(b: Any, x: Complex, y: Complex) -> Complex:
    return b.add(x[0], y[0]), b.add(x[1], y[1])


def _sub(b: Any, x: Complex, y: Complex) -> Complex:
    return b.sub(x[0], y[0]), b.sub(x[1], y[1])


def _mul(b: Any, x: Complex, y: Complex) -> Complex:
    re = b.sub(b.mul(x[0], y[0]), b.mul(x[1], y[1]))
    return re, b.add(b.mul(x[0], y[1]), b.mul(x[1], y[0]))


def _times_minus_i(b: Any, x: Complex) -> Complex:
    return x[1], b.neg(x[0])


def _scaled(b: Any, x: Complex, factor: float) -> Complex:
    c = b.constant(x[0].dtype, factor)
    return b.mul(x[0], c), b.mul(x[1], c)


def _sum(b: Any, terms: Sequence[Complex]) -> Complex:
    total = terms[0]
    for term in terms[1:]:
        total = _add(b, total, term)
    return total


# Butterflies: transforms of a few elements in registers.


def _butterfly(b: Any, x: Sequence[Complex]) -> list[Complex]:
    if len(x) == 2:
        return [_add(b, x[0], x[1]), _sub(b, x[0], x[1])]
    if len(x) == 4:
        even, odd = _butterfly(b, x[0::2]), _butterfly(b, x[1::2])
        turned = _times_minus_i(b, odd[1])
        return [
            _add(b, even[0], odd[0]),
            _add(b, even[1], turned),
            _sub(b, even[0], odd[0]),
            _sub(b, even[1], turned),
        ]
    return _odd_butterfly(b, x)


def _odd_butterfly(b: Any, x: Sequence[Complex]) -> list[Complex]:
    """Elements j and n - j meet in s = x_j + x_(n-j) and d = x_j - x_(n-j): result k is
    x_0 + sum_j cos(2 pi j k / n) s_j - i sum_j sin(2 pi j k / n) d_j, and result n - k that with
    + i."""
    n = len(x)
    half = range(1, n // 2 + 1)
    sums = [_add(b, x[j], x[n - j]) for j in half]
    differences = [_sub(b, x[j], x[n - j]) for j in half]
    out = [_sum(b, [x[0], *sums])] * n
    for k in half:
        angles = [2 * math.pi * ((j * k) % n) / n for j in half]
        even = [_scaled(b, s, math.cos(a)) for s, a in zip(sums, angles, strict=True)]
        odd = [_scaled(b, d, math.sin(a)) for d, a in zip(differences, angles, strict=True)]
        middle, side = _sum(b, [x[0], *even]), _times_minus_i(b, _sum(b, odd))
        out[k], out[n - k] = _add(b, middle, side), _sub(b, middle, side)
    return out


# Transforms of rows in work arrays.


def _transform(r: Any, rows: _Rows) -> _Planes:
    """Transform `rows.here`; gives the planes in which the result lies."""
    passes = factors(rows.n)
    name = f"jitad.fft.{rows.dtype.name}.{rows.n}.{rows.width}"
    pointers = (*rows.here, *rows.other)

    def build(inner: Any, *parameters: Any) -> None:
        planes = _Planes(*parameters[:2]), _Planes(*parameters[2:])
        own = rows._replace(here=planes[0], other=planes[1])
        if passes is None:
            _bluestein(inner, own)
        else:
            _stockham(inner, own, passes)

    r.call_inner(name, build, *pointers)
    return rows.other if passes is not None and len(passes) % 2 else rows.here


def _stockham(r: Any, rows: _Rows, passes: Sequence[int]) -> None:
    """Passes of radix f turn n = f m numbers at stride s into f transforms of length m at stride
    f s, sorted: for p < m and q < s,

        y[q + s (f p + k)] = w_n**(p k) sum_j x[q + s (p + m j)] w_f**(j k).

    M. Frigo, S. G. Johnson, "The design and implementation of FFTW3", 2005; the passes are those
    of T. G. Stockham, 1966.
    """
    source, target = rows.here, rows.other
    first, length, stride = 0, rows.n, rows.width
    for radix in passes:
        length //= radix
        _stockham_pass(r, rows, source, target, radix, length, stride, first)
        first += length * (radix - 1)
        stride *= radix
        source, target = target, source


def _stockham_pass(
    r: Any,
    rows: _Rows,
    source: _Planes,
    target: _Planes,
    radix: int,
    m: int,
    stride: int,
    first: int,
) -> None:
    table = _table(r, "twiddles", rows, first + m * (radix - 1)) if m > 1 else None

    def column(p: Any) -> None:
        factors_of_p = (
            []
            if table is None
            else [
                _entry(r, rows, table, affine(r, first + k, (p, radix - 1)))
                for k in range(radix - 1)
            ]
        )

        def butterfly(b: Any, q: Any, _count: int) -> None:
            x = [
                rows.load(r, b, source, affine(r, j * m * stride, (p, stride), (q, 1)))
                for j in range(radix)
            ]
            for k, value in enumerate(_butterfly(b, x)):
                if factors_of_p and k:
                    re, im = factors_of_p[k - 1]
                    value = _mul(b, value, (b.splat(re), b.splat(im)))
                place = affine(r, k * stride, (p, radix * stride), (q, 1))
                rows.store(r, b, target, place, value)

        strips(r, stride, vector_width(rows.dtype), butterfly)

    r.loop(m, column)


def _table(r: Any, kind: str, rows: _Rows, entries: int) -> Any:
    name = table_name(kind, rows.dtype.name, rows.n)
    pointer = r.externals.pointer(r.builder, name)
    return r.buffer(ArrayType(rows.dtype, (entries, 2)), pointer)


def _entry(r: Any, rows: _Rows, table: Any, index: Any) -> Complex:
    return r.load(table, (index, 0)), r.load(table, (index, 1))


def _bluestein(r: Any, rows: _Rows) -> None:
    """jk = (j**2 + k**2 - (k - j)**2) / 2 makes a transform of length n a convolution with the
    chirp v_j = exp(pi i j**2 / n), here a cyclic one of length m: with u = conj(v),
    y_k = u_k sum_j (u_j x_j) v_(k-j).

    L. I. Bluestein, "A linear filtering approach to the computation of the discrete Fourier
    transform", 1970. The result lies where the rows were.
    """
    n, m, width = rows.n, convolution_length(rows.n), rows.width
    table = _table(r, "chirp", rows, n + m)

    def weigh(source: _Planes, target: _Planes, count: int, first: int) -> None:
        """target_j = source_j * table_(first + j)"""

        def row(j: Any) -> None:
            re, im = _entry(r, rows, table, affine(r, first, (j, 1)))

            def move(b: Any, q: Any, _count: int) -> None:
                place = affine(r, 0, (j, width), (q, 1))
                value = rows.load(r, b, source, place)
                rows.store(r, b, target, place, _mul(b, value, (b.splat(re), b.splat(im))))

            strips(r, width, vector_width(rows.dtype), move)

        r.loop(count, row)

    weigh(rows.here, rows.here, n, 0)

    def clear(b: Any, q: Any, _count: int) -> None:
        zero = b.constant(rows.dtype, 0)
        rows.store(r, b, rows.here, affine(r, n * width, (q, 1)), (zero, zero))

    strips(r, (m - n) * width, vector_width(rows.dtype), clear)
    inner = rows._replace(n=m)
    spectrum = _transform(r, inner)
    weigh(spectrum, spectrum, m, n)
    # The inverse transform: the forward one with the parts exchanged.
    other = rows.other if spectrum is rows.here else rows.here
    backward = inner._replace(here=spectrum.swapped, other=other.swapped)
    result = _transform(r, backward).swapped
    weigh(result, rows.here, n, 0)


# From arrays to rows and back.


def _axis(type: ArrayType, axis: int) -> Shape:
    """(axes before, the axis, axes behind) as three lengths."""
    shape = type.shape
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


class _Pass(NamedTuple):
    """The transform of `source` to `target` along one axis, of length n."""

    source: Any
    target: Any
    axis: int
    n: int
    inverse: bool
    scale: float
    work: Sequence[Any]
    """Pointers to four work planes."""

    @property
    def dtype(self) -> DType:
        """Dtype of the parts."""
        return real_dtype(self.source.type.dtype)


def _run(r: Any, along: _Pass) -> None:
    """Rows side by side as far as they go, the rest one by one: neighbours along the axes behind,
    or if there are none, along those before."""
    outer, _, inner = _axis(along.source.type, along.axis)
    width = vector_width(along.dtype)
    if inner == 1:
        whole, rest = divmod(outer, width)
        r.loop(whole, lambda i: _one(r, along, affine(r, 0, (i, width)), 0, width))
        done = whole * width
        r.loop(rest, lambda i: _one(r, along, affine(r, done, (i, 1)), 0, 1))
        return
    whole, rest = divmod(inner, width)

    def plane(o: Any) -> None:
        r.loop(whole, lambda i: _one(r, along, o, affine(r, 0, (i, width)), width))
        done = whole * width
        r.loop(rest, lambda i: _one(r, along, o, affine(r, done, (i, 1)), 1))

    r.loop(outer, plane)


def _one(r: Any, along: _Pass, o: Any, i: Any, width: int) -> None:
    """Read, transform and write `width` rows: those from (o, i) on."""
    b = r.simd(width)
    planes = _Planes(*along.work[:2]), _Planes(*along.work[2:])
    rows = _Rows(along.dtype, along.n, width, *planes)
    inward = planes[0].swapped if along.inverse else planes[0]
    _read(r, b, along, rows, inward, o, i)
    result = _transform(r, rows)
    outward = result.swapped if along.inverse else result
    _write(r, b, along, rows, outward, o, i)


def _access(r: Any, array: Any, axis: int, o: Any, i: Any) -> tuple[Callable[[Any], Any], int]:
    """Address of element j of the row at (o, i), and the distance to the next row's."""
    outer, n, inner = _axis(array.type, axis)
    view = r.buffer(array.type.with_shape((outer, n, inner)), array.pointer)
    return lambda j: r.element_pointer(view, (o, j, i)), n if inner == 1 else 1


def _read(r: Any, b: Any, along: _Pass, rows: _Rows, planes: _Planes, o: Any, i: Any) -> None:
    address, step = _access(r, along.source, along.axis, o, i)
    dtype = along.source.type.dtype
    present = along.source.type.shape[along.axis]

    def put(place: Any, value: Complex) -> None:
        rows.store(r, b, planes, affine(r, 0, (place, rows.width)), value)

    def read(j: Any) -> Complex:
        value = b.load(address(j), dtype, step)
        if dtype.kind == "f":
            return value, b.constant(dtype, 0)
        return b.real(value), b.imag(value)

    r.loop(present, lambda j: put(j, read(j)))
    # The other half of the spectrum of a real signal: element n - j is conj(element j).
    if along.n > present:

        def mirror(j: Any) -> None:
            re, im = read(j)
            place = r.builder.sub(r.integer(along.n), j)
            put(place, (re, b.neg(im)))

        r.loop(along.n - present + 1, mirror, start=1)
    if along.target.type.dtype.kind == "f":
        # The parts that a real signal's spectrum does not have are not read.
        for j in {0, along.n // 2} if along.n % 2 == 0 else {0}:
            re, _ = read(j)
            put(j, (re, b.constant(rows.dtype, 0)))


def _write(r: Any, b: Any, along: _Pass, rows: _Rows, planes: _Planes, o: Any, i: Any) -> None:
    address, step = _access(r, along.target, along.axis, o, i)
    dtype = along.target.type.dtype

    def write(j: Any) -> None:
        value = rows.load(r, b, planes, affine(r, 0, (j, rows.width)))
        if along.scale != 1:
            value = _scaled(b, value, along.scale)
        result = value[0] if dtype.kind == "f" else b.complex(*value)
        b.store(address(j), result, step)

    r.loop(along.target.type.shape[along.axis], write)


def _planes(work: Workspace, dtype: DType, lengths: Shape, rows: int) -> list[Any]:
    """Four planes for the longest rows; side by side only where there are as many."""
    longest = max(padded_length(n) for n in lengths)
    width = vector_width(dtype) if rows >= vector_width(dtype) else 1
    return [work.array(dtype, longest * width) for _ in range(4)]


def _most_rows(x: ArrayType, lengths: Shape) -> int:
    """At least the number of rows along any of the axes."""
    return x.size if len(lengths) > 1 else math.prod(x.shape[:-1])


def workspace_fft(x: ArrayType, *, kind: str, lengths: Shape) -> int:
    """Four planes of rows, and a copy of the spectrum for irfft over several axes."""
    work = Workspace()
    _planes(work, real_dtype(x.dtype), lengths, _most_rows(x, lengths))
    if kind == "irfft" and len(lengths) > 1:
        work.array(x.dtype, *x.shape)
    return work.bytes


def emit_fft(r: Any, x: Any, out: Any, *, kind: str, lengths: Shape) -> None:
    """Transform one axis after the other: the last one first for rfft, last for irfft."""
    if 0 in out.type.shape:
        return
    dtype = real_dtype(x.type.dtype)
    work = Workspace(r)
    planes = [p.pointer for p in _planes(work, dtype, lengths, _most_rows(x.type, lengths))]
    first: int = x.type.ndim - len(lengths)
    order: list[int] = list(range(first, x.type.ndim))
    between = out
    if kind == "rfft":
        order.reverse()
    elif kind == "irfft" and len(lengths) > 1:
        between = work.array(x.type.dtype, *x.type.shape)
    inverse = kind in ("ifft", "irfft")
    source = x
    for axis in order:
        last = axis == order[-1]
        target = out if last else between
        scale = 1 / math.prod(lengths) if inverse and last else 1.0
        n = lengths[axis - first]
        _run(r, _Pass(source, target, axis, n, inverse, scale, planes))
        source = target
