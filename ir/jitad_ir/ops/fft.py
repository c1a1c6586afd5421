"""Discrete Fourier transforms over neighbouring axes: the last ones, or those before the last."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import Draw, Linear, Op, PerOperand, Sample, Unknown
from ..types import ArrayType, Shape, TypeMismatch, complex_dtype, real_dtype
from .arithmetic import mul
from .constants import constant
from .conversion import conj, real
from .fft_lowering import emit_fft, parts_fft, reuses_fft, workspace_fft
from .shape import broadcast
from .slicing import pad

KINDS = ("fft", "ifft", "rfft", "irfft")


def _halved(lengths: Shape) -> Shape:
    """Lengths of the half spectrum of a real signal."""
    return (*lengths[:-1], lengths[-1] // 2 + 1)


def _infer_fft(x: ArrayType, *, kind: str, lengths: Shape, behind: int = 0) -> ArrayType:
    if kind not in KINDS:
        raise TypeMismatch(f"fft: expected kind {', '.join(KINDS)}; got {kind!r}")
    first, end = x.ndim - behind - len(lengths), x.ndim - behind
    if not lengths or first < 0 or behind < 0 or any(n < 1 for n in lengths):
        raise TypeMismatch(
            f"fft: expected lengths of 1 or more for 1 to {x.ndim} axes of {x!r}; got {lengths} "
            f"for those with {behind} axes behind them"
        )
    expected = _halved(lengths) if kind == "irfft" else lengths
    kinds = "f" if kind == "rfft" else "c"
    if x.dtype.kind != kinds or x.shape[first:end] != expected:
        what = "float" if kinds == "f" else "complex"
        raise TypeMismatch(
            f"fft: kind {kind} of lengths {lengths} takes {what} with axes {expected}, and "
            f"{behind} behind them; got {x!r}"
        )
    before, after = x.shape[:first], x.shape[end:]
    if kind == "rfft":
        return ArrayType(complex_dtype(x.dtype, "fft"), (*before, *_halved(lengths), *after))
    if kind == "irfft":
        return ArrayType(real_dtype(x.dtype), (*before, *lengths, *after))
    return x


_EVALUATE = {
    "fft": np.fft.fftn,
    "ifft": np.fft.ifftn,
    "rfft": np.fft.rfftn,
    "irfft": np.fft.irfftn,
}


def _evaluate_fft(x: Any, *, kind: str, lengths: Shape, behind: int = 0) -> Any:
    end = x.ndim - behind
    return _EVALUATE[kind](x, lengths, tuple(range(end - len(lengths), end)))


def _where(lengths: Shape, behind: int) -> dict[str, Any]:
    """The axes, as params: the last ones go without saying."""
    return {"lengths": lengths, "behind": behind} if behind else {"lengths": lengths}


def _transpose_fft(ct: Value, x: Unknown, *, kind: str, lengths: Shape, behind: int = 0) -> Value:
    """The matrix w**(jk) is symmetric. Cotangents pair with tangents by Re(ct t).

    rfft: x real gives k <= n/2 of its transform; so the transform of ct with zeros for the other
    k, real part. irfft: x_k counts once at k = 0 (and n/2, if n is even), else with its mirror
    image, twice: y_j = Re(sum_k c_k x_k conj(w)**(jk)) / N, so ct_k = c_k conj(rfft(ct))_k / N.
    """
    where = _where(lengths, behind)
    axis = ct.ndim - behind - 1
    if kind == "rfft":
        zero = constant(value=np.zeros((), ct.dtype))
        none = (0,) * ct.ndim
        high = (*none[:axis], lengths[-1] - ct.shape[axis], *none[axis + 1 :])
        whole = pad(ct, zero, low=none, high=high, interior=none)
        return real(fft(whole, kind="fft", **where))
    if kind == "irfft":
        spectrum = conj(fft(ct, kind="rfft", **where))
        n = lengths[-1]
        counts = np.full(n // 2 + 1, 2.0)
        counts[0] = 1.0
        if n % 2 == 0:
            counts[-1] = 1.0
        weights = constant(value=(counts / math.prod(lengths)).astype(spectrum.dtype))
        return mul(spectrum, broadcast(weights, shape=spectrum.shape, dims=(axis,)))
    return fft(ct, kind=kind, **where)


def _sample(shape: Shape, kind: str, lengths: Shape, after: Shape = ()) -> Sample:
    """The last axis of the shape, that of `lengths`, is shorter if it is a half spectrum."""
    dtypes = ("f32", "f64") if kind == "rfft" else ("c64", "c128")
    if kind == "irfft":
        shape = (*shape[:-1], shape[-1] // 2 + 1)
    where = _where(lengths, len(after))
    return Sample((Draw((*shape, *after)),), {"kind": kind, **where}, dtypes)


fft = Op(
    name="fft",
    doc="Discrete Fourier transform over the last axes, of `lengths`, or those that have so many "
    "axes `behind` them. Kinds: fft, sum_j x_j exp(-2 pi i j k / n); ifft, its inverse (divided by "
    "the product of the lengths); rfft, of a real signal, up to k = n/2 of the last axis; irfft, "
    "its inverse, with real results.",
    infer=_infer_fft,
    evaluate=_evaluate_fft,
    jvp=PerOperand((lambda t, out, x, **params: fft(t, **params),)),
    transpose=Linear((_transpose_fft,)),
    batch=lambda size, batched, x, **params: fft(x, **params),
    lower=Routine(
        lambda r, x, results, **params: emit_fft(r, x, results[0], **params),
        workspace_fft,
        reuses=reuses_fft,
        parts=parts_fft,
    ),
    samples=(
        *[
            _sample((n,), kind, (n,))
            for n in (1, 2, 3, 4, 5, 6, 8, 12, 13, 16, 17, 30, 34)
            for kind in KINDS
        ],
        *[
            _sample(shape, kind, lengths, after)
            for shape, lengths, after in (
                ((9, 6), (6,), ()),
                ((2, 3, 20), (20,), ()),
                ((4, 6), (4, 6), ()),
                ((5, 19), (5, 19), ()),
                ((3, 2, 4, 9), (2, 4, 9), ()),
                ((0, 4), (4,), ()),
                ((6,), (6,), (9,)),
                ((2, 5), (5,), (3, 7)),
                ((4, 3), (4, 3), (8,)),
            )
            for kind in KINDS
        ],
    ),
)
