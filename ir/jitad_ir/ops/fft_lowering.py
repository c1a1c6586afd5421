"""How native code transforms arrays: rows are read into work arrays (`fft_blocks`), transformed
there and written back; several side by side where there are as many. Long rows go one by one
(`fft_rows`)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..types import ArrayType, DType, Shape, complex_dtype, real_dtype, short_name
from . import fft_rows
from .fft_groups import Pass, groups_parts, groups_scratch, transform_groups
from .fft_tables import padded_length
from .lapack import Workspace
from .vector_loops import vector_width

CACHE = 2**20
"""Bytes that the work arrays of rows side by side may have: those of longer rows would not stay in
the L2 cache, and rows go one by one."""


def _sides(shape: Shape, axis: int) -> tuple[int, int, int]:
    """(axes before, the axis, axes behind) as three lengths."""
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def _is_halved(kind: str, n: int, inner: int) -> bool:
    """True for a real signal that is transformed as half as many complex numbers: its elements, in
    pairs, are."""
    return kind in ("rfft", "irfft") and n % 2 == 0 and inner == 1


def _side_by_side(dtype: DType, outer: int, n: int, inner: int) -> bool:
    """Whether rows of length n are transformed side by side; `dtype` is that of the parts."""
    width = vector_width(dtype)
    fits = 4 * width * padded_length(n) * dtype.itemsize <= CACHE
    return inner > 1 or (outer >= width and fits)


class _Axis(NamedTuple):
    """The transform along one axis: lengths of the axes before it, of the axis and of those behind
    in the array that is read, and the same of the one that is written; n complex numbers in a row,
    half the length of a real signal that is halved."""

    kind: str
    halved: bool
    n: int
    source: Shape
    target: Shape


def _axes(kind: str, lengths: Shape, x: ArrayType, out: ArrayType, behind: int) -> list[_Axis]:
    """In the order in which they are transformed: the last axis first, as its rows are read from
    one array and written to another; for irfft last."""
    end = x.ndim - behind
    first = end - len(lengths)
    order = list(range(first, end))
    if kind != "irfft":
        order.reverse()
    found: list[_Axis] = []
    shape = x.shape
    for axis in order:
        is_last = axis == end - 1
        result = out.shape if is_last else shape
        own = kind if is_last else {"rfft": "fft", "irfft": "ifft"}.get(kind, kind)
        n = lengths[axis - first]
        sides = _sides(shape, axis), _sides(result, axis)
        halved = _is_halved(own, n, sides[0][2])
        found.append(_Axis(own, halved, n // 2 if halved else n, *sides))
        shape = result
    return found


def _spectrum_type(x: ArrayType, kind: str, lengths: Shape, behind: int) -> ArrayType:
    """Type of the result."""
    axis, n = x.ndim - behind - 1, lengths[-1]
    if kind == "rfft":
        dtype, length = complex_dtype(x.dtype), n // 2 + 1
    elif kind == "irfft":
        dtype, length = real_dtype(x.dtype), n
    else:
        return x
    return ArrayType(dtype, (*x.shape[:axis], length, *x.shape[axis + 1 :]))


def _scratch(dtype: DType, axis: _Axis) -> int:
    """Complex numbers of scratch memory for an axis."""
    outer, _, inner = axis.source
    if _side_by_side(dtype, outer, axis.n, inner):
        return groups_scratch(dtype, axis.n, outer, inner)
    return fft_rows.rows_scratch(dtype, axis.n)


def workspace_fft(x: ArrayType, *, kind: str, lengths: Shape, behind: int = 0) -> int:
    """Scratch memory of the greatest axis, and a copy of the spectrum for irfft over several."""
    return _space(Workspace(), x, kind, lengths, behind)[0].bytes


def _space(
    work: Workspace, x: ArrayType, kind: str, lengths: Shape, behind: int
) -> tuple[Workspace, Any, Any]:
    """The workspace, the scratch memory and the copy."""
    axes = _axes(kind, lengths, x, _spectrum_type(x, kind, lengths, behind), behind)
    dtype = real_dtype(x.dtype)
    most = max([_scratch(dtype, axis) for axis in axes])
    scratch, between = work.array(complex_dtype(dtype), most), None
    if kind == "irfft" and len(lengths) > 1:
        between = work.array(x.dtype, *x.shape)
    return work, scratch, between


def parts_fft(x: ArrayType, *, kind: str, lengths: Shape, behind: int = 0) -> int:
    """How many parts threads share."""
    most = 1
    dtype = real_dtype(x.dtype)
    for axis in _axes(kind, lengths, x, _spectrum_type(x, kind, lengths, behind), behind):
        outer, _, inner = axis.source
        if _side_by_side(dtype, outer, axis.n, inner):
            most = max(most, groups_parts(dtype, axis.n, outer, inner))
        else:
            most = max(most, fft_rows.rows_parts(dtype, axis.n))
    return most


def reuses_fft(x: ArrayType, *, kind: str, lengths: Shape, behind: int = 0) -> int | None:
    """The operand, unless some of its rows are transformed twice."""
    del kind  # the spectra of real signals are of another size
    dtype, n = real_dtype(x.dtype), lengths[-1]
    outer = math.prod(x.shape[:-1])
    twice = not behind and _side_by_side(dtype, outer, n, 1) and outer % vector_width(dtype)
    return None if twice else 0


def emit_fft(r: Any, x: Any, out: Any, *, kind: str, lengths: Shape, behind: int = 0) -> None:
    """Transform one axis after the other, in a function for all transforms of the same arrays."""
    if 0 in out.type.shape:
        return
    dims, sizes = ("x".join(map(str, shape)) for shape in (x.type.shape, lengths))
    name = f"jitad.fft.{short_name(x.type.dtype)}.{dims}.{kind}.{sizes}.{behind}"

    def build(inner: Any, source: Any, target: Any, workspace: Any) -> None:
        inner.workspace = workspace
        given, asked = inner.buffer(x.type, source), inner.buffer(out.type, target)
        _all_axes(inner, given, asked, kind, lengths, behind)

    r.call_inner(name, build, x.pointer, out.pointer, r.workspace)


def _all_axes(r: Any, x: Any, out: Any, kind: str, lengths: Shape, behind: int) -> None:
    dtype = real_dtype(x.type.dtype)
    _, scratch, between = _space(Workspace(r), x.type, kind, lengths, behind)
    axes = _axes(kind, lengths, x.type, out.type, behind)
    source = x
    for number, axis in enumerate(axes):
        is_last = number == len(axes) - 1
        target = out if is_last or between is None else between
        inverse = kind in ("ifft", "irfft")
        along = Pass(
            _sided(r, source, axis.source, axis.halved),
            _sided(r, target, axis.target, axis.halved),
            axis.n,
            inverse,
            axis.halved,
            1 / math.prod(lengths) if inverse and is_last else 1.0,
            scratch.pointer,
        )
        outer, _, inner = axis.source
        if _side_by_side(dtype, outer, axis.n, inner):
            transform_groups(r, along)
        else:
            fft_rows.transform_rows(r, along)
        source = target


def _sided(r: Any, buffer: Any, shape: Shape, halved: bool) -> Any:
    """The buffer with three axes; real numbers as pairs if they are to be halved."""
    dtype = buffer.type.dtype
    if halved and dtype.kind == "f":
        dtype, shape = complex_dtype(dtype), (shape[0], shape[1] // 2, shape[2])
    return r.buffer(ArrayType(dtype, shape), buffer.pointer)
