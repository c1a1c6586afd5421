"""The bits of a number read as another dtype."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import Value
from ..lowering import Elementwise
from ..op import NO_TANGENT, NONLINEAR, Draw, Op, Sample
from ..types import ArrayType, DType, TypeMismatch, short_name


def _infer(x: ArrayType, *, dtype: DType) -> ArrayType:
    short_name(dtype)  # raises TypeError for a dtype that the IR does not have
    fits = x.dtype.itemsize == dtype.itemsize
    if not fits or x.dtype.kind not in "iuf" or dtype.kind not in "iuf":
        raise TypeMismatch(
            f"bitcast: expected integers or floats of one size; got {x!r} as {short_name(dtype)}"
        )
    return x.with_dtype(dtype)


def _batch(_size: int, _batched: Sequence[bool], x: Value, *, dtype: DType) -> Value:
    return bitcast(x, dtype=dtype)


def _samples() -> tuple[Sample, ...]:
    sizes = (("f16", "int16"), ("f32", "int32"), ("f64", "int64"))
    pairs = [(of, kind + to) for of, to in sizes for kind in ("", "u")]
    edges = (0.0, -0.0, 1.5, -2.0, 1e30, float("inf"), -float("inf"), 1e-310)
    of_floats = [
        Sample((Draw((8,), values=edges),), {"dtype": np.dtype(to)}, (of,), smooth=False)
        for of, to in pairs
    ]
    of_integers = [
        Sample((Draw((9,), 0, 100, dtype=of),), {"dtype": np.dtype(to)}, (of,), smooth=False)
        for of, to in (
            ("i8", "uint8"),
            ("u8", "int8"),
            ("i16", "uint16"),
            ("u16", "int16"),
            ("i16", "float16"),
            ("u16", "float16"),
            ("i32", "float32"),
            ("u32", "float32"),
            ("i64", "float64"),
            ("u64", "float64"),
        )
    ]
    shapes = [
        Sample((Draw(shape),), {"dtype": np.dtype("uint64")}, ("f64",), smooth=False)
        for shape in ((2, 3), (), (0,))
    ]
    return (*of_floats, *of_integers, *shapes)


bitcast = Op(
    name="bitcast",
    doc="The bits of x read as `dtype`, of the same size; integers and floats.",
    infer=_infer,
    evaluate=lambda x, *, dtype: np.ascontiguousarray(x).view(dtype).reshape(np.shape(x)),
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=_batch,
    lower=Elementwise(lambda b, x, *, dtype: b.bitcast(x, dtype)),
    samples=_samples(),
)
