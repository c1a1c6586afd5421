"""Elementwise sums, products and their relatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Bilinear, Draw, Linear, NONLINEAR, Sample, elementwise

_ONE = (Sample((Draw(),)), Sample((Draw((2, 3)),)), Sample((Draw(()),)), Sample((Draw((0,)),)))
_TWO = (
    Sample((Draw(), Draw())),
    Sample((Draw((2, 3)), Draw((2, 3)))),
    Sample((Draw(()), Draw(()))),
    Sample((Draw((0,)), Draw((0,)))),
)

neg = elementwise(
    "neg",
    "-x; integers wrap.",
    kinds="iufc",
    evaluate=np.negative,
    jvp=[lambda t, out, x: neg(t)],
    transpose=Linear((lambda ct, x: neg(ct),)),
    emit=lambda b, x: b.neg(x),
    samples=_ONE,
)

add = elementwise(
    "add",
    "x + y; integers wrap.",
    kinds="iufc",
    evaluate=np.add,
    jvp=[lambda t, out, x, y: t, lambda t, out, x, y: t],
    transpose=Linear((lambda ct, x, y: ct, lambda ct, x, y: ct)),
    emit=lambda b, x, y: b.add(x, y),
    samples=_TWO,
)

sub = elementwise(
    "sub",
    "x - y; integers wrap.",
    kinds="iufc",
    evaluate=np.subtract,
    jvp=[lambda t, out, x, y: t, lambda t, out, x, y: neg(t)],
    transpose=Linear((lambda ct, x, y: ct, lambda ct, x, y: neg(ct))),
    emit=lambda b, x, y: b.sub(x, y),
    samples=_TWO,
)

mul = elementwise(
    "mul",
    "x * y; integers wrap.",
    kinds="iufc",
    evaluate=np.multiply,
    jvp=[lambda t, out, x, y: mul(t, y), lambda t, out, x, y: mul(x, t)],
    transpose=Bilinear((lambda ct, x, y: mul(ct, y), lambda ct, x, y: mul(x, ct))),
    emit=lambda b, x, y: b.mul(x, y),
    samples=_TWO,
)


def _divide(x: Any, y: Any) -> Any:
    """Division; that of integers truncates toward zero, and by zero gives 0 as NumPy's does."""
    if x.dtype.kind in "fc":
        return np.divide(x, y)
    quotient = np.floor_divide(x, y)
    inexact = (np.remainder(x, y) != 0) & ((x < 0) != (y < 0))
    return quotient + inexact.astype(x.dtype)


div = elementwise(
    "div",
    "x / y; that of integers truncates toward zero, and division of one by zero gives 0.",
    kinds="iufc",
    evaluate=_divide,
    jvp=[lambda t, out, x, y: div(t, y), lambda t, out, x, y: neg(div(mul(t, out), y))],
    transpose=Linear((lambda ct, x, y: div(ct, y), NONLINEAR)),
    emit=lambda b, x, y: b.div(x, y),
    samples=(
        Sample((Draw(), Draw((4,), 1.0, 3.0))),
        Sample((Draw((2, 3)), Draw((2, 3), -3.0, -1.0)), dtypes=("f32", "f64", "i32", "i8")),
        Sample((Draw((0,)), Draw((0,)))),
    ),
)
