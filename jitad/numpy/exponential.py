"""Powers, exponentials and logarithms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad.errors import at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops

from .elementwise import as_ufunc, binary, composed, unary
from .promotion import (
    as_operand,
    convert,
    input_dtypes,
    kind_of,
    promote,
    shape_of,
)


@unary(ops.sqrt, "fc")
def sqrt(x: Any, /) -> Any:
    """Square root.

    Any shape; float or complex, integers count as floats. Negative real numbers give nan; complex
    ones have their branch cut there, and the result has a real part >= 0. The derivative at 0 is
    infinite, also in reverse: a `where` that does not choose it keeps gradients finite.

    >>> import jitad.numpy as jnp
    >>> jnp.sqrt(jnp.array([0.0, 2.0, -1.0]))
    Array([0.        , 1.41421356,        nan])
    >>> jnp.sqrt(jnp.array(-4.0 + 0j))
    Array(0.+2.j)
    """


@unary(ops.cbrt, "f")
def cbrt(x: Any, /) -> Any:
    """Cube root, negative for negative `x`.

    Any shape; real, integers count as floats. The derivative at 0 is infinite. Raises TypeError
    for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.cbrt(jnp.array([8.0, -27.0]))
    Array([ 2., -3.])
    """


@unary(ops.exp, "fc")
def exp(x: Any, /) -> Any:
    """e to the power `x`.

    Any shape; float or complex, integers count as floats. Infinite for `x` beyond the range of the
    dtype (709.78 in float64), 0 for -inf.

    >>> import jitad.numpy as jnp
    >>> jnp.exp(jnp.array([0.0, 1.0, -jnp.inf]))
    Array([1.        , 2.71828183, 0.        ])
    """


@unary(ops.exp2, "fc")
def exp2(x: Any, /) -> Any:
    """2 to the power `x`.

    Any shape; float or complex, integers count as floats. Exact for integers within range.

    >>> import jitad.numpy as jnp
    >>> jnp.exp2(jnp.array([-1.0, 0.5, 10.0]))
    Array([5.00000000e-01, 1.41421356e+00, 1.02400000e+03])
    """


@unary(ops.expm1, "fc")
def expm1(x: Any, /) -> Any:
    """e**x - 1, accurate for small `x`, where `exp(x) - 1` cancels.

    Any shape; float or complex, integers count as floats.

    >>> import jitad.numpy as jnp
    >>> jnp.expm1(jnp.array([0.0, 1e-12]))
    Array([0.e+00, 1.e-12])
    """


@unary(ops.log, "fc")
def log(x: Any, /) -> Any:
    """Natural logarithm.

    Any shape; float or complex, integers count as floats. -inf at 0, nan for negative real
    numbers; complex ones have their branch cut there, and an imaginary part in [-pi, pi].

    >>> import jitad.numpy as jnp
    >>> jnp.log(jnp.array([1.0, jnp.e, 0.0]))
    Array([  0.,   1., -inf])
    """


@unary(ops.log2, "fc")
def log2(x: Any, /) -> Any:
    """Logarithm to base 2.

    Any shape; float or complex, integers count as floats. -inf at 0, nan for negative real numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.log2(jnp.array([1.0, 8.0, 0.5]))
    Array([ 0.,  3., -1.])
    """


@unary(ops.log10, "fc")
def log10(x: Any, /) -> Any:
    """Logarithm to base 10.

    Any shape; float or complex, integers count as floats. -inf at 0, nan for negative real numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.log10(jnp.array([1.0, 1000.0]))
    Array([0., 3.])
    """


@unary(ops.log1p, "fc")
def log1p(x: Any, /) -> Any:
    """log(1 + x), accurate for small `x`, where the sum would round.

    Any shape; float or complex, integers count as floats. -inf at -1, nan for real numbers below.

    >>> import jitad.numpy as jnp
    >>> jnp.log1p(jnp.array([0.0, 1e-12, -1.0]))
    Array([0.e+00, 1.e-12,   -inf])
    """


@binary(ops.hypot, "f")
def hypot(x: Any, y: Any, /) -> Any:
    """Length sqrt(x**2 + y**2) of the hypotenuse, without overflow on the way.

    The operands broadcast; real, integers count as floats. Infinite if one operand is, be the other
    nan. At the origin both derivatives are 0. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.hypot(jnp.array([3.0, 1e200]), jnp.array([4.0, 1e200]))
    Array([5.00000000e+000, 1.41421356e+200])
    """


def _complex_logaddexp(x: Any, y: Any) -> Any:
    """a + log(1 + e**(b - a)), where a has the greater real part; of imaginary part within pi."""
    first = apply(ops.ge, apply(ops.real, x), apply(ops.real, y))
    a, b = apply(ops.select, first, x, y), apply(ops.select, first, y, x)
    # Equal operands that are infinite differ by 0.
    infinite = apply(ops.bitwise_not, apply(ops.is_finite, apply(ops.real, a)))
    equal, zero = apply(ops.bitwise_and, apply(ops.eq, a, b), infinite), np.zeros(a.shape, a.dtype)
    difference = apply(
        ops.sub, apply(ops.select, equal, zero, b), apply(ops.select, equal, zero, a)
    )
    whole = apply(ops.add, a, apply(ops.log1p, apply(ops.exp, difference)))
    imaginary = apply(ops.imag, whole)
    turn = np.full(whole.shape, 2 * math.pi, imaginary.dtype)
    turns = apply(ops.round, apply(ops.div, imaginary, turn))
    return apply(
        ops.complex,
        apply(ops.real, whole),
        apply(ops.sub, imaginary, apply(ops.mul, turns, turn)),
    )


def _complex_logaddexp2(x: Any, y: Any) -> Any:
    """log2(e**u + e**v) of the operands in units of log 2, part by part: infinite ones stay."""

    def scaled(op: Any, z: Any) -> Any:
        parts = [apply(part, z) for part in (ops.real, ops.imag)]
        unit = np.full(z.shape, math.log(2.0), parts[0].dtype)
        return apply(ops.complex, *[apply(op, part, unit) for part in parts])

    return scaled(ops.div, _complex_logaddexp(scaled(ops.mul, x), scaled(ops.mul, y)))


@binary(ops.logaddexp, "f", _complex_logaddexp)
def logaddexp(x: Any, y: Any, /) -> Any:
    """log(e**x + e**y), without overflow on the way.

    The operands broadcast; integers count as floats. Complex ones, which NumPy does not take, give
    an imaginary part in [-pi, pi]. Where they are equal, each takes half of
    the derivative, also where both are infinite.

    >>> import jitad.numpy as jnp
    >>> jnp.logaddexp(jnp.array([0.0, 1000.0, -jnp.inf]), jnp.array([0.0, 1000.0, -jnp.inf]))
    Array([6.93147181e-01, 1.00069315e+03,           -inf])
    """


@binary(ops.logaddexp2, "f", _complex_logaddexp2)
def logaddexp2(x: Any, y: Any, /) -> Any:
    """log2(2**x + 2**y), without overflow on the way.

    The operands broadcast; integers count as floats; complex or real, see `logaddexp`.

    >>> import jitad.numpy as jnp
    >>> jnp.logaddexp2(jnp.array([0.0, 2000.0]), jnp.array([0.0, 2000.0]))
    Array([1.000e+00, 2.001e+03])
    """


# Powers.

_STATIC_EXPONENT = 16
"""Integer exponents up to this magnitude multiply; beyond, rounding errors would add up."""


def power(x1: Any, x2: Any, /) -> Any:
    """x1**x2, the operator `**`.

    The operands broadcast (else ValueError), in the dtype at which theirs meet; integers wrap. A
    Python exponent that is a small integer, or 0.5, is static and multiplies. Negative real numbers
    to powers that are no integers give nan, as their derivative by the exponent is. Integers to
    negative integer powers raise ValueError where the exponent is known, as NumPy does; where it is
    traced, they give 0 (exact for bases 1 and -1).

    >>> import jitad.numpy as jnp
    >>> jnp.power(jnp.array([1.0, 2.0, 3.0]), 2), jnp.power(2.0, jnp.array([0.5, -1.0]))
    (Array([1., 4., 9.]), Array([1.41421356, 0.5       ]))
    """
    cls = type(x2)
    if cls is int or cls is float:
        found = _static_power(x1, x2)
        if found is not None:
            return found
    _check_integer_power(x1, x2)
    x, y = promote(np.power, (x1, x2))
    return apply(ops.pow, x, y)


def _static_power(base: Any, exponent: int | float) -> Any:
    """base**exponent for an exponent worth multiplying out, else None."""
    if type(base) is Tracer and base.value.type.dtype.kind in "fc":
        x = base
    else:
        x = as_operand(base)
        dtype, other = input_dtypes(np.power, (x, exponent))
        if dtype.kind not in "fc" or dtype != other or not hasattr(x, "dtype"):
            return None
        x = convert(x, dtype)
    if exponent == 2:
        return apply(ops.square, x)
    if exponent == 0.5:
        return apply(ops.sqrt, x)
    if (
        exponent == int(exponent) and -_STATIC_EXPONENT <= exponent <= _STATIC_EXPONENT
        if (math.isfinite(exponent))
        else False
    ):
        return apply(ops.integer_pow, x, exponent=int(exponent))
    return None


def _check_integer_power(base: Any, exponent: Any) -> None:
    if isinstance(exponent, (int, np.integer, np.ndarray)) and np.any(np.asarray(exponent) < 0):
        base, exponent = as_operand(base), as_operand(exponent)
        is_integer = kind_of(exponent) == "i" and 0 not in shape_of(base)
        if is_integer and input_dtypes(np.power, (base, exponent))[0].kind == "i":
            raise ValueError(at_user_line("Integers to negative integer powers are not allowed."))


pow = power
as_ufunc(power, np.power)


@composed
def float_power(x: Any, y: Any, /) -> Any:
    """x**y in float64 or complex128, whatever the dtypes of the operands, which broadcast.

    Negative real numbers to powers that are no integers give nan. See `power`.

    >>> import jitad.numpy as jnp
    >>> jnp.float_power(jnp.array([2, 3]), -1)
    Array([0.5       , 0.33333333])
    """
    return apply(ops.pow, x, y)
