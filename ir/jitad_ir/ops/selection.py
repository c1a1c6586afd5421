"""Choices element by element: select, clamp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import Value
from ..lowering import Elementwise
from ..op import (
    NONLINEAR,
    Draw,
    Linear,
    Masked,
    Op,
    PerOperand,
    Sample,
    batch_to_front,
    elementwise,
    same_types,
)
from ..types import BOOL, ArrayType, TypeMismatch
from .bitwise import bitwise_and, bitwise_not, bitwise_or
from .comparison import gt, lt
from .constants import full_like
from .samples import FLOATS


def _infer_select(pred: ArrayType, on_true: ArrayType, on_false: ArrayType) -> ArrayType:
    result = same_types("select", (on_true, on_false), "biufc")
    if pred != result.with_dtype(BOOL):
        raise TypeMismatch(
            f"select: expected a predicate of type {result.with_dtype(BOOL)!r}; got {pred!r}"
        )
    return result


def _batch_select(size: int, batched: Sequence[bool], *operands: Value) -> Value:
    return select(*batch_to_front(size, batched, operands))


def _select_sample(*shape: int) -> Sample:
    return Sample((Draw(shape, 0.0, 2.0, dtype="bool"), Draw(shape), Draw(shape)))


select = Op(
    name="select",
    doc="on_true where pred (bool) is True, else on_false. What is not chosen has no influence, "
    "nan or not.",
    infer=_infer_select,
    evaluate=np.where,
    jvp=PerOperand(
        (
            None,
            lambda t, out, pred, x, y: select(pred, t, full_like(t, 0)),
            lambda t, out, pred, x, y: select(pred, full_like(t, 0), t),
        )
    ),
    transpose=Linear(
        (
            NONLINEAR,
            lambda ct, pred, x, y: Masked(pred, ct),
            lambda ct, pred, x, y: Masked(bitwise_not(pred), ct),
        )
    ),
    batch=_batch_select,
    lower=Elementwise(lambda b, pred, x, y: b.select(pred, x, y)),
    samples=(
        _select_sample(19),
        _select_sample(2, 3),
        _select_sample(),
        _select_sample(0),
        Sample(
            (
                Draw((2,), dtype="bool", values=(True, False)),
                Draw((2,), values=(1.0, float("nan"))),
                Draw((2,), values=(float("nan"), 2.0)),
            ),
            {},
            FLOATS,
            smooth=False,
        ),
    ),
)

clamp = elementwise(
    "clamp",
    "x limited to [low, high]: min(max(x, low), high); nan if any is. Where x equals a limit "
    "neither carries a tangent.",
    kinds="iuf",
    evaluate=lambda low, x, high: np.minimum(np.maximum(x, low), high),
    jvp=[
        lambda t, out, low, x, high: select(
            bitwise_and(gt(low, x), lt(low, high)), t, full_like(t, 0)
        ),
        lambda t, out, low, x, high: select(
            bitwise_and(gt(x, low), lt(x, high)), t, full_like(t, 0)
        ),
        lambda t, out, low, x, high: select(
            bitwise_or(lt(high, x), lt(high, low)), t, full_like(t, 0)
        ),
    ],
    transpose=NONLINEAR,
    emit=lambda b, low, x, high: b.clamp(low, x, high),
    samples=(
        Sample((Draw((19,), -2.0, -1.0), Draw((19,)), Draw((19,), 1.0, 2.0))),
        Sample((Draw((2, 3), 0.0, 1.0), Draw((2, 3)), Draw((2, 3), 1.0, 2.0))),
        Sample((Draw((), 2.0, 3.0), Draw(()), Draw((), 1.0, 2.0))),
        Sample((Draw((0,)), Draw((0,)), Draw((0,)))),
        Sample(
            (
                Draw((5,), values=(0.0,) * 5),
                Draw((5,), values=(float("nan"), 0.0, 1.0, -0.0, float("inf"))),
                Draw((5,), values=(1.0,) * 5),
            ),
            {},
            FLOATS,
            smooth=False,
        ),
    ),
)
