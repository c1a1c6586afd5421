"""Between dtypes: convert, parts of complex numbers; and identities that mark a value."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Elementwise
from ..op import NO_TANGENT, NONLINEAR, Draw, Linear, Op, PerOperand, Sample, elementwise
from ..types import DTYPES, FLOAT16, ArrayType, DType, complex_dtype, real_dtype, short_name
from .constants import full_like
from .samples import FLOATS, integer_edges, one, two


def _infer_convert(x: ArrayType, *, dtype: DType) -> ArrayType:
    short_name(dtype)  # raises TypeError for a dtype that the IR does not have
    return x.with_dtype(dtype)


def _saturate(x: Any, dtype: DType) -> Any:
    """Floats toward zero to integers; beyond the range its end, for nan 0."""
    limits = np.iinfo(dtype.name)
    above = x >= float(limits.max)  # 2.0**63 for int64, which is just beyond its range
    below = x <= float(limits.min)
    inside = np.where(above | below | np.isnan(x), x.dtype.type(0), x).astype(dtype)
    return np.where(above, dtype.type(limits.max), np.where(below, dtype.type(limits.min), inside))


def _evaluate_convert(x: Any, *, dtype: DType) -> Any:
    if x.dtype.kind == "c" and dtype.kind in "iuf":
        x = x.real
    if x.dtype.kind == "f" and dtype.kind in "iu":
        return _saturate(x, dtype)
    return x.astype(dtype)


def _batch_convert(_size: int, _batched: Any, x: Value, *, dtype: DType) -> Value:
    return convert(x, dtype=dtype)


def _convert_samples() -> tuple[Sample, ...]:
    drawn = [Sample((Draw((19,)),), {"dtype": dtype}) for dtype in DTYPES.values()]
    values = (0.0, -0.0, 0.5, -1.5, 300.0, -300.0, 1e10, 3e19, -3e19, *map(float, ("inf", "nan")))
    ends = [
        Sample((Draw((len(values),), values=values),), {"dtype": dtype}, FLOATS, smooth=False)
        for dtype in DTYPES.values()
        if dtype.kind in "biu"
    ]
    ties = (2049.0, 2051.0, 65519.0, 65520.0, 2.0**-24, 2.0**-25, 1.5 * 2.0**-24, 6.1e-5, 1e-300)
    beside = tuple([t * (1 + e) for t in ties for e in (-(2.0**-45), 0.0, 2.0**-45)])
    halves = Sample((Draw((27,), values=beside),), {"dtype": FLOAT16}, FLOATS, smooth=False)
    targets = [DTYPES[name] for name in ("i8", "u8", "f16", "f32")]
    narrowing = [s for dtype in targets for s in integer_edges(dtype=dtype)]
    return (*drawn, *ends, halves, *narrowing, *one(dtype=DTYPES["f32"])[1:])


convert = Op(
    name="convert",
    doc="x in another dtype. Integers wrap; floats go to integers toward zero, beyond the range "
    "to its end, nan to 0; complex numbers lose their imaginary part, except on the way to bool.",
    infer=_infer_convert,
    evaluate=_evaluate_convert,
    jvp=PerOperand((lambda t, out, x, *, dtype: convert(t, dtype=dtype),)),
    transpose=Linear((lambda ct, x, *, dtype: convert(ct, dtype=x.dtype),)),
    batch=_batch_convert,
    lower=Elementwise(lambda b, x, *, dtype: b.convert(x, dtype)),
    samples=_convert_samples(),
)

# Linear over the reals only. Cotangents pair with tangents by Re(ct * t), so the transpose of
# x -> real(x) is ct -> ct + 0i and that of x -> imag(x), as Re(-i ct x) = ct imag(x), is -i ct.

real = elementwise(
    "real",
    "Real part.",
    kinds="c",
    evaluate=np.real,
    jvp=[lambda t, out, x: real(t)],
    transpose=Linear((lambda ct, x: complex(ct, full_like(ct, 0)),)),
    emit=lambda b, x: b.real(x),
    samples=one(),
    result=real_dtype,
)

imag = elementwise(
    "imag",
    "Imaginary part.",
    kinds="c",
    evaluate=np.imag,
    jvp=[lambda t, out, x: imag(t)],
    transpose=Linear((lambda ct, x: conj(complex(full_like(ct, 0), ct)),)),
    emit=lambda b, x: b.imag(x),
    samples=one(),
    result=real_dtype,
)

conj = elementwise(
    "conj",
    "Complex conjugate.",
    kinds="c",
    evaluate=np.conjugate,
    jvp=[lambda t, out, x: conj(t)],
    transpose=Linear((lambda ct, x: conj(ct),)),
    emit=lambda b, x: b.conj(x),
    samples=one(),
)


def _evaluate_complex(re: Any, im: Any) -> Any:
    result = np.empty(np.shape(re), complex_dtype(re.dtype))
    result.real, result.imag = re, im
    return result


complex = elementwise(
    "complex",
    "re + i im, from two real operands.",
    kinds="f",
    evaluate=_evaluate_complex,
    jvp=[
        lambda t, out, re, im: complex(t, full_like(t, 0)),
        lambda t, out, re, im: complex(full_like(t, 0), t),
    ],
    transpose=Linear((lambda ct, re, im: real(ct), lambda ct, re, im: imag(conj(ct)))),
    emit=lambda b, re, im: b.complex(re, im),
    samples=two(),
    result=complex_dtype,
)

stop_gradient = elementwise(
    "stop_gradient",
    "x, with a tangent of zero.",
    kinds="biufc",
    evaluate=lambda x: x,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    emit=lambda b, x: x,
    samples=[Sample(s.operands, smooth=False) for s in one()],
)

optimization_barrier = elementwise(
    "optimization_barrier",
    "x, which no pass merges with another value or moves across.",
    kinds="biufc",
    evaluate=lambda x: x,
    jvp=[lambda t, out, x: optimization_barrier(t)],
    transpose=Linear((lambda ct, x: optimization_barrier(ct),)),
    emit=lambda b, x: x,
    samples=one(),
)
