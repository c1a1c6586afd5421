"""Powers, exponentials, logarithms, trigonometric and hyperbolic functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad.errors import at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops

from .elementwise import as_ufunc, binary, composed, unary
from .promotion import (
    as_array_operand,
    as_operand,
    convert,
    filled,
    inexact,
    input_dtypes,
    kind_of,
    promote,
    shape_of,
)

sqrt = unary("sqrt", ops.sqrt, "fc")
cbrt = unary("cbrt", ops.cbrt, "f")
exp = unary("exp", ops.exp, "fc")
exp2 = unary("exp2", ops.exp2, "fc")
expm1 = unary("expm1", ops.expm1, "fc")
log = unary("log", ops.log, "fc")
log2 = unary("log2", ops.log2, "fc")
log10 = unary("log10", ops.log10, "fc")
log1p = unary("log1p", ops.log1p, "fc")

sin = unary("sin", ops.sin, "fc")
cos = unary("cos", ops.cos, "fc")
tan = unary("tan", ops.tan, "fc")
arcsin = asin = unary("arcsin", ops.asin, "fc")
arccos = acos = unary("arccos", ops.acos, "fc")
arctan = atan = unary("arctan", ops.atan, "fc")
arctan2 = atan2 = binary("arctan2", ops.atan2, "f")
sinh = unary("sinh", ops.sinh, "fc")
cosh = unary("cosh", ops.cosh, "fc")
tanh = unary("tanh", ops.tanh, "fc")
arcsinh = asinh = unary("arcsinh", ops.asinh, "fc")
arccosh = acosh = unary("arccosh", ops.acosh, "fc")
arctanh = atanh = unary("arctanh", ops.atanh, "fc")

deg2rad = composed("deg2rad", lambda x: apply(ops.mul, x, math.pi / 180), "Degrees to radians.")
rad2deg = composed("rad2deg", lambda x: apply(ops.mul, x, 180 / math.pi), "Radians to degrees.")
radians = composed("radians", lambda x: apply(ops.mul, x, math.pi / 180), "Degrees to radians.")
degrees = composed("degrees", lambda x: apply(ops.mul, x, 180 / math.pi), "Radians to degrees.")


def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x), 1 at 0, with every derivative right there to fifth order."""
    x = inexact(as_array_operand(x))
    y = apply(ops.mul, x, math.pi)
    at_zero = apply(ops.eq, y, 0)
    divisor = apply(ops.select, at_zero, filled(y, 1), y)
    # Where y is 0 the series 1 - y**2/6 + y**4/120 stands in, whose derivatives are sinc's.
    y2 = apply(ops.square, y)
    series = apply(ops.sub, apply(ops.div, y2, 20.0), 1.0)
    series = apply(ops.add, apply(ops.mul, apply(ops.div, y2, 6.0), series), 1.0)
    return apply(ops.select, at_zero, series, apply(ops.div, apply(ops.sin, y), divisor))


hypot = binary("hypot", ops.hypot, "f")
logaddexp = binary("logaddexp", ops.logaddexp, "f")
logaddexp2 = binary("logaddexp2", ops.logaddexp2, "f")


# Powers.

_STATIC_EXPONENT = 16
"""Integer exponents up to this magnitude multiply; beyond, rounding errors would add up."""


def power(x1: Any, x2: Any, /) -> Any:
    """x1**x2. A Python exponent that is a small integer, or 0.5, is static and multiplies.

    Integers to negative integer powers raise ValueError where the exponent is known, as NumPy
    does; where it is traced, they give 0 (exact for bases 1 and -1).
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

float_power = composed(
    "float_power", lambda x, y: apply(ops.pow, x, y), "x**y in float64 or complex128."
)
