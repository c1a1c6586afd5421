"""Comparisons, predicates and logical operations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from jitad.array import as_array
from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.op import Op
from jitad_ir.types import BOOL, DTYPES

from .elementwise import F, Rule, as_ufunc, binary, composed, document, unary
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


def _comparison(op: Op, negative_first: bool) -> Callable[[F], F]:
    """Decorator of the declaration of a comparison; see `elementwise.binary`."""

    def declared(declaration: F) -> F:
        compare = binary(op, _EVERY, _mixed_signs(op, negative_first))(declaration)

        def function(x: Any, y: Any, /) -> Any:
            if type(y) is int and not 0 <= y < 128:
                y = _within(y, x)
            elif type(x) is int and not 0 <= x < 128:
                x = _within(x, y)
            return compare(x, y)

        document(function, declaration)
        as_ufunc(function, getattr(np, declaration.__name__))
        return cast(F, function)

    return declared


def _within(number: int, other: Any) -> Any:
    """`number`, or an infinity if it is beyond the range of the integers it is compared with."""
    dtype = getattr(other, "dtype", None)
    if dtype is None or dtype.kind not in "iu":
        return number
    limits = np.iinfo(dtype)
    return number if limits.min <= number <= limits.max else math.copysign(math.inf, number)


@_comparison(ops.eq, False)
def equal(x: Any, y: Any, /) -> Any:
    """x == y: a bool array of the shape to which the operands broadcast (else ValueError).

    Any dtypes, int64 and uint64 by their exact values. False where either is nan.

    >>> import jitad.numpy as jnp
    >>> jnp.equal(jnp.array([1.0, jnp.nan]), jnp.array([1.0, jnp.nan]))
    Array([ True, False])
    """


@_comparison(ops.ne, True)
def not_equal(x: Any, y: Any, /) -> Any:
    """x != y: a bool array of the shape to which the operands broadcast (else ValueError).

    Any dtypes, int64 and uint64 by their exact values. True where either is nan.

    >>> import jitad.numpy as jnp
    >>> jnp.not_equal(jnp.array([1, 2]), 2)
    Array([ True, False])
    """


@_comparison(ops.lt, True)
def less(x: Any, y: Any, /) -> Any:
    """x < y: a bool array of the shape to which the operands broadcast (else ValueError).

    Any dtypes, int64 and uint64 by their exact values; complex numbers by real part, then
    imaginary part. False where either is nan.

    >>> import jitad.numpy as jnp
    >>> jnp.less(jnp.arange(3), 1)
    Array([ True, False, False])
    """


@_comparison(ops.le, True)
def less_equal(x: Any, y: Any, /) -> Any:
    """x <= y: a bool array of the shape to which the operands broadcast (else ValueError).

    Dtypes and nan as for `less`.

    >>> import jitad.numpy as jnp
    >>> jnp.less_equal(jnp.arange(3), 1)
    Array([ True,  True, False])
    """


@_comparison(ops.gt, False)
def greater(x: Any, y: Any, /) -> Any:
    """x > y: a bool array of the shape to which the operands broadcast (else ValueError).

    Dtypes and nan as for `less`.

    >>> import jitad.numpy as jnp
    >>> jnp.greater(jnp.arange(3), 1)
    Array([False, False,  True])
    """


@_comparison(ops.ge, False)
def greater_equal(x: Any, y: Any, /) -> Any:
    """x >= y: a bool array of the shape to which the operands broadcast (else ValueError).

    Dtypes and nan as for `less`.

    >>> import jitad.numpy as jnp
    >>> jnp.greater_equal(jnp.arange(3), 1)
    Array([False,  True,  True])
    """


@composed
def isnan(x: Any, /) -> Any:
    """True where `x` is nan, in either part if complex; a bool array of its shape.

    Any dtype.

    >>> import jitad.numpy as jnp
    >>> jnp.isnan(jnp.array([0.0, jnp.nan, jnp.inf]))
    Array([False,  True, False])
    """
    return apply(ops.ne, x, x)


@unary(ops.is_finite, "fc", lambda x: apply(ops.eq, x, x))
def isfinite(x: Any, /) -> Any:
    """True where `x` is neither infinite nor nan, in both parts if complex.

    A bool array of the shape of `x`, of any dtype.

    >>> import jitad.numpy as jnp
    >>> jnp.isfinite(jnp.array([0.0, jnp.nan, jnp.inf]))
    Array([ True, False, False])
    """


def _isinf(x: Operand) -> Operand:
    if x.dtype.kind == "c":
        return apply(ops.bitwise_or, _isinf(apply(ops.real, x)), _isinf(apply(ops.imag, x)))
    if x.dtype.kind == "f":
        return apply(ops.eq, apply(ops.abs, x), np.inf)
    return filled(x, False, BOOL)


@composed
def isinf(x: Any, /) -> Any:
    """True where `x` is infinite, in either part if complex; a bool array of its shape.

    Any dtype.

    >>> import jitad.numpy as jnp
    >>> jnp.isinf(jnp.array([0.0, jnp.nan, -jnp.inf]))
    Array([False, False,  True])
    """
    return _isinf(x)


def isposinf(x: Any) -> Any:
    """True where `x` is inf; a bool array in its shape.

    Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.isposinf(jnp.array([jnp.inf, -jnp.inf, 0.0]))
    Array([ True, False, False])
    """
    return _equals_infinity(x, np.inf)


def isneginf(x: Any) -> Any:
    """True where `x` is -inf; a bool array in its shape.

    Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.isneginf(jnp.array([jnp.inf, -jnp.inf, 0.0]))
    Array([False,  True, False])
    """
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
    """True where the imaginary part is not 0; a bool array in the shape of `x`.

    >>> import jitad.numpy as jnp
    >>> jnp.iscomplex(jnp.array([1 + 0j, 2j]))
    Array([False,  True])
    """
    x = as_array_operand(x)
    if x.dtype.kind != "c":
        return filled(x, False, BOOL)
    return apply(ops.ne, apply(ops.imag, x), 0)


def isreal(x: Any) -> Any:
    """True where the imaginary part is 0; a bool array in the shape of `x`.

    >>> import jitad.numpy as jnp
    >>> jnp.isreal(jnp.array([1 + 0j, 2j]))
    Array([ True, False])
    """
    return logical_not(iscomplex(x))


# Logical operations on truth values: nonzero is True, nan too.


@composed
def logical_and(x: Any, y: Any, /) -> Any:
    """True where both operands are nonzero (nan is): a bool array.

    They broadcast (else ValueError), of any dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.logical_and(jnp.array([0, 1, 2]), True)
    Array([False,  True,  True])
    """
    return apply(ops.bitwise_and, convert(x, BOOL), convert(y, BOOL))


@composed
def logical_or(x: Any, y: Any, /) -> Any:
    """True where an operand is nonzero (nan is): a bool array.

    They broadcast (else ValueError), of any dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.logical_or(jnp.array([0, 1]), jnp.array([0, 0]))
    Array([False,  True])
    """
    return apply(ops.bitwise_or, convert(x, BOOL), convert(y, BOOL))


@composed
def logical_xor(x: Any, y: Any, /) -> Any:
    """True where one operand alone is nonzero (nan is): a bool array.

    They broadcast (else ValueError), of any dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.logical_xor(jnp.array([0, 1]), jnp.array([1, 1]))
    Array([ True, False])
    """
    return apply(ops.bitwise_xor, convert(x, BOOL), convert(y, BOOL))


@composed
def logical_not(x: Any, /) -> Any:
    """True where `x` is 0; a bool array of its shape.

    Any dtype.

    >>> import jitad.numpy as jnp
    >>> jnp.logical_not(jnp.array([0.0, 0.5, jnp.nan]))
    Array([ True, False, False])
    """
    return apply(ops.bitwise_not, convert(x, BOOL))


# Whole arrays.


def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """True where |a - b| <= atol + rtol |b|, or both are the same infinity.

    The operands broadcast (else ValueError), of any dtype; a bool array. nan is close to nan only
    if `equal_nan`. `b` is the reference: the operands do not change places freely.

    >>> import jitad.numpy as jnp
    >>> jnp.isclose(jnp.array([1.0, 1.0]), jnp.array([1.0 + 1e-9, 1.1]))
    Array([ True, False])
    """
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
    """True if |a - b| <= atol + rtol |b| for all elements; see `isclose`.

    A bool array without axes, traced if an operand is. True for no elements. Raises ValueError for
    shapes that do not broadcast.

    >>> import jitad.numpy as jnp
    >>> jnp.allclose(jnp.array([1.0, 2.0]), jnp.array([1.0, 2.0 + 1e-9]))
    Array(True)
    """
    return _every(isclose(a, b, rtol, atol, equal_nan))


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """True if the shapes are equal and all elements are (nan to nan if `equal_nan`).

    A bool array without axes; False for shapes that differ.

    >>> import jitad.numpy as jnp
    >>> jnp.array_equal(jnp.array([1, 2]), jnp.array([1.0, 2.0]))
    Array(True)
    """
    a1, a2 = as_array_operand(a1), as_array_operand(a2)
    if a1.shape != a2.shape:
        return as_array(np.False_)
    x, y = promote_to_common((a1, a2))
    same = apply(ops.eq, x, y)
    if equal_nan:
        both = apply(ops.bitwise_and, apply(ops.ne, x, x), apply(ops.ne, y, y))
        same = apply(ops.bitwise_or, same, both)
    return _every(same)


def array_equiv(a1: Any, a2: Any) -> Any:
    """True if the arrays are equal after broadcasting; False if they do not broadcast.

    A bool array without axes.

    >>> import jitad.numpy as jnp
    >>> jnp.array_equiv(jnp.array([[1, 2], [1, 2]]), jnp.array([1, 2]))
    Array(True)
    """
    a1, a2 = as_array_operand(a1), as_array_operand(a2)
    try:
        np.broadcast_shapes(a1.shape, a2.shape)
    except ValueError:
        return as_array(np.False_)
    return _every(equal(a1, a2))
