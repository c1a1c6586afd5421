"""Ops without operands: one number everywhere, a given array, a counter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Number, Value
from ..lowering import Pull
from ..op import NO_TANGENT, NONLINEAR, Op, Sample, Unknown
from ..types import ArrayType, DType, Shape, TypeMismatch, type_of


def _no_operands(_size: int, _batched: Sequence[bool], *_operands: Value, **_params: Any) -> Value:
    raise AssertionError("an op without operands is never batched")


def _infer_full(*, value: Number, shape: Shape, dtype: DType) -> ArrayType:
    if isinstance(value, complex) and dtype.kind != "c":
        raise TypeMismatch(f"full: expected a real value for dtype {dtype}; got {value}")
    return ArrayType(dtype, shape)


full = Op(
    name="full",
    doc="An array of `shape` and `dtype` with `value` (a Python number) everywhere.",
    infer=_infer_full,
    evaluate=lambda *, value, shape, dtype: np.full(shape, value, dtype),
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=_no_operands,
    lower=Pull(lambda m, index, *, result, value, shape, dtype: m.b.constant(dtype, value)),
    samples=(
        Sample((), {"value": 1, "shape": (2, 3), "dtype": np.dtype("int32")}),
        Sample((), {"value": -0.0, "shape": (), "dtype": np.dtype("float64")}),
        Sample((), {"value": 1 + 2j, "shape": (3,), "dtype": np.dtype("complex64")}),
        Sample((), {"value": 0.1, "shape": (21,), "dtype": np.dtype("float16")}),
        Sample((), {"value": True, "shape": (0,), "dtype": np.dtype("bool")}),
    ),
)


def full_like(like: Value, number: Number) -> Value:
    """`number` everywhere, in the type of `like`."""
    return full(value=number, shape=like.shape, dtype=like.dtype)


def zeros(like: Value | Unknown | ArrayType) -> Value:
    """Zeros of the shape and dtype of `like`."""
    return full(value=False if like.dtype.kind == "b" else 0, shape=like.shape, dtype=like.dtype)


constant = Op(
    name="constant",
    doc="The array `value`, which is not to be written to afterwards.",
    infer=lambda *, value: type_of(value),
    evaluate=lambda *, value: value,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=_no_operands,
    lower=Pull(lambda m, index, *, result, value: m.constant_array(value, index)),
    samples=(
        Sample((), {"value": np.array([[1.0, 2.0], [3.0, np.nan]])}),
        Sample((), {"value": np.arange(3)}),
        Sample((), {"value": np.array([0.1, -0.0, 65504, np.inf, np.nan], np.float16)}),
        Sample((), {"value": np.zeros((0, 2), np.complex64)}),
    ),
)


def _infer_iota(*, shape: Shape, dim: int, dtype: DType) -> ArrayType:
    if not 0 <= dim < len(shape):
        raise TypeMismatch(f"iota: expected 0 <= dim < {len(shape)}; got dim {dim}")
    if dtype.kind not in "iufc":
        raise TypeMismatch(f"iota: expected a numeric dtype; got {dtype}")
    return ArrayType(dtype, shape)


def _evaluate_iota(*, shape: Shape, dim: int, dtype: DType) -> Any:
    column = [1] * len(shape)
    column[dim] = shape[dim]
    return np.broadcast_to(np.arange(shape[dim]).astype(dtype).reshape(column), shape)


iota = Op(
    name="iota",
    doc="An array of `shape` whose elements count 0, 1, 2, ... along axis `dim`.",
    infer=_infer_iota,
    evaluate=_evaluate_iota,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=_no_operands,
    lower=Pull(
        lambda m, index, *, result, shape, dim, dtype: m.b.convert(m.number(index[dim]), dtype)
    ),
    samples=(
        Sample((), {"shape": (5,), "dim": 0, "dtype": np.dtype("int64")}),
        Sample((), {"shape": (2, 3), "dim": 1, "dtype": np.dtype("float32")}),
        Sample((), {"shape": (2100,), "dim": 0, "dtype": np.dtype("float16")}),
        Sample((), {"shape": (2, 0), "dim": 0, "dtype": np.dtype("uint8")}),
    ),
)
