"""How native code transforms arrays: rows are read into work arrays (`fft_passes`), transformed
there and written back; several side by side where there are as many.

A real signal of even length n is transformed as n/2 complex numbers, its even elements their real
and its odd ones their imaginary parts. With Z their transform and w = exp(-2 pi i / n),

    E_k = (Z_k + conj Z_(n/2-k)) / 2,  O_k = (Z_k - conj Z_(n/2-k)) / 2i,  X_k = E_k + w**k O_k.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ..types import ArrayType, DType, Shape, complex_dtype, real_dtype
from .fft_butterflies import Complex, conjugate, minus, plus, scaled, times, times_minus_i
from .fft_passes import Planes, Rows, address, load, store, transform
from .fft_tables import HALVES, padded_length, table_name
from .lapack import Workspace
from .vector_loops import affine, strips, transpose, vector_width

CACHE = 2**20
"""Bytes that the work arrays of rows side by side may have: those of longer rows would not stay in
the L2 cache, and rows go one by one."""


def _sides(shape: Shape, axis: int) -> tuple[int, int, int]:
    """(axes before, the axis, axes behind) as three lengths."""
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def _is_halved(kind: str, n: int) -> bool:
    """True for a real signal that is transformed as half as many complex numbers."""
    return kind in ("rfft", "irfft") and n % 2 == 0


def _width(dtype: DType, outer: int, n: int, inner: int) -> int:
    """Number of rows of length n side by side; `dtype` is that of the parts."""
    width = vector_width(dtype)
    if inner > 1:
        return width
    fits = 4 * width * padded_length(n) * dtype.itemsize <= CACHE
    return width if outer >= width and fits else 1


class _Pass(NamedTuple):
    """The transform of rows of length n of `source` to those of `target`, both of three axes: those
    before, the one transformed, those behind. A real signal that is halved is given as pairs, and
    n is half its length."""

    source: Any
    target: Any
    n: int
    inverse: bool
    halved: bool
    scale: float
    width: int
    work: Any
    """Pointers to four work planes."""

    @property
    def dtype(self) -> DType:
        """Dtype of the parts."""
        return real_dtype(self.source.type.dtype)


def _run(r: Any, along: _Pass) -> None:
    """All rows: those that are neighbours along the axes behind side by side, or if there are
    none, those that are along the axes before."""
    outer, _, inner = along.source.type.shape
    width = along.width
    if inner == 1:

        def group(number: Any) -> None:
            first = affine(r, 0, (number, width))
            if (
                outer % width
            ):  # some rows are transformed twice: not in place, as `emit_fft` sees to
                last = r.integer(outer - width)
                first = r.builder.select(r.builder.icmp_signed("<", first, last), first, last)
            _Group(r, along, first, 0, width).emit()

        r.loop(-(-outer // width), group)
        return
    whole, rest = divmod(inner, width)

    def plane(o: Any) -> None:
        r.loop(whole, lambda i: _Group(r, along, o, affine(r, 0, (i, width)), width).emit())
        if rest:
            _Group(r, along, o, whole * width, rest).emit()

    r.loop(outer, plane)


class _Group:
    """Rows side by side: those from (o, i) on, `count` of them, in work arrays `width` wide."""

    def __init__(self, r: Any, along: _Pass, o: Any, i: Any, count: int) -> None:
        self.r, self.along, self.o, self.i, self.count = r, along, o, i, count
        self.width = along.width
        self.b = r.simd(self.width)

    def emit(self) -> None:
        """Read, transform, write."""
        along = self.along
        here, other = Planes(*along.work[:2]), Planes(*along.work[2:])
        self._read(here)
        rows = Rows(along.dtype, along.n, self.width, here, other)
        if along.inverse:
            if along.halved:
                self._halves(here, _joined)
            rows = rows._replace(here=here.swapped, other=other.swapped)
            result = transform(self.r, rows).swapped
        else:
            result = transform(self.r, rows)
            if along.halved:
                self._put(result, along.n, self._take(result, 0))
                self._halves(result, _parted)
        self._write(result)

    def _put(self, planes: Planes, j: Any, value: Complex) -> None:
        store(self.r, self.b, planes, affine(self.r, 0, (j, self.width)), value)

    def _take(self, planes: Planes, j: Any) -> Complex:
        at = affine(self.r, 0, (j, self.width))
        return load(self.r, self.b, self.along.dtype, planes, at)

    def _at(self, array: Any, j: Any, row: int = 0) -> Any:
        """Address of element j of a row of the group."""
        if array.type.shape[2] == 1:
            return self.r.element_pointer(array, (affine(self.r, row, (self.o, 1)), j, 0))
        return self.r.element_pointer(array, (self.o, j, affine(self.r, row, (self.i, 1))))

    # -- in and out --

    def _read(self, planes: Planes) -> None:
        source, n = self.along.source, self.along.n
        present, dtype = source.type.shape[1], source.type.dtype
        if dtype.kind == "f":
            zero = self.b.constant(dtype, 0)

            def element(j: Any) -> None:
                self._put(planes, j, (self.b.load(self._at(source, j), dtype, n), zero))

            self.r.loop(n, element)
            return
        self._move(source, planes, is_read=True)
        if present == n:
            return
        # A real signal's spectrum: the parts that it does not have are not used.
        for j in (0, n) if self.along.halved else (0,):
            re, _ = self._take(planes, j)
            self._put(planes, j, (re, self.b.constant(self.along.dtype, 0)))
        if not self.along.halved:

            def mirror(j: Any) -> None:
                there = self.r.builder.sub(self.r.integer(n), j)
                self._put(planes, there, conjugate(self.b, self._take(planes, j)))

            self.r.loop(present, mirror, start=1)

    def _write(self, planes: Planes) -> None:
        target = self.along.target
        if target.type.dtype.kind == "c":
            self._move(target, planes, is_read=False)
            return

        def element(j: Any) -> None:
            re, _ = scaled(self.b, self._take(planes, j), self.along.scale)
            self.b.store(self._at(target, j), re, self.along.n)

        self.r.loop(self.along.n, element)

    def _move(self, array: Any, planes: Planes, *, is_read: bool) -> None:
        """All elements of the rows of a complex array to the planes, or back."""
        r, dtype, width = self.r, array.type.dtype, self.width
        _, length, inner = array.type.shape

        def vector(b: Any, at: Any, place: Any, step: int = 1) -> None:
            if is_read:
                store(r, b, planes, place, b.parts(b.load(at, dtype, step)))
            else:
                value = load(r, b, self.along.dtype, planes, place)
                b.store(at, b.complex(*self._finished(b, value)), step)

        if width == 1:
            by = vector_width(self.along.dtype)
            strips(r, length, by, lambda b, j, _: vector(b, self._at(array, j), j))
        elif inner == 1 and length >= width:
            self._move_squares(array, planes, is_read)
        elif self.count == width:
            step = length if inner == 1 else 1
            r.loop(
                length,
                lambda j: vector(self.b, self._at(array, j), affine(r, 0, (j, width)), step),
            )
        else:

            def lanes(j: Any) -> None:
                for lane in range(self.count):
                    vector(r.b, self._at(array, j, lane), affine(r, lane, (j, width)))

            r.loop(length, lanes)

    def _move_squares(self, array: Any, planes: Planes, is_read: bool) -> None:
        """Rows that lie one behind the other, transposed in registers."""
        r, b, dtype, width = self.r, self.b, array.type.dtype, self.width
        length = array.type.shape[1]

        def square(number: Any) -> None:
            first = affine(r, 0, (number, width))
            if length % width:
                last = r.integer(length - width)
                first = r.builder.select(r.builder.icmp_signed("<", first, last), first, last)
            columns = [affine(r, k, (first, 1)) for k in range(width)]
            rows = [self._at(array, first, row) for row in range(width)]
            if is_read:
                values = transposed(b, [b.parts(b.load(at, dtype)) for at in rows])
                for j, value in zip(columns, values, strict=True):
                    self._put(planes, j, value)
            else:
                taken = [self._finished(b, self._take(planes, j)) for j in columns]
                for at, value in zip(rows, transposed(b, taken), strict=True):
                    b.store(at, b.complex(*value))

        r.loop(-(-length // width), square)

    def _finished(self, b: Any, value: Complex) -> Complex:
        return value if self.along.scale == 1 else scaled(b, value, self.along.scale)

    # -- real signals --

    def _halves(self, planes: Planes, rule: Callable[..., tuple[Complex, Complex]]) -> None:
        """`rule(b, element k, element n - k, w**k)` in their places, for k <= n / 2; element n
        of the planes is there."""
        r, dtype, n = self.r, self.along.dtype, self.along.n
        table = r.externals.pointer(r.builder, table_name(HALVES, dtype.name, 2 * n))

        def pair(k: Any) -> None:
            at = affine(r, 0, (k, 2))
            w = [
                self.b.load(address(r, dtype, table, affine(r, i, (at, 1))), dtype, 0)
                for i in (0, 1)
            ]
            there = r.builder.sub(r.integer(n), k)
            x, y = rule(self.b, self._take(planes, k), self._take(planes, there), (w[0], w[1]))
            self._put(planes, k, x)
            self._put(planes, there, y)

        done = 0
        if self.width == 1:
            by = vector_width(dtype)
            e = r.simd(by)
            order = list(reversed(range(by)))

            def vectors(number: Any) -> None:
                k = affine(r, 0, (number, by))
                there = r.builder.sub(r.integer(n - by + 1), k)
                pairs = address(r, dtype, table, affine(r, 0, (k, 2)))
                w = e.parts(e.load(pairs, complex_dtype(dtype)))
                last = [e.shuffle(part, order) for part in load(r, e, dtype, planes, there)]
                x, y = rule(e, load(r, e, dtype, planes, k), (last[0], last[1]), w)
                store(r, e, planes, k, x)
                re, im = (e.shuffle(part, order) for part in y)
                store(r, e, planes, there, (re, im))

            count = (n + 1) // (2 * by)
            r.loop(count, vectors)
            done = count * by
        r.loop(n // 2 + 1, pair, start=done)


def _parted(b: Any, x: Complex, y: Complex, w: Complex) -> tuple[Complex, Complex]:
    """X_k and X_(n/2-k) of Z_k and Z_(n/2-k)."""
    other = conjugate(b, y)
    even = scaled(b, plus(b, x, other), 0.5)
    odd = times(b, w, scaled(b, times_minus_i(b, minus(b, x, other)), 0.5))
    return plus(b, even, odd), conjugate(b, minus(b, even, odd))


def _joined(b: Any, x: Complex, y: Complex, w: Complex) -> tuple[Complex, Complex]:
    """2 Z_k and 2 Z_(n/2-k) of X_k and X_(n/2-k)."""
    other = conjugate(b, y)
    even = plus(b, x, other)
    odd = times(b, conjugate(b, w), minus(b, x, other))
    turned = b.neg(odd[1]), odd[0]
    return plus(b, even, turned), conjugate(b, minus(b, even, turned))


def transposed(b: Any, rows: list[Complex]) -> list[Complex]:
    """Of a square in registers."""
    re, im = (transpose(b, list(part)) for part in zip(*rows, strict=True))
    return list(zip(re, im, strict=True))


# Several axes.


def _axes(
    kind: str, lengths: Shape, x: ArrayType, out: ArrayType
) -> list[tuple[int, str, Shape, Shape]]:
    """For each axis, in the order in which they are transformed: its length, the kind for it, and
    the shapes before and behind it. The last axis comes first, as its rows are read from one array
    and written to another; for irfft last."""
    first = len(x.shape) - len(lengths)
    order = list(range(first, len(x.shape)))
    if kind != "irfft":
        order.reverse()
    found: list[tuple[int, str, Shape, Shape]] = []
    shape = x.shape
    for axis in order:
        is_last = axis == len(x.shape) - 1
        result = out.shape if is_last else shape
        own = kind if is_last else {"rfft": "fft", "irfft": "ifft"}.get(kind, kind)
        found.append((lengths[axis - first], own, _sides(shape, axis), _sides(result, axis)))
        shape = result
    return found


def _planes(work: Workspace, dtype: DType, axes: Any) -> list[Any]:
    """Four planes for the greatest rows side by side."""
    most = 0
    for n, kind, before, _ in axes:
        n = n // 2 if _is_halved(kind, n) else n
        most = max(most, (padded_length(n) + 1) * _width(dtype, before[0], n, before[2]))
    return [work.array(dtype, most) for _ in range(4)]


def _spectrum_type(x: ArrayType, kind: str, lengths: Shape) -> ArrayType:
    """Type of the result."""
    if kind == "rfft":
        return ArrayType(complex_dtype(x.dtype), (*x.shape[:-1], lengths[-1] // 2 + 1))
    if kind == "irfft":
        return ArrayType(real_dtype(x.dtype), (*x.shape[:-1], lengths[-1]))
    return x


def workspace_fft(x: ArrayType, *, kind: str, lengths: Shape) -> int:
    """Four planes of rows, and a copy of the spectrum for irfft over several axes."""
    work = Workspace()
    out = _spectrum_type(x, kind, lengths)
    _planes(work, real_dtype(x.dtype), _axes(kind, lengths, x, out))
    if kind == "irfft" and len(lengths) > 1:
        work.array(x.dtype, *x.shape)
    return work.bytes


def emit_fft(r: Any, x: Any, out: Any, *, kind: str, lengths: Shape) -> None:
    """Transform one axis after the other."""
    if 0 in out.type.shape:
        return
    dtype = real_dtype(x.type.dtype)
    work = Workspace(r)
    axes = _axes(kind, lengths, x.type, out.type)
    planes = [p.pointer for p in _planes(work, dtype, axes)]
    between = out
    if kind == "irfft" and len(lengths) > 1:
        between = work.array(x.type.dtype, *x.type.shape)
    source = x
    for number, (n, own, before, behind) in enumerate(axes):
        is_last = number == len(axes) - 1
        target = out if is_last else between
        inverse = kind in ("ifft", "irfft")
        halved = _is_halved(own, n)
        n = n // 2 if halved else n
        along = _Pass(
            _sided(r, source, before, halved),
            _sided(r, target, behind, halved),
            n,
            inverse,
            halved,
            1 / math.prod(lengths) if inverse and is_last else 1.0,
            _width(dtype, before[0], n, before[2]),
            planes,
        )
        _run(r, along)
        source = target


def _sided(r: Any, buffer: Any, shape: Shape, halved: bool) -> Any:
    """The buffer with three axes; real numbers as pairs if they are to be halved."""
    dtype = buffer.type.dtype
    if halved and dtype.kind == "f":
        dtype, shape = complex_dtype(dtype), (shape[0], shape[1] // 2, shape[2])
    return r.buffer(ArrayType(dtype, shape), buffer.pointer)
