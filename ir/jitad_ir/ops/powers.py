"""Powers, with a constant integer exponent and with any."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Elementwise
from ..op import NONLINEAR, Draw, Op, PerOperand, Sample, elementwise, same_types
from ..types import ArrayType, TypeMismatch
from .arithmetic import mul, sub
from .bitwise import bitwise_and
from .comparison import eq
from .constants import full_like
from .samples import FLOATS, edges, integer_edges, one, two
from .selection import select
from .transcendental import log


def _infer_integer_pow(x: ArrayType, *, exponent: int) -> ArrayType:
    same_types("integer_pow", (x,), "iufc")
    if exponent < 0 and not x.is_inexact:
        raise TypeMismatch(f"integer_pow: expected exponent >= 0 for {x!r}; got {exponent}")
    return x


def _evaluate_integer_pow(x: Any, *, exponent: int) -> Any:
    """By repeated squaring; the reciprocal of the positive power if the exponent is negative."""
    result, factor, rest = None, x, -exponent if exponent < 0 else exponent
    while rest:
        if rest & 1:
            result = factor if result is None else np.multiply(result, factor)
        rest >>= 1
        if rest:
            factor = np.multiply(factor, factor)
    if result is None:
        return np.ones_like(x)
    return np.reciprocal(result) if exponent < 0 else result


def _jvp_integer_pow(t: Value, out: Value, x: Value, *, exponent: int) -> Value | None:
    if exponent == 0:
        return None
    if exponent == 1:
        return t
    lower = x if exponent == 2 else integer_pow(x, exponent=exponent - 1)
    return mul(t, mul(lower, exponent))


integer_pow = Op(
    name="integer_pow",
    doc="x to the power `exponent`, a Python int, by repeated multiplication; integers wrap.",
    infer=_infer_integer_pow,
    evaluate=_evaluate_integer_pow,
    jvp=PerOperand((_jvp_integer_pow,)),
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, exponent: integer_pow(x, exponent=exponent),
    lower=Elementwise(lambda b, x, *, exponent: b.integer_pow(x, exponent)),
    samples=(
        *one(exponent=3),
        *[Sample((Draw(),), {"exponent": n}) for n in (0, 1, 2, 7)],
        *[Sample((Draw((4,), 0.5, 2.0),), {"exponent": n}) for n in (-1, -2, -5)],
        *[s for n in (0, 3) for s in integer_edges(exponent=n)],
        *[s for n in (0, 2, 3, -3) for s in edges(exponent=n)],
    ),
)


def _evaluate_pow(x: Any, y: Any) -> Any:
    """NumPy's, except that integers may have negative powers: 1 / x**-y truncated toward zero."""
    if x.dtype.kind != "i":
        return np.power(x, y)
    unit = np.where(np.absolute(x) == 1, np.power(x, y & 1), x.dtype.type(0))
    return np.where(y < 0, unit, np.power(x, np.maximum(y, x.dtype.type(0))))


def _jvp_pow_base(t: Value, out: Value, x: Value, y: Value) -> Value:
    """y x**(y - 1); where x and y are 0, of 0 and not of 0 * inf, since x**0 is constant."""
    singular = bitwise_and(eq(x, 0), eq(y, 0))
    base = select(singular, full_like(x, 1), x)
    return mul(t, mul(y, pow(base, sub(y, 1))))


def _jvp_pow_exponent(t: Value, out: Value, x: Value, y: Value) -> Value:
    """log(x) x**y; where x is 0, of log(1) 0**y: 0 for y >= 0."""
    base = select(eq(x, 0), full_like(x, 1), x)
    return mul(t, mul(log(base), out))


def _emit_pow(b: Any, x: Any, y: Any) -> Any:
    """Of integers: as `_evaluate_pow`, by repeated squaring over every bit of the exponent."""
    dtype = x.dtype
    if dtype.kind in "fc":
        return b.pow(x, y)
    zero, one = b.constant(dtype, 0), b.constant(dtype, 1)
    result, factor = one, x
    for place in range(8 * dtype.itemsize - (dtype.kind == "i")):
        is_set = b.ne(b.bitwise_and(y, b.constant(dtype, 1 << place)), zero)
        result = b.select(is_set, b.mul(result, factor), result)
        factor = b.mul(factor, factor)
    if dtype.kind == "u":
        return result
    is_odd = b.ne(b.bitwise_and(y, one), zero)
    unit = b.select(b.eq(b.abs(x), one), b.select(is_odd, x, one), zero)
    return b.select(b.lt(y, zero), unit, result)


pow = elementwise(
    "pow",
    "x**y; x**0 is 1 for every x. Of integers, a negative power of 1 or -1 is exact, others are 0.",
    kinds="iufc",
    evaluate=_evaluate_pow,
    jvp=[_jvp_pow_base, _jvp_pow_exponent],
    transpose=NONLINEAR,
    emit=_emit_pow,
    samples=(
        *two(0.5, 3.0, -2.0, 2.0),
        *edges(2),
        *integer_edges(2),
        Sample(
            (Draw((9,), values=(0, 1, 2, 3, -1, -2, -3, 5, 7)), Draw((9,), 0.0, 9.0)),
            dtypes=("i8", "u16", "i32", "i64"),
        ),
        Sample(
            (Draw((6,), values=(-2.0,) * 6), Draw((6,), values=(2.0, 3.0, -1.0, 0.5, 0.0, -0.0))),
            dtypes=FLOATS,
            smooth=False,
        ),
    ),
    dear=True,
)
