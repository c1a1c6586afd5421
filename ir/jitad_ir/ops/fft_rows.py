"""Transforms of rows one by one."""

from __future__ import annotations

from typing import Any

from ..types import DType, complex_dtype
from .fft_blocks import Blocks
from .fft_butterflies import Complex, conjugate
from .fft_groups import Pass
from .fft_halves import joined, pair_numbers, parted
from .fft_long import (
    is_long,
    long_parts,
    long_room,
    row_scratch,
    transform_long,
    transform_row,
)
from .fft_tables import convolution_length, factors
from .vector_loops import affine, behind, strips, vector_width


def _inner(n: int) -> int:
    """Length of the transforms that rows of length n are made of."""
    return n if factors(n) is not None else convolution_length(n)


def _room(dtype: DType, n: int) -> int:
    """Complex numbers in each of two work arrays; half a spectrum may have one more."""
    inner = _inner(n)
    return max(inner + 1, long_room(dtype, inner) if is_long(dtype, inner) else 0)


def rows_scratch(dtype: DType, n: int) -> int:
    """Complex numbers of scratch memory for rows of length n."""
    return 2 * _room(dtype, n) + row_scratch(dtype, _inner(n))


def rows_parts(dtype: DType, n: int) -> int:
    """How many parts of a row threads share."""
    return long_parts(dtype, n) if is_long(dtype, n) else 1


def transform_rows(r: Any, along: Pass) -> None:
    """All rows."""
    r.loop(along.source.type.shape[0], lambda o: _Row(r, along, o).emit())


class _Row:
    """One row."""

    def __init__(self, r: Any, along: Pass, o: Any) -> None:
        self.r, self.along = r, along
        self.dtype, self.n = along.dtype, along.n
        self.blocks = Blocks(self.dtype, 1)
        room = _room(self.dtype, self.n)
        self.other = along.scratch
        self.scratch = self.blocks.address(r, self.other, room)
        self.here = self.blocks.address(r, self.scratch, row_scratch(self.dtype, _inner(self.n)))
        self.source = r.element_pointer(along.source, (o, 0, 0))
        self.target = r.element_pointer(along.target, (o, 0, 0))
        self.present = along.source.type.shape[1]
        self.sign = -1.0 if along.inverse else 1.0

    def emit(self) -> None:
        """Complex numbers first, the transform of these, then the result."""
        along, n = self.along, self.n
        source, is_real = self.source, along.source.type.dtype.kind == "f"
        if along.halved and along.inverse:
            self._join()
            source = self.here
        elif is_real or self.present != n:
            self._complete(is_real)
            source = self.here
        direct = along.target.type.dtype.kind == "c" and (
            along.target.type.shape[1] == n or along.halved
        )
        target = self.target if direct else self.here
        if is_long(self.dtype, n):
            how = self._how(self.sign, along.scale)
            args = (self.dtype, n, source, target, self.other, self.scratch, how)
            transform_long(self.r, *args)
            if not direct:
                self._move(target, self.target, 1.0, 1.0)
        else:
            if source is not self.here or along.inverse:
                self._move(source, self.here, self.sign, 1.0)
            how = self._how(1.0, 1.0)
            args = (self.blocks, n, self.here, self.other, self.scratch, how)
            self._move(transform_row(self.r, *args), self.target, self.sign, along.scale)
        if along.halved and not along.inverse:
            self._put(self.target, n, self._take(self.target, 0))
            pair_numbers(self.r, self.dtype, n, parted, self.target, self.target)

    def _how(self, sign: float, scale: float) -> Any:
        """The two numbers that `transform_long` asks for."""
        place = self.r.local(self.dtype, 2)
        self.r.b.store(place, self.r.b.constant(self.dtype, sign))
        second = behind(self.r, place, self.dtype.itemsize)
        self.r.b.store(second, self.r.b.constant(self.dtype, scale))
        return place

    def _put(self, pointer: Any, j: Any, value: Complex) -> None:
        self.blocks.store(self.r, self.blocks.address(self.r, pointer, j), value)

    def _take(self, pointer: Any, j: Any) -> Complex:
        return self.blocks.load(self.r, self.blocks.address(self.r, pointer, j))

    def _join(self) -> None:
        """A real signal's spectrum as that of half as many complex numbers."""
        r, n, zero = self.r, self.n, self.r.b.constant(self.dtype, 0)
        pair_numbers(r, self.dtype, n, joined, self.source, self.here)
        # The imaginary parts of its first and last number are not used.
        first, last = self._take(self.source, 0)[0], self._take(self.source, n)[0]
        w = (r.b.constant(self.dtype, 1), zero)
        self._put(self.here, 0, joined(r.b, (first, zero), (last, zero), w)[0])

    def _complete(self, is_real: bool) -> None:
        """Real numbers, or half a spectrum, as n complex ones."""
        r, zero = self.r, self.r.b.constant(self.dtype, 0)
        if is_real:

            def extend(j: Any) -> None:
                at = behind(r, self.source, affine(r, 0, (j, self.dtype.itemsize)))
                self._put(self.here, j, (r.b.load(at, self.dtype), zero))

            r.loop(self.n, extend)
            return

        def mirror(j: Any) -> None:
            value = self._take(self.source, j)
            self._put(self.here, j, value)
            there = r.builder.sub(r.integer(self.n), j)
            self._put(self.here, there, conjugate(r.b, value))

        self._put(self.here, 0, (self._take(self.source, 0)[0], zero))
        r.loop(self.present, mirror, start=1)

    def _move(self, source: Any, target: Any, sign: float, scale: float) -> None:
        """Copy complex numbers, their imaginary parts times `sign`, all times `scale`: as many as
        the target has; real parts if it is of real numbers."""
        r, asked = self.r, self.along.target.type
        is_result = target is self.target
        is_real = is_result and asked.dtype.kind == "f"
        length = asked.shape[1] if is_result and not self.along.halved else self.n
        kind = complex_dtype(self.dtype)

        def move(e: Any, i: Any, _count: int) -> None:
            re, im = e.parts(e.load(self.blocks.address(r, source, i), kind))
            re = e.mul(re, e.constant(self.dtype, scale))
            im = e.mul(im, e.constant(self.dtype, sign * scale))
            if is_real:
                e.store(behind(r, target, affine(r, 0, (i, self.dtype.itemsize))), re)
            else:
                e.store(self.blocks.address(r, target, i), e.complex(re, im))

        strips(r, length, vector_width(self.dtype), move)
