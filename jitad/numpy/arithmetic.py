"""Arithmetic, rounding, remainders and the parts of complex numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad.trace import apply
from jitad_ir import ops

from .elementwise import UFUNCS, binary, composed, unary, unchanged
from .exponential import arctan2
from .promotion import Operand, as_array_operand, as_dtype, convert, filled, no_out, strong

negative = unary("negative", ops.neg, "iufc")
absolute = unary("absolute", ops.abs, "iufc", unchanged)
abs = absolute
sign = unary("sign", ops.sign, "iufc")
square = unary("square", ops.square, "iufc")
reciprocal = unary(
    "reciprocal",
    ops.reciprocal,
    "fc",
    lambda x: apply(ops.div, filled(x, 1), x),
    "1 / x; of integers truncated toward zero.",
)
positive = composed("positive", unchanged, "x itself; not defined for bool.")
fabs = composed("fabs", lambda x: apply(ops.abs, x), "|x| in a float dtype.")

add = binary("add", ops.add, "iufc", lambda x, y: apply(ops.bitwise_or, x, y))
subtract = binary("subtract", ops.sub, "iufc")
multiply = binary("multiply", ops.mul, "iufc", lambda x, y: apply(ops.bitwise_and, x, y))
divide = binary("true_divide", ops.div, "fc", doc="x / y; integers divide in float64.")
true_divide = divide

floor = unary("floor", ops.floor, "f", unchanged)
ceil = unary("ceil", ops.ceil, "f", unchanged)
trunc = unary("trunc", ops.trunc, "f", unchanged)


def _rint_parts(x: Operand) -> Operand:
    re, im = apply(ops.round, apply(ops.real, x)), apply(ops.round, apply(ops.imag, x))
    return apply(ops.complex, re, im)


rint = unary("rint", ops.round, "f", _rint_parts)


def round(a: Any, decimals: int = 0, out: None = None) -> Any:
    """`a` rounded to `decimals` places (negative: before the point), halfway cases to even.

    Computed as NumPy does, by rounding `a` times 10**decimals.
    """
    no_out(out)
    a = as_array_operand(a)
    if a.dtype.kind == "b":
        a = convert(a, np.dtype("float32"))  # NumPy: float16
    if a.dtype.kind in "iu":
        if decimals >= 0:
            return strong(a)
        scale = 10**-decimals
        return convert(multiply(rint(divide(a, scale)), scale), a.dtype)
    if decimals == 0:
        return rint(a)
    scale = float(10 ** (decimals if decimals > 0 else -decimals))
    if decimals > 0:
        return divide(rint(multiply(a, scale)), scale)
    return multiply(rint(divide(a, scale)), scale)


around = round


def fix(x: Any) -> Any:
    """`x` without its fraction (`trunc`)."""
    return trunc(x)


# Remainders. `rem` of the IR has the sign of the dividend; Python's and NumPy's % that of the
# divisor: r + y where r and y have opposite signs.

fmod = binary("fmod", ops.rem, "iuf")


def _opposite(r: Operand, y: Operand) -> Operand:
    """True where r is not 0 and has not the sign of y."""
    differ = apply(ops.ne, apply(ops.lt, r, 0), apply(ops.lt, y, 0))
    return apply(ops.bitwise_and, apply(ops.ne, r, 0), differ)


def _remainder(x: Operand, y: Operand) -> Operand:
    r = apply(ops.rem, x, y)
    if y.dtype.kind == "u":
        return r
    r = apply(ops.select, _opposite(r, y), apply(ops.add, r, y), r)
    if y.dtype.kind == "f":
        signed_zero = apply(ops.copysign, filled(y, 0), y)
        r = apply(ops.select, apply(ops.eq, r, 0), signed_zero, r)
    return r


def _floor_divide(x: Operand, y: Operand) -> Operand:
    if y.dtype.kind == "u":
        return apply(ops.div, x, y)
    r = apply(ops.rem, x, y)
    if y.dtype.kind == "i":
        quotient = apply(ops.div, x, y)
        return apply(ops.select, _opposite(r, y), apply(ops.sub, quotient, 1), quotient)
    # As NumPy's divmod: (x - r) / y is within rounding of an integer; x / y where y is 0.
    exact = apply(ops.div, apply(ops.sub, x, r), y)
    exact = apply(ops.select, _opposite(r, y), apply(ops.sub, exact, 1), exact)
    below = apply(ops.floor, exact)
    far = apply(ops.gt, apply(ops.sub, exact, below), 0.5)
    nearest = apply(ops.select, far, apply(ops.add, below, 1), below)
    ratio = apply(ops.div, x, y)
    signed_zero = apply(ops.copysign, filled(y, 0), ratio)
    nearest = apply(ops.select, apply(ops.eq, exact, 0), signed_zero, nearest)
    result = apply(ops.select, apply(ops.eq, y, 0), ratio, nearest)
    return apply(ops.stop_gradient, result)


remainder = composed(
    "remainder", _remainder, "x - floor(x / y) y, with the sign of y; 0 for integers and y = 0."
)
mod = remainder
floor_divide = composed("floor_divide", _floor_divide, "floor(x / y); 0 for integers and y = 0.")
divmod = composed(
    "divmod",
    lambda x, y: (_floor_divide(x, y), _remainder(x, y)),
    "(floor_divide(x, y), remainder(x, y)).",
)


def _modf(x: Operand) -> tuple[Operand, Operand]:
    whole = apply(ops.trunc, x)
    infinite = apply(ops.eq, apply(ops.abs, x), np.inf)
    fraction = apply(ops.select, infinite, filled(x, 0), apply(ops.sub, x, whole))
    return apply(ops.copysign, fraction, x), whole


modf = composed("modf", _modf, "(fraction, integral part) of x, both with the sign of x.")

copysign = binary("copysign", ops.copysign, "f")
nextafter = binary("nextafter", ops.nextafter, "f")
signbit = composed(
    "signbit",
    lambda x: apply(ops.lt, apply(ops.copysign, filled(x, 1), x), 0),
    "True where the sign bit of x is set (also of -0.0).",
)


def _heaviside(x: Operand, at_zero: Operand) -> Operand:
    step = apply(ops.select, apply(ops.lt, x, 0), filled(x, 0), filled(x, 1))
    step = apply(ops.select, apply(ops.eq, x, 0), at_zero, step)
    return apply(ops.select, apply(ops.ne, x, x), x, step)


heaviside = composed(
    "heaviside", _heaviside, "0 for x < 0, the second operand for x = 0, 1 for x > 0."
)


# Complex numbers.

conjugate = unary("conjugate", ops.conj, "c", unchanged)
conj = conjugate


def real(val: Any) -> Any:
    """Real part; real operands unchanged."""
    val = as_array_operand(val)
    return apply(ops.real, val) if val.dtype.kind == "c" else strong(val)


def imag(val: Any) -> Any:
    """Imaginary part; zeros for real operands."""
    val = as_array_operand(val)
    return apply(ops.imag, val) if val.dtype.kind == "c" else filled(val, 0)


def angle(z: Any, deg: bool = False) -> Any:
    """Argument of complex z in radians (degrees if `deg`), in (-pi, pi]."""
    z = as_array_operand(z)
    result = arctan2(imag(z), real(z)) if z.dtype.kind == "c" else arctan2(0, z)
    return multiply(result, 180 / np.pi) if deg else result


def iscomplexobj(x: Any) -> bool:
    """True if the dtype is complex."""
    return as_array_operand(x).dtype.kind == "c"


def isrealobj(x: Any) -> bool:
    """True if the dtype is not complex."""
    return not iscomplexobj(x)


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """`x` in another dtype. Floats go to integers toward zero; beyond the range, where NumPy's
    result is undefined, to its end (nan to 0). Complex to real drops the imaginary part."""
    return strong(convert(as_array_operand(x), as_dtype(dtype)))


UFUNCS[np.divide] = divide
