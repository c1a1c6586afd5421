"""Comparisons, predicates, logical and bitwise operations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.op import Op
from jitad_ir.types import BOOL, DTYPES

from .elementwise import Rule, as_ufunc, binary, composed, document, unary
from .promotion import (
    Operand,
    as_array_operand,
    convert,
    filled,
    promote_to_common,
)

_EVERY = "biufc"


def _mixed_signs(op: Op, negative_first: bool) -> Rule:
    """int64 with uint64, for which there is no common integer dtype: where the signed operand is
    negative the answer is known; elsewhere they compare as uint64."""

    def compare(x: Operand, y: Operand) -> Operand:
        signed = x if x.dtype.kind == "i" else y
        below = apply(ops.lt, signed, 0)
        known = filled(below, negative_first if signed is x else _FLIPPED[op])
        u64 = DTYPES["u64"]
        return apply(ops.select, below, known, apply(op, convert(x, u64), convert(y, u64)))

    return compare


# What `negative op nonnegative` and `nonnegative op negative` are.
_FLIPPED = {ops.eq: False, ops.ne: True, ops.lt: False, ops.le: False, ops.gt: True, ops.ge: True}


def _comparison(name: str, op: Op, negative_first: bool) -> Rule:
    compare = binary(name, op, _EVERY, _mixed_signs(op, negative_first))

    def function(x: Any, y: Any, /) -> Any:
        if type(y) is int and not 0 <= y < 128:
            y = _within(y, x)
        elif type(x) is int and not 0 <= x < 128:
            x = _within(x, y)
        return compare(x, y)

    document(function, name, op.doc)
    as_ufunc(function, getattr(np, name))
    return function


def _within(number: int, other: Any) -> Any:
    """`number`, or an infinity if it is beyond the range of the integers it is compared with."""
    dtype = getattr(other, "dtype", None)
    if dtype is None or dtype.kind not in "iu":
        return number
    limits = np.iinfo(dtype)
    return number if limits.min <= number <= limits.max else math.copysign(math.inf, number)


equal = _comparison("equal", ops.eq, False)
not_equal = _comparison("not_equal", ops.ne, True)
less = _comparison("less", ops.lt, True)
less_equal = _comparison("less_equal", ops.le, True)
greater = _comparison("greater", ops.gt, False)
greater_equal = _comparison("greater_equal", ops.ge, False)

isnan = composed("isnan", lambda x: apply(ops.ne, x, x), "True where x is nan.")
isfinite = unary("isfinite", ops.is_finite, "fc", lambda x: apply(ops.eq, x, x))


def _isinf(x: Operand) -> Operand:
    if x.dtype.kind == "c":
        return apply(ops.bitwise_or, _isinf(apply(ops.real, x)), _isinf(apply(ops.imag, x)))
    if x.dtype.kind == "f":
        return apply(ops.eq, apply(ops.abs, x), np.inf)
    return filled(x, False, BOOL)


isinf = composed("isinf", _isinf, "True where x is infinite, in either part if complex.")


def isposinf(x: Any) -> Any:
    """True where x is inf; x is real."""
    return _equals_infinity(x, np.inf)


def isneginf(x: Any) -> Any:
    """True where x is -inf; x is real."""
    return _equals_infinity(x, -np.inf)


def _equals_infinity(x: Any, infinity: float) -> Operand:
    x = as_array_operand(x)
    if x.dtype.kind == "c":
        raise TypeError(
            at_user_line(
                f"This operation is not supported for {x.dtype} values because it would be "
                "ambiguous."
            )
        )
    return apply(ops.eq, x, infinity) if x.dtype.kind == "f" else filled(x, False, BOOL)


def iscomplex(x: Any) -> Any:
    """True where the imaginary part is not 0."""
    x = as_array_operand(x)
    if x.dtype.kind != "c":
        return filled(x, False, BOOL)
    return apply(ops.ne, apply(ops.imag, x), 0)


def isreal(x: Any) -> Any:
    """True where the imaginary part is 0."""
    return logical_not(iscomplex(x))


# Logical operations on truth values: nonzero is True, nan too.


def _logical(op: Op) -> Rule:
    return lambda x, y: apply(op, convert(x, BOOL), convert(y, BOOL))


logical_and = composed("logical_and", _logical(ops.bitwise_and), "x and y, by truth values.")
logical_or = composed("logical_or", _logical(ops.bitwise_or), "x or y, by truth values.")
logical_xor = composed("logical_xor", _logical(ops.bitwise_xor), "One of x and y, not both.")
logical_not = composed(
    "logical_not", lambda x: apply(ops.bitwise_not, convert(x, BOOL)), "not x, by truth values."
)

# Bits.

bitwise_and = binary("bitwise_and", ops.bitwise_and, "biu")
bitwise_or = binary("bitwise_or", ops.bitwise_or, "biu")
bitwise_xor = binary("bitwise_xor", ops.bitwise_xor, "biu")
bitwise_not = bitwise_invert = invert = unary("invert", ops.bitwise_not, "biu")
left_shift = bitwise_left_shift = binary("left_shift", ops.shift_left, "iu")
right_shift = bitwise_right_shift = binary(
    "right_shift",
    ops.shift_right_arithmetic,
    "i",
    lambda x, y: apply(ops.shift_right_logical, x, y),
    "floor(x / 2**y): copies of the sign bit move in.",
)


def _bitwise_count(x: Operand) -> Operand:
    bits = apply(ops.abs, x) if x.dtype.kind == "i" else x
    return convert(apply(ops.population_count, bits), DTYPES["u8"])


bitwise_count = composed("bitwise_count", _bitwise_count, "Number of bits set in |x|, uint8.")


# Whole arrays.


def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """True where |a - b| <= atol + rtol |b|, or both are the same infinity (or nan)."""
    x, y = promote_to_common((a, b))
    if y.dtype.kind not in "fc":
        x, y = convert(x, DTYPES["f64"]), convert(y, DTYPES["f64"])
    finite = apply(ops.bitwise_and, apply(ops.is_finite, x), apply(ops.is_finite, y))
    distance = apply(ops.abs, apply(ops.sub, x, y))
    size = apply(ops.abs, y)
    bound = apply(ops.add, apply(ops.mul, size, float(rtol)), float(atol))
    near = apply(ops.bitwise_and, finite, apply(ops.le, distance, bound))
    result = apply(ops.bitwise_or, near, apply(ops.eq, x, y))
    if equal_nan:
        both = apply(ops.bitwise_and, apply(ops.ne, x, x), apply(ops.ne, y, y))
        result = apply(ops.bitwise_or, result, both)
    return result


def _every(x: Operand) -> Operand:
    return apply(ops.reduce_and, x, axes=tuple(range(x.ndim)))


def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """True if every element of `isclose` is. A bool array, traced if an operand is."""
    return _every(isclose(a, b, rtol, atol, equal_nan))


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """True if shapes and all elements are equal (nan to nan if `equal_nan`)."""
    a1, a2 = as_array_operand(a1), as_array_operand(a2)
    if a1.shape != a2.shape:
        return np.bool_(False)
    x, y = promote_to_common((a1, a2))
    same = apply(ops.eq, x, y)
    if equal_nan:
        both = apply(ops.bitwise_and, apply(ops.ne, x, x), apply(ops.ne, y, y))
        same = apply(ops.bitwise_or, same, both)
    return _every(same)


def array_equiv(a1: Any, a2: Any) -> Any:
    """True if the arrays are equal after broadcasting; False if they do not broadcast."""
    a1, a2 = as_array_operand(a1), as_array_operand(a2)
    try:
        np.broadcast_shapes(a1.shape, a2.shape)
    except ValueError:
        return np.bool_(False)
    return _every(equal(a1, a2))
